"""wifi.coverage: a network is strong enough at every point of a survey that somebody walked."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated

from checks.bounds import Ge, Le, Len
from checks.contract import Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.params import Duration
from checks.safe import safe
from checks.survey import Look, Reading, SurveyPoint
from checks.wire.wifi.channel import Band
from checks.wire.wifi.levels import median, strongest
from checks.words import Measure, span

MIN_LOOKS = 5
MAX_NAMED = 8
MANY_RADIOS = 6
"""Of so many radios at least one changes by a decibel between two scans."""
_SKEW = timedelta(minutes=5)
_SOURCE = "Cisco and Zebra voice guides: -67 dBm at the edge of a cell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One look: what was heard of the network, and of how many radios of any network."""

    source: str
    own: tuple[Reading, ...]
    radios: int
    nameless: int
    """Radios whose name the system hid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point as it was measured last."""

    name: str
    floor: str
    x: float
    y: float
    at: datetime
    by: str
    plan: str
    plan_sha256: str
    looks: tuple[Heard, ...]
    repeated: bool = False
    """Every look tells the very same of many radios: the system repeated one scan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageSeen:
    """The points of the survey, each measured last; `replaced` were measured again since."""

    check: str
    at: datetime
    points: tuple[Point, ...]
    replaced: int


class Coverage(Check[CoverageSeen]):
    """The network is strong enough at every point of the survey.

    Proves: at each point that is named, at its time, the median of at least five looks of this laptop's
    radio was not below the limit, and, where asked for, a second access point was near enough to roam to.
    Cannot prove: anything between the points, for other radios than this one (phones hear 5 to 10 dB less),
    or once walls, shelves and people stand where they will.
    If it fails: go to the points that are named; look whether the nearest access point is on, in its planned
    place and at its planned power, then move or add one, and measure these points again.

    Source: IEEE 802.11; Cisco and Zebra voice-over-WLAN design guides (-67 dBm at the edge of a cell, a
    second access point at -75 dBm).

    Example:
        type: wifi.coverage
        ssid: Contoso
        min_signal: -67
        min_points: 8
        floors: [ground, first]
    """

    ssid: Annotated[str, Len(1, 32)]
    """Name of the network."""
    min_signal: Annotated[int, Ge(-95), Le(-20)] = -67
    """The least signal of its strongest access point in dBm."""
    second_ap: Annotated[int, Ge(-95), Le(-20)] | None = -75
    """The least signal of a second access point in dBm; below it a warning, for phones lose the call on the
    way. Null where the office has one access point only."""
    band: Band | None = None
    """Band in GHz that counts alone: 2.4, 5 or 6; left out, the strongest of any counts."""
    min_points: Annotated[int, Ge(1), Le(1000)] = 5
    """Points that each floor needs."""
    floors: tuple[Annotated[str, Len(1, 60)], ...] = ()
    """The floors that must have been walked; left out, those that were."""
    max_age: Duration = 14 * 86400.0
    """How old a point may be."""

    def __post_init__(self) -> None:
        if self.second_ap is not None and self.second_ap > self.min_signal:
            raise ValueError("'second_ap' is about a weaker access point: it lies below 'min_signal'.")
        if self.max_age == 0:
            raise ValueError("A max_age of zero would refuse every point.")

    def needs_link(self) -> bool:
        return False

    async def observe(self, vantage: Vantage) -> CoverageSeen:
        """Take the points that were stored for this check; nothing is measured now."""
        stored = vantage.survey()
        newest: dict[tuple[str, str, str], SurveyPoint] = {}
        for point in stored:
            newest[point.floor, point.plan_sha256, point.name] = point
        return CoverageSeen(
            check=vantage.check,
            at=vantage.now(),
            points=tuple(self._point(point) for point in newest.values()),
            replaced=len(stored) - len(newest),
        )

    def _point(self, point: SurveyPoint) -> Point:
        return Point(
            name=point.name, floor=point.floor, x=point.x, y=point.y, at=point.at, by=point.by,
            plan=point.plan, plan_sha256=point.plan_sha256,
            looks=tuple(
                Heard(
                    source=look.source,
                    own=tuple(reading for reading in look.readings if reading.ssid == self.ssid),
                    radios=len(look.readings),
                    nameless=sum(reading.ssid is None for reading in look.readings),
                )
                for look in point.looks
            ),
            repeated=len(point.looks) > 1
            and len(point.looks[0].readings) >= MANY_RADIOS
            and len({frozenset(look.readings) for look in point.looks}) == 1,
        )  # fmt: skip

    def judge(self, seen: CoverageSeen) -> Iterable[Finding]:
        """Judge each floor by the points on its newest plan."""
        floors = dict.fromkeys([*self.floors, *(point.floor for point in seen.points)])
        if not floors:
            yield cannot_tell(
                safe(self.ssid), "Nobody has walked a survey for this check.",
                expected=self._limit(), observed="no points", fix=self._walk(seen),
            )  # fmt: skip
        for floor in floors:
            yield from self._floor(seen, floor, [point for point in seen.points if point.floor == floor])

    def _floor(self, seen: CoverageSeen, floor: str, points: list[Point]) -> Iterable[Finding]:
        name = safe(floor, limit=60) or "the floor"
        plan = max(points, key=lambda point: point.at).plan_sha256 if points else ""
        on_plan = [point for point in points if point.plan_sha256 == plan]
        proven: list[tuple[float, Point]] = []
        for point in sorted(on_plan, key=lambda point: point.name):
            trouble = self._trouble(seen, point)
            if trouble is not None:
                yield trouble
                continue
            level = median(strongest(_as_look(look), self.ssid, self.band)[0] for look in point.looks)
            if level is None or level < self.min_signal:
                yield self._weak(point, level)
                continue
            proven.append((level, point))
            if self.second_ap is not None:
                yield from self._second(point, self.second_ap)
        places = len({(point.x, point.y) for point in on_plan})
        if len(on_plan) >= self.min_points > places:
            yield cannot_tell(
                name, f"The {len(on_plan)} points of {name} are at {places} place{'s' * (places != 1)}: that "
                "tells nothing of the rest.", expected=f"points at {self.min_points} places",
                observed=f"{places}", fix=f"Measure where nobody stood yet. {self._walk(seen)}",
            )  # fmt: skip
        elif len(on_plan) < self.min_points:
            others = (
                f", and {len(points) - len(on_plan)} on another plan" if len(points) > len(on_plan) else ""
            )
            yield cannot_tell(
                name, f"{name} has {len(on_plan)} point{'s' * (len(on_plan) != 1)}{others}: too few to tell.",
                expected=f"at least {self.min_points} points", observed=f"{len(on_plan)}",
                fix=f"Measure more, the far corners first. {self._walk(seen)}",
            )  # fmt: skip
        elif proven:
            yield self._good(name, proven)

    def _trouble(self, seen: CoverageSeen, point: Point) -> Finding | None:
        """Return why a point proves nothing, or None."""
        name, again = _named(point), f"Measure it again. {self._walk(seen)}"
        limit = self._limit()
        if point.at > seen.at + _SKEW:
            return cannot_tell(
                name, "The point is dated in the future.", expected=limit,
                observed=f"{point.at:%Y-%m-%d %H:%M %Z}", fix=f"Set this laptop's clock. {again}",
            )  # fmt: skip
        age = (seen.at - point.at).total_seconds()
        if age > self.max_age:
            return cannot_tell(
                name, f"The point was measured {span(age)} ago.",
                expected=f"not older than {span(self.max_age)}", observed=span(age), fix=again,
            )  # fmt: skip
        if any(look.nameless and not look.own for look in point.looks):
            return cannot_tell(
                name, "The system hid the names of the networks.", expected=limit, observed="names hidden",
                fix=f"Grant the location permission (gonogo explain wifi.ssid says where). {again}",
            )  # fmt: skip
        if point.repeated:
            return cannot_tell(
                name, "All looks at this point tell the very same: the system repeated one scan.",
                expected=f"{MIN_LOOKS} scans", observed="one scan, repeated",
                fix=f"Scan with the right to (administrator, root; gonogo doctor says how). {again}",
            )  # fmt: skip
        heard = [look for look in point.looks if look.radios]
        if len(heard) < MIN_LOOKS:
            return cannot_tell(
                name, f"In {len(heard)} of {len(point.looks)} looks the radio heard anything.",
                expected=f"{MIN_LOOKS} looks", observed=f"{len(heard)}", fix=again,
            )  # fmt: skip
        return None

    def _weak(self, point: Point, level: float | None) -> Finding:
        name, band = _named(point), f" on {self.band} GHz" if self.band else ""
        said = f"at {level:.0f} dBm only" if level is not None else "in less than half of the looks"
        return failed(
            name, f"{safe(self.ssid, limit=32)} is heard{band} {said} at {name}.", expected=self._limit(),
            observed=f"{level:.0f} dBm" if level is not None else "not heard", reference=_SOURCE,
            fix="Look whether the nearest access point is on and where the plan puts it; move or add one, "
            "then measure this point again.",
        )  # fmt: skip

    def _second(self, point: Point, limit: int) -> Iterable[Finding]:
        second = median(strongest(_as_look(look), self.ssid, self.band)[1] for look in point.looks)
        if second is not None and second >= limit:
            return
        observed = f"{second:.0f} dBm" if second is not None else "none"
        yield warned(
            _named(point), f"No second access point is near enough at {_named(point)} to roam to.",
            expected=f"a second one at {limit} dBm at least", observed=observed,
            fix="Add an access point or raise the power of the next one, if people telephone on the way.",
        )  # fmt: skip

    def _good(self, floor: str, proven: list[tuple[float, Point]]) -> Finding:
        proven.sort(key=lambda one: one[0])
        worst = ", ".join(f"{_named(point)} {level:.0f} dBm" for level, point in proven[:MAX_NAMED])
        return passed(
            floor, f"{len(proven)} points of {floor} are strong enough.", expected=self._limit(),
            observed=f"the weakest: {worst}",
            measure=Measure(
                name="weakest median", value=proven[0][0], unit="dBm", fail=float(self.min_signal),
                source=_SOURCE,
            ),
        )  # fmt: skip

    def _limit(self) -> str:
        return f"{self.min_signal} dBm or more" + (f" on {self.band} GHz" if self.band else "")

    def _walk(self, seen: CoverageSeen) -> str:
        return f"gonogo survey FILE --check {shlex.quote(seen.check or 'CHECK')} --plan PLAN.png"


def _named(point: Point) -> str:
    floor = safe(point.floor, limit=60)
    return f"{floor}: {safe(point.name, limit=60)}" if floor else safe(point.name, limit=60)


def _as_look(heard: Heard) -> Look:
    return Look(source=heard.source, readings=heard.own)
