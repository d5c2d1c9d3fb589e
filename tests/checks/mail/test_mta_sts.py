"""Will senders that follow MTA-STS deliver to the planned hosts: the lies first, then a real policy host."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from checks import jsonable
from checks.contract import Status
from checks.mail._mta_sts_past import Before
from checks.mail.mta_sts import MtaSts, MtaStsSeen
from checks.vantage import Earlier, Shared, Vantage
from checks.wire.dns import Record
from checks.wire.dns_lookup import Lookup
from checks.wire.http import Exchange, Phases, Trouble
from checks.wire.tcp import Attempt
from tests.checks import pki
from tests.checks.hostile import ESCAPES, STALLS, answers, assert_harmless, serve
from tests.checks.wire.dns_servers import answering, free_port, scripted

S = Status
DOMAIN, OLD, NEW = "contoso.test", "mail.contoso.test", "contoso-test.mail.protection.outlook.com"
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
RECORD = "v=STSv1; id=20261101T000000;"
BOTH = (OLD, "*.mail.protection.outlook.com")


def policy(*hosts, mode="enforce", max_age=604800):
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {host}" for host in hosts), f"max_age: {max_age}"]
    return "".join(f"{line}\r\n" for line in lines).encode()


def lookup(*texts, outcome=None, detail=""):
    records = tuple(
        Record(name=f"_mta-sts.{DOMAIN}", ttl=60, rdtype="TXT", text=json.dumps(text)) for text in texts
    )
    return Lookup(
        name=f"_mta-sts.{DOMAIN}", rdtype="TXT", server="192.0.2.53",
        outcome=outcome or ("found" if texts else "no data"), records=records, detail=detail,
    )  # fmt: skip


def served(body=None, status=200, kind="text/plain", **changes):
    body = policy(*BOTH) if body is None else body
    base = Exchange(
        url=f"https://mta-sts.{DOMAIN}/.well-known/mta-sts.txt", method="GET", phases=Phases(), status=status,
        headers=(("content-type", kind),), body=body, body_bytes=len(body), complete=True,
    )  # fmt: skip
    return dataclasses.replace(base, **changes)


def broken(kind, phase="connect", **changes):
    trouble = Trouble(phase=phase, kind=kind, detail=f"because {ESCAPES}", verify_code=10)
    return served(b"", status=None, complete=False, trouble=trouble, **changes)


def unreached(outcome):
    attempt = Attempt(address="192.0.2.80", port=443, outcome=outcome, seconds=1.0)
    return broken("unreachable", attempts=(attempt,))


def seen(found=None, exchange=None, **changes):
    return MtaStsSeen(
        at=NOW, found=lookup(RECORD) if found is None else found,
        exchange=served() if exchange is None else exchange, **changes,
    )  # fmt: skip


def judge(what, **params):
    params = params or {"planned_mx": (NEW,), "expect_mode": "enforce"}
    findings = list(MtaSts(domain=DOMAIN, **params).judge(what))
    assert_harmless(findings)
    again = jsonable.from_json(MtaStsSeen, json.loads(json.dumps(jsonable.to_json(what))))
    assert list(MtaSts(domain=DOMAIN, **params).judge(again)) == findings
    return findings


def worst(findings):
    order = [S.FAIL, S.INCONCLUSIVE, S.WARN, S.PASS]
    return min((finding.status for finding in findings), key=order.index)


OTHER = Lookup(name=f"mta-sts.{DOMAIN}", rdtype="A", server="s", outcome="no data")
LIES = {
    "the new host is not named": (seen(exchange=served(policy(OLD))), S.FAIL),
    "two labels under the star": (seen(exchange=served(policy("*.outlook.com"))), S.FAIL),
    "only one of two planned hosts": (seen(exchange=served(policy(NEW.replace("contoso", "other")))), S.FAIL),
    "the host named in a comment": (seen(exchange=served(policy(OLD) + f"x: {NEW}\n".encode())), S.FAIL),
    "the record's lookup failed": (seen(lookup(outcome="failed", detail="SERVFAIL")), S.INCONCLUSIVE),
    "no record": (seen(lookup()), S.FAIL),
    "two records": (seen(lookup(RECORD, "v=STSv1; id=2")), S.FAIL),
    "a record without id": (seen(lookup("v=STSv1;")), S.FAIL),
    "a record in other case": (seen(lookup("v=STSV1; id=1")), S.FAIL),
    "another TXT record only": (seen(lookup("v=spf1 -all")), S.FAIL),
    "testing where enforce is planned": (seen(exchange=served(policy(*BOTH, mode="testing"))), S.FAIL),
    "none where enforce is planned": (seen(exchange=served(policy(mode="none"))), S.FAIL),
    "a redirect": (seen(exchange=served(status=301)), S.FAIL),
    "not found": (seen(exchange=served(status=404)), S.FAIL),
    "a page of the web host": (seen(exchange=served(b"<html>hello</html>", kind="text/html")), S.FAIL),
    "the right text as html": (seen(exchange=served(kind="text/html")), S.WARN),
    "no content type": (seen(exchange=served(headers=())), S.WARN),
    "more than 64 KB": (seen(exchange=served(cut=True, complete=False)), S.FAIL),
    "half of a policy": (seen(exchange=served(complete=False)), S.FAIL),
    "an expired certificate": (seen(exchange=broken("untrusted", "tls")), S.FAIL),
    "silence": (seen(exchange=broken("timeout")), S.INCONCLUSIVE),
    "silence behind TLS": (seen(exchange=broken("timeout", "ttfb")), S.FAIL),
    "our network lets nothing out": (seen(exchange=unreached("no_route")), S.INCONCLUSIVE),
    "our firewall": (seen(exchange=unreached("barred")), S.INCONCLUSIVE),
    "the host is silent": (seen(exchange=unreached("timeout")), S.INCONCLUSIVE),
    "a closed port": (seen(exchange=unreached("refused")), S.FAIL),
    "our own network is down": (seen(exchange=broken("local")), S.INCONCLUSIVE),
    "the policy host has no address": (dataclasses.replace(seen(host=OTHER), exchange=None), S.FAIL),
    "the policy host's lookup failed": (
        dataclasses.replace(seen(host=dataclasses.replace(OTHER, outcome="failed")), exchange=None),
        S.INCONCLUSIVE,
    ),
    "two modes": (seen(exchange=served(policy(*BOTH) + b"mode: testing\n")), S.WARN),
    "the id stayed": (
        seen(before=Before(at=NOW - timedelta(days=1), id="20261101T000000", body=policy(OLD))), S.FAIL
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_what_would_make_it_lie(name):
    what, status = LIES[name]
    findings = judge(what)
    assert worst(findings) is status, findings


def test_all_is_well():
    findings = judge(seen())
    assert [(f.status, f.subject) for f in findings] == [(S.PASS, NEW)]
    before = Before(at=NOW - timedelta(days=1), id="older", body=policy(OLD))
    assert worst(judge(seen(before=before))) is S.PASS
    same = Before(at=NOW - timedelta(days=1), id="20261101T000000", body=policy(*reversed(BOTH)))
    assert worst(judge(seen(before=same))) is S.PASS


def test_the_cutover_trap_says_how_long():
    (finding,) = judge(seen(exchange=served(policy(OLD))))
    assert "for up to 7 d" in finding.message
    assert f"mx: {NEW}" in finding.fix
    assert "id" in finding.fix
    assert finding.subject == NEW


def test_each_planned_host_has_a_finding():
    findings = judge(seen(), planned_mx=(NEW, OLD, "other.test"))
    assert [(f.subject, f.status) for f in findings] == [
        (NEW, S.PASS), (OLD, S.PASS), ("other.test", S.FAIL)
    ]  # fmt: skip


def test_testing_mode_is_tolerable():
    findings = judge(seen(exchange=served(policy(OLD, mode="testing"))), planned_mx=(NEW,))
    assert worst(findings) is S.WARN


def test_mode_none_keeps_nobody_out():
    assert worst(judge(seen(exchange=served(policy(mode="none"))), planned_mx=(NEW,))) is S.PASS


@pytest.mark.parametrize("params", [{"expect_mode": "absent"}, {"planned_mx": (NEW,)}])
def test_no_mta_sts_keeps_nobody_out(params):
    gone = dataclasses.replace(seen(lookup(), host=OTHER), exchange=None)
    assert worst(judge(gone, **params)) is S.PASS
    assert worst(judge(dataclasses.replace(gone, found=lookup(outcome="no such name")), **params)) is S.PASS


def test_absence_is_not_the_end_of_what_is_cached():
    planned = {"planned_mx": (NEW,), "expect_mode": "absent"}
    assert worst(judge(seen(lookup(), served(policy(OLD))), **planned)) is S.WARN
    assert worst(judge(seen(lookup(), served(policy(*BOTH))), **planned)) is S.PASS
    assert worst(judge(seen(lookup(), served(policy(mode="none"))), **planned)) is S.PASS
    before = Before(at=NOW - timedelta(days=1), id="1", body=policy(OLD))
    gone = dataclasses.replace(seen(lookup(), before=before), exchange=None)
    assert worst(judge(gone, **planned)) is S.WARN
    old = dataclasses.replace(gone, before=dataclasses.replace(before, at=NOW - timedelta(days=8)))
    assert worst(judge(old, **planned)) is S.PASS


def test_absent_is_not_absent():
    assert worst(judge(seen(), expect_mode="absent")) is S.FAIL
    assert worst(judge(seen(lookup("v=stsv1; id=1")), expect_mode="absent")) is S.FAIL
    assert worst(judge(seen(lookup(outcome="failed")), expect_mode="absent")) is S.INCONCLUSIVE


def test_asserting_nothing_is_refused():
    with pytest.raises(ValueError, match="nothing would be asserted"):
        MtaSts(domain=DOMAIN)


def observed(one, earlier=()):
    async def go():
        shared = Shared(history=lambda check, limit: tuple(earlier))
        try:
            return await one.observe(Vantage(shared, "test", 5))
        finally:
            await shared.close()

    return asyncio.run(go())


def zone(*texts, host=None):
    """Answer the TXT record of MTA-STS, and an address for the policy host."""
    import dns.message
    import dns.rrset

    def answer(query):
        asked = dns.message.from_wire(query)
        made = dns.message.make_response(asked)
        made.flags |= 0x0080
        name, kind = asked.question[0].name, asked.question[0].rdtype
        if kind == 16 and name.to_text() == f"_mta-sts.{DOMAIN}.":
            made.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *(json.dumps(t) for t in texts)))
        if kind == 1 and host and name.to_text() == f"mta-sts.{DOMAIN}.":
            made.answer.append(dns.rrset.from_text(name, 60, "IN", "A", host))
        return made.to_wire()

    return scripted(udp=answer)


@contextlib.contextmanager
def web(handler, tls):
    """Serve `handler` over TLS from a loop of its own; yield the endpoint."""
    loop, ready, done = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    found = []

    async def main():
        async with serve(handler, tls=tls) as port:
            found.append(port)
            ready.set()
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    assert ready.wait(10)
    try:
        yield f"127.0.0.1:{found[0]}"
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(10)
        loop.close()


def response(body, kind=b"text/plain", head=b"HTTP/1.1 200 OK\r\n"):
    return answers(head + b"Content-Type: " + kind + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")
    root = pki.make("Test Root", authority=True)
    (folder / "root.pem").write_bytes(pki.pem(root.certificate))
    return root, folder


def fetch(authority, handler, names=(f"mta-sts.{DOMAIN}",), **params):
    root, folder = authority
    tls = pki.make(names[0], by=root, names=names).server(folder)
    with web(handler, tls) as place, zone(RECORD) as port:
        one = MtaSts(
            domain=DOMAIN, planned_mx=(NEW,), expect_mode="enforce", resolvers=(f"127.0.0.1:{port}",),
            connect_to=place, ca_file=str(folder / "root.pem"), **params,
        )  # fmt: skip
        what = observed(one)
    findings = list(one.judge(what))
    assert_harmless(findings)
    return findings


def test_a_real_policy_host(authority):
    assert worst(fetch(authority, response(policy(*BOTH)))) is S.PASS
    findings = fetch(authority, response(policy(OLD)))
    assert worst(findings) is S.FAIL


def test_a_certificate_for_another_name(authority):
    findings = fetch(authority, response(policy(*BOTH)), names=(DOMAIN, f"www.{DOMAIN}"))
    assert worst(findings) is S.FAIL
    assert "certificate" in findings[0].message


def test_a_redirect_is_not_followed(authority):
    head = b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.test/.well-known/mta-sts.txt\r\n"
    findings = fetch(authority, response(policy(*BOTH), head=head))
    assert worst(findings) is S.FAIL
    assert "redirected" in findings[0].message


def test_the_size_is_bounded(authority):
    most = policy(*BOTH)
    most += b"x: " + b"y" * (65536 - len(most) - 4) + b"\n"
    assert worst(fetch(authority, response(most))) is S.PASS
    assert worst(fetch(authority, response(most + b"x"))) is S.FAIL


@pytest.mark.parametrize("name", STALLS)
def test_a_host_that_stalls(authority, name):
    findings = fetch(authority, STALLS[name])
    assert worst(findings) is S.FAIL
    assert not any(finding.status is S.PASS for finding in findings)


def test_the_policy_host_by_the_resolvers_named(authority):
    """Without connect_to the address comes from `resolvers`; nothing listens on 443 there."""
    with zone(RECORD, host="127.0.0.254") as port:
        one = MtaSts(domain=DOMAIN, planned_mx=(NEW,), resolvers=(f"127.0.0.1:{port}",))
        what = observed(one)
    assert what.host is not None
    assert what.host.texts == ("127.0.0.254",)
    assert worst(list(one.judge(what))) is S.FAIL
    with zone(RECORD) as port:
        one = MtaSts(domain=DOMAIN, planned_mx=(NEW,), resolvers=(f"127.0.0.1:{port}",))
        what = observed(one)
    assert what.exchange is None
    assert worst(list(one.judge(what))) is S.FAIL


def test_a_dead_resolver_and_a_failing_one():
    for server in (f"127.0.0.1:{free_port()}",):
        one = MtaSts(domain=DOMAIN, expect_mode="absent", resolvers=(server,))
        assert worst(list(one.judge(observed(one)))) is S.INCONCLUSIVE
    with scripted(udp=answering(rcode="SERVFAIL", flags=("RA",))) as port:
        one = MtaSts(domain=DOMAIN, expect_mode="absent", resolvers=(f"127.0.0.1:{port}",))
        assert worst(list(one.judge(observed(one)))) is S.INCONCLUSIVE


def test_the_past_comes_from_earlier_runs():
    then = seen(exchange=served(policy(OLD)))
    other = dataclasses.replace(then, found=dataclasses.replace(then.found, name="_mta-sts.other.example"))
    strange = Earlier(at=NOW, status=S.PASS, observation=jsonable.to_json(other))
    rubbish = Earlier(at=NOW, status=S.PASS, observation={"at": 1})
    nothing = Earlier(at=NOW, status=S.FAIL, observation=jsonable.to_json(seen(lookup())))
    held = Earlier(at=NOW - timedelta(days=2), status=S.PASS, observation=jsonable.to_json(then))
    with zone(RECORD) as port:
        one = MtaSts(domain=DOMAIN, planned_mx=(NEW,), resolvers=(f"127.0.0.1:{port}",))
        what = observed(one, earlier=(rubbish, strange, nothing, held))
    assert what.before == Before(at=held.at, id="20261101T000000", body=policy(OLD))
