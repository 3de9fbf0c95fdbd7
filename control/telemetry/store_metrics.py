"""What is counted of the database: transactions, how long they wait and take, what it fills.

Its file's size is asked of the disk when the metrics are asked for: two calls that never wait long.
"""

import os
from collections.abc import Iterable

from ...media.clock import Clock
from ..store.database import Database
from .metrics import Metrics
from .prometheus import AnyFamily, Counter, Gauge, Histogram, Sample

DURATION_BOUNDS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
FILES = (("database", ""), ("log", "-wal"))


class StoreMetrics:
    """A StoreWatch (store/database.py)."""

    def __init__(self, clock: Clock, database: Database) -> None:
        """Watches this database from now on."""
        self._clock = clock
        self._database = database
        self._transactions = Counter(
            "offhook_db_transactions_total", "Transactions that ended, by kind and result."
        )
        self._duration = Histogram(
            "offhook_db_transaction_duration_seconds",
            "From asking for a connection to its return, by kind; writers' wait not included.",
            DURATION_BOUNDS_S,
        )
        self._waited = Histogram(
            "offhook_db_write_wait_seconds",
            "How long a writer waited for the others.",
            DURATION_BOUNDS_S,
        )
        self._ended = {
            (kind, done): self._transactions.at(kind=kind, result="done" if done else "rolled_back")
            for kind in ("read", "write")
            for done in (True, False)
        }
        self._took = {kind: self._duration.at(kind=kind) for kind in ("read", "write")}
        self._waits = self._waited.at()
        database.watch = self

    def now(self) -> float:
        """The moment, for the database."""
        return self._clock.now()

    def waited(self, seconds: float) -> None:
        """A writer had its turn."""
        self._waits.observe(seconds)

    def ended(self, kind: str, seconds: float, done: bool) -> None:
        """A transaction is over; `done`: as its caller wanted."""
        self._ended[kind, done].add()
        self._took[kind].observe(seconds)

    def add_to(self, metrics: Metrics) -> None:
        """Show it."""
        metrics.add_families(self.families())

    def families(self) -> Iterable[AnyFamily]:
        """For the exposition."""
        waiting = Gauge(
            "offhook_db_writers_waiting",
            "Transactions that wait for their turn to write.",
            lambda: self._database.waiting_writes,
            "gauge",
        )
        size = Gauge("offhook_db_file_bytes", "SQLite's files on the disk.", self._sizes, "gauge")
        return (self._transactions, self._duration, self._waited, waiting, size)

    def _sizes(self) -> Iterable[Sample]:
        file = self._database.file
        for name, suffix in FILES if file else ():
            try:
                size = os.stat(f"{file}{suffix}").st_size
            except OSError:
                continue
            yield Sample("offhook_db_file_bytes", size, (("file", name),))
