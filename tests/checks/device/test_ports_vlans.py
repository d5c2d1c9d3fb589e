"""Ports and VLANs from small tables: half ones, restricted views, and the quirks that agents have."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.device.portlists import MAX_PORT, bits, port_sets
from checks.device.ports import read_base_ports, read_ports
from checks.device.system import read_system
from checks.device.values import mac, number, text
from checks.device.vlans import read_vlans
from checks.vantage import CannotTell
from tests.checks.device.fixtures import Objects, base_ports, interfaces, made, rows
from tests.recordings import oid

NAMES = {1: "Gi1/0/1", 2: "Gi1/0/2", 3: "Gi1/0/3", 101: "Po1", 200: "Vlan20"}
Q = "1.3.6.1.2.1.17.7.1.4"
OPER, DESCR, TYPE = (f"1.3.6.1.2.1.2.2.1.{column}" for column in (8, 2, 3))


def read(objects: Objects, reader=read_ports):
    return asyncio.run(made(objects).read(reader))


def plain() -> Objects:
    return interfaces(NAMES) | rows(TYPE, {"101": 161, "200": 136})


def without(objects: Objects, *bases: str) -> Objects:
    heads = [oid(base) for base in bases]
    return {one: value for one, value in objects.items() if not any(one[: len(h)] == h for h in heads)}


def test_ports_are_told_with_what_can_be_plugged_in():
    ports = {port.if_index: port for port in read(plain())}
    assert [index for index, port in ports.items() if port.physical] == [1, 2, 3]
    assert (ports[1].name, ports[1].oper, ports[1].speed_mbps, ports[1].duplex) == (
        "Gi1/0/1",
        "up",
        1000,
        "full",
    )


@pytest.mark.parametrize(
    "taken",
    [(OPER,), (f"{OPER}.2",), (f"{OPER}.3", f"{OPER}.101", f"{OPER}.200")],
    ids=["all-states", "one-state", "the-end"],
)
def test_half_a_table_is_not_a_table(taken):
    with pytest.raises(CannotTell, match="half a table"):
        read(without(plain(), *taken))


def test_an_end_that_all_columns_share_is_told_by_the_number_of_interfaces():
    whole = plain() | {oid("1.3.6.1.2.1.2.1.0"): 5}
    assert len(read(whole)) == 5
    cut = {one: v for one, v in whole.items() if not (one[:8] == oid("1.3.6.1.2.1.2.2") and one[-1] > 100)}
    cut = {one: v for one, v in cut.items() if not (one[:7] == oid("1.3.6.1.2.1.31") and one[-1] > 100)}
    with pytest.raises(CannotTell, match="has 5 interfaces"):
        read(cut)


def test_a_restricted_view_is_no_switch_without_ports():
    group = {one: v for one, v in plain().items() if one[:7] == oid("1.3.6.1.2.1.1")}
    with pytest.raises(CannotTell, match="restricted"):
        read(group)
    assert read(group, read_system).sys_name == "sw1"
    with pytest.raises(CannotTell, match="restricted"):
        read({}, read_system)


@pytest.mark.parametrize(
    ("high", "low", "wanted"),
    [
        (1000, 0, 1000), (0, 100_000_000, 100), (None, 1_000_000_000, 1000), (10_000, 0xFFFFFFFF, 10_000),
        (0, 0xFFFFFFFF, None), (0, 0, None), (0xFFFFFFF0, 100_000_000, 100), (None, 64_000, None),
        (100_000_000, 100_000_000, 100), (1_000_000_000, 1_000_000_000, 1000), (100, 100, 100),
        (1_600_000, 0xFFFFFFFF, 1_600_000),
    ],
)  # fmt: skip
def test_speed(high, low, wanted):
    objects = without(plain(), "1.3.6.1.2.1.31.1.1.1.15.1") | rows("1.3.6.1.2.1.2.2.1.5", {"1": low})
    if high is not None:
        objects |= rows("1.3.6.1.2.1.31.1.1.1.15", {"1": high})
    assert read(objects)[0].speed_mbps == wanted


@pytest.mark.parametrize("told", [0, 1, 4, 64, 255, b"", b"full", (1, 3)])
def test_duplex_out_of_range_is_unknown(told):
    assert read(plain() | rows("1.3.6.1.2.1.10.7.2.1.19", {"1": told}))[0].duplex == "unknown"


def test_since_when_is_told_only_where_the_clock_allows():
    changed = rows("1.3.6.1.2.1.2.2.1.9", {"1": 400_000, "2": 1_000_001, "3": 0})
    first, second, third = read(plain() | changed)[:3]
    assert (first.since_s, second.since_s, third.since_s) == (6000.0, None, 10_000.0)


@pytest.mark.parametrize(
    "told",
    [
        rows("1.3.6.1.2.1.31.1.2.1.3", {"101.2": 1, "101.3": 1, "0.101": 1, "200.1": 1, "101.1": 2}),
        rows("1.2.840.10006.300.43.1.2.1.1.13", {"1": 0, "2": 101, "3": 101}),
    ],
    ids=["ifStackTable", "LACP"],
)
def test_members_of_an_aggregation(told):
    ports = {port.if_index: port for port in read(plain() | told)}
    assert ports[101].members == (2, 3)
    assert (ports[1].lag, ports[2].lag, ports[3].lag) == (None, 101, 101)


def test_base_ports_by_either_mib():
    assert read(base_ports({1: 10101, 2: 10102}), read_base_ports) == {1: 10101, 2: 10102}
    newer = rows("1.3.111.2.802.1.1.2.1.1.4.1.3", {"1.1": 10101})
    assert read(newer, read_base_ports) == {1: 10101}


def bridge(*, current: dict[str, bytes], untagged: dict[str, bytes], **more: Objects) -> Objects:
    found = plain() | base_ports({1: 1, 2: 2, 3: 3, 4: 101})
    found |= rows(f"{Q}.3.1.1", {"10": b"Office", "20": b"Phones"})
    found |= rows(f"{Q}.2.1.4", current) | rows(f"{Q}.2.1.5", untagged)
    for one in more.values():
        found |= one
    return found


def sets(objects: Objects) -> dict[int, tuple[tuple[int, ...], tuple[int, ...]]]:
    return {vlan.id: (vlan.untagged, vlan.tagged) for vlan in read(objects, read_vlans).vlans}


def test_bit_maps_count_base_ports_from_the_highest_bit():
    told = bridge(
        current={"0.10": b"\xd0", "0.20": b"\x30"}, untagged={"0.10": b"\xc0", "0.20": b"\x20\x00\x00"}
    )
    assert sets(told) == {10: ((1, 2), (101,)), 20: ((3,), (101,))}


def test_of_several_time_marks_the_newest_counts():
    told = bridge(
        current={"7.10": b"\x80", "900.10": b"\x40", "0.20": b"\x20"},
        untagged={"7.10": b"\x80", "900.10": b"\x40", "0.20": b"\x20"},
    )
    assert sets(told)[10] == ((2,), ())


def test_a_bit_that_is_no_base_port_is_no_port():
    told = bridge(current={"0.10": b"\xff\xff", "0.20": b"\x01"}, untagged={"0.10": b"\xff", "0.20": b""})
    assert sets(told) == {10: ((1, 2, 3, 101), ()), 20: ((), ())}


def test_a_vlan_with_numbers_of_no_port_is_unread():
    told = bridge(current={"0.10": b"\xd0", "0.20": b"\x07"}, untagged={"0.10": b"\xc0", "0.20": b""})
    assert read(told, read_vlans).unread == (20,)


@pytest.mark.parametrize(
    ("current", "untagged", "wanted"),
    [
        (
            {"0.10": b"\0\0\0\x0b", "0.20": b"\0\0\0\x0c"},
            {"0.10": b"\0\0\0\x03", "0.20": b"\0\0\0\x04"},
            {10: ((1, 2), (101,)), 20: ((3,), (101,))},
        ),
        ({"0.10": b"\0\0\x10\x03"}, {"0.10": b"\0\0\0\x03"}, {10: ((), ()), 20: ((), ())}),
        (
            {"0.10": b"\x80\0\0\x01", "0.20": b"\0\0\0\x02"},
            {"0.10": b"\x80\0\0\x01", "0.20": b"\0\0\0\x02"},
            {10: ((1,), ()), 20: ((), ())},
        ),
    ],
    ids=["from-the-lowest-bit", "neither-way", "one-vlan-is-read"],
)
def test_bit_maps_of_no_port_are_read_from_their_lowest_bit(current, untagged, wanted):
    told = bridge(current=current, untagged=untagged)
    assert sets(told) == wanted
    assert set(read(told, read_vlans).unread) == {vlan for vlan, (some, more) in wanted.items() if not some}


def test_a_vlan_without_its_untagged_ports_is_unread():
    told = bridge(current={"0.10": b"\xd0", "0.20": b"\x30"}, untagged={"0.10": b"\xc0"})
    found = read(told, read_vlans)
    assert found.unread == (20,)


def test_empty_current_sets_give_way_to_the_configured_ones():
    static = rows(f"{Q}.3.1.2", {"10": b"\x80", "20": b"\x40"}) | rows(
        f"{Q}.3.1.4", {"10": b"\x80", "20": b"\x00"}
    )
    told = bridge(
        current={"0.10": b"\0", "0.20": b"\0"}, untagged={"0.10": b"\0", "0.20": b"\0"}, static=static
    )
    assert sets(told) == {10: ((1,), ()), 20: ((), (2,))}
    assert "configuration" in read(told, read_vlans).source


def test_vlans_whose_ports_nobody_tells_are_unread():
    told = bridge(current={}, untagged={}, pvid=rows(f"{Q}.5.1.1", {"1": 10, "2": 20, "3": 0}))
    found = read(told, read_vlans)
    assert (found.unread, found.pvid) == ((10, 20), {"1": 10, "2": 20})


@pytest.mark.parametrize(
    ("object_id", "wanted"),
    [("1.3.6.1.4.1.9.6.1.1004.28.5", {"2": 10}), ("1.3.6.1.4.1.99999.1", {"1": 1, "2": 10})],
    ids=["cisco-business", "others"],
)
def test_a_pvid_that_means_nothing_in_access_mode_is_left_out(object_id, wanted):
    told = bridge(
        current={"0.10": b"\xc0", "0.20": b"\0"}, untagged={"0.10": b"\xc0", "0.20": b"\0"},
        pvid=rows(f"{Q}.5.1.1", {"1": 1, "2": 10}),
    )  # fmt: skip
    told[oid("1.3.6.1.2.1.1.2.0")] = oid(object_id)
    assert read(told, read_vlans).pvid == wanted


def test_no_vlan_table_is_inconclusive():
    with pytest.raises(CannotTell, match="no VLAN"):
        read(plain(), read_vlans)


TRUNK = "1.3.6.1.4.1.9.9.46.1.6.1.1"


def cisco(**more: Objects) -> Objects:
    found = interfaces(NAMES, vendor=9)
    vtp = "1.3.6.1.4.1.9.9.46.1.3.1.1"
    found |= rows(f"{vtp}.2", {"1.1": 1, "1.20": 1, "1.30": 2, "1.1025": 1, "1.1002": 1})
    found |= rows(f"{vtp}.3", {"1.1": 1, "1.20": 1, "1.30": 1, "1.1025": 1, "1.1002": 2})
    found |= rows(f"{vtp}.4", {"1.1": b"default", "1.20": b"Office", "1.30": b"Old", "1.1025": b"Far"})
    found |= rows("1.3.6.1.4.1.9.9.68.1.2.2.1.2", {"1": 20, "2": 525})
    found |= rows("1.3.6.1.4.1.9.9.68.1.5.1.1.1", {"1": 1025, "2": 4096})
    found |= rows(f"{TRUNK}.5", {"1": 1, "3": 1}) | rows(f"{TRUNK}.14", {"1": 2, "3": 1})
    for one in more.values():
        found |= one
    return found


def test_cisco_bit_maps_begin_with_vlan_0():
    allowed = rows(f"{TRUNK}.4", {"3": b"\x40\x00\x08" + b"\0" * 125}) | rows(f"{TRUNK}.17", {"3": b"\x40"})
    found = read(cisco(allowed=allowed), read_vlans)
    assert {vlan.id: (vlan.untagged, vlan.tagged) for vlan in found.vlans} == {
        1: ((3,), ()), 20: ((1,), (3,)), 30: ((), ()), 1025: ((), (1, 3)),
    }  # fmt: skip
    assert (found.pvid, found.suspended, found.open_trunks) == ({"1": 20, "2": 525, "3": 1}, (30,), ())


def test_a_trunk_that_tells_no_allowed_vlans_is_open():
    assert read(cisco(), read_vlans).open_trunks == (3,)


def test_a_native_vlan_that_is_not_allowed_is_not_carried():
    found = read(cisco(allowed=rows(f"{TRUNK}.4", {"3": b"\x00\x00\x08"})), read_vlans)
    assert {vlan.id: vlan.untagged for vlan in found.vlans}[1] == ()


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        ({"1": b"1,2,5-7", "2": b"8"}, {1: {1, 2, 5, 6, 7}, 2: {8}}),
        ({"1": b"12", "2": b"5"}, {1: {3, 4, 8, 11, 12, 15}, 2: {3, 4, 6, 8}}),
        ({"1": b"C0 00 00 00", "2": b"0000 0001"}, {1: {1, 2}, 2: {32}}),
        ({"1": b"", "2": b"\x80"}, {1: set(), 2: {1}}),
    ],
    ids=["list", "octets-that-look-like-digits", "hex-text", "short"],
)
def test_port_lists(column, wanted):
    told = port_sets({(int(index),): value for index, value in column.items()})
    assert {index[0]: set(ports) for index, ports in told.items()} == wanted


def test_a_range_in_a_list_is_bounded():
    assert max(port_sets({(1,): b"9,1-999999"})[(1,)]) == MAX_PORT


@given(st.dictionaries(st.tuples(st.integers(1, 9)), st.binary(max_size=64), max_size=5))
def test_any_octets_make_bounded_sets(column):
    for ports in port_sets(column).values():
        assert all(0 < port <= max(MAX_PORT, 8 * 64) for port in ports)


@given(st.binary(max_size=64))
def test_bit_maps_say_their_bits(octets):
    found = bits(octets)
    assert len(found) == sum(octet.bit_count() for octet in octets)


@given(st.one_of(st.binary(max_size=80), st.integers(), st.tuples(st.integers(0, 9))))
def test_any_value_is_read(value):
    assert isinstance(text(value), str)
    assert number(value) is None or isinstance(number(value), int)
    assert mac(value) == "" or len(mac(value)) == 17


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (b"Gi1/0/1\0\0", "Gi1/0/1"), (b"B\xfcro ", "B\u00fcro"), ("Büro".encode(), "Büro"), (7, ""),
        (b"\0\0", ""), (None, ""),
    ],
)  # fmt: skip
def test_text(value, wanted):
    assert text(value) == wanted
