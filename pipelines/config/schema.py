"""The keys that users type, with their types, bounds and defaults."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from connectors.errors import ConfigurationError
from connectors.http.address import Address
from transforms.phones import is_region

MAX_SOURCE = 72
RESERVED_SOURCES = frozenset({"openphone", "device", "csv", "zapier", "google-people", "other"})
RESERVED_PREFIXES = ("openphone", "csv")
"""Quo's rules for `source` on create (v1 API description)."""


class _Keys(BaseModel):
    """Unknown keys are refused; a number where a text belongs (an id, say) is that text."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, coerce_numbers_to_str=True, hide_input_in_errors=True
    )


_EmptySection = BeforeValidator(lambda value: {} if value is None else value)
"""`only:` with nothing below it is an empty section, as YAML has no other way to leave one open."""

_Text = Annotated[str, Field(min_length=1)]


class FieldKeys(_Keys):
    path: _Text
    null: Literal["clear", "skip"] = "clear"


_FieldSetting = Annotated[
    FieldKeys, BeforeValidator(lambda value: {"path": value} if isinstance(value, str) else value)
]
"""`job_title` is short for `{path: job_title}`."""


class TypeFieldsKeys(_Keys):
    first_name: _FieldSetting | None = None
    last_name: _FieldSetting | None = None
    company: _FieldSetting | None = None
    role: _FieldSetting | None = None
    custom: Annotated[dict[str, _FieldSetting], _EmptySection] = {}


class FieldsKeys(TypeFieldsKeys):
    by_type: Annotated[dict[str, TypeFieldsKeys], _EmptySection] = {}


class QuoKeys(_Keys):
    api_key: _Text
    base_url: str = "https://api.openphone.com"
    requests_per_second: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = 10.0
    source: _Text | None = None

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        try:
            Address(value)
        except ConfigurationError as error:
            raise ValueError(error.message) from None
        return value.rstrip("/")

    @field_validator("source")
    @classmethod
    def _is_not_reserved(cls, value: str | None) -> str | None:
        if value is not None and (problem := source_problem(value)):
            raise ValueError(problem)
        return value


class SyncKeys(_Keys):
    without_phone: Literal["skip", "sync"] = "skip"
    deletes: Literal["keep"] = "keep"
    merge: bool = True
    on_conflict: Literal["crm", "quo", "newest"] = "crm"
    max_delete_percent: Annotated[float, Field(ge=0, le=100)] = 10.0
    overlap_seconds: Annotated[int, Field(ge=0)] = 300


class ScheduleKeys(_Keys):
    ongoing_minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 60.0
    initial_days: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 7.0


class IntegrationKeys(_Keys):
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    user_id: _Text
    crm: _Text
    crm_options: Annotated[dict[str, Any], _EmptySection] = {}
    crm_credentials: Annotated[dict[str, Any], _EmptySection] = {}
    quo: QuoKeys
    person_types: Annotated[list[_Text], Field(min_length=1)] | None = None
    default_region: str = "US"
    fields: Annotated[FieldsKeys, _EmptySection] = FieldsKeys()
    only: Annotated[dict[str, Any], _EmptySection] = {}
    sync: Annotated[SyncKeys, _EmptySection] = SyncKeys()
    schedule: Annotated[ScheduleKeys, _EmptySection] = ScheduleKeys()

    @field_validator("default_region", mode="before")
    @classmethod
    def _is_a_region(cls, value: Any) -> Any:
        if value is False:
            raise ValueError('YAML reads NO as false; write it in quotes: "NO"')
        if not isinstance(value, str) or not is_region(value):
            raise ValueError("numbers cannot be read for it; use a region such as US, CA or GB")
        return value


class FileKeys(_Keys):
    repository: _Text
    stale_after_seconds: Annotated[int, Field(ge=60)] = 900
    token_key: _Text | None = None
    integrations: Annotated[list[IntegrationKeys], Field(min_length=1)]


def source_problem(source: str) -> str | None:
    """Why Quo would refuse this `source`, None when it would not."""
    word = source.lower()
    if word in RESERVED_SOURCES or word.startswith(RESERVED_PREFIXES):
        words, prefixes = ", ".join(sorted(RESERVED_SOURCES)), " or ".join(RESERVED_PREFIXES)
        return f"Quo reserves {words} and all that begins with {prefixes}; choose another"
    if len(source) > MAX_SOURCE:
        return f"it has {len(source)} characters and Quo takes {MAX_SOURCE}; choose a shorter one"
    return None
