"""Other shapes of a mail cutover on `m365-cutover`: Exchange hybrid, and a gateway that stays in front."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.lab import need
from tests.lab.mail_project import started, write_project
from tests.lab.mail_world import DOMAIN, NEW_MX, OLD_MX, TOOLS, MailWorld
from tests.lab.running import Ran, run_json

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("mail-faults")]

HYBRID = "  hybrid: true\n  autodiscover: autodiscover.hoster.example\n"
GATEWAY = f"  gateway_mx: [{{host: {OLD_MX}, preference: 10}}]\n"


@pytest.fixture(scope="module")
def lab() -> Iterator[MailWorld]:
    need(*TOOLS)
    with MailWorld() as running:
        running.until_switched()
        yield running


def run(lab: MailWorld, folder: Path, shape: str, *checks: str) -> Ran:
    project = write_project(folder, lab, datetime.now(UTC))
    project.write_text(project.read_text() + shape)
    words = [word for check in checks for word in ("--only", check)]
    return run_json(lab.laptop, project, *words, before=started(lab))


def test_in_a_hybrid_autodiscover_stays_on_premises(lab: MailWorld, tmp_path: Path) -> None:
    ran = run(lab, tmp_path, HYBRID, "autodiscover")
    assert ran.having("pass", "warn") == {"autodiscover"}, ran.summary()
    with lab.changed(lambda zone: zone.set("autodiscover", "CNAME", "autodiscover.outlook.com.")):
        ran = run(lab, tmp_path, HYBRID, "autodiscover")
    assert ran.having("fail") == {"autodiscover"}, ran.summary()
    assert "autodiscover.outlook.com" in ran.told("autodiscover")


def test_behind_a_gateway_the_mx_stays_and_the_new_side_is_still_tested(
    lab: MailWorld, tmp_path: Path
) -> None:
    checks = ("mx-gateway", "new-mx", "snapshot-gateway", "smart-host")
    ran = run(lab, tmp_path, GATEWAY, *checks)
    assert ran.having("pass", "warn") == {*checks} - {"smart-host"}, ran.summary()
    assert ran.having("inconclusive") == {"smart-host"}
    with lab.changed(lambda zone: zone.set("@", "MX", f"0 {NEW_MX}.")):
        ran = run(lab, tmp_path, GATEWAY, "mx-gateway")
    assert ran.having("fail") == {"mx-gateway"}, ran.summary()
    assert NEW_MX in ran.told("mx-gateway"), DOMAIN
