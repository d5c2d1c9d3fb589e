"""The switch port is part of where results were seen from, with its age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from agent.records import VantageRecord
from agent.switch_port import switch_port
from checks.judging import failed, passed, warned
from checks.words import Finding, Result, Status

NOW = datetime(2026, 12, 5, 20, 0, tzinfo=UTC)
HERE = VantageRecord(name="laptop-7", host="laptop-7", user="ann", os="Debian 12", tool="gonogo 0.1.0")
ENDS = passed("sw-idf1 Gi1/0/7", "The cable ends in port Gi1/0/7 of sw-idf1.")


def told(*findings: Finding, ago_min: float = 3, **changes: Any) -> Result:
    given: dict[str, Any] = {
        "check": "port", "type": "link.neighbor", "milestone": "m", "target": "t", "required": True,
        "status": Status.PASS, "started": NOW - timedelta(minutes=ago_min), "duration_s": 0.0, "attempts": 1,
        "findings": findings, "observation": None, "digest": "d", "run": "r", "vantage": "laptop-7",
    }  # fmt: skip
    return Result(**given | changes)


def test_the_newest_of_this_place_is_shown_with_its_age() -> None:
    elsewhere = passed("sw-idf2 1", "The cable ends in port 1 of sw-idf2.")
    found = switch_port(
        [
            told(elsewhere, ago_min=90),
            told(ENDS),
            told(elsewhere, ago_min=1, vantage="other-laptop"),
            told(elsewhere, ago_min=1, type="ssh.command"),
        ],
        HERE,
    )
    assert found is not None
    assert found.shown(NOW) == "The cable ends in port Gi1/0/7 of sw-idf1 (port, 3 min ago)"


def test_a_wrong_port_is_where_it_is_all_the_same() -> None:
    wrong = failed(
        "x", "The cable ends in port 8 of sw-idf1: another port than the planned one.", fix="patch it"
    )
    found = switch_port([told(wrong, status=Status.FAIL)], HERE)
    assert found is not None
    assert "port 8 of sw-idf1" in found.said


def test_silence_names_no_port() -> None:
    assert switch_port([], HERE) is None
    assert (
        switch_port(
            [told(warned("x", "2 switches announce themselves on this one cable.", fix="look"))], HERE
        )
        is None
    )


def test_a_clock_that_was_moved_is_said() -> None:
    found = switch_port([told(ENDS, ago_min=-5)], HERE)
    assert found is not None
    assert "in the future" in found.shown(NOW)
