"""mail.smtp against what no check may trust: each lies, floods, stalls or breaks off in its own way."""

from __future__ import annotations

import asyncio
import time
import tracemalloc

import pytest

from checks import jsonable
from checks.mail.smtp import Recipient, Smtp, SmtpHostSeen
from checks.vantage import Shared, Vantage
from checks.words import Status, worst
from tests.checks import hostile, pki

WHO = "office@office.example"
GREETING = b"220 mx.office.example ESMTP\r\n"
HELLO = b"250-mx.office.example\r\n250-8BITMIME\r\n250 PIPELINING\r\n"


def server(*replies: bytes, greeting: bytes = GREETING, heard: list[bytes] | None = None, stay: bool = True):
    """Return a handler that greets and gives the replies to one command each, in turn."""

    async def handler(reader, writer):
        writer.write(greeting)
        await writer.drain()
        for reply in replies:
            line = await reader.readuntil(b"\n")
            if heard is not None:
                heard.append(line)
            writer.write(reply)
            await writer.drain()
        while stay and (line := await reader.readline()):
            if heard is not None:
                heard.append(line)
            if line.upper().startswith(b"QUIT"):
                writer.write(b"221 bye\r\n")
                await writer.drain()
                return

    return handler


def look(handler, allowance: float = 4.0, **settings):
    settings.setdefault("starttls", "optional")

    async def go():
        async with hostile.serve(handler) as port:
            check = Smtp(host=f"127.0.0.1:{port}", **settings)
            seen = await check.observe(Vantage(Shared(), allowance=allowance))
            return check, seen

    check, seen = asyncio.run(go())
    assert jsonable.from_json(SmtpHostSeen, jsonable.to_json(seen)) == seen
    findings = list(check.judge(seen))
    hostile.assert_harmless(findings)
    assert all(finding.fix for finding in findings if finding.status is not Status.PASS)
    return worst(finding.status for finding in findings), findings


def texts(findings) -> str:
    return " ".join(finding.message for finding in findings)


ASK = {"recipients": (Recipient(address=WHO),)}


def test_the_stand_in_itself_is_healthy():
    heard: list[bytes] = []
    handler = server(HELLO, b"250 ok\r\n", b"250 2.1.5 ok\r\n", b"250 ok\r\n", heard=heard)
    status, findings = look(handler, **ASK)
    assert status == "pass", findings
    words = [line.split()[0] for line in heard]
    assert words == [b"EHLO", b"MAIL", b"RCPT", b"RSET", b"QUIT"]


def test_replies_before_they_are_asked_for_prove_nothing():
    """All replies of a server that accepts come at once: a false pass for whoever reads on."""
    early = b"250 ok\r\n250 2.1.5 ok\r\n250 ok\r\n"
    for handler in (
        server(greeting=GREETING + HELLO + early),
        server(HELLO + early),
        server(HELLO, early),
        server(HELLO, b"250 ok\r\n250 2.1.5 ok\r\n"),
    ):
        status, findings = look(handler, **ASK)
        assert status == "fail"
        assert "before it is asked" in texts(findings)
        assert "recipient is accepted" not in texts(findings)


def test_plain_text_put_in_after_starttls_is_discarded():
    offers = b"250-mx\r\n250 STARTTLS\r\n"
    heard: list[bytes] = []
    status, findings = look(server(offers, b"220 go\r\n250 injected\r\n", heard=heard), starttls="required")
    assert status == "fail"
    assert "Plain text comes after STARTTLS" in texts(findings)
    assert len(heard) == 2


@pytest.mark.parametrize(
    "reply", [b"454 4.7.0 TLS not available\r\n", b"501 no\r\n", b"250 yes?\r\n", b"421 4.3.2 bye\r\n"]
)
@pytest.mark.parametrize("wanted", ["required", "optional"])
def test_starttls_that_is_offered_and_refused(reply, wanted):
    status, findings = look(server(b"250-mx\r\n250 STARTTLS\r\n", reply), starttls=wanted)
    assert status == "fail"
    assert "offers STARTTLS and then refuses it" in texts(findings)


@pytest.mark.parametrize("after", ["garbage", "close", "stall"])
def test_starttls_that_leads_nowhere(after):
    async def handler(reader, writer):
        writer.write(GREETING)
        await reader.readline()
        writer.write(b"250-mx\r\n250 STARTTLS\r\n")
        await reader.readline()
        writer.write(b"220 go\r\n")
        await writer.drain()
        if after != "close":
            await reader.read(4096)
            writer.write(b"not TLS at all" * 10 if after == "garbage" else b"\x16\x03\x03\x40\x00\x02\x00")
            await writer.drain()
            await reader.read()

    status, findings = look(handler, starttls="required", allowance=3.0)
    assert status == "fail"
    assert "TLS cannot be agreed" in texts(findings)


def tls_server(context, replies, first=b"250-mx\r\n250 STARTTLS\r\n", greeting=GREETING):
    """Return a handler that really starts TLS and then gives the replies."""

    async def handler(reader, writer):
        writer.write(greeting)
        await reader.readline()
        writer.write(first)
        await reader.readline()
        writer.write(b"220 go\r\n")
        await writer.drain()
        await writer.start_tls(context)
        for reply in replies:
            await reader.readline()
            writer.write(reply)
            await writer.drain()
        await reader.read()

    return handler


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    root = pki.make("Root", authority=True, end=900)
    (folder / "ca.pem").write_bytes(pki.pem(root.certificate))
    return pki.make("127.0.0.1", by=root, names=pki.HEALTHY).server(folder), str(folder / "ca.pem")


def test_after_tls_ehlo_must_work(context):
    tls, ca = context
    status, findings = look(tls_server(tls, [HELLO]), starttls="required", ca_file=ca)
    assert status == "pass", findings
    status, findings = look(tls_server(tls, [b"550 no\r\n", b"550 no\r\n"]), starttls="required", ca_file=ca)
    assert status == "fail"
    assert "After TLS was agreed the server refuses EHLO" in texts(findings)
    status, findings = look(tls_server(tls, [b"250 a\r\n250 b\r\n"]), starttls="required", ca_file=ca, **ASK)
    assert status == "fail"
    assert "before it is asked" in texts(findings)


@pytest.mark.parametrize(
    ("greeting", "status"),
    [
        (b"220-wait\r\n220-more\r\n220 mx\r\n", "pass"),
        (b"220-wait\r\n", "fail"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "fail"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "fail"),
        (b"\x16\x03\x01\x00\x05hello", "fail"),
        (b"\x00\xff" * 5000, "fail"),
        (b"220-a\r\n250 b\r\n", "fail"),
        (b"220 " + b"x" * 5000, "fail"),
        (b"220-x\r\n" * 200, "fail"),
        (b"554 5.7.1 No SMTP service here\r\n", "fail"),
        (b"554 5.7.1 192.0.2.7 is listed at Spamhaus\r\n", "inconclusive"),
        (b"421 4.3.2 too busy\r\n", "inconclusive"),
        (b"450 4.7.1 come back\r\n", "inconclusive"),
        (b"250 mx\r\n", "fail"),
        (b"220 " + hostile.ESCAPES.translate({0: None, 13: None}).encode() + b"\r\n", "pass"),
    ],
)
def test_greetings(greeting, status):
    found, findings = look(server(HELLO, greeting=greeting), allowance=2.0)
    assert found == status, findings


def test_a_banner_that_ends_lines_by_lf_alone():
    found, findings = look(server(HELLO.replace(b"\r\n", b"\n"), greeting=b"220 mx\n"))
    assert found == "warn"
    assert "LF without CR" in texts(findings)


def test_only_helo():
    heard: list[bytes] = []
    handler = server(b"502 5.5.1 what\r\n", b"250 mx\r\n", heard=heard)
    status, findings = look(handler)
    assert status == "warn"
    assert "does not know EHLO" in texts(findings)
    assert [line.split()[0] for line in heard] == [b"EHLO", b"HELO", b"QUIT"]
    assert look(server(b"502 what\r\n", b"250 mx\r\n"), starttls="required")[0] == "fail"
    assert look(server(b"502 what\r\n", b"550 5.5.0 no\r\n"))[0] == "fail"
    assert look(server(b"421 4.7.0 busy\r\n"))[0] == "inconclusive"


def test_a_firewall_that_masks_the_offer():
    masked = b"250-mx\r\n250-XXXXXXXA\r\n250 XXXXXXXB\r\n"
    for wanted, status in (("required", "fail"), ("optional", "warn"), ("absent", "inconclusive")):
        found, findings = look(server(masked), starttls=wanted)
        assert found == status
        assert "firewall's SMTP inspection" in texts(findings)
    found, findings = look(server(HELLO, greeting=b"220 **********************2***0*\r\n"))
    assert found == "warn"
    assert "greeting is masked" in texts(findings)


@pytest.mark.parametrize(
    ("replies", "status"),
    [
        ((HELLO, b"250 ok\r\n", b"421 4.3.2 shutting down\r\n"), "inconclusive"),
        ((HELLO, b"250 ok\r\n", b"252 2.1.5 cannot verify\r\n"), "inconclusive"),
        ((HELLO, b"250 ok\r\n", b"530 5.7.0 Must issue STARTTLS first\r\n"), "inconclusive"),
        ((HELLO, b"550 5.7.1 your reverse DNS is missing\r\n"), "inconclusive"),
        ((HELLO, b"550-5.4.1 Recipient address rejected:\r\n550 5.4.1 Access denied\r\n"), "inconclusive"),
        ((HELLO, b"250 ok\r\n", b"550 5.4.1 Recipient address rejected: Access denied\r\n"), "fail"),
        ((HELLO, b"250 ok\r\n", b"550 5.7.1 Spamhaus lists 192.0.2.7\r\n"), "inconclusive"),
    ],
)
def test_what_comes_in_the_middle(replies, status):
    found, findings = look(server(*replies, b"250 ok\r\n"), **ASK)
    assert found == status, findings
    assert "recipient is accepted" not in texts(findings)


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_server_that_hangs_up(steps):
    replies = (HELLO, b"250 ok\r\n")[:steps]
    status, _ = look(server(*replies, stay=False), **ASK)
    assert status == "fail"


def test_whoever_floods_or_stalls_is_cut_off():
    cases = {
        "endless banner": (hostile.floods(b"", b"220-x\r\n" * 1000), 3.0),
        "endless line": (hostile.floods(b"220 ", b"x" * 65536), 3.0),
        "endless EHLO": (server(b"250-x\r\n" * 100_000), 3.0),
        "drips": (hostile.drips(b"220-slow\r\n" * 100, every=0.05), 2.0),
        "silence": (hostile.silence, 2.0),
        "reset": (hostile.reset, 2.0),
        "closed": (hostile.close_at_once, 2.0),
        "NULs": (hostile.nul_bytes, 2.0),
    }
    tracemalloc.start()
    try:
        for name, (handler, allowance) in cases.items():
            began = time.monotonic()
            status, findings = look(handler, allowance=allowance, starttls="required", **ASK)
            assert status in ("fail", "inconclusive"), (name, findings)
            assert time.monotonic() - began < allowance + 2, name
        assert tracemalloc.get_traced_memory()[1] < 60 * hostile.MB
    finally:
        tracemalloc.stop()
