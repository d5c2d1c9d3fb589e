"""Is the time server fit, and is this laptop's clock right: the judge by table, the whole against chronyd."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from checks import jsonable
from checks.contract import Status
from checks.network.ntp import Ntp, TimesSeen
from checks.vantage import Shared, Vantage
from checks.wire.ntp import NtpSample, NtpSeen
from checks.words import worst
from tests.checks.hostile import ESCAPES, assert_harmless
from tests.checks.wire.dns_servers import free_port, scripted
from tests.checks.wire.ntp_servers import chronyd, packet

S = Status


def seen(offset=0.0, server="a", delay=0.001, **changes):
    base = NtpSeen(
        server=server, address="192.0.2.1", samples=(NtpSample(offset_s=offset, delay_s=delay),), stratum=2,
        leap=0, version=4,
    )  # fmt: skip
    return dataclasses.replace(base, **changes)


def judge(*servers, **params):
    check = Ntp(server=servers[0].server, others=tuple(s.server for s in servers[1:]), **params)
    findings = list(check.judge(TimesSeen(servers=servers)))
    assert_harmless(findings)
    return findings


@pytest.mark.parametrize(
    ("server", "status", "words"),
    [
        (seen(0.2), S.PASS, "within"),
        (seen(-1.0), S.PASS, "within"),
        (seen(1.01), S.WARN, "marginal"),
        (seen(30.0), S.WARN, "marginal"),
        (seen(-90.0), S.FAIL, "beyond"),
        (seen(0.0, delay=9.0), S.INCONCLUSIVE, "too slow"),
        (seen(90.0, delay=9.0), S.FAIL, "beyond"),
        (seen(leap=3), S.FAIL, "not synchronised"),
        (seen(stratum=16), S.FAIL, "not synchronised"),
        (seen(samples=()), S.FAIL, "without a usable time"),
        (seen(samples=(), stratum=0, leap=3, kiss="DENY"), S.FAIL, "denies"),
        (seen(samples=(), stratum=0, leap=3, kiss="INIT"), S.FAIL, "synchronised"),
        (seen(samples=(), stratum=0, kiss=ESCAPES), S.FAIL, "kiss code"),
        (seen(samples=(), stratum=0, kiss="RATE"), S.INCONCLUSIVE, "limits how often"),
        (seen(kiss="RATE"), S.PASS, "within"),
        (seen(samples=(), stratum=None, error="timeout", ignored=7), S.FAIL, "no answer"),
        (seen(samples=(), stratum=None, error="refused (port closed)"), S.FAIL, "refused"),
        (seen(samples=(), stratum=None, error="unreachable", detail=ESCAPES), S.FAIL, "unreachable"),
        (seen(samples=(), stratum=None, error="not sent"), S.INCONCLUSIVE, "not tested"),
        (seen(samples=(), stratum=None, error="unknown host"), S.INCONCLUSIVE, "no address"),
    ],
)
def test_one_server(server, status, words):
    (finding,) = judge(server)
    assert finding.status is status
    assert words in finding.message
    assert finding.subject == "a"


def test_a_server_unsure_of_its_own_time_is_a_warning():
    findings = judge(seen(root_delay_s=1.0, root_dispersion_s=1.0))
    assert [finding.status for finding in findings] == [S.PASS, S.WARN]


def test_limits_say_where_they_come_from():
    (finding,) = judge(seen(5.0))
    assert "RFC 6238" in finding.measure.source
    assert "RFC 4120" in finding.expected
    (finding,) = judge(seen(5.0), max_offset=300.0)
    assert finding.measure.source == "limits set in the project"
    assert (finding.status, finding.measure.fail) == (S.WARN, 300.0)


def test_the_odd_one_out_is_named_and_the_laptop_is_not_blamed():
    findings = judge(seen(90.0, "a"), seen(0.1, "b"), seen(-0.1, "c"))
    assert [(f.subject, f.status) for f in findings] == [("a", S.FAIL), ("b", S.PASS), ("c", S.PASS)]
    assert "disagrees" in findings[0].message
    assert "-90.0" in findings[0].observed


def test_a_laptop_that_is_off_differs_from_all_alike():
    findings = judge(seen(90.0, "a"), seen(90.1, "b"), seen(89.9, "c"))
    assert [f.status for f in findings] == [S.FAIL] * 3
    assert all("this laptop" in f.message.lower() for f in findings)


def test_two_that_disagree_are_both_shown():
    findings = judge(seen(90.0, "a"), seen(0.0, "b"))
    assert [(f.subject, f.status) for f in findings] == [("a", S.FAIL), ("b", S.PASS)]
    assert "disagrees" not in findings[0].message


def test_an_unfit_server_has_no_voice():
    findings = judge(seen(90.0, "a"), seen(0.0, "b"), seen(0.0, "c", leap=3))
    assert "disagrees" not in findings[0].message


def test_all_servers_must_answer():
    silent = seen(samples=(), server="b", stratum=None, error="timeout")
    findings = judge(seen(0.0, "a"), silent)
    assert [(f.subject, f.status) for f in findings] == [("a", S.PASS), ("b", S.FAIL)]


@pytest.mark.parametrize(
    "params", [{"max_offset": 0.0}, {"warn_offset": 31.0}, {"others": ("a",)}, {"others": ("b", "b")}]
)
def test_parameters_that_make_no_sense_are_refused(params):
    with pytest.raises(ValueError, match=r"[a-z]+ [a-z]+"):
        Ntp(server="a", **params)


def run(check):
    async def work():
        shared = Shared()
        try:
            return await check.observe(Vantage(shared, "ntp", check.allowance()))
        finally:
            await shared.close()

    found = asyncio.run(work())
    assert jsonable.from_json(TimesSeen, jsonable.to_json(found)) == found
    return list(check.judge(found))


def test_real_servers_one_of_them_false():
    with chronyd() as one, chronyd(host="::1") as two, chronyd(shift="+90s") as false:
        servers = (f"127.0.0.1:{false}", f"127.0.0.1:{one}", f"[::1]:{two}")
        findings = run(Ntp(server=servers[0], others=servers[1:]))
        assert [(f.subject, f.status) for f in findings] == list(
            zip(servers, (S.FAIL, S.PASS, S.PASS), strict=True)
        )
        (alone,) = run(Ntp(server=servers[0]))
        assert (alone.status, alone.observed) == (S.FAIL, "90 s")


def test_nobody_there():
    assert worst(f.status for f in run(Ntp(server=f"127.0.0.1:{free_port()}"))) is S.FAIL


def test_a_forged_originate_is_not_believed():
    with scripted(udp=lambda query: packet(query, originate=b"12345678")) as port:
        check = Ntp(server=f"127.0.0.1:{port}")
        (finding,) = run(check)
    assert finding.status is S.FAIL
    assert "not to our requests" in finding.observed
