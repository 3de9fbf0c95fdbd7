"""Calls that a carrier reports and carries by itself: kept beside those that we hold.

Nobody's credential comes with a report, at most a token that the operator has given the carrier. It
is taken for a number of ours that is there and active: the call is its owner's, and answered by its
agent.
"""

import hmac
import logging
from collections.abc import Mapping
from types import MappingProxyType

from ...media.clock import Clock
from ..calls.calls import status_event
from ..dialer.dialling import spellings
from ..domain.calls import Call, CallStatus, Outcome
from ..domain.numbers import PhoneNumber
from ..errors import Forbidden
from ..store import schema
from ..store.calls import CALLS
from ..store.database import Transaction
from .agents import AGENTS
from .event_log import EventLog, Work
from .numbers import NUMBERS

CALL = schema.CALLS.c
NUMBER = schema.PHONE_NUMBERS.c
NO_TOKENS: Mapping[str, str] = MappingProxyType({})

logger = logging.getLogger(__name__)


class ReportedCalls:
    """The verbs."""

    def __init__(self, log: EventLog, clock: Clock, tokens: Mapping[str, str] = NO_TOKENS) -> None:
        """`tokens`: by carrier; of who has none, or an empty one, everything is taken."""
        self._log = log
        self._clock = clock
        self._tokens = tokens

    def check(self, carrier: str, shown: str) -> None:
        """That a report comes from whoever was given the token. Raises Forbidden."""
        token = self._tokens.get(carrier, "")
        if token and not hmac.compare_digest(token.encode(), shown.encode("utf-8", "replace")):
            raise Forbidden("the token is not the one that this server gave its carrier")

    async def report(
        self,
        carrier: str,
        wire_id: str,
        from_number: str,
        to_number: str,
        status: CallStatus,
        outcome: Outcome | None,
    ) -> Call | None:
        """A call to one of our numbers, or what has become of one that was reported before.

        `wire_id` is the carrier's own id of it. None: the number is none of ours, or switched off.
        """
        now = self._clock.wall()
        async with self._log.writing() as work:
            number = await _number(work.tx, to_number)
            if number is None:
                logger.info("%s reports a call to a number that is not here", carrier)
                return None
            mine = (CALL.wire_id == wire_id, CALL.line == carrier, CALL.inbound)
            call = await CALLS.find(work.tx, number.owner_id, *mine)
            if call is None:
                call = await self._new(work.tx, number, carrier, wire_id, from_number, now)
            elif call.status is CallStatus.ENDED:
                return call
            return await _moved(work, call, status, outcome, now)

    async def _new(
        self,
        tx: Transaction,
        number: PhoneNumber,
        carrier: str,
        wire_id: str,
        from_number: str,
        now: float,
    ) -> Call:
        agent = None if number.agent_id is None else await AGENTS.get(tx, number.agent_id, None)
        call = Call(
            owner_id=number.owner_id,
            inbound=True,
            from_number=from_number,
            to_number=number.number,
            line=carrier,
            wire_id=wire_id,
            agent_id=None if agent is None else agent.id,
            agent_name="" if agent is None else agent.name,
            status=CallStatus.RINGING,
            started_wall=now,
            created_wall=now,
            updated_wall=now,
        )
        return await CALLS.add(tx, call)


async def _number(tx: Transaction, written: str) -> PhoneNumber | None:
    forms = spellings(written)
    return await NUMBERS.find(tx, None, NUMBER.number.in_(forms), NUMBER.is_active.is_(True))


async def _moved(
    work: Work, call: Call, status: CallStatus, outcome: Outcome | None, now: float
) -> Call:
    """The call where the carrier says that it stands."""
    answered = call.answered_wall
    if answered is None and (status is CallStatus.LIVE or outcome is Outcome.COMPLETED):
        answered = now
    changes = {"status": status, "outcome": outcome, "answered_wall": answered}
    if status is CallStatus.ENDED:
        changes |= {
            "ended_wall": now,
            "duration_s": None if answered is None else max(0.0, now - answered),
        }
    call = await CALLS.update(work.tx, call, **changes, updated_wall=now)
    work.tell(call.owner_id, status_event(call))
    return call
