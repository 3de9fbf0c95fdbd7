"""Who answers a call, and which lines one may take."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from offhook.control.auth.principal import OPERATOR_ID
from offhook.control.configuration.config import (
    AgentConfig,
    LineSettings,
    ModemSettings,
    Settings,
    TrunkSettings,
)
from offhook.control.configuration.configured import BUILT_IN_ID
from offhook.control.dialer.call_limits import CallLimits, Claim, Counted
from offhook.control.domain.accounts import Account
from offhook.control.domain.agents import Agent, AgentKind, OpenHours
from offhook.control.domain.calls import Call, CallStatus
from offhook.control.domain.numbers import PhoneNumber
from offhook.control.lines.lines import Lines
from offhook.control.lines.routing import CallRefused, Routing
from offhook.control.services.accounts import ACCOUNTS
from offhook.control.services.agents import AGENTS
from offhook.control.services.mirroring import mirror
from offhook.control.services.modems import MODEMS
from offhook.control.services.numbers import NUMBERS
from offhook.drivers.sip.registration import Registered, RegistrationFailed
from offhook.media.clock import VirtualClock
from offhook.media.ports import HangUpCause
from offhook.tests.kit.database import copy_database
from offhook.tests.kit.fake_calls import FakeLoopbackCalls, FakeSipCalls

SETTINGS = Settings(
    default_agent="night",
    agents=tuple(AgentConfig(name) for name in ("desk", "night", "shop", "vip")),
    lines=(
        LineSettings("office", "sip:registrar.example", "office", agent="desk", max_calls=2),
        LineSettings("spare", "sip:registrar.example", "spare"),
    ),
    trunks=(
        TrunkSettings("inward", addresses=("192.0.2.0/24",), agent="shop"),
        TrunkSettings("carrier", host="carrier.example"),
    ),
    modems=(ModemSettings("sim"),),
    numbers={"100": "vip", "+49 30 1": "shop"},
)


class Switchboard:
    """Routing over a database; SIP and the loopback line have started."""

    def __init__(self, folder: pathlib.Path, settings: Settings = SETTINGS) -> None:
        self.settings = settings
        self.clock = VirtualClock()
        self.database = copy_database(folder)
        self.lines = Lines(settings, CallLimits())
        self.lines.sip, self.lines.loopback = FakeSipCalls(), FakeLoopbackCalls()
        self.routing = Routing(settings, self.database, self.lines, self.clock)

    async def __aenter__(self) -> "Switchboard":
        await self.database.open()
        await mirror(self.settings, self.database, self.clock)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.database.aclose()

    async def account(self, email: str = "a@b", **fields: Any) -> str:
        async with self.database.write() as tx:
            return (await ACCOUNTS.add(tx, Account(email=email, **fields))).id

    async def agent(self, owner_id: str, name: str = "own", **fields: Any) -> Agent:
        async with self.database.write() as tx:
            return await AGENTS.add(tx, Agent(owner_id=owner_id, name=name, **fields))

    async def number(self, owner_id: str, number: str, **fields: Any) -> PhoneNumber:
        async with self.database.write() as tx:
            return await NUMBERS.add(tx, PhoneNumber(owner_id=owner_id, number=number, **fields))

    async def assign(self, account_id: str) -> None:
        async with self.database.write() as tx:
            (modem,) = await MODEMS.all(tx, None)
            await MODEMS.update(tx, modem, assigned_account_id=account_id)

    async def answers(self, line: str, number: str) -> str:
        return (await self.routing.inbound(line, number)).agent.name

    async def refused(self, line: str, number: str) -> tuple[HangUpCause, str]:
        with pytest.raises(CallRefused) as caught:
            await self.routing.inbound(line, number)
        return caught.value.cause, caught.value.reason


@pytest.fixture
async def board(tmp_path: pathlib.Path) -> AsyncIterator[Switchboard]:
    async with Switchboard(tmp_path) as board:
        yield board


def call(owner_id: str = OPERATOR_ID, **fields: Any) -> Call:
    base = Call(
        owner_id=owner_id,
        inbound=False,
        from_number="",
        to_number="+15550002",
        status=CallStatus.QUEUED,
    )
    return msgspec.structs.replace(base, **fields)


# --- in -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "number", "agent"),
    [
        ("office", "100", "vip"),
        ("office", "49301", "shop"),
        ("office", "101", "desk"),
        ("inward", "101", "shop"),
        ("spare", "101", "night"),
        ("local", "", "night"),
    ],
    ids=[
        "the number first",
        "however it is written",
        "then the line",
        "or the trunk",
        "then the default",
        "a stranger",
    ],
)
async def test_the_number_goes_before_the_line_and_the_line_before_the_default(
    board: Switchboard, line: str, number: str, agent: str
) -> None:
    assert await board.answers(line, number) == agent


async def test_without_a_default_the_first_agent_answers(tmp_path: pathlib.Path) -> None:
    settings = Settings(agents=(AgentConfig("desk"), AgentConfig("night")))
    async with Switchboard(tmp_path, settings) as board:
        assert await board.answers("local", "1") == "desk"


async def test_without_agents_the_built_in_one_answers(tmp_path: pathlib.Path) -> None:
    async with Switchboard(tmp_path, Settings()) as board:
        route = await board.routing.inbound("local", "1")
        assert (route.agent.id, route.owner_id, route.number) == (BUILT_IN_ID, OPERATOR_ID, None)


async def test_a_number_of_an_account_is_answered_by_its_agent_at_its_account(
    board: Switchboard,
) -> None:
    owner = await board.account(max_live_calls=3)
    agent = await board.agent(owner)
    number = await board.number(owner, "+15550100", agent_id=agent.id, max_live_calls=1)
    route = await board.routing.inbound("office", "15550100")
    assert (route.agent.id, route.owner_id) == (agent.id, owner)
    assert route.claims == (
        Claim(Counted.ACCOUNT, owner, 3),
        Claim(Counted.LINE, "office", 2),
        Claim(Counted.NUMBER, number.id, 1),
    )


async def test_a_number_without_an_agent_is_answered_by_the_default_one(
    board: Switchboard,
) -> None:
    owner = await board.account()
    await board.number(owner, "200")
    route = await board.routing.inbound("spare", "200")
    assert (route.agent.name, route.owner_id) == ("night", owner)


async def test_an_agent_of_another_account_answers_no_number(board: Switchboard) -> None:
    ann, bob = await board.account("ann@example.org"), await board.account("bob@example.org")
    agent = await board.agent(bob)
    await board.number(ann, "+15550001", agent_id=agent.id)
    assert await board.answers("office", "+15550001") == "desk"


async def test_outside_its_hours_another_agent_answers_or_it_is_busy(board: Switchboard) -> None:
    owner = await board.account()
    day = await board.agent(owner, name="day")
    late = await board.agent(owner, name="late")
    # The clock shows Tuesday, 22:13 UTC.
    hours = OpenHours(days=(2,), opens="09:00", closes="22:14")
    await board.number(owner, "200", agent_id=day.id, closed_agent_id=late.id, open_hours=hours)
    await board.number(owner, "201", agent_id=day.id, open_hours=hours)
    assert await board.answers("office", "200") == "day"
    assert await board.answers("office", "201") == "day"
    board.clock.advance(60)
    assert await board.answers("office", "200") == "late"
    assert await board.refused("office", "201") == (HangUpCause.BUSY, "outside the number's hours")


async def test_what_is_switched_off_is_refused(board: Switchboard) -> None:
    owner = await board.account()
    off = await board.agent(owner, name="off", is_active=False)
    human = await board.agent(owner, name="Eva", kind=AgentKind.HUMAN)
    await board.number(owner, "200", is_active=False)
    await board.number(owner, "201", agent_id=off.id)
    await board.number(owner, "202", agent_id=human.id)
    assert (await board.refused("office", "200"))[0] is HangUpCause.NOT_FOUND
    assert await board.refused("office", "201") == (
        HangUpCause.BUSY,
        "agent 'off' is switched off",
    )
    assert await board.refused("office", "202") == (HangUpCause.BUSY, "agent 'Eva' is a person")
    gone = await board.account(email="gone@b", is_active=False)
    await board.number(gone, "203")
    assert (await board.refused("office", "203"))[0] is HangUpCause.NOT_FOUND


async def test_a_number_of_one_line_is_not_reached_by_another(board: Switchboard) -> None:
    owner = await board.account()
    agent = await board.agent(owner)
    await board.number(owner, "200", agent_id=agent.id, line="office")
    assert await board.answers("office", "200") == "own"
    assert await board.answers("spare", "200") == "night"
    assert await board.answers("local", "200") == "own", "development: whatever it is"


async def test_calls_of_a_modem_are_its_accounts(board: Switchboard) -> None:
    owner = await board.account()
    await board.assign(owner)
    route = await board.routing.inbound("sim", "+15550999")
    assert (route.owner_id, route.agent.name) == (owner, "night")


async def test_an_exact_number_goes_before_another_spelling_of_it(board: Switchboard) -> None:
    owner = await board.account()
    for name, number in (("plus", "+777"), ("plain", "777")):
        agent = await board.agent(owner, name=name)
        await board.number(owner, number, agent_id=agent.id)
    assert await board.answers("office", "777") == "plain"
    assert await board.answers("office", "+777") == "plus"
    assert await board.answers("office", "00777") == "plus"


# --- out ------------------------------------------------------------------------------------------


async def test_calls_go_out_by_trunks_then_accounts_and_never_by_what_simulates(
    board: Switchboard,
) -> None:
    assert await board.routing.outbound(call()) == ("carrier", "office", "spare")


async def test_lines_that_are_down_come_last(board: Switchboard) -> None:
    board.lines.tell_registration(RegistrationFailed("office", 403, "Forbidden", 2.0))
    board.lines.tell_registration(Registered("spare", 60))
    assert await board.routing.outbound(call()) == ("carrier", "spare", "office")


async def test_the_order_can_be_set(tmp_path: pathlib.Path) -> None:
    order = ("spare", "loopback", "carrier")
    settings = msgspec.structs.replace(SETTINGS, outbound_lines=order)
    async with Switchboard(tmp_path, settings) as board:
        board.lines.tell_registration(Registered("spare", 60))
        assert await board.routing.outbound(call()) == order


async def test_where_nothing_else_calls_out_the_simulation_does(tmp_path: pathlib.Path) -> None:
    async with Switchboard(tmp_path, Settings()) as board:
        assert await board.routing.outbound(call()) == ("simulated-1", "loopback")


async def test_a_line_that_is_asked_for_is_the_only_one(board: Switchboard) -> None:
    assert await board.routing.outbound(call(line="loopback")) == ("loopback",)
    for line in ("inward", "nothing"):
        with pytest.raises(CallRefused, match=f"line '{line}' cannot call out"):
            await board.routing.outbound(call(line=line))


async def test_the_line_of_the_number_that_calls_goes_first(board: Switchboard) -> None:
    owner = await board.account()
    await board.number(owner, "+15550100", line="spare", max_live_calls=2)
    out = call(owner, from_number="+1 555-0100")
    board.lines.tell_registration(Registered("spare", 60))
    assert (await board.routing.outbound(out))[0] == "spare"
    claims = await board.routing.outbound_claims(out)
    assert [(claim.kind, claim.limit) for claim in claims] == [
        (Counted.ACCOUNT, None),
        (Counted.NUMBER, 2),
    ]
    # Another account that shows the same number gets nothing of it.
    assert (await board.routing.outbound(call(from_number="+15550100")))[0] == "carrier"


async def test_a_number_that_is_switched_off_does_not_call(board: Switchboard) -> None:
    owner = await board.account()
    await board.number(owner, "+15550100", is_active=False)
    with pytest.raises(CallRefused, match="not active"):
        await board.routing.outbound(call(owner, from_number="+15550100"))


async def test_a_modem_of_another_account_is_not_used(board: Switchboard) -> None:
    owner = await board.account()
    await board.assign(owner)
    assert await board.routing.outbound(call(owner, line="sim")) == ("sim",)
    with pytest.raises(CallRefused):
        await board.routing.outbound(call(line="sim"))


async def test_the_agent_of_a_call_is_the_one_it_names_or_the_default(board: Switchboard) -> None:
    agent = await board.agent(OPERATOR_ID)
    assert (await board.routing.agent_for(call(agent_id=agent.id))).id == agent.id
    assert (await board.routing.agent_for(call())).name == "night"
    off = await board.agent(OPERATOR_ID, is_active=False)
    for id_ in (off.id, "nobody"):
        with pytest.raises(CallRefused):
            await board.routing.agent_for(call(agent_id=id_))


async def test_no_route_at_all_is_said(tmp_path: pathlib.Path) -> None:
    async with Switchboard(tmp_path, Settings(loopback=False)) as board:
        board.lines.loopback = None
        with pytest.raises(CallRefused, match="no line calls out"):
            await board.routing.outbound(call())
