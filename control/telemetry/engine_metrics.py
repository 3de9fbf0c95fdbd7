"""What the parts of a server tell of themselves when the metrics are asked for."""

from collections.abc import Callable, Mapping

from ...drivers.rtp.ports import PortPool
from ...media.frames.engine import Engine
from ...media.frames.recorder import Recorder
from ..agents.agents import Agents
from ..calls.holding import Holding
from ..calls.registry import CallRegistry
from ..events.webhooks import WebhookSender
from ..messages.outbox_sender import OutboxSender
from .metrics import Metrics
from .prometheus import Sample

IN_MEMORY, SIP_KEPT = "offhook_calls_in_memory", "offhook_sip_kept"
READY, RESTARTS = "offhook_worker_ready", "offhook_worker_restarts_total"
WEBHOOK_TRIES, OUTBOX_TRIES = "offhook_webhook_tries_total", "offhook_outbox_tries_total"


def add_engine_gauges(
    metrics: Metrics, engine: Engine, recorder: Recorder, ports: PortPool
) -> None:
    """Rows, ports, and what the disk was too slow for."""
    metrics.add_gauge("offhook_lanes", "Rows in use.", lambda: len(engine))
    metrics.add_gauge("offhook_rtp_port_pairs", "RTP port pairs in use.", lambda: ports.in_use)
    metrics.add_gauge(
        "offhook_recording_blocks_lost_total",
        "Seconds of recordings that the disk was too slow for.",
        lambda: recorder.lost_blocks,
        "counter",
    )


def add_call_gauges(metrics: Metrics, registry: CallRegistry, holding: Holding) -> None:
    """Calls in progress, and what is in memory of calls."""
    metrics.add_gauge("offhook_live_calls", "Calls in progress.", lambda: len(registry.live()))
    metrics.add_gauge(
        IN_MEMORY,
        "Objects of calls, live or ended, that are in memory, by kind.",
        lambda: _by_kind(IN_MEMORY, holding.in_memory()),
    )


def add_sip_gauges(metrics: Metrics, kept: Callable[[], Mapping[str, int]]) -> None:
    """Transactions, dialogs and the like."""
    words = "What SIP keeps, by kind."
    metrics.add_gauge(SIP_KEPT, words, lambda: _by_kind(SIP_KEPT, kept()))


def add_worker_gauges(metrics: Metrics, agents: Agents) -> None:
    """The processes that hear and speak."""

    def ready() -> list[Sample]:
        return [Sample(READY, w.ready, (("worker", w.name),)) for w in agents.workers()]

    def restarts() -> list[Sample]:
        return [Sample(RESTARTS, w.restarts, (("worker", w.name),)) for w in agents.workers()]

    metrics.add_gauge(READY, "1: the worker process serves.", ready)
    words = "Times that a worker process had to be started anew."
    metrics.add_gauge(RESTARTS, words, restarts, "counter")


def add_sender_gauges(metrics: Metrics, webhooks: WebhookSender, outbox: OutboxSender) -> None:
    """What was tried to be delivered, by what came of it."""

    def of_webhooks() -> list[Sample]:
        counts = {"delivered": webhooks.delivered, "refused": webhooks.refused}
        return _by_kind(WEBHOOK_TRIES, counts)

    def of_outbox() -> list[Sample]:
        return _by_kind(OUTBOX_TRIES, {"sent": outbox.sent, "refused": outbox.refused})

    words = "Deliveries to webhooks that were tried, by what came of it."
    metrics.add_gauge(WEBHOOK_TRIES, words, of_webhooks, "counter")
    words = "Messages of the outbox that were tried to be sent, by what came of it."
    metrics.add_gauge(OUTBOX_TRIES, words, of_outbox, "counter")


def _by_kind(name: str, counts: Mapping[str, int]) -> list[Sample]:
    return [Sample(name, count, (("kind", kind),)) for kind, count in counts.items()]
