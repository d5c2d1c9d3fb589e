"""Small switches made of objects, for the readers of neighbours, forwarding, spanning tree and PoE."""

from __future__ import annotations

from collections.abc import Mapping

from checks.device.device import Device
from checks.wire.snmp.agent import Oid, Value
from tests.recordings import Recording, device, oid

Objects = dict[Oid, Value]


def rows(base: str, values: Mapping[str, Value]) -> Objects:
    """Return the objects of one column: what follows its identifier, and the value."""
    return {oid(f"{base}.{index}"): value for index, value in values.items()}


def interfaces(
    names: Mapping[int, str],
    *,
    down: tuple[int, ...] = (),
    vendor: int = 99999,
    aliases: Mapping[int, str] | None = None,
) -> Objects:
    """Return the system group and IF-MIB of a switch with these interfaces."""
    macs = {index: bytes((2, 0, 0, 0, index >> 8 & 255, index & 255)) for index in names}
    return (
        {
            oid("1.3.6.1.2.1.1.2.0"): oid(f"1.3.6.1.4.1.{vendor}.1"),
            oid("1.3.6.1.2.1.1.3.0"): 1_000_000,
            oid("1.3.6.1.2.1.1.5.0"): b"sw1",
        }
        | rows("1.3.6.1.2.1.2.2.1.2", {str(one): name.encode() for one, name in names.items()})
        | rows("1.3.6.1.2.1.2.2.1.3", {str(one): 6 for one in names})
        | rows("1.3.6.1.2.1.2.2.1.6", {str(one): mac for one, mac in macs.items()})
        | rows("1.3.6.1.2.1.2.2.1.7", {str(one): 1 for one in names})
        | rows("1.3.6.1.2.1.2.2.1.8", {str(one): 2 if one in down else 1 for one in names})
        | rows("1.3.6.1.2.1.31.1.1.1.1", {str(one): name.encode() for one, name in names.items()})
        | rows("1.3.6.1.2.1.31.1.1.1.15", {str(one): 1000 for one in names})
        | rows("1.3.6.1.2.1.31.1.1.1.18", {str(one): name.encode() for one, name in (aliases or {}).items()})
        | rows("1.3.6.1.2.1.10.7.2.1.19", {str(one): 3 for one in names})
    )


def base_ports(pairs: Mapping[int, int]) -> Objects:
    """Return dot1dBasePortIfIndex."""
    return rows("1.3.6.1.2.1.17.1.4.1.2", {str(base): index for base, index in pairs.items()})


def heard(
    index: str,
    name: str,
    port: bytes,
    *,
    port_kind: int = 5,
    chassis: bytes = b"\x00\x1b\x21\x3c\x4d\x5e",
    capabilities: bytes = b"\x20",
    description: str = "",
) -> Objects:
    """Return one row of lldpRemTable; `index` is time mark, port number and number."""
    base = "1.0.8802.1.1.2.1.4.1.1"
    return {
        oid(f"{base}.4.{index}"): 4,
        oid(f"{base}.5.{index}"): chassis,
        oid(f"{base}.6.{index}"): port_kind,
        oid(f"{base}.7.{index}"): port,
        oid(f"{base}.8.{index}"): b"",
        oid(f"{base}.9.{index}"): name.encode(),
        oid(f"{base}.10.{index}"): description.encode(),
        oid(f"{base}.12.{index}"): capabilities,
    }


def local(values: Mapping[int, bytes], column: int = 3) -> Objects:
    """Return a column of lldpLocPortTable: the ids (3) or the descriptions (4)."""
    return rows(f"1.0.8802.1.1.2.1.3.7.1.{column}", {str(number): text for number, text in values.items()})


def made(*parts: Objects, contexts: dict[str, Objects] | None = None) -> Device:
    """Return a device of these objects."""
    objects = {key: value for part in parts for key, value in part.items()}
    others = {vlan: Recording(tables, f"switch@{vlan}") for vlan, tables in (contexts or {}).items()}
    return device(Recording(objects, "switch", others))
