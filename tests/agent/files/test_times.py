"""Times in project files."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from agent.files.times import due, moment

ZURICH = ZoneInfo("Europe/Zurich")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-05 22:30", utc(2026, 12, 5, 21, 30)),
        ("2026-07-05T22:30", utc(2026, 7, 5, 20, 30)),
        ("2026-12-05 22:30:15", utc(2026, 12, 5, 21, 30, 15)),
        ("2026-12-05 22:30Z", utc(2026, 12, 5, 22, 30)),
        ("2026-12-05 22:30 -05:00", utc(2026, 12, 6, 3, 30)),
        ("2026-10-25 02:30+02:00", utc(2026, 10, 25, 0, 30)),
        ("2026-10-25 02:30+01:00", utc(2026, 10, 25, 1, 30)),
        ("2026-03-29 01:59", utc(2026, 3, 29, 0, 59)),
        ("2026-03-29 03:00", utc(2026, 3, 29, 1, 0)),
    ],
)
def test_moment(text: str, expected: datetime) -> None:
    assert moment(text, ZURICH) == expected
    assert moment(text, ZURICH).tzinfo is UTC


def test_a_gap_and_a_repeated_hour_are_refused() -> None:
    with pytest.raises(ValueError, match="skips"):
        moment("2026-03-29 02:00", ZURICH)
    with pytest.raises(ValueError, match=r"'2026-10-25 02:00\+02:00' or '2026-10-25 02:00\+01:00'"):
        moment("2026-10-25 02:00", ZURICH)


CUTOVER = utc(2026, 10, 26, 21, 30)  # 22:30 in Zurich, the day after the clock went back


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cutover", CUTOVER),
        ("-1h", utc(2026, 10, 26, 20, 30)),
        ("+72h", utc(2026, 10, 29, 21, 30)),
        ("-2d", utc(2026, 10, 24, 20, 30)),  # 22:30 in Zurich, still summer time
        ("-48h", utc(2026, 10, 24, 21, 30)),
        ("-1w", utc(2026, 10, 19, 20, 30)),
        ("-2d1h", utc(2026, 10, 24, 19, 30)),
        ("-1.5d", utc(2026, 10, 25, 9, 30)),
        ("2026-12-04 18:00", utc(2026, 12, 4, 17, 0)),
    ],
)
def test_due(text: str, expected: datetime) -> None:
    assert due(text, ZURICH, CUTOVER) == expected
