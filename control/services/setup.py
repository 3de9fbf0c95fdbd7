"""The set-up of an installation in one step: an agent, people, what it knows, keys of providers.

All of it is stored, or nothing. Before there is any account it is open to whoever comes first: then
it belongs to the operator, so that every administrator sees it. Afterwards it takes a credential,
and adds to what is there.
"""

from collections.abc import Sequence

import msgspec

from ...media.clock import Clock
from ..auth.principal import OPERATOR, OPERATOR_ID, Principal
from ..domain.accounts import ProviderKey
from ..domain.agents import Agent
from ..domain.documents import Document
from ..errors import Unauthorized
from ..store import schema
from ..store.database import Database, Transaction
from .accounts import ACCOUNTS
from .agents import AGENTS, check
from .documents import DOCUMENTS, DocumentService, NewDocument
from .provider_keys import PROVIDER_KEYS, ProviderKeyService

ASK = "this installation has been set up: send an access token"


class Knowledge(msgspec.Struct, frozen=True, kw_only=True):
    """Words that the agent answers from."""

    title: str
    content: str
    category: str = ""


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key of a provider."""

    provider: str
    secret: str
    name: str = ""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What an installation begins with. The owners of the agents are set here."""

    agent: Agent
    people: tuple[Agent, ...] = ()
    knowledge: tuple[Knowledge, ...] = ()
    keys: tuple[NewKey, ...] = ()


class SetUp(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    agent: Agent
    people: tuple[Agent, ...]
    documents: tuple[Document, ...]
    keys: tuple[ProviderKey, ...]


class SetupService:
    """The verbs."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        documents: DocumentService,
        keys: ProviderKeyService,
    ) -> None:
        self._database = database
        self._clock = clock
        self._documents = documents
        self._keys = keys

    async def is_open(self) -> bool:
        """Whether there is no account yet, and nothing was set up."""
        async with self._database.read() as tx:
            return await _is_open(tx)

    async def asker(self, who: Principal | None) -> Principal:
        """Who sets it up: whoever shows a credential, else the operator while it is open.

        Raises Unauthorized.
        """
        if who is not None:
            return who
        if not await self.is_open():
            raise Unauthorized(ASK)
        return OPERATOR

    async def complete(self, who: Principal | None, wanted: Wanted) -> SetUp:
        """Store all of it. `who` None: nobody has shown a credential.

        Raises Unauthorized when it is no longer open, Unprocessable naming fields, and Conflict
        where an account has too many documents or keys.
        """
        asker = await self.asker(who)
        owner_id, now = asker.account_id, self._clock.wall()
        mine = {"owner_id": owner_id, "created_wall": now, "updated_wall": now}
        agent = msgspec.structs.replace(wanted.agent, **mine)
        people = [msgspec.structs.replace(person, **mine) for person in wanted.people]
        for each in (agent, *people):
            check(each)
        try:
            async with self._documents.files:
                kept = [
                    await self._documents.keep_text(
                        each.content,
                        NewDocument(agent_id=agent.id, title=each.title, category=each.category),
                        owner_id,
                    )
                    for each in wanted.knowledge
                ]
                async with self._database.write() as tx:
                    if who is None and not await _is_open(tx):
                        raise Unauthorized(ASK)  # somebody else came first
                    return await self._store(tx, agent, people, kept, wanted.keys)
        finally:
            self._documents.on_change()  # what was refused is tidied away

    async def _store(
        self,
        tx: Transaction,
        agent: Agent,
        people: Sequence[Agent],
        documents: Sequence[Document],
        keys: Sequence[NewKey],
    ) -> SetUp:
        agent = await AGENTS.add(tx, agent)
        stored = [await AGENTS.add(tx, person) for person in people]
        added = await self._documents.add(tx, documents)
        sealed = [
            await self._keys.add(
                tx,
                ProviderKey(
                    owner_id=agent.owner_id, provider=key.provider, name=key.name, secret=""
                ),
                key.secret,
            )
            for key in keys
        ]
        return SetUp(agent=agent, people=tuple(stored), documents=tuple(added), keys=tuple(sealed))


async def _is_open(tx: Transaction) -> bool:
    """What the configuration has put there was set up by nobody."""
    if await ACCOUNTS.count(tx, None, schema.ACCOUNTS.c.id != OPERATOR_ID):
        return False
    written = schema.AGENTS.c.from_configuration.is_(False)
    if await AGENTS.count(tx, None, written):
        return False
    return not await DOCUMENTS.count(tx, None) and not await PROVIDER_KEYS.count(tx, None)
