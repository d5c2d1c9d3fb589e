"""Half a table of neighbours, of spanning tree or of duplex modes is no table."""

from __future__ import annotations

import asyncio

import pytest

from checks.contract import CannotTell, Status, worst
from checks.device.half import same_rows
from checks.device.neighbours import read_neighbours
from checks.device.stp import read_tree
from checks.switch._judge_port import every_port
from tests.checks.device.fixtures import Objects, base_ports, heard, interfaces, local, made, rows
from tests.checks.switch.made import port
from tests.recordings import oid

NAMES = {1: "Gi1/0/1", 2: "Gi1/0/2", 3: "Gi1/0/3"}
LLDP, CDP, TREE = "1.0.8802.1.1.2.1.4.1.1", "1.3.6.1.4.1.9.9.23.1.2.1.1", "1.3.6.1.2.1.17.2"


def switch(vendor: int = 99999) -> Objects:
    return interfaces(NAMES, vendor=vendor) | base_ports({1: 1, 2: 2, 3: 3}) | local({1: b"1", 2: b"2"})


def two() -> Objects:
    return heard("0.1.1", "core-1", b"Te1") | heard("0.2.2", "core-2", b"Te2", chassis=b"\2\2\2\2\2\2")


def cdp() -> Objects:
    return (
        rows(f"{CDP}.6", {"1.1": b"core-1", "2.1": b"core-2"})
        | rows(f"{CDP}.7", {"1.1": b"Te1", "2.1": b"Te2"})
        | {oid("1.3.6.1.4.1.9.9.23.1.3.1.0"): 1}
    )


def tree() -> Objects:
    return (
        {oid(f"{TREE}.{one}.0"): value for one, value in {1: 3, 2: 32768, 4: 0, 7: 0}.items()}
        | {oid(f"{TREE}.5.0"): bytes.fromhex("8000020202020202")}
        | rows(f"{TREE}.15.1.3", {"1": 5, "2": 5, "3": 2})
        | rows(f"{TREE}.15.1.4", {"1": 1, "2": 1, "3": 1})
    )


@pytest.mark.parametrize(
    ("objects", "reader", "lost"),
    [
        (switch() | two(), read_neighbours, f"{LLDP}.9.0.2.2"),
        (switch() | two(), read_neighbours, f"{LLDP}.7.0.2.2"),
        (switch() | two(), read_neighbours, f"{LLDP}.5.0.1.1"),
        (switch(9) | cdp(), read_neighbours, f"{CDP}.6.2.1"),
        (switch(9) | cdp(), read_neighbours, f"{CDP}.7.2.1"),
        (switch() | tree(), read_tree, f"{TREE}.15.1.3.3"),
    ],
    ids=["lldp-name", "lldp-port", "lldp-chassis", "cdp-name", "cdp-port", "stp-state"],
)
def test_a_row_of_which_a_part_is_missing(objects, reader, lost):
    assert asyncio.run(made(objects).read(reader))
    del objects[oid(lost)]
    with pytest.raises(CannotTell, match="half a table"):
        asyncio.run(made(objects).read(reader))


def test_a_name_that_no_neighbour_sends_is_no_missing_part():
    objects = {
        one: value
        for one, value in (switch() | two()).items()
        if one[: len(oid(LLDP)) + 1] != oid(f"{LLDP}.9")
    }
    assert asyncio.run(made(objects).read(read_neighbours))


def test_columns_that_are_empty_say_nothing_of_the_others():
    same_rows("sw1", "a table", {}, {(1,): 1}, {(1,): b""})
    same_rows("sw1", "a table", {}, {})


@pytest.mark.parametrize(
    ("told", "untold", "wanted"),
    [
        (6, 0, "pass"),
        (6, 1, "pass"),
        (0, 6, "pass"),
        (20, 3, "pass"),
        (3, 3, "inconclusive"),
        (6, 2, "inconclusive"),
    ],
)
def test_duplex_modes_of_some_ports_only(told, untold, wanted):
    ports = [port(index, f"Gi1/0/{index}") for index in range(told)] + [
        port(100 + index, f"Gi2/0/{index}", duplex="unknown", duplex_told=False) for index in range(untold)
    ]
    assert worst(one.status for one in every_port("sw1", tuple(ports), None)) is Status(wanted)
