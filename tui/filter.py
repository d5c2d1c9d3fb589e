"""The filter language: `status:fail,stale type:dns -site:hq printer`. Pure; nothing in it names a check type.

Terms are parted by spaces and all must hold. `field:a,b` is a or b, `-` in front negates, `"..."` keeps
spaces, commas and colons. Bare words are looked for in id, title, target and what was observed. `*` and `?`
stand for any characters and any one character; with them the whole text must match.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from agent.board import Row
from agent.verdict import Standing
from checks.dataclass import dataclass

Test = Callable[[Row], bool]
"""Whether a row is wanted."""

_UNRUN = dict.fromkeys(("notrun", "not-run", "unrun"), Standing.NOT_RUN.value)
STATUSES: Mapping[str, Test] = {
    **{kind.value: (lambda row, kind=kind: row.standing is kind) for kind in Standing},  # type: ignore[misc]
    **dict.fromkeys(_UNRUN, lambda row: row.standing is Standing.NOT_RUN),
    "waived": lambda row: row.waived,
}
FLAGS: Mapping[str, Test] = {
    "required": lambda row: row.required,
    "advisory": lambda row: not row.required,
    "waived": lambda row: row.waived,
    "blocking": lambda row: not row.meets,
}
FIELDS = ("status", "type", "site", "owner", "milestone", "is", "id", "target")
_CALLED = {"is": "property"}
_MOST_TEXT = 2000
_MOST_NAMES = 12
_NEAR = 0.5
_TERM = re.compile(r'(?P<no>-?)(?:(?P<field>[A-Za-z]+):)?(?P<value>(?:"[^"]*"?|[^\s"])*)')
_PIECE = re.compile(r'"([^"]*)"?|([^",]+)|(,)')


class FilterError(Exception):
    """The text is no filter, or not yet; the message is a sentence for the person who types."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a person typed, understood."""

    text: str
    tests: tuple[Test, ...] = ()
    gates: tuple[Callable[[str], bool], ...] = ()

    def wants(self, row: Row) -> bool:
        """Return whether a row is wanted, as it stands in its gate."""
        return all(test(row) for test in self.tests)

    def gate(self, milestone: str) -> bool:
        """Return whether checks are looked at as they stand in this milestone's gate."""
        return all(match(milestone) for match in self.gates)


def parse(text: str, *, site: str = "", milestones: Collection[str] = ()) -> Filter:
    """Return the filter that `text` means for a project at `site`. Raises FilterError."""
    tests: list[Test] = []
    gates: list[Callable[[str], bool]] = []
    for no, field, values in _terms(text):
        if field == "milestone":
            wanted = _milestones(values, milestones)
            gates.append(lambda name, wanted=wanted, no=no: (name in wanted) is not no)  # type: ignore[misc]
            continue
        test = _test(field, values, site)
        tests.append(lambda row, test=test, no=no: test(row) is not no)  # type: ignore[misc]
    return Filter(text, tuple(tests), tuple(gates))


def _terms(text: str) -> Iterator[tuple[bool, str, Sequence[str]]]:
    """Yield of each term whether it is negated, its field (empty for bare words) and its alternatives."""
    for found in _TERM.finditer(text):
        field, value = (found["field"] or "").lower(), found["value"]
        if field and (len(field) == 1 or value.startswith(("//", ":"))):
            field, value = "", f"{field}:{value}"
        if field and field not in FIELDS:
            raise FilterError(f"{_unknown('field', field, FIELDS)} Quote it to look for the text.")
        values = _alternatives(value)
        if field and not values:
            raise FilterError(f"Say which {_CALLED.get(field, field)}{_choices(field)}.")
        if values:
            yield bool(found["no"]), field, values


def _alternatives(value: str) -> list[str]:
    words = [""]
    for quoted, bare, comma in _PIECE.findall(value):
        if comma:
            words.append("")
        else:
            words[-1] += quoted or bare
    return [word.casefold() for word in words if word]


def _test(field: str, values: Sequence[str], site: str) -> Test:
    if field in ("status", "is"):
        known = STATUSES if field == "status" else FLAGS
        tests = [_named(field, value, known) for value in values]
        return lambda row: any(test(row) for test in tests)
    if field == "type":
        return lambda row: any(_begins(row.planned.type, value) for value in values)
    if field == "id":
        return lambda row: any(_has(row.id, value) for value in values)
    if field == "target":
        return lambda row: any(_has(row.planned.target, value) for value in values)
    if field == "site":
        return lambda row: any(_has(site, value) or _has(row.seen_from, value) for value in values)
    if field == "owner":
        return lambda row: any(_owned(row, value) for value in values)
    return lambda row: any(_anywhere(row, value) for value in values)


def _named(field: str, value: str, known: Mapping[str, Test]) -> Test:
    """Return what a word, or the beginning of one, stands for."""
    begun = [name for name in known if name.startswith(value)]
    if value not in known and len({_UNRUN.get(name, name) for name in begun}) != 1:
        what = _CALLED.get(field, field)
        raise FilterError(_unknown(what, value, [name for name in known if name not in _UNRUN], begun))
    return known[value if value in known else begun[0]]


def _milestones(values: Sequence[str], known: Collection[str]) -> frozenset[str]:
    found: set[str] = set()
    for value in values:
        named = {name for name in known if name.casefold() == value}
        named = named or {name for name in known if _begins(name, value)}
        if not named:
            raise FilterError(_unknown("milestone", value, known))
        found |= named
    return frozenset(found)


def _owned(row: Row, value: str) -> bool:
    if row.owner is None:
        return False
    return _begins(row.owner.id, value) or _has(row.owner.name, value)


def _anywhere(row: Row, value: str) -> bool:
    if _is_glob(value):
        return any(fnmatch.fnmatchcase(text, _glob(value)) for text in row.words)
    name, target, title, observed = row.words
    return value in name or value in target or value in title or value in observed


def _has(text: str, value: str) -> bool:
    text = text[:_MOST_TEXT].casefold()
    return fnmatch.fnmatchcase(text, _glob(value)) if _is_glob(value) else value in text


def _begins(text: str, value: str) -> bool:
    text = text[:_MOST_TEXT].casefold()
    return fnmatch.fnmatchcase(text, _glob(value)) if _is_glob(value) else text.startswith(value)


def _is_glob(value: str) -> bool:
    return "*" in value or "?" in value


def _glob(value: str) -> str:
    return value.replace("[", "[[]")


def _choices(field: str) -> str:
    known = {"status": STATUSES, "is": FLAGS}.get(field)
    return f": {_listed(name for name in known if name not in _UNRUN)}" if known else ""


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:_MOST_NAMES]) + (", ..." if len(listed) > _MOST_NAMES else "")


def _unknown(what: str, value: str, known: Collection[str], near: Sequence[str] = ()) -> str:
    """Return the sentence for a word that nothing is named by."""
    near = near or difflib.get_close_matches(value, list(known), n=1, cutoff=_NEAR)
    begun = f"There is no {what} {value[:40]!r}"
    if near:
        return f"{begun} - did you mean {' or '.join(map(repr, near[:3]))}?"
    return f"{begun}: there are {_listed(known)}." if known else f"{begun}."
