"""What points make of a floor: near a point its value, blank where nobody stood, weak corners as weak."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.survey import field as fields
from agent.survey.field import Sample, band, coarse, field, level_at, radius_of

LIMIT = -67
DESK, CORNER = Sample("desk", 20, 20, -50.0), Sample("corner", 80, 40, -80.0)


def test_near_a_point_the_floor_has_its_value():
    grid = field([DESK, CORNER], 100, 50, radius=30)
    assert grid.values[20][20] == pytest.approx(-50, abs=1)
    column, row = int(80 / grid.cell), int(40 / grid.cell)
    assert grid.values[row][column] == pytest.approx(-80, abs=1)


def test_where_nobody_stood_it_is_blank():
    assert level_at([DESK], 60, 20, radius=30) is None
    assert level_at([DESK], 49, 20, radius=30) == -50
    assert level_at([], 0, 0, radius=30) is None


def test_a_point_that_hears_nothing_weakens_its_surroundings():
    deaf = Sample("deaf", 30, 20, None)
    assert level_at([DESK, deaf], 25, 20, radius=30) == pytest.approx((-50 + fields.NOT_HEARD_DBM) / 2)


def test_between_two_points_lie_their_values():
    level = level_at([DESK, CORNER], 50, 30, radius=100)
    assert -80 < level < -50


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (-55, fields.STRONG), (-56, fields.ENOUGH), (-67, fields.ENOUGH), (-67.5, fields.WEAK),
        (-75, fields.WEAK), (-75.5, fields.TOO_WEAK), (None, fields.TOO_WEAK),
    ],
    ids=["strong", "below strong", "at the limit", "below it", "eight below", "far below", "not heard"],
)  # fmt: skip
def test_classes(level, expected):
    assert band(level, LIMIT) is expected


def test_signs_tell_what_colours_tell():
    assert len({one.sign for one in fields.BANDS}) == len({one.colour for one in fields.BANDS}) == 4
    lines = coarse([DESK, CORNER], field([DESK, CORNER], 100, 50, radius=12, columns=50), LIMIT)
    assert lines[10][10] == "o"
    assert lines[20][40] == "o"
    assert lines[10][12] == fields.STRONG.sign
    assert lines[20][42] == fields.TOO_WEAK.sign
    assert lines[0][49] == " "


def test_the_radius_is_six_metres_where_the_scale_is_known():
    assert radius_of(1000, 600, 0.05) == pytest.approx(120)
    assert radius_of(300, 400, None) == pytest.approx(60)


@given(
    st.lists(
        st.builds(
            Sample, st.just("p"), st.floats(0, 100), st.floats(0, 50), st.none() | st.floats(-100, -20)
        ),
        max_size=8,
    )
)
def test_no_level_is_beyond_those_measured(samples):
    levels = [fields.NOT_HEARD_DBM if s.level is None else s.level for s in samples]
    for row in field(samples, 100, 50, radius=20, columns=10).values:
        for value in row:
            assert value is None or min(levels) - 1e-6 <= value <= max(levels) + 1e-6
