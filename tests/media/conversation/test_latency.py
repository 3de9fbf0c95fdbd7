"""The account of one answered turn."""

from offhook.media.conversation.latency import ReplyMoments, TurnMoments, latency, noted


def test_a_reply_is_never_earlier_than_the_decision_to_give_it() -> None:
    turn = TurnMoments(1000, transcript_samples=3000, decided_samples=3400)
    told = latency(turn, ReplyMoments(3100, 3200, 3360), speculative=True)
    assert told.first_sample_samples == 3400, "the frame at 3360 left when 3400 had been heard"
    later = latency(turn, ReplyMoments(3100, 3200, 4000), speculative=True)
    assert later.first_sample_samples == 4000


def test_a_moment_is_noted_once() -> None:
    moments = noted(ReplyMoments(), "first_text_samples", 10)
    assert noted(moments, "first_text_samples", 20).first_text_samples == 10
