"""Spanning tree as one bridge tells it: who is root, what is blocked, when the tree changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from checks.contract import CannotTell
from checks.dataclass import dataclass
from checks.device.base_places import BasePlaces, context_places, read_places
from checks.device.device import Device
from checks.device.half import same_rows
from checks.device.maker import read_maker, word
from checks.device.ports import read_ports
from checks.device.told import hardware
from checks.device.values import number, oid
from checks.wire.snmp.agent import Oid, Value

BRIDGE_ADDRESS = oid("1.3.6.1.2.1.17.1.1.0")
_STP = oid("1.3.6.1.2.1.17.2")
PROTOCOL, PRIORITY, SINCE, CHANGES, ROOT, ROOT_COST, ROOT_PORT = (
    (*_STP, number, 0) for number in range(1, 8)
)
_PORTS = (*_STP, 15, 1)
PORT_STATE, PORT_ENABLE = (*_PORTS, 3), (*_PORTS, 4)
SYS_UPTIME = oid("1.3.6.1.2.1.1.3.0")
CISCO_TYPE = oid("1.3.6.1.4.1.9.9.82.1.6.1.0")
CISCO_ROOT_INCONSISTENT = oid("1.3.6.1.4.1.9.9.82.1.5.2.1.3")
CISCO_ERR_DISABLED = oid("1.3.6.1.4.1.9.9.548.1.3.1.1.2")
CISCO = 9
_CISCO_TYPES = {1: "pvst+", 2: "mistp", 3: "mistp-pvst+", 4: "mst", 5: "rapid-pvst+"}
_PROTOCOLS = {2: "dec", 3: "ieee802.1d"}
_CAUSES = {
    1: "UDLD", 2: "BPDU guard", 3: "EtherChannel misconfiguration", 4: "PAgP flap", 5: "DTP flap",
    6: "link flap", 7: "L2PT guard", 8: "802.1X violation", 9: "port security violation",
}  # fmt: skip
_PRIORITY_AND_MAC = re.compile(r"(\d{1,5})\s*[/.-]\s*([0-9A-Fa-f:. -]{12,17})")

State = Literal["disabled", "blocking", "listening", "learning", "forwarding", "broken", "unknown"]
_STATES: Mapping[int, State] = {
    1: "disabled", 2: "blocking", 3: "listening", 4: "learning", 5: "forwarding", 6: "broken"
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StpPort:
    """One port of the tree."""

    if_index: int | None
    base_port: int
    up: bool | None
    """Its interface is up; many agents call a port blocked that nothing is plugged into."""
    state: State
    enabled: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrDisabled:
    """A port that a Cisco has shut by itself; `vlan` 0 is the whole port."""

    if_index: int
    vlan: int
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inconsistent:
    """A port on which a Cisco hears a better root than root guard allows."""

    if_index: int | None
    base_port: int
    vlan: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """One instance: the common tree, of a Cisco that of VLAN 1 or of the VLAN that was asked for."""

    protocol: str
    """`ieee802.1d` is what RSTP tells of itself, too; `unknown` what MSTP and per-VLAN trees tell."""
    bridge: str
    priority: int | None
    root: str
    """Empty where the bridge knows none: spanning tree does not run."""
    root_priority: int | None
    root_port: int | None
    """ifIndex of the port towards the root; None at the root, and where the number leads to no port."""
    root_port_number: int | None
    changes: int | None
    since_s: float | None
    """Since the last topology change, as the bridge counts."""
    changes_again: int | None
    """Read a second time, after the tables."""
    read_after_s: float | None
    """How long after the first, by the agent's clock."""
    ports: tuple[StpPort, ...]
    inconsistent: tuple[Inconsistent, ...] = ()
    err_disabled: tuple[ErrDisabled, ...] = ()
    uptime_s: float | None = None
    """Since the agent started; a tree that never changed is not older."""


async def read_tree(device: Device) -> Tree:
    """Return the tree of the agent's own context."""
    return await read_instance(device, None)


async def read_instance(device: Device, vlan: int | None) -> Tree:
    """Return the tree of one VLAN, where the agent has one a VLAN; raise CannotTell where it tells none."""
    agent = device.agent if vlan is None else device.agent.in_context(str(vlan))
    first = await agent.get(
        SYS_UPTIME, BRIDGE_ADDRESS, PROTOCOL, PRIORITY, SINCE, CHANGES, ROOT, ROOT_COST, ROOT_PORT, CISCO_TYPE
    )
    if PROTOCOL not in first and ROOT not in first:
        where = "" if vlan is None else f" in the context of VLAN {vlan}"
        raise CannotTell(
            f"{device.name} tells nothing of spanning tree{where}: it does not run there, the device is no "
            "switch, or the view of this community or user is restricted.",
            "Look whether spanning tree is on; give the community or user a view of 1.3.6.1.2.1.17, on a "
            "Cisco in the contexts of the VLANs, read only.",
        )
    table = await agent.table(PORT_STATE, PORT_ENABLE)
    same_rows(device.name, "the ports of its spanning tree", table[PORT_STATE], table[PORT_ENABLE])
    places = await (device.read(read_places) if vlan is None else context_places(device, agent))
    cisco = await device.read(read_maker) == CISCO
    inconsistent, err_disabled = await _cisco(device, places) if cisco else ((), ())
    second = await agent.get(SYS_UPTIME, CHANGES)
    up = {port.if_index: port.oper == "up" for port in await device.read(read_ports)}
    root, root_priority = _bridge_id(first.get(ROOT))
    root_port = number(first.get(ROOT_PORT))
    return Tree(
        protocol=_protocol(first),
        bridge=hardware(first.get(BRIDGE_ADDRESS)),
        priority=number(first.get(PRIORITY)),
        root=root,
        root_priority=root_priority,
        root_port=places.find(root_port),
        root_port_number=root_port or None,
        changes=number(first.get(CHANGES)),
        since_s=_seconds(first.get(SINCE)),
        changes_again=number(second.get(CHANGES)),
        read_after_s=_between(first.get(SYS_UPTIME), second.get(SYS_UPTIME)),
        ports=tuple(
            StpPort(
                if_index=places.find(index[0]),
                base_port=index[0],
                up=up.get(places.find(index[0]) or 0),
                state=_STATES.get(number(state) or 0, "unknown"),
                enabled={1: True, 2: False}.get(number(table[PORT_ENABLE].get(index)) or 0),
            )
            for index, state in table[PORT_STATE].items()
            if len(index) == 1
        ),
        inconsistent=inconsistent,
        err_disabled=err_disabled,
        uptime_s=_seconds(first.get(SYS_UPTIME)),
    )


async def _cisco(
    device: Device, places: BasePlaces
) -> tuple[tuple[Inconsistent, ...], tuple[ErrDisabled, ...]]:
    table = await device.agent.table(CISCO_ROOT_INCONSISTENT)
    shut = await device.agent.table(CISCO_ERR_DISABLED)
    return (
        tuple(
            Inconsistent(if_index=places.find(index[1]), base_port=index[1], vlan=index[0])
            for index, state in table[CISCO_ROOT_INCONSISTENT].items()
            if len(index) == 2 and number(state) == 1
        ),
        tuple(
            ErrDisabled(
                if_index=index[0],
                vlan=index[1],
                cause=word(cause, _CAUSES, f"cause {number(cause)} of CISCO-ERR-DISABLE-MIB"),
            )
            for index, cause in shut[CISCO_ERR_DISABLED].items()
            if len(index) == 2 and number(cause)
        ),
    )


def _protocol(scalars: Mapping[Oid, Value]) -> str:
    own = word(scalars.get(CISCO_TYPE), _CISCO_TYPES, "")
    return own or word(scalars.get(PROTOCOL), _PROTOCOLS)


def _bridge_id(value: Value | None) -> tuple[str, int | None]:
    """Return address and priority of a bridge id: eight octets, or `32768/18:E8:29:BA:73:BE` written out."""
    if isinstance(value, bytes) and len(value) == 8:
        return hardware(value[2:]), int.from_bytes(value[:2], "big")
    if isinstance(value, bytes) and len(value) <= 40:
        written = _PRIORITY_AND_MAC.fullmatch(value.decode("latin-1").strip("\0 "))
        if written and hardware(written[2].encode()):
            return hardware(written[2].encode()), int(written[1])
    return "", None


def _seconds(value: Value | None) -> float | None:
    ticks = number(value)
    return None if ticks is None or ticks < 0 else ticks / 100


def _between(first: Value | None, second: Value | None) -> float | None:
    before, after = number(first), number(second)
    return None if before is None or after is None or after < before else (after - before) / 100
