"""What the connecting checks say alike: how an attempt ended, a name without an address, an endpoint."""

from __future__ import annotations

from checks.judging import cannot_tell, failed, warned
from checks.params import join_endpoint
from checks.safe import safe
from checks.wire.names import Resolved
from checks.wire.tcp import Attempt, Outcome
from checks.words import Finding

EXPLAINED: dict[Outcome, tuple[str, str]] = {
    "refused": (
        "The host answers and refuses this port.",
        "Start the service or correct its port; if it runs, a firewall rule there rejects this laptop.",
    ),
    "timeout": (
        "Nothing answers: the port is filtered or the host is down.",
        "Check that the host is up, then the firewalls on the way: a rule that drops gives exactly this.",
    ),
    "unreachable": (
        "The network says that the host cannot be reached.",
        "Check that the host is on, its address and VLAN, and the route or reject rule of the last router.",
    ),
    "no_route": (
        "This laptop has no route to that address.",
        "Check the laptop's address, its default gateway and the VLAN of its port.",
    ),
    "reset": (
        "The connection was accepted and then broken off.",
        "Look at the service's log, its access list, and the load balancer or inspection in front of it.",
    ),
    "barred": (
        "This laptop itself forbids the connection.",
        "Allow it in this laptop's firewall or endpoint protection and run again.",
    ),
    "local": (
        "This laptop could not make the connection.",
        "See the system's words; often the address family is switched off here, or too many files are open.",
    ),
}  # fmt: skip
"""What each outcome but `open` means, and what to do about it."""


def untested(attempt: Attempt) -> Finding:
    """Return the warning that this laptop could not try an address, while another one of the name works."""
    mine, other = ("IPv6", "ipv4") if ":" in attempt.address else ("IPv4", "ipv6")
    why = EXPLAINED[attempt.outcome][0].removesuffix(".")
    return warned(
        join_endpoint(attempt.address, attempt.port),
        f"This address was not tested: {why[0].lower()}{why[1:]}; another address works.",
        expected="open",
        observed=f"{attempt.outcome}: {safe(attempt.detail, limit=200)}",
        fix=f"If {mine} is planned here, find out why this laptop has none; if not, set family: {other}.",
    )


def unresolved(subject: str, names: Resolved) -> Finding:
    """Return the finding that there is no address to connect to: failed, or untested if DNS was silent."""
    observed = safe(names.error or "no address", limit=200)
    if names.temporary:
        return cannot_tell(
            subject,
            f"The name {names.host} could not be looked up: the resolver gave no answer.",
            expected="an address",
            observed=observed,
            fix="Mend this laptop's name resolution first (its resolver, or the way to it), then run again.",
        )
    return failed(
        subject,
        f"The name {names.host} has no address to connect to.",
        expected="an address",
        observed=observed,
        fix="Correct the name, or the DNS record or resolver that should give its address.",
    )
