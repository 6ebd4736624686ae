"""How a sandbox behaves; everything can be changed while it runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.sandbox.rules import FaultRule

QUO_KEY = "sandbox-quo-key"
CRM_TOKEN = "sandbox-crm-token"
SPICY_SHARE_WITHOUT_PHONE = 0.05

FieldType = Literal["address", "string", "url", "boolean", "date", "number", "multi-select"]


class FieldDefinition(BaseModel):
    """A contact custom field of the Quo workspace."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    name: str
    type: FieldType = "string"


class Settings(BaseModel):
    """Settings of one sandbox.

    People: `persons` of them, the same for the same `seed`; `spice` makes about 26 in a thousand
    odd (see `people`); `without_phone_share` defaults to 0, with spice to 0.05; `seed_time` is the
    update time of the newest one (default: a minute before the start); `rows_per_second` is how
    densely imports wrote them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    persons: int = Field(default=1000, ge=0)
    seed: int = 1
    spice: bool = False
    without_phone_share: float | None = Field(default=None, ge=0, le=1)
    seed_time: datetime | None = None
    rows_per_second: int = Field(default=25, ge=1)

    crm_latency_ms: float = Field(default=0, ge=0)
    quo_latency_ms: float = Field(default=0, ge=0)

    quo_keys: tuple[str, ...] = (QUO_KEY,)
    crm_tokens: tuple[str, ...] = (CRM_TOKEN,)
    key_prefix: str | None = None
    """Any key or token that begins so is accepted too."""
    key_delay_seconds: float = Field(default=0, ge=0)
    """A Quo key answers 401 for so long after it was registered or this was set."""

    quo_rate: int | None = Field(default=None, ge=1)
    """Requests per one-second window and key; None = no limit."""
    quo_rate_headers: Literal["seconds", "date", "none"] = "seconds"
    """Form of Retry-After on 429; `none` leaves the RateLimit headers out too."""
    quo_forbidden: bool = False
    list_lag_ms: float = Field(default=0, ge=0)
    """For so long a listing misses a created contact and still shows a deleted one."""
    patch_clears_scalars: bool = True
    """Whether PATCH empties names, company and role that it leaves out."""
    custom_fields: tuple[FieldDefinition, ...] = ()

    crm_burst: int | None = Field(default=None, ge=1)
    """Requests per rolling two seconds and token; None = no limit."""
    crm_daily_tokens: int | None = Field(default=None, ge=0)
    cloudflare_after: int | None = Field(default=None, ge=1)
    """So many 429 in a row are followed by 403 with an HTML page."""
    accept_fractional_times: bool = False
    end_cursor: Literal["null", "missing"] = "null"
    search_lag_ms: float = Field(default=0, ge=0)
    filters: dict[int, dict[str, int]] = Field(default_factory=dict)
    """Saved filters of the CRM: filter id → conditions on owner_id and org_id."""

    log_size: int = Field(default=100_000, ge=0)
    log_bodies: bool = False
    faults: tuple[FaultRule, ...] = ()

    @property
    def phoneless_share(self) -> float:
        if self.without_phone_share is not None:
            return self.without_phone_share
        return SPICY_SHARE_WITHOUT_PHONE if self.spice else 0.0

    def changed(self, changes: dict[str, Any]) -> Settings:
        """A validated copy; raises pydantic's ValidationError."""
        return Settings.model_validate({**self.model_dump(), **changes})
