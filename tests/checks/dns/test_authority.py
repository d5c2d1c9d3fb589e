"""Do all authoritative servers agree: what would make it lie, each fault on stand-ins, then real daemons."""

from __future__ import annotations

import dataclasses

import dns.flags
import dns.message
import dns.name
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.dns._serial import HALF, newer, newest
from checks.dns._servers import ServerSeen
from checks.dns._zone import Server, Zone
from checks.dns.authority import Authority, AuthoritySeen
from checks.dns.delegation import Delegation, DelegationSeen
from checks.wire.dns import Answer, Record
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

MX = {"name": "office.test", "rdtype": "MX", "expect": ("10 mail.office.test",)}


def authority(port, **params):
    params.setdefault("roots", (ROOT,))
    if "records" in params:
        from checks.dns._sets import SetPlan

        params["records"] = tuple(SetPlan(**one) for one in params["records"])
    return Authority(domain="office.test", port=port, **params)


def host(text=ZONE, **options):
    return Host({"office.test": text}, **options)


@pytest.mark.parametrize("start", ["roots", "parents", "servers", "both"])
def test_a_zone_in_order_passes(start):
    with office() as port:
        one, two = labels(port)
        servers = (f"ns1.office.test={NS1}:{port}", f"ns2.office.test={NS2}:{port}")
        params = {
            "roots": {"roots": (ROOT,)},
            "parents": {"roots": (), "parents": (f"{TLD}:{port}",)},
            "servers": {"roots": (), "servers": servers},
            "both": {"roots": (), "servers": servers, "parents": (TLD,)},
        }[start]
        check = authority(
            port,
            **params,
            records=(
                MX,
                {"name": "autodiscover.office.test", "rdtype": "CNAME"},
                {"name": "office.test", "rdtype": "TXT", "expect": ("v=spf1 -all",)},
            ),
        )
        seen, findings = look(check)
    assert bad(findings) == []
    said = {f.subject for f in findings}
    assert {one, two, "office.test NS", "office.test SOA"} <= said
    assert seen.zone.how == ("parents" if start == "both" else start)
    assert not check.needs_link()


def replaced(**fields):
    def change(made, transport):
        for name, value in fields.items():
            setattr(made, name, value)
        return made

    return change


def upward(made, transport):
    made.answer.clear()
    made.additional.clear()
    made.authority[:] = [dns.rrset.from_text(".", 60, "IN", "NS", "a.root-servers.net.")]
    made.flags &= ~dns.flags.AA
    made.set_rcode(0)
    return made


def other_soa(made, transport):
    for at, one in enumerate(made.answer):
        if one.rdtype == 6:
            made.answer[at] = dns.rrset.from_text("other.test.", 60, "IN", "SOA", "a. b. 9 1 1 1 1")
    return made


def two_soas(made, transport):
    if made.answer and made.answer[0].rdtype == 6:
        made.answer.append(dns.rrset.from_text(made.answer[0].name, 60, "IN", "SOA", "a. b. 8 1 1 1 1"))
    return made


def other_question(made, transport):
    made.question[0].name = dns.name.from_text("wrong.test")
    return made


def cut_always(made, transport):
    if transport == "tcp":
        return None
    made.answer.clear()
    made.flags |= dns.flags.TC
    return made


def cut_over_udp(made, transport):
    return made if transport == "tcp" else cut_always(made, transport)


FAULTS = {
    "lame: refused": (host(change=with_rcode("REFUSED")), "fail", "REFUSED"),
    "expired: SERVFAIL": (host(change=with_rcode("SERVFAIL")), "fail", "SERVFAIL"),
    "does not know the zone: NXDOMAIN": (host(change=with_rcode("NXDOMAIN")), "fail", "NXDOMAIN"),
    "AA missing": (host(change=without_aa), "fail", "without authority"),
    "upward referral": (host(change=upward), "fail", "upwards"),
    "does not have the zone": (Host({"other.test": ZONE}), "fail", "REFUSED"),
    "only refers to itself": (Host({"test": TLD_ZONE}), "fail", "only refers"),
    "silent": (host(change=silent_on("udp", "tcp")), "fail", "does not answer"),
    "silent on UDP": (host(change=silent_on("udp")), "fail", "not over UDP"),
    "silent on TCP": (host(change=silent_on("tcp")), "fail", "not over TCP"),
    "SOA of another zone": (host(change=other_soa), "fail", "another zone"),
    "two SOA records": (host(change=two_soas), "fail", "2 SOA records"),
    "answers another question": (host(change=other_question), "fail", "did not fit the question"),
    "garbage": (host(change=lambda made, transport: b"\0\1\2"), "fail", "does not answer"),
    "always cut, no TCP": (host(change=cut_always), "fail", "short"),
    "always cut, and whole over TCP": (host(change=cut_over_udp), "warn", "cuts short even the SOA"),
    "behind": (host(ZONE.replace(" 7 7200", " 6 7200")), "fail", "is behind"),
    "behind, around the end": (host(ZONE.replace(" 7 7200", " 4294967290 7200")), "fail", "RFC 1982"),
    "cannot be ordered": (host(ZONE.replace(" 7 7200", f" {7 + HALF} 7200")), "fail", "cannot be ordered"),
    "other data, same serial": (host(ZONE.replace("10 mail", "20 mail")), "fail", "not the planned ones"),
    "record missing": (host(ZONE.replace("@ MX 10 mail\n", "")), "fail", "missing: 10 mail.office.test"),
    "other TTL": (host(ZONE.replace("$TTL 300", "$TTL 600")), "warn", "times to live"),
    "other contact": (host(ZONE.replace("hostmaster", "someone")), "warn", "RNAME"),
    "other primary": (host(ZONE.replace("SOA ns1", "SOA ns2")), "warn", "MNAME"),
    "other timers": (host(ZONE.replace("1209600", "3600")), "warn", "timers"),
    "other NS, same serial": (host(ZONE + f"@ NS ns3\nns3 A {NS2}\n"), "fail", "different NS records"),
    "no NS records": (host(ZONE.replace("@ NS ns1\n@ NS ns2\n", "")), "fail", "without telling its NS"),
    "drops EDNS": (host(edns="drop"), "fail", "only without EDNS"),
    "refuses EDNS": (host(edns="formerr"), "warn", "does not know EDNS"),
    "ignores EDNS": (host(edns="no"), "warn", "does not know EDNS"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_one_server_is_found_and_names_it(fault):
    server, status, words = FAULTS[fault]
    with office(ns2=server) as port:
        _, findings = look(authority(port, records=(MX,)))
        _, two = labels(port)
    said = [f for f in findings if f.status == status and words in f"{f.message} {f.observed}"]
    assert said, [(f.status, f.subject, f.message) for f in findings]
    about = " ".join(f"{f.subject} {f.message} {f.observed}" for f in said)
    assert two in about
    ours = {f.subject for f in findings if f.status == "fail"} - {two}
    assert not any(NS1 in subject and NS2 not in subject for subject in ours), ours


def on_mx(change):
    return host(change=lambda made, way: change(made, way) if made.question[0].rdtype == 15 else made)


def others_mx(made, transport):
    made.answer[:] = [dns.rrset.from_text("other.test.", 300, "IN", "MX", "10 mail.office.test.")]
    return made


def one_more(made, transport):
    made.answer[0] = dns.rrset.from_text(
        "office.test.", 300, "IN", "MX", "10 mail.office.test.", "20 old.office.test."
    )
    return made


def no_such_name(made, transport):
    made.set_rcode(3)
    return made


@pytest.mark.parametrize("expect", [("10 mail.office.test",), ()])
@pytest.mark.parametrize(
    ("change", "status"),
    [
        (without_aa, "fail"),
        (with_rcode("SERVFAIL"), "fail"),
        (with_rcode("REFUSED"), "fail"),
        (silent_on("udp", "tcp"), "inconclusive"),
        (cut_always, "fail"),
        (others_mx, "fail"),
        (one_more, "fail"),
        (no_such_name, "fail"),
    ],
)
def test_a_server_that_is_in_order_but_for_the_planned_set(change, status, expect):
    records = ({"name": "office.test", "rdtype": "MX", "expect": expect},)
    with office(ns2=on_mx(change)) as port:
        _, findings = look(authority(port, records=records))
        _, two = labels(port)
    assert has(findings, status, two, "MX"), findings
    assert has(findings, "pass", two, "with authority")


def test_a_server_that_does_not_run_is_named():
    with office(ns2=None) as port:
        _, findings = look(authority(port))
        _, two = labels(port)
    assert has(findings, "fail", two, "refused (port closed)")


def test_no_server_serves_it():
    gone = host(change=with_rcode("SERVFAIL"))
    with office(ns1=gone, ns2=host(change=silent_on("udp", "tcp"))) as port:
        _, findings = look(authority(port))
    assert has(findings, "fail", "office.test", "No name server serves the zone")
    assert not any(f.status == "pass" for f in findings)


def test_serials_may_differ_where_that_is_said():
    with office(ns2=ZONE.replace(" 7 7200", " 6 7200")) as port:
        _, findings = look(authority(port, same_serial=False))
    assert bad(findings) == []


def test_differing_data_without_a_plan_says_that_the_serial_is_the_same():
    records = ({"name": "mail.office.test", "rdtype": "A"},)
    with office(ns2=ZONE.replace("192.0.2.25", "192.0.2.99")) as port:
        _, findings = look(authority(port, records=records))
    assert any("although both have the serial 7" in f.message for f in findings if f.status == "fail")


def test_the_lagging_server_differs_from_the_newest_not_the_other_way_round():
    records = ({"name": "mail.office.test", "rdtype": "A"},)
    newer_zone = ZONE.replace("192.0.2.25", "192.0.2.99").replace(" 7 7200", " 8 7200")
    with office(ns2=newer_zone) as port:
        _, findings = look(authority(port, records=records))
        one, _ = labels(port)
    assert {f.subject for f in findings if f.status == "fail"} == {one}


def test_a_set_that_is_nowhere_is_not_alike():
    records = ({"name": "gone.office.test", "rdtype": "A"},)
    with office() as port:
        _, findings = look(authority(port, records=records))
    assert bad(findings) == [("fail", "gone.office.test A")]


TWO = "office NS ns1.office\noffice NS ns2.office"
FAILING = Host({"test": TLD_ZONE}, change=with_rcode("SERVFAIL"))
MUTE = Host({"test": TLD_ZONE}, change=silent_on("udp", "tcp"))
PARENTS = {
    "a name only at the parent": (
        TLD_ZONE + f"office NS ns3.office\nns3.office A {NS1}\n", ZONE, "fail", "ns3.office.test",
    ),
    "a name only in the zone": (TLD_ZONE, ZONE + f"@ NS ns3\nns3 A {NS1}\n", "warn", "ns3.office.test"),
    "all names differ": (
        TLD_ZONE.replace(TWO, "office NS a.office\noffice NS b.office")
        + f"a.office A {NS1}\nb.office A {NS2}\n", ZONE, "fail", "a.office.test, b.office.test",
    ),
    "glue is old": (TLD_ZONE.replace(f"ns2.office A {NS2}", f"ns2.office A {NS1}"), ZONE, "fail", "glue"),
    "glue is less": (TLD_ZONE, ZONE + f"ns2 A {NS3}\n", "warn", "does not have"),
    "glue is missing": (TLD_ZONE.replace(f"ns2.office A {NS2}\n", ""), ZONE, "fail", "no glue for ns2"),
    "NS is an alias": (TLD_ZONE, ZONE.replace(f"ns2 A {NS2}", "ns2 CNAME ns1"), "fail", "is an alias"),
    "NS has no address": (TLD_ZONE, ZONE.replace(f"ns2 A {NS2}\n", ""), "fail", "but for the glue"),
    "NS elsewhere without address": (
        TLD_ZONE + "office NS ns.nowhere\n", ZONE + "@ NS ns.nowhere.test.\n", "fail", "does not exist",
    ),
    "not delegated": (TLD_ZONE.replace("office", "other"), ZONE, "fail", "NXDOMAIN"),
    "no NS records at the parent": (
        TLD_ZONE.replace(TWO, "office A 192.0.2.1"), ZONE, "fail",
        "no NS records",
    ),
    "an alias at the parent": (
        TLD_ZONE.replace(TWO, "office CNAME other"), ZONE, "fail",
        "alias",
    ),
    "the parent fails": (FAILING, ZONE, "inconclusive", "SERVFAIL"),
    "the parent is silent": (MUTE, ZONE, "inconclusive", "timeout"),
}  # fmt: skip


@pytest.mark.parametrize("kind", [Authority, Delegation])
@pytest.mark.parametrize("case", PARENTS)
def test_the_parent_s_side(case, kind):
    tld, zone, status, words = PARENTS[case]
    with office(tld=tld, ns1=zone, ns2=zone, more={NS3: host(zone)}) as port:
        _, findings = look(kind(domain="office.test", roots=(ROOT,), port=port))
    worst = {f.status for f in findings}
    said = [f for f in findings if f.status == status and words in f"{f.message} {f.observed}"]
    assert said, [(f.status, f.subject, f.message, f.observed) for f in findings]
    if status != "fail":
        assert "fail" not in worst
    if status == "inconclusive":
        assert "pass" not in worst


def test_a_server_that_only_the_zone_names_is_tested_too():
    zone = ZONE + f"@ NS ns3\nns3 A {NS3}\n"
    with office(ns1=zone, ns2=zone, more={NS3: host(zone.replace(" 7 7200", " 5 7200"))}) as port:
        _, findings = look(authority(port))
    assert has(findings, "fail", f"ns3.office.test ({NS3}:{port})", "is behind")
    assert has(findings, "warn", "ns1.office.test", "ns3.office.test")


@pytest.mark.parametrize("kind", [Authority, Delegation])
@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("@ NS ns3\nns3 CNAME ns1\n", "is an alias"),
        ("@ NS ns3\n", "does not exist"),
        ('@ NS ns3\nns3 TXT "x"\n', "has no address"),
    ],
)
def test_names_in_the_zone_are_looked_up_where_servers_are_named(kind, more, words):
    with office(ns1=ZONE + more, ns2=ZONE + more, without=(ROOT, TLD)) as port:
        servers = (f"ns1.office.test={NS1}:{port}", f"ns2.office.test={NS2}:{port}")
        _, findings = look(kind(domain="office.test", servers=servers))
    assert has(findings, "fail", "ns3.office.test", words)


def test_parents_and_roots_together_find_names_elsewhere_from_the_roots():
    root = ROOT_ZONE + f"other. NS ns.other.\nns.other. A {NS3}\n"
    tld = TLD_ZONE.replace("office NS ns2.office", "office NS srv.other.")
    zone = ZONE.replace("@ NS ns2\n", "@ NS srv.other.\n")
    other = Host({"other": f"$TTL 9\n@ SOA a. b. 1 2 3 4 5\n@ NS ns\nns A {NS3}\nsrv A {NS2}\n"})
    with office(root=root, tld=tld, ns1=zone, ns2=zone, more={NS3: other}) as port:
        seen, findings = look(authority(port, parents=(TLD,)))
    assert seen.zone.how == "parents"
    assert bad(findings) == []
    assert {f.subject for f in findings} >= {f"srv.other ({NS2}:{port})"}


def test_named_servers_that_leave_one_of_the_delegation_out():
    with office(ns2=host(change=with_rcode("REFUSED"))) as port:
        check = authority(port, roots=(), servers=(f"ns1.office.test={NS1}:{port}",), parents=(TLD,))
        _, findings = look(check)
    assert has(findings, "inconclusive", "ns2.office.test", "not tested")


@pytest.mark.parametrize("kind", [Authority, Delegation])
@pytest.mark.parametrize("key", ["servers", "parents"])
def test_a_named_server_without_an_address_is_not_left_out(kind, key):
    with office() as port:
        named = {
            "servers": (f"ns1.office.test={NS1}:{port}", f"ns2.office.test={NS2}:{port}"),
            "parents": (f"{TLD}:{port}",),
        }
        named[key] += ("gone.office.test",)
        _, findings = look(kind(domain="office.test", port=port, resolvers=(f"{TLD}:{port}",), **named))
    assert bad(findings) == [("inconclusive", "gone.office.test")]


def test_no_ipv6_here_is_not_their_fault(monkeypatch):
    zone = ZONE + "ns2 AAAA 2001:db8::53\n"
    tld = TLD_ZONE + "ns2.office AAAA 2001:db8::53\n"
    with office(tld=tld, ns1=zone, ns2=zone) as port:
        _, findings = look(authority(port))
        assert [f.status for f in findings if "2001:db8::53" in f.subject] == ["inconclusive"]
        assert "fail" not in {f.status for f in findings}
        _, findings = look(authority(port, family="ipv4"))
        assert bad(findings) == []


def test_an_ipv6_address_that_is_silent_fails_where_another_of_the_family_works():
    zone = ZONE + "ns1 AAAA ::1\nns2 AAAA 100::1\n"
    tld = TLD_ZONE + "ns1.office AAAA ::1\nns2.office AAAA 100::1\n"
    with office(tld=tld, ns1=zone, ns2=zone, more={"::1": host(zone)}) as port:
        check = authority(port)
        seen, findings = look(check)
    about = [f for f in findings if "100::1" in f.subject]
    (silent,) = [one for one in seen.servers if one.server.address == "100::1"]
    wanted = "inconclusive" if silent.udp.error == "not sent" else "fail"
    assert [f.status for f in about] == [wanted]
    assert has(findings, "pass", f"ns1.office.test ([::1]:{port})", "with authority")


def test_one_server_alone_is_not_agreement():
    tld, zone = TLD_ZONE.replace("office NS ns2.office\n", ""), ZONE.replace("@ NS ns2\n", "")
    with office(tld=tld, ns1=zone) as port:
        _, findings = look(authority(port))
    assert bad(findings) == [("warn", "office.test")]


@pytest.mark.parametrize("kind", [Authority, Delegation])
@pytest.mark.parametrize(
    ("where", "aa", "status"),
    [
        (("192.0.2.1", "192.0.2.2"), (False, False), "inconclusive"),
        (("192.0.2.1", "192.0.2.2"), (False, True), "fail"),
        (("192.0.2.1", "192.0.2.1"), (False, False), "fail"),
        (("127.0.0.1", "127.0.0.2"), (False, False), "fail"),
    ],
)
def test_a_network_that_answers_for_every_server_is_not_their_fault(kind, where, aa, status):
    servers = tuple(f"ns{number}.office.test={place}" for number, place in enumerate(where))
    soa = Record(name="office.test", ttl=9, rdtype="SOA", text="a b 7 1 1 1 1")
    ns = tuple(Record(name="office.test", ttl=9, rdtype="NS", text=f"ns{n}.office.test") for n in (0, 1))
    seen = []
    for server, authoritative in zip(servers, aa, strict=True):
        name, _, place = server.partition("=")
        base = Answer(
            server=place, address=place, name="office.test", rdtype="SOA", rcode="NOERROR", ra=True,
            aa=authoritative, edns=True, records=(soa,),
        )  # fmt: skip
        told = dataclasses.replace(base, rdtype="NS", records=ns)
        tcp = dataclasses.replace(base, transport="tcp")
        seen.append(ServerSeen(server=Server(name=name, endpoint=place), udp=base, tcp=tcp, ns=told))
    zone = Zone(domain="office.test", how="servers", servers=tuple(one.server for one in seen))
    whole = AuthoritySeen if kind is Authority else DelegationSeen
    check = kind(domain="office.test", servers=tuple(dict.fromkeys(servers)))
    findings = list(check.judge(whole(zone=zone, servers=tuple(seen))))
    assert status in {f.status.value for f in findings}
    assert ("fail" in {f.status.value for f in findings}) is (status == "fail")


def test_two_servers_behind_one_address():
    class Two(Host):
        def reply(self, wire, transport):
            self.change = None
            made = super().reply(wire, transport)
            return made if transport == "udp" else made.replace(b"\0\0\0\7\0\0\x1c", b"\0\0\0\6\0\0\x1c")

    with office(ns2=Two({"office.test": ZONE})) as port:
        _, findings = look(authority(port))
        _, two = labels(port)
    assert has(findings, "fail", two, "another SOA over TCP")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"records": ({"name": "other.test", "rdtype": "A"},)}, "does not lie in the zone"),
        ({"records": (MX, MX)}, "same record set twice"),
        ({"records": ({**MX, "expect": ("nonsense",)},)}, "is no MX data"),
        ({"roots": (), "servers": ("127.0.0.1", "127.0.0.1")}, "same server twice"),
    ],
)
def test_what_does_not_fit_is_refused(params, words):
    with pytest.raises(ValueError, match=words):
        authority(53, **params)


serial = st.integers(0, 2**32 - 1)


@given(serial, serial)
def test_serials_are_ordered_one_way(one, other):
    ahead, behind = newer(one, other), newer(other, one)
    if one == other:
        assert ahead is behind is False
    elif (one - other) % 2**32 == HALF:
        assert ahead is behind is None
    else:
        assert {ahead, behind} == {True, False}


@given(serial, st.integers(1, HALF - 1))
def test_what_is_added_makes_it_newer(one, step):
    """RFC 1982 section 3.1: a serial plus 1 to 2^31 - 1 is later, around the end, too."""
    assert newer((one + step) % 2**32, one) is True
    assert newest({one, (one + step) % 2**32}) == (one + step) % 2**32


@given(st.sets(serial, min_size=1, max_size=5))
def test_the_newest_is_newer_than_every_other(serials):
    top = newest(serials)
    if top is not None:
        assert all(newer(top, other) for other in serials - {top})
    else:
        assert all(any(newer(one, other) is not True for other in serials - {one}) for one in serials)
