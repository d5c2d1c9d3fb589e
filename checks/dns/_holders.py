"""The servers that hold a name with authority, whatever zone it lies in, and what they say of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from checks.dataclass import dataclass
from checks.dns._serial import serial_of, soas
from checks.dns._sets import content
from checks.dns._walk import Walk
from checks.dns._zone import Server
from checks.judging import cannot_tell
from checks.safe import in_line, safe
from checks.wire.dns import Answer
from checks.words import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one server says of one or more record sets, and of the zone's SOA where it was asked for that."""

    server: Server
    answers: tuple[Answer, ...]
    soa: Answer | None = None

    def serial(self, domain: str) -> int | None:
        """Return the zone's serial on this server; None where it did not give it with authority."""
        if self.soa is None or content(self.soa) is None:
            return None
        found = soas(self.soa, domain)
        return serial_of(found[0]) if len(found) == 1 else None


async def holders(walk: Walk, name: str, servers: Sequence[str]) -> tuple[tuple[Server, ...], str]:
    """Return the servers with authority for `name`, and why there are none or not all (raw).

    A name that is no zone of its own is held by the servers that the way to it ended at.
    """
    zone = await walk.zone(name, servers)
    if servers:
        return zone.servers, ", ".join(zone.lost)
    if zone.delegation():
        lost = [one.name for one in zone.names if not one.glue and not one.addresses]
        return zone.servers, zone.trouble or ", ".join(lost)
    if zone.usable():
        return tuple(walk.of_family(view.server for view in zone.parents)), zone.trouble
    said = "; ".join(f"{v.server.label}: {v.answer.error or v.says}" for v in zone.parents)
    return (), zone.trouble or said or "the way to its servers was not found"


async def ask_all(
    walk: Walk, servers: Sequence[Server], sets: Sequence[tuple[str, str]], soa_of: str = ""
) -> tuple[Held, ...]:
    """Ask every server for every set, and for the SOA of `soa_of` if that is given."""

    async def one(server: Server) -> Held:
        soa = await walk.ask(server, soa_of, "SOA") if soa_of else None
        if soa is not None and soa.error is not None:
            return Held(server=server, answers=(), soa=soa)
        answers = await asyncio.gather(*(_ask(walk, server, name, rdtype) for name, rdtype in sets))
        return Held(server=server, answers=tuple(answers), soa=soa)

    return tuple(await asyncio.gather(*(one(server) for server in servers)))


async def _ask(walk: Walk, server: Server, name: str, rdtype: str) -> Answer:
    """Ask a server that resolves, too, as clients do: a forwarder hands on AA unless it may use its cache."""
    answer = await walk.ask(server, name, rdtype)
    return await walk.ask(server, name, rdtype, recursion=True) if answer.aa and answer.ra else answer


def counted(held: Sequence[Held]) -> tuple[Held, ...]:
    """Return the servers that count.

    An address that this laptop has no way to is left out where another of the same name server answered.
    """
    told = {one.server.name for one in held if one.server.name and any(a.rcode for a in _all(one))}
    return tuple(
        one for one in held
        if one.server.name not in told or not all(a.error == "not sent" for a in _all(one))
    )  # fmt: skip


def _all(held: Held) -> tuple[Answer, ...]:
    return held.answers if held.soa is None else (*held.answers, held.soa)


def no_word(server: Server, answer: Answer | None, what: str, expected: str) -> Finding:
    """Return the finding that a server said nothing of `what` with authority: nothing is known from it."""
    if answer is None or answer.error is not None:
        text = f"{answer.error}: {safe(answer.detail, limit=160)}" if answer is not None else "not asked"
        message = f"It gave no answer for {what}, so what it holds is not known."
        fix = "Mend the server or its way (dns.authority says more), then run again."
    elif answer.rcode in ("NOERROR", "NXDOMAIN"):
        text = (
            f"{answer.rcode} without authority, {in_line(r.text for r in answer.records[:4]) or 'no record'}"
        )
        message = f"It answers for {what} without authority: from a cache, or it does not have the zone."
        fix = "Name the zone's authoritative servers in 'servers'; what a cache holds proves nothing here."
    else:
        text = f"{answer.rcode}"
        message = f"It does not answer for {what} ({answer.rcode}), so what it holds is not known."
        fix = "Load the zone on the server, or take it out of the delegation (dns.authority says more)."
    return cannot_tell(server.label, message, expected=expected, observed=text, fix=fix)
