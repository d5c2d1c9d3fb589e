"""The way to a zone: bounded whatever servers say, and never a guess."""

from __future__ import annotations

import asyncio
import time

import dns.flags
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import jsonable
from checks.dns import _names
from checks.dns._parents import referral, view
from checks.dns._zone import Server, Zone, above, ancestors, find_zone, inside, leaves
from checks.dns._zone import given as server_of
from checks.vantage import Shared, Vantage
from checks.wire.dns import Answer, Record
from tests.checks.dns.zones import Host, fleet, silent_on, with_rcode
from tests.checks.dns.zones_office import NS1, NS2, ROOT, ROOT_ZONE, TLD, TLD_ZONE, ZONE, office
from tests.checks.wire.dns_servers import dnsmasq

HOSTER = "127.53.0.9"


def find(domain, seconds=20, **params):
    async def work():
        shared = Shared()
        try:
            return await find_zone(Vantage(shared, "it", seconds), domain, **params)
        finally:
            await shared.close()

    zone = asyncio.run(work())
    assert jsonable.from_json(Zone, jsonable.to_json(zone)) == zone
    return zone


def places(zone):
    return sorted(server.address for server in zone.servers)


def test_by_a_resolver():
    options = [f"--server=/test/{TLD}#{{}}", "--server=/office.test/{}#{}"]
    with office() as port:
        options = [f"--server=/test/{TLD}#{port}", f"--server=/office.test/{NS1}#{port}"]
        with dnsmasq(*options, probe="ns.nic.test") as resolver:
            zone = find("office.test", resolvers=(f"127.0.0.1:{resolver}",), port=port)
    assert (zone.how, zone.parent, places(zone)) == ("resolvers", "test", [NS1, NS2])
    assert [view.says for view in zone.parents] == ["delegates"]


def test_a_resolver_that_fails_is_no_absence():
    with fleet({NS1: Host({}, change=with_rcode("SERVFAIL"))}) as port:
        zone = find("office.test", resolvers=(f"{NS1}:{port}",), port=port)
    assert not zone.absent()
    assert not zone.usable()
    assert "SERVFAIL" in zone.trouble


def test_names_elsewhere_without_glue_are_found_by_the_same_way():
    tld = (
        TLD_ZONE.replace("office NS ns2.office", "office NS ns.hoster")
        + f"hoster NS ns.hoster\nns.hoster A {HOSTER}\n"
    )
    hoster = f"$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A {HOSTER}\n"
    zone = ZONE.replace("@ NS ns2\n", "@ NS ns.hoster.test.\n")
    tld_bare = tld.replace("office NS ns.hoster", "office NS srv.hoster")
    with office(
        tld=tld_bare, ns1=zone, more={HOSTER: Host({"hoster.test": hoster + f"srv A {NS2}\n"})}
    ) as port:
        by_roots = find("office.test", roots=(ROOT,), port=port)
        by_parents = find("office.test", parents=(TLD,), resolvers=(f"127.0.0.1:{port}",), port=port)
    for found in (by_roots, by_parents):
        assert places(found) == [NS1, NS2]
        assert {n.name: n.found for n in found.names}["srv.hoster.test"] == "found"


def test_addresses_of_names_outside_the_parent_zone_are_no_glue():
    """The parent's server tells an address of a name in another zone, where nobody looks for it."""

    def more(made, transport):
        if any(one.rdtype == 2 and one.name.to_text() == "office.test." for one in made.authority):
            made.additional.append(dns.rrset.from_text("srv.hoster.", 60, "IN", "A", "127.53.0.66"))
        return made

    root = f"{ROOT_ZONE}hoster. NS ns.hoster.\nns.hoster. A {HOSTER}\n"
    tld = TLD_ZONE.replace("office NS ns2.office", "office NS srv.hoster.")
    hoster = f"$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A {HOSTER}\nsrv A {NS2}\n"
    with office(
        root=root, tld=Host({"test": tld}, change=more), more={HOSTER: Host({"hoster": hoster})}
    ) as port:
        found = find("office.test", roots=(ROOT,), port=port)
    assert places(found) == [NS1, NS2]
    assert {n.name: n.glue for n in found.names} == {"ns1.office.test": (NS1,), "srv.hoster": ()}


def test_two_zones_that_serve_each_other_end():
    """ns.a.test is served by ns.b.test and the other way round, and nobody has glue."""
    tld = TLD_ZONE + "a NS ns.b\nb NS ns.a\n"
    with office(tld=tld) as port:
        begun = time.monotonic()
        zone = find("a.test", roots=(ROOT,), port=port)
    assert zone.servers == ()
    assert [(n.name, n.found) for n in zone.names] == [("ns.b.test", "failed")]
    assert time.monotonic() - begun < 10


def everything_below(made, transport):
    """Refer one label down, for ever, to oneself."""
    name = made.question[0].name
    made.answer.clear()
    made.additional.clear()
    made.flags &= ~dns.flags.AA
    made.set_rcode(0)
    made.authority[:] = [dns.rrset.from_text(name, 60, "IN", "NS", "ns.evil.")]
    made.additional[:] = [dns.rrset.from_text("ns.evil.", 60, "IN", "A", ROOT)]
    return made


@pytest.mark.parametrize("how", ["roots", "parents"])
def test_referrals_without_end_end(how):
    name = ".".join(["x"] * 100)
    with fleet({ROOT: Host({}, change=everything_below)}) as port:
        begun = time.monotonic()
        zone = find(name, **{how: (ROOT,)}, port=port)
        assert len(zone.steps) <= _names.MAX_STEPS + 1
        assert time.monotonic() - begun < 15


def sideways(made, transport):
    everything_below(made, transport)
    made.authority[:] = [dns.rrset.from_text("elsewhere.example.", 60, "IN", "NS", "ns.evil.")]
    return made


def many(made, transport):
    everything_below(made, transport)
    names = [f"n{number}.evil." for number in range(60)]
    made.authority[:] = [dns.rrset.from_text(made.question[0].name, 60, "IN", "NS", *names)]
    made.additional[:] = [
        dns.rrset.from_text(name, 60, "IN", "A", *[f"127.99.{at}.{n}" for n in range(1, 9)])
        for at, name in enumerate(names)
    ]
    return made


def test_a_referral_elsewhere_is_not_followed():
    with fleet({ROOT: Host({}, change=sideways)}) as port:
        zone = find("office.test", parents=(ROOT,), port=port)
    assert [view.says for view in zone.parents] == ["elsewhere"]
    assert not zone.absent()
    assert zone.servers == ()


def test_a_flood_of_names_and_addresses_is_bounded_and_said(monkeypatch):
    monkeypatch.setattr(_names, "PATIENCE_S", 0.2)
    with fleet({ROOT: Host({}, change=many)}) as port:
        begun = time.monotonic()
        zone = find("office.test", parents=(ROOT,), resolvers=(f"{ROOT}:{port}",), port=port)
    assert len(zone.servers) <= _names.MAX_SERVERS
    assert len(zone.names) <= 16
    assert "60 names" in zone.trouble
    assert time.monotonic() - begun < 15


def test_a_budget_of_questions(monkeypatch):
    monkeypatch.setattr(_names, "BUDGET", 3)
    with office() as port:
        zone = find("office.test", roots=(ROOT,), port=port)
    assert any(v.answer.error == "not sent" for v in zone.parents) or any(
        n.found == "failed" for n in zone.names
    )


def test_given_servers_are_taken_as_they_are_and_nobody_is_asked():
    zone = find("office.test", servers=("ns1.office.test=127.0.0.1:5301", "[::1]:5302", "127.0.0.3"), port=99)
    assert [s.label for s in zone.servers] == [
        "ns1.office.test (127.0.0.1:5301)", "[::1]:5302", "127.0.0.3:99",
    ]  # fmt: skip
    assert zone.how == "servers"
    only = find("office.test", servers=("127.0.0.1", "::1" if False else "[::1]"), family="ipv6")
    assert [s.endpoint for s in only.servers] == ["[::1]"]


def test_a_given_name_without_address_is_not_lost():
    with office() as port:
        zone = find("office.test", servers=("ns9.office.test",), resolvers=(f"{NS1}:{port}",), port=port)
    assert zone.servers == ()
    assert [(n.name, n.found) for n in zone.names] == [("ns9.office.test", "no such name")]


@pytest.mark.parametrize("servers", [("ns1.office.test", "ns2.office.test"), ("x.test=ns2.office.test",)])
def test_names_of_servers_are_looked_up_from_the_roots_that_are_named(servers, monkeypatch):
    async def nobody(*_):
        raise AssertionError("the system's resolver was asked")

    monkeypatch.setattr("checks.wire.names._ask", nobody)
    with office() as port:
        seen = find("office.test", servers=servers, roots=(ROOT,), port=port)
    expected = {"ns1.office.test": f"{NS1}:{port}", "ns2.office.test": f"{NS2}:{port}"}
    assert {server.endpoint for server in seen.servers} == {
        expected[server.rpartition("=")[2]] for server in servers
    }


def test_silent_servers_above_cost_little():
    with office(root=ROOT_ZONE + f"test. NS dead.nic.test.\ndead.nic.test. A {HOSTER}\n",
                more={HOSTER: Host({}, change=silent_on("udp", "tcp"))}) as port:  # fmt: skip
        begun = time.monotonic()
        zone = find("office.test", roots=(ROOT,), port=port)
    assert places(zone) == [NS1, NS2]
    assert time.monotonic() - begun < 8


names = st.text("abc.", min_size=1, max_size=30).filter(
    lambda t: ".." not in t and t[0] != "." and t[-1] != "."
)


@given(names)
def test_ancestors_lead_to_the_root(name):
    line = ancestors(name)
    assert line[-1] == "."
    assert len(line) == name.count(".") + 1
    assert all(inside(name, one) for one in line)
    assert not any(inside(one, name) for one in line)


def test_a_dot_in_a_label_is_none():
    assert above(r"a\.b.c") == "c"
    assert above("c") == "."
    assert inside("a.b", ".")
    assert not inside("xb", "b")


record = st.builds(
    Record, name=st.sampled_from(["office.test", "test", ".", "ns1.office.test", "x.office.test", "evil"]),
    ttl=st.integers(0, 10), rdtype=st.sampled_from(["NS", "SOA", "A", "CNAME", "DNAME", "TXT"]),
    text=st.sampled_from(["ns1.office.test", "192.0.2.1", "evil", ""]),
)  # fmt: skip
answers = st.builds(
    Answer, server=st.just("s"), address=st.just("a"), name=st.just("office.test"), rdtype=st.just("NS"),
    rcode=st.sampled_from(["NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED", None]),
    error=st.sampled_from([None, None, None, "timeout", "truncated"]), aa=st.booleans(), tc=st.booleans(),
    records=st.lists(record, max_size=4).map(tuple), authority=st.lists(record, max_size=4).map(tuple),
    additional=st.lists(record, max_size=4).map(tuple),
)  # fmt: skip


@given(answers)
def test_what_a_parent_says_is_never_made_up(answer):
    said = view(Server(name="", endpoint="s"), answer, "office.test", "test")
    assert all(inside(record.name, "test") for record in said.glue)
    if answer.error or answer.rcode not in ("NOERROR", "NXDOMAIN"):
        assert said.says == "failed"
    if said.says in ("no such name", "no delegation", "alias", "serves"):
        assert answer.aa
    if said.says in ("delegates", "serves"):
        assert said.ns
        assert any(r.rdtype == "NS" and r.name == "office.test" for r in (*answer.records, *answer.authority))
    else:
        assert not said.ns
    assert {r.name for r in said.glue} <= set(said.ns)
    led = referral(answer, "x.office.test", "test")
    if led is not None:
        assert inside(led[0], "test")
        assert led[0] != "test"
        assert all(inside(record.name, "test") for record in led[2])


def test_servers_as_people_write_them():
    assert server_of("ns1.example.com", 53) == Server(name="ns1.example.com", endpoint="ns1.example.com")
    assert server_of("[::1]", 5301).endpoint == "[::1]:5301"
    assert server_of("ns1.example.com=127.0.0.1:5301", 53).label == "ns1.example.com (127.0.0.1:5301)"
    assert leaves()
    assert leaves("127.0.0.1", "192.0.2.1")
    assert not leaves("ns1.example.com=127.0.0.1:5301", "[::1]:53")
