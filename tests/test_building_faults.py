"""Single faults of new buildings, each from practice: what `office-move` says of them, and of nothing else.

Each is put into a healthy building, and everything is run that looks at the same cables, devices or radio;
the line's checks, which take long, only for faults of the line.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import building_faults, faults, need
from tests.lab.building import TOOLS, Building, write_project
from tests.lab.building_faults import ROWS, Row
from tests.lab.running import INCOMPLETE, NO_GO, Ran, run_json

WORKERS = 2
pytestmark = pytest.mark.lab
ALWAYS = {"desk-tags", "environment-fw-1", "saved-fw-1", "errors-fw-1"}
"""Inconclusive in this building: the listening is short, and the router's snmpd tells neither fans nor
whether its configuration is saved, and counts anew only every few seconds."""
FAMILIES = (
    ("gateway", "interface", "own-address", "reserved-addresses", "public-address", "desk-*", "dhcp-*",
     "resolvers", "name-*", "service-*", "web-*"),
    ("interface", "switch-*", "ports-*", "vlans-*", "trunks-*", "neighbors-*", "errors-*", "poe-*", "stp-*",
     "environment-*", "saved-*", "stack-*", "device-*", "ups-*", "printer-*"),
    ("interface", "wifi-*", "channels-*", "rogue-*", "coverage"),
)  # fmt: skip
"""What is run beside the check that must tell of a fault: everything that looks at the same things."""


def beside(row: Row) -> tuple[str, ...]:
    """Return what is run for a fault."""
    if row.line:
        return (row.check,)
    return next(one for one in FAMILIES if any(fnmatch.fnmatchcase(row.check, glob) for glob in one))


@pytest.fixture(scope="module")
def building() -> Iterator[Building]:
    need(*TOOLS)
    with Building() as running:
        yield running


@pytest.fixture(scope="module")
def project(building: Building, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("building"))


def only(building: Building, project: Path, *checks: str) -> Ran:
    words = [word for check in checks for word in ("--only", check)]
    return run_json(building.laptop, project, *words, env=building.environment)


def spread(number: int) -> pytest.MarkDecorator:
    return pytest.mark.xdist_group(f"building-{number % WORKERS}")


@pytest.mark.parametrize("row", [
    pytest.param(row, marks=spread(number), id=row.name.replace(" ", "-")) for number, row in enumerate(ROWS)
])  # fmt: skip
def test_a_fault_is_told_by_its_check_and_by_no_other(building: Building, project: Path, row: Row) -> None:
    with row.fault(building):
        ran = only(building, project, *beside(row))
    result = ran.results[row.check]
    assert result["status"] == row.status, ran.summary()
    told = [item for item in result["findings"] if item["status"] == result["status"]]
    words = [" ".join((item["subject"], item["message"], item["observed"], item["fix"])) for item in told]
    assert any(re.search(row.words, text) for text in words), ran.summary()
    assert all(item["fix"] for item in told), told
    others = ran.having("fail", "warn", "inconclusive") - ALWAYS - {row.check}
    assert not {name for name in others if not re.fullmatch(row.also, name)}, ran.summary()
    blocked = {ran.results[name]["blocked_by"] for name in ran.having("blocked")}
    assert blocked <= {row.check, *others}, ran.summary()
    if row.check.partition("-")[0] not in ("saved", "environment", "own") and row.check not in ALWAYS:
        assert ran.code == (NO_GO if row.status == "fail" else INCOMPLETE), ran.summary()


@spread(0)
def test_a_weak_corner_of_the_survey_is_named(building: Building, project: Path) -> None:
    with building_faults.weak_corner(building, project):
        ran = only(building, project, "coverage", "wifi-*")
    assert ran.having("fail") == {"coverage"}, ran.summary()
    assert re.search(r"fail ground: archive.*-7[78]", ran.told("coverage")), ran.summary()


@spread(1)
def test_guests_that_reach_the_office(building: Building, project: Path) -> None:
    arguments = ("--milestone", "guest", "--vantage", "guest-laptop")
    with faults.guests_let_in(building):
        ran = run_json(building.guest, project, *arguments, env=building.environment)
    assert ran.code == NO_GO, ran.summary()
    assert ran.having("fail") == {"guest-intranet"}, ran.summary()
    assert "10.20.0.10" in ran.told("guest-intranet"), ran.summary()


def test_the_table_holds_what_it_must() -> None:
    assert len(ROWS) >= 25
    assert len({row.name for row in ROWS}) == len(ROWS)
