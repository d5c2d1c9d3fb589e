"""Does an address name its host and the host its address: lies first, then real zones."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from checks import jsonable
from checks.contract import Status
from checks.dns.ptr import Ptr, PtrHost, PtrPair, PtrSeen
from checks.vantage import Shared, Vantage
from checks.wire.dns import Record as Resource
from checks.wire.dns_lookup import Lookup
from tests.checks.hostile import ESCAPES, assert_harmless
from tests.checks.wire.dns_servers import free_port, scripted, unbound

S = Status
ADDRESS, NAME, BACK = "192.0.2.25", "mail.example.com", "25.2.0.192.in-addr.arpa"


def found(name, rdtype, *texts, **changes):
    made = tuple(Resource(name=name, ttl=60, rdtype=rdtype, text=text) for text in texts)
    base = Lookup(
        name=name, rdtype=rdtype, server="192.0.2.53", outcome="found" if texts else "no data", records=made,
        end=name,
    )  # fmt: skip
    return dataclasses.replace(base, **changes)


def back(*texts, **changes):
    return found(BACK, "PTR", *texts, **changes)


def there(*texts, **changes):
    return found(NAME, "A", *texts, **changes)


def judge(reverse, forward):
    check = Ptr(hosts=(PtrHost(address=ADDRESS, name=NAME),))
    seen = PtrSeen(pairs=(PtrPair(address=ADDRESS, reverse=reverse, forward=forward),))
    findings = list(check.judge(seen))
    assert_harmless(findings)
    assert {finding.subject for finding in findings} == {ADDRESS}
    return [finding.status for finding in findings]


@pytest.mark.parametrize(
    ("reverse", "forward", "status"),
    [
        (back(NAME), there(ADDRESS), [S.PASS, S.PASS]),
        (back("MAIL.Example.Com"), there("192.0.2.1", ADDRESS), [S.PASS, S.PASS]),
        (back(NAME, aliases=("25.0-63.2.0.192.in-addr.arpa",)), there(ADDRESS), [S.PASS, S.PASS]),
        (back(), there(ADDRESS), [S.FAIL, S.PASS]),
        (back(outcome="no such name"), there(ADDRESS), [S.FAIL, S.PASS]),
        (back(outcome="failed", detail=ESCAPES), there(ADDRESS), [S.INCONCLUSIVE, S.PASS]),
        (back("old.example.com"), there(ADDRESS), [S.FAIL, S.PASS]),
        (back("192-0-2-25.dsl.example.net"), there(ADDRESS), [S.FAIL, S.PASS]),
        (back(f"x.{NAME}"), there(ADDRESS), [S.FAIL, S.PASS]),
        (back("\\027]0;x\\007.example"), there(ADDRESS), [S.FAIL, S.PASS]),
        (back(NAME, "old.example.com"), there(ADDRESS), [S.WARN, S.PASS]),
        (back(NAME), there(), [S.PASS, S.FAIL]),
        (back(NAME), there(outcome="no such name"), [S.PASS, S.FAIL]),
        (back(NAME), there("192.0.2.26"), [S.PASS, S.FAIL]),
        (back(NAME), there(outcome="failed", detail="SERVFAIL"), [S.PASS, S.INCONCLUSIVE]),
        (back(outcome="failed"), there(outcome="failed"), [S.INCONCLUSIVE, S.INCONCLUSIVE]),
    ],
)
def test_each_direction_has_its_own_finding(reverse, forward, status):
    assert judge(reverse, forward) == status


def test_a_host_that_was_not_looked_up_is_no_pass():
    check = Ptr(hosts=(PtrHost(address=ADDRESS, name=NAME), PtrHost(address="192.0.2.26", name=NAME)))
    pair = PtrPair(address=ADDRESS, reverse=back(NAME), forward=there(ADDRESS))
    assert [f.status for f in check.judge(PtrSeen(pairs=(pair,)))] == [S.PASS, S.PASS, S.INCONCLUSIVE]
    stray = dataclasses.replace(pair, address="203.0.113.9")
    assert [f.status for f in check.judge(PtrSeen(pairs=(stray,)))] == [S.INCONCLUSIVE] * 2


@pytest.mark.parametrize(
    ("addresses", "words"), [((ADDRESS, ADDRESS), "same address twice"), (("fe80::1%eth0",), "has a zone")]
)
def test_what_cannot_be_is_refused(addresses, words):
    with pytest.raises(ValueError, match=words):
        Ptr(hosts=tuple(PtrHost(address=one, name=NAME) for one in addresses))


def run(*hosts, resolvers):
    check = Ptr(hosts=tuple(PtrHost(address=a, name=n) for a, n in hosts), resolvers=resolvers)
    assert not check.needs_link()

    async def work():
        shared = Shared()
        try:
            return await check.observe(Vantage(shared, "ptr", check.allowance()))
        finally:
            await shared.close()

    seen = asyncio.run(work())
    assert jsonable.from_json(PtrSeen, jsonable.to_json(seen)) == seen
    findings = list(check.judge(seen))
    assert_harmless(findings)
    return [(finding.subject, finding.status) for finding in findings]


DATA = (
    'local-data-ptr: "192.0.2.25 mail.example.com"', 'local-data: "mail.example.com. A 192.0.2.25"',
    'local-data-ptr: "2001:db8::25 mail.example.com"', 'local-data: "mail.example.com. AAAA 2001:db8::25"',
    'local-data-ptr: "192.0.2.26 astray.example.com"', 'local-data: "astray.example.com. A 192.0.2.99"',
    'local-zone: "2.0.192.in-addr.arpa." static', 'local-zone: "example.com." static',
)  # fmt: skip


def test_a_real_resolver_both_families():
    with unbound(*DATA, probe="mail.example.com") as ports, scripted(udp=lambda query: None) as silent:
        one = (f"127.0.0.1:{ports.port}",)
        assert run(("192.0.2.25", NAME), ("2001:db8::25", NAME), ("192.0.2.26", "astray.example.com"),
                   ("192.0.2.27", "gone.example.com"), resolvers=one) == [
            ("192.0.2.25", S.PASS), ("192.0.2.25", S.PASS),
            ("2001:db8::25", S.PASS), ("2001:db8::25", S.PASS),
            ("192.0.2.26", S.PASS), ("192.0.2.26", S.FAIL), ("192.0.2.27", S.FAIL), ("192.0.2.27", S.FAIL),
        ]  # fmt: skip
        second = (f"127.0.0.1:{free_port()}", *one)
        assert run(("192.0.2.25", NAME), resolvers=second) == [("192.0.2.25", S.PASS)] * 2
        deaf = (f"127.0.0.1:{silent}",)
        assert run(("192.0.2.25", NAME), resolvers=deaf) == [("192.0.2.25", S.INCONCLUSIVE)] * 2
