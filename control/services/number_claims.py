"""Which numbers an account may say are its own: whoever has one hears the calls to it.

Administrators may add any. Others, unless the configuration says otherwise (`auth.numbers`): their
own number, once it is proved; that of a modem that is assigned to them; and any that only simulated
lines serve, by which nobody calls in.
"""

from ..auth.principal import Principal
from ..configuration.config_auth import NumberClaims
from ..dialer.dialling import bare
from ..domain.lines import LineKind
from ..domain.numbers import PhoneNumber
from ..errors import Forbidden
from ..lines.lines import Lines
from ..store.database import Transaction
from .accounts import ACCOUNTS
from .modems import MODEMS

NOT_YOURS = (
    "an administrator adds this number: others add their own, which they have proved, "
    "and those of modems that are assigned to them"
)
ONLY_ADMINISTRATORS = "numbers are added by administrators"


async def check_claim(
    tx: Transaction, who: Principal, number: PhoneNumber, lines: Lines, claims: NumberClaims
) -> None:
    """Whether `who` may have `number` (bare), by its line. Raises Forbidden."""
    if who.is_admin or claims == "open":
        return
    if claims == "admins":
        raise Forbidden(ONLY_ADMINISTRATORS)
    if not (
        _is_simulated(number.line, lines)
        or await _is_own_modems(tx, who, number)
        or await _is_proved(tx, who, number)
    ):
        raise Forbidden(NOT_YOURS)


def _is_simulated(name: str | None, lines: Lines) -> bool:
    """Nobody calls in by such a line; without a name, by none."""
    if name is None:
        return all(line.simulated for line in lines.all())
    line = lines.get(name)
    return line is not None and line.kind is LineKind.LOOPBACK


async def _is_own_modems(tx: Transaction, who: Principal, number: PhoneNumber) -> bool:
    if number.line is None:
        return False
    modem = await MODEMS.find(tx, None, MODEMS.table.c.name == number.line)
    if modem is None or modem.assigned_account_id != who.account_id:
        return False
    return modem.number is None or bare(modem.number) == number.number


async def _is_proved(tx: Transaction, who: Principal, number: PhoneNumber) -> bool:
    account = await ACCOUNTS.get(tx, who.account_id, None)
    if account is None or account.phone_number is None or not account.is_verified:
        return False
    return bare(account.phone_number) == number.number
