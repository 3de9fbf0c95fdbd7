"""smsagent's document as its clients live it: texts, replies, figures, broadcasts, refusals."""

import asyncio
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.auth.rate_limits import LimitUsedUp
from offhook.control.dialects.refusing import refused
from offhook.control.dialects.smsagent import messaging, system, users
from offhook.control.dialects.smsagent.forms import LimitedBody, error
from offhook.control.dialects.smsagent.table import SMSAGENT
from offhook.control.domain.accounts import Account, Role
from offhook.control.domain.broadcasts import BroadcastStatus
from offhook.control.domain.messages import SmsStatus
from offhook.control.domain.sms_figures import Tally
from offhook.control.errors import Problem, TooManyRequests
from offhook.control.services.sms_task_steps import Answered, Unanswered
from offhook.tests.kit.api import PASSWORD
from offhook.tests.kit.texting import Scripted, Texting

BOSS = "boss@example.com"
THEIRS, OURS = "+1234567890", "+1987654321"
THANKS = "Thank you for your message! I'm processing your request and will respond shortly."
RAW = (
    "From=+1234567890&\nTo=+1987654321&\nBody=Help me debug this Python code&\n"
    "MessageSid=SM1234567890abcdef&\nAccountSid=AC1234567890abcdef"
)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Office(Texting):
    """A server, and a member of its staff with a token."""

    token = ""

    async def want(self, status: int, method: str, path: str, json: Any = None) -> Any:
        headers = {"Authorization": f"Token {self.token}"} if self.token else {}
        async with self.api.client.request(
            method, f"/smsagent/api{path}", json=json, headers=headers
        ) as response:
            text = await response.text()
            assert response.status == status, f"{method} {path}: {response.status} {text}"
            return await response.json(content_type=None)

    async def sign_in(self) -> None:
        services = self.api.services
        await services.accounts.add(Account(email=BOSS, role=Role.ADMIN), PASSWORD)
        sent = {"username": "admin", "password": PASSWORD}
        self.token = (await self.want(200, "POST", "/auth/token/", sent))["token"]

    async def text(self, raw: str) -> str:
        path = "/smsagent/api/sms/receive/"
        async with self.api.client.post(path, data=raw, headers=FORM) as response:
            assert response.status == 200, await response.text()
            assert response.content_type == "application/xml"
            return await response.text()


@pytest.fixture
async def office(tmp_path: pathlib.Path) -> AsyncIterator[Office]:
    async with asyncio.timeout(30), Office(tmp_path) as office:
        await office.sign_in()
        yield office


async def test_a_text_becomes_a_task_a_reply_and_a_figure(office: Office) -> None:
    for _ in range(2):  # told twice
        assert f"<Message>{THANKS}</Message>" in await office.text(RAW)
    await office.ended()
    (task,) = (await office.want(200, "GET", "/tasks/?user_phone=+1234567890"))["results"]
    assert (task["user_phone"], task["category"], task["success"]) == (THEIRS, "debug", True)
    assert task == await office.want(200, "GET", f"/tasks/{task['id']}/")
    (sms,) = await office.outbox(THEIRS)
    assert sms["body"] == task["ai_response"]
    user = await office.want(200, "GET", f"/users/{THEIRS}/")
    assert (user["tier"], user["total_requests"], user["monthly_requests"]) == ("free", 1, 1)
    assert user["stats"]["success_rate"] == 100.0
    assert user["stats"]["favorite_categories"] == ["debug"]
    figures = await office.want(200, "GET", "/tasks/analytics/")
    assert (figures["total_tasks"], figures["success_rate"]) == (1, 100.0)
    assert figures["category_breakdown"]["debug"]["count"] == 1
    overview = await office.want(200, "GET", "/analytics/overview/?")
    assert (overview["total_users"], overview["active_users_24h"]) == (1, 1)
    assert overview["tier_distribution"] == {"free": 1, "premium": 0, "enterprise": 0}
    stats = await office.want(200, "GET", "/system/stats/")
    assert stats["queues"] == {"pending_tasks": 0, "failed_tasks": 0, "completed_today": 1}


async def test_a_task_by_hand_is_answered_and_sent_only_when_asked(office: Office) -> None:
    sent = {"user_phone": THEIRS, "sms_content": "Sort a list", "category": "coding"}
    made = await office.want(201, "POST", "/tasks/", sent)
    assert (made["ai_response"], made["completed_at"], made["success"]) == (None, None, False)
    await office.ended()
    done = await office.want(200, "GET", f"/tasks/{made['id']}/")
    assert done["success"]
    assert done["category"] == "coding"
    assert await office.outbox(THEIRS) == []
    await office.want(201, "POST", "/tasks/", sent | {"send_reply": True})
    await office.ended(2)
    assert len(await office.outbox(THEIRS)) == 1


async def test_users_are_kept_as_they_are_sent_and_their_tiers_have_a_history(
    office: Office,
) -> None:
    example = {
        "phone_number": OURS,
        "tier": "free",
        "email": "newuser@example.com",
        "full_name": "Jane Smith",
        "timezone": "America/New_York",
        "preferences": {"notifications": True, "language": "en"},
    }
    made = await office.want(201, "POST", "/users/", example)
    assert {name: made[name] for name in example} == example
    assert (made["total_requests"], made["last_active"]) == (0, made["created_at"])
    changed = await office.want(
        200, "PATCH", f"/users/{OURS}/", {"tier": "premium", "email": "updated@example.com"}
    )
    assert (changed["tier"], changed["full_name"]) == ("premium", "Jane Smith")
    raised = await office.want(
        200, "POST", "/users/%2B1987654321/update_tier/", {"tier": "enterprise", "reason": "more"}
    )
    assert (raised["previous_tier"], raised["tier"]) == ("premium", "enterprise")
    await office.want(200, "POST", f"/users/{OURS}/update_tier/", {"tier": "free"})
    native = await office.api.want(200, "GET", f"/v1/contacts/{OURS}")
    assert [change["reason"] for change in native["tier_history"]] == ["", "more", ""]
    figures = await office.want(200, "GET", "/analytics/users/?end_date=2100-01-01")
    assert (figures["tier_upgrades"], figures["tier_downgrades"]) == (2, 1)
    refused = await office.want(400, "POST", "/users/", example)
    assert "exists" in refused["fields"]["phone_number"][0]


async def test_a_message_to_one_and_to_many_can_be_followed(office: Office) -> None:
    for number, tier in (("+15551230001", "premium"), ("+15551230030", "enterprise")):
        await office.want(201, "POST", "/users/", {"phone_number": number, "tier": tier})
    await office.want(201, "POST", "/users/", {"phone_number": "+15551230002"})
    one = await office.want(200, "POST", "/users/+15551230001/send_message/", {"message": "Hi."})
    assert one["message_type"] == "notification"
    status = await office.want(200, "GET", f"/messaging/status/{one['message_id']}/")
    assert (status["status"], status["sent_count"]) == ("completed", 1)
    sent = {"message": "Closed tonight.", "tier_filter": ["premium", "enterprise"]}
    made = await office.want(200, "POST", "/messaging/broadcast/", sent)
    assert made["recipients_count"] == 2
    path = f"/messaging/status/{made['message_id']}/"
    assert (await office.want(200, "GET", path))["status"] == "queued"
    office.broadcasts.start()
    await office.broadcasts.idle.wait()
    done = await office.want(200, "GET", path)
    counts = (done["sent_count"], done["failed_count"], done["delivery_rate"])
    assert (done["status"], counts) == ("completed", (1, 1, 50.0))
    (entry,) = (await office.want(200, "GET", "/error-logs/?user_phone=+15551230030"))["results"]
    assert (entry["error_type"], entry["resolved"]) == ("sms_failed", False)
    for path in ("broadcast_20240120_001", "msg_99", "x"):
        await office.want(404, "GET", f"/messaging/status/{path}/")


async def test_a_failed_task_is_in_the_error_log_until_somebody_has_seen_to_it(
    tmp_path: pathlib.Path,
) -> None:
    wrong = Unanswered(type="llm_timeout", error="no answer within 60 s", is_final=True)
    answering = Scripted(wrong, Answered(reply="Yes."))
    async with asyncio.timeout(30), Office(tmp_path, answering=answering) as office:
        await office.sign_in()
        await office.text(RAW)
        await office.ended()
        (task,) = (await office.want(200, "GET", "/tasks/?success=false"))["results"]
        assert task["error_message"] == "no answer within 60 s"
        (entry,) = (await office.want(200, "GET", "/error-logs/?resolved=false"))["results"]
        assert (entry["task_id"], entry["user_phone"]) == (task["id"], THEIRS)
        sent = {"resolved": True, "resolution_notes": "More time."}
        resolved = await office.want(200, "PATCH", f"/error-logs/{entry['id']}/", sent)
        assert (resolved["resolved"], resolved["resolution_notes"]) == (True, "More time.")
        assert (await office.want(200, "GET", "/error-logs/?resolved=false"))["count"] == 0
        reopened = await office.want(
            200, "PATCH", f"/error-logs/{entry['id']}/", {"resolved": False}
        )
        assert (reopened["resolved"], reopened["resolved_at"]) == (False, None)
        performance = await office.want(200, "GET", "/analytics/performance/")
        assert performance["error_rates"]["common_errors"] == [{"type": "llm_timeout", "count": 1}]
        health = await office.want(200, "GET", "/health/")
        assert (health["status"], health["services"]["openai"]["status"]) == ("degraded",) * 2


async def test_pages_have_links_that_keep_what_was_asked(office: Office) -> None:
    for number in range(5):
        sent = {"phone_number": f"+1555123000{number}", "tier": "premium"}
        await office.want(201, "POST", "/users/", sent)
    first = await office.want(200, "GET", "/users/?tier=premium&page_size=2")
    assert (first["count"], first["previous"], len(first["results"])) == (5, None, 2)
    seen: list[Any] = []
    page, link = first, first["next"]
    while link:
        assert link.startswith("http://127.0.0.1")
        assert "tier=premium" in link
        page = await office.want(200, "GET", link.partition("/smsagent/api")[2])
        seen += page["results"]
        link = page["next"]
    assert len(seen) == 3
    assert "page=2" in page["previous"]
    await office.want(404, "GET", "/users/?page=9")
    await office.want(400, "GET", "/users/?page=0&page_size=x")


async def test_all_fields_at_fault_are_told_together_in_the_documents_words(
    office: Office,
) -> None:
    refused = await office.want(400, "POST", "/users/", {"tier": "gold"})
    assert (refused["error"], refused["detail"]) == (
        "validation_error",
        "The provided data is invalid",
    )
    assert refused["fields"] == {
        "phone_number": ["This field is required"],
        "tier": ["Must be one of: free, premium, enterprise"],
    }
    assert refused["request_id"].startswith("req_")
    refused = await office.want(
        400, "POST", "/messaging/broadcast/", {"message": "x", "tier_filter": ["gold"]}
    )
    assert refused["fields"] == {"tier_filter": ["Must be one of: free, premium, enterprise"]}
    refused = await office.want(400, "GET", "/tasks/?success=perhaps&page=x")
    assert set(refused["fields"]) == {"success", "page"}


async def test_tokens_are_for_staff_alone_and_last(office: Office) -> None:
    for name in (BOSS, "admin"):
        sent = {"username": name, "password": PASSWORD}
        assert (await office.want(200, "POST", "/auth/token/", sent))["token"] == office.token
    wrong = await office.want(400, "POST", "/auth/token/", {"username": BOSS, "password": "x"})
    assert wrong["fields"]["non_field_errors"] == ["Unable to log in with provided credentials."]
    await office.api.user("ann@example.org")
    sent = {"username": "ann@example.org", "password": PASSWORD}
    assert (await office.want(403, "POST", "/auth/token/", sent))["error"] == "permission_denied"
    keys = await office.api.want(200, "GET", "/v1/api-keys")
    (key,) = [key for key in keys["items"] if key["name"] == "smsagent"]
    await office.api.want(204, "DELETE", f"/v1/api-keys/{key['id']}")
    await office.want(401, "GET", "/users/")
    old, office.token = office.token, ""
    sent = {"username": "admin", "password": PASSWORD}
    office.token = (await office.want(200, "POST", "/auth/token/", sent))["token"]
    assert office.token != old
    await office.want(200, "GET", "/users/")


@pytest.mark.parametrize(
    ("problem", "detail"),
    [
        (
            LimitUsedUp("the limit of 1000 is used up", 3599.5),
            "You have exceeded the rate limit of 1000 requests per hour",
        ),
        (TooManyRequests("too many wrong passwords", 3599.5), "too many wrong passwords"),
    ],
)
def test_one_request_too_many_is_told_as_documented_and_why(problem: Problem, detail: str) -> None:
    told = error(refused(SMSAGENT, None, problem, 0.0, "x"))
    assert told == LimitedBody(error="Rate limit exceeded", detail=detail, retry_after=3600)


def test_every_state_has_its_word() -> None:
    assert set(users.SENT) == set(SmsStatus) == set(messaging.STATUS_OF_ONE)
    assert set(messaging.STATUS) == set(BroadcastStatus)
    assert Tally().success_rate == 0.0
    assert [system.size(n) for n in (0, 1023, 45 * 1024**2, int(2.3 * 1024**3))] == [
        "0B",
        "1023B",
        "45MB",
        "2.3GB",
    ]
