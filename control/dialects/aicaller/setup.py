"""Setting up: keys are tried, then everything is made in one step.

Both are open to everybody until there is an account, or something was set up.
"""

from typing import Annotated, Any

import msgspec

from ...auth.principal import Principal
from ...domain.agents import Agent
from ...errors import FieldError, Forbidden, Unprocessable
from ...http.route import Asked, Nothing
from ...http.v1.connections import KeysTried, keys_tried
from ...services.setup import Knowledge, NewKey, Wanted
from ..dialect import AnyRow, Row
from ..reading import Open, Short, converted
from ..speaking import speaking
from .agents import NewPerson, person_of, person_view
from .business import BusinessView, NewBusiness, business_of, business_view
from .forms import BASE

TAG = "Setup"
MOST = 100
"Agents, and entries of knowledge, at once."
MAX_BODY_BYTES = 2 * 1024 * 1024
SCOPES = ("agents:write", "knowledge:write", "providers:write")
DONE = "Setup completed successfully"

Text = Annotated[str, msgspec.Meta(max_length=1000)]
Entry = dict[str, Any]


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """Keys of providers; what is left out is not there."""

    openai_api_key: Text | None = None
    twilio_account_sid: Text | None = None
    twilio_auth_token: Text | None = None
    twilio_phone_number: Text | None = None


class KnowledgeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Words that are answered from."""

    title: Short = "Untitled"
    content: Annotated[str, msgspec.Meta(min_length=1, max_length=200_000)]
    category: Short = ""


class NewSetup(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is to be made."""

    business_config: NewBusiness
    agents: Annotated[list[Entry], msgspec.Meta(max_length=MOST)] = []
    "As for POST /agents."
    knowledge_base: Annotated[list[Entry], msgspec.Meta(max_length=MOST)] = []
    "`title` and `content` each."
    api_config: Keys | None = None


class KnowledgeView(msgspec.Struct, frozen=True):
    """Words that are answered from, as soon as they are read."""

    id: str
    title: str


class SetupView(msgspec.Struct, frozen=True, kw_only=True):
    """What was made."""

    success: bool
    message: str
    business_config: BusinessView
    agents: list[Any]
    knowledge_base: list[KnowledgeView]


async def try_connections(asked: Asked[Nothing, Keys]) -> KeysTried:
    """Show keys to their providers. Nothing is kept."""
    services, body = asked.edge.services, asked.body
    await services.setup.asker(await _shown(asked, ("providers:write",)))
    openai = await services.connections.openai(body.openai_api_key or "")
    twilio = await services.connections.twilio(
        body.twilio_account_sid or "",
        body.twilio_auth_token or "",
        body.twilio_phone_number or "",
    )
    return keys_tried(openai, twilio)


async def complete_setup(asked: Asked[Nothing, NewSetup]) -> SetupView:
    """Make a business configuration, agents, what it knows, and keep keys: all of it or nothing."""
    services, body = asked.edge.services, asked.body
    who = await _shown(asked, SCOPES)
    people = [
        person_of("", _entry(each, NewPerson, f"agents[{at}]"))
        for at, each in enumerate(body.agents)
    ]
    known = [
        _entry(each, KnowledgeEntry, f"knowledge_base[{at}]")
        for at, each in enumerate(body.knowledge_base)
    ]
    made = await services.setup.complete(
        who,
        Wanted(
            agent=_business(body.business_config),
            people=tuple(people),
            knowledge=tuple(
                Knowledge(title=each.title, content=each.content, category=each.category)
                for each in known
            ),
            keys=keys_of(body.api_config or Keys()),
        ),
    )
    return SetupView(
        success=True,
        message=DONE,
        business_config=business_view(made.agent),
        agents=[person_view(person) for person in made.people],
        knowledge_base=[KnowledgeView(each.id, each.title) for each in made.documents],
    )


def keys_of(keys: Keys) -> tuple[NewKey, ...]:
    """What is kept of them. A Twilio key is its token; the account is its name."""
    found = []
    if keys.openai_api_key:
        found.append(NewKey(provider="openai", secret=keys.openai_api_key))
    if keys.twilio_auth_token:
        name = " ".join(filter(None, (keys.twilio_account_sid, keys.twilio_phone_number)))
        found.append(NewKey(provider="twilio", secret=keys.twilio_auth_token, name=name[:200]))
    return tuple(found)


def _business(body: NewBusiness) -> Agent:
    return business_of("", body)


def _entry(value: Entry, type_: Any, where: str) -> Any:
    """One entry of a list, with its other fields where it is open. Raises Unprocessable."""
    found = converted(value, type_)
    if isinstance(found, list):
        errors = [FieldError(f"{where}.{each.field}", each.message) for each in found]
        raise Unprocessable("the body does not fit", errors)
    if isinstance(found, Open):
        known = type_.__struct_encode_fields__
        others = {name: inner for name, inner in value.items() if name not in known}
        return msgspec.structs.replace(found, others=others)
    return found


async def _shown(asked: Asked[Any, Any], scopes: tuple[str, ...]) -> Principal | None:
    """Whoever shows a credential; None: nobody has. Raises Unauthorized and Forbidden."""
    header = asked.request.headers.get("Authorization")
    if header is None:
        return None
    services, audience = asked.edge.services, speaking(asked).audience
    who = await services.authentication.principal(header, audience)
    for scope in scopes:
        if not who.may(scope):
            raise Forbidden(f"the credential lacks the scope {scope}")
    return who


TRIED = {
    "openai_api_key": "sk-...",
    "twilio_account_sid": "AC...",
    "twilio_auth_token": "...",
    "twilio_phone_number": "+1234567890",
}
ROWS: tuple[AnyRow, ...] = (
    Row(
        method="POST",
        path=f"{BASE}/config/test-connection",
        handler=try_connections,
        summary="Test API credentials without saving",
        tag="Configuration",
        scope=None,
        body=Keys,
        returns=KeysTried,
        example=TRIED,
    ),
    Row(
        method="POST",
        path=f"{BASE}/setup/complete",
        handler=complete_setup,
        summary="Complete setup wizard",
        tag=TAG,
        scope=None,
        body=NewSetup,
        returns=SetupView,
        max_body_bytes=MAX_BODY_BYTES,
        example={
            "business_config": {
                "name": "Business Name",
                "type": "customer_support",
                "config_data": {},
            },
            "agents": [],
            "knowledge_base": [],
            "api_config": {},
        },
    ),
)
