"""`offhook dialer …`, typed at a running API."""

import pytest

from offhook.tests.kit.terminal import Terminal


@pytest.mark.parametrize("whose", [[], ["--everyone"]])
async def test_calls_are_stopped_and_placed_again(terminal: Terminal, whose: list[str]) -> None:
    assert (await terminal.json("dialer", "show", *whose))["stopped"] is False
    stopped = await terminal.json("dialer", "stop", *whose, "--reason", "wrong list")
    assert (stopped["stopped"], stopped["stop_reason"]) == (True, "wrong list")
    assert (await terminal.json("dialer", "show"))["stopped"] is True
    assert (await terminal.json("dialer", "go", *whose))["stopped"] is False


async def test_a_number_is_forbidden_and_allowed_again(terminal: Terminal) -> None:
    entry = await terminal.json("dialer", "forbid", "+49 30 1234", "--reason", "they asked")
    assert (entry["number"], entry["reason"]) == ("+49301234", "they asked")
    code, out, _ = await terminal.type("dialer", "forbidden")
    assert (code, "+49301234" in out) == (0, True)
    code, _, err = await terminal.type("call", "place", "4930 1234")
    assert (code, "do-not-call" in err) == (2, True)
    assert (await terminal.type("dialer", "allow", "0049 30 1234"))[0] == 0
    assert (await terminal.json("dialer", "forbidden")) == []
