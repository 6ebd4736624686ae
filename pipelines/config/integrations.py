"""One integration's keys against its CRM: types, filters, options and credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from connectors.crm.base import BaseCRMConnector
from connectors.crm.registry import connector_class, installed_crms
from connectors.http.secrets import is_reference
from pipelines.config.problems import Location, Problems
from pipelines.config.schema import (
    FieldKeys,
    FieldsKeys,
    IntegrationKeys,
    TypeFieldsKeys,
    source_problem,
)
from transforms.mapping import SCALARS
from transforms.settings import (
    FieldMapping,
    FieldSource,
    IntegrationSettings,
    QuoSettings,
    SyncPolicy,
)


def integration_settings(
    keys: IntegrationKeys, index: int, problems: Problems
) -> IntegrationSettings:
    """The settings of the integration at `index`, resolved to the defaults of its CRM."""
    place: Location = ("integrations", index)
    if keys.crm not in installed_crms():
        raise problems.unknown((*place, "crm"), keys.crm, "installed CRM", installed_crms())
    connector = connector_class(keys.crm)
    return IntegrationSettings(
        id=keys.id,
        user_id=keys.user_id,
        crm=keys.crm,
        crm_options=_options(keys.crm_options, connector, (*place, "crm_options"), problems),
        crm_credentials=_credentials(
            keys.crm_credentials, connector, (*place, "crm_credentials"), problems
        ),
        quo=_quo(keys, place, problems),
        person_types=_person_types(keys, connector, place, problems),
        default_region=keys.default_region,
        fields=_fields(keys.fields, connector, (*place, "fields"), problems),
        only=_only(keys.only, connector, (*place, "only"), problems),
        sync=SyncPolicy(**keys.sync.model_dump()),
        ongoing_minutes=keys.schedule.ongoing_minutes,
        initial_days=keys.schedule.initial_days,
    )


def require_reference(problems: Problems, location: Location, value: Any, *, example: str) -> None:
    """A secret in the file is refused, and not shown."""
    if not isinstance(value, str) or not is_reference(value):
        raise problems.error(
            location,
            "a secret may not stand in this file; keep it elsewhere and write a reference to it, "
            f"such as env:{example} or file:PATH",
        )


def _options(
    raw: Mapping[str, Any],
    connector: type[BaseCRMConnector],
    place: Location,
    problems: Problems,
) -> dict[str, Any]:
    try:
        options = connector.Options.model_validate(raw)
    except ValidationError as error:
        raise problems.invalid(error, connector.Options, place) from None
    return options.model_dump(mode="json")


def _credentials(
    raw: Mapping[str, Any],
    connector: type[BaseCRMConnector],
    place: Location,
    problems: Problems,
) -> dict[str, str]:
    """References by credential; the model only says which belong together."""
    try:
        connector.Credentials.model_validate(raw)
    except ValidationError as error:
        raise problems.invalid(error, connector.Credentials, place) from None
    for name, value in raw.items():
        example = f"{connector.config.name}_{name}".upper().replace("-", "_")
        require_reference(problems, (*place, name), value, example=example)
    return dict(raw)


def _quo(keys: IntegrationKeys, place: Location, problems: Problems) -> QuoSettings:
    quo = keys.quo
    require_reference(problems, (*place, "quo", "api_key"), quo.api_key, example="QUO_API_KEY")
    if quo.source is None and (problem := source_problem(keys.id)):
        raise problems.error(
            (*place, "quo", "source"), f"is missing and {keys.id!r} cannot stand in: {problem}"
        )
    return QuoSettings(
        api_key=quo.api_key,
        source=quo.source or keys.id,
        base_url=quo.base_url,
        requests_per_second=quo.requests_per_second,
    )


def _person_types(
    keys: IntegrationKeys,
    connector: type[BaseCRMConnector],
    place: Location,
    problems: Problems,
) -> tuple[str, ...]:
    known = connector.config.person_types
    for index, name in enumerate(keys.person_types or ()):
        if name not in known:
            what = f"person type of {keys.crm}"
            raise problems.unknown((*place, "person_types", index), name, what, known)
    return tuple(dict.fromkeys(keys.person_types or known))


def _only(
    only: Mapping[str, Any],
    connector: type[BaseCRMConnector],
    place: Location,
    problems: Problems,
) -> dict[str, Any]:
    for name in only:
        if name not in connector.config.filters:
            what = f"filter of {connector.config.name}"
            raise problems.unknown((*place, str(name)), name, what, connector.config.filters)
    return dict(only)


def _fields(
    keys: FieldsKeys, connector: type[BaseCRMConnector], place: Location, problems: Problems
) -> FieldMapping:
    for name in keys.by_type:
        if name not in connector.config.person_types:
            what = f"person type of {connector.config.name}"
            known = connector.config.person_types
            raise problems.unknown((*place, "by_type", name), name, what, known)
    by_type = {name: _mapping(own) for name, own in keys.by_type.items()}
    common = _mapping(keys)
    return FieldMapping(scalars=common.scalars, custom=common.custom, by_type=by_type)


def _mapping(keys: TypeFieldsKeys) -> FieldMapping:
    scalars = {name: getattr(keys, name) for name in SCALARS}
    return FieldMapping(
        scalars={name: _source(field) for name, field in scalars.items() if field is not None},
        custom={key: _source(field) for key, field in keys.custom.items()},
    )


def _source(field: FieldKeys) -> FieldSource:
    return FieldSource(path=field.path, null=field.null)
