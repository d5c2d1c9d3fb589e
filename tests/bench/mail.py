"""A full run of the profile `m365-cutover` against the mail world: how far it is from its slowest check."""

from __future__ import annotations

import statistics
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.lab.mail_project import started, write_project
from tests.lab.mail_world import MailWorld
from tests.lab.running import Ran, run_json


def measure(rounds: int = 3) -> dict[str, float]:
    """Return the medians of full runs after the switch, in a healthy world."""
    with tempfile.TemporaryDirectory() as name, MailWorld() as lab:
        lab.until_switched()
        lab.switch()
        lab.pass_time()
        project = write_project(Path(name), lab, datetime.now(UTC))
        found = [bounds(run_json(lab.laptop, project, before=started(lab))) for _ in range(rounds)]
    return {key: statistics.median(one[key] for one in found) for key in found[0]}


def bounds(ran: Ran) -> dict[str, float]:
    """Return how long a run took, beside its slowest check and the sum of all."""
    took = {name: result["duration_s"] or 0.0 for name, result in ran.results.items()}
    run = ran.data["run"]
    wall = (datetime.fromisoformat(run["finished"]) - datetime.fromisoformat(run["started"])).total_seconds()
    longest = max(took.values())
    return {
        "checks": float(sum(value > 0 for value in took.values())),
        "full_run_s": wall,
        "slowest_check_s": longest,
        "sum_of_checks_s": sum(took.values()),
        "beyond_slowest_s": wall - longest,
        "part_of_sum": wall / sum(took.values()),
    }
