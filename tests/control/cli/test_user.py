"""`offhook user` and `offhook key`, typed at a running API."""

from offhook.tests.kit.api import PASSWORD
from offhook.tests.kit.terminal import Terminal

ANN = "ann@example.org"


async def login(terminal: Terminal, status: int, password: str = PASSWORD) -> None:
    await terminal.want(status, "POST", "/v1/auth/login", {"name": ANN, "password": password})


async def test_an_administrator_is_added_changed_switched_off_and_removed(
    terminal: Terminal,
) -> None:
    made = await terminal.json("user", "add", ANN, "--admin", given=f"{PASSWORD}\n")
    assert (made["email"], made["role"]) == (ANN, "admin")
    await login(terminal, 200)
    changed = await terminal.json(
        "user",
        "change",
        "Ann@example.org",
        "--no-admin",
        "--max-calls",
        "2",
        "--phone",
        "+4930123456",
    )
    assert (changed["role"], changed["max_live_calls"]) == ("user", 2)
    assert await terminal.json("user", "show", made["id"]) == changed | {
        "first_login_at": "2023-11-14T22:13:20Z"
    }
    assert (await terminal.type("user", "password", ANN, given="another password"))[0] == 0
    await login(terminal, 200, "another password")
    code, out, _ = await terminal.type("user", "list")
    assert code == 0
    assert [row.split()[1] for row in out.splitlines()[1:]] == [ANN, "operator@localhost"]
    assert await terminal.type("user", "deactivate", ANN) == (0, "", "")
    await login(terminal, 403, "another password")
    code, _, err = await terminal.type("user", "delete", ANN)
    assert (code, "--yes" in err) == (2, True)
    assert await terminal.type("user", "delete", ANN, "--yes") == (0, "", "")
    code, _, err = await terminal.type("user", "show", ANN)
    assert (code, "there is no account" in err) == (2, True)


async def test_a_bad_password_is_told_and_none_is_on_a_command_line(terminal: Terminal) -> None:
    code, _, err = await terminal.type("user", "add", ANN, given="short\n")
    assert (code, "password: must have 8 to 256 characters" in err) == (2, True)
    code, _, err = await terminal.type("user", "add", ANN)
    assert code == 2
    await terminal.json("user", "add", ANN, "--no-password")
    await login(terminal, 401)


async def test_a_key_is_made_for_somebody_listed_and_revoked(terminal: Terminal) -> None:
    await terminal.json("user", "add", ANN, "--no-password")
    words = ("--scope", "calls:read", "--scope", "accounts:read", "--user", ANN)
    made = await terminal.json(
        "key", "create", "robot", *words, "--expires", "2030-01-31T00:00:00Z"
    )
    assert made["expires_at"] == "2030-01-31T00:00:00Z"
    assert (await terminal.want(200, "GET", "/v1/me", token=made["key"]))["email"] == ANN
    code, out, _ = await terminal.type("key", "list", "--user", ANN)
    assert (code, made["key_id"] in out, made["key"] in out) == (0, True, False)
    assert await terminal.type("key", "revoke", made["id"]) == (0, "", "")
    assert await terminal.json("key", "list") == []
    (shown,) = await terminal.json("key", "list", "--all", "--user", ANN)
    assert shown["revoked_at"] is not None
    code, _, err = await terminal.type("key", "create", "robot", "--scope", "everything")
    assert (code, "unknown scope" in err) == (2, True)
