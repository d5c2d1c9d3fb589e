"""`${name}`, `each`, `when` and `with`: all that profile and project files know of programming."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any, Literal

from checks.dataclass import dataclass
from profiles.document import Document
from profiles.problems import Path, Problem, show
from profiles.scope import LEFT_OUT, NAME, Scope, Unbound, size, uses

Origin = Literal["profile", "project"]
MAX_EXPANDED = 20_000
MAX_VALUE = 20_000
MAX_VALUES = 500_000
_WHEN = re.compile(r"(not\s+)?\$\{([^{}]*)\}\Z")


def fill_deep(document: Document, path: Path, value: Any, scope: Scope) -> tuple[Any, list[Problem]]:
    """Return `value` filled in, and a problem at the place of every `${}` that has no value.

    A `${name?}` that stands alone comes back as what its keeper leaves out.
    """
    if isinstance(value, dict):
        return _fill_mapping(document, path, value, scope)
    if isinstance(value, list):
        items = [fill_deep(document, (*path, i), item, scope) for i, item in enumerate(value)]
        return [v for v, _ in items if v is not LEFT_OUT], [p for _, found in items for p in found]
    try:
        return scope.scalar(value) if isinstance(value, str) else value, []
    except Unbound as error:
        return None, [document.problem(path, error.message, error.hint)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A check as it is written, `${}`, `each` and `when` worked out, not yet validated."""

    id: str
    body: dict[str, Any]
    document: Document
    path: Path
    origin: Origin
    turn: int = 0
    """Which round of its loop it is, from 0."""
    borrowed: Mapping[str, Path] = field(default_factory=dict)
    """Keys that a mapping under the check's own `with` gave, and where that stands in the document."""


@dataclass
class Expanded:
    """What came of a file's checks."""

    drafts: list[Draft] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    """Ids that are not planned because of `when` or an empty `each`, with the reason."""
    problems: list[Problem] = field(default_factory=list)
    values: int = 0


def expand(document: Document, checks: Any, scope: Scope, origin: Origin) -> Expanded:
    """Work out `each`, `when` and `${}` of the mapping `checks` at the top of `document`."""
    out = Expanded()
    if not isinstance(checks, dict):
        return out
    for key, body in checks.items():
        path: Path = ("checks", key)
        if not isinstance(body, dict):
            out.problems.append(
                document.problem(path, f"A check is a mapping with 'type', not {show(body)}.")
            )
            continue
        scopes = rounds(document, path, body, scope, out.problems, out.left_out)
        for turn, inner in enumerate(scopes):
            draft = Draft(id=key, body=body, document=document, path=path, origin=origin, turn=turn)
            _expand_one(out, draft, inner)
            if len(out.drafts) > MAX_EXPANDED or out.values > MAX_VALUES:
                what = f"more than {MAX_EXPANDED:,} checks or {MAX_VALUES:,} values"
                out.problems.append(document.problem(path, f"Expanded, there are {what}."))
                return out
    return out


def _fill_mapping(
    document: Document, path: Path, mapping: dict[Any, Any], scope: Scope
) -> tuple[dict[Any, Any], list[Problem]]:
    filled: dict[Any, Any] = {}
    problems: list[Problem] = []
    for key, item in mapping.items():
        made, found = fill_deep(document, (*path, key), item, scope)
        problems += found
        if made is LEFT_OUT:
            continue
        try:
            filled[scope.key(key, mapping)] = made
        except Unbound as error:
            problems.append(document.problem((*path, key), error.message, error.hint, key=True))
    return filled, problems


def rounds(
    document: Document,
    path: Path,
    body: Mapping[str, Any],
    scope: Scope,
    problems: list[Problem],
    left_out: dict[str, str],
) -> list[Scope]:
    """Return one scope for every round of the loop `each`: one, if there is none.

    What is wrong with it goes to `problems`, and the id to `left_out` where there is nothing to go over.
    """
    if "each" not in body:
        return [scope]
    at = (*path, "each")
    loop = body["each"]
    if not isinstance(loop, dict) or len(loop) != 1:
        problems.append(document.problem(at, "A loop is written like 'each: {server: ${servers}}'."))
        return []
    ((name, over),) = loop.items()
    at = (*at, name)
    if not NAME.match(name) or "." in name or name in scope.values:
        taken = "is a parameter already" if name in scope.values else "is not a name like 'server'"
        problems.append(document.problem(at, f"The loop variable '{name}' {taken}.", key=True))
        return []
    if not any(use.split(".")[0] == name for use in uses(str(path[-1]))):
        message = f"The id must contain ${{{name}}}, so that everything of the loop has its own."
        problems.append(document.problem(path, message, key=True))
        return []
    try:
        values = scope.fill(over)
    except Unbound as error:
        problems.append(document.problem(at, error.message, error.hint))
        return []
    if not isinstance(values, list):
        problems.append(document.problem(at, f"A loop goes over a list, and this is {show(values)}."))
        return []
    if not values:
        left_out[str(path[-1])] = f"The list {_named(over)}is empty or not given."
    return [Scope({**scope.values, name: value}) for value in values]


def _expand_one(out: Expanded, draft: Draft, scope: Scope) -> None:
    document, path, body = draft.document, draft.path, draft.body
    try:
        name = scope.text(draft.id, slugs=True)
    except Unbound as error:
        out.problems.append(document.problem(path, error.message, error.hint, key=True))
        return
    if "when" in body:
        try:
            holds = met(body["when"], scope)
        except Unbound as error:
            out.problems.append(document.problem((*path, "when"), error.message, error.hint))
            return
        if not holds:
            out.left_out[name] = _unmet(body["when"], body.get("each") or {})
            return
    filled: dict[str, Any] = {}
    for key, value in body.items():
        if key in ("each", "when", "with"):
            continue
        if key == "needs" and isinstance(value, list):
            filled[key], found = _fill_ids(document, (*path, key), value, scope)
        elif key == "milestone":
            (filled[key],), found = _fill_ids(document, path, [value], scope)
        else:
            made, found = fill_deep(document, (*path, key), value, scope)
            if made is not LEFT_OUT:
                filled[key] = made
        out.problems += found
    borrowed: dict[str, Path] = {}
    for at, given in _borrow(out, draft, scope):
        taken = {key: value for key, value in given.items() if value is not None and key not in body}
        filled |= taken
        borrowed |= dict.fromkeys(taken, at)
    out.values += size(filled, MAX_VALUES)
    out.drafts.append(replace(draft, id=name, body=filled, borrowed=borrowed))


def _borrow(out: Expanded, draft: Draft, scope: Scope) -> list[tuple[Path, dict[str, Any]]]:
    """Return the mappings that a check takes keys from, with their places: the later ones count."""
    written = draft.body.get("with", [])
    sources = [((), written)] if not isinstance(written, list) else [((i,), v) for i, v in enumerate(written)]
    found: list[tuple[Path, dict[str, Any]]] = []
    for below, source in sources:
        at: Path = (*draft.path, "with", *below)
        value, problems = fill_deep(draft.document, at, source, scope)
        out.problems += problems
        if isinstance(value, dict):
            found.append((at, value))
        elif value is not LEFT_OUT and not problems:
            message = f"What a check takes its keys from is a mapping, and this is {show(value)}."
            out.problems.append(draft.document.problem(at, message))
    return found


def _fill_ids(document: Document, at: Path, ids: list[Any], scope: Scope) -> tuple[list[Any], list[Problem]]:
    made: list[Any] = []
    problems: list[Problem] = []
    for i, item in enumerate(ids):
        try:
            made.append(scope.text(item, slugs=True) if isinstance(item, str) else item)
        except Unbound as error:
            made.append(None)
            problems.append(document.problem((*at, i), error.message, error.hint))
    return made, problems


def met(condition: Any, scope: Scope) -> bool:
    """Return whether a `when` holds, of a list one of them; raise Unbound if it is none."""
    if isinstance(condition, list) and condition:
        return any([met(one, scope) for one in condition])  # noqa: C419 - each must be one
    if isinstance(condition, bool):
        return condition
    match = _WHEN.match(condition) if isinstance(condition, str) else None
    if match is None:
        raise Unbound("A condition is written like 'when: ${voip}' or 'when: not ${voip}'.")
    value = scope.get(match.group(2))
    holds = value if isinstance(value, bool) else value not in (None, "", [], {})
    return holds != bool(match.group(1))


def _unmet(condition: Any, loop: Mapping[str, Any]) -> str:
    """Return why a check with that condition is left out, in the words of who writes the project."""
    for variable in loop:
        condition = re.sub(rf"(\$\{{\s*){re.escape(variable)}\.", r"\1", str(condition))
    if isinstance(condition, str) and condition.strip().startswith("not "):
        return f"{_named(condition)}is given."
    if isinstance(condition, list) and all(_named(one) and "not" not in one.split() for one in condition):
        return f"{'and '.join(map(_named, condition))}are not given, empty or off."
    return f"{_named(condition)}is not given, empty or off." if _named(condition) else "Its condition is off."


def _named(words: Any) -> str:
    name = re.search(r"\$\{\s*([\w.-]+)\s*\}", words) if isinstance(words, str) else None
    return f"'{name.group(1)[:60]}' " if name else ""
