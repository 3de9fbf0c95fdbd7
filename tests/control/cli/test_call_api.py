"""`offhook call list`, `place` and such, typed at a running API."""

import pytest

from offhook.control.cli import call_api
from offhook.media.conversation.records import CallStatus
from offhook.tests.kit.call_records import agent_turn, call_of, call_record, turn_added
from offhook.tests.kit.terminal import Terminal


async def test_a_call_is_placed_listed_shown_and_cancelled(terminal: Terminal) -> None:
    await terminal.type("agent", "create", "Anna")
    made = await terminal.json(
        *("call", "place", "+49 30 1234", "--agent", "Anna", "--priority", "high"),
        *("--at", "2023-12-01T10:00:00", "--timezone", "Europe/Berlin"),
        *("--set", "metadata.order=7"),
    )
    assert (made["to"], made["agent"], made["status"]) == ("+49301234", "Anna", "scheduled")
    code, out, _ = await terminal.type("call", "list")
    assert code == 0
    head, row = out.splitlines()
    assert head.split()[0] == "ID"
    assert row.split()[0] == made["id"]
    shown = await terminal.json("call", "show", made["id"])
    assert (shown["metadata"], shown["scheduled_for"]) == ({"order": 7}, "2023-12-01T09:00:00Z")
    assert await terminal.json("call", "list", "--status", "live,queued") == []
    ended = await terminal.json("call", "hangup", made["id"])
    assert (ended["status"], ended["outcome"]) == ("ended", "cancelled")
    code, _, err = await terminal.type("call", "hangup", made["id"])
    assert (code, "has ended already" in err) == (2, True)


async def test_what_was_said_is_read(terminal: Terminal) -> None:
    record = call_record(1)
    terminal.calls.add(call_of(record), record, lambda: None)
    record.turns.append(agent_turn(0, "Good morning."))
    terminal.calls.tell(turn_added(record, record.turns[0]))
    for verb in ("show", "transcript"):
        code, out, _ = await terminal.type("call", verb, "call-1")
        assert code == 0
        assert out.splitlines()[-1].split() == ["1.7", "agent", "Good", "morning."]
    assert (await terminal.json("call", "transcript", "call-1"))["text"] == "Agent: Good morning."
    record.status = CallStatus.ENDED
    terminal.calls.remove("call-1")


@pytest.mark.parametrize(
    "words",
    [
        ("say", "Hello."),
        ("press", "12#"),
        ("message", "Hello."),
        ("transfer", "+15550001"),
    ],
)
async def test_orders_reach_the_api(terminal: Terminal, words: tuple[str, str]) -> None:
    record = call_record(1)
    terminal.calls.add(call_of(record), record, lambda: None)
    code, _, err = await terminal.type("call", words[0], "call-1", words[1])
    assert code == 2
    assert "call call-1 is live: nobody" in err, "as the API says of a call without a session"
    code, _, err = await terminal.type("call", words[0], "nobody", words[1])
    assert (code, "no call 'nobody'" in err) == (1, True)
    record.status = CallStatus.ENDED
    terminal.calls.remove("call-1")


async def test_what_is_wrong_is_one_line(terminal: Terminal) -> None:
    for words, said in (
        (("place", "12"), "to: neither a number"),
        (("place", "+15550001", "--agent", "Bob"), "there is no agent 'Bob'"),
        (("list", "--status", "dead"), "status: one or several of"),
    ):
        code, _, err = await terminal.type("call", *words)
        assert (code, err.count("\n")) == (2, 1)
        assert said in err


def test_no_verb_looks_like_an_address() -> None:
    assert not any(":" in verb for verb in call_api.VERBS)
