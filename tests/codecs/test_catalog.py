import pytest

from offhook.codecs import catalog


@pytest.mark.parametrize(
    ("payload_type", "codec"),
    [(0, catalog.PCMU), (8, catalog.PCMA), (9, catalog.G722), (13, catalog.COMFORT_NOISE)],
)
def test_static_payload_types_are_those_of_rfc_3551_table_4(
    payload_type: int, codec: catalog.Codec
) -> None:
    assert catalog.by_payload_type(payload_type) == codec


def test_dynamic_payload_types_have_no_codec_of_their_own() -> None:
    assert [catalog.by_payload_type(number) for number in (3, 18, 96, 127)] == [None] * 4


def test_clock_rate_and_sample_rate_differ_where_the_rfcs_say_so() -> None:
    assert (catalog.G722.clock_rate_hz, catalog.G722.sample_rate_hz) == (8000, 16000)
    assert (catalog.OPUS.clock_rate_hz, catalog.OPUS.sample_rate_hz) == (48000, 16000)


def test_every_codec_is_found_by_its_rtpmap_in_any_case() -> None:
    for codec in catalog.ALL:
        assert catalog.CATALOG[codec.rtpmap] == codec
        found = catalog.by_rtpmap(codec.name.swapcase(), codec.clock_rate_hz, codec.channels)
        assert found == codec
    assert catalog.OPUS.rtpmap == "opus/48000/2"
    assert catalog.by_rtpmap("opus", 48000, 1) is None


def test_wide_band_is_preferred_and_only_speech_is_offered_as_speech() -> None:
    rates = [codec.sample_rate_hz for codec in catalog.PREFERENCE]
    assert rates == sorted(rates, reverse=True)
    assert all(codec.is_speech for codec in catalog.PREFERENCE)
    assert not catalog.TELEPHONE_EVENT_48K.is_speech
    assert not catalog.COMFORT_NOISE.is_speech
