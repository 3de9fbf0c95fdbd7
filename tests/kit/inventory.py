"""A document's endpoints as a table, and a walk that asks each of them of a running API.

A shape says what an answer must have at least: a dict of names to shapes, a list with the shape of
its items, or a word of WORDS; several words with bars between: one of them. `=…` is a text itself.
"""

import re
from collections.abc import Sequence
from typing import Any

import aiohttp
import jsonschema_rs
import msgspec

from offhook.control.dialects.catalog import DIALECTS
from offhook.control.dialects.described import document
from offhook.control.dialects.dialect import Dialect
from offhook.control.dialects.identifiers import Numbers
from offhook.control.services.numbered import TABLES

from .api import Api
from .dialects import token_for
from .tenant import EMAIL, NUMBER, Tenant

NOBODY = "00000000-0000-4000-8000-00000000dead"
NO_NUMBER = "999999"
TENANTS: dict[str, str] = {
    "account": "/v1/accounts/{id}",
    "agent": "/v1/agents/{id}",
    "broadcast": "/v1/broadcasts/{id}",
    "call": "/v1/calls/{id}",
    "campaign": "/v1/campaigns/{id}",
    "contact": "/v1/contacts/{key}",
    "document": "/v1/documents/{id}",
    "error_log": "/v1/error-logs/{id}",
    "import": "/v1/imports/{id}",
    "modem": "/v1/modems/{id}",
    "note": "/v1/calls/{id}/notes/{note}",
    "notification": "/v1/notifications/{id}",
    "number": "/v1/numbers/{id}",
    "recording": "/v1/recordings/{id}",
    "retry": "/v1/retries/{id}",
    "schedule": "/v1/schedules/{id}",
    "sms_task": "/v1/sms-tasks/{id}",
    "ticket": "/v1/tickets/{id}",
}
"Kind -> how a tenant (tenant.py) calls the one that it has. `retry`: a call to be tried again."
WAITING = "waiting"
"A call that waits: it is made here."
PERSON = "person"
"An agent who is a person: made here as well."
KINDS = {*TENANTS, WAITING, PERSON}
"All that parts of paths may be called."
SAME = {PERSON: "agent", "retry": "call", WAITING: "call"}
"What is called as another kind is."

Shape = dict[str, Any] | list[Any] | str

_TEXTS: dict[str, str] = {
    "text": r".*",
    "uuid": r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}",
    "seconds": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "millis": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    "date": r"\d{4}-\d\d-\d\d",
    "time": r"[0-2]\d:[0-5]\d",
    "phone": r"\+[1-9]\d{6,14}",
    "email": r"[^@\s]+@[^@\s]+",
    "jwt": r"eyJ[\w-]+\.[\w-]+\.[\w-]+",
    "token40": r"[0-9a-f]{40}",
    "url": r"https?://\S+",
    "percent": r"\d{1,3}(?:\.\d+)?%",
}
WORDS = (*_TEXTS, "int", "number", "bool", "null", "object", "any")
_PART = re.compile(r"\{(\w+)\}")


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One of a document's endpoints: retyped facts, and what to send."""

    method: str
    path: str
    "Below the prefix; `{agent}` stands for one that is there, in `body`, `form`, `query` too."
    status: int
    shape: Shape | None = None
    "None: no JSON."
    body: Any = None
    form: dict[str, Any] | None = None
    "Sent as a form instead; `file` is a pair of a name and bytes."
    query: str = ""
    open: bool = False
    "It needs no token."
    admin: bool = False
    statuses_unfit: tuple[int, ...] = (400, 422)
    "What an empty body is refused with; none: it is taken."
    content: str = "application/json"


class World:
    """An account that has one of everything, and its token for one dialect."""

    def __init__(self, api: Api, dialect: Dialect, token: str, ids: dict[str, str]) -> None:
        self.api = api
        self.dialect = dialect
        self.token = token
        self.ids = ids
        "Kind -> as the dialect calls it."

    def filled(self, value: Any) -> Any:
        """With ids where kinds are named."""
        if isinstance(value, str):
            return _PART.sub(lambda found: self.ids[found[1]], value)
        if isinstance(value, dict):
            return {key: self.filled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.filled(inner) for inner in value]
        return value


def dialect_of(name: str) -> Dialect:
    """The one of this name."""
    return next(each for each in DIALECTS if each.name == name)


async def settled(api: Api, dialect: Dialect, email: str = EMAIL) -> World:
    """A world whose account is made now."""
    tenant = await Tenant(api, email).settle()
    token = await token_for(api, dialect.name, email)
    ids = {}
    for kind, template in TENANTS.items():
        ids[kind] = await shown(api, dialect, SAME.get(kind, kind), tenant.ids[template])
    wish = {"to": NUMBER, "scheduled_for": "2024-01-01T00:00:00Z"}
    waiting = await tenant.post("/v1/calls", wish)
    ids[WAITING] = await shown(api, dialect, "call", waiting["id"])
    person = await tenant.post("/v1/agents", {"name": "Bob", "kind": "human"})
    ids[PERSON] = await shown(api, dialect, "agent", person["id"])
    return World(api, dialect, token, ids)


async def shown(api: Api, dialect: Dialect, kind: str, id_: str) -> str:
    """As the dialect calls it; as it is, where the dialect has no such kind."""
    if isinstance(dialect.ids, Numbers):
        seqs = {} if kind not in TABLES else await api.services.numbered.seqs_of(kind, [id_])
        return str(seqs.get(id_, id_))
    try:
        return str(getattr(dialect.ids, "show")(kind, id_))  # noqa: B009 - the other two have it
    except KeyError:
        return id_


async def walk(world: World, endpoints: Sequence[Endpoint]) -> list[str]:
    """Ask for each, in this order: what does not answer as the document says."""
    found: list[str] = []
    for endpoint in endpoints:
        status, content, answer = await ask(world, endpoint, world.token)
        where = f"{endpoint.method} {endpoint.path}"
        if status != endpoint.status:
            found.append(f"{where}: {status} {answer}")
        elif endpoint.shape is not None:
            found += [f"{where}: {fault}" for fault in unlike(answer, endpoint.shape)]
            found += [f"{where}: {fault}" for fault in _undescribed(world, endpoint, answer)]
        elif endpoint.status != 204 and content != endpoint.content:
            found.append(f"{where}: {content}")
    return found


def _undescribed(world: World, endpoint: Endpoint, answer: Any) -> list[str]:
    """Where an answer is not as the dialect's own description says."""
    whole = document(world.dialect, "")
    same = _PART.sub("{}", endpoint.path)
    (path,) = (path for path in whole["paths"] if _PART.sub("{}", path) == same)
    responses = whole["paths"][path][endpoint.method.lower()]["responses"]
    schema = responses[str(endpoint.status)]["content"]["application/json"]["schema"]
    validator = jsonschema_rs.Draft202012Validator({**schema, "components": whole["components"]})
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(answer)]


async def ask(
    world: World, endpoint: Endpoint, token: str, path: str | None = None, body: Any = ...
) -> tuple[int, str, Any]:
    """Status, media type, JSON (None: it is none)."""
    where = f"/{world.dialect.name}{world.filled(endpoint.path) if path is None else path}"
    if endpoint.query:
        where += f"?{world.filled(endpoint.query)}"
    more: dict[str, Any] = {}
    if body is not ...:
        more["json"] = body
    elif endpoint.form is not None:
        more["data"] = form_of(world, endpoint.form)
    elif endpoint.body is not None:
        more["json"] = world.filled(endpoint.body)
    headers = {"Authorization": f"{world.dialect.scheme} {token}"} if token else {}
    client = world.api.client
    async with client.request(endpoint.method, where, headers=headers, **more) as response:
        data = await response.read()
        is_json = response.content_type == "application/json" and data
        return (
            response.status,
            response.content_type,
            msgspec.json.decode(data) if is_json else None,
        )


def form_of(world: World, form: dict[str, Any]) -> Any:
    """As aiohttp sends it."""
    data = aiohttp.FormData()
    for name, value in form.items():
        if isinstance(value, tuple):
            file_name, content = value
            sent = world.filled(content.decode("latin-1")).encode("latin-1")
            data.add_field(name, sent, filename=file_name, content_type="application/octet-stream")
        else:
            data.add_field(name, world.filled(value))
    return data


async def walk_refusals(world: World, endpoints: Sequence[Endpoint]) -> list[str]:
    """Ask wrongly: what is not refused, or not in the dialect's form."""
    return [fault for endpoint in endpoints for fault in await _refusals(world, endpoint)]


async def _refusals(world: World, endpoint: Endpoint) -> list[str]:
    where = f"{endpoint.method} {endpoint.path}"
    names = world.dialect.error_type.__struct_encode_fields__
    tries: list[tuple[str, tuple[int, ...], tuple[int, str, Any]]] = []
    if not endpoint.open:
        tries.append(("no token", (401,), await ask(world, endpoint, "")))
        tries.append(("another token", (401,), await ask(world, endpoint, "none")))
    if _PART.search(endpoint.path):
        path = await path_of_nobodys(world, endpoint)
        tries.append(("nobody's", (404, 403), await ask(world, endpoint, world.token, path)))
        foreign = _PART.sub("x-0", endpoint.path)
        tries.append(("no id", (404, 403), await ask(world, endpoint, world.token, foreign)))
    if endpoint.body is not None and endpoint.statuses_unfit:
        found = await ask(world, endpoint, world.token, body={})
        tries.append(("an empty body", endpoint.statuses_unfit, found))
        found = await ask(world, endpoint, world.token, body=[])
        tries.append(("a list", endpoint.statuses_unfit, found))
    return [
        f"{where}, {said}: {status} {answer}"
        for said, statuses, (status, content, answer) in tries
        if status not in statuses or content != "application/json" or not set(names) <= set(answer)
    ]


async def path_of_nobodys(world: World, endpoint: Endpoint) -> str:
    """The path with ids of the right form that nothing has."""
    path = endpoint.path
    for found in _PART.finditer(endpoint.path):
        kind = str(found[1])
        same = SAME.get(kind, kind)
        ids = world.dialect.ids
        one = (
            NO_NUMBER
            if isinstance(ids, Numbers)
            else await shown(world.api, world.dialect, same, NOBODY)
        )
        path = path.replace(f"{{{kind}}}", one)
    return path


def unlike(value: Any, shape: Any, at: str = "$") -> list[str]:
    """Where `value` is not as the shape says."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"{at} is no object"]
        missing = [f"{at} lacks {name}" for name in shape if name not in value]
        inside = [(name, inner) for name, inner in shape.items() if name in value]
        return missing + [f for n, inner in inside for f in unlike(value[n], inner, f"{at}.{n}")]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{at} is no array"]
        (inner,) = shape
        return [f for i, item in enumerate(value) for f in unlike(item, inner, f"{at}[{i}]")]
    assert isinstance(shape, str), f"no shape: {shape!r}"
    if any(_is(value, word) for word in shape.split("|")):
        return []
    return [f"{at} is {value!r}, not {shape}"]


def _is(value: Any, word: str) -> bool:
    if word.startswith("="):
        return bool(value == word[1:])
    if word in _TEXTS:
        return isinstance(value, str) and re.fullmatch(_TEXTS[word], value, re.DOTALL) is not None
    if word.endswith("_"):  # an id with that prefix
        return isinstance(value, str) and re.fullmatch(rf"{word}[A-Za-z0-9]+", value) is not None
    if word == "any":
        return True
    types: dict[str, Any] = {
        "bool": bool,
        "null": type(None),
        "object": dict,
        "int": int,
        "number": (int, float),
    }
    if word in ("int", "number") and isinstance(value, bool):
        return False
    return isinstance(value, types[word])


def lacking(dialect: Dialect, endpoints: Sequence[Endpoint]) -> set[tuple[str, str]]:
    """Operations of the table that the dialect does not have."""
    ours = {
        (row.method, _PART.sub("{}", row.path.rstrip("/")))
        for row in dialect.rows
        if row.documented
    }
    theirs = {(each.method, _PART.sub("{}", each.path.rstrip("/"))) for each in endpoints}
    return theirs - ours
