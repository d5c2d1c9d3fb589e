"""What `gonogo status --check ID` and `--runs` print."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from agent.cli import EXIT_GO, EXIT_INCOMPLETE, EXIT_NO_GO
from agent.cli.common import plan_of, usage
from agent.report.style import style_for
from agent.running import NothingSelected, open_ledger
from agent.verdict import Standing


def show_check(file: Path, check: str, *, as_json: bool, plain: bool) -> int:
    """Print all that is known of a check; return the exit code."""
    from agent.report.check import look_at, worst_standing

    plan = plan_of(file)
    try:
        with open_ledger(file, plan, read_only=True) as ledger:
            told = look_at(plan, ledger, check, now=datetime.now(UTC))
    except NothingSelected as error:
        usage(str(error))
    if as_json:
        from agent.report.check_json import check_json

        sys.stdout.write(json.dumps(check_json(told), indent=2) + "\n")
    else:
        from agent.cli.explain import text
        from agent.report.check_text import check_report
        from checks.safe import safe

        sys.stdout.write(check_report(told, style_for(sys.stdout, plain=plain), marks=_marks()) + "\n")
        said = text(told.doc) if told.doc is not None else f"No explanation: {told.undocumented}"
        sys.stdout.write(safe(said, limit=100_000, lines=True) + "\n")
    standing = worst_standing(told)
    if standing is Standing.FAIL:
        return EXIT_NO_GO
    return EXIT_GO if standing is Standing.PASS else EXIT_INCOMPLETE


def show_runs(file: Path, *, as_json: bool, plain: bool) -> int:
    """Print the newest runs and the baselines; return the exit code."""
    from agent.runs import look_back, tested

    plan = plan_of(file)
    with open_ledger(file, plan, read_only=True) as ledger:
        runs = look_back(ledger, datetime.now(UTC))
        counts = {item.run.id: tested(ledger, item.run) for item in runs.runs}
    if as_json:
        from agent.report.check_json import runs_json

        sys.stdout.write(json.dumps(runs_json(runs, counts), indent=2) + "\n")
    else:
        from agent.report.runs_text import runs_report

        sys.stdout.write(runs_report(plan, runs, counts, style_for(sys.stdout, plain=plain)))
    return EXIT_GO


def _marks() -> str:
    """Return marks that the output can write."""
    from agent.story import MARKS, PLAIN_MARKS

    try:
        MARKS.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return PLAIN_MARKS
    return MARKS
