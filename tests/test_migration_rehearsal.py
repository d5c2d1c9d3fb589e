"""The rehearsal of a server migration on the profile `server-migration`, from the first backup to the last.

At each milestone the project is run before the right things are done and after. Only for the days in which
nobody may use the old server the clock of `gonogo` is moved (faketime). The lab has no systemd and no cron,
so that services and jobs are not in this project; one copy of the data is not three, which is left out with
its reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import need
from tests.lab.migration import NAME, TOOLS, Migration
from tests.lab.migration_project import write_project
from tests.lab.namespaces import wait_for
from tests.lab.running import GO, INCOMPLETE, NO_GO, Ran, gonogo, run_json

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("migration-rehearsal")]


@pytest.fixture(scope="module")
def lab() -> Iterator[Migration]:
    need(*TOOLS)
    with Migration() as running:
        yield running


class Rehearsal:
    """One project; `ahead` is by how many hours the clock of gonogo is moved."""

    def __init__(self, lab: Migration, folder: Path) -> None:
        self.lab = lab
        self.project = write_project(folder, lab)
        self.ahead = 0

    def run(self, milestone: str, *more: str) -> Ran:
        return run_json(
            self.lab.laptop, self.project, "--milestone", milestone, *more, before=self._clock()
        )  # fmt: skip

    def verdicts(self) -> dict[str, str]:
        ran = run_json(self.lab.laptop, self.project, command="status", before=self._clock())
        return {item["id"]: item["verdict"] for item in ran.data["milestones"]}

    def attest(self, *checks: str) -> None:
        for check in checks:
            self._say("attest", check, "--holds", "--by", "Ada Admin")

    def goes(self, milestone: str) -> Ran:
        """Run a milestone that goes now, and sign it."""
        ran = self.run(milestone)
        assert verdict(ran, milestone) == "GO", ran.summary()
        assert ran.code == GO, ran.summary()
        self._say("sign", milestone, "--go", "--by", "Ada Admin", "--confirm", "migration")
        return ran

    def _say(self, command: str, *words: str) -> None:
        done = gonogo(self.lab.laptop, command, self.project, *words, before=self._clock())
        assert done.returncode == 0, done.stderr

    def _clock(self) -> tuple[str, ...]:
        return ("faketime", "-f", f"+{self.ahead}h") if self.ahead else ()


@pytest.fixture(scope="module")
def rehearsal(lab: Migration, tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    return Rehearsal(lab, tmp_path_factory.mktemp("rehearsal"))


def verdict(ran: Ran, milestone: str) -> str:
    return next(item["verdict"] for item in ran.data["milestones"] if item["id"] == milestone)


def test_without_a_backup_nothing_begins(lab: Migration, rehearsal: Rehearsal) -> None:
    early = rehearsal.run("proven")
    assert early.code == NO_GO, early.summary()
    assert early.having("fail") == {"backup-files"}, early.summary()
    assert early.having("pass") == {"old-reachable"}, early.summary()
    lab.back_up()
    unsaid = rehearsal.run("proven")
    assert unsaid.code == INCOMPLETE, unsaid.summary()
    rehearsal.attest("restored-by-hand", "everything-listed")
    proven = rehearsal.goes("proven").results["backup-files"]
    assert proven["observation"]["proof_level"] == 5


def test_the_new_server_is_ready_when_it_has_users_certificate_and_a_low_ttl(
    lab: Migration, rehearsal: Rehearsal
) -> None:
    early = rehearsal.run("ready")
    assert early.code == NO_GO, early.summary()
    missing = {"users", "certificates", f"ttl-{NAME}"}
    assert early.having("fail") == missing, early.summary()
    there = {"new-reachable", "new-room", "new-fits", "new-clock", "ports", "replica-erp"}
    assert there <= early.having("pass", "warn"), early.summary()
    lab.prepare_users()
    lab.install_certificate(NAME)
    lab.start_application()
    lab.lower_ttl()
    fresh = rehearsal.run("ready")
    assert fresh.code == NO_GO, fresh.summary()
    assert fresh.having("fail") == {f"ttl-{NAME}"}, fresh.summary()
    assert "lowered too late" in fresh.told(f"ttl-{NAME}")
    wait_for(
        lambda: rehearsal.run("ready", "--only", f"ttl-{NAME}").having("pass"), "the old TTL is over"
    )  # fmt: skip
    rehearsal.goes("ready")


def test_the_dress_rehearsal_is_what_people_state(rehearsal: Rehearsal) -> None:
    assert rehearsal.run("rehearsal").code == INCOMPLETE
    rehearsal.attest("rehearsed")
    assert rehearsal.run("rehearsal").code == INCOMPLETE
    rehearsal.attest("way-back-rehearsed")
    rehearsal.goes("rehearsal")


def test_the_freeze_needs_that_nobody_is_connected_and_a_new_rollback_point(
    lab: Migration, rehearsal: Rehearsal
) -> None:
    rehearsal.attest("told")
    with lab.client():
        early = rehearsal.run("freeze")
    assert early.code == NO_GO, early.summary()
    assert early.having("fail") == {"nobody-writes", "rollback-files"}, early.summary()
    assert "10.20.0.77 used port 445" in early.told("nobody-writes")
    lab.roll_back_point()
    rehearsal.goes("freeze")


def test_the_move_is_over_when_nothing_differs(lab: Migration, rehearsal: Rehearsal) -> None:
    early = rehearsal.run("moved")
    assert early.code == NO_GO, early.summary()
    wrong = {"files-files", "shares", "database-erp", "names", "command-licence"}
    assert wrong <= early.having("fail", "inconclusive"), early.summary()
    lab.copy_files()
    lab.share()
    without = rehearsal.run("moved")
    assert without.code == NO_GO, without.summary()
    rest = {"file-server-rest", "database-server-rest", "application-rest"}
    assert without.having("fail", "inconclusive") == {"database-erp", "names"} | rest, without.summary()
    assert {"files-files", "shares", "command-licence"} <= without.having("pass"), without.summary()
    lab.copy_database()
    lab.switch_names()
    unsaid = rehearsal.run("moved")
    assert unsaid.code == INCOMPLETE, unsaid.summary()
    assert unsaid.having("fail", "inconclusive") == rest, unsaid.summary()
    rehearsal.attest(*rest)
    rehearsal.goes("moved")


def test_the_staff_work_and_the_new_server_is_backed_up(lab: Migration, rehearsal: Rehearsal) -> None:
    early = rehearsal.run("verified")
    assert early.code == NO_GO, early.summary()
    assert early.having("fail") == {"new-backup-files"}, early.summary()
    lab.back_up_new()
    rehearsal.attest("staff-work")
    rehearsal.goes("verified")


def test_the_old_server_is_idle_after_a_whole_window_of_looks(lab: Migration, rehearsal: Rehearsal) -> None:
    for hours in (0, 12, 24):
        rehearsal.ahead = hours
        early = rehearsal.run("idle", "--only", "unused")
        assert early.having("inconclusive") == {"unused"}, early.summary()
    rehearsal.ahead = 36
    rehearsal.attest("scream-test")
    rehearsal.goes("idle")


def test_the_last_backup_must_be_of_after_the_freeze(lab: Migration, rehearsal: Rehearsal) -> None:
    rehearsal.attest("kept")
    with lab.clock(f"+{rehearsal.ahead} hours", lab.old, lab.new):
        early = rehearsal.run("decommission")
        assert early.code == NO_GO, early.summary()
        assert early.having("fail") == {"last-backup-files", "new-backup-files"}, early.summary()
        assert "older than the freeze" in early.told("last-backup-files")
        assert "age is beyond its limit" in early.told("new-backup-files")
        lab.last_backup(ahead_h=rehearsal.ahead)
        lab.back_up_new(ahead_h=rehearsal.ahead)
        rehearsal.goes("decommission")
    now = rehearsal.verdicts()
    assert (now["idle"], now["decommission"]) == ("GO", "GO")
    assert now["moved"] == "INCOMPLETE", "what was seen a day and a half ago does not count any longer"


def test_a_client_that_comes_back_undoes_the_idle_days(lab: Migration, rehearsal: Rehearsal) -> None:
    with lab.client():
        ran = rehearsal.run("decommission", "--only", "unused")
    assert ran.having("fail") == {"unused"}, ran.summary()
    assert verdict(ran, "decommission") == "NO-GO", ran.summary()
