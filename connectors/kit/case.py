"""What the suite must be told of the connector under test and of the server it talks to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

from connectors.crm.base import BaseCRMConnector, ConnectorCredentials, ConnectorOptions
from connectors.crm.model import Person, RangeSpec, Window
from connectors.http.client import Channel, HttpClient
from connectors.http.permits import Unlimited

_MOST_PAGES = 10_000


@dataclass(frozen=True)
class ConnectorCase:
    """One connector against one server.

    `person_ids` are all persons of `person_type` (default: the first declared) that the server
    shows; some hundreds, more than `options` put on one page, make the suite worth its time.
    """

    connector_class: type[BaseCRMConnector]
    options: Mapping[str, Any]
    credentials: Mapping[str, Any] = field(repr=False)
    person_ids: frozenset[str] = field(repr=False)
    declared_type: str | None = None
    logs_activities: bool = True
    has_webhooks: bool = True
    callback_url: str = "https://hooks.example.com/quo-sync/crm"

    @property
    def person_type(self) -> str:
        return self.declared_type or next(iter(self.connector_class.config.person_types))

    def settings(self) -> tuple[ConnectorOptions, ConnectorCredentials]:
        """Options and credentials as the connector types them."""
        cls = self.connector_class
        return cls.Options.model_validate(self.options), cls.Credentials.model_validate(
            self.credentials
        )

    def offline(self) -> BaseCRMConnector:
        """The connector over an HTTP client that nobody may touch."""
        return self.connector_class(*self.settings(), cast(HttpClient, _NoNetwork()))

    @contextmanager
    def connected(self) -> Iterator[BaseCRMConnector]:
        """The connector over real HTTP, without a budget."""
        options, credentials = self.settings()
        channel = Channel(options.base_url, self.connector_class.auth(credentials))
        try:
            yield self.connector_class(options, credentials, HttpClient(channel, Unlimited()))
        finally:
            channel.close()


class _NoNetwork:
    def __getattr__(self, name: str) -> NoReturn:
        raise AssertionError(f"the connector used the network ({name}) where it must not")


def pages_of(
    connector: BaseCRMConnector, spec: RangeSpec
) -> Iterator[tuple[str | None, list[Person]]]:
    """All pages of a range with the cursor that each was read with."""
    cursor: str | None = None
    seen: set[str] = set()
    for _ in range(_MOST_PAGES):
        page = connector.fetch_person_page(spec, cursor)
        yield cursor, list(page.persons)
        cursor = page.next_cursor
        if cursor is None:
            return
        assert cursor not in seen, f"cursor {cursor!r} of {spec.id} came twice"
        seen.add(cursor)
    raise AssertionError(f"{spec.id} does not end")


def all_persons(connector: BaseCRMConnector, person_type: str, window: Window) -> list[Person]:
    """Everyone that the ranges of a plan give, repeats included."""
    return [
        person
        for spec in connector.plan_ranges(person_type, window)
        for _, persons in pages_of(connector, spec)
        for person in persons
    ]
