"""The Pipedrive connector: the contract on one screen, each duty in a module of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, cast

from connectors.crm.base import BaseCRMConnector, ConnectorCredentials, ConnectorOptions
from connectors.crm.model import (
    Activity,
    BudgetSpec,
    ContactDraft,
    CRMConfig,
    Paging,
    Person,
    PersonEvent,
    PersonPage,
    RangeSpec,
    WebhookSubscription,
    Window,
)
from connectors.crm.pipedrive import filters, webhooks
from connectors.crm.pipedrive.activities import ActivityLog
from connectors.crm.pipedrive.api import ONE, V1, call, envelope
from connectors.crm.pipedrive.contacts import contact_draft, link_base
from connectors.crm.pipedrive.options import PipedriveCredentials, PipedriveOptions
from connectors.crm.pipedrive.persons import PERSON, PersonReader
from connectors.crm.pipedrive.phones import PhoneBook
from connectors.crm.pipedrive.renames import RenamedOrganizations
from connectors.crm.pipedrive.windows import WindowPlanner
from connectors.http.auth import Auth, HeaderAuth
from connectors.http.client import HttpClient


class PipedriveConnector(BaseCRMConnector):
    """One Pipedrive company, seen with one user's API token.

    What the user may not see is not listed, and nothing says so. Deleted persons are listed
    nowhere: webhooks name them, and absence from a read proves nothing.
    """

    config: ClassVar[CRMConfig] = CRMConfig(
        name="pipedrive",
        person_types={PERSON: "person"},
        paging=Paging.WINDOWS,
        page_size=500,
        max_page_size=500,
        totals=False,
        filters=filters.KEYS,
        budgets=PipedriveOptions(base_url="https://api.pipedrive.com").budgets(),
    )
    Options: ClassVar[type[ConnectorOptions]] = PipedriveOptions
    Credentials: ClassVar[type[ConnectorCredentials]] = PipedriveCredentials

    def __init__(
        self, options: ConnectorOptions, credentials: ConnectorCredentials, http: HttpClient
    ) -> None:
        super().__init__(options, credentials, http)
        chosen = cast(PipedriveOptions, options)
        token = cast(PipedriveCredentials, credentials).api_token.get_secret_value()
        self._links = link_base(chosen.host)
        self._follow_organizations = chosen.follow_organizations
        self._planner = WindowPlanner(http, chosen.page_size)
        self._reader = PersonReader(http, chosen.page_size)
        self._renamed = RenamedOrganizations(http, self._reader, chosen.page_size)
        self._phone_book = PhoneBook(http, self._reader, chosen.burst_per_2s)
        self._activities = ActivityLog(http)
        self._webhooks = webhooks.Webhooks(http, token)

    @classmethod
    def auth(cls, credentials: ConnectorCredentials) -> Auth:
        token = cast(PipedriveCredentials, credentials).api_token
        return HeaderAuth("x-api-token", token.get_secret_value())

    @classmethod
    def account(cls, options: ConnectorOptions) -> str:
        """The company's host: its daily tokens are shared by all users and apps."""
        return cast(PipedriveOptions, options).host

    @classmethod
    def budgets(cls, options: ConnectorOptions) -> Sequence[BudgetSpec]:
        return cast(PipedriveOptions, options).budgets()

    def plan_ranges(self, person_type: str, window: Window) -> Sequence[RangeSpec]:
        """Windows of update time; a delta has one chain more, over the changed organisations."""
        ranges = self._planner.plan(person_type, window)
        if window.since is not None and self._follow_organizations:
            changed = replace(ranges[0], kind=Paging.CHAIN, since=window.since, until=window.until)
            ranges.append(changed)
        return ranges

    def fetch_person_page(self, range: RangeSpec, cursor: str | None) -> PersonPage:
        if range.kind is Paging.IDS:
            return self._reader.page_of_ids(range, cursor)
        if range.kind is Paging.CHAIN and range.since is not None:
            return self._renamed.page(range, cursor)
        return self._reader.page(range, cursor)

    def transform_person_to_quo(self, person: Person) -> ContactDraft:
        return contact_draft(person, self._links)

    def fetch_persons_by_ids(
        self,
        person_type: str,  # noqa: ARG002
        ids: Sequence[str],
    ) -> Sequence[Person]:
        return self._reader.by_ids(ids)

    def find_persons_by_phone(self, phone: str) -> Sequence[Person]:
        return self._phone_book.find(phone)

    def log_sms_to_activity(self, activity: Activity, person_id: str, existing: str | None) -> str:
        return self._activities.log_sms(activity, person_id, existing)

    def log_call_to_activity(self, activity: Activity, person_id: str, existing: str | None) -> str:
        return self._activities.log_call(activity, person_id, existing)

    def setup_webhooks(self, callback_url: str) -> Sequence[WebhookSubscription]:
        return self._webhooks.setup(callback_url)

    def remove_webhooks(self, subscriptions: Sequence[WebhookSubscription]) -> None:
        self._webhooks.remove(subscriptions)

    def verify_webhook(
        self,
        headers: Mapping[str, str],
        body: bytes,  # noqa: ARG002
        secret: str,
    ) -> bool:
        return webhooks.verify(headers, secret)

    def parse_webhook(
        self,
        headers: Mapping[str, str],  # noqa: ARG002
        body: bytes,
    ) -> Sequence[PersonEvent]:
        return webhooks.parse(body)

    def check(self) -> str:
        """The company, and the user whose visibility the token has."""
        me = envelope(self.http.send(call("GET", f"{V1}/users/me", ONE)))["data"] or {}
        company = me.get("company_name") or self.account(self.options)
        return f"{company} (as {me['name']})" if me.get("name") else str(company)
