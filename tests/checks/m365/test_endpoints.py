"""m365.endpoints: the list is the published one or said not to be; nothing untested is called reachable."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.local import folders
from checks.m365 import _cache, endpoints
from checks.m365._endpoints import EndpointSet, holds, networks, plan, read_sets, span, stale, uncovered
from checks.m365._endpoints_findings import EndpointsSeen, Tried
from checks.m365._endpoints_shipped import WORLDWIDE
from checks.m365.endpoints import Endpoints
from checks.wire.graph_json import Drift
from checks.wire.names import Resolved
from checks.words import Status, rfc3339
from tests.beside import DATA
from tests.checks.m365.graph_run import judged, run, said
from tests.lab import microsoft_replies as replies
from tests.lab.microsoft import microsoft

SETS = [
    replies.endpoint_set(
        1,
        "Exchange",
        urls=["outlook.office.com", "outlook.office365.com"],
        ips=["52.96.0.0/14", "2603:1006::/40"],
        tcpPorts="80, 443",
        udpPorts="443",
    ),
    replies.endpoint_set(11, "Skype", ips=["52.112.0.0/14"], udpPorts="3478,3479,3480,3481"),
    replies.endpoint_set(
        10, "Exchange", category="Allow", urls=["*.mx.microsoft"], ips=["40.92.0.0/15"], tcpPorts="25"
    ),
    replies.endpoint_set(
        31,
        "SharePoint",
        urls=["*.sharepoint.com"],
        ips=["13.107.136.0/22"],
        tcpPorts="443,80",
        udpPorts="443",
    ),
    replies.endpoint_set(
        2,
        "Exchange",
        category="Allow",
        required=False,
        urls=["smtp.office365.com"],
        ips=["52.96.0.0/14"],
        tcpPorts="143, 587, 993, 995",
    ),
    replies.endpoint_set(163, "MEM", category="Allow", urls=["manage.microsoft.com"], tcpPorts="443"),
    replies.endpoint_set(
        90, "Common", category="Default", urls=["*.aadrm.example", "office.example"], tcpPorts="443"
    ),
]
NAMES = (
    "outlook.office.com", "outlook.office365.com", "contoso.sharepoint.com", "contoso-my.sharepoint.com",
    "manage.microsoft.com", "office.example", "smtp.office365.com",
)  # fmt: skip


SHIPPED = (
    *(url for item in WORLDWIDE for url in item.urls if "*" not in url),
    "ps.compliance.protection.outlook.com",
    "webdir.online.lync.com",
)


@contextlib.contextmanager
def listening():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(4096)  # nobody accepts: the kernel completes the handshakes
        yield f"127.0.0.1:{server.getsockname()[1]}"


@contextlib.contextmanager
def closed():
    """A port that is taken and refuses."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(folders.OFF, raising=False)
    return tmp_path / "cache" / "gonogo" / "microsoft"


@pytest.fixture
def cloud():
    with microsoft() as found:
        found.endpoints = json.loads(json.dumps(SETS))
        yield found


@pytest.fixture
def door():
    with listening() as found:
        yield found


def checked(service, door, **more) -> Endpoints:
    usual = {
        "endpoints_url": service.url,
        "hosts": dict.fromkeys((*NAMES, *SHIPPED), door),
        "tenant": "contoso",
    }
    return Endpoints(**(usual | more))


def test_every_required_host_and_port_is_tried(cloud, door):
    status, findings, seen = run(checked(cloud, door))
    assert status is Status.PASS, findings
    assert seen.origin == "published"
    assert {(one.host, one.port) for one in seen.tried} == {
        *((name, port) for name in NAMES[:4] for port in (80, 443)), ("office.example", 443),
    }  # fmt: skip
    text = said(findings)
    assert "UDP is not tested here" in text
    assert "*.aadrm.example" in text
    assert {item.why for item in seen.untested} == {"udp", "smtp", "wildcard"}


def test_one_closed_port_fails_and_is_named(cloud, door):
    with closed() as shut:
        hosts = dict.fromkeys(NAMES, door) | {"outlook.office.com": shut}
        status, findings, _ = run(checked(cloud, door, hosts=hosts))
    assert status is Status.FAIL
    assert {f.subject for f in findings if f.status is Status.FAIL} == {
        "outlook.office.com:80", "outlook.office.com:443",
    }  # fmt: skip
    assert not any("accept connections" in f.message for f in findings)


def test_services_and_optional_sets(cloud, door):
    _, _, seen = run(checked(cloud, door, services=("MEM",)))
    assert {one.host for one in seen.tried} == {"manage.microsoft.com"}
    _, _, seen = run(checked(cloud, door, services=("exchange",), include_optional=True))
    assert {one.port for one in seen.tried if one.host == "smtp.office365.com"} == {143, 587, 993, 995}


def test_a_service_that_the_list_does_not_have_is_no_pass(cloud, door):
    status, findings, _ = run(checked(cloud, door, services=("Exchange", "Exchnage")))
    assert (status, "no required set" in said(findings)) == (Status.INCONCLUSIVE, True)


def test_a_set_of_which_nothing_can_be_tried_is_no_pass(cloud, door):
    status, findings, _ = run(checked(cloud, door, tenant=None))
    assert (status, "endpoint set 31" in said(findings)) == (Status.INCONCLUSIVE, True)
    assert run(checked(cloud, door, tenant=None, exclude=("31",)))[0] is Status.PASS
    assert run(checked(cloud, door, tenant=None, exclude=("*.sharepoint.com",)))[0] is Status.PASS
    wildcards = {"*.SharePoint.com": ("outlook.office.com",)}
    assert run(checked(cloud, door, tenant=None, wildcards=wildcards))[0] is Status.PASS
    cloud.endpoints[-1]["urls"] = ["*.aadrm.example"]
    cloud.endpoints_version = "2026110200"
    age(3 * 3600)
    status, findings, _ = run(checked(cloud, door))
    assert (status, "category Default" in said(findings)) == (Status.WARN, True)


def test_nothing_to_try_is_no_pass(cloud, door):
    status, _, seen = run(checked(cloud, door, services=("Skype",)))
    assert (status, seen.tried) == (Status.INCONCLUSIVE, ())
    everything = tuple(str(item["id"]) for item in SETS)
    assert run(checked(cloud, door, exclude=everything))[0] is Status.INCONCLUSIVE


def test_more_hosts_than_allowed_are_no_pass(cloud, door):
    status, findings, _ = run(checked(cloud, door, max_hosts=3))
    assert (status, "not tried" in said(findings)) == (Status.INCONCLUSIVE, True)


def test_something_that_takes_every_connection_is_no_pass(cloud, door):
    status, findings, _ = run(checked(cloud, door, decoy=door))
    assert (status, "in place of every host" in said(findings)) == (Status.INCONCLUSIVE, True)
    assert "All" not in said(findings)
    with closed() as shut:
        assert run(checked(cloud, door, decoy=shut))[0] is Status.PASS


@pytest.mark.parametrize(
    ("addresses", "temporary", "status", "words"),
    [
        ((), False, Status.FAIL, "no address"),
        ((), True, Status.INCONCLUSIVE, "could not try"),
        (("127.0.0.1",), False, Status.FAIL, "inside"),
        (("0.0.0.0",), False, Status.FAIL, "inside"),
        (("10.1.2.3",), False, Status.FAIL, "inside"),
        (("::",), False, Status.FAIL, "inside"),
    ],
)
def test_what_the_resolver_makes_of_a_name(cloud, door, monkeypatch, addresses, temporary, status, words):
    """A DNS filter's address may be this laptop's own, where anything may listen."""
    real = endpoints.resolve

    async def fake(vantage, host, family="any"):
        if host != "outlook.office.com":
            return await real(vantage, host, family)
        return Resolved(host=host, addresses=addresses, error="no", temporary=temporary)

    monkeypatch.setattr(endpoints, "resolve", fake)
    hosts = dict.fromkeys(NAMES[1:], door)
    with closed() as shut:
        found, findings, _ = run(checked(cloud, door, hosts=hosts, decoy=shut))
    assert (found, words in said(findings)) == (status, True), findings


@pytest.mark.parametrize(
    ("addresses", "status"),
    [
        (["198.51.100.7"] * 4, Status.INCONCLUSIVE),
        (["198.51.100.7"] * 3 + ["13.107.6.152"], Status.PASS),
        (["198.51.100.7"] * 3, Status.PASS),
    ],
)
def test_a_resolver_that_knows_one_address_for_everything_is_no_pass(addresses, status):
    """A captive portal's own address may be public, and its port 443 open."""
    item = EndpointSet(id=1, area="Exchange", category="Optimize", required=True, urls=("x",), tcp=("443",))
    tried = tuple(
        Tried(host=f"host{number}.example", port=443, sets=(1,), outcome="open", address=address)
        for number, address in enumerate(addresses)
    )
    now = datetime.now(UTC)
    seen = EndpointsSeen(
        origin="published",
        version="1",
        as_of=now,
        now=now,
        trouble="",
        sets=(item,),
        tried=tried,
        untested=(),
    )
    assert judged(Endpoints(services=("Exchange",)), seen)[0] is status
    mine = tuple(dataclasses.replace(one, published=True) for one in tried)
    seen = dataclasses.replace(seen, tried=mine)
    assert judged(Endpoints(services=("Exchange",)), seen)[0] is Status.PASS


def age(seconds: float) -> None:
    """Let what is kept be so much older."""
    for path in (_cache.folder() or Path()).glob("*.json"):
        value = json.loads(path.read_text())
        if isinstance(value, dict):
            value["as_of"] = rfc3339(datetime.now(UTC) - timedelta(seconds=seconds))
            path.write_text(json.dumps(value))


def test_the_list_is_kept_and_asked_for_once_an_hour(cloud, door, folder):
    assert run(checked(cloud, door))[0] is Status.PASS
    assert run(checked(cloud, door))[0] is Status.PASS
    assert (cloud.asked("/version/"), cloud.asked("/endpoints/")) == (1, 1)
    assert {path.stat().st_mode & 0o77 for path in folder.glob("*.json")} == {0}
    age(2 * 3600)
    _, _, seen = run(checked(cloud, door))
    assert seen.origin == "published"
    assert (cloud.asked("/version/"), cloud.asked("/endpoints/")) == (2, 1)
    age(2 * 3600)
    cloud.endpoints_version = "2026120100"
    assert run(checked(cloud, door))[2].version == "2026120100"
    assert cloud.asked("/endpoints/") == 2
    asked = [path for _, path in cloud.requests]
    assert len({path.partition("ClientRequestId=")[2] for path in asked}) == 1


def test_nothing_is_kept_when_that_is_turned_off(cloud, door, folder, monkeypatch):
    monkeypatch.setenv(folders.OFF, "1")
    assert run(checked(cloud, door))[0] is Status.PASS
    assert not folder.exists()


def broken(cloud):
    """Give each way in which the web service can fail."""
    for make in (
        lambda: cloud.portal(), lambda: cloud.fail("", 429), lambda: cloud.fail("", 500),
        lambda: cloud.drift("/version/", {"latest": 5}), lambda: cloud.drift("/version/", {"latest": "../x"}),
        lambda: cloud.drift("/version/", []), lambda: cloud.slow(30),
    ):  # fmt: skip
        cloud.clear()
        make()
        yield


def test_a_list_that_cannot_be_had_is_replaced_by_the_kept_one(cloud, door):
    run(checked(cloud, door))
    for _ in broken(cloud):
        age(5 * 86400)
        status, _, seen = run(checked(cloud, door))
        assert (status, seen.origin) == (Status.PASS, "kept")
        assert seen.trouble
        age(40 * 86400)
        status, findings, _ = run(checked(cloud, door))
        assert (status, "is old" in said(findings)) == (Status.WARN, True)
        age(-3 * 86400)
        assert run(checked(cloud, door))[2].origin == "shipped"


def test_without_a_kept_list_the_shipped_extract_is_used_and_said(cloud, door):
    for _ in broken(cloud):
        status, findings, seen = run(checked(cloud, door))
        assert (status, seen.origin) == (Status.WARN, "shipped"), findings
        assert "2025-12-01" in said(findings)
        status, _, _ = run(checked(cloud, door, cloud="china"))
        assert status is Status.INCONCLUSIVE


BAD_LISTS = [
    [],
    {},
    None,
    "x",
    [1],
    [{}],
    [SETS[0] | {"id": "1"}],
    [SETS[0] | {"required": "true"}],
    [SETS[0] | {"category": "optimize!"}],
    [SETS[0] | {"tcpPorts": "80-"}],
    [SETS[0] | {"tcpPorts": 443}],
    [SETS[0] | {"tcpPorts": "0"}],
    [SETS[0] | {"tcpPorts": "70000"}],
    [SETS[0] | {"tcpPorts": "90-80"}],
    [SETS[0] | {"urls": ["a b"]}],
    [SETS[0] | {"urls": "x"}],
    [SETS[0] | {"urls": ["\x1b[31m"]}],
    [SETS[0] | {"ips": ["52.96.0.1/14"]}],
    [SETS[0] | {"ips": ["x"]}],
    [SETS[0] | {"ips": [5]}],
    [SETS[0] | {"tcpPorts": None, "udpPorts": None}],
    [SETS[0] | {"urls": None, "ips": None}],
]


@pytest.mark.parametrize("value", BAD_LISTS)
def test_a_list_of_another_shape_is_not_used_and_not_kept(cloud, door, folder, value):
    cloud.drift("/endpoints/", value)
    _, _, seen = run(checked(cloud, door, services=("Exchange",)))
    assert seen.origin == "shipped"
    assert not any(isinstance(json.loads(path.read_text()), dict) for path in folder.glob("*.json"))


@pytest.mark.parametrize(
    "data", ["", "{", "[]", '{"version": "2026110100", "as_of": "x", "sets": []}', "\x00"]
)
def test_a_kept_list_that_is_damaged_is_as_if_it_were_not_there(cloud, door, folder, data):
    run(checked(cloud, door))
    for path in folder.glob("*.json"):
        path.write_text(data)
    assert run(checked(cloud, door))[2].origin == "published"


RULES = ("52.96.0.0/14", "40.92.0.0/15", "13.107.136.0/22", "52.112.0.0/14")


def test_rules_that_cover_the_networks_pass(cloud, door):
    status, findings, _ = run(checked(cloud, door, firewall=RULES))
    assert (status, "cover the published IPv4" in said(findings)) == (Status.PASS, True)
    split = ("52.96.0.0/15", "52.98.0.0/15", *RULES[1:])
    assert run(checked(cloud, door, firewall=split))[0] is Status.PASS
    wide = ("52.0.0.0/8", "40.0.0.0/8", "13.0.0.0/8")
    assert run(checked(cloud, door, firewall=wide))[0] is Status.PASS


def test_missing_and_stale_rules_are_named(cloud, door):
    status, findings, _ = run(checked(cloud, door, firewall=RULES[1:]))
    assert (status, "52.96.0.0/14" in said(findings)) == (Status.FAIL, True)
    half = ("52.96.0.0/15", *RULES[1:])
    assert run(checked(cloud, door, firewall=half))[0] is Status.FAIL
    status, findings, _ = run(checked(cloud, door, firewall=(*RULES, "13.107.64.0/18")))
    assert (status, "stale: 13.107.64.0/18" in said(findings)) == (Status.WARN, True)
    status, findings, _ = run(checked(cloud, door, firewall=(*RULES, "2603:1006::/48")))
    assert (status, "2603:1006::/40" in said(findings)) == (Status.FAIL, True)


def test_rules_without_networks_to_hold_them_against_are_no_pass(cloud, door):
    status, findings, _ = run(checked(cloud, door, services=("MEM",), firewall=RULES))
    assert (status, "no networks" in said(findings)) == (Status.INCONCLUSIVE, True)


@pytest.mark.parametrize(
    "more", [{"services": ()}, {"services": (" ",)}, {"tenant": "a.b"}, {"tenant": "a b"}, {"tenant": ""}]
)
def test_what_asserts_nothing_is_refused(more):
    if more == {"services": ()}:
        from pydantic import TypeAdapter, ValidationError

        with pytest.raises(ValidationError):
            TypeAdapter(Endpoints).validate_python(more)
        return
    with pytest.raises(ValueError):
        Endpoints(**more)


SAMPLES = DATA / "m365" / "endpoints"


@pytest.mark.skipif(not SAMPLES.exists(), reason="The sample data is not here.")
@pytest.mark.parametrize("name", ["worldwide", "china", "usgov_dod", "usgov_gcchigh"])
def test_captured_lists_are_read(name):
    sets = read_sets(json.loads((SAMPLES / f"get_endpoints_{name}.json").read_text()))
    work = plan(sets, "contoso", {}, ())
    assert len(work.targets) > 20
    assert not any("*" in host for host, _, _ in work.targets)
    tried = {number for _, _, ids in work.targets for number in ids}
    said_of = {number for number, _, _ in work.untested}
    assert {item.id for item in sets} <= tried | said_of


@pytest.mark.skipif(not SAMPLES.exists(), reason="The sample data is not here.")
def test_the_shipped_extract_is_part_of_the_captured_list():
    sets = {
        item.id: item
        for item in read_sets(json.loads((SAMPLES / "get_endpoints_worldwide.json").read_text()))
    }
    for item in WORLDWIDE:
        real = sets[item.id]
        assert (item.area, item.category, item.required) == (real.area, real.category, real.required)
        assert set(item.tcp) == set(real.tcp)
        assert set(item.udp) == set(real.udp)
        assert set(item.ips) <= set(real.ips)
        assert {ip for ip in real.ips if ":" not in ip} == set(item.ips)


def test_ports_are_read_in_all_their_forms():
    read = read_sets([SETS[0] | {"tcpPorts": " 80 ,443, 50000 - 50059 ", "udpPorts": "3478-3481"}])
    assert read[0].tcp == ("80", "443", "50000-50059")
    assert span(read[0].udp[0]) == (3478, 3481)
    work = plan(read, None, {}, ())
    assert (1, "TCP 50000-50059 beyond its first", "range") in work.untested


def test_whose_an_address_is():
    known = networks(["52.96.0.0/14", "2603:1006::/40"])
    assert [holds(known, one) for one in ("52.96.1.2", "2603:1006::1", "192.0.2.1", "fe80::1%eth0")] == [
        True, True, False, False,
    ]  # fmt: skip


def test_networks():
    assert uncovered(["10.0.0.0/8"], ["10.0.0.0/9", "10.128.0.0/9"]) == ()
    assert uncovered(["10.0.0.0/8", "2001:db8::/32"], ["10.0.0.0/9"]) == ("10.0.0.0/8",)
    assert stale(["10.0.0.0/8"], ["10.1.0.0/16", "11.0.0.0/8", "0.0.0.0/0"]) == ("11.0.0.0/8",)


LEAF = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.sampled_from(["443", "a.example"])
)
SET = st.fixed_dictionaries(
    {},
    optional={
        key: LEAF | st.lists(LEAF, max_size=3) for key in
        ("id", "serviceArea", "urls", "ips", "tcpPorts", "udpPorts", "category", "required", "notes")
    },
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(SET.map(lambda change: SETS[0] | change), max_size=3) | LEAF | SET)
def test_any_list_is_read_or_drift(value):
    try:
        sets = read_sets(value)
    except Drift:
        return
    work = plan(sets, None, {}, ())
    assert all(0 < port < 65536 for _, port, _ in work.targets)
    told = {number for _, _, ids in work.targets for number in ids} | {item[0] for item in work.untested}
    assert {item.id for item in sets} <= told


def test_a_slow_firewall_ends_in_time(cloud, door):
    """A backlog that is full drops: all hosts are waited for at once, not one after another."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        place = server.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(place)
        hosts = dict.fromkeys(NAMES, f"127.0.0.1:{place[1]}")
        began = time.monotonic()
        status, findings, _ = run(checked(cloud, door, hosts=hosts), allowance=6.0)
        for filler in fillers:
            filler.close()
    assert (status, "timeout" in said(findings)) == (Status.FAIL, True)
    assert time.monotonic() - began < 6


def test_many_dead_hosts_are_all_told_of_within_the_allowance(cloud, door):
    """However many there are, the check says which, and is not cut off by its own deadline."""
    names = [f"dead{number}.example" for number in range(150)]
    cloud.endpoints = [replies.endpoint_set(1, "Exchange", urls=names, tcpPorts="443")]
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        place = server.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(place)
        began = time.monotonic()
        check = checked(
            cloud, door, services=("Exchange",), hosts=dict.fromkeys(names, f"127.0.0.1:{place[1]}")
        )
        status, findings, seen = run(check, allowance=5.0)
        for filler in fillers:
            filler.close()
    assert status is Status.FAIL
    assert time.monotonic() - began < 5
    assert {one.outcome for one in seen.tried} == {"timeout"}
    assert any("110 more hosts" in finding.message for finding in findings)
