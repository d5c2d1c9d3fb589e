"""DMARC in the DNS: policy discovery by the tree walk, and who may be sent reports (RFC 9989, RFC 9990).

A lookup that failed ends a walk with `trouble`: it is never taken for a missing record.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from checks.dataclass import dataclass
from checks.vantage import Vantage
from checks.wire.dmarc import (
    Applied,
    PolicyRecord,
    Source,
    assess,
    governing,
    inherits_by_existence,
    is_policy_record,
    parse,
    walk_names,
)
from checks.wire.dns_follow import follow
from checks.wire.dns_lookup import Lookup, Outcome
from checks.wire.dns_text import txt_value

_MAX_TEXTS = 10
_MAX_TEXT = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One name asked: its policy records and its other TXT records, as far as they are kept; texts are raw.

    `count` is how many policy records there are: more than one means that none of them counts.
    """

    name: str
    domain: str
    outcome: Outcome
    count: int = 0
    records: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What policy discovery for one author domain came to.

    `trouble` is the step whose lookup failed, so that nothing is known. `exists` is None where it made no
    difference whether the domain exists. `applied` is None where no record applies.
    """

    steps: tuple[Step, ...]
    source: Source | None = None
    record_domain: str | None = None
    record: PolicyRecord | None = None
    applied: Applied | None = None
    exists: bool | None = None
    trouble: Step | None = None


class Records:
    """The policy records of names, each asked at most once, through the same resolvers."""

    def __init__(self, vantage: Vantage, resolvers: Sequence[str]) -> None:
        self._vantage = vantage
        self._resolvers = tuple(resolvers)
        self._steps: dict[str, Step] = {}
        self._parsed: dict[str, PolicyRecord] = {}
        self.unsure: list[str] = []
        """Names that a server called empty which neither resolves nor has authority."""

    async def lookup(self, name: str, rdtype: str) -> Lookup:
        """Look a name up; one that cannot be written in the DNS does not exist."""
        try:
            return await follow(self._vantage, name, rdtype, self._resolvers)
        except ValueError as error:
            return Lookup(
                name=name, rdtype=rdtype, server="", outcome="no such name", end=name, detail=str(error)
            )

    async def believed(self, name: str, rdtype: str) -> Lookup:
        """Look a name up, and where nobody vouches for its being empty, go on with that and keep the name."""
        found = await self.lookup(name, rdtype)
        if found.unsure is None:
            return found
        self.unsure.append(name)
        return dataclasses.replace(found, outcome=found.unsure)

    async def texts(self, name: str, *, believe: bool = False) -> tuple[Lookup, list[str]]:
        """Return the lookup of a name's TXT records and their values."""
        found = await (self.believed if believe else self.lookup)(name, "TXT")
        return found, [txt_value(record.text).decode("utf-8", "replace") for record in found.records]

    async def at(self, domain: str) -> Step:
        """Return what is published for `domain`."""
        if domain not in self._steps:
            name = f"_dmarc.{domain}"
            found, values = await self.texts(name, believe=True)
            records = [value for value in values if is_policy_record(value)]
            others = [value for value in values if not is_policy_record(value)]
            parsed = parse(records[0]) if len(records) == 1 else None
            if parsed is not None:
                self._parsed[domain] = parsed
            self._steps[domain] = Step(
                name=name, domain=domain, outcome=found.outcome, count=len(records), records=_kept(records),
                others=_kept(others), aliases=found.aliases[:_MAX_TEXTS], detail=found.detail,
            )  # fmt: skip
        return self._steps[domain]

    def known(self, domains: Sequence[str]) -> Mapping[str, PolicyRecord]:
        """Return the one record of each of `domains` that was asked for and has one."""
        return {domain: self._parsed[domain] for domain in domains if domain in self._parsed}

    async def walk(self, names: Sequence[str]) -> tuple[Step, ...]:
        """Ask for `names` in order until a record says where the boundary is, or a lookup fails."""
        steps: list[Step] = []
        for domain in names:
            step = await self.at(domain)
            steps.append(step)
            record = self._parsed.get(domain)
            if step.outcome == "failed" or (record is not None and record.psd != "u"):
                break
        return tuple(steps)


def _kept(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(text[:_MAX_TEXT] for text in texts[:_MAX_TEXTS])


async def discover(records: Records, domain: str) -> Discovery:
    """Find the policy record that applies to mail from `domain` (RFC 9989 section 4.10.1)."""
    own, *above = walk_names(domain)
    steps = await records.walk([own])
    if steps[-1].outcome != "failed" and not records.known([own]):
        steps += await records.walk(above)
    if steps[-1].outcome == "failed":
        return Discovery(steps=steps, trouble=steps[-1])
    found = records.known([step.domain for step in steps])
    where = governing(domain, found)
    if where is None:
        return Discovery(steps=steps)
    source, place = where
    record, exists = found[place], None
    if source != "author" and inherits_by_existence(record):
        answer = await records.believed(domain, "A")
        if answer.outcome == "failed" and not answer.aliases:
            trouble = Step(name=domain, domain=domain, outcome="failed", detail=answer.detail)
            return Discovery(steps=steps, source=source, record_domain=place, record=record, trouble=trouble)
        # An alias that leads nowhere gives NXDOMAIN, too, though the name itself is there (RFC 6604).
        exists = answer.outcome != "no such name" or bool(answer.aliases)
    return Discovery(
        steps=steps, source=source, record_domain=place, record=record, exists=exists,
        applied=assess(record, inherited=source != "author", exists=exists is not False),
    )  # fmt: skip
