"""One line and an exit code for monitoring systems (Monitoring Plugins guidelines: 0/1/2/3 and perfdata)."""

from __future__ import annotations

from collections import Counter

from agent.report.picture import Picture
from agent.verdict import Standing, Verdict
from checks.safe import safe
from checks.words import WORST_FIRST

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
_COUNTED = (*(Standing(status.value) for status in WORST_FIRST), Standing.STALE, Standing.NOT_RUN)


def nagios_line(picture: Picture) -> tuple[str, int]:
    """Return the status line with perfdata, and the plugin's exit code."""
    counts = Counter(picture.standings().values())
    code = {Verdict.GO: OK, Verdict.GO_WITH_WAIVERS: WARNING, Verdict.NO_GO: CRITICAL}.get(
        picture.verdict, UNKNOWN
    )
    if code == OK and counts[Standing.WARN]:
        code = WARNING
    word = ("OK", "WARNING", "CRITICAL", "UNKNOWN")[code]
    per_milestone = ", ".join(f"{item.milestone.id} {item.verdict.value}" for item in picture.verdicts)
    worst = next((reason for item in picture.verdicts for reason in item.reasons), "")
    text = f"GONOGO {word} - {picture.verdict.value}: {per_milestone}"
    if worst:
        text += f" ({worst})"
    perfdata = " ".join(f"{kind.value.replace(' ', '_')}={counts[kind]}" for kind in _COUNTED)
    line = safe(text, limit=900).replace("|", "/")
    return f"{line} | {perfdata}", code
