"""An account that has one of everything: what it has nobody else may find, change or use."""

import wave
from collections.abc import Awaitable, Callable
from typing import Any

from offhook.control.configuration.config_lines import DEFAULT_MODEMS
from offhook.control.domain.analyses import CallAnalysis
from offhook.control.domain.calls import Call, CallStatus, Escalation, Outcome, Recording
from offhook.control.domain.documents import Document
from offhook.control.domain.entity import Entity
from offhook.control.domain.imports import ImportJob
from offhook.control.domain.messages import ErrorLog, Notification, OutboxMessage
from offhook.control.domain.numbers import Modem
from offhook.control.domain.webhooks import Delivery, DeliveryStatus
from offhook.control.store import schema
from offhook.control.store.calls import CALLS
from offhook.control.store.rows import Rows

from .api import Api
from .call_records import call_of, call_record

MODEM = DEFAULT_MODEMS[0].name
RECORDING = "its-recording.wav"
NUMBER = "+15557000001"
EMAIL = "tenant@example.com"
DAILY = {"pattern": "daily", "time": "10:00", "timezone": "UTC"}


class Tenant:
    """`await tenant.settle()`: then `ids` has what it owns, by the part of a path that names it."""

    def __init__(self, api: Api, email: str = EMAIL) -> None:
        self.api = api
        self.email = email
        self.token = ""
        self.account_id = ""
        self.ids: dict[str, str] = {}
        self.live_call_id = ""

    async def settle(self) -> "Tenant":
        """Make one of everything."""
        self.token = await self.api.user(self.email)
        account = await self.api.services.sign_in.named(self.email)
        assert account is not None, "it was made just now"
        self.account_id = account.id
        for path, maker in MAKERS.items():
            self.ids[path] = await maker(self)
        self.live_call_id = await self._live_call()
        return self

    def path_of(self, path: str) -> str:
        """A route's path with this tenant's ids in it. Raises KeyError: MAKERS lacks one."""
        parts: list[str] = []
        template = ""
        for part in path.strip("/").split("/"):
            template += f"/{part}"
            parts.append(self.ids[template] if part.startswith("{") else part)
        return "/" + "/".join(parts)

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """Make something by the API."""
        response = await self.api.ask("POST", path, body, token=self.token)
        assert response.status in (201, 202), f"{path}: {response.status} {await response.text()}"
        return await response.json()

    async def add(self, table: Any, entity: Entity) -> str:
        """Make something that no client can make."""
        async with self.api.database.write() as tx:
            return (await Rows(table, type(entity)).add(tx, entity)).id

    async def _live_call(self) -> str:
        record = call_record(7, agent="Anna", from_number=NUMBER)
        self.api.calls.add(call_of(record, owner_id=self.account_id), record, lambda: None)
        await self.api.calls.settled()
        return record.id


Maker = Callable[[Tenant], Awaitable[str]]


async def _call(tenant: Tenant) -> str:
    with wave.open(str(tenant.api.recordings / RECORDING), "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(4 * 80))
    call_id = await _a_call(tenant, Outcome.COMPLETED, recording=RECORDING)
    analysis = CallAnalysis(owner_id=tenant.account_id, call_id=call_id)
    await tenant.add(schema.CALL_ANALYSES, analysis)
    return call_id


async def _retry(tenant: Tenant) -> str:
    return await _a_call(tenant, Outcome.BUSY, inbound=False, next_retry_wall=1_800_000_000.0)


async def _a_call(tenant: Tenant, outcome: Outcome, **changes: Any) -> str:
    fields: dict[str, Any] = {"inbound": True, "from_number": NUMBER, "to_number": "100"} | changes
    call = Call(owner_id=tenant.account_id, status=CallStatus.ENDED, outcome=outcome, **fields)
    async with tenant.api.database.write() as tx:
        return (await CALLS.add(tx, call)).id


async def _delivery(tenant: Tenant) -> str:
    hook = tenant.ids["/v1/webhooks/{id}"]
    tested = await tenant.post(f"/v1/webhooks/{hook}/test", {})
    delivery = Delivery(
        owner_id=tenant.account_id,
        webhook_id=hook,
        event_id=tested["event_id"],
        status=DeliveryStatus.FAILED,
    )
    return await tenant.add(schema.DELIVERIES, delivery)


async def _escalation(tenant: Tenant) -> str:
    call_id = tenant.ids["/v1/calls/{id}"]
    return await tenant.add(
        schema.ESCALATIONS, Escalation(owner_id=tenant.account_id, call_id=call_id, target=NUMBER)
    )


async def _modem(tenant: Tenant) -> str:
    modem = Modem(name=MODEM, assigned_account_id=tenant.account_id, simulated=True)
    return await tenant.add(schema.MODEMS, modem)


async def _line(tenant: Tenant) -> str:
    """Of the modem that is theirs: a line without an owner is everybody's."""
    return MODEM


async def _agent(tenant: Tenant) -> str:
    return tenant.ids["/v1/agents/{id}"]


async def _account(tenant: Tenant) -> str:
    return tenant.account_id


def _by_api(path: str, body: dict[str, Any], key: str = "id") -> Maker:
    async def make(tenant: Tenant) -> str:
        made = await tenant.post(tenant.path_of(path), body)
        return str(made[key])

    return make


def _by_store(table: Any, make: Callable[[str], Entity]) -> Maker:
    async def add(tenant: Tenant) -> str:
        return await tenant.add(table, make(tenant.account_id))

    return add


def _by_store_of_call(table: Any, make: Callable[[str, str], Entity]) -> Maker:
    async def add(tenant: Tenant) -> str:
        return await tenant.add(table, make(tenant.account_id, tenant.ids["/v1/calls/{id}"]))

    return add


# Each comes after those that it needs.
MAKERS: dict[str, Maker] = {
    "/v1/accounts/{id}": _account,
    "/v1/agents/{id}": _by_api("/v1/agents", {"name": "Anna"}),
    "/v1/analytics/agents/{id}": _agent,
    "/v1/numbers/{id}": _by_api("/v1/numbers", {"number": NUMBER}),
    "/v1/calls/{id}": _call,
    "/v1/recordings/{id}": _by_store_of_call(
        schema.RECORDINGS,
        lambda owner, call_id: Recording(
            owner_id=owner, call_id=call_id, file=RECORDING, rate_hz=8000, length_s=1.0
        ),
    ),
    "/v1/calls/{id}/notes/{note}": _by_api("/v1/calls/{id}/notes", {"text": "Calls again."}),
    "/v1/retries/{id}": _retry,
    "/v1/do-not-call/{id}": _by_api("/v1/do-not-call", {"number": "+15557000009"}),
    "/v1/escalations/{id}": _escalation,
    "/v1/webhooks/{id}": _by_api("/v1/webhooks", {"url": "https://example.com/hook"}),
    "/v1/webhooks/{id}/deliveries/{delivery}": _delivery,
    "/v1/schedules/{id}": _by_api("/v1/schedules", {"to": NUMBER, "recurrence": DAILY}),
    "/v1/campaigns/{id}": _by_api("/v1/campaigns", {"name": "Spring", "numbers": [NUMBER]}),
    "/v1/imports/{id}": _by_store(
        schema.IMPORT_JOBS,
        lambda owner: ImportJob(owner_id=owner, size_bytes=1, content_hash="0" * 64),
    ),
    "/v1/documents/{id}": _by_store(
        schema.DOCUMENTS,
        lambda owner: Document(owner_id=owner, title="Prices", size_bytes=1, content_hash="0" * 64),
    ),
    "/v1/modems/{id}": _modem,
    "/v1/lines/{name}": _line,
    "/v1/api-keys/{id}": _by_api("/v1/api-keys", {"name": "mine", "scopes": ["calls:read"]}),
    "/v1/provider-keys/{id}": _by_api(
        "/v1/provider-keys", {"provider": "openai", "secret": "sk-abcdefghijkl"}
    ),
    "/v1/messages/{id}": _by_api("/v1/messages", {"to": NUMBER, "body": "Hello."}),
    "/v1/sms-tasks/{id}": _by_api("/v1/sms-tasks", {"number": NUMBER, "body": "Hello?"}),
    "/v1/broadcasts/{id}": _by_api("/v1/broadcasts", {"message": "Hello."}),
    "/v1/contacts/{key}": _by_api("/v1/contacts", {"phone_number": "+15557000002"}),
    "/v1/notifications/{id}": _by_store(
        schema.NOTIFICATIONS,
        lambda owner: Notification(owner_id=owner, type="call", title="A call", message="came"),
    ),
    "/v1/outbox/{id}": _by_store(
        schema.OUTBOX,
        lambda owner: OutboxMessage(owner_id=owner, channel="sms", to=NUMBER, body="Hello."),
    ),
    "/v1/payments/{id}": _by_api("/v1/payments", {"tier": "premium"}),
    "/v1/tickets/{id}": _by_api("/v1/tickets", {"subject": "Help", "description": "Please."}),
    "/v1/error-logs/{id}": _by_store(
        schema.ERROR_LOGS, lambda owner: ErrorLog(owner_id=owner, type="sms", message="failed")
    ),
}
