"""Ids of older APIs, there and back."""

import pathlib
import uuid

import pytest

from offhook.control.dialects.callingplatform.forms import IDS
from offhook.control.dialects.identifiers import Numbers, Uuids
from offhook.control.http.route import Asked
from offhook.tests.kit.api import Api

ONE = str(uuid.UUID(int=7))


def test_a_prefixed_token_is_its_uuid_and_back() -> None:
    shown = IDS.show("agent", ONE)
    assert shown == "agent_00000000000000000000000000000007"
    assert IDS.uuid("agent", shown) == ONE


@pytest.mark.parametrize(
    "text", ["agent_123", "call_" + "0" * 32, ONE, "", "agent_", "agent_" + "G" * 32]
)
def test_another_form_is_none(text: str) -> None:
    assert IDS.uuid("agent", text) is None


async def test_uuids_are_taken_in_any_case_and_nothing_else_is() -> None:
    asked: Asked = None  # type: ignore[type-arg, assignment] # it needs no request
    upper = str(uuid.UUID(int=0xABCDEF)).upper()
    assert await Uuids().read(asked, "agent", upper) == upper.lower()
    assert await Uuids().read(asked, "agent", "7") is None


async def test_numbers_are_those_of_ones_own_things(tmp_path: pathlib.Path) -> None:
    async with Api(tmp_path) as api:
        ann, bob = await api.user("ann@example.com"), await api.user("bob@example.com")
        made = await api.want(201, "POST", "/v1/agents", {"name": "Anna"}, token=ann)
        mine = await api.services.authentication.principal(f"Bearer {ann}")
        other = await api.services.authentication.principal(f"Bearer {bob}")
        numbered = api.services.numbered
        assert await numbered.id_of(mine, "agent", made["seq"]) == made["id"]
        assert await numbered.id_of(other, "agent", made["seq"]) is None
        assert await numbered.id_of(mine, "agent", 10**30) is None
        assert await numbered.seqs_of("agent", [made["id"], None]) == {made["id"]: made["seq"]}
        account = await api.services.sign_in.named("bob@example.com")
        assert account is not None
        assert await numbered.id_of(other, "account", account.seq) == account.id
        assert await numbered.id_of(mine, "account", account.seq) is None


@pytest.mark.parametrize("text", ["0", "-1", "1.0", "x", "", "01", "9" * 30])
async def test_what_is_no_number_is_none(text: str) -> None:
    asked: Asked = None  # type: ignore[type-arg, assignment] # it is not asked
    assert await Numbers().read(asked, "agent", text) is None


def test_what_is_told_of_a_thing_has_its_prefixed_token() -> None:
    token = "0" * 31 + "7"
    assert IDS.told(f"no agent '{ONE}'") == f"no agent 'agent_{token}'"
    assert IDS.told(f"tried by call {ONE}: wait") == f"tried by call call_{token}: wait"
    assert IDS.told(f"no webhook {ONE}") == f"no webhook {ONE}"
    assert IDS.told("the call has ended") == "the call has ended"
