"""One trunk held against its plan, and against what its other end tells."""

from __future__ import annotations

from collections.abc import Iterator

from checks.contract import Finding
from checks.dataclass import dataclass
from checks.device.records import Neighbour, Port
from checks.device.vlans import VlansRead
from checks.judging import cannot_tell, failed, passed, warned
from checks.safe import in_line, safe
from checks.switch._judge_vlan import listed, one_port
from checks.switch._plan import aggregations, carriers, described, facing, pvid, undescribed, untagged_vlans

_DOWN = ("down", "lower_layer_down", "not_present")
_ALLOW = "Allow the VLAN on the trunk at the end that lacks it (and create it there), or correct the plan."


@dataclass(frozen=True, slots=True, kw_only=True)
class FarEnd:
    """What a device at the other end of a trunk tells, or why it could not be read."""

    host: str
    ports: tuple[Port, ...] = ()
    read: VlansRead | None = None
    why: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One end of a trunk: what it carries, and whether it tells all of it."""

    port: Port
    native: int | None
    into: int | None
    """Where untagged frames go that come in (PVID), as far as told."""
    carried: frozenset[int]
    whole: bool


def end_of(read: VlansRead, port: Port) -> End:
    """Return what a port carries."""
    here = set(carriers(port))
    inside = (vlan.id for vlan in read.vlans if not here.isdisjoint((*vlan.untagged, *vlan.tagged)))
    untagged = untagged_vlans(port, read)
    return End(
        port=port,
        native=untagged[0] if len(untagged) == 1 else pvid(port, read),
        into=pvid(port, read),
        carried=frozenset(inside),
        whole=here.isdisjoint(read.open_trunks) and not read.unread,
    )


def meant(
    device: str,
    ports: tuple[Port, ...],
    neighbours: tuple[Neighbour, ...] | None,
    silent: str,
    name: str | None,
    description: str | None,
    neighbor: str | None,
) -> tuple[tuple[Port, ...], Finding | None]:
    """Return the trunks that a plan means by one of the three, or what is wrong with it."""
    if name is not None:
        port, trouble = one_port(device, ports, name, "a trunk")
        return ((port,) if port is not None else ()), trouble
    words = f"described {description!r}" if description is not None else f"to {neighbor}"
    subject = safe(f"{device} trunk {words}", limit=200)
    if description is not None and undescribed(ports) and not described(ports, description):
        return (), cannot_tell(
            subject, "The switch does not show how its ports are described.", expected="a trunk",
            observed="not told",
            fix="Give the community or user a view of the ifXTable (1.3.6.1.2.1.31), read only.",
        )  # fmt: skip
    if description is not None:
        found = described(ports, description)
    elif neighbours is None:
        return (), cannot_tell(
            subject, f"It is not told whom the switch hears: {safe(silent, limit=300)}", expected="a trunk",
            observed="not told", fix="Name the trunk by 'port', or give the user a view of its neighbours.",
        )  # fmt: skip
    else:
        found = facing(ports, neighbours, neighbor or "")
    up = tuple(port for port in found if port.oper == "up")
    if not up:
        return (), failed(
            subject, f"No port of the switch that is up is {words}.", expected="a trunk",
            observed=in_line(f"{port.name} {port.oper}" for port in found) or "none",
            fix="Plug it in, describe the port, or correct the plan; a neighbour must speak LLDP or CDP.",
        )  # fmt: skip
    return aggregations(up, ports), None


def judge_trunk(
    device: str,
    read: VlansRead,
    port: Port,
    native: int | None,
    allowed: tuple[int, ...],
    far: FarEnd | None,
    far_port: str,
) -> Iterator[Finding]:
    """Yield what is wrong with a trunk, or that nothing is."""
    near = end_of(read, port)
    subject = f"{device} {safe(port.name, limit=80)}"
    findings = [*_native(subject, near, native), *_allowed(subject, near, allowed, native)]
    if far is not None:
        findings += _both(subject, near, far, far_port)
    if port.oper in _DOWN and not findings:
        findings.append(
            cannot_tell(
                subject, "The trunk is set as planned, and its port is down: it carries nothing now.",
                expected="up", observed=f"port {port.oper.replace('_', ' ')}",
                fix="Plug it in at both ends and switch both ports on, then run it again.",
            )
        )  # fmt: skip
    if findings:
        yield from findings
        return
    more = "" if far is None else ", and both ends agree"
    yield passed(
        subject, f"The trunk is as planned{more}.",
        expected=listed(allowed) if allowed else "both ends agree",
        observed=f"native {near.native or 'none'}, carries {listed(near.carried)}",
    )  # fmt: skip


def _native(subject: str, near: End, native: int | None) -> Iterator[Finding]:
    if native is not None and near.native == native and near.into not in (None, native):
        yield failed(
            subject, f"The trunk sends VLAN {native} untagged, and puts what it receives untagged into VLAN "
            f"{near.into}.", expected=f"native VLAN {native}", observed=f"PVID {near.into}",
            fix=f"Set the trunk's PVID (default VLAN) to {native}.", reference="IEEE 802.1Q",
        )  # fmt: skip
    if native is None or near.native == native:
        return
    if near.native is None and not near.whole:
        yield cannot_tell(
            subject, "The switch does not tell the native VLAN of this trunk.",
            expected=f"native VLAN {native}", observed="not told", fix="Look at the port on the switch.",
        )  # fmt: skip
    else:
        yield failed(
            subject, "The native VLAN of the trunk is not the planned one.",
            expected=f"native VLAN {native}", observed=f"native VLAN {near.native or 'none'}",
            fix="Set the native (untagged) VLAN of the trunk, at both ends.", reference="IEEE 802.1Q",
        )  # fmt: skip


def _allowed(subject: str, near: End, allowed: tuple[int, ...], native: int | None) -> Iterator[Finding]:
    if not allowed:
        return
    missing = set(allowed) - near.carried
    extra = near.carried - set(allowed) - {native, near.native}
    if missing and not near.whole:
        yield cannot_tell(
            subject, f"The switch does not tell whether the trunk carries VLAN {listed(missing)}.",
            expected=listed(allowed), observed=listed(near.carried),
            fix="Look at the allowed VLANs of the port on the switch itself.",
        )  # fmt: skip
    elif missing:
        down = f" The port is {near.port.oper.replace('_', ' ')}." if near.port.oper != "up" else ""
        yield failed(
            subject, f"The trunk does not carry VLAN {listed(missing)}.{down}", expected=listed(allowed),
            observed=listed(near.carried), fix=_ALLOW, reference="IEEE 802.1Q",
        )  # fmt: skip
    if extra:
        yield warned(
            subject, f"The trunk carries VLAN {listed(extra)}, too, which is not planned.",
            expected=listed(allowed), observed=listed(near.carried),
            fix="Take the VLAN off the trunk, or add it to the plan.",
        )  # fmt: skip


def _both(subject: str, near: End, far: FarEnd, far_port: str) -> Iterator[Finding]:
    if far.read is None:
        yield cannot_tell(
            f"{far.host} {far_port}", f"The other end of {subject} could not be read: "
            f"{safe(far.why, limit=400) or 'it was not asked.'}", expected="both ends agree",
            observed="not read", fix=far.fix or "Give the other device the same credentials.",
        )  # fmt: skip
        return
    port, trouble = one_port(far.host, far.ports, far_port, "the other end of a trunk")
    if port is None:
        if trouble is not None:
            yield trouble
        return
    there = end_of(far.read, port)
    where = f"{subject} to {far.host} {safe(port.name, limit=80)}"
    if near.native != there.native:
        yield _differ(where, near, there)
    if not (near.whole and there.whole):
        silent = subject if not near.whole else f"{far.host} {safe(port.name, limit=80)}"
        yield cannot_tell(
            where, f"{silent} does not tell all VLANs that it carries, so the ends cannot be compared.",
            expected="both ends carry the same VLANs", observed=f"{listed(near.carried)} here, "
            f"{listed(there.carried)} there", fix="Compare the allowed VLANs at both ends by hand.",
        )  # fmt: skip
        return
    for one, other, place in ((near, there, "there"), (there, near, "here")):
        lacking = one.carried - other.carried - {one.native}
        if lacking:
            yield failed(
                where, f"VLAN {listed(lacking)} ends at this trunk: it is not carried {place}.",
                expected="both ends carry the same VLANs",
                observed=f"{listed(near.carried)} here, {listed(there.carried)} there", fix=_ALLOW,
                reference="IEEE 802.1Q",
            )  # fmt: skip


def _differ(where: str, near: End, there: End) -> Finding:
    told = f"{near.native or 'not told'} here, {there.native or 'not told'} there"
    if near.native is None or there.native is None:
        return cannot_tell(
            where, "One end does not tell its native VLAN.", expected="the same native VLAN at both ends",
            observed=told, fix="Compare the native VLAN at both ends by hand.",
        )  # fmt: skip
    return failed(
        where, "The native VLANs of the two ends differ: untagged frames change their VLAN on the way.",
        expected="the same native VLAN at both ends", observed=told,
        fix="Set the same native VLAN at both ends.", reference="IEEE 802.1Q",
    )  # fmt: skip
