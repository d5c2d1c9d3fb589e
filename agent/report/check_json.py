"""One check, and the list of runs, as JSON data: `gonogo status --check ID --json` and `--runs --json`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agent.report.as_json import SCHEMA, run_json
from agent.report.check import CheckPicture
from agent.runs import PastRun, Runs
from agent.story import Story
from agent.verdict import Standing
from agent.version import VERSION
from checks.jsonable import to_json
from checks.words import rfc3339

_TOOL = {"name": "gonogo", "version": VERSION, "schema": SCHEMA}


def check_json(told: CheckPicture) -> dict[str, Any]:
    """Return all that is known of a check; its result comes whole, as `gonogo run --json` prints it."""
    planned, plan = told.planned, told.picture.plan
    owner = plan.party(planned.owner)
    return {
        "tool": _TOOL,
        "at": rfc3339(told.picture.now),
        "check": {
            "id": planned.id,
            "type": planned.type,
            "milestone": planned.milestone,
            "title": planned.title,
            "target": planned.target,
            "required": planned.required,
            "place": planned.place,
            "digest": planned.digest,
            "needs": list(planned.needs),
            "owner": to_json(owner) if owner is not None else None,
        },
        "gates": [
            {
                "milestone": row.gate or None,
                "required": row.required,
                "standing": row.standing.value,
                "reason": row.reason,
                "meets": row.meets,
                "waiver": to_json(row.waiver) if row.waiver is not None else None,
                "uncovered": row.judged.uncovered,
            }
            for row in told.rows
        ],
        "entry": told.known.seq if told.known is not None else None,
        "result": told.result.as_json() if told.result is not None else None,
        "history": _story(told.story),
        "explanation": dataclasses.asdict(told.doc) if told.doc is not None else None,
        "unexplained": told.undocumented,
    }


def _story(story: Story) -> dict[str, Any]:
    return {
        "executions": [
            {
                "entry": item.seq,
                "status": item.status.value,
                "finished": rfc3339(item.finished),
                "run": item.run,
                "vantage": item.vantage_name,
                "digest": item.digest,
            }
            for item in story.past
        ],
        "series": [to_json(series) for series in story.series],
        "last_pass": _time(story.last_pass),
        "first_trouble": _time(story.first_trouble),
        "redefined": _time(story.redefined),
        "changed": [to_json(item) for item in story.changed],
    }


def _time(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment is not None else None


def runs_json(runs: Runs, counts: Mapping[str, Mapping[Standing, int]]) -> dict[str, Any]:
    """Return the newest runs with the counts of each, and every baseline."""
    return {
        "tool": _TOOL,
        "total": runs.total,
        "runs": [_run(item, counts[item.run.id]) for item in runs.runs],
        "baselines": [to_json(item) for item in runs.baselines],
    }


def _run(item: PastRun, counts: Mapping[Standing, int]) -> dict[str, Any]:
    return {
        **run_json(item.run),
        "became": item.became,
        "counts": {standing.value: count for standing, count in counts.items()},
        "baselines": list(item.baselines),
    }
