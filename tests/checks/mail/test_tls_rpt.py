"""Do senders know where to report: the lies first, then real answers."""

from __future__ import annotations

import asyncio
import json

import pytest

from checks import jsonable
from checks.contract import Status
from checks.mail.tls_rpt import TlsRpt, TlsRptSeen
from checks.vantage import Shared, Vantage
from checks.wire.dns import Record
from checks.wire.dns_lookup import Lookup
from tests.checks.hostile import ESCAPES, assert_harmless
from tests.checks.wire.dns_servers import answering, free_port, scripted

S = Status
DOMAIN = "contoso.test"
NAME = f"_smtp._tls.{DOMAIN}"
GOOD = "v=TLSRPTv1; rua=mailto:tls@contoso.test"


def seen(*texts, outcome=None):
    records = tuple(Record(name=NAME, ttl=60, rdtype="TXT", text=json.dumps(text)) for text in texts)
    found = Lookup(
        name=NAME, rdtype="TXT", server="192.0.2.53", outcome=outcome or ("found" if texts else "no data"),
        records=records, detail=f"SERVFAIL {ESCAPES}",
    )  # fmt: skip
    return TlsRptSeen(found=found)


def statuses(what, **params):
    findings = list(TlsRpt(domain=DOMAIN, **params).judge(what))
    assert_harmless(findings)
    again = jsonable.from_json(TlsRptSeen, json.loads(json.dumps(jsonable.to_json(what))))
    assert list(TlsRpt(domain=DOMAIN, **params).judge(again)) == findings
    assert {finding.subject for finding in findings} == {NAME}
    return [finding.status for finding in findings]


@pytest.mark.parametrize(
    ("what", "present", "absent"),
    [
        (seen(GOOD), [S.PASS], [S.FAIL]),
        (seen("v=spf1 -all", GOOD), [S.PASS], [S.FAIL]),
        (seen(), [S.FAIL], [S.PASS]),
        (seen(outcome="no such name"), [S.FAIL], [S.PASS]),
        (seen("v=spf1 -all"), [S.FAIL], [S.PASS]),
        (seen(outcome="failed"), [S.INCONCLUSIVE], [S.INCONCLUSIVE]),
        (seen(GOOD, GOOD.replace("tls@", "other@")), [S.FAIL], [S.FAIL]),
        (seen(GOOD.lower()), [S.FAIL], [S.FAIL]),
        (seen(" " + GOOD), [S.FAIL], [S.FAIL]),
        (seen("v=TLSRPTv1; rua=tls@contoso.test"), [S.FAIL], [S.FAIL]),
        (seen("v=TLSRPTv1;"), [S.FAIL], [S.FAIL]),
        (seen(f"{GOOD},ftp://contoso.test/x"), [S.WARN, S.PASS], [S.FAIL]),
        (seen(f"v=TLSRPTv1; rua=mailto:{ESCAPES}@x.test"), [S.FAIL], [S.FAIL]),
    ],
)
def test_the_record(what, present, absent):
    assert statuses(what) == present
    assert statuses(what, expect="absent") == absent


def run(server, **params):
    async def go():
        shared = Shared()
        one = TlsRpt(domain=DOMAIN, resolvers=(server,), **params)
        try:
            return [f.status for f in one.judge(await one.observe(Vantage(shared, "test", 5)))]
        finally:
            await shared.close()

    return asyncio.run(go())


def test_real_answers():
    with scripted(
        udp=answering(("@", 60, "TXT", '"v=TLSRPTv1; " "rua=mailto:tls@x.test"'), flags=("RA",))
    ) as port:
        assert run(f"127.0.0.1:{port}") == [S.PASS]
    with scripted(udp=answering(rcode="SERVFAIL", flags=("RA",))) as port:
        assert run(f"127.0.0.1:{port}", expect="absent") == [S.INCONCLUSIVE]
    assert run(f"127.0.0.1:{free_port()}", expect="absent") == [S.INCONCLUSIVE]
