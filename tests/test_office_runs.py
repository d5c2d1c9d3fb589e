"""Runs that end otherwise than planned, run beside each other, or lack rights: the ledger stays truthful."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.ledger.store import Ledger, ledger_path
from tests.lab import need
from tests.lab.office import TOOLS, Office
from tests.lab.running import ENVIRONMENT, GO, GONOGO, INCOMPLETE, Ran, gonogo, run_json

pytestmark = pytest.mark.lab

HERE = Path(__file__).parent / "lab"
NOBODY = 65534
AS_NOBODY = (
    "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
    "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
)  # fmt: skip
"""Starts a program without rights, but for one: to read the tool's own files wherever they are."""
INTERRUPTED = """
gonogo: 1
project: {name: Interrupted, timezone: UTC}
milestones: {go: {title: Go}}
checks:
  quick: {type: network.tcp, milestone: go, target: 10.20.0.10, port: 443}
  slow: {type: network.ping, milestone: go, needs: [quick], target: 10.20.0.10, window: 5m, interval: 1s}
  later: {type: network.tcp, milestone: go, needs: [slow], target: 10.20.0.10, port: 8443}
"""


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    need(*TOOLS, "setpriv")
    with Office() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The office's project file, in a folder of its own."""
    return Path(shutil.copy(HERE / "office.yaml", tmp_path))


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """A project with a check that is done at once, one that takes minutes, and one after it."""
    path = tmp_path / "interrupted.yaml"
    path.write_text(INTERRUPTED)
    return path


def _ledger(project: Path) -> Ledger:
    return Ledger.open(ledger_path(project, project.stem), read_only=True)


def _start_and_wait_for_slow(office: Office, project: Path) -> subprocess.Popen[bytes]:
    """Start a run and return once the quick check is reported and the slow one has begun."""
    run = office.laptop.popen(GONOGO, "run", project, "--jsonl", env=ENVIRONMENT)
    assert run.stdout is not None
    waiting = {("check_done", "quick"), ("check_started", "slow")}
    for line in run.stdout:
        event = json.loads(line)
        check = event.get("check") or event.get("result", {}).get("check")
        waiting.discard((event["event"], check))
        if not waiting:
            return run
    assert run.stderr is not None
    raise AssertionError(f"the run ended early: {run.stderr.read().decode()}")


def test_ctrl_c_ends_the_run_cleanly_and_says_what_was_not_run(office: Office, interrupted: Path) -> None:
    run = _start_and_wait_for_slow(office, interrupted)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=20)
    assert run.returncode == INCOMPLETE, err.decode()
    last = json.loads(out.splitlines()[-1])
    assert (last["event"], last["run"]["outcome"]) == ("run_done", "cancelled")
    told = gonogo(office.laptop, "status", interrupted, "--plain")
    assert told.returncode == INCOMPLETE
    assert re.search(r"NOT RUN +2 not run\s+slow, later", told.stdout), told.stdout
    assert "stopped before its end" in told.stdout
    _assert_only_quick_is_known(run_json(office.laptop, interrupted, command="status"))
    with _ledger(interrupted) as ledger:
        assert ledger.verify() == []


def test_ctrl_c_is_answered_on_the_screen_too(office: Office, interrupted: Path) -> None:
    run = office.laptop.popen(GONOGO, "run", interrupted, "--plain", env=ENVIRONMENT)
    assert run.stderr is not None
    for line in run.stderr:
        if b"quick" in line:
            break
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=20)
    shown = out.decode()
    assert run.returncode == INCOMPLETE, shown + err.decode()
    assert "INCOMPLETE" in shown
    assert "Traceback" not in shown + err.decode()
    assert re.search(r"NOT RUN +2 not run\s+slow, later", shown), shown


def test_a_killed_run_loses_only_what_was_in_flight(office: Office, interrupted: Path) -> None:
    run = _start_and_wait_for_slow(office, interrupted)
    run.kill()
    run.wait()
    told = run_json(office.laptop, interrupted, command="status")
    assert told.code == INCOMPLETE
    assert told.data["run"]["finished"] is None
    _assert_only_quick_is_known(told)
    with _ledger(interrupted) as ledger:
        assert ledger.verify() == []


def _assert_only_quick_is_known(told: Ran) -> None:
    assert told.having("pass") == {"quick"}, told.summary()
    assert told.having("not run") == {"slow", "later"}, told.summary()


def test_two_runs_at_once_both_end_and_the_ledger_verifies(office: Office, project: Path) -> None:
    runs = [office.laptop.popen(GONOGO, "run", project, "--json", env=ENVIRONMENT) for _ in range(2)]
    for run in runs:
        out, err = run.communicate(timeout=90)
        ran = Ran(run.returncode, json.loads(out or "{}"))
        assert ran.code == GO, err.decode() or ran.summary()
    with _ledger(project) as ledger:
        assert ledger.verify() == []
        records = ledger.runs()
        assert len(records) == 2
        for record in records:
            assert record.outcome == "finished"
            assert {result.check for result in ledger.results_of_run(record.id)} == set(record.selected)


@pytest.fixture
def nobodys(office: Office) -> Iterator[Path]:
    """The office's project file in a folder that an account without rights can reach and write."""
    with tempfile.TemporaryDirectory(dir=office.folder) as folder:
        path = Path(shutil.copy(HERE / "office.yaml", folder))
        for mine in (path.parent, path):
            os.chown(mine, NOBODY, NOBODY)
        yield path


def test_without_rights_what_cannot_be_tested_is_inconclusive_with_its_remedy(
    office: Office, nobodys: Path
) -> None:
    ran = run_json(office.laptop, nobodys, before=AS_NOBODY)
    assert ran.code == INCOMPLETE, ran.summary()
    assert ran.having("fail") == set(), ran.summary()
    assert ran.results["address"]["status"] == "inconclusive", ran.summary()
    finding = ran.results["address"]["findings"][0]
    assert "root" in finding["fix"] or "CAP_NET_RAW" in finding["fix"], finding
    assert {"intranet", "erp", "resolver", "intranet-tls", "time"} <= ran.having("pass"), ran.summary()
    vantage = ran.data["run"]["vantage"]
    assert "raw" not in vantage["privileges"]
    assert len([limit for limit in vantage["limits"] if "Raw frames" in limit]) == 1


def test_a_desktop_without_root_pings(office: Office, nobodys: Path) -> None:
    """Systemd's distributions let everybody send echoes (net.ipv4.ping_group_range)."""
    office.laptop.sysctl("net.ipv4.ping_group_range", "0 2147483647")
    try:
        ran = run_json(office.laptop, nobodys, "--only", "gateway", before=AS_NOBODY)
    finally:
        office.laptop.sysctl("net.ipv4.ping_group_range", "1 0")
    assert ran.results["gateway"]["status"] == "pass", ran.summary()
    assert "icmp" in ran.data["run"]["vantage"]["privileges"]
