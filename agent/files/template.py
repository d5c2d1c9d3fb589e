"""The commented project file that `gonogo init` writes for a profile."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from checks.dataclass import dataclass
from profiles import kinds
from profiles.model import ParameterModel
from profiles.profile import Profile
from profiles.scope import Scope, Unbound

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./@-]*( [A-Za-z0-9_./@-]+)*\Z|[0-9]+(\.[0-9]+){3}(/[0-9]+)?\Z")
_WIDTH = 92
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_CONTACTS = frozenset({"it", "pm", "customer", "site"})


@dataclass(frozen=True)
class Detected:
    """What this laptop shows about the place it stands in; `values` are by parameter name."""

    timezone: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    source: str = "this laptop"
    learnt: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By parameter name: lines of YAML that stand in its place, whole."""


def project_file(profile: Profile, reference: str, detected: Detected) -> str:
    """Return the text of a project file on `profile`, which it names as `reference`."""
    return (
        "\n".join([*_head(profile, reference, detected), "", *_with(profile, detected), *_tail(profile)])
        + "\n"
    )


def _head(profile: Profile, reference: str, detected: Detected) -> Iterator[str]:
    file = profile.file
    yield f"# {file.title} (profile {file.name}, version {file.version})."
    yield from _comment(file.description)
    yield "#"
    yield "# Fill in what says TODO, then: gonogo lint, gonogo plan, gonogo run (each with this file's name)."
    yield "gonogo: 1"
    yield ""
    yield "project:"
    yield '  name: "TODO: what the people concerned call it"'
    yield '  customer: ""'
    yield '  site: ""'
    if detected.timezone:
        yield f"  timezone: {detected.timezone}  # as this laptop is set"
    else:
        yield "  timezone: TODO  # IANA name, like Europe/Zurich"
    yield "  cutover: TODO  # like 2026-12-05 22:30, in that zone"
    yield "  # time_servers: [ntp.example.net]  # this laptop's clock is compared with them"
    yield ""
    yield "scope:"
    yield "  in: []   # what belongs to this cutover, one line of text each"
    yield "  out: []  # what does not, so that nobody expects it"
    yield ""
    owners = _owners(profile)
    for group, members in (
        ("vendors", [owner for owner in owners if owner not in _CONTACTS]),
        ("contacts", [owner for owner in owners if owner in _CONTACTS]),
    ):
        if members:
            yield f"{group}:  # whom a failing check tells you to call"
            for member in members:
                yield f'  {member}: {{name: "TODO: name", phone: "", email: "", note: ""}}'
            yield ""
    yield f"profile: {_scalar(reference)}"


def _with(profile: Profile, detected: Detected) -> Iterator[str]:
    if not profile.file.parameters:
        return
    yield "with:"
    for name, parameter in profile.file.parameters.items():
        yield from _parameter(name, parameter, detected)


def _parameter(name: str, parameter: ParameterModel, detected: Detected) -> Iterator[str]:
    need = "required" if parameter.required else "optional"
    yield ""
    yield from _comment(f"{parameter.description} ({kinds.describe(parameter.type)}, {need})", "  ")
    if name in detected.learnt:
        yield from detected.learnt[name]
        return
    seen, wrong = kinds.convert(parameter.type, detected.values.get(name))
    if not wrong:
        yield f"  {name}: {flow(seen)}  # seen on {detected.source}; is it the new site's?"
    elif parameter.required:
        hint = f"  # for example {flow(parameter.example)}" if parameter.example is not None else ""
        yield f"  {name}: TODO{hint}"
    elif parameter.default not in (None, [], ""):
        yield from (f"  {line}" for line in _lines({name: parameter.default}))
    else:
        example = {name: "..."} if parameter.example is None else {name: parameter.example}
        yield from (f"  # {line}" for line in _lines(example))


def _lines(value: Any) -> list[str]:
    """Return a value as YAML, each part on one line where it fits."""
    if isinstance(value, dict):
        made = []
        for key, item in value.items():
            line = f"{key}: {flow(item)}"
            fits = len(line) <= _WIDTH or not isinstance(item, (dict, list))
            made += [line] if fits else [f"{key}:", *(f"  {below}" for below in _lines(item))]
        return made
    made = []
    for item in value:
        whole = flow(item)
        first, *rest = [whole] if len(whole) <= _WIDTH or not isinstance(item, (dict, list)) else _lines(item)
        made += [f"- {first}", *(f"  {line}" for line in rest)]
    return made


def _tail(profile: Profile) -> Iterator[str]:
    names = [name for name in profile.file.milestones if "$" not in name]
    milestone = "ready" if "ready" in names else next(iter(names), "ready")
    yield ""
    yield "# Checks of the profile that do not apply here, each with the reason:"
    yield "# without:"
    yield "#   check-id: why it does not apply here"
    yield ""
    yield "# Changes to the profile's milestones, and milestones of your own:"
    yield "# milestones:"
    yield f"#   {milestone}: {{due: -2h}}"
    yield ""
    yield "# Checks of your own ('gonogo checks' lists the types, 'gonogo explain TYPE' explains one):"
    yield "# checks:"
    yield (f"#   badge-reader: {{type: network.tcp, milestone: {milestone}, target: 10.20.0.30, port: 443}}")


def _owners(profile: Profile) -> list[str]:
    """Return the owners that the profile names, with the parameters' defaults."""
    scope = Scope({name: parameter.default for name, parameter in profile.file.parameters.items()})
    found: dict[str, None] = {}
    for body in (*profile.file.milestones.values(), *profile.file.checks.values()):
        owner = body.get("owner")
        try:
            filled = scope.fill(owner)
        except Unbound:
            continue
        if isinstance(filled, str):
            found[filled] = None
    return list(found)


def _comment(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()), 100, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ",
        break_on_hyphens=False,
    )  # fmt: skip


def flow(value: Any) -> str:
    """Return a value as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return _scalar(value) if isinstance(value, str) else json.dumps(value)


def _scalar(text: str) -> str:
    return text if _PLAIN.match(text) and text.lower() not in _WORDS else json.dumps(text, ensure_ascii=False)
