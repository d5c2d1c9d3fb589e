"""The shipped profile `office-move` in a whole building, from nothing said to GO at every milestone."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import faults, need
from tests.lab.building import SWITCH, TOOLS, Building, write_project
from tests.lab.running import GO, INCOMPLETE, NO_GO, Ran, run_json

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("building-rehearsal")]

MILESTONES = ("circuit", "cabling", "wifi", "services", "guest", "open", "settled")
UNTOLD = {"desk-tags", "environment-fw-1", "saved-fw-1"}
"""Not required: DTP comes every 30 s and is listened for 2 s; a router's snmpd knows neither other."""


@pytest.fixture(scope="module")
def building() -> Iterator[Building]:
    need(*TOOLS)
    with Building() as running:
        yield running


@pytest.fixture(scope="module")
def project(building: Building, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with counters watched for as long as the router's snmpd keeps old ones."""
    path = write_project(tmp_path_factory.mktemp("building"))
    path.write_text(path.read_text().replace("error_window: 1s", "error_window: 16s"))
    return path


@pytest.fixture(scope="module")
def healthy(building: Building, project: Path) -> Ran:
    """One run of everything from the laptop's desk."""
    return run_json(building.laptop, project, env=building.environment)


def verdicts(ran: Ran) -> dict[str, str]:
    return {item["id"]: item["verdict"] for item in ran.data["milestones"]}


def test_a_healthy_building_is_a_go_at_every_milestone(
    building: Building, project: Path, healthy: Ran
) -> None:
    assert healthy.code == INCOMPLETE, healthy.summary()
    expected = dict.fromkeys(MILESTONES, "GO") | {"guest": "INCOMPLETE"}
    assert verdicts(healthy) == expected, healthy.summary()
    assert healthy.having("fail", "warn", "blocked") <= {"guest-intranet"}, healthy.summary()
    assert healthy.having("inconclusive") == UNTOLD, healthy.summary()

    guest = run_json(
        building.guest, project, "--milestone", "guest", "--vantage", "guest-laptop",
        env=building.environment,
    )  # fmt: skip
    assert guest.code == GO, guest.summary()
    status = run_json(building.laptop, project, command="status", env=building.environment)
    assert status.code == GO, status.summary()
    assert set(verdicts(status).values()) == {"GO"}, status.summary()


def test_the_switch_port_is_part_of_where_it_was_seen_from(healthy: Ran) -> None:
    [told] = [one for one in healthy.results["desk-port"]["observation"]["neighbors"] if one["port"]][:1]
    assert (told["name"], told["port"]) == ("sw-1", "GigabitEthernet1/0/7")


def test_nothing_is_ever_set_and_no_key_is_told(building: Building, project: Path, healthy: Ran) -> None:
    for role, agent in building.agents.items():
        assert agent.answers > 0, role
        assert agent.asked["set"] == 0, role
        assert agent.asked["unknown"] == 0, role
    said = str(healthy.data)
    files = [file for file in project.parent.rglob("*") if file.is_file() and file != project]
    assert files
    kept = b"".join(file.read_bytes() for file in files)
    for name in ("SNMP_COMMUNITY", "SNMP_AUTH", "SNMP_PRIVACY"):
        secret = building.environment[name]
        assert secret not in said, name
        assert secret.encode() not in kept, name


def test_without_attestations_and_survey_nothing_is_a_go(building: Building, tmp_path: Path) -> None:
    path = Path(shutil.copy(Path(__file__).parent / "lab" / "building.yaml", tmp_path))
    words = ("--milestone", "wifi", "--only", "wifi-*", "--only", "rogue-*", "--only", "coverage")
    ran = run_json(building.laptop, path, *words, env=building.environment)
    assert ran.code in (INCOMPLETE, NO_GO), ran.summary()
    assert ran.results["coverage"]["status"] == "inconclusive", ran.summary()
    assert "gonogo survey" in str(ran.results["coverage"]["findings"]), ran.summary()
    assert "GO" not in verdicts(ran).values(), ran.summary()


def test_a_dead_gateway_takes_the_line_with_it_and_leaves_the_switches_judged(
    building: Building, project: Path
) -> None:
    words = [word for check in ("gateway", "internet", "switch-*", "ports-*") for word in ("--only", check)]
    with faults.gateway_down(building):
        ran = run_json(building.laptop, project, *words, env=building.environment)
    assert ran.code == NO_GO, ran.summary()
    assert ran.having("fail") == {"gateway"}, ran.summary()
    assert {"switch-sw-1", "ports-sw-1", "switch-core-1", "ports-core-1"} <= ran.having("pass")
    assert ran.having("inconclusive") == {"switch-fw-1"}, ran.summary()
    assert ran.having("blocked") == {"internet", "ports-fw-1"}, ran.summary()
    assert re.search(r"ports-fw-1: blocked \(by switch-fw-1\)", ran.summary()), ran.summary()
    assert SWITCH in ran.told("switch-sw-1")
