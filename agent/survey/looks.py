"""Looking at the air from one place, several times, and what the looks come to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.survey.field import Sample
from checks.dataclass import dataclass
from checks.survey import Look, Reading, SurveyPoint
from checks.vantage import CannotTell, Shared
from checks.wire.wifi.adapter import scan
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


async def one_look(interface: str | None = None) -> Look:
    """Return what one fresh scan hears, every network of it.

    Raises CannotTell, also for a scan that only repeats what the system remembered: that is no look.
    """
    shared = Shared()  # one each: the checks of a run share a scan, and five looks are five scans
    try:
        air = await scan(shared, interface)
    finally:
        await shared.close()
    if not air.fresh:
        raise CannotTell(
            f"{air.source} told only what the system remembers, which is no look at the air of now.",
            " ".join(air.unread) or "Run it with the right to scan: gonogo doctor says how.",
        )
    return look_of(air)


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
