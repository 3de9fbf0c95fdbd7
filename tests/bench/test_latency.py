"""The whole measurement against an agent on a virtual clock: what it writes is what was done."""

import random
from pathlib import Path

import pytest

from offhook.bench import latency
from offhook.bench.load.scripted_providers import reply_pcm
from offhook.bench.phones.line import RATE_HZ, Line, LineFailed, Pcm
from offhook.bench.reports.results_file import Document, read
from offhook.tests.kit.fake_line import Agent, FakeLine, answering

REPLY = reply_pcm(RATE_HZ)
FLAGS = ["--target", "sip:x@y", "--turns", "2", "--rounds", "3"]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return tmp_path / "latency.json"


def agent_is(monkeypatch: pytest.MonkeyPatch, agent: Agent, refused: int = 0) -> None:
    """Every call is to this agent, but the first ones are refused; nobody waits between them."""
    calls = 0

    class Some(FakeLine):
        async def call(self) -> None:
            nonlocal calls
            calls += 1
            if calls <= refused:
                raise LineFailed("refused: 486 Busy Here")

    def make_line(rng: random.Random) -> Line:
        return Some(agent, phase_s=rng.random() * 0.02)

    async def words(*_: object) -> tuple[list[Pcm], str]:
        return [REPLY[:4000], REPLY[:2600]], "a tone"

    monkeypatch.setattr(latency, "line_to", lambda arguments: make_line)
    monkeypatch.setattr(latency, "spoken", words)
    monkeypatch.setattr(latency, "CALLS_WITHIN_S", 0.0)


def gaps(document: Document) -> list[list[float]]:
    return [metric.values for metric in document.metrics if metric.name == "reply gap"]


def test_every_turn_of_every_call_is_in_the_document(
    monkeypatch: pytest.MonkeyPatch, written: Path
) -> None:
    agent_is(monkeypatch, answering(REPLY, 410))
    flags = [*FLAGS, "--calls", "1", "2", "--background", "quiet", "noise", "--out", str(written)]
    assert latency.main(flags) == 0
    document = read(written)
    assert document.measurement == "latency"
    assert [len(values) for values in gaps(document)] == [6, 6, 12, 12]
    for values in gaps(document):
        assert values == pytest.approx([410] * len(values), abs=0.125)
    cases = [metric.case for metric in document.metrics if metric.name == "reply gap"]
    assert cases[0] == "sip:x@y, 1 call, quiet"
    assert cases[3] == "sip:x@y, 2 calls, noise"
    (clip,) = document.clips
    assert (written.parent / clip.file).is_file()


def test_a_hundred_milliseconds_later_is_a_hundred_more_in_the_document(
    monkeypatch: pytest.MonkeyPatch, written: Path
) -> None:
    found = []
    for after_ms in (350, 450):
        agent_is(monkeypatch, answering(REPLY, after_ms))
        assert latency.main([*FLAGS, "--out", str(written)]) == 0
        found.append(gaps(read(written))[0])
    more = [late - early for early, late in zip(*found, strict=True)]
    assert more == pytest.approx([100] * 6, abs=1e-6)


def test_unanswered_turns_fail_the_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    agent_is(monkeypatch, answering(REPLY, 60_000))
    assert latency.main(FLAGS) == 1


def test_one_refused_call_is_told_and_the_others_are_measured(
    monkeypatch: pytest.MonkeyPatch, written: Path
) -> None:
    agent_is(monkeypatch, answering(REPLY, 300), refused=1)
    assert latency.main([*FLAGS, "--out", str(written)]) == 1
    document = read(written)
    assert len(gaps(document)[0]) == 4
    (missed,) = (m.values for m in document.metrics if m.name == "turns without a figure")
    assert missed == [100, 100, 0, 0, 0, 0]


def test_nobody_who_takes_calls_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    agent_is(monkeypatch, answering(REPLY, 300), refused=3)
    assert latency.main(FLAGS) == 1
    assert "486 Busy Here" in capsys.readouterr().err
