from __future__ import annotations

import asyncio
import dataclasses
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import jsonable
from checks.m365._front import Door, HostSeen, organisations, score
from checks.m365.frontdoor import FrontDoor, FrontDoorSeen
from checks.vantage import Shared, Vantage
from checks.wire.names import Resolved
from checks.wire.tcp import Attempt
from checks.words import Status, worst
from tests.checks import hostile, pki
from tests.checks.wire.dns_servers import answering, dnsmasq, free_port, scripted

HOST = "outlook.office365.com"
NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def authorities(tmp_path_factory):
    """Public authorities by organisation, and a file that trusts them all."""
    folder = tmp_path_factory.mktemp("front")
    made = {
        name: pki.make(f"{name} TLS CA", authority=True, organisation=name, end=3650)
        for name in ("Microsoft Corporation", "DigiCert Inc", "Fortinet")
    }
    trusted = folder / "trusted.pem"
    trusted.write_bytes(b"".join(pki.pem(one.certificate) for one in made.values()))
    return made, str(trusted), folder


def judged(check: FrontDoor, seen: FrontDoorSeen):
    assert jsonable.from_json(FrontDoorSeen, jsonable.to_json(seen)) == seen
    findings = list(check.judge(seen))
    hostile.assert_harmless(findings)
    assert all(finding.fix for finding in findings if finding.status is not Status.PASS)
    return worst(finding.status for finding in findings), findings


def look(check: FrontDoor, allowance: float = 10.0):
    return judged(check, asyncio.run(check.observe(Vantage(Shared(), allowance=allowance))))


def door(authorities, by="Microsoft Corporation", *, handler=hostile.silence, **settings):
    """Judge a front door whose certificate is issued by an authority of that organisation."""
    made, trusted, folder = authorities
    how = {key: settings.pop(key) for key in ("names", "end") if key in settings}
    pair = pki.make(HOST, by=made[by], names=how.get("names", (HOST,)), end=how.get("end", 90))

    async def go():
        async with hostile.serve(handler, tls=pair.server(folder, by.replace(" ", "_"))) as port:
            check = FrontDoor(
                **{"hosts": (HOST,), "connect_to": {HOST: f"127.0.0.1:{port}"}, "ca_file": trusted} | settings
            )
            return await asyncio.to_thread(look, check)

    return asyncio.run(go())


def texts(findings, status=Status.FAIL) -> str:
    return " ".join(finding.message for finding in findings if finding.status is status)


@pytest.mark.parametrize("by", ["Microsoft Corporation", "DigiCert Inc"])
def test_a_front_door_that_is_near_and_untouched(authorities, by):
    status, findings = door(authorities, by)
    assert status == "pass", findings
    said = texts(findings, Status.PASS)
    for words in ("of 5 connections, score 100", "TLS handshake (median)", "one that Microsoft uses",
                  "no proxy set"):  # fmt: skip
        assert words in said


def test_interception_that_this_laptop_trusts(authorities):
    status, findings = door(authorities, "Fortinet")
    assert status == "fail"
    assert "TLS is opened on the way" in texts(findings)
    assert "chain is trusted here" in texts(findings, Status.PASS)


def test_interception_that_it_does_not_trust(authorities):
    status, findings = door(authorities, "Fortinet", ca_file=None)
    assert status == "fail"
    assert "product which opens TLS" in texts(findings)


def test_an_issuer_s_name_alone_is_not_enough(authorities):
    status, findings = door(authorities, ca_file=None)
    assert status == "fail"
    assert "issuer is one" in texts(findings, Status.PASS)


def test_a_certificate_for_another_name(authorities):
    assert door(authorities, names=("portal.example",))[0] == "fail"
    assert door(authorities, end=-2)[0] == "fail"


def test_issuers_can_be_named(authorities):
    assert door(authorities, "Fortinet", issuers=("Fortinet",))[0] == "pass"
    assert door(authorities, issuers=("DigiCert Inc",))[0] == "fail"


def test_a_slow_door_by_a_limit_of_its_own(authorities):
    status, findings = door(authorities, max_tls=0.000001)
    assert status == "fail"
    assert "TLS handshake (median) is beyond" in texts(findings)
    assert door(authorities, max_connect=0.0000001)[0] == "fail"


def test_a_port_that_speaks_no_tls():
    async def go(handler):
        async with hostile.serve(handler) as port:
            check = FrontDoor(hosts=(HOST,), connect_to={HOST: f"127.0.0.1:{port}"})
            return await asyncio.to_thread(look, check, 4.0)

    for handler in (hostile.silence, hostile.banner, hostile.reset, hostile.close_at_once,
                    hostile.stalls_in_handshake):  # fmt: skip
        began = time.monotonic()
        status, findings = asyncio.run(go(handler))
        assert status == "fail", (handler, findings)
        assert time.monotonic() - began < 8


def test_nobody_there():
    check = FrontDoor(hosts=(HOST,), connect_to={HOST: f"127.0.0.1:{free_port()}"})
    status, findings = look(check)
    assert status == "fail"
    assert "not reached directly" in texts(findings)


@pytest.mark.parametrize(
    ("variables", "status"),
    [
        ({"https_proxy": "http://user:secret@proxy.example:3128"}, "warn"),
        ({"ALL_PROXY": "socks5://proxy.example:1080"}, "warn"),
        ({"https_proxy": "http://proxy.example:3128", "no_proxy": "localhost, .office365.com"}, "pass"),
        ({"https_proxy": "http://proxy.example:3128", "NO_PROXY": "office.com"}, "warn"),
        ({"https_proxy": "http://proxy.example:3128", "NO_PROXY": "365.com"}, "warn"),
        ({"https_proxy": "http://proxy.example:3128", "NO_PROXY": "*"}, "pass"),
        ({"http_proxy": "http://proxy.example:3128"}, "pass"),
    ],
)
def test_a_proxy_of_the_environment(authorities, monkeypatch, variables, status):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found, findings = door(authorities)
    assert found == status, findings
    assert "secret" not in str(findings)


def test_the_way_that_dns_shows():
    with dnsmasq(
        f"--cname={HOST},ams-efz.ms-acdc.office.com", "--address=/ams-efz.ms-acdc.office.com/127.0.0.1",
        "--host-record=ams-efz.ms-acdc.office.com,127.0.0.1", "--host-record=probe.example,127.0.0.1",
    ) as dns:  # fmt: skip
        check = FrontDoor(hosts=(HOST,), resolvers=(f"127.0.0.1:{dns}",), family="ipv4")
        seen = asyncio.run(check.observe(Vantage(Shared(), allowance=6)))
    (host,) = seen.hosts
    assert host.names.addresses == ("127.0.0.1",)
    assert "ams-efz.ms-acdc.office.com" in host.aliases
    told = [one for one in judged(check, seen)[1] if one.subject == HOST]
    assert [one.status for one in told] == [Status.FAIL], "a front door is not on this machine"


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("10.0.0.9", "fail"), ("192.168.1.1", "fail"), ("100.64.0.1", "fail"), ("fd00::1", "fail"),
        ("fe80::1%eth0", "fail"), ("192.0.2.1", "pass"), ("2603:1006::1", "pass"),
    ],
)  # fmt: skip
def test_an_address_inside_is_no_front_door(address, status):
    """A proxy that passes TLS on shows Microsoft's own certificate: DNS tells that it is not direct."""
    door = Door(address=address, port=443, attempt=ATTEMPT, connect_ms=(3.0,))
    seen = HostSeen(host=HOST, names=Resolved(host=HOST, addresses=(address,)), doors=(door,))
    _, findings = judged(FrontDoor(hosts=(HOST,)), FrontDoorSeen(hosts=(seen,), now=NOW))
    assert [one.status for one in findings if one.subject == HOST] == [status]


@pytest.mark.parametrize(("rcode", "status"), [("NXDOMAIN", "fail"), ("SERVFAIL", "inconclusive")])
def test_a_name_that_dns_does_not_know(rcode, status):
    with scripted(udp=answering(rcode=rcode, flags=("RA",))) as dns:
        found, findings = look(FrontDoor(hosts=(HOST,), resolvers=(f"127.0.0.1:{dns}",)))
    assert found == status, findings


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (answering(("@", 1, "TXT", '"ns" "192.0.2.7"'), flags=("RA",)), "pass"),
        (answering(("@", 1, "TXT", '"198.51.100.7"'), flags=("RA",)), "warn"),
        (answering(("@", 1, "TXT", '"192.0.2.7 198.51.100.7"'), flags=("RA",)), "warn"),
        (answering(("@", 1, "TXT", '"no address"'), flags=("RA",)), "inconclusive"),
        (answering(flags=("RA",)), "inconclusive"),
        (answering(rcode="SERVFAIL"), "inconclusive"),
    ],
)
def test_which_resolver_asks(authorities, answer, status):
    with scripted(udp=answer) as dns:
        found, findings = door(
            authorities, whoami="whoami.example", resolver_networks=("192.0.2.0/24",),
            resolvers=(f"127.0.0.1:{dns}",),
        )  # fmt: skip
    assert found == status, findings


ATTEMPT = Attempt(address="192.0.2.1", port=443, outcome="open", seconds=0.01)


@pytest.mark.parametrize(
    ("ms", "status"),
    [((10.0, 10.0, 900.0), "pass"), ((99.0,), "pass"), ((150.0,), "warn"), ((250.0,), "fail")],
)
def test_the_median_is_judged_by_microsoft_s_score(ms, status):
    seen = FrontDoorSeen(
        hosts=(
            HostSeen(
                host=HOST, names=Resolved(host=HOST, addresses=("192.0.2.1",)),
                doors=(Door(address="192.0.2.1", port=443, attempt=ATTEMPT, connect_ms=ms),),
            ),
        ),
        now=NOW,
    )  # fmt: skip
    _, findings = judged(FrontDoor(hosts=(HOST,)), seen)
    (time_,) = (finding for finding in findings if finding.measure is not None)
    assert time_.status == status


def test_a_vpn_and_a_missing_family_are_told():
    open6 = Door(address="192.0.2.1", port=443, attempt=ATTEMPT, connect_ms=(9.0,))
    lost = Attempt(address="2001:db8::1", port=443, outcome="no_route", seconds=0.0)
    doors = (open6, Door(address="2001:db8::1", port=443, attempt=lost))
    names = Resolved(host=HOST, addresses=("192.0.2.1", "2001:db8::1"))
    seen = FrontDoorSeen(hosts=(HostSeen(host=HOST, names=names, doors=doors),), now=NOW, tunnelled=True)
    _, findings = judged(FrontDoor(hosts=(HOST,)), seen)
    told = texts(findings, Status.WARN)
    assert "through a VPN" in told
    assert "not tested" in told
    alone = dataclasses.replace(seen, hosts=(HostSeen(host=HOST, names=names, doors=doors[1:]),))
    assert judged(FrontDoor(hosts=(HOST,)), alone)[0] == "fail"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("CN=x,O=Microsoft Corporation,C=US", ("Microsoft Corporation",)),
        ("CN=evil\\,O=Microsoft Corporation,O=Evil", ("Evil",)),
        ("CN=evil\\\\,O=Microsoft Corporation", ("Microsoft Corporation",)),
        ("CN=a+O=b,OU=O=c", ("b",)),
        ("O=DigiCert\\, Inc.", ("DigiCert, Inc.",)),
        ("", ()),
        ("O", ()),
        ("CN=O\\=Microsoft Corporation", ()),
    ],
)
def test_the_organisation_is_not_to_be_talked_in(name, found):
    assert organisations(name) == found


@given(st.text(max_size=200))
def test_any_name_has_organisations_or_none(name):
    assert isinstance(organisations(name), tuple)


@pytest.mark.parametrize(
    ("ms", "points"), [(1, 100), (10, 100), (25, 80), (62.5, 70), (100, 60), (350, 0), (999, 0)]
)
def test_the_score(ms, points):
    assert score(ms) == pytest.approx(points)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"whoami": "x.example"}, "belong together"),
        ({"resolver_networks": ("192.0.2.0/24",)}, "belong together"),
        ({"issuers": (" ",)}, "empty name"),
        ({"hosts": ("a.example", "a.example")}, "twice"),
        ({"hosts": ("a.example",), "connect_to": {"b.example": "127.0.0.1"}}, "not among the hosts"),
        ({"max_tls": 0.0}, "longer than zero"),
    ],
)
def test_parameters_that_do_not_fit(settings, words):
    with pytest.raises(ValueError, match=words):
        FrontDoor(**settings)
