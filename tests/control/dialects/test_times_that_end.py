"""What is good for a time only, as clients of older products see it end."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.domain.accounts import Account, Role
from offhook.tests.kit.api import PASSWORD, Api
from offhook.tests.kit.dialects import GUARDED, LOGIN, name_field

ANN = "ann@example.org"
HOUR_S, DAY_S = 3600.0, 86_400.0
AETHERIUM = "/aetherium/api"
NEW = {
    "email": ANN,
    "password": PASSWORD,
    "confirm_password": PASSWORD,
    "phone_number": "+1234567890",
}
SIGN_IN = {"login_identifier": ANN, "password": PASSWORD}
PREMIUM = {"subscription_tier_id": 2, "payment_period": "monthly"}
CARD = {"bank_card_number": "1234567890123456", "cardholder_name": "John Doe"}

ENDED: dict[str, tuple[float, Any]] = {
    "aetherium": (HOUR_S, {"error_code": "AUTHENTICATION_REQUIRED"}),
    "aicaller": (HOUR_S, {"error": {"code": "UNAUTHORIZED", "details": {}}}),
    "callingplatform": (
        HOUR_S,
        {
            "success": False,
            "message": "Authentication token has expired",
            "error": {"code": "TOKEN_EXPIRED", "details": "the token has expired"},
        },
    ),
    "voicera": (
        DAY_S,
        {"success": False, "data": None, "error": {"code": "AUTH_002", "message": "Token expired"}},
    ),
}
"How long a sign-in's token is good, and what is said at least when it no longer is."


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


def token_in(answer: Any) -> str:
    """The access token of a login's answer, wherever the dialect has it."""
    answer = answer.get("data", answer)
    return str(answer.get("access_token") or answer["token"])


def holds(answer: Any, wanted: Any) -> bool:
    """Whether an answer has all of these."""
    if not isinstance(wanted, dict):
        return bool(answer == wanted)
    return all(name in answer and holds(answer[name], value) for name, value in wanted.items())


async def signed_in(api: Api, dialect: str) -> str:
    """The token of somebody who has signed in by the dialect's own route."""
    await api.services.accounts.add(Account(email=ANN, role=Role.ADMIN), PASSWORD)
    who = {name_field(dialect): ANN, "password": PASSWORD}
    path = f"/{dialect}{LOGIN[dialect]}"
    return token_in(await api.want(200, "POST", path, who, headers={"Authorization": ""}))


@pytest.mark.parametrize("dialect", ENDED)
async def test_a_token_ends_with_its_time_and_the_dialect_says_so(api: Api, dialect: str) -> None:
    good_s, said = ENDED[dialect]
    token, path = await signed_in(api, dialect), f"/{dialect}{GUARDED[dialect]}"
    api.clock.advance(good_s - 1)
    await api.want(200, "GET", path, token=token)
    api.clock.advance(2)
    refused = await api.want(401, "GET", path, token=token)
    assert holds(refused, said), refused


async def test_the_tokens_of_staff_do_not_end(api: Api) -> None:
    token = await signed_in(api, "smsagent")
    api.clock.advance(400 * DAY_S)
    shown = {"Authorization": f"Token {token}"}
    await api.want(200, "GET", f"/smsagent{GUARDED['smsagent']}", headers=shown)


# --- aetherium: codes, payments, tiers ----------------------------------------------------------


async def codes(api: Api) -> list[str]:
    """That were sent, the newest first."""
    sent = await api.want(200, "GET", f"/v1/outbox?to=%2B{NEW['phone_number'][1:]}")
    return [item["body"][:6] for item in sent["items"]]


async def registered(api: Api) -> tuple[int, str]:
    """A user who has proved their number; their number and token."""
    made = await api.want(201, "POST", f"{AETHERIUM}/auth/register", NEW)
    proof = {"email": ANN, "verification_code": (await codes(api))[0]}
    await api.want(200, "POST", f"{AETHERIUM}/auth/verify-sms", proof)
    return made["user_id"], await renewed(api)


async def renewed(api: Api) -> str:
    """A token of now."""
    login: dict[str, str] = await api.want(200, "POST", f"{AETHERIUM}/auth/login", SIGN_IN)
    return login["access_token"]


async def test_a_code_is_good_for_ten_minutes_and_a_login_sends_another(api: Api) -> None:
    await api.want(201, "POST", f"{AETHERIUM}/auth/register", NEW)
    await api.want(403, "POST", f"{AETHERIUM}/auth/login", SIGN_IN)
    (first,) = await codes(api)
    api.clock.advance(600)
    proof = {"email": ANN, "verification_code": first}
    refused = await api.want(400, "POST", f"{AETHERIUM}/auth/verify-sms", proof)
    assert refused["error_code"] == "VALIDATION_ERROR"
    await api.want(403, "POST", f"{AETHERIUM}/auth/login", SIGN_IN)
    second, *_ = await codes(api)
    assert len(await codes(api)) == 2
    proof["verification_code"] = second
    await api.want(200, "POST", f"{AETHERIUM}/auth/verify-sms", proof)
    await renewed(api)


async def test_a_code_that_was_guessed_at_five_times_is_replaced_as_well(api: Api) -> None:
    await api.want(201, "POST", f"{AETHERIUM}/auth/register", NEW)
    (first,) = await codes(api)
    wrong = {"email": ANN, "verification_code": "000000" if first != "000000" else "111111"}
    for _ in range(5):
        await api.want(400, "POST", f"{AETHERIUM}/auth/verify-sms", wrong)
    right = wrong | {"verification_code": first}
    await api.want(400, "POST", f"{AETHERIUM}/auth/verify-sms", right)
    await api.want(403, "POST", f"{AETHERIUM}/auth/login", SIGN_IN)
    right["verification_code"] = (await codes(api))[0]
    await api.want(200, "POST", f"{AETHERIUM}/auth/verify-sms", right)


async def test_nobody_is_sent_a_code_for_a_wrong_password(api: Api) -> None:
    await api.want(201, "POST", f"{AETHERIUM}/auth/register", NEW)
    api.clock.advance(600)
    await api.want(401, "POST", f"{AETHERIUM}/auth/login", SIGN_IN | {"password": "not this one"})
    assert len(await codes(api)) == 1


async def test_a_payment_has_to_be_made_in_time(api: Api) -> None:
    _, token = await registered(api)
    path = f"{AETHERIUM}/payments"
    payment = await api.want(201, "POST", f"{path}/create-session", PREMIUM, token=token)
    assert payment["expires_at"] == "2023-11-14T23:13:20Z"
    api.clock.advance(HOUR_S)
    token = await renewed(api)
    proof = CARD | {"session_id": payment["session_id"]}
    refused = await api.want(400, "POST", f"{path}/verify", proof, token=token)
    assert refused["error_code"] == "VALIDATION_ERROR"
    assert "begin another payment" in refused["detail"]


async def test_a_tier_that_runs_out_leaves_the_free_one_with_its_limits(api: Api) -> None:
    user_id, token = await registered(api)
    payments, held = f"{AETHERIUM}/payments", f"{AETHERIUM}/subscriptions/user/{user_id}"
    payment = await api.want(201, "POST", f"{payments}/create-session", PREMIUM, token=token)
    proof = CARD | {"session_id": payment["session_id"]}
    await api.want(200, "POST", f"{payments}/verify", proof, token=token)
    calling = await api.want(
        201,
        "POST",
        f"{AETHERIUM}/workflows/",
        {"name": "Sales", "prompt_template": "You sell."},
        token=token,
    )
    wanted = {
        "workflow_id": calling["id"],
        "phone_number": "+1555123456",
        "session_type": "outbound",
    }
    for _ in range(11):  # more than the free tier has
        await api.want(201, "POST", f"{AETHERIUM}/sessions/", wanted, token=token)
    api.clock.advance(30 * DAY_S)  # 14 November and a month
    token = await renewed(api)
    over = await api.want(200, "GET", held, token=token)
    assert (over["status"], over["expires_at"]) == ("expired", "2023-12-14T22:13:20Z")
    for _ in range(10):
        await api.want(201, "POST", f"{AETHERIUM}/sessions/", wanted, token=token)
    refused = await api.want(403, "POST", f"{AETHERIUM}/sessions/", wanted, token=token)
    assert refused["error_code"] == "PERMISSION_DENIED"
