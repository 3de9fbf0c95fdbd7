"""`/v1/setup`: an agent, people, what it knows and keys of providers, made in one step.

Open to everybody until there is an account, or something was set up; what is made then is the
operator's. Afterwards it takes a credential, and adds to what its account has.
"""

from typing import Annotated

import msgspec

from ...auth.principal import Principal
from ...domain.agents import Agent
from ...errors import Conflict, Forbidden, Unauthorized, Unprocessable
from ...services.setup import Knowledge, NewKey, Wanted
from ..route import AnyRoute, Asked, Nothing, Route
from .agents import AgentView, NewAgent, agent_view

TAG = "Set-up"
RATE = "auth"
SCOPES = ("agents:write", "knowledge:write", "providers:write")
MAX_BODY_BYTES = 2 * 1024 * 1024
MOST = 100

Title = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=200_000)]
Name = Annotated[str, msgspec.Meta(max_length=200)]
Provider = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=8192)]


class KnowledgeToKeep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words that the agent answers from."""

    title: Title
    content: Words
    category: Name = ""


class KeyToKeep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key of a provider."""

    provider: Provider
    secret: Secret
    name: Name = ""


class NewSetup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be made: all of it, or nothing."""

    agent: NewAgent
    people: Annotated[tuple[NewAgent, ...], msgspec.Meta(max_length=MOST)] = ()
    "Agents of the kind `human`, as a rule."
    knowledge: Annotated[tuple[KnowledgeToKeep, ...], msgspec.Meta(max_length=MOST)] = ()
    keys: Annotated[tuple[KeyToKeep, ...], msgspec.Meta(max_length=MOST)] = ()


class SetupState(msgspec.Struct, frozen=True):
    """Whether an installation waits for somebody to set it up."""

    is_open: bool


class SetupView(msgspec.Struct, frozen=True, kw_only=True):
    """What was made."""

    agent: AgentView
    people: tuple[AgentView, ...]
    document_ids: tuple[str, ...]
    "They are read by and by."
    provider_key_ids: tuple[str, ...]


async def get_setup(asked: Asked[Nothing, Nothing]) -> SetupState:
    """Whether setting up needs no credential: there is no account, and nothing was set up."""
    return SetupState(await asked.edge.services.setup.is_open())


async def complete_setup(asked: Asked[Nothing, NewSetup]) -> SetupView:
    """Make an agent, people, what it knows, and keep keys: all of it or nothing."""
    body = asked.body
    made = await asked.edge.services.setup.complete(
        await _shown(asked),
        Wanted(
            agent=_agent(body.agent),
            people=tuple(_agent(person) for person in body.people),
            knowledge=tuple(Knowledge(**msgspec.structs.asdict(each)) for each in body.knowledge),
            keys=tuple(NewKey(**msgspec.structs.asdict(each)) for each in body.keys),
        ),
    )
    return SetupView(
        agent=agent_view(made.agent),
        people=tuple(agent_view(person) for person in made.people),
        document_ids=tuple(document.id for document in made.documents),
        provider_key_ids=tuple(key.id for key in made.keys),
    )


def _agent(body: NewAgent) -> Agent:
    return Agent(owner_id="", **msgspec.structs.asdict(body))


async def _shown(asked: Asked[Nothing, NewSetup]) -> Principal | None:
    """Whoever shows a credential. Raises Unauthorized and Forbidden."""
    header = asked.request.headers.get("Authorization")
    if header is None:
        return None
    who = await asked.edge.services.authentication.principal(header)
    for scope in SCOPES:
        if not who.may(scope):
            raise Forbidden(f"the credential lacks the scope {scope}")
    return who


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/v1/setup",
        handler=get_setup,
        summary="Is the set-up open",
        tag=TAG,
        scope=None,
        rate=RATE,
        returns=SetupState,
    ),
    Route(
        method="POST",
        path="/v1/setup",
        handler=complete_setup,
        summary="Set up an installation",
        tag=TAG,
        scope=None,
        rate=RATE,
        body=NewSetup,
        returns=SetupView,
        status=201,
        problems=(Unauthorized, Forbidden, Conflict, Unprocessable),
        max_body_bytes=MAX_BODY_BYTES,
    ),
)
