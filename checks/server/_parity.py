"""What differs between two servers: the shared diff of everything that must be the same after a migration.

Both sides are mappings of a key (`port:tcp/445`, `user:alice`) to a text that says what it is like. Every
finding on a difference carries its key, so that a technician can copy it into `allowed`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from checks.bounds import Len
from checks.contract import Finding
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.safe import in_line, safe

Allowed = tuple[Annotated[str, Len(1, 500)], ...]
Kind = Literal["missing", "different", "extra"]
"""On the source only; on both and not alike; on the target only."""
MAX_FINDINGS = 25
MAX_LISTED = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One key that is not the same on both sides; the value of a side that lacks it is empty."""

    key: str
    kind: Kind
    source: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """What two mappings have in common and what not, each in the order of its keys."""

    same: int
    source: int
    target: int
    """How many entries each side has."""
    differences: tuple[Difference, ...]
    """Those that nobody allowed."""
    allowed: tuple[Difference, ...]
    unused: tuple[str, ...]
    """Patterns that allow no difference there is."""


def require_allowed(allowed: Sequence[str], *, compared: bool = True) -> None:
    """Raise ValueError for patterns that would allow everything, or where nothing is compared."""
    for pattern in allowed:
        if not pattern.strip("*?"):
            raise ValueError(
                f"The pattern {pattern!r} in 'allowed' would allow every difference: name them, like "
                "'port:tcp/631' or 'user:old*'."
            )
    if allowed and not compared:
        raise ValueError("'allowed' says which differences to a 'source' are expected; there is no 'source'.")


def differences(source: Mapping[str, str], target: Mapping[str, str], allowed: Sequence[str] = ()) -> Diff:
    """Return how `target` differs from `source`; `allowed` are fnmatch patterns of keys, or keys as shown."""
    found: list[Difference] = []
    same = 0
    for key in sorted(source.keys() | target.keys()):
        here, there = source.get(key), target.get(key)
        if here == there:
            same += 1
        elif there is None:
            found.append(Difference(key=key, kind="missing", source=here or ""))
        elif here is None:
            found.append(Difference(key=key, kind="extra", target=there))
        else:
            found.append(Difference(key=key, kind="different", source=here, target=there))
    used: set[str] = set()
    expected: list[Difference] = []
    rest: list[Difference] = []
    for difference in found:
        hits = [pattern for pattern in allowed if allows(pattern, difference.key)]
        used.update(hits)
        (expected if hits else rest).append(difference)
    return Diff(
        same=same, source=len(source), target=len(target), differences=tuple(rest), allowed=tuple(expected),
        unused=tuple(pattern for pattern in dict.fromkeys(allowed) if pattern not in used),
    )  # fmt: skip


def allows(pattern: str, key: str) -> bool:
    """Return whether a pattern means a key: as it is, as findings show it, or by `*`, `?` and `[...]`."""
    return pattern in (key, shown(key)) or fnmatchcase(key, pattern)


def shown(key: str) -> str:
    """Return a key as findings show it, to be copied into `allowed`."""
    return safe(key, limit=300)


Fix = Callable[[Difference], str]


def parity_findings(
    diff: Diff, *, subject: str, things: str, fix: Fix | None = None,
    extra: Literal["pass", "warn", "fail"] = "warn", source: str = "the source",
) -> Iterable[Finding]:  # fmt: skip
    """Judge a diff: missing and different fail, what only the target has is as `extra` says.

    `things` is their plural (`listening ports`), `subject` the target, `source` the other side's name.
    Nothing on the source, or nothing alike while all differences were allowed, proves nothing.
    """
    if not diff.source:
        yield cannot_tell(
            subject, f"There are no {things} to be seen on {source}, so there is nothing to compare with.",
            expected=f"the same {things} as on {source}", observed=f"none there, {diff.target} here",
            fix=f"Check that {source} is the right server and that this account may see its {things}.",
        )  # fmt: skip
        return
    tell = fix or _fix
    proven = [one for one in diff.differences if one.kind != "extra"]
    beside = [one for one in diff.differences if one.kind == "extra"]
    wrong = proven + (beside if extra == "fail" else [])
    yield from _bounded(wrong, subject, things, source, tell, fail=True)
    if extra == "warn":
        yield from _bounded(beside, subject, things, source, tell, fail=False)
    elif extra == "pass" and beside:
        yield passed(
            subject, f"{len(beside)} {things} are on the target only.", observed=_keys(beside),
            expected="more than on the source is no fault",
        )  # fmt: skip
    if diff.allowed:
        yield passed(
            subject, f"{len(diff.allowed)} differences of {things} are allowed by the plan.",
            expected="as 'allowed' says", observed=_keys(diff.allowed),
        )  # fmt: skip
    if diff.unused:
        yield warned(
            subject, f"'allowed' expects differences of {things} that there are not.",
            expected=in_line(diff.unused), observed="no such difference",
            fix="Take the pattern out of 'allowed', or correct it: a difference is allowed by the key that "
            "its finding shows.",
        )  # fmt: skip
    if diff.same:
        yield passed(
            subject, f"{diff.same} of {diff.source} {things} are the same as on {source}.",
            expected=f"{diff.source} on {source}", observed=f"{diff.same} alike, {diff.target} in all",
        )  # fmt: skip
    elif not wrong:
        yield cannot_tell(
            subject, f"None of the {things} are alike, and every difference was allowed: nothing was proven.",
            expected=f"the same {things} as on {source}", observed=_keys(diff.allowed),
            fix="Allow fewer differences, or compare with another server.",
        )  # fmt: skip


def _bounded(
    found: Sequence[Difference], subject: str, things: str, source: str, fix: Fix, *, fail: bool
) -> Iterable[Finding]:
    judged = failed if fail else warned
    for one in found[:MAX_FINDINGS]:
        key = shown(one.key)
        yield judged(
            subject, f"{key} {_WHAT[one.kind].format(source=source)}.",
            expected=_side(one.source, key) if one.kind != "extra" else f"as on {source}, where it is not",
            observed=_side(one.target, key) if one.kind != "missing" else "missing",
            fix=fix(one),
        )  # fmt: skip
    rest = found[MAX_FINDINGS:]
    if rest:
        yield judged(
            subject, f"{len(rest)} more {things} differ from {source}.", expected=f"the same as on {source}",
            observed=_keys(rest), fix="Mend those that are named above first, then run it again.",
        )  # fmt: skip


_WHAT = {
    "missing": "is missing here, {source} has it",
    "different": "is not as on {source}",
    "extra": "is here and not on {source}",
}


def _side(value: str, key: str) -> str:
    return safe(value, limit=300) or f"{key} is there"


def _fix(one: Difference) -> str:
    todo = {
        "missing": "Set it up here as on the source",
        "different": "Make it the same as on the source",
        "extra": "Take it away if nobody needs it",
    }[one.kind]
    return f"{todo}, or allow the difference: allowed: ['{shown(one.key)}']."


def _keys(found: Sequence[Difference]) -> str:
    more = f", and {len(found) - MAX_LISTED} more" if len(found) > MAX_LISTED else ""
    return in_line(shown(one.key) for one in found[:MAX_LISTED]) + more
