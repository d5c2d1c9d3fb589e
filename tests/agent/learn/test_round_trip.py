"""From the old office's switch to a project, and that project against the new office's: by purpose."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from agent.cli import init, lint, run
from tests.agent.learn.offices import COMMUNITY, NEW, Office
from tests.lab.snmp_agent import Agent

pytestmark = pytest.mark.xdist_group("learn")
OLD = Office(root=b"\x80\x00\x00\x1b\x21\x00\x00\x01")
FAMILIES = ("switch", "ports", "vlans", "poe", "stp", "neighbors")


def learn(path: Path, *served: Agent, options: tuple[str, ...] = ("--community", COMMUNITY)) -> Any:
    hosts = [word for one in served for word in ("--from-switch", one.endpoint)]
    words = ["office-move", "--no-detect", "-o", str(path), *hosts, *options]
    return CliRunner().invoke(init.command, words)


def filled(text: str, *hosts: str) -> str:
    """Return a learnt file with every TODO filled in, the new switches by the given addresses."""
    places: Iterator[str] = iter(hosts)
    text = re.sub(r"\bhost: TODO", lambda _: f"host: {next(places)}", text)
    text = re.sub(r"TODO  # for example (.*)", r"\1", text)
    text = text.replace("timezone: TODO ", "timezone: Europe/Zurich ")
    return text.replace("cutover: TODO ", "cutover: 2026-12-05 22:30 ").replace("TODO: ", "")


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("learnt") / "move.yaml"
    with Agent(OLD.objects(), community=COMMUNITY) as old:
        told = learn(path, old)
        assert (told.exit_code, old.asked["set"]) == (0, 0), told.output
    return path.read_text("utf-8")


def results(
    text: str, folder: Path, served: Agent, families: tuple[str, ...] = FAMILIES
) -> dict[str, dict[str, Any]]:
    """Return the results of the checks of switches, once the project ran against a new one."""
    path = folder / "move.yaml"
    path.write_text(filled(text, served.endpoint), encoding="utf-8")
    only = [word for family in families for word in ("--only", f"{family}-*")]
    done = CliRunner().invoke(run.command, [str(path), "--json", *only])
    assert done.stdout, done.output
    return {one["check"]: one for one in json.loads(done.stdout)["results"] if one["findings"]}


def test_the_plan_is_by_purpose(learnt: str) -> None:
    for line in (
        "- {description: Printer reception, min_speed: 1000, duplex: full, vlan: 20}",
        "- {neighbor: core-1, min_speed: 10000, duplex: full, members: 2}",
        "- {neighbor: ap-1, min_speed: 1000, duplex: full}",
        "- {neighbor: phone-1, min_speed: 1000, duplex: full, vlan: 10}",
        "- {vlan: 10, count: 4, min_speed: 1000}",
        "- {id: 30, name: phones}",
        "- {neighbor: core-1, native: 1, allowed: [10, 20, 30]}",
        "- {neighbor: ap-2, native: 1, allowed: [10]}",
        "- {neighbor: phone-1, native: 10, allowed: [30]}",
        "- {name: class 4, count: 2, class: 4, in_all: true}",
        "- {name: ap-1, remote_port: eth0}",
        "stp_root: self",
        'community: "env:SNMP_COMMUNITY"',
        "# desk: {vlan: 10, voice_vlan: 30}",
    ):
        assert line in learnt
    plan = "\n".join(line.partition("  #")[0] for line in learnt.splitlines())
    assert "Gi1/0" not in plan
    assert "described and were not up there, so they are not planned: spare" in learnt


def test_nothing_secret_and_nothing_of_the_old_hardware_is_in_it(learnt: str) -> None:
    for word in (COMMUNITY, OLD.serial, "15.2(7)E9", "SW-48P", "00:1b:21:00:00"):
        assert word not in learnt


def test_what_is_left_to_do_is_all_that_lint_finds(learnt: str, tmp_path: Path) -> None:
    path = tmp_path / "move.yaml"
    path.write_text(learnt, encoding="utf-8")
    report = json.loads(CliRunner().invoke(lint.command, ["--json", str(path)]).output)["files"][0]
    assert {problem["message"] for problem in report["problems"]} == {"This is still to be filled in."}
    path.write_text(filled(learnt, "10.20.0.2"), encoding="utf-8")
    told = CliRunner().invoke(lint.command, [str(path)])
    assert told.exit_code == 0, told.output


def test_the_new_office_is_as_the_old_one(learnt: str, tmp_path: Path) -> None:
    with Agent(NEW.objects(), community=COMMUNITY) as new:
        found = results(learnt, tmp_path, new)
        assert new.asked["set"] == 0
    assert {name.partition("-")[0] for name in found} == set(FAMILIES)
    assert {name: one["status"] for name, one in found.items()} == dict.fromkeys(found, "pass")


FAULTS: dict[str, tuple[Office, str, str]] = {
    "an access point is missing": (replace(NEW, down=(12,)), "ports", "to ap-2"),
    "an access point is not heard": (replace(NEW, unheard=("ap-1",)), "ports", "to ap-1"),
    "a desk in the wrong VLAN": (replace(NEW, desks_elsewhere=(16,)), "ports", "VLAN 10"),
    "the printer in the wrong VLAN": (replace(NEW, printer_vlan=10), "ports", "another VLAN than planned"),
    "the printer in half duplex": (replace(NEW, half=(14,)), "ports", "half duplex"),
    "a desk in half duplex": (replace(NEW, half=(15,)), "ports", "VLAN 10"),
    "a desk at 100 Mbit/s": (replace(NEW, slow=(17,)), "ports", "VLAN 10"),
    "an access point at 100 Mbit/s": (replace(NEW, slow=(11,)), "ports", "100 Mbit/s only"),
    "the printer is down": (replace(NEW, down=(14,)), "ports", "down"),
    "nothing is the printer": (replace(NEW, printer_alias="Scanner"), "ports", "Printer reception"),
    "a member of the uplink is down": (replace(NEW, down=(26,)), "ports", "1 of 2 members up"),
    "a cable of the uplink is not in the aggregation": (
        replace(NEW, out_of_lag=(26,)), "ports", "1 of 2 members up",
    ),
    "a VLAN is missing": (
        replace(NEW, vlans={1: "default", 10: "staff", 20: "printers"}), "vlans", "no VLAN 30",
    ),
    "a VLAN is another": (
        replace(NEW, vlans={**NEW.vlans, 10: "guests"}), "vlans", "another name",
    ),
    "too little power for what is not plugged in": (
        replace(NEW, down=(11, 12), power_w=60), "poe", "short",
    ),
    "the access points' other socket": (
        replace(NEW, remote_port=b"eth1"), "neighbors", "another of its ports",
    ),
    "another root": (
        replace(NEW, root=b"\x10\x00\x00\x1b\x21\x00\x00\x09"), "stp", "Another bridge is root",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("office", "family", "cause"), FAULTS.values(), ids=FAULTS)
def test_what_is_missing_or_wrong_is_named(
    learnt: str, tmp_path: Path, office: Office, family: str, cause: str
) -> None:
    with Agent(office.objects(), community=COMMUNITY) as new:
        found = results(learnt, tmp_path, new)
    one = next(result for name, result in found.items() if name.startswith(f"{family}-"))
    assert one["status"] == "fail"
    failures = [finding for finding in one["findings"] if finding["status"] == "fail"]
    assert any(cause in f"{finding['subject']} {finding['message']}" for finding in failures), failures
    assert all(finding["fix"] for finding in failures)
