"""What was dialled in a run, and a checker of it that shares no code with what it checks."""

import bisect
import datetime
import heapq
import zoneinfo
from collections import Counter, defaultdict
from typing import Any

import msgspec


class Dialled(msgspec.Struct, frozen=True, kw_only=True):
    """A line was told of a call."""

    at: float
    "Monotonic seconds."
    wall: float
    call_id: str
    chain: str
    "The original's id."
    attempt: int
    number: str
    owner: str
    campaign: str | None
    line: str
    agent: str
    timezone: str
    scheduled_wall: float | None


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """Its line said so; or `cause` is crash: the server did not live to hear it."""

    at: float
    wall: float
    call_id: str
    cause: str
    answered: bool = False


class Rule(msgspec.Struct, frozen=True):
    """When calls of an agent are to be tried again, for one cause."""

    attempts: int
    delay_s: float
    factor: float
    longest_s: float


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a run has to obey."""

    everything: int
    lines: dict[str, int]
    accounts: dict[str, int]
    campaigns: dict[str, int]
    rates: dict[str, float]
    quiet: dict[str, tuple[str, str, str]]
    "By owner: zone of numbers that name none, and from when to when, as clocks show it."
    rules: dict[str, dict[str, Rule]]
    "By agent and cause; causes without a rule are never tried again."


class DialingLog:
    """Filled by the run, in order; then every `check_…` asserts one promise."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.dialled: list[Dialled] = []
        self.ended: dict[str, Ended] = {}
        self.uncertain: set[str] = set()
        "Calls whose end the server had heard of when it was killed: it may have stored it."
        self.stopped: list[tuple[str | None, int, int]] = []
        "Who (None: everybody), and how many had been dialled when it began and when it ended."
        self.listed: dict[tuple[str, str], float] = {}
        "Owner and number: since when it is not to be called."
        self.cancelled: set[str] = set()
        "Calls that somebody cancelled while they waited."
        self.called_off: dict[str, int] = {}
        "Chains of which no further try was wanted, and how many calls had been dialled then."
        self.walls: list[tuple[float, float]] = [(0.0, 0.0)]
        "Every moment at which the wall clock was seen, monotonic and wall."

    def check(self) -> None:
        """All but what needs the database."""
        self.check_nothing_is_dialled_twice()
        self.check_rates()
        self.check_moments()
        self.check_quiet_hours()
        self.check_stops_and_lists()
        self.check_retries()
        self.check_limits()

    def check_nothing_is_dialled_twice(self) -> None:
        counts = Counter(each.call_id for each in self.dialled)
        assert max(counts.values()) == 1
        tries = Counter((each.chain, each.attempt) for each in self.dialled)
        assert max(tries.values()) == 1, "a try is made once"

    def check_limits(self) -> None:
        asked = {None: self.limits.everything}
        most: dict[Any, int] = {
            **asked,
            **{("line", name): n for name, n in self.limits.lines.items()},
            **{("owner", name): n for name, n in self.limits.accounts.items()},
            **{("campaign", name): n for name, n in self.limits.campaigns.items()},
        }
        live, peaks = Counter[Any](), Counter[Any]()
        ends: list[tuple[float, int, list[Any]]] = []
        for index, each in enumerate(self.dialled):
            while ends and ends[0][0] <= each.at:
                live.subtract(heapq.heappop(ends)[2])
            of = [None, ("line", each.line), ("owner", each.owner), ("campaign", each.campaign)]
            live.update(of)
            heapq.heappush(ends, (self.ended[each.call_id].at, index, of))
            for key in of:
                peaks[key] = max(peaks[key], live[key])
        for key, limit in most.items():
            assert peaks[key] <= limit, (key, peaks[key], limit)
            assert peaks[key] == limit, f"the run never came to the limit of {key}: {peaks[key]}"

    def check_rates(self) -> None:
        for line, rate in self.limits.rates.items():
            times = [each.at for each in self.dialled if each.line == line]
            held = max(1.0, rate / 10)
            for span in range(1, 40):
                for first, last in zip(times, times[span:], strict=False):
                    assert span + 1 <= held + rate * (last - first) + 1e-6, (line, first, last)

    def check_moments(self) -> None:
        """No call before its moment has come, by the wall clock as far as it was ever put."""
        for each in self.dialled:
            if each.scheduled_wall is not None and each.attempt == 0:
                assert self._latest_wall(0.0, each.at) >= each.scheduled_wall - 1e-6, each

    def check_quiet_hours(self) -> None:
        for each in self.dialled:
            if each.owner in self.limits.quiet:
                own, begins, ends = self.limits.quiet[each.owner]
                zone = zoneinfo.ZoneInfo(own if each.timezone == "UTC" else each.timezone)
                shown = datetime.datetime.fromtimestamp(each.wall, zone).strftime("%H:%M")
                quiet = shown >= begins or shown < ends
                assert not quiet, (each, shown)

    def check_stops_and_lists(self) -> None:
        for who, begins, ends in self.stopped:
            for each in self.dialled[begins:ends]:
                assert who is not None, f"dialled while all was stopped: {each}"
                assert each.owner != who, f"dialled while its account was stopped: {each}"
        for each in self.dialled:
            assert each.at <= self.listed.get((each.owner, each.number), float("inf")), each
            assert each.call_id not in self.cancelled, each
        for index, each in enumerate(self.dialled):
            assert index < self.called_off.get(each.chain, len(self.dialled)), each

    def check_retries(self) -> None:
        """Each chain is as long, and its calls as far apart, as its agent's rules say."""
        chains: dict[str, list[Dialled]] = defaultdict(list)
        for each in self.dialled:
            chains[each.chain].append(each)
        for tries in chains.values():
            assert [each.attempt for each in tries] == list(range(len(tries)))
            for index, each in enumerate(tries):
                end = self.ended[each.call_id]
                rule = None if end.answered else self.limits.rules[each.agent].get(end.cause)
                later = tries[index + 1] if index + 1 < len(tries) else None
                due = rule is not None and each.attempt < rule.attempts
                if later is None:
                    excused = each.call_id in self.uncertain or (
                        (each.owner, each.number) in self.listed or each.chain in self.called_off
                    )
                    assert excused or not due, f"a try is missing after {each}: {end}"
                    continue
                assert due, f"a try too many: {later}"
                assert rule is not None
                wait_s = min(rule.delay_s * rule.factor**each.attempt, rule.longest_s)
                assert self._latest_wall(end.at, later.at) >= end.wall + wait_s - 1e-6, later

    def _latest_wall(self, begin: float, end: float) -> float:
        first = bisect.bisect_left(self.walls, (begin, float("-inf")))
        last = bisect.bisect_right(self.walls, (end, float("inf")))
        return max(wall for _, wall in self.walls[max(0, first - 1) : last])


class Told(msgspec.Struct, frozen=True):
    """A status of a call, in the order in which they were stored."""

    call_id: str
    status: str


def check_order(told: list[Told], kinds: dict[str, Any], places: dict[str, tuple[int, int]]) -> int:
    """Of calls of one kind the urgent, then the old, are dialled first; returns how many were."""
    waiting: dict[Any, list[tuple[int, int]]] = defaultdict(list)
    dialled = 0
    for each in told:
        line, place = waiting[kinds[each.call_id]], places[each.call_id]
        if each.status == "queued":
            bisect.insort(line, place)
            continue
        if each.status == "dialing":
            dialled += 1
            assert line[0] == place, f"call {each.call_id} has overtaken another of its kind"
        if place in line:
            line.remove(place)
    return dialled
