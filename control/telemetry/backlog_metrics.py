"""SHELL: what waits in the database, for `/metrics`: calls, deliveries, messages, analyses.

It is counted at most every few seconds, whoever asks how often: the metrics are open to everybody.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import Table, func, select

from ...media.clock import Clock
from ..domain.analyses import AnalysisStatus
from ..domain.calls import CallStatus
from ..domain.messages import OutboxStatus
from ..domain.webhooks import DeliveryStatus
from ..errors import StoreError
from ..store import schema
from ..store.database import Database
from .prometheus import AnyFamily, Gauge, Sample

COUNT_EVERY_S = 5.0

Counts = dict[str, int]


class Backlogs:
    """`await look()`, then the families tell what was found."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._looked_at: float | None = None
        self._looking = asyncio.Lock()
        self._calls: Counts = {}
        self._deliveries: Counts = {}
        self._messages: Counts = {}
        self._analyses: Counts = {}
        self.failures = 0
        "Times that the database could not be asked."

    async def look(self) -> None:
        """Count, unless that was done a moment ago. Raises nothing."""
        async with self._looking:
            now = self._clock.now()
            if self._looked_at is not None and now - self._looked_at < COUNT_EVERY_S:
                return
            self._looked_at = now
            try:
                self._calls = await self._count(
                    schema.CALLS, [CallStatus.QUEUED.value, CallStatus.SCHEDULED.value]
                )
                self._deliveries = await self._count(
                    schema.DELIVERIES, [DeliveryStatus.WAITING.value, DeliveryStatus.FAILED.value]
                )
                self._messages = await self._count(
                    schema.OUTBOX, [OutboxStatus.WAITING.value, OutboxStatus.FAILED.value]
                )
                self._analyses = await self._count(
                    schema.CALL_ANALYSES,
                    [AnalysisStatus.PENDING.value, AnalysisStatus.FAILED.value],
                )
            except StoreError:
                self.failures += 1

    def families(self) -> Iterable[AnyFamily]:
        """For the exposition."""
        return (
            _gauge(
                "offhook_dial_queue_calls",
                "Calls that wait to be placed: queued ones are due, scheduled ones are not.",
                lambda: self._calls,
            ),
            _gauge(
                "offhook_webhook_deliveries",
                "Deliveries to webhooks that wait, or were given up and are still kept.",
                lambda: self._deliveries,
            ),
            _gauge(
                "offhook_outbox_messages",
                "Messages that wait to be sent, or were given up.",
                lambda: self._messages,
            ),
            _gauge(
                "offhook_call_analyses",
                "Analyses of calls that wait to be made, or were given up.",
                lambda: self._analyses,
            ),
            Gauge(
                "offhook_backlog_failures_total",
                "Times that the database could not be asked what waits.",
                lambda: self.failures,
                "counter",
            ),
        )

    async def _count(self, table: Table, statuses: Sequence[str]) -> Counts:
        query = (
            select(table.c.status, func.count())
            .where(table.c.status.in_(statuses))
            .group_by(table.c.status)
        )
        async with self._database.read() as tx:
            found = {str(status): int(count) for status, count in await tx.execute(query)}
        return {status: found.get(status, 0) for status in statuses}


def _gauge(name: str, help_: str, counts: Callable[[], Counts]) -> Gauge:
    def read() -> list[Sample]:
        return [Sample(name, count, (("status", status),)) for status, count in counts().items()]

    return Gauge(name, help_, read, "gauge")
