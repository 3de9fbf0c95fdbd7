"""SHELL: the server's end of the process that counts (column_worker.py), started when first asked.

Questions are answered one after another; while too many wait, more are refused.
"""

import asyncio
import itertools

import msgspec

from ...drivers.worker_process import WorkerProcess
from ...media.errors import ProviderError
from ..domain.analytics import (
    Agents,
    AnyFigures,
    Costs,
    Hours,
    Latency,
    Outcomes,
    Phrases,
    Quality,
    Retries,
    Sentiments,
    Summary,
    Volume,
)
from ..domain.analytics_questions import Period, Report, Wanted
from ..errors import BadRequest, Unavailable
from . import column_worker
from .column_worker import TOO_MANY_STEPS, Place, Question, Refused
from .local_time import MAX_STEPS

ANSWER_S = 60.0
"Then whoever asks is told to come again; what is being read or counted goes on."
MAX_SILENCES = 10
"Questions in a row that nothing answered: then the process hangs, and is started anew."
MAX_WAITING = 64
RETRY_AFTER_S = 2.0
"The process is back by then, if it has died."
FIGURES: dict[Report, type[AnyFigures]] = {
    Report.SUMMARY: Summary,
    Report.VOLUME: Volume,
    Report.AGENTS: Agents,
    Report.OUTCOMES: Outcomes,
    Report.HOURS: Hours,
    Report.RETRIES: Retries,
    Report.SENTIMENT: Sentiments,
    Report.PHRASES: Phrases,
    Report.COSTS: Costs,
    Report.LATENCY: Latency,
    Report.QA: Quality,
}


class Counting:
    """`await ask(…)`, and `await aclose()` at the end."""

    def __init__(self, url: str) -> None:
        """`url`: of the database."""
        self._url = url
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._silences = 0
        self._worker = WorkerProcess(
            "analytics", column_worker.__name__, self._receive, self._tell_place, self._died
        )

    async def ask(self, report: Report, wanted: Wanted, period: Period, limit: int) -> AnyFigures:
        """Figures of what is stored now. Raises BadRequest and Unavailable."""
        if len(self._waiting) >= MAX_WAITING:
            raise Unavailable("too many questions wait for figures", RETRY_AFTER_S)
        try:
            await self._worker.start()
        except ProviderError as exc:
            raise Unavailable(f"figures cannot be counted: {exc}", RETRY_AFTER_S) from exc
        number = next(self._numbers)
        answered = asyncio.get_running_loop().create_future()
        self._waiting[number] = answered
        question = Question(number, report, wanted, period, limit)
        try:
            if not self._worker.send(column_worker.encode(question)):
                raise Unavailable("figures cannot be counted now", RETRY_AFTER_S)
            async with asyncio.timeout(ANSWER_S):
                figures = await answered
        except TimeoutError as exc:
            self._silences += 1
            if self._silences >= MAX_SILENCES:
                self._worker.kill()
            raise Unavailable("figures are still being read", RETRY_AFTER_S) from exc
        finally:
            del self._waiting[number]
        found: AnyFigures = msgspec.json.decode(figures, type=FIGURES[report])
        return found

    @property
    def pid(self) -> int | None:
        """Of the process, while it is there."""
        return self._worker.pid

    async def aclose(self) -> None:
        """End the process."""
        await self._worker.aclose()

    def _tell_place(self) -> None:
        self._worker.send(column_worker.encode(Place(self._url)))

    def _receive(self, message: bytes) -> None:
        self._silences = 0
        answer = column_worker.decode_answer(message)
        waiting = self._waiting.get(answer.number)
        if waiting is None or waiting.done():
            return
        if not isinstance(answer, Refused):
            waiting.set_result(answer.figures)
        elif answer.why == TOO_MANY_STEPS:
            waiting.set_exception(
                BadRequest(f"more than {MAX_STEPS} steps: ask for larger ones", field="bucket")
            )
        else:
            waiting.set_exception(Unavailable(answer.why, RETRY_AFTER_S))

    def _died(self, error: ProviderError) -> None:
        self._silences = 0
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(
                    Unavailable(f"figures could not be counted: {error}", RETRY_AFTER_S)
                )
