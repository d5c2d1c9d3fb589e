"""Power, printers, parts, counters and configuration through `gonogo run --json`, by real agents."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from checks.device.values import oid
from tests.checks.switch.test_errors import switch as counting
from tests.lab.snmp_agent import Agent, Lies

ROOT = Path(__file__).resolve().parents[3]
SYSTEM = {"1.3.6.1.2.1.1.1.0": b"A device", "1.3.6.1.2.1.1.3.0": 8_640_000, "1.3.6.1.2.1.1.5.0": b"sw1"}
UPS = {
    "1.3.6.1.2.1.1.2.0": "1.3.6.1.4.1.850.1", "1.3.6.1.2.1.33.1.2.1.0": 2, "1.3.6.1.2.1.33.1.2.2.0": 0,
    "1.3.6.1.2.1.33.1.2.3.0": 45, "1.3.6.1.2.1.33.1.2.4.0": 100, "1.3.6.1.2.1.33.1.4.1.0": 3,
    "1.3.6.1.2.1.33.1.4.4.1.5.1": 22, "1.3.6.1.2.1.33.1.6.1.0": 0,
}  # fmt: skip
PRINTER = {
    "1.3.6.1.2.1.1.2.0": "1.3.6.1.4.1.11.2.3.9.1", "1.3.6.1.2.1.25.3.2.1.2.1": "1.3.6.1.2.1.25.3.1.5",
    "1.3.6.1.2.1.25.3.2.1.3.1": b"Laser", "1.3.6.1.2.1.25.3.2.1.5.1": 2, "1.3.6.1.2.1.25.3.5.1.1.1": 3,
    "1.3.6.1.2.1.25.3.5.1.2.1": b"\0", "1.3.6.1.2.1.43.5.1.1.17.1": b"VNB3",
    "1.3.6.1.2.1.43.11.1.1.4.1.1": 3, "1.3.6.1.2.1.43.11.1.1.5.1.1": 3,
    "1.3.6.1.2.1.43.11.1.1.6.1.1": b"Black", "1.3.6.1.2.1.43.11.1.1.8.1.1": 100,
    "1.3.6.1.2.1.43.11.1.1.9.1.1": 60, "1.3.6.1.2.1.43.11.1.1.4.1.2": 4,
    "1.3.6.1.2.1.43.11.1.1.5.1.2": 4, "1.3.6.1.2.1.43.11.1.1.6.1.2": b"Waste",
    "1.3.6.1.2.1.43.11.1.1.8.1.2": 100, "1.3.6.1.2.1.43.11.1.1.9.1.2": 20,
}  # fmt: skip
SWITCH = {
    "1.3.6.1.2.1.1.2.0": "1.3.6.1.4.1.9.1.1208", "1.3.6.1.4.1.9.9.13.1.4.1.2.1": b"Fan 1",
    "1.3.6.1.4.1.9.9.13.1.4.1.3.1": 1, "1.3.6.1.4.1.9.9.13.1.5.1.2.1": b"PS 1",
    "1.3.6.1.4.1.9.9.13.1.5.1.3.1": 1, "1.3.6.1.4.1.9.9.43.1.1.1.0": 500_000,
    "1.3.6.1.4.1.9.9.43.1.1.2.0": 600_000, "1.3.6.1.4.1.9.9.43.1.1.3.0": 600_000,
    "1.3.6.1.4.1.9.9.500.1.1.3.0": 1, "1.3.6.1.4.1.9.9.500.1.2.1.1.1.1001": 1,
    "1.3.6.1.4.1.9.9.500.1.2.1.1.3.1001": 1, "1.3.6.1.4.1.9.9.500.1.2.1.1.6.1001": 4,
    "1.3.6.1.4.1.9.9.500.1.2.1.1.1.2001": 2, "1.3.6.1.4.1.9.9.500.1.2.1.1.3.2001": 2,
    "1.3.6.1.4.1.9.9.500.1.2.1.1.6.2001": 4,
}  # fmt: skip
STACK = "1.3.6.1.4.1.9.9.500.1.2.1.1"


def agent(rows, **changes):
    """Return an agent of `rows`; a value that is dotted text is an identifier, None takes a row away."""
    wanted = {**SYSTEM, **rows, **changes}
    objects = {
        oid(key): oid(value) if isinstance(value, str) else value
        for key, value in wanted.items()
        if value is not None
    }
    return Agent(objects)


def run(folder: Path, served: Agent, **check):
    """Run one check of the served agent as a technician would; return its result and how the run ended."""
    project = folder / "p.yaml"
    definition = {
        "milestone": "go", "host": served.endpoint, "community": "env:TEST_COMMUNITY", "retries": 0, **check,
    }  # fmt: skip
    project.write_text(
        "gonogo: 1\nproject: {name: P, timezone: Europe/Zurich}\nmilestones:\n  go: {title: Go}\nchecks:\n"
        f"  it: {json.dumps(definition)}\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-c", "from agent.cli import main; main()", "run", str(project), "--json"],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
        env={**os.environ, "TEST_COMMUNITY": "public", "HOME": str(folder), "XDG_STATE_HOME": str(folder)},
    )  # fmt: skip
    assert done.stdout, done.stderr
    [result] = json.loads(done.stdout)["results"]
    assert served.asked["set"] == 0
    assert "public" not in json.dumps(result["observation"])
    return result, done.returncode


def bad(result):
    return [finding for finding in result["findings"] if finding["status"] != "pass"]


@pytest.mark.parametrize(
    ("rows", "check"),
    [
        (UPS, {"type": "ups"}),
        (PRINTER, {"type": "printer"}),
        (SWITCH, {"type": "switch.environment"}),
        (SWITCH, {"type": "switch.config_saved"}),
        (SWITCH, {"type": "switch.stack", "members": 2}),
    ],
    ids=lambda value: value.get("type", ""),
)
def test_healthy(tmp_path, rows, check):
    with agent(rows) as served:
        result, code = run(tmp_path, served, **check)
    assert (result["status"], bad(result), code) == ("pass", [], 0)


@pytest.mark.parametrize(
    ("rows", "changes", "check", "words"),
    [
        (UPS, {"1.3.6.1.2.1.33.1.4.1.0": 5, "1.3.6.1.2.1.33.1.2.2.0": 60}, {"type": "ups"}, ["on battery"]),
        (PRINTER, {"1.3.6.1.2.1.43.11.1.1.9.1.1": 0}, {"type": "printer"}, ["Black is used up"]),
        (PRINTER, {"1.3.6.1.2.1.43.11.1.1.9.1.2": 96}, {"type": "printer"}, ["waste container is full"]),
        (SWITCH, {"1.3.6.1.4.1.9.9.13.1.4.1.3.1": 3}, {"type": "switch.environment"}, ["Fan 1"]),
        (
            SWITCH, {"1.3.6.1.4.1.9.9.43.1.1.1.0": 700_000}, {"type": "switch.config_saved"},
            ["changed after it was last saved"],
        ),
        (
            SWITCH, {f"{STACK}.{column}.2001": None for column in (1, 3, 6)},
            {"type": "switch.stack", "members": 2}, ["1 of the planned 2 members is missing"],
        ),
        (
            SWITCH, {f"{STACK}.6.2001": 6}, {"type": "switch.stack"}, ["not ready: version mismatch"],
        ),
    ],
    ids=["on-battery", "toner-out", "waste-full", "fan-failed", "unsaved", "member-missing", "mismatch"],
)  # fmt: skip
def test_one_fault_is_named(tmp_path, rows, changes, check, words):
    with agent(rows, **changes) as served:
        result, code = run(tmp_path, served, **check)
    assert (result["status"], code) == ("fail", 4)
    [finding] = bad(result)
    assert all(word in finding["message"] for word in words)
    assert finding["fix"]


def test_errors_that_rise_are_named(tmp_path):
    with Agent(counting(errors=5000)) as served:
        result, code = run(tmp_path, served, type="switch.errors", window="50ms")
    assert (result["status"], code) == ("fail", 4)
    [finding] = bad(result)
    assert "Gi1/0/1" in finding["subject"]


def test_observations_carry_the_promised_fields(tmp_path):
    with agent(UPS) as served:
        seen = run(tmp_path, served, type="ups")[0]["observation"]
    assert {key: seen[key] for key in ("charge_percent", "runtime_minutes", "load_percent")} == {
        "charge_percent": 100.0, "runtime_minutes": 45.0, "load_percent": 22.0,
    }  # fmt: skip
    assert (seen["on_battery"], seen["battery_ok"]) == (False, True)
    with agent(PRINTER) as served:
        seen = run(tmp_path, served, type="printer")[0]["observation"]
    assert [(one["description"], one["level_percent"]) for one in seen["supplies"]] == [
        ("Black", 60.0), ("Waste", 20.0)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "kind",
    ["ups", "printer", "switch.environment", "switch.stack", "switch.config_saved", "switch.errors"],
)
def test_a_restricted_view_is_not_judged(tmp_path, kind):
    rows = {**UPS, **PRINTER, **SWITCH}
    with agent(rows) as served:
        served.lies = Lies(only=((1, 3, 6, 1, 2, 1, 1),))
        result, code = run(tmp_path, served, type=kind)
    assert (result["status"], code) == ("inconclusive", 3)


def test_a_table_that_breaks_off_is_not_judged(tmp_path):
    with agent(PRINTER) as served:
        served.lies = Lies(silent_at=oid("1.3.6.1.2.1.43.11.1.1.9.1.2"))
        result, _ = run(tmp_path, served, type="printer")
    assert result["status"] == "inconclusive"
