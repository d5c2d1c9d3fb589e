"""What points make of a floor: levels between them, as far as a point can speak for its surroundings.

Inverse-distance weighting (power 2) of the points within a radius; beyond it the floor is blank, because
nobody measured there. Source: D. Shepard, A two-dimensional interpolation function for irregularly-spaced
data, 1968.
"""

from __future__ import annotations

from collections.abc import Sequence

from checks.dataclass import dataclass

RADIUS_M = 6.0
"""How far a point speaks for its surroundings where the scale is known."""
RADIUS_SHARE = 0.12
"""The same as a share of the plan's diagonal where it is not."""
NOT_HEARD_DBM = -95.0
"""What a point counts for between others where the network was not heard."""
MARGIN_DB = 12
SHORT_DB = 8


@dataclass(frozen=True, slots=True)
class Sample:
    """A measured point: its place and its median in dBm, None where the network was not heard."""

    name: str
    x: float
    y: float
    level: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A grid over the floor; `values[row][column]` is in dBm, None where nobody measured near enough."""

    cell: float
    """Width and height of a cell in the plan's coordinates."""
    values: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Band:
    """A class of levels: shown by sign, word and colour. Colours are Okabe and Ito's, safe for all eyes."""

    sign: str
    word: str
    colour: str


STRONG = Band("#", "strong", "#0072b2")
ENOUGH = Band("+", "enough", "#56b4e9")
WEAK = Band("-", "weak", "#e69f00")
TOO_WEAK = Band("!", "too weak", "#d55e00")
BANDS = (STRONG, ENOUGH, WEAK, TOO_WEAK)


def band(level: float | None, limit: float) -> Band:
    """Return the class of a measured level against the limit that the check sets."""
    if level is None or level < limit - SHORT_DB:
        return TOO_WEAK
    if level < limit:
        return WEAK
    return STRONG if level >= limit + MARGIN_DB else ENOUGH


def words(limit: float) -> dict[Band, str]:
    """Return what each class means in dBm, for a legend."""
    return {
        STRONG: f"{limit + MARGIN_DB:g} dBm and more",
        ENOUGH: f"{limit:g} dBm and more: the limit",
        WEAK: f"below {limit:g} dBm",
        TOO_WEAK: f"below {limit - SHORT_DB:g} dBm or not heard",
    }


def radius_of(width: float, height: float, metres_per_pixel: float | None) -> float:
    """Return how far a point speaks, in the plan's coordinates."""
    if metres_per_pixel:
        return RADIUS_M / metres_per_pixel
    return float(RADIUS_SHARE * (width**2 + height**2) ** 0.5)


def field(samples: Sequence[Sample], width: float, height: float, radius: float, columns: int = 96) -> Field:
    """Return the grid of `columns` cells across a floor of `width` by `height`."""
    cell = width / columns
    rows = max(1, round(height / cell))
    return Field(
        cell=cell,
        values=tuple(
            tuple(level_at(samples, (c + 0.5) * cell, (r + 0.5) * cell, radius) for c in range(columns))
            for r in range(rows)
        ),
    )


def level_at(samples: Sequence[Sample], x: float, y: float, radius: float) -> float | None:
    """Return the level at a place, None where no point is within `radius`."""
    total = weights = 0.0
    for sample in samples:
        squared = (sample.x - x) ** 2 + (sample.y - y) ** 2
        if squared > radius**2:
            continue
        weight = 1 / max(squared, 1e-9)
        total += weight * (NOT_HEARD_DBM if sample.level is None else sample.level)
        weights += weight
    return total / weights if weights else None


def coarse(samples: Sequence[Sample], field: Field, limit: float) -> list[str]:
    """Return the grid as lines of text: a sign a cell, `o` where a point was measured."""
    lines = [[" " if value is None else band(value, limit).sign for value in row] for row in field.values]
    for sample in samples:
        row, column = int(sample.y / field.cell), int(sample.x / field.cell)
        if 0 <= row < len(lines) and 0 <= column < len(lines[row]):
            lines[row][column] = "o"
    return ["".join(line) for line in lines]
