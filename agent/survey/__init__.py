"""The survey that is walked: floor plans, looks at the air, what they make of a floor, and pictures of it."""

from __future__ import annotations

from agent.plan import Plan

TYPE = "wifi.coverage"
"""The check type that judges a survey."""


def names(plan: Plan) -> list[str]:
    """Return the ids of the plan's checks that a survey is walked for."""
    return [item.id for item in plan.checks if item.type == TYPE]
