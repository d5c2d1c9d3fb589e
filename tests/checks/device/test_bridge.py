from __future__ import annotations

import asyncio
from typing import Any

import pytest

from checks.device.arp_table import Owner, read_arp
from checks.device.bridge import Forwarding, Learned, read_forwarding
from checks.vantage import CannotTell
from tests.checks.device.fixtures import base_ports, interfaces, made, rows
from tests.recordings import FOLDER, Recording, device, names

NAMES = {10101: "Gi1/0/1", 10102: "Gi1/0/2", 3: "Gi1/0/3"}
BASE = base_ports({1: 10101, 2: 10102})
MAC, ARCS = "00:1b:21:3c:4d:5e", "0.27.33.60.77.94"
Q, D = "1.3.6.1.2.1.17.7.1.2.2.1", "1.3.6.1.2.1.17.4.3.1"


def read(*parts: Any, **more: Any) -> Forwarding:
    contexts = more.pop("contexts", None)
    return asyncio.run(made(interfaces(NAMES, **more), BASE, *parts, contexts=contexts).read(read_forwarding))


def learned(place: int | None, vlan: int | None, *, own: bool = False) -> tuple[Learned, ...]:
    return (Learned(mac=MAC, if_index=place, vlan=vlan, own=own),)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param(rows(f"{Q}.2", {f"20.{ARCS}": 1}), learned(10101, 20), id="by VLAN"),
        pytest.param(
            rows(f"{Q}.2", {f"20.6.{ARCS}": 2}), learned(10102, 20), id="a length before the address"
        ),
        pytest.param(
            rows(f"{Q}.2", {f"20.{ARCS}": 0}), learned(None, 20, own=True), id="port 0 is the switch"
        ),
        pytest.param(
            rows(f"{Q}.2", {f"20.{ARCS}": 3}), learned(3, 20), id="an ifIndex in place of a base port"
        ),
        pytest.param(rows(f"{Q}.2", {f"20.{ARCS}": 0x8002}), learned(10102, 20), id="an STP port id"),
        pytest.param(rows(f"{Q}.2", {f"20.{ARCS}": 77}), learned(None, 20), id="a number that leads nowhere"),
        pytest.param(
            rows(f"{Q}.2", {f"3.{ARCS}": 1}) | rows("1.3.6.1.2.1.17.7.1.4.2.1.3", {"0.20": 3, "0.30": 4}),
            learned(10101, 20),
            id="the database of a VLAN",
        ),
        pytest.param(
            rows(f"{Q}.2", {f"3.{ARCS}": 1}) | rows("1.3.6.1.2.1.17.7.1.4.2.1.3", {"0.20": 3, "0.30": 3}),
            learned(10101, None),
            id="a database that two VLANs share",
        ),
        pytest.param(
            rows(f"{Q}.2", {f"20.{ARCS}": 1}) | rows(f"{Q}.3", {f"20.{ARCS}": 4}),
            learned(10101, 20, own=True),
            id="an address of the switch",
        ),
        pytest.param(rows(f"{D}.2", {ARCS: 2}), learned(10102, None), id="without VLANs"),
        pytest.param(
            rows(f"{D}.1", {"7": bytes.fromhex("001b213c4d5e")}) | rows(f"{D}.2", {"7": 0x8001}),
            learned(10101, None),
            id="rows by number",
        ),
    ],
)
def test_forwarding(parts: Any, expected: tuple[Learned, ...]) -> None:
    assert read(parts).entries == expected


def test_what_is_invalid_is_not_learned() -> None:
    with pytest.raises(CannotTell, match="forwarding table"):
        read(rows(f"{Q}.2", {f"20.{ARCS}": 1}) | rows(f"{Q}.3", {f"20.{ARCS}": 2}))


def test_an_empty_table_is_no_answer() -> None:
    with pytest.raises(CannotTell, match="forwarding table"):
        read({})


VTP = rows("1.3.6.1.4.1.9.9.46.1.3.1.1.2", {"1.10": 1, "1.20": 1, "1.30": 2, "1.1002": 1})


def test_a_cisco_shows_each_vlan_in_its_own_context() -> None:
    ten = base_ports({7: 10102}) | rows(f"{D}.2", {ARCS: 7})
    found = read(VTP, vendor=9, contexts={"10": ten})
    assert found == Forwarding(entries=learned(10102, 10))


def test_a_context_that_is_not_shown_is_said() -> None:
    switch = made(interfaces(NAMES, vendor=9), BASE, VTP)
    recording = switch.agent

    class Refusing:
        name = "switch@20"

        async def table(self, *_: object, **__: object) -> object:
            raise CannotTell("No answer.", "Look.")

    ten = Recording({**base_ports({7: 10102}), **rows(f"{D}.2", {ARCS: 7})}, "switch@10")
    recording.in_context = lambda vlan: ten if vlan == "10" else Refusing()  # type: ignore[method-assign, assignment, return-value]
    found = asyncio.run(switch.read(read_forwarding))
    assert found.entries == learned(10102, 10)
    assert found.unread == (20,)


def test_contexts_that_do_not_answer_are_not_all_waited_for() -> None:
    many = rows("1.3.6.1.4.1.9.9.46.1.3.1.1.2", {f"1.{vlan}": 1 for vlan in range(2, 200)})
    switch = made(interfaces(NAMES, vendor=9), BASE, many, rows(f"{D}.2", {ARCS: 1}))
    asked: list[str] = []

    class Silent:
        name = "switch@vlan"

        async def table(self, *_: object, **__: object) -> object:
            raise CannotTell("No answer.", "Look.")

    def context(vlan: str) -> Silent:
        asked.append(vlan)
        return Silent()

    switch.agent.in_context = context  # type: ignore[method-assign, assignment]
    found = asyncio.run(switch.read(read_forwarding))
    assert len(asked) == 2
    assert (found.entries, found.unread) == (learned(10101, None), tuple(range(2, 200)))


OLD, NEW = "1.3.6.1.2.1.4.22.1", "1.3.6.1.2.1.4.35.1"
RAW = bytes.fromhex("001b213c4d5e")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param(rows(f"{OLD}.2", {"3.10.20.0.9": RAW}), "10.20.0.9", id="old"),
        pytest.param(rows(f"{OLD}.2", {"3.10.20.0.9": b"0:1b:21:3c:4d:5e"}), "10.20.0.9", id="written out"),
        pytest.param(rows(f"{NEW}.4", {"3.1.4.10.20.0.9": RAW}), "10.20.0.9", id="new"),
        pytest.param(rows(f"{NEW}.4", {"3.1.10.20.0.9": RAW}), "10.20.0.9", id="without length"),
        pytest.param(rows(f"{NEW}.4", {"3.2.16.254.128" + ".0" * 13 + ".1": RAW}), "fe80::1", id="IPv6"),
        pytest.param(
            rows(f"{NEW}.4", {"3.4.20.254.128" + ".0" * 13 + ".1.0.0.0.9": RAW}),
            "fe80::1",
            id="IPv6 with zone",
        ),
    ],
)
def test_arp(parts: Any, expected: str) -> None:
    assert asyncio.run(made(parts).read(read_arp)) == (Owner(address=expected, mac=MAC, if_index=3),)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param({}, id="empty"),
        pytest.param(rows(f"{NEW}.4", {"1": 0}), id="a row that is none"),
        pytest.param(rows(f"{OLD}.2", {"3.10.20.0.9": b"\xff" * 6}), id="broadcast"),
        pytest.param(
            rows(f"{OLD}.2", {"3.10.20.0.9": RAW}) | rows(f"{OLD}.4", {"3.10.20.0.9": 2}), id="invalid"
        ),
        pytest.param(rows(f"{OLD}.2", {"3.10.20.0.999": RAW}), id="no address"),
    ],
)
def test_no_arp(parts: Any) -> None:
    with pytest.raises(CannotTell, match="ARP"):
        asyncio.run(made(parts).read(read_arp))


LEARNED = {
    "arubaos-cx_10.10": 16,
    "arubaos-cx_10.16": 132,
    "awplus": 25,
    "boss_ers3510": 17,
    "ciscosb_cbs350": 10,
    "comware_a5500": 104,
    "dlink_dgs-1510-28xmp-me": 123,
    "edgeswitch_10xp": 34,
    "ios_2960x": 29,
    "iosxe_ie32008t2s-ios17-12": 1,
    "jetstream_vlans": 74,
    "junos_rpm": 73,
    "linksys-ss_lgs318p": 39,
    "routeros_rb750gr3": 93,
    "swos_css326-24g-2s+": 25,
    "zynos_gs1900-fdb": 36,
}
"""Rows of dot1qTpFdbPort or dot1dTpFdbPort in each recording; every one of them must be read."""


@pytest.mark.parametrize("name", names())
def test_recordings(name: str) -> None:
    found = device(Recording.of(FOLDER / f"{name}.snmprec"))
    try:
        forwarding = asyncio.run(found.read(read_forwarding))
    except CannotTell:
        assert name not in LEARNED
        return
    assert len(forwarding.entries) == LEARNED[name]
    assert all(one.own for one in forwarding.entries if one.if_index is None)
