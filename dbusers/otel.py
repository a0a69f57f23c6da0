"""`Telemetry`: OpenTelemetry's spans and metrics of what a client does (extra `otel`).

    telemetry = Telemetry()
    DigitalOceanClient(
        middleware=[telemetry.attempt], operation_middleware=[telemetry.operation]
    )

After OpenTelemetry's semantic conventions for HTTP clients, which want a CLIENT span for each
request on the wire, and none around several: an operation's span, with its retries and waits, is
INTERNAL, and those of its attempts are its children. In one thing we differ on purpose: `url.full`
would name databases and users, so `url.template` stands for it.
"""

from functools import lru_cache
from time import perf_counter
from typing import Final

from opentelemetry.context import attach, detach
from opentelemetry.metrics import Histogram, MeterProvider, get_meter
from opentelemetry.trace import (
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    TracerProvider,
    get_tracer,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from dbusers.auth import origin
from dbusers.deadline import OutOfTime, progress
from dbusers.errors import ConfigurationError, DbusersError, RequestTimedOut, UnexpectedBody
from dbusers.request import Handler, RequestInformation
from dbusers.response import Response
from dbusers.version import __version__

__all__ = ["Telemetry"]

SCHEMA: Final = "https://opentelemetry.io/schemas/1.30.0"
# Semantic conventions, "HTTP request method": any other is `_OTHER`, and its span called HTTP.
METHODS: Final = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"}
)
# Semantic conventions, "http.client.request.duration"; in seconds.
REQUEST_BUCKETS: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75),
    *(1.0, 2.5, 5.0, 7.5, 10.0),
)
# Operations wait for retries and budgets, by default for 600 s at most.
WAITING_BUCKETS: Final = (*REQUEST_BUCKETS, 30.0, 60.0, 120.0, 300.0, 600.0)
ATTEMPT_BUCKETS: Final = (1, 2, 3, 4, 5, 10)
NOTICEABLE: Final = 0.001  # seconds; to find the budget unused takes less


class Telemetry:
    """Two hooks, one around each operation and one around each attempt; for any number of clients.

    - `tracer_provider`, `meter_provider`: else those that the program has set for itself; without
      any, nothing is recorded.
    - `propagate`: whether a request takes W3C's `traceparent` along. It tells the provider, a third
      party, which of its requests belong together, so it is off unless asked for.

    Spans and metrics have the method, the URL's template, the server, the status or the error's
    class, and spans the provider's request id: no URL, query, body or message, and no name of a
    database or user.
    """

    def __init__(
        self,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        *,
        propagate: bool = False,
    ) -> None:
        self._tracer = get_tracer("dbusers", __version__, tracer_provider, SCHEMA)
        meter = get_meter("dbusers", __version__, meter_provider, SCHEMA)
        self._propagator = TraceContextTextMapPropagator() if propagate else None
        self._requests = meter.create_histogram(
            "http.client.request.duration",
            "s",
            "Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=REQUEST_BUCKETS,
        )
        self._operations = meter.create_histogram(
            "dbusers.operation.duration",
            "s",
            "Duration of operations, with their retries and waits.",
            explicit_bucket_boundaries_advisory=WAITING_BUCKETS,
        )
        self._attempts = meter.create_histogram(
            "dbusers.operation.attempts",
            "{attempt}",
            "How often an operation's request was tried.",
            explicit_bucket_boundaries_advisory=ATTEMPT_BUCKETS,
        )
        self._waits = meter.create_histogram(
            "dbusers.rate_limit.wait",
            "s",
            "Time that attempts waited for the token's budget, of those that had to wait.",
            explicit_bucket_boundaries_advisory=WAITING_BUCKETS,
        )

    async def operation(self, request: RequestInformation, handler: Handler) -> Response:
        """Stand around an operation: for the client's `operation_middleware`."""
        observed = _Observation(self._tracer, SpanKind.INTERNAL, request)
        try:
            return await observed.run(request, handler, self._operations)
        finally:
            if observed.attempts is not None:
                self._attempts.record(observed.attempts, observed.attributes)
                observed.span.set_attribute("dbusers.operation.attempts", observed.attempts)
            if observed.retries:
                observed.span.set_attribute("dbusers.operation.retries", observed.retries)
            observed.span.end()

    async def attempt(self, request: RequestInformation, handler: Handler) -> Response:
        """Stand around an attempt: for the client's `middleware`.

        As the last of them it observes what goes over the wire; as the first, also what the other
        hooks do, such as to answer from a cache.
        """
        at = progress.get(None)
        if at is None:
            raise ConfigurationError(
                "an attempt is observed from `middleware`, an operation from `operation_middleware`"
            )
        observed = _Observation(self._tracer, SpanKind.CLIENT, request)
        if at.attempts > 1:
            observed.span.set_attribute("http.request.resend_count", at.attempts - 1)
        if at.waited > NOTICEABLE:
            observed.span.set_attribute("dbusers.rate_limit.wait", at.waited)
            # A copy: an SDK may keep what it is given, and the outcome is yet to be noted.
            self._waits.record(at.waited, {**observed.attributes})
        try:
            return await observed.run(self._tied(request, observed), handler, self._requests)
        finally:
            observed.span.end()

    def _tied(self, request: RequestInformation, observed: "_Observation") -> RequestInformation:
        if self._propagator is None:
            return request
        headers: dict[str, str] = {}
        self._propagator.inject(headers, observed.context)
        for name, value in headers.items():
            request = request.with_header(name, value)
        return request


class _Observation:
    """A span, and what it has in common with the measurements that go with it."""

    def __init__(self, tracer: Tracer, kind: SpanKind, request: RequestInformation) -> None:
        self.attributes = _about(request)
        self.attempts: int | None = None
        self.retries: tuple[str, ...] = ()
        self.span = tracer.start_span(_name(request), kind=kind, attributes=self.attributes)
        self.context = set_span_in_context(self.span)

    async def run(
        self, request: RequestInformation, handler: Handler, duration: Histogram
    ) -> Response:
        """Return the answer to `request`, measured, and with this span the current one."""
        token = attach(self.context)
        begun = perf_counter()
        try:
            response = await handler(request)
        except BaseException as error:
            self._failed(error)
            raise
        else:
            self._answered(response)
            return response
        finally:
            duration.record(perf_counter() - begun, self.attributes)
            detach(token)

    def _answered(self, response: Response) -> None:
        self._note("http.response.status_code", response.status)
        if not 200 <= response.status < 300:  # redirects too: they are not followed
            self._ended_badly(str(response.status))
        if self.span.is_recording():
            self._note_request_id(response.printable(response.request_id))
        self.attempts, self.retries = response.attempts, response.retries

    def _failed(self, error: BaseException) -> None:
        # Of an exception its class alone: our messages may name users, others' say anything.
        cls = RequestTimedOut if isinstance(error, OutOfTime) else type(error)
        self._ended_badly(f"{cls.__module__}.{cls.__qualname__}")
        if isinstance(error, UnexpectedBody) and error.status is not None:
            self._note("http.response.status_code", error.status)
        if isinstance(error, DbusersError):
            self._note_request_id(error.request_id)
            self.attempts, self.retries = error.attempts, error.retries

    def _ended_badly(self, error_type: str) -> None:
        self._note("error.type", error_type)
        self.span.set_status(Status(StatusCode.ERROR))

    def _note(self, name: str, value: str | int) -> None:
        self.attributes[name] = value
        self.span.set_attribute(name, value)

    def _note_request_id(self, request_id: str | None) -> None:
        if request_id is not None:
            self.span.set_attribute("http.response.header.x-request-id", [request_id])


def _name(request: RequestInformation) -> str:
    method = request.method if request.method in METHODS else "HTTP"
    return method if request.route is None else f"{method} {request.route}"


def _about(request: RequestInformation) -> dict[str, str | int]:
    # All paths below a base URL have its origin, and it is parsed once.
    host, port = _server(request.url if request.raw_url is not None else request.base_url)
    about: dict[str, str | int] = {
        "http.request.method": request.method if request.method in METHODS else "_OTHER",
        "server.address": host,
        "server.port": port,
    }
    if request.route is not None:
        about["url.template"] = request.route
    return about


@lru_cache(maxsize=64)
def _server(url: str) -> tuple[str, int]:
    _, host, port = origin(url)
    return host, port
