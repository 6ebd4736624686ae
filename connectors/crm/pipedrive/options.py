"""What a user sets for a Pipedrive account, and the limits that follow from it."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from connectors.crm.base import ConnectorCredentials, ConnectorOptions
from connectors.crm.model import BudgetSpec

SEARCHES_PER_2S = 10.0
"""Searches per two seconds on every plan (https://pipedrive.readme.io, rate limiting)."""

_BURST_SOURCE = "https://pipedrive.readme.io, rate limiting: Lite, API token, rolling 2 s"
_DAILY_SOURCE = "https://pipedrive.readme.io, rate limiting: 30,000 x plan factor x seats per day"


class PipedriveOptions(ConnectorOptions):
    """`base_url` is the company's own address; the limits default to one seat of the Lite plan.

    The burst limit of an API token is 20 (Lite), 40 (Growth), 100 (Premium) or 120 (Ultimate)
    requests per two seconds. The daily tokens are shared by all apps of the company: 30,000 times
    1, 2, 5 or 7 by plan, times seats. `follow_organizations` re-reads in a delta the persons whose
    organisation changed, since a renamed organisation leaves its persons' update time alone.
    """

    base_url: str = Field(
        description="The company's address, such as https://acme.pipedrive.com",
        examples=["https://acme.pipedrive.com"],
    )
    page_size: int = Field(default=500, ge=1, le=500)
    burst_per_2s: float = Field(default=20, gt=0)
    daily_tokens: float = Field(default=30_000, gt=0)
    follow_organizations: bool = True

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query:
            raise ValueError(
                f"base_url: {value!r} is not an address; write https://COMPANY.pipedrive.com"
            )
        return value.rstrip("/")

    @property
    def host(self) -> str:
        """The company's host, with its port when it has one."""
        return urlsplit(self.base_url).netloc.lower()

    def budgets(self) -> tuple[BudgetSpec, ...]:
        """The burst limit of the token and the company's daily tokens."""
        return (
            BudgetSpec("burst", self.burst_per_2s, 2.0, _BURST_SOURCE),
            BudgetSpec("daily", self.daily_tokens, 86_400.0, _DAILY_SOURCE, daily=True),
        )


class PipedriveCredentials(ConnectorCredentials):
    """The personal API token of a user; it sees what that user sees."""

    api_token: SecretStr
