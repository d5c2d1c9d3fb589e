"""What one answer says of a name: absence only where somebody may say so."""

from __future__ import annotations

import asyncio

import pytest

from checks.vantage import Shared, Vantage
from checks.wire.dns import Answer, Record
from checks.wire.dns_lookup import lookup, outcome_of
from tests.checks.wire.dns_servers import knot

NAME = "a.x.example"


def soa(zone):
    return (Record(name=zone, ttl=60, rdtype="SOA", text="ns.x h.x 1 2 3 4 5"),)


def alias(target):
    return (Record(name=NAME, ttl=60, rdtype="CNAME", text=target),)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ({"ra": True}, "no data"),
        ({"aa": True}, "no data"),
        ({"aa": True, "authority": soa("x.example")}, "no data"),
        ({}, "failed"),
        ({"rcode": "NXDOMAIN", "aa": True}, "no such name"),
        ({"rcode": "NXDOMAIN", "ra": True}, "no such name"),
        ({"rcode": "NXDOMAIN"}, "failed"),
        ({"rcode": "NXDOMAIN", "aa": True, "records": alias("b.y.example")}, "failed"),
        ({"rcode": "NXDOMAIN", "ra": True, "records": alias("b.y.example")}, "no such name"),
        ({"rcode": "SERVFAIL", "aa": True}, "failed"),
        ({"aa": True, "records": alias("b.x.example"), "authority": soa("x.example")}, "no data"),
        ({"ra": True, "records": (Record(name=NAME, ttl=60, rdtype="A", text="192.0.2.9"),)}, "failed"),
        ({"ra": True, "records": (Record(name=NAME, ttl=60, rdtype="RRSIG", text="x"),)}, "no data"),
        # The alias leads out of the zone of a server that does not resolve: nobody asked there.
        ({"aa": True, "records": alias("b.y.example")}, "failed"),
        ({"aa": True, "records": alias("b.y.example"), "authority": soa("x.example")}, "failed"),
        ({"aa": True, "records": alias("b.ax.example"), "authority": soa("x.example")}, "failed"),
        ({"ra": True, "records": alias("b.y.example")}, "no data"),
    ],
)
def test_absence_is_said_by_authority_or_by_a_resolver(said, outcome):
    given = {"server": "s", "address": "192.0.2.53", "name": NAME, "rdtype": "TXT", "rcode": "NOERROR"}
    assert outcome_of(Answer(**{**given, **said})).outcome == outcome


@pytest.mark.parametrize(
    ("said", "unsure"),
    [
        ({}, "no data"),
        ({"rcode": "NXDOMAIN"}, "no such name"),
        ({"aa": True}, None),
        ({"ra": True}, None),
        ({"rcode": "SERVFAIL"}, None),
        ({"records": alias("b.y.example")}, None),
        ({"authority": (Record(name="x.example", ttl=60, rdtype="NS", text="ns.x"),)}, None),
    ],
)
def test_emptiness_without_a_voucher_is_told_from_other_failures(said, unsure):
    given = {"server": "s", "address": "192.0.2.53", "name": NAME, "rdtype": "TXT", "rcode": "NOERROR"}
    assert outcome_of(Answer(**{**given, **said})).unsure == unsure


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("big", "found"), ("mail", "no data"), ("missing", "no such name"), ("outside", "failed")],
)
def test_a_real_authoritative_server_is_believed(name, outcome):
    async def run(port):
        shared = Shared()
        try:
            return await lookup(Vantage(shared), f"{name}.office.example", "TXT", (f"127.0.0.1:{port}",))
        finally:
            await shared.close()

    with knot() as port:
        assert asyncio.run(run(port)).outcome == outcome
