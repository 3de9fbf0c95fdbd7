"""`offhook agent`, `offhook number` and `offhook line`, typed at a running API."""

import pytest

from offhook.control.configuration.config import LineSettings, Settings
from offhook.tests.kit.terminal import Terminal


@pytest.fixture
def settings() -> Settings:
    return Settings(lines=(LineSettings("office", "sip:pbx.example", "1001", "secret"),))


async def test_an_agent_is_made_listed_changed_and_deleted(terminal: Terminal) -> None:
    made = await terminal.json(
        "agent", "create", "Anna", "--greeting", "Hi.", "--voice", "de", "--set", "type=sales"
    )
    assert (made["greeting"], made["voice"]["voice"], made["type"]) == ("Hi.", "de", "sales")
    code, out, _ = await terminal.type("agent", "list")
    assert code == 0
    head, row = out.splitlines()
    assert head.split() == ["ID", "NAME", "KIND", "LANGUAGE", "PROVIDER", "VOICE", "IS_ACTIVE"]
    assert row.split() == [made["id"], "Anna", "ai", "en", "house", "de", "yes"]
    changed = await terminal.json(
        "agent", "change", "Anna", "--greeting", "none", "--tts", "cloud", "--no-active"
    )
    assert (changed["greeting"], changed["is_active"]) == (None, False)
    assert changed["voice"] | {"provider": "cloud", "voice": "de"} == changed["voice"]
    assert await terminal.json("agent", "show", made["id"]) == changed
    assert await terminal.type("agent", "delete", "Anna") == (0, "", "")
    assert await terminal.json("agent", "list") == []


async def test_settings_without_an_option_are_json(terminal: Terminal) -> None:
    await terminal.type("agent", "create", "Anna")
    changed = await terminal.json(
        "agent", "change", "Anna", "--set", "turn.fade_ms=50", "--set", "llm.max_tokens=9"
    )
    assert (changed["turn"], changed["llm"]["max_tokens"]) == ({"fade_ms": 50}, 9)
    assert changed["llm"]["provider"] == "house"
    assert (await terminal.json("agent", "change", "Anna", "--set", "turn={}"))["turn"] == {}


async def test_what_is_wrong_is_one_line(terminal: Terminal) -> None:
    for name in ("Anna", "Anna", "Annabel"):
        await terminal.type("agent", "create", name)
    for words, said in (
        (("agent", "show", "Ann"), "there is no agent 'Ann'"),
        (("agent", "delete", "Anna"), "'Anna' is more than one agent: "),
        (("agent", "change", "Annabel", "--set", "turn.fade_ms=x"), "turn.fade_ms: "),
        (("agent", "change", "Annabel", "--set", "turn"), "write FIELD=VALUE"),
        (("number", "add", "1", "--agent", "Carl"), "there is no agent 'Carl'"),
        (("line", "show", "nothing"), "no line 'nothing'"),
    ):
        code, out, err = await terminal.type(*words)
        assert code in (1, 2)
        assert out == ""
        assert said in err
        assert err.startswith("offhook: ")
        assert err.count("\n") == 1


async def test_a_number_is_added_listed_changed_and_deleted(terminal: Terminal) -> None:
    agent = await terminal.json("agent", "create", "Anna")
    made = await terminal.json(
        "number", "add", "+1 555-0100", "--agent", "Anna", "--label", "Main", "--max-calls", "2"
    )
    assert (made["number"], made["agent_id"]) == ("+15550100", agent["id"])
    _, out, _ = await terminal.type("number", "list")
    assert out.splitlines()[1].split() == [made["id"], "+15550100", "Main", "Anna", "-", "yes"]
    changed = await terminal.json(
        "number", "change", "+1 555 0100", "--agent", "none", "--line", "office"
    )
    assert (changed["agent_id"], changed["line"]) == (None, "office")
    code, out, _ = await terminal.type("number", "show", made["id"])
    assert code == 0
    assert "max_live_calls      2" in out
    assert (await terminal.json("number", "show", "15550100"))["id"] == made["id"]
    ann = await terminal.json("user", "add", "ann@example.org", "--no-password")
    hers = await terminal.json("number", "change", made["id"], "--account", "ann@example.org")
    assert hers["owner_id"] == ann["id"]
    await terminal.type("number", "delete", "+15550100")
    assert await terminal.json("number", "list") == []


async def test_lines_are_listed_and_shown(terminal: Terminal) -> None:
    lines = await terminal.json("line", "list")
    assert [line["name"] for line in lines] == ["office", "simulated-1", "loopback"]
    _, out, _ = await terminal.type("line", "show", "office")
    assert "sip_account" in out
    assert "secret" not in out
