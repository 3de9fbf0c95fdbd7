"""No call is lost and none is dialled twice, whenever the server is killed."""

import collections
import logging
import os
from pathlib import Path

from offhook.tests.kit.killed_server import KilledServer

CALLS = int(os.environ.get("DURABILITY_CALLS", "18"))
KILLS = int(os.environ.get("DURABILITY_KILLS", "3"))
"More of both by hand: what is shown does not depend on them."


async def test_kill_9_loses_no_call_and_dials_none_twice(tmp_path: Path) -> None:
    run = await KilledServer(tmp_path, CALLS, KILLS, seed=20260).go()
    assert run.kills >= KILLS
    assert len(run.accepted) == CALLS
    assert set(run.accepted) <= set(run.calls), "an accepted call is lost"
    assert max(run.dialled.values()) == 1, "a number was dialled twice"
    known = set(run.accepted.values()) | set(run.unanswered)
    assert set(run.dialled) <= known, "somebody was dialled whom nobody asked for"
    for id_, call in run.calls.items():
        assert call["status"] == "ended", call
        assert call["outcome"] in ("completed", "no_answer", "busy", "failed", "cancelled"), call
        assert run.ended_events[id_] == 1, "its end is told once"
        if not run.dialled[call["to"]]:
            # Claimed, and cut off before the line was told: over, because nobody can know.
            assert call["cause"] == "crash", call
    causes = collections.Counter(str(call["cause"]) for call in run.calls.values())
    logging.getLogger(__name__).info(
        "%d calls, %d kills, %d dialled, %s", len(run.calls), run.kills, len(run.dialled), causes
    )
