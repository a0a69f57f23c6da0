"""How Scalingo words an error: `error` (and `code`), `resource`, or `errors` by field."""

from typing import Any

from dbusers.response import ErrorBody


def read_error(document: Any) -> ErrorBody:
    """Return what an error answer says, in whichever of its forms."""
    if not isinstance(document, dict):
        return ErrorBody()
    parts = [document["error"]] if isinstance(document.get("error"), str) else []
    if isinstance(document.get("resource"), str):
        parts.append(f"(resource: {document['resource']})")
    if isinstance(document.get("url"), str):
        parts.append(document["url"])
    parts += _by_field(document.get("errors"))
    code = document.get("code")
    return ErrorBody(
        message=" ".join(parts) or None,
        id=str(code) if isinstance(code, str | int) else None,
    )


def _by_field(errors: Any) -> list[str]:
    if not isinstance(errors, dict):
        return []
    return [
        f"{field}: {', '.join(text for text in texts if isinstance(text, str))};"
        for field, texts in errors.items()
        if isinstance(texts, list)
    ]
