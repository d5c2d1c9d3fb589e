"""The only ways from raw text to the screen: everything goes through `safe`, and never through markup."""

from __future__ import annotations

from textual.content import Content

from agent.report.style import SIGNS
from agent.verdict import Standing, Verdict
from checks.safe import safe

LOOKS = {
    "": "",
    "bold": "bold",
    "dim": "$look-dim",
    "title": "bold $look-title",
    "pass": "$look-pass",
    "warn": "$look-warn",
    "fail": "bold reverse $look-fail",
    "inconclusive": "$look-unproven",
    "blocked": "$look-dim",
    "stale": "bold $look-unproven",
    "not run": "$look-unproven",
    "running": "$look-running",
    "waived": "$look-warn",
    Verdict.GO.value: "bold $look-pass",
    Verdict.GO_WITH_WAIVERS.value: "bold $look-warn",
    Verdict.NO_GO.value: "bold reverse $look-fail",
    Verdict.INCOMPLETE.value: "bold $look-unproven",
}
"""Looks by name, as styles in the theme's variables. A look never says more than the words beside it."""


def shown(raw: str, look: str = "", *, limit: int = 2000, lines: bool = False) -> Content:
    """Return text from outside as harmless content in one of `LOOKS`."""
    return Content.styled(safe(raw, limit=limit, lines=lines), LOOKS[look])


def joined(*parts: Content | tuple[str, str] | str) -> Content:
    """Return the parts side by side; strings and (text, look) pairs are made harmless."""
    made = []
    for part in parts:
        if isinstance(part, Content):
            made.append(part)
        else:
            raw, look = (part, "") if isinstance(part, str) else part
            made.append(shown(raw, look, lines=True))
    return Content("").join(made)


def sign(standing: Standing) -> str:
    """Return the two-character sign and the word of a standing: `!! FAIL`."""
    return SIGNS[standing.value]
