"""The checks of a plan that a survey is walked for, and the points that a person may store for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import cast

from agent import filled
from agent.decide import Refused
from agent.plan import Plan
from agent.survey.floor import FloorPlan
from checks.dataclass import dataclass
from checks.survey import Look, SurveyPoint
from checks.wifi.coverage import Coverage
from profiles.problems import did_you_mean

TYPE = "wifi.coverage"
MAX_NAME = 60
MAX_METRES = 10_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """A check of the plan that judges a survey."""

    id: str
    check: Coverage


def surveyed(plan: Plan, name: str | None = None) -> Surveyed:
    """Return the check called `name`, or the only one there is; raise Refused."""
    there = [item.id for item in plan.checks if item.type == TYPE]
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


def draft_point(
    check: str,
    *,
    name: str,
    floor: str,
    x: float,
    y: float,
    by: str,
    now: datetime,
    host: str,
    looks: Sequence[Look],
    plan: FloorPlan | None,
    metres_per_pixel: float | None = None,
) -> SurveyPoint:
    """Return a point as the ledger keeps it; raise Refused with everything that is wrong."""
    problems = place_problems(name=name, floor=floor, x=x, y=y, by=by, plan=plan)
    if not looks:
        problems["looks"] = "Nothing was scanned there, so there is nothing to keep."
    if problems:
        raise Refused(problems)
    return SurveyPoint(
        check=check, name=name.strip(), floor=floor.strip(), x=x, y=y, by=filled.tidy(by), at=now, host=host,
        looks=tuple(looks), plan=plan.name if plan else "", plan_sha256=plan.sha256 if plan else "",
        width=plan.width if plan else 0, height=plan.height if plan else 0,
        metres_per_pixel=metres_per_pixel if plan else 1.0,
    )  # fmt: skip


def place_problems(
    *, name: str, floor: str, x: float, y: float, by: str, plan: FloorPlan | None
) -> dict[str, str]:
    """Return what is wrong with a place before anybody stands there, by field."""
    found = {
        "name": _label(name, "The point's name", needed=True),
        "floor": _label(floor, "The floor's name"),
        "by": filled.name_of(by, "who walks the survey"),
    }
    width, height = (plan.width, plan.height) if plan else (MAX_METRES, MAX_METRES)
    unit = "pixels of the plan" if plan else "metres"
    for key, value, most in (("x", x, width), ("y", y, height)):
        if not (math.isfinite(value) and 0 <= value <= most):
            found[key] = f"{key} lies between 0 and {most:g} {unit}, unlike {value:g}."
    return {key: sentence for key, sentence in found.items() if sentence}


def _label(text: str, what: str, *, needed: bool = False) -> str:
    if needed and not text.strip():
        return f"{what} is missing."
    return filled.line(text, what, MAX_NAME)
