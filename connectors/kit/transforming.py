"""What the pipeline relies on when persons become contacts."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from connectors.crm.base import BaseCRMConnector
from connectors.crm.model import ContactDraft, Person
from connectors.kit.case import ConnectorCase

_LINK_LIMIT = 200
_SAMPLE = 20


class TransformContract:
    """`transform_person_to_quo` is pure and bears what CRMs leave empty."""

    def test_a_transform_is_pure(self, case: ConnectorCase, connector: BaseCRMConnector) -> None:
        offline = case.offline()
        for person in _sample(case, connector):
            before = copy.deepcopy(person)
            assert _plain(offline.transform_person_to_quo(person)) == _plain(
                offline.transform_person_to_quo(person)
            )
            assert person == before

    def test_a_transform_bears_nulls(
        self, case: ConnectorCase, connector: BaseCRMConnector
    ) -> None:
        offline = case.offline()
        for person in _sample(case, connector):
            for fields in _with_nulls(dict(person.fields)):
                _check(offline.transform_person_to_quo(replace(person, fields=fields)))

    def test_a_draft_has_no_empty_values(
        self, case: ConnectorCase, connector: BaseCRMConnector
    ) -> None:
        for person in _sample(case, connector):
            _check(case.offline().transform_person_to_quo(person))


def _sample(case: ConnectorCase, connector: BaseCRMConnector) -> list[Person]:
    ids = sorted(case.person_ids)[:_SAMPLE]
    return list(connector.fetch_persons_by_ids(case.person_type, ids))


def _check(draft: ContactDraft) -> None:
    assert all(item.value for item in (*draft.phones, *draft.emails))
    assert draft.link is None or len(draft.link) <= _LINK_LIMIT


def _plain(draft: ContactDraft) -> tuple[Any, ...]:
    return (
        draft.first_name,
        draft.last_name,
        draft.company,
        draft.role,
        tuple((item.value, item.label) for item in draft.phones),
        tuple((item.value, item.label) for item in draft.emails),
        dict(draft.custom),
        draft.link,
    )


def _with_nulls(fields: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The record with nothing, with everything null, and with one value null at any depth."""
    yield {}
    yield dict.fromkeys(fields)
    for key, value in fields.items():
        for emptied in _emptied(value):
            yield {**fields, key: emptied}


def _emptied(value: Any) -> Iterator[Any]:
    yield None
    if isinstance(value, dict):
        for key, item in value.items():
            for emptied in _emptied(item):
                yield {**value, key: emptied}
    if isinstance(value, list):
        yield []
        for at, item in enumerate(value):
            for emptied in _emptied(item):
                yield [*value[:at], emptied, *value[at + 1 :]]
