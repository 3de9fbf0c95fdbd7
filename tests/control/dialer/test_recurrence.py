"""Recurrences against an oracle that looks at every minute, over what zones do to their clocks."""

import datetime
import random
import zoneinfo

import pytest

from offhook.control.dialer.recurrence import Occurrence, completed, due, faults, next_after
from offhook.control.domain.schedules import Pattern, Recurrence

DAY = datetime.timedelta(days=1)

# Zones and a local day near which their clocks jump: by an hour, half of one, at midnight, by days.
JUMPS = [
    ("Europe/Berlin", "2026-03-29"),
    ("Europe/Berlin", "2026-10-25"),
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Australia/Lord_Howe", "2026-10-04"),
    ("America/Nuuk", "2025-03-29"),
    ("America/Nuuk", "2025-10-25"),
    ("Africa/Cairo", "2026-04-24"),
    ("Africa/Casablanca", "2026-02-15"),
    ("Asia/Kolkata", "2026-06-01"),
    ("Pacific/Apia", "2011-12-30"),
    ("America/Sao_Paulo", "2018-11-04"),
    ("UTC", "2024-02-29"),
]


def wall(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


def rule(**fields: object) -> Recurrence:
    made = {"pattern": Pattern.DAILY, "time": "09:00", "start_date": datetime.date(2020, 1, 1)}
    return Recurrence(**{**made, **fields})  # type: ignore[arg-type]


def run_from(rule: Recurrence, after: float, until: float) -> list[Occurrence]:
    found: list[Occurrence] = []
    while (occurrence := next_after(rule, after)) is not None and occurrence.wall <= until:
        found.append(occurrence)
        after = occurrence.wall
    return found


class WallClock:
    """What a zone's clocks show, minute by minute, around a moment."""

    def __init__(self, zone: str, around: float) -> None:
        info = zoneinfo.ZoneInfo(zone)
        first, last = int(around) - 15 * 86_400, int(around) + 11 * 86_400
        self.by_day: dict[datetime.date, list[tuple[int, datetime.datetime]]] = {}
        for moment in range(first, last, 60):
            local = datetime.datetime.fromtimestamp(moment, info).replace(tzinfo=None)
            self.by_day.setdefault(local.date(), []).append((moment, local))

    def first_at(self, wanted: datetime.datetime) -> float | None:
        """The first minute at which it shows that or, on the day or the next, more."""
        for day in (wanted.date(), wanted.date() + DAY):
            for moment, local in self.by_day.get(day, ()):
                if local >= wanted:
                    return moment
        return None


class Oracle:
    """What a patient person with a calendar and that zone's clock would say."""

    def __init__(self, rule: Recurrence, clock: WallClock, after: float, until: float) -> None:
        self.rule = rule
        self.clock = clock
        self.days = set(clock.by_day)
        self.after, self.until = after, until

    def nominal(self, day: datetime.date) -> bool:
        rule = self.rule
        assert rule.start_date is not None
        if day < rule.start_date or (rule.end_date and day > rule.end_date):
            return False
        if rule.pattern is Pattern.WEEKLY:
            return day.isoweekday() in (rule.days or (rule.start_date.isoweekday(),))
        if rule.pattern is Pattern.MONTHLY:
            wanted = rule.day or rule.start_date.day
            tomorrow = day + DAY
            return day.day == wanted or (tomorrow.month != day.month and day.day < wanted)
        return True

    def answers(self) -> list[float]:
        hour, minute = map(int, self.rule.time.split(":"))
        found: set[float] = set()
        for day in sorted(self.days):
            if not self.nominal(day):
                continue
            at = datetime.datetime.combine(day, datetime.time(hour, minute))
            if self.rule.business_hours_only:
                moved = self.in_hours(at)
                if moved != at:
                    own = datetime.datetime.combine(moved.date(), datetime.time(hour, minute))
                    if self.nominal(moved.date()) and self.in_hours(own) == own:
                        continue
                    if self.rule.end_date and moved.date() > self.rule.end_date:
                        continue
                at = moved
            if at.date() not in self.days:  # the zone has left it out
                continue
            moment = self.clock.first_at(at)
            if moment is not None and self.after < moment <= self.until:
                found.add(moment)
        return sorted(found)

    def in_hours(self, at: datetime.datetime) -> datetime.datetime:
        while not (9 <= at.hour < 18 and at.isoweekday() in self.rule.business_days):
            # Minute by minute to the next opening.
            at = at + datetime.timedelta(minutes=1)
        return at


def a_rule(rng: random.Random, zone: str, jump: datetime.date) -> Recurrence:
    pattern = rng.choice(list(Pattern))
    # Half of them in the night, where clocks jump.
    minute = rng.choice([rng.randrange(24 * 60), rng.randrange(0, 4 * 60, 15), 23 * 60 + 30])
    end = jump + rng.randrange(0, 12) * DAY if rng.random() < 0.3 else None
    return Recurrence(
        pattern=pattern,
        time=f"{minute // 60:02}:{minute % 60:02}",
        timezone=zone,
        days=tuple(rng.sample(range(1, 8), rng.randrange(0, 5)))
        if pattern is Pattern.WEEKLY
        else (),
        day=rng.choice([None, 1, 28, 29, 30, 31, jump.day]) if pattern is Pattern.MONTHLY else None,
        start_date=jump - rng.randrange(0, 40) * DAY,
        end_date=end,
        business_hours_only=rng.random() < 0.4,
        business_days=tuple(rng.sample(range(1, 8), rng.randrange(1, 8))),
    )


@pytest.mark.parametrize(("zone", "jump"), JUMPS)
def test_occurrences_are_those_of_whoever_looks_at_every_minute(zone: str, jump: str) -> None:
    rng = random.Random(f"{zone} {jump}")
    day = datetime.date.fromisoformat(jump)
    noon = wall(f"{jump}T12:00+00:00")
    clock = WallClock(zone, noon)
    for _ in range(20):
        rule = a_rule(rng, zone, day)
        assert faults(rule) == []
        after, until = noon - rng.randrange(4 * 86_400), noon + 10 * 86_400
        found = [x.wall for x in run_from(rule, after, until)]
        assert found == Oracle(rule, clock, after, until).answers(), rule


def test_a_time_that_clocks_jump_over_is_the_moment_after_the_jump() -> None:
    berlin = rule(time="02:30", timezone="Europe/Berlin")
    found = run_from(berlin, wall("2026-03-28T00:00Z"), wall("2026-03-30T12:00Z"))
    assert [x.wall for x in found] == [
        wall("2026-03-28T01:30Z"),
        wall("2026-03-29T01:00Z"),  # 3:00 is the first time after 2:00 there
        wall("2026-03-30T00:30Z"),
    ]
    assert found[1].key == "2026-03-29T02:30 Europe/Berlin"


def test_a_time_that_comes_twice_is_the_first_and_has_one_key() -> None:
    berlin = rule(time="02:30", timezone="Europe/Berlin")
    found = run_from(berlin, wall("2026-10-24T12:00Z"), wall("2026-10-26T12:00Z"))
    assert [x.wall for x in found] == [wall("2026-10-25T00:30Z"), wall("2026-10-26T01:30Z")]


def test_a_day_that_a_zone_leaves_out_has_none() -> None:
    samoa = rule(timezone="Pacific/Apia", start_date=datetime.date(2011, 12, 1))
    found = run_from(samoa, wall("2011-12-29T00:00Z"), wall("2012-01-01T00:00Z"))
    assert [x.key[:10] for x in found] == ["2011-12-29", "2011-12-31", "2012-01-01"]


def test_the_31st_is_the_last_day_of_shorter_months() -> None:
    monthly = rule(pattern=Pattern.MONTHLY, day=31)
    found = run_from(monthly, wall("2024-01-01T00:00Z"), wall("2024-06-01T00:00Z"))
    days = [x.key[:10] for x in found]
    assert days == ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"]


def test_weekly_and_monthly_take_their_day_from_the_start() -> None:
    start = datetime.date(2026, 11, 30)  # a Monday
    weekly = rule(pattern=Pattern.WEEKLY, start_date=start)
    monthly = rule(pattern=Pattern.MONTHLY, start_date=start)
    after = wall("2026-11-30T10:00Z")
    assert next_after(weekly, after) == Occurrence(
        "2026-12-07T09:00 UTC", wall("2026-12-07T09:00Z")
    )
    assert next_after(monthly, after) == Occurrence(
        "2026-12-30T09:00 UTC", wall("2026-12-30T09:00Z")
    )


@pytest.mark.parametrize(
    ("time", "days"),
    [
        # Friday to Tuesday. Within the hours the weekend is left out: Monday has its own.
        ("10:00", ["27T10:00", "30T10:00", "01T10:00"]),
        # Before them it moves to 9:00; the weekend's two to Monday's, which is one.
        ("07:00", ["27T09:00", "30T09:00", "01T09:00"]),
        # After them to the next day's: Thursday's to Friday, Friday's to Sunday's to Monday.
        ("18:00", ["27T09:00", "30T09:00", "01T09:00"]),
    ],
)
def test_outside_business_hours_moves_and_no_day_has_two(time: str, days: list[str]) -> None:
    daily = rule(time=time, business_hours_only=True)
    found = run_from(daily, wall("2026-11-27T00:00Z"), wall("2026-12-02T00:00Z"))
    assert [x.key[8:16] for x in found] == days


def test_what_would_move_beyond_the_end_is_left_out() -> None:
    ends = rule(
        pattern=Pattern.MONTHLY,
        day=28,
        business_hours_only=True,
        end_date=datetime.date(2026, 11, 29),
    )
    assert next_after(ends, wall("2026-11-01T00:00Z")) is None  # the 28th is a Saturday
    later = rule(pattern=Pattern.MONTHLY, day=28, business_hours_only=True)
    found = next_after(later, wall("2026-11-01T00:00Z"))
    assert found is not None
    assert found.key == "2026-11-30T09:00 UTC"


def test_what_has_become_due_is_told_in_order_and_not_without_end() -> None:
    daily = rule()
    first, now = wall("2026-11-01T09:00Z"), wall("2026-11-04T08:59Z")
    assert [x.key[:10] for x in due(daily, first, now, 100)] == [
        "2026-11-01",
        "2026-11-02",
        "2026-11-03",
    ]
    assert len(due(daily, first, now, 2)) == 2
    assert due(daily, first, first, 9)[0].wall == first


def test_a_rule_without_a_start_starts_today_where_it_is() -> None:
    auckland = Recurrence(pattern=Pattern.WEEKLY, time="09:00", timezone="Pacific/Auckland")
    assert completed(auckland, wall("2026-11-30T20:00Z")).start_date == datetime.date(2026, 12, 1)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"timezone": "Europe/Atlantis"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"time": "25:00"}, "time"),
        ({"time": "24:00"}, "time"),
        ({"time": "9:00"}, "time"),
        ({"days": (1,)}, "days"),
        ({"pattern": Pattern.WEEKLY, "days": (0,)}, "days"),
        ({"pattern": Pattern.WEEKLY, "days": (1, 1)}, "days"),
        ({"day": 3}, "day"),
        ({"pattern": Pattern.MONTHLY, "day": 32}, "day"),
        ({"business_hours_only": True, "business_days": ()}, "business_days"),
        ({"end_date": datetime.date(2019, 1, 1)}, "end_date"),
        ({"start_date": datetime.date(9999, 12, 31)}, "start_date"),
    ],
)
def test_what_cannot_be_in_a_rule_is_named(fields: dict[str, object], fault: str) -> None:
    assert [error.field for error in faults(rule(**fields))] == [f"recurrence.{fault}"]
