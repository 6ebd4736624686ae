"""Sources, watermarks, dead letters and heartbeats."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.clock import to_millis, utc_now
from connectors.processes.model import DeadLetter, Watermark
from connectors.repository.heartbeats import HEARTBEATS
from connectors.repository.repository import Repository
from tests.connectors.processes.samples import SOURCE_KEY, T0, a_dead_letter

# -- sources ------------------------------------------------------------------------------------


def test_first_claim_of_a_source_wins(repository: Repository) -> None:
    assert repository.sources.claim(SOURCE_KEY, "acme-pipedrive") == "acme-pipedrive"
    assert repository.sources.claim(SOURCE_KEY, "zenith-pipedrive") == "acme-pipedrive"
    assert repository.sources.claim(SOURCE_KEY, "acme-pipedrive") == "acme-pipedrive"


def test_same_source_under_another_key_is_another_one(repository: Repository) -> None:
    other = ("another-hash", SOURCE_KEY[1])
    repository.sources.claim(SOURCE_KEY, "acme-pipedrive")
    assert repository.sources.claim(other, "zenith-pipedrive") == "zenith-pipedrive"


def test_ids_may_exist_until_their_type_is_known(repository: Repository) -> None:
    sources = repository.sources
    assert sources.ids_may_exist(SOURCE_KEY, "Person")
    sources.claim(SOURCE_KEY, "acme-pipedrive")
    assert sources.ids_may_exist(SOURCE_KEY, "Person")
    for _ in range(2):
        sources.mark_known(SOURCE_KEY, "Person")
        assert not sources.ids_may_exist(SOURCE_KEY, "Person")
        assert sources.ids_may_exist(SOURCE_KEY, "Lead")


def test_empty_source_knows_the_ids_of_all_types(repository: Repository) -> None:
    repository.sources.claim(SOURCE_KEY, "acme-pipedrive")
    repository.sources.mark_known(SOURCE_KEY, "Person")
    repository.sources.mark_known(SOURCE_KEY, None)
    assert not repository.sources.ids_may_exist(SOURCE_KEY, "Person")
    assert not repository.sources.ids_may_exist(SOURCE_KEY, "Lead")


def test_claim_keeps_what_is_known(repository: Repository) -> None:
    repository.sources.claim(SOURCE_KEY, "acme-pipedrive")
    repository.sources.mark_known(SOURCE_KEY, "Person")
    repository.sources.claim(SOURCE_KEY, "acme-pipedrive")
    assert not repository.sources.ids_may_exist(SOURCE_KEY, "Person")


# -- watermarks ---------------------------------------------------------------------------------

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("steps", "stands"),
    [
        pytest.param([Watermark(T0)], Watermark(T0), id="first"),
        pytest.param(
            [Watermark(T0, T0, "s1"), Watermark(T0 + HOUR)],
            Watermark(T0 + HOUR, T0, "s1"),
            id="a delta keeps the full sync",
        ),
        pytest.param(
            [Watermark(T0, T0, "s1"), Watermark(T0 + HOUR, T0 + HOUR, "s2")],
            Watermark(T0 + HOUR, T0 + HOUR, "s2"),
            id="a later full sync replaces it",
        ),
        pytest.param(
            [Watermark(T0), Watermark(T0 - HOUR)], Watermark(T0), id="never back by a delta"
        ),
        pytest.param(
            [Watermark(T0, T0, "s1"), Watermark(T0 - HOUR, T0 - HOUR, "s0")],
            Watermark(T0, T0, "s1"),
            id="never back by a full sync",
        ),
        pytest.param(
            [Watermark(T0 + HOUR), Watermark(T0, T0, "s1")],
            Watermark(T0 + HOUR, T0, "s1"),
            id="an earlier full sync behind a later delta",
        ),
        pytest.param(
            [Watermark(T0, T0, "s1"), Watermark(T0, T0, "s1")],
            Watermark(T0, T0, "s1"),
            id="replayed",
        ),
    ],
)
def test_watermark_only_moves_forward(
    repository: Repository, steps: list[Watermark], stands: Watermark
) -> None:
    for watermark in steps:
        repository.watermarks.advance("acme-pipedrive", "Person", watermark)
    assert repository.watermarks.get("acme-pipedrive", "Person") == stands


def test_watermarks_of_person_types_are_apart(repository: Repository) -> None:
    repository.watermarks.advance("acme-pipedrive", "Person", Watermark(T0))
    assert repository.watermarks.get("acme-pipedrive", "Lead") is None
    assert repository.watermarks.get("zenith-pipedrive", "Person") is None


# -- dead letters -------------------------------------------------------------------------------


def test_dead_letter_comes_back_as_put(repository: Repository) -> None:
    letter = DeadLetter("p", "lead-7", "7", "Lead", "conflict", "409, and not found", at=T0)
    repository.dead_letters.put([letter])
    assert repository.dead_letters.of_process("p") == [letter]


def test_letters_of_a_replayed_page_are_put_once(repository: Repository) -> None:
    letters = [a_dead_letter("p", f"person-{n}", at=T0) for n in range(3)]
    for _ in range(2):
        repository.dead_letters.put(letters)
    assert repository.dead_letters.of_process("p") == letters


def test_newest_letters_come_first_and_a_limit_keeps_them(repository: Repository) -> None:
    letters = [a_dead_letter("p", f"person-{n}", at=T0 + n * HOUR) for n in range(5)]
    repository.dead_letters.put(letters)
    repository.dead_letters.put([a_dead_letter("q", "person-9")])
    assert repository.dead_letters.of_process("p", limit=2) == [letters[4], letters[3]]


def test_no_letters_are_no_write(repository: Repository) -> None:
    repository.dead_letters.put([])
    assert repository.dead_letters.of_process("p") == []


# -- heartbeats ---------------------------------------------------------------------------------


def test_beat_is_dated_now(repository: Repository) -> None:
    before = utc_now()
    repository.heartbeats.beat("l1", "worker-1", {})
    newest = repository.heartbeats.newest(["l1", "never-beat"])
    assert set(newest) == {"l1"}
    assert before <= newest["l1"] <= utc_now()


def test_newest_beat_of_a_launch_is_that_of_its_liveliest_worker(repository: Repository) -> None:
    beats = {"worker-1": T0, "worker-2": T0 + HOUR, "worker-3": T0 - HOUR}
    repository.storage.put(
        HEARTBEATS,
        [
            {"launch_id": "l1", "worker": worker, "at": to_millis(at)}
            for worker, at in beats.items()
        ],
    )
    assert repository.heartbeats.newest(["l1"]) == {"l1": T0 + HOUR}


def test_worker_has_one_row_and_its_newest_counts(repository: Repository) -> None:
    since = utc_now()
    repository.heartbeats.beat("l1", "worker-1", {"p": 2, "q": 1}, {"p": 30})
    repository.heartbeats.beat("l1", "worker-1", {"p": 1}, {"p": 45})
    repository.heartbeats.beat("l1", "worker-2", {"p": 1, "r": 4}, {"r": 5})
    repository.heartbeats.beat("l2", "worker-1", {"p": 9}, {"p": 9})
    assert repository.heartbeats.pages_in_flight("l1", since=since) == {"p": 2, "r": 4}
    assert repository.heartbeats.persons_in_flight("l1", since=since) == {"p": 45, "r": 5}


def test_workers_silent_since_then_do_not_count(repository: Repository) -> None:
    repository.heartbeats.beat("l1", "worker-1", {"p": 2}, {"p": 2})
    later = utc_now() + HOUR
    assert repository.heartbeats.pages_in_flight("l1", since=later) == {}
    assert repository.heartbeats.persons_in_flight("l1", since=later) == {}


def test_forgotten_launch_never_beat(repository: Repository) -> None:
    repository.heartbeats.beat("l1", "worker-1", {"p": 2})
    repository.heartbeats.beat("l2", "worker-1", {"p": 2})
    repository.heartbeats.forget("l1")
    assert set(repository.heartbeats.newest(["l1", "l2"])) == {"l2"}
