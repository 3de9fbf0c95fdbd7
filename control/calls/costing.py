"""What a call used, and what that costs. Pure.

Each leg's time is charged by itself, in the steps of its line: at 60/60 a second is a
minute, at 30/6 31 s are 36. Prices are decimal fractions as they are written, and so are the parts
of the cost, which are rounded half up to a millionth: their sum can be checked by hand.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from ...media.conversation.records import CallRecord
from ...media.speech_ports import TokensUsed
from ..configuration.config_costs import CostSettings, LineCosts, ProviderCosts
from ..domain.costs import CallCost, CallUsage

SMALLEST = Decimal("0.000001")
FREE = ProviderCosts("free")
TICK_S = 1e-6
"Less than that is the noise of fractions, and begins no further step."


def usage_of(record: CallRecord, costs: CostSettings) -> CallUsage:
    """What a call used, as far as its record knows."""
    use = record.use
    line = _line(record, costs)
    return CallUsage(
        stt_provider=use.stt_provider,
        stt_s=round(use.stt_s, 3),
        llm_provider=use.llm_provider,
        llm_tokens_in=use.llm_tokens_in,
        llm_tokens_out=use.llm_tokens_out,
        llm_estimated=use.llm_estimated,
        tts_provider=use.tts_provider,
        tts_chars=use.tts_chars,
        line=record.line,
        carrier_s=0.0 if line is None else round(sum(legs_s(record)), 3),
    )


def cost_of(record: CallRecord, costs: CostSettings) -> CallCost:
    """What that costs by these prices."""
    use = record.use
    by_name = {provider.name: provider for provider in costs.providers}
    llm = by_name.get(use.llm_provider, FREE)
    return CallCost(
        currency=costs.currency,
        stt=_money(_per_minute(by_name.get(use.stt_provider, FREE).stt_per_minute, use.stt_s)),
        llm=_money(
            _per_1000(llm.llm_per_1000_tokens_in, use.llm_tokens_in)
            + _per_1000(llm.llm_per_1000_tokens_out, use.llm_tokens_out)
        ),
        tts=_money(
            _per_1000(by_name.get(use.tts_provider, FREE).tts_per_1000_chars, use.tts_chars)
        ),
        carrier=_money(_carrier(record, costs)),
    )


def with_analysis(
    usage: CallUsage,
    cost: CallCost,
    provider: str,
    requests: Sequence[TokensUsed],
    costs: CostSettings,
) -> tuple[CallUsage, CallCost]:
    """The same, with what requests of an analysis took besides, at what they cost now."""
    tokens_in = sum(used.tokens_in for used in requests)
    tokens_out = sum(used.tokens_out for used in requests)
    price = next((each for each in costs.providers if each.name == provider), FREE)
    more = _money(
        _per_1000(price.llm_per_1000_tokens_in, tokens_in)
        + _per_1000(price.llm_per_1000_tokens_out, tokens_out)
    )
    used = msgspec.structs.replace(
        usage,
        analysis_provider=provider,
        analysis_tokens_in=usage.analysis_tokens_in + tokens_in,
        analysis_tokens_out=usage.analysis_tokens_out + tokens_out,
        analysis_estimated=usage.analysis_estimated or any(each.estimated for each in requests),
    )
    return used, msgspec.structs.replace(cost, analysis=round(cost.analysis + more, 6))


def legs_s(record: CallRecord) -> list[float]:
    """Seconds of connection: of the call's own leg, then of those that were joined to it."""
    found: list[float] = []
    if record.answered_wall is not None and record.ended_wall is not None:
        found.append(max(0.0, record.ended_wall - record.answered_wall))
    for leg in record.legs:
        if leg.joined_samples is not None and record.rate_hz:
            ended = record.length_samples if leg.ended_samples is None else leg.ended_samples
            found.append(max(0, ended - leg.joined_samples) / record.rate_hz)
    return found


def charged_s(seconds: float, steps_s: tuple[int, int]) -> int:
    """How many seconds are charged for so many; nothing for nothing."""
    first, further = steps_s
    if seconds <= 0:
        return 0
    beyond = seconds - TICK_S - first
    return first + max(0, -int(-beyond // further)) * further


def _carrier(record: CallRecord, costs: CostSettings) -> Decimal:
    line = _line(record, costs)
    if line is None:
        return Decimal(0)
    total = Decimal(0)
    own = record.answered_wall is not None and record.ended_wall is not None
    for index, seconds in enumerate(legs_s(record)):
        comes_in = own and index == 0 and record.inbound
        price = line.inbound_per_minute if comes_in else line.per_minute
        total += _per_minute(price, charged_s(seconds, line.steps_s()))
    return total


def _line(record: CallRecord, costs: CostSettings) -> LineCosts | None:
    return next((line for line in costs.lines if line.name == record.line), None)


def _per_minute(price: float, seconds: float) -> Decimal:
    return Decimal(str(price)) * Decimal(str(round(seconds, 6))) / 60


def _per_1000(price: float, count: int) -> Decimal:
    return Decimal(str(price)) * count / 1000


def _money(amount: Decimal) -> float:
    return float(amount.quantize(SMALLEST, ROUND_HALF_UP))
