"""VLANs of devices that have neither of the standard MIBs, or have it empty."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from checks.device.device import Device
from checks.device.portlists import port_sets
from checks.device.ports import read_base_ports, read_ports
from checks.device.values import number, oid, text
from checks.device.vlans_raw import RawVlans
from checks.wire.snmp.agent import Index, Value

RC_NAME, RC_MEMBERS = (oid(f"1.3.6.1.4.1.2272.1.3.2.1.{column}") for column in (2, 11))
RC_PVID, RC_TAGGING = (oid(f"1.3.6.1.4.1.2272.1.3.3.1.{column}") for column in (7, 8))
_RC_UNTAGGED_PVID = (2, 4)
"""rcVlanPortPerformTagging: no tags at all, or none in the default VLAN."""
_JNX = oid("1.3.6.1.4.1.2636.3.40.1.5.1")
JNX_NAME, JNX_TAG, JNX_GROUP = ((*_JNX, 5, 1, column) for column in (2, 5, 4))
JNX_STATUS, JNX_TAGNESS = ((*_JNX, 7, 1, column) for column in (3, 4))
_JNX_ACTIVE, _JNX_UNTAGGED = (1, 3), 2
L2ALD_NAME, L2ALD_TAG = (oid(f"1.3.6.1.4.1.2636.3.48.1.3.1.1.{column}") for column in (2, 3))
TP_NAME, TP_TAGGED, TP_UNTAGGED = (oid(f"1.3.6.1.4.1.11863.6.14.1.2.1.1.{column}") for column in (2, 3, 4))
TP_PVID = oid("1.3.6.1.4.1.11863.6.14.1.1.1.1.4")
_TP_RANGE = re.compile(r"(LAG|\d{1,3}/\d{1,3}/)(\d{1,4})(?:-(\d{1,4}))?")
_TAIL = re.compile(r"(\d{1,3}/\d{1,3}/\d{1,4})(?:\s*:.*)?$")
ALCATEL = (oid("1.3.6.1.4.1.6486.801.1.2.1.3.1.1"), oid("1.3.6.1.4.1.6486.800.1.2.1.3.1.1"))
"""OmniSwitch of release 7 and later, and of release 6."""
_ALCATEL_DEFAULT = 1
FOUNDRY_NAME = oid("1.3.6.1.4.1.1991.1.1.3.2.7.1.21")
FOUNDRY_MODE = oid("1.3.6.1.4.1.1991.1.1.3.2.6.1.4")
_FOUNDRY_TAGGED = 1


async def rapid_city(device: Device) -> RawVlans:
    """Return the VLANs of Nortel, Avaya and Extreme ERS and VSP (RC-VLAN-MIB); bit 0 is ifIndex 0."""
    table = await device.agent.table(RC_NAME, RC_MEMBERS)
    ports = await device.agent.table(RC_PVID, RC_TAGGING)
    raw = RawVlans(
        source="RC-VLAN-MIB",
        names={index[0]: text(name) for index, name in table[RC_NAME].items() if len(index) == 1},
    )
    raw.pvid = {index[0]: number(vlan) or 0 for index, vlan in ports[RC_PVID].items() if len(index) == 1}
    bare = {
        index[0]
        for index, mode in ports[RC_TAGGING].items()
        if len(index) == 1 and number(mode) in _RC_UNTAGGED_PVID
    }
    for index, members in port_sets(table[RC_MEMBERS], first=0).items():
        if len(index) == 1 and index[0] in raw.names:
            vlan = index[0]
            raw.egress[vlan] = set(members)
            raw.untagged[vlan] = {port for port in members if port in bare and raw.pvid.get(port) == vlan}
    return raw


async def juniper(device: Device) -> RawVlans:
    """Return the VLANs of Junos before ELS (JUNIPER-VLAN-MIB)."""
    table = await device.agent.table(JNX_NAME, JNX_TAG, JNX_GROUP)
    members = await device.agent.table(JNX_STATUS, JNX_TAGNESS)
    raw = RawVlans(source="JUNIPER-VLAN-MIB")
    by_group: dict[int, list[int]] = {}
    for index, told in table[JNX_TAG].items():
        vlan = number(told)
        if vlan:
            raw.names[vlan] = text(table[JNX_NAME].get(index))
            by_group.setdefault(number(table[JNX_GROUP].get(index)) or 0, []).append(vlan)
    if not members[JNX_STATUS]:
        return raw
    for vlan in raw.names:
        raw.egress[vlan] = set()
    known = {port.if_index for port in await device.read(read_ports)}
    base = await device.read(read_base_ports)
    for index, status in members[JNX_STATUS].items():
        if len(index) != 2 or number(status) not in _JNX_ACTIVE:
            continue
        group, port = index
        tagged = number(members[JNX_TAGNESS].get(index)) != _JNX_UNTAGGED
        for vlan in by_group.get(group, []):
            raw.add(vlan, port if port in known else base.get(port, port), tagged=tagged)
    return raw


async def juniper_l2ald(device: Device) -> RawVlans:
    """Return the VLANs of Junos with ELS by name; their ports stand in Q-BRIDGE-MIB only."""
    table = await device.agent.table(L2ALD_NAME, L2ALD_TAG)
    names = {number(tag) or 0: text(table[L2ALD_NAME].get(i)) for i, tag in table[L2ALD_TAG].items()}
    return RawVlans(source="JUNIPER-L2ALD-MIB", names={vlan: name for vlan, name in names.items() if vlan})


async def tp_link(device: Device) -> RawVlans:
    """Return the VLANs of TP-Link JetStream, which lists ports by name: `1/0/1-4,1/0/9,LAG1`."""
    table = await device.agent.table(TP_NAME, TP_TAGGED, TP_UNTAGGED)
    raw = RawVlans(source="TPLINK-DOT1Q-VLAN-MIB")
    raw.names = {index[0]: text(name) for index, name in table[TP_NAME].items() if len(index) == 1}
    if not raw.names or not (table[TP_TAGGED] or table[TP_UNTAGGED]):
        return raw
    by_name = {}
    for port in await device.read(read_ports):
        tail = _TAIL.search(port.name[:128])
        by_name[tail.group(1) if tail and port.physical else port.name.replace(" ", "").upper()] = port
    for vlan in raw.names:
        raw.egress[vlan] = set()
        for column, tagged in ((TP_TAGGED, True), (TP_UNTAGGED, False)):
            for name in _tp_names(text(table[column].get((vlan,)))):
                if name in by_name:
                    raw.add(vlan, by_name[name].if_index, tagged=tagged)
    pvid = await device.agent.table(TP_PVID)
    raw.pvid = {index[0]: number(vlan) or 0 for index, vlan in pvid[TP_PVID].items() if len(index) == 1}
    return raw


def _tp_names(written: str) -> list[str]:
    found: list[str] = []
    for match in _TP_RANGE.finditer(written):
        first = int(match.group(2))
        last = int(match.group(3) or first)
        found += [f"{match.group(1)}{place}" for place in range(first, min(last, first + 512) + 1)]
    return found


async def alcatel(device: Device) -> RawVlans:
    """Return the VLANs of Alcatel-Lucent OmniSwitch (ALCATEL-IND1-VLAN-MGR-MIB)."""
    raw = RawVlans(source="ALCATEL-IND1-VLAN-MGR-MIB")
    for tree in ALCATEL:
        name, mode = (*tree, 1, 1, 1, 1, 2), (*tree, 2, 1, 1, 3)
        table = await device.agent.table(name)
        raw.names = {index[0]: text(told) for index, told in table[name].items() if len(index) == 1}
        if raw.names:
            ports = await device.agent.table(mode)
            _members(raw, ports[mode].items(), lambda told: told != _ALCATEL_DEFAULT)
            break
    return raw


async def foundry(device: Device) -> RawVlans:
    """Return the VLANs of Brocade, Ruckus and Foundry switches (FOUNDRY-SN-SWITCH-GROUP-MIB)."""
    table = await device.agent.table(FOUNDRY_NAME)
    ports = await device.agent.table(FOUNDRY_MODE)
    raw = RawVlans(source="FOUNDRY-SN-SWITCH-GROUP-MIB")
    raw.names = {index[0]: text(told) for index, told in table[FOUNDRY_NAME].items() if len(index) == 1}
    for index in ports[FOUNDRY_MODE]:
        if len(index) == 2:
            raw.names.setdefault(index[0], "")
    _members(raw, ports[FOUNDRY_MODE].items(), lambda told: told == _FOUNDRY_TAGGED)
    return raw


def _members(
    raw: RawVlans, rows: Iterable[tuple[Index, Value]], tagged: Callable[[int | None], bool]
) -> None:
    """Put the rows of a table that is indexed by VLAN and ifIndex into `raw`."""
    for index, told in rows:
        if len(index) == 2 and index[0] in raw.names:
            vlan, port = index
            is_tagged = tagged(number(told))
            raw.add(vlan, port, tagged=is_tagged)
            if not is_tagged:
                raw.pvid.setdefault(port, vlan)
    if raw.egress:
        for vlan in raw.names:
            raw.egress.setdefault(vlan, set())
