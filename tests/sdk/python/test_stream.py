"""The Python SDK's stream of updates: its end, its connections, what it refuses to hide."""

import asyncio
import threading

import pytest
from aetherium_sdk import (
    AetheriumClient,
    AuthenticationRequired,
    ConnectionFailed,
    NotFound,
    SessionStream,
    UnreadableAnswer,
    Update,
    stream as module,
)

from offhook.tests.kit.scripted_aetherium import ABORT, KEY, ScriptedAetherium, update

PENDING = update("status_change", "pending")
STARTED = update("session_started", "active")
HEARD = update("transcript_update", "active", role="customer", content="Hello")
ENDED = update("session_ended", "completed", duration_seconds=330)


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT_S", 0.0)


@pytest.fixture
def stream(aetherium: ScriptedAetherium) -> SessionStream:
    return AetheriumClient(aetherium.url, KEY).sessions.stream(7)


def kinds(updates: list[Update]) -> list[str]:
    return [one.type for one in updates]


async def test_updates_come_in_order_and_end_with_the_session(
    aetherium: ScriptedAetherium, stream: SessionStream
) -> None:
    aetherium.connections.append([PENDING, STARTED, HEARD, ENDED, HEARD])
    updates = await asyncio.to_thread(list, stream)
    assert kinds(updates) == [
        "status_change",
        "session_started",
        "transcript_update",
        "session_ended",
    ]
    assert [one.status for one in updates] == ["pending", "active", "active", "completed"]
    assert updates[2].data["content"] == "Hello"
    assert updates[3].session_id == 7
    assert (aetherium.asked[0].path, aetherium.asked[0].key) == (
        "/mounted/ws/session/7",
        f"Bearer {KEY}",
    )


async def test_a_lost_connection_is_made_again_and_nothing_is_told_twice(
    aetherium: ScriptedAetherium, stream: SessionStream
) -> None:
    aetherium.connections += [
        [PENDING, STARTED, ABORT],
        [1011],
        [update("status_change", "active")],
    ]
    aetherium.connections[2] += [HEARD, 1001]
    aetherium.connections.append([update("status_change", "completed"), ENDED])
    updates = await asyncio.to_thread(list, stream)
    assert [(one.type, one.status) for one in updates] == [
        ("status_change", "pending"),
        ("session_started", "active"),
        ("transcript_update", "active"),
        ("status_change", "completed"),
        ("session_ended", "completed"),
    ]
    assert aetherium.streamed == 4


async def test_a_server_that_closes_after_the_end_is_not_asked_again(
    aetherium: ScriptedAetherium, stream: SessionStream
) -> None:
    aetherium.connections.append([update("status_change", "failed"), 1000])
    updates = await asyncio.to_thread(list, stream)
    assert (kinds(updates), aetherium.streamed) == (["status_change"], 1)


async def test_a_session_that_is_not_there_is_told_as_by_a_request(
    aetherium: ScriptedAetherium, stream: SessionStream
) -> None:
    aetherium.connections.append([{"type": "error", "data": {"detail": "none"}}, 4404])
    aetherium.refuse(404, "RESOURCE_NOT_FOUND")
    assert (await asyncio.to_thread(next, stream)).type == "error"
    with pytest.raises(NotFound, match="RESOURCE_NOT_FOUND"):
        await asyncio.to_thread(list, stream)


async def test_a_refused_handshake_is_told_as_by_a_request(
    aetherium: ScriptedAetherium, stream: SessionStream
) -> None:
    aetherium.refuse(401, "AUTHENTICATION_REQUIRED")
    with pytest.raises(AuthenticationRequired):
        await asyncio.to_thread(list, stream)
    assert aetherium.streamed == 1


async def test_it_gives_up_after_so_many_tries_and_says_why(
    aetherium: ScriptedAetherium, stream: SessionStream
) -> None:
    with pytest.raises(ConnectionFailed, match="session 7: .* status 503"):
        await asyncio.to_thread(list, stream)
    assert aetherium.streamed == module.TRIES


async def test_connections_that_bring_nothing_new_count_as_failures(
    aetherium: ScriptedAetherium, stream: SessionStream
) -> None:
    aetherium.connections += [[PENDING, ABORT]] * 20
    with pytest.raises(ConnectionFailed):
        await asyncio.to_thread(list, stream)
    assert aetherium.streamed == module.TRIES


async def test_errors_that_refuse_a_stream_count_as_failures(
    aetherium: ScriptedAetherium, stream: SessionStream
) -> None:
    aetherium.connections += [[{"type": "error", "data": {}}, 1013]] * 20
    with pytest.raises(ConnectionFailed):
        await asyncio.to_thread(list, stream)
    assert aetherium.streamed == module.TRIES


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"status": "active"}'])
async def test_what_is_no_update_is_told(
    aetherium: ScriptedAetherium, stream: SessionStream, text: str
) -> None:
    aetherium.connections.append([text])
    with pytest.raises(UnreadableAnswer):
        await asyncio.to_thread(next, stream)


async def test_the_customer_can_say_something(
    aetherium: ScriptedAetherium, stream: SessionStream
) -> None:
    with pytest.raises(ConnectionFailed):
        stream.say("Too early.")
    aetherium.connections.append([STARTED])
    await asyncio.to_thread(next, stream)
    stream.say("Hello, how can I help you?")
    stream.close()
    assert await asyncio.to_thread(list, stream) == []
    said = await aetherium.said.get()
    assert said == '{"type": "user_message", "content": "Hello, how can I help you?"}'


async def test_closing_wakes_whoever_waits_for_an_update(
    aetherium: ScriptedAetherium, stream: SessionStream
) -> None:
    aetherium.connections.append([STARTED])
    first = threading.Event()

    def read() -> list[Update]:
        found = [next(stream)]
        first.set()
        return found + list(stream)

    reading = asyncio.create_task(asyncio.to_thread(read))
    await asyncio.to_thread(first.wait)
    await asyncio.to_thread(stream.close)
    assert kinds(await reading) == ["session_started"]


async def test_a_loop_that_is_left_closes_the_connection(aetherium: ScriptedAetherium) -> None:
    aetherium.connections.append([STARTED])
    client = AetheriumClient(aetherium.url, KEY)

    def read() -> None:
        for _ in client.sessions.stream(7):
            break

    await asyncio.to_thread(read)  # an open socket would be a ResourceWarning, and so an error
    assert aetherium.streamed == 1


def test_waits_grow_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT_S", 0.5)
    waits = [module.longest_wait_s(failures) for failures in range(1, 9)]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
