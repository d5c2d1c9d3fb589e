"""Checks that misbehave in every way cost their deadline, never the run, and never read as a pass."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.engine import attempt, reaper
from agent.engine.loop import run_loop
from agent.engine.run import VANTAGE, Outcome, execute
from agent.ledger.store import Ledger
from agent.plan import Gate, GateNeed, Milestone, Plan, PlannedCheck, Project
from agent.records import VantageRecord
from checks import registry
from checks.contract import CannotTell, Check, Finding, Status, Vantage
from checks.judging import failed, passed
from checks.vantage import Shared

HERE = VantageRecord(name="lab", host="lab", user="t", os="Linux", tool="gonogo 0", addresses=("10.0.0.9",))


@dataclass(frozen=True, kw_only=True)
class Seen:
    words: str = ""


class Odd(Check[Seen]):
    """A check that does what its parameter says."""

    target: str = "198.51.100.7"
    how: str = "pass"

    def allowance(self) -> float:
        return 0.2

    async def observe(self, vantage: Vantage) -> Seen:
        vantage.note(f"begin {self.how}")
        match self.how:
            case "raise":
                raise ZeroDivisionError("no")
            case "exit":
                raise SystemExit(0)
            case "cannot":
                raise CannotTell("No rights.", "Get rights.")
            case "hang":
                await asyncio.sleep(60)
            case "hang in a thread":
                await asyncio.to_thread(time.sleep, 1.5)
            case "swallow":
                while True:
                    try:
                        await asyncio.sleep(60)
                    except asyncio.CancelledError:
                        if stop.is_set():
                            raise
            case "block":
                time.sleep(30)
            case "spin":
                while True:
                    pass
            case "none":
                return None
            case "flood":
                return Seen(words="x" * 5_000_000)
            case "unserialisable":
                return Seen(words=object())
            case "notes":
                for _ in range(10_000):
                    vantage.note("y" * 10_000)
            case "secret":
                return Seen(words=f"banner with {vantage.secret('env:S')}")
            case "flap":
                tries.append(1)
                return Seen(words="fail" if len(tries) < 2 else "")
        return Seen(words=self.how)

    def judge(self, seen: Seen) -> Iterable[Finding]:
        match self.how:
            case "judge raises":
                raise KeyError("k")
            case "judge none":
                return None
            case "judge empty":
                return []
            case "judge nonsense":
                return ["pass"]
            case "judge floods":
                return (passed("s", "m" * 100_000) for _ in range(100_000))
            case "judge spins":
                while True:
                    pass
            case "judge by a regular expression that explodes":
                re.match(r"(a+)+$", "a" * 60 + "b")
            case "fail":
                return [failed("s", "It is wrong.", fix="Mend it.")]
        if seen is None:
            return [passed("s", "None is fine?")]
        if seen.words == "fail":
            return [failed("s", "Not yet.", fix="Wait.")]
        return [passed("s", f"Fine: {seen.words[:20]}")]


tries: list[int] = []
stop = asyncio.Event()


@pytest.fixture(autouse=True)
def odd_type(monkeypatch: pytest.MonkeyPatch) -> None:
    tries.clear()
    stop.clear()
    monkeypatch.setattr(registry, "load", lambda name: {"odd": Odd}[name])
    monkeypatch.setattr(reaper, "GRACE_S", 0.2)
    monkeypatch.setattr(reaper, "STALL_S", 0.3)
    monkeypatch.setattr(attempt, "RETRY_PAUSE_S", 0.01)


def planned(name: str, how: str, **rest: Any) -> PlannedCheck:
    base: dict[str, Any] = {
        "id": name, "type": "odd", "milestone": "m", "title": name, "required": True, "digest": "d",
        "params": {"how": how, "target": rest.pop("target", "198.51.100.7")}, "target": "198.51.100.7",
        "place": "p.yaml:1",
    }  # fmt: skip
    return PlannedCheck(**base | rest)


def plan(*checks: PlannedCheck) -> Plan:
    gate = Gate(needs=tuple(GateNeed(check=check.id, required=True) for check in checks))
    return Plan(
        project=Project(id="p", name="P", timezone="UTC"),
        milestones=(Milestone(id="m", title="M", gate=gate),),
        checks=checks,
    )


def run(*checks: PlannedCheck, vantage: VantageRecord = HERE, **shared: Any) -> Outcome:
    the_plan = plan(*checks)
    with Ledger.in_memory() as ledger:
        outcome = run_loop(
            execute(the_plan, list(the_plan.by_id), vantage=vantage, shared=Shared(**shared), ledger=ledger)
        )
        assert ledger.verify() == []
        assert set(ledger.latest()) == set(outcome.results)
    return outcome


BAD = [
    "raise", "exit", "cannot", "hang", "hang in a thread", "swallow", "block", "spin", "flood",
    "unserialisable", "judge raises",
    "judge none", "judge empty", "judge nonsense", "judge floods", "judge spins",
    "judge by a regular expression that explodes",
]  # fmt: skip


@pytest.mark.parametrize("how", BAD)
def test_misbehaviour_is_inconclusive_and_the_rest_goes_on(how: str) -> None:
    outcome = run(planned("bad", how), planned("good", "pass"), planned("after", "pass", needs=("bad",)))
    bad = outcome.results["bad"]
    assert bad.status is Status.INCONCLUSIVE
    assert bad.findings
    assert all(finding.fix for finding in bad.findings if finding.status is not Status.PASS)
    assert outcome.results["good"].status is Status.PASS
    assert outcome.results["after"].status is Status.BLOCKED
    assert outcome.results["after"].blocked_by == "bad"
    assert outcome.run.outcome == "finished"
    assert len(str(bad.as_json())) < 5_000_000


def test_many_that_swallow_do_not_use_up_the_workers() -> None:
    checks = [planned(f"s{i}", "swallow") for i in range(30)] + [planned(f"g{i}", "pass") for i in range(30)]
    outcome = run(*checks)
    assert sum(result.status is Status.PASS for result in outcome.results.values()) == 30
    assert len(outcome.results) == 60


def test_notes_are_capped_and_kept() -> None:
    notes = run(planned("n", "notes")).results["n"].notes
    assert len(notes) == 201
    assert "left out" in notes[-1].text


def test_a_check_that_cannot_be_made_blocks_its_dependents() -> None:
    outcome = run(planned("bad", "pass", params={"how": 7}), planned("after", "pass", needs=("bad",)))
    assert outcome.results["bad"].status is Status.INCONCLUSIVE
    assert outcome.results["after"].blocked_by == "bad"


def test_an_unknown_type_is_a_result() -> None:
    assert run(planned("bad", "pass", type="ghost")).results["bad"].status is Status.INCONCLUSIVE


def test_our_own_link_is_said_once_and_loopback_goes_on() -> None:
    down = VantageRecord(name="lab", host="lab", user="t", os="L", tool="t", link_up=False)
    outcome = run(
        planned("far", "pass"), planned("further", "fail", needs=("far",)),
        planned("near", "pass", target="127.0.0.1"), vantage=down,
    )  # fmt: skip
    assert {name: r.blocked_by for name, r in outcome.results.items()} == {
        "far": VANTAGE, "further": VANTAGE, "near": None,
    }  # fmt: skip
    assert outcome.results["near"].status is Status.PASS


def test_a_pass_at_the_second_attempt_is_a_warning() -> None:
    result = run(planned("f", "flap", retries=2)).results["f"]
    assert (result.status, result.attempts) == (Status.WARN, 2)


def test_retries_end() -> None:
    result = run(planned("f", "fail", retries=2)).results["f"]
    assert (result.status, result.attempts) == (Status.FAIL, 3)


def test_no_resolved_secret_is_stored() -> None:
    outcome = run(planned("s", "secret"), resolve_secret=lambda ref: "hunter2-hunter2")
    assert "hunter2" not in str(outcome.results["s"].as_json())
    assert "[secret env]" in str(outcome.results["s"].observation)


class Recorder:
    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.done: list[str] = []
        self.events: list[str] = []

    def run_started(self, plan: Plan, run: Any) -> None:
        self.events.append("run_started")

    def check_started(self, check: str, at: datetime) -> None:
        assert at.tzinfo is UTC

    def check_done(self, result: Any) -> None:
        assert result.check in self.ledger.latest()
        self.done.append(result.check)

    def check_lost(self, result: Any, why: str) -> None:
        self.events.append(f"lost {result.check}")

    def run_done(self, run: Any) -> None:
        self.events.append(f"run_done {run.outcome}")


def test_cancelling_leaves_a_truthful_ledger(tmp_path: Path) -> None:
    the_plan = plan(
        planned("quick", "pass"),
        planned("slow", "hang", timeout_s=50.0),
        planned("next", "pass", needs=("slow",)),
    )

    async def go(ledger: Ledger, recorder: Recorder) -> Outcome:
        task = asyncio.create_task(
            execute(
                the_plan, list(the_plan.by_id), vantage=HERE, shared=Shared(), ledger=ledger, sinks=[recorder]
            )
        )
        while not recorder.done:
            await asyncio.sleep(0.01)
        task.cancel()
        return await task

    with Ledger.open(tmp_path / ".gonogo" / "p.db") as ledger:
        recorder = Recorder(ledger)
        outcome = run_loop(go(ledger, recorder))
        assert outcome.run.outcome == "cancelled"
        assert set(ledger.latest()) == {"quick"} == set(outcome.results)
        assert recorder.events == ["run_started", "run_done cancelled"]
        stored = ledger.run(outcome.run.id)
        assert stored is not None
        assert stored.outcome == "cancelled"


def test_sinks_hear_only_what_is_stored(tmp_path: Path) -> None:
    the_plan = plan(*(planned(f"c{i}", "pass") for i in range(50)))
    with Ledger.open(tmp_path / "p.db") as ledger:
        recorder = Recorder(ledger)
        run_loop(
            execute(
                the_plan, list(the_plan.by_id), vantage=HERE, shared=Shared(), ledger=ledger, sinks=[recorder]
            )
        )
    assert sorted(recorder.done) == sorted(the_plan.by_id)


def test_planned_is_reported() -> None:
    checks = [planned(f"c{i}", BAD[i % 4], needs=(f"c{i - 1}",) if i % 3 else ()) for i in range(40)]
    assert len(run(*checks).results) == 40


def test_open_files_limit_the_pool() -> None:
    from agent.engine.run import TOTAL, _places

    assert 10 <= _places() <= TOTAL
    assert os.name == "nt" or _places() > 0
