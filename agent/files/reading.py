"""A project file and its profile, read and made into a plan. Imports pydantic and ruamel.yaml."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import field, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from agent.files import times
from agent.files.graph import matching
from agent.files.milestones import FromProfile, Setting, from_profile, plan_milestones, unknown_owner
from agent.files.model import MAY_BE_EMPTY, PartyModel, ProjectFile
from agent.files.planning import Planning, plan_checks
from agent.plan import LeftOut, Party, Plan, Project
from checks.dataclass import dataclass
from checks.safe import safe
from profiles import wording
from profiles.document import Document, read_document
from profiles.expand import Draft, expand
from profiles.problems import Path as YamlPath
from profiles.problems import Problem, Problems, did_you_mean, scrub, show
from profiles.profile import Profile, bind, read_profile
from profiles.scope import Scope, slug, uses
from profiles.shelf import locate

_NOT_GIVEN = re.compile(r"The parameter '([a-z0-9_]+)' has no value")


@dataclass
class Read:
    """A plan with what it was made from besides the project file."""

    plan: Plan
    profile: tuple[Path, bytes] | None = None
    """Path and bytes of the profile."""


@dataclass
class _Work:
    """What is known so far while a project file is read."""

    path: Path
    document: Document
    problems: list[Problem] = field(default_factory=list)
    profile: Profile | None = None
    profile_path: Path | None = None
    scope: Scope = field(default_factory=Scope)
    complete: bool = True
    """Whether the profile, if one is named, could be read and given its parameters."""


def read_plan(path: Path, data: bytes) -> Read:
    """Return the plan that the bytes of a project file mean; raise Problems with all its faults."""
    document = read_document(data, str(path))
    work = _Work(path, document, list(document.problems))
    value = document.value
    if isinstance(value, dict):
        value = {key: part for key, part in value.items() if part is not None or key not in MAY_BE_EMPTY}
    file, found = wording.validate(ProjectFile, value)
    work.problems += wording.report(found, (), document.problem)
    if not isinstance(document.value, dict):
        raise Problems(_clean(work))
    _read_profile(work)
    work.problems += _todo(document)
    planning, milestones = _expand(work, file)
    if file is None:
        raise Problems(_clean(work))
    plan = _plan(work, file, planning, milestones, data)
    if work.problems or plan is None:
        raise Problems(_clean(work))
    profile = (work.profile_path, work.profile.data) if work.profile and work.profile_path else None
    return Read(plan, profile)


def _todo(document: Document) -> list[Problem]:
    """Return a problem for every value that `gonogo init` left to be filled in."""
    return [
        document.problem(path, "This is still to be filled in.")
        for path in document.places
        if _to_fill_in(document.get(path))
    ]


def _to_fill_in(value: Any) -> bool:
    return isinstance(value, str) and (value == "TODO" or value.startswith("TODO:"))


def _clean(work: _Work) -> list[Problem]:
    hidden = [*work.document.hidden, *(work.profile.document.hidden if work.profile else ())]
    return scrub(work.problems, hidden)


def _read_profile(work: _Work) -> None:
    name = work.document.value.get("profile")
    work.complete = name is None
    if not isinstance(name, str) or not name.strip():
        for key in ("with", "without"):
            if work.document.value.get(key):
                message = f"'{key}' is about a profile, and the project names none."
                work.problems.append(work.document.problem((key,), message, key=True))
        return
    try:
        work.profile_path, shown = locate(name.strip(), work.path.parent)
    except LookupError as error:
        message = f"There is no profile {show(name)}."
        work.problems.append(work.document.problem(("profile",), message, str(error)))
        return
    try:
        work.profile = read_profile(work.profile_path, shown)
    except Problems as wrong:
        for item in wrong.problems:
            unreadable = item.source is None and item.place.line == 1
            message = f"The profile {show(name)}: {item.message}"
            work.problems.append(work.document.problem(("profile",), message) if unreadable else item)
        return
    bound = bind(work.profile, work.document)
    work.scope, work.complete = bound.scope, not bound.problems
    work.problems += [item for item in bound.problems if not _to_fill_in(work.document.get(item.path))]


def _expand(work: _Work, file: ProjectFile | None) -> tuple[Planning, FromProfile]:
    """Expand and validate the checks of both files; what depends on a broken profile is not looked at."""
    drafts: list[Draft] = []
    left_out: dict[str, str] = {}
    milestones = FromProfile()
    if work.profile is not None and work.complete:
        out = expand(work.profile.document, work.profile.file.checks, work.scope, "profile")
        work.problems += [_to_be_given(work, item) for item in out.problems]
        left_out |= out.left_out
        milestones = from_profile(work.profile.document, work.profile.file.milestones, work.scope)
        work.problems += milestones.problems
        for draft in out.drafts:
            if draft.body.get("milestone") in milestones.left_out:
                left_out[draft.id] = f"Its milestone '{draft.body['milestone']}' is left out."
        kept = [draft for draft in out.drafts if draft.id not in left_out]
        drafts += _without(work, file, kept, left_out)
    checks = work.document.value.get("checks")
    if not work.complete and isinstance(checks, dict):
        checks = {name: body for name, body in checks.items() if not uses([name, body])}
    own = expand(work.document, checks, work.scope, "project")
    left_out |= own.left_out
    planning = plan_checks([*drafts, *own.drafts], left_out, complete=work.complete)
    told = {item.path for item in work.problems if _NOT_GIVEN.match(item.message)}
    written = [_where_written(work, item) for item in planning.problems]
    work.problems += [*own.problems, *(item for item in written if item.path not in told)]
    return planning, milestones


def _to_be_given(work: _Work, problem: Problem) -> Problem:
    """Return the problem that a parameter was not given as one of the project file, which can give it."""
    named = _NOT_GIVEN.match(problem.message)
    if named is None or named[1] not in work.scope.values:
        return problem
    above = ("with",) if "with" in work.document.value else ("profile",)
    message = f"The parameter '{named[1]}' has no value, and a check needs one."
    hint = f"the check '{problem.path[1]}' takes it"
    return work.document.problem_at(work.document.place(above, key=True), ("with", named[1]), message, hint)


def _where_written(work: _Work, problem: Problem) -> Problem:
    """Return a problem of a profile's check at the place under `with` that can mend it.

    A wrong default is the profile's own mistake and stays there; an empty one waits to be given.
    """
    given = [path for path in problem.parameters if work.document.get(("with", path[0])) is not None]
    empty = [path for path in problem.parameters if work.scope.values.get(str(path[0])) in (None, "", [])]
    for path in [*given, *empty][:1]:
        at: YamlPath = (
            ("with", *path) if given else ("with",) if "with" in work.document.value else ("profile",)
        )
        unknown = problem.message.startswith("There is no such key")
        place = work.document.place(at, key=not given or unknown)
        meant = problem.hint.startswith(("did you mean", "put it in quotes"))
        hint = problem.hint if meant else f"the check '{problem.path[1]}' takes it"
        return work.document.problem_at(place, at if given else ("with", *path[:1]), problem.message, hint)
    return problem


def _without(
    work: _Work, file: ProjectFile | None, drafts: list[Draft], left_out: dict[str, str]
) -> list[Draft]:  # fmt: skip
    without = file.without if file else {}
    ids = {draft.id: None for draft in drafts}
    gone: dict[str, str] = {}
    for pattern, reason in without.items():
        found = matching(pattern, ids)
        gone |= dict.fromkeys(found, reason)
        if not found and not matching(pattern, left_out):
            message = f"The profile has no check {show(pattern)} to leave out."
            hint = did_you_mean(pattern, ids)
            work.problems.append(work.document.problem(("without", pattern), message, hint, key=True))
    left_out |= {name: f"The project leaves it out: {safe(reason)}" for name, reason in gone.items()}
    return [draft for draft in drafts if draft.id not in gone]


def _plan(
    work: _Work, file: ProjectFile, planning: Planning, found: FromProfile, data: bytes
) -> Plan | None:  # fmt: skip
    document = work.document
    zone, cutover = _times(work, file)
    parties = _parties(work, file)
    if not work.complete:
        return None
    setting = Setting(document, zone or ZoneInfo("UTC"), cutover, frozenset(parties), planning)
    milestones = plan_milestones(file, found, setting)
    if not planning.drafts:
        setting.problems.append(
            document.problem((), "There is no check; a plan without checks proves nothing.")
        )
    _check_references(planning, [item.id for item in milestones], setting)
    if zone is None or (file.project.cutover is not None and cutover is None):
        setting.problems = [item for item in setting.problems if item.path[-1:] != ("due",)]
    work.problems += setting.problems
    if work.problems:
        return None
    about = file.project
    return Plan(
        project=Project(
            id=about.id or slug(work.path.stem)[:100],
            name=about.name,
            timezone=about.timezone,
            cutover=cutover,
            customer=about.customer,
            site=about.site,
            scope_in=file.scope.in_,
            scope_out=file.scope.out,
            profile=file.profile,
            time_servers=about.time_servers,
        ),
        milestones=milestones,
        checks=tuple(planning.checks.values()),
        parties=tuple(parties.values()),
        left_out=tuple(LeftOut(check=name, reason=reason) for name, reason in planning.left_out.items()),
        source=str(work.path),
        sources_digest=_digest([data, *([work.profile.data] if work.profile else [])]),
    )


def _digest(parts: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _times(work: _Work, file: ProjectFile) -> tuple[ZoneInfo | None, datetime | None]:
    document = work.document
    try:
        zone = times.zone(file.project.timezone)
    except ValueError as error:
        work.problems.append(document.problem(("project", "timezone"), str(error)))
        return None, None
    if file.project.cutover is None:
        return zone, None
    try:
        return zone, times.moment(file.project.cutover, zone)
    except (ValueError, OverflowError) as error:
        work.problems.append(document.problem(("project", "cutover"), str(error)))
        return zone, None


def _parties(work: _Work, file: ProjectFile) -> dict[str, Party]:
    parties: dict[str, Party] = {}
    groups: tuple[tuple[str, str, dict[str, PartyModel]], ...] = (
        ("vendors", "vendor", file.vendors),
        ("contacts", "contact", file.contacts),
    )
    for group, role, members in groups:
        for name, who in members.items():
            if name in parties:
                message = f"'{name}' is a vendor already; a contact needs an id of its own."
                work.problems.append(work.document.problem((group, name), message, key=True))
            parties[name] = Party(
                id=name, name=who.name, role=role, phone=who.phone, email=who.email, note=who.note
            )
    return parties


def _check_references(planning: Planning, milestones: list[str], setting: Setting) -> None:
    missing: dict[str, list[str]] = {}
    for name, check in planning.heads.items():
        draft = planning.drafts[name]
        if check.milestone not in milestones:
            message = f"There is no milestone {show(check.milestone)}."
            place = (*draft.path, "milestone")
            hint = did_you_mean(check.milestone, milestones)
            setting.problems.append(draft.document.problem(place, message, hint))
        if check.owner is not None and check.owner not in setting.parties:
            if draft.origin == "profile":
                missing.setdefault(check.owner, []).append(name)
            else:
                said = unknown_owner(check.owner, setting.parties)
                setting.problems.append(draft.document.problem((*draft.path, "owner"), *said))
    for owner, checks in missing.items():
        some = ", ".join(checks[:3]) + (f" and {len(checks) - 3} more" if len(checks) > 3 else "")
        message = (
            f"The profile's checks are owned by '{owner}' ({some}), and there is no such vendor or contact; "
            f"add '{owner}: {{name: ..., phone: ...}}' under 'vendors:' or 'contacts:'."
        )
        problem = setting.project.problem(("profile",), message)
        setting.problems.append(_with_path(problem, ("vendors", owner)))


def _with_path(problem: Problem, path: tuple[str, ...]) -> Problem:
    return replace(problem, path=path)
