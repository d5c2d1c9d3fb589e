"""dns.snapshot: the records that a change will touch, saved before it, ready to put back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated

from checks import jsonable
from checks.bounds import Len
from checks.contract import Check, Finding, Status, Vantage
from checks.dataclass import dataclass
from checks.dns._holders import Held, ask_all, counted, holders, no_word
from checks.dns._kept import Kept, KeptSet, keep, line, sets_of
from checks.dns._serial import newest
from checks.dns._sets import SetName, SetPlanned, outside, plain, refuse_slips
from checks.dns._walk import Walk
from checks.dns._zone import leaves, start_once
from checks.judging import cannot_tell, failed, passed, warned
from checks.params import DomainName, NameServer, Port, Resolver
from checks.safe import in_line, safe
from checks.words import minute

MOST_NOTES = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotSeen:
    """What every server holds now, what was saved of it, and what an earlier run saved before the change.

    `restore` is the text of a zone file that puts back what was there before the change: of this run, or,
    where a server shows the planned data already, of the earlier one; empty if there is neither.
    """

    domain: str
    at: datetime
    servers: tuple[Held, ...] = ()
    trouble: str = ""
    taken: Kept | None = None
    before: Kept | None = None
    restore: str = ""


class Snapshot(Check[SnapshotSeen]):
    """The records that the change will touch are saved as they were before it, ready to be put back.

    `gonogo status FILE --check ID` shows them as lines of a zone file, `--json` gives them whole as
    `result.observation.restore`, and `gonogo baseline FILE before-the-change` gives the run a name.

    Proves: that this record of the run holds every in_line set, with times to live and the serial, as every
    authoritative server had it, and that it is from before the change where `planned` says what is to come.
    Cannot prove: that sets which are not in_line can be put back, nor, without `planned`, that the change had
    not begun.
    If it fails: where it comes too late, get the old records from the DNS host's history or a zone file
    and keep them with the project; where servers differ, bring them to one zone first.

    Source: RFC 1035 section 5 (zone files), RFC 2181 section 5 (record sets), RFC 1982 (serials).

    Example:
        type: dns.snapshot
        domain: example.com
        records:
          - {name: example.com, rdtype: MX}
          - {name: example.com, rdtype: TXT}
          - {name: autodiscover.example.com, rdtype: CNAME}
        planned:
          - {name: example.com, rdtype: MX, expect: ["0 example-com.mail.protection.outlook.com"]}
    """

    domain: DomainName
    """The zone."""
    records: Annotated[tuple[SetName, ...], Len(1, 100)]
    """The record sets to save."""
    planned: tuple[SetPlanned, ...] = ()
    """The new data of sets that the change replaces: where a server has it already, the snapshot comes too
    late, unless an earlier run of this check holds one from before."""
    servers: tuple[NameServer, ...] = ()
    """The zone's authoritative servers; left out, found from the delegation."""
    parents: tuple[NameServer, ...] = ()
    """Servers of the parent zone, asked for the delegation; left out, found from `roots` or by a resolver."""
    roots: tuple[NameServer, ...] = ()
    """Root servers from which the delegation is walked, instead of asking a resolver."""
    resolvers: tuple[Resolver, ...] = ()
    """Resolvers that are asked for the servers of the zone, never for the records."""
    port: Port = 53
    """Port of servers that are found by delegation, and of those given without one."""

    deadline_s = 45.0

    def __post_init__(self) -> None:
        start_once(self.servers, self.parents, self.roots)
        refuse_slips(self.records, "records")
        refuse_slips(self.planned, "planned")
        outside(self.records, self.domain, "records")
        saved = {(one.name, one.rdtype) for one in self.records}
        for plan in self.planned:
            if (plan.name, plan.rdtype) not in saved:
                raise ValueError(
                    f"'planned' names {plan.name} {plan.rdtype}, which 'records' does not save: add it there."
                )

    def subject(self) -> str:
        return self.domain

    def needs_link(self) -> bool:
        return leaves(*self.servers, *self.parents, *self.roots, *self.resolvers)

    async def observe(self, vantage: Vantage) -> SnapshotSeen:
        walk = await Walk.begin(
            vantage, parents=self.parents, roots=self.roots, resolvers=self.resolvers, port=self.port
        )
        found, trouble = await holders(walk, self.domain, self.servers)
        sets = [(one.name, one.rdtype) for one in self.records]
        held = await ask_all(walk, found, sets, self.domain)
        at = vantage.now()
        taken = self._taken(held, at)
        late = any(self._arrived(sets_of(one)) for one in counted(held))
        before = self._before(vantage)
        restore = before if late else taken
        for text in (restore.text if restore is not None else "").splitlines()[:MOST_NOTES]:
            vantage.note(text)
        return SnapshotSeen(
            domain=self.domain, at=at, servers=held, trouble=trouble, taken=taken, before=before,
            restore=restore.text if restore is not None else "",
        )  # fmt: skip

    def _taken(self, held: Sequence[Held], at: datetime) -> Kept | None:
        """Return what the server with the newest serial holds; None unless one gave every set."""
        whole = [one for one in held if len(sets_of(one)) == len(self.records)]
        serials = {one.server.label: one.serial(self.domain) for one in whole}
        top = newest({serial for serial in serials.values() if serial is not None})
        best = next((one for one in whole if serials[one.server.label] == top is not None), None)
        if best is None:
            return None
        return keep(self.domain, at, best.server.label, top, sets_of(best).values())

    def _before(self, vantage: Vantage) -> Kept | None:
        """Return the newest snapshot of an earlier run that has every set and nothing of the planned data.

        One in which old and planned data stand side by side is the second choice.
        """
        wanted = {_key(one) for one in self.records}
        mixed: Kept | None = None
        for earlier in vantage.earlier():
            try:
                seen: SnapshotSeen = jsonable.from_json(SnapshotSeen, earlier.observation)
            except ValueError:
                continue
            if seen.domain != self.domain:
                continue
            agreed = seen.taken if earlier.status in (Status.PASS, Status.WARN) else None
            for kept in (agreed, seen.before):
                sets = {one.key: one for one in kept.sets} if kept is not None else {}
                if not wanted <= set(sets) or self._arrived(sets):
                    continue
                if not self._begun(sets):
                    return kept
                mixed = mixed or kept
        return mixed

    def _arrived(self, sets: Mapping[str, KeptSet]) -> list[SetPlanned]:
        """Return the planned sets that `sets` has already."""
        found = []
        for plan in self.planned:
            there = sets.get(_key(plan))
            texts = {f"{plan.rdtype} {plain(plan.rdtype, text)}" for text in plan.expect}
            if there is not None and set(there.texts) == texts:
                found.append(plan)
        return found

    def _begun(self, sets: Mapping[str, KeptSet]) -> list[SetPlanned]:
        """Return the planned sets whose data `sets` has beside other."""
        found = []
        for plan in self.planned:
            there = sets.get(_key(plan))
            texts = {f"{plan.rdtype} {plain(plan.rdtype, text)}" for text in plan.expect}
            if there is not None and set(there.texts) > texts:
                found.append(plan)
        return found

    def judge(self, seen: SnapshotSeen) -> Iterable[Finding]:
        expected = f"{len(self.records)} record set{'s' * (len(self.records) > 1)} of {self.domain}"
        if seen.trouble:
            yield cannot_tell(
                self.domain,
                "Not every authoritative server of the zone was found.",
                expected=expected,
                observed=safe(seen.trouble, limit=300),
                fix="Name them in 'servers', or mend the delegation (dns.delegation says more).",
            )
        servers = counted(seen.servers)
        late = [one for one in servers if self._arrived(sets_of(one))]
        if late:
            yield from self._late(seen, late)
            return
        for one in servers:
            yield from self._silent(one)
        if seen.taken is None:
            yield cannot_tell(
                self.domain,
                "No server gave every record set with authority, so there is no snapshot.",
                expected=expected,
                observed=in_line(one.server.label for one in servers) or "no server",
                fix="Mend the servers named above, or name those that work in 'servers', and run again.",
            )
            return
        yield from self._saved(seen.taken, servers)

    def _late(self, seen: SnapshotSeen, late: Sequence[Held]) -> Iterable[Finding]:
        expected = "the data of before the change"
        if seen.before is not None:
            yield passed(
                self.domain,
                f"The change has begun; the records of before it are kept, from {minute(seen.before.at)}.",
                expected=expected,
                observed=in_line(line(record) for one in seen.before.sets for record in one.records),
            )
            return
        for one in late:
            plans = self._arrived(sets_of(one))
            yield failed(
                one.server.label,
                "The snapshot comes too late: this server shows the planned data already, and no earlier run "
                "of this check holds what was there before.",
                expected=expected,
                observed=in_line(f"{_key(plan)} {' '.join(plan.expect)}" for plan in plans),
                fix="Get the old records from the DNS provider's history, a zone file or the old server and "
                "keep them with the project; if a set does not change at all, take it out of 'planned'.",
            )

    def _silent(self, one: Held) -> Iterable[Finding]:
        told = sets_of(one)
        lost = next((plan for plan in self.records if _key(plan) not in told), None)
        if one.serial(self.domain) is None:
            yield no_word(one.server, one.soa, f"{self.domain} SOA", "the zone with authority")
        elif lost is not None:
            answer = next((a for a in one.answers if (a.name, a.rdtype) == (lost.name, lost.rdtype)), None)
            yield no_word(one.server, answer, _key(lost), "every record set with authority")

    def _saved(self, taken: Kept, servers: Sequence[Held]) -> Iterable[Finding]:
        ours = {one.key: one for one in taken.sets}
        source = safe(taken.server, limit=200)
        for one in servers:
            for key, other in sets_of(one).items():
                if key in ours and other.texts != ours[key].texts:
                    yield failed(
                        one.server.label,
                        f"It holds other data for {key} than {source}, whose records were saved: which of "
                        "them is right is not known.",
                        expected=in_line(ours[key].texts) or "no record",
                        observed=in_line(other.texts) or "no record",
                        fix="Bring the servers to the same zone first (dns.authority names the one behind).",
                    )
        for plan in self._begun(ours):
            yield warned(
                _key(plan),
                "The planned data is there already, beside other: the change may have begun, and then this "
                "is not what was there before it.",
                expected="the data of before the change",
                observed=in_line(ours[_key(plan)].texts),
                fix="If the change only removes records, all is well; if it has begun, take the records of "
                "before from the DNS host's history or an earlier run.",
            )
        for kept in taken.sets:
            if kept.records:
                yield passed(
                    kept.key,
                    f"Saved from {source}, serial {taken.serial}.",
                    expected="the records before the change",
                    observed=safe(", ".join(map(line, kept.records)), limit=1500),
                )
            else:
                yield warned(
                    kept.key,
                    "There is no such record now: to go back would mean to remove it.",
                    expected="a record to save",
                    observed=f"no record, by {source}",
                    fix="Check name and type; if it is new with the change, this is as it should be.",
                )


def _key(one: SetName | SetPlanned) -> str:
    return f"{one.name} {one.rdtype}"
