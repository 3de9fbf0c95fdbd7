"""Everything of the Python SDK that its document's example leaves out."""

# ruff: noqa: T201
import json
import os
from collections.abc import Callable

from aetherium_sdk import AetheriumClient, ApiError

BASE_URL = os.environ["BASE_URL"]
client = AetheriumClient(BASE_URL, os.environ["API_KEY"])

workflow = client.workflows.create("Sales", "You sell.", voice_settings={"rate": "+5%"})
renamed = client.workflows.update(workflow.id, name="Sales Assistant")
session = client.sessions.create(
    workflow.id, os.environ["TO_PHONE"], metadata={"orderNumber": 5, "line_items": [1]}
)
updated = client.sessions.update(session.id, status="completed", ai_response="Done.")
page = client.sessions.list(limit=100, sort="-created_at", filter={"status": "completed"})
kinds = [update.type for update in client.sessions.stream(session.id)]


def refused(verb: Callable[[], object]) -> list[object]:
    try:
        verb()
    except ApiError as error:
        return [type(error).__name__, error.error_code, error.request_id is not None]
    return []


stranger = AetheriumClient(BASE_URL, "ohk_wrong_key")
print(
    json.dumps(
        {
            "workflow": [renamed.id == workflow.id, renamed.name, renamed.voice_settings["rate"]],
            "listed": workflow.id in [each.id for each in client.workflows.list()],
            "metadata": client.sessions.get(session.id).metadata,
            "updated": [updated.status, updated.ai_response],
            "found": session.id in [each.id for each in page],
            "last": kinds[-1],
            "missing": refused(lambda: list(client.sessions.stream(999999))),
            "unfit": refused(lambda: client.sessions.create(workflow.id, "nobody")),
            "stranger": refused(lambda: list(stranger.sessions.stream(session.id))),
        }
    )
)
client.workflows.delete(workflow.id)
