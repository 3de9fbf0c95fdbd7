"""What an account at Twilio still has, as its API tells it. Pure.

    GET /2010-04-01/Accounts/{AccountSid}/Balance.json        Basic auth
    200 {"account_sid": "AC…", "balance": "45.67", "currency": "USD"}

Twilio's "Account Balance" resource; it is told of main accounts, not of their subaccounts.
"""

import decimal
import re

import msgspec

UNAUTHORIZED = 401
CENT = decimal.Decimal("0.01")

_AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,10})?\Z", re.ASCII)
_CURRENCY = re.compile(r"[A-Za-z]{3}\Z")


class Balance(msgspec.Struct, frozen=True):
    """What is left."""

    amount: decimal.Decimal
    currency: str
    "Three letters, in capitals."


class NoBalance(msgspec.Struct, frozen=True):
    """It was not told."""

    why: str
    refused: bool = False
    "The account or its secret is not taken."


class _Told(msgspec.Struct, frozen=True):
    balance: str
    currency: str


_decode = msgspec.json.Decoder(_Told).decode


def path_of_balance(account_sid: str) -> str:
    """Where it is told, below the API's address."""
    return f"/2010-04-01/Accounts/{account_sid}/Balance.json"


def read_balance(status: int, body: bytes) -> Balance | NoBalance:
    """What an answer says."""
    if status != 200:
        return NoBalance(f"Twilio answers {status}", refused=status == UNAUTHORIZED)
    try:
        told = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return NoBalance("the answer is not Twilio's")
    if not (_AMOUNT.match(told.balance) and _CURRENCY.match(told.currency)):
        return NoBalance("the answer is not Twilio's")
    amount = decimal.Decimal(told.balance).quantize(CENT, decimal.ROUND_DOWN)
    return Balance(amount, told.currency.upper())
