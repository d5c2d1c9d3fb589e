from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from agent.records import VantageRecord
from agent.selfcheck import Clock, addresses, limits, link_up, look_at_ourselves
from checks import jsonable
from checks.local.facts import AddressFact, Found, InterfaceFact, LocalHost, assemble
from checks.vantage import Shared
from tests.lab import need

ROOT = Path(__file__).resolve().parents[2]


def face(name: str, *found: str, up: bool = True, tunnel: bool = False) -> InterfaceFact:
    facts = tuple(AddressFact(address=a, prefix=24, family="ipv6" if ":" in a else "ipv4") for a in found)
    return InterfaceFact(name=name, up=up, addresses=facts, tunnel=tunnel, loopback=name == "lo")


def host(*faces: InterfaceFact, out: tuple[str, ...] = (), proxy: tuple[str, ...] = ()) -> LocalHost:
    return assemble(Found(os="Test", proxy=proxy), faces, out)


LO = face("lo", "127.0.0.1", "::1")
ETH = face("eth0", "198.51.100.20", "fe80::1")
VPN = face("wg0", "10.8.0.2", tunnel=True)


@pytest.mark.parametrize(
    ("faces", "expected"),
    [
        ((LO,), False),
        ((LO, ETH), True),
        ((LO, face("eth0", "198.51.100.20", up=False)), False),
        ((LO, face("eth0", "169.254.7.7", "fe80::1")), False),
        ((LO, face("eth0")), False),
        ((LO, face("eth0", up=False), VPN), False),  # a tunnel stays up without any cable
        (
            (LO, face("eth0", up=False), face("docker0", "172.17.0.1")),
            False,
        ),  # and so does a bridge to containers
        ((LO, face("tap0", "10.0.2.100", tunnel=True)), True),  # a container that has nothing else
    ],
)
def test_a_link_is_an_address_that_leads_somewhere(faces: tuple[InterfaceFact, ...], expected: bool) -> None:
    assert link_up(host(*faces)) is expected


def test_addresses_without_loopback_and_link_local() -> None:
    assert addresses(host(LO, ETH)) == ("198.51.100.20",)


def test_a_vpn_is_not_the_building() -> None:
    """A gate that asks for the office's network must not open for somebody who sits at home."""
    assert addresses(host(LO, ETH, VPN)) == ("198.51.100.20",)


GOOD = Clock(0.01)


def said(
    found: LocalHost, *, up: bool = True, icmp: str | None = None, raw: str | None = None, clock: Clock = GOOD
) -> str:
    return "\n".join(limits(found, up=up, icmp=icmp, raw=raw, clock=clock))


def test_a_good_laptop_has_no_limits() -> None:
    assert said(host(LO, ETH)) == ""


def test_every_lack_is_said_with_a_remedy() -> None:
    assert "plug the cable in" in said(host(LO), up=False)
    assert "DHCP" in said(host(LO, face("eth0", "169.254.1.1")), up=False)
    vpn = face("wg0", "10.8.0.2", tunnel=True)
    assert "the VPN and not this building" in said(host(LO, ETH, vpn, out=("10.8.0.2",)))
    assert "A VPN is on (wg0)" in said(host(LO, ETH, vpn))
    assert "proxy.example.com:3128" in said(host(LO, ETH, proxy=("http proxy.example.com:3128",)))
    assert "No echo. Do this." in said(host(LO, ETH), icmp="No echo. Do this.")
    assert "duplicate addresses" in said(host(LO, ETH), raw="Operation not permitted")
    assert "90.0 s ahead of" in said(host(LO, ETH), clock=Clock(90.0))
    assert "90.0 s behind" in said(host(LO, ETH), clock=Clock(-90.0))
    assert "time_servers" in said(host(LO, ETH), clock=Clock(None, "Name time_servers."))


def test_a_hostile_setting_is_made_harmless() -> None:
    assert "\x1b" not in said(host(LO, ETH, proxy=("\x1b]52;c;x\x07",)))


def test_this_machine_survives_the_ledger() -> None:
    async def look() -> VantageRecord:
        shared = Shared()
        try:
            return await look_at_ourselves(shared, name="desk", time_servers=())
        finally:
            await shared.close()

    record = asyncio.run(look())
    assert record.name == "desk"
    assert record.tool.startswith("gonogo ")
    assert jsonable.from_json(VantageRecord, json.loads(json.dumps(jsonable.to_json(record)))) == record


LOOK = """
import asyncio, json, sys
from agent.selfcheck import look_at_ourselves
from checks import jsonable
from checks.vantage import Shared
async def main():
    shared = Shared()
    record = await look_at_ourselves(shared, name=None, time_servers=("192.0.2.9",))
    print(json.dumps(jsonable.to_json(record)))
    await shared.close()
asyncio.run(main())
"""


@pytest.mark.lab
def test_in_a_namespace_without_and_with_a_link() -> None:
    need("ip")
    from tests.lab import Lab
    from tests.lab.namespaces import link

    with Lab() as lab:
        laptop, switch = lab.namespace("laptop"), lab.namespace("switch")
        env = {"PYTHONPATH": str(ROOT)}
        alone = json.loads(laptop.run(sys.executable, "-c", LOOK, env=env).stdout)
        assert alone["link_up"] is False
        assert any("No interface" in text for text in alone["limits"])
        link(laptop, "eth0", switch, "eth0")
        laptop.ip("addr add 198.51.100.20/24 dev eth0")
        joined = json.loads(laptop.run(sys.executable, "-c", LOOK, env=env).stdout)
        assert joined["link_up"] is True
        assert joined["addresses"] == ["198.51.100.20"]
        assert joined["clock_offset_s"] is None
        assert any("192.0.2.9" in text for text in joined["limits"])
