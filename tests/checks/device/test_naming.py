"""A port is found by every name that people write for it, and a name that fits two is told as two."""

from __future__ import annotations

import dataclasses

import pytest

from checks.device.naming import canonical, find_ports
from checks.device.records import Port


def port(if_index: int, name: str, descr: str = "") -> Port:
    return Port(
        if_index=if_index, name=name, descr=descr, alias="", if_type=6, physical=True, admin="up", oper="up",
        speed_mbps=1000, duplex="full", mac="", mtu=1500, since_s=None, lag=None, members=(),
    )  # fmt: skip


CISCO = (
    port(10101, "Gi1/0/1", "GigabitEthernet1/0/1"),
    port(10201, "Te1/1/1", "TenGigabitEthernet1/1/1"),
    port(5001, "Po1", "Port-channel1"),
    port(1, "Vl1", "Vlan1"),
)


@pytest.mark.parametrize(
    ("written", "if_index"),
    [
        ("Gi1/0/1", 10101),
        ("gi1/0/1", 10101),
        ("GI 1/0/1", 10101),
        ("GigabitEthernet1/0/1", 10101),
        ("gigabitethernet 1/0/1", 10101),
        ("GE1/0/1", 10101),
        ("10101", 10101),
        ("te1/1/1", 10201),
        ("Ten-GigabitEthernet1/1/1", 10201),
        ("XGE1/1/1", 10201),
        ("port-channel1", 5001),
        ("Port-channel 1", 5001),
        ("po1", 5001),
        ("vlan1", 1),
    ],
)
def test_the_usual_spellings_lead_to_one_port(written, if_index):
    assert [found.if_index for found in find_ports(CISCO, written)] == [if_index]


@pytest.mark.parametrize("written", ["Gi1/0/11", "Gi1/0", "1/0/1", "Gi", "", "  ", "1010", "9" * 400, "²"])
def test_what_names_no_port_finds_none(written):
    assert find_ports(CISCO, written) == ()


def test_a_name_that_fits_two_ports_is_not_guessed():
    stack = (port(1, "ge-1", "Unit 1 port"), port(2, "ge1", "Unit 2 port"))
    assert len(find_ports(stack, "gi1")) == 2
    same = (port(1, "g1", "Ethernet Interface"), port(2, "g2", "Ethernet Interface"))
    assert len(find_ports(same, "Ethernet Interface")) == 2


def test_a_port_that_was_swapped_is_listed_twice_and_there_once():
    gone = dataclasses.replace(port(112, "Gi2/0/1"), oper="not_present")
    assert [found.if_index for found in find_ports((port(6, "Gi2/0/1"), gone), "Gi2/0/1")] == [6]
    assert find_ports((gone,), "Gi2/0/1") == (gone,)
    assert len(find_ports((port(6, "Gi2/0/1"), port(7, "Gi2/0/1")), "Gi2/0/1")) == 2


def test_a_written_name_goes_before_the_number_of_another():
    switch = (port(1, "2"), port(2, "1"))
    assert find_ports(switch, "1")[0].if_index == 2


def test_a_medium_behind_the_name_is_no_part_of_it():
    jetstream = (port(49153, "gigabitEthernet 1/0/1 : copper"),)
    assert find_ports(jetstream, "gi1/0/1") == jetstream


def test_names_of_other_vendors_stay_apart():
    assert canonical("ge-0/0/1") != canonical("xe-0/0/1")
    assert canonical("Eth1/1") == canonical("Ethernet1/1")
    assert canonical("swp1") != canonical("swp11")
