"""Counters, histograms, and the text that Prometheus reads."""

from offhook.control.telemetry.metrics import Metrics, stage_seconds
from offhook.control.telemetry.prometheus import Counter, Gauge, Histogram, Sample, expose
from offhook.media.conversation.records import AgentSpeaking, CallEnded, CallStatus
from offhook.media.ports import HangUpCause, Quality
from offhook.tests.kit.call_records import agent_turn, call_record, started, turn_added


def test_exposes_counters_gauges_and_escaped_labels() -> None:
    counter = Counter("a_total", "Things.")
    counter.add(kind='x"\\\n')
    counter.add(2, kind="y")
    gauge = Gauge("b", "Level.", lambda: 1.5, "gauge")
    several = Gauge("c", "Levels.", lambda: [Sample("c", 2, (("q", "1"),))], "gauge")
    assert expose([counter, gauge, several]) == (
        "# HELP a_total Things.\n"
        "# TYPE a_total counter\n"
        'a_total{kind="x\\"\\\\\\n"} 1\n'
        'a_total{kind="y"} 2\n'
        "# HELP b Level.\n"
        "# TYPE b gauge\n"
        "b 1.5\n"
        "# HELP c Levels.\n"
        "# TYPE c gauge\n"
        'c{q="1"} 2\n'
    )


def test_a_counter_that_never_counted_is_zero() -> None:
    assert expose([Counter("a_total", "A.")]).endswith("\na_total 0\n")


def test_buckets_are_cumulative_and_bounds_belong_to_them() -> None:
    histogram = Histogram("h", "H.", (0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 7.0):
        histogram.observe(value, stage="x")
    assert expose([histogram]).splitlines()[2:] == [
        'h_bucket{stage="x",le="0.1"} 2',
        'h_bucket{stage="x",le="1"} 3',
        'h_bucket{stage="x",le="+Inf"} 4',
        'h_sum{stage="x"} 7.65',
        'h_count{stage="x"} 4',
    ]


def test_stages_are_seconds_since_the_end_of_speech() -> None:
    latency = agent_turn(1).latency
    assert latency is not None
    assert stage_seconds(latency, 8000) == {
        "transcript": 0.5,
        "decided": 0.6,
        "first_sample": 0.7,
    }


def test_counts_a_call() -> None:
    metrics = Metrics()
    record = call_record(1)
    turn = agent_turn(1)
    metrics.count(started(record), record)
    metrics.count(AgentSpeaking("call-1", 0.0, 13600, "Good", turn.latency), record)
    metrics.count(turn_added(record, turn), record)
    metrics.count(CallEnded("call-1", 0.0, 0, HangUpCause.MEDIA_LOST, True), record)
    record.status = CallStatus.ENDED
    record.ended_wall = record.started_wall + 62
    record.quality = Quality(packets_received=100, packets_lost=3, jitter_s=0.004, mos=4.15)
    metrics.count_ended(record)
    lines = metrics.text().splitlines()
    assert 'offhook_calls_started_total{direction="inbound"} 1' in lines
    assert 'offhook_calls_ended_total{cause="media_lost"} 1' in lines
    assert 'offhook_turns_total{role="agent"} 1' in lines
    assert 'offhook_turn_latency_seconds_bucket{stage="first_sample",le="0.7"} 1' in lines
    assert 'offhook_turn_latency_seconds_bucket{stage="first_sample",le="0.5"} 0' in lines
    assert 'offhook_call_duration_seconds_bucket{le="60"} 1' in lines
    assert 'offhook_call_jitter_seconds_bucket{le="0.005"} 1' in lines
    assert 'offhook_rtp_packets_total{kind="lost"} 3' in lines


class _Clock:
    p50_ms, p99_ms, max_ms, skipped_ticks, busy = 0.25, 2.0, 3.0, 7, 0.5


def test_tells_the_clocks_lateness() -> None:
    metrics = Metrics()
    metrics.add_clock(_Clock)
    lines = metrics.text().splitlines()
    assert 'offhook_clock_lateness_seconds{quantile="0.99"} 0.002' in lines
    assert "offhook_clock_skipped_ticks_total 7" in lines
    assert "# TYPE offhook_clock_skipped_ticks_total counter" in lines
