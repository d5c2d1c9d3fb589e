"""switch.neighbors: the planned devices are at the other end of the planned ports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import Annotated, Any, ClassVar, Literal

from checks.bounds import Len
from checks.contract import CannotTell, Finding, Vantage
from checks.dataclass import dataclass
from checks.device.check import DeviceCheck, device
from checks.device.neighbours import read_neighbours, read_spoken
from checks.device.ports import read_ports
from checks.device.records import Neighbour, Port
from checks.device.vlans import read_vlans
from checks.judging import cannot_tell, failed, passed
from checks.safe import in_line, safe
from checks.switch._names import (
    at,
    called,
    is_number,
    is_switch,
    named,
    one_port,
    same_name,
    same_port,
    shown,
)

Protocol = Literal["lldp", "cdp", "fdp", "edp", "isdp", "mndp"]
_DOWN = ("down", "lower_layer_down", "not_present")
_PLUG = "Plug the cable in at both ends, or correct the plan; then wait a minute until it is heard."


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedNeighbor:
    """Who is to be heard (name, hardware address of the chassis, or address), and at which port or at any."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    port: Annotated[str, Len(1, 256)] | None = None
    name: Annotated[str, Len(1, 256)]
    remote_port: Annotated[str, Len(1, 256)] | None = None
    protocol: Protocol | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighborsSeen:
    """Who the switch hears, and its own side of each cable."""

    name: str
    ports: tuple[Port, ...]
    neighbors: tuple[Neighbour, ...]
    spoken: tuple[str, ...]
    """Protocols by which it listens, as far as it tells."""
    pvid: dict[str, int] = field(default_factory=dict)
    """By ifIndex: the VLAN of untagged frames on our side; empty where the switch does not tell."""


class Neighbors(DeviceCheck[NeighborsSeen]):
    """The switch hears the planned devices on the planned ports, and no neighbour contradicts its own side.

    What a neighbour tells of its side of the cable (native VLAN, duplex) is held against ours on every port.
    Without `neighbors` that is the whole claim.

    Proves: who announces itself on which port, as the switch heard it within the last minutes.
    Cannot prove: that a port without a neighbour is free: many devices do not announce themselves.
    If it fails: plug the cable into the port that is named, or correct the plan; set native VLAN and duplex
    alike on both ends.

    Source: IEEE 802.1AB (LLDP-MIB, LLDP-V2-MIB), CISCO-CDP-MIB, FOUNDRY-SN-SWITCH-GROUP-MIB, EXTREME-EDP-MIB,
    TPLINK-LLDPINFO-MIB, MIKROTIK-MIB.

    Example:
        type: switch.neighbors
        host: 10.20.0.2
        community: env:SNMP_COMMUNITY
        neighbors:
          - {port: Gi1/0/49, name: core-1, remote_port: Te1/0/3}
          - {port: Gi1/0/5, name: ap-reception}
    """

    neighbors: tuple[PlannedNeighbor, ...] = ()
    """Who is planned at which `port` (left out: at any); `remote_port` is the port of the other end, and
    `protocol` the only one that counts."""

    async def observe(self, vantage: Vantage) -> NeighborsSeen:
        found = await device(self, vantage)
        ports = await found.read(read_ports)
        neighbours = await found.read(read_neighbours)
        pvid: dict[str, int] = {}
        if any(one.native_vlan for one in neighbours):
            try:
                pvid = (await found.read(read_vlans)).pvid
            except CannotTell as error:
                vantage.note(f"Native VLANs cannot be compared: {error.reason}")
        return NeighborsSeen(
            name=found.name,
            ports=ports,
            neighbors=neighbours,
            spoken=await found.read(read_spoken),
            pvid=pvid,
        )

    def judge(self, seen: NeighborsSeen) -> Iterable[Finding]:
        for planned in self.neighbors:
            yield _planned(planned, seen)
        contradictions = list(_contradictions(seen))
        yield from contradictions
        if not contradictions:
            yield from self._agreement(seen)

    def _agreement(self, seen: NeighborsSeen) -> Iterator[Finding]:
        compared = [one for one in seen.neighbors if _comparable(one, seen)]
        if compared:
            said = in_line(f"{named(seen.ports, one.local_if_index)}: {called(one)}" for one in compared[:10])
            yield passed(
                seen.name,
                f"What neighbours tell of VLAN and duplex agrees with our side ({len(compared)} compared).",
                expected="both ends alike", observed=said,
            )  # fmt: skip
        elif not self.neighbors and seen.neighbors:
            yield cannot_tell(
                seen.name,
                f"None of the neighbours that the switch hears ({len(seen.neighbors)}) tells a VLAN "
                "or a duplex that could be compared.", expected="both ends alike",
                observed=in_line(map(called, seen.neighbors[:10])),
                fix="Plan who is to be heard where (neighbors), which proves more.",
            )  # fmt: skip
        elif not self.neighbors:
            yield cannot_tell(
                seen.name, "The switch hears no neighbour at all.", expected="neighbours",
                observed=_spoken(seen), fix="Turn LLDP (or CDP) on at the switch and its neighbours, and "
                "give the community or user a view of 1.0.8802 and 1.3.6.1.4.1, read only.",
            )  # fmt: skip


def _planned(planned: PlannedNeighbor, seen: NeighborsSeen) -> Finding:
    if planned.port is None:
        return _anywhere(planned, seen)
    port, found = one_port(seen.ports, planned.port)
    subject = f"{seen.name}: port {safe(planned.port, limit=80)}"
    there = f" at its port {planned.remote_port}" if planned.remote_port else ""
    expected = safe(f"{planned.name}{there}", limit=200)
    if port is None:
        if not found:
            return failed(
                subject, "The switch has no such port.", expected=expected, observed="no such port",
                fix="Correct 'port': write ifName, ifDescr or the number of the ifIndex.",
            )  # fmt: skip
        return cannot_tell(
            subject, "More than one port of the switch may be meant.", expected=expected,
            observed=in_line(one.name for one in found), fix="Write the whole name of the port.",
        )  # fmt: skip
    heard = [one for one in at(seen.neighbors, port) if planned.protocol in (None, one.protocol)]
    right = [one for one in heard if same_name(planned.name, one)]
    if right and _all_down(seen.ports, right):
        return failed(
            subject, "The port is down: the planned neighbour was heard before and is still remembered.",
            expected=expected, observed=f"{in_line(dict.fromkeys(map(called, right)))}; port {port.oper}",
            fix="Switch the port on (no shutdown)." if port.admin == "down" else _PLUG,
        )  # fmt: skip
    if right:
        return _right_device(planned, right, subject, expected)
    return _other_device(planned, port, heard, seen, subject, expected)


def _all_down(ports: tuple[Port, ...], heard: list[Neighbour]) -> bool:
    """Return whether each of them was heard on a port that is down now."""
    states = {port.if_index: port.oper for port in ports}
    return all(states.get(one.local_if_index or 0) in _DOWN for one in heard)


def _anywhere(planned: PlannedNeighbor, seen: NeighborsSeen) -> Finding:
    """Return the finding on a neighbour that may be at any port."""
    subject = safe(f"{seen.name}: neighbour {planned.name}", limit=200)
    expected = f"at its port {safe(planned.remote_port, limit=100)}" if planned.remote_port else "heard"
    known = [one for one in seen.neighbors if planned.protocol in (None, one.protocol)]
    right = [one for one in known if same_name(planned.name, one)]
    observed = in_line(dict.fromkeys(map(called, right or known))) or "nobody"
    if right and _all_down(seen.ports, right):
        return failed(
            subject, "The planned neighbour was heard before and is still remembered: its port is down.",
            expected=expected, observed=f"{observed} at {_places(right, seen)}", fix=_PLUG,
        )  # fmt: skip
    if right:
        return _right_device(planned, right, subject, expected)
    if _nameless(planned, known):
        return _untold(subject, expected, observed)
    return _silent(planned, seen, subject, expected, ("The planned neighbour is heard on no port.", observed))


def _places(heard: list[Neighbour], seen: NeighborsSeen) -> str:
    return ", ".join(dict.fromkeys(named(seen.ports, one.local_if_index) for one in heard))


def _nameless(planned: PlannedNeighbor, heard: list[Neighbour]) -> bool:
    """Return whether all that are heard may be the planned one, as none tells a name."""
    return bool(heard) and not is_number(planned.name) and not any(one.remote_name for one in heard)


def _untold(subject: str, expected: str, observed: str) -> Finding:
    return cannot_tell(
        subject, "The switch tells no name of whom it hears here: it may be the planned neighbour or not.",
        expected=expected, observed=observed,
        fix="Give that device a name, or plan it by its hardware address; if the switch itself knows its "
        "name (show lldp neighbors), give the community or user a view of the whole of 1.0.8802, read only.",
    )  # fmt: skip


def _right_device(
    planned: PlannedNeighbor, right: list[Neighbour], subject: str, expected: str
) -> Finding:  # fmt: skip
    observed = in_line(dict.fromkeys(map(called, right)))
    if planned.remote_port is None or any(same_port(planned.remote_port, one) for one in right):
        return passed(subject, "The planned neighbour is heard here.", expected=expected, observed=observed)
    if not any(one.remote_port or one.remote_port_description for one in right):
        return cannot_tell(
            subject, "The planned neighbour is heard here and does not tell at which of its ports.",
            expected=expected, observed=observed, fix="Look at the other end which port it is.",
        )  # fmt: skip
    return failed(
        subject, "The planned neighbour is heard here, at another of its ports.", expected=expected,
        observed=observed,
        fix=f"Move the cable at {safe(planned.name, limit=80)} to port "
        f"{safe(planned.remote_port, limit=80)}, or correct 'remote_port'.",
    )  # fmt: skip


def _other_device(
    planned: PlannedNeighbor,
    port: Port,
    heard: list[Neighbour],
    seen: NeighborsSeen,
    subject: str,
    expected: str,
) -> Finding:
    elsewhere = [one for one in seen.neighbors if same_name(planned.name, one)]
    places = list(dict.fromkeys(named(seen.ports, one.local_if_index) for one in elsewhere))
    observed = in_line(dict.fromkeys(map(called, heard))) if heard else "nobody"
    unplaced = [one for one in elsewhere if one.local_if_index is None]
    if elsewhere and len(unplaced) == len(elsewhere) and not heard:
        return cannot_tell(
            subject, "The planned neighbour is heard, and the switch does not tell at which of its ports.",
            expected=expected, observed=in_line(map(called, elsewhere)),
            fix="Look at the switch itself (show lldp neighbors); the agent's port numbers lead to no port.",
        )  # fmt: skip
    if elsewhere and not unplaced and planned.protocol is None:
        return failed(
            subject, f"The planned neighbour is on the wrong port: it is heard at {', '.join(places)}.",
            expected=expected, observed=f"{observed}; {in_line([planned.name])} at {', '.join(places)}",
            fix=f"Move its cable from {', '.join(places)} to {shown(port)}, or correct the plan.",
        )  # fmt: skip
    if heard and _nameless(planned, heard):
        return _untold(subject, expected, observed)
    if heard:
        return failed(
            subject, "Another neighbour is heard here than the planned one.", expected=expected,
            observed=observed, fix=f"{_PLUG} What is heard here now is {observed}.",
        )  # fmt: skip
    if port.oper in _DOWN:
        return failed(
            subject, "The port is down, so the planned neighbour is not connected.", expected=expected,
            observed=f"{port.oper}, administratively {port.admin}",
            fix="Switch the port on (no shutdown)." if port.admin == "down" else _PLUG,
        )  # fmt: skip
    return _silent(planned, seen, subject, expected, ("Nobody announces itself on this port.", "nobody"))


def _silent(
    planned: PlannedNeighbor, seen: NeighborsSeen, subject: str, expected: str, said: tuple[str, str]
) -> Finding:
    """Return what silence means: nothing where the switch does not listen, else message and observation."""
    wanted = {planned.protocol} if planned.protocol else {"lldp", "cdp"}
    if not wanted & set(seen.spoken):
        return cannot_tell(
            subject, "The switch does not show that it listens for neighbours: its silence proves nothing.",
            expected=expected, observed=_spoken(seen),
            fix="Turn LLDP (or CDP) on at the switch, and give the community or user a view of 1.0.8802 and "
            "1.3.6.1.4.1, read only.",
        )  # fmt: skip
    return failed(
        subject, said[0], expected=expected, observed=said[1],
        fix=f"{_PLUG} If the device is there, turn LLDP on at it.",
    )  # fmt: skip


def _contradictions(seen: NeighborsSeen) -> Iterator[Finding]:
    ports = {port.if_index: port for port in seen.ports}
    for one in seen.neighbors:
        port = ports.get(one.local_if_index or 0)
        if port is None or port.oper in _DOWN:
            continue
        subject = f"{seen.name}: port {shown(port)}"
        if "full" in (one.duplex, port.duplex) and "half" in (one.duplex, port.duplex):
            yield failed(
                subject, f"Duplex mismatch: we run {port.duplex} duplex, {called(one)} runs {one.duplex}.",
                expected="both ends alike", observed=f"{port.duplex} here, {one.duplex} there",
                fix="Set both ends to auto-negotiation; only where one cannot, set both to the same.",
            )  # fmt: skip
        ours = seen.pvid.get(str(port.if_index))
        if (
            ours
            and one.native_vlan
            and ours != one.native_vlan
            and (one.protocol != "lldp" or is_switch(one))
        ):
            yield failed(
                subject, f"Native VLAN mismatch: ours is {ours}, that of {called(one)} is {one.native_vlan}.",
                expected="both ends alike", observed=f"{ours} here, {one.native_vlan} there",
                fix="Set the same native (untagged) VLAN on both ends of the cable.",
            )  # fmt: skip


def _comparable(one: Neighbour, seen: NeighborsSeen) -> bool:
    port = next((port for port in seen.ports if port.if_index == one.local_if_index), None)
    if port is None or port.oper in _DOWN:
        return False
    vlan = one.native_vlan is not None and str(port.if_index) in seen.pvid
    return vlan or "unknown" not in (one.duplex, port.duplex)


def _spoken(seen: NeighborsSeen) -> str:
    return f"it listens by {', '.join(seen.spoken)}" if seen.spoken else "it does not say that it listens"
