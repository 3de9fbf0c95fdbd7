"""Wrong passwords make the next try wait, and nothing that an attacker can do takes it back."""

import pytest

from offhook.control.auth.throttle import LoginThrottle, ThrottleSettings

NAME, HERE = "ann@example.org", "10.0.0.1"


def fail(throttle: LoginThrottle, now: float, name: str = NAME, address: str = HERE) -> float:
    """Try a wrong password, waiting as told; gives the moment of the try."""
    wait_s = throttle.begin(name, address, now)
    if wait_s > 0.0:
        now += wait_s
        assert throttle.begin(name, address, now) == 0.0
    return now


def test_five_failures_are_free_then_the_wait_doubles_up_to_fifteen_minutes() -> None:
    throttle, now = LoginThrottle(), 0.0
    for _ in range(5):
        assert throttle.begin(NAME, HERE, now) == 0.0
    waits = []
    for turn in range(12):
        wait_s = throttle.begin(NAME, f"10.0.1.{turn}", now)
        waits.append(wait_s)
        now += wait_s
        assert throttle.begin(NAME, f"10.0.1.{turn}", now) == 0.0
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


def test_waiting_does_not_count_as_failing() -> None:
    throttle = LoginThrottle()
    for _ in range(5):
        throttle.begin(NAME, HERE, 0.0)
    assert [throttle.begin(NAME, HERE, 0.25) for _ in range(50)] == [0.75] * 50
    assert throttle.begin(NAME, HERE, 1.0) == 0.0


def test_many_tries_at_once_do_not_slip_through() -> None:
    throttle = LoginThrottle()
    begun = [throttle.begin(NAME, HERE, 0.0) for _ in range(100)]
    assert begun.count(0.0) == 5


def test_a_success_clears_the_name() -> None:
    throttle = LoginThrottle()
    for _ in range(20):
        for _ in range(4):
            assert throttle.begin(NAME, f"10.1.{_}.1", 0.0) == 0.0
        assert throttle.begin(NAME, "10.2.0.1", 0.0) == 0.0
        throttle.succeeded(NAME, "10.2.0.1", 0.0)


@pytest.mark.parametrize("every_s", [225.0, 900.0])
def test_rare_failures_are_free_for_ever(every_s: float) -> None:
    throttle = LoginThrottle(ThrottleSettings(address_failures=10_000))
    for turn in range(1000):
        assert throttle.begin(NAME, HERE, turn * every_s) == 0.0


def test_failures_closer_than_that_are_not() -> None:
    throttle = LoginThrottle()
    begun = [throttle.begin(NAME, HERE, turn * 224.0) for turn in range(5)]
    assert begun == [0.0] * 5
    assert throttle.begin(NAME, HERE, 4 * 224.0) == 1.0


def test_a_quiet_quarter_of_an_hour_after_the_wait_forgets_it() -> None:
    throttle, now = LoginThrottle(), 0.0
    for _ in range(8):
        now = fail(throttle, now)
    over = now + 8.0  # the eighth failure's wait
    assert throttle.begin(NAME, HERE, over - 0.5) == 0.5
    for _ in range(5):
        assert throttle.begin(NAME, HERE, over + 900.0) == 0.0
    assert throttle.begin(NAME, HERE, over + 900.0) == 1.0


def test_a_name_is_throttled_from_wherever_and_however_it_is_written() -> None:
    throttle = LoginThrottle()
    for turn in range(5):
        throttle.begin(NAME, f"10.0.0.{turn}", 0.0)
    assert throttle.begin(f" {NAME.upper()} ", "10.9.9.9", 0.0) == 1.0
    assert throttle.begin("bob@example.org", "10.9.9.9", 0.0) == 0.0


def test_an_address_is_throttled_over_all_names() -> None:
    throttle = LoginThrottle()
    begun = [throttle.begin(f"name{turn}", HERE, 0.0) for turn in range(30)]
    assert begun == [0.0] * 20 + [1.0] * 10
    assert throttle.begin("name30", "10.0.0.2", 0.0) == 0.0


def test_a_neighbour_in_the_same_ipv6_network_is_the_same_address() -> None:
    throttle = LoginThrottle()
    for turn in range(20):
        throttle.begin(f"name{turn}", f"2001:db8:0:1::{turn:x}", 0.0)
    assert throttle.begin("another", "2001:db8:0:1:ffff::1", 0.0) == 1.0
    assert throttle.begin("another", "2001:db8:0:2::1", 0.0) == 0.0


def test_an_account_of_their_own_does_not_help_who_guesses_at_others() -> None:
    throttle, now, tries = LoginThrottle(), 0.0, 0
    while now < 3600.0 and tries < 100:  # an hour of one success for every guess
        now = fail(throttle, now, "own")
        throttle.succeeded("own", HERE, now)
        now = fail(throttle, now, f"victim{tries}")
        tries += 1
    assert 20 < tries < 35


def test_a_shared_address_bears_any_number_of_successes() -> None:
    throttle = LoginThrottle()
    for turn in range(1000):
        assert throttle.begin(f"name{turn}", HERE, 0.0) == 0.0
        throttle.succeeded(f"name{turn}", HERE, 0.0)


def test_a_try_that_was_not_judged_is_taken_back() -> None:
    throttle = LoginThrottle()
    for _ in range(100):
        assert throttle.begin(NAME, HERE, 0.0) == 0.0
        throttle.withdraw(NAME, HERE, 0.0)
    now = 0.0
    for _ in range(7):
        now = fail(throttle, now)
    now += 4.0
    for _ in range(100):  # in the middle of the waits, too
        assert throttle.begin(NAME, HERE, now) == 0.0
        throttle.withdraw(NAME, HERE, now)
    fail(throttle, now)
    assert throttle.begin(NAME, HERE, now) == 8.0


def test_only_so_many_names_and_addresses_are_remembered() -> None:
    throttle = LoginThrottle(ThrottleSettings(max_keys=3))
    for name in ("a", "b", "c"):
        for turn in range(5):
            throttle.begin(name, f"10.0.{turn}.{ord(name)}", 0.0)
    throttle.begin("d", HERE, 0.0)
    assert throttle.begin("a", "10.3.0.1", 0.0) == 0.0  # forgotten: the longest untouched
    assert throttle.begin("c", "10.3.0.1", 0.0) == 1.0
    throttle.withdraw("nobody", "10.4.0.1", 0.0)
    throttle.succeeded("nobody", "10.4.0.1", 0.0)


def test_names_are_cut_not_kept_at_any_length() -> None:
    throttle = LoginThrottle()
    for turn in range(5):
        throttle.begin("a" * 1000 + str(turn), f"10.0.0.{turn}", 0.0)
    assert throttle.begin("a" * 1000, "10.0.1.1", 0.0) == 1.0
