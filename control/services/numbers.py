"""Phone numbers: whose they are, who answers them, and when.

Not what becomes of a call to one (control/lines/routing.py).
"""

from typing import Any

import msgspec

from ...media.clock import Clock
from ..auth.principal import Principal
from ..configuration.config_auth import NumberClaims
from ..dialer.dialling import bare
from ..domain.agents import AgentKind
from ..domain.numbers import PhoneNumber
from ..errors import Conflict, FieldError, Unprocessable
from ..lines.lines import Lines
from ..lines.open_hours import faults
from ..store import schema
from ..store.database import Database, Transaction
from ..store.rows import Page, PageQuery, Rows
from .access import missing, owner_of
from .accounts import ACCOUNTS
from .agents import AGENTS
from .line_use import may_use
from .number_claims import check_claim

NUMBERS = Rows(schema.PHONE_NUMBERS, PhoneNumber)
COLUMNS = schema.PHONE_NUMBERS.c


class NumberFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which numbers; None: all."""

    is_active: bool | None = None
    agent_id: str | None = None
    line: str | None = None
    search: str | None = None
    "A part of the number or its label."


class NumberService:
    """The verbs."""

    def __init__(
        self, database: Database, clock: Clock, lines: Lines, claims: NumberClaims = "own"
    ) -> None:
        """`claims`: which numbers others than administrators may add."""
        self._database = database
        self._clock = clock
        self._lines = lines
        self.claims: NumberClaims = claims

    async def create(
        self, who: Principal, number: PhoneNumber, owner_id: str | None = None
    ) -> PhoneNumber:
        """Store a new number; its owner is whoever asks, or whom an administrator names.

        Raises Forbidden for a number that is not theirs to add, NotFound for an account that is
        not there, Conflict and Unprocessable.
        """
        now = self._clock.wall()
        owner_id = owner_id or who.account_id
        number = msgspec.structs.replace(
            number,
            owner_id=owner_id,
            number=bare(number.number),
            created_wall=now,
            updated_wall=now,
        )
        async with self._database.write() as tx:
            await _check_owner(tx, who, owner_id)
            await self._check(tx, number)
            await self._check_free(tx, number)
            await check_claim(tx, who, number, self._lines, self.claims)
            return await NUMBERS.add(tx, number)

    async def get(self, who: Principal, id_: str) -> PhoneNumber:
        """One number. Raises NotFound."""
        async with self._database.read() as tx:
            return await self._get(tx, who, id_)

    async def page(
        self, who: Principal, query: PageQuery, wanted: NumberFilter
    ) -> Page[PhoneNumber]:
        """Numbers in pages."""
        where = []
        if wanted.is_active is not None:
            where.append(COLUMNS.is_active == wanted.is_active)
        if wanted.agent_id is not None:
            where.append(COLUMNS.agent_id == wanted.agent_id)
        if wanted.line is not None:
            where.append(COLUMNS.line == wanted.line)
        if wanted.search:
            part = wanted.search
            where.append(
                COLUMNS.number.icontains(bare(part), autoescape=True)
                | COLUMNS.label.icontains(part, autoescape=True)
            )
        async with self._database.read() as tx:
            return await NUMBERS.page(tx, owner_of(who), query, *where)

    async def change(self, who: Principal, id_: str, changes: dict[str, Any]) -> PhoneNumber:
        """Change some fields; administrators also `owner_id`. Raises what `create` does."""
        if "number" in changes:
            changes = changes | {"number": bare(changes["number"])}
        async with self._database.write() as tx:
            number = await self._own(tx, who, id_)
            changed = msgspec.structs.replace(number, **changes)
            if changed.owner_id != number.owner_id:
                await _check_owner(tx, who, changed.owner_id)
            await self._check(tx, changed)
            await self._check_free(tx, changed)
            if (changed.number, changed.line) != (number.number, number.line):
                await check_claim(tx, who, changed, self._lines, self.claims)
            return await NUMBERS.update(tx, number, **changes, updated_wall=self._clock.wall())

    async def delete(self, who: Principal, id_: str) -> None:
        """Delete one: calls to it reach the default agent. Raises NotFound and Conflict."""
        async with self._database.write() as tx:
            number = await self._own(tx, who, id_)
            await NUMBERS.delete(tx, number.id, number.owner_id)

    # --- rules -----------------------------------------------------------------------------------

    async def _check(self, tx: Transaction, number: PhoneNumber) -> None:
        errors: list[FieldError] = []
        for field, id_ in (
            ("agent_id", number.agent_id),
            ("closed_agent_id", number.closed_agent_id),
        ):
            agent = None if id_ is None else await AGENTS.get(tx, id_, number.owner_id)
            if id_ is not None and agent is None:
                errors.append(FieldError(field, "no agent of the number's owner"))
            elif agent is not None and agent.kind is not AgentKind.AI:
                errors.append(FieldError(field, "is a person: calls are handed to people"))
        line, owner_id = number.line, number.owner_id
        if line is not None and not await may_use(tx, self._lines, line, owner_id):
            errors.append(FieldError("line", "there is no such line"))
        if number.open_hours is not None:
            errors += faults(number.open_hours)
        if errors:
            raise Unprocessable("the number does not fit", errors)

    async def _check_free(self, tx: Transaction, number: PhoneNumber) -> None:
        other = await NUMBERS.find(
            tx, None, COLUMNS.number == number.number, COLUMNS.id != number.id
        )
        if other is not None:
            raise Conflict("there is that number already", field="number")

    async def _get(self, tx: Transaction, who: Principal, id_: str) -> PhoneNumber:
        number = await NUMBERS.get(tx, id_, owner_of(who))
        if number is None:
            raise missing("number", id_)
        return number

    async def _own(self, tx: Transaction, who: Principal, id_: str) -> PhoneNumber:
        number = await self._get(tx, who, id_)
        if number.from_configuration:
            raise Conflict("the number is set in the configuration: change it there")
        return number


async def _check_owner(tx: Transaction, who: Principal, owner_id: str) -> None:
    if owner_id == who.account_id:
        return
    if not who.is_admin or await ACCOUNTS.get(tx, owner_id, None) is None:
        raise missing("account", owner_id)
