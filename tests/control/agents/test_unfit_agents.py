"""An agent that cannot answer stands in the error log, once for each version of it."""

import pathlib

import msgspec

from offhook.control.agents.unfit_agents import UnfitAgents
from offhook.control.domain.agents import Agent
from offhook.control.errors import FieldError, Unprocessable
from offhook.tests.kit.api import Api

PROBLEM = Unprocessable("the settings do not fit", [FieldError("house.answers", "required")])


async def test_each_version_is_told_once_and_to_its_owner(tmp_path: pathlib.Path) -> None:
    async with Api(tmp_path) as api:
        token = await api.user("ann@example.org")
        made = await api.want(201, "POST", "/v1/agents", {"name": "desk"}, token=token)
        agent = Agent(id=made["id"], owner_id=made["owner_id"], name="desk")
        unfit = UnfitAgents(api.services.error_logs)
        changed = msgspec.structs.replace(agent, updated_wall=5.0)
        for each in (agent, agent, changed):
            await unfit.tell(each, PROBLEM)
        page = await api.want(200, "GET", "/v1/error-logs", token=token)
        assert [entry["type"] for entry in page["items"]] == ["agent_unfit"] * 2
        assert "house.answers: required" in page["items"][0]["message"]
        assert page["items"][0]["context"] == {"agent_id": agent.id}
