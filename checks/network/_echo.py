"""What the checks by ICMP echo have in common: which addresses to test, and faults that are our own."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from checks.contract import Finding, is_loopback
from checks.judging import cannot_tell, failed, warned
from checks.wire.icmp_options import NO_ROUTE, NOT_A_HOST, NOT_PERMITTED, OVERRUN, PACE_USED_UP, QUEUE_FULL

NO_FAMILY = "this laptop cannot send ICMP over it"

OUR_FIXES = {
    NO_ROUTE: "Check the laptop's address, its default gateway and the VLAN of its port.",
    NOT_PERMITTED: "Allow outgoing ICMP in this laptop's firewall or endpoint protection, then run it again.",
    NOT_A_HOST: "Name one host: no single host can answer for a broadcast address.",
    QUEUE_FULL: "Send fewer packets at once, or stop what fills this laptop's uplink, then run it again.",
    PACE_USED_UP: "Run fewer pings at the same time, or give each a longer interval.",
    OVERRUN: "Run it again with less load on this laptop.",
}
"""What to do about an error that is this laptop's own."""


def our_fix(error: str) -> str:
    """Return what to do about a local error."""
    return OUR_FIXES.get(error, "Mend that on this laptop first, then run it again.")


def unsent(where: str, error: str, *, elsewhere: bool) -> Finding:
    """Return the finding that nothing could be sent to `where` because of our own `error`.

    `elsewhere` says that any family will do and the target's address of the other one works.
    """
    if elsewhere and error in (NO_ROUTE, NO_FAMILY):
        version = version_of(where)
        return warned(
            where, f"{version} was not tested: {error}. The other family answers.",
            expected="a reply", observed="not sent",
            fix=f"If {version} is planned here, find out why this laptop has none; if not, set family.",
        )  # fmt: skip
    if error == NO_ROUTE:
        return failed(
            where, "This laptop has no route to that address.",
            expected="a reply", observed="not sent", fix=our_fix(error),
        )  # fmt: skip
    return cannot_tell(
        where, f"No packet left this laptop: {error}.",
        expected="a reply", observed="not sent", fix=our_fix(error),
    )  # fmt: skip


def version_of(address: str) -> str:
    """Return `IPv4` or `IPv6`."""
    return "IPv6" if ":" in address else "IPv4"


def first_of_each(addresses: Sequence[str]) -> tuple[str, ...]:
    """Return the first address of each family, in the order in which programs would try them."""
    first: dict[str, str] = {}
    for address in addresses:
        first.setdefault(version_of(address), address)
    return tuple(first.values())


def is_own(target: str, address: str) -> bool:
    """Return whether `address` is this laptop itself without `target` saying so (loopback is meant so).

    An answer from ourselves proves nothing about a network. Only an own address can be bound to.
    """
    if is_loopback(target):
        return False
    try:
        family, _, _, _, sockaddr = socket.getaddrinfo(
            address, 0, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
        )[0]
        with socket.socket(family, socket.SOCK_DGRAM) as trial:
            trial.bind(sockaddr)
    except OSError:
        return False
    return True


OWN_ADDRESS = "This is an address of this laptop itself, so an answer proves nothing about the network."
OWN_ADDRESS_FIX = "Correct the target, or the DNS record that leads back to this laptop."
