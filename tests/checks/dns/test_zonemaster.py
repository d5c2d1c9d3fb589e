"""The documented scenarios of Zonemaster's BASIC01 and BASIC02, with the results in our words."""

from __future__ import annotations

import asyncio

import pytest

from checks.dns._delegation import is_delegated, parent_findings
from checks.dns._zone import find_zone
from checks.dns.authority import Authority
from checks.dns.delegation import Delegation
from checks.vantage import Shared, Vantage
from tests.checks.dns import zonemaster
from tests.checks.dns.zones import Host, fleet
from tests.checks.dns.zones_office import has, look

pytestmark = pytest.mark.skipif(
    not zonemaster.DATA.is_dir(), reason="Zonemaster's test zones do not lie beside the repository"
)
ROOT01 = "127.12.1.11"
ROOT_ZONE = f"""
$TTL 60
@ SOA ns1.xa. admin.xa. 1 21600 3600 604800 86400
@ NS ns.root.
ns.root. A {ROOT01}
basic01.xa. NS ns1.basic01.xa.
basic01.xa. NS ns2.basic01.xa.
ns1.basic01.xa. A 127.12.1.21
ns2.basic01.xa. A 127.12.1.22
"""
FOUND, GONE, TORN, UNKNOWN, DOUBT = "found", "gone", "torn", "unknown", "doubt"
BASIC01 = {
    "good-1": FOUND, "good-mixed-1": FOUND, "good-mixed-2": FOUND, "good-parent-host-1": FOUND,
    "good-grandparent-host-1": FOUND, "no-child-1": GONE, "no-child-2": GONE, "no-chld-par-undeter-1": GONE,
    "chld-found-par-undet-1": DOUBT, **{f"chld-found-inconsist-{n}": TORN for n in range(1, 11)},
    "no-chld-no-par-1": UNKNOWN, "child-alias-1": GONE, "child-alias-2": GONE,
    "zone-err-grandparent-1": FOUND, "zone-err-grandparent-2": DOUBT, "zone-err-grandparent-3": FOUND,
    "no-del-undel-1": GONE, "no-del-mixed-undel-1": GONE, "no-del-undel-no-par-1": UNKNOWN,
    "no-del-undel-par-und-1": GONE, "good-undel-1": FOUND, "good-mixed-undel-1": FOUND,
    "good-mixed-undel-2": FOUND,
}  # fmt: skip
"""B01_CHILD_FOUND alone; B01_NO_CHILD; B01_INCONSISTENT_DELEGATION; B01_PARENT_NOT_FOUND (nobody answers,
which is no proof of absence); B01_PARENT_UNDETERMINED beside a child that was found. Of scenarios about a
test before the delegation (`undel`), this is what the parent's side says when it is asked. In
zone-err-grandparent-2 one server denies the parent's NS records, which we ask for and Zonemaster does not."""


@pytest.fixture(scope="module")
def basic01():
    with fleet({ROOT01: Host({".": ROOT_ZONE}), **zonemaster.hosts("basic01")}) as port:
        yield port


@pytest.fixture(scope="module")
def basic02():
    with fleet(zonemaster.hosts("basic02")) as port:
        yield port


def walked(domain, **start):
    async def work():
        shared = Shared()
        try:
            return await find_zone(Vantage(shared, "it", 20), domain, **start)
        finally:
            await shared.close()

    return asyncio.run(work())


@pytest.mark.parametrize("scenario", BASIC01)
def test_the_parent_and_its_child(basic01, scenario):
    name = f"child.parent.{scenario}.basic01.xa"
    zone = walked(name, roots=(ROOT01,), resolvers=(f"127.0.0.1:{basic01}",), port=basic01)
    findings = list(parent_findings(zone))
    said = {finding.status.value for finding in findings}
    wanted = BASIC01[scenario]
    told = [(v.server.label, v.says) for v in zone.parents], zone.trouble, zone.steps, findings
    if wanted in (FOUND, DOUBT):
        assert is_delegated(zone), told
        assert not said & {"fail", "inconclusive"}, told
        assert ("warn" in said) is (wanted == DOUBT), told
    elif wanted == TORN:
        assert is_delegated(zone), told
        assert any("disagree" in f.message for f in findings if f.status == "fail"), told
    elif wanted == GONE:
        assert not is_delegated(zone), told
        assert "fail" in said, told
    else:
        assert said == {"inconclusive"}, told


def test_a_child_two_labels_below_its_parent(basic01):
    name = "child.w.x.parent.y.z.no-del-mixed-undel-2.basic01.xa"
    zone = walked(name, roots=(ROOT01,), resolvers=(f"127.0.0.1:{basic01}",), port=basic01)
    assert zone.parent == "parent.y.z.no-del-mixed-undel-2.basic01.xa"
    assert zone.absent()


ROOTS02 = ("127.12.2.23", "127.12.2.24")
DEAD = {
    "no-delegation": "no delegation",
    "ns-broken-1": "is broken",
    "ns-not-auth-1": "without authority",
    "ns-no-ip-1": "no glue",
    "ns-no-ip-2": "has no address",
    "ns-no-ip-3": "does not exist",
    "ns-no-response-1": "does not answer",
    "unexpected-rcode-1": "REFUSED",
}


@pytest.mark.parametrize("kind", [Authority, Delegation])
@pytest.mark.parametrize("scenario", DEAD)
def test_no_working_name_server(basic02, scenario, kind):
    check = kind(domain=f"{scenario}.basic02.xa", roots=ROOTS02, port=basic02)
    _, findings = look(check)
    assert has(findings, "fail", "", DEAD[scenario]), findings
    assert not any(f.status == "pass" and "authority" in f.message for f in findings)


@pytest.mark.parametrize("kind", [Authority, Delegation])
@pytest.mark.parametrize("scenario", ["good-1", "good-2"])
def test_working_name_servers(basic02, scenario, kind):
    _, findings = look(kind(domain=f"{scenario}.basic02.xa", roots=ROOTS02, port=basic02))
    assert {f.status.value for f in findings} == {"pass"}, findings


def test_one_of_four_works(basic02):
    _, findings = look(Authority(domain="mixed-1.basic02.xa", roots=ROOTS02, port=basic02))
    assert has(findings, "pass", "ns1.mixed-1.basic02.xa", "with authority")
    for other in ("ns2", "ns3", "ns4"):
        assert has(findings, "fail", f"{other}.mixed-1.basic02.xa", "")
    assert not has(findings, "fail", "", "No name server serves")


UNDELEGATED = {
    1: ("ns1", "31", "ns2", "32"), 2: ("ns1", "31", "ns2", "32"), 3: ("ns3", "33", "ns4", "34"),
    4: ("ns1", "31", "ns2", "32"), 5: ("ns1", "31", "ns2", "32"), 6: ("ns3", "33", "ns4", "34"),
    7: ("ns3", "33", "ns4", "34"), 8: ("dns1", "33", "dns2", "34"), 9: ("dns1", "33", "dns2", "34"),
    10: ("ns3", "33", "ns4", "34"), 11: ("ns3", "33", "ns4", "34"),
}  # fmt: skip


@pytest.mark.parametrize("number", UNDELEGATED)
def test_before_the_delegation(basic02, number):
    one, first, two, second = UNDELEGATED[number]
    zone = f"good-undel-{number}.basic02"
    top = "xa" if number in (1, 5, 6, 8) else "xb"
    servers = tuple(f"{name}.{zone}.{top}=127.12.2.{last}" for name, last in ((one, first), (two, second)))
    seen, findings = look(Delegation(domain=f"{zone}.xa", servers=servers, port=basic02))
    assert seen.zone.how == "servers"
    for server in servers:
        assert has(findings, "pass", server.partition("=")[0], "with authority"), findings
    assert not any(f.status == "fail" and "serve" in f.message for f in findings), findings
