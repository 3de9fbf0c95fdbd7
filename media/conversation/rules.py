"""The rules of the floor: what is due at a position, given all that is known.

Part of the reducer in turn.py. Each rule looks at facts only, never at the event that came last;
`set_alarm` names the next position at which one of them could decide otherwise.
"""

from ..ports import HangUpCause
from ..speech_ports import ReplyRequest
from . import overlap, replies
from .actions import EndUtterance, HangUpCall, MeasureLine, Phrase, SetAlarm, ShowWords
from .endpointing import normalised, wait_ms
from .floor import Caller, Draft, Phase, Stage, TurnState
from .keypad import due_samples

SUSPICION_LIMIT_MS = 300
"A suspicion that nothing came of holds a decision back no longer than this."


def settle(d: Draft) -> None:
    """Everything that is due at this position, given all that is known."""
    s = d.state
    if s.closing_samples is not None and d.now >= s.closing_samples:
        s.closing_samples = None
        d.do(HangUpCall(s.closing_cause))
    if s.phase is not Phase.LIVE:
        return
    if s.lost_samples is not None and d.now >= s.lost_samples:
        d.do(MeasureLine(s.settings.echo_window_ms))
    if s.absent:
        return
    _end_long_utterance(d)
    _give_up_on_words(d)
    if s.judge_samples is not None and d.now >= s.judge_samples:
        overlap.weigh(d)
    _settle_turn(d)
    if s.reply is not None and s.reply.voiced_samples == 0 and _plays(d):
        replies.close(d)  # nothing was to be said, or nothing is left
    _announce(d)
    _speak_to_context(d)
    _prompt_silence(d)


def receive_packet_count(d: Draft, packets: int) -> None:
    """Has anything arrived since the media was lost?"""
    s = d.state
    if s.lost_samples is None:
        return
    if s.lost_packets is None:
        s.lost_packets = packets
    elif packets > s.lost_packets:
        s.lost_samples = None
    elif d.now >= s.lost_samples:
        s.lost_samples = None
        s.phase = Phase.CLOSING
        d.do(HangUpCall(HangUpCause.MEDIA_LOST))


def _plays(d: Draft) -> bool:
    reply = d.state.reply
    return reply is not None and reply.stage in (Stage.COMMITTED, Stage.AUDIBLE)


def end_utterance(d: Draft, ended_samples: int) -> None:
    """The caller is silent: final words are wanted."""
    caller = d.state.caller
    assert caller is not None, "only a running utterance can end"
    d.state.captured_samples = d.now
    d.caller(
        talking=False,
        ended_samples=max(ended_samples, caller.spurt_samples),
        asked_samples=d.now,
        finals_due=caller.finals_due + 1,
    )
    d.do(EndUtterance(caller.number))


def _end_long_utterance(d: Draft) -> None:
    """Talk without a pause (or a noise that passes for it) is answered some time."""
    s, caller = d.state, d.state.caller
    if caller is not None and caller.talking and d.now >= _long_samples(s, caller):
        if caller.echo:
            overlap.restart(d)
        else:
            end_utterance(d, d.now)


def _give_up_on_words(d: Draft) -> None:
    s, caller = d.state, d.state.caller
    if caller is not None and caller.finals_due and d.now >= _words_limit_samples(s, caller):
        d.caller(finals_due=0, failed=True)


def _settle_turn(d: Draft) -> None:
    """Decide the caller's turn, prepare for its end, or find that it was none."""
    s, caller = d.state, d.state.caller
    if caller is None or s.held or (s.reply is not None and s.reply.holds_floor):
        return
    if caller.keys is not None and d.now >= due_samples(caller.keys, s.rate_hz):
        if caller.talking and caller.keys.complete:
            end_utterance(d, d.now)  # the keys' own tones, or talk that they end
            caller = d.caller()
    elif caller.keys is not None:
        return
    if caller.talking:
        return
    _drop_other_reply(d, caller)
    if caller.decided_samples is not None and s.reply is not None:
        return
    if _is_noise(s, caller):
        _drop_turn(d)
    elif d.now >= _turn_due(s, caller) and not _held_back(s, d.now) and _words_known(caller):
        _decide(d, caller)
    elif s.reply is None and _may_speculate(d, caller):
        s.speculations += 1
        d.caller(speculations=caller.speculations + 1)
        replies.generate(d, _request(s, caller), speculative=True)


def _drop_other_reply(d: Draft, caller: Caller) -> None:
    """A reply to words that have changed since is a reply to nobody; the turn is open again."""
    reply = d.state.reply
    if reply is None or reply.request is None:
        return
    if not _same(reply.request, _request(d.state, caller)):
        replies.drop(d)
        d.caller(decided_samples=None)


def _is_noise(s: TurnState, caller: Caller) -> bool:
    """A short sound without words: a cough, a click. Nobody waits for an answer to it."""
    if caller.told or caller.keys is not None or caller.typed:
        return False
    if not _words_known(caller) or not _is_rejected(caller):
        return False
    return s.ms(_speech_samples(caller)) < s.settings.noise_ms


def _drop_turn(d: Draft) -> None:
    s = d.state
    if s.reply is not None:
        replies.drop(d)
    s.caller = None
    s.idle_samples = d.now


def _decide(d: Draft, caller: Caller) -> None:
    """The turn is over: its reply may be heard."""
    s = d.state
    rejected = _is_rejected(caller)
    # What a cough was taken for stays rejected beside carried words: it is no part of them.
    caller = d.caller(decided_samples=d.now, told=True, rejected=rejected or caller.rejected)
    if not caller.noted:
        d.do(ShowWords(caller.words, final=True, rejected=rejected))
    s.silences = 0
    if s.announcements:
        if s.reply is not None:
            replies.drop(d)
        replies.announce(d)
        return
    if caller.failed and not caller.words and not caller.keys:
        replies.apologise(d)
        return
    if s.reply is None:
        replies.generate(d, _request(s, caller))
    replies.commit(d)


def _may_speculate(d: Draft, caller: Caller) -> bool:
    s = d.state
    if not caller.text or caller.keys is not None or caller.failed or s.announcements:
        return False
    if caller.speculations >= s.settings.max_speculations or d.now < _likely_end(s, caller):
        return False
    wait = _wait_ms(s, caller)
    if wait >= s.settings.max_endpointing_ms:
        return False
    # Words that may still change are worth a guess only where they look whole.
    return _words_known(caller) or wait <= s.settings.min_endpointing_ms


def _announce(d: Draft) -> None:
    """What others want said is said when nobody has the floor, or before an answer (_decide)."""
    if d.state.announcements and _is_free(d):
        replies.announce(d)


def _speak_to_context(d: Draft) -> None:
    """The agent speaks to what the responder was told; the answer to a caller does that as well."""
    s = d.state
    if s.reply_wanted and _is_free(d):
        request = ReplyRequest(history=s.history, text="", prompted=True, memory=s.memory)
        replies.generate(d, request)
        replies.commit(d)


def _is_free(d: Draft) -> bool:
    s = d.state
    nobody = s.caller is None and s.reply is None
    return nobody and not s.held and not _held_back(s, d.now)


def _prompt_silence(d: Draft) -> None:
    """Nobody says anything: ask, ask again, take leave."""
    s = d.state
    if not _is_idle(s) or d.now < _silence_due(s):
        return
    s.silences += 1
    if s.silences > s.settings.silence_prompts:
        replies.say(d, Phrase.FAREWELL, HangUpCause.NORMAL)
        return
    request = ReplyRequest(history=s.history, text="", silence=s.silences, memory=s.memory)
    replies.generate(d, request)
    replies.commit(d)


# --- what follows from the state -----------------------------------------------------------------


def _request(s: TurnState, caller: Caller) -> ReplyRequest:
    return ReplyRequest(
        history=s.history,
        text=caller.words,
        rejected=_is_rejected(caller),
        digits=caller.digits,
        memory=s.memory,
    )


def _same(one: ReplyRequest, other: ReplyRequest) -> bool:
    return (normalised(one.text), one.digits, one.rejected) == (
        normalised(other.text),
        other.digits,
        other.rejected,
    )


def _is_rejected(caller: Caller) -> bool:
    """Speech without words is as much a question back as words that fit nothing."""
    if caller.keys is not None:
        return False
    return not caller.words or (caller.rejected and not (caller.carried or caller.typed))


def _words_known(caller: Caller) -> bool:
    return caller.finals_due == 0 or caller.keys is not None


def _speech_samples(caller: Caller) -> int:
    if caller.ended_samples is None:
        return caller.spoken_samples
    return caller.spoken_samples + caller.ended_samples - caller.spurt_samples


def _wait_ms(s: TurnState, caller: Caller) -> int:
    return wait_ms(caller.words, s.settings, s.expected, english=s.english)


def _turn_due(s: TurnState, caller: Caller) -> int:
    if caller.keys is not None:
        return due_samples(caller.keys, s.rate_hz)
    if caller.ended_samples is None:
        return caller.began_samples  # nothing was spoken
    return caller.ended_samples + s.samples(_wait_ms(s, caller))


def _likely_end(s: TurnState, caller: Caller) -> int:
    return (caller.ended_samples or 0) + s.samples(s.settings.speculate_after_ms)


def _words_limit_samples(s: TurnState, caller: Caller) -> int:
    return caller.asked_samples + s.samples(s.settings.transcript_limit_ms)


def _long_samples(s: TurnState, caller: Caller) -> int:
    return caller.spurt_samples + s.samples(s.settings.max_utterance_ms)


def _suspicion_end(s: TurnState) -> int:
    return (s.suspected_samples or 0) + s.samples(SUSPICION_LIMIT_MS)


def _held_back(s: TurnState, now: int) -> bool:
    """The caller may be about to go on."""
    return s.suspected_samples is not None and now < _suspicion_end(s)


def _is_idle(s: TurnState) -> bool:
    return s.phase is Phase.LIVE and s.caller is None and s.reply is None and s.hears


def _silence_due(s: TurnState) -> int:
    return s.idle_samples + s.samples(s.settings.silence_prompt_ms)


def _moments(s: TurnState) -> list[int | None]:
    """Every position at which a rule could decide otherwise than before it."""
    if s.phase is not Phase.LIVE:
        return [s.closing_samples] if s.phase is Phase.CLOSING else []
    if s.absent:
        return [s.lost_samples]
    moments = [s.lost_samples, s.judge_samples]
    if s.suspected_samples is not None:
        moments.append(_suspicion_end(s))
    if s.caller is not None:
        moments += _caller_moments(s, s.caller)
    if _is_idle(s):
        moments.append(_silence_due(s))
    return moments


def _caller_moments(s: TurnState, caller: Caller) -> list[int | None]:
    moments: list[int | None] = []
    if caller.talking:
        moments.append(_long_samples(s, caller))
    else:
        moments += [_likely_end(s, caller), _turn_due(s, caller)]
    if caller.finals_due:
        moments.append(_words_limit_samples(s, caller))
    if caller.keys is not None:
        moments.append(due_samples(caller.keys, s.rate_hz))
    return moments


def set_alarm(d: Draft) -> None:
    """Wake up when a rule could decide otherwise; never for a position that has passed."""
    s = d.state
    ahead = [at for at in _moments(s) if at is not None and at > d.now]
    alarm = min(ahead, default=None)
    if alarm != s.alarm_samples:
        s.alarm_samples = alarm
        d.do(SetAlarm(alarm))
