"""Labelled calls: how they are made, judged and counted; a small run on synthetic voices."""

import random

import numpy as np
import pytest

from offhook.bench import machines
from offhook.bench.reports.machines_report import Outcome, confusion, metrics_of, shown
from offhook.bench.speech.answered_calls import RATE_HZ, AnsweredCall, Maker, Said
from offhook.bench.speech.heard_events import hear
from offhook.bench.speech.human_speech import SOUNDS, SPEAKERS, Prompts
from offhook.bench.speech.recorded_calls import recorded_calls
from offhook.bench.speech.soundless_calls import soundless_calls
from offhook.bench.speech.spoken_calls import spoken_calls
from offhook.bench.speech.synthetic_voices import LANGUAGES, TEXTS, speak
from offhook.media.conversation.machine_detection import Verdict
from offhook.media.conversation.machine_states import Reason
from offhook.media.conversation.records import AnsweredBy
from offhook.media.events import SpeechStarted, ToneEnded, ToneHeard

PROMPTS = machines.CACHE / "asterisk-sounds"


def last(outcome: Outcome) -> AnsweredBy | None:
    return outcome.verdicts[-1].answered_by if outcome.verdicts else None


def test_synthetic_people_and_machines_are_told_apart_through_g711() -> None:
    sayings = speak(["en"], RATE_HZ, variants=2)["en"]
    found = spoken_calls(sayings, random.Random(1), 3)
    alone, with_words = machines.outcomes(found, "clean", 1)
    people = [each for each in alone + with_words if each.call.answered_by is AnsweredBy.HUMAN]
    assert len(people) == 30
    assert not any(
        verdict.answered_by is AnsweredBy.MACHINE for each in people for verdict in each.verdicts
    )
    mailboxes = [each for each in alone if each.call.answered_by is AnsweredBy.MACHINE]
    assert all(last(each) is AnsweredBy.MACHINE for each in mailboxes)
    for each in mailboxes:
        if each.call.beep_ended_s is not None:
            assert each.message_at_s is not None
            assert 0 <= each.message_at_s - each.call.beep_ended_s < 0.6
    menus = [each for each in with_words if each.call.answered_by is AnsweredBy.IVR]
    assert all(last(each) is AnsweredBy.IVR for each in menus)


def test_faxes_silence_and_busy_are_known_over_noise() -> None:
    found = soundless_calls(random.Random(2), 4)
    alone, _ = machines.outcomes(found, "20 dB", 2)
    for each in alone:
        if each.call.answered_by is not None:
            assert last(each) is each.call.answered_by, each.call.kind
        else:
            assert last(each) is not AnsweredBy.MACHINE, "music is no beep"


@pytest.mark.skipif(
    not (PROMPTS / SOUNDS / SPEAKERS["en"]).is_dir(),
    reason="Debian's prompts are not in the cache: `offhook bench machines` fetches them",
)
def test_recorded_mailboxes_menus_and_people_are_told_apart() -> None:
    found = recorded_calls(Prompts(PROMPTS), random.Random(3), 2)
    _, with_words = machines.outcomes(found, "clean", 3)
    assert len(with_words) == 14
    for each in with_words:
        # Without the tones before it, the network's announcement needs words that may be lost.
        if each.call.answered_by is not AnsweredBy.NETWORK:
            assert last(each) is each.call.answered_by, each.call.kind


def test_call_is_put_together_with_its_labels() -> None:
    maker = Maker(random.Random(1))
    maker.silence(0.5)
    maker.voice(np.full(RATE_HZ, 100, np.int16), "hello")
    maker.beep()
    call = maker.done("test", AnsweredBy.MACHINE)
    assert call.said == [Said(1.5, "hello")]
    assert call.beep_ended_s is not None
    assert 1.65 < call.beep_ended_s <= 2.5
    assert call.pcm.size > call.beep_ended_s * RATE_HZ + 10 * RATE_HZ


def test_recordings_heard_together_tell_what_each_tells_alone() -> None:
    at = np.arange(8000) / 8000
    beep = (4000 * np.sin(2 * np.pi * 1000 * at)).astype(np.int16)
    silence = np.zeros(4000, np.int16)
    both = hear([np.concatenate([silence, beep]), silence], 8000)
    tones = [event for event in both[0] if isinstance(event, ToneHeard | ToneEnded)]
    assert [type(event) for event in tones] == [ToneHeard, ToneEnded]
    assert not both[1]
    assert not any(isinstance(event, SpeechStarted) for event in both[1])


def test_every_language_says_every_kind() -> None:
    assert set(TEXTS) == set(LANGUAGES)
    kinds = set(TEXTS["en"])
    assert all(set(texts) == kinds for texts in TEXTS.values())


def test_person_who_was_taken_for_a_machine_once_is_counted() -> None:
    call = AnsweredCall("person", AnsweredBy.HUMAN, np.zeros(0, np.int16), [])
    machine = AnsweredCall("mailbox", AnsweredBy.MACHINE, np.zeros(0, np.int16), [], 2.0)
    judged = [
        Outcome(
            call,
            [
                Verdict(8000, AnsweredBy.MACHINE, Reason.LONGER_SPEECH, 8000),
                Verdict(16000, AnsweredBy.IVR, Reason.MENU_WORDS, 16000),
            ],
            None,
        ),
        Outcome(machine, [Verdict(20000, AnsweredBy.MACHINE, Reason.BEEP, 20000)], 2.4),
        Outcome(machine, [], None),
    ]
    metrics = {metric.name: metric for metric in metrics_of("test", judged)}
    assert metrics["people taken for machines"].values == [100.0]
    assert metrics["message after the beep"].values == [0.4]
    assert metrics["no message"].values == [0.0, 100.0]
    table = confusion(judged)
    assert table == {"human: person": {"ivr": 1}, "machine: mailbox": {"machine": 1, "unknown": 1}}
    assert "human: person" in shown(table)
