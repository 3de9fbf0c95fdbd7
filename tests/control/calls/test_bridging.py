"""Others in a call: who hears whom in each mode, when the agent is away, what ends with whom."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.codecs import wav
from offhook.codecs.catalog import G722, PCMU, Codec
from offhook.control.calls.bridging import BridgeFailed, Mode
from offhook.drivers.sip.errors import SipError
from offhook.media.conversation.records import AgentLeft, AgentReturned, LegChanged, LegState
from offhook.media.errors import AgentPaused, BadValue, CallNotLive
from offhook.media.ports import HangUpCause
from offhook.tests.kit.joined_call import AGENT_HZ, JoinedCall, tones_in

CALLER, HUMAN, SUPERVISOR = 400, 700, 1000
CODECS = [(PCMU, PCMU), (PCMU, G722), (G722, PCMU)]


def states(call: JoinedCall) -> list[tuple[str, str]]:
    legs = [event for event in call.told if isinstance(event, LegChanged)]
    return [(event.mode, event.state.value) for event in legs]


@pytest.mark.parametrize(("caller", "other"), CODECS, ids=["8-8", "8-16", "16-8"])
async def test_tones_tell_who_hears_whom_in_each_mode(caller: Codec, other: Codec) -> None:
    call = JoinedCall(caller)
    human = call.add("100", HUMAN, other)
    await call.answer()
    assert await call.heard_by(call.caller, human) == [{AGENT_HZ}, set()]
    leg = call.bridging.call("100", Mode.LISTEN, return_to_agent=True)
    assert await call.heard_by(call.caller, human) == [{AGENT_HZ}, set()], "it only rings"
    human.leg.answer()
    for mode, heard in (
        (Mode.LISTEN, [{AGENT_HZ}, {CALLER, AGENT_HZ}]),
        (Mode.BARGE, [{AGENT_HZ, HUMAN}, {CALLER, AGENT_HZ}]),
        (Mode.WHISPER, [{AGENT_HZ}, {CALLER, AGENT_HZ}]),
        (Mode.TALK, [{HUMAN}, {CALLER}]),
        (Mode.LISTEN, [set(), {CALLER}]),
    ):
        call.bridging.change(leg, mode)
        assert await call.heard_by(call.caller, human) == heard, mode
    call.agent_sounds()
    assert await call.heard_by(call.caller, human) == [{AGENT_HZ}, {CALLER, AGENT_HZ}], "it is back"
    await call.finish()


async def test_a_supervisor_prompts_the_person_who_has_the_caller_unheard_by_them() -> None:
    call = JoinedCall()
    human, supervisor = call.add("100", HUMAN), call.add("101", SUPERVISOR, G722)
    await call.answer()
    call.bridging.call("100")
    human.leg.answer()
    leg = call.bridging.call("101", Mode.WHISPER)
    supervisor.leg.answer()
    everybody = call.caller, human, supervisor
    assert await call.heard_by(*everybody) == [{HUMAN}, {CALLER, SUPERVISOR}, {CALLER, HUMAN}]
    call.bridging.change(leg, Mode.LISTEN)
    assert await call.heard_by(*everybody) == [{HUMAN}, {CALLER}, {CALLER, HUMAN}]
    call.bridging.change(leg, Mode.BARGE)
    assert await call.heard_by(*everybody) == [
        {HUMAN, SUPERVISOR},
        {CALLER, SUPERVISOR},
        {CALLER, HUMAN},
    ]
    human.leg.end()
    assert call.caller.leg.ended is None, "the supervisor is left with the caller"
    assert await call.heard_by(call.caller, supervisor) == [{SUPERVISOR}, {CALLER}]
    await call.finish()


async def test_a_muted_agent_is_heard_by_nobody() -> None:
    call = JoinedCall()
    human = call.add("100", HUMAN)
    await call.answer()
    call.bridging.call("100", Mode.LISTEN)
    human.leg.answer()
    call.session.mute(agent=True)
    assert await call.heard_by(call.caller, human) == [set(), {CALLER}]
    call.session.mute(agent=False)
    assert await call.heard_by(call.caller, human) == [{AGENT_HZ}, {CALLER, AGENT_HZ}]
    await call.finish()


# --- the agent's own transfer --------------------------------------------------------------------


@pytest.mark.parametrize(("caller", "other"), CODECS, ids=["8-8", "8-16", "16-8"])
async def test_a_transfer_carries_audio_both_ways(caller: Codec, other: Codec) -> None:
    call = JoinedCall(caller)
    human = call.add("100", HUMAN, other)
    await call.answer()
    call.bridging.begin("100")
    assert call.dialled == [("100", "test")]
    human.leg.answer()
    assert await call.heard_by(call.caller, human) == [{HUMAN}, {CALLER}]
    human.leg.end()
    assert call.caller.leg.ended is not None
    assert call.caller.leg.ended.by_us
    await call.finish()


async def test_a_transfer_that_nobody_takes_leaves_the_caller_to_the_agent() -> None:
    call = JoinedCall()
    human = call.add("100", HUMAN)
    await call.answer()
    call.record.transferred_to = "100"
    call.bridging.begin("100")
    human.leg.end(HangUpCause.BUSY)
    assert call.caller.leg.ended is None
    assert call.record.transferred_to is None
    assert states(call) == [("talk", "dialled"), ("talk", "failed")]
    await call.finish()


# --- what ends with whom -------------------------------------------------------------------------


async def test_the_caller_comes_back_to_the_agent_when_that_was_asked_for() -> None:
    call = JoinedCall()
    human = call.add("100", HUMAN)
    await call.answer()
    call.bridging.call("100", return_to_agent=True)
    human.leg.answer()
    await call.run(100)
    with pytest.raises(AgentPaused):
        call.session.say("Hello?")
    human.leg.end()
    assert call.caller.leg.ended is None
    call.agent_sounds()
    assert await call.heard_by(call.caller) == [{AGENT_HZ}]
    told = [event for event in call.told if isinstance(event, AgentLeft | AgentReturned)]
    assert [type(event) for event in told] == [AgentLeft, AgentReturned]
    assert states(call) == [("talk", "dialled"), ("talk", "joined"), ("talk", "ended")]
    (leg,) = call.record.legs
    assert leg.joined_samples is not None
    assert leg.ended_samples is not None
    assert leg.joined_samples < leg.ended_samples
    await call.finish()


async def test_the_call_is_over_when_whoever_had_the_caller_leaves() -> None:
    call = JoinedCall()
    human = call.add("100", HUMAN)
    await call.answer()
    call.bridging.call("100")
    human.leg.answer()
    human.leg.end()
    assert call.caller.leg.ended is not None
    await call.finish()


@pytest.mark.parametrize("mode", [Mode.LISTEN, Mode.WHISPER, Mode.BARGE])
async def test_a_guest_who_leaves_takes_nothing_along(mode: Mode) -> None:
    call = JoinedCall()
    human = call.add("100", HUMAN)
    await call.answer()
    leg = call.bridging.call("100", mode)
    human.leg.answer()
    await call.run(100)
    call.bridging.hang_up(leg)
    assert human.leg.ended is not None
    assert await call.heard_by(call.caller) == [{AGENT_HZ}]
    assert call.bridging.legs() == {}
    await call.finish()


async def test_all_others_go_with_the_caller() -> None:
    call = JoinedCall()
    joined, ringing = call.add("100", HUMAN), call.add("101", SUPERVISOR)
    await call.answer()
    call.bridging.call("100")
    call.bridging.call("101", Mode.LISTEN)
    joined.leg.answer()
    await call.run(100)
    await call.finish()
    assert joined.leg.ended is not None
    assert ringing.leg.ended is not None


async def test_somebody_who_does_not_answer_changes_nothing() -> None:
    call = JoinedCall()
    human = call.add("100", HUMAN)
    await call.answer()
    call.bridging.call("100")
    human.leg.end(HangUpCause.NO_ANSWER)
    assert await call.heard_by(call.caller) == [{AGENT_HZ}]
    failed = [event for event in call.told if isinstance(event, LegChanged)][-1]
    assert (failed.state, failed.reason) == (LegState.FAILED, "no_answer")
    await call.finish()


async def test_what_cannot_be_joined_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    call = JoinedCall()
    call.add("100", HUMAN)
    with pytest.raises(CallNotLive):
        call.bridging.call("100")
    await call.answer()
    for verb in (call.bridging.hang_up, lambda leg: call.bridging.change(leg, Mode.TALK)):
        with pytest.raises(BadValue):
            verb("7")

    def nowhere(to: str, line: str) -> None:
        raise SipError("no such host")

    monkeypatch.setattr(call.bridging, "_dial", nowhere)
    with pytest.raises(BridgeFailed, match="no such host"):
        call.bridging.call("100")
    assert call.bridging.legs() == {}
    await call.finish()


# --- the recording -------------------------------------------------------------------------------


def recorded(path: Path) -> NDArray[np.int16]:
    with path.open("rb") as file:
        return wav.WavReader(file).read(1 << 24)


async def test_the_recording_has_the_caller_left_and_agent_and_person_right(tmp_path: Path) -> None:
    call = JoinedCall(recording=tmp_path / "call.wav")
    human = call.add("100", HUMAN)
    await call.answer()
    call.bridging.call("100", Mode.BARGE)
    human.leg.answer()
    await call.run(1200)
    await call.finish()
    left, right = recorded(tmp_path / "call.wav")[:, -8000:]
    known = [CALLER, HUMAN, AGENT_HZ]
    assert tones_in(left, 8000, known) == {CALLER}
    assert tones_in(right, 8000, known) == {HUMAN, AGENT_HZ}


async def test_what_was_not_to_be_recorded_is_silence_in_its_place(tmp_path: Path) -> None:
    call = JoinedCall(recording=tmp_path / "call.wav")
    await call.answer()
    await call.run(1300)
    off = call.caller.ours.position_samples
    call.session.keep_recording(False)
    await call.run(400)
    on = call.caller.ours.position_samples
    call.session.keep_recording(True)
    await call.run(1500)
    end = call.caller.ours.position_samples
    await call.finish()
    audio = recorded(tmp_path / "call.wav")
    assert audio.shape[1] == end
    assert not audio[:, off:on].any()
    for begin, until in ((4000, off), (on, end)):
        for side, hz in ((0, CALLER), (1, AGENT_HZ)):
            assert tones_in(audio[side, begin:until], 8000, [CALLER, AGENT_HZ]) == {hz}


async def test_a_recording_that_is_begun_late_has_nothing_from_before(tmp_path: Path) -> None:
    call = JoinedCall()
    await call.answer()
    await call.run(1300)
    begin = call.caller.ours.position_samples
    call.caller.ours.record(tmp_path / "call.wav")
    await call.run(1500)
    end = call.caller.ours.position_samples
    await call.finish()
    audio = recorded(tmp_path / "call.wav")
    assert audio.shape[1] == end
    assert not audio[:, :begin].any()
    assert tones_in(audio[0, begin:], 8000, [CALLER, AGENT_HZ]) == {CALLER}
