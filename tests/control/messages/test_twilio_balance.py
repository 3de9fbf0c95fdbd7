"""What Twilio's answers say of what an account still has."""

import decimal

import pytest

from offhook.control.dialects.smsagent.system import money
from offhook.control.messages.twilio_balance import Balance, NoBalance, read_balance


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("45.67", "USD", "$45.67"),
        ("0.1299", "USD", "$0.12"),
        ("-3.5", "USD", "-$3.50"),
        ("1234", "eur", "€1234.00"),
        ("7.1", "SEK", "7.10 SEK"),
    ],
)
def test_balances_are_shown_with_two_decimals(amount: str, currency: str, shown: str) -> None:
    body = f'{{"account_sid": "AC0", "balance": "{amount}", "currency": "{currency}"}}'
    told = read_balance(200, body.encode())
    assert isinstance(told, Balance)
    assert money(told.amount, told.currency) == shown


def test_an_account_that_is_not_taken_is_told_apart() -> None:
    assert read_balance(401, b"") == NoBalance("Twilio answers 401", refused=True)
    assert read_balance(503, b"") == NoBalance("Twilio answers 503")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"balance": 1, "currency": "USD"}',
        b'{"balance": "1e999999", "currency": "USD"}',
        b'{"balance": "NaN", "currency": "USD"}',
        b'{"balance": "1.00", "currency": "$$$"}',
    ],
)
def test_what_is_not_twilios_is_no_balance(body: bytes) -> None:
    assert isinstance(read_balance(200, body), NoBalance)


def test_no_cent_is_added() -> None:
    told = read_balance(200, b'{"balance": "0.999", "currency": "USD"}')
    assert told == Balance(decimal.Decimal("0.99"), "USD")
