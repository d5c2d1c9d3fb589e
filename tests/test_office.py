"""A technician's laptop in a real office: GO when all is well, and the right one cause for each fault.

Every test runs the installed `gonogo` inside the laptop's namespace, against real daemons (`tests/lab`).
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.lab import faults, need
from tests.lab.office import TOOLS, Office
from tests.lab.running import GO, INCOMPLETE, NO_GO, Ran, dependents, run_json

pytestmark = pytest.mark.lab

HERE = Path(__file__).parent / "lab"


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    need(*TOOLS)
    with Office() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The office's project file, in a folder of its own."""
    return Path(shutil.copy(HERE / "office.yaml", tmp_path))


@pytest.fixture
def guests(tmp_path: Path) -> Path:
    """The guest network's project file, in a folder of its own."""
    return Path(shutil.copy(HERE / "guests.yaml", tmp_path))


def assert_one_cause(ran: Ran, project: Path, cause: str, words: str, status: str = "fail") -> None:
    """Assert that `cause` alone is to blame and that exactly what needs it is blocked by it."""
    summary = ran.summary()
    assert ran.results[cause]["status"] == status, summary
    told = [line for line in ran.told(cause).splitlines() if line.startswith(status)]
    assert any(re.search(words, line) for line in told), summary
    assert ran.having("fail", "inconclusive", "not run") == {cause}, summary
    blocked = ran.having("blocked")
    assert blocked == dependents(project, cause), summary
    assert {ran.results[name]["blocked_by"] for name in blocked} <= {cause}, summary
    assert any(cause in reason for item in ran.data["milestones"] for reason in item["reasons"]), summary


def test_a_healthy_office_is_a_go(office: Office, project: Path) -> None:
    ran = run_json(office.laptop, project)
    assert ran.code == GO, ran.summary()
    assert {item["verdict"] for item in ran.data["milestones"]} == {"GO"}
    assert ran.having("pass") == set(ran.results), ran.summary()
    assert ran.data["run"]["vantage"]["link_up"] is True
    assert office.address(office.laptop) in ran.data["run"]["vantage"]["addresses"]


FAULTS: list[tuple[Callable[[Office], AbstractContextManager[None]], str, str]] = [
    (faults.gateway_down, "gateway", r"10\.20\.0\.1: .*does not answer"),
    (faults.dns_wrong, "intranet-name", r"not the planned ones.*10\.20\.0\.99"),
    (faults.dns_silent, "resolver", r"10\.20\.0\.10: .*no answer"),
    (faults.certificate_expired, "intranet-tls", r"expired"),
    (faults.certificate_other_name, "intranet-tls", r"another name|old-intranet"),
    (faults.tls_inspected, "web-tls", r"Lab Inspection CA"),
    (faults.loss, "line", r"(?i)loss"),
    (faults.mtu_black_hole, "mtu", r"(?i)black hole"),
    (faults.captive_portal, "portal", r"portal\.guest\.example"),
    (faults.port_filtered, "erp-port", r"8443: .*filtered"),
    (faults.port_refused, "erp-port", r"8443: .*refuses"),
    (faults.wrong_vlan, "link", r"10\.30\.0\."),
    (faults.duplicate_address, "address", r"More than one device"),
]


@pytest.mark.parametrize(
    ("fault", "cause", "words"), FAULTS, ids=[getattr(fault, "__name__", "") for fault, _, _ in FAULTS]
)
def test_one_fault_is_a_no_go_with_its_one_cause(
    office: Office,
    project: Path,
    fault: Callable[[Office], AbstractContextManager[None]],
    cause: str,
    words: str,
) -> None:
    with fault(office):
        ran = run_json(office.laptop, project)
    assert_one_cause(ran, project, cause, words)
    assert ran.code == NO_GO, ran.summary()


NAMED = """
gonogo: 1
project: {name: Names, timezone: UTC}
milestones: {go: {title: Go}}
checks:
  tcp: {type: network.tcp, milestone: go, target: erp.office.example, port: 8443, timeout: 4s}
  http: {type: network.http, milestone: go, url: "https://intranet.office.example/health", timeout: 4s}
  tls: {type: network.tls, milestone: go, target: intranet.office.example, timeout: 4s}
  ping: {type: network.ping, milestone: go, target: erp.office.example, timeout: 4s}
  mtu: {type: network.mtu, milestone: go, target: erp.office.example, timeout: 4s}
  path: {type: network.path, milestone: go, target: erp.office.example, max_hops: 3, timeout: 4s}
  time: {type: network.ntp, milestone: go, server: time.office.example, timeout: 4s}
  portal: {type: network.captive, milestone: go, timeout: 4s}
  egress: {type: network.egress, milestone: go, via: ["http://www.example.com/ip"], nat: present, timeout: 4s}
  closed:
    type: network.closed
    milestone: go
    target: erp.office.example
    ports: [22]
    control: erp.office.example:443
    timeout: 4s
"""


def test_silent_dns_says_nothing_about_the_servers(office: Office, tmp_path: Path) -> None:
    """No check depends on another here: each must find out by itself that it could not test."""
    project = tmp_path / "names.yaml"
    project.write_text(NAMED)
    with faults.dns_silent(office):
        ran = run_json(office.laptop, project)
    assert ran.having("inconclusive") == set(ran.results), ran.summary()
    assert ran.code == INCOMPLETE
    for check in set(ran.results) - {"portal"}:
        assert "resolver" in ran.told(check), ran.told(check)


def test_a_clock_that_is_off_is_named_and_spoils_nothing_else(office: Office, project: Path) -> None:
    need("faketime")
    ran = run_json(office.laptop, project, before=("faketime", "-f", "+90s"))
    assert_one_cause(ran, project, "time", r"\b90\b|\b9[01]\.\d")
    assert ran.code == NO_GO
    assert ran.results["intranet-tls"]["status"] == "pass", ran.summary()
    assert 89 < ran.data["run"]["vantage"]["clock_offset_s"] < 91
    assert any("clock" in limit for limit in ran.data["run"]["vantage"]["limits"])


def test_a_healthy_guest_network_is_a_go(office: Office, guests: Path) -> None:
    ran = run_json(office.guest, guests)
    assert ran.code == GO, ran.summary()
    assert ran.having("pass") == set(ran.results), ran.summary()


def test_guests_that_reach_the_office_are_a_no_go(office: Office, guests: Path) -> None:
    with faults.guests_let_in(office):
        ran = run_json(office.guest, guests)
    assert_one_cause(ran, guests, "separation", r"10\.20\.0\.10:443")
    assert ran.code == NO_GO


def test_silence_is_no_separation_where_the_control_is_silent_too(office: Office, guests: Path) -> None:
    with faults.rules(office.gateway, "chain nothing { type filter hook forward priority -20; drop; }"):
        ran = run_json(office.guest, guests)
    assert ran.results["separation"]["status"] == "inconclusive", ran.summary()
    assert ran.code == INCOMPLETE, ran.summary()


def test_an_unplugged_laptop_tells_nothing_about_the_office(office: Office, project: Path) -> None:
    with faults.unplugged(office):
        ran = run_json(office.laptop, project)
    assert ran.code == INCOMPLETE, ran.summary()
    assert ran.having("fail") == set(), ran.summary()
    assert ran.having("pass", "warn") == set(), ran.summary()
    assert {ran.results[name]["blocked_by"] for name in ran.having("blocked")} == {"vantage"}
    assert len(ran.having("inconclusive")) <= 1, ran.summary()
    vantage = ran.data["run"]["vantage"]
    assert vantage["link_up"] is False
    assert len([limit for limit in vantage["limits"] if "plug" in limit.lower()]) >= 1, vantage["limits"]
    assert "No interface of this laptop is connected" in vantage["limits"][0]


def test_a_network_that_carries_nothing_passes_nothing(office: Office, project: Path) -> None:
    """The cable is in and the light is on; behind the switch everything is dead."""
    silence = "chain nothing { type filter hook ingress device eth0 priority 0; drop; }"
    with faults.rules(office.laptop, silence, family="netdev"):
        ran = run_json(office.laptop, project)
    assert ran.code in (INCOMPLETE, NO_GO), ran.summary()
    assert ran.having("pass", "warn") == {"link"}, ran.summary()
    assert "GO" not in {item["verdict"] for item in ran.data["milestones"]}, ran.summary()
    assert ran.having("fail", "inconclusive") <= {"gateway", "resolver", "time"}, ran.summary()


def test_what_is_filtered_out_is_not_run_and_proves_nothing(office: Office, project: Path) -> None:
    ran = run_json(office.laptop, project, "--only", "intranet*")
    assert ran.code == INCOMPLETE, ran.summary()
    assert ran.having("pass") == {"intranet-name", "intranet-tls", "intranet"}, ran.summary()
    assert ran.having("not run") == set(ran.results) - ran.having("pass"), ran.summary()
    assert {item["verdict"] for item in ran.data["milestones"]} == {"INCOMPLETE"}
