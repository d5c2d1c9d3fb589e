"""One authoritative server: what is asked of it, and whether it serves the zone as it must."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from checks.contract import is_loopback
from checks.dataclass import dataclass
from checks.dns._serial import serial_of, soas
from checks.dns._walk import Walk
from checks.dns._zone import ParentView, Server, inside
from checks.judging import cannot_tell, failed, passed, warned
from checks.safe import safe
from checks.wire.dns import Answer
from checks.words import Finding

_MISSING = "nobody-may-resolve-this.invalid"
"""Asked with recursion desired (RFC 6761 section 6.4): only a resolver says NXDOMAIN."""
AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSeen:
    """What one server answers: the zone's SOA over UDP and TCP, its NS, and the records asked for.

    `plain` is the SOA over UDP without EDNS, asked where the question with it brought nothing. The rest is
    asked only where one of these was answered.
    """

    server: Server
    udp: Answer
    tcp: Answer
    plain: Answer | None = None
    ns: Answer | None = None
    recursion: Answer | None = None
    sets: tuple[Answer, ...] = ()

    def best(self) -> Answer:
        """Return the whole SOA answer of the best way there is."""
        ways = (self.udp, self.tcp, self.plain or self.udp)
        return next((a for a in ways if a.error is None and not a.tc), self.udp)


async def probe(
    walk: Walk,
    server: Server,
    domain: str,
    records: Sequence[tuple[str, str]] = (),
    *,
    recursion: bool = True,
) -> ServerSeen:
    """Ask one server for the zone's SOA by each way, then for the rest by the way that works."""
    udp, tcp = await asyncio.gather(
        walk.ask(server, domain, "SOA", transport="udp"),
        walk.ask(server, domain, "SOA", transport="tcp", tries=1),
    )
    plain = None
    if udp.error in ("timeout", "malformed reply"):
        plain = await walk.ask(server, domain, "SOA", transport="udp", edns=False, tries=1)
    seen = ServerSeen(server=server, udp=udp, tcp=tcp, plain=plain)
    if seen.best().error is not None:
        return seen
    edns = plain is None or plain.error is not None
    by_tcp = udp.error is not None and edns

    async def ask(name: str, rdtype: str) -> Answer:
        return await walk.ask(server, name, rdtype, transport="tcp" if by_tcp else "auto", edns=edns)

    ns = await ask(domain, "NS")
    resolves = await walk.ask(server, _MISSING, "A", recursion=True, tries=1) if recursion else None
    sets: list[Answer] = []
    for at in range(0, len(records), AT_ONCE):
        sets += await asyncio.gather(*(ask(*wanted) for wanted in records[at : at + AT_ONCE]))
    return ServerSeen(
        server=server, udp=udp, tcp=tcp, plain=plain, ns=ns, recursion=resolves, sets=tuple(sets)
    )


def reached(seen: Iterable[ServerSeen], parents: Iterable[ParentView] = ()) -> frozenset[str]:
    """Return the ways on which some server answered (`udp4`, `tcp6`): this laptop has those ways open."""
    ways: set[str] = set()
    for one in seen:
        for answer in (one.udp, one.tcp, one.plain):
            if answer is not None and answer.rcode is not None:
                ways.add(f"{answer.transport}{one.server.version}")
    for view in parents:
        if view.answer.rcode is not None:
            ways.add(f"{view.answer.transport}{view.server.version}")
    return frozenset(ways)


def healthy(seen: ServerSeen, domain: str) -> bool:
    """Return whether the server gave the zone's SOA with authority."""
    return wrong(seen.best(), domain) is None


def intercepted(domain: str, seen: Sequence[ServerSeen]) -> Finding | None:
    """Return the finding that something on the way answers for every server, or None.

    A network that turns all DNS to its own resolver looks like this: no server has authority, every one
    resolves. Servers on this machine are what they are.
    """
    for one in seen:
        best = one.best()
        if is_loopback(one.server.address) or best.error is not None or best.aa or not best.ra:
            return None
    if len({one.server.address for one in seen}) < 2:
        return None
    return cannot_tell(
        domain,
        "Every server answers like a resolver, without authority: this network seems to answer for them.",
        expected=f"the SOA of {domain} with authority from at least one server",
        observed=", ".join(f"{one.server.label}: no AA, RA" for one in seen[:6]),
        fix="Run it from a network without a transparent DNS proxy, for example over a mobile connection.",
    )


def standing(seen: ServerSeen, domain: str, open_ways: frozenset[str]) -> Iterable[Finding]:
    """Return the findings about one server: how it can be reached, and whether it serves the zone."""
    label, best = seen.server.label, seen.best()
    expected = f"the SOA of {domain} with authority, over UDP and TCP"
    trouble = list(_ways(seen, expected, open_ways))
    if best.error is None:
        said = wrong(best, domain)
        if said is not None:
            trouble.append(_lame(label, "", said, best, expected))
        elif seen.tcp.error is None and best is not seen.tcp and (other := wrong(seen.tcp, domain)):
            trouble.append(_lame(label, "over TCP ", other, seen.tcp, expected))
    yield from trouble
    yield from _manners(seen, domain)
    if not trouble:
        yield passed(
            label,
            f"It serves {domain} with authority over UDP and TCP.",
            expected=expected,
            observed=shown(best),
        )


def _lame(label: str, way: str, said: tuple[str, str], answer: Answer, expected: str) -> Finding:
    return failed(
        label,
        f"{safe(label, limit=200)} {way}{said[0]}",
        expected=expected,
        observed=shown(answer),
        fix=said[1],
        reference="RFC 1034 section 4.3.2, RFC 1912 section 2.8 (lame delegation)",
    )


def _ways(seen: ServerSeen, expected: str, open_ways: frozenset[str]) -> Iterable[Finding]:
    udp, tcp = seen.udp, seen.tcp
    if udp.error is not None and tcp.error is not None and (seen.plain is None or seen.plain.error):
        yield _mute(seen.server, udp, "does not answer", "UDP nor TCP", expected, open_ways)
        return
    if udp.error is not None and seen.plain is not None and seen.plain.error is None:
        yield failed(
            seen.server.label,
            "It answers over UDP only without EDNS: resolvers ask with it, and take it for silent.",
            expected=expected,
            observed=f"with EDNS: {_error(udp)}; without: {seen.plain.rcode}",
            fix="Update the server, or let its firewall pass questions with EDNS (RFC 6891).",
            reference="RFC 6891 section 7",
        )
    elif udp.error == "truncated" and tcp.error is None:
        yield warned(
            seen.server.label,
            "Over UDP it cuts short even the SOA, so that every resolver has to come back over TCP.",
            expected=expected,
            observed=f"UDP: {_error(udp)}; TCP: {tcp.rcode}",
            fix="Look for a limit of answers (response rate limiting), or a protection that is switched on.",
            reference="RFC 7766 section 5",
        )
    elif udp.error is not None:
        yield _mute(seen.server, udp, "answers over TCP and not over UDP", "UDP", expected, open_ways)
    if tcp.error is not None:
        yield _mute(seen.server, tcp, "answers over UDP and not over TCP", "TCP", expected, open_ways)


def _mute(
    server: Server, answer: Answer, what: str, ways: str, expected: str, open_ways: frozenset[str]
) -> Finding:
    """Return the finding about a server that gives no answer on some way: its fault, or perhaps ours."""
    way = f"{answer.transport}{server.version}"
    over = ways.replace(" nor ", " and ")
    proven = answer.error in ("refused (port closed)", "malformed reply") or (
        answer.error in ("timeout", "unreachable", "truncated")
        and (way in open_ways or is_loopback(server.address))
    )
    if proven:
        return failed(
            server.label,
            f"{safe(server.label, limit=200)} {what} ({answer.error}).",
            expected=expected,
            observed=f"{ways}: {_error(answer)}",
            fix=f"Start the DNS service on it, let its firewall pass DNS over {over}, correct its address, "
            "or take it out of the delegation and the zone's NS records.",
            reference="RFC 7766 section 5 (TCP is required)" if ways == "TCP" else "",
        )
    family = f"IPv{server.version}" if server.version else "its address family"
    return cannot_tell(
        server.label,
        f"{safe(server.label, limit=200)} could not be tested over {over}, and no "
        f"other server answered that way over {family}: the cause may lie here.",
        expected=expected,
        observed=f"{ways}: {_error(answer)}",
        fix=f"Run it where {family} works and port 53 is open towards the Internet, or set 'family'.",
    )


def _error(answer: Answer) -> str:
    text = f"{answer.error}: {safe(answer.detail, limit=160)}" if answer.detail else str(answer.error)
    if answer.ignored:
        text += f" ({answer.ignored} replies that did not fit the question were ignored)"
    return text


def wrong(answer: Answer, domain: str) -> tuple[str, str] | None:
    """Return what is wrong with an answer to the question for the zone's SOA, and what to do about it."""
    take_out = "or take the server out of the delegation and the zone's NS records."
    if answer.error is not None:
        return f"gives no answer ({answer.error}).", f"Start the DNS service on it, {take_out}"
    load = f"Load the zone {domain} on that server, {take_out}"
    if answer.rcode == "SERVFAIL":
        return (
            "cannot serve the zone (SERVFAIL): it is not loaded, or it has expired.",
            "Look at the server's log: the transfer from the primary, its address and key, the zone file.",
        )
    if answer.rcode == "REFUSED":
        return "is lame: it refuses to answer for the zone (REFUSED).", load
    if answer.rcode == "NXDOMAIN":
        return "says that the zone does not exist (NXDOMAIN): it does not have it.", load
    if answer.rcode != "NOERROR":
        return f"is lame: it answers with the error {answer.rcode}.", load
    if answer.tc:
        return (
            "cuts its answer short over UDP, and the whole cannot be had over TCP.",
            "Let DNS over TCP pass.",
        )
    found = soas(answer, domain)
    owners = sorted({r.name for r in answer.authority if r.rdtype == "NS"}, key=len)
    if not answer.aa:
        if not found and owners and owners[0] == domain:
            return "is lame: it only refers to the zone's name servers, and does not have the zone.", load
        if not found and owners:
            way = "upwards" if inside(domain, owners[0]) else "elsewhere"
            return f"is lame: it does not have the zone and refers {way}, to {safe(owners[0])}.", load
        return (
            "answers without authority (AA missing): from a cache, a forwarder, or a zone that has expired.",
            f"Make it a primary or secondary server of {domain}, {take_out}",
        )
    if any(r.rdtype == "CNAME" and r.name == domain for r in answer.records):
        return "has an alias (CNAME) where the zone should be.", load
    if not found:
        other = next((r.name for r in answer.records if r.rdtype == "SOA"), "")
        if other:
            return f"answers with the SOA of another zone, {safe(other)}.", load
        return "is broken: it claims authority and gives no SOA record.", load
    if len(found) > 1:
        return (
            f"gives {len(found)} SOA records, where a zone has one.",
            "Remove the second SOA record from the zone; the zone file may have been joined from two.",
        )
    return None


def _manners(seen: ServerSeen, domain: str) -> Iterable[Finding]:
    label, udp = seen.server.label, seen.udp
    if udp.rcode is not None and udp.edns is not True:
        refuses = udp.edns is None
        yield warned(
            label,
            "It does not know EDNS and refuses questions with it." if refuses
            else "It does not know EDNS: it answers as if the question came without.",
            expected="an answer with EDNS (RFC 6891)",
            observed="an error, then an answer without EDNS" if refuses else "no OPT record in the answer",
            fix="Update the DNS server, or the firewall that takes EDNS out: long answers need it.",
            reference="RFC 6891 section 7",
        )  # fmt: skip
    one, other = soas(udp, domain), soas(seen.tcp, domain)
    if (
        udp.error is None
        and seen.tcp.error is None
        and len(one) == len(other) == 1
        and one[0].text != other[0].text
    ):
        yield failed(
            label,
            "It gives another SOA over TCP than over UDP: two servers stand behind this address.",
            expected="the same SOA over UDP and TCP",
            observed=f"UDP: serial {serial_of(one[0])}; TCP: serial {serial_of(other[0])}",
            fix="Bring the servers behind that address to the same zone; if it was just changed, run again.",
        )
    asked = seen.recursion
    if asked is not None and asked.ra and asked.rcode in ("NOERROR", "NXDOMAIN") and not asked.aa:
        yield warned(
            label,
            "It resolves names of others for this laptop, too.",
            expected="no recursion on an authoritative server",
            observed=f"{asked.rcode} with RA for {_MISSING}",
            fix="Switch recursion off, or allow it to inside networks only, where strangers can ask it.",
            reference="RFC 5358",
        )


def shown(answer: Answer) -> str:
    """Return in one line what an answer to the question for the SOA says."""
    found = [r for r in answer.records if r.rdtype == "SOA"]
    parts = [str(answer.rcode), "with authority" if answer.aa else "without authority"]
    parts += [f"{r.name} SOA {r.text}" for r in found[:2]]
    if not found and answer.authority:
        parts.append("refers to " + ", ".join(f"{r.name} {r.rdtype} {r.text}" for r in answer.authority[:3]))
    return safe(", ".join(parts), limit=400)
