"""The resolvers this laptop was handed: planned, answering, honest."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from checks import jsonable
from checks.contract import Status
from checks.link.resolver import Resolver, ResolversSeen, ServerSeen, plausible
from checks.local import facts
from checks.vantage import Shared, Vantage
from checks.wire.dns import Answer, Record
from checks.words import worst
from tests.checks.hostile import ESCAPES, assert_harmless
from tests.checks.wire.dns_servers import answering, dnsmasq, free_port, scripted

S = Status
PROBE = "intranet.office.example"
INVALID, RANDOM = "gonogo-ab.invalid", f"gonogo-ab.{PROBE}"


def answer(name, *texts, rcode="NOERROR", **changes):
    base = Answer(
        server="192.0.2.53", address="192.0.2.53", name=name, rdtype="A", rcode=rcode, ra=True, rtt_ms=3.0,
        records=tuple(Record(name=name, ttl=60, rdtype="A", text=text) for text in texts),
    )  # fmt: skip
    return dataclasses.replace(base, **changes)


def silent(name):
    return answer(name, rcode=None, error="timeout", rtt_ms=None, detail="no answer within 2 s")


GOOD = (answer(PROBE, "192.0.2.80"),) * 3
TRUE = (answer(INVALID, rcode="NXDOMAIN"), answer(RANDOM, rcode="NXDOMAIN"))


def server(address="192.0.2.53", probes=GOOD, made_up=TRUE):
    return ServerSeen(address=address, source="resolv.conf", interface="eth0", probes=probes, made_up=made_up)


def judge(*servers, unread=(), **params):
    check = Resolver(**{"probe": (PROBE,), **params})
    findings = list(check.judge(ResolversSeen(servers=servers, unread=unread)))
    assert_harmless(findings)
    return findings


def overall(*servers, **params):
    return worst(finding.status for finding in judge(*servers, **params))


LIES = {
    "no resolver at all": ((), {}, S.FAIL),
    "not readable": ((), {"unread": ("The resolvers could not be read.",)}, S.INCONCLUSIVE),
    "silent": ((server(probes=(silent(PROBE),), made_up=(silent(INVALID), silent(RANDOM))),), {}, S.FAIL),
    "refuses": ((server(probes=(answer(PROBE, rcode="REFUSED"),)),), {}, S.FAIL),
    "does not know the probe": ((server(probes=(answer(PROBE, rcode="NXDOMAIN"),)),), {}, S.FAIL),
    "empty answer": ((server(probes=(answer(PROBE),)),), {}, S.FAIL),
    "0.0.0.0": ((server(probes=(answer(PROBE, "0.0.0.0"),)),), {}, S.FAIL),
    "loopback": ((server(probes=(answer(PROBE, "127.0.0.1"),)),), {}, S.FAIL),
    "invents names": (
        (server(made_up=(answer(INVALID, "203.0.113.66"), answer(RANDOM, "203.0.113.66"))),), {}, S.FAIL,
    ),
    "wildcard or rewritten": ((server(made_up=(TRUE[0], answer(RANDOM, "203.0.113.66"))),), {}, S.WARN),
    "honesty unseen": ((server(made_up=(silent(INVALID), silent(RANDOM))),), {}, S.INCONCLUSIVE),
    "one of two silent": ((server(), server("192.0.2.54", probes=(silent(PROBE),))), {}, S.FAIL),
    "not the planned one": ((server(),), {"expect": ("192.0.2.99",)}, S.FAIL),
    "one more than planned": ((server(), server("203.0.113.1")), {"expect": ("192.0.2.53",)}, S.FAIL),
    "one planned is missing": ((server(),), {"expect": ("192.0.2.53", "192.0.2.54")}, S.FAIL),
    "hidden behind a stub": ((server("127.0.0.53"),), {"expect": ("192.0.2.53",)}, S.INCONCLUSIVE),
    "loses some": ((server(probes=(GOOD[0], silent(PROBE), GOOD[0])),), {}, S.WARN),
    "slow": ((server(probes=(answer(PROBE, "192.0.2.80", rtt_ms=900.0),) * 3),), {}, S.WARN),
    "no way there": ((server(probes=(answer(PROBE, rcode=None, error="not sent"),), made_up=()),), {},
                     S.INCONCLUSIVE),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_it_does_not_lie(lie):
    servers, params, status = LIES[lie]
    assert overall(*servers, **params) is status


@pytest.mark.parametrize(
    ("servers", "params"),
    [
        ((server(),), {}),
        ((server(), server("2001:db8::53")), {"expect": ("2001:db8::53", "192.0.2.53")}),
        ((server("127.0.0.53"),), {}),
        ((server("127.0.0.53"),), {"expect": ("127.0.0.53",)}),
        ((server(made_up=(answer(INVALID, rcode="REFUSED"), TRUE[1])),), {}),
        ((server(made_up=(answer(INVALID, rcode="REFUSED"), answer(RANDOM, rcode="SERVFAIL"))),), {}),
    ],
)
def test_what_is_right_passes(servers, params):
    assert overall(*servers, **params) is S.PASS


def test_findings_name_the_resolver():
    findings = judge(server(), server("2001:db8::53", probes=(silent(PROBE),), made_up=()))
    assert {f.subject for f in findings if f.status is S.PASS} == {"192.0.2.53"}
    assert {f.subject for f in findings if f.status is S.FAIL} == {"2001:db8::53"}


def test_hostile_words_are_harmless():
    bad = answer(PROBE, rcode=None, error="malformed reply", detail=ESCAPES)
    judge(server(probes=(bad,), made_up=(answer(INVALID, *["x" * 900] * 60), TRUE[1])))
    judge(unread=(ESCAPES * 100,))


@pytest.mark.parametrize("params", [{"probe": ()}, {"expect": ("192.0.2.1", "192.0.2.1")}])
def test_what_asserts_nothing_is_refused(params):
    with pytest.raises(ValueError, match=r"[a-z]+ [a-z]+"):
        Resolver(**params)


@pytest.mark.parametrize(
    ("address", "yes"),
    [("192.0.2.1", True), ("10.0.0.1", True), ("2001:db8::1", True), ("0.1.2.3", False), ("127.1.1.1", False),
     ("169.254.1.1", False), ("224.0.0.1", False), ("::", False), ("::1", False),
     ("fe80::1", False), ("x", False)],
)  # fmt: skip
def test_plausible(address, yes):
    assert plausible(address) is yes


def run(monkeypatch, port, *addresses, **params):
    """Observe with `addresses` as this laptop's resolvers, all on `port`."""

    async def read_local(shared):
        found = tuple(facts.ResolverFact(address=address, source="test") for address in addresses)
        return facts.LocalHost(hostname="h", user="u", os="o", resolvers=found)

    monkeypatch.setattr(facts, "read_local", read_local)
    monkeypatch.setattr("checks.wire.dns.PORT", port)
    check = Resolver(**{"probe": (PROBE,), "slow": 10.0, **params})

    async def work():
        shared = Shared()
        try:
            return await check.observe(Vantage(shared, "resolver", check.allowance()))
        finally:
            await shared.close()

    seen = asyncio.run(work())
    assert jsonable.from_json(ResolversSeen, jsonable.to_json(seen)) == seen
    findings = list(check.judge(seen))
    assert_harmless(findings)
    return findings


def test_a_real_resolver(monkeypatch):
    with dnsmasq(
        f"--host-record={PROBE},192.0.2.80", "--local=/invalid/", "--local=/office.example/"
    ) as port:
        findings = run(monkeypatch, port, "127.0.0.1", expect=("127.0.0.1",))
        assert [f.status for f in findings] == [S.PASS] * 3
        assert "NXDOMAIN" in findings[2].observed
        two = run(monkeypatch, port, "127.0.0.1", "127.0.0.2", "127.0.0.1")
        assert {f.subject: f.status for f in two} == {"127.0.0.1": S.PASS, "127.0.0.2": S.FAIL}


def test_a_resolver_of_ipv6_only_names(monkeypatch):
    with dnsmasq(f"--host-record={PROBE},2001:db8::80", "--local=/example/", host="::1") as port:
        findings = run(monkeypatch, port, "::1")
    assert {f.status for f in findings} == {S.PASS}
    assert "2001:db8::80" in findings[0].observed


def test_a_real_hijack(monkeypatch):
    with dnsmasq("--address=/#/203.0.113.66") as port:
        findings = run(monkeypatch, port, "127.0.0.1")
    assert [f.status for f in findings] == [S.PASS, S.PASS, S.FAIL]
    assert "203.0.113.66" in findings[2].observed


def test_an_isp_that_rewrites_what_it_does_not_know(monkeypatch):
    known = answering(("@", 60, "A", "192.0.2.80"), flags=("RA",))
    nobody = answering(rcode="NXDOMAIN", flags=("RA",))

    def rewriting(query):
        return (nobody if b"\x07invalid" in query else known)(query)

    with scripted(udp=rewriting) as port:
        findings = run(monkeypatch, port, "127.0.0.1")
    assert [f.status for f in findings] == [S.PASS, S.PASS, S.WARN]


def test_nobody_listens(monkeypatch):
    (finding,) = run(monkeypatch, free_port(), "127.0.0.1")
    assert finding.status is S.FAIL
    assert "refused" in finding.observed
