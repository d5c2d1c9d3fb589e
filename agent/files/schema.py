"""JSON Schemas for editors, from the same models and check classes that read the files."""

from __future__ import annotations

import copy
from typing import Any

from agent.files.model import MAY_BE_EMPTY, EngineKeys, ProjectFile
from checks import registry
from profiles import kinds, wording
from profiles.model import MilestoneModel, ProfileFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FILLED = {"type": "string", "pattern": r"\$\{"}


def project_schema() -> dict[str, Any]:
    """Return the JSON Schema of a project file."""
    schema = _model(ProjectFile)
    schema["properties"]["checks"] = {"$ref": "#/$defs/checks"}
    for part in MAY_BE_EMPTY:
        schema["properties"][part] = {"anyOf": [schema["properties"][part], {"type": "null"}]}
    schema |= {"$schema": DIALECT, "title": "gonogo project file"}
    schema.setdefault("$defs", {}).update(_check_definitions())
    return schema


def profile_schema() -> dict[str, Any]:
    """Return the JSON Schema of a profile file."""
    schema = _model(ProfileFile)
    milestone = _model(MilestoneModel)
    schema.setdefault("$defs", {}).update(milestone.pop("$defs", {}))
    milestone["properties"]["when"] = {"type": ["string", "boolean", "array"]}
    milestone["properties"]["each"] = {"type": "object", "minProperties": 1, "maxProperties": 1}
    schema["$defs"]["milestone"] = milestone
    schema["$defs"]["kind"] = {
        "anyOf": [
            {"enum": list(kinds.SCALARS)},
            {"type": "array", "minItems": 1, "maxItems": 1, "items": {"$ref": "#/$defs/kind"}},
            {"type": "object", "minProperties": 1, "additionalProperties": {"$ref": "#/$defs/kind"}},
        ]
    }
    schema["$defs"]["ParameterModel"]["properties"]["type"] = {"$ref": "#/$defs/kind"}
    schema["properties"]["milestones"]["additionalProperties"] = {"$ref": "#/$defs/milestone"}
    schema["properties"]["checks"] = {"$ref": "#/$defs/checks"}
    schema |= {"$schema": DIALECT, "title": "gonogo profile file"}
    schema["$defs"].update(_check_definitions())
    return schema


def _check_definitions() -> dict[str, Any]:
    """Return the definitions of a check: the engine's keys, then by `type` the parameters of that type."""
    engine = _model(EngineKeys)
    definitions: dict[str, Any] = engine.pop("$defs", {})
    keys = {name: _or_filled(item) for name, item in engine["properties"].items()}
    keys["each"] = {"type": "object", "minProperties": 1, "maxProperties": 1}
    keys["when"] = {"type": ["string", "boolean", "array"]}
    keys["with"] = {"type": ["string", "object", "array"]}
    branches = []
    names = _loadable()
    for name, kind in names.items():
        schema = _model(kind)
        definitions.update(_renamed(schema, name))
        definitions[f"type {name}"] = {
            "type": "object",
            "description": schema.get("description", "").split("\n")[0],
            "properties": {
                **dict.fromkeys(keys, True),
                **{field: _or_filled(item) for field, item in schema.get("properties", {}).items()},
            },
            "anyOf": [{"required": schema.get("required", [])}, {"required": ["with"]}],
            "additionalProperties": False,
        }
        branches.append(
            {
                "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                "then": {"$ref": f"#/$defs/type {name}".replace(" ", "%20")},
            }
        )
    keys["type"] = {"anyOf": [{"enum": list(names)}, {"type": "string"}], "description": "The check type."}
    check = {"type": "object", "properties": keys, "required": ["type", "milestone"], "allOf": branches}
    return definitions | {
        "check": check,
        "checks": {"type": "object", "additionalProperties": {"$ref": "#/$defs/check"}},
    }


def _loadable() -> dict[str, Any]:
    """Return the check types that can be loaded; one that cannot is no reason to have no schema."""
    found: dict[str, Any] = {}
    for name in [*registry.names(), *registry.foreign_names()]:
        try:
            found[name] = registry.load(name)
        except Exception:  # noqa: BLE001, S112 - lint names a broken type where a file uses it
            continue
    return found


def _model(kind: Any) -> dict[str, Any]:
    return copy.deepcopy(wording.adapter(kind).json_schema())


def _or_filled(schema: dict[str, Any]) -> dict[str, Any]:
    """Allow a text with `${}` beside what `schema` says."""
    described: dict[str, Any] = {key: schema[key] for key in ("description", "default") if key in schema}
    return {"anyOf": [_inside(schema), _FILLED], **described}


def _inside(schema: dict[str, Any]) -> dict[str, Any]:
    """Allow texts with `${}` for the members of a list or mapping."""
    made = dict(schema)
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = _or_filled(made[key])
    if isinstance(made.get("properties"), dict):
        made["properties"] = {name: _or_filled(item) for name, item in made["properties"].items()}
    if isinstance(made.get("anyOf"), list):
        made["anyOf"] = [_inside(item) for item in made["anyOf"]]
    return made


def _renamed(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Take the definitions out of a type's schema, under names that no other type uses."""
    own: dict[str, Any] = schema.pop("$defs", {})

    def fix(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                node["$ref"] = f"#/$defs/{name}:{node['$ref'].rpartition('/')[2]}"
            for item in node.values():
                fix(item)
        elif isinstance(node, list):
            for item in node:
                fix(item)

    fix(schema)
    fix(own)
    return {f"{name}:{key}": _inside(value) for key, value in own.items()}
