"""The VLANs of a device: Q-BRIDGE-MIB and IEEE8021-Q-BRIDGE-MIB, and what vendors have in their place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field

from checks.contract import CannotTell
from checks.dataclass import dataclass
from checks.device import vlans_cisco, vlans_vendors
from checks.device.device import Device
from checks.device.portlists import mirrored, port_sets
from checks.device.ports import read_base_ports, read_ports
from checks.device.records import Vlan
from checks.device.values import dotted, number, oid, text
from checks.device.vendors import enterprise
from checks.device.vlans_raw import RawVlans
from checks.wire.snmp.agent import Index, Value

SYS_OBJECT_ID = oid("1.3.6.1.2.1.1.2.0")
_Q = oid("1.3.6.1.2.1.17.7.1.4")
CURRENT_FDB, CURRENT_EGRESS, CURRENT_UNTAGGED = ((*_Q, 2, 1, column) for column in (3, 4, 5))
STATIC_NAME, STATIC_EGRESS, STATIC_UNTAGGED = ((*_Q, 3, 1, column) for column in (1, 2, 4))
PVID = (*_Q, 5, 1, 1)
_IEEE = oid("1.3.111.2.802.1.1.4.1.4")
IEEE_CURRENT_EGRESS, IEEE_CURRENT_UNTAGGED = ((*_IEEE, 2, 1, column) for column in (5, 6))
IEEE_NAME, IEEE_EGRESS, IEEE_UNTAGGED = ((*_IEEE, 3, 1, column) for column in (3, 4, 6))
IEEE_PVID = (*_IEEE, 5, 1, 1)
MAX_VLAN = 4094
_OTHER_PVID = ("1.3.6.1.4.1.9.6.1.", "1.3.6.1.4.1.3955.1000.", "1.3.6.1.4.1.89.")
"""Switches of one family (Cisco Business and SG, Linksys) whose dot1qPvid is that of another port mode."""
Rows = dict[Index, Value]
Sets = dict[int, frozenset[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class VlansRead:
    """The VLANs of one device, by ifIndex, and what of them the device does not tell."""

    source: str
    """Where it tells them: the MIB, and whether it is the current state or the configured one."""
    vlans: tuple[Vlan, ...]
    pvid: dict[str, int] = field(default_factory=dict)
    """By ifIndex: the VLAN that untagged frames get on this port."""
    unread: tuple[int, ...] = ()
    """VLANs that exist, and whose ports the device does not tell."""
    suspended: tuple[int, ...] = ()
    """VLANs that exist and carry nothing."""
    open_trunks: tuple[int, ...] = ()
    """Trunks, by ifIndex, whose allowed VLANs the device does not tell."""


async def read_vlans(device: Device) -> VlansRead:
    """Return the VLANs; raise CannotTell where the device shows none in any table that we know."""
    got = await device.agent.get(SYS_OBJECT_ID)
    object_id = dotted(got.get(SYS_OBJECT_ID))
    vendor = enterprise(object_id)
    best: RawVlans | None = None
    for way in _WAYS.get(vendor or 0, (_q_bridge, _ieee)):
        raw = await way(device)
        if raw.names and (best is None or (raw.egress and not best.egress)):
            best = raw
        if best is not None and best.egress:
            break
    if best is None:
        raise CannotTell(
            f"{device.name} shows no VLAN: it has no VLAN table that is known here, or the view of this "
            "community or user is restricted.",
            "Give the community or user a view of 1.3.6.1.2.1.17 and 1.3.6.1.4.1, read only; if the device "
            "is no switch, check the VLANs on the switch before it.",
        )
    if f"{object_id}.".startswith(_OTHER_PVID):
        _drop_doubtful(best)
    return _made(best)


def _drop_doubtful(raw: RawVlans) -> None:
    """Leave out PVIDs that a port's one untagged VLAN contradicts, where they are known to mean nothing."""
    for port, default in list(raw.pvid.items()):
        carried = [vlan for vlan, ports in raw.untagged.items() if port in ports]
        if len(carried) == 1 and carried[0] != default:
            del raw.pvid[port]


def _made(raw: RawVlans) -> VlansRead:
    ids = sorted(vlan for vlan in raw.names if 1 <= vlan <= MAX_VLAN)
    return VlansRead(
        source=raw.source,
        vlans=tuple(
            Vlan(
                id=vlan,
                name=raw.names[vlan],
                untagged=tuple(sorted(raw.egress.get(vlan, set()) & raw.untagged.get(vlan, set()))),
                tagged=tuple(sorted(raw.egress.get(vlan, set()) - raw.untagged.get(vlan, set()))),
            )
            for vlan in ids
        ),
        pvid={str(port): vlan for port, vlan in sorted(raw.pvid.items()) if 1 <= vlan <= MAX_VLAN},
        unread=tuple(vlan for vlan in ids if vlan not in raw.egress),
        suspended=tuple(vlan for vlan in ids if vlan in raw.suspended),
        open_trunks=tuple(sorted(raw.open_trunks)),
    )


async def _q_bridge(device: Device) -> RawVlans:
    agent = device.agent
    table = await agent.table(STATIC_NAME)
    current = await agent.table(CURRENT_FDB, CURRENT_EGRESS, CURRENT_UNTAGGED)
    names = {index[0]: text(name) for index, name in table[STATIC_NAME].items() if len(index) == 1}
    egress, untagged = _newest(current[CURRENT_EGRESS]), _newest(current[CURRENT_UNTAGGED])
    listed = set(names) | {vlan for rows in (egress, _newest(current[CURRENT_FDB])) for (vlan,) in rows}
    raw = RawVlans(source="Q-BRIDGE-MIB, current state", names={vlan: names.get(vlan, "") for vlan in listed})
    if not listed:
        return raw
    sets = (_by_vlan(egress), _by_vlan(untagged))
    if not any(sets[0].values()) or set(names) - set(sets[0]):
        static = await agent.table(STATIC_EGRESS, STATIC_UNTAGGED)
        configured = (_by_vlan(static[STATIC_EGRESS]), _by_vlan(static[STATIC_UNTAGGED]))
        if not any(sets[0].values()):
            raw.source = "Q-BRIDGE-MIB, configuration"
            sets = configured
        else:
            sets = (configured[0] | sets[0], configured[1] | sets[1])
    base = await device.read(read_base_ports)
    if base and _all_astray(sets[0], base):
        other_way = _by_row(mirrored(egress)), _by_row(mirrored(untagged))
        sets = ({}, {}) if any(ports - base.keys() for ports in other_way[0].values()) else other_way
    pvid = await agent.table(PVID)
    await _fill(device, raw, sets, {index[0]: v for index, v in pvid[PVID].items() if len(index) == 1})
    return raw


def _all_astray(egress: Sets, base: Mapping[int, int]) -> bool:
    """Return whether VLANs have members and none of them is a port: the maps are written in another way."""
    members = frozenset().union(*egress.values())
    return bool(members) and base.keys().isdisjoint(members)


async def _ieee(device: Device) -> RawVlans:
    agent = device.agent
    table = await agent.table(IEEE_NAME, IEEE_EGRESS, IEEE_UNTAGGED)
    names = {index[1]: text(name) for index, name in table[IEEE_NAME].items() if len(index) == 2}
    raw = RawVlans(source="IEEE8021-Q-BRIDGE-MIB, configuration", names=names)
    if not names:
        return raw
    sets = tuple(
        _by_vlan({index[1:]: value for index, value in table[column].items() if len(index) == 2})
        for column in (IEEE_EGRESS, IEEE_UNTAGGED)
    )
    pvid = await agent.table(IEEE_PVID)
    default = await agent.table(PVID)
    ports = {index[1]: value for index, value in pvid[IEEE_PVID].items() if len(index) == 2}
    ports = ports or {index[0]: value for index, value in default[PVID].items() if len(index) == 1}
    await _fill(device, raw, (sets[0], sets[1]), ports)
    return raw


async def _fill(
    device: Device,
    raw: RawVlans,
    sets: tuple[Sets, Sets],
    pvid: dict[int, Value],
) -> None:
    """Translate base ports into ifIndexes.

    Without any member in any VLAN, members are not told, nor are those of a VLAN all of whose members are
    numbers of no port.
    """
    egress, untagged = sets
    known = {port.if_index for port in await device.read(read_ports)}
    base = await device.read(read_base_ports)
    if not base:
        used = frozenset().union(*egress.values()) | set(pvid)
        base = {port: port for port in used} if used <= known else {}
    raw.pvid = {base[port]: number(vlan) or 0 for port, vlan in pvid.items() if port in base}
    if not any(egress.values()) or not base:
        return
    for vlan, members in egress.items():
        if members and base.keys().isdisjoint(members):
            continue
        if vlan in raw.names and vlan in untagged:
            raw.egress[vlan] = {base[port] for port in members if port in base}
            raw.untagged[vlan] = {base[port] for port in untagged[vlan] if port in base}


def _newest(rows: Rows) -> Rows:
    """Return the rows by VLAN: of several time marks of one VLAN the newest."""
    found: dict[int, tuple[int, Value]] = {}
    for index, value in rows.items():
        if len(index) == 2:
            mark, vlan = index
            if vlan not in found or found[vlan][0] <= mark:
                found[vlan] = (mark, value)
    return {(vlan,): value for vlan, (_, value) in found.items()}


def _by_vlan(rows: Rows) -> Sets:
    return _by_row(port_sets(rows))


def _by_row(sets: Mapping[Index, frozenset[int]]) -> Sets:
    return {index[0]: members for index, members in sets.items() if len(index) == 1}


Way = Callable[[Device], Awaitable[RawVlans]]
_WAYS: dict[int, tuple[Way, ...]] = {
    9: (vlans_cisco.cisco, _q_bridge, _ieee),
    45: (vlans_vendors.rapid_city, _q_bridge, _ieee),
    2272: (vlans_vendors.rapid_city, _q_bridge, _ieee),
    1991: (_q_bridge, vlans_vendors.foundry),
    1588: (_q_bridge, vlans_vendors.foundry),
    2636: (_q_bridge, vlans_vendors.juniper, vlans_vendors.juniper_l2ald),
    6486: (_q_bridge, vlans_vendors.alcatel),
    11863: (_q_bridge, vlans_vendors.tp_link),
}
"""Tried in this order, by enterprise number."""
