"""The milestones of a plan with their gates: the profile's, changed by the project, and the project's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from agent.files.graph import cycles, is_glob, matching
from agent.files.model import ProjectFile
from agent.files.planning import Planning
from agent.files.times import due
from agent.plan import DEFAULT_MAX_AGE_S, Gate, GateNeed, Milestone
from checks.dataclass import dataclass
from profiles import wording
from profiles.document import Document
from profiles.expand import fill_deep, met, rounds
from profiles.model import GateModel, MilestoneModel
from profiles.problems import Path, Problem, did_you_mean, show
from profiles.scope import Scope, Unbound


@dataclass
class Layer:
    """One file's word on a milestone."""

    model: MilestoneModel
    document: Document


@dataclass
class Setting:
    """What milestones are made with."""

    project: Document
    zone: ZoneInfo
    cutover: datetime | None
    parties: frozenset[str]
    planning: Planning
    left_out: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Milestones of the profile whose `when` is not met, with what they come after."""
    known: dict[str, None] = field(default_factory=dict)
    """Ids of all milestones."""
    problems: list[Problem] = field(default_factory=list)


@dataclass
class FromProfile:
    """The milestones as the profile writes them, `${}` filled in, and those whose `when` is not met."""

    layers: dict[str, Layer] = field(default_factory=dict)
    left_out: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """With what each comes after: who comes after it comes after those."""
    problems: list[Problem] = field(default_factory=list)


def from_profile(document: Document, raw: Any, scope: Scope) -> FromProfile:
    """Read the milestones of a profile; those of one loop come after each other, in the order of its list."""
    out = FromProfile()
    for key, body in (raw or {}).items():
        at: Path = ("milestones", key)
        empty: dict[str, str] = {}
        before = ""
        for inner in rounds(document, at, body, scope, out.problems, empty):
            try:
                name = inner.text(key, slugs=True)
                holds = "when" not in body or met(body["when"], inner)
            except Unbound as error:
                out.problems.append(document.problem((*at, "when"), error.message, error.hint))
                continue
            _read_one(out, document, at, name, body, inner, before=before, holds=holds)
            before = name
        if empty:
            out.left_out[key] = tuple(body.get("after") or ())
    return out


def _read_one(
    out: FromProfile,
    document: Document,
    at: Path,
    name: str,
    body: dict[str, Any],
    scope: Scope,
    *,
    before: str,
    holds: bool,
) -> None:
    rest = {key: value for key, value in body.items() if key not in ("when", "each")}
    filled, found = fill_deep(document, at, rest, scope)
    model, wrong = (None, []) if found else wording.validate(MilestoneModel, filled)
    out.problems += [*found, *wording.report(wrong, at, document.problem)]
    if name in out.layers:
        message = f"There are two milestones '{name}'; each of a loop needs a name of its own."
        out.problems.append(document.problem(at, message, key=True))
    elif model is not None and not holds:
        out.left_out[name] = model.after or ()
    elif model is not None:
        after = (*(model.after or ()), before) if before else model.after
        out.layers[name] = Layer(model.model_copy(update={"after": after}), document)


def plan_milestones(file: ProjectFile, profile: FromProfile, setting: Setting) -> tuple[Milestone, ...]:
    """Return the milestones with their gates; what is wrong goes to `setting.problems`."""
    layers = {name: [layer] for name, layer in profile.layers.items()}
    setting.left_out |= profile.left_out
    for name, model in file.milestones.items():
        if name in profile.left_out:
            message = f"The profile leaves the milestone '{name}' out here: its condition 'when' is not met."
            setting.problems.append(setting.project.problem(("milestones", name), message, key=True))
            continue
        layers.setdefault(name, []).append(Layer(model, setting.project))
    if not layers:
        setting.problems.append(
            setting.project.problem((), "There is no milestone; a project has at least one, with checks.")
        )
    setting.known = dict.fromkeys(layers)
    made = [_one(name, found, layers, setting) for name, found in layers.items()]
    edges = {name: _before(_value(found, "after", ())[0], setting) for name, found in layers.items()}
    for path in cycles(edges):
        _, document, at = _value(layers[path[0]], "after", (), path[0])
        message = f"The milestones come after each other: {' -> '.join(path)}."
        setting.problems.append(document.problem(at, message))
    return tuple(made)


def _one(name: str, layers: list[Layer], known: dict[str, list[Layer]], setting: Setting) -> Milestone:
    title, document, at = _value(layers, "title", None, name)
    if title is None:
        message = f"The milestone '{name}' needs a title."
        hint = did_you_mean(name, [other for other in known if other != name])
        setting.problems.append(document.problem(at[:2], message, hint, key=True))
    after, document, at = _value(layers, "after", (), name)
    for i, other in enumerate(after):
        if not matching(other, {**known, **setting.left_out}):
            message = f"There is no milestone {show(other)}."
            setting.problems.append(document.problem((*at, i), message, did_you_mean(other, known)))
    owner, document, at = _value(layers, "owner", None, name)
    if owner is not None and owner not in setting.parties:
        told = document is not setting.project and _owns_checks(owner, setting)
        if not told:
            setting.problems.append(document.problem(at, *unknown_owner(owner, setting.parties)))
    text, document, at = _value(layers, "due", None, name)
    moment = None
    if text is not None:
        try:
            moment = due(text, setting.zone, setting.cutover)
        except (ValueError, OverflowError) as error:
            setting.problems.append(document.problem(at, str(error)))
    gate = _gate(name, layers, setting)
    return Milestone(
        id=name,
        title=title or name,
        gate=gate,
        due=moment,
        after=_before(after, setting),
        owner=owner,
    )


def _before(after: Sequence[str], setting: Setting) -> tuple[str, ...]:
    """Return the milestones that come before: of one that is left out, those that it would come after."""
    found: dict[str, None] = {}
    waiting, seen = list(reversed(after)), set[str]()
    while waiting:
        pattern = waiting.pop()
        if pattern in seen:
            continue
        seen.add(pattern)
        found |= dict.fromkeys(matching(pattern, setting.known))
        for other in matching(pattern, setting.left_out):
            waiting += setting.left_out[other]
    return tuple(found)


def _owns_checks(owner: str, setting: Setting) -> bool:
    """Return whether checks have that owner, too, so that it is told once and for all of them."""
    return any(head.owner == owner for head in setting.planning.heads.values())


def unknown_owner(owner: str, parties: frozenset[str]) -> tuple[str, str]:
    """Return message and hint for an owner who is nobody."""
    return (
        f"There is no vendor or contact {show(owner)}; add them under 'vendors:' or 'contacts:'.",
        did_you_mean(owner, parties),
    )


def _gate(name: str, layers: list[Layer], setting: Setting) -> Gate:
    planning = setting.planning
    needs = {check.id: check.required for check in planning.checks.values() if check.milestone == name}
    also, document, at = _gate_value(layers, "also", (), name)
    for i, pattern in enumerate(also):
        found = matching(pattern, planning.checks)
        for other in found:
            needs[other] = planning.checks[other].required or not is_glob(pattern) or needs.get(other, False)
        written = {*planning.drafts, *planning.left_out}
        if not found and not matching(pattern, written):
            what = "No check matches" if is_glob(pattern) else "There is no check"
            setting.problems.append(
                document.problem((*at, i), f"{what} {show(pattern)}.", did_you_mean(pattern, written))
            )
    strays = any(head.milestone not in setting.known for head in planning.heads.values())
    if not any(needs.values()) and not planning.broken and not strays:
        document = layers[0].document
        message = (
            f"The gate of '{name}' requires nothing, so it could only say GO for nothing; give the milestone "
            "a required check, or name some under 'gate: also:'."
        )
        setting.problems.append(document.problem(("milestones", name), message, key=True))
    warnings = _gate_value(layers, "warnings", None, name)[0]
    return Gate(
        needs=tuple(GateNeed(check=check, required=required) for check, required in needs.items()),
        max_age_s=_max_age(layers, name, setting),
        warnings=warnings is not False,
        vantages=tuple(_gate_value(layers, "vantages", (), name)[0]),
    )


def _max_age(layers: list[Layer], name: str, setting: Setting) -> float:
    seconds, document, at = _gate_value(layers, "max_age", DEFAULT_MAX_AGE_S, name)
    if seconds <= 0:
        setting.problems.append(document.problem(at, "A result must be allowed to grow older than nothing."))
    return float(seconds)


def _value(layers: list[Layer], key: str, default: Any, name: str = "") -> tuple[Any, Document, Path]:
    """Return the last word on `key`, the document that says it and where."""
    for layer in reversed(layers):
        value = getattr(layer.model, key)
        if value is not None:
            return value, layer.document, ("milestones", name, key)
    return default, layers[-1].document, ("milestones", name, key)


def _gate_value(layers: list[Layer], key: str, default: Any, name: str) -> tuple[Any, Document, Path]:
    gates = [Layer(layer.model, layer.document) for layer in layers if layer.model.gate is not None]
    for layer in reversed(gates):
        gate = layer.model.gate
        assert isinstance(gate, GateModel)
        value = getattr(gate, key)
        if value is not None:
            return value, layer.document, ("milestones", name, "gate", key)
    return default, layers[-1].document, ("milestones", name, "gate", key)
