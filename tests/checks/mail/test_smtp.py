"""mail.smtp against postfix, healthy and broken."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime

import pytest

from checks import jsonable
from checks.mail.smtp import HostSeen, Recipient, Smtp, SmtpHostSeen
from checks.vantage import CannotTell, Shared, Vantage
from checks.wire.names import Resolved
from checks.wire.smtp import SmtpRequest, SmtpSeen, Step, probe
from checks.wire.smtp_replies import Reply
from checks.wire.tcp import Attempt
from checks.words import Status, worst
from tests.checks import hostile, pki
from tests.checks.wire.dns_servers import answering, free_port, scripted
from tests.lab import need
from tests.lab.certs import KeyPair
from tests.lab.mailserver import (
    BLOCKED,
    DBEB,
    DIRECT_SEND,
    GREYLISTED,
    TENANT,
    WRONG_REGION,
    Postfix,
    postfix,
)

NAME = "mx.office.example"
OLD_TLS = {"smtpd_tls_mandatory_protocols": "<=TLSv1.1", "smtpd_tls_protocols": "<=TLSv1.1",
           "tls_high_cipherlist": "ALL:@SECLEVEL=0", "tls_medium_cipherlist": "ALL:@SECLEVEL=0"}  # fmt: skip


def look(check: Smtp, allowance: float = 20.0):
    seen = asyncio.run(check.observe(Vantage(Shared(), allowance=allowance)))
    return judged(check, seen)


def judged(check: Smtp, seen: SmtpHostSeen):
    again = jsonable.from_json(SmtpHostSeen, jsonable.to_json(seen))
    assert again == seen
    findings = list(check.judge(again))
    hostile.assert_harmless(findings)
    assert all(finding.fix for finding in findings if finding.status is not Status.PASS)
    return worst(finding.status for finding in findings), findings


def texts(findings, status=Status.FAIL) -> str:
    return " ".join(finding.message for finding in findings if finding.status is status)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Certificates by their state, readable by postfix, and the authority's file."""
    folder = tmp_path_factory.mktemp("keys")
    root = pki.make("Lab Root", authority=True, end=3650)
    pairs = {
        "good": pki.make(NAME, by=root, names=(NAME,)),
        "expired": pki.make(NAME, by=root, names=(NAME,), end=-3),
        "soon": pki.make(NAME, by=root, names=(NAME,), end=5),
        "self": pki.make(NAME, names=(NAME,)),
        "other": pki.make("old.example.com", by=root, names=("old.example.com",)),
    }
    (folder / "root.pem").write_bytes(pki.pem(root.certificate))
    return {state: KeyPair(*pair.write(folder, state)) for state, pair in pairs.items()} | {
        "ca": str(folder / "root.pem")
    }


@pytest.fixture(scope="module")
def running(keys):
    """One postfix for the module; a test says how it is set up."""
    need("postfix")
    with postfix(addresses=("127.0.0.1", "::1"), certificate=keys["good"]) as server:
        yield server


@pytest.fixture
def server(running: Postfix, keys) -> Postfix:
    running.change(
        hostname=NAME, domains=("office.example",), recipients=("office@office.example",), refusals={},
        client="", certificate=keys["good"], options={},
    )  # fmt: skip
    running.start()
    return running


def check(server: Postfix, keys, **settings) -> Smtp:
    settings.setdefault("server_name", NAME)
    settings.setdefault("ca_file", keys["ca"])
    return Smtp(host=server.endpoint, **settings)


def test_a_healthy_server_passes_with_its_results_apart(server, keys):
    status, findings = look(check(server, keys, recipients=(Recipient(address="office@office.example"),)))
    assert status == "pass", findings
    said = texts(findings, Status.PASS)
    for words in ("greets", "STARTTLS is offered and TLS is agreed", "chain is trusted", "for the name",
                  "recipient is accepted"):  # fmt: skip
        assert words in said
    assert "DATA" not in server.log
    assert "status=sent" not in server.log


def test_every_address_of_the_name_is_tried(server, keys):
    status, findings = look(
        Smtp(host=f"localhost:{server.port}", server_name=NAME, ca_file=keys["ca"], family="any")
    )
    assert status == "pass", findings
    assert {finding.subject for finding in findings} >= {f"127.0.0.1:{server.port}"}


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [
        ("expired", "fail", "The certificate has expired"),
        ("self", "fail", "signed by itself"),
        ("other", "fail", "for another name"),
        ("soon", "warn", ""),
    ],
)
def test_a_bad_certificate_hides_neither_starttls_nor_recipients(server, keys, state, status, words):
    server.change(certificate=keys[state])
    asked = check(server, keys, recipients=(Recipient(address="office@office.example"),))
    found, findings = look(asked)
    assert found == status, findings
    assert words in texts(findings)
    assert "STARTTLS is offered and TLS is agreed" in texts(findings, Status.PASS)
    assert "recipient is accepted" in texts(findings, Status.PASS)
    if status == "fail":
        assert len([one for one in findings if one.status is Status.FAIL]) == 1, findings
    found, findings = look(dataclasses.replace(asked, certificate="informational"))
    assert found == "warn", findings


def test_an_unknown_authority(server, keys):
    status, findings = look(check(server, keys, ca_file=None))
    assert status == "fail"
    assert "STARTTLS is offered and TLS is agreed" in texts(findings, Status.PASS)


def test_no_starttls(server, keys):
    server.change(certificate=None)
    assert look(check(server, keys))[0] == "fail"
    assert look(check(server, keys, starttls="optional"))[0] == "pass"
    assert look(check(server, keys, starttls="absent"))[0] == "pass"


def test_starttls_that_must_not_be(server, keys):
    assert look(check(server, keys, starttls="absent"))[0] == "fail"


def test_old_tls_is_too_old_and_still_described(server, keys):
    server.change(options=OLD_TLS)
    status, findings = look(check(server, keys))
    assert status == "fail"
    assert "too old" in texts(findings)
    assert "STARTTLS is offered and TLS is agreed" in texts(findings, Status.PASS)


def test_a_key_that_is_gone(server, keys):
    gone = KeyPair(keys["good"].chain, keys["good"].chain)
    server.change(certificate=gone)
    status, findings = look(check(server, keys))
    assert status == "fail"
    assert "STARTTLS" in texts(findings)


@pytest.mark.parametrize(
    ("refusal", "expect", "status", "words"),
    [
        ("", "accepted", "pass", ""),
        ("", "rejected", "fail", "accepted, where it must be rejected"),
        (DBEB, "accepted", "fail", "Directory-Based Edge Blocking"),
        (DBEB, "rejected", "pass", ""),
        (TENANT, "accepted", "fail", "no inbound connector"),
        (DIRECT_SEND, "accepted", "fail", "Direct Send"),
        (DIRECT_SEND, "rejected", "inconclusive", "Direct Send"),
        (WRONG_REGION, "accepted", "fail", "wrong region"),
        (WRONG_REGION, "rejected", "inconclusive", "wrong region"),
        ("451 4.4.62 Temporary server error. ATTR55", "accepted", "inconclusive", "off for now"),
        (GREYLISTED, "accepted", "inconclusive", "greylisting"),
        (GREYLISTED, "rejected", "inconclusive", "greylisting"),
        (BLOCKED, "accepted", "inconclusive", "not the recipient"),
        (BLOCKED, "rejected", "inconclusive", "not the recipient"),
        ("550 5.7.606 Access denied, banned sending IP [192.0.2.7]", "rejected", "inconclusive", "recipient"),
        ("550 5.1.8 Sender is from nowhere", "accepted", "fail", ""),
        ("552 5.2.2 Mailbox full", "accepted", "fail", "refuses the recipient"),
    ],
)
def test_what_a_recipient_is_told(server, keys, refusal, expect, status, words):
    address = "office@office.example"
    server.change(refusals={address: refusal} if refusal else {})
    found, findings = look(check(server, keys, recipients=(Recipient(address=address, expect=expect),)))
    assert found == status, findings
    assert words in " ".join(finding.message for finding in findings)


def test_unknown_recipients_and_strange_domains_are_refused_by_postfix_itself(server, keys):
    asked = (
        Recipient(address="nobody@office.example", expect="rejected"),
        Recipient(address="office@elsewhere.example", expect="rejected"),
    )
    assert look(check(server, keys, recipients=asked))[0] == "pass"
    wanted = tuple(Recipient(address=one.address) for one in asked)
    status, findings = look(check(server, keys, recipients=wanted))
    assert status == "fail"
    assert "knows no such address" in texts(findings)
    assert "relaying is denied" in texts(findings)
    assert {finding.subject for finding in findings if finding.status is Status.FAIL} == {
        f"{server.endpoint} nobody@office.example", f"{server.endpoint} office@elsewhere.example"
    }  # fmt: skip


def test_a_sender_that_is_refused_says_nothing_of_the_recipient(server, keys):
    server.change(
        options={"smtpd_sender_restrictions": "reject", "smtpd_delay_reject": "no"},
    )
    for expect in ("accepted", "rejected"):
        asked = (Recipient(address="office@office.example", expect=expect),)
        status, findings = look(check(server, keys, recipients=asked, mail_from="a@example.com"))
        assert status == "inconclusive", findings
        assert "not asked" in texts(findings, Status.INCONCLUSIVE)


def test_a_banner_that_refuses(server, keys):
    server.change(client="554 5.7.1 We take no mail")
    status, findings = look(check(server, keys))
    assert status == "inconclusive"  # postfix says: Client host rejected
    assert "this laptop's address" in texts(findings, Status.INCONCLUSIVE)
    server.change(client="450 4.7.1 Busy")
    assert look(check(server, keys))[0] == "inconclusive"


def test_the_greeting_can_be_planned(server, keys):
    assert look(check(server, keys, banner=r"^mx\.office\.example "))[0] == "pass"
    status, findings = look(check(server, keys, banner="mail.protection.outlook.com"))
    assert status == "fail"
    assert "Another server greets" in texts(findings)


def test_with_a_control_a_dead_server_is_told_from_a_blocked_port(server, keys):
    need("postfix")
    asked = check(server, keys)
    with postfix(hostname="control.example") as control:
        assert look(dataclasses.replace(asked, control=control.endpoint))[0] == "pass"
        server.stop()
        status, findings = look(dataclasses.replace(asked, control=control.endpoint))
        assert status == "fail"
        assert "refuses this port" in texts(findings)
        control.stop()
        status, findings = look(dataclasses.replace(asked, control=control.endpoint))
        assert status == "inconclusive"
        assert "seems blocked from here" in texts(findings, Status.INCONCLUSIVE)


def test_two_servers_with_one_greeting_prove_nothing(server, keys):
    with postfix(addresses=("127.0.0.2",), hostname=NAME) as control:
        status, findings = look(check(server, keys, control=control.endpoint))
    assert status == "inconclusive"
    assert "exactly the same words" in texts(findings, Status.INCONCLUSIVE)


def test_a_missing_ca_file_cannot_be_judged(server, keys):
    with pytest.raises(CannotTell, match="cannot be read"):
        look(check(server, keys, ca_file="/nonexistent.pem"))


def test_the_chain_for_dane_needs_no_trust(server):
    seen = asyncio.run(
        probe(
            Vantage(Shared()),
            SmtpRequest(address="127.0.0.1", port=server.port, server_name=NAME, verify=False),
        )
    )
    assert seen.shown is not None
    assert seen.shown.verified is None
    assert seen.shown.chain[0].der


# What cannot be had on loopback: judged from what would have been seen.

BANNER = Reply(code=220, lines=("mx ESMTP",))


def talk(address: str, outcome: str = "open", port: int = 25, greeting: Reply | None = BANNER) -> SmtpSeen:
    steps = (Step(phase="banner", sent="", seconds=0.1, reply=greeting),) if greeting is not None else (
        Step(phase="banner", sent="", seconds=0.1, trouble="timeout", detail="silence"),
    )  # fmt: skip
    hello = Step(phase="ehlo", sent="EHLO x", seconds=0.1, reply=Reply(code=250, lines=("mx", "PIPELINING")))
    return SmtpSeen(
        attempt=Attempt(address=address, port=port, outcome=outcome, seconds=0.1, detail="words"),
        steps=() if outcome != "open" else (*steps, hello) if greeting is not None else steps,
        extensions=("PIPELINING",),
    )


def host(*talks: SmtpSeen) -> HostSeen:
    addresses = tuple(one.attempt.address for one in talks)
    return HostSeen(names=Resolved(host="mx.example.com", addresses=addresses), talks=talks)


UP4, UP6 = talk("192.0.2.1"), talk("2001:db8::1")
OTHER = Reply(code=220, lines=("control ESMTP",))
CONTROL4, CONTROL6 = talk("198.51.100.1", greeting=OTHER), talk("2001:db8:1::1", greeting=OTHER)
DEAD = ("refused", "timeout", "unreachable", "reset")


@pytest.mark.parametrize("outcome", DEAD)
@pytest.mark.parametrize(
    ("others", "control", "status"),
    [
        ((), None, "inconclusive"),
        ((), (CONTROL4,), "fail"),
        ((), (talk("198.51.100.1", "timeout"),), "inconclusive"),
        ((), (talk("198.51.100.1", greeting=None),), "inconclusive"),
        ((), (CONTROL6,), "inconclusive"),
        ((), (), "inconclusive"),
        ((UP4,), None, "fail"),
        ((UP6,), None, "fail"),
        ((UP6,), (CONTROL6,), "fail"),
        ((UP6,), (CONTROL6, talk("198.51.100.1", "timeout")), "inconclusive"),
        ((talk("192.0.2.2", greeting=None),), None, "inconclusive"),
    ],
)
def test_what_a_server_that_is_not_reached_proves(outcome, others, control, status):
    check = Smtp(host="mx.example.com", control="control.example", starttls="optional")
    seen = SmtpHostSeen(
        host=host(talk("192.0.2.9", outcome), *others),
        control=None if control is None else host(*control),
        now=datetime(2026, 11, 23, tzinfo=UTC),
    )
    found, findings = judged(check, seen)
    assert found == status, findings
    assert any(finding.subject == "192.0.2.9:25" for finding in findings)


def test_only_ipv6_is_dead():
    check = Smtp(host="mx.example.com", starttls="optional")
    seen = SmtpHostSeen(
        host=host(UP4, talk("2001:db8::9", "timeout")), control=None, now=datetime(2026, 11, 23, tzinfo=UTC)
    )
    status, findings = judged(check, seen)
    assert status == "fail"
    (wrong,) = (finding for finding in findings if finding.status is Status.FAIL)
    assert wrong.subject == "[2001:db8::9]:25"
    assert "Another address of the server works" in wrong.fix
    without = dataclasses.replace(seen, host=host(UP4, talk("2001:db8::9", "no_route")))
    assert judged(check, without)[0] == "warn"


def test_a_port_on_this_machine_needs_no_control(keys):
    status, _ = look(Smtp(host=f"127.0.0.1:{free_port()}"))
    assert status == "fail"


def test_other_ports_are_not_blocked_by_custom():
    check = Smtp(host="mx.example.com:2525", starttls="optional")
    seen = SmtpHostSeen(
        host=host(talk("192.0.2.9", "timeout", port=2525)), control=None,
        now=datetime(2026, 11, 23, tzinfo=UTC),
    )  # fmt: skip
    assert judged(check, seen)[0] == "fail"


def test_a_name_without_address_and_a_silent_resolver():
    check = Smtp(host="mx.example.com")
    for temporary, status in ((False, "fail"), (True, "inconclusive")):
        names = Resolved(host="mx.example.com", addresses=(), error="no", temporary=temporary)
        seen = SmtpHostSeen(
            host=HostSeen(names=names, talks=()), control=None, now=datetime(2026, 11, 23, tzinfo=UTC)
        )
        assert judged(check, seen)[0] == status


@pytest.mark.parametrize(
    ("rcode", "status"), [("NOERROR", "pass"), ("SERVFAIL", "inconclusive"), ("REFUSED", "inconclusive")]
)
def test_resolvers_that_are_named(server, keys, rcode, status):
    """A lookup of AAAA that failed is no absence of IPv6 addresses."""
    known = answering(("@", 60, "A", "127.0.0.1"), flags=("RA",))
    empty = answering(rcode=rcode, flags=("RA",))

    def answer(query):
        return known(query) if b"\0\1\0\1" in query[12:] else empty(query)

    with scripted(udp=answer) as dns:
        found, findings = look(
            Smtp(host=f"{NAME}:{server.port}", ca_file=keys["ca"], resolvers=(f"127.0.0.1:{dns}",))
        )
    assert found == status, findings
    assert "The mail server greets." in texts(findings, Status.PASS)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"control": "mx.example.com"}, "the host itself"),
        ({"control": "mx.example.com:25"}, "the host itself"),
        ({"control": "other.example:587"}, "must be on the host's port"),
        ({"recipients": (Recipient(address="a"),)}, "mail address"),
        ({"recipients": (Recipient(address="a@b.example>\r\nDATA"),)}, "domain name"),
        ({"recipients": (Recipient(address="a@b.example"),) * 2}, "twice"),
        ({"mail_from": "a b@example.com"}, "mail address"),
        ({"fail_days": 30}, "fail_days"),
    ],
)
def test_parameters_that_do_not_fit(settings, words):
    with pytest.raises(ValueError, match=words):
        Smtp(host="mx.example.com", **settings)
