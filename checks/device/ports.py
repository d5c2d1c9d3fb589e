"""The ports of a device: IF-MIB, EtherLike-MIB and the two ways in which aggregations are told."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import cast

from checks.contract import CannotTell
from checks.device.device import Device
from checks.device.records import Admin, Duplex, Oper, Port
from checks.device.values import mac, number, oid, text
from checks.wire.snmp.agent import Index, Oid, Value

_IF = oid("1.3.6.1.2.1.2.2.1")
_IFX = oid("1.3.6.1.2.1.31.1.1.1")
IF_DESCR, IF_TYPE, IF_MTU, IF_SPEED, IF_MAC, IF_ADMIN, IF_OPER, IF_CHANGED = (
    (*_IF, column) for column in range(2, 10)
)
IF_NAME, IF_HIGH_SPEED, IF_CONNECTOR, IF_ALIAS = ((*_IFX, column) for column in (1, 15, 17, 18))
DOT3_DUPLEX = oid("1.3.6.1.2.1.10.7.2.1.19")
STACK_STATUS = oid("1.3.6.1.2.1.31.1.2.1.3")
LAG_ATTACHED = oid("1.2.840.10006.300.43.1.2.1.1.13")
BASE_PORT_IF_INDEX = oid("1.3.6.1.2.1.17.1.4.1.2")
BASE_PORT_IF_INDEX_8021 = oid("1.3.111.2.802.1.1.2.1.1.4.1.3")
SYS_UPTIME = oid("1.3.6.1.2.1.1.3.0")
IF_NUMBER = oid("1.3.6.1.2.1.2.1.0")

LAG = 161
_ETHERNET = frozenset({6, 7, 26, 62, 69, 117})
_NOT_PLUGGABLE = re.compile(
    r"(vlan|vl|lo|loopback|null|tun|tunnel|ipsec|ppp|tap|veth|virbr|docker|bridge|br|bond|dummy|cpu|stack"
    r"|internal|softethernet|voip-null|unrouted|eobc|inband|sit|gre|gretap|irb|vme|vti|vxlan|nve|bdi|erspan"
    r"|vlan-?interface|virtual[- ]interface|virtual)[-_ ./:]*\d*([./]\d+)*"
)
_AGGREGATION = re.compile(
    r"(po|port-?channel|trk|lag|ae|bond|eth-?trunk|bridge-?aggregation|bagg|ch)[-_ .]*\d+"
)
_FRONT_PORT = re.compile(r"([A-Za-z-]{0,24} ?)\d{1,3}(/\d{1,3}){1,3}")
_ADMIN: Mapping[int, str] = {1: "up", 2: "down", 3: "testing"}
_OPER: Mapping[int, str] = {
    1: "up", 2: "down", 3: "testing", 4: "unknown", 5: "dormant", 6: "not_present", 7: "lower_layer_down"
}  # fmt: skip
_DUPLEX: Mapping[int, str] = {2: "half", 3: "full"}
_SATURATED = 0xFFFFFFFF
_BITS_PER_SECOND = 1_000_000
_MAX_MBPS = 0x7FFFFFFF
"""ifHighSpeed beyond this is garbage that some firewalls tell."""

Rows = Mapping[Index, Value]


async def read_ports(device: Device) -> tuple[Port, ...]:
    """Return every interface in the order of its ifIndex; raise CannotTell where the agent shows none."""
    agent = device.agent
    scalars = await agent.get(SYS_UPTIME, IF_NUMBER)
    table = await agent.table(
        IF_DESCR, IF_TYPE, IF_MTU, IF_SPEED, IF_MAC, IF_ADMIN, IF_OPER, IF_CHANGED,
        IF_NAME, IF_HIGH_SPEED, IF_CONNECTOR, IF_ALIAS,
    )  # fmt: skip
    rows = _interfaces(table, number(scalars.get(IF_NUMBER)), device.name)
    more = await agent.table(DOT3_DUPLEX)
    links = await agent.table(STACK_STATUS, LAG_ATTACHED)
    now = number(scalars.get(SYS_UPTIME))
    found = {row: _port(row, table, more[DOT3_DUPLEX], now) for row in rows}
    members = _members(found, links[STACK_STATUS], links[LAG_ATTACHED])
    owner = {member: lag for lag, held in sorted(members.items()) for member in held}
    return tuple(
        _with_lag(port, owner.get(index), tuple(sorted(members.get(index, ()))))
        for index, port in found.items()
    )


async def read_base_ports(device: Device) -> dict[int, int]:
    """Return the ifIndex of each base port, by which bridge, VLAN and forwarding tables count.

    Empty where the device tells none.
    """
    agent = device.agent
    table = await agent.table(BASE_PORT_IF_INDEX)
    rows = table[BASE_PORT_IF_INDEX]
    if not rows:
        newer = await agent.table(BASE_PORT_IF_INDEX_8021)
        rows = {index[1:]: value for index, value in newer[BASE_PORT_IF_INDEX_8021].items()}
    found = {index[0]: number(value) for index, value in rows.items() if len(index) == 1}
    return {base: if_index for base, if_index in sorted(found.items()) if if_index}


def restricted(name: str, what: str) -> CannotTell:
    """Return what to raise where a table is empty that every device of its kind has."""
    return CannotTell(
        f"{name} answers, but shows {what}: the view of this community or user is restricted, "
        "so nothing can be judged.",
        "Give the community or user a view of the whole tree 1.3.6.1.2.1 (and 1.3.6.1.4.1, 1.0.8802, "
        "1.2.840.10006) on the device, read only.",
    )


def _interfaces(table: Mapping[Oid, Rows], counted: int | None, name: str) -> list[int]:
    """Return the ifIndexes; raise CannotTell for none, and for a table of which a part is missing.

    `counted` is ifNumber, which some agents do not tell.
    """
    told = [{index[0] for index in rows if len(index) == 1 and index[0] > 0} for rows in table.values()]
    rows = sorted(set().union(*told))
    by_column = dict(zip(table, told, strict=True))
    states = by_column[IF_OPER]
    if not rows or not (states or by_column[IF_DESCR]):
        raise restricted(name, "no interface in its ifTable")
    described = by_column[IF_DESCR] | by_column[IF_TYPE]
    expected = max(len(described | states), counted or 0)
    if len(states) < expected:
        raise CannotTell(
            f"{name} has {expected} interfaces and tells the state (ifOperStatus) of only {len(states)}: "
            "half a table proves nothing.",
            "Run it again; if it stays so, give the community or user a view of the whole ifTable "
            "(1.3.6.1.2.1.2.2), or look at the device's load.",
        )
    return sorted(states)


def _port(index: int, table: Mapping[Oid, Rows], duplex: Rows, now: int | None) -> Port:
    row = (index,)
    descr, named = text(table[IF_DESCR].get(row)), text(table[IF_NAME].get(row))
    kind = number(table[IF_TYPE].get(row)) or 0
    name = named or descr or str(index)
    oper = cast("Oper", _OPER.get(number(table[IF_OPER].get(row)) or 0, "unknown"))
    return Port(
        if_index=index,
        name=name,
        descr=descr,
        alias=text(table[IF_ALIAS].get(row)),
        if_type=kind,
        physical=_physical(kind, name, descr, number(table[IF_CONNECTOR].get(row))),
        admin=cast("Admin", _ADMIN.get(number(table[IF_ADMIN].get(row)) or 0, "unknown")),
        oper=oper,
        speed_mbps=_speed(number(table[IF_HIGH_SPEED].get(row)), number(table[IF_SPEED].get(row))),
        duplex=cast("Duplex", _DUPLEX.get(number(duplex.get(row)) or 0, "unknown")),
        mac=mac(table[IF_MAC].get(row)),
        mtu=number(table[IF_MTU].get(row)),
        since_s=_since(number(table[IF_CHANGED].get(row)), now),
        lag=None,
        members=(),
        alias_told=row in table[IF_ALIAS],
        duplex_told=row in duplex,
    )


def _with_lag(port: Port, lag: int | None, members: tuple[int, ...]) -> Port:
    if lag is None and not members:
        return port
    return dataclasses.replace(port, lag=lag, members=members)


def _speed(high: int | None, low: int | None) -> int | None:
    """Return Mbit/s: ifHighSpeed where it says anything, ifSpeed where it is not saturated.

    Some agents tell bit/s in ifHighSpeed, too: no link is so fast that the two are one large number.
    """
    if high is not None and high == low and _BITS_PER_SECOND <= high < _SATURATED:
        return high // 1_000_000
    if high is not None and 0 < high <= _MAX_MBPS:
        return high
    if low is not None and 0 < low < _SATURATED:
        return low // 1_000_000 or None
    return None


def _since(changed: int | None, now: int | None) -> float | None:
    """Return the seconds since ifLastChange; one later than the agent's clock says nothing."""
    if changed is None or now is None or not 0 <= changed <= now:
        return None
    return (now - changed) / 100


def _physical(kind: int, name: str, descr: str, connector: int | None) -> bool:
    """Return whether something can be plugged in; a front port whose agent denies its connector is one."""
    if kind not in _ETHERNET or (connector == 2 and not _FRONT_PORT.fullmatch(name[:64])):
        return False
    words = (name[:64].casefold(), descr[:64].casefold())
    return not any(_NOT_PLUGGABLE.fullmatch(word) or _AGGREGATION.fullmatch(word) for word in words)


def _is_aggregation(port: Port) -> bool:
    return port.if_type == LAG or (
        not port.physical and _AGGREGATION.fullmatch(port.name[:64].casefold()) is not None
    )


def _members(ports: Mapping[int, Port], stack: Rows, attached: Rows) -> dict[int, set[int]]:
    """Return the members of each aggregation, by ifStackTable and by the attached aggregator of LACP.

    A port that only ifStackTable puts into an aggregation whose other ports LACP has attached is left out by
    LACP: it is up, and carries nothing for it.
    """
    pairs = [
        (index[0], index[1]) for index, status in stack.items() if len(index) == 2 and number(status) == 1
    ]
    bundled = {index[0]: number(lag) or 0 for index, lag in attached.items() if len(index) == 1}
    by_lacp = set(bundled.values()) - {0}
    pairs = [(lag, member) for lag, member in pairs if lag not in by_lacp or bundled.get(member, lag) == lag]
    pairs += [(lag, member) for member, lag in bundled.items()]
    found: dict[int, set[int]] = {}
    for higher, lower in pairs:
        lag, member = ports.get(higher), ports.get(lower)
        if lag is None or member is None or lag is member or not member.physical:
            continue
        if _is_aggregation(lag):
            found.setdefault(higher, set()).add(lower)
    return found
