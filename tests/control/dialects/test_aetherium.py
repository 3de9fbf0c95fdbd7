"""What aetherium's document says of users, workflows and sessions, beyond the form of answers."""

import enum
import pathlib
from collections.abc import AsyncIterator
from typing import Any, get_args

import pytest

from offhook.control.dialects.aetherium import admin, session_views, statistics, subscriptions
from offhook.control.domain.accounts import Role as AccountRole
from offhook.control.domain.calls import CallStatus, Outcome
from offhook.control.domain.numbers import ModemState
from offhook.control.domain.payments import PaymentStatus
from offhook.media.conversation.records import Role
from offhook.tests.kit.api import Api
from offhook.tests.kit.dialects import token_for

PATH = "/aetherium/api"
NEW = {
    "email": "user@example.com",
    "password": "secure_password",
    "confirm_password": "secure_password",
    "phone_number": "+1234567890",
}
LOGIN = {"login_identifier": "user@example.com", "password": "secure_password"}
WORKFLOW = {"name": "Sales", "prompt_template": "You sell."}


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def code_of(api: Api, number: str) -> str:
    """The newest one that was sent there by SMS."""
    sent = await api.want(200, "GET", f"/v1/outbox?to=%2B{number[1:]}")
    return str(sent["items"][0]["body"][:6])


async def registered(api: Api, **changes: Any) -> tuple[int, str]:
    """The number and a token of a user who has proved themselves."""
    new = NEW | changes
    made = await api.want(201, "POST", f"{PATH}/auth/register", new)
    code = await code_of(api, new["phone_number"])
    sent = {"email": new["email"], "verification_code": code}
    await api.want(200, "POST", f"{PATH}/auth/verify-sms", sent)
    sent = {"login_identifier": new["email"], "password": new["password"]}
    login = await api.want(200, "POST", f"{PATH}/auth/login", sent)
    return made["user_id"], login["access_token"]


async def test_a_user_registers_proves_their_number_and_signs_in(api: Api) -> None:
    made = await api.want(201, "POST", f"{PATH}/auth/register", NEW)
    early = await api.want(403, "POST", f"{PATH}/auth/login", LOGIN)
    assert early["error_code"] == "PERMISSION_DENIED"
    code = await code_of(api, NEW["phone_number"])
    verify = {"email": NEW["email"], "verification_code": "000000" if code != "000000" else "1"}
    await api.want(400, "POST", f"{PATH}/auth/verify-sms", verify)
    verified = await api.want(
        200, "POST", f"{PATH}/auth/verify-sms", verify | {"verification_code": code}
    )
    assert (verified["user_id"], verified["is_verified"]) == (made["user_id"], True)
    await api.want(400, "POST", f"{PATH}/auth/verify-sms", verify | {"verification_code": code})
    for name, first in ((NEW["email"], True), (NEW["phone_number"], False)):
        sent = LOGIN | {"login_identifier": name}
        login = await api.want(200, "POST", f"{PATH}/auth/login", sent)
        assert (login["is_first_login"], login["company_number"]) == (first, "+1234567890")
    token = login["access_token"]
    profile = await api.want(200, "GET", f"{PATH}/users/{made['user_id']}", token=token)
    assert profile["subscription"] == {"tier": "free", "status": "active", "expires_at": None}
    assert (profile["full_name"], profile["is_verified"]) == (None, True)
    fresh = await api.want(200, "POST", f"{PATH}/auth/refresh", token=token)
    assert fresh["user_id"] == made["user_id"]
    for good in (token, fresh["access_token"]):
        await api.want(200, "GET", f"{PATH}/workflows/", token=good)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"confirm_password": "another one"}, "confirm_password"),
        ({"phone_number": "12345"}, "phone_number"),
        ({"password": "short", "confirm_password": "short"}, "password"),
        ({"email": "nobody"}, "email"),
    ],
)
async def test_a_registration_that_does_not_fit_names_the_field(
    api: Api, changes: dict[str, str], word: str
) -> None:
    refused = await api.want(400, "POST", f"{PATH}/auth/register", NEW | changes)
    assert (refused["error_code"], word in refused["detail"]) == ("VALIDATION_ERROR", True)


async def test_a_user_is_registered_once(api: Api) -> None:
    await api.want(201, "POST", f"{PATH}/auth/register", NEW)
    for changes in ({"email": "b@example.com"}, {"phone_number": "+1234567891"}):
        refused = await api.want(400, "POST", f"{PATH}/auth/register", NEW | changes)
        assert refused["error_code"] == "VALIDATION_ERROR"
    sent = {"email": "c@example.com", "verification_code": "123456"}
    await api.want(404, "POST", f"{PATH}/auth/verify-sms", sent)


async def test_a_key_cannot_be_made_a_token(api: Api) -> None:
    native = await api.user("ann@example.org")
    sent = {"name": "k", "scopes": ["accounts:read", "agents:read"]}
    key = (await api.want(201, "POST", "/v1/api-keys", sent, token=native))["key"]
    await api.want(200, "GET", f"{PATH}/workflows/", token=key)
    await api.want(401, "POST", f"{PATH}/auth/refresh", token=key)
    response = await api.client.get(f"{PATH}/workflows/", headers={"X-API-Key": key})
    assert response.status == 200


async def test_a_token_is_renewed_until_its_sign_in_ends(api: Api) -> None:
    token = await token_for(api, "aetherium", "ann@example.org")
    api.clock.advance(3000)
    fresh = await api.want(200, "POST", f"{PATH}/auth/refresh", token=token)
    api.clock.advance(3000)
    await api.want(401, "GET", f"{PATH}/workflows/", token=token)
    await api.want(200, "GET", f"{PATH}/workflows/", token=fresh["access_token"])


async def test_a_password_is_changed_by_who_knows_it(api: Api) -> None:
    user_id, token = await registered(api)
    path = f"{PATH}/users/{user_id}/change-password"
    sent = {
        "current_password": "wrong_password",
        "new_password": "new_password",
        "confirm_password": "new_password",
    }
    await api.want(400, "POST", path, sent, token=token)
    unlike = sent | {"current_password": NEW["password"], "confirm_password": "new_passwort"}
    await api.want(400, "POST", path, unlike, token=token)
    right = sent | {"current_password": NEW["password"]}
    await api.want(200, "POST", path, right, token=token)
    await api.want(401, "POST", f"{PATH}/auth/login", LOGIN)
    await api.want(200, "POST", f"{PATH}/auth/login", LOGIN | {"password": "new_password"})


async def test_another_users_addresses_are_forbidden_and_administrators_may(api: Api) -> None:
    ann_id, ann = await registered(api)
    bob_id, _ = await registered(api, email="bob@example.com", phone_number="+1234567891")
    boss = await token_for(api, "aetherium", "boss@example.com", AccountRole.ADMIN)
    for path in ("users", "statistics/user", "subscriptions/user"):
        for whose in (bob_id, 4711):
            refused = await api.want(403, "GET", f"{PATH}/{path}/{whose}", token=ann)
            assert refused["error_code"] == "PERMISSION_DENIED"
        await api.want(200, "GET", f"{PATH}/{path}/{ann_id}", token=boss)
        await api.want(404, "GET", f"{PATH}/{path}/4711", token=boss)


async def test_a_workflow_is_changed_in_part_and_deleted(api: Api) -> None:
    token = await token_for(api, "aetherium", "ann@example.org")
    made = await api.want(201, "POST", f"{PATH}/workflows/", WORKFLOW, token=token)
    default = {"voice": "en-US-AriaNeural", "rate": "+0%", "pitch": "+0Hz"}
    assert (made["voice_settings"], made["is_active"], made["description"]) == (default, True, None)
    path = f"{PATH}/workflows/{made['id']}"
    sent = {"is_active": False, "voice_settings": {"rate": "-15%", "pitch": "+2Hz"}}
    changed = await api.want(200, "PUT", path, sent, token=token)
    voice = default | {"rate": "-15%", "pitch": "+2Hz"}
    assert changed == made | {"is_active": False, "voice_settings": voice}
    assert await api.want(200, "GET", f"{PATH}/workflows/", token=token) == [changed]
    await api.want(400, "PUT", path, {"voice_settings": {"rate": "fast"}}, token=token)
    session = {"workflow_id": made["id"], "phone_number": "+1555123456", "session_type": "outbound"}
    refused = await api.want(400, "POST", f"{PATH}/sessions/", session, token=token)
    assert "workflow_id" in refused["detail"]
    await api.want(200, "DELETE", path, token=token)
    await api.want(404, "PUT", path, sent, token=token)
    await api.want(404, "POST", f"{PATH}/sessions/", session, token=token)


async def test_lists_have_limit_offset_sort_and_filter(api: Api) -> None:
    token = await token_for(api, "aetherium", "ann@example.org")
    workflow = await api.want(201, "POST", f"{PATH}/workflows/", WORKFLOW, token=token)
    sessions = []
    for index in range(3):
        api.clock.advance(60)
        token = await token_for(api, "aetherium", "ann@example.org")
        sent = {
            "workflow_id": workflow["id"],
            "phone_number": f"+155512345{index}",
            "session_type": "outbound",
        }
        sessions.append((await api.want(201, "POST", f"{PATH}/sessions/", sent, token=token))["id"])
    await api.want(
        200, "PUT", f"{PATH}/sessions/{sessions[1]}", {"status": "completed"}, token=token
    )
    for query, ids in (
        ("", sessions[::-1]),
        ("sort=created_at", sessions),
        ("sort=-phone_number&limit=1&offset=1", [sessions[1]]),
        ('filter={"status":"completed"}', [sessions[1]]),
        ("filter=%7B%22status%22%3A%22pending%22%7D&sort=id", [sessions[0], sessions[2]]),
        ("status=completed", [sessions[1]]),
        ('status=pending&filter={"status":"completed"}', []),
        (
            f'filter={{"workflow_id":{workflow["id"]},"phone_number":"%2B1555123450"}}',
            [sessions[0]],
        ),
        ('filter={"workflow_id":4711}', []),
        ("start_date=2023-11-14&end_date=2023-11-14", sessions[::-1]),
        ("end_date=2023-11-13", []),
        ("start_date=2023-11-14T22:15:20Z&sort=id", sessions[1:]),
        ("limit=1000&offset=3", []),
    ):
        page = await api.want(200, "GET", f"{PATH}/sessions/?{query}", token=token)
        assert [session["id"] for session in page["sessions"]] == ids, query
    assert (page["total"], page["limit"], page["offset"]) == (3, 100, 3)
    for query in (
        "limit=0",
        "limit=x",
        "offset=-1",
        "status=done",
        "sort=colour",
        "filter=x",
        "filter=[]",
        'filter={"colour":1}',
        'filter={"status":1}',
        "start_date=soon",
    ):
        refused = await api.want(400, "GET", f"{PATH}/sessions/?{query}", token=token)
        assert refused["error_code"] == "VALIDATION_ERROR", query
    found = await api.want(
        200, "GET", f'{PATH}/workflows/?filter={{"name":"Sales"}}&sort=-name', token=token
    )
    assert [each["id"] for each in found] == [workflow["id"]]
    empty = await api.want(200, "GET", f'{PATH}/workflows/?filter={{"name":"S"}}', token=token)
    assert empty == []


async def test_a_session_is_as_its_owner_says_and_then_final(api: Api) -> None:
    token = await token_for(api, "aetherium", "ann@example.org")
    workflow = await api.want(201, "POST", f"{PATH}/workflows/", WORKFLOW, token=token)
    sent = {
        "workflow_id": workflow["id"],
        "phone_number": "+1555123456",
        "session_type": "outbound",
        "metadata": {"priority": "high"},
    }
    made = await api.want(201, "POST", f"{PATH}/sessions/", sent, token=token)
    assert (made["status"], made["transcript"], made["started_at"]) == ("pending", None, None)
    path = f"{PATH}/sessions/{made['id']}"
    await api.want(400, "PUT", path, {"status": "active"}, token=token)
    texts = {"transcript": "Customer: Hello...", "ai_response": "I helped."}
    told = await api.want(200, "PUT", path, {"status": "completed", **texts}, token=token)
    assert {name: told[name] for name in texts} == texts
    assert (told["status"], told["duration_seconds"], told["metadata"]) == (
        "completed",
        0,
        {"priority": "high"},
    )
    assert told["ended_at"] is not None
    await api.want(400, "PUT", path, {"status": "failed"}, token=token)
    later = {"ai_response": "I helped a lot.", "metadata": {"seen": True}}
    told = await api.want(200, "PUT", path, later, token=token)
    assert told["status"] == "completed"
    assert (told["transcript"], told["ai_response"]) == ("Customer: Hello...", "I helped a lot.")
    assert told["metadata"] == {"seen": True}
    assert await api.want(200, "GET", path, token=token) == told
    other = await token_for(api, "aetherium", "bob@example.org")
    await api.want(404, "GET", path, token=other)
    await api.want(404, "PUT", path, later, token=other)


async def test_an_inbound_session_is_expected_begun_and_ended_by_its_owner(api: Api) -> None:
    token = await token_for(api, "aetherium", "ann@example.org")
    workflow = await api.want(201, "POST", f"{PATH}/workflows/", WORKFLOW, token=token)
    sent = {
        "workflow_id": workflow["id"],
        "phone_number": "+1555123456",
        "session_type": "inbound",
    }
    made = await api.want(201, "POST", f"{PATH}/sessions/", sent, token=token)
    assert (made["status"], made["session_type"]) == ("pending", "inbound")
    path = f"{PATH}/sessions/{made['id']}"
    native = (await api.want(200, "GET", "/v1/calls?direction=inbound"))["items"][0]
    now = {"scheduled_for": "2023-11-14T22:13:20Z"}
    await api.want(409, "PATCH", f"/v1/calls/{native['id']}", now)  # nobody is to be dialled
    begun = await api.want(200, "PUT", path, {"status": "active"}, token=token)
    assert (begun["status"], begun["started_at"] is None) == ("active", False)
    api.clock.advance(330)
    ended = await api.want(200, "PUT", path, {"status": "completed"}, token=token)
    assert (ended["status"], ended["duration_seconds"]) == ("completed", 330)


async def test_a_payment_makes_a_chosen_tier_count(api: Api) -> None:
    user_id, token = await registered(api)
    chosen = {"tier_id": 2, "payment_period": "monthly"}
    upgraded = await api.want(200, "POST", f"{PATH}/subscriptions/upgrade", chosen, token=token)
    assert (upgraded["tier"], upgraded["status"]) == ("premium", "pending_payment")
    await api.want(
        404, "POST", f"{PATH}/subscriptions/upgrade", chosen | {"tier_id": 99}, token=token
    )
    await api.want(
        400, "POST", f"{PATH}/subscriptions/upgrade", chosen | {"payment_period": "x"}, token=token
    )
    wanted = {"subscription_tier_id": 2, "payment_period": "yearly"}
    payment = await api.want(201, "POST", f"{PATH}/payments/create-session", wanted, token=token)
    assert payment["amount"] == 299.90
    proof = {
        "session_id": payment["session_id"],
        "bank_card_number": "1234567890123456",
        "cardholder_name": "John Doe",
    }
    await api.want(
        400, "POST", f"{PATH}/payments/verify", proof | {"bank_card_number": "1"}, token=token
    )
    for name in ("pay_session_0", "nothing"):
        await api.want(
            404, "POST", f"{PATH}/payments/verify", proof | {"session_id": name}, token=token
        )
    verified = await api.want(200, "POST", f"{PATH}/payments/verify", proof, token=token)
    assert (verified["status"], verified["verified"]) == ("verified", True)
    assert await api.want(200, "POST", f"{PATH}/payments/verify", proof, token=token) == verified
    held = await api.want(200, "GET", f"{PATH}/subscriptions/user/{user_id}", token=token)
    assert held == verified["subscription"]
    assert (held["status"], held["expires_at"]) == ("active", "2024-11-14T22:13:20Z")
    profile = await api.want(200, "GET", f"{PATH}/users/{user_id}", token=token)
    assert profile["subscription"]["tier"] == "premium"
    _, other = await registered(api, email="bob@example.com", phone_number="+1234567891")
    await api.want(404, "POST", f"{PATH}/payments/verify", proof, token=other)


async def test_the_eleventh_session_of_a_month_is_refused_on_the_free_tier(api: Api) -> None:
    _, token = await registered(api)
    workflow = await api.want(201, "POST", f"{PATH}/workflows/", WORKFLOW, token=token)
    sent = {
        "workflow_id": workflow["id"],
        "phone_number": "+1555123456",
        "session_type": "outbound",
    }
    for _ in range(10):
        await api.want(201, "POST", f"{PATH}/sessions/", sent, token=token)
    refused = await api.want(403, "POST", f"{PATH}/sessions/", sent, token=token)
    assert refused["error_code"] == "PERMISSION_DENIED"


async def test_telegram_has_one_user_and_three_switches(api: Api) -> None:
    _, token = await registered(api)
    before = await api.want(200, "GET", f"{PATH}/telegram/settings", token=token)
    assert before == {
        "notifications_enabled": True,
        "session_updates": True,
        "daily_reports": False,
        "linked": False,
        "telegram_user_id": None,
        "telegram_username": None,
    }
    sent = {"session_updates": False}
    await api.want(200, "PUT", f"{PATH}/telegram/settings", sent, token=token)
    link = {"telegram_user_id": 7_123_456_789, "telegram_username": "johndoe"}
    await api.want(200, "POST", f"{PATH}/telegram/link", link, token=token)
    after = await api.want(200, "GET", f"{PATH}/telegram/settings", token=token)
    assert after == before | {**sent, **link, "linked": True}
    _, other = await registered(api, email="bob@example.com", phone_number="+1234567891")
    await api.want(400, "POST", f"{PATH}/telegram/link", link, token=other)
    for wrong in ({}, {"telegram_user_id": "x"}, {"telegram_user_id": 2**63}):
        await api.want(400, "POST", f"{PATH}/telegram/link", wrong, token=other)
    await api.want(400, "PUT", f"{PATH}/telegram/settings", {"daily_reports": 1}, token=token)


async def test_a_hundred_and_twenty_requests_a_minute(tmp_path: pathlib.Path) -> None:
    async with Api(tmp_path, limited=True) as api:
        token = await token_for(api, "aetherium", "ann@example.org")
        headers = {"Authorization": f"Bearer {token}"}
        for left in range(119, -1, -1):
            response = await api.client.get(f"{PATH}/subscriptions/tiers", headers=headers)
            response = await api.client.get(f"{PATH}/workflows/4711", headers=headers)
            assert (response.status, response.headers["X-RateLimit-Remaining"]) == (404, str(left))
        refused = await api.client.get(f"{PATH}/workflows/", headers=headers)
        assert refused.status == 429
        assert (await refused.json())["error_code"] == "RATE_LIMIT_EXCEEDED"


@pytest.mark.parametrize(
    ("table", "whole"),
    [
        (session_views.STATUS, CallStatus),
        (session_views.OUTCOME, Outcome),
        (session_views.LABELS, Role),
        (session_views.ROLES, Role),
        (admin.STATUS, ModemState),
        (subscriptions.SAID, PaymentStatus),
    ],
)
def test_a_value_map_has_all_that_there_is(
    table: dict[enum.Enum, Any], whole: type[enum.Enum]
) -> None:
    assert set(table) == set(whole)


@pytest.mark.parametrize("status", get_args(session_views.Status))
def test_a_filter_means_what_is_shown_so(status: session_views.Status) -> None:
    statuses, outcomes = session_views.meant(status)
    assert statuses
    for each in statuses:
        shown = {session_views.OUTCOME[one] for one in outcomes} if outcomes else set[str]()
        assert (shown or {session_views.STATUS[each]}) == {status}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 minutes"),
        (3599, "59 minutes"),
        (3600, "1 hour, 0 minutes"),
        (7260, "2 hours, 1 minute"),
        (86_400, "1 day, 0 hours"),
        (15 * 86_400 + 4 * 3600 + 59, "15 days, 4 hours"),
    ],
)
def test_uptime_is_told_in_words(seconds: float, words: str) -> None:
    assert statistics.uptime(seconds) == words


async def test_what_is_not_there_is_told_in_the_documents_words(api: Api) -> None:
    _, token = await registered(api)
    for path, said in (("sessions/99", "no session '99'"), ("workflows/99", "no workflow '99'")):
        refused = await api.want(404, "GET", f"{PATH}/{path}", token=token)
        assert refused["detail"] == said


async def test_a_plus_in_a_filter_need_not_be_encoded(api: Api) -> None:
    _, token = await registered(api)
    workflow = await api.want(201, "POST", f"{PATH}/workflows/", WORKFLOW, token=token)
    new = {"workflow_id": workflow["id"], "phone_number": "+15550001234"} | {
        "session_type": "outbound"
    }
    await api.want(201, "POST", f"{PATH}/sessions/", new, token=token)
    for number, total in (("%2B15550001234", 1), ("+15550001234", 1), ("+15550001235", 0)):
        path = f'{PATH}/sessions/?filter={{"phone_number":"{number}"}}'
        assert (await api.want(200, "GET", path, token=token))["total"] == total, number


async def test_statistics_of_many_years_are_whole(api: Api) -> None:
    user_id, token = await registered(api)
    workflow = await api.want(201, "POST", f"{PATH}/workflows/", WORKFLOW, token=token)
    new = {"workflow_id": workflow["id"], "phone_number": "+15550001234"} | {
        "session_type": "outbound"
    }
    made = await api.want(201, "POST", f"{PATH}/sessions/", new, token=token)
    done = {"status": "completed"}
    await api.want(200, "PUT", f"{PATH}/sessions/{made['id']}", done, token=token)
    path = f"{PATH}/statistics/user/{user_id}"
    month = await api.want(200, "GET", path, token=token)
    assert (month["total_sessions"], len(month["daily_breakdown"])) == (1, 1)
    day = month["daily_breakdown"][0]["date"]
    for years in range(10):
        begin = f"{int(day[:4]) - years}-01-01"
        found = await api.want(200, "GET", f"{path}?start_date={begin}&end_date={day}", token=token)
        assert found == month | {"period": "custom"}, begin


async def test_an_administrator_is_told_that_a_model_does_not_answer(api: Api) -> None:
    boss = await token_for(api, "aetherium", "boss@example.com", AccountRole.ADMIN)
    path = f"{PATH}/admin/health"
    well = await api.want(200, "GET", path, token=boss)
    assert (well["status"], well["services"]["ai"]) == ("healthy", "healthy")
    api.services.server_parts.standings.failed("cloud", "openai-chat", "provider_busy")
    worse = await api.want(200, "GET", path, token=boss)
    assert (worse["status"], worse["services"]["ai"]) == ("degraded", "degraded")
