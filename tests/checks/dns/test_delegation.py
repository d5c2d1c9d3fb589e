"""Is the zone delegated as planned: what would make it lie, on stand-ins and on real daemons."""

from __future__ import annotations

import pytest

from checks.dns.delegation import Delegation
from tests.checks.dns.zones import Host, silent_on, with_rcode, without_aa
from tests.checks.dns.zones_office import (
    NS1,
    NS2,
    NS3,
    ROOT,
    ROOT_ZONE,
    TLD,
    TLD_ZONE,
    ZONE,
    bad,
    has,
    labels,
    look,
    office,
)  # fmt: skip
from tests.checks.dns.zones_real import running

TLD2 = "127.53.0.8"
PLAN = ("ns1.office.test", "ns2.office.test")


def delegation(port, **params):
    return Delegation(domain="office.test", port=port, **{"roots": (ROOT,), **params})


@pytest.mark.parametrize(
    "start",
    [
        {"roots": (ROOT,)},
        {"roots": (), "parents": (TLD,)},
        {"roots": (), "parents": (ROOT,)},
        {"roots": (), "parents": (TLD,), "servers": (f"ns1.office.test={NS1}", f"ns2.office.test={NS2}")},
    ],
)
def test_a_delegation_as_planned(start):
    with office() as port:
        _, findings = look(delegation(port, expect=PLAN, **start))
        one, two = labels(port)
    assert bad(findings) == []
    said = {f.subject for f in findings}
    assert {one, two, "test (parent)", "office.test NS", "office.test"} <= said


@pytest.mark.parametrize("kinds", [("nsd", "knot", "nsd", "knot"), ("knot", "nsd", "knot", "nsd")])
def test_real_daemons(kinds):
    tree = {
        ROOT: {".": ROOT_ZONE},
        TLD: {"test": TLD_ZONE},
        NS1: {"office.test": ZONE},
        NS2: {"office.test": ZONE},
    }
    servers = {place: (kind, zones) for kind, (place, zones) in zip(kinds, tree.items(), strict=True)}
    from checks.dns.authority import Authority

    with running(servers) as port:
        _, findings = look(delegation(port, expect=PLAN))
        _, agreed = look(Authority(domain="office.test", roots=(ROOT,), port=port))
    assert bad(findings) == []
    assert bad(agreed) == []
    servers[NS2] = (kinds[3], {"other.test": ZONE})
    with running(servers) as port:
        _, findings = look(delegation(port, expect=PLAN))
    assert has(findings, "fail", f"ns2.office.test ({NS2}:{port})", "lame")


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        (("ns1.office.test", "ns9.office.test"), "missing: ns9.office.test; not planned: ns2.office.test"),
        (("ns1.office.test", "ns2.office.test", "ns3.office.test"), "missing: ns3.office.test"),
        (("ns1.office.test",), "not planned: ns2.office.test"),
    ],
)
def test_other_names_than_planned(expect, words):
    with office() as port:
        _, findings = look(delegation(port, expect=expect))
    assert has(findings, "fail", "office.test NS", words)


LAME = {
    "refused": (with_rcode("REFUSED"), "REFUSED"),
    "expired": (with_rcode("SERVFAIL"), "SERVFAIL"),
    "not there": (with_rcode("NXDOMAIN"), "NXDOMAIN"),
    "no authority": (without_aa, "without authority"),
    "silent": (silent_on("udp", "tcp"), "does not answer"),
    "silent on UDP": (silent_on("udp"), "not over UDP"),
    "silent on TCP": (silent_on("tcp"), "not over TCP"),
}


@pytest.mark.parametrize("fault", LAME)
def test_every_server_of_the_delegation_must_serve(fault):
    change, words = LAME[fault]
    with office(ns2=Host({"office.test": ZONE}, change=change)) as port:
        _, findings = look(delegation(port))
        one, two = labels(port)
    assert has(findings, "fail", two, words)
    assert has(findings, "pass", one, "with authority")
    assert not has(findings, "fail", one, "")


def test_too_few_servers():
    tld = TLD_ZONE.replace("office NS ns2.office\n", "")
    zone = ZONE.replace("@ NS ns2\n", "")
    with office(tld=tld, ns1=zone) as port:
        _, findings = look(delegation(port))
        assert has(findings, "fail", "office.test", "1 name server: too few")
        _, findings = look(delegation(port, min_servers=1))
        assert bad(findings) == []
        _, findings = look(delegation(port, min_servers=1, expect=("ns1.office.test",)))
        assert bad(findings) == []
    with office() as port:
        _, findings = look(delegation(port, min_servers=3))
        assert has(findings, "fail", "office.test", "2 name servers: too few")


def test_two_names_with_one_address():
    tld = TLD_ZONE.replace(f"ns2.office A {NS2}", f"ns2.office A {NS1}")
    zone = ZONE.replace(f"ns2 A {NS2}", f"ns2 A {NS1}")
    with office(tld=tld, ns1=zone, ns2=zone) as port:
        _, findings = look(delegation(port))
    assert has(
        findings, "fail", f"ns1.office.test ({NS1}), ns2.office.test ({NS1})", "one and the same address"
    )
    assert not any("enough" in f.message for f in findings if f.status == "pass")


def test_a_family_this_laptop_lacks_can_be_left_out():
    tld = TLD_ZONE + "ns2.office AAAA 2001:db8::53\n"
    zone = ZONE + "ns2 AAAA 2001:db8::53\n"
    with office(tld=tld, ns1=zone, ns2=zone) as port:
        _, findings = look(delegation(port))
        assert bad(findings) == [("inconclusive", f"ns2.office.test ([2001:db8::53]:{port})")]
        _, findings = look(delegation(port, family="ipv4"))
        assert bad(findings) == []


def test_the_named_and_the_nameless_count_alike():
    with office(without=(ROOT, TLD)) as port:
        servers = (f"ns1.office.test={NS1}:{port}", f"{NS2}:{port}")
        _, findings = look(delegation(port, roots=(), servers=servers))
    assert bad(findings) == []


def two_parents(second: Host | str) -> dict:
    host = second if isinstance(second, Host) else Host({"test": second})
    return {"root": ROOT_ZONE + f"test. NS ns2.nic.test.\nns2.nic.test. A {TLD2}\n", "more": {TLD2: host}}


TWO = "office NS ns1.office\noffice NS ns2.office"
DISAGREE = {
    "one does not know it": (TLD_ZONE.replace("office", "other"), "fail", "disagree"),
    "one has other names": (TLD_ZONE.replace("NS ns2.office", "NS ns3.office"), "fail", "other names"),
    "one has other glue": (TLD_ZONE.replace(f"office A {NS2}", f"office A {NS3}"), "fail", "different glue"),
    "one has an alias": (TLD_ZONE.replace(TWO, "office CNAME x"), "fail", "disagree"),
    "one fails": (Host({"test": TLD_ZONE}, change=with_rcode("SERVFAIL")), "warn", "SERVFAIL"),
    "one is silent": (Host({"test": TLD_ZONE}, change=silent_on("udp", "tcp")), "warn", "timeout"),
    "one refuses": (Host({}), "warn", "REFUSED"),
}  # fmt: skip


@pytest.mark.parametrize("case", DISAGREE)
def test_servers_of_the_parent_that_disagree(case):
    second, status, words = DISAGREE[case]
    with office(**two_parents(second)) as port:
        _, findings = look(delegation(port))
    assert has(findings, status, "", words), findings
    if status == "warn":
        assert not any(f.status in ("fail", "inconclusive") for f in findings)
        assert has(findings, "pass", "test (parent)", "delegated")
    else:
        assert not has(findings, "pass", "test (parent)", "")


@pytest.mark.parametrize(
    "change", [with_rcode("SERVFAIL"), with_rcode("REFUSED"), silent_on("udp", "tcp"), without_aa]
)
def test_a_parent_that_fails_is_no_absence(change):
    gone = Host({"test": TLD_ZONE.replace("office", "other")}, change=change)
    with office(tld=gone) as port:
        _, findings = look(delegation(port, roots=(), parents=(TLD,)))
    assert {f.status.value for f in findings} == {"inconclusive"}


def test_the_parent_is_served_by_the_zone_s_own_server():
    both = Host({"test": TLD_ZONE, "office.test": ZONE})
    with office(tld=both) as port:
        _, findings = look(delegation(port, expect=PLAN))
    assert bad(findings) == []
    assert has(findings, "pass", "test (parent)", "hides the delegation")


def test_before_the_delegation_the_parent_is_not_asked_and_it_says_so():
    servers = tuple(f"{name}={place}" for name, place in zip(PLAN, (NS1, NS2), strict=True))
    with office(without=(ROOT, TLD)) as port:
        _, findings = look(delegation(port, roots=(), servers=servers, expect=PLAN))
        assert bad(findings) == []
        assert has(findings, "pass", "office.test", "the parent is not asked")
        _, findings = look(delegation(port, roots=(), servers=servers[:1]))
        assert has(findings, "fail", "office.test", "too few")
        _, findings = look(delegation(port, servers=servers))
        assert {f.status.value for f in findings} == {"inconclusive"}


def test_a_name_that_is_no_zone():
    with office() as port:
        _, findings = look(Delegation(domain="mail.office.test", roots=(ROOT,), port=port))
    assert has(findings, "fail", "office.test (parent)", "no NS records")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"expect": ("a.test", "a.test")}, "same name server twice"),
        ({"servers": ("127.0.0.1", "127.0.0.1")}, "same server twice"),
    ],
)
def test_what_does_not_fit_is_refused(params, words):
    with pytest.raises(ValueError, match=words):
        delegation(53, **params)
