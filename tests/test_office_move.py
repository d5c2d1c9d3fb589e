"""The shipped profile `office-move`, from attestation to GO, in a real office and from two vantages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import faults, need
from tests.lab.office import TOOLS, Office
from tests.lab.running import GO, INCOMPLETE, NO_GO, Ran, gonogo, run_json

pytestmark = pytest.mark.lab

MANUAL = (
    "line-confirmed", "cabling-measured", "way-back-agreed", "labels", "alarm-line", "keys", "staff-work",
)  # fmt: skip


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    need(*TOOLS)
    with Office() as running:
        yield running


@pytest.fixture(scope="module")
def project(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project on the profile, with every manual check stated by somebody."""
    folder = tmp_path_factory.mktemp("move")
    path = Path(shutil.copy(Path(__file__).parent / "lab" / "move.yaml", folder))
    for check in MANUAL:
        done = gonogo(office.laptop, "attest", path, check, "--holds", "--by", "Ada Admin")
        assert done.returncode == 0, done.stderr
    return path


def _verdicts(ran: Ran) -> dict[str, str]:
    return {item["id"]: item["verdict"] for item in ran.data["milestones"]}


def test_the_move_is_a_go_once_both_vantages_have_looked(office: Office, project: Path) -> None:
    seen = run_json(office.laptop, project)
    assert seen.code == INCOMPLETE, seen.summary()
    assert _verdicts(seen) == {
        "circuit": "GO", "cabling": "GO", "services": "GO", "guest": "INCOMPLETE", "open": "GO",
        "settled": "GO",
    }, seen.summary()  # fmt: skip

    guest = run_json(office.guest, project, "--milestone", "guest", "--vantage", "guest-laptop")
    assert guest.code == GO, guest.summary()
    assert _verdicts(guest) == {"guest": "GO"}

    status = run_json(office.laptop, project, command="status")
    assert status.code == GO, status.summary()
    assert set(_verdicts(status).values()) == {"GO"}, status.summary()


def test_a_dead_gateway_is_the_one_cause_and_names_whom_to_call(office: Office, project: Path) -> None:
    with faults.gateway_down(office):
        ran = run_json(office.laptop, project)
        told = gonogo(office.laptop, "status", project, "--plain")
    assert ran.code == NO_GO, ran.summary()
    assert ran.having("fail") - {"guest-intranet"} == {"gateway"}, ran.summary()
    needing = {"internet", "packet-size", "resolvers", "clock", "service-erp", "web-intranet", "web-public"}
    assert needing <= ran.having("blocked"), ran.summary()
    assert {ran.results[name]["blocked_by"] for name in ran.having("blocked")} == {"gateway"}, ran.summary()
    assert _verdicts(ran)["circuit"] == "NO-GO"
    assert told.returncode == NO_GO
    assert "Ada Admin" in told.stdout, told.stdout
