"""What goes wrong in a new building: each fault is a context manager that puts it in and takes it out.

`ROWS` is the table: a fault, the check that must tell of it, and what it must say.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab import building_air as air
from tests.lab import building_devices as says
from tests.lab import dhcp, faults
from tests.lab.building import PHONE_OPTIONS, SECOND, Building
from tests.lab.building_devices import PRINTER_PORT, UPLINKS, changed
from tests.lab.faults import rules
from tests.lab.namespaces import plug
from tests.lab.snmp_agent import Lies, Value

Context = AbstractContextManager[None]


def _says(role: str, changes: dict[str, Value]) -> Callable[[Building], Context]:
    return lambda building: changed(building.agents[role], changes)


@contextmanager
def _lies(building: Building, role: str, lies: Lies) -> Iterator[None]:
    agent = building.agents[role]
    agent.lies = lies
    try:
        yield
    finally:
        agent.lies = Lies()


def _lying(role: str, **lies: object) -> Callable[[Building], Context]:
    return lambda building: _lies(building, role, Lies(**lies))  # type: ignore[arg-type]


@contextmanager
def rogue_dhcp(building: Building) -> Iterator[None]:
    """Somebody plugged a home router in."""
    rogue = building.lab.namespace("homerouter")
    try:
        plug(rogue, "eth0", building.switch, "br-office")
        rogue.ip("addr add 10.20.0.66/24 dev eth0")
        dhcp.dnsmasq(
            rogue, span="10.20.0.150,10.20.0.160,255.255.255.0,1h",
            options=["3,10.20.0.66", "6,10.20.0.66", "15,office.example"],
        )  # fmt: skip
        yield
    finally:
        building.lab.remove(rogue)


def no_option_150(building: Building) -> Context:
    """The phones are not told where their call manager is."""
    return building.phone_dhcp({code: value for code, value in PHONE_OPTIONS.items() if code != 150})


def phones_cut_off(building: Building) -> Context:
    """The phones' VLAN is not carried to this socket."""
    return rules(
        building.phones,
        "chain deaf { type filter hook ingress device voice priority 0; counter drop; }\n"
        "chain mute { type filter hook egress device voice priority 0; counter drop; }",
        "netdev",
    )


@contextmanager
def phones_without_dhcp(building: Building) -> Iterator[None]:
    """The phones' VLAN is alive, and its DHCP server is not."""
    with phones_cut_off(building), building.tagged(30):
        yield


@contextmanager
def address_taken(building: Building) -> Iterator[None]:
    """Somebody uses an address that is reserved for a server that comes tomorrow."""
    building.managed.ip("addr add 10.20.0.11/24 dev eth0")
    try:
        yield
    finally:
        building.managed.ip("addr del 10.20.0.11/24 dev eth0")


def other_public_address(building: Building) -> Context:
    """The provider translates addresses itself: the fixed public address is not ours."""
    return rules(
        building.isp,
        "chain nat { type nat hook postrouting priority 100; oifname core snat to 203.0.113.1; }", "ip",
    )  # fmt: skip


def second_line_down(building: Building) -> Context:
    """The second provider carries nothing."""
    return rules(
        building.isp2, f"chain dark {{ type filter hook input priority 0; ip daddr {SECOND} drop; }}"
    )


@contextmanager
def _heard(building: Building, change: Callable[[air.Station], air.Station | None]) -> Iterator[None]:
    building.radio.hears(new for one in air.STATIONS if (new := change(one)) is not None)
    try:
        yield
    finally:
        building.radio.hears(air.STATIONS)


def no_5_ghz(building: Building) -> Context:
    """Nobody switched the staff's network on, on the 5 GHz radios."""
    return _heard(building, lambda one: None if one.ssid == air.STAFF and one.channel > 14 else one)


def wpa2(building: Building) -> Context:
    """The staff's network takes WPA2 with a pre-shared key, where WPA3 is planned."""
    return _heard(
        building, lambda one: dataclasses.replace(one, suite=air.WPA2) if one.ssid == air.STAFF else one
    )


def open_guests(building: Building) -> Context:
    """The guests' network is not encrypted."""
    return _heard(building, lambda one: dataclasses.replace(one, suite="") if one.ssid == air.GUESTS else one)


@contextmanager
def rogue_twin(building: Building) -> Iterator[None]:
    """Somebody's access point sends our name."""
    twin = air.Station("02:66:66:00:00:01", air.STAFF, 6, -40, air.WPA3)
    building.radio.hears((*air.STATIONS, twin))
    try:
        yield
    finally:
        building.radio.hears(air.STATIONS)


@contextmanager
def off_the_air(building: Building) -> Iterator[None]:
    """Our access points are off; the neighbours' one is heard."""
    building.radio.hears([air.Station("00:aa:bb:00:00:01", "Neighbours", 6, -70, air.WPA2)])
    try:
        yield
    finally:
        building.radio.hears(air.STATIONS)


def port_announced(building: Building) -> Context:
    """The desk's socket is patched to another switch port."""
    return building.announced(port="GigabitEthernet1/0/12")


def wrong_voice_vlan(building: Building) -> Context:
    """The desk's port has another voice VLAN."""
    return building.announced(voice=31)


def wrong_desk_vlan(building: Building) -> Context:
    """The desk's port is in another VLAN."""
    return building.announced(vlan=40)


@contextmanager
def lldp_off(building: Building) -> Iterator[None]:
    """The desk's port announces nothing."""
    building.lldp.stop()
    try:
        yield
    finally:
        building.announce()


@contextmanager
def weak_corner(_: Building, project: Path) -> Iterator[None]:
    """One corner of the floor was measured, and is weak."""
    air.walk(project, {"archive": -78})
    try:
        yield
    finally:
        air.walk(project, {"archive": air.CORNERS["archive"]})


def _printer_in(vlan: int) -> dict[str, Value]:
    """Return the tables of a switch whose printer's port is in another VLAN."""
    objects = says.switch(says.access_stack())
    found: dict[str, Value] = {f"{says.PVID}.{PRINTER_PORT}": vlan}
    for column in (says.EGRESS, says.UNTAGGED):
        for one in (10, vlan):
            octets = bytearray(objects[says.oid(f"{column}.{one}")])  # type: ignore[arg-type]
            octets[(PRINTER_PORT - 1) // 8] ^= 0x80 >> (PRINTER_PORT - 1) % 8
            found[f"{column}.{one}"] = bytes(octets)
    return found


def _without(*names: str) -> dict[str, Value]:
    """Return that every object below `names` is gone."""
    roots = [says.oid(name) for name in names]
    objects = says.switch(says.access_stack())
    gone = [one for one in objects if any(one[: len(root)] == root for root in roots)]
    return {".".join(map(str, one)): None for one in gone}


def _unplugged() -> dict[str, Value]:
    """Return that the first access point is not there."""
    port = says.AP_PORTS[0]
    found: dict[str, Value] = {f"{says.LLDP}.4.1.1.{column}.100.{port}.1": None for column in range(4, 13)}
    return found | {f"{says.OPER}.{port}": 2}


@dataclass(frozen=True)
class Row:
    """A fault, the check that must tell of it, and the words it must be told with."""

    name: str
    fault: Callable[[Building], Context]
    check: str
    words: str
    status: str = "fail"
    also: str = ""
    """Other checks, as a pattern, that depend on the same thing and tell of it, too."""
    line: bool = False
    """It concerns the line, whose checks take long: only this check is run."""


ROWS = (
    Row("rogue DHCP", rogue_dhcp, "dhcp-staff", r"not planned: 10\.20\.0\.66"),
    Row("missing option 150", no_option_150, "dhcp-phones", r"option 150.*phones"),
    Row("VLAN of the phones not carried", phones_cut_off, "dhcp-phones",
        r"Nothing at all was heard in VLAN 30", "inconclusive"),
    Row("phones without a DHCP server", phones_without_dhcp, "dhcp-phones", r"No planned DHCP server offers"),
    Row("wrong DNS by DHCP", lambda on: on.staff_dhcp(o6="10.20.0.99"), "dhcp-staff", r"DNS.*10\.20\.0\.99"),
    Row("wrong router by DHCP", lambda on: on.staff_dhcp(o3="10.20.0.254"), "dhcp-staff",
        r"router.*10\.20\.0\.254"),
    Row("lease too short", lambda on: on.staff_dhcp(lease="10m"), "dhcp-staff", r"(?i)lease.*600"),
    Row("reserved address taken", address_taken, "reserved-addresses", r"10\.20\.0\.11"),
    Row("duplicate address", faults.duplicate_address, "own-address", r"More than one device",
        also="dhcp-staff"),
    Row("wrong voice VLAN", wrong_voice_vlan, "desk-port", r"(?s)voice.*31"),
    Row("desk in the wrong VLAN", wrong_desk_vlan, "desk-port", r"(?s)VLAN.*40"),
    Row("desk on another port", port_announced, "desk-port", r"GigabitEthernet1/0/12"),
    Row("nothing announced", lldp_off, "desk-port", r"(?i)replug|plugging", "inconclusive"),
    Row("tagged frames on a desk port", lambda on: on.tagged(77), "desk-tags", r"VLAN 77"),
    Row("port at 100 Mb/s", _says("switch", {f"{says.HIGH_SPEED}.45": 100}), "ports-sw-1",
        r"1/0/45.*100 Mbit"),
    Row("half duplex", _says("switch", {f"{says.DUPLEX}.40": 2}), "ports-sw-1", r"1/0/40.*half"),
    Row("port down", _says("switch", {f"{says.OPER}.46": 2}), "ports-sw-1", r"1/0/46.*down"),
    Row("access point not plugged in", _says("switch", _unplugged()), "ports-sw-1",
        r"(?i)no port.*ap-1"),
    Row("desk ports down", _says("switch", {f"{says.OPER}.{n}": 2 for n in range(1, 5)}), "ports-sw-1",
        r"Only 20 ports of VLAN 10"),
    Row("errors rising",
        _says("switch", {f"{says.IN_ERRORS}.12": says.rising, f"{says.FCS}.12": says.rising}), "errors-sw-1",
        r"1/0/12.*(?i:FCS|cable)"),
    Row("port in the wrong VLAN", _says("switch", _printer_in(40)), "vlans-sw-1", r"1/0/40",
        also="ports-sw-1"),
    Row("VLAN missing", _says("switch", _without(f"{says.Q}.4.3.1.1.30", f"{says.Q}.4.2.1.3.0.30",
        f"{says.EGRESS}.30", f"{says.UNTAGGED}.30")), "vlans-sw-1", r"30",
        also="trunks-sw-1"),
    Row("VLAN not on the trunk at the core", _says("core", {f"{says.EGRESS}.30": says.port_list(())}),
        "trunks-sw-1", r"30"),
    Row("uplink missing from the LAG", _says("switch", {f"{says.OPER}.{UPLINKS[1]}": 2}), "ports-sw-1",
        r"1 of 2 members|1/0/50.*down", also="neighbors-sw-1"),
    Row("uplink not bundled", _says("switch", {f"{says.ATTACHED}.{UPLINKS[1]}": 0}), "ports-sw-1",
        r"1 of 2 members"),
    Row("neighbour on the wrong port", _says("switch", {f"{says.REMOTE_PORT}.100.49.1":
        b"Ten-GigabitEthernet1/0/7"}), "neighbors-sw-1", r"1/0/49.*another of its ports"),
    Row("unexpected STP root", _says("switch", {says.ROOT: b"\x00\x00\x02\x66\x66\0\0\1"}), "stp-sw-1",
        r"02:66:66:00:00:01"),
    Row("PoE short by one access point", _says("switch", {f"{says.POE_POWER}.1": 250}), "poe-sw-1",
        r"short by 30 W"),
    Row("unsaved configuration", _says("switch", {says.RUNNING_CHANGED: 8_000_000}), "saved-sw-1",
        r"after it was last saved"),
    Row("fan failed", _says("switch", {f"{says.FAN}.1.2": 2}), "environment-sw-1", r"(?i)fan"),
    Row("stack member missing", _says("switch", {f"{says.IRF}.1.2.0": 1} | _without(f"{says.IRF}.2.1.1.2",
        f"{says.IRF}.3.1.1.2", f"{says.IRF}.3.1.2.2", f"{says.IRF}.4.1.3.2")), "stack-sw-1",
        r"1 of the planned 2 members is missing"),
    Row("alarm panel on another port", _says("switch", {f"{says.FDB_PORT}.10.0.224.252.0.0.53": 12}),
        "device-alarm-panel", r"1/0/12"),
    Row("another switch answers", _says("switch", {"1.3.6.1.2.1.1.5.0": b"sw-9"}), "switch-sw-1", r"sw-9"),
    Row("wrong SNMP key", lambda on: on.referring(SNMP_AUTH="wrongpass99"), "switch-fw-1",
        r"(?i)key|authenticat", "inconclusive"),
    Row("wrong community", lambda on: on.referring(SNMP_COMMUNITY="wrong"), "switch-sw-1", r"(?i)community",
        "inconclusive", also="switch-core-1|ups-rack|printer-floor-1|device-alarm-panel"),
    Row("restricted view", _lying("switch", only=(says.oid("1.3.6.1.2.1.1"),)), "ports-sw-1", r"(?i)view",
        "inconclusive", also=r"\w+-sw-1|device-alarm-panel"),
    Row("looping agent",
        _lying("switch", circle_at=(says.oid(f"{says.OPER}.20"), says.oid(f"{says.OPER}.3"))), "ports-sw-1",
        r"in circles", "inconclusive", also=r"\w+-sw-1|device-alarm-panel"),
    Row("half a table", _says("switch", {f"{says.OPER}.{n}": None for n in range(30, 49)}), "ports-sw-1",
        r"(?i)half a table", "inconclusive", also=r"\w+-sw-1|device-alarm-panel"),
    Row("switch silent", _lying("switch", silent=True), "switch-sw-1", r"gave no answer", "inconclusive",
        also="vlans-sw-1|trunks-sw-1|device-alarm-panel"),
    Row("switch falls silent", _lying("switch", silent_at=says.oid(says.IF)), "ports-sw-1",
        r"(?i)answer|silent", "inconclusive", also=r"\w+-sw-1|device-alarm-panel"),
    Row("SSID missing on 5 GHz", no_5_ghz, "wifi-contoso", r"5 GHz", also="channels-contoso|rogue-contoso"),
    Row("WPA2 where WPA3 is planned", wpa2, "wifi-contoso", r"(?i)wpa2"),
    Row("open guest network", open_guests, "wifi-contoso-guests", r"(?i)open"),
    Row("rogue twin", rogue_twin, "rogue-contoso", r"02:66:66:00:00:01"),
    Row("access points off", off_the_air, "wifi-contoso", r"(?i)not heard|nobody|no access point",
        also=r"(wifi|rogue)-contoso(-guests)?"),
    Row("UPS on battery", _says("ups", {f"{says.UPS_MIB}.4.1.0": 5, f"{says.UPS_MIB}.2.2.0": 90}), "ups-rack",
        r"on battery"),
    Row("toner out", _says("printer", {f"{says.SUPPLY}.9.1.1": 0}), "printer-floor-1", r"Black toner"),
    Row("waste box full", _says("printer", {f"{says.SUPPLY}.9.1.2": 99}), "printer-floor-1",
        r"Waste box.*full|waste container is full"),
    Row("public address of another", other_public_address, "public-address", r"203\.0\.113\.1"),
    Row("MTU", faults.mtu_black_hole, "packet-size", r"1400", line=True),
    Row("second line down", second_line_down, "second-line", r"192\.0\.2\.1", line=True),
)  # fmt: skip
"""Single faults; `Row.check` must have `Row.status`, and nothing else that does not depend on it."""

__all__ = ["ROWS", "Row", "weak_corner"]
