"""`/v1/accounts` and `/v1/me` as a client meets them: whose accounts are whose."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.control.auth.principal import OPERATOR_ID
from offhook.control.domain.accounts import Role
from offhook.control.errors import StartError
from offhook.control.store import schema
from offhook.media.conversation.records import CallStatus
from offhook.tests.kit.api import PASSWORD, Api
from offhook.tests.kit.call_records import call_of, call_record, started

ANN, BOB = "ann@example.org", "bob@example.org"


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def id_of(api: Api, email: str) -> str:
    account = await api.services.sign_in.named(email)
    assert account is not None
    return account.id


async def emails(api: Api, query: str = "") -> list[str]:
    page = await api.want(200, "GET", f"/v1/accounts?{query}")
    return [account["email"] for account in page["items"]]


async def test_an_administrator_makes_finds_and_changes_accounts(api: Api) -> None:
    admin = await api.user("root@example.org", Role.ADMIN)
    body = {"email": ANN, "password": PASSWORD, "max_live_calls": 3, "last_name": "Lee"}
    made = await api.want(201, "POST", "/v1/accounts", body, token=admin)
    assert (made["email"], made["role"], made["max_live_calls"]) == (ANN, "user", 3)
    path = f"/v1/accounts/{made['id']}"
    assert await api.want(200, "GET", path, token=admin) == made
    api.clock.advance(60)
    changes = {"role": "admin", "max_live_calls": None, "username": "Ann"}
    changed = await api.want(200, "PATCH", path, changes, token=admin)
    assert changed == made | {
        "role": "admin",
        "max_live_calls": None,
        "username": "ann",
        "updated_at": "2023-11-14T22:14:20Z",
    }
    await api.user(BOB)
    assert await emails(api, "role=user") == [BOB]
    assert await emails(api, "search=LEE") == [ANN]
    assert await emails(api, "sort=email&limit=2") == [ANN, BOB]
    assert await emails(api, "search=%25") == []


async def test_users_reach_their_own_account_only(api: Api) -> None:
    token, _ = await api.user(ANN), await api.user(BOB)
    for method, path, body in (
        ("GET", "/v1/accounts", None),
        ("POST", "/v1/accounts", {"email": "x@example.org"}),
        ("GET", f"/v1/accounts/{await id_of(api, BOB)}", None),
        ("PATCH", f"/v1/accounts/{await id_of(api, ANN)}", {"role": "admin"}),
        ("DELETE", f"/v1/accounts/{await id_of(api, BOB)}", None),
    ):
        await api.want(403, method, path, body, token=token)
    problem = await api.want(422, "PATCH", "/v1/me", {"role": "admin"}, token=token)
    assert problem["errors"][0]["field"] == "role"
    assert (await api.want(200, "GET", "/v1/me", token=token))["email"] == ANN


async def test_users_see_their_own_things_and_administrators_all(api: Api) -> None:
    ann, bob = await api.user(ANN), await api.user(BOB)
    admin = await api.user("root@example.org", Role.ADMIN)
    made = await api.want(201, "POST", "/v1/agents", {"name": "hers"}, token=ann)
    path = f"/v1/agents/{made['id']}"
    await api.want(404, "GET", path, token=bob)
    await api.want(404, "DELETE", path, token=bob)
    assert (await api.want(200, "GET", "/v1/agents", token=bob))["items"] == []
    for token in (ann, admin):
        assert (await api.want(200, "GET", "/v1/agents", token=token))["items"] == [made]


async def test_what_is_a_users_own_is_changed_by_them(api: Api) -> None:
    token = await api.user(ANN)
    body = {"first_name": "Ann", "username": "ANN", "company_number": "+49301"}
    changed = await api.want(200, "PATCH", "/v1/me", body, token=token)
    assert (changed["first_name"], changed["username"]) == ("Ann", "ann")
    path = "/v1/me/notification-settings"
    before = await api.want(200, "GET", path, token=token)
    assert before == {"notify_by": ["in_app"], "telegram": None}
    settings: dict[str, Any] = {
        "telegram": {"user_id": 7, "notify_payments": False},
        "notify_by": ["sms", "sms"],
    }
    after = await api.want(200, "PATCH", path, settings, token=token)
    assert after["notify_by"] == ["sms"]
    assert after["telegram"]["user_id"] == 7
    assert await api.want(200, "PATCH", path, {"telegram": None}, token=token) == after | {
        "telegram": None
    }
    await api.want(422, "PATCH", path, {"notify_by": ["pigeon"]}, token=token)


async def test_a_new_password_and_switching_off_end_every_sign_in(api: Api) -> None:
    path = None
    for changes in ({"password": "another password"}, {"is_active": False}):
        token = await api.user(ANN)
        await api.want(200, "GET", "/v1/me", token=token)
        path = f"/v1/accounts/{await id_of(api, ANN)}"
        await api.want(200, "PATCH", path, changes)
        await api.want(401, "GET", "/v1/me", token=token)
    body = {"name": ANN, "password": "another password"}
    await api.want(403, "POST", "/v1/auth/login", body)
    await api.want(200, "PATCH", str(path), {"is_active": True})
    await api.want(200, "POST", "/v1/auth/login", body)


@pytest.mark.parametrize(
    "changes", [{"email": BOB}, {"username": "bob"}, {"phone_number": "+4930123456"}]
)
async def test_what_another_has_is_named(api: Api, changes: dict[str, str]) -> None:
    bob, _ = await api.user(BOB), await api.user(ANN)
    mine = {"username": "bob", "phone_number": "+4930123456"}
    await api.want(200, "PATCH", "/v1/me", mine, token=bob)
    path = f"/v1/accounts/{await id_of(api, ANN)}"
    problem = await api.want(409, "PATCH", path, changes)
    assert [problem["field"]] == list(changes)


async def test_nobody_shuts_themselves_or_the_operator_out(api: Api) -> None:
    admin = await api.user(ANN, Role.ADMIN)
    me = f"/v1/accounts/{await id_of(api, ANN)}"
    for method, body in (("PATCH", {"is_active": False}), ("PATCH", {"role": "user"})):
        await api.want(409, method, me, body, token=admin)
    await api.want(409, "DELETE", me, token=admin)
    operator = f"/v1/accounts/{OPERATOR_ID}"
    for body in ({"is_active": False}, {"role": "user"}, {"password": PASSWORD}):
        await api.want(409, "PATCH", operator, body, token=admin)
    await api.want(409, "DELETE", operator, token=admin)
    await api.want(200, "PATCH", operator, {"first_name": "Otto"}, token=admin)


async def owned_rows(api: Api, account_id: str) -> int:
    count = 0
    async with api.database.read() as tx:
        for table in schema.METADATA.sorted_tables:
            column = "owner_id" if "owner_id" in table.c else None
            if column is None and table.name == "accounts":
                column = "id"
            if column is not None:
                query = f"SELECT count(*) FROM {table.name} WHERE {column} = ?"
                count += (await tx.exec_driver_sql(query, (account_id,))).scalar_one()
    return count


async def test_an_account_is_removed_with_all_it_owns_and_nothing_else(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offhook.control.services.account_removal.ROWS_AT_ONCE", 2)
    ann, bob = await api.user(ANN), await api.user(BOB)
    for token in (ann, bob):
        for number in range(4):
            body: Any = {"name": f"Agent {number}"}
            await api.want(201, "POST", "/v1/agents", body, token=token)
        agent = await api.want(201, "POST", "/v1/agents", {"name": "last"}, token=token)
        body = {"number": f"+49301{agent['seq']}", "agent_id": agent["id"]}
        await api.want(201, "POST", "/v1/numbers", body, token=token)
        body = {"provider": "acme", "secret": "s"}
        await api.want(201, "POST", "/v1/provider-keys", body, token=token)
        await api.want(201, "POST", "/v1/api-keys", {"name": "k", "scopes": ["*"]}, token=token)
    id_, other = await id_of(api, ANN), await id_of(api, BOB)
    before = await owned_rows(api, other)
    assert await owned_rows(api, id_) == before >= 10
    path = f"/v1/accounts/{id_}"
    problem = await api.want(409, "DELETE", path)
    assert "deactivate" in problem["detail"]
    assert await owned_rows(api, id_) == before
    await api.want(200, "PATCH", path, {"is_active": False})
    await api.want(204, "DELETE", path)
    await api.want(404, "DELETE", path)
    await api.want(401, "GET", "/v1/me", token=ann)
    assert await owned_rows(api, id_) == 0
    assert await owned_rows(api, other) == before


async def test_calls_go_with_their_recordings_but_not_while_they_are_in_progress(
    api: Api, tmp_path: pathlib.Path
) -> None:
    await api.user(ANN)
    id_ = await id_of(api, ANN)
    path, recordings = f"/v1/accounts/{id_}", tmp_path / "recordings"
    for name in ("hers.wav", "other.wav"):
        (recordings / name).write_bytes(b"RIFF")
    hers = call_record(1, recording="hers.wav")
    others = call_record(2, recording="other.wav")
    for record, owner in ((hers, id_), (others, OPERATOR_ID)):
        api.calls.add(call_of(record, owner_id=owner), record, lambda: None)
        api.calls.tell(started(record))
    await api.want(200, "PATCH", path, {"is_active": False})
    problem = await api.want(409, "DELETE", path)
    assert "calls in progress" in problem["detail"]
    for record in (hers, others):
        record.status, record.ended_wall = CallStatus.ENDED, record.started_wall + 60
        api.calls.remove(record.id)
    await api.calls.settled()
    await api.want(200, "GET", f"/v1/calls/{hers.id}")
    await api.want(204, "DELETE", path)
    await api.want(404, "GET", f"/v1/calls/{hers.id}")
    await api.want(200, "GET", f"/v1/calls/{others.id}")
    assert [file.name for file in recordings.iterdir()] == ["other.wav"]


async def test_the_first_administrator_is_made_once_and_never_changed(api: Api) -> None:
    accounts = api.services.accounts
    made = await accounts.ensure_admin("Root@example.org", PASSWORD)
    assert made is not None
    assert (made.email, made.role) == ("root@example.org", Role.ADMIN)
    assert await accounts.ensure_admin("root@example.org", "another password") is None
    assert await accounts.ensure_admin("second@example.org", PASSWORD) is None
    body = {"name": "root@example.org", "password": PASSWORD}
    assert (await api.want(200, "POST", "/v1/auth/login", body))["account"]["role"] == "admin"


async def test_a_first_administrator_that_cannot_be_made_is_told(api: Api) -> None:
    await api.user(ANN)
    with pytest.raises(StartError, match=r"admin\.email.*another account has it"):
        await api.services.accounts.ensure_admin(ANN, PASSWORD)
    with pytest.raises(StartError, match="password must have 8 to 256 characters"):
        await api.services.accounts.ensure_admin("root@example.org", "short")
