"""A project to decide on, whose ledger holds results of a minute ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.files.load import load_plan
from agent.ledger.store import Ledger
from checks.words import Finding, Status
from tests.tui.office import REFUSED, passed, result, store_run

PROJECT = """\
gonogo: 1
project: {id: move, name: Move, timezone: Europe/Zurich}
milestones:
  ready: {title: Ready}
  open: {title: Open, after: [ready]}
checks:
  files: {type: network.tcp, milestone: ready, target: 192.0.2.40, port: 445}
  line: {type: network.tcp, milestone: ready, target: 192.0.2.1, port: 443}
  paper: {type: network.tcp, milestone: ready, target: 192.0.2.70, port: 9100, required: false}
  staff: {type: network.tcp, milestone: open, target: 192.0.2.2, port: 443}
"""
UNTESTED = Finding(
    status=Status.INCONCLUSIVE, subject="192.0.2.40:445", message="No answer.", expected="open",
    observed="silence", fix="Allow it.",
)  # fmt: skip


def undecided(folder: Path) -> Path:
    """Return the project file: `files` fails, everything else passes, `paper` was not run."""
    file = folder / "move.yaml"
    file.write_text(PROJECT, encoding="utf-8")
    run_again(file, "r1", files=REFUSED)
    return file


def run_again(file: Path, run: str, *, files: Finding | None = None) -> None:
    """Store one more run, in which `files` ends as given, or passes."""
    plan, at = load_plan(file, cached=False), datetime.now(UTC) - timedelta(minutes=1)
    found = {name: passed(name, "open") for name in ("files", "line", "staff")}
    if files is not None:
        found["files"] = files
    results = [result(plan, name, at, finding, run=run) for name, finding in found.items()]
    store_run(file, plan, run, at - timedelta(seconds=5), results)


def entries(file: Path) -> Ledger:
    """Open the ledger of that project to read."""
    return Ledger.open(file.parent / ".gonogo" / "move.db", read_only=True)
