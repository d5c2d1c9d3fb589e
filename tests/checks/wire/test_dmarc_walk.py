"""Discovery through a server that has authority and follows no alias, as a stub of the DNS may be."""

from __future__ import annotations

import asyncio

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from checks.vantage import Shared, Vantage
from checks.wire.dmarc_walk import Records, discover
from checks.wire.dns_follow import CIRCLE, follow
from tests.checks.wire.dns_servers import scripted

DATA = {
    ("_dmarc.a.test.", "CNAME"): "one.x.test.",
    ("one.x.test.", "CNAME"): "two.y.test.",
    ("two.y.test.", "TXT"): '"v=DMARC1; p=reject"',
    ("_dmarc.b.test.", "CNAME"): "gone.x.test.",
    ("_dmarc.c.test.", "CNAME"): "round.x.test.",
    ("round.x.test.", "CNAME"): "_dmarc.c.test.",
    ("_dmarc.d.test.", "TXT"): '"v=DMARC1; p=none; sp=quarantine; np=reject"',
    ("e.d.test.", "CNAME"): "other.y.test.",
}


def bare(query: bytes) -> bytes:
    """Answer with authority from `DATA`, without recursion, without SOA, and no further than one alias."""
    asked = dns.message.from_wire(query)
    made = dns.message.make_response(asked)
    made.flags |= dns.flags.AA
    name, rdtype = asked.question[0].name.to_text(), dns.rdatatype.to_text(asked.question[0].rdtype)
    for kind in (rdtype, "CNAME"):
        if (name, kind) in DATA:
            made.answer.append(dns.rrset.from_text(name, 60, "IN", kind, DATA[name, kind]))
            break
    else:
        if name not in {key[0] for key in DATA}:
            made.set_rcode(dns.rcode.NXDOMAIN)
    return made.to_wire()


@pytest.fixture(scope="module")
def server():
    with scripted(udp=bare) as port:
        yield f"127.0.0.1:{port}"


def asked(work):
    async def run():
        shared = Shared()
        try:
            return await work(Vantage(shared, "x", 20))
        finally:
            await shared.close()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("domain", "place", "policy"),
    [("a.test", "a.test", "reject"), ("b.test", None, None), ("e.d.test", "d.test", "quarantine")],
)
def test_aliases_are_followed_by_the_client(server, domain, place, policy):
    found = asked(lambda vantage: discover(Records(vantage, (server,)), domain))
    assert found.trouble is None
    assert found.record_domain == place
    assert (found.applied.effective if found.applied else None) == policy
    assert found.steps[0].name == f"_dmarc.{domain}"


def test_aliases_in_a_circle_say_nothing(server):
    found = asked(lambda vantage: discover(Records(vantage, (server,)), "c.test"))
    assert found.trouble is not None
    assert found.trouble.detail == CIRCLE
    assert found.applied is None


def test_the_whole_way_is_told(server):
    found = asked(lambda vantage: follow(vantage, "_dmarc.a.test", "TXT", (server,)))
    assert (found.name, found.end, found.outcome) == ("_dmarc.a.test", "two.y.test", "found")
    assert found.aliases == ("one.x.test", "two.y.test")


def test_a_name_too_long_for_the_dns_is_no_record(server):
    long = ".".join(["x" * 60] * 4)
    found = asked(lambda vantage: Records(vantage, (server,)).texts(f"{long}._report._dmarc.{long}"))
    assert found[0].outcome == "no such name"
