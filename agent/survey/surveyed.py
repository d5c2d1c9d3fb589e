"""The checks of a plan that a survey is walked for, and the points that a person may store for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol, cast

from agent import filled
from agent.decide import Refused
from agent.plan import Plan
from agent.survey import TYPE, names
from agent.survey.floor import FloorPlan
from checks.dataclass import dataclass
from checks.survey import Look, SurveyPoint
from checks.wifi.coverage import Coverage
from profiles.problems import did_you_mean

MAX_NAME = 60
MAX_METRES = 10_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """A check of the plan that judges a survey."""

    id: str
    check: Coverage


def surveyed(plan: Plan, name: str | None = None) -> Surveyed:
    """Return the check called `name`, or the only one there is; raise Refused."""
    there = names(plan)
    if name is None and len(there) == 1:
        name = there[0]
    if name is None:
        how = (
            f"name one of {', '.join(there)} with --check"
            if there
            else f"the plan has no check of type {TYPE}"
        )
        raise Refused({"check": f"Say which survey is walked: {how}."})
    if name not in there:
        hint = did_you_mean(name, there) or f"there are: {', '.join(there) or 'none'}"
        raise Refused({"check": f"There is no check '{name}' of type {TYPE} - {hint}."})
    return Surveyed(id=name, check=cast("Coverage", plan.by_id[name].build()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a person stands, as they say it."""

    name: str
    floor: str
    x: float
    y: float
    by: str


class Ground(Protocol):
    """What a place is measured on: a floor plan, or another point of the same floor."""

    @property
    def width(self) -> int:
        """In pixels; 0 where places are metres."""
        ...

    @property
    def height(self) -> int:
        """In pixels; 0 where places are metres."""
        ...


def draft_point(
    check: str,
    place: Place,
    *,
    now: datetime,
    host: str,
    looks: Sequence[Look],
    plan: FloorPlan | None = None,
    metres_per_pixel: float | None = None,
    like: SurveyPoint | None = None,
) -> SurveyPoint:
    """Return a point as the ledger keeps it, on `plan` or on what the point `like` is on.

    Raises Refused with everything that is wrong.
    """
    problems = place_problems(place, plan or like)
    if not looks:
        problems["looks"] = "Nothing was scanned there, so there is nothing to keep."
    if problems:
        raise Refused(problems)
    point = SurveyPoint(
        check=check, name=place.name.strip(), floor=place.floor.strip(), x=place.x, y=place.y,
        by=filled.tidy(place.by), at=now, host=host, looks=tuple(looks), metres_per_pixel=1.0,
    )  # fmt: skip
    if plan is not None:
        return replace(
            point, plan=plan.name, plan_sha256=plan.sha256, width=plan.width, height=plan.height,
            metres_per_pixel=metres_per_pixel,
        )  # fmt: skip
    if like is not None:
        return replace(
            point, plan=like.plan, plan_sha256=like.plan_sha256, width=like.width, height=like.height,
            metres_per_pixel=like.metres_per_pixel,
        )  # fmt: skip
    return point


def place_problems(place: Place, ground: Ground | None) -> dict[str, str]:
    """Return what is wrong with a place before anybody stands there, by field."""
    found = {
        "name": _label(place.name, "The point's name", needed=True),
        "floor": _label(place.floor, "The floor's name"),
        "by": filled.name_of(place.by, "who walks the survey"),
    }
    planned = ground is not None and ground.width > 0
    width, height = (ground.width, ground.height) if ground and planned else (MAX_METRES, MAX_METRES)
    unit = "pixels of the plan" if planned else "metres"
    for key, value, most in (("x", place.x, width), ("y", place.y, height)):
        if not (math.isfinite(value) and 0 <= value <= most):
            found[key] = f"{key} is a number between 0 and {most:g} ({unit})."
    return {key: sentence for key, sentence in found.items() if sentence}


def _label(text: str, what: str, *, needed: bool = False) -> str:
    if needed and not text.strip():
        return f"{what} is missing."
    return filled.line(text, what, MAX_NAME)
