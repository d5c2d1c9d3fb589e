"""What a Wi-Fi survey keeps: one point of a floor, and what was heard there in several looks."""

from __future__ import annotations

from datetime import datetime

from checks.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One access point's radio as one look heard it; either `signal_dbm` or `quality_percent` is there."""

    ssid: str | None
    """None where the system hides it from us."""
    bssid: str
    frequency_mhz: int | None = None
    signal_dbm: float | None = None
    quality_percent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One scan at the point, complete: everything that was heard, of every network."""

    source: str
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyPoint:
    """A place on a floor where somebody stood with this laptop.

    `x` and `y` are pixels of the floor plan from its upper left corner, or metres where there is no plan
    (`plan_sha256` is empty then). A point of the same name, floor and plan replaces an earlier one.
    """

    check: str
    """Id of the wifi.coverage check that it was measured for."""
    name: str
    floor: str
    x: float
    y: float
    by: str
    at: datetime
    host: str
    looks: tuple[Look, ...]
    plan: str = ""
    """File name of the floor plan."""
    plan_sha256: str = ""
    width: int = 0
    """Of the plan, in pixels."""
    height: int = 0
    metres_per_pixel: float | None = None
    """None where nobody said the plan's scale."""
