"""VLANs of Cisco IOS, IOS XE and NX-OS: CISCO-VTP-MIB and CISCO-VLAN-MEMBERSHIP-MIB."""

from __future__ import annotations

from checks.device.device import Device
from checks.device.portlists import bits
from checks.device.ports import read_base_ports
from checks.device.values import number, oid, text
from checks.device.vlans_raw import RawVlans
from checks.wire.snmp.agent import Value

_VTP = oid("1.3.6.1.4.1.9.9.46.1")
VLAN_STATE, VLAN_TYPE, VLAN_NAME = ((*_VTP, 3, 1, 1, column) for column in (2, 3, 4))
_TRUNK = (*_VTP, 6, 1, 1)
NATIVE, STATUS, ENCAPSULATION = ((*_TRUNK, column) for column in (5, 14, 16))
ALLOWED = tuple((*_TRUNK, column) for column in (4, 17, 18, 19))
"""Each tells 1024 VLANs; the first bit of the first is VLAN 0."""
ACCESS_VLAN = oid("1.3.6.1.4.1.9.9.68.1.2.2.1.2")
VOICE_VLAN = oid("1.3.6.1.4.1.9.9.68.1.5.1.1.1")
STP_STATE = oid("1.3.6.1.2.1.17.2.15.1.3")
_DEFAULT = 1
OPERATIONAL, ETHERNET, TRUNKING = 1, 1, 1
_TAGS = (1, 2, 4)
"""Operating encapsulations of a trunk: ISL, 802.10, 802.1Q."""
_LEGACY = range(1002, 1006)
"""FDDI and Token Ring VLANs that every Catalyst lists."""


async def cisco(device: Device) -> RawVlans:
    """Return the VLANs of the VTP table with the access ports and trunks that carry them."""
    agent = device.agent
    table = await agent.table(VLAN_STATE, VLAN_TYPE, VLAN_NAME)
    raw = RawVlans(source="CISCO-VTP-MIB and CISCO-VLAN-MEMBERSHIP-MIB")
    for index, state in table[VLAN_STATE].items():
        vlan = index[-1]
        if vlan not in _LEGACY and (number(table[VLAN_TYPE].get(index)) or ETHERNET) == ETHERNET:
            raw.names[vlan] = text(table[VLAN_NAME].get(index))
            if number(state) != OPERATIONAL:
                raw.suspended.add(vlan)
    if not raw.names:
        return raw
    access = await agent.table(ACCESS_VLAN, VOICE_VLAN)
    trunks = await agent.table(NATIVE, STATUS, ENCAPSULATION)
    allowed = await agent.table(*ALLOWED)
    if not access[ACCESS_VLAN] and not trunks[NATIVE]:
        return raw
    for vlan in raw.names:
        raw.egress[vlan] = set()
    trunking = {
        index[0]
        for index in trunks[NATIVE]
        if len(index) == 1
        and _is_trunk(number(trunks[STATUS].get(index)), number(trunks[ENCAPSULATION].get(index)))
    }
    for index, told in access[ACCESS_VLAN].items():
        port = index[0]
        if len(index) == 1 and port not in trunking:
            _untagged(raw, port, number(told))
            voice = number(access[VOICE_VLAN].get(index))
            if voice in raw.names and voice != number(told):
                raw.add(voice, port, tagged=True)
    for port in trunking:
        native = number(trunks[NATIVE][(port,)])
        _untagged(raw, port, native)
        maps = [allowed[column].get((port,)) for column in ALLOWED]
        if not isinstance(maps[0], bytes):
            raw.open_trunks.add(port)
            continue
        carried = _carried(maps)
        if native in raw.names and native not in carried:
            raw.egress[native].discard(port)
        for vlan in raw.names.keys() & carried - {native}:
            raw.add(vlan, port, tagged=True)
    if raw.open_trunks and _DEFAULT in raw.names:
        for port in raw.open_trunks & await _spanned(device):
            if raw.pvid.get(port) != _DEFAULT:
                raw.add(_DEFAULT, port, tagged=True)
    return raw


async def _spanned(device: Device) -> set[int]:
    """Return the ports that carry VLAN 1: those of its spanning tree, which is the one outside contexts."""
    table = await device.agent.table(STP_STATE)
    base = await device.read(read_base_ports)
    return {base[index[0]] for index in table[STP_STATE] if len(index) == 1 and index[0] in base}


def _is_trunk(status: int | None, encapsulation: int | None) -> bool:
    return status == TRUNKING if status is not None else encapsulation in _TAGS


def _untagged(raw: RawVlans, port: int, vlan: int | None) -> None:
    if vlan is None:
        return
    raw.pvid[port] = vlan
    if vlan in raw.names:
        raw.add(vlan, port, tagged=False)


def _carried(maps: list[Value | None]) -> frozenset[int]:
    return frozenset().union(
        *(bits(told[:128], 1024 * place) for place, told in enumerate(maps) if isinstance(told, bytes))
    )
