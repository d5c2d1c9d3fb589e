"""One line and an exit code for monitoring systems (Monitoring Plugins guidelines: 0/1/2/3 and perfdata)."""

from __future__ import annotations

from agent.report.picture import Picture
from agent.verdict import Verdict
from checks.safe import safe
from checks.words import WORST_FIRST, Status

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3


def nagios_line(picture: Picture) -> tuple[str, int]:
    """Return the status line with perfdata, and the plugin's exit code."""
    counts = dict.fromkeys(WORST_FIRST, 0)
    for result in picture.results.values():
        counts[result.status] += 1
    missing = sum(1 for name in picture.shown if name not in picture.results)
    code = {Verdict.GO: OK, Verdict.GO_WITH_WAIVERS: WARNING, Verdict.NO_GO: CRITICAL}.get(
        picture.verdict, UNKNOWN
    )
    if code == OK and counts[Status.WARN]:
        code = WARNING
    word = ("OK", "WARNING", "CRITICAL", "UNKNOWN")[code]
    per_milestone = ", ".join(f"{item.milestone.id} {item.verdict.value}" for item in picture.verdicts)
    worst = next((reason for item in picture.verdicts for reason in item.reasons), "")
    text = f"GONOGO {word} - {picture.verdict.value}: {per_milestone}"
    if worst:
        text += f" ({worst})"
    perfdata = " ".join(f"{status.value}={count}" for status, count in counts.items())
    line = safe(text, limit=900).replace("|", "/")
    return f"{line} | {perfdata} not_run={missing}", code
