"""How Scalingo says no: a status, and a body whose form depends on it."""

from dbusers.testing.wire import Answer, JsonObject, status_phrase


class Problem(Exception):
    """The request is refused with this status and body."""

    def __init__(
        self, status: int, body: JsonObject, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers: dict[str, str] = headers or {}


def bad_request(text: str) -> Problem:
    """400: the request itself cannot be read."""
    return Problem(400, {"error": text})


def unauthorized(text: str) -> Problem:
    """401: no credential, or one that is not (or no longer) valid here."""
    return Problem(401, {"error": text})


def forbidden(text: str, code: str) -> Problem:
    """403: the credential is valid, and still this is not allowed."""
    return Problem(403, {"error": text, "code": code})


def not_found(resource: str) -> Problem:
    """404: there is no such app, addon, database or user."""
    return Problem(404, {"resource": resource, "error": "not found"})


def invalid(field: str, text: str) -> Problem:
    """422: this field's value is refused."""
    return Problem(422, {"errors": {field: [text]}})


def answer_of_status(status: int) -> Answer:
    """Make an answer of this status with a body of its form, for a fault."""
    text = status_phrase(status).lower() or "error"
    match status:
        case 429:
            return Answer.text(429, "Retry later\n")
        case 404:
            return Answer.json(404, {"resource": "resource", "error": "not found"})
        case 422:
            return Answer.json(422, {"errors": {"base": ["is invalid"]}})
        case 402:
            return Answer.json(402, {"error": text, "url": "https://example.com/billing"})
        case _ if status >= 400:
            return Answer.json(status, {"error": text})
        case _:
            return Answer(status)
