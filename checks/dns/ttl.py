"""dns.ttl: the TTL of a record set is low on every server, and has been for long enough."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from checks import jsonable
from checks.contract import Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.dns._holders import Held, ask_all, counted, holders, no_word
from checks.dns._sets import content, longest_ttl
from checks.dns._sightings import Sighting, merged, safe_from, set_back
from checks.dns._walk import Walk
from checks.dns._zone import leaves, start_once
from checks.dns.record import Type
from checks.judging import cannot_tell, failed, passed, within
from checks.params import DomainName, Duration, NameServer, Port, Resolver
from checks.safe import in_line, safe
from checks.words import Measure, minute, span


@dataclass(frozen=True, slots=True, kw_only=True)
class TtlSeen:
    """What every server says now, and what earlier runs saw of the same records, in the order of the runs."""

    name: str
    rdtype: str
    at: datetime
    servers: tuple[Held, ...] = ()
    trouble: str = ""
    sightings: tuple[Sighting, ...] = ()


class Ttl(Check[TtlSeen]):
    """The TTL of the records is low on every server, and was lowered long enough ago.

    Resolvers keep what they fetched under the old TTL for as long as that says, so a change takes
    effect quickly only when the lower value has been there for at least one old TTL. What counts is
    the first run that saw it low on every server; run this check from then on, on a schedule.

    Proves: the TTL on each authoritative server now; when this project first saw it low on all, and
    the highest it saw before.
    Cannot prove: that it was not raised and lowered again between two runs, nor what resolvers keep that
    ignore the TTL.
    If it fails: set the TTL of the record at the DNS host; where it was lowered too late, change the
    record only after the stated time.

    Source: RFC 1035 section 3.2.1, RFC 2181 sections 5.2 and 8, RFC 1034 section 3.6.

    Example:
        type: dns.ttl
        name: example.com
        rdtype: MX
        max_ttl: 300s
        old_ttl: 1h
    """

    name: DomainName
    """The name of the records."""
    rdtype: Type
    """Type of the records."""
    max_ttl: Duration
    """Highest TTL that will do."""
    old_ttl: Duration | None = None
    """The TTL of before; left out, the highest that earlier runs of this check saw."""
    servers: tuple[NameServer, ...] = ()
    """The zone's authoritative servers; left out, found from the delegation."""
    parents: tuple[NameServer, ...] = ()
    """Servers of the parent zone, asked for the delegation; left out, found from `roots` or by a resolver."""
    roots: tuple[NameServer, ...] = ()
    """Root servers from which the delegation is walked, instead of asking a resolver."""
    resolvers: tuple[Resolver, ...] = ()
    """Resolvers that are asked for the servers of the zone, never for the TTL."""
    port: Port = 53
    """Port of servers that are found by delegation, and of those given without one."""

    deadline_s = 45.0

    def __post_init__(self) -> None:
        start_once(self.servers, self.parents, self.roots)

    def subject(self) -> str:
        return f"{self.name} {self.rdtype}"

    def needs_link(self) -> bool:
        return leaves(*self.servers, *self.parents, *self.roots, *self.resolvers)

    async def observe(self, vantage: Vantage) -> TtlSeen:
        walk = await Walk.begin(
            vantage, parents=self.parents, roots=self.roots, resolvers=self.resolvers, port=self.port
        )
        found, trouble = await holders(walk, self.name, self.servers)
        held = await ask_all(walk, found, [(self.name, self.rdtype)])
        return TtlSeen(
            name=self.name, rdtype=self.rdtype, at=vantage.now(), servers=held, trouble=trouble,
            sightings=self._earlier(vantage),
        )  # fmt: skip

    def _earlier(self, vantage: Vantage) -> tuple[Sighting, ...]:
        """Return what earlier runs saw of this very record set, the oldest first."""
        runs: list[tuple[Sighting, ...]] = []
        for earlier in reversed(vantage.earlier()):
            try:
                seen: TtlSeen = jsonable.from_json(TtlSeen, earlier.observation)
            except ValueError:
                continue
            if (seen.name, seen.rdtype) == (self.name, self.rdtype):
                runs.append((*seen.sightings, sighting(seen)))
        return merged(runs)

    def judge(self, seen: TtlSeen) -> Iterable[Finding]:
        expected = f"a TTL of at most {self.max_ttl:g} s"
        if seen.trouble or not seen.servers:
            yield cannot_tell(
                self.subject(),
                "Not every authoritative server of the name was found.",
                expected=expected,
                observed=safe(seen.trouble, limit=300) or "no server",
                fix="Name them in 'servers', or mend the delegation (dns.delegation says more).",
            )
        known: dict[str, int] = {}
        servers = counted(seen.servers)
        for held in servers:
            yield self._one(held, known, expected)
        if len(set(known.values())) > 1:
            yield failed(
                self.subject(),
                "The servers give different times to live: a resolver may fetch the highest at any moment.",
                expected="one TTL on every server",
                observed=in_line(f"{label}: {ttl} s" for label, ttl in known.items()),
                fix="Let every server load the zone with the low value (dns.authority names the one behind).",
                reference="RFC 2181 section 5.2",
            )
            return
        whole = known and not seen.trouble and len(known) == len(servers)
        if whole and max(known.values()) <= self.max_ttl:
            yield self._long_enough(seen)

    def _one(self, held: Held, known: dict[str, int], expected: str) -> Finding:
        label, answer = held.server.label, next(iter(held.answers), None)
        if answer is None or content(answer) is None:
            return no_word(held.server, answer, self.subject(), expected)
        ttl = longest_ttl(answer)
        if ttl is None:
            what = "does not exist" if answer.rcode == "NXDOMAIN" else f"has no {self.rdtype} record"
            return failed(
                label,
                f"{self.name} {what} there, so it has no TTL.",
                expected=expected,
                observed=str(answer.rcode),
                fix="Correct name and type in the project, or add the record to the zone.",
            )
        known[label] = ttl
        return within(
            label,
            Measure(name="TTL", value=ttl, unit="s", fail=self.max_ttl, source="limit set in the project"),
            fix=f"At the DNS host, set the TTL of {self.subject()} to {self.max_ttl:g} s.",
        )

    def _long_enough(self, seen: TtlSeen) -> Finding:
        """Judge since when it is low: from the first run that saw it so on every server."""
        subject = f"{self.subject()} since when"
        if set_back(seen.sightings, seen.at):
            return cannot_tell(
                subject,
                "Earlier runs are dated after this one, so the time since the lowering is not known.",
                expected="runs in the order of their times",
                observed=f"now {minute(seen.at)}, a run at {minute(max(s.at for s in seen.sightings))}",
                fix="Set this laptop's clock right (gonogo doctor looks at it), and run again.",
            )
        first, until, old = safe_from(seen.sightings, sighting(seen), self.max_ttl, self.old_ttl)
        if old is None:
            return cannot_tell(
                subject,
                "It is low, and no run saw it high: since when is not known, nor what resolvers still keep.",
                expected="lowered at least one old TTL ago",
                observed=f"first seen low {minute(first)}",
                fix="Write the TTL of before as 'old_ttl', and run again that long after that.",
            )
        expected = f"low for at least the old TTL, {old:g} s"
        observed = f"first seen low {minute(first)}, {span((seen.at - first).total_seconds())} ago"
        if seen.at >= until:
            return passed(
                subject, "It has been low for at least one old TTL.", expected=expected,
                observed=observed,
            )  # fmt: skip
        wait = span((until - seen.at).total_seconds())
        fix = (
            f"Wait until {_minute(until)} UTC ({wait} from this run), then run this check again, and only "
            "then change the records."
        )
        alive = [one for one in seen.sightings if _lives(one, seen.at) and (one.ttl or 0) > self.max_ttl]
        if not alive:
            return cannot_tell(
                subject,
                "It is low, and not proven to have been so for the old TTL: resolvers may keep the old "
                f"records until {_minute(until)} UTC.",
                expected=expected,
                observed=observed,
                fix=fix,
            )
        return failed(
            subject,
            f"It was lowered too late: resolvers may keep the old records until {_minute(until)} UTC.",
            expected=expected,
            observed=f"{observed}; {alive[-1].ttl} s at {minute(alive[-1].at)}",
            fix=fix,
            reference="RFC 1035 section 3.2.1",
        )


def _lives(one: Sighting, now: datetime) -> bool:
    """Return whether a resolver may still hold what it fetched when `one` was seen."""
    return one.ttl is not None and one.at + timedelta(seconds=one.ttl) > now


def _minute(moment: datetime) -> str:
    """Return the first full minute that is not before `moment`."""
    whole = moment.replace(second=0, microsecond=0)
    return f"{whole if whole == moment else whole + timedelta(minutes=1):%Y-%m-%d %H:%M}"


def sighting(seen: TtlSeen) -> Sighting:
    """Return what one run saw: the highest TTL, and whether every server said it."""
    servers = counted(seen.servers)
    answers = [next(iter(held.answers), None) for held in servers]
    said = [a for a in answers if a is not None and content(a) is not None]
    ttls = [ttl for a in said if (ttl := longest_ttl(a)) is not None]
    whole = bool(answers) and len(ttls) == len(answers) and not seen.trouble
    labels = tuple(sorted(held.server.label for held in servers))
    return Sighting(at=seen.at, ttl=max(ttls, default=None), complete=whole, servers=labels)
