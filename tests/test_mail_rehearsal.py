"""The rehearsal of a mail cutover on the profile `m365-cutover`, from two weeks before to 72 hours after.

At each milestone the project is run before the right things are done and after; only the clock of `gonogo`
is moved (faketime), and resolvers forget when their TTLs would be over.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.lab import need
from tests.lab.faults import rules
from tests.lab.mail_project import MEASURED, started, write_project
from tests.lab.mail_world import DOMAIN, NEW_MX, OLD_MX, TOOLS, MailWorld
from tests.lab.running import GO, INCOMPLETE, NO_GO, Ran, gonogo, run_json

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("mail-rehearsal")]

DAY, HOUR, MINUTE = 86400, 3600, 60


@pytest.fixture(scope="module")
def lab() -> Iterator[MailWorld]:
    need(*TOOLS)
    with MailWorld() as running:
        yield running


class Rehearsal:
    """One project whose clock is set by `at`: seconds from the cutover."""

    def __init__(self, lab: MailWorld, folder: Path) -> None:
        self.lab = lab
        self.project = write_project(folder, lab, datetime.now(UTC) + timedelta(minutes=1))
        self.at = -14 * DAY

    def run(self, milestone: str) -> Ran:
        """Run a milestone, anew where delays were those of a busy machine; three times at most."""
        for _ in range(3):
            ran = run_json(self.lab.laptop, self.project, "--milestone", milestone, before=self._clock())
            if not MEASURED & ran.having("fail"):
                break
        return ran

    def export(self) -> None:
        self.lab.export(self.project.parent, at=self.at)

    def verdicts(self) -> dict[str, str]:
        ran = run_json(self.lab.laptop, self.project, command="status", before=self._clock())
        return {item["id"]: item["verdict"] for item in ran.data["milestones"]}

    def attest(self, check: str) -> None:
        self._say("attest", check, "--holds", "--by", "Ada Admin")

    def sign(self, milestone: str) -> None:
        self._say("sign", milestone, "--go", "--by", "Ada Admin", "--confirm", "mail")

    def _say(self, command: str, *words: str) -> None:
        done = gonogo(self.lab.laptop, command, self.project, *words, before=self._clock())
        assert done.returncode == 0, done.stderr

    def _clock(self) -> tuple[str, ...]:
        return started(self.lab, f"{self.at:+d}s")


@pytest.fixture(scope="module")
def rehearsal(lab: MailWorld, tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    return Rehearsal(lab, tmp_path_factory.mktemp("rehearsal"))


def verdict(ran: Ran, milestone: str) -> str:
    return next(item["verdict"] for item in ran.data["milestones"] if item["id"] == milestone)


def assert_go(ran: Ran, milestone: str) -> None:
    assert verdict(ran, milestone) == "GO", ran.summary()
    assert ran.code == GO, ran.summary()


def test_two_weeks_before_the_tenant_is_prepared(lab: MailWorld, rehearsal: Rehearsal) -> None:
    early = rehearsal.run("prepared")
    assert early.code == NO_GO, early.summary()
    assert early.results["tenant"]["status"] == "fail", early.summary()
    assert "dkim" not in early.having("pass", "warn"), early.summary()
    lab.prepare()
    ran = rehearsal.run("prepared")
    assert_go(ran, "prepared")
    assert ran.results["dkim"]["status"] == "warn", ran.summary()
    rehearsal.sign("prepared")


def test_a_week_before_every_sender_passes(lab: MailWorld, rehearsal: Rehearsal) -> None:
    rehearsal.at = -7 * DAY
    early = rehearsal.run("senders-ready")
    assert early.code == NO_GO, early.summary()
    assert {"spf-new", "dkim-keys", "dmarc", "mta-sts"} <= early.having("fail"), early.summary()
    assert early.having("pass", "warn") >= {"spf-planned-old", "spf-planned-new"}, early.summary()
    lab.ready_senders()
    lab.publish_mta_sts(OLD_MX, NEW_MX)
    rehearsal.export()
    unsaid = rehearsal.run("senders-ready")
    assert unsaid.code == INCOMPLETE, unsaid.summary()
    rehearsal.attest("senders-listed")
    assert_go(rehearsal.run("senders-ready"), "senders-ready")
    rehearsal.sign("senders-ready")


def test_three_days_before_the_ttls_are_lowered_and_the_old_one_is_waited_for(
    lab: MailWorld, rehearsal: Rehearsal
) -> None:
    rehearsal.at = -3 * DAY
    early = rehearsal.run("ttl-lowered")
    assert early.code == NO_GO, early.summary()
    lab.lower_ttl()
    rehearsal.at += 5 * MINUTE
    fresh = rehearsal.run("ttl-lowered")
    assert fresh.code in (INCOMPLETE, NO_GO), fresh.summary()
    assert "ttl-mx" not in fresh.having("pass", "warn"), fresh.summary()
    lab.pass_time()
    rehearsal.at += 2 * HOUR
    assert_go(rehearsal.run("ttl-lowered"), "ttl-lowered")
    rehearsal.sign("ttl-lowered")


def test_an_hour_before_both_sides_are_ready_and_the_way_back_is_open(
    lab: MailWorld, rehearsal: Rehearsal
) -> None:
    rehearsal.at = -HOUR
    early = rehearsal.run("ready")
    assert early.code == NO_GO, early.summary()
    assert early.having("fail") == {"new-mx"}, early.summary()
    lab.open_new_side()
    rehearsal.attest("freeze")
    assert_go(rehearsal.run("ready"), "ready")
    rehearsal.sign("ready")
    rehearsal.export()
    back = rehearsal.run("rollback")
    assert back.code == INCOMPLETE, back.summary()
    rehearsal.attest("rollback-agreed")
    assert_go(rehearsal.run("rollback"), "rollback")
    rehearsal.sign("rollback")


def test_at_the_switch_the_way_back_is_still_needed(lab: MailWorld, rehearsal: Rehearsal) -> None:
    rehearsal.at = 0
    early = rehearsal.run("switched")
    assert early.code == NO_GO, early.summary()
    assert "mx" in early.having("fail"), early.summary()
    for resolver in lab.resolvers:
        resolver.ask(DOMAIN, "MX")
        resolver.ask(f"autodiscover.{DOMAIN}", "CNAME")
    lab.switch()
    lab.resolver.flush()
    lab.inside.flush()
    rehearsal.at = 2 * MINUTE
    assert_go(rehearsal.run("switched"), "switched")
    lab.old.stop()
    try:
        burnt = rehearsal.run("switched")
    finally:
        lab.old.change()
    assert burnt.code == NO_GO, burnt.summary()
    assert burnt.having("fail") == {f"rollback-mx-{OLD_MX}"}, burnt.summary()
    assert_go(rehearsal.run("switched"), "switched")
    rehearsal.sign("switched")


def test_when_the_ttl_is_over_the_resolvers_agree(lab: MailWorld, rehearsal: Rehearsal) -> None:
    rehearsal.at = 3 * MINUTE
    early = rehearsal.run("propagated")
    assert early.code == NO_GO, early.summary()
    assert {"mx-spread", "autodiscover-spread"} <= early.having("fail"), early.summary()
    lab.pass_time()
    rehearsal.at = 8 * MINUTE
    assert_go(rehearsal.run("propagated"), "propagated")
    rehearsal.sign("propagated")


def test_after_three_days_mail_has_settled(lab: MailWorld, rehearsal: Rehearsal) -> None:
    rehearsal.at = 3 * DAY
    early = rehearsal.run("settled")
    assert early.code in (INCOMPLETE, NO_GO), early.summary()
    assert "mail-flows" not in early.having("pass", "warn"), early.summary()
    lab.deliver(-3 * 1440 + 30, -3 * 1440 + 90)
    rehearsal.attest("old-side-empty")
    assert_go(rehearsal.run("settled"), "settled")
    assert rehearsal.verdicts()["settled"] == "GO"


def test_a_line_that_carries_nothing_passes_nothing_and_fails_nothing(lab: MailWorld, tmp_path: Path) -> None:
    """The laptop's own link is up; behind the gateway everything is silent."""
    project = write_project(tmp_path, lab, datetime.now(UTC))
    with rules(lab.gateway, "chain dark { type filter hook forward priority 0; counter drop; }"):
        ran = run_json(lab.laptop, project, before=started(lab))
    assert ran.having("pass", "warn") <= {"laptop", "dkim-signing", "rollback-relay"}, ran.summary()
    assert ran.having("fail") == set(), ran.summary()
    assert {item["verdict"] for item in ran.data["milestones"]} == {"INCOMPLETE"}
    blocked_by = {ran.results[name]["blocked_by"] for name in ran.having("blocked")}
    assert blocked_by <= {"authority", "delegation", "tenant", "autodiscover"}, ran.summary()
