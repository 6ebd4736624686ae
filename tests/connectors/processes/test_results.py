"""Progress and estimates: pure arithmetic on totals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.processes.model import LedgerTotals, Outcomes
from connectors.processes.results import Progress, estimated_completion, sum_progress

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
counts = st.integers(0, 10_000)


def progress(
    *,
    minutes: float = 10,
    done: int = 0,
    requests: int = 0,
    records: int | None = None,
    ranges: tuple[int, int] = (0, 0),
    in_flight: int = 0,
) -> Progress:
    planned, closed = ranges
    return Progress(
        totals=LedgerTotals(
            outcomes=Outcomes(created=done),
            quo_requests=requests,
            ranges_planned=planned,
            ranges_closed=closed,
        ),
        in_flight=in_flight,
        records=records,
        started_at=START,
        ended_at=START + timedelta(minutes=minutes),
    )


@pytest.mark.parametrize(
    ("given", "limit", "minutes_left"),
    [
        pytest.param(progress(records=1_000), None, None, id="nothing known yet"),
        pytest.param(progress(records=5_820), 10.0, 10, id="before the first page, by the limit"),
        pytest.param(progress(done=500, records=1_000), None, 10, id="by the observed rate"),
        pytest.param(
            progress(done=400, in_flight=100, records=1_000),
            None,
            10,
            id="persons of pages in flight count as done",
        ),
        pytest.param(
            progress(done=5_820, requests=5_820, records=17_460),
            10.0,
            20,
            id="limit and observed rate agree",
        ),
        pytest.param(
            progress(done=5_820, requests=11_640, records=11_640),
            10.0,
            20,
            id="two requests a person, and no faster than the limit",
        ),
        pytest.param(
            progress(done=9_000, requests=0, records=18_000),
            10.0,
            10,
            id="unchanged persons cost no request, but time",
        ),
        pytest.param(progress(ranges=(20, 5)), 10.0, 30, id="without a total, by ranges"),
        pytest.param(progress(ranges=(20, 0)), 10.0, None, id="no range closed yet"),
        pytest.param(progress(ranges=(4, 4)), None, 0, id="all ranges closed"),
        pytest.param(progress(done=20, records=10), 10.0, 0, id="more persons than announced"),
    ],
)
def test_estimate(given: Progress, limit: float | None, minutes_left: float | None) -> None:
    now = START + timedelta(minutes=10)
    at = estimated_completion(given, rate_limit=limit, now=now)
    if minutes_left is None:
        assert at is None
    else:
        assert at is not None
        assert (at - now).total_seconds() == pytest.approx(60 * minutes_left)


@given(done=counts, requests=counts, records=counts, limit=st.floats(0.1, 100))
def test_estimate_is_never_before_the_limit_lets_the_rest_through(
    done: int, requests: int, records: int, limit: float
) -> None:
    now = START + timedelta(minutes=10)
    at = estimated_completion(
        progress(done=done, requests=requests, records=records), rate_limit=limit, now=now
    )
    assert at is not None
    left = max(0, records - done)
    each = requests / done if done else 1.0
    assert at - now >= timedelta(seconds=left * each / limit) - timedelta(milliseconds=1)


totals = st.builds(
    LedgerTotals,
    outcomes=st.builds(Outcomes, *[counts] * 7),
    pages_done=counts,
    quo_requests=counts,
)
parts = st.builds(
    Progress,
    totals=totals,
    records=st.none() | counts,
    started_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    ended_at=st.none() | st.datetimes(timezones=st.just(UTC)),
)


@given(st.lists(parts, max_size=4))
def test_parent_sums_its_children(children: list[Progress]) -> None:
    parent = sum_progress(children)
    assert parent.totals.outcomes.total == sum(c.totals.outcomes.total for c in children)
    assert parent.totals.pages_done == sum(c.totals.pages_done for c in children)
    unknown = any(child.records is None for child in children)
    assert parent.records == (None if unknown else sum(c.records or 0 for c in children))
    assert parent.elapsed >= timedelta()


def test_rate_is_none_of_nothing() -> None:
    assert Progress().records_per_second == 0.0
    assert Progress().elapsed == timedelta()
    assert progress(minutes=1, done=90).records_per_second == 1.5
