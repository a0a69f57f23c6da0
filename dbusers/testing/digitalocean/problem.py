"""How DigitalOcean says no: a status, a short id for it, and a message for a person."""

from dbusers.testing.wire import JsonObject

_ID_BY_STATUS = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    412: "precondition_failed",
    415: "unsupported_media_type",
    422: "unprocessable_entity",
    429: "too_many_requests",
    500: "server_error",
    502: "bad_gateway",
    503: "service_unavailable",
    504: "gateway_timeout",
}


class Problem(Exception):
    """The request is refused with this status and message."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.headers: dict[str, str] = headers or {}


def problem_body(status: int, message: str, request_id: str) -> JsonObject:
    """Make the provider's error body."""
    name = _ID_BY_STATUS.get(status, "error")
    return {"id": name, "message": message, "request_id": request_id}
