"""What every check is. One check type = one file = one class; see CONTRIBUTING.md for the whole recipe.

A check only observes and judges. The engine owns deadline, retries, concurrency, dependencies, duration and
every exception; `Vantage` is the check's only way out.
"""

from __future__ import annotations

import dataclasses
import functools
import ipaddress
from collections.abc import Iterable
from typing import Any, ClassVar, Generic, TypeVar, dataclass_transform

from checks.vantage import CannotTell, Vantage
from checks.words import Finding, Measure, Note, Result, Status, worst

__all__ = ["CannotTell", "Check", "Finding", "Measure", "Note", "Result", "Status", "Vantage", "worst"]

Seen = TypeVar("Seen")

RESERVED = frozenset(
    {"type", "title", "milestone", "required", "owner", "needs", "timeout", "retries", "each", "when", "with"}
)
"""Keys of a check in a project file that belong to the engine; no parameter may take one of these names."""


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Check(Generic[Seen]):
    """Base of every check type; a subclass becomes a frozen keyword-only dataclass of its parameters.

    A parameter is an annotated field followed by a string that documents it. The docstring's first line is
    the claim that the check tests; then `Proves:`, `Cannot prove:`, `Source:` (RFC, MIB or vendor page) and
    `Example:` (YAML that loads). `__post_init__` may raise ValueError with a full sentence where parameters
    do not fit together or assert nothing.

    `Seen` is a frozen dataclass that `checks.jsonable` can write and read, so that stored evidence can be
    judged again.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    type: ClassVar[str] = ""
    """Set by the registry from the file's place: `network.tcp`."""
    deadline_s: ClassVar[float] = 10.0
    """Seconds one attempt may take unless the project says `timeout`; see `allowance`."""
    kind: ClassVar[str] = "light"
    """`light`, `process` (starts a program), or `exclusive` (would spoil other measurements: runs alone)."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        dataclasses.dataclass(frozen=True, kw_only=True)(cls)

    async def observe(self, vantage: Vantage) -> Seen:
        """Do the I/O and return what was seen; raise `CannotTell(reason, fix)` where it could not be tested.

        An answer that proves the claim wrong (refused, expired, timed out while a control answered) is an
        observation, not an exception.
        """
        raise NotImplementedError

    def judge(self, seen: Seen) -> Iterable[Finding]:
        """Return the findings that follow from `seen`: pure, no I/O, no clock; time comes in with `seen`."""
        raise NotImplementedError

    def subject(self) -> str:
        """Return what the check is about (display, per-target limit): by default the first field."""
        names = [item.name for item in dataclasses.fields(self)]  # type: ignore[arg-type]
        return str(getattr(self, names[0])) if names else "this laptop"

    def allowance(self) -> float:
        """Return the seconds one attempt may take; a check with a measuring window adds it here."""
        return self.deadline_s

    def needs_link(self) -> bool:
        """Return whether it leaves this machine: it is blocked while our own link is down.

        By default it does, unless its subject is this machine, or all the DNS servers it names are and it
        speaks to nobody else; a check that speaks to others beside them says so by overriding this.
        """
        named = [place for name in _SERVER_FIELDS for place in getattr(self, name, ())]
        return not (is_loopback(self.subject()) or (named and all(map(is_loopback, named))))


_SERVER_FIELDS = ("servers", "parents", "roots", "resolvers", "inside", "outside")


@functools.lru_cache(4096)
def is_loopback(subject: str) -> bool:
    """Return whether a host, endpoint, resolver, name server or URL names this machine itself."""
    host = subject.partition("://")[2].partition("/")[0].partition("#")[0] if "://" in subject else subject
    host = host.rpartition("=")[2]
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
