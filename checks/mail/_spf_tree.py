"""What each term of an SPF record costs, as lines of evidence. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from checks.wire.spf_check import MAX_TERMS
from checks.wire.spf_cost import Line, Survey

_MOST = 60
_DEEPEST = 10
_WIDEST = 200


def tree(domain: str, cost: Survey) -> Iterator[str]:
    """Yield the record's terms that cost something, what is included below what includes it; raw."""
    yield f"{cost.lookups:>3} of {MAX_TERMS} lookups: the record of {domain}"
    for line in cost.lines[:_MOST]:
        yield f"{line.lookups:>3} {'  ' * min(line.depth + 1, _DEEPEST)}{line.term[:_WIDEST]}{_remark(line)}"
    if len(cost.lines) > _MOST:
        yield f"    ... and {len(cost.lines) - _MOST} more terms"


def _remark(line: Line) -> str:
    if line.problem or line.unknown:
        return f" ({(line.problem or line.unknown)[:_WIDEST]})"
    if line.voids4 or line.voids6:
        family = "" if line.voids4 and line.voids6 else f" for IPv{4 if line.voids4 else 6}"
        return f" ({max(line.voids4, line.voids6)} void{family})"
    return " (by sender)" if line.by_sender else ""
