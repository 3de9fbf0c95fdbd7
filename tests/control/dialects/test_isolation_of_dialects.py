"""What an account has nobody else finds, changes or uses: every row of every dialect is walked."""

import pathlib
import re
from collections.abc import AsyncIterator

import msgspec
import pytest

from offhook.control.auth.scopes import SCOPES
from offhook.control.dialects.catalog import DIALECTS
from offhook.control.dialects.dialect import AnyRow, Dialect
from offhook.control.domain.accounts import Role
from offhook.tests.kit.api import Api
from offhook.tests.kit.dialects import token_for
from offhook.tests.kit.inventory import KINDS, World, settled

PART = re.compile(r"\{(\w+)\}")
DATE = "2023-11-20"
"What is needed in a query is a date, wherever something is needed."
SECRETS = ("agent", "call", "campaign", "schedule", "import", "number", "retry", "notification")


@pytest.fixture
async def api(tmp_path: pathlib.Path) -> AsyncIterator[Api]:
    async with Api(tmp_path) as found:
        yield found


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    found: Dialect = request.param
    return found


def guarded(dialect: Dialect, *, with_ids: bool) -> list[AnyRow]:
    return [
        row
        for row in dialect.rows
        if row.scope is not None and bool(PART.search(row.path)) == with_ids
    ]


async def ask(world: World, row: AnyRow, token: str) -> tuple[int, str]:
    path = f"/{world.dialect.name}{world.filled(row.path)}"
    headers = {"Authorization": f"{world.dialect.scheme} {token}"}
    needed = [f.encode_name for f in msgspec.structs.fields(row.query) if f.required]
    path += "?" + "&".join(f"{name}={DATE}" for name in needed)
    sent = None if row.example is None else world.filled(row.example)
    async with world.api.client.request(
        row.method, path, headers=headers, json=sent if row.takes_body else None
    ) as response:
        return response.status, await response.text(errors="replace")


def test_every_part_of_a_path_is_of_a_kind_that_tenants_have(dialect: Dialect) -> None:
    parts = {part for row in dialect.rows for part in PART.findall(row.path)}
    assert parts <= KINDS, "tests/kit/inventory.py says where tenants have them"


def test_every_row_that_takes_a_body_has_an_example(dialect: Dialect) -> None:
    assert [row.path for row in dialect.rows if row.takes_body and row.example is None] == []


def test_every_scope_exists(dialect: Dialect) -> None:
    assert {row.scope for row in dialect.rows if row.scope is not None} <= SCOPES


async def test_nothing_of_another_account_is_found_told_or_used(api: Api, dialect: Dialect) -> None:
    world = await settled(api, dialect)
    other = await token_for(api, dialect.name, "other@example.com", Role.USER)
    assert await found_by(world, other) == []
    assert await told_to(world, other) == []
    assert await named_by(world, other) == []
    assert await gone_for_its_owner(world) == []


async def found_by(world: World, other: str) -> list[str]:
    """What another account finds, changes or deletes by its id."""
    found = []
    for row in guarded(world.dialect, with_ids=True):
        status, text = await ask(world, row, other)
        if status not in (403, 404):
            found.append(f"{row.method} {row.path}: {status} {text[:200]}")
    return found


async def told_to(world: World, other: str) -> list[str]:
    """What lists tell another account of."""
    shown = {kind: world.ids[kind] for kind in SECRETS if not world.ids[kind].isdecimal()}
    told = []
    for row in guarded(world.dialect, with_ids=False):
        if row.method == "GET" and row.messages is None:
            _, text = await ask(world, row, other)
            told += [f"{row.path} tells of a {kind}" for kind, id_ in shown.items() if id_ in text]
    return told


async def named_by(world: World, other: str) -> list[str]:
    """What another account may name in a body; its owner must be able to, else nothing is shown."""
    taken = []
    for row in guarded(world.dialect, with_ids=False):
        if row.takes_body and PART.search(str(row.example)):
            status, text = await ask(world, row, other)
            if status not in (400, 403, 404, 422):
                taken.append(f"{row.method} {row.path}: {status} {text[:200]}")
            status, text = await ask(world, row, world.token)
            assert status < 300, f"{row.method} {row.path}: {status} {text[:200]}"
    return taken


async def gone_for_its_owner(world: World) -> list[str]:
    """What is not there any more after all that."""
    missing = []
    for row in guarded(world.dialect, with_ids=True):
        if row.method == "GET" and not row.admin:
            status, text = await ask(world, row, world.token)
            if status in (403, 404):
                missing.append(f"{row.path}: {status} {text[:200]}")
    return missing
