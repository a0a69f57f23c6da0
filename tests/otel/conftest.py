"""Fixtures for the tests of spans and metrics: OpenTelemetry's SDK, all of it in memory."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Tracer

from dbusers import DigitalOceanClient, RateLimit, Window
from dbusers.otel import Telemetry
from tests.calls import opened
from tests.clocks import JumpingClock
from tests.raw_server import RawServer

USER = {"user": {"name": "app"}}


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


class Recorded:
    """A `Telemetry`, and what has come of it."""

    def __init__(self, **keywords: Any) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.traces = TracerProvider(shutdown_on_exit=False)
        self.traces.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self.telemetry = Telemetry(self.traces, self.meters, **keywords)

    @property
    def hooks(self) -> dict[str, Any]:
        """The keywords that a client takes."""
        return {
            "middleware": [self.telemetry.attempt],
            "operation_middleware": [self.telemetry.operation],
        }

    @property
    def tracer(self) -> Tracer:
        """A program's own."""
        return self.traces.get_tracer("program")

    @property
    def spans(self) -> list[ReadableSpan]:
        """Those that have ended, in the order of their beginning."""
        return sorted(self._exporter.get_finished_spans(), key=lambda span: span.start_time or 0)

    @property
    def operations(self) -> list[ReadableSpan]:
        return self._ours(SpanKind.INTERNAL)

    @property
    def attempts(self) -> list[ReadableSpan]:
        return self._ours(SpanKind.CLIENT)

    def _ours(self, kind: SpanKind) -> list[ReadableSpan]:
        return [
            span
            for span in self.spans
            if span.kind is kind
            and span.instrumentation_scope
            and span.instrumentation_scope.name == "dbusers"
        ]

    def measured(self, name: str) -> list[HistogramDataPoint]:
        """Return what the histogram of that name holds."""
        found = self._reader.get_metrics_data()
        return [
            point
            for resource in (found.resource_metrics if found else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
            if isinstance(point, HistogramDataPoint)
        ]

    def everything(self) -> list[str]:
        """Return all that an exporter could write down."""
        found = self._reader.get_metrics_data()
        return [*(span.to_json() for span in self.spans), found.to_json() if found else ""]

    def shutdown(self) -> None:
        self.traces.shutdown()
        self.meters.shutdown()


def with_budget(calls: int, server: RawServer, recorded: Recorded) -> DigitalOceanClient:
    """Make a client that is observed, and may make so many calls a minute."""
    clock = JumpingClock()
    limit = RateLimit([Window(calls, 60)], clock=clock)
    return opened(server, rate_limit=limit, clock=clock, **recorded.hooks)


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    made = Recorded()
    yield made
    made.shutdown()
