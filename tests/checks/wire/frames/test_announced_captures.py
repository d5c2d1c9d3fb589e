"""Recorded announcements against second decoders: tshark where it is installed, scapy without strict LLDP."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.wire.frames.announced import Announced
from checks.wire.frames.discovery import Said, read_frame
from checks.wire.frames.pcap import ETHERNET, Captured, read_capture
from tests.beside import DATA
from tests.lab.needs import tool

PCAP = DATA / "wifi" / "pcap"
CAPTURES = sorted(path for path in PCAP.rglob("*") if path.suffix in (".pcap", ".pcapng", ".cap"))
SEEDS = sorted(PCAP.rglob("*.raw"))

pytestmark = pytest.mark.skipif(not CAPTURES, reason="The recorded captures are not here.")

PAIRS = {
    "lldp.chassis.id.mac": "chassis", "lldp.tlv.system.name": "name", "lldp.port.id": "port",
    "lldp.ieee.802_1.port_vlan.id": "vlan", "lldp.time_to_live": "ttl",
    "lldp.ieee.802_3.max_frame_size": "mtu",
    "cdp.deviceid": "name", "cdp.portid": "port", "cdp.platform": "platform", "cdp.native_vlan": "vlan",
    "cdp.ttl": "ttl", "stp.root.hw": "root", "stp.root.cost": "cost", "stp.pvst.origvlan": "vlan",
    "dtp.domain": "domain", "vtp.md": "domain", "vlan.id": "tag",
}  # fmt: skip
"""Fields of tshark, and ours."""


def frames(path: Path) -> list[Captured]:
    return list(read_capture(path.read_bytes()))


def one(path: Path) -> Announced:
    return next(said.neighbor for said in read(path) if said is not None and said.neighbor is not None)


def read(path: Path) -> Iterator[Said | None]:
    return (read_frame(frame.data) for frame in frames(path) if frame.link_type == ETHERNET)


@functools.cache
def by_tshark(path: Path) -> tuple[dict[str, str], ...]:
    words = [word for field in PAIRS for word in ("-e", field)]
    how = ["-n", "-T", "fields", "-E", "separator=\x1f", "-E", "occurrence=f"]
    done = subprocess.run(
        [str(tool("tshark")), "-r", path, *how, *words],
        capture_output=True, text=True, errors="replace", check=False, timeout=60,
    )  # fmt: skip
    return tuple(dict(zip(PAIRS, line.split("\x1f"), strict=False)) for line in done.stdout.splitlines())


def ours(said: Said | None) -> dict[str, str]:
    if said is None:
        return {}
    found: dict[str, object] = {"tag": said.tags[0].vlan if said.tags else None}
    if said.neighbor is not None:
        told = said.neighbor
        found |= {"chassis": told.chassis, "name": told.name, "port": told.port, "vlan": told.vlan}
        found |= {"ttl": told.ttl_s, "mtu": told.mtu, "platform": told.platform}
    if said.bpdu is not None:
        root = said.bpdu.root
        found |= {"root": root.mac if root else None, "cost": said.bpdu.cost, "vlan": said.bpdu.vlan}
    for record in (said.dtp, said.vtp):
        if record is not None:
            found["domain"] = record.domain
    return {name: str(value) for name, value in found.items() if value not in (None, "")}


DIFFERENT = {
    # Made to break decoders: the frame was cut or fuzzed, and a second opinion on its rest is none.
    "lldp_8023_mtu-oobr.pcap", "lldp_mgmt_addr_tlv_asan.pcap", "lldp-infinite-loop-2.pcap", "vtp_asan-3.pcap",
    "stp-heapoverflow-2.pcap", "stp-heapoverflow-4.pcap", "med-loc-malformed.pcap",
}  # fmt: skip


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_tshark_reads_the_same(path: Path) -> None:
    if tool("tshark") is None:
        pytest.skip("tshark is not installed.")
    if path.name in DIFFERENT:
        pytest.skip("Malformed on purpose.")
    told = by_tshark(path)
    heard = [read_frame(frame.data) if frame.link_type == ETHERNET else None for frame in frames(path)]
    compared = 0
    for number, (theirs, said) in enumerate(zip(told, heard, strict=False)):
        if said is None:
            assert not any(
                theirs[name] for name in PAIRS if name.partition(".")[0] in ("lldp", "cdp", "stp", "dtp")
            )
            continue
        mine = ours(said)
        for field, name in PAIRS.items():
            value = theirs[field]
            if not value:
                continue
            if field == "vlan.id" and said.tags and said.tags[0].kind == "ISL":
                continue
            if field == "lldp.ieee.802_1.port_vlan.id":
                value = str(int(value, 0))
            assert mine.get(name, "0") == value, f"frame {number + 1}: {field}"
            compared += 1
        told_something = said.neighbor or said.bpdu or said.dtp
        assert compared or not told_something, "tshark told nothing to compare with"


@pytest.mark.parametrize("path", [*CAPTURES, *SEEDS], ids=lambda path: path.name)
def test_every_capture_is_read_to_its_end(path: Path) -> None:
    data = [frame.data for frame in frames(path)] if path in CAPTURES else [path.read_bytes()]
    for frame in data:
        said = read_frame(frame)
        if said is not None and said.neighbor is not None:
            assert said.neighbor.complete or said.neighbor.faults or said.protocol == "edp"


@pytest.mark.parametrize(
    "path",
    [path for path in CAPTURES if "lldp" in path.name or "8023bt" in path.name],
    ids=lambda path: path.name,
)
def test_scapy_reads_the_same_basic_parts(path: Path) -> None:
    if path.name in DIFFERENT:
        pytest.skip("Malformed on purpose.")
    from scapy.config import conf
    from scapy.contrib import lldp
    from scapy.layers.l2 import Ether

    conf.contribs["LLDP"].strict_mode_disable()
    for frame in frames(path):
        packet, said = Ether(frame.data), read_frame(frame.data)
        if not packet.haslayer(lldp.LLDPDUTimeToLive):
            continue
        assert said is not None
        assert said.neighbor is not None
        assert packet[lldp.LLDPDUTimeToLive].ttl == said.neighbor.ttl_s
        if packet.haslayer(lldp.LLDPDUSystemName):
            assert packet[lldp.LLDPDUSystemName].system_name.decode().rstrip("\0") == said.neighbor.name
        if packet.haslayer(lldp.LLDPDUPortDescription):
            assert (
                packet[lldp.LLDPDUPortDescription].description.decode().rstrip("\0")
                == said.neighbor.port_description
            )


def named(name: str) -> Path:
    found = [path for path in (*CAPTURES, *SEEDS) if path.name == name]
    if not found:
        pytest.skip(f"{name} is not here.")
    return found[0]


def test_power_of_the_year_2018_is_read() -> None:
    said = one(named("8023bt.pcap"))
    assert (said.name, said.port, said.vlan, said.speed_mbps, said.duplex) == (
        "cisco-bt-switch",
        "Gi1/0/2",
        1,
        1000,
        "full",
    )
    assert said.poe is not None
    assert (said.poe.source, said.poe.enabled, said.poe.allocated_w, said.poe.available_w) == (
        True,
        True,
        51.0,
        51.0,
    )


def test_a_3560_by_cdp() -> None:
    said = one(named("3560_CDP.pcap"))
    assert (said.port, said.platform, said.vlan, said.duplex) == (
        "GigabitEthernet0/5",
        "cisco WS-C3560G-24PS",
        1,
        "full",
    )
    assert said.addresses == ("192.168.0.1",)
    assert said.capabilities == ("switch", "igmp")


@pytest.mark.parametrize(
    ("name", "native"), [("rpvstp-trunk-native-vid1.pcap.cap", 1), ("rpvstp-trunk-native-vid5.pcap", 5)]
)
def test_the_native_vlan_is_the_one_of_the_name(name: str, native: int) -> None:
    units = [said for said in read(named(name)) if said is not None and said.protocol == "pvst"]
    assert {said.bpdu.vlan for said in units if said.bpdu and not said.tags} == {native}
    assert {(said.tags[0].vlan, said.bpdu.vlan) for said in units if said.bpdu and said.tags} == {
        (6 - native, 6 - native)
    }


def test_mstp_names_its_region() -> None:
    said = [said for said in read(named("MSTP_Intra-Region_BPDUs.pcap")) if said is not None]
    assert {(unit.bpdu.version, unit.bpdu.region, unit.bpdu.instances) for unit in said if unit.bpdu} == {
        ("mstp", "Brewery", 2)
    }


def test_dtp_in_isl_and_without() -> None:
    said = [said for said in read(named("DTP.pcap")) if said is not None and said.dtp is not None]
    assert {(unit.dtp.mode, unit.dtp.trunk) for unit in said if unit.dtp} == {("auto", False)}
    assert {unit.tags[0].kind for unit in said if unit.tags} == {"ISL"}
    assert any(not unit.tags for unit in said)


def test_the_inventory_of_a_computer() -> None:
    frame = read_frame(named("lldp.1.raw").read_bytes())
    assert frame is not None
    assert frame.neighbor is not None
    assert frame.neighbor.inventory["serial"] == "105820850009"
    assert frame.neighbor.mtu == 1500
