"""A mail server on this machine (RFC 5321, 3207, 4954): keeps what comes, answers as it is told."""

import asyncio
import base64
import collections
import datetime
import ipaddress
import ssl
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

USER, PASSWORD = "me", "a password of tests"
DAY = datetime.timedelta(days=1)


class Arrived(msgspec.Struct, frozen=True):
    """One message that was accepted."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    encrypted: bool
    user: str

    @property
    def message(self) -> EmailMessage:
        """Parsed."""
        parsed = message_from_bytes(self.data, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


class SmtpServer:
    """`async with SmtpServer() as server`. `replies["RCPT"]` are told before the usual ones are."""

    def __init__(
        self,
        certificate: Path | None = None,
        *,
        from_first_byte: bool = False,
        auth: bool = False,
        port: int = 0,
    ) -> None:
        """`certificate`, of `a_certificate`: TLS is offered, or spoken `from_first_byte`."""
        self._tls = None if certificate is None else _context(certificate)
        self._from_first_byte = from_first_byte
        self._auth = auth
        self.port = port
        self.replies: dict[str, collections.deque[str]] = collections.defaultdict(collections.deque)
        "By command; DATA's are told after the message."
        self.commands: list[str] = []
        self.arrived: list[Arrived] = []
        self.hold: asyncio.Event | None = None
        "The end of data is answered when it is set."
        self._came = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "SmtpServer":
        tls = self._tls if self._from_first_byte else None
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in tuple(self._sessions):
            task.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)
        await self._server.wait_closed()

    async def wait(self, count: int) -> list[Arrived]:
        """All that was accepted, as soon as there are so many."""
        await self._until(lambda: len(self.arrived) >= count)
        return self.arrived

    async def wait_for_command(self, command: str, count: int = 1) -> None:
        """Until it was sent so often."""
        await self._until(lambda: self.commands.count(command) >= count)

    async def _until(self, true: Callable[[], bool]) -> None:
        while not true():
            self._came.clear()
            await self._came.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        try:
            await _Session(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has left
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._sessions.discard(task)
            writer.close()

    def note(self, command: str) -> str | None:
        """A command has come; what it is answered with, when that is scripted."""
        self.commands.append(command)
        self._came.set()
        replies = self.replies[command]
        return replies.popleft() if replies and command != "DATA" else None

    def take(self, arrived: Arrived) -> str:
        """A message has come; the reply."""
        if self.replies["DATA"]:
            return self.replies["DATA"].popleft()
        self.arrived.append(arrived)
        self._came.set()
        return "250 2.0.0 Ok: queued"


class _Session:
    """One connection."""

    def __init__(
        self, server: SmtpServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._encrypted = server._from_first_byte
        self._user = ""
        self._sender = ""
        self._recipients: list[str] = []

    async def run(self) -> None:
        await self._say("220 mail.test ESMTP")
        while line := await self._reader.readline():
            text = line.decode().strip()
            command, _, rest = text.partition(" ")
            command = command.upper()
            scripted = self._server.note(command)
            if scripted is not None:
                await self._say(scripted)
            elif command == "QUIT":
                await self._say("221 2.0.0 Bye")
                return
            else:
                await self._do(command, rest)

    async def _do(self, command: str, rest: str) -> None:
        if command == "EHLO":
            await self._greet()
        elif command == "STARTTLS":
            await self._say("220 2.0.0 Ready")
            assert self._server._tls is not None
            await self._writer.start_tls(self._server._tls)
            self._encrypted = True
        elif command == "AUTH":
            await self._log_in(rest)
        elif command == "MAIL":
            self._sender = _address(rest)
            self._recipients = []
            await self._say("250 2.1.0 Ok")
        elif command == "RCPT":
            self._recipients.append(_address(rest))
            await self._say("250 2.1.5 Ok")
        elif command == "DATA":
            await self._read_data()
        else:
            await self._say("250 2.0.0 Ok")

    async def _greet(self) -> None:
        features = ["mail.test"]
        if self._server._tls is not None and not self._encrypted:
            features.append("STARTTLS")
        if self._server._auth and self._encrypted:
            features.append("AUTH PLAIN")
        lines = [f"250-{feature}" for feature in features[:-1]] + [f"250 {features[-1]}"]
        await self._say("\r\n".join(lines))

    async def _log_in(self, rest: str) -> None:
        _, _, response = rest.partition(" ")
        _, user, password = base64.b64decode(response).decode().split("\0")
        if (user, password) != (USER, PASSWORD):
            await self._say("535 5.7.8 Authentication credentials invalid")
            return
        self._user = user
        await self._say("235 2.7.0 Accepted")

    async def _read_data(self) -> None:
        await self._say("354 End with a dot")
        data = await self._reader.readuntil(b"\r\n.\r\n")
        if self._server.hold is not None:
            await self._server.hold.wait()
        text = data[:-3].replace(b"\r\n..", b"\r\n.")  # RFC 5321 §4.5.2
        arrived = Arrived(self._sender, tuple(self._recipients), text, self._encrypted, self._user)
        await self._say(self._server.take(arrived))

    async def _say(self, reply: str) -> None:
        self._writer.write(f"{reply}\r\n".encode())
        await self._writer.drain()


def _address(parameter: str) -> str:
    return parameter.partition("<")[2].partition(">")[0]


def _context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def a_certificate(folder: Path) -> Path:
    """A file with a certificate for 127.0.0.1, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.test")])
    now = datetime.datetime.now(datetime.UTC)
    here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.SubjectAlternativeName([here]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    file = folder / "certificate.pem"
    file.write_bytes(
        certificate.public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file
