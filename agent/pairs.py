"""Two results of one check beside each other: which of their findings differ most, and by how much."""

from __future__ import annotations

from agent.report.picture import Told
from agent.story import number, observed, short
from checks.words import Finding, rank


def differing(before: Told | None, after: Told | None) -> tuple[Finding | None, Finding | None]:
    """Return the findings that differ most: another status, then another value, then other words."""
    old = before.findings if before is not None else ()
    new = after.findings if after is not None else ()
    if not old or not new:
        return _worst(old), _worst(new)
    were, are = _numbered(old), _numbered(new)
    matched = [(were[key], finding) for key, finding in are.items() if key in were]
    came = _worst([finding for key, finding in are.items() if key not in were])
    lost = _worst([finding for key, finding in were.items() if key not in are])
    best = max(matched, key=_weight, default=None)
    if came is not None and (best is None or rank(came.status) < rank(best[1].status)):
        return lost or _worst(old), came
    if best is not None and (_weight(best) > _SAME_WEIGHT or (came is None and lost is None)):
        return best
    return lost, came


def _numbered(findings: tuple[Finding, ...]) -> dict[tuple[str, int], Finding]:
    """Return the findings by subject and their place among those of the subject."""
    counts: dict[str, int] = {}
    made = {}
    for finding in findings:
        nth = counts[finding.subject] = counts.get(finding.subject, -1) + 1
        made[finding.subject, nth] = finding
    return made


_SAME_WEIGHT = (0, 0, 0.0, False)


def _weight(pair: tuple[Finding, Finding]) -> tuple[int, int, float, bool]:
    one, other = pair
    step = rank(one.status) - rank(other.status)
    return abs(step), step, _distance(one, other), observed(one) != observed(other)


def _distance(one: Finding, other: Finding) -> float:
    """Return how far a measured value moved, as a share of what it was."""
    was, now = value_of(one), value_of(other)
    if was is None or now is None or was == now:
        return 0.0
    return abs(now / 2 - was / 2) / max(abs(was), 1e-9) * 2


def _worst(findings: tuple[Finding, ...] | list[Finding]) -> Finding | None:
    return min(findings, key=lambda finding: rank(finding.status), default=None)


def value_of(finding: Finding | None) -> float | None:
    return number(finding.measure.value) if finding is not None and finding.measure is not None else None


def values_in_words(one: Finding | None, other: Finding | None) -> tuple[str, str] | None:
    """Return both values with their unit, and how much that is; None where they are not of one measure."""
    if one is None or other is None or one.measure is None or other.measure is None:
        return None
    was, now, unit = value_of(one), value_of(other), other.measure.unit
    if was is None or now is None or was == now:
        return None
    if (one.measure.name, one.measure.unit) != (other.measure.name, unit):
        return None
    return f"{short(was)} {unit}".rstrip(), f"{short(now)} {unit}".rstrip() + in_proportion(was, now)


def in_proportion(was: float, now: float) -> str:
    """Return ` (+34 %)`, or ` (x5.8)` from twice or half on; nothing where there is no proportion."""
    if was <= 0 or now <= 0:
        return ""
    factor = number(now / was)
    if factor is None or factor == 0:
        return ""
    if factor >= 2 or factor <= 0.5:
        return f" (x{short(factor)})"
    percent = (factor - 1) * 100
    return f" ({percent:+.2g} %)" if abs(percent) < 10 else f" ({percent:+.0f} %)"
