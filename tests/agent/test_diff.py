"""Two sides compared: what would make a comparison lie."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.diff import REGRESSIONS, Kind, NoSuchSide, Side, compare, previous, side
from agent.ledger import Known, Ledger
from agent.plan import LeftOut
from agent.records import Baseline
from checks.words import Finding, Measure, Status
from tests.agent.ledger.making import a_run
from tests.agent.report.pictures import NOW, plan, planned, result

P, W, F, INC, B = Status.PASS, Status.WARN, Status.FAIL, Status.INCONCLUSIVE, Status.BLOCKED
PLAN = plan(planned("web"), planned("mail"), planned("files"))


def seen(status=P, observed="seen", value=None, subject="peer", unit="ms"):
    measure = None if value is None else Measure(name="rtt", value=value, unit=unit)
    return Finding(
        status=status, subject=subject, message="It is so.", observed=observed,
        fix="" if status is P else "Mend it.", measure=measure,
    )  # fmt: skip


def known(name, status, *findings, **rest):
    if status is B:
        rest.setdefault("blocked_by", "files")
    return Known.of(1, result(name, status, *findings, **rest), ("10.20.0.5",))


def run_side(*results, selected=None, name="r1", digest="x"):
    chosen = frozenset(selected if selected is not None else (item.check for item in results))
    run = replace(a_run(name), selected=tuple(chosen), plan_digest=digest)
    return Side(name=name, results={item.check: item for item in results}, run=run, selected=chosen)


def now_side(*results):
    return Side(name="now", results={item.check: item for item in results}, at=NOW)


def kinds(before, after, made=PLAN):
    return {change.check: change.kind for change in compare(made, before, after).changes}


def one(before, after, made=PLAN):
    (change,) = compare(made, before, after).changes
    return change


def told(status):
    return known("web", status) if status is not None else None


def both(was, now):
    sides = [run_side(*([known("web", s)] if s is not None else []), selected=["web"]) for s in (was, now)]
    return one(*sides).kind


@pytest.mark.parametrize(
    ("was", "now", "kind"),
    [
        (P, F, Kind.REGRESSION),
        (P, W, Kind.REGRESSION),
        (W, F, Kind.REGRESSION),
        (P, INC, Kind.UNPROVEN),
        (P, B, Kind.UNPROVEN),
        (W, B, Kind.UNPROVEN),
        (P, None, Kind.UNPROVEN),
        (INC, F, Kind.WORSE),
        (B, F, Kind.WORSE),
        (None, F, Kind.WORSE),
        (F, INC, Kind.OTHER),
        (F, B, Kind.OTHER),
        (F, None, Kind.OTHER),
        (B, INC, Kind.OTHER),
        (F, W, Kind.BETTER),
        (INC, W, Kind.BETTER),
        (F, P, Kind.FIXED),
        (W, P, Kind.FIXED),
        (B, P, Kind.PROVEN),
        (INC, P, Kind.PROVEN),
        (None, P, Kind.PROVEN),
        (P, P, Kind.SAME),
        (F, F, Kind.SAME),
        (B, B, Kind.SAME),
    ],
)
def test_what_became_of_a_check(was, now, kind):
    assert both(was, now) is kind


@given(st.sampled_from([*Status, None]), st.sampled_from([*Status, None]))
def test_what_does_not_pass_now_is_never_fixed_and_what_passed_never_vanishes(was, now):
    if was is None and now is None:
        return
    kind = both(was, now)
    if kind is Kind.FIXED:
        assert now is P
        assert was in (F, W)
    if now in (INC, B, None):
        assert kind not in (Kind.FIXED, Kind.PROVEN, Kind.BETTER)
    if was in (P, W) and now is not P and now is not was:
        assert kind in REGRESSIONS


def test_regressions_come_first_then_the_plans_order():
    before = run_side(known("web", P), known("mail", P), known("files", F))
    after = run_side(known("web", P, seen(observed="else")), known("mail", F), known("files", P))
    changes = compare(PLAN, before, after).changes
    assert [(c.check, c.kind) for c in changes] == [
        ("mail", Kind.REGRESSION), ("files", Kind.FIXED), ("web", Kind.VALUE),
    ]  # fmt: skip
    equal = compare(PLAN, *[run_side(*(known(n, P) for n in ("files", "web", "mail")))] * 2)
    assert [c.check for c in equal.changes] == ["web", "mail", "files"]
    assert equal.changed == ()


def test_a_filtered_run_does_not_call_what_it_was_not_asked_a_regression():
    full = run_side(known("web", P), known("mail", P), known("files", F))
    few = run_side(known("web", P), selected=["web"], name="r2")
    assert kinds(full, few) == {"web": Kind.SAME, "mail": Kind.NOT_RUN, "files": Kind.NOT_RUN}
    assert kinds(few, full) == {"web": Kind.SAME, "mail": Kind.NOT_RUN, "files": Kind.NEW}
    mail = next(c for c in compare(PLAN, full, few).changes if c.check == "mail")
    assert (mail.after_text, mail.after_standing) == ("not selected", "not run")
    assert compare(PLAN, full, few).compared == 1
    edited = run_side(known("web", P), selected=["web"], digest="earlier")
    assert kinds(edited, full)["mail"] is Kind.NEW


def test_a_killed_run_leaves_what_passed_before_unproven():
    before = run_side(known("web", P), known("mail", F))
    killed = run_side(selected=["web", "mail"], name="r2")
    assert kinds(before, killed) == {"web": Kind.UNPROVEN, "mail": Kind.OTHER}
    assert compare(PLAN, before, killed).compared == 0


def test_another_definition_is_never_the_same_better_or_fixed_and_a_regression_stays_one():
    for was, now in itertools.product((P, W, F, INC), (P, W, F)):
        change = one(run_side(known("web", was)), run_side(known("web", now, digest="other")))
        assert change.redefined
        assert change.kind not in (Kind.SAME, Kind.VALUE, Kind.FIXED, Kind.PROVEN, Kind.BETTER)
        if was is P and now is F:
            assert change.kind is Kind.REGRESSION


def test_todays_stale_pass_is_no_pass():
    old = known("web", P, age_s=30 * 3600)
    change = one(run_side(known("web", P)), now_side(old))
    assert (change.kind, change.after_standing) == (Kind.UNPROVEN, "stale")
    assert "1 d 5 h old" in change.after_text
    assert one(run_side(known("web", F)), now_side(old)).kind is Kind.OTHER
    redefined = known("web", P, digest="other")
    assert one(run_side(redefined), now_side(redefined)).kind is Kind.UNPROVEN
    future = known("web", P, age_s=-3600)
    assert one(run_side(known("web", P)), now_side(future)).kind is Kind.UNPROVEN
    elsewhere = plan(planned("web"), vantages=("office-*",))
    assert one(run_side(known("web", P)), now_side(known("web", P)), elsewhere).kind is Kind.UNPROVEN


def test_an_old_run_is_shown_as_it_was():
    old = run_side(known("web", P, age_s=30 * 86400))
    assert one(old, now_side(known("web", P))).kind is Kind.SAME


def test_what_is_planned_no_more_is_gone_and_not_as_it_last_stood():
    made = replace(PLAN, left_out=(LeftOut(check="old", reason="another project"),))
    change = one(run_side(known("old", P)), now_side(known("old", F)), made)
    assert (change.kind, change.after_standing, change.target) == (Kind.GONE, "not run", "old.example:443")
    assert change.after_text == "left out: another project"
    assert one(run_side(known("x", F)), now_side(known("x", P))).after_text == "no longer planned"


def test_texts_are_of_the_finding_that_differs():
    before = run_side(known("web", P, seen(subject="a", observed="1"), seen(subject="b", observed="2")))
    after = run_side(known("web", F, seen(subject="a", observed="1"), seen(F, subject="b", observed="3")))
    change = one(before, after)
    assert (change.before_text, change.after_text) == ("2", "3")
    blocked = one(before, run_side(known("web", B)))
    assert blocked.after_text == "waits for files"


def test_a_peer_that_appears_or_disappears_is_a_change():
    two = run_side(known("web", P, seen(subject="a"), seen(subject="b", observed="2")))
    single = run_side(known("web", P, seen(subject="a")))
    gone = one(two, single)
    assert (gone.kind, gone.before_text, gone.after_text) == (Kind.VALUE, "2", "not among what was seen")
    came = one(single, two)
    assert (came.kind, came.before_text, came.after_text) == (Kind.VALUE, "not among what was seen", "2")


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        (100.0, 134.0, "134 ms (+34 %)"),
        (24.0, 140.0, "140 ms (x5.833)"),
        (100.0, 40.0, "40 ms (x0.4)"),
        (100.0, 100.4, "100.4 ms (+0.4 %)"),
        (0.0, 5.0, "5 ms"),
        (-3.0, 5.0, "5 ms"),
        (1e-320, 1e308, "1e+308 ms"),
    ],
)
def test_another_value_is_said_with_unit_and_proportion(was, now, expected):
    change = one(run_side(known("web", P, seen(value=was))), run_side(known("web", P, seen(value=now))))
    assert (change.kind, change.after_text) == (Kind.VALUE, expected)


def test_units_are_never_mixed_in_a_proportion():
    change = one(
        run_side(known("web", P, seen(value=1.0, unit="s", observed="1 s"))),
        run_side(known("web", P, seen(value=900.0, observed="900 ms"))),
    )
    assert (change.before_text, change.after_text) == ("1 s", "900 ms")


def test_no_number_is_no_crash():
    broken = known("web", P, seen(value=1.0))
    broken.findings_json = broken.findings_json.replace("1.0", "null")
    assert one(run_side(broken), run_side(known("web", P, seen(value=2.0)))).kind is Kind.VALUE


# Sides by name


@pytest.fixture
def ledger():
    with Ledger.in_memory() as made:
        store(made, "20261204T1-aa", result("web", P), result("mail", P))
        store(made, "20261204T2-bb", result("files", P))
        store(made, "20261205T3-cc", result("web", F))
        made.add(Baseline(name="handover", run="20261204T2-bb", by="Ann", at=NOW))
        made.add(Baseline(name="handover", run="20261204T1-aa", by="Ann", at=NOW))
        yield made


def store(ledger, run, *results, selected=None):
    ledger.begin_run(replace(a_run(run), selected=tuple(selected or [item.check for item in results])))
    writer = ledger.writer(lambda _: None, lambda _, why: pytest.fail(str(why)))
    for item in results:
        writer.put(replace(item, run=run))
    writer.close()
    ledger.end_run(run, finished=NOW, outcome="finished")


def test_a_side_is_now_the_last_run_a_baseline_a_run_or_its_start(ledger):
    assert set(side(ledger, "now", now=NOW).results) == {"web", "mail", "files"}
    assert side(ledger, "now", now=NOW).at == NOW
    assert side(ledger, "last").name == "20261205T3-cc"
    assert side(ledger, "handover").name == "handover (20261204T1-aa)"
    assert side(ledger, "20261204T2").name == "20261204T2-bb"
    assert side(ledger, "20261204T2-bb").selected == {"files"}


def test_what_names_nothing_or_several_is_refused_with_what_there_is(ledger):
    with pytest.raises(NoSuchSide, match="several runs: 20261204T2-bb, 20261204T1-aa"):
        side(ledger, "20261204")
    for word in ("nothing", "", "x" * 81, "%", "\x1b[31m"):
        with pytest.raises(NoSuchSide, match=r"20261205T3-cc.*baselines: handover"):
            side(ledger, word)
    with Ledger.in_memory() as empty:
        with pytest.raises(NoSuchSide, match="no last run"):
            side(empty, "last")
        with pytest.raises(NoSuchSide, match="There is no run yet; there is no baseline"):
            side(empty, "r1")
        with pytest.raises(NoSuchSide, match="No run has tested anything"):
            previous(empty)


def test_a_whole_id_is_no_start_of_another(ledger):
    for number in range(30):
        store(ledger, f"20261204T1-aa{number}", result("web", P))
    assert side(ledger, "20261204T1-aa").name == "20261204T1-aa"


def test_a_baseline_named_like_another_run_is_ambiguous(ledger):
    ledger.add(Baseline(name="20261205T3-cc", run="20261204T1-aa", by="Ann", at=NOW))
    with pytest.raises(NoSuchSide, match="both a run and the name of a baseline"):
        side(ledger, "20261205T3-cc")


def test_the_previous_run_tested_something_of_the_same(ledger):
    assert previous(ledger) == "20261204T1-aa"
    store(ledger, "r9", selected=["web"])
    assert previous(ledger) == "20261204T1-aa"
    with Ledger.in_memory() as other:
        store(other, "a", result("web", P))
        store(other, "b", result("mail", P))
        with pytest.raises(NoSuchSide, match="No earlier run"):
            previous(other)


def test_now_counts_the_result_that_counts(ledger):
    change = next(
        c for c in compare(PLAN, side(ledger, previous(ledger)), side(ledger, "now", now=NOW)).changes
        if c.check == "web"
    )  # fmt: skip
    assert change.kind is Kind.REGRESSION
    assert timedelta(0) < NOW - change.after.finished < timedelta(minutes=2)
