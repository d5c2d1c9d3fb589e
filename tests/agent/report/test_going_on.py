"""`gonogo status` tells of the runs that go on, and of one that was killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agent.files.load import load_plan
from agent.live import LiveFile, LiveRun
from agent.report.as_json import as_json
from agent.report.style import Style
from agent.report.text import report
from agent.running import open_ledger, stand
from checks.words import Status
from tests.tui.office import NOW, store_run, vantage, with_a_past

ROOT = Path(__file__).parents[3]


def going_on(**changes: Any) -> LiveRun:
    run = LiveRun(
        id="20261205T171700-ab", pid=1, started=NOW - timedelta(seconds=20),
        selected=("mail", "files", "clock"),
        done={"mail": Status.FAIL, "files": Status.PASS}, running={"clock": NOW - timedelta(seconds=1)},
    )  # fmt: skip
    return replace(run, **changes)


def text_of(tmp_path: Path, *runs: LiveRun) -> str:
    file = with_a_past(tmp_path)
    plan = load_plan(file)
    with open_ledger(file, plan, read_only=True) as ledger:
        picture = replace(stand(plan, ledger, now=NOW), running=runs)
    return " ".join(report(picture, Style(colour=False, width=80)).split())


def test_the_text_tells_of_a_run_that_goes_on(tmp_path: Path) -> None:
    said = text_of(tmp_path, going_on())
    assert (
        "run 20261205T171700-ab goes on since 18:17:33 CET, 2 of 3 checks done, 1 failed, 1 in flight" in said
    )
    assert "to go" in said


def test_the_text_tells_of_doubt_and_of_a_wish_to_stop(tmp_path: Path) -> None:
    said = text_of(tmp_path, going_on(stopping=True, sure=False, id="a\x1b[31m", lost={"clock": "full"}))
    assert "1 lost, asked to stop, as far as can be told here" in said
    assert "\x1b" not in said
    assert "a\\x1b[31m" in said


def test_the_data_tell_of_a_run_that_goes_on(tmp_path: Path) -> None:
    file = with_a_past(tmp_path)
    plan = load_plan(file)
    with open_ledger(file, plan, read_only=True) as ledger:
        picture = replace(stand(plan, ledger, now=NOW, full=True), running=(going_on(),))
        assert stand(plan, ledger, now=NOW).running == ()
    (told,) = json.loads(json.dumps(as_json(picture)))["running"]
    assert told == {
        "id": "20261205T171700-ab", "started": "2026-12-05T17:17:33.000000Z", "selected": 3,
        "done": {"pass": 1, "warn": 0, "fail": 1, "inconclusive": 0, "blocked": 0},
        "in_flight": {"clock": "2026-12-05T17:17:52.000000Z"}, "lost": {}, "stopping": False, "certain": True,
        "eta_s": told["eta_s"],
    }  # fmt: skip
    assert told["eta_s"] >= 0


def test_status_reads_the_live_file_and_knows_a_killed_run(tmp_path: Path) -> None:
    file = with_a_past(tmp_path)
    plan = load_plan(file)
    store_run(file, plan, "r4", datetime(2026, 1, 1, tzinfo=UTC), [], ended=False)

    def status(*words: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", "from agent.cli.entry import run; run()", "status", str(file), *words],
            capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ).stdout  # fmt: skip

    with open_ledger(file, plan, read_only=True) as ledger:
        run = ledger.run("r4")
        path = ledger.path
    assert run is not None
    assert path is not None
    assert "run r4 from laptop-7 (10.20.0.55), cut off before its end" in " ".join(status().split())
    live = LiveFile(path)
    live.run_started(plan, replace(run, selected=("mail", "files"), vantage=vantage()))
    assert "run r4 goes on since" in status()
    assert "cut off" not in status()
    assert [one["id"] for one in json.loads(status("--json"))["running"]] == ["r4"]
    live.run_done(run)
    assert json.loads(status("--json"))["running"] == []
