from __future__ import annotations

from typing import Any

import pytest

from checks.contract import Status, worst
from checks.link.gateway import Gateway, GatewaySeen, Layer2, Pinged
from checks.local.facts import AddressFact, GatewayFact

OURS = (AddressFact(address="10.20.0.5", prefix=24, family="ipv4"),)
ROUTER = GatewayFact(address="10.20.0.1", interface="eth0", family="ipv4", source="10.20.0.5")
YES = Layer2(answered=True, macs=("02:00:00:00:00:01",), how="ARP request")
TWO = Layer2(answered=True, macs=("02:00:00:00:00:01", "02:00:00:00:00:02"), how="ARP request")
NO = Layer2(answered=False, how="ARP request")
OLD = Layer2(answered=None, how="neighbour table: entry reachable, confirmed 12.0 s ago")
ECHO = Pinged(sent=3, received=3, rtt_ms=0.4)
SILENT = Pinged(sent=3, received=0)
MUTE = Pinged(sent=0, received=0, hindrance="This account may not send echoes.")

TABLE = [
    ({}, YES, ECHO, "pass"),
    ({}, YES, SILENT, "pass"),
    ({}, YES, MUTE, "pass"),
    ({}, NO, ECHO, "pass"),
    ({}, OLD, ECHO, "pass"),
    ({}, NO, SILENT, "fail"),
    ({}, NO, MUTE, "fail"),
    ({}, OLD, SILENT, "inconclusive"),
    ({}, OLD, MUTE, "inconclusive"),
    ({}, TWO, ECHO, "fail"),
    ({}, None, None, "inconclusive"),
    ({"icmp": "required"}, YES, ECHO, "pass"),
    ({"icmp": "required"}, YES, SILENT, "fail"),
    ({"icmp": "required"}, YES, MUTE, "inconclusive"),
    ({"icmp": "required"}, NO, SILENT, "fail"),
    ({"icmp": "required"}, NO, MUTE, "fail"),
    ({"icmp": "required"}, OLD, SILENT, "inconclusive"),
    ({"icmp": "required"}, OLD, MUTE, "inconclusive"),
    ({"expect": "10.20.0.1"}, YES, ECHO, "pass"),
    ({"expect": "10.20.0.254"}, YES, ECHO, "fail"),
]


@pytest.mark.parametrize(("params", "layer2", "ping", "expected"), TABLE)
def test_judging(params: dict[str, Any], layer2: Layer2 | None, ping: Pinged | None, expected: str) -> None:
    seen = GatewaySeen(interface="eth0", addresses=OURS, gateway=ROUTER, layer2=layer2, ping=ping)
    findings = tuple(Gateway(**params).judge(seen))
    assert worst(f.status for f in findings) is Status(expected), findings


def test_no_route_is_a_failure_and_no_interface_is_not() -> None:
    (finding,) = Gateway().judge(GatewaySeen(interface="eth0", addresses=OURS, gateway=None))
    assert finding.status is Status.FAIL
    (finding,) = Gateway().judge(GatewaySeen(interface=None, addresses=(), gateway=None))
    assert finding.status is Status.INCONCLUSIVE


@pytest.mark.parametrize(
    ("prefix", "tunnel", "expected"), [(24, False, "fail"), (32, False, "pass"), (24, True, "pass")]
)
def test_a_gateway_outside_our_network(prefix: int, tunnel: bool, expected: str) -> None:
    ours = (AddressFact(address="192.168.7.5", prefix=prefix, family="ipv4"),)
    stray = GatewayFact(address="10.20.0.1", interface="eth0", family="ipv4")
    seen = GatewaySeen(interface="eth0", addresses=ours, gateway=stray, layer2=YES, ping=ECHO, tunnel=tunnel)
    assert worst(f.status for f in Gateway().judge(seen)) is Status(expected)
