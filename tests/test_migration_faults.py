"""Single faults of a finished server migration: what `server-migration` says of each, and of nothing else.

Each is put into a world in which every milestone goes, and everything is run that looks at the same things.
One check must tell the cause; no other is red but those that see the very same thing or cannot be tried
because of it; and the first milestone that is stopped is the one whose gate the fault belongs to.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.lab import migration_backup_faults, migration_rows, need
from tests.lab.migration import NAME, TOOLS, Migration
from tests.lab.migration_faults import Row
from tests.lab.migration_project import MANUAL, write_project
from tests.lab.namespaces import wait_for
from tests.lab.running import GO, INCOMPLETE, NO_GO, Ran, gonogo, run_json

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("migration-faults")]
ROWS = [*migration_rows.ROWS, *migration_backup_faults.ROWS]
AREAS = (
    ("*-reachable", "new-[!b]*", "ports", "users", "certificates", "files-*", "shares", "command-*"),
    ("*-reachable", "database-*", "replica-*"),
    ("names", "ttl-*", "endpoint-*", "application-*", "nobody-writes", "unused"),
    ("*-reachable", "*backup-*", "rollback-*"),
)
"""What is run beside the check that must tell of a fault. For one that proves nothing wrong everything is
run, so that what was not run keeps no milestone from GO."""
IDLE = {"idle_for": "1d", "idle_samples": 2, "idle_gap": "13h"}


@pytest.fixture(scope="module")
def lab() -> Iterator[Migration]:
    need(*TOOLS)
    with Migration() as running:
        running.finish()
        yield running


@pytest.fixture(scope="module")
def finished(lab: Migration, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the project, in which every milestone goes."""
    folder = tmp_path_factory.mktemp("finished")
    project = write_project(folder, lab, **IDLE)
    run_json(lab.laptop, project, "--only", "unused", before=("faketime", "-f", "-12h"))
    run_json(lab.laptop, project, "--only", f"ttl-{NAME}")
    for check in MANUAL:
        done = gonogo(lab.laptop, "attest", project, check, "--holds", "--by", "Ada Admin")
        assert done.returncode == 0, done.stderr
    wait_for(lambda: run_json(lab.laptop, project, "--only", f"ttl-{NAME}").having("pass"), "the TTL is over")
    return folder


@pytest.fixture
def project(finished: Path) -> Path:
    """The project with the ledger of before all faults, always at the same place."""
    place = finished.with_name("project")
    shutil.rmtree(place, ignore_errors=True)
    return Path(shutil.copytree(finished, place)) / "migration.yaml"


def beside(row: Row) -> list[str]:
    """Return the words that choose what is run for a fault."""
    if row.status != "fail":
        return []
    hit = next(area for area in reversed(AREAS) if any(fnmatchcase(row.check, glob) for glob in area))
    return [word for glob in hit for word in ("--only", glob)]


def stopped(ran: Ran) -> list[tuple[str, str]]:
    """Return the milestones that are not GO, in their order."""
    return [(one["id"], one["verdict"]) for one in ran.data["milestones"] if one["verdict"] != "GO"]


def test_without_a_fault_every_milestone_goes(lab: Migration, project: Path) -> None:
    ran = run_json(lab.laptop, project)
    assert not stopped(ran), ran.summary()
    assert ran.code == GO
    assert not ran.having("fail", "inconclusive", "blocked"), ran.summary()


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name.replace(" ", "-")) for row in ROWS])
def test_a_fault_is_told_by_its_check_and_stops_its_milestone(
    lab: Migration, project: Path, row: Row
) -> None:
    with row.fault(lab):
        ran = run_json(lab.laptop, project, *beside(row))
    result = ran.results[row.check]
    assert result["status"] == row.status, ran.summary()
    told = [item for item in result["findings"] if item["status"] == row.status]
    words = [f"{item['subject']} {item['message']} {item['expected']} {item['observed']}" for item in told]
    assert any(re.search(row.words, text, re.DOTALL) for text in words), ran.summary()
    assert all(item["fix"] for item in told), told
    red = ran.having("fail", "inconclusive") - {row.check}
    assert not {name for name in red if not re.fullmatch(row.also, name)}, ran.summary()
    assert {ran.results[name]["blocked_by"] for name in ran.having("blocked")} <= {row.check}, ran.summary()
    if row.status == "fail":
        proven_wrong = [name for name, verdict in stopped(ran) if verdict == "NO-GO"]
        assert proven_wrong[:1] == [row.stops], ran.summary()
    else:
        assert stopped(ran)[:1] == [(row.stops, "INCOMPLETE")], ran.summary()
    assert ran.code == (NO_GO if ran.having("fail") else INCOMPLETE)


def test_a_client_of_yesterday_keeps_the_old_server_on(lab: Migration, project: Path) -> None:
    with lab.client():
        run_json(lab.laptop, project, "--only", "unused", before=("faketime", "-f", "-6h"))
    ran = run_json(lab.laptop, project)
    assert ran.having("fail", "inconclusive") == {"unused"}, ran.summary()
    assert "10.20.0.77 used port 445: at 1 look" in ran.told("unused")
    assert stopped(ran)[0] == ("idle", "NO-GO"), ran.summary()


def test_after_all_faults_every_milestone_goes_again(lab: Migration, project: Path) -> None:
    ran = run_json(lab.laptop, project)
    assert not stopped(ran), ran.summary()


def test_the_table_holds_what_it_must() -> None:
    assert len(ROWS) >= 40
    assert len({row.name for row in ROWS}) == len(ROWS)
