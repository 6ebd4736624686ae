"""The contract that every CRM connector fulfils: five methods, the rest has defaults.

A connector is synchronous, knows neither Beam nor a database, and does no I/O when constructed.
It returns neutral `Person`s; nobody above it reads a CRM's JSON. A new CRM is one module (or
package) with one subclass, and one line in the entry-point group `quo_sync.crms`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

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
from connectors.errors import ConfigurationError
from connectors.http.auth import Auth
from connectors.http.client import HttpClient


class ConnectorOptions(BaseModel):
    """Options that every CRM has; subclasses add their own, typed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str


class ConnectorCredentials(BaseModel):
    """Secrets of one account: references in the configuration, values on the worker.

    Declare every field as `SecretStr`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


class BaseCRMConnector(ABC):
    """One account of one CRM, for one process; used from one thread at a time.

    Errors are those of `connectors.errors`: the HTTP client raises them, a connector adds
    `CursorRefused` when the CRM no longer takes a cursor, and `ConfigurationError` when an option
    or filter names something the account does not have.
    """

    config: ClassVar[CRMConfig]
    Options: ClassVar[type[ConnectorOptions]]
    Credentials: ClassVar[type[ConnectorCredentials]]

    def __init__(
        self, options: ConnectorOptions, credentials: ConnectorCredentials, http: HttpClient
    ) -> None:
        self.options = options
        self.credentials = credentials
        self.http = http

    # -- declarations that the HTTP client of an account is built from --------------------------

    @classmethod
    @abstractmethod
    def auth(cls, credentials: ConnectorCredentials) -> Auth:
        """How requests of this account are signed."""

    @classmethod
    def account(cls, options: ConnectorOptions) -> str:
        """What the CRM counts requests by (company, user): never an access token."""
        return options.base_url

    @classmethod
    def budgets(cls, options: ConnectorOptions) -> Sequence[BudgetSpec]:  # noqa: ARG003
        """The limits of this account; override when options (a plan, say) change them."""
        return cls.config.budgets

    # -- the five ---------------------------------------------------------------------------

    @abstractmethod
    def fetch_person_page(self, range: RangeSpec, cursor: str | None) -> PersonPage:
        """One page of a range; `cursor` None = its beginning. Windows are [since, until).

        A range of kind IDS (retry) gives the newest value of each of its ids.
        """

    @abstractmethod
    def transform_person_to_quo(self, person: Person) -> ContactDraft:
        """Pure: names, company, role, raw labelled phones and e-mails, link."""

    @abstractmethod
    def log_sms_to_activity(self, activity: Activity, person_id: str, existing: str | None) -> str:
        """Log a text on the person, or rewrite `existing`; returns the CRM's id of the record."""

    @abstractmethod
    def log_call_to_activity(self, activity: Activity, person_id: str, existing: str | None) -> str:
        """Log a call on the person, or rewrite `existing`; returns the CRM's id of the record."""

    @abstractmethod
    def setup_webhooks(self, callback_url: str) -> Sequence[WebhookSubscription]:
        """List first, create what is missing; calling it again changes nothing."""

    # -- with defaults ----------------------------------------------------------------------

    def plan_ranges(self, person_type: str, window: Window) -> Sequence[RangeSpec]:
        """Cut what is to be read into ranges, newest first.

        `window.until` is open: the planner closes it at T0. The default is one chain.
        """
        return [RangeSpec(person_type, Paging.CHAIN, since=window.since, until=window.until)]

    def fetch_persons_by_ids(
        self,
        person_type: str,
        ids: Sequence[str],  # noqa: ARG002
    ) -> Sequence[Person]:
        """The newest value of each id; an id that the CRM does not show is absent."""
        raise ConfigurationError(
            f"{self.config.name} cannot read a {person_type} by id; run the sync instead of a retry"
        )

    def fetch_deleted(self, person_type: str, window: Window) -> Iterable[str]:  # noqa: ARG002
        """Ids deleted within the window, where the CRM keeps a list of them."""
        return ()

    def find_persons_by_phone(self, phone: str) -> Sequence[Person]:  # noqa: ARG002
        """Persons who have exactly this E.164 number."""
        raise ConfigurationError(f"{self.config.name} cannot be searched by phone")

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool:  # noqa: ARG002
        """Whether the delivery is the CRM's own; compares in constant time."""
        return False

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> Sequence[PersonEvent]:  # noqa: ARG002
        """The events of a verified delivery; unknown ones give nothing."""
        return ()

    def renew_webhooks(
        self, subscriptions: Sequence[WebhookSubscription]
    ) -> Sequence[WebhookSubscription]:
        """Prolong subscriptions that expire; most do not."""
        return subscriptions

    def remove_webhooks(self, subscriptions: Sequence[WebhookSubscription]) -> None:  # noqa: B027
        """Delete the subscriptions; one that is already gone is no error."""

    def check(self) -> str:
        """Prove reachability and credentials with little; returns the account's name."""
        first_type = next(iter(self.config.person_types))
        self.fetch_person_page(self.plan_ranges(first_type, Window())[0], None)
        return self.account(self.options)

    def check_if_needs_config(self) -> bool:
        """Whether the account needs settings that the user has not given."""
        return False

    @classmethod
    def get_config_options(cls) -> dict[str, Any]:
        """JSON schema of the options."""
        return cls.Options.model_json_schema()

    def on_create(self) -> None:  # noqa: B027
        """Runs in the first planning step of an integration."""

    def on_update(self) -> None:  # noqa: B027
        """Runs in the first planning step after the settings changed."""
