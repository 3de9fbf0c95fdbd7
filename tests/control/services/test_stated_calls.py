"""Calls of which somebody says how they stand: their owners alone, until they have ended."""

import pathlib

import msgspec
import pytest

from offhook.control.auth.principal import OPERATOR, Principal, Role
from offhook.control.domain.calls import CallStatus, Outcome
from offhook.control.errors import Conflict, NotFound
from offhook.tests.kit.api import Api


async def test_a_call_is_stated_by_its_owner_until_it_has_ended(tmp_path: pathlib.Path) -> None:
    async with Api(tmp_path) as api:
        token = await api.user("ann@example.org")
        agent = await api.want(201, "POST", "/v1/agents", {"name": "Anna"}, token=token)
        ann = Principal(agent["owner_id"], Role.USER, OPERATOR.scopes, "access")
        bob = msgspec.structs.replace(ann, account_id="bob")
        stated = api.services.stated_calls
        call = await stated.expect(ann, agent["id"], "+15550001", {})
        with pytest.raises(NotFound):
            await stated.state(bob, call.id, CallStatus.LIVE, None)
        live = await stated.state(ann, call.id, CallStatus.LIVE, None)
        assert (live.status, live.answered_wall) == (CallStatus.LIVE, api.clock.wall())
        with pytest.raises(NotFound):
            await stated.state(bob, call.id, CallStatus.ENDED, Outcome.COMPLETED)
        ended = await stated.state(ann, call.id, CallStatus.ENDED, Outcome.COMPLETED)
        assert (ended.status, ended.outcome) == (CallStatus.ENDED, Outcome.COMPLETED)
        with pytest.raises(Conflict):
            await stated.state(ann, call.id, CallStatus.LIVE, None)
