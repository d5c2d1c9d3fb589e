"""A security upgrade on its profile, run as a technician does: waves, a machine away, each fault's cause."""

from __future__ import annotations

import copy
import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.checks.wire.dns_servers import free_port
from tests.lab import need
from tests.lab.running import ENVIRONMENT, GONOGO, Ran
from tests.lab.upgrade import BLOCKED, TOOLS, Upgrade, upgrade

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("security-upgrade")]
MILESTONES = ["prepared", "pilot", "wave-office", "wave-plant", "enforced", "settled"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgrade]:
    need(*TOOLS)
    with upgrade(tmp_path_factory.mktemp("upgrade")) as running:
        yield running


def run(project: Path) -> Ran:
    done = subprocess.run(
        [GONOGO, "run", project, "--json"], capture_output=True, text=True, check=False, timeout=120,
        cwd=project.parent,
        env={**ENVIRONMENT, "PATH": "/usr/bin:/bin", "HOME": str(project.parent), "GONOGO_NO_CACHE": "1"},
    )  # fmt: skip
    try:
        return Ran(done.returncode, json.loads(done.stdout))
    except ValueError:
        raise AssertionError(f"exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}") from None


def verdicts(ran: Ran) -> dict[str, str]:
    return {item["id"]: item["verdict"] for item in ran.data["milestones"]}


def test_everything_is_well(world: Upgrade, tmp_path: Path) -> None:
    ran = run(world.project(tmp_path, world.parameters()))
    assert list(verdicts(ran)) == MILESTONES
    assert set(verdicts(ran).values()) == {"GO"}, ran.summary()
    assert ran.having("warn") == {"egress"}, "nothing shows that the listener outside was up"
    assert ran.code == 0


def test_nothing_goes_before_persons_have_stated_what_nothing_measures(
    world: Upgrade, tmp_path: Path
) -> None:
    ran = run(world.project(tmp_path, world.parameters(), attested=False))
    assert set(verdicts(ran).values()) == {"INCOMPLETE"}, ran.summary()
    assert not ran.having("fail")


def test_a_machine_that_is_away_keeps_its_wave_from_go(world: Upgrade, tmp_path: Path) -> None:
    given = copy.deepcopy(world.parameters())
    given["waves"][0]["inventory"][1]["host"] = f"127.0.0.1:{free_port()}"
    ran = run(world.project(tmp_path, given))
    assert ran.results["protected-office"]["status"] == "inconclusive"
    assert "1 of 2 (50 %), 1 could not be asked" in ran.told("protected-office")
    said = verdicts(ran)
    assert said["prepared"] == said["pilot"] == "GO", ran.summary()
    assert said["wave-office"] == "INCOMPLETE", ran.summary()
    assert said["settled"] != "GO"
    given["protection"] = {"min_coverage": "50%"}
    (tmp_path / "half").mkdir()
    ran = run(world.project(tmp_path / "half", given))
    assert ran.results["protected-office"]["status"] == "warn", "half is enough where half is asked for"


def test_a_machine_whose_protection_is_off_is_named(world: Upgrade, tmp_path: Path) -> None:
    world.protect("plant-1", realTimeProtectionEnabled={"value": False})
    try:
        ran = run(world.project(tmp_path, world.parameters()))
    finally:
        world.protect("plant-1")
    assert ran.having("fail") == {"protected-plant"}, ran.summary()
    assert "real-time protection is off" in ran.told("protected-plant")
    assert world.machines["plant-1"].endpoint in ran.told("protected-plant")
    said = verdicts(ran)
    assert (said["wave-office"], said["wave-plant"]) == ("GO", "NO-GO")


def _old_tls(world: Upgrade, given: dict[str, Any]) -> None:
    given["tls_servers"].append(world.at("tls-old"))


def _bypass(world: Upgrade, given: dict[str, Any]) -> None:
    given["dns_filter"]["bypass"].append(world.at("unfiltered"))


def _unfiltered(world: Upgrade, given: dict[str, Any]) -> None:
    given["dns_filter"]["resolvers"].append(world.at("unfiltered"))


def _leak(world: Upgrade, given: dict[str, Any]) -> None:
    given["egress"]["closed"].append(world.at("tls-new"))


def _unplanned(world: Upgrade, given: dict[str, Any]) -> None:
    given["exposure"].pop("allowed")


def _mallory(world: Upgrade, given: dict[str, Any]) -> None:
    given["admins"]["inventory"].append(world.login("unruly") | {"sudo": True})


def _down(world: Upgrade, given: dict[str, Any]) -> None:
    given["working"][0]["port"] = world.ports["gone"]


FAULTS: dict[str, tuple[Callable[[Upgrade, dict[str, Any]], None], str, str]] = {
    "old-tls": (_old_tls, "tls-versions", "TLS 1.0 is still offered"),
    "bypass": (_bypass, "dns-filter", "The filter is bypassed"),
    "unfiltered": (_unfiltered, "dns-filter", f"{BLOCKED} is not blocked"),
    "leak": (_leak, "egress", "must not be"),
    "unplanned": (_unplanned, "exposure", "not planned"),
    "admin": (_mallory, "admins", "mallory is an administrator and not approved"),
    "down": (_down, "working-erp", ""),
}


def test_every_fault_fails_with_its_own_cause(world: Upgrade, tmp_path: Path) -> None:
    """All of them at once: each check names its own, and no other check fails.

    A resolver cannot be the filter's and a way round it, so that one fault is left to the test below.
    """
    given = copy.deepcopy(world.parameters())
    for name, (fault, _, _) in FAULTS.items():
        if name != "unfiltered":
            fault(world, given)
    ran = run(world.project(tmp_path, given))
    assert ran.having("fail") == {check for _, check, _ in FAULTS.values()}, ran.summary()
    for name, (_, check, words) in FAULTS.items():
        assert name == "unfiltered" or words in ran.told(check), ran.told(check)
    said = verdicts(ran)
    assert said["prepared"] == "GO"
    assert said["pilot"] == said["enforced"] == said["settled"] == "NO-GO", "the ERP is down in every gate"


@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_alone_is_enough(world: Upgrade, tmp_path: Path, fault: str) -> None:
    make, check, words = FAULTS[fault]
    given = copy.deepcopy(world.parameters())
    make(world, given)
    ran = run(world.project(tmp_path, given))
    assert ran.having("fail") == {check}, ran.summary()
    assert words in ran.told(check)
    assert verdicts(ran)["enforced"] == "NO-GO"


def test_a_port_that_opens_later_is_told_to_be_new(world: Upgrade, tmp_path: Path) -> None:
    given = world.parameters()
    project = world.project(tmp_path, given)
    assert run(project).results["exposure"]["status"] == "pass"
    host = world.block.replace(".0/30", ".2")
    with socket.create_server((host, world.ports["served"])):
        ran = run(project)
    assert ran.having("fail") == {"exposure"}, ran.summary()
    assert f"{host}:{world.ports['served']}" in ran.told("exposure")
    assert "it was not" in ran.told("exposure")
