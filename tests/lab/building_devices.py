"""What the building's devices say by SNMP: an access stack, a core switch, a UPS and a printer, all healthy.

The switches are of the Comware kind (HH3C-*, enterprise 25506) with the standard MIBs: 48 ports and two ten
gigabit uplinks in an aggregation. All is `{oid: value}` as `tests.lab.snmp_agent.Agent` takes it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.lab.snmp_agent import COUNTER32, COUNTER64, TICKS, Agent, Oid, Typed, Value, View

Objects = dict[Oid, Value]

SW_MAC, CORE_MAC, ALARM_MAC = (bytes.fromhex(f"00e0fc0000{end}") for end in ("01", "02", "35"))
VLANS = {10: b"staff", 30: b"phones", 40: b"guests", 99: b"management"}
ALARM_PORT, PRINTER_PORT, UPS_PORT, AP_PORTS, LAG = 35, 40, 41, (45, 46, 47), 60
UPLINKS = (49, 50)
MEMBER_2 = 101
"""ifIndex of the first port of the stack's second member."""
_BOOT = time.monotonic() - 86_400


def oid(text: str) -> Oid:
    """Return the arcs of an identifier."""
    return tuple(int(arc) for arc in text.split("."))


IF, IFX = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
DOT3, BRIDGE, Q = "1.3.6.1.2.1.10.7.2.1", "1.3.6.1.2.1.17", "1.3.6.1.2.1.17.7.1"
LLDP, LAG_MIB, POE = "1.0.8802.1.1.2.1", "1.2.840.10006.300.43.1.2.1.1", "1.3.6.1.2.1.105.1"
H3C = "1.3.6.1.4.1.25506"
ADMIN, OPER, HIGH_SPEED, ALIAS, DUPLEX = f"{IF}.7", f"{IF}.8", f"{IFX}.15", f"{IFX}.18", f"{DOT3}.19"
IN_ERRORS, FCS = f"{IF}.14", f"{DOT3}.3"
ATTACHED, PVID = f"{LAG_MIB}.13", f"{Q}.4.5.1.1"
EGRESS, UNTAGGED = f"{Q}.4.2.1.4.0", f"{Q}.4.2.1.5.0"
FDB_PORT, ROOT, STP_STATE = f"{Q}.2.2.1.2", f"{BRIDGE}.2.5.0", f"{BRIDGE}.2.15.1.3"
REMOTE_NAME, REMOTE_PORT = f"{LLDP}.4.1.1.9", f"{LLDP}.4.1.1.7"
POE_POWER, FAN = f"{POE}.3.1.1.2", f"{H3C}.8.35.9.1.1.1.2"
RUNNING_CHANGED, IRF = f"{H3C}.2.4.1.1.1.1.0", f"{H3C}.2.91"
UPS_MIB, SUPPLY = "1.3.6.1.2.1.33.1", "1.3.6.1.2.1.43.11.1.1"


def ticks() -> Typed:
    """Return a day of uptime, and what has passed since."""
    return Typed(TICKS, int((time.monotonic() - _BOOT) * 100))


def packets() -> Typed:
    """Return a counter of a port in use: a thousand packets a second."""
    return Typed(COUNTER64, int((time.monotonic() - _BOOT) * 1000))


def rising() -> Typed:
    """Return a counter of errors that rises by fifty a second."""
    return Typed(COUNTER32, int((time.monotonic() - _BOOT) * 50))


@dataclass(frozen=True)
class Jack:
    """One port of a switch."""

    index: int
    name: str
    alias: str = ""
    up: bool = True
    speed: int = 1000
    kind: int = 6
    untagged: int = 10
    tagged: tuple[int, ...] = ()
    lag: int = 0
    heard: tuple[str, str] = ("", "")
    """Name and port of the LLDP neighbour."""
    stp: int = 5


@dataclass(frozen=True)
class Model:
    """What makes one switch."""

    name: str
    mac: bytes
    root: bytes
    root_port: int
    jacks: tuple[Jack, ...]
    members: int
    learned: Mapping[bytes, tuple[int, int]] = field(default_factory=dict)
    """VLAN and base port of hardware addresses."""


def access_stack() -> Model:
    """Return sw-1: a stack of two, desks, three access points, printer, UPS and alarm panel."""
    name = "GigabitEthernet{}/0/{}".format
    jacks = [
        Jack(n, name(1, n), f"Desk {n}", up=n <= 20, tagged=(30,)) for n in range(1, 49)
        if n not in (ALARM_PORT, PRINTER_PORT, UPS_PORT, *AP_PORTS)
    ]  # fmt: skip
    jacks += [
        Jack(ALARM_PORT, name(1, ALARM_PORT), "Alarm panel"),
        Jack(PRINTER_PORT, name(1, PRINTER_PORT), "Printer floor 1"),
        Jack(UPS_PORT, name(1, UPS_PORT), "UPS rack", untagged=99),
    ]
    jacks += [
        Jack(n, name(1, n), f"Access point {one}", untagged=99, tagged=(10, 40), heard=(f"ap-{one}", "eth0"))
        for one, n in enumerate(AP_PORTS, 1)
    ]
    jacks += [
        Jack(n, f"Ten-GigabitEthernet1/0/{n}", "Uplink core", speed=10000, untagged=99, tagged=(10, 30, 40),
             lag=LAG, heard=("core-1", f"Ten-GigabitEthernet1/0/{n - 48}"))
        for n in UPLINKS
    ]  # fmt: skip
    jacks += [
        Jack(LAG, "Bridge-Aggregation1", "Uplink core", speed=20000, kind=161, untagged=99,
             tagged=(10, 30, 40)),
        *(Jack(MEMBER_2 + n, name(2, n + 1), up=n < 2) for n in range(24)),
    ]  # fmt: skip
    learned = {ALARM_MAC: (10, ALARM_PORT), CORE_MAC: (99, LAG)}
    return Model("sw-1", SW_MAC, CORE_MAC, LAG, tuple(jacks), 2, learned)


def core() -> Model:
    """Return core-1: the root of the spanning tree."""
    jacks = [
        Jack(n, f"Ten-GigabitEthernet1/0/{n}", "To sw-1" if n < 3 else "", up=n < 3, speed=10000, untagged=99,
             tagged=(10, 30, 40), lag=LAG if n < 3 else 0,
             heard=("sw-1", f"Ten-GigabitEthernet1/0/{n + 48}") if n < 3 else ("", ""))
        for n in range(1, 9)
    ]  # fmt: skip
    jacks.append(Jack(LAG, "Bridge-Aggregation1", "To sw-1", speed=20000, kind=161, untagged=99,
                      tagged=(10, 30, 40)))  # fmt: skip
    return Model("core-1", CORE_MAC, CORE_MAC, 0, tuple(jacks), 1)


def system(name: str, description: str, kind: str) -> Objects:
    """Return the system group."""
    return {
        oid("1.3.6.1.2.1.1.1.0"): description.encode(),
        oid("1.3.6.1.2.1.1.2.0"): oid(kind),
        oid("1.3.6.1.2.1.1.3.0"): ticks,
        oid("1.3.6.1.2.1.1.5.0"): name.encode(),
        oid("1.3.6.1.2.1.1.6.0"): b"Rack 1",
    }


def port_list(members: Iterable[int]) -> bytes:
    """Return a PortList."""
    octets = bytearray(16)
    for one in members:
        octets[(one - 1) // 8] |= 0x80 >> (one - 1) % 8
    return bytes(octets)


def switch(model: Model) -> Objects:
    """Return everything that a switch says."""
    found = system(
        model.name, "H3C Comware Software, Version 7.1.070, Release 6126\r\nH3C S5130S-52S-EI\r\n",
        f"{H3C}.1.1588",
    )  # fmt: skip
    found[oid("1.3.6.1.2.1.2.1.0")] = len(model.jacks)
    for jack in model.jacks:
        found |= _jack(model, jack)
    return found | _vlans(model) | _tree(model) | _box(model)


def _jack(model: Model, jack: Jack) -> Objects:
    columns: dict[str, Value] = {
        f"{IF}.2": jack.name.encode(), f"{IF}.3": jack.kind, f"{IF}.4": 1500,
        f"{IF}.6": model.mac[:4] + jack.index.to_bytes(2, "big"), ADMIN: 1, OPER: 1 if jack.up else 2,
        f"{IF}.9": Typed(TICKS, 1000), f"{IFX}.1": jack.name.encode(),
        HIGH_SPEED: jack.speed if jack.up else 0, f"{IFX}.17": 1 if jack.kind == 6 else 2,
        ALIAS: jack.alias.encode(), f"{BRIDGE}.1.4.1.2": jack.index, PVID: jack.untagged,
        f"{IF}.13": Typed(COUNTER32, 0), IN_ERRORS: Typed(COUNTER32, 7), f"{IF}.19": Typed(COUNTER32, 0),
        f"{IF}.20": Typed(COUNTER32, 0), f"{IFX}.7": packets, f"{IFX}.11": packets,
    }  # fmt: skip
    if jack.kind == 6:
        columns |= {DUPLEX: 3 if jack.up else 1, FCS: Typed(COUNTER32, 7)}
    if jack.lag:
        columns[ATTACHED] = jack.lag
    if jack.index < 49 and model.members > 1:
        delivering = jack.index in AP_PORTS
        row = f"1.{jack.index}"
        return (
            {oid(f"{name}.{jack.index}"): value for name, value in columns.items()}
            | {oid(f"{POE}.1.1.3.{row}"): 1, oid(f"{POE}.1.1.6.{row}"): 3 if delivering else 2}
            | {oid(f"{POE}.1.1.10.{row}"): 5 if delivering else 1}
            | _heard(jack)
        )
    return {oid(f"{name}.{jack.index}"): value for name, value in columns.items()} | _heard(jack)


def _heard(jack: Jack) -> Objects:
    said: Objects = {oid(f"{LLDP}.3.7.1.2.{jack.index}"): 5}
    said[oid(f"{LLDP}.3.7.1.3.{jack.index}")] = jack.name.encode()
    name, port = jack.heard
    if name:
        chassis = {"core-1": CORE_MAC, "sw-1": SW_MAC}.get(name, b"\x00\x1b\x21\0\0" + bytes((jack.index,)))
        row = f"100.{jack.index}.1"
        columns = {4: 4, 5: chassis, 6: 5, 7: port.encode(), 8: b"", 9: name.encode(), 10: b"", 12: b"\x20"}
        said |= {oid(f"{LLDP}.4.1.1.{column}.{row}"): value for column, value in columns.items()}
    return said


def _vlans(model: Model) -> Objects:
    found: Objects = {}
    jacks = [jack for jack in model.jacks if not jack.lag]
    for vlan, name in VLANS.items():
        plain = [jack.index for jack in jacks if jack.untagged == vlan]
        inside = [*plain, *(jack.index for jack in jacks if vlan in jack.tagged)]
        found |= {
            oid(f"{Q}.4.3.1.1.{vlan}"): name, oid(f"{Q}.4.2.1.3.0.{vlan}"): vlan,
            oid(f"{EGRESS}.{vlan}"): port_list(inside), oid(f"{UNTAGGED}.{vlan}"): port_list(plain),
        }  # fmt: skip
    for mac, (vlan, port) in model.learned.items():
        row = ".".join(map(str, (vlan, *mac)))
        found |= {oid(f"{FDB_PORT}.{row}"): port, oid(f"{Q}.2.2.1.3.{row}"): 3}
    return found


def _tree(model: Model) -> Objects:
    own = model.root == model.mac
    found: Objects = {
        oid(f"{BRIDGE}.1.1.0"): model.mac, oid(f"{BRIDGE}.2.1.0"): 3,
        oid(f"{BRIDGE}.2.2.0"): 4096 if own else 32768, oid(f"{BRIDGE}.2.3.0"): Typed(TICKS, 8_000_000),
        oid(f"{BRIDGE}.2.4.0"): Typed(COUNTER32, 3), oid(ROOT): b"\x10\x00" + model.root,
        oid(f"{BRIDGE}.2.6.0"): 0 if own else 2000, oid(f"{BRIDGE}.2.7.0"): model.root_port,
        oid(f"{LLDP}.3.2.0"): model.mac,
    }  # fmt: skip
    for jack in model.jacks:
        if not jack.lag:
            found |= {
                oid(f"{STP_STATE}.{jack.index}"): jack.stp if jack.up else 1,
                oid(f"{BRIDGE}.2.15.1.4.{jack.index}"): 1,
            }
    return found


def _box(model: Model) -> Objects:
    """Return fans, supplies, configuration, PoE and stack."""
    clocks = {1: 500_000, 2: 600_000, 3: 600_000}
    found: Objects = {oid(f"{H3C}.2.4.1.1.1.{one}.0"): Typed(TICKS, when) for one, when in clocks.items()}
    for member in range(1, model.members + 1):
        found |= {
            oid(f"{FAN}.{member}.1"): 1, oid(f"{FAN}.{member}.2"): 1,
            oid(f"{H3C}.8.35.9.1.2.1.2.{member}.1"): 1,
            oid(f"1.3.6.1.2.1.47.1.1.1.1.5.{member}"): 3, oid(f"1.3.6.1.2.1.47.1.1.1.1.4.{member}"): 0,
            oid(f"1.3.6.1.2.1.47.1.1.1.1.7.{member}"): f"Member {member}".encode(),
            oid(f"1.3.6.1.2.1.47.1.1.1.1.11.{member}"): f"LAB{model.mac[-1]:02}{member}".encode(),
            oid(f"1.3.6.1.2.1.47.1.1.1.1.13.{member}"): b"S5130S-52S-EI",
        }  # fmt: skip
    if model.members > 1:
        found |= {oid(f"{POE}.3.1.1.{n}.1"): value for n, value in {2: 370, 3: 1, 4: 190, 5: 80}.items()}
        found |= {oid(f"{IRF}.1.2.0"): model.members, oid(f"{IRF}.1.7.0"): 2}
        for member in range(1, model.members + 1):
            found |= {
                oid(f"{IRF}.2.1.1.{member}"): member, oid(f"{IRF}.3.1.1.{member}"): 2 if member == 1 else 1,
                oid(f"{IRF}.3.1.2.{member}"): member, oid(f"{IRF}.4.1.3.{member}.1"): 1,
                oid(f"{IRF}.4.1.3.{member}.2"): 1,
            }  # fmt: skip
    return found


def ups() -> Objects:
    """Return a UPS on mains, full (RFC 1628)."""
    said = {"2.1.0": 2, "2.2.0": 0, "2.3.0": 34, "2.4.0": 100, "4.1.0": 3, "4.4.1.5.1": 28, "6.1.0": 0}
    return system("ups-1", "Lab UPS", "1.3.6.1.4.1.850.1") | {
        oid(f"{UPS_MIB}.{place}"): value for place, value in said.items()
    }


def printer() -> Objects:
    """Return a printer that is ready, its toner and its waste box half full (RFC 3805)."""
    said: dict[str, Value] = {
        "1.3.6.1.2.1.25.3.2.1.2.1": oid("1.3.6.1.2.1.25.3.1.5"), "1.3.6.1.2.1.25.3.2.1.3.1": b"LabJet 600",
        "1.3.6.1.2.1.25.3.2.1.5.1": 2, "1.3.6.1.2.1.25.3.5.1.1.1": 3, "1.3.6.1.2.1.25.3.5.1.2.1": b"\0",
        "1.3.6.1.2.1.43.5.1.1.17.1": b"LABPRINTER1",
    }  # fmt: skip
    for row, (kept, kind, name, level) in enumerate(
        ((3, 3, b"Black toner", 60), (4, 4, b"Waste box", 20)), 1
    ):
        cells = {4: kept, 5: kind, 6: name, 7: 19, 8: 100, 9: level}
        said |= {f"{SUPPLY}.{column}.1.{row}": value for column, value in cells.items()}
    return system("printer-1", "Lab printer", "1.3.6.1.4.1.11.2.3.9.1") | {
        oid(place): value for place, value in said.items()
    }


@contextmanager
def changed(agent: Agent, changes: Mapping[str, Value]) -> Iterator[None]:
    """Let an agent say something else for a while; None takes an object away."""
    before = agent.views[agent.community]
    objects = dict(zip(before.oids, before.values, strict=True))
    for name, value in changes.items():
        if value is None:
            objects.pop(oid(name), None)
        else:
            objects[oid(name)] = value
    agent.views[agent.community] = View(objects)
    try:
        yield
    finally:
        agent.views[agent.community] = before
