"""What the survey page says: the floor in signs, the points, and what the radio hears now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from agent.survey.field import BANDS, TOO_WEAK, WEAK, Band, band, coarse, field, radius_of, words
from agent.survey.looks import Told
from agent.survey.surveyed import Surveyed
from checks.survey import Look
from checks.wire.wifi.levels import strongest
from checks.words import span
from tui.widgets.listing import Cell, Column
from tui.widgets.words import Part

COLUMNS = (
    Column("IT IS", 12),
    Column("POINT"),
    Column("MEDIAN", 11, right=True),
    Column("AGE", 9, right=True),
)
MARGIN_M = 3.0
_LOOK = {"strong": "pass", "enough": "pass", "weak": "warn", "too weak": "fail"}


def dbm(level: float | None) -> str:
    """Return a level as people read it."""
    return "not heard" if level is None or level == float("-inf") else f"{level:.0f} dBm"


def cells(told: Told, limit: float, now: datetime) -> list[Cell]:
    """Return a point's line."""
    kind = band(told.level, limit)
    age = (now - told.point.at).total_seconds()
    return [
        (f"{kind.sign} {kind.word}", _LOOK[kind.word]),
        (told.point.name, ""),
        (dbm(told.level), ""),
        (span(age) if age >= 0 else "future", "" if age >= 0 else "warn"),
    ]


def heading(about: Surveyed, floor: str, points: Sequence[Told]) -> list[Part]:
    """Return the line above: network, floor, limit, how many points and how many of them are weak."""
    check = about.check
    limit = f"limit {check.min_signal} dBm" + (f" on {check.band} GHz" if check.band else "")
    weak = sum(band(told.level, check.min_signal) in (WEAK, TOO_WEAK) for told in points)
    missing = max(0, check.min_points - len(points))
    parts: list[Part] = [(f"{check.ssid}  ", "bold"), (f"{floor or 'no floor named'}  {limit}  ", "")]
    parts.append((f"{len(points)} points", ""))
    if missing:
        parts.append((f", {missing} more needed", "inconclusive"))
    if weak:
        parts.append((f", {weak} weak", "fail"))
    return parts


def now_heard(
    about: Surveyed, look: Look | None, at: datetime | None, now: datetime, error: str, *, paused: bool
) -> list[Part]:
    """Return the line about what the radio hears at this moment."""
    if error:
        return [("Now: ", "dim"), (error, "inconclusive")]
    if paused:
        return [("Now: ", "dim"), ("the radio is not listened to from here", "dim")]
    if look is None or at is None:
        return [("Now: ", "dim"), ("listening ...", "running")]
    best, second = strongest(look, about.check.ssid, about.check.band)
    kind = band(None if best == float("-inf") else best, about.check.min_signal)
    age = max(0.0, (now - at).total_seconds())
    return [
        ("Now: ", "dim"), (f"{kind.sign} {kind.word}", _LOOK[kind.word]),
        (f" {dbm(best)}, a second access point {dbm(second)}, {len(look.readings)} radios", ""),
        (f", {span(age)} ago", "dim"),
    ]  # fmt: skip


def extent(points: Sequence[Told]) -> tuple[float, float]:
    """Return width and height of a floor: its plan's, or a little more than its points'."""
    newest = points[-1].point
    if newest.plan_sha256:
        return float(newest.width), float(newest.height)
    return (
        max(told.point.x for told in points) + MARGIN_M,
        max(told.point.y for told in points) + MARGIN_M,
    )


def floor_map(points: Sequence[Told], limit: float, columns: int, rows: int) -> list[str]:
    """Return the floor in lines of signs that fit `columns` by `rows`; a cell is twice as high as wide."""
    if not points or columns < 4 or rows < 2:
        return []
    width, height = extent(points)
    across = max(4, min(columns, int(rows * 2 * width / height)))
    samples = [told.sample for told in points]
    radius = radius_of(width, height, points[-1].point.metres_per_pixel)
    lines = coarse(samples, field(samples, width, height, radius, across), limit)
    return [_merged(lines[n : n + 2]) for n in range(0, len(lines), 2)][:rows]


def _merged(pair: Sequence[str]) -> str:
    """Return two lines in one: a point is kept, else the worse of the two signs."""
    order = "o" + "".join(one.sign for one in reversed(BANDS)) + " "
    return "".join(min(signs, key=order.index) for signs in zip(*pair, strict=True))


def legend(limit: float) -> Iterator[Part]:
    """Say what the signs mean."""
    for kind, said in words(limit).items():
        yield f"{kind.sign} ", _look(kind)
        yield f"{kind.word} {said.partition(':')[0]}   ", "dim"
    yield "o point   blank not measured", "dim"


def _look(kind: Band) -> str:
    return _LOOK[kind.word]
