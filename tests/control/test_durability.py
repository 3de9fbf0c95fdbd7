"""No call is lost and none is dialled twice, whenever the server is killed."""

import collections
import logging
import os
from pathlib import Path

from offhook.tests.kit.crowded_server import CrowdedServer
from offhook.tests.kit.killed_server import KilledServer

CALLS = int(os.environ.get("DURABILITY_CALLS", "18"))
KILLS = int(os.environ.get("DURABILITY_KILLS", "3"))
"More of both by hand: what is shown does not depend on them."
CROWD = os.environ.get("CROWD", "8,4,1,ring")
"Calls, how many at once, kills, and whether they talk. By hand 500,50,4,ring or 500,50,4,talk."


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


async def test_a_full_server_that_is_killed_reaches_every_number_once(tmp_path: Path) -> None:
    *numbers, manner = CROWD.split(",")
    calls, at_once, kills = (int(number) for number in numbers)
    run = CrowdedServer(tmp_path, calls, at_once, kills, seed=20261, talk=manner == "talk")
    crowd = await run.go()
    assert crowd.peaks[:kills] == [at_once] * kills, "it never was full, or was more than that"
    assert max(crowd.peaks) <= at_once
    assert sorted(call["to"] for call in crowd.calls) == crowd.numbers, "one call for each number"
    assert max(crowd.dialled.values()) == 1, "a number was dialled twice"
    causes = collections.Counter(str(call["cause"]) for call in crowd.calls)
    for call in crowd.calls:
        assert call["status"] == "ended", call
        if not crowd.dialled[call["to"]]:
            # Claimed, and cut off before the line was told: over, because nobody can know.
            assert call["cause"] == "crash", call
    assert causes["crash"] <= at_once * kills
    reached = crowd.progress["completed"] + crowd.progress["no_answer"]
    assert reached == calls - crowd.progress["failed"]
    assert crowd.progress["failed"] == causes["crash"]
    logging.getLogger(__name__).info(
        "%d calls, %d dialled; at once %s, in a talk %s; %s",
        calls,
        len(crowd.dialled),
        crowd.peaks,
        crowd.talks,
        causes,
    )
