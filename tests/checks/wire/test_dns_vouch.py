"""A network that answers everything with nothing, or with itself, is no zone without the record."""

from __future__ import annotations

import asyncio

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from checks.m365._records import ServiceRecord
from checks.m365.domain import Domain
from checks.mail.mta_sts import MtaSts
from checks.mail.tls_rpt import TlsRpt
from checks.vantage import Shared, Vantage
from checks.words import Status
from tests.checks.wire.dns_servers import dnsmasq, free_port, knot, scripted

DOMAIN = "office.example"
RECORD = ServiceRecord(type="CNAME", name=f"autodiscover.{DOMAIN}", value="autodiscover.outlook.com")


def portal(kind):
    """Answer as networks do that want a login first: with their own address, else with nothing."""

    def answer(query):
        made = dns.message.make_response(dns.message.from_wire(query))
        made.flags |= dns.flags.RA
        name, rdtype = made.question[0].name.to_text(), made.question[0].rdtype
        if rdtype == 1 or kind == "its address for every type":
            made.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.9"))
        elif kind == "no such name":
            made.set_rcode(dns.rcode.NXDOMAIN)
        elif kind == "nothing, with authority":
            made.flags |= dns.flags.AA
        return made.to_wire()

    return answer


def checks(resolver, web):
    """The checks that would pass for want of a record."""
    where = {"resolvers": (resolver,)}
    return [
        MtaSts(domain=DOMAIN, planned_mx=("mx.example",), connect_to=web, **where),
        MtaSts(domain=DOMAIN, expect_mode="absent", connect_to=web, **where),
        TlsRpt(domain=DOMAIN, expect="absent", **where),
        Domain(domain=DOMAIN, records=(RECORD,), **where),
    ]


def passes(check):
    """Return the subjects that pass."""

    async def work():
        shared = Shared()
        try:
            return await check.observe(Vantage(shared, "check", check.allowance()))
        finally:
            await shared.close()

    return [one.subject for one in check.judge(asyncio.run(work())) if one.status is Status.PASS]


@pytest.mark.parametrize(
    "kind", ["nothing", "no such name", "its address for every type", "nothing, with authority"]
)
def test_a_network_that_wants_a_login_first_proves_no_absence(kind):
    with scripted(udp=portal(kind)) as port:
        for check in checks(f"127.0.0.1:{port}", f"127.0.0.1:{free_port()}"):
            assert passes(check) == [], check


def test_a_zone_that_has_no_such_record_is_believed():
    with knot() as port:
        web = f"127.0.0.1:{free_port()}"
        for check in checks(f"127.0.0.1:{port}", web):
            assert len(passes(check)) == 1, check
        # dnsmasq keeps negative answers, and leaves the SOA record out when it gives them again.
        with dnsmasq(f"--server=/{DOMAIN}/127.0.0.1#{port}", probe=f"ns.{DOMAIN}") as forwarder:
            for _ in range(2):
                for check in checks(f"127.0.0.1:{forwarder}", web):
                    assert len(passes(check)) == 1, check
