"""A made-up CRM for tests of scale: numbered pages with a total, and nothing else.

Pages shift when persons are edited or deleted meanwhile; the next full read meets what slipped.

GET {base_url}/persons?page=N&page_size=M[&updated_since=T]  ->  {"persons", "page", "total"}
GET {base_url}/persons?ids=1,2,3                             ->  {"persons", "total"}
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, cast

from pydantic import Field, SecretStr

from connectors.clock import iso, parse_time
from connectors.crm.base import BaseCRMConnector, ConnectorCredentials, ConnectorOptions
from connectors.crm.model import (
    Activity,
    ContactDraft,
    CRMConfig,
    Labelled,
    Paging,
    Person,
    PersonPage,
    RangeSpec,
    WebhookSubscription,
    Window,
)
from connectors.errors import ConfigurationError, CursorRefused
from connectors.http.auth import Auth, HeaderAuth, NoAuth
from connectors.http.client import HttpClient

_PERSON = "Person"
_PERSONS_PER_RANGE = 1_000
_MAX_RANGES = 1_000
_MAX_IDS = 100


class ScalingTestOptions(ConnectorOptions):
    page_size: int = Field(default=500, ge=1, le=1_000)


class ScalingTestCredentials(ConnectorCredentials):
    """A token, where the server wants one."""

    api_token: SecretStr | None = None


class ScalingTestConnector(BaseCRMConnector):
    """One server of the scaling test; it has no limits, webhooks or activities."""

    config: ClassVar[CRMConfig] = CRMConfig(
        name="scaling-test",
        person_types={_PERSON: "person"},
        paging=Paging.PAGES,
        page_size=500,
        max_page_size=1_000,
        totals=True,
    )
    Options: ClassVar[type[ConnectorOptions]] = ScalingTestOptions
    Credentials: ClassVar[type[ConnectorCredentials]] = ScalingTestCredentials

    def __init__(
        self, options: ConnectorOptions, credentials: ConnectorCredentials, http: HttpClient
    ) -> None:
        super().__init__(options, credentials, http)
        self._page_size = cast(ScalingTestOptions, options).page_size

    @classmethod
    def auth(cls, credentials: ConnectorCredentials) -> Auth:
        token = cast(ScalingTestCredentials, credentials).api_token
        return NoAuth() if token is None else HeaderAuth("x-api-token", token.get_secret_value())

    def plan_ranges(self, person_type: str, window: Window) -> Sequence[RangeSpec]:
        """Ranges of a few consecutive pages, from one request for the total.

        The last one is open-ended, so persons added meanwhile are not missed.
        """
        total = self._get({"page": 1, "page_size": 1, **_since(window.since)})["total"]
        pages = max(1, math.ceil(total / self._page_size))
        step = max(math.ceil(_PERSONS_PER_RANGE / self._page_size), math.ceil(pages / _MAX_RANGES))
        return [
            RangeSpec(
                person_type,
                Paging.PAGES,
                first_page=first,
                last_page=first + step - 1 if first + step <= pages else None,
                since=window.since,
                until=window.until,
                expected=min(step * self._page_size, total - (first - 1) * self._page_size),
            )
            for first in range(1, pages + 1, step)
        ]

    def fetch_person_page(self, range: RangeSpec, cursor: str | None) -> PersonPage:
        """The page that the cursor numbers (of ids: the hundred of them)."""
        if range.only:
            raise ConfigurationError(
                f"only.{next(iter(range.only))}: scaling-test has no filters; leave `only` out."
            )
        number = _whole(cursor, range.first_page or 1)
        if range.kind is Paging.IDS:
            chunk = range.ids[(number - 1) * _MAX_IDS : number * _MAX_IDS]
            more = number * _MAX_IDS < len(range.ids)
            persons = self.fetch_persons_by_ids(range.person_type, chunk)
            return PersonPage(persons, str(number + 1) if more else None)
        body = self._get({"page": number, "page_size": self._page_size, **_since(range.since)})
        total = int(body["total"])
        last = range.last_page or math.inf
        more = number < last and number * self._page_size < total
        return PersonPage(_persons(body), str(number + 1) if more else None, total)

    def fetch_persons_by_ids(self, person_type: str, ids: Sequence[str]) -> Sequence[Person]:  # noqa: ARG002
        found: list[Person] = []
        for start in range(0, len(ids), _MAX_IDS):
            found += _persons(self._get({"ids": ",".join(ids[start : start + _MAX_IDS])}))
        return found

    def transform_person_to_quo(self, person: Person) -> ContactDraft:
        fields = person.fields
        return ContactDraft(
            first_name=fields.get("first_name"),
            last_name=fields.get("last_name"),
            company=fields.get("company"),
            role=fields.get("job_title"),
            phones=_labelled(fields.get("phones")),
            emails=_labelled(fields.get("emails")),
        )

    def log_sms_to_activity(
        self,
        activity: Activity,  # noqa: ARG002
        person_id: str,  # noqa: ARG002
        existing: str | None,  # noqa: ARG002
    ) -> str:
        raise _has_none("activities")

    def log_call_to_activity(
        self,
        activity: Activity,  # noqa: ARG002
        person_id: str,  # noqa: ARG002
        existing: str | None,  # noqa: ARG002
    ) -> str:
        raise _has_none("activities")

    def setup_webhooks(
        self,
        callback_url: str,  # noqa: ARG002
    ) -> Sequence[WebhookSubscription]:
        raise _has_none("webhooks")

    def check(self) -> str:
        """One request for the total."""
        total = self._get({"page": 1, "page_size": 1})["total"]
        return f"{self.account(self.options)} ({total} persons)"

    def _get(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return cast(dict[str, Any], self.http.get("/persons", params).json())


def _persons(body: Mapping[str, Any]) -> tuple[Person, ...]:
    return tuple(
        Person(
            _PERSON,
            str(row["id"]),
            _time(row.get("created_at")),
            _time(row.get("updated_at")),
            fields=row,
        )
        for row in body["persons"]
    )


def _time(text: str | None) -> datetime | None:
    return parse_time(text) if text else None


def _since(since: datetime | None) -> dict[str, str]:
    return {} if since is None else {"updated_since": iso(since)}


def _labelled(items: Sequence[Mapping[str, Any] | None] | None) -> tuple[Labelled, ...]:
    return tuple(
        Labelled(item["value"], item.get("label"))
        for item in items or ()
        if item and item.get("value")
    )


def _whole(cursor: str | None, first: int) -> int:
    if cursor is None:
        return first
    if not cursor.isdigit():
        raise CursorRefused(f"The cursor {cursor!r} is no page number.")
    return int(cursor)


def _has_none(what: str) -> ConfigurationError:
    return ConfigurationError(f"crm: scaling-test has no {what}; use another CRM for them.")
