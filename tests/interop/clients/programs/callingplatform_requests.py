"""The document's Python: an agent is created, and a call placed."""

# mypy: disable-error-code="no-untyped-call"
# ruff: noqa: T201
import json
import os

import requests

API_BASE = os.environ["API_BASE"]
TOKEN = os.environ["TOKEN"]

headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}


# Create agent
def create_agent():
    response = requests.post(
        f"{API_BASE}/agents",
        json={
            "name": "Customer Support Agent",
            "systemPrompt": "You are a helpful customer support agent...",
            "voice": "Rachel",
            "isActive": True,
        },
        headers=headers,
    )
    return response.json()


# Initiate call
def initiate_call(agent_id, to_phone):
    response = requests.post(
        f"{API_BASE}/calls/outbound",
        json={"toPhone": to_phone, "agentId": agent_id, "priority": "high"},
        headers=headers,
    )
    return response.json()


agent = create_agent()
call = initiate_call(agent["data"]["_id"], os.environ["TO_PHONE"])
print(json.dumps({"agent": agent, "call": call}))
