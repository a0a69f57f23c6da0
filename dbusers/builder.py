"""`RequestBuilder`: a place in the URL tree of a provider."""

import copy
from collections.abc import Mapping
from typing import ClassVar, Self

from dbusers.adapter import Adapter
from dbusers.request import (
    NO_CONFIGURATION,
    Repeat,
    RequestConfiguration,
    RequestInformation,
    prepared_request,
)
from dbusers.secret import Secret


class RequestBuilder:
    """A place in the URL tree: nouns lead further down, verbs act on it.

    For each verb there is a `to_<verb>_request_information` that returns the request unsent.
    """

    url_template: ClassVar[str]

    __slots__ = ("_raw_url", "adapter", "base_url", "path_parameters")

    def __init__(
        self,
        adapter: Adapter,
        base_url: str,
        path_parameters: Mapping[str, str],
    ) -> None:
        self.adapter: Adapter = adapter
        self.base_url: str = base_url
        self.path_parameters: Mapping[str, str] = path_parameters
        self._raw_url: str | None = None

    def with_url(self, raw_url: str) -> Self:
        """Return the builder for another URL, used as it is instead of template and parameters.

        The credential still goes to the client's own hosts only: a call elsewhere raises
        `InvalidRequest`.
        """
        builder = copy.copy(self)
        builder._raw_url = raw_url
        return builder

    def _information(
        self,
        method: str,
        configuration: RequestConfiguration | None,
        *,
        content: bytes | None = None,
        repeat: Repeat | None = None,
        secrets: tuple[Secret, ...] = (),
    ) -> RequestInformation:
        return prepared_request(
            method,
            self.url_template,
            self.path_parameters,
            self.base_url,
            raw_url=self._raw_url,
            configuration=configuration or NO_CONFIGURATION,
            content=content,
            repeat=repeat,
            secrets=secrets,
        )
