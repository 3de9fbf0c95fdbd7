"""The client of mail servers, with one on this machine."""

import asyncio
import pathlib
from typing import Any

import pytest

from offhook.drivers.mail.errors import MailLost, MailRefused
from offhook.drivers.mail.message import Mail
from offhook.drivers.mail.smtp import SmtpClient, SmtpSettings
from offhook.tests.kit.smtp_server import PASSWORD, USER, SmtpServer, a_certificate

MAIL = Mail(
    id="m-1",
    from_="Offhook <me@example.org>",
    to="anna@example.org",
    subject="A code",
    text="123456\n.\n..two dots",
    at_wall=1_700_000_000.0,
)


def client_of(server: SmtpServer, **more: Any) -> SmtpClient:
    settings: dict[str, Any] = {"host": "127.0.0.1", "port": server.port, "security": "none"} | more
    return SmtpClient(SmtpSettings(**settings))


@pytest.fixture
def certificate(tmp_path: pathlib.Path) -> pathlib.Path:
    return a_certificate(tmp_path)


async def test_a_mail_arrives_whole() -> None:
    async with SmtpServer() as server:
        assert "queued" in await client_of(server).send(MAIL)
    (arrived,) = server.arrived
    assert (arrived.sender, arrived.recipients) == ("me@example.org", ("anna@example.org",))
    assert arrived.message["Subject"] == "A code"
    assert arrived.message.get_content().splitlines() == MAIL.text.splitlines()
    assert not arrived.encrypted


@pytest.mark.parametrize(
    ("command", "reply", "permanent"),
    [
        ("RCPT", "550 5.1.1 No such mailbox", True),
        ("RCPT", "450 4.2.1 Mailbox is busy", False),
        ("MAIL", "553 5.1.8 Sender refused", True),
        ("DATA", "554 5.7.1 Spam", True),
        ("DATA", "451 4.3.0 Try again later", False),
    ],
)
async def test_a_refusal_is_told_with_its_code_and_whether_it_is_for_good(
    command: str, reply: str, permanent: bool
) -> None:
    async with SmtpServer() as server:
        server.replies[command].append(reply)
        with pytest.raises(MailRefused) as caught:
            await client_of(server).send(MAIL)
    assert caught.value.status == int(reply[:3])
    assert caught.value.permanent is permanent
    assert reply[10:] in str(caught.value)
    assert not server.arrived


async def test_a_server_that_is_not_there_or_hangs_up_may_be_there_later() -> None:
    async with SmtpServer() as server:
        client = client_of(server)
        server.hold = asyncio.Event()
        sending = asyncio.create_task(client.send(MAIL))
        await server.wait_for_command("DATA")
    with pytest.raises(MailLost):
        await sending
    with pytest.raises(MailLost) as caught:
        await client.send(MAIL)
    assert not caught.value.permanent
    assert not server.arrived


@pytest.mark.parametrize("from_first_byte", [False, True], ids=["starttls", "tls"])
async def test_credentials_go_encrypted_to_a_server_that_is_trusted(
    certificate: pathlib.Path, monkeypatch: pytest.MonkeyPatch, from_first_byte: bool
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    security = "tls" if from_first_byte else "starttls"
    async with SmtpServer(certificate, from_first_byte=from_first_byte, auth=True) as server:
        client = client_of(server, security=security, username=USER, password=PASSWORD)
        await client.send(MAIL)
        (arrived,) = server.arrived
        assert (arrived.encrypted, arrived.user) == (True, USER)
        wrong = client_of(server, security=security, username=USER, password="wrong")
        with pytest.raises(MailRefused) as caught:
            await wrong.send(MAIL)
        assert caught.value.permanent
        assert "wrong" not in str(caught.value)


async def test_a_server_that_nobody_vouches_for_gets_nothing(certificate: pathlib.Path) -> None:
    async with SmtpServer(certificate) as server:
        with pytest.raises(MailLost):
            await client_of(server, security="starttls").send(MAIL)
    assert "MAIL" not in server.commands


async def test_nothing_goes_in_the_clear_when_encryption_is_wanted_and_not_offered() -> None:
    async with SmtpServer() as server:
        with pytest.raises(MailLost) as caught:
            await client_of(server, security="starttls").send(MAIL)
    assert "MAIL" not in server.commands
    assert not caught.value.permanent
