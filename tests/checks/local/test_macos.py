from __future__ import annotations

import asyncio

import pytest

from checks.local import leases, macos
from checks.local.facts import GatewayFact, ResolverFact

ROUTES = """Routing tables

Internet:
Destination        Gateway            Flags               Netif Expire
default            192.168.1.1        UGScg                 en0
default            192.168.1.1        UGScIg                en7
default            link#20            UCSIg           bridge100      !
127                127.0.0.1          UCS                   lo0

Internet6:
Destination  Gateway  Flags  Netif  Expire
default                                 fe80::1%en0                             UGcg                  en0
default                                 fe80::%utun0                            UGcIg               utun0
::1                                     ::1                                     UHL                   lo0
"""

DNS = """DNS configuration

resolver #1
  search domain[0] : example.com
  nameserver[0] : fe80::800c:67ff:fe1d:fd64%12
  nameserver[1] : 172.20.10.1
  if_index : 12 (en1)
  flags    : Request A records, Request AAAA records
  reach    : 0x00020002 (Reachable,Directly Reachable Address)

resolver #2
  domain   : local
  options  : mdns
  timeout  : 5
  order    : 300000

resolver #3
  domain   : corp.example.com
  nameserver[0] : 10.9.9.9

DNS configuration (for scoped queries)

resolver #1
  nameserver[0] : 192.0.2.99
  if_index : 12 (en1)
"""

PROXY = """<dictionary> {
  ExceptionsList : <array> {
    0 : *.local
  }
  HTTPEnable : 1
  HTTPPort : 3128
  HTTPProxy : proxy.example.com
  HTTPSEnable : 0
  HTTPSProxy : old.example.com
  ProxyAutoConfigEnable : 1
  ProxyAutoConfigURLString : http://user:secret@wpad.example.com/proxy.pac
}
"""

PORTS = """
Hardware Port: Ethernet
Device: en0
Ethernet Address: 00:11:22:33:44:55

Hardware Port: Wi-Fi
Device: en1
Ethernet Address: 00:11:22:33:44:56
"""

PACKET = """op = BOOTREPLY
yiaddr = 172.20.10.2
options:
Options count is 7
dhcp_message_type (uint8): ACK 0x5
server_identifier (ip): 172.20.10.1
lease_time (uint32): 0x15180
"""


def test_default_routes() -> None:
    assert macos.gateways(ROUTES) == (
        GatewayFact(address="192.168.1.1", interface="en0", family="ipv4", metric=0),
        GatewayFact(address="192.168.1.1", interface="en7", family="ipv4", metric=1),
        GatewayFact(address="fe80::1", interface="en0", family="ipv6", metric=0),
    )


def test_resolvers_for_every_name_only() -> None:
    assert macos.resolvers_of(DNS) == (
        (
            ResolverFact(address="fe80::800c:67ff:fe1d:fd64", interface="en1", source="scutil --dns"),
            ResolverFact(address="172.20.10.1", interface="en1", source="scutil --dns"),
        ),
        ("example.com",),
    )


def test_proxies_without_their_password() -> None:
    assert macos.proxies_of(PROXY) == (
        "http proxy.example.com:3128 (system settings)",
        "PAC from wpad.example.com",
    )


def test_radio_and_lease() -> None:
    assert macos.wireless(PORTS) == {"en1"}
    lease = leases.macos(PACKET, "en1")
    assert lease is not None
    assert (lease.server, lease.lease_s) == ("172.20.10.1", 86400.0)


@pytest.mark.parametrize("text", ["", "garbage\n\x1b[31m", "default\n", "resolver #1\n nameserver[0] : x\n"])
def test_what_cannot_be_read_gives_nothing(text: str) -> None:
    assert macos.gateways(text) == ()
    assert macos.resolvers_of(text) == ((), ())
    assert macos.proxies_of(text) == ()
    assert leases.macos(text, "en0") is None


def test_the_reader_says_which_tool_was_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"netstat": ROUTES, "scutil": None, "networksetup": PORTS, "ipconfig": PACKET}

    async def recorded(*argv: str, timeout: float = 3.0, limit: int = 0) -> str | None:
        return answers[argv[0]]

    monkeypatch.setattr(macos, "output", recorded)
    found = asyncio.run(macos.read())
    assert found.gateways[0].address == "192.168.1.1"
    assert [text.split("'")[1] for text in found.unread] == ["scutil --dns", "scutil --proxy"]
