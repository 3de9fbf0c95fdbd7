"""`/v1/auth` as a client meets it."""

import asyncio
import logging
import pathlib
import re
from collections.abc import AsyncIterator
from typing import Any

import argon2
import pytest

from offhook.control.auth.principal import OPERATOR_ID
from offhook.control.domain.accounts import Role
from offhook.control.services.outbox import OutboxFilter
from offhook.control.store.rows import PageQuery
from offhook.tests.kit.api import PASSWORD, Api

ANN = "ann@example.org"
NUMBER = "+49301234567"


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as api:
        yield api


async def sign_in(api: Api, name: str = ANN, password: str = PASSWORD) -> Any:
    return await api.want(200, "POST", "/v1/auth/login", {"name": name, "password": password})


async def refused(api: Api, name: str = ANN, password: str = "wrong") -> Any:
    return await api.want(401, "POST", "/v1/auth/login", {"name": name, "password": password})


async def refresh(api: Api, status: int, token: str) -> Any:
    return await api.want(status, "POST", "/v1/auth/refresh", {"refresh_token": token})


async def me(api: Api, status: int, token: str) -> Any:
    return await api.want(status, "GET", "/v1/me", token=token)


async def sent_to(api: Api, to: str) -> list[str]:
    query = PageQuery(sort="seq", limit=200)
    page = await api.services.outbox.page(query, OutboxFilter(to=to))
    return [message.body for message in page.items]


async def link_token(api: Api, to: str) -> str:
    found = re.search(r"token=(\S+)", (await sent_to(api, to))[-1])
    assert found is not None
    return found[1]


async def sms_code(api: Api, to: str) -> str:
    (code,) = re.findall(r"\b\d{6}\b", (await sent_to(api, to))[-1])
    return str(code)


# --- accounts of one's own ------------------------------------------------------------------------


async def test_somebody_registers_signs_in_and_is_known(api: Api) -> None:
    made = await api.want(
        201,
        "POST",
        "/v1/auth/register",
        {
            "email": "Ann@Example.org",
            "password": PASSWORD,
            "username": "Ann",
            "phone_number": "+49 30 1234567",
            "first_name": "Ann",
        },
    )
    assert (made["email"], made["username"], made["phone_number"]) == (ANN, "ann", NUMBER)
    assert (made["role"], made["is_verified"], made["first_login_at"]) == ("user", False, None)
    for name in ("ANN@example.org", "ann", "+49 30 123 45 67"):
        signed_in = await sign_in(api, name)
        assert signed_in["expires_in"] == 3600
        account = await me(api, 200, signed_in["access_token"])
        assert account == signed_in["account"]
        assert account["id"] == made["id"]
        assert account["first_login_at"] == "2023-11-14T22:13:20Z"


async def test_registration_is_closed_unless_it_is_opened(api: Api) -> None:
    body = {"email": ANN, "password": PASSWORD}
    api.proofs.settings = type(api.proofs.settings)()
    problem = await api.want(403, "POST", "/v1/auth/register", body)
    assert problem["code"] == "registration_closed"


async def test_nobody_registers_as_an_administrator_or_twice(api: Api) -> None:
    body = {"email": ANN, "password": PASSWORD}
    problem = await api.want(422, "POST", "/v1/auth/register", body | {"role": "admin"})
    assert problem["errors"][0]["field"] == "role"
    await api.want(201, "POST", "/v1/auth/register", body)
    problem = await api.want(409, "POST", "/v1/auth/register", body)
    assert problem["field"] == "email"
    await api.want(409, "POST", "/v1/auth/register", body | {"email": "operator@localhost"})


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"email": "ann", "password": PASSWORD}, ["email"]),
        ({"email": ANN, "password": "short"}, ["password"]),
        ({"email": ANN, "password": "x" * 300}, ["password"]),
        ({"email": ANN, "password": PASSWORD, "username": "1", "phone_number": "1"}, None),
    ],
)
async def test_what_cannot_be_an_account_is_named(
    api: Api, body: Any, fields: list[str] | None
) -> None:
    problem = await api.want(422, "POST", "/v1/auth/register", body)
    found = [error["field"] for error in problem["errors"]]
    assert found == (fields or ["username", "phone_number"])


# --- passwords ------------------------------------------------------------------------------------


async def test_an_unknown_name_is_told_the_same_and_costs_the_same(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.user(ANN)
    hashed = []
    verify = argon2.PasswordHasher.verify

    def counted(self: Any, stored: Any, given: Any) -> Any:
        hashed.append(argon2.extract_parameters(stored))
        return verify(self, stored, given)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    answers = []
    for name in (ANN, "nobody@example.org", "operator@localhost", "no name at all"):
        problem = await refused(api, name)
        answers.append({key: problem[key] for key in problem if key != "request_id"})
    assert answers == [answers[0]] * 4
    assert hashed == [hashed[0]] * 4


async def test_wrong_passwords_make_the_next_try_wait_whatever_the_name(api: Api) -> None:
    token = await api.user(ANN)
    await api.want(200, "PATCH", "/v1/me", {"username": "ann"}, token=token)
    for name in (ANN, "ann", "ANN@EXAMPLE.ORG", "Ann", ANN):
        await refused(api, name)
    response = await api.ask("POST", "/v1/auth/login", {"name": "ann", "password": PASSWORD})
    assert (response.status, response.headers["Retry-After"]) == (429, "1")
    api.clock.advance(1)
    await sign_in(api)
    await refused(api)


async def test_one_address_cannot_try_many_names(api: Api) -> None:
    for number in range(20):
        await refused(api, f"somebody{number}@example.org")
    body = {"name": "another@example.org", "password": "x"}
    await api.want(429, "POST", "/v1/auth/login", body)


async def test_a_deactivated_account_is_told_so_only_with_its_password(api: Api) -> None:
    await api.user(ANN)
    account = await api.services.sign_in.named(ANN)
    assert account is not None
    await api.want(200, "PATCH", f"/v1/accounts/{account.id}", {"is_active": False})
    await refused(api)
    body = {"name": ANN, "password": PASSWORD}
    problem = await api.want(403, "POST", "/v1/auth/login", body)
    assert problem["code"] == "account_deactivated"


async def test_a_password_of_another_cost_is_hashed_anew_when_it_is_right(api: Api) -> None:
    await api.user(ANN)
    account = await api.services.sign_in.named(ANN)
    assert account is not None
    dear = argon2.PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)
    async with api.database.write() as tx:
        await tx.exec_driver_sql(
            "UPDATE accounts SET password_hash = ? WHERE id = ?", (dear, account.id)
        )
    await sign_in(api)
    again = await api.services.sign_in.named(ANN)
    assert again is not None
    assert again.password_hash != dear
    await sign_in(api)


async def test_a_password_is_changed_by_who_knows_it_and_ends_other_sign_ins(api: Api) -> None:
    old = await api.user(ANN)
    other = await sign_in(api)
    body = {"current_password": "wrong", "new_password": "another password"}
    path = "/v1/auth/password/change"
    assert (await api.want(401, "POST", path, body, token=old))["code"] == "wrong_credentials"
    problem = await api.want(
        422, "POST", path, {"current_password": PASSWORD, "new_password": "short"}, token=old
    )
    assert problem["field"] == "new_password"
    new = await api.want(200, "POST", path, body | {"current_password": PASSWORD}, token=old)
    await me(api, 401, old)
    await me(api, 401, other["access_token"])
    await refresh(api, 401, other["refresh_token"])
    await me(api, 200, new["access_token"])
    await refused(api, password=PASSWORD)
    await sign_in(api, password="another password")


# --- sign-ins -------------------------------------------------------------------------------------


async def test_a_refresh_token_gives_new_tokens_once(api: Api) -> None:
    await api.user(ANN)
    first = await sign_in(api)
    second = await refresh(api, 200, first["refresh_token"])
    third = await refresh(api, 200, second["refresh_token"])
    await me(api, 200, third["access_token"])
    assert len({first["refresh_token"], second["refresh_token"], third["refresh_token"]}) == 3


async def test_a_refresh_token_that_comes_twice_ends_the_sign_in_with_all_its_tokens(
    api: Api,
) -> None:
    await api.user(ANN)
    bystander = await sign_in(api)
    first = await sign_in(api)
    second = await refresh(api, 200, first["refresh_token"])
    await me(api, 200, second["access_token"])
    problem = await refresh(api, 401, first["refresh_token"])
    assert problem["code"] == "refresh_token_reused"
    assert (await refresh(api, 401, second["refresh_token"]))["code"] == "token_revoked"
    await me(api, 401, second["access_token"])
    await me(api, 401, first["access_token"])
    await me(api, 200, bystander["access_token"])


async def test_of_two_exchanges_at_once_one_is_a_theft(api: Api) -> None:
    await api.user(ANN)
    token = (await sign_in(api))["refresh_token"]
    body = {"refresh_token": token}
    answers = await asyncio.gather(*(api.ask("POST", "/v1/auth/refresh", body) for _ in range(2)))
    assert sorted(answer.status for answer in answers) == [200, 401]


async def test_tokens_end_with_their_time_and_are_of_use_for_one_thing_only(api: Api) -> None:
    await api.user(ANN)
    signed_in = await sign_in(api)
    assert (await me(api, 401, signed_in["refresh_token"]))["code"] == "token_wrong_type"
    assert (await refresh(api, 401, signed_in["access_token"]))["code"] == "token_wrong_type"
    await me(api, 200, signed_in["access_token"])
    api.clock.advance(3600)
    assert (await me(api, 401, signed_in["access_token"]))["code"] == "token_expired"
    api.clock.advance(30 * 86400)
    assert (await refresh(api, 401, signed_in["refresh_token"]))["code"] == "token_expired"


async def test_signing_out_ends_one_sign_in_or_all(api: Api) -> None:
    await api.user(ANN)
    first, second, third = [await sign_in(api) for _ in range(3)]
    await me(api, 200, first["access_token"])
    await api.want(204, "POST", "/v1/auth/logout", {}, token=first["access_token"])
    await me(api, 401, first["access_token"])
    await refresh(api, 401, first["refresh_token"])
    await me(api, 200, second["access_token"])
    everywhere = {"everywhere": True}
    await api.want(204, "POST", "/v1/auth/logout", everywhere, token=second["access_token"])
    await me(api, 401, third["access_token"])
    await refresh(api, 401, third["refresh_token"])
    await api.want(400, "POST", "/v1/auth/logout", {})


async def test_the_oldest_of_too_many_sign_ins_ends(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offhook.control.services.sign_in.MAX_SIGN_INS", 2)
    await api.user(ANN)
    first, second, third = [await sign_in(api) for _ in range(3)]
    await refresh(api, 401, first["refresh_token"])
    await refresh(api, 200, second["refresh_token"])
    await refresh(api, 200, third["refresh_token"])


# --- forgotten passwords --------------------------------------------------------------------------


async def test_a_forgotten_password_is_set_by_the_link(api: Api) -> None:
    old = await api.user(ANN)
    await me(api, 200, old)
    await api.want(204, "POST", "/v1/auth/password/forgot", {"email": "Ann@example.org"})
    token = await link_token(api, ANN)
    path, body = "/v1/auth/password/reset", {"token": token, "password": "another password"}
    await api.want(422, "POST", path, body | {"password": "short"})
    new = await api.want(200, "POST", path, body)
    await me(api, 401, old)
    await me(api, 200, new["access_token"])
    await sign_in(api, password="another password")
    problem = await api.want(400, "POST", path, body)
    assert (problem["code"], problem["field"]) == ("code_refused", "token")


async def test_whether_an_address_has_an_account_is_not_told(api: Api) -> None:
    await api.user(ANN)
    for email in (ANN, "nobody@example.org", "operator@localhost", "no address"):
        await api.want(204, "POST", "/v1/auth/password/forgot", {"email": email})
    async with api.database.read() as tx:
        rows = (await tx.exec_driver_sql('SELECT "to" FROM outbox')).scalars().all()
        assert list(rows) == [ANN]
        mine = "SELECT count(*) FROM one_time_codes WHERE owner_id = ?"
        assert (await tx.exec_driver_sql(mine, (OPERATOR_ID,))).scalar_one() == 0


async def test_links_are_good_for_an_hour_the_newest_only_and_five_are_sent(api: Api) -> None:
    await api.user(ANN)
    for _ in range(6):
        await api.want(204, "POST", "/v1/auth/password/forgot", {"email": ANN})
    links = await sent_to(api, ANN)
    assert len(links) == 5
    first = links[0].partition("token=")[2].split()[0]
    path = "/v1/auth/password/reset"
    await api.want(400, "POST", path, {"token": first, "password": PASSWORD})
    late = {"token": await link_token(api, ANN), "password": PASSWORD}
    api.clock.advance(3600)
    await api.want(400, "POST", path, late)


async def test_nobody_without_a_link_makes_the_server_hash(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hash_(*_: object) -> str:
        raise AssertionError("hashed for nobody")

    monkeypatch.setattr(argon2.PasswordHasher, "hash", hash_)
    body = {"token": "x" * 43, "password": "another password"}
    await api.want(400, "POST", "/v1/auth/password/reset", body)


# --- numbers and addresses ------------------------------------------------------------------------


async def test_a_number_is_proved_by_its_code(api: Api) -> None:
    token = await api.user(ANN)
    start, verify = "/v1/auth/phone/verify-start", "/v1/auth/phone/verify"
    assert (await api.want(422, "POST", start, {}, token=token))["field"] == "phone_number"
    sent = await api.want(202, "POST", start, {"phone_number": NUMBER}, token=token)
    assert sent == {"to": NUMBER}
    assert (await me(api, 200, token))["phone_number"] is None
    code = await sms_code(api, NUMBER)
    account = await api.want(200, "POST", verify, {"code": f"{code[:3]} {code[3:]}"}, token=token)
    assert (account["phone_number"], account["is_verified"]) == (NUMBER, True)
    await api.want(400, "POST", verify, {"code": code}, token=token)
    changed = await api.want(200, "PATCH", "/v1/me", {"phone_number": "+4940777777"}, token=token)
    assert changed["is_verified"] is False


async def test_five_wrong_codes_are_borne_and_then_the_right_one_is_no_good(api: Api) -> None:
    token, other = await api.user(ANN), await api.user("bob@example.org")
    verify = "/v1/auth/phone/verify"
    body = {"phone_number": NUMBER}
    await api.want(202, "POST", "/v1/auth/phone/verify-start", body, token=token)
    code = await sms_code(api, NUMBER)
    await api.want(400, "POST", verify, {"code": code}, token=other)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    for _ in range(5):
        await api.want(400, "POST", verify, {"code": wrong}, token=token)
    problem = await api.want(400, "POST", verify, {"code": code}, token=token)
    assert (problem["code"], problem["field"]) == ("code_refused", "code")


async def test_only_so_many_codes_are_sent_in_an_hour(api: Api) -> None:
    token = await api.user(ANN)
    start, body = "/v1/auth/phone/verify-start", {"phone_number": NUMBER}
    for _ in range(5):
        await api.want(202, "POST", start, body, token=token)
    response = await api.ask("POST", start, body, token=token)
    assert (response.status, response.headers["Retry-After"]) == (429, "720")
    api.clock.advance(720)
    await api.want(202, "POST", start, body, token=token)


async def prove_number(api: Api, status: int, token: str) -> Any:
    body = {"phone_number": NUMBER}
    await api.want(202, "POST", "/v1/auth/phone/verify-start", body, token=token)
    body = {"code": await sms_code(api, NUMBER)}
    return await api.want(status, "POST", "/v1/auth/phone/verify", body, token=token)


async def test_a_number_goes_from_who_claims_it_to_who_proves_it_and_stays_there(api: Api) -> None:
    first, second = await api.user(ANN), await api.user("bob@example.org")
    await api.want(200, "PATCH", "/v1/me", {"phone_number": NUMBER}, token=first)
    await prove_number(api, 200, second)
    assert (await me(api, 200, first))["phone_number"] is None
    problem = await prove_number(api, 409, first)
    assert problem["field"] == "phone_number"
    problem = await api.want(409, "PATCH", "/v1/me", {"phone_number": NUMBER}, token=first)
    assert problem["field"] == "phone_number"
    assert (await me(api, 200, second))["is_verified"] is True


async def test_a_new_address_is_proved_by_its_link(api: Api) -> None:
    token = await api.user(ANN)
    start, new = "/v1/auth/email/change", "ann@another.example"
    await api.want(401, "POST", start, {"email": new, "password": "wrong"}, token=token)
    assert await sent_to(api, new) == []
    await api.want(202, "POST", start, {"email": new, "password": PASSWORD}, token=token)
    assert (await me(api, 200, token))["email"] == ANN
    body = {"token": await link_token(api, new)}
    await api.want(204, "POST", "/v1/auth/email/verify", body)
    await api.want(400, "POST", "/v1/auth/email/verify", body)
    assert (await me(api, 200, token))["email"] == new
    await sign_in(api, new)


async def test_a_link_for_one_thing_is_not_good_for_another(api: Api) -> None:
    await api.user(ANN)
    await api.want(204, "POST", "/v1/auth/password/forgot", {"email": ANN})
    body = {"token": await link_token(api, ANN)}
    await api.want(400, "POST", "/v1/auth/email/verify", body)


# --- what is never seen ---------------------------------------------------------------------------


async def test_no_log_and_no_answer_has_a_secret(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "offhook")
    await api.user(ANN, Role.ADMIN)
    signed_in = await sign_in(api)
    token = signed_in["access_token"]
    made = await api.want(
        201, "POST", "/v1/api-keys", {"name": "robot", "scopes": ["*"]}, token=token
    )
    await refresh(api, 200, signed_in["refresh_token"])
    await refresh(api, 401, signed_in["refresh_token"])
    await refused(api, password="a wrong password")
    await api.want(204, "POST", "/v1/auth/password/forgot", {"email": ANN})
    token40 = await api.services.api_keys.issue_token40(made["owner_id"])
    key = made["key"]
    link = await link_token(api, ANN)
    answers = ""
    for path in ("/v1/me", "/v1/accounts", "/v1/api-keys"):
        answers += await (await api.ask("GET", path, token=key)).text()
    secrets = (PASSWORD, "a wrong password", token, signed_in["refresh_token"], key, token40, link)
    assert "came twice" in caplog.text
    for secret in (*secrets, "argon2", "password_hash", "secret_hash"):
        assert secret not in caplog.text
        assert secret not in answers
