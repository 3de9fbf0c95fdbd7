"""What lines and events tell when the metrics are asked for."""

import pathlib

from offhook.control.calls.registry import CallRegistry
from offhook.control.configuration.config import Settings
from offhook.control.dialer.call_limits import CallLimits
from offhook.control.events.events import EventBus
from offhook.control.lines.lines import Lines
from offhook.control.store.calls import CallStore
from offhook.control.telemetry.metrics import Metrics
from offhook.control.telemetry.server_metrics import add_event_gauges, add_line_gauges
from offhook.media.clock import VirtualClock
from offhook.tests.kit.call_records import call_of, call_record, started
from offhook.tests.kit.database import copy_database
from offhook.tests.kit.exposition import Family, parse


def value(family: Family, **labels: str) -> float:
    return family.values[family.name, frozenset(labels.items())]


def test_each_line_tells_its_calls_and_whether_it_is_up() -> None:
    metrics = Metrics()
    limits = CallLimits()
    lines = Lines(Settings(), limits)
    add_line_gauges(metrics, lines)
    seat = limits.acquire(lines.claim("loopback"))
    told = parse(metrics.text())
    assert value(told["offhook_line_calls"], line="loopback") == 1
    assert value(told["offhook_line_up"], line="loopback", kind="loopback") in (0, 1)
    assert value(told["offhook_lines_registered"]) == 0
    seat.release()
    assert value(parse(metrics.text())["offhook_line_calls"], line="loopback") == 0


async def test_who_listens_and_how_far_behind_they_are(tmp_path: pathlib.Path) -> None:
    metrics, bus = Metrics(), EventBus()
    registry = CallRegistry(
        CallStore(copy_database(tmp_path)), bus, metrics, VirtualClock(), tmp_path
    )
    add_event_gauges(metrics, bus, registry)
    bus.subscribe()
    slow = bus.subscribe()
    record = call_record()
    bus.publish(started(record))
    bus.publish(started(record))
    await anext(slow)
    registry.add(call_of(record), record, lambda: None)
    registry.tell(started(record))
    told = parse(metrics.text())
    assert value(told["offhook_event_subscribers"]) == 2
    assert value(told["offhook_event_queue_longest"]) == 2
    assert value(told["offhook_events_untold"]) >= 1
