"""The rows that people read must not say more than the gates do: each test is a way in which they could."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agent.board import Board, blocking, current, done, holds, other_reasons, rows, tally, timeline
from agent.ledger import Known
from agent.plan import Gate, GateNeed, Milestone, Party, Plan, PlannedCheck, Project
from agent.records import Decision, Waiver
from agent.report.picture import paint_picture
from agent.verdict import Standing, Verdict
from checks.words import Finding, Result, Status

NOW = datetime(2026, 12, 5, 20, 0, tzinfo=UTC)


def planned(name, milestone="ready", kind="network.tcp", **changes):
    made = PlannedCheck(
        id=name, type=kind, milestone=milestone, title=f"{name} works", required=True, params={}, digest="d",
        target=f"{name}.example", place="p:1", owner="isp",
    )  # fmt: skip
    return replace(made, **changes)


def finding(status):
    return Finding(
        status=status,
        subject="s",
        message="So it is.",
        expected="ten",
        observed=f"{status} seen",
        fix="Mend.",
    )


def known(name, status, *, seq=1, age=timedelta(minutes=2), **changes):
    result = Result(
        check=name, type="network.tcp", milestone="ready", target="t", required=True, status=status,
        started=NOW - age, duration_s=0.0, attempts=1,
        findings=() if status is Status.BLOCKED else (finding(status),), observation=None, digest="d",
        run="r1", vantage="laptop-7", blocked_by="line" if status is Status.BLOCKED else None,
    )  # fmt: skip
    return Known.of(seq, replace(result, **changes))


def milestone(name, *required, advisory=(), after=(), due=None, **gate):
    needs = [GateNeed(check=item, required=True) for item in required]
    needs += [GateNeed(check=item, required=False) for item in advisory]
    return Milestone(id=name, title=name, after=after, due=due, gate=Gate(needs=tuple(needs), **gate))


def plan_of(checks, milestones):
    project = Project(id="p", name="P", timezone="UTC")
    isp = Party(id="isp", name="Swisscom NOC", role="vendor", phone="+41 800")
    return Plan(project=project, milestones=tuple(milestones), checks=tuple(checks), parties=(isp,))


def waiver(name, **changes):
    made = Waiver(
        check=name, reason="r", risk="low", author="Ann Rey", approver="Bob Lind",
        at=NOW - timedelta(hours=1), expires=NOW + timedelta(hours=1),
    )  # fmt: skip
    return replace(made, **changes)


def picture(plan, *results, **rest):
    found = {item.check: item for item in results}
    return paint_picture(plan, found, found, now=NOW, run=None, milestones=plan.milestones, **rest)


def one(*results, gate=(), advisory=(), checks=None, **rest):
    names = [*(checks or [item.check for item in results])]
    ready = milestone("ready", *(n for n in names if n not in advisory), advisory=advisory, **dict(gate))
    made = picture(plan_of([planned(n) for n in names], [ready]), *results, **rest)
    return made, made.verdicts[0]


def test_what_was_never_run_is_a_row_and_blocks():
    made, verdict = one(known("a", Status.PASS), checks=["a", "b"])
    found = blocking(rows(made, verdict))
    assert [(row.id, row.standing) for row in found] == [("b", Standing.NOT_RUN)]
    assert tally(verdict).counts[Standing.NOT_RUN] == 1


def test_a_stale_pass_reads_neither_as_seen_nor_as_expected():
    made, verdict = one(known("a", Status.PASS, age=timedelta(hours=30)))
    (row,) = blocking(rows(made, verdict))
    assert row.standing is Standing.STALE
    assert "pass seen" not in row.observed
    assert "allows" in row.observed
    assert row.expected == ""
    assert row.fix == ""


def test_a_result_of_another_definition_tells_nothing_of_what_is_expected_now():
    made, verdict = one(known("a", Status.FAIL, digest="old"))
    (row,) = blocking(rows(made, verdict))
    assert (row.standing, row.expected, row.fix) == (Standing.STALE, "", "")


def test_an_advisory_fail_blocks_nothing_and_is_told_apart():
    made, verdict = one(known("a", Status.PASS), known("b", Status.FAIL), advisory=("b",))
    assert verdict.verdict is Verdict.GO
    assert blocking(rows(made, verdict)) == []
    counted = tally(verdict)
    assert counted.blocking == {}
    assert counted.counts[Standing.FAIL] == 0
    assert counted.advisory == {Standing.FAIL: 1}


def test_a_waived_fail_is_waived_and_no_pass():
    made, verdict = one(known("a", Status.FAIL), known("b", Status.PASS), waivers=[waiver("a")])
    assert verdict.verdict is Verdict.GO_WITH_WAIVERS
    first = rows(made, verdict)[0]
    assert (first.id, first.waived, first.standing) == ("a", True, Standing.FAIL)
    counted = tally(verdict)
    assert (counted.waived, counted.counts[Standing.FAIL], counted.counts[Standing.PASS]) == (1, 0, 1)


def test_a_waiver_of_what_needs_none_makes_nothing_waived():
    made, verdict = one(known("a", Status.WARN), waivers=[waiver("a")])
    assert verdict.verdict is Verdict.GO
    assert [row.waived for row in rows(made, verdict)] == [False]
    assert tally(verdict).waived == 0
    assert Board().rows(made, verdict, everything=False) == []


def test_a_waiver_that_does_not_cover_leaves_the_row_in_the_way():
    made, verdict = one(known("a", Status.FAIL), waivers=[waiver("a", standing="warn")])
    (row,) = blocking(rows(made, verdict))
    assert not row.waived
    assert "is worse" in row.judged.uncovered


@pytest.mark.parametrize(("warnings", "blocks"), [(True, 0), (False, 1)])
def test_a_warning_blocks_only_where_the_gate_allows_none(warnings, blocks):
    made, verdict = one(known("a", Status.WARN), gate={"warnings": warnings})
    assert len(blocking(rows(made, verdict))) == blocks
    assert tally(verdict).blocking == ({Standing.WARN: 1} if blocks else {})


def test_every_required_check_is_counted_once():
    results = [known(status.value, status, seq=n) for n, status in enumerate(Status)]
    names = [*(item.check for item in results), "unrun", "old"]
    made, verdict = one(
        *results, known("old", Status.PASS, age=timedelta(days=3)), checks=names, waivers=[waiver("fail")]
    )
    counted = tally(verdict)
    assert counted.required == len(names) == sum(counted.counts.values()) + counted.waived
    assert sum(counted.blocking.values()) == len(blocking(rows(made, verdict)))


def test_worst_first_then_the_waived_then_what_is_well():
    results = [known(status.value, status, seq=n) for n, status in enumerate(Status)]
    made, verdict = one(
        *results, known("waived", Status.INCONCLUSIVE), known("nice", Status.FAIL),
        checks=[*(item.check for item in results), "waived", "nice", "unrun"], advisory=("nice",),
        waivers=[waiver("waived")],
    )  # fmt: skip
    assert [row.id for row in rows(made, verdict)] == [
        "fail", "inconclusive", "unrun", "blocked", "waived", "nice", "warn", "pass"
    ]  # fmt: skip


def test_a_blocked_row_names_its_cause():
    made, verdict = one(known("a", Status.BLOCKED), known("b", Status.BLOCKED, blocked_by="vantage"))
    said = {row.id: row.observed for row in rows(made, verdict)}
    assert said == {"a": "waits for line", "b": "this laptop has no link"}


def test_a_predecessor_is_a_reason_where_no_row_is_in_the_way():
    checks = [planned("a", "first"), planned("b", "second")]
    plan = plan_of(checks, [milestone("first", "a"), milestone("second", "b", after=("first",))])
    made = picture(plan, known("b", Status.PASS))
    verdict = made.verdicts[1]
    assert blocking(rows(made, verdict)) == []
    assert other_reasons(made, verdict) == ["It comes after first, which is INCOMPLETE."]


def test_rows_that_did_not_change_are_the_same_objects():
    board = Board()
    made, verdict = one(known("a", Status.FAIL, seq=1), known("b", Status.PASS, seq=2))
    before = {row.id: row for row in board.rows(made, verdict)}
    changed = picture(made.plan, known("a", Status.FAIL, seq=1), known("b", Status.FAIL, seq=3))
    after = {row.id: row for row in board.rows(changed, changed.verdicts[0])}
    assert after["a"] is before["a"]
    assert after["b"].standing is Standing.FAIL
    waived = picture(
        made.plan, known("a", Status.FAIL, seq=1), known("b", Status.FAIL, seq=3), waivers=[waiver("a")]
    )
    assert {row.id for row in board.rows(waived, waived.verdicts[0]) if row.waived} == {"a"}


def test_all_checks_are_told_as_they_stand_where_they_stand_worst():
    checks = [planned("a", "early"), planned("free", "late", required=False)]
    milestones = [milestone("early", "a", max_age_s=7200.0), milestone("late", "a", max_age_s=60.0)]
    made = picture(plan_of(checks, milestones), known("a", Status.PASS), known("free", Status.PASS))
    found = {row.id: row for row in Board().everything(made)}
    assert (found["a"].standing, found["a"].gate) == (Standing.STALE, "late")
    assert (found["free"].standing, found["free"].gate) == (Standing.PASS, "")
    early = {row.id: row for row in Board().everything(made, lambda name: name == "early")}
    assert set(early) == {"a"}
    assert early["a"].standing is Standing.PASS


def test_a_check_outside_all_gates_passes_not_by_an_older_definition():
    made = picture(
        plan_of([planned("a"), planned("free")], [milestone("ready", "a")]),
        known("free", Status.PASS, digest="old"),
    )
    found = {row.id: row.standing for row in Board().everything(made)}
    assert found == {"a": Standing.NOT_RUN, "free": Standing.STALE}


def test_who_is_to_be_called_and_whether_a_statement_is_asked_for():
    plan = plan_of([planned("a"), planned("b", kind="manual")], [milestone("ready", "a", "b")])
    made = picture(plan)
    found = {row.id: row for row in rows(made, made.verdicts[0])}
    assert found["a"].owner is not None
    assert (found["a"].owner.phone, found["a"].attestable, found["b"].attestable) == ("+41 800", False, True)


def signed(name, verdict, **changes):
    made = Decision(milestone=name, verdict=verdict, by="Ann Rey", at=NOW - timedelta(hours=2))
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ([], "first"),
        ([signed("first", "GO")], "second"),
        ([signed("first", "GO", decided="NO-GO")], "first"),
        ([signed("first", "NO-GO", decided="GO")], "first"),
        ([signed("first", "NO-GO", decided="GO", second="Bob Lind")], "second"),
        ([signed("first", "GO", at=NOW + timedelta(hours=1))], "first"),
        ([signed("first", "GO"), signed("first", "GO", decided="NO-GO")], "first"),
        ([signed("first", "GO"), signed("second", "GO")], "second"),
    ],
)
def test_the_current_milestone_is_the_first_that_nobody_signed_as_going(decisions, expected):
    checks = [planned("a", "first"), planned("b", "second")]
    second = milestone("second", "b", due=NOW + timedelta(hours=9))
    plan = plan_of(checks, [second, milestone("first", "a", due=NOW + timedelta(hours=1))])
    made = picture(plan)
    assert current(made.verdicts, decisions, NOW).milestone.id == expected


def test_a_milestone_past_due_is_done_only_if_it_goes():
    plan = plan_of([planned("a")], [milestone("ready", "a", due=NOW - timedelta(hours=1))])
    well, ill = picture(plan, known("a", Status.PASS)), picture(plan, known("a", Status.FAIL))
    assert done(well.verdicts[0], {}, NOW)
    assert not done(ill.verdicts[0], {}, NOW)


def test_a_go_does_not_outlive_what_it_rests_on():
    _, verdict = one(known("a", Status.PASS))
    assert verdict.until is not None
    assert holds(verdict, NOW)
    assert not holds(verdict, verdict.until + timedelta(seconds=1))


def test_milestones_come_in_the_order_of_their_due_times():
    later = NOW + timedelta(hours=3)
    found = timeline([milestone("x"), milestone("c", due=later), milestone("b", due=NOW), milestone("y")])
    assert [item.id for item in found] == ["b", "c", "x", "y"]
