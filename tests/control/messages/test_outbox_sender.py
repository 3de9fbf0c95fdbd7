"""The sender of the outbox: nothing is lost, nothing is said to be sent that was not."""

import asyncio
import contextlib
import pathlib
import random
from collections.abc import AsyncIterator

import pytest

from offhook.control.auth.principal import OPERATOR, OPERATOR_ID
from offhook.control.auth.secrets_box import SecretsBox
from offhook.control.configuration.config_messaging import SmtpSettings
from offhook.control.domain.messages import OutboxMessage, OutboxStatus
from offhook.control.errors import Conflict, NotFound
from offhook.control.events.events import EventBus
from offhook.control.messages.outbox_sender import FORGET_S, OutboxSender, email_sender
from offhook.control.services.error_logs import ErrorLogFilter, ErrorLogService
from offhook.control.services.event_log import EventLog
from offhook.control.services.outbox import Outbox, OutboxFilter
from offhook.control.services.secret_texts import BLANK
from offhook.control.store.rows import PageQuery
from offhook.media.clock import VirtualClock
from offhook.tests.kit.database import copy_database
from offhook.tests.kit.sealing import a_box
from offhook.tests.kit.smtp_server import SmtpServer

HOUR_S = 3600.0


class Post:
    """An outbox on a database, and what sends from it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.clock = VirtualClock()
        self.database = copy_database(folder)
        self.events = EventLog(self.database, EventBus())
        self.logs = ErrorLogService(self.database, self.clock)
        self.outbox, self.sender = self._made()

    def configure(self, server: SmtpServer) -> None:
        """E-mails go to this server."""
        settings = SmtpSettings(
            host="127.0.0.1", port=server.port, security="none", from_="me@example.org"
        )
        self.outbox.senders["email"] = email_sender(settings)

    async def restart(self) -> None:
        """As after a crash: what was on its way is forgotten."""
        await self.sender.aclose()
        senders = self.outbox.senders
        self.outbox, self.sender = self._made()
        self.outbox.senders = senders
        await self.sender.start()

    async def send(
        self, to: str = "anna@example.org", secret_until: float | None = None
    ) -> OutboxMessage:
        """A message is told of, and its transaction kept."""
        async with self.database.write() as tx:
            return await self.outbox.send(
                *(tx, "email", to, "A code", "123456", OPERATOR_ID), secret_until_wall=secret_until
            )

    async def send_code(self) -> OutboxMessage:
        """One whose text is good for an hour."""
        return await self.send(secret_until=self.clock.wall() + HOUR_S)

    async def stored(self) -> str:
        """The text of the only message, as the database has it."""
        async with self.database.read() as tx:
            return str((await tx.exec_driver_sql("SELECT body FROM outbox")).scalar_one())

    async def becomes(self, id_: str, status: OutboxStatus, attempts: int) -> OutboxMessage:
        """Wait for what is stored."""
        while True:
            message = await self.outbox.get(id_)
            if (message.status, message.attempts) == (status, attempts):
                return message

    def _made(self) -> tuple[Outbox, OutboxSender]:
        outbox = Outbox(self.database, self.events, self.clock, random.Random(1), a_box)
        return outbox, OutboxSender(outbox, self.clock)


@pytest.fixture
async def post(tmp_path: pathlib.Path) -> AsyncIterator[Post]:
    post = Post(tmp_path)
    await post.database.open()
    async with asyncio.timeout(30):
        yield post
    await post.sender.aclose()
    await post.database.aclose()


async def test_what_nothing_is_configured_for_is_kept(post: Post) -> None:
    await post.sender.start()
    message = await post.send()
    kept = await post.outbox.get(message.id)
    assert (kept.status, kept.attempts, kept.sent_wall) == (OutboxStatus.KEPT, 0, None)
    with pytest.raises(Conflict):
        await post.outbox.retry(message.id)


async def test_an_email_is_sent_when_the_server_has_accepted_it_and_not_before(post: Post) -> None:
    async with SmtpServer() as server:
        post.configure(server)
        server.hold = asyncio.Event()
        await post.sender.start()
        message = await post.send()
        await server.wait_for_command("DATA")
        assert (await post.outbox.get(message.id)).status is OutboxStatus.WAITING
        server.hold.set()
        sent = await post.becomes(message.id, OutboxStatus.SENT, 1)
    assert sent.sent_wall == post.clock.wall()
    (arrived,) = server.arrived
    assert arrived.recipients == ("anna@example.org",)
    assert "123456" in arrived.message.get_content()
    while not post.sender.sent:  # it is counted a moment after it is stored
        await post.outbox.get(message.id)


async def test_a_message_whose_transaction_is_not_kept_never_leaves(post: Post) -> None:
    async with SmtpServer() as server:
        post.configure(server)
        await post.sender.start()
        with contextlib.suppress(ZeroDivisionError):
            async with post.database.write() as tx:
                await post.outbox.send(tx, "email", "eve@example.org", "x", "x")
                raise ZeroDivisionError
        await post.send()
        assert [each.recipients for each in await server.wait(1)] == [("anna@example.org",)]


async def test_a_server_that_is_away_is_tried_again_until_it_takes_it(post: Post) -> None:
    async with SmtpServer() as away:
        pass
    post.configure(away)
    await post.sender.start()
    message = await post.send()
    waiting = await post.becomes(message.id, OutboxStatus.WAITING, 1)
    assert waiting.error
    async with SmtpServer(port=away.port) as server:
        server.replies["DATA"].append("451 4.3.0 Try again later")
        post.clock.advance(20)
        waiting = await post.becomes(message.id, OutboxStatus.WAITING, 2)
        assert waiting.error == "451 4.3.0 Try again later"
        assert not server.arrived
        while (await post.outbox.get(message.id)).status is OutboxStatus.WAITING:
            post.clock.advance(5)
        assert (await post.outbox.get(message.id)).status is OutboxStatus.SENT
        assert len(server.arrived) == 1


async def test_a_refusal_for_good_fails_at_once_and_is_logged_without_the_text(post: Post) -> None:
    async with SmtpServer() as server:
        post.configure(server)
        server.replies["RCPT"].append("550 5.1.1 No such mailbox")
        await post.sender.start()
        message = await post.send()
        await post.becomes(message.id, OutboxStatus.FAILED, 1)
        page = await post.logs.page(OPERATOR, PageQuery(), ErrorLogFilter(type="email_failed"))
        (entry,) = page.items
        assert "No such mailbox" in entry.message
        assert "123456" not in repr(entry)
        assert entry.context["to"] == "anna@example.org"
        retried = await post.outbox.retry(message.id)
        assert (retried.status, retried.attempts) == (OutboxStatus.WAITING, 0)
        await post.becomes(message.id, OutboxStatus.SENT, 1)
        with pytest.raises(Conflict):
            await post.outbox.retry(message.id)


async def test_what_was_on_its_way_comes_again_after_a_crash(post: Post) -> None:
    async with SmtpServer() as server:
        post.configure(server)
        server.hold = asyncio.Event()
        await post.sender.start()
        message = await post.send()
        await server.wait_for_command("DATA")
        server.hold = None
        await post.restart()
        await post.becomes(message.id, OutboxStatus.SENT, 1)
        ids = {each.message["Message-ID"] for each in server.arrived}
        assert len(ids) == 1, "mail programs see that it is one message"


async def test_many_messages_all_leave_a_few_at_a_time(post: Post) -> None:
    async with SmtpServer() as server:
        post.configure(server)
        await post.sender.start()
        for number in range(25):
            await post.send(f"user{number}@example.org")
        arrived = await server.wait(25)
        assert {each.recipients[0] for each in arrived} == {
            f"user{number}@example.org" for number in range(25)
        }


async def test_what_waits_for_a_channel_that_is_gone_is_kept(post: Post) -> None:
    async with SmtpServer() as server:
        post.configure(server)
        message = await post.send()
        assert message.status is OutboxStatus.WAITING
        post.outbox.senders.clear()
        await post.sender.start()
        page = await post.outbox.page(PageQuery(), OutboxFilter(status=OutboxStatus.KEPT))
        assert [kept.id for kept in page.items] == [message.id]


async def test_a_deleted_message_is_not_sent(post: Post) -> None:
    async with SmtpServer() as server:
        post.configure(server)
        message = await post.send()
        await post.outbox.delete(message.id)
        await post.sender.start()
        await post.send("bob@example.org")
        assert [each.recipients[0] for each in await server.wait(1)] == ["bob@example.org"]
        with pytest.raises(NotFound):
            await post.outbox.get(message.id)


# --- codes ---------------------------------------------------------------------------------------


async def test_a_code_is_sealed_until_it_is_sent_and_blank_afterwards(post: Post) -> None:
    async with SmtpServer() as server:
        post.configure(server)
        message = await post.send_code()
        assert "123456" not in await post.stored()
        assert (await post.stored()).startswith("ohs1.")
        assert (await post.outbox.get(message.id)).body == BLANK, "it is on its way"
        await post.sender.start()
        await post.becomes(message.id, OutboxStatus.SENT, 1)
        (arrived,) = server.arrived
        assert "123456" in arrived.message.get_content()
    assert await post.stored() == BLANK
    page = await post.outbox.page(PageQuery(), OutboxFilter())
    assert [shown.body for shown in page.items] == [BLANK]


async def test_a_code_that_nothing_is_configured_to_send_is_shown_until_it_is_over(
    post: Post,
) -> None:
    message = await post.send_code()
    assert "123456" not in await post.stored()
    assert (await post.outbox.get(message.id)).body == "123456"
    assert await post.outbox.forget() == 0
    post.clock.advance(HOUR_S)
    assert (await post.outbox.get(message.id)).body == BLANK
    assert await post.outbox.forget() == 1
    assert await post.stored() == BLANK
    async with SmtpServer() as server:
        post.configure(server)
        with pytest.raises(Conflict, match="good no longer"):
            await post.outbox.retry(message.id)
        assert not server.arrived


async def test_a_server_blanks_codes_that_are_over_by_itself(post: Post) -> None:
    await post.send_code()
    await post.sender.start()
    while await post.stored() != BLANK:
        post.clock.advance(FORGET_S)


async def test_a_code_that_was_refused_is_sent_again_but_not_when_it_is_over(post: Post) -> None:
    async with SmtpServer() as server:
        post.configure(server)
        for _ in range(2):
            server.replies["RCPT"].append("550 5.1.1 No such mailbox")
        await post.sender.start()
        message = await post.send_code()
        failed = await post.becomes(message.id, OutboxStatus.FAILED, 1)
        assert failed.body == BLANK
        await post.outbox.retry(message.id)
        await post.becomes(message.id, OutboxStatus.FAILED, 1)
        await post.outbox.retry(message.id)
        await post.becomes(message.id, OutboxStatus.SENT, 1)
        assert "123456" in server.arrived[0].message.get_content()


async def test_a_code_that_waits_until_it_is_over_is_not_sent(post: Post) -> None:
    async with SmtpServer() as server:
        post.configure(server)
        message = await post.send_code()
        post.clock.advance(HOUR_S)
        await post.sender.start()
        failed = await post.becomes(message.id, OutboxStatus.FAILED, 0)
        assert failed.error == "its code is good no longer"
        assert await post.stored() == BLANK
        assert not server.arrived


async def test_a_code_whose_key_is_gone_is_not_sent(post: Post) -> None:
    async with SmtpServer() as server:
        post.configure(server)
        message = await post.send_code()
        other = SecretsBox([b"k" * 32], random.Random(2))
        post.outbox = Outbox(
            post.database, post.events, post.clock, random.Random(1), lambda: other
        )
        post.configure(server)
        post.sender = OutboxSender(post.outbox, post.clock)
        await post.sender.start()
        failed = await post.becomes(message.id, OutboxStatus.FAILED, 0)
        assert failed.error == "its text cannot be opened"
        assert not server.arrived
