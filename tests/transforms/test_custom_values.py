from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from transforms.custom_values import CoercionError, coerce

MADRID = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("type", "value", "expected"),
    [
        ("string", " gold \n", "gold"),
        ("string", 5, "5"),
        ("string", 5.0, "5"),
        ("string", 5.25, "5.25"),
        ("string", True, "true"),
        ("string", ["a", None, "b"], "a, b"),
        ("string", datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00.000Z"),
        ("string", date(2026, 1, 2), "2026-01-02"),
        ("address", "1 Main St\nSpringfield", "1 Main St Springfield"),
        ("url", "https://example.com/a", "https://example.com/a"),
        ("boolean", True, True),
        ("boolean", 0, False),
        ("boolean", "Yes", True),
        ("boolean", "off", False),
        ("number", 5, 5),
        ("number", "5", 5),
        ("number", " 5.50 ", 5.5),
        ("number", 2.0, 2),
        ("date", "2026-01-02", "2026-01-02T00:00:00.000Z"),
        ("date", "2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05.000Z"),
        ("date", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"),
        ("date", date(2026, 1, 2), "2026-01-02T00:00:00.000Z"),
        ("date", datetime(2026, 1, 2, 2, tzinfo=MADRID), "2026-01-02T00:00:00.000Z"),
        ("date", datetime(2026, 1, 2), "2026-01-02T00:00:00.000Z"),
        ("multi-select", ["gold", "vip", "gold"], ["gold", "vip"]),
        ("multi-select", "gold", ["gold"]),
        ("multi-select", "gold;vip; ;", ["gold", "vip"]),
        ("multi-select", 7, ["7"]),
        ("string", "", None),
        ("number", None, None),
        ("boolean", "", None),
        ("date", None, None),
        ("multi-select", [], None),
        ("string", "  ", None),
    ],
)
def test_values_take_the_type_of_the_field(type: str, value: Any, expected: Any) -> None:
    result = coerce(value, type)
    assert result == expected
    assert isinstance(result, bool) == isinstance(expected, bool)


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("string", {"name": "gold"}),
        ("boolean", "perhaps"),
        ("boolean", 2),
        ("number", "12,5"),
        ("number", True),
        ("number", "nan"),
        ("number", "inf"),
        ("number", [1]),
        ("date", "soon"),
        ("date", 1767312000000),
        ("date", "0001-01-01T00:00:00+23:00"),
        ("multi-select", [{"id": 1}]),
        ("hologram", "gold"),
    ],
)
def test_values_without_a_form_in_the_type_are_refused(type: str, value: Any) -> None:
    with pytest.raises(CoercionError):
        coerce(value, type)
