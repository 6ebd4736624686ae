"""Kills between two statements, on PostgreSQL and MongoDB's protocol, by a proxy before them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from connectors.processes.model import Outcomes, ProcessState, SyncType
from tests.e2e.conftest import MakeJob
from tests.e2e.driver import Job, wait_until
from tests.e2e.kills import a_delta, assert_outcomes, nothing
from tests.e2e.proxy import DatabaseProxy, Moment, writing
from tests.e2e.truth import assert_accounts_agree, assert_in_step

STOP_SECONDS = 60.0


@dataclass(frozen=True)
class Stop:
    """Kill at the nth statement that writes to a collection."""

    collection: str
    verb: str | None
    nth: int
    moment: Moment
    before: Callable[[Job], Outcomes] = nothing


@contextmanager
def proxied(make_job: MakeJob, url: str) -> Iterator[tuple[Job, DatabaseProxy]]:
    """A job that reaches its database through the proxy; the test looks at it directly."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    assert host is not None
    assert port is not None
    with DatabaseProxy(host, port) as proxy:
        through = url.replace(f":{port}", f":{proxy.port}")
        if url.startswith("mongodb"):
            through += "?directConnection=true"
        yield make_job(repository=through, seen_by_test=url), proxy


def killed_between_statements(job: Job, proxy: DatabaseProxy, *stops: Stop) -> None:
    expected = stops[0].before(job)
    job.count_from_here()
    for stop in stops:
        kill_at(job, proxy, stop)
    job.run_until_done()
    assert_in_step(job)
    assert_outcomes(job, expected)


def kill_at(job: Job, proxy: DatabaseProxy, stop: Stop) -> None:
    proxy.stop_at(writing(stop.collection, stop.verb), stop.nth, stop.moment)
    run = job.start()
    wait_until(lambda: proxy.stopped.is_set() or not run.alive, "stopped", STOP_SECONDS)
    assert proxy.stopped.is_set(), f"no such statement:\n{run.output}"
    run.kill()
    proxy.cut()


POSTGRESQL = {
    "schema half migrated": Stop("alembic_version", "insert", 1, "before"),
    "process created": Stop("processes", "insert", 1, "after"),
    "source claimed": Stop("sources", "insert", 1, "after"),
    "plan not yet set": Stop("processes", "update", 2, "before"),
    "plan set, no ranges": Stop("ranges", "insert", 1, "before"),
    "ranges inserted, state not moved on": Stop("ranges", "insert", 1, "after"),
    "first page opened, nothing written": Stop("ranges", "update", 1, "after"),
    "page written to Quo, links not": Stop("links", "insert", 1, "before"),
    "links put, page not recorded": Stop("links", "insert", 1, "after"),
    "second page's links put": Stop("links", "insert", 2, "after"),
    "page not yet recorded": Stop("pages", "insert", 2, "before"),
    "page recorded, answer lost": Stop("pages", "insert", 2, "after"),
    "last page recorded, range not closed": Stop("pages", "insert", 4, "after"),
    "range closed, process not completed": Stop("ranges", "update", 4, "after"),
    "source known, watermark not": Stop("sources", "update", 1, "after"),
    "watermark advanced, not completed": Stop("watermarks", "insert", 1, "after"),
    "completed, answer lost": Stop("processes", "update", 5, "after"),
    "delta: links updated, page not recorded": Stop("links", "update", 1, "after", a_delta),
    "delta: patched, links not": Stop("links", "update", 1, "before", a_delta),
    "delta: watermark not yet advanced": Stop("watermarks", "update", 1, "before", a_delta),
}


ALL_READ = (
    "last page recorded, range not closed",
    "range closed, process not completed",
    "watermark advanced, not completed",
)


@pytest.mark.parametrize("name", ALL_READ)
def test_killed_process_that_had_read_everything_is_completed(
    make_job: MakeJob, postgresql_database: str, name: str
) -> None:
    """Taken over, it has nothing left to do: the next run is a delta."""
    with proxied(make_job, postgresql_database) as (job, proxy):
        kill_at(job, proxy, POSTGRESQL[name])
        killed = job.newest()
        assert killed.is_active
        job.run()
        taken_over = job.repository.processes.find_by_id(killed.id)
        assert taken_over is not None
        assert taken_over.state is ProcessState.COMPLETED
        assert job.newest().sync_type is SyncType.ONGOING


@pytest.mark.parametrize("stop", POSTGRESQL.values(), ids=POSTGRESQL.keys())
def test_killed_between_statements_on_postgresql(
    make_job: MakeJob, postgresql_database: str, stop: Stop
) -> None:
    with proxied(make_job, postgresql_database) as (job, proxy):
        killed_between_statements(job, proxy, stop)


SUCCESSORS = {
    "before its ranges are inserted": Stop("ranges", "insert", 1, "before"),
    "before it has moved on": Stop("processes", "update", 2, "before"),
    "amid its first page": Stop("links", "insert", 1, "before"),
    "with its last page recorded": Stop("pages", "insert", 2, "after"),
}


@pytest.mark.parametrize("stop", SUCCESSORS.values(), ids=SUCCESSORS.keys())
def test_successor_killed_too(make_job: MakeJob, postgresql_database: str, stop: Stop) -> None:
    """The one after it finds what it needs in the whole chain."""
    with proxied(make_job, postgresql_database) as (job, proxy):
        killed_between_statements(job, proxy, Stop("links", "insert", 2, "after"), stop)


MONGODB = {
    "plan set, no ranges": Stop("ranges", "insert", 1, "before"),
    "page written to Quo, links not": Stop("links", "insert", 1, "before"),
    "links put, page not recorded": Stop("pages", "update", 2, "before"),
    "page recorded, range not closed": Stop("pages", "update", 4, "after"),
    "watermark advanced, not completed": Stop("watermarks", None, 1, "after"),
    "delta: patched, links not": Stop("links", "update", 1, "before", a_delta),
}


@pytest.mark.parametrize("stop", MONGODB.values(), ids=MONGODB.keys())
def test_killed_between_statements_on_mongodb(
    make_job: MakeJob, mongodb_database: str, stop: Stop
) -> None:
    with proxied(make_job, mongodb_database) as (job, proxy):
        killed_between_statements(job, proxy, stop)


def test_database_away_for_a_moment(make_job: MakeJob, postgresql_database: str) -> None:
    """The run ends with a sentence or goes on; nothing is lost either way."""
    with proxied(make_job, postgresql_database) as (job, proxy):
        proxy.stop_at(writing("links", "insert"), 2, "after")
        run = job.start()
        wait_until(proxy.stopped.is_set, "stopped", STOP_SECONDS)
        proxy.cut()
        if run.wait() != 0:
            assert "cannot be reached" in run.output
        job.run_until_done()
        assert_in_step(job)
        assert_outcomes(job, nothing(job))


@pytest.mark.parametrize("database", ["postgresql_database", "mongodb_database"])
def test_two_launchers_on_an_empty_database(
    make_job: MakeJob, database: str, request: pytest.FixtureRequest
) -> None:
    """They race for the schema, then for the process."""
    job = make_job(repository=request.getfixturevalue(database))
    racers = [job.start("-i", "acme") for _ in range(2)]
    codes = sorted(racer.wait() for racer in racers)
    assert codes in ([0, 4], [0, 0]), [racer.output for racer in racers]
    assert_in_step(job)
    assert assert_accounts_agree(job).created == 60
