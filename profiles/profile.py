"""How a profile is found, read, and given its parameters."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path as FilePath
from typing import Any

from checks.dataclass import dataclass
from profiles import kinds, wording
from profiles.document import Document, read_document
from profiles.expand import MAX_VALUE
from profiles.files import read_bytes
from profiles.model import ParameterModel, ProfileFile
from profiles.problems import Path, Problem, Problems, did_you_mean, show_path
from profiles.scope import Scope, Unbound, size, uses


@dataclass
class Profile:
    """A profile that was read."""

    document: Document
    file: ProfileFile
    data: bytes = field(repr=False, default=b"")


def read_profile(path: FilePath, name: str) -> Profile:
    """Return the profile in file `path`, called `name` in messages; raise Problems with all that is wrong."""
    data = read_bytes(path, name)
    document = read_document(data, name)
    file, found = wording.validate(ProfileFile, document.value)
    problems = [*document.problems, *wording.report(found, (), document.problem)]
    if file is not None:
        for key, parameter in file.parameters.items():
            problems += _check_parameter(document, key, parameter)
    if problems or file is None:
        raise Problems(problems)
    return Profile(document, file, data)


def _check_parameter(document: Document, name: str, parameter: ParameterModel) -> list[Problem]:
    at: Path = ("parameters", name)
    problems = [
        document.problem((*at, "type", *path), message, hint)
        for path, message, hint in kinds.check_kind(parameter.type)
    ]
    if parameter.required and parameter.default is not None:
        problems.append(
            document.problem((*at, "required"), "A parameter with a default is not required.", key=True)
        )
    if not problems and parameter.example is not None:
        problems += [
            document.problem((*at, "example", *path), message, hint)
            for path, message, hint in kinds.convert(parameter.type, parameter.example)[1]
        ]
    return problems


@dataclass
class Bound:
    """The parameters' values, and what is wrong with them."""

    scope: Scope
    problems: list[Problem]


def bind(profile: Profile, project: Document) -> Bound:
    """Give the profile's parameters the values under `with` of the project file, or their defaults."""
    given = project.value.get("with")
    given = given if isinstance(given, dict) else {}
    return _Binding(profile, project, given).run()


class _Binding:
    def __init__(self, profile: Profile, project: Document, given: dict[str, Any]) -> None:
        self.parameters = profile.file.parameters
        self.profile = profile
        self.project = project
        self.given = given
        self.values: dict[str, Any] = {}
        self.problems: list[Problem] = []
        self._open: list[str] = []
        self._broken: set[str] = set()
        """Parameters whose value was refused, and those that are made of them."""

    def run(self) -> Bound:
        for name in self.given:
            if name not in self.parameters:
                message = f"The profile {self.profile.file.name} has no parameter '{name}'."
                hint = did_you_mean(name, self.parameters)
                self.problems.append(self.project.problem(("with", name), message, hint, key=True))
        for name in self.parameters:
            self._resolve(name)
        return Bound(Scope(self.values), self.problems)

    def _resolve(self, name: str) -> None:
        if name in self.values:
            return
        parameter = self.parameters[name]
        at: Path = ("with", name) if name in self.given else ("parameters", name, "default")
        document = self.project if name in self.given else self.profile.document
        raw = self.given.get(name, parameter.default)
        if raw is None and name not in self.given:
            if parameter.required:
                self._missing(name, parameter)
                self._broken.add(name)
            self.values[name] = None
            return
        used = [part.split(".")[0] for part in uses(raw)]
        self._open.append(name)
        for use in dict.fromkeys(used):
            if use in self._open:
                loop = " -> ".join([*self._open[self._open.index(use) :], use])
                self.problems.append(document.problem(at, f"The values refer to each other: {loop}."))
                self.values[name] = None
                self._open.pop()
                return
            if use in self.parameters:
                self._resolve(use)
        self._open.pop()
        if self._broken.intersection(used):
            self._broken.add(name)
            self.values[name] = None
            return
        try:
            raw = Scope(self.values).fill(raw)
        except Unbound as error:
            if not any(problem.place.file for problem in self.problems if problem.path == at):
                self.problems.append(document.problem(at, error.message, error.hint))
            self.values[name] = None
            return
        if size(raw, MAX_VALUE) > MAX_VALUE:
            self.problems.append(document.problem(at, f"Filled in, it holds more than {MAX_VALUE:,} values."))
            self.values[name] = None
            return
        value, wrong = kinds.convert(parameter.type, raw)
        self.problems += [document.problem((*at, *path), message, hint) for path, message, hint in wrong]
        if parameter.required and value in ([], ""):
            self.problems.append(document.problem(at, "The parameter is required, and this is empty."))
        if wrong:
            self._broken.add(name)
        self.values[name] = value

    def _missing(self, name: str, parameter: ParameterModel) -> None:
        at: Path = ("with",) if "with" in self.project.value else ("profile",)
        example = f", for example {parameter.example!r}" if parameter.example is not None else ""
        self.problems.append(
            self.project.problem_at(
                self.project.place(at, key=True),
                ("with", name),
                f"The profile {self.profile.file.name} needs {show_path((name,))} "
                f"({kinds.describe(parameter.type)}{example}): {parameter.description}",
            )
        )
