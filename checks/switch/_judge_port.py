"""One port held against its plan, and all ports that are up held against good practice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from checks.contract import Finding
from checks.device.records import Neighbour, Port
from checks.device.vlans import VlansRead
from checks.judging import cannot_tell, failed, passed, warned
from checks.safe import in_line, safe
from checks.switch._names import same_name
from checks.switch._plan import PlannedPort, carriers, pvid, untagged_vlans

LEAST_MBPS = 100
NO_HALF_MBPS = 1000
"""From here on a link that is up runs in full duplex: nobody builds another."""
_ODD_PORTS = 2
_DOWN = {
    "down": "Plug it in at both ends and switch the other end on; then try another cable and another port.",
    "not_present": "Plug the transceiver or module in, or look whether the stack member is there.",
    "lower_layer_down": "Look at the ports below it: the members of the aggregation are down.",
    "dormant": "It waits, mostly for 802.1X: look whether the device there could log on.",
}
_SLOW = (
    "Replace the patch cable, then test the wall cable: 100 Mbit/s where 1000 are planned is a broken pair. "
    "Look whether one end is set to a fixed speed."
)
_MISMATCH = (
    "Set both ends to auto-negotiation; half duplex is one end set by hand and the other negotiating. Then "
    "look at the cable."
)


def state(port: Port) -> str:
    """Return what the port does, in a few words."""
    if port.oper != "up":
        return "switched off" if port.admin == "down" else port.oper.replace("_", " ")
    speed = "speed not told" if port.speed_mbps is None else f"{port.speed_mbps} Mbit/s"
    duplex = "duplex not told" if port.duplex == "unknown" else f"{port.duplex} duplex"
    return f"up, {speed}, {duplex}"


def judge_port(
    device: str,
    port: Port,
    planned: PlannedPort,
    ports: tuple[Port, ...],
    neighbours: tuple[Neighbour, ...] | None,
    vlans: VlansRead | None,
    unread: str,
    *,
    deaf: bool = False,
) -> Iterator[Finding]:
    """Yield what is wrong with a port, or that nothing is."""
    subject = f"{device} {safe(port.name, limit=80)}"
    findings = [*_up(subject, port, planned)]
    if not findings and planned.up:
        findings = [
            *_speed(subject, port, planned.speed, planned.min_speed),
            *_duplex(subject, port, planned.duplex),
            *_members(subject, port, planned, ports),
        ]
    if planned.port is not None and planned.description is not None:
        findings += _description(subject, port, planned.description)
    if planned.neighbor is not None and planned.up:
        findings += _neighbour(subject, port, planned.neighbor, ports, neighbours, unread, deaf=deaf)
    if planned.vlan is not None:
        findings += _vlan(subject, port, planned.vlan, vlans, unread)
    if findings:
        yield from findings
    else:
        yield passed(subject, "The port is as planned.", expected=_expected(planned), observed=state(port))


def _half_told(up: list[Port]) -> list[Port]:
    """Return the ports without a duplex mode, where others have one and these are more than a few odd ones.

    A management port or an interface of the device's own has none on many.
    """
    without = [port for port in up if not port.duplex_told]
    few = len(without) < _ODD_PORTS or len(without) * 4 < len(up)
    return [] if few or len(without) == len(up) else without


def every_port(device: str, ports: tuple[Port, ...], least: int | None) -> Iterator[Finding]:
    """Yield which of the physical ports that are up are slow or in half duplex, or that none is."""
    up = [port for port in ports if port.physical and port.oper == "up"]
    undecided = [port for port in ports if port.physical and port.oper == "unknown"]
    expected = f"full duplex, at least {least or LEAST_MBPS} Mbit/s"
    if not up:
        yield cannot_tell(
            device, "No physical port is up, so there is nothing to judge.", expected=expected,
            observed=f"{sum(port.physical for port in ports)} physical ports, none up",
            fix="Name the planned ports in 'ports', or run it when devices are plugged in.",
        )  # fmt: skip
        return
    if undecided:
        yield cannot_tell(
            f"{device} {_listed(undecided)}", "The switch does not tell whether these ports are up.",
            expected=expected, observed="state unknown", fix="Look at their lights, or run it again.",
        )  # fmt: skip
    bad = False
    for port in up:
        subject = f"{device} {safe(port.name, limit=80)}"
        for finding in (*_half(subject, port), *_below(subject, port, least)):
            bad = True
            yield finding
    untold = sum(port.speed_mbps is None for port in up)
    if untold == len(up):
        yield cannot_tell(
            device, "The switch tells the speed of no port that is up.", expected=expected,
            observed=f"{len(up)} ports up", fix="Look at the ports on the switch's own page or console.",
        )  # fmt: skip
    elif half := _half_told(up):
        yield cannot_tell(
            device, f"The switch tells the duplex mode of {len(up) - len(half)} ports that are up and not of "
            f"{len(half)}: half a table proves nothing.", expected=expected, observed=_listed(half),
            fix="Run it again; if it stays so, look at these ports on the switch's own page or console, and "
            "plan them in 'ports' with 'duplex: any'.",
        )  # fmt: skip
    elif not bad:
        unknown = sum(port.duplex == "unknown" for port in up)
        more = f"; duplex of {unknown} is not told" if unknown else ""
        more += f"; speed of {untold} is not told" if untold else ""
        yield passed(
            device, "Every port that is up runs in full duplex and fast enough, as far as the switch tells.",
            expected=expected, observed=f"{len(up)} ports up{more}",
        )  # fmt: skip


def _half(subject: str, port: Port) -> Iterator[Finding]:
    if port.duplex != "half":
        return
    if port.speed_mbps is not None and port.speed_mbps < LEAST_MBPS:
        yield warned(
            subject, f"The port runs at {port.speed_mbps} Mbit/s in half duplex.", expected="full duplex",
            observed=state(port), fix=_MISMATCH,
        )  # fmt: skip
    else:
        yield failed(
            subject, "The port runs in half duplex: packets are lost under load.", expected="full duplex",
            observed=state(port), fix=_MISMATCH, reference="IEEE 802.3 clause 28",
        )  # fmt: skip


def _below(subject: str, port: Port, least: int | None) -> Iterator[Finding]:
    if port.speed_mbps is None:
        if least is not None:
            yield cannot_tell(
                subject, "The switch does not tell the speed of this port.",
                expected=f"at least {least} Mbit/s", observed="not told", fix="Look at its light or page.",
            )  # fmt: skip
    elif least is not None:
        yield from _speed(subject, port, None, least)
    elif port.speed_mbps < LEAST_MBPS and port.duplex != "half":
        yield warned(
            subject, f"The port runs at only {port.speed_mbps} Mbit/s.",
            expected=f"at least {LEAST_MBPS} Mbit/s", observed=state(port), fix=_SLOW,
        )  # fmt: skip


def _up(subject: str, port: Port, planned: PlannedPort) -> Iterator[Finding]:
    expected = "up" if planned.up else "down"
    if port.oper in ("unknown", "testing"):
        yield cannot_tell(
            subject, "The switch does not tell whether the port is up.", expected=expected,
            observed=port.oper, fix="Look at its light, or run it again when a test on it has ended.",
        )  # fmt: skip
    elif planned.up and port.oper != "up":
        if port.admin == "down":
            yield failed(
                subject, "The port is switched off.", expected="up", observed="switched off",
                fix="Switch the port on in the switch's configuration (no shutdown).",
            )  # fmt: skip
        else:
            yield failed(
                subject, "The port is down.", expected="up", observed=state(port), fix=_DOWN[port.oper],
            )  # fmt: skip
    elif not planned.up and port.oper in ("up", "dormant"):
        yield failed(
            subject, "The port is up, and must be down." if port.oper == "up" else
            "Something is plugged into the port, which must be down.", expected="down", observed=state(port),
            fix="Find out what is plugged in there; switch the port off.",
        )  # fmt: skip


def _speed(subject: str, port: Port, exact: int | None, least: int | None) -> Iterator[Finding]:
    wanted = exact or least
    if wanted is None:
        return
    expected = f"{wanted} Mbit/s" if exact else f"at least {wanted} Mbit/s"
    if port.speed_mbps is None:
        yield cannot_tell(
            subject, "The switch does not tell the speed of this port.", expected=expected,
            observed="not told", fix="Look at its light, or at the switch's own page or console.",
        )  # fmt: skip
    elif port.speed_mbps < wanted:
        yield failed(
            subject, f"The port runs at {port.speed_mbps} Mbit/s only.", expected=expected,
            observed=state(port), fix=_SLOW, reference="IEEE 802.3 clause 28",
        )  # fmt: skip
    elif exact and port.speed_mbps > exact:
        yield failed(
            subject, f"The port runs at {port.speed_mbps} Mbit/s, more than planned.", expected=expected,
            observed=state(port), fix="Look whether the right device is plugged in, or correct the plan.",
        )  # fmt: skip


def _duplex(subject: str, port: Port, wanted: str) -> Iterator[Finding]:
    if wanted == "any":
        return
    if port.duplex == "unknown":
        fast = not port.physical or (port.speed_mbps is not None and port.speed_mbps >= NO_HALF_MBPS)
        if wanted == "full" and fast:
            return
        yield cannot_tell(
            subject, "The switch does not tell the duplex of this port.", expected=f"{wanted} duplex",
            observed=state(port),
            fix="Look at the switch's own page or console; plan it with 'duplex: any' if that will do.",
        )  # fmt: skip
    elif port.duplex != wanted:
        yield failed(
            subject, f"The port runs in {port.duplex} duplex.", expected=f"{wanted} duplex",
            observed=state(port), fix=_MISMATCH, reference="IEEE 802.3 clause 28",
        )  # fmt: skip


def _members(subject: str, port: Port, planned: PlannedPort, ports: tuple[Port, ...]) -> Iterator[Finding]:
    below = [one for one in ports if one.if_index in port.members]
    for one in below:
        if one.oper == "up" and planned.duplex == "full" and one.duplex == "half":
            yield from _duplex(f"{subject}, member {safe(one.name, limit=80)}", one, "full")
    if planned.members is None:
        return
    expected = f"at least {planned.members} members up"
    if not below:
        yield cannot_tell(
            subject, "The switch tells no members of this aggregation.", expected=expected,
            observed="no members told",
            fix="Name its member ports in the plan, and look at the aggregation on the switch itself.",
        )  # fmt: skip
        return
    up = [one for one in below if one.oper == "up"]
    if len(up) < planned.members:
        missing = [one for one in below if one.oper != "up"]
        yield failed(
            subject, f"The aggregation has only {len(up)} of {planned.members} members up.",
            expected=expected, observed=f"up: {_listed(up) or 'none'}; down: {_listed(missing) or 'none'}",
            fix="Look at the members that are down; one that is missing altogether is not in the aggregation "
            "on this switch, or LACP fails with the other end.", reference="IEEE 802.1AX",
        )  # fmt: skip


def _description(subject: str, port: Port, wanted: str) -> Iterator[Finding]:
    if not port.alias_told:
        yield cannot_tell(
            subject, "The switch does not show the port's description.", expected=wanted,
            observed="not told",
            fix="Give the community or user a view of the ifXTable (1.3.6.1.2.1.31), read only.",
        )  # fmt: skip
    elif port.alias.strip().casefold() != wanted.strip().casefold():
        yield failed(
            subject, "The port's description is not the planned one.", expected=wanted,
            observed=safe(port.alias, limit=200) or "no description",
            fix="Set the description; if it names another use, the cable or the plan is wrong.",
        )  # fmt: skip


def _neighbour(
    subject: str,
    port: Port,
    wanted: str,
    ports: tuple[Port, ...],
    neighbours: tuple[Neighbour, ...] | None,
    unread: str,
    *,
    deaf: bool,
) -> Iterator[Finding]:
    if neighbours is None or (deaf and not neighbours):
        yield cannot_tell(
            subject, f"It is not told who is at the other end: {safe(unread, limit=300)}", expected=wanted,
            observed="not told", fix="Switch LLDP or CDP on, or give the user a view of its tables.",
        )  # fmt: skip
        return
    here = {port.if_index, *port.members}
    heard = [one for one in neighbours if one.local_if_index in here]
    if any(same_name(wanted, one) for one in heard):
        return
    names = {one.if_index: one.name for one in ports}
    elsewhere = [
        names.get(one.local_if_index or 0, one.local_port)
        for one in neighbours if same_name(wanted, one)
    ]  # fmt: skip
    observed = in_line(one.remote_name or one.remote_chassis for one in heard) or "nobody heard"
    moved = f" It is heard on {in_line(elsewhere)}." if elsewhere else ""
    yield failed(
        subject, f"The planned neighbour is not at the other end.{moved}", expected=wanted,
        observed=observed,
        fix="Put the cable into the planned port, or switch LLDP on at the neighbour; else correct the plan.",
    )  # fmt: skip


def _vlan(subject: str, port: Port, wanted: int, vlans: VlansRead | None, unread: str) -> Iterator[Finding]:
    expected = f"untagged in VLAN {wanted}"
    if vlans is None or (wanted in vlans.unread and pvid(port, vlans) is None):
        yield cannot_tell(
            subject, f"It is not told which VLAN this port is in. {safe(unread, limit=300)}".strip(),
            expected=expected, observed="not told",
            fix="Look at the port on the switch, or give the user a view of its VLAN tables.",
        )  # fmt: skip
        return
    if wanted not in {vlan.id for vlan in vlans.vlans} or wanted in vlans.suspended:
        gone = wanted not in vlans.suspended
        yield failed(
            subject, f"The switch has no VLAN {wanted}: its ports carry nothing." if gone else
            f"VLAN {wanted} is suspended or shut down: its ports carry nothing.", expected=expected,
            observed="no such VLAN" if gone else "suspended",
            fix="Create the VLAN on the switch, or correct the plan." if gone
            else "Activate the VLAN on the switch (state active).",
        )  # fmt: skip
        return
    default, member = pvid(port, vlans), untagged_vlans(port, vlans)
    told = {default} - {None} | set(member)
    if wanted in vlans.unread and default == wanted:
        return
    if told == {wanted} and (wanted in member or port.oper != "up"):
        return
    if told == {wanted}:
        yield failed(
            subject, f"What comes in untagged goes into VLAN {wanted} (PVID), and nothing of that VLAN goes "
            "out: the port is no untagged member.", expected=expected, observed=f"PVID {wanted} alone",
            fix="Make the port an untagged member of its VLAN.", reference="IEEE 802.1Q",
        )  # fmt: skip
        return
    where = in_line(str(vlan) for vlan in sorted(vlan for vlan in told if vlan is not None)) or "no VLAN"
    if not told and not set(carriers(port)).isdisjoint(vlans.open_trunks):
        where = "a trunk"
    yield failed(
        subject, "The port is in another VLAN than planned.", expected=expected,
        observed=f"untagged in {where}", fix="Set the port's access VLAN (PVID and untagged member).",
    )  # fmt: skip


def _expected(planned: PlannedPort) -> str:
    if not planned.up:
        return "down"
    parts = ["up"]
    if planned.speed or planned.min_speed:
        parts.append(f"{planned.speed} Mbit/s" if planned.speed else f"at least {planned.min_speed} Mbit/s")
    if planned.duplex != "any":
        parts.append(f"{planned.duplex} duplex")
    if planned.members:
        parts.append(f"at least {planned.members} members")
    if planned.neighbor:
        parts.append(f"neighbour {planned.neighbor}")
    if planned.vlan:
        parts.append(f"VLAN {planned.vlan}")
    return ", ".join(parts)


def _listed(ports: Iterable[Port]) -> str:
    return in_line(port.name for port in ports)
