"""The SMS agent's clients, in Python and JavaScript: users, a message, the overview."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from offhook.bench.load.server_process import ServerProcess
from offhook.tests.interop.clients.conftest import (
    PASSWORD,
    Asking,
    last_json,
    run_node,
    run_python,
)

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="session")]

EMAIL = "administrator@example.com"
PREMIUM, FREE = "+1987654321", "+1987654322"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def settings(office: ServerProcess) -> AsyncIterator[dict[str, str]]:
    """What the programs are told: an administrator's token; there are two users."""
    async with aiohttp.ClientSession() as http:
        wish = {"email": EMAIL, "password": PASSWORD, "role": "admin"}
        await Asking(http, office.http).want(201, "POST", "/v1/accounts", json=wish)
        api = Asking(http, f"{office.http}/smsagent/api", token="")
        login = {"username": EMAIL, "password": PASSWORD}
        token = (await api.want(200, "POST", "/auth/token/", json=login))["token"]
        for number, tier in ((PREMIUM, "premium"), (FREE, "free")):
            user = {"phone_number": number, "tier": tier, "full_name": "Jane Smith"}
            headers = {"Authorization": f"Token {token}"}
            async with http.post(f"{api.base}/users/", json=user, headers=headers) as made:
                assert made.status == 201, await made.text()
        yield {"API_BASE": api.base, "TOKEN": token, "TO_PHONE": PREMIUM}


def check(answers: Any) -> None:
    """What the document says of them."""
    assert [each["phone_number"] for each in answers["users"]["results"]] == [PREMIUM]
    assert answers["users"]["count"] == 1
    assert {each["phone_number"] for each in answers["everybody"]["results"]} == {PREMIUM, FREE}
    assert answers["analytics"]["total_users"] == 2
    assert answers["analytics"]["tier_distribution"]["premium"] == 1
    assert "success_rate" in answers["dated"]
    assert "error" not in answers["message"]


async def test_the_client_with_requests(settings: dict[str, str], tmp_path: Path) -> None:
    check(last_json(await run_python("smsagent_requests.py", None, tmp_path, **settings)))


@pytest.mark.usefixtures("needs_node")
async def test_the_client_with_fetch(settings: dict[str, str], tmp_path: Path) -> None:
    check(last_json(await run_node("smsagent_fetch.mjs", tmp_path, **settings)))
