"""From drafts to planned checks: types looked up, parameters validated, needs resolved."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from agent.files.graph import cycles, is_glob, matching
from agent.files.model import EngineKeys
from agent.files.origin import item_of, parameters_of
from agent.plan import PlannedCheck, definition_digest
from checks import jsonable, registry
from checks.contract import RESERVED, Check
from checks.dataclass import dataclass
from checks.safe import safe
from profiles import wording
from profiles.expand import Draft
from profiles.problems import Path, Problem, did_you_mean, show
from profiles.scope import uses

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}\Z")
_MAX_HINTS = 20


@dataclass
class Planning:
    """The checks of a plan as they come together. `drafts` says where each is written."""

    checks: dict[str, PlannedCheck] = field(default_factory=dict)
    drafts: dict[str, Draft] = field(default_factory=dict)
    heads: dict[str, EngineKeys] = field(default_factory=dict)
    """The engine's keys of every check where they are right, whatever the parameters are."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    """Ids of checks that are written but have problems of their own."""
    problems: list[Problem] = field(default_factory=list)
    unknown: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Types that could not be loaded: message and hint, so that each is looked for once."""

    def say(self, draft: Draft, path: Path, message: str, hint: str = "", *, key: bool = False) -> None:
        """Note a problem below the draft's own place."""
        self.problems.append(_problem(draft, (*draft.path, *path), message, hint, key=key))


def plan_checks(drafts: Sequence[Draft], left_out: Mapping[str, str], *, complete: bool = True) -> Planning:
    """Validate every draft and resolve what it needs; owners and milestones are looked at elsewhere.

    Without `complete` the drafts are not all there are, and needs are left as they are written.
    """
    planning = Planning(left_out=left_out)
    for draft in drafts:
        if not _ID.match(draft.id):
            planning.say(
                draft, (),
                f"'{safe(draft.id, limit=60)}' is no id: up to 100 of a-z, 0-9, '.', '_' and '-', beginning "
                "with a letter or digit.",
                key=True,
            )  # fmt: skip
        elif draft.id in planning.drafts:
            first = planning.drafts[draft.id]
            if draft.origin == "profile" and first.path == draft.path:
                message = "Another one of this list has the same name; each needs a name of its own."
            else:
                at = first.document.place(first.path, key=True)
                message = f"There are two checks '{draft.id}'; the other is at {at}."
            planning.say(draft, (), message, key=True)
            if draft.origin == "profile":
                came = tuple(item_of(draft))
                planning.problems[-1] = replace(planning.problems[-1], parameters=came)
        else:
            planning.drafts[draft.id] = draft
            _plan_one(planning, draft)
    if complete:
        _resolve_needs(planning)
    return planning


def _plan_one(planning: Planning, draft: Draft) -> None:
    engine = {key: value for key, value in draft.body.items() if key in RESERVED}
    params = {key: value for key, value in draft.body.items() if key not in RESERVED}
    before = len(planning.problems)
    head, found = wording.validate(EngineKeys, engine)
    if head is not None:
        planning.heads[draft.id] = head
    kind = _load(planning, draft, engine.get("type"))
    planning.problems += wording.report(found, draft.path, functools.partial(_problem, draft))
    built = _build(planning, draft, kind, params) if kind is not None else None
    if head is None or built is None or kind is None or len(planning.problems) > before:
        planning.broken.add(draft.id)
        return
    normal = jsonable.to_json(built)
    line = draft.document.place(draft.path, key=True).line
    planning.checks[draft.id] = PlannedCheck(
        id=draft.id,
        type=head.type,
        milestone=head.milestone,
        title=head.title or _claim(kind),
        required=head.required,
        params=normal,
        digest=definition_digest(head.type, normal),
        target=built.subject(),
        place=f"{draft.document.name}:{line}",
        owner=head.owner,
        needs=head.needs,
        timeout_s=head.timeout,
        retries=head.retries,
    )


def _load(planning: Planning, draft: Draft, name: Any) -> type[Check[Any]] | None:
    if not isinstance(name, str) or not name.strip():
        return None
    try:
        if name not in planning.unknown:
            return registry.load(name)
    except registry.UnknownType as error:
        message, _, hint = str(error).partition(" - ")
        planning.unknown[name] = (f"{message}.", hint)
    except registry.BrokenType as error:
        planning.unknown[name] = (str(error), "")
    except Exception as error:  # noqa: BLE001 - somebody else's module may fail in any way while it is imported
        planning.unknown[name] = (f"The check type '{name}' cannot be loaded: {error!r}.", "")
    planning.say(draft, ("type",), *planning.unknown[name])
    if draft.origin == "profile":
        came = tuple(parameters_of(draft, ("type",), ""))
        planning.problems[-1] = replace(planning.problems[-1], parameters=came)
    return None


def _build(
    planning: Planning, draft: Draft, kind: type[Check[Any]], params: dict[str, Any]
) -> Check[Any] | None:  # fmt: skip
    try:
        built, found = wording.validate(kind, params)
        if built is not None:
            built.subject()
            jsonable.to_json(built)
    except Exception as error:  # noqa: BLE001 - a check class may fail in any way; the plan says which
        planning.say(
            draft, ("type",), f"The check type '{kind.type}' cannot take these parameters: {error!r}."
        )
        return None
    for path, message, hint, key in found:
        unknown = key and len(path) == 1 and path[0] in params
        meant = hint or (did_you_mean(path[0], RESERVED) if unknown else _origin(draft, path))
        planning.say(draft, path, message, meant, key=key)
        if draft.origin == "profile" and (not unknown or path[0] in draft.borrowed):
            came = tuple(parameters_of(draft, path, message))
            planning.problems[-1] = replace(planning.problems[-1], parameters=came)
    return built


def _origin(draft: Draft, path: Path) -> str:
    """Say which parameter a wrong value came from, if it came from one."""
    written = None
    for length in range(len(path), 0, -1):
        written = draft.document.get((*draft.path, *path[:length]))
        if written is not None:
            break
    names = uses(written) if isinstance(written, str) else []
    return f"the value comes from ${{{names[0]}}}" if names else ""


def _problem(draft: Draft, path: Path, message: str, hint: str = "", *, key: bool = False) -> Problem:
    shown = (*draft.path[:-1], draft.id, *path[len(draft.path) :])
    return replace(draft.document.problem(path, message, hint, key=key), path=shown)


def _claim(kind: type[Check[Any]]) -> str:
    return (kind.__doc__ or kind.type).strip().splitlines()[0]


def _resolve_needs(planning: Planning) -> None:
    known = {*planning.drafts, *planning.left_out}
    hints = 0
    resolved: dict[str, tuple[str, ...]] = {}
    for name, head in planning.heads.items():
        draft = planning.drafts[name]
        found: dict[str, None] = {}
        for i, need in enumerate(head.needs):
            named = [item for item in matching(need, planning.drafts) if not (is_glob(need) and item == name)]
            if not named and not matching(need, known):
                hints += 1
                hint = did_you_mean(need, known) if hints <= _MAX_HINTS else ""
                what = "No check matches" if is_glob(need) else "There is no check"
                planning.say(draft, ("needs", i), f"{what} {show(need)}.", hint)
            found.update(dict.fromkeys(named))
        resolved[name] = tuple(found)
    for name, check in planning.checks.items():
        planning.checks[name] = replace(check, needs=resolved[name])
    for path in cycles(resolved):
        draft = planning.drafts[path[0]]
        planning.say(draft, ("needs",), f"The checks wait for each other: {_chain(path)}.", key=True)


def _chain(path: Collection[str]) -> str:
    names = list(path)
    return " -> ".join(names if len(names) <= 12 else [*names[:8], "...", *names[-3:]])
