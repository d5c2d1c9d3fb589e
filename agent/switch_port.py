"""The switch port that the laptop hung on, as the switch announced it: part of where results are from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from agent.records import VantageRecord
from checks.dataclass import dataclass
from checks.link._ends import ENDS
from checks.words import Finding, Result, span

_TYPE = "link.neighbor"


class _Told(Protocol):
    @property
    def findings(self) -> tuple[Finding, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchPort:
    """What the newest listening at this place told; a cable may have been moved since."""

    said: str
    """A sentence: which port of which switch."""
    check: str
    at: datetime

    def shown(self, now: datetime) -> str:
        """Return the sentence with its age."""
        age = (now - self.at).total_seconds()
        old = f"{span(age)} ago" if age >= 0 else "in the future: a clock was moved"
        return f"{self.said.rstrip('.')} ({self.check}, {old})"


def switch_port(results: Iterable[_Told], vantage: VantageRecord) -> SwitchPort | None:
    """Return the port that was told from the same place, by the newest result that tells one."""
    found: list[SwitchPort] = []
    for result in results:
        if getattr(result, "type", "") != _TYPE or _place(result) != vantage.name:
            continue
        said = next((item.message for item in result.findings if item.message.startswith(ENDS)), "")
        at = _finished(result)
        if said and at is not None:
            found.append(SwitchPort(said=said, check=getattr(result, "check", ""), at=at))
    return max(found, key=lambda port: port.at, default=None)


def _place(result: _Told) -> str:
    return str(getattr(result, "vantage_name", None) or getattr(result, "vantage", ""))


def _finished(result: _Told) -> datetime | None:
    if isinstance(result, Result):
        return result.started + timedelta(seconds=result.duration_s)
    at = getattr(result, "finished", None)
    return at if isinstance(at, datetime) else None
