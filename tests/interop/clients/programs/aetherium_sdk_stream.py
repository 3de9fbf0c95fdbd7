"""The document's Python SDK: a session is created, and monitored until it is completed."""

# ruff: noqa: T201
import os

from aetherium_sdk import AetheriumClient

client = AetheriumClient(base_url=os.environ["BASE_URL"], api_key=os.environ["API_KEY"])

# Create a session
session = client.sessions.create(
    workflow_id=int(os.environ["WORKFLOW_ID"]),
    phone_number=os.environ["TO_PHONE"],
    session_type="outbound",
)

# Monitor session
for update in client.sessions.stream(session.id):
    print(f"Status: {update.status}")
    if update.status == "completed":
        break
