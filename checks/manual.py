"""manual: what cannot be measured, stated by a person."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from datetime import datetime, timedelta

from checks.contract import Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed
from checks.params import Duration
from checks.safe import safe
from checks.vantage import Attestation
from checks.words import span

_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualSeen:
    """The newest statement of a person for this check, if there is one, and when it was looked at."""

    check: str
    at: datetime
    attestation: Attestation | None


class Manual(Check[ManualSeen]):
    """A person states that it holds.

    Proves: a named person stated it at a known time (proof level 0: attested).
    Cannot prove: that it is true. Attach a photo, a protocol or a screenshot; its SHA-256 is kept. A
    statement counts for the wording that it was made for, and not after `max_age`, or the gate's limit.
    If it fails: do what the instructions say, then write down what holds with `gonogo attest`.

    Source: gonogo's own; the person, the time and the attachments are the evidence.

    Example:
        type: manual
        statement: The old lines are labelled and the carrier has confirmed the porting window.
        instructions: Ask the carrier for the confirmation by mail and attach it.
        max_age: 14d
    """

    statement: str
    """What the person states, as a full sentence."""
    instructions: str = ""
    """What to look at, and where, before stating it."""
    max_age: Duration | None = None
    """How long the statement counts; without it, as long as results do for the gate (the strictest one)."""

    def __post_init__(self) -> None:
        if not self.statement.strip():
            raise ValueError("A manual check needs a statement: an empty one asserts nothing.")
        if self.max_age == 0:
            raise ValueError("A max_age of zero would refuse every statement.")

    def needs_link(self) -> bool:
        return False

    async def observe(self, vantage: Vantage) -> ManualSeen:
        return ManualSeen(check=vantage.check, at=vantage.now(), attestation=vantage.attestation())

    def judge(self, seen: ManualSeen) -> Iterable[Finding]:
        subject, found = safe(self.statement), seen.attestation
        stated = f"gonogo attest FILE {shlex.quote(seen.check or 'CHECK')}"
        fix = f'{self._look()}Then write it down: {stated} --holds --by "YOUR NAME" (or --fails).'
        trouble = self._not_usable(seen)
        if found is None or trouble:
            yield cannot_tell(
                subject,
                trouble or "Nobody has stated it yet.",
                expected=safe(self.statement),
                observed=_quoted(found) if found else "no statement",
                fix=fix,
            )
        elif found.holds:
            yield passed(
                subject, "A person stated that it holds.",
                expected=safe(self.statement), observed=_quoted(found),
            )  # fmt: skip
        else:
            yield failed(
                subject, "A person stated that it does not hold.",
                expected=safe(self.statement), observed=_quoted(found), fix=f"Put it right. {fix}",
            )  # fmt: skip

    def _look(self) -> str:
        return f"{safe(self.instructions).rstrip('. ')}. " if self.instructions.strip() else ""

    def _not_usable(self, seen: ManualSeen) -> str:
        """Return why the statement there is does not count, or an empty text."""
        found = seen.attestation
        if found is None:
            return ""
        if found.statement != self.statement:
            return "The statement on record was made for another wording of this check."
        if found.at > seen.at + _SKEW:
            return "The statement on record is dated in the future."
        limit = self.max_age if self.max_age is not None else found.fresh_s
        if limit is not None and (seen.at - found.at).total_seconds() > limit:
            whose = "its max_age" if self.max_age is not None else "the gate"
            return f"The statement on record is older than {span(limit)}, which {whose} allows."
        return ""


def _quoted(found: Attestation) -> str:
    said = f"{'holds' if found.holds else 'does not hold'}, says {safe(found.by, limit=100)}"
    said += f" on {found.at:%Y-%m-%d %H:%M %Z}"
    if found.note:
        said += f": {safe(found.note, limit=300)}"
    if found.attachments:
        files = ", ".join(
            f"{safe(name, limit=80)} (SHA-256 {safe(digest, limit=64)})"
            for name, digest in found.attachments[:10]
        )
        said += f" [{files}]"
    return said
