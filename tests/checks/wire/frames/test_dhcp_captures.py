"""Every DHCP message in the captures beside the repository, held against scapy's reading and tcpdump's."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from checks.wire.frames.dhcp import Malformed, Message, decode
from checks.wire.frames.udp_frame import UdpFrame, read_udp
from tests.beside import DATA
from tests.lab.needs import tool

FOLDER = DATA / "wifi" / "pcap"
CAPTURES = sorted(path for path in FOLDER.rglob("*") if path.suffix in (".pcap", ".cap", ".pcapng"))
NAMED = {
    "message-type": 53, "server_id": 54, "router": 3, "name_server": 6, "subnet_mask": 1, "lease_time": 51,
    "renewal_time": 58, "rebinding_time": 59, "domain": 15, "hostname": 12, "broadcast_address": 28,
    "NTP_server": 42, "tftp_server_name": 66, "requested_addr": 50, "vendor_class_id": 60,
    "max_dhcp_size": 57, "param_req_list": 55,
}  # fmt: skip
KINDS = ("", "DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM", "", "LEASEQUERY",
         "LEASEUNASSIGNED", "LEASEUNKNOWN", "LEASEACTIVE")  # fmt: skip
EXPECTED = {
    "DHCP_Inter_VLAN.cap": 4, "dhcp-auth.cap": 1, "dhcp-mud.pcap": 2, "dhcp-option-33.pcap": 5,
    "dhcp-rfc4388.pcap": 36, "bootp_asan-2.pcap": 0, "dhcp-unique-xid-join-data-growth.pcapng": 50,
    "dhcp_ack_subscriber_id_and_agent_remote_id.pcap": 1, "dhcp_discover_param_req_and_client_id.pcap": 1,
    "dhcp_time_and_nameserver.pcap": 2, "dhcp-eve-extended": 2, "dhcp-option-52-overload": 8,
}  # fmt: skip
"""Messages by the name of the capture, or of its folder; counted by scapy and by tcpdump."""


def label(path: Path) -> str:
    return path.parent.name if path.stem == "input" else path.name


def packets(path: Path) -> list[Any]:
    from scapy.layers.l2 import Ether
    from scapy.utils import rdpcap

    return [packet for packet in rdpcap(str(path)) if isinstance(packet, Ether)]


def messages(path: Path) -> list[tuple[Any, UdpFrame, Message]]:
    found = []
    for packet in packets(path):
        datagram = read_udp(packet.original or bytes(packet))
        if datagram is None or not {datagram.source_port, datagram.target_port} & {67, 68}:
            continue
        try:
            found.append((packet, datagram, decode(datagram.payload)))
        except Malformed:
            continue
    return found


@pytest.mark.skipif(not CAPTURES, reason="The captures are not beside the repository.")
@pytest.mark.parametrize("path", CAPTURES, ids=[str(path.relative_to(FOLDER)) for path in CAPTURES])
def test_scapy_reads_the_same(path: Path) -> None:
    from scapy.layers.dhcp import BOOTP, DHCP

    found = messages(path)
    if label(path) in EXPECTED:
        assert len(found) == EXPECTED[label(path)]
    assert len(found) == sum(BOOTP in packet for packet in packets(path))
    for packet, _, ours in found:
        other = packet[BOOTP]
        assert (ours.reply, ours.xid, ours.secs) == (other.op == 2, other.xid, other.secs)
        for mine, theirs in (
            (ours.yours, other.yiaddr),
            (ours.relay, other.giaddr),
            (ours.client, other.ciaddr),
        ):
            assert (mine or "0.0.0.0") == theirs
        if DHCP not in packet:
            continue
        overloaded = ours.option(52) is not None
        for item in packet[DHCP].options:
            if not isinstance(item, tuple) or item[0] not in NAMED:
                continue
            values = ours.values(NAMED[item[0]])
            theirs = tuple(_written(item[0], value) for value in _list(item))
            assert values == theirs or (overloaded and values[: len(theirs)] == theirs), item


def _list(item: tuple[Any, ...]) -> list[Any]:
    return list(item[1]) if len(item) == 2 and isinstance(item[1], list) else list(item[1:])


def _written(name: str, value: Any) -> str:
    if name == "message-type":
        return KINDS[value]
    return value.rstrip(b"\0").decode() if isinstance(value, bytes) else str(value)


@pytest.mark.skipif(not CAPTURES or tool("tcpdump") is None, reason="No captures beside, or no tcpdump.")
@pytest.mark.parametrize("name", [name for name, count in EXPECTED.items() if count])
def test_tcpdump_reads_the_same(name: str) -> None:
    (path,) = (path for path in CAPTURES if label(path) == name)
    done = subprocess.run(
        [tool("tcpdump") or "", "-vvv", "-n", "-r", path, "udp", "port", "67", "or", "68"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    blocks = re.split(r"\n(?=\S)", done.stdout.strip())
    found = messages(path)
    assert len(blocks) == len(found)
    for block, (_, _, ours) in zip(blocks, found, strict=True):
        for code, key in ((54, "Server-ID"), (1, "Subnet-Mask"), (51, "Lease-Time"), (58, "RN"), (59, "RB")):
            for said in re.findall(rf"^\s*{key} \(\d+\), length 4: (\S+)$", block, re.MULTILINE):
                assert ours.values(code) == (said,), block
        for code, key in ((3, "Default-Gateway"), (6, "Domain-Name-Server")):
            said = re.findall(rf"^\s*{key} \(\d+\), length \d+: (\S+)$", block, re.MULTILINE)
            if ours.option(52) is None:  # tcpdump 4.99 does not look into the overloaded field
                assert ",".join(ours.values(code)) == ",".join(said), block


@pytest.mark.skipif(not CAPTURES, reason="The captures are not beside the repository.")
def test_what_the_names_say() -> None:
    by = {
        label(path): [message for _, _, message in messages(path)]
        for path in CAPTURES
        if label(path) in EXPECTED
    }
    overload = [message for message in by["dhcp-option-52-overload"] if message.option(52)]
    assert overload
    assert all(message.values(3) and message.values(6) for message in overload), "options in the name field"
    assert by["DHCP_Inter_VLAN.cap"][1].relay == "192.168.1.1"
    assert by["dhcp_ack_subscriber_id_and_agent_remote_id.pcap"][0].values(82) == (
        "circuit-id=this is only a test...", "remote-id=0x13", "subscriber-id=-subID-",
    )  # fmt: skip
    flaws = [bool(message.flaws) for message in by["dhcp-option-33.pcap"]]
    assert flaws == [False, False, False, True, True]
    assert by["dhcp-auth.cap"][0].values(120) == ("172.22.178.234",)
