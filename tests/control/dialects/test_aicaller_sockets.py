"""What happens in calls, over a plain WebSocket and by Socket.IO: who hears what, and when it ends.

Clients of Socket.IO are python-socketio's; what they are told is what plain clients are.
"""

import asyncio
import contextlib
import pathlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import socketio  # type: ignore[import-untyped]
from aiohttp import ClientWebSocketResponse, WSMsgType
from socketio.exceptions import (  # type: ignore[import-untyped]
    ConnectionError as ConnectionRefused,
)

from offhook.control.domain.accounts import Account
from offhook.control.domain.events import NotificationCreated
from offhook.media.conversation.records import Role, Turn, TurnAdded
from offhook.tests.kit.api import PASSWORD, Api
from offhook.tests.kit.call_records import call_of, call_record
from offhook.tests.kit.dialects import token_for

PATH = "/aicaller/ws/calls"
ANN, BOB = "ann@example.org", "bob@example.org"
ALL = {"event": "subscribe", "data": {"type": "all_calls"}}


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as found:
        yield found
        found.bus.close()


async def account_of(api: Api, email: str) -> Account:
    account = await api.services.sign_in.named(email)
    if account is None:
        account = await api.services.accounts.add(Account(email=email), PASSWORD)
    return account


@contextlib.asynccontextmanager
async def plain(api: Api, email: str) -> AsyncIterator[ClientWebSocketResponse]:
    token = await token_for(api, "aicaller", email)
    async with api.client.ws_connect(f"{PATH}?token={token}") as socket:
        yield socket


class Client:
    """python-socketio's, over one transport or both."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.io = socketio.AsyncClient(reconnection=False)
        self.told: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.gone = asyncio.Event()
        self.io.on("*", self._hear)
        self.io.on("disconnect", self._leave)

    async def _hear(self, name: str, data: Any) -> None:
        self.told.put_nowait((name, data))

    async def _leave(self, *_: Any) -> None:
        self.gone.set()

    async def connect(self, token: str, *transports: str) -> None:
        url = str(self.api.client.make_url(f"/?token={token}"))
        await self.io.connect(url, socketio_path=PATH, transports=list(transports), retry=False)


@pytest.fixture
async def client(api: Api) -> AsyncIterator[Callable[[], Client]]:
    made: list[Client] = []

    def make() -> Client:
        made.append(Client(api))
        return made[-1]

    yield make
    for each in made:
        await each.io.shutdown()


async def live_call(api: Api, email: str, number: int) -> str:
    """A call of this account that goes on; it has begun."""
    account = await account_of(api, email)
    record = call_record(number, agent="Anna", from_number="+15550001")
    api.calls.add(call_of(record, owner_id=account.id), record, lambda: None)
    await api.calls.settled()
    return record.id


async def says(api: Api, email: str, call_id: str, text: str) -> None:
    """A turn of a call is over."""
    account = await account_of(api, email)
    turn = Turn(index=0, role=Role.CALLER, text=text, begin_samples=8000, end_samples=16_000)
    wall = api.clock.wall()
    event = TurnAdded(call_id=call_id, at_wall=wall, at_samples=16_000, turn=turn)
    api.bus.publish(event, account.id)


async def notifies(api: Api, email: str, title: str) -> None:
    account = await account_of(api, email)
    event = NotificationCreated(
        at_wall=api.clock.wall(), notification_id="n", kind="system", title=title
    )
    api.bus.publish(event, account.id)


# --- plain WebSockets -----------------------------------------------------------------------------


async def test_a_plain_client_is_told_of_all_its_calls(api: Api) -> None:
    async with plain(api, ANN) as socket:
        await socket.send_json(ALL)
        answer = await socket.receive_json()
        assert answer["event"] == answer["type"] == "subscribed"
        assert answer["data"] == {"type": "all_calls"}
        call = await live_call(api, ANN, 1)
        await says(api, ANN, call, "hello")
        told = await _until(socket, "interaction.added")
        assert told["data"]["call_id"] == call
        assert told["data"]["interaction"]["text"] == "hello"
        assert told["data"]["interaction"]["speaker"] == "customer"
        assert told["timestamp"].endswith("Z")


async def test_calls_carry_the_call_as_it_is_shown(api: Api) -> None:
    token = await token_for(api, "aicaller", ANN)
    sent = {"to_number": "+15550002", "metadata": {"who": "Ann"}}
    call = await api.want(201, "POST", "/aicaller/api/v1/calls/initiate", sent, token=token)
    async with plain(api, ANN) as socket:
        await socket.send_json(ALL)
        await socket.receive_json()
        path = f"/aicaller/api/v1/calls/{call['id']}"
        await api.want(200, "POST", f"{path}/end", token=token)
        told = await socket.receive_json()
        assert told["event"] == "call.ended"
        shown = await api.want(200, "GET", path, token=token)
        assert told["data"] == shown
        assert shown["status"] == "cancelled"
        assert shown["metadata"] == {"who": "Ann"}


async def test_a_subscription_to_one_call_is_to_that_one(api: Api) -> None:
    mine, other = await live_call(api, ANN, 1), await live_call(api, ANN, 2)
    async with plain(api, ANN) as socket:
        wish = {"event": "subscribe", "data": {"type": "call", "call_id": mine}}
        await socket.send_json(wish)
        assert (await socket.receive_json())["data"] == wish["data"]
        await says(api, ANN, other, "not this")
        await says(api, ANN, mine, "this")
        assert (await socket.receive_json())["data"]["interaction"]["text"] == "this"
        await socket.send_json(wish | {"event": "unsubscribe"})
        assert (await socket.receive_json())["event"] == "unsubscribed"
        await says(api, ANN, mine, "no more")
        await notifies(api, ANN, "after it")
        assert (await socket.receive_json())["data"]["title"] == "after it"


async def test_without_a_subscription_only_notifications_are_told(api: Api) -> None:
    call = await live_call(api, ANN, 1)
    async with plain(api, ANN) as socket:
        await says(api, ANN, call, "unheard")
        await notifies(api, ANN, "A call was missed")
        told = await socket.receive_json()
        assert told["event"] == "notification.created"
        assert told["data"]["title"] == "A call was missed"
        assert told["data"]["is_read"] is False


async def test_nobody_hears_of_another_accounts_calls(api: Api) -> None:
    call = await live_call(api, ANN, 1)
    async with plain(api, BOB) as socket:
        for wish in (ALL, {"event": "subscribe", "data": {"type": "call", "call_id": call}}):
            await socket.send_json(wish)
            assert (await socket.receive_json())["event"] == "subscribed"
        await says(api, ANN, call, "private")
        await notifies(api, ANN, "private")
        await notifies(api, BOB, "your own")
        assert (await socket.receive_json())["data"]["title"] == "your own"


@pytest.mark.parametrize(
    "text",
    [
        '{"event": "subscribe", "data": {"type": "all_calls"}}',
        '{"action": "subscribe", "type": "all_calls"}',
        '{"type": "subscribe", "data": {"type": "all_calls"}}',
        '["subscribe", {"type": "all_calls"}]',
        '42["subscribe",{"type":"all_calls"}]',
    ],
)
async def test_plain_clients_may_write_it_in_their_way(api: Api, text: str) -> None:
    async with plain(api, ANN) as socket:
        await socket.send_str(text)
        answer = await socket.receive_json()
        assert (answer["event"], answer["data"]) == ("subscribed", {"type": "all_calls"})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        '{"event": "dance"}',
        '{"event": "subscribe", "data": 3}',
        '{"event": "subscribe", "data": {"type": "call"}}',
        '{"event": "subscribe", "data": {"type": "call", "call_id": 7}}',
        '{"event": "subscribe", "data": {"type": "everything"}}',
    ],
)
async def test_what_is_not_understood_is_told_and_all_goes_on(api: Api, text: str) -> None:
    async with plain(api, ANN) as socket:
        await socket.send_str(text)
        assert (await socket.receive_json())["event"] == "error"
        await socket.send_json(ALL)
        assert (await socket.receive_json())["event"] == "subscribed"


async def test_one_who_names_too_many_calls_is_refused_the_last(api: Api) -> None:
    async with plain(api, ANN) as socket:
        answer: dict[str, Any] = {}
        for number in range(101):
            wish = {"type": "call", "call_id": str(number)}
            await socket.send_json({"event": "subscribe", "data": wish})
            answer = await socket.receive_json()
        assert answer["event"] == "error"


async def test_a_socket_needs_a_token_of_this_api_and_ends_with_it(api: Api) -> None:
    for token in ("", "none", await api.user(ANN)):
        assert (await api.client.get(f"{PATH}?token={token}")).status == 401
    token = await token_for(api, "aicaller", ANN)
    async with api.client.ws_connect(f"/aicaller/api/v1/ws/calls?token={token}") as socket:
        account = await account_of(api, ANN)
        hash_ = await api.proofs.passwords.hash("another password")
        await api.services.sign_in.replace_password(account.id, hash_)
        message = await socket.receive()
        assert message.type is WSMsgType.CLOSE
        assert message.data == 1008


async def test_one_that_does_not_read_is_closed_with_a_reason(api: Api) -> None:
    async with plain(api, ANN) as socket:
        await socket.send_json(ALL)
        await socket.receive_json()
        account = await account_of(api, ANN)
        for number in range(1200):
            event = NotificationCreated(
                at_wall=0.0, notification_id=str(number), kind="system", title="t"
            )
            api.bus.publish(event, account.id)
        assert api.bus.overflows == 1
        async for _ in socket:
            pass
        assert socket.close_code == 1013


# --- Socket.IO ------------------------------------------------------------------------------------

TRANSPORTS = [("websocket",), ("polling",), ("polling", "websocket")]


@pytest.mark.parametrize("transports", TRANSPORTS, ids="+".join)
async def test_a_client_of_socket_io_is_told_the_same(
    api: Api, client: Callable[[], Client], transports: tuple[str, ...]
) -> None:
    call = await live_call(api, ANN, 1)
    one = client()
    await one.connect(await token_for(api, "aicaller", ANN), *transports)
    answer = await one.io.call("subscribe", {"type": "call", "call_id": call})
    assert answer == {"type": "call", "call_id": call}
    assert await one.told.get() == ("subscribed", answer)
    await says(api, ANN, call, "hello")
    name, data = await one.told.get()
    assert name == "interaction.added"
    assert data["interaction"]["text"] == "hello"
    await one.io.emit("subscribe", {"type": "all_calls"})
    assert (await one.told.get())[0] == "subscribed"
    await notifies(api, ANN, "told")
    name, data = await one.told.get()
    assert (name, data["title"]) == ("notification.created", "told")
    assert one.io.transport() == transports[-1]


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_socket_io_hears_nothing_of_other_accounts(
    api: Api, client: Callable[[], Client], transport: str
) -> None:
    call = await live_call(api, ANN, 1)
    one = client()
    await one.connect(await token_for(api, "aicaller", BOB), transport)
    await one.io.call("subscribe", {"type": "all_calls"})
    await one.told.get()
    await says(api, ANN, call, "private")
    await notifies(api, BOB, "your own")
    assert (await one.told.get())[1]["title"] == "your own"


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_socket_io_ends_with_the_token(
    api: Api, client: Callable[[], Client], transport: str
) -> None:
    one = client()
    await one.connect(await token_for(api, "aicaller", ANN), transport)
    account = await account_of(api, ANN)
    hash_ = await api.proofs.passwords.hash("another password")
    await api.services.sign_in.replace_password(account.id, hash_)
    async with asyncio.timeout(5.0):
        await one.gone.wait()


async def test_socket_io_without_a_token_is_refused(api: Api, client: Callable[[], Client]) -> None:
    with pytest.raises(ConnectionRefused):
        await client().connect("none", "polling", "websocket")


async def test_who_polls_and_goes_silent_is_forgotten(api: Api) -> None:
    token = await token_for(api, "aicaller", ANN)
    base = f"{PATH}/?EIO=4&token={token}&transport=polling"
    opened = await (await api.client.get(base)).text()
    sid = opened.split('"sid":"')[1].split('"')[0]
    assert len(api.bus) == 1
    assert (await api.client.post(f"{base}&sid={sid}", data=b"40")).status == 200
    api.clock.advance(25.0)
    api.clock.advance(20.0)
    lost = await api.client.get(f"{base}&sid={sid}")
    assert (await lost.json())["message"] == "Session ID unknown"
    assert len(api.bus) == 0


async def test_a_session_is_its_accounts_alone(api: Api) -> None:
    token = await token_for(api, "aicaller", ANN)
    base = f"{PATH}/?EIO=4&transport=polling"
    opened = await (await api.client.get(f"{base}&token={token}")).text()
    sid = opened.split('"sid":"')[1].split('"')[0]
    other = await token_for(api, "aicaller", BOB)
    stolen = await api.client.get(f"{base}&sid={sid}&token={other}")
    assert stolen.status == 400


@pytest.mark.parametrize(
    ("query", "code"),
    [("EIO=3", 5), ("EIO=4&transport=pigeon", 0), ("EIO=4&sid=none", 1)],
)
async def test_what_engine_io_cannot_be_is_refused_in_its_words(
    api: Api, query: str, code: int
) -> None:
    token = await token_for(api, "aicaller", ANN)
    refused = await api.client.get(f"{PATH}/?{query}&token={token}")
    assert refused.status == 400
    assert (await refused.json())["code"] == code


async def _until(socket: ClientWebSocketResponse, name: str) -> Any:
    """The next message of this name."""
    while True:
        told = await socket.receive_json()
        if told["event"] == name:
            return told
