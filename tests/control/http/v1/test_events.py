"""`/v1/events` and `/v1/events/log` as clients meet them: filters, tokens, and whose events."""

import asyncio
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import WSMsgType
from aiohttp.test_utils import TestClient, TestServer

from offhook.control.auth.principal import OPERATOR, OPERATOR_ID, Principal, Role
from offhook.control.auth.scopes import EVERYTHING
from offhook.control.domain.accounts import Account
from offhook.control.domain.events import AgentChanged, AnyEvent, NoteAdded
from offhook.control.errors import Unauthorized
from offhook.control.events.events import EventBus
from offhook.control.http.edge import EDGE
from offhook.control.http.server import make_app
from offhook.control.services.accounts import ACCOUNTS
from offhook.media.conversation.records import CallerSpeaking
from offhook.tests.kit.api import TOKEN, Api


def changed(agent_id: str) -> AgentChanged:
    return AgentChanged(at_wall=1_700_000_000.0, agent_id=agent_id, change="created")


def noted(call_id: str) -> NoteAdded:
    return NoteAdded(at_wall=1_700_000_000.0, call_id=call_id, note_id="n", text="hm")


class Tokens:
    """An authenticator that knows its senders by name."""

    def __init__(self) -> None:
        self.known = {"operator": OPERATOR}

    async def principal(self, authorization: str | None, audience: str = "") -> Principal:
        """Whoever has that token."""
        found = self.known.get((authorization or "").removeprefix("Bearer "))
        if found is None:
            raise Unauthorized("no")
        return found

    async def ended(self, authorization: str | None, who: Principal, audience: str = "") -> str:
        """Never."""
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")


class Edge:
    """An API with two accounts besides the operator's."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.bus: EventBus = api.bus
        self.tokens = Tokens()
        edge = api.client.app[EDGE] if api.client.app is not None else None
        assert edge is not None
        self.client = TestClient(TestServer(make_app(edge, self.tokens)))

    async def start(self) -> None:
        """Let ann and bob have accounts."""
        await self.client.start_server()
        async with self.api.database.write() as tx:
            for name in ("ann", "bob"):
                account = await ACCOUNTS.add(tx, Account(email=f"{name}@example.org"))
                self.tokens.known[name] = Principal(account.id, Role.USER, EVERYTHING, "access")

    def id_of(self, name: str) -> str:
        """An account's."""
        return self.tokens.known[name].account_id

    async def tell(self, name: str | None, *events: AnyEvent) -> None:
        """Something has happened to an account."""
        async with self.api.services.events.writing() as work:
            for event in events:
                work.tell(None if name is None else self.id_of(name), event)

    def socket(self, path: str, token: str | None = "operator") -> Any:
        """A WebSocket."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.client.ws_connect(path, headers=headers)

    async def log(self, status: int, query: str, token: str = "operator") -> Any:
        """The log."""
        headers = {"Authorization": f"Bearer {token}"}
        async with self.client.get(f"/v1/events/log{query}", headers=headers) as response:
            assert response.status == status, await response.text()
            return await response.json()


@pytest.fixture
async def edge(tmp_path: pathlib.Path) -> AsyncIterator[Edge]:
    async with Api(tmp_path) as api:
        edge = Edge(api)
        await edge.start()
        yield edge
        await edge.client.close()


async def types(socket: Any, count: int) -> list[str]:
    return [(await socket.receive_json())["event"]["type"] for _ in range(count)]


async def test_each_account_hears_of_its_own_live_and_replayed(edge: Edge) -> None:
    await edge.tell("bob", changed("b1"))
    await edge.tell("ann", changed("a1"))
    async with edge.socket("/v1/events?cursor=0", "ann") as ann, edge.socket("/v1/events") as all_:
        for socket in (ann, all_):
            await socket.receive_json()
        assert (await ann.receive_json())["event"]["agent_id"] == "a1"
        await edge.tell("bob", changed("b2"))
        edge.bus.publish(CallerSpeaking("c", 0.0, 1), edge.id_of("bob"))
        await edge.tell(None, changed("nobody's"))
        await edge.tell("ann", changed("a2"))
        last = await ann.receive_json()
        assert last["event"]["agent_id"] == "a2"
        assert last["owner_id"] == edge.id_of("ann")
        assert await types(all_, 4) == [
            "agent.changed",
            "caller.speaking",
            "agent.changed",
            "agent.changed",
        ]


async def test_administrators_may_ask_for_one_account_others_may_not(edge: Edge) -> None:
    await edge.tell("ann", changed("a"))
    await edge.tell("bob", changed("b"))
    path = f"/v1/events?cursor=0&account={edge.id_of('bob')}"
    async with edge.socket(path) as socket:
        await socket.receive_json()
        assert (await socket.receive_json())["event"]["agent_id"] == "b"
    log = await edge.log(200, f"?account={edge.id_of('bob')}")
    assert [event["event"]["agent_id"] for event in log["items"]] == ["b"]
    assert (await edge.log(403, f"?account={edge.id_of('bob')}", "ann"))["code"] == "forbidden"
    mine = await edge.log(200, f"?account={edge.id_of('ann')}", "ann")
    assert [event["event"]["agent_id"] for event in mine["items"]] == ["a"]


async def test_a_browser_gives_its_token_in_the_address(edge: Edge) -> None:
    async with edge.socket("/v1/events?token=ann", None) as socket:
        assert await socket.receive_json() == {"cursor": "0"}
    for path in ("/v1/events?token=wrong", "/v1/events", "/v1/events/log?token=ann"):
        async with edge.client.get(path) as response:
            assert response.status == 401


async def test_only_the_wanted_types_come(edge: Edge) -> None:
    async with edge.socket("/v1/events?types=note.*,caller.speaking") as socket:
        await socket.receive_json()
        await edge.tell("ann", changed("a"), noted("c"))
        edge.bus.publish(CallerSpeaking("c", 0.0, 1), edge.id_of("ann"))
        assert await types(socket, 2) == ["note.added", "caller.speaking"]
    async with edge.client.get("/v1/events?types=note.nothing&token=ann") as response:
        assert response.status == 400
        assert (await response.json())["field"] == "types"


async def test_a_client_changes_what_it_wants_and_pings(edge: Edge) -> None:
    async with edge.socket("/v1/events?types=agent.changed", "ann") as socket:
        await socket.receive_json()
        await socket.send_json({"type": "ping"})
        assert await socket.receive_json() == {"type": "pong"}
        await socket.send_json({"type": "subscribe", "types": ["note.*"], "call": "c"})
        assert await socket.receive_json() == {
            "type": "subscribed",
            "types": ["note.*"],
            "call": "c",
        }
        await edge.tell("bob", noted("c"))
        await edge.tell("ann", changed("a"), noted("d"), noted("c"))
        event = (await socket.receive_json())["event"]
        assert (event["type"], event["call_id"]) == ("note.added", "c")


async def test_the_cursor_is_the_first_text_whatever_a_client_says(edge: Edge) -> None:
    async with edge.socket("/v1/events?cursor=0") as socket:
        await socket.send_json({"type": "ping"})
        assert await socket.receive_json() == {"cursor": "0"}
        assert await socket.receive_json() == {"type": "pong"}


async def test_what_cannot_be_understood_is_said_and_all_goes_on(edge: Edge) -> None:
    async with edge.socket("/v1/events") as socket:
        await socket.receive_json()
        for text, detail in (
            ("hello", "no JSON"),
            ("{}", "type: required"),
            ('{"type": "shout"}', "type: invalid value 'shout'"),
            ('{"type": "ping", "x": 1}', "x: unknown"),
            ('{"type": "subscribe", "types": ["no.thing"]}', "types: no event is of the type"),
            ('{"type": "subscribe", "types": "x"}', "types: expected `array`"),
        ):
            await socket.send_str(text)
            answer = await socket.receive_json()
            assert answer["type"] == "error"
            assert answer["detail"].startswith(detail)
        await socket.send_bytes(b"\x00")
        assert (await socket.receive_json())["type"] == "error"
        await edge.tell("ann", changed("a"))
        assert await types(socket, 1) == ["agent.changed"]


async def test_a_text_that_is_too_long_closes_the_socket(edge: Edge) -> None:
    async with edge.socket("/v1/events") as socket:
        await socket.receive_json()
        (subscription,) = edge.bus._subscriptions
        await socket.send_str("x" * 5000)
        await socket.receive()
        assert socket.close_code == 1009
    await subscription.wait_closed()
    assert len(edge.bus) == 0


async def test_the_log_is_filtered_paged_and_followed(edge: Edge) -> None:
    await edge.tell("ann", changed("1"), noted("c"), changed("2"))
    edge.bus.publish(CallerSpeaking("c", 0.0, 1), edge.id_of("ann"))
    await edge.tell("bob", changed("3"))
    log = await edge.log(200, "?limit=2&total=true", "ann")
    assert [event["cursor"] for event in log["items"]] == ["3", "2"]
    assert log["total"] == 3
    rest = await edge.log(200, f"?limit=2&cursor={log['next']}", "ann")
    assert [event["cursor"] for event in rest["items"]] == ["1"]
    assert rest["next"] is None
    (first,) = rest["items"]
    assert first["at"] == "2023-11-14T22:13:20Z"
    assert first["owner_id"] == edge.id_of("ann")
    assert first["event"] == {
        "type": "agent.changed",
        "at_wall": 1_700_000_000.0,
        "call_id": None,
        "agent_id": "1",
        "change": "created",
    }
    for query, cursors in (
        ("?sort=seq&after=1", ["2", "3", "4"]),
        ("?sort=seq&after=4", []),
        ("?types=note.*,sms.*", ["2"]),
        ("?call=c", ["2"]),
        (f"?account={OPERATOR_ID}", []),
    ):
        assert [e["cursor"] for e in (await edge.log(200, query))["items"]] == cursors
    assert (await edge.log(400, "?after=x"))["field"] == "after"
    assert (await edge.log(400, "?types=x"))["field"] == "types"


async def refused(socket: Any) -> tuple[int, str]:
    """How the server has closed it."""
    message = await asyncio.wait_for(socket.receive(), 5)
    assert message.type is WSMsgType.CLOSE, message
    return message.data, message.extra


async def test_a_socket_ends_with_its_sign_in_its_key_or_its_account(
    tmp_path: pathlib.Path,
) -> None:
    async with Api(tmp_path) as api:
        tokens = [await api.user("ann@example.org") for _ in range(2)]
        key = await api.want(
            201, "POST", "/v1/api-keys", {"name": "k", "scopes": ["events:read"]}, token=tokens[0]
        )
        sockets = [
            await api.client.ws_connect(f"/v1/events?token={token}", autoclose=False)
            for token in (*tokens, key["key"])
        ]
        first, second, by_key = sockets
        for socket in sockets:
            await socket.receive_json()
        await api.want(204, "POST", "/v1/auth/logout", {}, token=tokens[0])
        assert await refused(first) == (1008, "the token has been revoked")
        await api.want(204, "DELETE", f"/v1/api-keys/{key['id']}", token=tokens[1])
        assert await refused(by_key) == (1008, "the token has been revoked")
        await second.send_json({"type": "ping"})
        assert await second.receive_json() == {"type": "pong"}
        account = await api.services.sign_in.named("ann@example.org")
        assert account is not None
        off = {"is_active": False}
        await api.want(200, "PATCH", f"/v1/accounts/{account.id}", off)
        assert await refused(second) == (1008, "the token has been revoked")
        for socket in sockets:
            await socket.close()
        assert not api.proofs.known._watchers


async def test_a_socket_ends_when_its_tokens_time_is_over(tmp_path: pathlib.Path) -> None:
    async with Api(tmp_path) as api:
        token = await api.user("ann@example.org")
        async with api.client.ws_connect("/v1/events", headers=bearer(token)) as socket:
            await socket.receive_json()
            api.clock.advance(3599.0)
            await socket.send_json({"type": "ping"})
            assert await socket.receive_json() == {"type": "pong"}
            api.clock.advance(30.0)
            assert await refused(socket) == (1008, "the token has expired")


async def test_who_is_no_administrator_any_more_hears_no_more_of_others(
    tmp_path: pathlib.Path,
) -> None:
    async with Api(tmp_path) as api:
        token = await api.user("ann@example.org", Role.ADMIN)
        account = await api.services.sign_in.named("ann@example.org")
        assert account is not None
        async with api.client.ws_connect("/v1/events", headers=bearer(token)) as socket:
            await socket.receive_json()
            await api.want(200, "PATCH", f"/v1/accounts/{account.id}", {"first_name": "Ann"})
            await socket.send_json({"type": "ping"})
            assert await socket.receive_json() == {"type": "pong"}
            await api.want(200, "PATCH", f"/v1/accounts/{account.id}", {"role": "user"})
            code, reason = await refused(socket)
            assert (code, reason) == (1008, "what the credential allows has changed")


async def test_an_account_has_so_many_sockets_and_no_more(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offhook.control.http.v1.events.MAX_SOCKETS", 2)
    async with Api(tmp_path) as api:
        token = await api.user("ann@example.org")
        sockets = [await api.client.ws_connect(f"/v1/events?token={token}") for _ in range(2)]
        problem = await api.want(429, "GET", "/v1/events", token=token)
        assert problem["code"] == "too_many_requests"
        async with api.client.ws_connect("/v1/events", headers=bearer(TOKEN)) as another:
            assert (await another.receive_json())["cursor"]
        await sockets[0].close()
        async with api.client.ws_connect(f"/v1/events?token={token}") as again:
            assert (await again.receive_json())["cursor"]
        await sockets[1].close()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
