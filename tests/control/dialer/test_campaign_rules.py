"""The rules of campaigns: the table walked, windows against an oracle, steps to their end."""

import datetime
import itertools
import random
import zoneinfo

import msgspec
import pytest

from offhook.control.dialer.campaign_rules import (
    BATCH,
    TRANSITIONS,
    Counts,
    Do,
    Opening,
    Verb,
    faults,
    located,
    moved,
    next_step,
    opening_at,
)
from offhook.control.domain.campaigns import CampaignStatus, Window
from offhook.control.errors import Conflict

OPEN, CLOSED, OVER = Opening(True, None), Opening(False, 5.0), Opening(False, None)
HOUR, DAY = 3600.0, 86_400.0


def wall(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


def test_every_verb_in_every_status_moves_as_the_table_says_or_is_refused() -> None:
    draft, active, paused, completed = CampaignStatus
    allowed = {
        (draft, Verb.LAUNCH): active,
        (active, Verb.PAUSE): paused,
        (active, Verb.STOP): completed,
        (active, Verb.FINISH): completed,
        (paused, Verb.LAUNCH): active,
        (paused, Verb.STOP): completed,
    }
    assert set(TRANSITIONS) == set(CampaignStatus)
    for status, verb in itertools.product(CampaignStatus, Verb):
        if (status, verb) in allowed:
            assert moved(status, verb) is allowed[status, verb]
        else:
            with pytest.raises(Conflict, match=f"{status.value} cannot {verb.value}"):
                moved(status, verb)


# --- windows --------------------------------------------------------------------------------------


class Oracle:
    """Whether a window is open, minute by minute, as whoever looks at the clock would say."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.zone = zoneinfo.ZoneInfo(window.timezone)

    def is_open(self, moment: float) -> bool:
        window = self.window
        if window.start_at is not None and moment < window.start_at.timestamp():
            return False
        if window.end_at is not None and moment >= window.end_at.timestamp():
            return False
        local = datetime.datetime.fromtimestamp(moment, self.zone)
        minute = local.hour * 60 + local.minute
        opens, closes = (
            int(text[:2]) * 60 + int(text[3:]) for text in (window.opens, window.closes)
        )
        today, yesterday = local.isoweekday(), (local.isoweekday() - 2) % 7 + 1
        if opens < closes:
            return today in window.days and opens <= minute < closes
        return (today in window.days and minute >= opens) or (
            yesterday in window.days and minute < closes
        )


def a_window(rng: random.Random, around: float) -> Window:
    def time() -> str:
        return f"{rng.randrange(24):02}:{rng.choice((0, 15, 30, 45)):02}"

    def moment(low: float, high: float) -> datetime.datetime | None:
        if rng.random() < 0.5:
            return None
        seconds = round((around + rng.uniform(low, high)) / 900) * 900
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC)

    return Window(
        timezone=rng.choice(("UTC", "Asia/Kolkata", "America/New_York", "Europe/Berlin")),
        opens=rng.choice((time(), "00:00")),
        closes=rng.choice((time(), "24:00")),
        days=tuple(sorted(rng.sample(range(1, 8), rng.randrange(1, 8)))),
        start_at=moment(-2 * DAY, DAY),
        end_at=moment(2 * DAY, 5 * DAY),
    )


def test_windows_open_and_close_as_the_clock_on_the_wall_says() -> None:
    rng = random.Random(11)
    noon = wall("2026-07-01T12:00Z")  # no clock is put back or forward in this week
    for _ in range(60):
        window = a_window(rng, noon)
        assert faults(window) == []
        oracle = Oracle(window)
        moment, last = noon, noon + 6 * DAY
        opening = opening_at(window, moment)
        while moment < last:
            if opening.next_wall is not None and moment >= opening.next_wall:
                opening = opening_at(window, moment)
            assert opening.is_open == oracle.is_open(moment), (window, moment)
            assert opening.is_over is (not opening.is_open and opening.next_wall is None)
            moment += 900
        if opening.is_over:
            later = (noon + hours * HOUR for hours in range(144, 400))
            assert not any(map(oracle.is_open, later))


def test_hours_that_clocks_jump_into_begin_after_the_jump_and_come_once() -> None:
    berlin = Window(timezone="Europe/Berlin", opens="02:30", closes="04:00")
    opens = wall("2026-03-29T01:00Z")
    assert opening_at(berlin, opens - 1) == Opening(False, opens)
    assert opening_at(berlin, opens) == Opening(True, wall("2026-03-29T02:00Z"))
    twice = Window(timezone="Europe/Berlin", opens="01:00", closes="02:30")
    closes = wall("2026-10-25T00:30Z")
    assert opening_at(twice, closes - 1) == Opening(True, closes)
    assert opening_at(twice, closes) == Opening(False, wall("2026-10-26T00:00Z"))


def test_a_moment_without_a_zone_is_one_of_the_windows() -> None:
    window = Window(timezone="Asia/Kolkata", start_at=datetime.datetime(2026, 11, 30, 9, 30))
    start = located(window).start_at
    assert start is not None
    assert start.timestamp() == wall("2026-11-30T04:00Z")


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"timezone": "Nowhere", "start_at": datetime.datetime(2026, 1, 1)}, "timezone"),
        ({"opens": "9:00"}, "opens"),
        ({"closes": "24:30"}, "closes"),
        ({"days": ()}, "days"),
        ({"days": (1, 8)}, "days"),
        (
            {
                "start_at": datetime.datetime(2026, 1, 2),
                "end_at": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
            },
            "end_at",
        ),
    ],
)
def test_what_cannot_be_in_a_window_is_named(fields: dict[str, object], fault: str) -> None:
    window = msgspec.structs.replace(Window(), **fields)
    assert [error.field for error in faults(window)] == [f"window.{fault}"]


# --- steps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "opening", "counts", "step"),
    [
        ("active", OPEN, Counts(waiting=9), (Do.CALL, 3)),
        ("active", OPEN, Counts(waiting=2), (Do.CALL, 2)),
        ("active", OPEN, Counts(waiting=9, queued=1, in_progress=1), (Do.CALL, 1)),
        ("active", OPEN, Counts(waiting=9, queued=1, in_progress=2), (Do.NOTHING, 0)),
        ("active", OPEN, Counts(waiting=9, queued=2, in_progress=2), (Do.NOTHING, 0)),
        ("active", OPEN, Counts(waiting=9, held=1, in_progress=1), (Do.RELEASE, 1)),
        ("active", OPEN, Counts(waiting=9, held=1, in_progress=3), (Do.NOTHING, 0)),
        # One that is tried again later takes no room, and keeps the campaign from its end.
        ("active", OPEN, Counts(waiting=9, scheduled=5), (Do.CALL, 3)),
        ("active", OPEN, Counts(scheduled=1), (Do.NOTHING, 0)),
        ("active", OPEN, Counts(in_progress=1), (Do.NOTHING, 0)),
        ("active", OPEN, Counts(), (Do.FINISH, 0)),
        ("active", CLOSED, Counts(waiting=9), (Do.NOTHING, 0)),
        ("active", CLOSED, Counts(waiting=9, queued=1), (Do.POSTPONE, 0)),
        ("active", CLOSED, Counts(waiting=9, held=1), (Do.POSTPONE, 0)),
        ("active", CLOSED, Counts(waiting=9, scheduled=1), (Do.NOTHING, 0)),
        ("active", CLOSED, Counts(), (Do.FINISH, 0)),
        ("active", OVER, Counts(waiting=9, queued=1, in_progress=1), (Do.CANCEL, 0)),
        ("active", OVER, Counts(waiting=9, in_progress=1), (Do.NOTHING, 0)),
        ("active", OVER, Counts(waiting=9), (Do.FINISH, 0)),
        ("active", OVER, Counts(retries=1, in_progress=1), (Do.CANCEL, 0)),
        ("paused", OPEN, Counts(waiting=9, queued=1), (Do.HOLD, 0)),
        ("paused", OPEN, Counts(waiting=9, scheduled=1), (Do.HOLD, 0)),
        ("paused", OPEN, Counts(waiting=9, held=1, in_progress=1), (Do.NOTHING, 0)),
        ("paused", OVER, Counts(), (Do.NOTHING, 0)),
        ("draft", OPEN, Counts(waiting=9), (Do.NOTHING, 0)),
        ("completed", OPEN, Counts(waiting=9, held=1), (Do.CANCEL, 0)),
        ("completed", OPEN, Counts(retries=1), (Do.CANCEL, 0)),
        ("completed", OPEN, Counts(waiting=9, in_progress=1), (Do.NOTHING, 0)),
    ],
)
def test_what_is_to_be_done(
    status: str, opening: Opening, counts: Counts, step: tuple[Do, int]
) -> None:
    found = next_step(CampaignStatus(status), opening, 3, counts)
    assert (found.do, found.calls) == step


def test_steps_come_to_their_end_and_never_over_the_limit() -> None:
    """A campaign of plain numbers, whatever is done to it and whenever its calls end."""
    rng = random.Random(5)
    for _ in range(200):
        most, waiting = rng.randrange(1, 60), rng.randrange(1, 200)
        held = scheduled = queued = live = ended = 0
        total, status = waiting, CampaignStatus.ACTIVE
        for _ in range(10_000):
            opening = OVER if rng.random() < 0.001 else rng.choice((OPEN, OPEN, OPEN, CLOSED))
            if rng.random() < 0.05:
                status = rng.choice((CampaignStatus.ACTIVE, CampaignStatus.PAUSED))
            if opening.is_open:
                queued, scheduled = queued + scheduled, 0  # their moment has come
            counts = Counts(
                waiting=min(waiting, BATCH),
                held=held,
                scheduled=scheduled,
                queued=queued,
                in_progress=live,
            )
            step = next_step(status, opening, most, counts)
            if step.do is Do.FINISH:
                break
            if step.do is Do.CALL:
                waiting, queued = waiting - step.calls, queued + step.calls
            elif step.do is Do.RELEASE:
                held, queued = held - step.calls, queued + step.calls
            elif step.do is Do.HOLD:
                held, queued, scheduled = held + queued + scheduled, 0, 0
            elif step.do is Do.POSTPONE:
                scheduled, queued, held = scheduled + queued + held, 0, 0
            elif step.do is Do.CANCEL:
                ended, held, queued, scheduled = ended + held + queued + scheduled, 0, 0, 0
            begun = rng.randrange(queued + 1)
            queued, live = queued - begun, live + begun
            over = rng.randrange(live + 1)
            live, ended = live - over, ended + over
            assert queued + live + held + scheduled <= most
            assert waiting + held + scheduled + queued + live + ended == total
        else:
            pytest.fail("it did not end")
        assert live == queued == held == scheduled == 0
