"""Resolvers asked in turn: what counts as an answer, and that a failure is never absence."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from checks import jsonable
from checks.contract import CannotTell
from checks.local import facts
from checks.vantage import Shared, Vantage
from checks.wire.dns import Answer, Record
from checks.wire.dns_lookup import Lookup, handed, lookup, outcome_of
from tests.checks.wire.dns_servers import answering, free_port, knot, scripted, unbound
from tests.checks.wire.private import Authority

NAME = "www.example"
SOA = Record(name="example", ttl=60, rdtype="SOA", text="ns.x host.x 1 2 3 4 5")
NS = Record(name="example", ttl=60, rdtype="NS", text="ns.x")
A = Record(name=NAME, ttl=60, rdtype="A", text="192.0.2.1")
ALIAS = Record(name=NAME, ttl=60, rdtype="CNAME", text="mail.example")
GOOD = answering(("@", 60, "A", "192.0.2.1"), flags=("RA",))


def answer(*records, **changes):
    base = Answer(
        server="s", address="s", name=NAME, rdtype="A", rcode="NOERROR", ra=True, records=records, rtt_ms=1.0
    )
    return dataclasses.replace(base, **changes)


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (answer(A), "found"),
        (answer(A, ra=False, aa=True), "found"),
        (answer(ALIAS, dataclasses.replace(A, name="mail.example")), "found"),
        (answer(), "no data"),
        (answer(authority=(SOA,)), "no data"),
        (answer(ALIAS), "no data"),
        (answer(rcode="NXDOMAIN"), "no such name"),
        (answer(ALIAS, rcode="NXDOMAIN"), "no such name"),
        (answer(rcode="SERVFAIL"), "failed"),
        (answer(A, rcode="SERVFAIL"), "failed"),
        (answer(rcode="REFUSED"), "failed"),
        (answer(rcode=None, error="timeout"), "failed"),
        (answer(A, error="truncated", tc=True), "failed"),
        (answer(error="truncated", tc=True), "failed"),
        (answer(dataclasses.replace(ALIAS, text=NAME)), "failed"),
        (answer(ra=False), "failed"),
        (answer(ra=False, authority=(NS,)), "failed"),
        (answer(authority=(NS,)), "failed"),
        (answer(dataclasses.replace(A, name="other.example"), ra=False), "failed"),
    ],
)
def test_what_one_answer_says(given, outcome):
    found = outcome_of(given)
    assert found.outcome == outcome
    assert bool(found.detail) == (outcome == "failed")
    assert bool(found.records) == (outcome == "found")
    assert jsonable.from_json(Lookup, jsonable.to_json(found)) == found


def look(name, *resolvers, rdtype="A", allowance=10.0, **options):
    async def work():
        shared = Shared()
        try:
            return await lookup(Vantage(shared, "x", allowance), name, rdtype, resolvers, **options)
        finally:
            await shared.close()

    return asyncio.run(work())


def test_the_first_that_says_something_ends_it():
    asked = []

    def refusing(query):
        asked.append("refusing")
        return answering(rcode="REFUSED")(query)

    def late(query):
        asked.append("late")
        return GOOD(query)

    with scripted(udp=refusing) as first, scripted(udp=GOOD) as second, scripted(udp=late) as third:
        places = [f"127.0.0.1:{port}" for port in (free_port(), first, second, third)]
        found = look(NAME, *places)
        assert (found.outcome, found.server, found.texts) == ("found", places[2], ("192.0.2.1",))
        assert asked == ["refusing"]
        gone = scripted(udp=answering(rcode="NXDOMAIN", flags=("RA",)))
        with gone as port:
            found = look(NAME, f"127.0.0.1:{port}", places[2])
            assert (found.outcome, found.records) == ("no such name", ()), "absence is an answer"
        failed = look(NAME, *places[:2])
        assert (failed.outcome, failed.server) == ("failed", places[1])
        assert "refused (port closed)" in failed.detail
        assert "REFUSED" in failed.detail


def test_silent_resolvers_leave_time_for_the_last():
    with scripted(udp=lambda query: None) as silent, scripted(udp=GOOD) as good:
        places = [f"127.0.0.1:{silent}", f"127.0.0.1:{good}"]
        assert look(NAME, *places, allowance=2.0).outcome == "found"


def test_over_tls_and_https(tmp_path):
    authority = Authority(tmp_path)
    with (
        knot() as zone,
        unbound(stubs={"office.example": zone}, tls=authority.files(), probe="office.example") as ports,
    ):
        for place in (
            f"tls://127.0.0.1:{ports.tls}#dns.example",
            f"https://127.0.0.1:{ports.https}/dns-query",
        ):
            found = look("hop.office.example", place, ca_file=authority.ca_file)
            assert (found.outcome, found.end, len(found.records)) == ("found", "mail.office.example", 2)
            assert found.aliases == ("www.office.example", "mail.office.example")
            untrusted = look("hop.office.example", place)
            assert (untrusted.outcome, untrusted.records) == ("failed", ())
            assert "untrusted certificate" in untrusted.detail


def test_an_alias_that_dangles_has_no_data():
    with knot() as zone, unbound(stubs={"office.example": zone}, probe="office.example") as ports:
        place = f"127.0.0.1:{ports.port}"
        assert look("nowhere.office.example", place).outcome == "no such name"
        assert look("round.office.example", place).outcome == "failed"
        assert look("mail.office.example", place, rdtype="MX").outcome == "no data"


def test_the_resolvers_that_this_laptop_was_handed(monkeypatch):
    def having(*addresses):
        async def read(shared):
            made = tuple(facts.ResolverFact(address=address) for address in addresses)
            return facts.LocalHost(hostname="h", user="u", os="o", resolvers=made)

        return read

    async def own():
        return await handed(Vantage(Shared()))

    monkeypatch.setattr(facts, "read_local", having("192.0.2.53", "2001:db8::53", "192.0.2.53"))
    assert asyncio.run(own()) == ("192.0.2.53", "[2001:db8::53]")
    monkeypatch.setattr(facts, "read_local", having())
    with pytest.raises(CannotTell, match="no DNS server"):
        asyncio.run(own())
