"""backup.windows, backup.veeam and backup.sqlserver by answers made after the documentation: every state."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backup import _sqlserver, _veeam
from checks.backup import windows as wsb
from checks.backup.sqlserver import Sqlserver
from checks.backup.veeam import Veeam
from checks.backup.windows import Windows
from checks.contract import Status, worst
from checks.wire.ssh.command import ALL, PowerShell
from tests.scripted_remote import ScriptedRemote, climbed, says, told

NOW = datetime.now(UTC)
LOGIN = {"host": "files.example.net", "user": "Administrator"}
PASS, FAIL, UNKNOWN = Status.PASS, Status.FAIL, Status.INCONCLUSIVE


def at(hours):
    return (NOW - timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


def judged(check, remote):
    seen = asyncio.run(climbed(check, remote))
    return seen, worst(finding.status for finding in check.judge(seen))


def holds(check, remote, level, status):
    seen, found = judged(check, remote)
    assert (seen.proof_level, found) == (level, status), told(check, seen)
    return told(check, seen)


def backup_set(hours=2, volumes=("C:\\", "D:\\")):
    return {"version": "v", "at": at(hours), "target": "E:", "volumes": list(volumes)}


def wsb_says(*sets, planned=("C:", "D:"), running=0, **summary):
    base = {
        "last": at(2),
        "success": at(2),
        "result": 0,
        "detailed": 0,
        "target": "E:",
        "versions": len(sets),
    }
    return {
        "summary": base | summary, "sets": list(sets), "planned": list(planned), "running": running,
        "elevated": True, "end": "end",
    }  # fmt: skip


ERROR = -2147024784
WSB = {
    "good": (wsb_says(backup_set()), {}, 3, PASS),
    "one set, unwrapped": (wsb_says(backup_set()) | {"sets": backup_set()}, {}, 3, PASS),
    "none": (wsb_says(), {}, 0, FAIL),
    "never backed up": (wsb_says(last=None, success=None, result=0), {}, 0, FAIL),
    "last failed": (wsb_says(backup_set(), result=ERROR), {}, 2, FAIL),
    "failed in detail": (wsb_says(backup_set(), detailed=ERROR), {}, 2, FAIL),
    "result as text": (wsb_says(backup_set(), result=str(ERROR)), {}, 2, FAIL),
    "result not told": (wsb_says(backup_set(), result=None), {}, 2, UNKNOWN),
    "newest is not the success": (wsb_says(backup_set(), success=at(30)), {}, 2, UNKNOWN),
    "old": (wsb_says(backup_set(80), last=at(80), success=at(80)), {}, 3, FAIL),
    "sessions newer than versions": (wsb_says(backup_set(80)), {}, 1, FAIL),
    "a volume is missing": (wsb_says(backup_set(volumes=["C:"])), {}, 2, FAIL),
    "a named volume is missing": (wsb_says(backup_set()), {"volumes": ("C:", "F:")}, 2, FAIL),
    "volumes not told": (wsb_says(backup_set(volumes=[]), planned=[]), {}, 2, UNKNOWN),
    "in the future": (wsb_says(backup_set(-3), last=at(-3), success=at(-3)), {}, 3, FAIL),
    "asked for more": (wsb_says(backup_set()), {"min_level": 5}, 3, UNKNOWN),
    "not installed": ({"absent": "Get-WBSummary", "elevated": True, "end": "end"}, {}, 0, UNKNOWN),
    "not elevated": ({"error": "denied", "kind": "x", "elevated": False, "end": "end"}, {}, 0, UNKNOWN),
    "nothing": ({}, {}, 0, UNKNOWN),
}


@pytest.mark.parametrize("name", WSB)
def test_windows_server_backup(name):
    said, params, level, status = WSB[name]
    holds(Windows(**LOGIN, **params), says(said), level, status)


def point(machine, hours=2, corrupt=False):
    return {
        "id": f"{machine}{hours}",
        "machine": machine,
        "at": at(hours),
        "type": "Full",
        "corrupt": corrupt,
    }


def session(result="Success", state="Stopped", hours=3):
    return {"at": at(hours), "end": at(hours - 1), "state": state, "result": result}


def veeam_says(points, sessions=None, tests=None, cut=False):
    return {
        "points": points, "sessions": [session()] if sessions is None else sessions, "tests": tests,
        "cut": cut,
        "elevated": True, "end": "end",
    }  # fmt: skip


def sure(**more):
    base = {
        "machine": "FILES01", "result": "Success", "at": at(1), "heartbeat": "Success", "ping": "Success",
        "script": "Success", "verification": "Success",
    }  # fmt: skip
    return base | more


ONE = [point("FILES01")]
SURE = {"min_level": 6, "surebackup": "Sure"}
VEEAM = {
    "good, asked for 3": (veeam_says(ONE), {"min_level": 3}, 3, PASS),
    "a session reads nothing again": (veeam_says(ONE), {}, 3, UNKNOWN),
    "no restore point": (veeam_says([]), {"min_level": 3}, 0, FAIL),
    "sessions without a restore point": (veeam_says(None), {"min_level": 3}, 0, FAIL),
    "a machine without": (veeam_says(ONE), {"min_level": 3, "machines": ("FILES01", "DC01")}, 0, FAIL),
    "the oldest machine counts": (veeam_says([*ONE, point("DC01", 90)]), {"min_level": 3}, 3, FAIL),
    "corrupt": (veeam_says([point("FILES01", corrupt=True)]), {"min_level": 3}, 2, FAIL),
    "corrupt as text": (veeam_says([point("FILES01", corrupt="True")]), {"min_level": 3}, 2, FAIL),
    "corruption not told": (veeam_says([point("FILES01", corrupt=None)]), {"min_level": 3}, 2, UNKNOWN),
    "warning": (veeam_says(ONE, [session("Warning")]), {"min_level": 3}, 2, UNKNOWN),
    "failed": (veeam_says(ONE, [session("Failed")]), {"min_level": 3}, 2, FAIL),
    "running": (
        veeam_says(ONE, [session("None", "Working", 0.1), session()]), {"min_level": 3}, 2, UNKNOWN,
    ),
    "stopped without a result": (veeam_says(ONE, [session("None")]), {"min_level": 3}, 2, UNKNOWN),
    "idle": (veeam_says(ONE, [session("Success", "Idle")]), {"min_level": 3}, 2, UNKNOWN),
    "no session": (veeam_says(ONE, []), {"min_level": 3}, 2, UNKNOWN),
    "the first session failed, the newest not": (
        veeam_says(ONE, [session("Failed", hours=30), session()]), {"min_level": 3}, 3, PASS,
    ),
    "list was cut": (veeam_says(ONE, cut=True), {"min_level": 3}, 0, UNKNOWN),
    "cut not told": (veeam_says(ONE, cut=None), {"min_level": 3}, 0, UNKNOWN),
    "booted": (veeam_says(ONE, tests=sure()), SURE, 6, PASS),
    "success with skips": (
        veeam_says(ONE, tests=[sure(script="NotPerformed")]), SURE, 5, UNKNOWN,
    ),
    "success with everything skipped": (
        veeam_says(ONE, tests=[sure(script="", heartbeat="", ping="", verification="")]), SURE, 3,
        UNKNOWN,
    ),
    "not verified": (veeam_says(ONE, tests=[sure(verification="Disabled")]), SURE, 3, UNKNOWN),
    "ping alone": (veeam_says(ONE, tests=[sure(heartbeat="Skipped")]), SURE, 6, PASS),
    "ping failed": (veeam_says(ONE, tests=[sure(ping="Failed")]), SURE, 4, FAIL),
    "script failed": (veeam_says(ONE, tests=[sure(script="Failed")]), SURE, 5, FAIL),
    "tested before the restore point": (veeam_says(ONE, tests=[sure(at=at(9))]), SURE, 3, UNKNOWN),
    "another machine tested": (veeam_says(ONE, tests=[sure(machine="DC01")]), SURE, 3, UNKNOWN),
    "one of two tested": (
        veeam_says([*ONE, point("DC01")], tests=[sure()]), SURE, 3, UNKNOWN,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", VEEAM)
def test_veeam(name):
    said, params, level, status = VEEAM[name]
    holds(Veeam(**LOGIN, job="Nightly", **params), says(said), level, status)


def sql_set(kind, hours, first, last, *, uuid="", base="", media=1, **more):
    row = {
        "uuid": uuid or f"{kind}{hours}", "type": kind, "position": 1, "start": at(hours),
        "first": str(first),
        "last": str(last), "base": base, "bytes": 1000 if kind == "D" else 10, "sums": True, "damaged": False,
        "snapshot": False, "incomplete": False, "media": media,
    }  # fmt: skip
    return row | more


def sql_says(*sets, device=2, model="FULL"):
    media = {row["media"] for row in sets}
    files = [{"media": number, "path": f"E:\\b{number}.bak", "device": device} for number in sorted(media)]
    return {
        "state": "ONLINE", "model": model, "sets": list(sets), "files": files, "elevated": True, "end": "end",
    }  # fmt: skip


FULL = sql_set("D", 20, 100, 110, uuid="FULL")
DIFF = sql_set("I", 10, 200, 210, base="full", media=2)
LOG = sql_set("L", 1, 205, 300, media=3)


def sql_host(looked, *, restored=None, **result):
    """A server whose files hold what msdb says, unless `result` says otherwise."""

    def answers(command):
        if command.powershell.startswith("# sqlserver-verify"):
            rows = [
                {"uuid": one["uuid"], "found": one["uuid"], "damaged": False, "verified": True} | result
                for one in json.loads(command.parameters)["sets"]
            ]
            return json.dumps({"results": rows, "elevated": True, "end": "end"})
        if command.powershell.startswith("# sqlserver-restore"):
            return json.dumps((restored or {}) | {"elevated": True, "end": "end"})
        return json.dumps(looked)

    return ScriptedRemote(answers, "powershell")


CHAIN = sql_says(FULL, DIFF, LOG)
MISSING = {"found": "", "verified": False, "code": 3201}
SQL = {
    "good": (CHAIN, {}, {}, 4, PASS),
    "full only": (sql_says(FULL, model="SIMPLE"), {}, {}, 4, PASS),
    "no full backup": (sql_says(LOG), {}, {}, 0, FAIL),
    "only through VSS": (sql_says(FULL | {"snapshot": True}), {}, {}, 0, FAIL),
    "virtual device": (sql_says(FULL, device=7), {}, {}, 0, UNKNOWN),
    "in the cloud": (sql_says(FULL, device=9), {}, {}, 0, UNKNOWN),
    "gap in the logs": (
        sql_says(FULL, sql_set("L", 2, 105, 150, media=2), sql_set("L", 1, 160, 300, media=3)), {}, {}, 2,
        FAIL,
    ),
    "log of before the full": (sql_says(FULL, sql_set("L", 30, 50, 90, media=2)), {}, {}, 4, PASS),
    "differential of another full": (sql_says(FULL, DIFF | {"base": "gone"}), {}, {}, 4, PASS),
    "old": (sql_says(sql_set("D", 80, 100, 110)), {}, {}, 4, FAIL),
    "file gone": (
        CHAIN, {**MISSING, "error": "Operating system error 2(The system cannot find it.)"}, {},
        0, FAIL,
    ),
    "file not readable": (
        CHAIN, {**MISSING, "error": "Operating system error 5(Access is denied.)"}, {}, 0, UNKNOWN,
    ),
    "file holds another backup": (CHAIN, {"found": "someone-else"}, {}, 0, FAIL),
    "header is not told": (CHAIN, {"found": ""}, {}, 0, UNKNOWN),
    "damaged": (CHAIN, {"verified": False, "error": "Damage was detected", "code": 3189}, {}, 3, FAIL),
    "damaged by its header": (CHAIN, {"damaged": True}, {}, 3, FAIL),
    "damaged when it was made": (sql_says(FULL | {"damaged": True}), {}, {}, 2, FAIL),
    "damage not told": (sql_says(FULL | {"damaged": None}), {}, {}, 2, FAIL),
    "without checksums": (sql_says(FULL | {"sums": False}), {}, {}, 3, UNKNOWN),
    "not verified": (CHAIN, {"verified": False}, {}, 3, UNKNOWN),
    "verify broke": (CHAIN, {"verified": False, "error": "timeout", "code": -2}, {}, 3, UNKNOWN),
    "5 without load": (CHAIN, {}, {"min_level": 5}, 4, UNKNOWN),
}  # fmt: skip


@pytest.mark.parametrize("name", SQL)
def test_sql_server(name):
    looked, result, params, level, status = SQL[name]
    check = Sqlserver(**LOGIN, database="Sales", **params)
    holds(check, sql_host(looked, **result), level, status)


LOAD = {"load": True, "scratch": "D:\\scratch", "min_level": 6}
RESTORED = {"restored": 3, "checkdb": [], "tables": 12, "rows": 34567}
LOADS = {
    "good": (RESTORED, 6, PASS),
    "one complaint, unwrapped": (RESTORED | {"checkdb": "Table error: Object ID 1"}, 4, FAIL),
    "checkdb not told": ({"restored": 3, "tables": 1, "rows": 1}, 4, UNKNOWN),
    "half restored": (RESTORED | {"restored": 2}, 4, UNKNOWN),
    "empty": (RESTORED | {"rows": 0}, 5, UNKNOWN),
    "broke": ({"error": "disk full", "kind": "SqlException"}, 4, UNKNOWN),
}


@pytest.mark.parametrize("name", LOADS)
def test_sql_server_restored(name):
    restored, level, status = LOADS[name]
    host = sql_host(CHAIN, restored=restored)
    holds(Sqlserver(**LOGIN, database="Sales", **LOAD), host, level, status)
    (wrote,) = [command for command in host.ran if command.writes]
    assert json.loads(wrote.parameters)["scratch"].startswith("gonogo_scratch_")


def test_nothing_is_written_unless_asked():
    host = sql_host(CHAIN)
    judged(Sqlserver(**LOGIN, database="Sales", min_level=6), host)
    assert not any(command.writes for command in host.ran)


def test_newest_is_the_last_that_can_be_restored():
    late = sql_set("L", 0.5, 900, 950, media=4)
    seen, _ = judged(Sqlserver(**LOGIN, database="Sales"), sql_host(sql_says(FULL, DIFF, LOG, late)))
    assert seen.age_s == pytest.approx(3600 + (datetime.now(UTC) - NOW).total_seconds(), abs=60)


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        (Sqlserver, {"database": "x", "load": True, "min_level": 6}),
        (Sqlserver, {"database": "x", "load": True, "scratch": "D:\\"}),
        (Sqlserver, {"database": "x", "instance": "a;b"}),
        (Veeam, {"job": "x", "machines": ("A", "a")}),
    ],
    ids=["load without scratch", "load without level", "instance", "twice"],
)
def test_what_does_not_fit_is_refused(kind, params):
    with pytest.raises(ValueError, match=r"\.$"):
        kind(**LOGIN, **params)


def test_scripts_hold_together():
    """Brackets and here-strings are closed: the least that can be known without a PowerShell."""
    names = {"wsb", "veeam", "sqlserver", "sqlserver-verify", "sqlserver-restore"}
    mine = [one for one in ALL if isinstance(one, PowerShell) and one.name in names]
    assert len(mine) == 5
    for one in mine:
        for left, right in ("{}", "()", "[]"):
            assert one.text.count(left) == one.text.count(right), (one.name, left)
        assert one.text.count("@'") == one.text.count("'@ ")


WORDS = """sets at version volumes summary result points machine corrupt sessions tests files media path start
first last type position checkdb results uuid"""
FIELDS = st.sampled_from(WORDS.split())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("2026-11-22T18:22:26Z"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELDS, inner, max_size=5),
)


@given(st.dictionaries(FIELDS, JSON, max_size=6))
def test_no_answer_breaks_a_reader(data):
    wsb.read(data)
    _veeam.read(data)
    _sqlserver.chain(_sqlserver.read(data).backups)
    _sqlserver.verified(data)
    _sqlserver.checkdb(data)


@given(st.dictionaries(FIELDS, JSON, max_size=6))
def test_no_answer_proves_what_it_does_not_say(data):
    data = data | {"end": "end", "elevated": True}
    for check in (Windows(**LOGIN), Veeam(**LOGIN, job="x"), Sqlserver(**LOGIN, database="x")):
        seen, status = judged(check, says(data))
        assert status is not PASS, (data, seen)
