"""The lease that the operating system keeps, held against the plan where nothing could be asked. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from checks.contract import Finding
from checks.judging import cannot_tell, failed, passed
from checks.link._dhcp_rules import Given, compare
from checks.link._dhcp_seen import DhcpSeen
from checks.local.rights import raw_fix
from checks.safe import safe
from checks.wire.frames.dhcp_options import told

if TYPE_CHECKING:
    from checks.link.dhcp import Dhcp


def judge_lease(plan: Dhcp, seen: DhcpSeen) -> Iterator[Finding]:
    """Judge the lease that the operating system keeps: what it says can be wrong, never the whole truth."""
    lease, planned = seen.lease, ", ".join(plan.servers)
    if lease is None or not lease.server:
        yield cannot_tell(
            plan.subject(), f"{seen.hindrance} There is no lease on {safe(seen.interface, limit=60)} that "
            "could be read instead.", expected=f"an offer of {planned}", observed="not tested",
            fix=seen.remedy or raw_fix(),
        )  # fmt: skip
        return
    source, server = safe(lease.source, limit=60), safe(lease.server, limit=60)
    if lease.server in plan.servers:
        yield passed(
            f"{lease.server} lease", f"This system's own lease comes from a planned server ({source}).",
            expected=planned, observed=server,
        )  # fmt: skip
    else:
        yield failed(
            f"{server} lease", f"This system's own lease comes from a server that is not planned ({source}).",
            expected=planned, observed=server,
            fix="Renew the lease and run it again, in case it is left from another network. If it stays, "
            "find the device with this address and take its DHCP server off, or correct 'servers'.",
        )  # fmt: skip
    options = lease.options
    if lease.lease_s is not None and not any(item.code == 51 for item in options):
        options = (*options, told(51, str(int(lease.lease_s))))
    given = Given(server=lease.server, address=lease.address, options=options, whole=False)
    yield from compare(plan, given)
    yield cannot_tell(
        plan.subject(), f"Only this system's own lease could be read: {seen.hindrance} Another DHCP server "
        "that answers other clients would not be seen.", expected="planned servers only",
        observed=f"the lease of {source}", fix=seen.remedy or raw_fix(),
    )  # fmt: skip
