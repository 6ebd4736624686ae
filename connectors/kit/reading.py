"""What the pipeline relies on when it plans and reads."""

from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import pytest
from pydantic import ValidationError

from connectors.crm.base import BaseCRMConnector
from connectors.crm.model import Paging, RangeSpec, Window
from connectors.errors import ConfigurationError, CursorRefused
from connectors.kit.case import ConnectorCase, all_persons, pages_of


class ReadingContract:
    """Declarations, planning, pages and look-ups by id."""

    def test_construction_does_no_io(self, case: ConnectorCase) -> None:
        assert case.offline().config is case.connector_class.config

    def test_limits_are_declared_with_their_source(self, case: ConnectorCase) -> None:
        config = case.connector_class.config
        options, _ = case.settings()
        assert 0 < config.page_size <= config.max_page_size
        assert case.connector_class.account(options)
        for budget in case.connector_class.budgets(options):
            assert budget.limit > 0
            assert budget.per_seconds > 0
            assert budget.source

    def test_an_unknown_option_is_refused(self, case: ConnectorCase) -> None:
        with pytest.raises(ValidationError):
            case.connector_class.Options.model_validate({**case.options, "no_such_option": 1})

    def test_secrets_do_not_show(self, case: ConnectorCase) -> None:
        _, credentials = case.settings()
        shown = repr(credentials) + repr(case.connector_class.auth(credentials))
        assert not any(str(secret) in shown for secret in case.credentials.values())

    def test_a_full_read_meets_everyone_once(
        self, case: ConnectorCase, connector: BaseCRMConnector
    ) -> None:
        met = Counter(p.id for p in all_persons(connector, case.person_type, Window()))
        assert set(met) == case.person_ids
        assert max(met.values(), default=1) == 1

    def test_persons_carry_their_type_and_times(
        self, case: ConnectorCase, connector: BaseCRMConnector
    ) -> None:
        for person in all_persons(connector, case.person_type, Window()):
            assert person.type == case.person_type
            assert person.updated_at is None or person.updated_at.tzinfo is not None

    def test_the_same_answers_give_the_same_plan(
        self, case: ConnectorCase, connector: BaseCRMConnector
    ) -> None:
        first = connector.plan_ranges(case.person_type, Window())
        again = connector.plan_ranges(case.person_type, Window())
        ids = [range.id for range in first]
        assert ids == [range.id for range in again]
        assert len(set(ids)) == len(ids)

    def test_ranges_survive_the_ledger(
        self, case: ConnectorCase, connector: BaseCRMConnector
    ) -> None:
        for range in connector.plan_ranges(case.person_type, Window()):
            kept = RangeSpec.from_json(range.to_json(), person_type=case.person_type, only={})
            assert kept == range

    def test_windows_tile_with_the_newest_first(
        self, case: ConnectorCase, connector: BaseCRMConnector
    ) -> None:
        planned = connector.plan_ranges(case.person_type, Window())
        windows = [range for range in planned if range.kind is Paging.WINDOWS]
        if windows:
            assert windows[0].until is None
            assert windows[-1].since is None
        for newer, older in pairwise(windows):
            assert older.until == newer.since
            assert older.since is None or older.until is None or older.since < older.until

    def test_windows_are_half_open(self, case: ConnectorCase, connector: BaseCRMConnector) -> None:
        if connector.config.paging is not Paging.WINDOWS:
            return
        cut, _ = _middle(case, connector)
        window = RangeSpec(case.person_type, Paging.WINDOWS)
        before = _ids(connector, replace(window, until=cut))
        after = _ids(connector, replace(window, since=cut))
        at_cut = {
            person.id
            for person in all_persons(connector, case.person_type, Window())
            if person.updated_at == cut
        }
        assert not before & after
        assert before | after == case.person_ids
        assert at_cut <= after

    def test_a_delta_meets_everyone_who_changed(
        self, case: ConnectorCase, connector: BaseCRMConnector
    ) -> None:
        cut, changed = _middle(case, connector)
        met = {p.id for p in all_persons(connector, case.person_type, Window(since=cut))}
        assert changed <= met
        assert met <= case.person_ids

    def test_a_page_can_be_read_again(
        self, case: ConnectorCase, connector: BaseCRMConnector
    ) -> None:
        for range in connector.plan_ranges(case.person_type, Window()):
            for cursor, persons in pages_of(connector, range):
                again = connector.fetch_person_page(range, cursor)
                assert [p.id for p in again.persons] == [p.id for p in persons]

    def test_a_foreign_cursor_is_refused(
        self, case: ConnectorCase, connector: BaseCRMConnector
    ) -> None:
        range = connector.plan_ranges(case.person_type, Window())[0]
        with pytest.raises(CursorRefused):
            connector.fetch_person_page(range, "no cursor of this CRM")

    def test_an_unknown_filter_is_refused(
        self, case: ConnectorCase, connector: BaseCRMConnector
    ) -> None:
        planned = connector.plan_ranges(case.person_type, Window())[0]
        with pytest.raises(ConfigurationError, match="no_such_filter"):
            connector.fetch_person_page(replace(planned, only={"no_such_filter": 1}), None)

    def test_persons_are_found_by_id(
        self, case: ConnectorCase, connector: BaseCRMConnector
    ) -> None:
        wanted = sorted(case.person_ids)[:150]
        found = connector.fetch_persons_by_ids(case.person_type, [*wanted, "999999999"])
        assert sorted(person.id for person in found) == wanted

    def test_a_range_of_ids_is_read_in_pages(
        self, case: ConnectorCase, connector: BaseCRMConnector
    ) -> None:
        wanted = tuple(sorted(case.person_ids)[:250])
        met = Counter(
            person.id
            for _, persons in pages_of(
                connector, RangeSpec(case.person_type, Paging.IDS, ids=wanted)
            )
            for person in persons
        )
        assert met == Counter(wanted)

    def test_persons_survive_pickling(
        self, case: ConnectorCase, connector: BaseCRMConnector
    ) -> None:
        some = connector.fetch_persons_by_ids(case.person_type, sorted(case.person_ids)[:3])
        assert pickle.loads(pickle.dumps(some)) == some


def _middle(case: ConnectorCase, connector: BaseCRMConnector) -> tuple[datetime, set[str]]:
    """The update time in the middle, and who changed then or later."""
    people = all_persons(connector, case.person_type, Window())
    dated = [(p.updated_at, p.id) for p in people if p.updated_at is not None]
    cut = sorted(at for at, _ in dated)[len(dated) // 2]
    return cut, {id for at, id in dated if at >= cut}


def _ids(connector: BaseCRMConnector, range: RangeSpec) -> set[str]:
    return {person.id for _, persons in pages_of(connector, range) for person in persons}
