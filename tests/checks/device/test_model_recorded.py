"""The model of every recorded device against what another tool made of the same recording.

Every difference stands in a table with its explanation: one that is not there fails, and one that is there
and has vanished fails, too.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from checks.device.ports import read_base_ports, read_ports
from checks.device.records import Port
from checks.device.system import read_system
from checks.device.vlans import read_vlans
from checks.vantage import CannotTell
from tests import recordings

NAMES = recordings.names()
OPER = {"not_present": "notPresent", "lower_layer_down": "lowerLayerDown"}
DUPLEX = {"fullDuplex": "full", "halfDuplex": "half"}
SILENT = {"unknown", None}

PORT_DIFFERENCES: dict[str, dict[str, str]] = {
    "fortigate_60f3g4g": {"duplex of 15 ports": "it tells 0, which is no duplex: unknown here, kept there"},
    "fortiswitch_424ef": {"admin of 45 ports": "ifAdminStatus was not recorded: unknown here, nothing there"},
    "ciscowlc_cbw240ac": {"1 more ports": "the virtual interface is left out there by its name"},
    "iosxe_c1100tgx": {"48 more ports": "asynchronous lines are left out there by their names"},
    "junos_rpm": {"1 more ports": "lsi is left out there by its type"},
}
"""Left out there and kept here everywhere: interfaces that are `notPresent`. Told here only where a person
gave one: the description, which there falls back to ifDescr."""
NO_PORTS = {"junos_ex", "netgear_3"}
"""Nothing of IF-MIB was recorded: a restricted view."""

VLAN_DIFFERENCES: dict[str, dict[str, str]] = {
    "ciscosb_cbs350": {"name of 1": "it tells no name of VLAN 1; `VLAN 1` is made up there"},
    "edgeswitch_10xp": {"1 more members": "LAG1, which is left out there with the empty aggregations"},
    "linksys-ss_lgs318p": {"more: 1": "VLAN 1 is in the current table only; names are the only list there"},
    "powerconnect_2824": {
        "more: 1": "VLAN 1 has a forwarding table and no name; names are the only list there"
    },
    "ios_2960x": {
        "12 fewer members": "ports that are no trunk now and in no access VLAN: there they get the native "
        "VLAN of the trunk that they are not",
    },
    "jetstream_vlans": {
        "54 more members": "ports are listed by name; the table that translates names was not recorded, and "
        "ifName tells the same",
    },
}
"""Kept here everywhere: members that are aggregations which are `notPresent`."""

SYSTEM_DIFFERENCES: dict[str, dict[str, str]] = {
    "apc_smx750i": {
        "model": "there the UPS's own firmware stands behind its model",
        "firmware": "the card's, once: there operating system and application, which are the same here",
    },
    "awplus": {
        "model": "a chassis tells its boards only: the first here, the name behind sysObjectID there",
        "serial": "the first board's here; the controller's there, which is among `serials`",
    },
    "boss_ers3510": {
        "model": "`ERS-` is put before it there",
        "serial": "it is in the ENTITY-MIB, where it is not looked for there",
    },
    "ciscosb_cbs350": {"firmware": "there with the boot code's version"},
    "dlink_dgs-1510-28xmp-me": {"model": "there with the revision of the board"},
    "edgeswitch_10xp": {
        "model": "it is in the ENTITY-MIB, where it is not looked for there",
        "firmware": "it is in the ENTITY-MIB, where it is not looked for there",
    },
    "fortigate_60f3g4g": {"model": "as the device says it; there a name made of its sysObjectID"},
    "iosxe_c1100tgx": {"firmware": "an experimental image, whose version is not read there"},
    "junos_ex": {"model": "as sysDescr writes it, without the vendor"},
    "linksys-ss_lgs318p": {
        "model": "there with the revision of the board",
        "firmware": "there with the boot code's version",
    },
}


def recorded(name: str) -> tuple[Any, dict[str, Any]]:
    return (
        recordings.device(recordings.Recording.of(recordings.FOLDER / f"{name}.snmprec")),
        json.loads((recordings.FOLDER / f"{name}.json").read_text("utf-8")),
    )


def rows_of(data: dict[str, Any], module: str, table: str) -> list[dict[str, Any]]:
    part = data.get(module) or {}
    polled = part.get("poller")
    found = polled if isinstance(polled, dict) and table in polled else part.get("discovery") or {}
    return found.get(table) or []


def port_facts(port: Port, other: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    speed = other["ifSpeed"]
    duplex = DUPLEX.get(other["ifDuplex"], other["ifDuplex"])
    return [
        ("name", port.name, other["ifName"]),
        ("alias", port.alias or other["ifDescr"], other["ifAlias"]),
        ("admin", port.admin, other["ifAdminStatus"]),
        ("oper", OPER.get(port.oper, port.oper), other["ifOperStatus"]),
        ("speed", port.speed_mbps, speed // 1_000_000 or None if speed else None),
        ("duplex", port.duplex, "unknown" if duplex in SILENT else duplex),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_ports(name: str) -> None:
    device, data = recorded(name)
    others = rows_of(data, "ports", "ports")
    if name in NO_PORTS:
        assert not others
        with pytest.raises(CannotTell, match="restricted"):
            asyncio.run(device.read(read_ports))
        return
    ports = {port.if_index: port for port in asyncio.run(device.read(read_ports))}
    assert not {other["ifIndex"] for other in others} - ports.keys()
    different: dict[str, int] = {}
    for other in others:
        for field, mine, theirs in port_facts(ports.pop(other["ifIndex"]), other):
            if mine != theirs:
                different[field] = different.get(field, 0) + 1
    found = {f"{field} of {count} ports" for field, count in different.items()}
    more = [port for port in ports.values() if port.oper != "not_present"]
    assert found | ({f"{len(more)} more ports"} if more else set()) == set(PORT_DIFFERENCES.get(name, {}))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NO_PORTS])
def test_vlans(name: str) -> None:
    device, data = recorded(name)
    theirs = {row["vlan_vlan"]: row["vlan_name"] for row in rows_of(data, "vlans", "vlans")}

    async def read() -> Any:
        return (
            await device.read(read_vlans),
            await device.read(read_base_ports),
            await device.read(read_ports),
        )

    if not theirs:
        with pytest.raises(CannotTell, match="no VLAN"):
            asyncio.run(read())
        return
    read_now, base, ports = asyncio.run(read())
    mine = {vlan.id: vlan.name for vlan in read_now.vlans}
    found = {f"more: {vlan}" for vlan in mine.keys() - theirs.keys()}
    found |= {f"fewer: {vlan}" for vlan in theirs.keys() - mine.keys()}
    found |= {f"name of {vlan}" for vlan in mine.keys() & theirs.keys() if mine[vlan] != theirs[vlan]}
    by_index = {if_index: number for number, if_index in base.items()}
    absent = {port.if_index for port in ports if port.oper == "not_present" and not port.physical}
    members = [
        (vlan.id, by_index.get(one, 0), untagged)
        for vlan in read_now.vlans
        for untagged, ones in ((1, vlan.untagged), (0, vlan.tagged))
        for one in ones
        if one not in absent
    ]
    others = [(r["vlan"], r["baseport"], r["untagged"]) for r in rows_of(data, "vlans", "ports_vlans")]
    mine_only, theirs_only = _left(members, others), _left(others, members)
    turned = sum((vlan, port, 1 - how) in theirs_only for vlan, port, how in mine_only)
    for count, words in (
        (len(mine_only) - turned, "more members"),
        (len(theirs_only) - turned, "fewer members"),
        (turned, "other ways"),
    ):
        found |= {f"{count} {words}"} if count else set()
    assert found == set(VLAN_DIFFERENCES.get(name, {}))


def _left(ones: list[Any], others: list[Any]) -> list[Any]:
    rest = list(others)
    return [one for one in ones if one not in rest or rest.remove(one)]


@pytest.mark.parametrize("name", NAMES)
def test_what_it_says_it_is(name: str) -> None:
    device, data = recorded(name)
    system = asyncio.run(device.read(read_system))
    (other,) = rows_of({"os": {"discovery": data["os"]["discovery"]}}, "os", "devices")
    polled = data["os"].get("poller")
    if isinstance(polled, dict):
        other |= {key: value for key, value in polled["devices"][0].items() if value is not None}
    assert system.sys_name.casefold() == (other["sysName"] or "").casefold()
    assert system.sys_object_id == other["sysObjectID"].strip(".")
    pairs = {
        "model": (system.model, other["hardware"]),
        "serial": (system.serial, other["serial"]),
        "firmware": (system.firmware, other["version"]),
    }
    found = {field for field, (mine, theirs) in pairs.items() if mine != (theirs or "")}
    assert found == set(SYSTEM_DIFFERENCES.get(name, {}))
    if other["serial"] and "serial" not in {field for field in found if name != "awplus"}:
        assert other["serial"] in system.serials


def test_the_tables_name_recordings_that_exist() -> None:
    if NAMES:
        assert {*PORT_DIFFERENCES, *VLAN_DIFFERENCES, *SYSTEM_DIFFERENCES, *NO_PORTS} <= set(NAMES)
