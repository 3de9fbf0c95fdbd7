"""What other parts of a server tell when the metrics are asked for: their own numbers."""

from collections.abc import Iterable

from ..calls.registry import CallRegistry
from ..domain.lines import LineKind
from ..events.events import EventBus
from ..lines.lines import Lines
from .metrics import Metrics
from .prometheus import Sample

IN_USE, UP = "offhook_line_calls", "offhook_line_up"


def add_line_gauges(metrics: Metrics, lines: Lines) -> None:
    """Lines are those of the configuration: their names are few."""

    def in_use() -> Iterable[Sample]:
        return [Sample(IN_USE, line.in_use, (("line", line.name),)) for line in lines.all()]

    def up() -> Iterable[Sample]:
        return [
            Sample(UP, line.is_usable, (("kind", line.kind.value), ("line", line.name)))
            for line in lines.all()
        ]

    def registered() -> float:
        accounts = (line for line in lines.all() if line.kind is LineKind.SIP_ACCOUNT)
        return sum(line.is_usable for line in accounts)

    metrics.add_gauge(IN_USE, "Calls by each line.", in_use)
    metrics.add_gauge(UP, "1: calls by the line have a chance now.", up)
    metrics.add_gauge("offhook_lines_registered", "SIP accounts that are registered.", registered)


def add_event_gauges(metrics: Metrics, bus: EventBus, registry: CallRegistry) -> None:
    """Who listens, how far behind the slowest is, and what is not told yet."""
    metrics.add_gauge("offhook_event_subscribers", "Who listens to events.", lambda: len(bus))
    metrics.add_gauge(
        "offhook_event_queue_longest",
        "Events that wait for the subscriber who is furthest behind.",
        bus.longest_queue,
    )
    metrics.add_gauge(
        "offhook_events_untold",
        "Events that wait for what they tell of to be stored.",
        lambda: registry.rounds.untold,
    )
