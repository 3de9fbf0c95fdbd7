"""What calls cost; every sum is done by hand beside it."""

from typing import Any

import pytest

from offhook.control.calls.costing import charged_s, cost_of, legs_s, usage_of
from offhook.control.configuration.config_costs import CostSettings, LineCosts, ProviderCosts
from offhook.control.domain.costs import CallCost
from offhook.media.conversation.records import CallRecord, OtherLeg, ServiceUse
from offhook.tests.kit.call_records import call_record

CLOUD = ProviderCosts(
    name="cloud",
    stt_per_minute=0.006,
    llm_per_1000_tokens_in=0.00015,
    llm_per_1000_tokens_out=0.0006,
    tts_per_1000_chars=0.015,
)
USE = ServiceUse(
    stt_provider="cloud",
    stt_s=47.5,
    llm_provider="cloud",
    llm_tokens_in=12_345,
    llm_tokens_out=678,
    tts_provider="cloud",
    tts_chars=1_234,
)


def a_call(seconds: float = 61.0, **changes: Any) -> CallRecord:
    """Over the line `carrier`, up for so long."""
    fields: dict[str, Any] = {"line": "carrier", "ended_wall": 1_700_000_003.0 + seconds}
    return call_record(1, **(fields | changes))


@pytest.mark.parametrize(
    ("seconds", "steps", "charged"),
    [
        (0.0, (60, 60), 0),
        (-1.0, (60, 60), 0),
        (0.02, (60, 60), 60),
        (60.0, (60, 60), 60),
        (60.02, (60, 60), 120),
        (120.0, (60, 60), 120),
        (29.0, (30, 6), 30),
        (31.0, (30, 6), 36),
        (36.0, (30, 6), 36),
        (36.5, (30, 6), 42),
        (1.0, (1, 1), 1),
        (1.001, (1, 1), 2),
        (0.1 + 0.2 + 2.7, (1, 1), 3),  # 3.0000000000000004
        (5.0, (60, 1), 60),
        (61.5, (60, 1), 62),
    ],
)
def test_time_is_charged_in_steps(seconds: float, steps: tuple[int, int], charged: int) -> None:
    assert charged_s(seconds, steps) == charged


def test_every_part_of_a_cost_is_exact() -> None:
    line = LineCosts(name="carrier", per_minute=0.01, inbound_per_minute=0.004)
    costs = CostSettings(currency="EUR", providers=(CLOUD,), lines=(line,))
    cost = cost_of(a_call(61.0, use=USE), costs)
    assert cost == CallCost(
        currency="EUR",
        stt=0.00475,  # 47.5 s · 0.006 / 60
        llm=0.002259,  # 12.345 · 0.00015 + 0.678 · 0.0006 = 0.00185175 + 0.0004068 = 0.00225855
        tts=0.01851,  # 1.234 · 0.015
        carrier=0.008,  # two minutes · 0.004: it came in
    )
    assert cost.total == 0.033519


def test_calls_that_go_out_and_legs_that_join_are_charged_each_by_itself() -> None:
    legs = [
        OtherLeg(leg="1", to="+4930", mode="talk", joined_samples=8000, ended_samples=8000 * 32),
        OtherLeg(leg="2", to="+4931", mode="talk", joined_samples=8000 * 40),
        OtherLeg(leg="3", to="+4932", mode="talk"),  # they never answered
    ]
    record = a_call(61.0, inbound=False, legs=legs, length_samples=8000 * 61)
    costs = CostSettings(
        lines=(LineCosts(name="carrier", per_minute=0.6, inbound_per_minute=9.0, rounding="30/6"),)
    )
    assert legs_s(record) == [61.0, 31.0, 21.0]
    # 66 s, 36 s and 30 s: 132 s at a hundredth a second
    assert cost_of(record, costs) == CallCost(carrier=1.32)
    assert usage_of(record, costs).carrier_s == 113.0


def test_whoever_is_joined_to_a_call_that_came_in_was_called() -> None:
    legs = [OtherLeg(leg="1", to="+4930", mode="talk", joined_samples=8000)]
    record = a_call(61.0, inbound=True, legs=legs, length_samples=8000 * 61)
    line = LineCosts(name="carrier", per_minute=0.6, inbound_per_minute=0.06, rounding="30/6")
    # 66 s at a thousandth that came in, 60 s at a hundredth that went out
    assert cost_of(record, CostSettings(lines=(line,))) == CallCost(carrier=0.666)


def test_what_is_not_named_is_free_and_what_never_began_as_well() -> None:
    record = a_call(61.0, use=USE)
    assert cost_of(record, CostSettings()) == CallCost()
    usage = usage_of(record, CostSettings())
    assert (usage.carrier_s, usage.line, usage.stt_s, usage.tts_chars) == (
        0.0,
        "carrier",
        47.5,
        1234,
    )
    line = LineCosts(name="carrier", per_minute=1.0, inbound_per_minute=1.0)
    unanswered = a_call(answered_wall=None, rate_hz=None)
    assert cost_of(unanswered, CostSettings(lines=(line,))).total == 0.0


def test_parts_are_rounded_half_up_to_a_millionth_and_add_up() -> None:
    provider = ProviderCosts(name="cloud", llm_per_1000_tokens_in=0.0005, tts_per_1000_chars=0.0005)
    use = ServiceUse(llm_provider="cloud", llm_tokens_in=1, tts_provider="cloud", tts_chars=3)
    cost = cost_of(a_call(use=use), CostSettings(providers=(provider,)))
    assert (cost.llm, cost.tts) == (0.000001, 0.000002)  # of 0.0000005 and 0.0000015
    assert cost.total == 0.000003
