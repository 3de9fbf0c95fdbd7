"""SHELL: sends webhooks: reads new events, tries what is due, some at a time; decides nothing.

What is tried again and when: webhook_delivery.py. Who waits behind whom: services/deliveries.py.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine

import aiohttp

from ...drivers.public_addresses import PublicResolver
from ...media.clock import Clock, Timer
from ..auth.errors import SealError
from ..auth.secrets_box import SecretsBox
from ..domain.webhooks import Delivery
from ..errors import StoreError, Unprocessable
from ..services.deliveries import DeliveryQueue, Job
from ..services.webhook_follower import WebhookFollower
from ..services.webhooks import place
from .events import EventBus
from .webhook_addresses import check_url
from .webhook_delivery import Reply, Slots, body_of, headers_of

TIMEOUT_S = 10.0
ON_THEIR_WAY = 64
PER_WEBHOOK = 4
RETRY_STORE_S = 1.0
"After what the database refused is tried again."
LOOK_EVERY_S = 0.1
"Events come in crowds: the database is asked for them so often at most."
MAX_WAIT_S = 60.0
"Wall time can be set: retries are looked at so often at least."

logger = logging.getLogger(__name__)


class WebhookSender:
    """`start()`, then `aclose()`: what is on its way then comes again after the next start."""

    def __init__(
        self,
        queue: DeliveryQueue,
        follower: WebhookFollower,
        bus: EventBus,
        box: Callable[[], SecretsBox],
        clock: Clock,
        *,
        allow_private: bool = False,
        look_every_s: float = LOOK_EVERY_S,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """`leads`: whether this node sends; whoever changes that calls `wake`."""
        self._queue = queue
        self._follower = follower
        self._bus = bus
        self._box = box
        self._clock = clock
        self._allow_private = allow_private
        self._leads = leads
        self._slots = Slots(ON_THEIR_WAY, PER_WEBHOOK)
        self._wake = asyncio.Event()
        self._look_every_s = look_every_s
        self._looked_at = clock.now() - look_every_s
        self._timer: Timer | None = None
        self._look_timer: Timer | None = None
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.delivered = 0
        "Tries that were taken by a receiver."
        self.refused = 0
        "Tries that were not."

    async def start(self) -> None:
        """Go on where the last start ended."""
        resolver = PublicResolver(aiohttp.DefaultResolver(), allow_private=self._allow_private)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=resolver, limit=ON_THEIR_WAY),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            # Nothing of an answer but its status is read.
            auto_decompress=False,
        )
        await self._queue.release_stuck()
        self._bus.watch(self._look_soon)
        self._queue.watch(self._follower.look_again)
        self._queue.watch(self._wake.set)
        self._wake.set()
        self._spawn(self._run(), "send webhooks")

    def wake(self) -> None:
        """There may be something to send, or another node sends."""
        self._follower.look_again()
        self._wake.set()

    async def aclose(self) -> None:
        """Stop sending."""
        for timer in (self._timer, self._look_timer):
            if timer is not None:
                timer.cancel()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._looked_at = self._clock.now()
            if not self._leads():
                self._follower.forget_place()
                continue
            try:
                while await self._follower.follow():
                    await self._start_due()
                await self._start_due()
                slots = self._slots
                if slots.free():  # else whoever comes back wakes us
                    ids, full = slots.on_their_way(), slots.full()
                    self._wake_at(await self._queue.next_due_wall(ids, full))
            except StoreError as exc:
                logger.error("webhooks wait for the database: %s", exc)
                self._wake_in(RETRY_STORE_S)

    def _look_soon(self) -> None:
        """Something was stored. While there are no webhooks, that is nobody's business here."""
        if self._follower.idle or self._look_timer is not None:
            return
        at = self._looked_at + self._look_every_s
        if at <= self._clock.now():
            self._wake.set()
        else:
            self._look_timer = self._clock.call_at(at, self._look)

    def _look(self) -> None:
        self._look_timer = None
        self._wake.set()

    async def _start_due(self) -> None:
        while limit := self._slots.free():
            slots = self._slots
            due = await self._queue.due(slots.on_their_way(), slots.full(), limit)
            for delivery in due:
                # Those that find no place belong to a webhook that is full now: ask without it.
                if slots.take(delivery):
                    self._spawn(self._deliver(delivery), f"deliver {delivery.id}")
            if len(due) < limit:
                return

    def _wake_at(self, wall: float | None) -> None:
        wait_s = MAX_WAIT_S if wall is None else min(wall - self._clock.wall(), MAX_WAIT_S)
        if wait_s > 0:
            self._wake_in(wait_s)
        else:
            self._wake.set()

    def _wake_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_at(self._clock.now() + seconds, self._wake.set)

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            job = await self._queue.job(delivery)
            if job is None:
                reply = Reply(error="the event is not kept any more", final=True)
            else:
                reply = await self._send(job)
            judged = await self._queue.finish(delivery, reply)
        except StoreError as exc:
            # It stays due and will be sent again: at least once.
            logger.error("a delivery could not be kept: %s", exc)
            self._wake_in(RETRY_STORE_S)
        else:
            self._note(delivery, judged)
            self._wake.set()
        finally:
            self._slots.give_back(delivery)

    def _note(self, delivery: Delivery, judged: Delivery | None) -> None:
        if judged is not None and judged.error:
            self.refused += 1
            logger.info("webhook %s: %s", delivery.webhook_id, judged.error)
        else:
            self.delivered += 1

    async def _send(self, job: Job) -> Reply:
        """One try."""
        assert self._session is not None, "start() comes first"
        try:
            # An address that is written as numbers is not resolved: it is looked at here.
            url = check_url(job.webhook.url, allow_private=self._allow_private)
            secret = self._box().open(job.webhook.secret, place(job.webhook.id))
        except Unprocessable as exc:
            return Reply(error=exc.detail, final=True)
        except SealError as exc:
            return Reply(error=f"its secret {exc.told}", final=True)
        body = body_of(job.event)
        headers = headers_of(job.delivery, body, secret, self._clock.wall())
        try:
            async with self._session.post(
                url, data=body, headers=headers, allow_redirects=False
            ) as response:
                return Reply(response.status)
        except TimeoutError:
            return Reply(error=f"no answer within {TIMEOUT_S:.0f} s")
        except (aiohttp.ClientError, OSError) as exc:
            return Reply(error=str(exc) or type(exc).__name__)

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.critical("the task to %s died", task.get_name(), exc_info=error)
