"""One VLAN held against its plan, and the VLAN tables of a switch held against each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from checks.contract import Finding
from checks.device.naming import find_ports
from checks.device.records import Port, Vlan
from checks.device.vlans import VlansRead
from checks.judging import cannot_tell, failed, passed, warned
from checks.safe import in_line, safe
from checks.switch._plan import carriers, pvid, untagged_vlans

_CREATE = "Create the VLAN on the switch, or correct the plan."
MAX_TOLD = 50
"""Ports named one by one where the tables contradict each other."""


def one_port(
    device: str, ports: tuple[Port, ...], name: str, expected: str
) -> tuple[Port | None, Finding | None]:
    """Return the port of that name, or what is wrong with the name."""
    found = find_ports(ports, name)
    subject = f"{device} {name}"
    if len(found) == 1:
        return found[0], None
    if not found:
        return None, failed(
            subject, "The switch has no such port.", expected=expected, observed="no such port",
            fix="Correct the port's name in the plan, or look whether the module or stack member is there.",
        )  # fmt: skip
    return None, cannot_tell(
        subject, "That name fits several ports, so it is not known which one is meant.", expected=expected,
        observed=in_line(port.name for port in found),
        fix="Write the port's whole ifName, or its ifIndex.",
    )  # fmt: skip


def judge_vlan(
    device: str,
    read: VlansRead,
    ports: tuple[Port, ...],
    wanted: int,
    name: str | None,
    untagged: tuple[str, ...],
    tagged: tuple[str, ...],
    *,
    exact: bool,
) -> Iterator[Finding]:
    """Yield what is wrong with a planned VLAN, or that nothing is."""
    subject = f"{device} VLAN {wanted}"
    vlan = next((one for one in read.vlans if one.id == wanted), None)
    if vlan is None:
        yield failed(
            subject, f"The switch has no VLAN {wanted}.", expected=name or f"VLAN {wanted}",
            observed=in_line(str(one.id) for one in read.vlans), fix=_CREATE,
        )  # fmt: skip
        return
    findings = [*_state(subject, read, vlan, name)]
    found: dict[bool, set[int]] = {False: set(), True: set()}
    for is_tagged, names in ((False, untagged), (True, tagged)):
        for written in names:
            expected = f"{'tagged' if is_tagged else 'untagged'} in VLAN {wanted}"
            port, trouble = one_port(device, ports, written, expected)
            if port is None:
                findings += [trouble] if trouble else []
                continue
            found[is_tagged] |= set(carriers(port))
            findings += _member(device, read, vlan, port, is_tagged=is_tagged)
    if exact:
        findings += _others(subject, read, vlan, ports, found)
    if findings:
        yield from findings
        return
    yield passed(
        subject, "The VLAN is as planned.", expected=name or "it exists",
        observed=f"{safe(vlan.name, limit=80) or 'no name'}, "
        + ("ports not told" if vlan.id in read.unread else
           f"{len(vlan.untagged)} untagged and {len(vlan.tagged)} tagged ports"),
    )  # fmt: skip


def judge_tables(device: str, read: VlansRead, ports: tuple[Port, ...]) -> Iterator[Finding]:
    """Yield where the default VLAN of a port that is up is none of those that it carries untagged."""
    known = {vlan.id for vlan in read.vlans}
    compared, bad, silent = 0, 0, []
    for port in ports:
        default = pvid(port, read)
        if port.oper != "up" or not (port.physical or port.members):
            continue
        if default is None or (default in known and default in read.unread):
            silent.append(port)
            continue
        compared += 1
        finding = _agrees(device, read, port, default, known)
        if finding is not None:
            bad += 1
            if bad <= MAX_TOLD:
                yield finding
    if bad > MAX_TOLD:
        yield warned(
            device, f"{bad - MAX_TOLD} more ports contradict their VLANs.", fix="Mend those that are named.",
        )  # fmt: skip
    if not compared:
        yield cannot_tell(
            device, "The switch does not tell the default VLAN and the VLAN membership of any port that is "
            "up, so they cannot be compared.", expected="PVID and untagged VLAN agree",
            observed=f"{len(read.vlans)} VLANs by {read.source}",
            fix="Plan the VLANs and their ports in 'vlans', or look at the ports on the switch itself.",
        )  # fmt: skip
    elif not bad:
        yield passed(
            device, "The default VLAN of every port that is up is one that it carries untagged, if any is.",
            expected="PVID and untagged VLAN agree", observed=f"{compared} ports, {len(known)} VLANs"
            + (f"; not told of {in_line(port.name for port in silent)}" if silent else ""),
        )  # fmt: skip


def _agrees(device: str, read: VlansRead, port: Port, default: int, known: set[int]) -> Finding | None:
    subject = f"{device} {safe(port.name, limit=80)}"
    expected = f"untagged in VLAN {default}, its PVID"
    if default not in known:
        return failed(
            subject, f"The port is up, and its default VLAN {default} does not exist on this switch: "
            "what comes in without a tag goes nowhere.", expected=expected, observed=f"no VLAN {default}",
            fix=_CREATE, reference="IEEE 802.1Q",
        )  # fmt: skip
    members = untagged_vlans(port, read)
    if default in members or (not members and _tagged_somewhere(port, read)):
        return None
    return warned(
        subject, "What comes in without a tag goes into another VLAN than what goes out without one.",
        expected=expected, observed=f"untagged in {in_line(map(str, members)) or 'none'}",
        fix="Set PVID and untagged membership of the port to the same VLAN; a trunk that drops untagged "
        "frames may stay so.", reference="IEEE 802.1Q",
    )  # fmt: skip


def _tagged_somewhere(port: Port, read: VlansRead) -> bool:
    return any(not set(carriers(port)).isdisjoint(vlan.tagged) for vlan in read.vlans)


def _state(subject: str, read: VlansRead, vlan: Vlan, name: str | None) -> Iterator[Finding]:
    if vlan.id in read.suspended:
        yield failed(
            subject, "The VLAN exists and is not active: it carries nothing.", expected="active",
            observed="suspended or shut down", fix="Activate the VLAN on the switch (state active).",
        )  # fmt: skip
    if name is None or vlan.name.strip().casefold() == name.strip().casefold():
        return
    if vlan.name:
        yield failed(
            subject, "The VLAN has another name than planned.", expected=name,
            observed=safe(vlan.name, limit=120),
            fix="Rename the VLAN, or look whether its number is used for something else here.",
        )  # fmt: skip
    else:
        yield cannot_tell(
            subject, "The switch tells no name of this VLAN.", expected=name, observed="not told",
            fix="Read its name on the switch itself, or leave 'name' out.",
        )  # fmt: skip


def _member(device: str, read: VlansRead, vlan: Vlan, port: Port, *, is_tagged: bool) -> Iterator[Finding]:
    subject = f"{device} {safe(port.name, limit=80)}"
    wanted = "tagged" if is_tagged else "untagged"
    expected = f"{wanted} in VLAN {vlan.id}"
    here = set(carriers(port))
    inside = {"tagged": not here.isdisjoint(vlan.tagged), "untagged": not here.isdisjoint(vlan.untagged)}
    default = pvid(port, read)
    if vlan.id in read.unread or (not any(inside.values()) and not here.isdisjoint(read.open_trunks)):
        if not is_tagged and default is not None and default != vlan.id:
            yield _elsewhere(subject, read, port, expected, default)
        else:
            yield cannot_tell(
                subject, f"The switch does not tell whether the port carries VLAN {vlan.id}.",
                expected=expected, observed="not told",
                fix="Look at the port on the switch itself, or give the user a view of the VLAN tables.",
            )  # fmt: skip
    elif not inside[wanted]:
        yield _elsewhere(subject, read, port, expected, default, other=inside, vlan=vlan.id)
    elif not is_tagged and default is not None and default != vlan.id:
        yield failed(
            subject, f"The port sends VLAN {vlan.id} untagged, and puts what it receives untagged into VLAN "
            f"{default}.", expected=f"{expected}, PVID {vlan.id}", observed=f"PVID {default}",
            fix=f"Set the port's PVID (default VLAN) to {vlan.id}.", reference="IEEE 802.1Q",
        )  # fmt: skip


def _elsewhere(
    subject: str,
    read: VlansRead,
    port: Port,
    expected: str,
    default: int | None,
    other: dict[str, bool] | None = None,
    vlan: int = 0,
) -> Finding:
    reverse = next((how for how, is_so in (other or {}).items() if is_so), "")
    if reverse:
        observed = f"{reverse} in VLAN {vlan}"
        message = "The port is in the VLAN the other way round."
    else:
        found = untagged_vlans(port, read) or ((default,) if default else ())
        observed = f"untagged in VLAN {in_line(map(str, found))}" if found else "in no VLAN untagged"
        message = "The port is not in the planned VLAN."
    return failed(
        subject, message, expected=expected, observed=observed,
        fix="Set the port's VLAN (and the PVID of an access port) as planned, or correct the plan.",
    )  # fmt: skip


def _others(
    subject: str, read: VlansRead, vlan: Vlan, ports: tuple[Port, ...], found: dict[bool, set[int]]
) -> Iterator[Finding]:
    if vlan.id in read.unread or read.open_trunks:
        yield cannot_tell(
            subject, "The switch does not tell all ports of this VLAN, so others may be in it.",
            expected="these ports and no others",
            observed="some trunks do not tell what they carry" if read.open_trunks else "members not told",
            fix="Look at the VLAN on the switch itself, or leave 'exact' out.",
        )  # fmt: skip
    by_index = {port.if_index: port for port in ports if port.oper != "not_present"}
    for is_tagged, members in ((False, vlan.untagged), (True, vlan.tagged)):
        extra = [by_index[one].name for one in members if one in by_index and one not in found[is_tagged]]
        if extra:
            how = "tagged" if is_tagged else "untagged"
            yield failed(
                subject, f"Ports carry the VLAN {how} that are not planned to.",
                expected="these ports and no others", observed=in_line(extra),
                fix="Take them out of the VLAN, or add them to the plan.",
            )  # fmt: skip


def listed(vlans: Iterable[int]) -> str:
    """Return VLANs in one line."""
    return in_line(str(vlan) for vlan in sorted(vlans)) or "none"
