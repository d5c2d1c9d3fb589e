"""Leases as each system's client keeps them; no tool is called."""

from __future__ import annotations

import os
import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.local import leases
from checks.local.facts import LeaseFact
from tests.beside import DATA
from tests.checks.wire.frames.dhcp_messages import addresses, message, offer_options, option

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def values(lease: LeaseFact | None) -> dict[int, tuple[str, ...]]:
    assert lease is not None
    return {item.code: item.values for item in lease.options}


DHCLIENT = """
lease {
  interface "eth0";
  fixed-address 10.9.9.9;
  option dhcp-server-identifier 10.9.9.1;
  expire 4 2026/11/26 08:00:00;
}
lease {
  interface "eth0";
  fixed-address 10.20.0.60;
  filename "boot.bin";
  server-name "not.this.one";
  option subnet-mask 255.255.255.0;
  option routers 10.20.0.1;
  option dhcp-lease-time 28800;
  option dhcp-server-identifier 10.20.0.10;
  option domain-name-servers 10.20.0.53,10.20.0.54;
  option domain-name "corp.example";
  option domain-search "corp.example.", "lab.example.";
  option unknown-150 a:14:0:96;
  option tftp-server-name "tftp.corp.example";
  renew 3 2026/11/25 02:00:00;
  expire 4 2026/11/26 08:00:00;
}
"""


def test_dhclient() -> None:
    (lease,) = leases.dhclient(DHCLIENT, NOW)
    assert (lease.interface, lease.server, lease.address, lease.lease_s) == (
        "eth0", "10.20.0.10", "10.20.0.60", 28800.0,
    )  # fmt: skip
    got = values(lease)
    assert got[6] == ("10.20.0.53", "10.20.0.54")
    assert got[119] == ("corp.example.", "lab.example.")
    assert (got[15], got[66]) == (("corp.example",), ("tftp.corp.example",))
    assert got[67] == ("boot.bin",)
    assert 150 not in got, "hexadecimal numbers are not read as addresses"


@pytest.mark.parametrize("expire", ["1 2026/11/22 08:00:00", "epoch 1000", "1 2026/99/99 08:00:00"])
def test_an_expired_lease_is_none(expire: str) -> None:
    assert leases.dhclient(DHCLIENT.replace("4 2026/11/26 08:00:00", expire), NOW) == ()


NETWORKD = """# This is private data. Do not parse.
ADDRESS=10.20.0.60
NETMASK=255.255.255.0
ROUTER=10.20.0.1
SERVER_ADDRESS=10.20.0.10
MTU=1400
T1=1800
T2=3150
LIFETIME=3600
DNS=10.20.0.53 10.20.0.54
NTP=10.20.0.123
DOMAINNAME=corp.example
DOMAIN_SEARCH_LIST=corp.example lab.example
CLIENTID=ff0000
OPTION_224=0A14
"""


def test_networkd() -> None:
    lease = leases.networkd(NETWORKD, "eth0")
    assert lease is not None
    assert (lease.server, lease.address, lease.lease_s) == ("10.20.0.10", "10.20.0.60", 3600.0)
    got = values(lease)
    assert (got[6], got[42], got[26]) == (("10.20.0.53", "10.20.0.54"), ("10.20.0.123",), ("1400",))
    assert (got[119], got[224]) == (("corp.example", "lab.example"), ("0x0a14",))


NMCLI = """GENERAL.DEVICE:eth0
DHCP4.OPTION[1]:dhcp_lease_time = 7200
DHCP4.OPTION[2]:dhcp_server_identifier = 10.20.0.10
DHCP4.OPTION[3]:domain_name_servers = 10.20.0.53 10.20.0.54
DHCP4.OPTION[4]:ip_address = 10.20.0.60
DHCP4.OPTION[5]:requested_routers = 1
DHCP4.OPTION[6]:routers = 10.20.0.1
DHCP4.OPTION[7]:wpad = http://pac.example:80/a b

GENERAL.DEVICE:lo
"""


def test_network_manager() -> None:
    (lease,) = leases.nmcli(NMCLI)
    assert (lease.interface, lease.server, lease.address, lease.lease_s) == (
        "eth0", "10.20.0.10", "10.20.0.60", 7200.0,
    )  # fmt: skip
    assert values(lease)[3] == ("10.20.0.1",)
    assert values(lease)[252] == ("http://pac.example:80/a b",)


RECORDED = DATA / "wifi/text/kellyjonbrazil__jc/fedora32/nmcli-connection-show-ens33.out"


@pytest.mark.skipif(not RECORDED.exists(), reason="The recorded texts are not beside the repository.")
def test_network_manager_as_recorded() -> None:
    (lease,) = leases.nmcli("GENERAL.DEVICE:ens33\n" + RECORDED.read_text())
    assert (lease.address, lease.lease_s) == ("10.0.0.178", 172800.0)
    assert values(lease)[6] == ("75.75.75.75", "75.75.76.76")


def test_dhcpcd_keeps_the_servers_message() -> None:
    raw = message(*offer_options(o53=b"\5"), option(150, addresses("10.20.0.150")))
    lease = leases.dhcpcd(raw, "eth0")
    assert lease is not None
    assert (lease.server, lease.address, lease.lease_s) == ("10.20.0.1", "10.20.0.50", 28800.0)
    assert values(lease)[150] == ("10.20.0.150",)
    assert leases.dhcpcd(message(*offer_options()), "eth0") is None, "an offer is no lease"
    assert leases.dhcpcd(b"rubbish", "eth0") is None


PACKET = """op = BOOTREPLY
htype = 1
yiaddr = 10.20.0.60
giaddr = 0.0.0.0
options:
Options count is 8
dhcp_message_type (uint8): ACK 0x5
server_identifier (ip): 10.20.0.10
lease_time (uint32): 0x7080
subnet_mask (ip): 255.255.255.0
router (ip_mult): {10.20.0.1}
domain_name_server (ip_mult): {10.20.0.53, 10.20.0.54}
domain_name (string): corp.example
domain_search (dns_namelist): {corp.example, lab.example}
interface_mtu (uint16): 0x578
end (none):
"""


def test_macos() -> None:
    lease = leases.macos(PACKET, "en0")
    assert lease is not None
    assert (lease.server, lease.address, lease.lease_s) == ("10.20.0.10", "10.20.0.60", 28800.0)
    got = values(lease)
    assert (got[6], got[26], got[15]) == (("10.20.0.53", "10.20.0.54"), ("1400",), ("corp.example",))
    assert got[119] == ("corp.example", "lab.example")


def entry(code: int, value: bytes, vendor: int = 0) -> bytes:
    padded = value.ljust((len(value) + 3) // 4 * 4, b"\0")
    return struct.pack("<IIIII", code, 0, len(value), vendor, 0x5745EC93) + padded


def test_windows() -> None:
    blob = entry(6, addresses("10.20.0.53", "10.20.0.54")) + entry(15, b"corp.example\0") + entry(119, b"")
    blob += entry(1, b"\1\2\3\4", vendor=1) + entry(3, addresses("10.20.0.1"))
    registry = {
        "DhcpIPAddress": "10.20.0.60", "DhcpSubnetMask": "255.255.255.0", "Lease": 28800,
        "DhcpInterfaceOptions": blob,
    }  # fmt: skip
    lease = leases.windows(registry, "Ethernet", "10.20.0.10")
    assert (lease.server, lease.address, lease.lease_s) == ("10.20.0.10", "10.20.0.60", 28800.0)
    got = values(lease)
    assert got == {
        6: ("10.20.0.53", "10.20.0.54"), 15: ("corp.example",), 3: ("10.20.0.1",), 1: ("255.255.255.0",),
    }  # fmt: skip
    bare = leases.windows({}, "Ethernet", "10.20.0.10")
    assert (bare.server, bare.address, bare.options) == ("10.20.0.10", "", ())


def test_a_real_blob_without_values_says_nothing() -> None:
    """Codes 15, 121, 1, 43, 44, 6, asked for and not given, as Windows 10 kept them."""
    codes = (0x0F, 0x79, 0x01, 0x2B, 0x2C, 0x06)
    blob = b"".join(bytes((code,)) + bytes(15) + b"\x93\xec\x45\x57" for code in codes)
    assert leases.windows_options(blob) == ()


@pytest.mark.parametrize("blob", [None, "text", b"", b"\1" * 19, struct.pack("<IIIII", 6, 0, 99, 0, 0)])
def test_a_broken_blob_gives_nothing(blob: object) -> None:
    assert leases.windows_options(blob) == ()


def lay(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def test_the_files_of_a_linux_system(tmp_path: Path) -> None:
    ack = message(*offer_options(o53=b"\5"))
    lay(
        tmp_path,
        {
            "var/lib/dhcp/dhclient.leases": DHCLIENT.replace("2026", "2999").encode(),
            "var/lib/dhcpcd/wlan0-office.lease": ack,
            "var/lib/dhcpcd/gone0.lease": ack,
            "run/systemd/netif/leases/4": NETWORKD.encode(),
            "run/systemd/netif/leases/9": NETWORKD.encode(),
            "run/systemd/netif/leases/x": b"",
        },
    )  # fmt: skip
    found = leases.read_linux(tmp_path, {3: "wlan0", 4: "eth1", 2: "eth0"})
    assert {item.interface: item.source for item in found} == {
        "eth0": "dhclient", "wlan0": "dhcpcd", "eth1": "systemd-networkd",
    }  # fmt: skip


def test_the_newest_file_counts(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "var/lib/dhcpcd/wlan0-old.lease": message(*offer_options("10.9.9.1", o53=b"\5")),
            "var/lib/dhcpcd/wlan0-new.lease": message(*offer_options("10.20.0.10", o53=b"\5")),
        },
    )  # fmt: skip
    os.utime(tmp_path / "var/lib/dhcpcd/wlan0-old.lease", (1, 1))
    (lease,) = leases.read_linux(tmp_path, {3: "wlan0"})
    assert lease.server == "10.20.0.10"


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.text(max_size=400), st.sampled_from([DHCLIENT, NETWORKD, NMCLI, PACKET]).map(lambda t: t[::-1])
    )
)
def test_noise_gives_nothing_and_raises_nothing(text: str) -> None:
    leases.dhclient(text, NOW)
    leases.networkd(text, "eth0")
    leases.nmcli(text)
    leases.macos(text, "en0")
    leases.dhcpcd(text.encode("utf-8", "replace"), "eth0")
    leases.windows_options(text.encode("utf-8", "replace"))
