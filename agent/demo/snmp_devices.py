"""The practice office's switch, UPS and printer: what their agents say."""

from __future__ import annotations

import time
from typing import Any

from pysnmp.proto.rfc1902 import Gauge32, Integer32, ObjectIdentifier, OctetString, TimeTicks

from agent.demo.snmp_server import Objects, Oid

COMMUNITY = "practice"
UPLINK, ACCESS_POINT = "Uplink to the firewall", "Access point in the hall"
_STARTED = time.monotonic() - 3 * 86400
_PORTS = {
    1: (UPLINK, True), 2: (ACCESS_POINT, True), 3: ("Desk 1", True), 4: ("Desk 2", True),
    5: ("Desk 3", False), 6: ("Desk 4", False), 7: ("", False), 8: ("", False),
}  # fmt: skip
"""Description of each port of the switch, and whether something is plugged in."""


def _mib2(*rest: int) -> Oid:
    return (1, 3, 6, 1, 2, 1, *rest)


def _uptime() -> TimeTicks:
    return TimeTicks(int((time.monotonic() - _STARTED) * 100) % 2**32)


def _system(name: str, descr: str, kind: int) -> dict[Oid, Any]:
    return {
        _mib2(1, 1, 0): OctetString(descr.encode()),
        _mib2(1, 2, 0): ObjectIdentifier((1, 3, 6, 1, 4, 1, 8072, 3, 2, kind)),
        _mib2(1, 3, 0): _uptime,
        _mib2(1, 5, 0): OctetString(name.encode()),
        _mib2(1, 6, 0): OctetString(b"New office, 2nd floor"),
    }


def switch(*, slow_port: bool) -> Objects:
    """Return the objects of a switch with eight ports and PoE; the access point's port may be slow."""
    found = _system("switch-1", "Practice switch, 8 ports, PoE", 11)
    found[_mib2(2, 1, 0)] = Integer32(len(_PORTS))
    for port, (description, up) in _PORTS.items():
        speed = (100 if slow_port and description == ACCESS_POINT else 1000) if up else 0
        mac = bytes((0x02, 0, 0x5E, 0, 0, port))
        row = {
            _mib2(2, 2, 1, 2): OctetString(f"Port {port}".encode()),
            _mib2(2, 2, 1, 3): Integer32(6),
            _mib2(2, 2, 1, 4): Integer32(1500),
            _mib2(2, 2, 1, 5): Gauge32(speed * 1_000_000),
            _mib2(2, 2, 1, 6): OctetString(mac),
            _mib2(2, 2, 1, 7): Integer32(1),
            _mib2(2, 2, 1, 8): Integer32(1 if up else 2),
            _mib2(2, 2, 1, 9): TimeTicks(1000),
            _mib2(31, 1, 1, 1, 1): OctetString(str(port).encode()),
            _mib2(31, 1, 1, 1, 15): Gauge32(speed),
            _mib2(31, 1, 1, 1, 17): Integer32(1),
            _mib2(31, 1, 1, 1, 18): OctetString(description.encode()),
            _mib2(10, 7, 2, 1, 19): Integer32(3 if up else 1),
            _mib2(17, 1, 4, 1, 2): Integer32(port),
        }
        found |= {(*column, port): value for column, value in row.items()}
    supply = {2: Gauge32(120), 3: Integer32(1), 4: Gauge32(38), 5: Integer32(80)}
    return found | {_mib2(105, 1, 3, 1, 1, column, 1): value for column, value in supply.items()}


def ups(*, on_battery: bool) -> Objects:
    """Return the objects of a UPS (RFC 1628)."""
    said = {
        (2, 1, 0): Integer32(2),
        (2, 2, 0): Integer32(240 if on_battery else 0),
        (2, 3, 0): Integer32(34),
        (2, 4, 0): Integer32(93 if on_battery else 100),
        (4, 1, 0): Integer32(5 if on_battery else 3),
        (4, 4, 1, 5, 1): Integer32(28),
        (6, 1, 0): Gauge32(1 if on_battery else 0),
    }
    if on_battery:
        said[6, 2, 1, 2, 1] = ObjectIdentifier(_mib2(33, 1, 6, 3, 2))
    return _system("ups-1", "Practice UPS", 12) | {
        _mib2(33, 1, *place): value for place, value in said.items()
    }


def printer(*, waste_full: bool) -> Objects:
    """Return the objects of a printer (RFC 2790, RFC 3805)."""
    found = _system("printer-1", "Practice printer", 13)
    found |= {
        _mib2(25, 3, 2, 1, 2, 1): ObjectIdentifier(_mib2(25, 3, 1, 5)),
        _mib2(25, 3, 2, 1, 3, 1): OctetString(b"Practice LaserPrinter"),
        _mib2(25, 3, 2, 1, 5, 1): Integer32(2),
        _mib2(25, 3, 5, 1, 1, 1): Integer32(3),
        _mib2(25, 3, 5, 1, 2, 1): OctetString(b"\x00"),
        _mib2(43, 5, 1, 1, 17, 1): OctetString(b"PRACTICE-91"),
    }
    supplies = (
        (3, 3, b"Black toner", 64), (4, 4, b"Waste toner box", 97 if waste_full else 31),
    )  # fmt: skip
    for row, (kept, kind, name, level) in enumerate(supplies, 1):
        cells = {4: kept, 5: kind, 7: 19, 8: 100, 9: level}
        found |= {_mib2(43, 11, 1, 1, column, 1, row): Integer32(value) for column, value in cells.items()}
        found[_mib2(43, 11, 1, 1, 6, 1, row)] = OctetString(name)
    return found
