"""Have resolvers the planned records, and when does the last stale answer die: lies first, then caches."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from datetime import UTC, datetime, timedelta

import pytest

from checks import jsonable
from checks.contract import Status
from checks.dns import propagation
from checks.dns._panel import Sample, Truth
from checks.dns.propagation import Propagation, PropagationSeen
from checks.vantage import CannotTell, Shared, Vantage
from checks.wire.dns import Answer
from checks.wire.dns import Record as Resource
from tests.checks.hostile import ESCAPES, assert_harmless
from tests.checks.wire.dns_servers import ZONE, answering, free_port, knot, scripted, unbound

S = Status
NAME = "office.example"
NEW, OLD, OTHER = "0 new.mail.example", "10 mail.office.example", "5 else.example"
AT = datetime(2026, 11, 23, 14, 0, 0, tzinfo=UTC)


def records(*texts, ttl=300, name=NAME, rdtype="MX"):
    return tuple(Resource(name=name, ttl=ttl, rdtype=rdtype, text=text) for text in texts)


def soa(ttl):
    return (Resource(name=NAME, ttl=ttl, rdtype="SOA", text="ns.x host.x 1 2 3 4 5"),)


def answer(*texts, server="192.0.2.53", ttl=300, **changes):
    base = Answer(
        server=server, address=server, name=NAME, rdtype="MX", rcode="NOERROR", ra=True, rtt_ms=1.0,
        records=records(*texts, ttl=ttl),
    )  # fmt: skip
    return dataclasses.replace(base, **changes)


def truth(*texts, **changes):
    return Truth(
        server="ns1 (192.0.2.1)",
        answer=answer(*texts, server="192.0.2.1", ra=False, **{"aa": True, **changes}),
    )


def judge(*answers, true=None, old=(OLD,), trouble="", unchecked=None, **params):
    check = Propagation(name=NAME, rdtype="MX", expect=(NEW,), old=old, resolvers=("192.0.2.53",), **params)
    seen = PropagationSeen(
        samples=tuple(Sample(at=AT, answer=one, unchecked=unchecked) for one in answers),
        truth=tuple(true or ()), asked_truth=true is not None, trouble=trouble,
    )  # fmt: skip
    findings = list(check.judge(seen))
    assert_harmless(findings)
    return findings


SILENT = {"rcode": None, "error": "timeout", "records": ()}
LIES = {
    "the old data": (answer(OLD), S.FAIL),
    "old and new together": (answer(OLD, NEW), S.FAIL),
    "other data": (answer(OTHER), S.FAIL),
    "nothing": (answer(authority=soa(60)), S.FAIL),
    "no such name": (answer(rcode="NXDOMAIN", authority=soa(60)), S.FAIL),
    "records beside NXDOMAIN": (answer(NEW, rcode="NXDOMAIN"), S.FAIL),
    "an alias to nowhere": (answer(records=records("x.example", rdtype="CNAME")), S.FAIL),
    "another name's record": (answer(records=records(NEW, name="x.example")), S.FAIL),
    "a circle": (answer(records=records(NAME, rdtype="CNAME")), S.FAIL),
    "silence": (answer(**SILENT), S.INCONCLUSIVE),
    "a closed port": (answer(rcode=None, error="refused (port closed)"), S.INCONCLUSIVE),
    "no trust": (answer(rcode=None, error="untrusted certificate"), S.INCONCLUSIVE),
    "the planned data, cut short": (answer(NEW, error="truncated", tc=True), S.INCONCLUSIVE),
    "SERVFAIL": (answer(rcode="SERVFAIL"), S.INCONCLUSIVE),
    "the planned data beside SERVFAIL": (answer(NEW, rcode="SERVFAIL"), S.INCONCLUSIVE),
    "REFUSED": (answer(rcode="REFUSED"), S.INCONCLUSIVE),
    "a server that does not resolve": (answer(ra=False), S.INCONCLUSIVE),
    "NXDOMAIN of a stranger": (answer(ra=False, rcode="NXDOMAIN"), S.INCONCLUSIVE),
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("beside", [(), (answer(NEW),)], ids=["alone", "beside a good answer"])
def test_it_does_not_lie(lie, beside):
    given, status = LIES[lie]
    findings = judge(given, *beside)
    assert findings[0].status is status, findings
    assert all(finding.status is not S.PASS for finding in findings)
    assert findings[0].fix
    if beside and status is S.FAIL:
        assert "some of 2 answers" in findings[0].message or "of its own" in findings[0].message


def test_half_of_the_zone_s_servers_are_not_the_truth():
    """The old data from a cache is not known to die while a server may still have it."""
    findings = judge(answer(NEW), true=[truth(NEW)], trouble="ns2.x: no address")
    assert [f.status for f in findings] == [S.PASS, S.INCONCLUSIVE, S.PASS]
    findings = judge(answer(OTHER), true=[truth(NEW)], old=(), trouble="ns2.x: no address")
    assert "neither" not in findings[-1].message
    assert "not the planned" in findings[-1].message


def test_a_named_server_without_an_address_is_not_left_out():
    with knot(ZONE.replace("MX 10 mail", f"MX {NEW}.")) as port:
        check = Propagation(
            name=NAME, rdtype="MX", expect=(NEW,), resolvers=(f"127.0.0.1:{port}",),
            servers=(f"127.0.0.1:{port}", "gone.invalid"),
        )  # fmt: skip
        findings = run(check)
    assert [f.status for f in findings if "gone.invalid" in f.observed] == [S.INCONCLUSIVE]


def test_nothing_asked_is_no_pass():
    assert judge() == []


def test_the_planned_data_passes():
    (finding,) = judge(answer(NEW), answer(NEW), answer("0 NEW.mail.example"))
    assert (finding.status, finding.subject) == (S.PASS, "192.0.2.53")
    by_alias = (*records("m.example", rdtype="CNAME"), *records(NEW, name="m.example"))
    (finding,) = judge(answer(records=by_alias))
    assert finding.status is S.PASS
    assert "alias" in finding.message


def test_it_says_when_the_last_stale_answer_dies():
    findings = judge(
        answer(OLD, ttl=212), answer(OLD, server="192.0.2.54", ttl=30), answer(NEW, server="192.0.2.55")
    )
    assert [(f.subject, f.status) for f in findings] == [
        ("192.0.2.53", S.FAIL), ("192.0.2.54", S.FAIL), ("192.0.2.55", S.PASS), (f"{NAME} MX", S.FAIL),
    ]  # fmt: skip
    assert "dies at 14:03:32 UTC (in 212 s)" in findings[0].message
    assert "dies at 14:00:30 UTC (in 30 s)" in findings[1].message
    assert "the last stale answer dies at 14:03:32 UTC (in 212 s), provided that" in findings[3].message
    _, last = judge(answer(OLD, ttl=40_000))
    assert "24 Nov 2026 01:06:40 UTC (in 40000 s)" in last.message, "another day is named"
    assert "14:00:00 UTC (in 0 s)" in judge(answer(OLD, ttl=0))[0].message


def test_of_several_answers_the_longest_lived_counts():
    several = (answer(OLD, ttl=10), answer(NEW), answer(OLD, ttl=99), answer(OLD, ttl=50))
    stale, last = judge(*several)
    assert "(in 99 s)" in stale.message
    assert "some of 4 answers" in stale.message
    assert "(in 99 s)" in last.message
    way = (*records("m.example", rdtype="CNAME", ttl=500), *records(OLD, name="m.example", ttl=9))
    assert "(in 500 s)" in judge(answer(records=way))[0].message, "an alias is kept, too"


def test_a_negative_answer_dies_with_its_soa():
    stale, last = judge(answer(rcode="NXDOMAIN", authority=soa(45)))
    assert "does not exist; that dies at 14:00:45 UTC (in 45 s)" in stale.message
    assert last.status is S.FAIL
    (mute,) = judge(answer(rcode="NXDOMAIN"))
    assert "does not say for how long" in mute.message


def test_a_server_with_a_zone_of_its_own_never_lets_go():
    (own,) = judge(answer(OLD, aa=True))
    assert own.status is S.FAIL
    assert "will not expire" in own.message
    assert "split DNS" in own.fix


def test_what_the_zone_s_own_servers_say():
    changed = judge(answer(OLD), true=[truth(NEW)])
    assert [f.status for f in changed] == [S.PASS, S.FAIL, S.FAIL]
    assert changed[-1].message.endswith("UTC (in 300 s).")
    half = judge(answer(OLD), true=[truth(NEW), truth(OLD)])
    assert [f.status for f in half] == [S.PASS, S.FAIL, S.FAIL, S.FAIL]
    assert "still has the old data" in half[1].message
    assert "unless a resolver then asks" in half[-1].message
    early = judge(answer(NEW), true=[truth(OLD)])
    assert [f.status for f in early] == [S.FAIL, S.PASS], "a resolver alone does not make it true"
    for given in (truth(NEW, **SILENT), truth(NEW, rcode="REFUSED"), truth(NEW, aa=False), truth(aa=False)):
        assert judge(answer(NEW), true=[given])[0].status is S.INCONCLUSIVE
    unknown = judge(answer(NEW), true=[], trouble=ESCAPES)
    assert [f.status for f in unknown] == [S.INCONCLUSIVE, S.PASS]


def test_without_the_old_data_what_no_server_has_any_longer_is_stale():
    assert "not the planned" in judge(answer(OTHER), old=())[0].message
    known = judge(answer(OTHER), old=(), true=[truth(NEW)])
    assert "that dies at 14:05:00 UTC" in known[1].message
    own = judge(answer(OTHER, aa=True), old=(), true=[truth(NEW)])
    assert "not the planned" in own[1].message


def test_servfail_that_goes_away_without_validation_is_proven_wrong():
    given = answer(rcode="SERVFAIL")
    (bogus,) = judge(given, unchecked=answer(NEW))
    assert bogus.status is S.FAIL
    assert "DNSSEC" in bogus.message
    for still in (given, answer(**SILENT)):
        assert judge(given, unchecked=still)[0].status is S.INCONCLUSIVE


def test_hostile_records_are_shown_harmless():
    judge(*[answer(*["9 x\\027]52;c;aGk=\\007.example"] * 50)] * 3)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"expect": (NEW,), "old": ("0 NEW.mail.example.",)}, "are the same"),
        ({"expect": ("mail.example",)}, "no data of a MX record"),
        ({"expect": (NEW, NEW)}, "same record twice"),
        ({"expect": (NEW,), "resolvers": ("192.0.2.1", "192.0.2.1")}, "same server twice"),
        ({"expect": (NEW,), "parents": ("192.0.2.1", "192.0.2.1")}, "same server twice"),
    ],
)
def test_what_asserts_nothing_is_refused(params, words):
    with pytest.raises(ValueError, match=words):
        Propagation(name=NAME, rdtype="MX", **params)


def test_the_default_panel_needs_the_link():
    assert Propagation(name=NAME, rdtype="MX", expect=(NEW,), servers=("127.0.0.1",)).needs_link()
    assert not Propagation(name=NAME, rdtype="MX", expect=(NEW,), resolvers=("tls://127.0.0.1",)).needs_link()


def run(check):
    async def work():
        shared = Shared()
        try:
            return await check.observe(Vantage(shared, "propagation", check.allowance()))
        finally:
            await shared.close()

    found = asyncio.run(work())
    assert jsonable.from_json(PropagationSeen, jsonable.to_json(found)) == found
    findings = list(check.judge(found))
    assert_harmless(findings)
    return findings


BEFORE = ZONE.replace("@        MX 10 mail", "@   4    MX 10 mail")
AFTER = BEFORE.replace("MX 10 mail", "MX 0 new.mail.example.").replace("hostmaster 7", "hostmaster 8")


def test_real_caches_before_and_after_the_old_data_dies():
    with (
        knot(BEFORE) as before, knot(AFTER) as after,
        unbound(stubs={NAME: before}, probe=NAME) as stale, unbound(stubs={NAME: after}, probe=NAME) as fresh,
        unbound('local-zone: "office.example." static', f'local-data: "{NAME}. MX {OLD}"', probe=NAME) as own,
        unbound(
            'module-config: "validator iterator"', f'trust-anchor: "{NAME}. DS 1 13 2 {"ab" * 32}"',
            stubs={NAME: after}, probe=NAME,
        ) as bogus,
    ):  # fmt: skip
        closed = free_port()
        ports = (stale.port, fresh.port, own.port, bogus.port, closed)
        resolvers = tuple(f"127.0.0.1:{port}" for port in ports)
        plan = {"name": NAME, "rdtype": "MX", "expect": (NEW,), "old": (OLD,)}
        early = run(
            Propagation(**plan, resolvers=resolvers[:1], servers=(f"ns.office.example=127.0.0.1:{before}",))
        )
        assert [f.status for f in early] == [S.FAIL] * 3
        assert early[0].subject == f"ns.office.example (127.0.0.1:{before})"
        stale.control("stub_add", NAME, f"127.0.0.1@{after}")  # the zone has changed, the cache does not know
        began = datetime.now(UTC)
        check = Propagation(**plan, resolvers=resolvers, servers=(f"127.0.0.1:{after}",))
        findings = run(check)
        assert [(f.subject, f.status) for f in findings] == [
            (f"127.0.0.1:{after}", S.PASS), (resolvers[0], S.FAIL), (resolvers[1], S.PASS),
            (resolvers[2], S.FAIL), (resolvers[3], S.FAIL), (resolvers[4], S.INCONCLUSIVE),
            (f"{NAME} MX", S.FAIL),
        ]  # fmt: skip
        assert "still gives the old data; that dies at" in findings[1].message
        assert "will not expire" in findings[3].message
        assert "DNSSEC" in findings[4].message
        said = findings[-1].message.partition("dies at ")[2][:8]
        dies = began.replace(hour=int(said[:2]), minute=int(said[3:5]), second=int(said[6:8]), microsecond=0)
        assert timedelta(0) < dies - began < timedelta(seconds=6)
        while datetime.now(UTC) <= dies:
            time.sleep(0.05)
        (_, later, *_) = run(check)
        assert later.status is S.PASS, "it died when it was said to"


def test_the_zone_s_servers_are_found_from_its_parent():
    with knot(AFTER) as after:
        truth = answering(("office.example.", 60, "MX", "0 new.mail.example."), flags=("RA",))
        with scripted(udp=truth) as resolver:
            check = Propagation(
                name=NAME, rdtype="MX", expect=(NEW,), resolvers=(f"127.0.0.1:{resolver}",),
                parents=(f"127.0.0.1:{after}",), port=after,
            )  # fmt: skip
            findings = run(check)
    assert [f.status for f in findings] == [S.PASS, S.PASS], findings


def test_left_out_resolvers_are_the_panel_and_this_laptop_s_own(monkeypatch):
    async def one(vantage):
        return (own,)

    async def none(vantage):
        raise CannotTell("No.", "No.")

    good = answering(("@", 60, "MX", NEW + "."), flags=("RA",))
    with scripted(udp=good) as first, scripted(udp=good) as second:
        own = f"127.0.0.1:{first}"
        monkeypatch.setattr(propagation, "PANEL", (f"127.0.0.1:{second}", own))
        monkeypatch.setattr(propagation, "handed", one)
        check = Propagation(name=NAME, rdtype="MX", expect=(NEW,))
        assert [f.subject for f in run(check)] == [own, f"127.0.0.1:{second}"]
        monkeypatch.setattr(propagation, "handed", none)
        assert [f.subject for f in run(check)] == [f"127.0.0.1:{second}", own]


def test_several_caches_behind_one_address_are_found():
    turn = [0]
    old, new = (answering(("@", 60, "MX", text + "."), flags=("RA",)) for text in (OLD, NEW))

    def either(query):
        turn[0] += 1
        return (old if turn[0] == 2 else new)(query)

    with scripted(udp=either) as port:
        check = Propagation(
            name=NAME, rdtype="MX", expect=(NEW,), old=(OLD,), resolvers=(f"127.0.0.1:{port}",)
        )
        findings = run(check)
    assert [f.status for f in findings] == [S.FAIL, S.FAIL]
    assert "some of 3 answers" in findings[0].message
