from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from agent import here
from agent.cli import main
from agent.here import Probes, plan_here
from checks import jsonable
from checks.local import rights
from checks.local.facts import AddressFact, Found, GatewayFact, InterfaceFact, LocalHost, assemble
from tests.lab import Lab, Namespace, faults, need
from tests.lab.office import TOOLS, Office
from tests.lab.running import GO, INCOMPLETE, NO_GO, Ran, gonogo

NO_RIGHTS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all")
OWN = ("--time-server", "time.office.example", "--host", "203.0.113.80")


def laptop(*gateways: str) -> LocalHost:
    face = InterfaceFact(
        name="eth0", up=True, mtu=1500,
        addresses=(AddressFact(address="10.20.0.5", prefix=24, family="ipv4"),),
    )  # fmt: skip
    facts = tuple(
        GatewayFact(address=a, interface="eth0", family="ipv6" if ":" in a else "ipv4") for a in gateways
    )
    return assemble(Found(os="Test", gateways=facts), (face,), ("10.20.0.5",))


def test_the_plan_is_whole_and_every_check_can_be_made_from_it() -> None:
    plan = plan_here(laptop("10.20.0.1"), Probes())
    (milestone,) = plan.milestones
    assert {need.check for need in milestone.gate.needs} == set(plan.by_id)
    assert any(need.required for need in milestone.gate.needs)
    for item in plan.checks:
        assert jsonable.to_json(item.build()) == json.loads(json.dumps(item.params))
        assert set(item.needs) <= set(plan.by_id)


@pytest.mark.parametrize(
    ("gateways", "family", "pinged"),
    [(("10.20.0.1",), "ipv4", True), ((), "ipv4", False), (("fe80::1",), "ipv6", False)],
)
def test_the_gateway_that_there_is_is_tested(gateways: tuple[str, ...], family: str, pinged: bool) -> None:
    plan = plan_here(laptop(*gateways), Probes())
    assert plan.by_id["gateway"].params["family"] == family
    assert ("gateway-quality" in plan.by_id) is pinged


def test_what_this_account_cannot_test_is_left_out_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rights, "raw_frames", lambda: "Operation not permitted")
    plan = plan_here(laptop("10.20.0.1"), Probes())
    (left,) = plan.left_out
    assert left.check == "duplicate-ip"
    assert "Operation not permitted" in left.reason
    assert "duplicate-ip" not in plan.by_id


def test_a_network_without_ipv4_is_not_asked_by_arp() -> None:
    six = AddressFact(address="2001:db8:20::5", prefix=64, family="ipv6")
    face = InterfaceFact(name="eth0", up=True, addresses=(six,))
    host = assemble(Found(os="Test"), (face,), (six.address,))
    assert "duplicate-ip" not in plan_here(host, Probes()).by_id


def test_probes_can_point_elsewhere() -> None:
    own = Probes(
        url="http://probe.example/", name="intranet.example", time_server="t.example", host="h.example"
    )
    plan = plan_here(laptop("10.20.0.1"), own)
    text = json.dumps([check.params for check in plan.checks])
    for public in (here.PROBE_NAME, here.TIME_SERVER, here.ECHO_HOST, "gstatic", "msftconnecttest"):
        assert public not in text


@pytest.mark.parametrize(
    "arguments",
    [["--probe-text", "x"], ["--probe-url", "https://a.example/"], ["--probe-url", "ftp://x"],
     ["--name", "a b"], ["--time-server", "x:99999"], ["--host", "-"]],
)  # fmt: skip
def test_wrong_options_are_usage_errors(arguments: list[str]) -> None:
    told = CliRunner().invoke(main, ["here", *arguments])
    assert told.exit_code == 2, told.output


@pytest.mark.lab
def test_without_a_link_it_is_incomplete_and_says_what_to_do() -> None:
    need("ip")
    with Lab() as lab:
        ran = look(lab.namespace("laptop"))
        assert ran.code == INCOMPLETE, ran.summary()
        assert ran.having("fail") == set()
        assert ran.having("inconclusive") == {"interface"}
        assert {ran.results[name]["blocked_by"] for name in ran.having("blocked")} == {"vantage"}
        assert "Plug the cable in" in ran.results["interface"]["findings"][0]["fix"]


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    need(*TOOLS, "setpriv")
    with Office() as running:
        running.laptop.sysctl("net.ipv4.ping_group_range", "0 2147483647")
        yield running


def look(host: Namespace, *, rights: bool = True) -> Ran:
    done = gonogo(host, "here", "--json", *OWN, before=() if rights else NO_RIGHTS)
    return Ran(done.returncode, json.loads(done.stdout))


@pytest.mark.lab
@pytest.mark.parametrize("rights", [True, False])
def test_a_healthy_office_is_fit_for_work(office: Office, rights: bool) -> None:
    ran = look(office.laptop, rights=rights)
    assert ran.code == GO, ran.summary()
    assert ran.having("pass") == set(ran.results), ran.summary()
    assert ("duplicate-ip" in ran.results) is rights
    assert ran.data["network"]["gateways"][0]["address"] == "10.20.0.1"


@pytest.mark.lab
def test_the_picture_comes_first(office: Office) -> None:
    said = gonogo(office.laptop, "here", "--plain", *OWN).stdout.splitlines()
    labels = [line.split()[0] for line in said[: said.index("")]]
    assert labels == ["interface", "address", "gateway", "DNS", "VPN", "proxy", "MTU", "clock", "internet"]
    assert "reached, no portal before it" in said[labels.index("internet")]
    assert said[-1].startswith("GO ")


@pytest.mark.lab
@pytest.mark.parametrize(
    ("fault", "code", "cause"),
    [
        ("gateway_down", NO_GO, "gateway"),
        ("dns_silent", NO_GO, "resolver"),
        ("captive_portal", NO_GO, "internet"),
        ("duplicate_address", NO_GO, "duplicate-ip"),
        ("unplugged", INCOMPLETE, "interface"),
    ],
)
def test_a_fault_has_one_cause(office: Office, fault: str, code: int, cause: str) -> None:
    with getattr(faults, fault)(office):
        ran = look(office.laptop)
    assert ran.code == code, ran.summary()
    bad = "fail" if code == NO_GO else "inconclusive"
    assert ran.having(bad) == {cause}, ran.summary()
