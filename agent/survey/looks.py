"""Looking at the air from one place, several times, and what the looks come to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from agent.survey.field import Sample
from checks.dataclass import dataclass
from checks.survey import Look, Reading, SurveyPoint
from checks.wire.wifi.air import Air
from checks.wire.wifi.levels import median, strongest

LOOKS = 5
"""How often a point is looked at: wifi.coverage takes no fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A point in short: its medians in dBm, None where the network was not heard."""

    point: SurveyPoint
    level: float | None
    second: float | None

    @property
    def sample(self) -> Sample:
        """Return it as a sample of the floor."""
        return Sample(self.point.name, self.point.x, self.point.y, self.level)


def look_of(air: Air) -> Look:
    """Return what one scan heard, as the survey keeps it."""
    return Look(
        source=air.source,
        readings=tuple(
            Reading(
                ssid=one.ssid, bssid=one.bssid, frequency_mhz=one.frequency_mhz,
                signal_dbm=one.signal_dbm, quality_percent=one.quality_percent,
            )
            for one in air.heard
        ),
    )  # fmt: skip


async def look_around(
    scan: Callable[[], Awaitable[Air]], told: Callable[[int, Air], None], looks: int = LOOKS
) -> tuple[Look, ...]:
    """Return `looks` fresh scans, one after the other; `told` hears of each.

    A scan that only repeats what the system remembered is no look: CannotTell of the scan goes through.
    """
    found: list[Look] = []
    for number in range(looks):
        air = await scan()
        if air.fresh:
            found.append(look_of(air))
        told(number, air)
    return tuple(found)


def summed_up(point: SurveyPoint, ssid: str, band: str | None) -> Told:
    """Return what the looks at a point come to for a network."""
    heard = [strongest(look, ssid, band) for look in point.looks if look.readings]
    return Told(
        point=point, level=median(best for best, _ in heard), second=median(second for _, second in heard)
    )


def newest(points: Iterable[SurveyPoint], floor: str | None = None) -> list[SurveyPoint]:
    """Return each point as it was measured last, on the plan of its floor that was used last."""
    by_name: dict[tuple[str, str, str], SurveyPoint] = {}
    plan: dict[str, str] = {}
    for point in points:
        by_name[point.floor, point.plan_sha256, point.name] = point
        plan[point.floor] = point.plan_sha256
    return [
        point
        for point in by_name.values()
        if point.plan_sha256 == plan[point.floor] and floor in (None, point.floor)
    ]


def floors(points: Sequence[SurveyPoint]) -> list[str]:
    """Return the floors that have points, in the order in which they were walked."""
    return list(dict.fromkeys(point.floor for point in points))
