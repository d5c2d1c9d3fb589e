"""What goes in comes out, and the result that counts is never an older pass before a newer fail."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.ledger import Known, Ledger, LedgerError, ledger_path
from agent.records import Baseline, Decision, Waiver
from checks.vantage import Attestation
from checks.words import Finding, Measure, Note, Result, Status, rank
from tests.agent.ledger.making import NOON, a_result, a_run


def store(ledger: Ledger, *results: Result) -> list[LedgerError]:
    """Store `results` through a writer; return why some were lost."""
    stored: list[Result] = []
    errors: list[LedgerError] = []
    writer = ledger.writer(stored.extend, lambda batch, error: errors.append(error))
    for result in results:
        writer.put(result)
    writer.close()
    assert errors or stored == list(results)
    return errors


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    path = ledger_path(tmp_path / "office.yaml", "office-2026")
    assert path == tmp_path / ".gonogo" / "office-2026.db"
    results = [a_result(number) for number in range(30)]
    waiver = Waiver(
        check="c.1", reason="r", risk="k", author="A", approver="B", expires=NOON, at=NOON, ticket="T-1"
    )
    said = [
        Attestation(check="c.2", holds=holds, by="A", at=NOON, attachments=(("a.pdf", "00"),))
        for holds in (True, False)
    ]
    decision = Decision(milestone="move", verdict="GO", by="B", at=NOON)
    with Ledger.open(path) as ledger:
        ledger.begin_run(a_run())
        assert not store(ledger, *results)
        ledger.end_run("r1", finished=NOON, outcome="cancelled", clock_jump_s=-90.0)
        ledger.begin_run(a_run("r2"))
        numbers = [ledger.add(record) for record in (waiver, *said, decision)]
    assert numbers == [34, 35, 36, 37]
    with Ledger.open(path, read_only=True) as ledger:
        assert list(ledger.results_of_run("r1")) == results
        assert [ledger.result(number + 2) for number in range(30)] == results
        known = ledger.latest()
        assert (
            known
            == ledger.latest_of_run("r1")
            == {
                result.check: Known.of(number + 2, result, ("10.0.0.7", "2001:db8::7"))
                for number, result in enumerate(results)
            }
        )
        assert known["c.3"].findings == results[3].findings
        assert known["c.3"].finished == results[3].started + timedelta(seconds=0.0123)
        assert ledger.history("c.3") == [known["c.3"]]
        assert ledger.latest_of_run("unknown") == {}
        assert ledger.waivers() == [waiver]
        assert ledger.attestations() == {"c.2": said[1]}
        assert ledger.decisions() == [decision]
        assert [run.id for run in ledger.runs()] == ["r2", "r1"]
        run = ledger.run("r1")
        assert run is not None
        assert (run.outcome, run.finished, run.clock_jump_s) == ("cancelled", NOON, -90.0)
        assert ledger.run("r2") == a_run("r2")
        assert ledger.head()[0] == 37
        assert ledger.verify() == []
        with pytest.raises(LedgerError, match="no result with the number 1"):
            ledger.result(1)


def test_a_baseline_names_a_run_that_is_there(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "l.db") as ledger:
        ledger.begin_run(a_run("r1"))
        ledger.begin_run(a_run("r2"))
        assert not store(ledger, a_result(0), a_result(1, status=Status.FAIL))
        names = [Baseline(name="handover", run=run, by="A", at=NOON) for run in ("r1", "r2")]
        for name in names:
            ledger.add(name)
        with pytest.raises(LedgerError, match="knows no run r3"):
            ledger.add(Baseline(name="handover", run="r3", by="A", at=NOON))
        assert ledger.baselines() == names
        assert ledger.verify() == []
        assert ledger.statuses_of_run("r1") == {"c.0": Status.PASS, "c.1": Status.FAIL}
        assert ledger.statuses_of_run("r2") == ledger.statuses_of_run("r3") == {}
        assert ledger.run_ids() == ledger.run_ids("r") == ["r2", "r1"]
        assert ledger.run_ids("r", limit=1) == ["r2"]
        assert ledger.run_ids("r1") == ["r1"]
        assert ledger.run_ids("%") == ledger.run_ids("R1") == []
        assert ledger.run_count() == 2


def test_more_results_than_a_page_or_a_batch_come_back_in_order(tmp_path: Path) -> None:
    results = [a_result(number, check=f"c.{number % 7}") for number in range(2345)]
    with Ledger.open(tmp_path / "l.db") as ledger:
        ledger.begin_run(a_run())
        assert not store(ledger, *results)
        assert list(ledger.results_of_run("r1")) == results
        assert [known.seq for known in ledger.history("c.3", limit=3)] == [2343, 2336, 2329]
        assert ledger.latest_of_run("r1")["c.3"].seq == 2343
        assert ledger.latest()["c.3"].seq == 5
        assert ledger.verify() == []


def test_a_ledger_in_memory_does_the_same() -> None:
    with Ledger.in_memory() as ledger:
        ledger.begin_run(a_run())
        assert not store(ledger, a_result(0), a_result(1))
        assert set(ledger.latest()) == {"c.0", "c.1"}
        assert ledger.verify() == []


words = st.text(st.characters(exclude_categories=()), max_size=40)
times = st.datetimes(timezones=st.just(UTC))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)
numbers = st.floats(allow_nan=False, allow_infinity=False)
measures = st.builds(Measure, name=words, value=numbers, unit=words, warn=st.none() | numbers, source=words)
findings = st.builds(
    Finding,
    status=st.sampled_from([status for status in Status if status is not Status.BLOCKED]),
    subject=words,
    message=words,
    observed=words,
    fix=st.just("Do it."),
    measure=st.none() | measures,
)
results_of_any_kind = st.builds(
    Result,
    check=words,
    type=words,
    milestone=words,
    target=words,
    required=st.booleans(),
    status=st.sampled_from(Status),
    started=st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9990, 1, 1), timezones=st.just(UTC)),
    duration_s=st.integers(min_value=0, max_value=10**9).map(lambda micros: round(micros / 10**6, 6)),
    attempts=st.integers(min_value=0, max_value=2**63),
    findings=st.lists(findings, max_size=3).map(tuple),
    observation=values,
    digest=words,
    run=st.just("r1"),
    vantage=words,
    notes=st.lists(st.builds(Note, at=times, text=words), max_size=2).map(tuple),
    blocked_by=st.none() | words,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(results_of_any_kind, max_size=5))
def test_any_result_comes_back_as_it_was(results: list[Result]) -> None:
    with Ledger.in_memory() as ledger:
        ledger.begin_run(a_run())
        assert not store(ledger, *results)
        assert list(ledger.results_of_run("r1")) == results
        for check, known in ledger.latest().items():
            newest = min(
                (result for result in results if result.check == check), key=lambda r: rank(r.status)
            )
            assert known.findings == newest.findings
            assert (known.target, known.status, known.started) == (
                newest.target,
                newest.status,
                newest.started,
            )
            assert known.seq in [one.seq for one in ledger.history(check)]
        assert ledger.verify() == []


@pytest.mark.parametrize("banner", ["\0\x1b]52;c;AAAA\a", "\udc80\ud800", "é" * 3_000_000, "\N{PILE OF POO}"])
def test_hostile_and_huge_text_is_kept_raw(tmp_path: Path, banner: str) -> None:
    result = a_result(observation={"banner": banner}, check="c.\udc80")
    with Ledger.open(tmp_path / "l.db") as ledger:
        ledger.begin_run(a_run())
        assert not store(ledger, result)
        assert list(ledger.results_of_run("r1")) == [result]
        assert list(ledger.latest()) == ["c.\udc80"]
        assert ledger.verify() == []


def test_a_number_that_is_not_finite_is_kept_as_null(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "l.db") as ledger:
        ledger.begin_run(a_run())
        assert not store(ledger, a_result(observation={"loss": float("nan"), "rtt": [float("inf"), 1.5]}))
        assert ledger.result(2).observation == {"loss": None, "rtt": [None, 1.5]}
        assert ledger.verify() == []


@pytest.mark.parametrize("bad", [object(), {1, 2}, b"bytes"])
def test_a_result_that_is_not_json_is_lost_alone_and_named(tmp_path: Path, bad: Any) -> None:
    stored: list[Result] = []
    lost: list[tuple[list[Result], LedgerError]] = []
    with Ledger.open(tmp_path / "l.db") as ledger:
        ledger.begin_run(a_run())
        writer = ledger.writer(stored.extend, lambda batch, error: lost.append((batch, error)))
        wrong = a_result(1, observation={"seen": bad})
        for result in (a_result(0), wrong, a_result(2)):
            writer.put(result)
        writer.close()
        assert [result.check for result in stored] == ["c.0", "c.2"]
        ((batch, error),) = lost
        assert batch == [wrong]
        assert "check 'c.1' cannot be stored" in str(error)
        assert ledger.verify() == []


def test_a_result_of_no_run_is_lost_and_costs_the_others_nothing(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "l.db") as ledger:
        ledger.begin_run(a_run())
        errors = store(ledger, a_result(0), a_result(1, run="never-begun"), a_result(2))
        assert [str(error) for error in errors] == [
            f"The ledger {ledger.path} knows no run never-begun: a run must be begun before it is written to."
        ]
        assert set(ledger.latest()) == {"c.0", "c.2"}
        with pytest.raises(LedgerError, match="knows no run r9"):
            ledger.end_run("r9", finished=NOON, outcome="finished")
        with pytest.raises(LedgerError, match="already has a run r1"):
            ledger.begin_run(a_run())


def test_a_callback_that_raises_costs_no_result_and_is_heard_of(tmp_path: Path) -> None:
    def stored(batch: list[Result]) -> None:
        raise RuntimeError("the screen is gone")

    with Ledger.open(tmp_path / "l.db") as ledger:
        ledger.begin_run(a_run())
        writer = ledger.writer(stored, lambda batch, error: None)
        writer.put(a_result(0))
        writer.put(a_result(1))
        with pytest.raises(RuntimeError, match="the screen is gone"):
            writer.close()
        writer.close()
        assert set(ledger.latest()) == {"c.0", "c.1"}
        with pytest.raises(RuntimeError, match="closed"):
            writer.put(a_result(2))


def test_results_are_durable_before_anyone_is_told(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    seen: list[bool] = []

    def stored(batch: list[Result]) -> None:
        with Ledger.open(path, read_only=True) as other:
            there = set(other.latest())
        seen.extend(result.check in there for result in batch)

    with Ledger.open(path) as ledger:
        ledger.begin_run(a_run())
        writer = ledger.writer(stored, lambda batch, error: seen.append(False))
        for number in range(50):
            writer.put(a_result(number))
        writer.close()
    assert seen == [True] * 50


def a_story(*steps: tuple[str, Status | None, datetime]) -> Status:
    """Begin a run (no status) or store its result of the one check, in order; return what counts then."""
    with Ledger.in_memory() as ledger:
        for run, status, at in steps:
            if status is None:
                ledger.begin_run(a_run(run, at))
            else:
                assert not store(ledger, a_result(check="c", run=run, status=status, started=at))
        assert ledger.verify() == []
        return ledger.latest()["c"].status


PASS, WARN, FAIL = Status.PASS, Status.WARN, Status.FAIL
YEAR = timedelta(days=365)


def test_of_two_results_of_one_run_the_worse_counts() -> None:
    assert a_story(("a", None, NOON), ("a", FAIL, NOON), ("a", PASS, NOON)) is FAIL
    assert a_story(("a", None, NOON), ("a", PASS, NOON), ("a", FAIL, NOON - YEAR)) is FAIL


def test_a_clock_that_was_set_back_does_not_hide_a_newer_result() -> None:
    fast = [("a", None, NOON + YEAR), ("a", PASS, NOON + YEAR)]
    fixed = [("b", None, NOON), ("b", FAIL, NOON)]
    assert a_story(*fast, *fixed) is FAIL
    assert a_story(*fast, *fixed, ("c", None, NOON - YEAR), ("c", PASS, NOON - YEAR)) is PASS


def test_an_older_run_that_stores_late_does_not_hide_a_fail() -> None:
    overlapping = [("old", None, NOON), ("new", None, NOON), ("new", FAIL, NOON)]
    assert a_story(*overlapping, ("old", PASS, NOON - timedelta(minutes=1))) is FAIL
    assert a_story(*overlapping, ("old", PASS, NOON + YEAR)) is FAIL
    assert a_story(*overlapping, ("old", PASS, NOON), ("next", None, NOON), ("next", PASS, NOON)) is PASS
    assert a_story(("old", None, NOON), ("new", None, NOON), ("new", PASS, NOON), ("old", WARN, NOON)) is WARN


def test_a_result_that_did_not_count_is_not_forgotten() -> None:
    story = [("a", None, NOON), ("b", None, NOON), ("b", FAIL, NOON), ("c", None, NOON), ("a", WARN, NOON)]
    assert a_story(*story, ("c", PASS, NOON)) is FAIL
    assert a_story(*story, ("d", None, NOON), ("d", PASS, NOON)) is PASS


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([None, *Status])), max_size=12))
def test_no_older_pass_ever_hides_a_newer_fail(steps: list[tuple[str, Status | None]]) -> None:
    """Whenever a pass counts, every other result was stored before that pass's run began, or passed too."""
    with Ledger.in_memory() as ledger:
        begun: dict[str, str] = {}
        log: list[tuple[str, Status | None]] = []
        for number, (name, status) in enumerate(steps):
            if status is None or name not in begun:
                begun[name] = f"{name}{number}"
                ledger.begin_run(a_run(begun[name]))
                log.append((begun[name], None))
            if status is not None:
                assert not store(ledger, a_result(check="c", run=begun[name], status=status))
                log.append((begun[name], status))
        assert ledger.verify() == []
        counts = ledger.latest().get("c")
        if counts is not None and counts.status is Status.PASS:
            since = log[log.index((counts.run, None)) :]
            assert all(status in (None, Status.PASS) for _, status in since)


def test_entries_cannot_be_changed_or_deleted_by_sql(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "l.db") as ledger:
        ledger.begin_run(a_run())
    raw = sqlite3.connect(tmp_path / "l.db")
    for sql in ("UPDATE entries SET body = '{}'", "DELETE FROM entries"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            raw.execute(sql)
    raw.close()


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a\\b", ".hidden", "x\0"])
def test_a_project_id_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(LedgerError, match="cannot name a file"):
        ledger_path(tmp_path / "p.yaml", name)
