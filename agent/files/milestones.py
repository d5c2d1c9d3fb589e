"""The milestones of a plan with their gates: the profile's, changed by the project, and the project's own."""

from __future__ import annotations

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
from profiles.expand import Scope, Unbound, fill_deep, met
from profiles.model import GateModel, MilestoneModel
from profiles.problems import Path, Problem, did_you_mean, show


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
    left_out: set[str] = field(default_factory=set)
    """Milestones of the profile whose `when` is not met."""
    known: set[str] = field(default_factory=set)
    """Ids of all milestones."""
    problems: list[Problem] = field(default_factory=list)


@dataclass
class FromProfile:
    """The milestones as the profile writes them, `${}` filled in, and those whose `when` is not met."""

    layers: dict[str, Layer] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def from_profile(document: Document, raw: Any, scope: Scope) -> FromProfile:
    """Read the milestones of a profile."""
    out = FromProfile()
    for name, body in (raw or {}).items():
        at = ("milestones", name)
        rest = {key: value for key, value in body.items() if key != "when"}
        try:
            if "when" in body and not met(body["when"], scope):
                out.left_out.add(name)
        except Unbound as error:
            out.problems.append(document.problem((*at, "when"), error.message, error.hint))
        filled, found = fill_deep(document, at, rest, scope)
        model, wrong = (None, []) if found else wording.validate(MilestoneModel, filled)
        out.problems += [*found, *wording.report(wrong, at, document.problem)]
        if model is not None and name not in out.left_out:
            out.layers[name] = Layer(model, document)
    return out


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
    setting.known = set(layers)
    made = [_one(name, found, layers, setting) for name, found in layers.items()]
    for path in cycles({name: _value(found, "after", ())[0] for name, found in layers.items()}):
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
        if other not in known and other not in setting.left_out:
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
        after=tuple(filter(known.__contains__, after)),
        owner=owner,
    )


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
