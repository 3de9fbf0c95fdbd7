"""`/v1/subscription`, `/v1/payments` as a client meets them, and what they limit."""

import asyncio
import logging
import pathlib
from collections.abc import AsyncIterator

import msgspec
import pytest

from offhook.control.billing.deciding import AdministratorsDesk, Decision, SimulatedDesk
from offhook.control.domain.accounts import Role
from offhook.control.domain.payments import Payment
from offhook.tests.kit.api import Api

CARD = {"card_number": "1234 5678 9012 3456", "cardholder": "Ann Smith"}
CALL = {"to": "+15551230000"}
DAY_S = 86_400.0
LIMIT_S = 10.0
"Of waiting for anything: much longer than it takes."


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def test_a_tier_is_chosen_paid_for_and_in_force(api: Api) -> None:
    token = await api.user("ann@example.org")
    tiers = await api.want(200, "GET", "/v1/tiers", token=token)
    assert [(tier["number"], tier["name"]) for tier in tiers["items"]][:2] == [
        (1, "free"),
        (2, "premium"),
    ]
    nothing = {"subscription": None}
    assert await api.want(200, "GET", "/v1/subscription", token=token) == nothing
    held = await api.want(200, "PUT", "/v1/subscription", {"tier": "premium"}, token=token)
    assert (held["tier"], held["status"], held["expires_at"]) == (
        "premium",
        "pending_payment",
        None,
    )
    begun = await api.want(201, "POST", "/v1/payments", {"tier": "premium"}, token=token)
    assert (begun["amount"], begun["currency"], begun["status"]) == (29.99, "USD", "open")
    path = f"/v1/payments/{begun['id']}/verify"
    verified = await api.want(200, "POST", path, CARD, token=token)
    assert (verified["status"], verified["card_last4"]) == ("verified", "3456")
    held = (await api.want(200, "GET", "/v1/subscription", token=token))["subscription"]
    assert (held["status"], held["expires_at"]) == ("active", "2023-12-14T22:13:20Z")
    again = await api.want(200, "POST", path, CARD | {"cardholder": "Bob"}, token=token)
    assert again == verified
    same = {"subscription": held}
    assert await api.want(200, "GET", "/v1/subscription", token=token) == same
    told = await api.want(200, "GET", "/v1/notifications", token=token)
    assert [each["type"] for each in told["items"]] == ["payment.verified"]
    held = await api.want(200, "DELETE", "/v1/subscription", token=token)
    assert held["status"] == "cancelled"


@pytest.mark.parametrize(
    "card", ["123456789012345", "12345678901234567", "123456789012345x", "²" * 16]
)
async def test_a_card_has_sixteen_digits_and_is_never_logged(
    api: Api, card: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = await api.user("ann@example.org")
    begun = await api.want(201, "POST", "/v1/payments", {"tier": "premium"}, token=token)
    path = f"/v1/payments/{begun['id']}/verify"
    sent = {"card_number": card, "cardholder": "Ann"}
    problem = await api.want(422, "POST", path, sent, token=token)
    assert problem["errors"][0]["field"] == "card_number"
    assert card not in caplog.text
    number = "1234567890123456"
    sent = {"card_number": number, "cardholder": "Ann"}
    shown = await api.want(200, "POST", path, sent, token=token)
    assert number not in caplog.text + str(shown)
    file = pathlib.Path(api.database.url.rpartition("///")[2])
    stored = b"".join(each.read_bytes() for each in file.parent.glob(f"{file.name}*"))
    assert number.encode() not in stored


async def test_a_payment_whose_time_is_over_is_refused(api: Api) -> None:
    token = await api.user("ann@example.org")
    begun = await api.want(201, "POST", "/v1/payments", {"tier": "premium"}, token=token)
    api.clock.advance(3600.0)
    token = await api.user("ann@example.org")
    await api.want(410, "POST", f"/v1/payments/{begun['id']}/verify", CARD, token=token)
    nothing = {"subscription": None}
    assert await api.want(200, "GET", "/v1/subscription", token=token) == nothing
    await api.want(422, "POST", "/v1/payments", {"tier": "free"}, token=token)
    await api.want(404, "POST", "/v1/payments", {"tier": "golden"}, token=token)


class TwoAtOnce(SimulatedDesk):
    """Decides when two have asked."""

    def __init__(self) -> None:
        self._asked = asyncio.Barrier(2)

    async def decide(self, payment: Payment, card_number: str, cardholder: str) -> Decision:
        await self._asked.wait()
        return await super().decide(payment, card_number, cardholder)


async def test_a_payment_that_is_sent_twice_at_once_pays_for_one_period(api: Api) -> None:
    api.services.payments.desk = TwoAtOnce()
    token = await api.user("ann@example.org")
    begun = await api.want(201, "POST", "/v1/payments", {"tier": "premium"}, token=token)
    path = f"/v1/payments/{begun['id']}/verify"
    async with asyncio.timeout(LIMIT_S):
        one, other = await asyncio.gather(
            *(api.want(200, "POST", path, CARD, token=token) for _ in range(2))
        )
    assert one == other
    held = (await api.want(200, "GET", "/v1/subscription", token=token))["subscription"]
    assert held["expires_at"] == "2023-12-14T22:13:20Z"
    told = await api.want(200, "GET", "/v1/notifications", token=token)
    assert [each["type"] for each in told["items"]] == ["payment.verified"]


async def test_an_administrator_decides_where_that_is_configured(api: Api) -> None:
    api.services.payments.desk = AdministratorsDesk()
    token = await api.user("ann@example.org")
    admin = await api.user("boss@example.org", Role.ADMIN)
    for accepted, status, standing in (
        (False, "refused", "pending_payment"),
        (True, "verified", "active"),
    ):
        begun = await api.want(201, "POST", "/v1/payments", {"tier": "premium"}, token=token)
        path = f"/v1/payments/{begun['id']}"
        waiting = await api.want(200, "POST", f"{path}/verify", CARD, token=token)
        assert waiting["status"] == "pending"
        body = {"accepted": accepted}
        await api.want(403, "POST", f"{path}/decide", body, token=token)
        decided = await api.want(200, "POST", f"{path}/decide", body, token=admin)
        assert decided["status"] == status
        held = await api.want(200, "GET", "/v1/subscription", token=token)
        assert held["subscription"]["status"] == standing
        await api.want(409, "POST", f"{path}/decide", body, token=admin)


async def test_a_tier_limits_the_calls_of_a_month_and_no_subscription_does_not(api: Api) -> None:
    token = await api.user("ann@example.org")
    for _ in range(12):
        await api.want(202, "POST", "/v1/calls", CALL, token=token)
    other = await api.user("bob@example.org")
    await api.want(200, "PUT", "/v1/subscription", {"tier": "free"}, token=other)
    placed = [await api.want(202, "POST", "/v1/calls", CALL, token=other) for _ in range(10)]
    problem = await api.want(403, "POST", "/v1/calls", CALL, token=other)
    assert problem["code"] == "quota_reached"
    # One that is called off has never been placed.
    await api.want(202, "DELETE", f"/v1/calls/{placed[-1]['id']}", token=other)
    await api.want(202, "POST", "/v1/calls", CALL, token=other)
    await api.want(403, "POST", "/v1/calls", CALL, token=other)
    api.clock.advance(17 * DAY_S)  # December
    other = await api.user("bob@example.org")
    await api.want(202, "POST", "/v1/calls", CALL, token=other)


async def test_tiers_without_limits_have_none(api: Api) -> None:
    service = api.services.subscriptions
    free = msgspec.structs.replace(
        service.tiers[0], max_sessions_per_month=0, max_session_minutes=0
    )
    service.tiers = (free,)
    token = await api.user("ann@example.org")
    held = await api.want(200, "PUT", "/v1/subscription", {"tier": "free"}, token=token)
    assert await service.longest_s(held["account_id"]) is None
    for _ in range(11):
        await api.want(202, "POST", "/v1/calls", CALL, token=token)


async def test_an_accounts_subscription_is_its_own_and_administrators(api: Api) -> None:
    token = await api.user("ann@example.org")
    held = await api.want(200, "PUT", "/v1/subscription", {"tier": "free"}, token=token)
    path = f"/v1/accounts/{held['account_id']}/subscription"
    for asking in (token, await api.user("boss@example.org", Role.ADMIN)):
        assert await api.want(200, "GET", path, token=asking) == {"subscription": held}
    await api.want(404, "GET", path, token=await api.user("bob@example.org"))
