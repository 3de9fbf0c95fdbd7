"""A session's updates, one after another, over as many connections as it takes."""

import contextlib
import json
import random
import threading
from collections.abc import Callable, Iterator

from .errors import ConnectionFailed, RateLimited, ServerFailed, UnreadableAnswer
from .values import ENDED, Session, Update, read_update
from .websocket import HandshakeRefused, Lost, WebSocket

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
"Before the first new connection; before any. Each wait is twice as long as the last."
TRIES = 8
"Connections in a row that bring nothing new, before the stream gives up."
NORMAL, FIRST_OF_THE_API = 1000, 4000
"Close codes: all is said; from there on they are the API's own, and mean that it refuses."


def longest_wait_s(failures: int) -> float:
    """Seconds to wait at most, after so many connections that brought nothing."""
    return float(min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (failures - 1)))


class SessionStream:
    """`for update in stream`: until the session has ended.

    A lost connection is made again, after a wait. Each begins with the session's status as it is
    then, so that an end that was missed is told as well; a status already told is not told twice.
    """

    def __init__(
        self,
        session_id: int,
        connect: Callable[[], WebSocket],
        get: Callable[[int], Session],
        rng: random.Random,
    ) -> None:
        self.session_id = session_id
        # The generator must not hold the stream: a `for` that is left would keep the connection.
        self._following = _Following(session_id, connect, get, rng)
        self._updates = self._following.updates()

    def __iter__(self) -> Iterator[Update]:
        return self

    def __next__(self) -> Update:
        """The next update; waits for it. Ends after `session_ended`, and when it is closed.

        Raises NotFound, AuthenticationRequired and the like where the server refuses the session,
        ConnectionFailed when the stream cannot be had, time after time.
        """
        return next(self._updates)

    def __enter__(self) -> "SessionStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def say(self, content: str) -> None:
        """Say something in the session, as the customer.

        Raises ConnectionFailed while there is no connection: the first update makes one.
        """
        self._following.say(content)

    def close(self) -> None:
        """No more updates. From any thread; who waits for one is woken."""
        self._following.close()


class _Following:
    """What a stream goes on with, from connection to connection."""

    def __init__(
        self,
        session_id: int,
        connect: Callable[[], WebSocket],
        get: Callable[[int], Session],
        rng: random.Random,
    ) -> None:
        self._id = session_id
        self._connect = connect
        self._get = get
        self._rng = rng
        self._closed = threading.Event()
        self._socket: WebSocket | None = None
        self._status: str | None = None
        "As it was told last."
        self._failures = 0
        "Connections in a row that brought nothing new."

    def updates(self) -> Iterator[Update]:
        """Until the end, or `close`."""
        while not self._closed.is_set():
            try:
                for update in self._of_one_connection():
                    self._status = update.status or self._status
                    if update.type != "error":  # a server may refuse by one, again and again
                        self._failures = 0
                    yield update
                    if update.type == "session_ended":
                        return
            except (HandshakeRefused, Lost) as exc:
                if self._closed.is_set() or (is_normal(exc) and self._status in ENDED):
                    return
                self._failed(exc)
                self._closed.wait(self._wait_s())

    def say(self, content: str) -> None:
        socket = self._socket
        if socket is None:
            raise ConnectionFailed("the stream has no connection: ask for an update first")
        try:
            socket.send(json.dumps({"type": "user_message", "content": content}))
        except Lost as lost:
            raise ConnectionFailed(str(lost)) from lost

    def close(self) -> None:
        self._closed.set()
        if (socket := self._socket) is not None:
            socket.close()

    def _of_one_connection(self) -> Iterator[Update]:
        """What it brings that is new. Raises HandshakeRefused, Lost."""
        self._socket = socket = self._connect()
        try:
            if self._closed.is_set():  # while it was made
                return
            first = self._read(socket)
            if (
                self._status is None
                or first.type != "status_change"
                or first.status != self._status
            ):
                yield first
            while True:
                yield self._read(socket)
        finally:
            self._socket = None
            socket.close()

    def _read(self, socket: WebSocket) -> Update:
        text = socket.receive()
        try:
            return read_update(json.loads(text))
        except ValueError:
            raise UnreadableAnswer(f"no JSON: {text[:200]!r}") from None

    def _failed(self, lost: HandshakeRefused | Lost) -> None:
        """Count it. Raises what the server refuses the session with, or ConnectionFailed."""
        self._failures += 1
        if is_refusal(lost):
            with contextlib.suppress(ConnectionFailed, RateLimited, ServerFailed):  # may pass
                self._get(self._id)
        if self._failures >= TRIES:
            raise ConnectionFailed(f"no updates of session {self._id}: {lost}") from lost

    def _wait_s(self) -> float:
        # By chance, so that the clients of a server that comes back do not all come at once.
        return longest_wait_s(self._failures) * (0.5 + 0.5 * self._rng.random())


def is_normal(lost: HandshakeRefused | Lost) -> bool:
    """Nothing more was to be said."""
    return isinstance(lost, Lost) and lost.code == NORMAL


def is_refusal(lost: HandshakeRefused | Lost) -> bool:
    """The server is there and will not: a request tells why."""
    return isinstance(lost, HandshakeRefused) or lost.code >= FIRST_OF_THE_API
