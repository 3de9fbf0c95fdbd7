"""How services stand: the newest of what was seen of each."""

from offhook.control.telemetry.provider_metrics import ProviderMetrics
from offhook.control.telemetry.provider_standings import LATELY_S, MAX_KEPT, ProviderStandings
from offhook.control.telemetry.spans import UNTRACED
from offhook.drivers.errors import ProviderBusy
from offhook.drivers.openai_limits import RequestLimit
from offhook.media.clock import VirtualClock

CHAT = "openai-chat"


def test_the_newest_request_of_a_kind_counts() -> None:
    clock = VirtualClock()
    standings = ProviderStandings(clock)
    standings.answered("cloud", CHAT, 0.4)
    clock.advance(1.0)
    standings.answered("sun", CHAT, 0.2)
    standings.answered("sun", "openai-speech", 0.1)
    newest = standings.newest((CHAT,))
    assert newest is not None
    assert (newest.provider, newest.response_s, newest.error) == ("sun", 0.2, None)


def test_a_failure_keeps_what_the_last_answer_took_and_an_answer_ends_it() -> None:
    standings = ProviderStandings(VirtualClock())
    standings.answered("cloud", CHAT, 0.4)
    standings.failed("cloud", CHAT, "provider_busy")
    failed = standings.newest((CHAT,))
    assert failed is not None
    assert (failed.response_s, failed.error) == (0.4, "provider_busy")
    standings.answered("cloud", CHAT, 0.3)
    again = standings.newest((CHAT,))
    assert again is not None
    assert (again.response_s, again.error) == (0.3, None)


def test_what_was_seen_an_hour_ago_is_forgotten() -> None:
    clock = VirtualClock()
    standings = ProviderStandings(clock)
    standings.allowed("cloud", CHAT, RequestLimit(7))
    standings.answered("cloud", CHAT, 0.4)
    clock.advance(LATELY_S + 1)
    assert standings.newest((CHAT,)) is None
    standings.failed("cloud", CHAT, "provider_busy")
    newest = standings.newest((CHAT,))
    assert newest is not None
    assert (newest.response_s, newest.remaining(clock.now())) == (None, None)


def test_what_a_provider_takes_is_all_again_after_its_reset() -> None:
    clock = VirtualClock()
    standings = ProviderStandings(clock)
    standings.allowed("cloud", CHAT, RequestLimit(7, 60, 10.0))
    newest = standings.newest((CHAT,))
    assert newest is not None
    assert newest.remaining(clock.now()) == 7
    clock.advance(10.0)
    assert newest.remaining(clock.now()) == 60


def test_only_so_many_are_kept() -> None:
    standings = ProviderStandings(VirtualClock())
    for number in range(MAX_KEPT + 1):
        standings.answered(f"cloud {number}", f"kind {number}", 0.1)
    assert standings.newest(("kind 0",)) is None
    assert standings.newest(("kind 1",)) is not None


def test_an_accounts_own_key_says_nothing_about_the_servers() -> None:
    metrics = ProviderMetrics(VirtualClock(), UNTRACED)
    request = metrics.watch("cloud", CHAT, True)
    request.first_part()
    request.allowed(RequestLimit(0))
    request.ended(ProviderBusy("it", "HTTP 429"))
    assert metrics.standings.newest((CHAT,)) is None


def test_the_servers_own_requests_are_seen() -> None:
    clock = VirtualClock()
    metrics = ProviderMetrics(clock, UNTRACED)
    request = metrics.watch("cloud", CHAT)
    clock.advance(0.5)
    request.first_part()
    request.allowed(RequestLimit(59))
    request.ended(None)
    newest = metrics.standings.newest((CHAT,))
    assert newest is not None
    assert (newest.response_s, newest.remaining(clock.now())) == (0.5, 59)
