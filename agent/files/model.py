"""The form of a project file. Imports pydantic: only what loads a file imports this module."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from checks.params import Duration, Endpoint
from profiles.model import Id, MilestoneModel, Model, Said, Version


def _reason(value: str) -> str:
    if len(value.strip()) < 10:
        raise ValueError("A reason of at least 10 characters is needed: somebody will ask why.")
    return value.strip()


def _timeout(value: float) -> float:
    if not 0 < value <= 3600:
        raise ValueError("A timeout is longer than nothing and at most one hour.")
    return value


Reason = Annotated[str, Field(json_schema_extra={"minLength": 10}), AfterValidator(_reason)]
Timeout = Annotated[Duration, AfterValidator(_timeout)]


class ProjectModel(Model):
    """What the cutover is."""

    name: Said
    timezone: Said
    """IANA name of the zone that times are written and shown in: `Europe/Zurich`."""
    id: Id | None = None
    """The file's name if nothing is said."""
    customer: str = ""
    site: str = ""
    cutover: Said | None = None
    """The moment it is about: `2026-12-05 22:30` in the project's zone, or with an offset."""
    time_servers: tuple[Endpoint, ...] = ()
    """NTP servers that this laptop's clock is compared with."""


class ScopeModel(Model):
    """What belongs to the cutover and what does not."""

    in_: tuple[Said, ...] = Field(default=(), alias="in")
    out: tuple[Said, ...] = ()


class PartyModel(Model):
    """Somebody to call."""

    name: Said
    phone: str = ""
    email: str = ""
    note: str = ""


class ProjectFile(Model):
    """A project: one cutover. The checks are validated by their types, after expansion."""

    gonogo: Version
    project: ProjectModel
    scope: ScopeModel = ScopeModel()
    vendors: dict[Id, PartyModel] = Field(default={})
    contacts: dict[Id, PartyModel] = Field(default={})
    profile: Said | None = None
    """Name of a shipped profile, or a profile file relative to this file."""
    with_: dict[str, Any] = Field(default={}, alias="with")
    """Values of the profile's parameters."""
    without: dict[Said, Reason] = Field(default={})
    """Checks of the profile that are left out (ids or globs), each with the reason."""
    milestones: dict[Id, MilestoneModel] = Field(default={})
    checks: dict[str, dict[str, Any]] = Field(default={})


MAY_BE_EMPTY = ("scope", "vendors", "contacts", "with", "without", "milestones", "checks")
"""Parts of a project file whose every line may be commented out."""


class EngineKeys(Model):
    """The keys of a check that belong to the engine; all others are the check type's parameters."""

    type: Said
    milestone: Said
    title: Said | None = None
    required: bool = True
    """False: advisory, it does not decide the gate."""
    owner: Said | None = None
    """Id of the vendor or contact to call when it fails."""
    needs: tuple[Said, ...] = ()
    """Ids or globs of the checks that must pass first."""
    timeout: Timeout | None = None
    """How long one attempt may take."""
    retries: Annotated[int, Field(ge=0, le=10)] = 0
