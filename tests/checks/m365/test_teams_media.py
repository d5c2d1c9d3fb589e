from __future__ import annotations

import asyncio
import itertools
import time

import pytest

from checks import jsonable
from checks.m365.teams_media import TeamsMedia, TeamsMediaSeen
from checks.vantage import Shared, Vantage
from checks.words import Status, worst
from tests.checks import hostile
from tests.checks.wire.dns_servers import free_port
from tests.checks.wire.stun_servers import attribute, coturn, mapped, reply, scripted


def look(**settings):
    settings.setdefault("host", "127.0.0.1")
    settings.setdefault("window", 1.0)
    check = TeamsMedia(**settings)
    seen = asyncio.run(check.observe(Vantage(Shared(), allowance=check.allowance())))
    assert jsonable.from_json(TeamsMediaSeen, jsonable.to_json(seen)) == seen
    findings = list(check.judge(seen))
    hostile.assert_harmless(findings)
    assert all(finding.fix for finding in findings if finding.status is not Status.PASS)
    return worst(finding.status for finding in findings), findings


def texts(findings, status) -> str:
    return " ".join(finding.message for finding in findings if finding.status is status)


def silent(query, peer):
    return []


def answers(query, peer):
    return [reply(query, mapped(*peer))]


def test_coturn_is_reached_and_measured():
    with coturn() as ports:
        status, findings = look(ports=ports[:1], window=5.0)
    assert status == "pass", findings
    said = texts(findings, Status.PASS)
    assert "answers by UDP" in said
    assert "Packet loss is within its limit: 0 of 300 packets lost" in said
    assert "Jitter" in said
    assert "Round-trip" in said


def test_too_short_a_window_is_no_pass():
    with scripted(answers) as port:
        status, findings = look(ports=(port,))
    assert status == "inconclusive"
    assert "Too few packets" in texts(findings, Status.INCONCLUSIVE)


def test_silence_alone_proves_nothing():
    with scripted(silent) as port:
        status, findings = look(ports=(port,))
    assert status == "inconclusive"
    assert "relay may be silent" in texts(findings, Status.INCONCLUSIVE)


def test_silence_beside_a_control_that_answers():
    with scripted(silent) as port, scripted(answers, host="127.0.0.2", port=port):
        status, findings = look(ports=(port,), control=f"127.0.0.2:{port}")
    assert status == "inconclusive"
    assert "silent or filtered: the control answers by UDP." in texts(findings, Status.INCONCLUSIVE)


def test_silence_beside_a_control_on_another_port():
    with scripted(silent) as port, scripted(answers, host="127.0.0.2") as other:
        status, findings = look(ports=(port,), control=f"127.0.0.2:{other}")
    assert status == "inconclusive"
    assert "though on another port" in texts(findings, Status.INCONCLUSIVE)


def test_silence_of_both_is_a_blocked_port():
    with scripted(silent) as port, scripted(silent, host="127.0.0.2", port=port):
        status, findings = look(ports=(port,), control=f"127.0.0.2:{port}")
    assert status == "fail"
    assert f"UDP {port} is blocked here" in texts(findings, Status.FAIL)


def test_silence_of_both_on_different_ports_proves_nothing_of_this_one():
    with scripted(silent) as port, scripted(silent, host="127.0.0.2") as other:
        assert look(ports=(port,), control=f"127.0.0.2:{other}")[0] == "inconclusive"


def test_a_control_whose_port_is_closed_tells_nothing():
    with scripted(silent) as port:
        assert look(ports=(port,), control=f"127.0.0.2:{port}")[0] == "inconclusive"


def test_a_closed_port_fails():
    status, findings = look(ports=(free_port(),))
    assert status == "fail"
    assert "refused" in texts(findings, Status.FAIL)


def test_one_port_of_two():
    with scripted(answers) as good, scripted(silent) as bad:
        status, findings = look(ports=(good, bad))
    assert status == "inconclusive"
    told = {finding.subject: finding.status for finding in findings if finding.subject.endswith("/udp")}
    assert told == {f"127.0.0.1:{good}/udp": Status.PASS, f"127.0.0.1:{bad}/udp": Status.INCONCLUSIVE}


def test_an_echo_of_our_own_request_is_no_relay():
    with scripted(lambda query, peer: [query]) as port:
        assert look(ports=(port,))[0] == "inconclusive"


def test_a_refusal_is_reachable():
    error = attribute(0x0009, b"\0\0\4\1Unauthorized")

    def refuses(query, peer):
        return [reply(query, error, kind=int.from_bytes(query[:2], "big") | 0x0110)]

    with scripted(refuses) as port:
        status, findings = look(ports=(port,))
    assert status != "fail"
    assert "refusing by 401" in texts(findings, Status.PASS)


def test_loss_fails():
    numbers = itertools.count()
    with scripted(lambda query, peer: answers(query, peer) if next(numbers) % 10 else []) as port:
        status, findings = look(ports=(port,))
    assert status == "fail"
    assert "Packet loss is beyond its limit" in texts(findings, Status.FAIL)


def test_delay_and_jitter_fail():
    numbers = itertools.count()

    def uneven(query, peer):
        if next(numbers) % 30 == 29:
            time.sleep(0.4)  # what comes meanwhile waits
        return answers(query, peer)

    with scripted(uneven) as port:
        status, findings = look(ports=(port,), window=2.0)
    assert status == "fail"
    assert {finding.measure.name for finding in findings if finding.status is Status.FAIL} & {
        "Jitter", "Round-trip time (median)"
    }  # fmt: skip


def test_symmetric_nat_is_told_and_no_fault():
    def maps_to(port):
        return lambda query, peer: [reply(query, mapped("192.0.2.7", port))]

    with scripted(maps_to(1)) as one, scripted(maps_to(2)) as two:
        status, findings = look(ports=(one, two))
    assert status != "fail"
    assert "symmetric NAT" in texts(findings, Status.PASS)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"cloud": "china"}, "give one as 'host'"),
        ({"ports": (1, 1)}, "twice"),
        ({"host": "relay.example", "control": "relay.example:3479"}, "the relay itself"),
    ],
)
def test_parameters_that_do_not_fit(settings, words):
    with pytest.raises(ValueError, match=words):
        TeamsMedia(**settings)
