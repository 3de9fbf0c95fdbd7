import random

import pytest

from offhook.drivers.event_stream import MAX_EVENT_BYTES, EventStream, EventTooLong


def events(*pieces: bytes) -> list[bytes]:
    stream = EventStream()
    return [event for piece in pieces for event in stream.push(piece)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_an_empty_line_ends_an_event_whatever_ends_a_line(end: bytes) -> None:
    body = end.join([b"data: one", b"", b"data:two", b"data: lines", b"", b""])
    # A CR that nothing follows may be half of a CRLF: one more piece tells.
    assert events(body, b": done\n") == [b"one", b"two\nlines"]


def test_comments_and_other_fields_are_passed_over() -> None:
    body = b": keep-alive\n\nevent: delta\nid: 7\ndata: one\nretry: 3\ndata\n\n"
    assert events(body) == [b"one\n"]


def test_only_the_first_space_of_a_value_is_not_its_own() -> None:
    assert events(b"data:  two\n\n") == [b" two"]


def test_a_stream_cut_anywhere_says_the_same() -> None:
    body = b"\xef\xbb\xbfdata: sch\xc3\xb6n\r\n\r\n:x\r\ndata: a\rdata: b\n\ndata: [DONE]\n\n"
    whole = events(body)
    assert whole == ["schön".encode(), b"a\nb", b"[DONE]"]
    for size in range(1, len(body)):
        assert events(*(body[at : at + size] for at in range(0, len(body), size))) == whole
    rng = random.Random(1)
    for _ in range(200):
        cuts = sorted(rng.randrange(len(body)) for _ in range(rng.randrange(8)))
        pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
        assert events(*pieces) == whole


def test_an_event_that_is_not_complete_is_none() -> None:
    assert events(b"data: one\n\ndata: tw") == [b"one"]
    assert events(b"\xef\xbb") == []


@pytest.mark.parametrize("piece", [b"x" * 1000, b"data: " + b"x" * 1000 + b"\n"])
def test_what_does_not_end_is_no_event(piece: bytes) -> None:
    with pytest.raises(EventTooLong):
        events(*[piece] * (MAX_EVENT_BYTES // 900))
