"""Callers over WHIP and agents that are wrong in one way each: each shows in what they count."""

import asyncio
import importlib.util
import itertools
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
import pytest_asyncio

from offhook.bench.load import talkers
from offhook.bench.load.capacity_whip import in_opus
from offhook.bench.load.load_payloads import encoded
from offhook.bench.load.ramp import LoadHealth, Outcome
from offhook.bench.load.sip_load import CallsReport
from offhook.bench.load.switchboard import Tally
from offhook.bench.load.whip_load import Settings, WhipLoad
from offhook.bench.reports.capacity_whip_report import WhipStep, judge_whip, merged
from offhook.codecs.catalog import PCMU
from offhook.tests.kit.whip_agent import WhipAgent, tone
from offhook.tests.kit.whip_endpoint import taking_calls

pytestmark = [
    pytest.mark.interop,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        importlib.util.find_spec("aiortc") is None, reason="aiortc is a package for benches"
    ),
]
WELL = LoadHealth(late_p99_ms=0.3, late_max_ms=2.0, send_errors=0, busy=0.2)
UTTERANCE = 10
ENOUGH, MOST_LOOKS = 2, 1500
"Turns that are answered; or 30 s, where none is."


def answering(reply_after_s: float = 0.2) -> WhipAgent:
    return WhipAgent(tone(0.1, 300), tone(0.2, 440), reply_after_s, None)


def answered(report: CallsReport) -> bool:
    return report.turns.answered >= ENOUGH


async def held(agent: WhipAgent, calls: int, *, ended_and_back: bool = False) -> WhipStep:
    """The calls are placed and counted until enough was answered, all in this process."""
    said = np.rint(9000 * np.sin(np.arange(UTTERANCE * 160) / 3)).astype(np.int16)
    words = encoded(np.append(said, np.zeros(160, np.int16)), PCMU)
    placed: list[Tally] = []
    ending: list[asyncio.Future[None]] = []
    looks = itertools.count()

    def next_command() -> str:
        """Asked for every 20 ms."""
        number = next(looks) if placed else -1
        if number <= 0:
            return "count" if number == 0 else ""
        report = load._counted().report
        if ended_and_back and not ending and answered(report):
            ending.append(asyncio.ensure_future(agent.end("call-0")))
        over = report.tally.answered and report.live if ended_and_back else answered(report)
        return "stop" if over or number > MOST_LOOKS else ""

    async with taking_calls(agent) as (_, url):
        settings = Settings(
            url=url,
            bearer=None,
            calls=calls,
            pace=20.0,
            after_s=0.0,
            redial=ended_and_back,
            patience_s=30.0,
            utterances=[(0, UTTERANCE)],
            seed=1,
        )
        load = WhipLoad(settings, words, in_opus(words, [(0, UTTERANCE)]))
        counted = await load.run(
            next_command, lambda tally: placed.append(msgspec.structs.replace(tally))
        )
    await asyncio.gather(*ending)
    return merged(calls, 1.0, placed, [counted])


def judged(step: WhipStep) -> Outcome:
    """Had the load been well: whether it is on this machine is not what is tested."""
    rtp = msgspec.structs.replace(step.report.rtp, health=WELL)
    report = msgspec.structs.replace(step.report, rtp=rtp)
    still = [min(ms, 100.0) for ms in step.gaps_ms]
    return judge_whip(msgspec.structs.replace(step, report=report, gaps_ms=still), None).outcome


@pytest.fixture(autouse=True, scope="module")
def impatient() -> Iterator[None]:
    """Callers who pause for a tenth of a second only, and end an answer after as much silence."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(talkers, "PAUSE_TICKS", (5, 6))
        patch.setattr(talkers, "OVER_TICKS", 5)
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def found(impatient: None) -> dict[str, WhipStep]:
    """All at once: a call takes as long as it takes."""
    dropping, full = answering(), answering()
    dropping.drop_every = 20
    full.most = 3
    names = ("well", "late", "dropping", "full", "ending")
    steps = await asyncio.gather(
        held(answering(), 1),
        held(answering(0.3), 1),
        held(dropping, 1),
        held(full, 4),
        held(answering(), 1, ended_and_back=True),
    )
    return dict(zip(names, steps, strict=True))


async def test_an_agent_that_takes_its_calls_and_answers_holds(found: dict[str, WhipStep]) -> None:
    step = found["well"]
    assert (step.placed.answered, step.placed.refusals, step.report.live) == (1, 0, 1)
    assert len(step.placed.setup_ms) == len(step.audio_ms) == len(step.gaps_ms) == 1
    assert step.report.rtp.arrivals.received > 0
    assert step.report.rtp.arrivals.lost == 0
    assert step.report.turns.answered > 0
    assert step.report.turns.unanswered == 0
    assert 0 < step.placed.setup_ms[0] < step.audio_ms[0]
    assert judged(step) is Outcome.HELD


async def test_an_agent_that_answers_100_ms_later_is_told_so(found: dict[str, WhipStep]) -> None:
    # Not sooner than it waits, but for what the load itself is late: that is why such a step is
    # void. How much later it answers is a matter of this machine.
    for name, waits_ms in (("well", 200), ("late", 300)):
        report = found[name].report
        assert min(report.turns.gaps_ms) >= waits_ms - report.rtp.health.late_max_ms


async def test_an_agent_that_drops_packets_does_not_hold(found: dict[str, WhipStep]) -> None:
    arrivals = found["dropping"].report.rtp.arrivals
    # The first and the last that came frame what is expected: the ones dropped are one in twenty.
    assert arrivals.lost == pytest.approx(arrivals.expected / 20, abs=1)
    assert judged(found["dropping"]) is Outcome.LOST


async def test_an_agent_that_refuses_the_fourth_call_does_not_hold(
    found: dict[str, WhipStep],
) -> None:
    step = found["full"]
    assert step.placed.refused == {"503 Service Unavailable": 1}
    assert (step.placed.answered, step.report.live, step.calls_missing) == (3, 3, 1)
    assert judged(step) is Outcome.REFUSED


async def test_an_agent_that_ends_calls_does_not_hold(found: dict[str, WhipStep]) -> None:
    step = found["ending"]
    assert step.report.tally.ended_by_far_end == 1
    assert (step.report.tally.placed, step.report.live) == (1, 1), "it is called again at once"
    assert judged(step) is Outcome.REFUSED
