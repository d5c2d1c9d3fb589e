"""Who answered a DISCOVER, held against the plan: planned servers, rogues, doubles, silence. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from checks.contract import Finding
from checks.judging import cannot_tell, failed, passed, warned
from checks.link._dhcp_rules import Given, compare
from checks.link._dhcp_seen import DhcpSeen, Reply
from checks.safe import safe
from checks.words import Status

if TYPE_CHECKING:
    from checks.link.dhcp import Dhcp

PING_S = 3.0
"""A server may look for three seconds whether an address is free before it offers it."""
LEAST_S = PING_S + 1.0
"""Less than this proves no silence."""
MOST = 24
"""Servers that get findings of their own."""
_RANK = {Status.PASS: 0, Status.WARN: 1, Status.INCONCLUSIVE: 2, Status.FAIL: 3}


def judge_frames(plan: Dhcp, seen: DhcpSeen) -> Iterator[Finding]:
    """Judge what was heard on the wire."""
    mine = [reply for reply in seen.replies if reply.mine]
    offers = [reply for reply in mine if reply.message.kind == "OFFER"]
    planned = [reply for reply in offers if reply.server in plan.servers]
    strangers = [reply for reply in seen.replies if reply not in planned and _is_stranger(plan, reply)]
    groups: dict[tuple[str, str], list[Reply]] = {}
    for reply in strangers:
        groups.setdefault((reply.server or reply.source, reply.mac), []).append(reply)
    for number, ((server, _), replies) in enumerate(groups.items()):
        if number == MOST:
            yield _more(plan, len(groups) - MOST)
            break
        yield _stranger(plan, server, replies)
    for server in plan.servers:
        own = [reply for reply in planned if reply.server == server]
        if own:
            yield from _planned(plan, seen, server, own)
    for reply in mine:
        if reply.message.kind != "OFFER" and reply.server in plan.servers:
            yield _no_offer(reply)
    if not planned:
        yield _silence(plan, seen, answered=bool(groups))
    elif not groups:
        yield _only_planned(plan, seen, planned)
    yield from _in_use(seen, offers)
    if seen.garbage:
        yield warned(
            _subject(plan), "Something sends to DHCP clients what is no DHCP message.",
            observed=safe(", ".join(seen.garbage[:8]), limit=200), expected="DHCP messages only",
            fix="Find the device by its hardware address in the switch's table.",
        )  # fmt: skip


def _is_stranger(plan: Dhcp, reply: Reply) -> bool:
    if reply.mine:
        return reply.server not in plan.servers
    if reply.vlan != plan.vlan:
        return False
    return reply.message.kind in ("OFFER", "ACK", "NAK", "BOOTP") and (
        (reply.server or reply.source) not in plan.servers
    )


def _stranger(plan: Dhcp, server: str, replies: list[Reply]) -> Finding:
    reply = next((item for item in replies if item.mine), replies[0])
    message = reply.message
    router, dns = (", ".join(message.values(code)) or "none" for code in (3, 6))
    gives = f"address {message.yours or 'none'}, router {router}, DNS {dns}"
    by = f" by the relay {message.relay}" if message.relay else ""
    if not reply.server:
        what = "Something answers as a DHCP server without saying which (no server identifier, option 54)."
    elif reply.mine:
        what = f"A DHCP server answers that is not planned: {server}."
    else:
        what = f"A DHCP server that is not planned was overheard as it answered another client: {server}."
    return failed(
        f"{server} at {reply.mac}", what, expected=", ".join(plan.servers),
        observed=safe(f"{server} from {_maker(reply)}{by}: {gives}", limit=400), reference="RFC 2131",
        fix="Find it by its hardware address in the switch's address table and unplug it (often a home "
        "router or a virtual machine); switch DHCP snooping on. If it is meant to be, add it to 'servers'.",
    )  # fmt: skip


def _planned(plan: Dhcp, seen: DhcpSeen, server: str, replies: list[Reply]) -> Iterator[Finding]:
    yield from _senders(server, replies)
    yield from _not_by_arp(seen, server, replies)
    worst: dict[str, Finding] = {}
    for reply in replies:
        for finding in _offer(plan, seen, server, reply):
            before = worst.get(finding.subject)
            if before is None or _RANK[finding.status] > _RANK[before.status]:
                worst[finding.subject] = finding
    yield from worst.values()


def _offer(plan: Dhcp, seen: DhcpSeen, server: str, reply: Reply) -> Iterator[Finding]:
    message = reply.message
    if reply.vlan != seen.vlan:
        yield failed(
            f"{server} VLAN", f"The offer of {server} came in another VLAN than it was asked for in.",
            expected=_vlan(seen.vlan), observed=_vlan(reply.vlan),
            fix="Correct the port's VLANs: the native VLAN and the tagged ones are mixed up.",
        )  # fmt: skip
    if message.flaws:
        yield failed(
            f"{server} form", f"The offer of {server} is malformed.", expected="an offer that can be read",
            observed=safe(" ".join(message.flaws[:4]), limit=400), reference="RFC 2132",
            fix=f"Look at the options that were entered by hand on {server}, and at the device itself.",
        )  # fmt: skip
    if not message.yours:
        yield failed(
            f"{server} address", f"{server} offers no address.", expected="an address", observed="none",
            fix=f"Look at the scope and its free addresses on {server}.",
        )  # fmt: skip
    given = Given(
        server=server, address=message.yours, options=message.options, relay=message.relay,
        server_name=message.server_name, boot_file=message.boot_file,
    )  # fmt: skip
    yield from compare(plan, given)


def _senders(server: str, replies: list[Reply]) -> Iterator[Finding]:
    """Judge by how many devices one server's name is used; redundant relays are the one good reason."""
    by_mac = {reply.mac: reply for reply in replies}
    relays = {reply.message.relay for reply in by_mac.values()}
    shown = safe(", ".join(_maker(reply) for reply in list(by_mac.values())[:8]), limit=400)
    if len(by_mac) > 1 and ("" in relays or len(relays) < len(by_mac)):
        yield failed(
            f"{server} sender", f"{len(by_mac)} devices answer under the name of the server {server}.",
            expected="one device", observed=shown, reference="RFC 2131",
            fix="One of them is a rogue that uses the server's address: find both by their hardware "
            "addresses in the switch's table, take the wrong one off, and switch DHCP snooping on.",
        )  # fmt: skip
    elif len(by_mac) > 1:
        yield warned(
            f"{server} sender", f"The offers of {server} came by {len(by_mac)} relays.",
            expected="one sender", observed=f"{shown}; relays {', '.join(sorted(relays))}",
            fix="Make sure that both relays are planned (two redundant routers do so), and write 'relay'.",
        )  # fmt: skip
    for reply in by_mac.values():
        if not reply.message.relay and reply.source != server:
            yield warned(
                f"{server} source", f"An offer in the name of {server} came from the address {reply.source}.",
                expected=server, observed=f"{reply.source} from {safe(_maker(reply), limit=200)}",
                fix="A server with several addresses does so; if it has one only, something else answers in "
                "its name: compare the hardware address.",
            )  # fmt: skip


def _not_by_arp(seen: DhcpSeen, server: str, replies: list[Reply]) -> Iterator[Finding]:
    """Judge an offer in a server's name that came from another card than ARP finds the server at."""
    holders = sorted({claim.mac for claim in seen.claims if claim.address == server})
    others = [reply for reply in replies if not reply.message.relay and reply.mac not in holders]
    if holders and others:
        yield cannot_tell(
            f"{server} card", f"The offer in the name of {server} came from another card than the one that "
            "answers ARP for this address: a rogue in its name, or a server with two cards.",
            expected=f"an offer from {', '.join(holders[:4])}", observed=safe(_maker(others[0]), limit=200),
            fix="Find both hardware addresses in the switch's address table; if they are at two ports, and "
            "the server has one card, unplug the other device.",
        )  # fmt: skip


def _no_offer(reply: Reply) -> Finding:
    kind = safe(reply.message.kind, limit=20)
    said = safe(", ".join(reply.message.values(56)), limit=200)
    return failed(
        f"{reply.server} {kind}", f"{reply.server} answers the DISCOVER by {kind} instead of an offer.",
        expected="OFFER", observed=f"{kind} {said}".strip(),
        fix=f"Look at the scope of this network and the deny lists on {reply.server}.",
    )  # fmt: skip


def _silence(plan: Dhcp, seen: DhcpSeen, *, answered: bool) -> Finding:
    subject, wanted = _subject(plan), f"an offer of {', '.join(plan.servers)}"
    where = safe(seen.interface, limit=60)
    answering = {claim.address: claim.mac for claim in seen.claims}
    alive = ", ".join(f"{address} answers ARP ({mac})" for address, mac in list(answering.items())[:4])
    heard = f"no offer in {seen.listened_s:g} s after {seen.sent} questions; {seen.others} other frames heard"
    heard += f"; {alive}" if alive else ""
    if seen.interrupted or not seen.sent:
        return cannot_tell(
            subject, f"{where} went down while it was tested.", expected=wanted, observed=heard,
            fix="Mend the cable or its plug first, then run it again.",
        )  # fmt: skip
    if seen.left_out or seen.lost:
        return cannot_tell(
            subject, "No planned server was heard, but more came in than could be read.", expected=wanted,
            observed=f"{heard}; {seen.left_out} answers left out, {seen.lost} frames lost",
            fix="Find what floods this VLAN (the hardware addresses above), then run it again.",
        )  # fmt: skip
    if not answered and not seen.others and not seen.claims:
        trunk = plan.vlan is not None
        return cannot_tell(
            subject, f"Nothing at all was heard {_in(plan)} on {where}, so that silence proves nothing.",
            expected=wanted, observed=heard,
            fix=f"Make sure that this is a trunk port that carries VLAN {plan.vlan} tagged (link.vlan), then "
            "run it again." if trunk else "Check the cable and the port (link.neighbor, link.gateway), or "
            "wait until another device is in this VLAN, then run it again.",
        )  # fmt: skip
    if seen.listened_s < LEAST_S:
        return cannot_tell(
            subject, f"No planned server answered within {seen.listened_s:g} s, and one may look for "
            f"{PING_S:g} s whether an address is free before it offers it.", expected=wanted, observed=heard,
            fix="Give a 'window' of 10 s.",
        )  # fmt: skip
    return failed(
        subject, "No planned DHCP server offers an address here.", expected=wanted, observed=heard,
        reference="RFC 2131",
        fix="Look, in this order, at: the port's VLAN; the relay of this VLAN (ip helper-address); whether "
        "the scope is active and has free addresses; DHCP snooping (the port to the server must be trusted).",
    )  # fmt: skip


def _only_planned(plan: Dhcp, seen: DhcpSeen, planned: list[Reply]) -> Finding:
    subject, servers = _subject(plan), sorted({reply.server for reply in planned})
    expected = f"{', '.join(plan.servers)} only"
    observed = f"{', '.join(servers)} in {seen.listened_s:g} s after {seen.sent} questions"
    if seen.left_out or seen.lost or seen.interrupted:
        return cannot_tell(
            subject, "Whether another DHCP server answers is not known: not all that came in could be read.",
            expected=expected,
            observed=f"{observed}; {seen.left_out} answers left out, {seen.lost} frames lost"
            + (", the interface went down meanwhile" if seen.interrupted else ""),
            fix="Stop what loads this laptop's link, find what floods this VLAN, or mend the cable; then run "
            "it again.",
        )  # fmt: skip
    if seen.listened_s < LEAST_S:
        return cannot_tell(
            subject, f"Whether another DHCP server answers is not known after {seen.listened_s:g} s: one "
            f"may take {PING_S:g} s before it offers.", expected=expected, observed=observed,
            fix="Give a 'window' of 10 s.",
        )  # fmt: skip
    return passed(subject, "Planned servers answered, and nobody else.", expected=expected, observed=observed)


def _in_use(seen: DhcpSeen, offers: list[Reply]) -> Iterator[Finding]:
    holders: dict[str, list[str]] = {}
    for claim in seen.claims:
        holders.setdefault(claim.address, []).append(claim.mac)
    for address in dict.fromkeys(reply.message.yours for reply in offers):
        for mac in holders.get(address, ()):
            everywhere = [other for other, macs in holders.items() if mac in macs and other != address]
            if everywhere:
                yield cannot_tell(
                    f"{address} in use", f"{mac} answers by ARP for the offered address {address}, and for "
                    f"{everywhere[0]} as well: it answers for everybody (proxy ARP), or has both.",
                    expected="nobody has the offered address", observed=mac,
                    fix="Look at that device for proxy ARP in this network.",
                )  # fmt: skip
            else:
                yield failed(
                    f"{address} in use", f"The offered address {address} is in use already.",
                    expected="nobody has the offered address", observed=mac,
                    fix="Find the device by its hardware address; give it an address outside the pool, or "
                    "exclude the address from the pool.",
                )  # fmt: skip


def _more(plan: Dhcp, count: int) -> Finding:
    return failed(
        _subject(plan), f"{count} more senders answer as DHCP servers.", expected=", ".join(plan.servers),
        observed=f"{count} more", fix="Find what floods this VLAN: shut its port on the switch.",
    )  # fmt: skip


def _maker(reply: Reply) -> str:
    return f"{reply.mac} ({reply.vendor})" if reply.vendor else reply.mac


def _vlan(vlan: int | None) -> str:
    return "untagged" if vlan is None else f"tagged with VLAN {vlan}"


def _in(plan: Dhcp) -> str:
    return "untagged" if plan.vlan is None else f"in VLAN {plan.vlan}"


def _subject(plan: Dhcp) -> str:
    return plan.subject()
