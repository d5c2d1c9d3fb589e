"""The form of a profile file, and of what profile and project files share: milestones and gates.

Imports pydantic: only what loads a file imports this module.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from checks.params import Duration

ID = r"^[a-z0-9][a-z0-9._-]*$"


def _said(value: str) -> str:
    if not value.strip():
        raise ValueError("The text is empty.")
    return value.strip()


def _id(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,99}", value):
        raise ValueError(
            "An id has up to 100 of a-z, 0-9, '.', '_' and '-', and begins with a letter or digit, "
            f"unlike {value[:60]!r}."
        )
    return value


def _loop_id(value: str) -> str:
    _id(re.sub(r"\$\{[^{}]*\}", "x", value))
    return value


def _name(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", value):
        raise ValueError(
            f"A parameter's name has a-z, 0-9 and '_' and begins with a letter, unlike {value[:60]!r}."
        )
    return value


def _version(value: int) -> int:
    if value != 1:
        raise ValueError(f"This gonogo reads version 1 of the format, not {value}.")
    return value


Version = Annotated[int, Field(json_schema_extra={"const": 1}), AfterValidator(_version)]
Said = Annotated[str, Field(min_length=1, max_length=4000), AfterValidator(_said)]
"""Text that is not empty."""
Id = Annotated[str, Field(json_schema_extra={"pattern": ID}), AfterValidator(_id)]
LoopId = Annotated[str, Field(json_schema_extra={"minLength": 1}), AfterValidator(_loop_id)]
"""An id in which a `${}` may stand."""
Name = Annotated[str, Field(json_schema_extra={"pattern": "^[a-z][a-z0-9_]*$"}), AfterValidator(_name)]


class Model(BaseModel):
    """Base of all: unknown keys are errors, nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class GateModel(Model):
    """What a milestone's results must be like."""

    max_age: Duration | None = None
    """How old a result may be: `12h`. 24 hours if nothing is said."""
    warnings: bool | None = None
    """Whether a warning still passes. True if nothing is said."""
    vantages: tuple[Said, ...] | None = None
    """From where results count: globs on the vantage's name, or networks in CIDR form. Empty: any."""
    also: tuple[Said, ...] | None = None
    """Ids or globs of checks of other milestones that this gate needs too. What is named by its id is
    required here, even if it is advisory for its own milestone; a glob leaves each as it is."""


class MilestoneModel(Model):
    """A dated point of the project."""

    title: Said | None = None
    due: Said | None = None
    """`2026-12-04 18:00`, `cutover`, or before or after the cutover: `-14d`, `-1h`, `+72h`."""
    after: tuple[Said, ...] | None = None
    """Ids or globs of the milestones that come before."""
    owner: Said | None = None
    """Id of a vendor or contact."""
    gate: GateModel | None = None


class ParameterModel(Model):
    """One parameter of a profile."""

    type: Any
    """A name like `host`, a list like `[host]`, a record like `{name: text}`, or a list of those."""
    description: Said
    default: Any = None
    """The value where the project gives none. Without it, and not required, the parameter may be absent."""
    required: bool = False
    example: Any = None


class ProfileFile(Model):
    """A profile: milestones and checks for one kind of cutover."""

    gonogo_profile: Version = Field(alias="gonogo-profile")
    name: Id
    title: Said
    description: Said
    version: Annotated[int, Field(ge=1)]
    parameters: dict[Name, ParameterModel] = Field(default={})
    milestones: dict[LoopId, dict[str, Any]] = Field(default={})
    checks: dict[str, dict[str, Any]]
