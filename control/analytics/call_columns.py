"""All calls as columns: a few numpy arrays, a row a call, appended to, never moved. Pure.

A call that changes gets a new row and its old one is dead. Words (agents, lines, phrases) are
numbers of a list; a call's gaps and phrases are rows of columns of their own, which say whose they
are. Not here: where rows come from (column_worker.py), what is counted (tallies.py).
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

STATUSES = (
    "completed",
    "no_answer",
    "busy",
    "failed",
    "cancelled",
    "scheduled",
    "queued",
    "dialing",
    "ringing",
    "live",
)
"What a call is, by its number: how it ended, else where it stands."
ENDED = 5
"Numbers below it are outcomes."
PENDING = 7
"From ENDED to below it they wait; beyond it calls are in progress."
COMPLETED, CANCELLED = 0, 4
MISSED = range(COMPLETED + 1, CANCELLED)
MOODS = ("positive", "neutral", "negative")
BANDS = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 75.0, 80.0, 90.0)
"Where QA scores are parted: at tens, and where a fair one becomes good."
UNKNOWN = -1
"Of a number that stands for a word or a flag."
MOST_DEAD = 0.25
"With more of them the columns are made anew without."


class CallRow(NamedTuple):
    """A call as the columns take it; the order is that of store columns that are read."""

    call_seq: int
    owner_id: str
    created_wall: float
    begun_wall: float
    inbound: bool
    line: str
    agent_id: str | None
    agent_name: str
    campaign_id: str | None
    status: str
    "One of STATUSES."
    cause: str = ""
    duration_s: float | None = None
    voicemail: bool | None = None
    retry_attempt: int = 0
    original_seq: int | None = None
    currency: str = ""
    cost_stt: float | None = None
    cost_llm: float | None = None
    cost_tts: float | None = None
    cost_carrier: float | None = None
    analysed: bool = False
    sentiment: str | None = None
    sentiment_score: float | None = None
    qa_score: float | None = None
    escalations: int = 0
    taken_over: int = 0
    gaps: str = ""
    "Numbers of GAP_STEP_MS (store/analytics.py), spaces between."
    phrases: str = ""
    "A line each."


class Words:
    """Words and their numbers."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self.words: list[str] = []
        self._numbers: dict[str, int] = {}
        for word in words:
            self.number(word)

    def number(self, word: str | None) -> int:
        """Of a word, known or not; UNKNOWN of None."""
        if word is None:
            return UNKNOWN
        number = self._numbers.get(word)
        if number is None:
            number = self._numbers[word] = len(self.words)
            self.words.append(word)
        return number

    def known(self, word: str) -> int | None:
        """Of a word that has been met."""
        return self._numbers.get(word)

    def word(self, number: int) -> str | None:
        """Back."""
        return None if number == UNKNOWN else self.words[number]


class Column:
    """An array that grows."""

    def __init__(self, dtype: str) -> None:
        self._array: Array = np.empty(1024, dtype)
        self.length = 0

    @property
    def values(self) -> Array:
        """What is in it."""
        return self._array[: self.length]

    def extend(self, values: Any) -> None:
        """Append some."""
        new = np.asarray(values, self._array.dtype)
        end = self.length + len(new)
        if end > len(self._array):
            grown = np.empty(max(end, 2 * len(self._array)), self._array.dtype)
            grown[: self.length] = self.values
            self._array = grown
        self._array[self.length : end] = new
        self.length = end

    def keep(self, rows: Array) -> None:
        """Of all that is in it only these rows."""
        self._array = self.values[rows]
        self.length = len(self._array)


DTYPES = {
    "seq": "i8",
    "owner": "i4",
    "created": "f8",
    "begun": "f8",
    "inbound": "?",
    "line": "i4",
    "agent": "i4",
    "campaign": "i4",
    "status": "i1",
    "reason": "i4",
    "duration": "f8",
    "voicemail": "i1",
    "attempt": "i4",
    "original": "i8",
    "currency": "i2",
    "stt": "f8",
    "llm": "f8",
    "tts": "f8",
    "carrier": "f8",
    "analysed": "?",
    "mood": "i1",
    "score": "f8",
    "qa": "f8",
    "band": "i1",
    "escalations": "i4",
    "taken": "i4",
}
FLOATS = {
    "created": "created_wall",
    "begun": "begun_wall",
    "duration": "duration_s",
    "score": "sentiment_score",
    "qa": "qa_score",
}
"Column by field; None is NaN."
COSTS = {"stt": "cost_stt", "llm": "cost_llm", "tts": "cost_tts", "carrier": "cost_carrier"}
"The same; None is 0: a call without them has no currency."


class CallColumns:
    """The table."""

    def __init__(self) -> None:
        self._columns = {name: Column(dtype) for name, dtype in DTYPES.items()}
        self._alive = Column("?")
        self._gap_rows, self._gaps = Column("i4"), Column("u2")
        self._phrase_rows, self._phrases = Column("i4"), Column("i4")
        self.owners, self.agents, self.campaigns = Words(), Words(), Words()
        self.lines, self.currencies, self.phrases = Words(), Words(), Words()
        self.reasons = Words()
        "Why calls did not come about: the number of a status, a space, a cause."
        self.agent_names: dict[int, str] = {}
        "As the newest call has it, by the agent's number."
        self._newest: int = -1
        self.alive_count = 0

    def __getitem__(self, name: str) -> Array:
        """A column, with its dead rows."""
        return self._columns[name].values

    @property
    def alive(self) -> Array:
        """Which rows count."""
        return self._alive.values

    @property
    def gaps(self) -> tuple[Array, Array]:
        """Rows, and a gap of each in steps."""
        return self._gap_rows.values, self._gaps.values

    @property
    def all_phrases(self) -> tuple[Array, Array]:
        """Rows, and the number of a phrase of each."""
        return self._phrase_rows.values, self._phrases.values

    def put(self, rows: Sequence[CallRow]) -> None:
        """Calls that are new, or have changed; each once."""
        if not rows:
            return
        seqs = np.fromiter((row.call_seq for row in rows), "i8", len(rows))
        if int(seqs.min()) <= self._newest:
            self._bury(np.isin(self["seq"], seqs) & self.alive)
        self._newest = max(self._newest, int(seqs.max()))
        first = self._alive.length
        for name, values in self._numbers_of(rows).items():
            self._columns[name].extend(values)
        self._columns["seq"].extend(seqs)
        self._alive.extend(np.ones(len(rows), "?"))
        self._put_lists(rows, first)
        self.alive_count += len(rows)
        self._tidy()

    def keep_only(self, seqs: Array) -> None:
        """Forget calls whose numbers are not among these."""
        self._bury(self.alive & ~np.isin(self["seq"], seqs))
        self._tidy()

    # --- inside ---------------------------------------------------------------------------------

    def _numbers_of(self, rows: Sequence[CallRow]) -> dict[str, Any]:
        for row in rows:
            self.agent_names[self.agents.number(row.agent_id)] = row.agent_name
        found: dict[str, Any] = {
            name: np.array([getattr(row, field) for row in rows], "f8")
            for name, field in FLOATS.items()
        }
        for name, field in COSTS.items():
            found[name] = [getattr(row, field) or 0.0 for row in rows]
        return found | {
            "owner": [self.owners.number(row.owner_id) for row in rows],
            "inbound": [row.inbound for row in rows],
            "line": [self.lines.number(row.line) for row in rows],
            "agent": [self.agents.number(row.agent_id) for row in rows],
            "campaign": [self.campaigns.number(row.campaign_id) for row in rows],
            "status": (statuses := [STATUSES.index(row.status) for row in rows]),
            "reason": [
                self.reasons.number(f"{status} {row.cause}" if status in MISSED else None)
                for status, row in zip(statuses, rows, strict=True)
            ],
            "voicemail": [UNKNOWN if r.voicemail is None else int(r.voicemail) for r in rows],
            "attempt": [row.retry_attempt for row in rows],
            "original": [UNKNOWN if r.original_seq is None else r.original_seq for r in rows],
            "currency": [self.currencies.number(row.currency or None) for row in rows],
            "analysed": [row.analysed for row in rows],
            "mood": [UNKNOWN if r.sentiment is None else MOODS.index(r.sentiment) for r in rows],
            "escalations": [row.escalations for row in rows],
            "taken": [row.taken_over for row in rows],
            "band": np.where(np.isnan(found["qa"]), UNKNOWN, np.digitize(found["qa"], BANDS)),
        }

    def _put_lists(self, rows: Sequence[CallRow], first: int) -> None:
        gaps = [row.gaps.split() for row in rows]
        self._gap_rows.extend(np.repeat(np.arange(first, first + len(rows)), [*map(len, gaps)]))
        self._gaps.extend([int(step) for of_call in gaps for step in of_call])
        phrases = [row.phrases.split("\n") if row.phrases else () for row in rows]
        counts = [*map(len, phrases)]
        self._phrase_rows.extend(np.repeat(np.arange(first, first + len(rows)), counts))
        number = self.phrases.number
        self._phrases.extend([number(phrase) for of_call in phrases for phrase in of_call])

    def _bury(self, rows: Array) -> None:
        self.alive_count -= int(np.count_nonzero(rows))
        self.alive[rows] = False

    def _tidy(self) -> None:
        """Without the dead, when they are many."""
        length = self._alive.length
        if length - self.alive_count <= MOST_DEAD * length:
            return
        alive = self.alive.copy()
        places = np.cumsum(alive) - 1
        for rows, values in (
            (self._gap_rows, self._gaps),
            (self._phrase_rows, self._phrases),
        ):
            kept = alive[rows.values]
            values.keep(kept)
            rows.keep(kept)
            rows.values[:] = places[rows.values]
        for column in (*self._columns.values(), self._alive):
            column.keep(alive)
