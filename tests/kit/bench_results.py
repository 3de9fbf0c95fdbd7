"""Documents for the tests of what reads a measurement."""

from typing import Any

from offhook.bench.reports.results_file import Document, Metric, Origin

ORIGIN = Origin(
    date="2026-11-28 12:00 UTC",
    commit="abc1234",
    command="offhook bench latency --calls 1",
    machine="2 x Test CPU, Linux 6.1",
    python="3.11.2",
    versions={"numpy": "1.26"},
)


def metric(values: list[float], **fields: Any) -> Metric:
    """A reply gap in ms, unless told otherwise."""
    usual: dict[str, Any] = {"name": "reply gap", "case": "1 call", "unit": "ms"}
    usual |= {"values": values} | fields
    return Metric(**usual)


def document(*metrics: Metric, **fields: Any) -> Document:
    """Of a measurement of latency, unless told otherwise."""
    usual: dict[str, Any] = {"origin": ORIGIN, "measurement": "latency"}
    usual |= {"metrics": list(metrics)} | fields
    return Document(**usual)
