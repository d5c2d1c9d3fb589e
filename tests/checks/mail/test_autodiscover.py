"""mail.autodiscover: knotd for both views, nginx for the bare domain, a stand-in for Microsoft's service."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import time

import pytest
from aiohttp import web

from checks.mail._autodiscover_web import Probe, judge_mailbox
from checks.mail.autodiscover import Autodiscover
from checks.words import Status, worst
from tests.checks import pki
from tests.checks.hostile import ESCAPES
from tests.checks.mail.root_zone import judged, run, world
from tests.checks.wire.dns_servers import answering, free_port, scripted
from tests.lab import need
from tests.lab.microsoft import microsoft
from tests.lab.needs import tool

P, W, F, Q = Status.PASS, Status.WARN, Status.FAIL, Status.INCONCLUSIVE
CLOUD = "autodiscover.outlook.com"
ZONE = f"""
{CLOUD}. CNAME atod.outlook.com.
atod.outlook.com. A 192.0.2.200
atod.outlook.com. AAAA 2001:db8::200
autodiscover.cloud.test. CNAME {CLOUD}.
autodiscover.old.test. CNAME autodiscover.hoster.test.
autodiscover.hoster.test. A 192.0.2.9
autodiscover.address.test. A 10.50.0.9
autodiscover.flat.test. A 192.0.2.200
autodiscover.via.test. CNAME go.via.test.
go.via.test. CNAME {CLOUD}.
autodiscover.loop.test. CNAME b.loop.test.
b.loop.test. CNAME autodiscover.loop.test.
autodiscover.hybrid.test. CNAME mail.hybrid.test.
mail.hybrid.test. A 192.0.2.50
autodiscover.hybrida.test. A 192.0.2.50
autodiscover.nowhere.test. CNAME gone.nowhere.test.
_autodiscover._tcp.srv.test. SRV 0 0 443 mail.old.test.
autodiscover.srv.test. CNAME {CLOUD}.
_autodiscover._tcp.srvok.test. SRV 0 0 443 {CLOUD}.
autodiscover.srvok.test. CNAME {CLOUD}.
"""


@pytest.fixture(scope="module")
def outside():
    with world(ZONE) as server:
        yield server


@pytest.fixture(scope="module")
def inside():
    """The office's server: an old copy of the zone, right for cloud.test alone."""
    zone = ZONE.replace("autodiscover.old.test. CNAME autodiscover.hoster.test.\n", "")
    zone = zone.replace(f"autodiscover.srv.test. CNAME {CLOUD}.", "autodiscover.srv.test. A 10.1.1.1")
    with world(zone) as server:
        yield server


@pytest.fixture(scope="module")
def nobody():
    """A URL where nothing listens: the web server of a bare domain that is fine."""
    return f"https://127.0.0.1:{free_port()}/autodiscover/autodiscover.xml"


def said(findings):
    return [(f.status.value, f.subject, f.message, f.observed) for f in findings]


@pytest.mark.parametrize(
    ("domain", "settings", "status", "words"),
    [
        ("cloud", {}, P, "leads to autodiscover.outlook.com"),
        ("old", {}, F, "another name than planned"),
        ("address", {}, F, "addresses of its own"),
        ("flat", {}, W, "change without notice"),
        ("via", {}, W, "by way of another"),
        ("loop", {}, F, "circle"),
        ("missing", {}, F, "no record here"),
        ("nowhere", {}, F, "another name than planned"),
        ("cloud", {"cloud": "china"}, F, "another name than planned"),
        ("hybrid", {"hybrid": True, "expect": "mail.hybrid.test"}, P, "leads to mail.hybrid.test"),
        ("hybrid", {"hybrid": True, "expect": "autodiscover.hybrid.test"}, P, "not lead to the cloud"),
        ("hybrida", {"hybrid": True, "expect": "mail.hybrid.test"}, P, "addresses of mail.hybrid.test"),
        ("hybrida", {"hybrid": True, "expect": "autodiscover.hybrida.test"}, P, "address of its own"),
        ("cloud", {"hybrid": True, "expect": "mail.hybrid.test"}, F, "the last mailbox"),
        ("cloud", {"hybrid": True, "expect": "autodiscover.cloud.test"}, F, "another name"),
        ("address", {"hybrid": True, "expect": "mail.hybrid.test"}, F, "addresses of its own"),
        ("hybrid", {}, F, "another name than planned"),
        ("old", {"microsoft": False, "expect": "autodiscover.hoster.test"}, P, "leads to"),
        ("srv", {}, W, "SRV record leads to another"),
        ("srvok", {}, P, "SRV record leads to the planned"),
    ],
)
def test_the_public_view(outside, nobody, domain, settings, status, words):
    check = Autodiscover(domain=f"{domain}.test", resolvers=(outside,), root_url=nobody, **settings)
    findings = judged(check, run(check))
    assert worst(f.status for f in findings) is status, said(findings)
    assert any(words in f.message for f in findings if f.status is status), said(findings)


@pytest.mark.parametrize(("domain", "status"), [("cloud", P), ("old", F), ("srv", F), ("missing", F)])
def test_every_inside_server_is_judged_for_itself(outside, inside, nobody, domain, status):
    check = Autodiscover(
        domain=f"{domain}.test", resolvers=(outside,), inside=(inside, outside), root_url=nobody
    )
    findings = [f for f in judged(check, run(check)) if inside in f.subject]
    assert [f.status for f in findings] == [status], said(findings)
    if status is F:
        assert "internal DNS zone" in findings[0].fix


def test_a_dns_server_that_fails_is_not_one_without_the_record(outside, nobody):
    with scripted(udp=answering(rcode="SERVFAIL", flags=("RA",))) as port:
        broken = f"127.0.0.1:{port}"
        check = Autodiscover(domain="cloud.test", resolvers=(outside,), inside=(broken,), root_url=nobody)
        findings = judged(check, run(check))
        assert [f.status for f in findings if broken in f.subject] == [Q]
        check = Autodiscover(domain="cloud.test", resolvers=(broken,))
        findings = judged(check, run(check))
    # Neither the name, nor the SRV record, nor the bare domain's server is known: nothing passes.
    assert {f.status for f in findings} == {Q}, said(findings)
    assert {f.subject.partition(" ")[0] for f in findings} == {
        "autodiscover.cloud.test", "_autodiscover._tcp.cloud.test",
        "https://cloud.test/autodiscover/autodiscover.xml",
    }  # fmt: skip


SITES = {
    "missing": "return 404;",
    "forbidden": "return 403;",
    "hijack": "add_header WWW-Authenticate 'Basic realm=\"mail\"' always; return 401;",
    "answers": "return 200 '<Autodiscover/>';",
    "onward": f"return 302 https://{CLOUD}/autodiscover/autodiscover.xml;",
    "stranger": "return 301 https://panel.hoster.example/autodiscover;",
    "plain": "return 301 http://$host:$server_port/autodiscover/x;",
    "round": "return 302 https://$host:$server_port$request_uri;",
    "moved": "if ($request_uri ~ cgi) { return 401; } return 302 https://$host:$server_port/cgi-sys/autodiscover;",
}  # fmt: skip


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """nginx with one port for each way in which the bare domain's web server may answer."""
    need("nginx", root=False)
    folder = tmp_path_factory.mktemp("web")
    root = pki.make("Lab Root", authority=True, end=3650)
    good, bad = (
        pki.make("bare.test", by=root, names=("bare.test", "127.0.0.1")),
        pki.make("other.test", by=root),
    )
    for stem, pair in (("good", good), ("bad", bad)):
        pair.write(folder, stem)
    ports = {name: free_port() for name in [*SITES, "untrusted"]}
    blocks = "\n".join(
        f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {stem}.pem; ssl_certificate_key {stem}.key; "
        f"location / {{ {SITES.get(name, 'return 200;')} }} }}"
        for name, port in ports.items()
        for stem in ("bad" if name == "untrusted" else "good",)
    )
    paths = " ".join(
        f"{kind}_temp_path {folder};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off; {paths}\n{blocks}\n}}\n"
    )
    (folder / "ca.pem").write_bytes(pki.pem(root.certificate))
    command = [
        str(tool("nginx")),
        "-p",
        str(folder),
        "-c",
        str(folder / "nginx.conf"),
        "-e",
        str(folder / "log"),
    ]
    program = subprocess.Popen(command)
    try:
        ends = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", ports["moved"]), 1).close()
                break
            assert program.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < ends
            time.sleep(0.05)
        yield ports, str(folder / "ca.pem")
    finally:
        program.terminate()
        program.wait(10)


@pytest.mark.parametrize(
    ("site", "status", "words"),
    [
        ("missing", P, "nothing for Outlook"),
        ("forbidden", P, "nothing for Outlook"),
        ("hijack", W, "asked for a password"),
        ("answers", W, "answers for autodiscover"),
        ("moved", W, "answers for autodiscover"),
        ("onward", P, "right place"),
        ("stranger", W, "another host"),
        ("plain", W, "plain HTTP"),
        ("round", W, "in a circle"),
        ("untrusted", W, "certificate"),
    ],
)
def test_the_web_server_of_the_bare_domain(outside, sites, site, status, words):
    ports, ca_file = sites
    connect_to = f"127.0.0.1:{ports[site]}"
    check = Autodiscover(
        domain="bare.test", expect=CLOUD, resolvers=(outside,), connect_to=connect_to, ca_file=ca_file,
        root_url=f"https://bare.test:{ports[site]}/autodiscover/autodiscover.xml",
    )  # fmt: skip
    (finding,) = [f for f in judged(check, run(check)) if f.subject.startswith("https://bare.test")]
    assert finding.status is status, finding
    assert words in finding.message


def test_the_bare_domain_is_found_in_the_public_view(sites):
    _, ca_file = sites
    zone = f"autodiscover.bare.test. CNAME {CLOUD}.\nbare.test. A 127.0.0.1\n"
    with world(zone) as server:
        check = Autodiscover(domain="bare.test", resolvers=(server,), ca_file=ca_file)
        seen = run(check)
    # Port 443 of this machine: whatever is there, the name was looked up at `server`.
    assert seen.root[0].url == "https://bare.test/autodiscover/autodiscover.xml"
    assert seen.root[0].kind != "unresolved"


def test_a_probe_that_this_laptop_could_not_make_proves_nothing(outside, nobody):
    check = Autodiscover(domain="cloud.test", resolvers=(outside,), root_url=nobody)
    seen = run(check)
    for kind, outcome in (("local", None), ("local", "barred"), ("unreachable", "no_route")):
        probe = Probe(url=seen.root[0].url, kind=kind, outcome=outcome, detail="x")
        found = judged(check, seen.__class__(views=seen.views, root=(probe,)))
        assert [f.status for f in found if f.subject.startswith("https://")] == [Q]
    for kind, outcome, status in (
        ("unreachable", "refused", P), ("unresolved", None, P), ("unreachable", "timeout", W),
        ("unreachable", "unreachable", W),
        ("timeout", "open", W), ("reset", "open", P), ("handshake", "open", P),
    ):  # fmt: skip
        probe = Probe(url=seen.root[0].url, kind=kind, outcome=outcome, detail="x")
        found = judged(check, seen.__class__(views=seen.views, root=(probe,)))
        assert [f.status for f in found if f.subject.startswith("https://")] == [status], (kind, outcome)


MAILBOX = "pilot@cloud.test"
ONLINE = "https://outlook.office365.com/autodiscover/autodiscover.xml"


@pytest.mark.parametrize(
    ("answer", "hybrid", "status", "words"),
    [
        (ONLINE, False, P, "Exchange Online claims"),
        (ONLINE, True, P, "Exchange Online claims"),
        ("https://mail.cloud.test/autodiscover/autodiscover.xml", False, F, "not in Exchange Online yet"),
        ("https://mail.cloud.test/autodiscover/autodiscover.xml", True, P, "on site"),
        ("https://mail.hybrid.test/autodiscover/autodiscover.xml", True, P, "on site"),
        ("https://mail.stranger.example/autodiscover.xml", True, W, "neither"),
        ("https://outlook.office365.com.evil.test/x", False, F, "not in Exchange Online yet"),
        ("https://notoutlook.com/x", False, F, "not in Exchange Online yet"),
        ("nonsense", False, Q, "cannot be told"),
        (None, False, F, "does not know"),
    ],
)
def test_who_claims_a_mailbox(outside, nobody, answer, hybrid, status, words):
    with microsoft() as cloud:
        if answer is not None:
            cloud.mailboxes[MAILBOX] = answer
        check = Autodiscover(
            domain="cloud.test", resolvers=(outside,), root_url=nobody, v2_url=cloud.url,
            mailboxes=(MAILBOX,), hybrid=hybrid, expect="mail.hybrid.test" if hybrid else None,
        )  # fmt: skip
        (finding,) = [f for f in judged(check, run(check)) if f.subject == MAILBOX]
        assert [path for _, path in cloud.requests if MAILBOX in path] == [
            f"/autodiscover/autodiscover.json?Email={MAILBOX}&Protocol=AutodiscoverV1"
        ]
    assert finding.status is status, finding
    assert words in finding.message


def test_no_mailbox_is_asked_for_unless_listed(outside, nobody):
    with microsoft() as cloud:
        check = Autodiscover(domain="cloud.test", resolvers=(outside,), root_url=nobody, v2_url=cloud.url)
        run(check)
        assert cloud.requests == []


@pytest.mark.parametrize(
    ("status_code", "body", "status"),
    [
        (400, {"ErrorCode": "MandatoryParameterMissing", "ErrorMessage": "Protocol is missing."}, Q),
        (400, {"ErrorCode": "UserNotFound"}, F),
        (200, {"Protocol": "AutodiscoverV1"}, Q),
        (200, {"Url": 5}, Q),
        (200, {"Url": "javascript:alert(1)"}, Q),
        (200, [], Q),
        (200, "not json", Q),
        (401, {}, Q),
        (429, {}, Q),
        (500, {}, Q),
    ],
)
def test_an_answer_of_another_form_proves_nothing(outside, nobody, status_code, body, status):
    with microsoft() as cloud:
        text = body if isinstance(body, str) else json.dumps(body)
        cloud.fault(lambda _: web.Response(status=status_code, text=text), path="/autodiscover/")
        check = Autodiscover(
            domain="cloud.test", resolvers=(outside,), root_url=nobody, v2_url=cloud.url, mailboxes=(MAILBOX,)
        )
        (finding,) = [f for f in judged(check, run(check)) if f.subject == MAILBOX]
    assert finding.status is status, finding


@pytest.mark.parametrize(
    ("target", "status"),
    [(ONLINE, P), ("https://mail.cloud.test/autodiscover/autodiscover.json", F)],
)
def test_a_redirect_of_the_service_tells_the_place(outside, nobody, target, status):
    with microsoft() as cloud:
        cloud.fault(lambda _: web.Response(status=302, headers={"Location": target}), path="/autodiscover/")
        check = Autodiscover(
            domain="cloud.test", resolvers=(outside,), root_url=nobody, v2_url=cloud.url, mailboxes=(MAILBOX,)
        )
        (finding,) = [f for f in judged(check, run(check)) if f.subject == MAILBOX]
    assert finding.status is status, finding


def test_a_service_that_cannot_be_asked_proves_nothing(outside, nobody):
    check = Autodiscover(
        domain="cloud.test", resolvers=(outside,), root_url=nobody, mailboxes=(MAILBOX,),
        v2_url=f"https://127.0.0.1:{free_port()}",
    )  # fmt: skip
    (finding,) = [f for f in judged(check, run(check)) if f.subject == MAILBOX]
    assert finding.status is Q


@pytest.mark.parametrize(
    ("location", "status"),
    [
        ("https://autodiscover-s.outlook.com/autodiscover/autodiscover.xml", P),
        ("http://autodiscover-s.outlook.com/autodiscover/autodiscover.xml", F),
        ("https://panel.hoster.example/", F),
        (None, F),
    ],
)
def test_the_redirect_over_plain_http(outside, nobody, location, status):
    with microsoft() as cloud:
        headers = {"Location": location} if location else {}
        cloud.fault(
            lambda _: web.Response(status=302 if location else 200, headers=headers), path="/autodiscover"
        )
        url = f"{cloud.url}/autodiscover/autodiscover.xml"
        check = Autodiscover(domain="cloud.test", resolvers=(outside,), root_url=nobody, redirect_url=url)
        (finding,) = [f for f in judged(check, run(check)) if f.subject == url]
    assert finding.status is status, finding


def test_hostile_answers_do_no_harm():
    text = json.dumps({"ErrorCode": ESCAPES, "Url": "https://" + ESCAPES})
    for probe in (
        Probe(url="https://x", status=200, body=text),
        Probe(url="https://x", status=400, body=text),
        Probe(url="https://x", status=200, body="[" * 100_000),
        Probe(url="https://x", status=302, location="https://" + ESCAPES),
        Probe(url="https://x", kind="closed", detail=ESCAPES),
    ):
        check = Autodiscover(domain="x.test")
        assert judge_mailbox(MAILBOX, probe, "https://outlook.office365.com", CLOUD, hybrid=False).status in (
            Q,
            F,
        )
        judged(check, type("Seen", (), {
            "views": (), "root": (probe,), "services": (ESCAPES,), "redirect": probe, "mailboxes": (),
        }))  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"domain": "."}, "mail addresses"),
        ({"hybrid": True}, "expect"),
        ({"microsoft": False}, "expect"),
        ({"mailboxes": ("pilot",)}, "mailbox is written"),
        ({"mailboxes": ("a b@x.test",)}, "mailbox is written"),
        ({"mailboxes": ("a@x.test",), "microsoft": False, "expect": "m.x.test"}, "leave them out"),
    ],
)
def test_what_makes_no_sense_is_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        Autodiscover(**{"domain": "x.test", **settings})


def test_it_needs_the_link_unless_all_it_speaks_to_is_here():
    here = {"resolvers": ("127.0.0.1:5353",), "connect_to": "127.0.0.1:8443"}
    assert not Autodiscover(domain="x.test", **here).needs_link()
    assert Autodiscover(domain="x.test").needs_link()
    assert Autodiscover(domain="x.test", **here, mailboxes=("a@x.test",)).needs_link()
    assert Autodiscover(domain="x.test", **here, redirect=True).needs_link()
    assert Autodiscover(domain="x.test", **here, inside=("192.0.2.1",)).needs_link()
