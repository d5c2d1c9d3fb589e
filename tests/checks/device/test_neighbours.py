from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.device import told
from checks.device.device import Device
from checks.device.neighbours import read_neighbours, read_spoken
from checks.device.ports import read_ports
from checks.device.records import Neighbour
from checks.vantage import CannotTell
from tests.checks.device.fixtures import base_ports, heard, interfaces, local, made, rows
from tests.recordings import FOLDER, Recording, device, names, oid

NAMES = {10101: "Gi1/0/1", 10102: "Gi1/0/2", 10103: "Gi1/0/3", 1: "Vlan1", 2: "Null0"}


def read(found: Device) -> tuple[Neighbour, ...]:
    return asyncio.run(found.read(read_neighbours))


def places(*parts: Any, **more: Any) -> list[int | None]:
    return [one.local_if_index for one in read(made(interfaces(NAMES, **more), *parts))]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param((local({3: b"Gi1/0/1"}),), 10101, id="the id is an ifName"),
        pytest.param((local({3: b"GigabitEthernet1/0/3"}),), 10103, id="the id is the long name"),
        pytest.param((local({3: b"47 69 31 2F 30 2F 32 00"}),), 10102, id="the id is hex text"),
        pytest.param(
            (local({3: b"Gi1/0/1"}), base_ports({3: 10102})), 10101, id="the id outweighs the number"
        ),
        pytest.param(
            (local({3: b"\x02\x00\x00\x00\x27\x77"}),), 10103, id="the id is the port's own address"
        ),
        pytest.param((local({3: b"?"}), local({3: b"Gi1/0/2"}, 4)), 10102, id="the description is an ifName"),
        pytest.param((base_ports({3: 10102}),), 10102, id="a base port"),
        pytest.param((base_ports({3: 10102}), local({3: b"unknown"})), 10102, id="an id that says nothing"),
        pytest.param((base_ports({3: 99}),), None, id="a base port without interface"),
        pytest.param((), None, id="a number that leads nowhere"),
    ],
)
def test_the_local_port_of_lldp(parts: Any, expected: int | None) -> None:
    assert places(*parts, heard("5.3.1", "core", b"Te1/0/3")) == [expected]


def test_a_number_is_an_ifindex_where_there_is_no_base_port() -> None:
    assert places(heard("0.10103.1", "core", b"1")) == [10103]


def test_a_number_is_counted_as_the_named_ones_are() -> None:
    """Base port 1 and ifIndex 1 both exist; the rows that have names show which way this agent counts."""
    ifs = {1: "e1", 2: "e2", 3: "e3"}
    row, base = heard("0.1.1", "core", b"x"), base_ports({1: 2, 2: 3, 3: 1})
    by_index = made(interfaces(ifs), row, base, local({1: b"?", 2: b"e2", 3: b"e3"}))
    by_base = made(interfaces(ifs), row, base, local({1: b"?", 2: b"e3", 3: b"e1"}))
    assert [read(one)[0].local_if_index for one in (by_index, by_base)] == [1, 2]
    assert read(made(interfaces(ifs, vendor=14988), row, base))[0].local_if_index == 1, "RouterOS: ifIndex"


def test_a_port_that_is_down_hears_nobody() -> None:
    ifs, base = {1: "e1", 2: "e2"}, base_ports({1: 2, 2: 1})
    row = heard("0.1.1", "core", b"x")
    assert read(made(interfaces(ifs), row, base))[0].local_if_index == 2
    assert read(made(interfaces(ifs, down=(2,)), row, base))[0].local_if_index == 1


def test_ids_that_are_ifindexes_as_text() -> None:
    ifs, base = {1001: "1/1/1", 1002: "1/1/2", 1003: "1/1/3"}, base_ports({1: 1003, 2: 1001, 3: 1002})
    row = heard("1.2.71", "core", b"2025", port_kind=7)
    written = local({1: b"1001", 2: b"1002", 3: b"1003"})
    assert read(made(interfaces(ifs), row, written))[0].local_if_index == 1002
    assert read(made(interfaces(ifs), row, base, written))[0].local_if_index == 1002
    numbers = local({1: b"1", 2: b"2", 3: b"3"})
    assert read(made(interfaces(ifs), row, base, numbers))[0].local_if_index == 1001
    other = local({1: b"1001", 2: b"1002", 3: b"77"})
    assert read(made(interfaces(ifs), row, base, other))[0].local_if_index == 1001


def test_an_id_that_many_ports_share_must_not_contradict_the_number() -> None:
    ifs = {1: "Ethernet Interface", 2: "Ethernet Interface", 3: "mgmt"}
    row = heard("0.1.1", "core", b"x")
    agrees = made(interfaces(ifs), row, local({1: b"Ethernet Interface"}))
    differs = made(interfaces(ifs), row, local({1: b"Ethernet Interface"}), base_ports({1: 3}))
    assert [read(one)[0].local_if_index for one in (agrees, differs)] == [1, None]


def test_an_address_that_every_row_repeats_names_no_port() -> None:
    same = b"\x02\x00\x00\x00\x27\x75"
    parts = (local({1: same, 2: same}), base_ports({1: 10102, 2: 10103}))
    assert places(*parts, heard("0.1.1", "core", b"x")) == [10102]


def test_of_rows_that_differ_in_their_time_mark_the_newest_counts() -> None:
    old, new = heard("7.3.1", "old", b"a"), heard("900.3.1", "new", b"b")
    found = read(made(interfaces(NAMES), base_ports({3: 10101}), old, new))
    assert [one.remote_name for one in found] == ["new"]


def test_two_neighbours_on_one_port_are_two() -> None:
    parts = (base_ports({3: 10101}), heard("7.3.1", "phone", b"a"), heard("7.3.2", "computer", b"b"))
    assert {one.remote_name for one in read(made(interfaces(NAMES), *parts))} == {"phone", "computer"}


@pytest.mark.parametrize(
    ("port", "kind", "expected"),
    [
        pytest.param(b"\x94\x64\x24\x00\x01\x02", 3, "94:64:24:00:01:02", id="raw address"),
        pytest.param(b"94:64:24:00:01:02", 3, "94:64:24:00:01:02", id="written address"),
        pytest.param(b"94 64 24 00 01 02", 3, "94:64:24:00:01:02", id="hex address"),
        pytest.param(b"1/1/14", 5, "1/1/14", id="six octets that are a name"),
        pytest.param(b"47 69 31 2F 30 2F 31", 5, "Gi1/0/1", id="hex text"),
        pytest.param(b"Gi1/0/1\x00\x00junk", 5, "Gi1/0/1", id="junk behind the padding"),
        pytest.param("Büro".encode("latin-1"), 1, "Büro", id="Latin-1"),
        pytest.param(b"\x01\x0a\x14\x00\x02", 4, "10.20.0.2", id="network address"),
        pytest.param("\u201cgi18\u201d".encode(), 7, "gi18", id="curly quotes"),
        pytest.param(b"7", 7, "7", id="a number"),
    ],
)
def test_port_ids(port: bytes, kind: int, expected: str) -> None:
    row = heard("0.3.1", "core", port, port_kind=kind)
    (found,) = read(made(interfaces(NAMES), base_ports({3: 10101}), row))
    assert found.remote_port == expected


def test_the_management_address_stands_in_the_index() -> None:
    found = rows(
        "1.0.8802.1.1.2.1.4.2.1.3",
        {"5.3.1.2.16." + ".".join(["254", *["0"] * 14, "1"]): 2, "5.3.1.1.4.10.46.101.110": 3},
    )
    (one,) = read(made(interfaces(NAMES), base_ports({3: 10101}), heard("5.3.1", "core", b"x"), found))
    assert one.remote_address == "10.46.101.110"


def test_lldp_version_2_where_there_is_no_version_1() -> None:
    base, row = "1.3.111.2.802.1.1.13.1.4.1.1", "77.10102.1.4"
    values = {
        5: 4,
        6: b"\x00\x1b\x21\x3c\x4d\x5e",
        7: 5,
        8: b"Te1/0/3",
        9: b"uplink",
        10: b"core-1",
        11: b"",
        13: b"\x28",
    }
    parts = {oid(f"{base}.{column}.{row}"): value for column, value in values.items()}
    (found,) = read(made(interfaces(NAMES), parts))
    assert (found.local_if_index, found.remote_name, found.remote_port) == (10102, "core-1", "Te1/0/3")
    assert found.capabilities == ("bridge", "router")


def test_cdp_tells_vlan_duplex_and_address() -> None:
    base = "1.3.6.1.4.1.9.9.23.1.2.1.1"
    values = {
        4: bytes((10, 20, 0, 9)),
        5: b"IOS",
        6: b"core-1(FOC123)",
        7: b"GigabitEthernet1/0/3",
        8: b"cisco C9300",
        9: b"\x00\x00\x00\x28",
        11: 40,
        12: 2,
    }
    parts = {oid(f"{base}.{column}.10103.7"): value for column, value in values.items()}
    (found,) = read(made(interfaces(NAMES, vendor=9), parts))
    assert found == Neighbour(
        protocol="cdp",
        local_if_index=10103,
        local_port="Gi1/0/3",
        remote_name="core-1(FOC123)",
        remote_port="GigabitEthernet1/0/3",
        remote_port_description="",
        remote_chassis="",
        remote_platform="cisco C9300",
        remote_address="10.20.0.9",
        native_vlan=40,
        duplex="half",
        capabilities=("switch",),
    )


def test_foundry_tells_fdp_and_cdp_in_one_table() -> None:
    base = "1.3.6.1.4.1.1991.1.1.3.20.1.2.1.1"
    parts = {
        oid(f"{base}.{column}.10101.{row}"): value
        for row, kind in ((1, 1), (2, 2))
        for column, value in {3: b"icx", 7: b"ethernet1/1/1", 8: b"ICX7150", 10: kind}.items()
    }
    assert {one.protocol for one in read(made(interfaces(NAMES, vendor=1991), parts))} == {"fdp", "cdp"}


def test_jetstream_tells_its_own_table() -> None:
    base = "1.3.6.1.4.1.11863.6.35.1.2.2.1"
    values = {
        1: b"1/0/2",
        4: b"A4:B9:84:7E:91:4B",
        6: b"eth1",
        8: b"eth1",
        9: b"router-1",
        10: b"OpenWrt",
        12: b"Bridge Router",
    }
    parts = {oid(f"{base}.{column}.49154.1"): value for column, value in values.items()}
    ifs = {49153: "gigabitEthernet 1/0/1 : copper", 49154: "gigabitEthernet 1/0/2 : copper"}
    (found,) = read(made(interfaces(ifs, vendor=11863), parts))
    assert (found.local_if_index, found.remote_name, found.remote_port) == (49154, "router-1", "eth1")
    assert found.remote_chassis == "a4:b9:84:7e:91:4b"


def test_routeros_before_7_7_tells_every_neighbour_on_port_0() -> None:
    parts = (
        heard("0.0.1", "sw11", b"p24"),
        rows("1.3.6.1.4.1.14988.1.1.11.1.1.8", {"1": 6}),
        rows("1.3.6.1.4.1.14988.1.1.14.1.1.2", {"6": b"ether5"}),
    )
    (found,) = read(made(interfaces({5: "ether4", 6: "ether5"}, vendor=14988), *parts))
    assert (found.local_if_index, found.local_port) == (6, "ether5")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param({}, (), id="nothing is told"),
        pytest.param({oid("1.0.8802.1.1.2.1.3.2.0"): b"\x00" * 6}, ("lldp",), id="LLDP listens"),
        pytest.param(local({1: b"a"}), ("lldp",), id="LLDP has ports"),
        pytest.param({oid("1.3.6.1.4.1.9.9.23.1.3.1.0"): 1}, ("cdp",), id="CDP runs"),
        pytest.param({oid("1.3.6.1.4.1.9.9.23.1.3.1.0"): 2}, (), id="CDP is off"),
    ],
)
def test_whether_it_listens(parts: Any, expected: tuple[str, ...]) -> None:
    assert asyncio.run(made(interfaces(NAMES), parts).read(read_spoken)) == expected


def test_a_restricted_view_is_no_empty_room() -> None:
    hidden = {key: value for key, value in interfaces(NAMES).items() if key[:7] == oid("1.3.6.1.2.1.1")}
    with pytest.raises(CannotTell, match="restricted"):
        read(made(hidden, heard("0.3.1", "core", b"x")))


@given(st.binary(max_size=300), st.one_of(st.none(), st.integers(-1, 300)))
def test_whatever_is_sent_is_readable_and_bounded(raw: bytes, kind: int | None) -> None:
    found = told.identity(raw, kind, mac_kind=3, address_kind=4)
    assert len(found) <= told.MAX_TEXT
    assert "\x00" not in found
    for reads in (told.lldp_capabilities, told.cdp_capabilities):
        assert len(reads(raw)) <= 8


MORE = {
    "ciscowlc_cbw240ac": "the data beside it has no module of neighbours",
    "jetstream_vlans": "an index without time mark, in quotes: left out there",
    "linksys-ss_lgs318p": "neighbours without any name: left out there",
    "routeros_rb750gr3": "the data beside it has no module of neighbours",
    "zynos_gs1900-fdb": "neighbours without any name: left out there",
}
"""Recordings in which we find neighbours and the data beside them has none, and why."""
NO_INTERFACES = {"junos_ex", "netgear_3"}
"""Recordings without IF-MIB: no view, no neighbours."""


@pytest.mark.parametrize("name", names())
def test_recordings(name: str) -> None:
    found = device(Recording.of(FOLDER / f"{name}.snmprec"))
    if name in NO_INTERFACES:
        with pytest.raises(CannotTell):
            read(found)
        return
    neighbours = read(found)
    ports = {port.if_index: port.name for port in asyncio.run(found.read(read_ports))}
    discovered = json.loads((FOLDER / f"{name}.json").read_text()).get("discovery-protocols", {})
    theirs = sorted(map(_theirs, (discovered.get("discovery") or {}).get("links", [])))
    ours = sorted(
        (
            one.protocol,
            ports.get(one.local_if_index or 0, "?"),
            one.remote_name,
            one.remote_port.replace(":", "").lower(),
        )
        for one in neighbours
    )
    if name in MORE:
        assert not theirs
        assert ours, "The difference has gone: take it out of the table."
        assert all(port != "?" for _, port, _, _ in ours)
    else:
        assert ours == theirs


def _theirs(link: dict[str, Any]) -> tuple[str, str, str, str]:
    """They add the chassis behind the port, and write a hardware address in their own ways."""
    port = link["remote_port"].partition(" (")[0]
    plain = port.replace(":", "").replace(" ", "").lower()
    return link["protocol"], link["ifName"], link["remote_hostname"], plain
