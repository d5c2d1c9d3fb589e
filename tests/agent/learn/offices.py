"""An office as its switch tells it by SNMP, laid out over whatever ports one likes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from checks.wire.snmp.agent import Value
from tests.checks.device.fixtures import Objects, base_ports, heard, interfaces, local, rows
from tests.recordings import oid

Q = "1.3.6.1.2.1.17.7.1.4"
POE = "1.3.6.1.2.1.105.1"
OPER, DUPLEX = "1.3.6.1.2.1.2.2.1.8", "1.3.6.1.2.1.10.7.2.1.19"
SPEED, STP = "1.3.6.1.2.1.31.1.1.1.15", "1.3.6.1.2.1.17.2"
COMMUNITY = "s3cret-community"
BRIDGE, PHONE, ACCESS_POINT = b"\x20", b"\x24", b"\x30"
LAG = 1000
_CAPABILITIES = {"core-1": BRIDGE, "ap-1": ACCESS_POINT, "ap-2": ACCESS_POINT, "phone-1": PHONE}


@dataclass(frozen=True, kw_only=True)
class Office:
    """Where everything is plugged in, by ifIndex, and what is wrong."""

    uplinks: tuple[int, ...] = (49, 50)
    access_points: tuple[int, ...] = (1, 2)
    phone: int = 3
    printer: int = 4
    desks: tuple[int, ...] = (5, 6, 7)
    idle: tuple[int, ...] = (8,)
    printer_vlan: int = 20
    vlans: Mapping[int, str] = field(
        default_factory=lambda: {1: "default", 10: "staff", 20: "printers", 30: "phones"}
    )
    down: tuple[int, ...] = ()
    half: tuple[int, ...] = ()
    slow: tuple[int, ...] = ()
    unheard: tuple[str, ...] = ()
    out_of_lag: tuple[int, ...] = ()
    desks_elsewhere: tuple[int, ...] = ()
    """Desks that are in the printers' VLAN."""
    name: str = "sw-office"
    serial: str = "FCW1929B68S"
    printer_alias: str = "Printer reception"
    power_w: int = 200
    remote_port: bytes = b"eth0"
    mac: bytes = b"\x00\x1b\x21\x00\x00\x01"
    root: bytes = b"\x80\x00\x00\x1b\x21\x00\x00\x01"

    def ports(self) -> dict[int, str]:
        used = {*self.uplinks, *self.access_points, self.phone, self.printer, *self.desks, *self.idle}
        return {one: f"Gi1/0/{one}" for one in sorted(used)}

    def objects(self) -> Objects:
        """Return what its switch tells."""
        ports = self.ports()
        names = {**ports, LAG: "Po1"}
        down = (*self.idle, *self.down)
        members = [one for one in self.uplinks if one not in self.out_of_lag]
        return (
            interfaces(names, down=down, aliases=self._aliases())
            | {
                oid("1.3.6.1.2.1.1.1.0"): b"A switch, firmware 15.2(7)E9",
                oid("1.3.6.1.2.1.1.5.0"): self.name.encode(),
            }
            | rows("1.3.6.1.2.1.2.2.1.3", {str(LAG): 161})
            | rows(
                SPEED, {**{str(one): 100 for one in self.slow}, **{str(one): 10_000 for one in self.uplinks}}
            )
            | rows(SPEED, {str(LAG): 10_000 * len(members)})
            | rows(DUPLEX, {str(one): 2 for one in self.half})
            | rows("1.2.840.10006.300.43.1.2.1.1.13", {str(one): LAG for one in members})
            | base_ports({one: one for one in names})
            | local({one: name.encode() for one, name in ports.items()})
            | self._neighbours()
            | self._vlans()
            | self._power()
            | self._tree()
            | rows("1.3.6.1.2.1.47.1.1.1.1.5", {"1": 3})
            | rows("1.3.6.1.2.1.47.1.1.1.1.11", {"1": self.serial.encode()})
            | rows("1.3.6.1.2.1.47.1.1.1.1.13", {"1": b"SW-48P"})
        )

    def _aliases(self) -> dict[int, str]:
        given = {self.printer: self.printer_alias, **dict.fromkeys(self.idle, "spare")}
        return {one: given.get(one, "") for one in (*self.ports(), LAG)}

    def _neighbours(self) -> Objects:
        there = [*(("core-1", one) for one in self.uplinks), ("phone-1", self.phone)]
        there += [(f"ap-{number}", one) for number, one in enumerate(self.access_points, 1)]
        found: Objects = {}
        for name, port in there:
            if name not in self.unheard and port not in self.down:
                chassis = bytes((2, 0, 0, 0, 1, port))
                found |= heard(
                    f"0.{port}.1", name, self.remote_port, chassis=chassis, capabilities=_CAPABILITIES[name]
                )
        return found

    def _vlans(self) -> Objects:
        untagged: dict[int, list[int]] = {1: [LAG, *self.uplinks, *self.access_points, *self.idle]}
        untagged[10] = [self.phone, *(one for one in self.desks if one not in self.desks_elsewhere)]
        untagged.setdefault(20, []).extend(self.desks_elsewhere)
        untagged.setdefault(self.printer_vlan, []).append(self.printer)
        tagged = {
            10: [LAG, *self.uplinks, *self.access_points], 20: [LAG, *self.uplinks],
            30: [LAG, *self.uplinks, self.phone],
        }  # fmt: skip
        pvid = {str(port): vlan for vlan, ports in untagged.items() for port in ports}
        found = rows(f"{Q}.3.1.1", {str(vlan): name.encode() for vlan, name in self.vlans.items()})
        for vlan in self.vlans:
            out = untagged.get(vlan, [])
            found |= rows(f"{Q}.2.1.4", {f"0.{vlan}": _bits([*out, *tagged.get(vlan, [])])})
            found |= rows(f"{Q}.2.1.5", {f"0.{vlan}": _bits(out)})
        return found | rows(f"{Q}.5.1.1", {port: vlan for port, vlan in pvid.items() if vlan in self.vlans})

    def _power(self) -> Objects:
        fed = dict.fromkeys(self.access_points, 5) | {self.phone: 3}
        fed = {port: told for port, told in fed.items() if port not in self.down}
        return (
            rows(f"{POE}.3.1.1.2", {"1": self.power_w})
            | rows(f"{POE}.3.1.1.3", {"1": 1})
            | rows(f"{POE}.3.1.1.4", {"1": 30})
            | rows(f"{POE}.1.1.3", {f"1.{port}": 1 for port in self.ports()})
            | rows(f"{POE}.1.1.6", {f"1.{port}": 3 if port in fed else 2 for port in self.ports()})
            | rows(f"{POE}.1.1.10", {f"1.{port}": told for port, told in fed.items()})
        )

    def _tree(self) -> Objects:
        scalars: dict[str, Value] = {
            "1.0": 3, "2.0": 32768, "3.0": 800_000, "4.0": 4, "5.0": self.root, "6.0": 4, "7.0": 49,
        }  # fmt: skip
        return (
            rows(STP, scalars)
            | {oid("1.3.6.1.2.1.17.1.1.0"): self.mac}
            | rows(f"{STP}.15.1.3", {str(one): 5 for one in self.ports()})
            | rows(f"{STP}.15.1.4", {str(one): 1 for one in self.ports()})
        )


def _bits(ports: list[int]) -> bytes:
    octets = bytearray(1 + max([*ports, 1]) // 8)
    for port in ports:
        octets[(port - 1) // 8] |= 0x80 >> ((port - 1) % 8)
    return bytes(octets)


NEW = Office(
    uplinks=(25, 26), access_points=(11, 12), phone=13, printer=14, desks=(15, 16, 17), idle=(18, 19),
    name="sw-new", serial="FOC2222A0AA", mac=b"\x00\x1b\x21\x00\x00\x02",
    root=b"\x80\x00\x00\x1b\x21\x00\x00\x02",
)  # fmt: skip
"""The same purposes on other ports of another switch."""
