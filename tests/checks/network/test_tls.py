from __future__ import annotations

import asyncio
import dataclasses
import socket
import ssl
import subprocess
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks import jsonable
from checks.network.tls import Tls, TlsSeen
from checks.vantage import CannotTell, Shared, Vantage
from checks.wire import tls_chain
from checks.wire.names import Resolved
from checks.wire.tcp import Attempt
from checks.wire.tls_certs import Certificate, covers
from checks.wire.tls_chain import Handshake, Shown
from checks.words import Status, worst
from tests.checks import hostile, pki
from tests.lab import need
from tests.lab.needs import tool

NOW = datetime(2026, 12, 5, 21, 30, tzinfo=UTC)
NAME = "srv.example.com"


def look(port: int, ca: Path | None, allowance: float = 15.0, **settings):
    settings.setdefault("server_name", NAME)
    check = Tls(target=f"127.0.0.1:{port}", ca_file=str(ca) if ca else None, **settings)
    seen = asyncio.run(check.observe(Vantage(Shared(), allowance=allowance)))
    again = jsonable.from_json(TlsSeen, jsonable.to_json(seen))
    assert again == seen
    findings = list(check.judge(again))
    hostile.assert_harmless(findings)
    return worst(finding.status for finding in findings), findings


def texts(findings, status=Status.FAIL) -> str:
    return " ".join(finding.message for finding in findings if finding.status is status)


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """nginx with one port for each state of a certificate; yields ports by name, and the CA's file."""
    need("nginx", root=False)
    folder = tmp_path_factory.mktemp("tls")
    root = pki.make("Lab Root", authority=True, end=3650)
    inter = pki.make("Lab Intermediate", by=root, authority=True, end=1000)
    firewall = pki.make("FortiGate CA", authority=True, organisation="Fortinet", end=3650)
    pairs = {
        "healthy": pki.make(NAME, by=inter, names=pki.HEALTHY),
        "expired": pki.make(NAME, by=inter, names=pki.HEALTHY, end=-3),
        "future": pki.make(NAME, by=inter, names=pki.HEALTHY, start=2),
        "wrong_name": pki.make("old.example.com", by=inter, names=("old.example.com",)),
        "self_signed": pki.make(NAME, names=pki.HEALTHY),
        "intercepted": pki.make(NAME, by=firewall, names=pki.HEALTHY),
        "soon": pki.make(NAME, by=inter, names=pki.HEALTHY, end=20),
        "very_soon": pki.make(NAME, by=inter, names=pki.HEALTHY, end=3),
        "expired_and_wrong": pki.make("old.example.com", by=inter, names=("old.example.com",), end=-3),
        "old_tls": pki.make(NAME, by=inter, names=pki.HEALTHY),
        "takes_old": pki.make(NAME, by=inter, names=pki.HEALTHY),
    }
    whole = pki.make(NAME, by=inter, names=pki.HEALTHY)
    pairs["incomplete"] = dataclasses.replace(whole, chain=pki.pem(whole.certificate))
    ports, blocks = {}, []
    held = [socket.create_server(("127.0.0.1", 0)) for _ in pairs]
    for (state, pair), sock in zip(pairs.items(), held, strict=True):
        chain, key = pair.write(folder, state)
        ports[state] = sock.getsockname()[1]
        protocols = {
            "old_tls": "ssl_protocols TLSv1 TLSv1.1; ssl_ciphers DEFAULT:@SECLEVEL=0;",
            "takes_old": "ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_ciphers DEFAULT:@SECLEVEL=0;",
        }.get(state, "ssl_protocols TLSv1.2 TLSv1.3;")
        both = f"listen 127.0.0.1:{ports[state]} ssl;"
        if state == "healthy":
            both += f" listen [::1]:{ports[state]} ssl;"
        blocks.append(
            f"server {{ {both} {protocols} ssl_certificate {chain}; ssl_certificate_key {key}; return 204; }}"
        )
    for sock in held:
        sock.close()
    paths = " ".join(
        f"{kind}_temp_path {folder};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off; {paths}\n" + "\n".join(blocks) + "\n}\n"
    )
    ca = folder / "root.pem"
    ca.write_bytes(pki.pem(root.certificate))
    (folder / "firewall.pem").write_bytes(pki.pem(firewall.certificate))
    nginx = subprocess.Popen(
        [
            tool("nginx") or "nginx",
            "-p",
            folder,
            "-c",
            folder / "nginx.conf",
            "-e",
            "stderr",
        ],
        stderr=subprocess.PIPE,
    )
    try:
        ends = time.monotonic() + 20
        while True:
            assert nginx.poll() is None, nginx.stderr.read() if nginx.stderr else ""
            try:
                socket.create_connection(("127.0.0.1", ports["incomplete"]), 1).close()
                break
            except OSError:
                assert time.monotonic() < ends
                time.sleep(0.05)
        yield ports, ca
    finally:
        nginx.terminate()
        nginx.wait(10)
        if nginx.stderr:
            nginx.stderr.close()


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [
        ("healthy", "pass", ""),
        ("expired", "fail", "The certificate has expired"),
        ("future", "fail", "this laptop's clock is wrong"),
        ("wrong_name", "fail", "for another name"),
        ("self_signed", "fail", "signed by itself"),
        ("intercepted", "fail", "issued by 'FortiGate CA'. That is a product which opens TLS"),
        ("incomplete", "fail", "chain is incomplete"),
        ("very_soon", "fail", "beyond its limit"),
        ("soon", "warn", ""),
        ("old_tls", "fail", "too old"),
    ],
)
def test_every_state_has_its_own_words(office, state, status, words):
    ports, ca = office
    found, findings = look(ports[state], ca)
    assert found == status, findings
    assert words in texts(findings)


def test_only_the_cause_fails(office):
    ports, ca = office
    for state in ("wrong_name", "self_signed", "old_tls", "very_soon", "incomplete"):
        _, findings = look(ports[state], ca)
        assert len([f for f in findings if f.status is Status.FAIL]) == 1, (state, findings)


def test_two_causes_are_both_named(office):
    ports, ca = office
    _, findings = look(ports["expired_and_wrong"], ca)
    assert "expired" in texts(findings)
    assert "another name" in texts(findings)


def test_ipv6_and_a_name_that_is_an_address(office):
    ports, ca = office
    check = Tls(target=f"[::1]:{ports['healthy']}", ca_file=str(ca))
    seen = asyncio.run(check.observe(Vantage(Shared())))
    assert worst(finding.status for finding in check.judge(seen)) == "pass"


def test_the_system_does_not_trust_the_lab(office):
    ports, _ = office
    status, findings = look(ports["healthy"], None)
    assert status == "fail"
    assert "not known here" in texts(findings) or "unknown" in texts(findings)


def test_a_trusted_interceptor_is_found_by_the_issuer_alone(office):
    ports, ca = office
    firewall = ca.parent / "firewall.pem"
    assert look(ports["intercepted"], firewall)[0] == "pass"
    status, findings = look(ports["intercepted"], firewall, issuer="Lab Intermediate")
    assert status == "fail"
    assert "Another issuer signed the certificate: 'FortiGate CA'" in texts(findings)
    assert look(ports["healthy"], ca, issuer="Lab Intermediate")[0] == "pass"


def test_older_versions_that_are_still_taken(office):
    ports, ca = office
    status, findings = look(ports["takes_old"], ca, refuse_older=True)
    assert status == "fail"
    assert "still takes TLSv1." in texts(findings)
    status, findings = look(ports["healthy"], ca, refuse_older=True)
    assert status == "pass"
    assert "refuses TLSv1.1" in texts(findings, Status.PASS)


def test_a_chain_of_its_own_file_is_enough(office):
    ports, ca = office
    assert look(ports["self_signed"], ca.parent / "self_signed.pem")[0] == "pass"


def test_without_the_private_interface_the_leaf_remains(office, monkeypatch):
    ports, ca = office

    def chain(shown):
        leaf = shown.getpeercert(binary_form=True)
        return [leaf], False

    monkeypatch.setattr(tls_chain, "sent_chain", chain)
    assert look(ports["healthy"], ca)[0] == "pass"


def test_a_missing_ca_file_cannot_be_judged(office):
    ports, ca = office
    with pytest.raises(CannotTell, match="cannot be read"):
        look(ports["healthy"], ca.parent / "none.pem")


def test_a_certificate_full_of_escapes(tmp_path):
    evil = "\x1b]52;c;aGk=\x07\x9b2J\u202eevil\u200b"
    root = pki.make(evil, authority=True, organisation=evil)
    pair = pki.make(evil, by=root, names=("a\x1b[31m.example.com",), organisation=evil)
    server = pair.server(tmp_path)

    async def go():
        async with hostile.serve(hostile.silence, tls=server) as port:
            check = Tls(target=f"127.0.0.1:{port}", server_name=NAME, issuer="DigiCert")
            return list(check.judge(await check.observe(Vantage(Shared()))))

    findings = asyncio.run(go())
    hostile.assert_harmless(findings)
    assert {"another name" in texts(findings), "Another issuer" in texts(findings)} == {True}


@pytest.mark.parametrize("name", ["silence", "a stalled handshake", "one byte a second"])
def test_stalls_cost_the_deadline_and_no_more(name):
    async def go():
        async with hostile.serve(hostile.STALLS[name]) as port:
            check = Tls(target=f"127.0.0.1:{port}")
            began = time.monotonic()
            seen = await check.observe(Vantage(Shared(), allowance=1.0))
            return time.monotonic() - began, list(check.judge(seen))

    took, findings = asyncio.run(go())
    assert took < 5
    assert [finding.status for finding in findings] == [Status.FAIL]


@pytest.mark.parametrize("name", hostile.FLOODS)
def test_floods_cost_little(name):
    async def go():
        async with hostile.serve(hostile.FLOODS[name]) as port:
            check = Tls(target=f"127.0.0.1:{port}")
            return list(check.judge(await check.observe(Vantage(Shared(), allowance=5.0))))

    tracemalloc.start()
    findings = asyncio.run(go())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [finding.status for finding in findings] == [Status.FAIL]
    assert peak < 8 * hostile.MB
    hostile.assert_harmless(findings)


OPEN = Attempt(address="192.0.2.1", port=443, outcome="open", seconds=0.01)
LEAF = Certificate(
    sha256="aa", subject="CN=srv", issuer="CN=Lab", names=(NAME,),
    not_before=NOW - timedelta(days=10), not_after=NOW + timedelta(days=90),
)  # fmt: skip
DONE = Handshake(attempt=OPEN, version="TLSv1.3", leaf="aa")


def seen(described=DONE, chain=(LEAF,), verified=DONE, **more) -> TlsSeen:
    names = Resolved(host=NAME, addresses=("192.0.2.1",))
    return TlsSeen(
        names=names, now=NOW, shown=(Shown(described=described, chain=chain, verified=verified, **more),)
    )


def outcome(kind: str) -> Handshake:
    return Handshake(attempt=dataclasses.replace(OPEN, outcome=kind))


def leaf(**changes) -> tuple[Certificate, ...]:
    return (dataclasses.replace(LEAF, **changes),)


def verify(code: int) -> Handshake:
    return Handshake(attempt=OPEN, refused="words", verify_code=code)


@pytest.mark.parametrize(
    ("what", "settings", "status"),
    [
        (seen(), {}, "pass"),
        (seen(verified=None), {}, "inconclusive"),  # nothing was verified
        (seen(verified=outcome("timeout")), {}, "inconclusive"),
        (seen(verified=Handshake(attempt=OPEN, broken="reset")), {}, "inconclusive"),
        (seen(verified=Handshake(attempt=OPEN, refused="no shared cipher")), {}, "fail"),
        (seen(verified=dataclasses.replace(DONE, leaf="bb")), {}, "inconclusive"),  # two certificates
        (seen(described=outcome("refused"), chain=()), {}, "fail"),
        (seen(described=outcome("barred"), chain=()), {}, "inconclusive"),
        (seen(chain=()), {}, "fail"),
        (seen(chain=leaf(trouble="ValueError")), {}, "inconclusive"),
        (seen(verified=verify(10)), {}, "fail"),  # an expired root in the store
        (seen(verified=verify(23)), {}, "fail"),  # revoked
        (seen(verified=verify(19)), {}, "fail"),
        (seen(verified=verify(62)), {}, "fail"),  # OpenSSL's word on the name counts
        (seen(chain=leaf(names=("*.example.com",)), verified=verify(19)), {}, "fail"),
        (seen(chain=leaf(not_after=NOW + timedelta(days=30))), {}, "pass"),
        (seen(chain=leaf(not_after=NOW + timedelta(days=29))), {}, "warn"),
        (seen(chain=leaf(not_after=NOW + timedelta(days=6))), {}, "fail"),
        (seen(chain=leaf(not_after=NOW + timedelta(days=6))), {"min_days": 5, "fail_days": 1}, "pass"),
        (seen(chain=(LEAF, *leaf(subject="CN=Mid", not_after=NOW - timedelta(days=1)))), {}, "fail"),
        (seen(), {"issuer": "^CN=Lab$"}, "pass"),
        (seen(), {"issuer": "DigiCert"}, "fail"),
        (seen(described=dataclasses.replace(DONE, version="TLSv1.2")), {"min_version": "TLSv1.3"}, "fail"),
        (seen(described=dataclasses.replace(DONE, version="SSLv3")), {}, "fail"),
        (seen(older=(("TLSv1", False), ("TLSv1.1", None))), {"refuse_older": True}, "inconclusive"),
        (seen(older=(("TLSv1", True),)), {"refuse_older": True}, "fail"),
    ],
)
def test_judge(what, settings, status):
    check = Tls(target=NAME, **settings)
    findings = list(check.judge(what))
    assert worst(finding.status for finding in findings) == status, findings


@pytest.mark.parametrize(
    ("names", "host", "held"),
    [
        ((NAME,), NAME, True),
        ((NAME.upper(),), NAME, True),
        (("*.example.com",), NAME, True),
        (("*.example.com",), "example.com", False),
        (("*.example.com",), "a.b.example.com", False),
        (("*.com",), "example.com", False),
        (("s*.example.com",), NAME, False),
        (("*",), "localhost", False),
        (("192.0.2.1",), "192.0.2.1", True),
        (("2001:db8::1",), "2001:db8::1", True),
        (("*.0.2.1",), "192.0.2.1", False),
        ((), NAME, False),
    ],
)
def test_names(names, host, held):
    assert covers(names, host) is held


def test_refused_parameters():
    with pytest.raises(ValueError, match="must not be more"):
        Tls(target="x", min_days=3, fail_days=5)
    with pytest.raises(ValueError, match="raise min_version"):
        Tls(target="x", min_version="TLSv1", refuse_older=True)


def test_one_context_a_trust_set(office, monkeypatch):
    ports, ca = office
    made = []
    real = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda *a, **k: made.append(k) or real(*a, **k))

    async def go() -> None:
        shared = Shared()
        check = Tls(target=f"127.0.0.1:{ports['healthy']}", server_name=NAME, ca_file=str(ca))
        await asyncio.gather(*(check.observe(Vantage(shared)) for _ in range(5)))

    asyncio.run(go())
    assert len(made) == 1
