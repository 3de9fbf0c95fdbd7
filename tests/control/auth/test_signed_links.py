"""Links that open a recording: ours, theirs, over."""

from msgspec.structs import replace

from offhook.control.auth.signed_links import LinkVerdict, SignedLinks

OLD, NEW = bytes(32), bytes([1] * 32)


def test_a_link_is_good_until_its_second() -> None:
    links = SignedLinks([NEW])
    link = links.make("id", "wav", 100)
    assert links.judge(link, 99.999) is LinkVerdict.GOOD
    assert links.judge(link, 100.0) is LinkVerdict.EXPIRED


def test_whatever_is_changed_of_a_link_makes_it_forged_even_when_it_is_over() -> None:
    links = SignedLinks([NEW])
    link = links.make("id", "wav", 100)
    changed = (
        {"recording_id": "other"},
        {"format": "mp3"},
        {"expires": 101},
        {"signature": ""},
        {"signature": "\udc80ä"},
        {"recording_id": "id\nwav", "format": ""},
    )
    for fields in changed:
        assert links.judge(replace(link, **fields), 1000.0) is LinkVerdict.FORGED, fields


def test_a_retired_key_makes_no_links_and_its_old_ones_are_taken() -> None:
    link = SignedLinks([OLD]).make("id", "wav", 100)
    both = SignedLinks([NEW, OLD])
    assert both.judge(link, 0.0) is LinkVerdict.GOOD
    assert both.make("id", "wav", 100) != link
    assert SignedLinks([NEW]).judge(link, 0.0) is LinkVerdict.FORGED
