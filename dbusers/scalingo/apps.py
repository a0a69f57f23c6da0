"""Builders for Scalingo's apps, their addons and the regions: one class for each path."""

from dbusers.builder import RequestBuilder
from dbusers.paging import all_pages
from dbusers.request import RequestConfiguration, RequestInformation
from dbusers.scalingo.models import Addon, App, Region
from dbusers.scalingo.paging import next_page


class RegionsRequestBuilder(RequestBuilder):
    """The regions: `/v1/regions` on the authentication host."""

    url_template = "/v1/regions"

    __slots__ = ()

    async def get(self, configuration: RequestConfiguration | None = None) -> list[Region]:
        """Return the regions and their hosts. `GET /v1/regions`, bearer of the platform."""
        request = self.to_get_request_information(configuration)
        regions, _ = await all_pages(self.adapter, request, next_page, Region, "regions")
        return regions

    def to_get_request_information(
        self, configuration: RequestConfiguration | None = None
    ) -> RequestInformation:
        """Return the request of `get`, unsent."""
        return self._information("GET", configuration)


class AppsRequestBuilder(RequestBuilder):
    """The apps: `/v1/apps` on the platform host."""

    url_template = "/v1/apps"

    __slots__ = ()

    async def get(self, configuration: RequestConfiguration | None = None) -> list[App]:
        """Return all apps that the token sees. `GET /v1/apps`, bearer of the platform."""
        request = self.to_get_request_information(configuration)
        apps, _ = await all_pages(self.adapter, request, next_page, App, "apps")
        return apps

    def to_get_request_information(
        self, configuration: RequestConfiguration | None = None
    ) -> RequestInformation:
        """Return the request of `get`, unsent."""
        return self._information("GET", configuration)

    def by_name(self, app: str) -> "AppRequestBuilder":
        """Return the builder of one app."""
        return AppRequestBuilder(self.adapter, self.base_url, {**self.path_parameters, "app": app})


class AppRequestBuilder(RequestBuilder):
    """One app: `/v1/apps/{app}`, which only leads on to its addons."""

    url_template = "/v1/apps/{app}"

    __slots__ = ()

    @property
    def addons(self) -> "AddonsRequestBuilder":
        """Return the builder of the app's addons."""
        return AddonsRequestBuilder(self.adapter, self.base_url, self.path_parameters)


class AddonsRequestBuilder(RequestBuilder):
    """The addons of an app: `/v1/apps/{app}/addons` on the platform host."""

    url_template = "/v1/apps/{app}/addons"

    __slots__ = ()

    async def get(self, configuration: RequestConfiguration | None = None) -> list[Addon]:
        """Return the addons of the app. `GET /v1/apps/{app}/addons`, bearer of the platform."""
        request = self.to_get_request_information(configuration)
        addons, _ = await all_pages(self.adapter, request, next_page, Addon, "addons")
        return addons

    def to_get_request_information(
        self, configuration: RequestConfiguration | None = None
    ) -> RequestInformation:
        """Return the request of `get`, unsent."""
        return self._information("GET", configuration)
