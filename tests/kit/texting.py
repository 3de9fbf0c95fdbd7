"""The API with agents that answer texts, and with broadcasts that go out."""

import asyncio
import pathlib
import random
from types import TracebackType
from typing import Any, Self

from offhook.control.agents.agents import Agents
from offhook.control.auth.principal import OPERATOR
from offhook.control.configuration.config import Settings
from offhook.control.domain.sms_tasks import SmsTask, TaskStatus
from offhook.control.messages.broadcast_runner import BroadcastRunner
from offhook.control.messages.outbox_sender import OutboxSender
from offhook.control.messages.sms_answers import SmsAnswers
from offhook.control.messages.sms_task_runner import Answering, SmsTaskRunner
from offhook.control.services.sms_task_steps import Answered, Job, Unanswered
from offhook.control.services.sms_tasks import TaskFilter
from offhook.control.store.rows import PageQuery

from .api import DEFAULTS, Api

_OLDEST, _ALL = PageQuery(sort="seq"), TaskFilter()
OURS, THEIRS = "+15550001111", "+15551230001"


class Scripted:
    """An Answering that says what it is told to, one thing for each text, and then the same."""

    def __init__(self, *said: Answered | Unanswered) -> None:
        self.said = list(said)
        self.jobs: list[Job] = []
        self.asked = asyncio.Event()
        self.hold: asyncio.Event | None = None
        "Nothing is said before it is set."

    async def answer(self, job: Job) -> Answered | Unanswered:
        """The next thing."""
        self.jobs.append(job)
        self.asked.set()
        if self.hold is not None:
            await self.hold.wait()
        return self.said.pop(0) if len(self.said) > 1 else self.said[0]


class Texting:
    """`async with Texting(folder) as texting`."""

    def __init__(
        self,
        folder: pathlib.Path,
        settings: Settings = DEFAULTS,
        answering: Answering | None = None,
    ) -> None:
        """`answering` None: real agents, as the settings have them."""
        self.api = Api(folder, settings)
        self.agents = Agents(settings, self.api.clock, random.Random(1))
        self.answering = answering or SmsAnswers(self.agents)
        self.runner = self._runner()
        self.broadcasts = BroadcastRunner(self.api.services.broadcasts, self.api.clock)
        self.posting = OutboxSender(self.api.services.outbox, self.api.clock)

    async def __aenter__(self) -> Self:
        await self.api.__aenter__()
        self._connect()
        self.runner.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.broadcasts.aclose()
        await self.posting.aclose()
        await self.runner.aclose()
        await self.agents.clients.aclose()
        await self.api.__aexit__()

    async def restart(self) -> None:
        """Stop answering, and begin anew."""
        await self.runner.aclose()
        self.runner = self._runner()
        self._connect()
        self.runner.start()

    async def arrives(
        self, body: str, sid: str = "SM1", from_: str = THEIRS, to: str = OURS, **headers: str
    ) -> str:
        """A text, by Twilio's webhook; what Twilio is answered."""
        form = {"From": from_, "To": to, "Body": body, "MessageSid": sid}
        path = "/v1/messages/twilio"
        async with self.api.client.post(path, data=form, headers=headers) as response:
            assert response.status == 200, await response.text()
            assert response.content_type == "application/xml"
            return await response.text()

    async def ended(self, count: int = 1) -> list[SmsTask]:
        """So many tasks that are over, the oldest first."""
        steps = self.api.services.sms_tasks
        while True:
            await self.runner.settled()
            found = (await steps.page(OPERATOR, _OLDEST, _ALL)).items
            over = [t for t in found if t.status in (TaskStatus.SUCCEEDED, TaskStatus.FAILED)]
            if len(over) >= count:
                return over

    async def outbox(self, to: str) -> list[Any]:
        """What was sent to somebody, the newest first."""
        path = f"/v1/outbox?to={to.replace('+', '%2B')}"
        found: list[Any] = (await self.api.want(200, "GET", path))["items"]
        return found

    def _runner(self) -> SmsTaskRunner:
        return SmsTaskRunner(self.api.services.sms_task_steps, self.answering, self.api.clock)

    def _connect(self) -> None:
        self.api.services.sms_tasks.on_pending = self.runner.wake
        self.api.services.broadcasts.on_pending = self.broadcasts.wake
