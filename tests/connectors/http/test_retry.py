from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.http.retry import Action, BackOff, Failure, action_for, asked_wait, outcome_unknown

NOW = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seen", "action"),
    [
        (200, Action.ACCEPT),
        (201, Action.ACCEPT),
        (204, Action.ACCEPT),
        (301, Action.END_PROCESS),
        (304, Action.END_PROCESS),
        (307, Action.END_PROCESS),
        (400, Action.REJECT_RECORD),
        (401, Action.REFRESH_TOKEN),
        (402, Action.END_PROCESS),
        (403, Action.REFRESH_TOKEN),
        (404, Action.REJECT_RECORD),
        (407, Action.END_PROCESS),
        (408, Action.RETRY),
        (409, Action.REJECT_RECORD),
        (410, Action.REJECT_RECORD),
        (422, Action.REJECT_RECORD),
        (429, Action.RETRY),
        (500, Action.RETRY),
        (501, Action.RETRY),
        (502, Action.RETRY),
        (503, Action.RETRY),
        (504, Action.RETRY),
        (520, Action.RETRY),
        (599, Action.RETRY),
        (Failure.UNREACHABLE, Action.RETRY),
        (Failure.LOST, Action.RETRY),
        (Failure.UNREADABLE, Action.RETRY),
        (Failure.UNTRUSTED, Action.END_PROCESS),
        (Failure.BAD_HEADER, Action.END_PROCESS),
        (Failure.BAD_URL, Action.REJECT_RECORD),
        (Failure.TOO_LARGE, Action.GIVE_UP_PAGE),
    ],
    ids=str,
)
def test_table(seen: int | Failure, action: Action) -> None:
    assert action_for(seen) is action


@pytest.mark.parametrize("status", [304, 401, 403, 404, 409, 429, 500])
def test_accepted_status_is_an_answer_whatever_it_is(status: int) -> None:
    assert action_for(status, frozenset({status})) is Action.ACCEPT


@given(st.integers(100, 999))
def test_every_status_has_an_action(status: int) -> None:
    assert isinstance(action_for(status), Action)


@pytest.mark.parametrize(
    ("seen", "unknown"),
    [
        (429, False),
        (400, False),
        (408, True),
        (500, True),
        (503, True),
        (Failure.UNREACHABLE, False),
        (Failure.LOST, True),
        (Failure.UNREADABLE, True),
    ],
    ids=str,
)
def test_whether_a_write_may_have_happened(seen: int | Failure, unknown: bool) -> None:
    assert outcome_unknown(seen) is unknown


def http(at: datetime) -> str:
    return format_datetime(at, usegmt=True)


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        pytest.param(429, {"retry-after": "7"}, 7, id="seconds"),
        pytest.param(503, {"retry-after": " 1.5 "}, 1.5, id="fraction-with-blanks"),
        pytest.param(429, {"retry-after": http(NOW + timedelta(seconds=30))}, 30, id="date"),
        pytest.param(429, {"retry-after": http(NOW - timedelta(seconds=30))}, 0, id="date-past"),
        pytest.param(
            429,
            {
                "retry-after": http(NOW + timedelta(seconds=95)),
                "date": http(NOW + timedelta(seconds=90)),
            },
            5,
            id="date-against-the-servers-own-clock",
        ),
        pytest.param(429, {"x-ratelimit-reset": "2"}, 2, id="reset-in-seconds"),
        pytest.param(429, {"ratelimit-reset": "3"}, 3, id="kong-reset"),
        pytest.param(
            429, {"x-ratelimit-reset": str(int(NOW.timestamp()) + 9)}, 9, id="reset-as-unix-time"
        ),
        pytest.param(
            429,
            {"x-ratelimit-reset": str(int(NOW.timestamp() + 9) * 1000)},
            9,
            id="reset-as-unix-millis",
        ),
        pytest.param(
            429, {"retry-after": "4", "x-ratelimit-reset": "9"}, 4, id="retry-after-first"
        ),
        pytest.param(503, {"x-ratelimit-reset": "9"}, None, id="reset-counts-for-429-only"),
        pytest.param(429, {}, None, id="none"),
        pytest.param(429, {"retry-after": "soon"}, None, id="garbage"),
        pytest.param(429, {"retry-after": "-3"}, None, id="negative"),
        pytest.param(429, {"retry-after": "nan"}, None, id="nan"),
        pytest.param(429, {"retry-after": "9" * 400}, None, id="huge"),
    ],
)
def test_wait_that_the_other_side_asks_for(
    status: int, headers: dict[str, str], seconds: float | None
) -> None:
    assert asked_wait(status, headers, NOW) == seconds


@given(st.text(max_size=40), st.integers(400, 599))
def test_no_header_text_breaks_the_wait(text: str, status: int) -> None:
    wait = asked_wait(status, {"retry-after": text, "x-ratelimit-reset": text, "date": text}, NOW)
    assert wait is None or wait >= 0


randoms = st.floats(0, 1, exclude_max=True)
attempt_seconds = st.lists(st.tuples(randoms, st.floats(0, 40)), min_size=40, max_size=40)


@given(attempt_seconds)
def test_waits_and_attempts_together_stay_under_the_cap(
    attempts: list[tuple[float, float]],
) -> None:
    back_off, spent = BackOff(), 0.0
    for number, (chance, lasted) in enumerate(attempts, start=1):
        spent += lasted
        wait = back_off.wait(number, spent, None, lambda chance=chance: chance)
        if wait is None:
            assert spent >= back_off.cap_seconds
            return
        spent += wait
        assert spent <= back_off.cap_seconds
    raise AssertionError("it never gave up")


@given(st.integers(1, 10_000), st.floats(0, 59), randoms)
def test_wait_is_jittered_within_its_step(attempts: int, spent: float, chance: float) -> None:
    back_off = BackOff()
    wait = back_off.wait(attempts, spent, None, lambda: chance)
    assert wait is not None
    assert 0 < wait <= min(back_off.longest_seconds, back_off.cap_seconds - spent)


@given(st.integers(1, 50), st.floats(0, 300), st.floats(0, 400), st.floats(0, 400), randoms)
def test_wait_never_falls_when_the_other_side_asks_for_more(
    attempts: int, spent: float, one: float, other: float, chance: float
) -> None:
    less, more = sorted((one, other))
    shorter = BackOff().wait(attempts, spent, less, lambda: chance)
    longer = BackOff().wait(attempts, spent, more, lambda: chance)
    if shorter is None:
        assert longer is None
    elif longer is not None:
        assert longer >= shorter


@given(st.floats(0, 400), st.floats(0, 400), randoms)
def test_an_asked_wait_is_honoured_whole_or_given_up(
    spent: float, asked: float, chance: float
) -> None:
    back_off = BackOff()
    wait = back_off.wait(1, spent, asked, lambda: chance)
    if wait is None:
        assert spent + max(asked, back_off.first_seconds) > back_off.asked_cap_seconds
    else:
        assert wait >= asked
        assert spent + wait <= back_off.asked_cap_seconds


@pytest.mark.parametrize(
    ("wait", "asked", "shared"),
    [(2.0, 2.0, 2.0), (0.7, None, 0.7), (None, 3600.0, 300.0), (None, None, 0.0)],
)
def test_others_stand_back_no_longer_than_the_cap(
    wait: float | None, asked: float | None, shared: float
) -> None:
    assert BackOff().shared_wait(wait, asked) == shared
