"""The verdict on what was seen of a backup."""

from __future__ import annotations

import dataclasses

import pytest

from checks.backup._judge import estimate_s, judge_backup
from checks.backup._ladder import BackupSeen, Past, Restore, Step, proof_level
from checks.contract import worst
from tests.checks.backup.test_asked import HOUR, asked

NEWEST = "2026-11-22T01:00:00.000000Z"


def step(level, outcome="proven", fix=None):
    fix = ("" if outcome in ("proven", "absent") else "Mend it.") if fix is None else fix
    return Step(level=level, outcome=outcome, how="a look", detail="Seen.", fix=fix)


def seen(*steps, **other):
    given = {
        "system": "restic", "newest": NEWEST, "age_s": HOUR, "host": "backup.example.net",
        "host_time": "2026-11-22T02:00:00.000000Z", "clock_offset_s": 0.1, "proof_level": proof_level(steps),
        "steps": steps, **other,
    }  # fmt: skip
    return BackupSeen(**given)


WHOLE = tuple(step(level) for level in range(1, 5))


def verdict(one, **params):
    findings = list(judge_backup(asked(**params), one))
    return worst(finding.status for finding in findings), findings


CASES = {
    "whole": ("pass", seen(*WHOLE), {}),
    "deeper than asked": ("pass", seen(*WHOLE, step(5)), {}),
    "nothing at all": ("inconclusive", seen(age_s=None, newest=None), {}),
    "nothing at all, little asked": ("inconclusive", seen(age_s=None, newest=None), {"min_level": 1}),
    "not tried": ("inconclusive", seen(*WHOLE[:3]), {}),
    "unknown rung": ("inconclusive", seen(*WHOLE[:3], step(4, "unknown")), {}),
    "failed rung": ("fail", seen(*WHOLE[:3], step(4, "failed")), {}),
    "failed above what is asked": ("fail", seen(*WHOLE, step(5, "failed")), {}),
    "unknown above what is asked": ("inconclusive", seen(*WHOLE, step(5, "unknown")), {}),
    "missing": ("fail", seen(step(1, "failed"), age_s=None, newest=None), {}),
    "too old": ("fail", seen(*WHOLE, age_s=27 * HOUR), {}),
    "age unknown": ("inconclusive", seen(*WHOLE, age_s=None, newest=None), {}),
    "future": ("fail", seen(*WHOLE, age_s=-HOUR), {}),
    "of before the freeze": ("fail", seen(*WHOLE), {"newer_than": "2026-11-22T01:00:00Z"}),
    "young by a clock that is behind": (
        "inconclusive", seen(*WHOLE, age_s=25 * HOUR, clock_offset_s=-2 * HOUR), {},
    ),
    "old by a clock that is ahead": ("fail", seen(*WHOLE, age_s=27 * HOUR, clock_offset_s=2 * HOUR), {}),
    "of after the freeze by a clock that is ahead": (
        "inconclusive", seen(*WHOLE, clock_offset_s=60.0), {"newer_than": "2026-11-22T00:59:30Z"},
    ),
    "of after the freeze by a clock that is behind": (
        "pass", seen(*WHOLE, clock_offset_s=-60.0), {"newer_than": "2026-11-22T00:59:30Z"},
    ),
    "of after the freeze": ("pass", seen(*WHOLE), {"newer_than": "2026-11-22T00:59:59Z"}),
    "freeze, age unknown": (
        "inconclusive", seen(*WHOLE, newest=None, age_s=None), {"newer_than": "2026-11-22T00:59:59Z"},
    ),
    "freeze, time is nonsense": (
        "inconclusive", seen(*WHOLE, newest="soon"), {"newer_than": "2026-11-22T00:59:59Z"},
    ),
    "a night left out": (
        "warn", seen(*WHOLE, history=(Past(id="a", at="2026-11-20T01:00:00Z"),)), {},
    ),
    "grown": (
        "warn", seen(*WHOLE, bytes=300, history=(Past(id="a", at="2026-11-21T02:00:00Z", bytes=100),)), {},
    ),
    "past a lock": ("warn", seen(*WHOLE, past_lock="PID 7"), {}),
    "clock off": ("warn", seen(*WHOLE, clock_offset_s=-301.0), {}),
    "no restore was timed": ("inconclusive", seen(*WHOLE), {"rto_s": HOUR}),
    "absent rung": ("pass", seen(step(1), step(3, "absent"), step(4)), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_verdict(name):
    status, one, params = CASES[name]
    worst_status, findings = verdict(one, **params)
    assert worst_status == status, findings
    assert all(finding.fix for finding in findings if finding.status != "pass")


def test_a_freeze_that_has_not_begun_is_told_as_such():
    _, findings = verdict(seen(*WHOLE), newer_than="2026-11-22T02:00:01Z")
    (told,) = [finding for finding in findings if "freeze" in finding.message]
    assert told.status == "fail"
    assert "not begun yet" in told.message
    assert "when the freeze has begun" in told.fix
    _, findings = verdict(seen(*WHOLE), newer_than="2026-11-22T01:59:59Z")
    (told,) = [finding for finding in findings if "freeze" in finding.message]
    assert "lose work" in told.message


def restore(**other):
    given = {"bytes": 10**9, "files": 10, "seconds": 11.0, "startup_s": 1.0, "total_bytes": 10**10,
             "total_files": 100, **other}  # fmt: skip
    return Restore(**given)


@pytest.mark.parametrize(
    ("one", "status"),
    [
        (restore(), "pass"),
        (restore(total_bytes=10**12), "inconclusive"),
        (restore(bytes=10**6), "inconclusive"),
        (restore(bytes=10**6, files=1, total_bytes=10**6, total_files=1), "pass"),
        (restore(seconds=1000.0), "fail"),
        (restore(total_files=10**5), "fail"),
    ],
    ids=["in-time", "not-a-hundredth", "too-small", "all-of-it", "too-slow", "too-many-files"],
)
def test_restore_time(one, status):
    assert verdict(seen(*WHOLE, restore=one), rto_s=HOUR)[0] == status


def test_the_rebuild_is_added_and_a_limit_is_within():
    assert estimate_s(restore()) == pytest.approx(1 + 1.5 * 100)
    one = seen(*WHOLE, restore=restore())
    assert verdict(one, rto_s=151.0)[0] == "pass"
    assert verdict(one, rto_s=151.0, rebuild_s=1.0)[0] == "fail"


def test_what_came_from_outside_is_made_harmless():
    evil = Step(
        level=4, outcome="failed", how="a\x1b]52;c;aGk=\x07look", detail="x\u202ey\x1b[2J", fix="Mend it."
    )
    _, findings = verdict(seen(*WHOLE[:3], evil, past_lock="\x1b[31mPID", notes=("\x1b[2J.",)))
    for finding in findings:
        for text in (finding.message, finding.subject, finding.observed, finding.fix):
            assert "\x1b" not in text
            assert "\u202e" not in text


def test_a_second_over_is_over():
    """No rounding lets pass what is over its limit."""
    assert verdict(seen(*WHOLE, age_s=26 * HOUR + 1))[0] == "fail"
    assert verdict(seen(*WHOLE, age_s=26 * HOUR))[0] == "pass"


def test_the_notes_are_told():
    _, findings = verdict(seen(*WHOLE, notes=("Three names are no UTF-8.",)))
    assert "Three names are no UTF-8." in [finding.message for finding in findings]


def test_a_level_is_never_taken_at_its_word_alone():
    """The rung comes from the steps: a level that they do not carry is not believed."""
    lie = dataclasses.replace(seen(step(1)), proof_level=6)
    assert verdict(lie)[0] == "inconclusive"
