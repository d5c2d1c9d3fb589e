"""Single faults of mail cutovers, each from practice: what `m365-cutover` says of them; never a false pass.

Each is put into a healthy world after the switch; only the checks concerned are run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.bench.mail import bounds
from tests.lab import mail_faults as faults
from tests.lab import need
from tests.lab.mail_project import MEASURED, started, write_project
from tests.lab.mail_world import DOMAIN, OLD_MX, TOOLS, MailWorld
from tests.lab.running import INCOMPLETE, NO_GO, Ran, run_json

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("mail-faults")]


@dataclass(frozen=True)
class Row:
    """A fault, the check that must tell of it, what it must say, and what else is looked at."""

    fault: Callable[[MailWorld], AbstractContextManager[None]]
    check: str
    status: str
    words: str
    also: str = ""


ROWS = [
    Row(faults.second_spf, "spf-new", "fail", r"(?i)permerror|two|more than one|second"),
    Row(faults.eleven_lookups, "spf-new", "fail", r"(?i)lookups?"),
    Row(faults.void_lookups, "spf-new", "fail", r"(?i)void"),
    Row(faults.old_senders_forgotten, "rollback-spf", "fail", r"203\.0\.113\.25"),
    Row(faults.dkim_without_key, "dkim-keys", "fail", r"selector1.*key"),
    Row(faults.dkim_of_the_old_tenant, "dkim", "fail", r"fabrikam"),
    Row(faults.msoid, "service-records-graph", "fail", r"msoid"),
    Row(faults.wrong_tenant, "tenant", "fail", r"99999999"),
    Row(faults.lagging, "authority", "fail", r"ns2|203\.0\.113\.62"),
    Row(faults.lying, "authority", "fail", r"ns2|203\.0\.113\.62"),
    Row(faults.lame, "delegation", "fail", r"ns\.example|203\.0\.113\.2"),
    Row(faults.null_mx, "mx", "fail", r"(?i)null MX|no mail"),
    Row(faults.alias_mx, "mx", "fail", r"(?i)alias|CNAME"),
    Row(faults.strict_dmarc, "dmarc", "fail", r"reject"),
    Row(faults.dbeb, "new-mx", "fail", r"5\.4\.1"),
    Row(faults.connector, "new-mx", "fail", r"5\.7\.64"),
    Row(faults.ipv6_only, "new-mx", "fail", r"2001:db8:fe::26"),
    Row(faults.blocked_25, "new-mx", "inconclusive", r"(?i)25"),
    Row(faults.old_side_off, f"rollback-mx-{OLD_MX}", "fail", r"(?i)refuse"),
    Row(faults.expired_signature, "chain", "fail", r"(?i)expired|ended"),
    Row(faults.expired_signature, "mx", "inconclusive", r"did not tell"),
    Row(faults.split_brain, "autodiscover", "fail", r"10\.50\.0\.(1|9)"),
    Row(faults.hijack, "autodiscover", "warn", r"401"),
    Row(faults.intercepted, "front-doors", "fail", r"Lab Inspection CA|Contoso IT"),
    Row(faults.intercepted, "tenant", "inconclusive", r"."),
    Row(faults.portal, "tenant", "inconclusive", r"."),
    Row(faults.throttled, "health", "inconclusive", r"429|(?i:throttl)"),
    Row(faults.forbidden, "health", "inconclusive", r"ServiceHealth\.Read\.All"),
    Row(faults.incident, "health", "fail", r"(?i)degrad"),
    Row(faults.licences_short, "licences-spe_e3", "fail", r"10"),
    Row(faults.no_second_factor, "mfa", "fail", r"bob@|66|67"),
    Row(faults.policy_of_the_old_mx, "mta-sts", "fail", r"k-v1\.mx\.microsoft"),
    Row(faults.policy_of_the_new_mx, f"rollback-mta-sts-{OLD_MX}", "fail", r"mx1\.hoster"),
    Row(faults.policy_certificate, "mta-sts", "fail", r"(?i)certificate|name"),
    Row(faults.stale_resolver, "mx-spread", "fail", r"203\.0\.113\.11"),
    Row(faults.dead_resolver, "mx", "inconclusive", r"203\.0\.113\.10"),
    Row(faults.media_blocked, "teams-media", "fail|inconclusive", r"3478"),
]


@pytest.fixture(scope="module")
def lab() -> Iterator[MailWorld]:
    need(*TOOLS)
    with MailWorld() as running:
        running.until_switched()
        running.switch()
        running.pass_time()
        yield running


@pytest.fixture(scope="module")
def project(lab: MailWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("faults"), lab, datetime.now(UTC))


def only(lab: MailWorld, project: Path, *checks: str, at: str = "") -> Ran:
    words = [word for check in checks for word in ("--only", check)]
    return run_json(lab.laptop, project, *words, before=started(lab, at))


def test_the_healthy_world_passes_whatever_a_fault_is_shown_by(lab: MailWorld, project: Path) -> None:
    checks = sorted({row.check for row in ROWS} | {"rollback-relay"})
    ran = only(lab, project, *checks)
    assert ran.having("fail", "inconclusive", "blocked") <= MEASURED, ran.summary()
    assert ran.having("pass", "warn") | MEASURED == set(checks), ran.summary()
    assert ran.having("warn") <= {"dkim-keys", "dkim", "tls-reports"} | MEASURED, ran.summary()
    assert ran.told("teams-media").count("The relay answers by UDP") == 4, ran.summary()
    assert not re.search("(?i)(fail|inconclusive) .*(inspect|untrusted|relay)", ran.told("front-doors"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.fault.__name__}-{row.check}")
def test_a_fault_is_told_of_and_never_passed(lab: MailWorld, project: Path, row: Row) -> None:
    with row.fault(lab):
        ran = only(lab, project, row.check)
    result = ran.results[row.check]
    assert result["status"] in row.status.split("|"), ran.summary()
    told = [item for item in result["findings"] if item["status"] == result["status"]]
    words = [" ".join((item["subject"], item["message"], item["observed"], item["fix"])) for item in told]
    assert any(re.search(row.words, text) for text in words), ran.summary()
    assert all(item["fix"] for item in told), told
    assert ran.code in (INCOMPLETE, NO_GO), ran.summary()


def test_a_domain_that_is_authoritative_too_early(lab: MailWorld, project: Path) -> None:
    with faults.authoritative_too_early(lab, project.parent):
        ran = only(lab, project, "rollback-relay")
    assert ran.having("fail") == {"rollback-relay"}, ran.summary()
    assert "Authoritative" in ran.told("rollback-relay")


def test_a_ttl_that_was_lowered_too_late(lab: MailWorld, tmp_path: Path) -> None:
    project = write_project(tmp_path, lab, datetime.now(UTC))
    with lab.changed(lambda zone: zone.low(3600)):
        high = only(lab, project, "ttl-mx", at="-10m")
    assert high.having("fail") == {"ttl-mx"}, high.summary()
    low = only(lab, project, "ttl-mx")
    assert low.having("pass", "warn") == set(), low.summary()
    assert re.search(r"(?i)ago|lowered|old", low.told("ttl-mx")), low.summary()
    later = only(lab, project, "ttl-mx", at="+2h")
    assert later.having("pass", "warn") == {"ttl-mx"}, later.summary()


def test_the_same_zone_again_is_no_snapshot_of_before(lab: MailWorld, tmp_path: Path) -> None:
    """After the switch a first snapshot would save the new records as the way back."""
    project = write_project(tmp_path, lab, datetime.now(UTC))
    ran = only(lab, project, "snapshot")
    assert ran.having("pass", "warn") == set(), ran.summary()
    assert DOMAIN in ran.told("snapshot")


def test_a_full_run_takes_as_long_as_its_slowest_check_and_not_as_all_together(
    lab: MailWorld, tmp_path: Path
) -> None:
    project = write_project(tmp_path, lab, datetime.now(UTC))
    with lab.changed(lambda zone: zone.set("@", "MX", f"10 {OLD_MX}.")):
        only(lab, project, "ttl-*", "snapshot", at="-2h")
    ran = run_json(lab.laptop, project, before=started(lab))
    took = bounds(ran)
    assert ran.having("fail") == set(), ran.summary()
    assert took["checks"] >= 30, ran.summary()
    assert took["beyond_slowest_s"] < 4, took
    assert took["full_run_s"] < took["sum_of_checks_s"], took
