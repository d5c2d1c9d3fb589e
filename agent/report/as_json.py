"""The JSON object that others build on: `gonogo run --json` and `gonogo status --json`.

Its shape is described in the README under "JSON" and versioned by `schema`; keys are added, never changed.
"""

from __future__ import annotations

from typing import Any

from agent.records import RunRecord
from agent.report import accepted
from agent.report.going_on import running_json
from agent.report.picture import Picture
from agent.verdict import MilestoneVerdict, Standing
from agent.version import VERSION
from checks.jsonable import to_json
from checks.words import Result, rfc3339

SCHEMA = 1


def as_json(picture: Picture) -> dict[str, Any]:
    """Return the whole picture as JSON data. Every check shown has an entry, run or not.

    Results must be whole (`Result`): their observations are part of the object.
    """
    project = picture.plan.project
    return {
        "tool": {"name": "gonogo", "version": VERSION, "schema": SCHEMA},
        "project": {
            "id": project.id,
            "name": project.name,
            "customer": project.customer,
            "site": project.site,
            "timezone": project.timezone,
            "cutover": rfc3339(project.cutover) if project.cutover else None,
            "profile": project.profile,
            "scope": {"in": list(project.scope_in), "out": list(project.scope_out)},
            "file": picture.plan.source,
            "digest": picture.plan.sources_digest,
        },
        "run": run_json(picture.run) if picture.run else None,
        "running": running_json(picture),
        "at": rfc3339(picture.now),
        "verdict": picture.verdict.value,
        "milestones": [_milestone(picture, item) for item in picture.verdicts],
        "waivers": [_waiver(item) for item in accepted.waivers(picture)],
        "results": [_result(picture, name) for name in picture.shown],
        "left_out": [{"check": item.check, "reason": item.reason} for item in picture.plan.left_out],
        "lost": dict(picture.lost),
    }


def run_json(run: RunRecord) -> dict[str, Any]:
    """Return the record of a run with the vantage it was seen from."""
    return {
        "id": run.id,
        "started": rfc3339(run.started),
        "finished": rfc3339(run.finished) if run.finished else None,
        "outcome": run.outcome,
        "clock_jump_s": run.clock_jump_s,
        "selected": list(run.selected),
        "plan_digest": run.plan_digest,
        "vantage": to_json(run.vantage),
    }


def _milestone(picture: Picture, item: MilestoneVerdict) -> dict[str, Any]:
    milestone = item.milestone
    counts = dict.fromkeys((standing.value for standing in Standing), 0)
    for standing in item.standings:
        counts[standing.standing.value] += 1
    return {
        "id": milestone.id,
        "title": milestone.title,
        "due": rfc3339(milestone.due) if milestone.due else None,
        "verdict": item.verdict.value,
        "until": rfc3339(item.until) if item.until else None,
        "reasons": list(item.reasons),
        "owner": milestone.owner,
        "after": list(milestone.after),
        "counts": counts,
        "signed": _signed(accepted.signed(picture, milestone.id)),
        "checks": [
            {
                "check": standing.check,
                "required": standing.required,
                "standing": standing.standing.value,
                "reason": standing.reason,
                "waiver": to_json(standing.waiver) if standing.waiver else None,
            }
            for standing in item.standings
        ],
    }


def _signed(item: accepted.Signed | None) -> dict[str, Any] | None:
    if item is None:
        return None
    said = item.decision
    return {
        "decided": item.decided,
        "verdict": said.verdict,
        "by": said.by,
        "second": said.second,
        "at": rfc3339(said.at),
        "note": said.note,
        "head": said.head,
        "against_the_rules": item.against,
        "counts": item.counts,
        "why": item.why,
    }


def _waiver(item: accepted.Told) -> dict[str, Any]:
    told: dict[str, Any] = to_json(item.waiver)
    return {**told, "became": item.became.value, "why": item.why, "ends_soon": item.ends_soon}


def _result(picture: Picture, name: str) -> dict[str, Any]:
    result = picture.results.get(name)
    if isinstance(result, Result):
        return result.as_json()
    planned = picture.plan.by_id[name]
    return {
        "check": planned.id,
        "type": planned.type,
        "milestone": planned.milestone,
        "target": planned.target,
        "required": planned.required,
        "status": Standing.NOT_RUN.value,
        "started": None,
        "duration_s": None,
        "attempts": 0,
        "findings": [],
        "observation": None,
        "digest": planned.digest,
        "run": None,
        "vantage": None,
        "notes": [],
        "blocked_by": None,
    }
