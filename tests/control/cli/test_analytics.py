"""`offhook analytics …`, typed at a running API."""

import pathlib

import pytest

from offhook.control.auth.principal import OPERATOR_ID
from offhook.tests.kit.seeded_calls import make_calls, store_calls
from offhook.tests.kit.terminal import Terminal

RANGE = ("--from", "2023-11-01", "--to", "2023-11-14")


@pytest.fixture
async def terminal(terminal: Terminal) -> Terminal:
    """Where calls were made."""
    made = make_calls(2, 40, [OPERATOR_ID], [], 1_699_500_000.0, 1_699_900_000.0)
    await store_calls(terminal.database, made)
    return terminal


async def test_figures_are_shown_as_tables_and_as_json(
    terminal: Terminal, tmp_path: pathlib.Path
) -> None:
    answer = await terminal.json("analytics", "show", *RANGE, "--timezone", "Asia/Tokyo")
    assert answer["range"]["timezone"] == "Asia/Tokyo"
    assert answer["figures"]["counts"]["calls"] == 43
    code, out, _ = await terminal.type("analytics", "show", *RANGE)
    assert code == 0
    assert "counts.calls" in out
    code, out, _ = await terminal.type("analytics", "show", "volume", *RANGE, "--bucket", "month")
    assert out.splitlines()[0].split() == [
        "DATE",
        "CALLS",
        "COMPLETED",
        "SUCCESS_RATE",
        "DURATION_S",
    ]
    assert out.splitlines()[1].split()[:2] == ["2023-11-01", "43"]
    assert (await terminal.type("analytics", "show", "--timezone", "Nowhere"))[0] == 2

    file = tmp_path / "volume.csv"
    assert (await terminal.type("analytics", "export", str(file), *RANGE))[0] == 0
    assert file.read_bytes().startswith(b"date,begins_at,calls,")
    assert (await terminal.type("analytics", "export", "/no/such/folder/x.csv"))[0] == 2
    assert await terminal.json("analytics", "rebuild") == {"is_complete": False}
