"""The whole measurement against an agent on a virtual clock: what it writes is what was done."""

import random
from pathlib import Path

import pytest

from offhook.bench import bargein
from offhook.bench.phones.line import Line, Pcm
from offhook.bench.reports.results_file import read
from offhook.tests.bench.phones.test_interruptions import RENDERING, WORDS, voice
from offhook.tests.kit.fake_line import Agent, FakeLine, interruptible

FLAGS = ["--target", "sip:x@y", "--events", "3"]


def agent_is(monkeypatch: pytest.MonkeyPatch, *agents: Agent) -> None:
    """Call after call is to the next of these agents, then to the last."""
    left = list(agents)

    def make_line(rng: random.Random) -> Line:
        return FakeLine(left.pop(0) if len(left) > 1 else left[0])

    async def words(*_: object) -> tuple[list[Pcm], str]:
        return WORDS, "a tone"

    monkeypatch.setattr(bargein, "line_to", lambda arguments: make_line)
    monkeypatch.setattr(bargein, "spoken", words)


def test_duck_silence_and_leak_are_in_the_document(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    agent_is(monkeypatch, interruptible(RENDERING, 50, 240, leak=(400, 80)))
    written = tmp_path / "bargein.json"
    assert bargein.main([*FLAGS, "--part", "words", "--out", str(written)]) == 0
    document = read(written)
    found = {metric.name: metric.values for metric in document.metrics}
    assert found["time to duck"] == pytest.approx([50] * 3, abs=0.75)
    assert found["time to silence"] == pytest.approx([240] * 3, abs=0.75)
    assert found["leaked after the silence"] == pytest.approx([80] * 3, abs=10)
    assert found["not stopped by words"] == [0, 0, 0]
    assert [(tmp_path / clip.file).is_file() for clip in document.clips] == [True]
    assert not any("level alone" in paragraph for paragraph in document.reading)


def test_lost_samples_are_in_the_document(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    agent_is(monkeypatch, interruptible(RENDERING, 50, 200, resume_after_ms=700, skip=480))
    written = tmp_path / "bargein.json"
    assert bargein.main([*FLAGS, "--part", "sounds", "--out", str(written)]) == 0
    metrics = read(written).metrics
    lost = {m.case: m.values for m in metrics if m.name == "lost on resuming"}
    assert set(lost) == {"cough", "mm-hm", "keyboard", "music"}
    for values in lost.values():
        assert values == pytest.approx([480] * 3, abs=8)
    assert all(m.values == [0] * 3 for m in metrics if m.name == "false stops")


def test_that_there_was_no_reference_is_in_the_document(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    agents = [interruptible(voice(16, seed), 50, 240) for seed in (50, 51, 52)]
    agent_is(monkeypatch, *agents)
    written = tmp_path / "bargein.json"
    assert bargein.main([*FLAGS, "--part", "words", "--out", str(written)]) == 0
    document = read(written)
    assert any("level alone" in paragraph for paragraph in document.reading)
    assert "time to duck" not in {metric.name for metric in document.metrics}


def test_an_agent_that_says_nothing_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    agent_is(monkeypatch, interruptible(RENDERING * 0))
    assert bargein.main(FLAGS) == 1
    assert "says nothing" in capsys.readouterr().err
