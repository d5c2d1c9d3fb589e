"""What a check is told of its own past: the newest first, of its own type, and nothing of another check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.ledger.store import Ledger
from agent.plan import Gate, GateNeed, Milestone, Plan, PlannedCheck, Project
from agent.session import earlier, run_session
from checks import jsonable, registry
from checks.contract import CannotTell, Check, Finding, Status, Vantage
from checks.judging import passed
from checks.vantage import Earlier, Shared
from tests.agent.ledger.making import NOON, a_result, a_run


@dataclass(frozen=True, kw_only=True)
class Seen:
    number: int
    before: tuple[int, ...]
    statuses: tuple[str, ...]


class Remembering(Check[Seen]):
    """A check that counts, by what it saw in earlier runs."""

    target: str = "127.0.0.1"

    async def observe(self, vantage: Vantage) -> Seen:
        past = vantage.earlier(10)
        found = [jsonable.from_json(Seen, one.observation) for one in past if one.observation is not None]
        number = max((one.number for one in found), default=0) + 1
        seen = Seen(
            number=number,
            before=tuple(one.number for one in found),
            statuses=tuple(one.status for one in past),
        )
        if number == 2 and Status.INCONCLUSIVE not in seen.statuses:
            raise CannotTell("Not now.", "Try again.")
        return seen

    def judge(self, seen: Seen) -> Iterable[Finding]:
        yield passed(self.target, f"Run {seen.number}.")


def planned(name: str, kind: str = "remembering") -> PlannedCheck:
    return PlannedCheck(
        id=name, type=kind, milestone="m", title=name, required=True, digest="d", params={},
        target="127.0.0.1", place="p.yaml:1",
    )  # fmt: skip


def plan(*checks: PlannedCheck) -> Plan:
    gate = Gate(needs=tuple(GateNeed(check=check.id, required=True) for check in checks))
    return Plan(
        project=Project(id="p", name="P", timezone="UTC"),
        milestones=(Milestone(id="m", title="M", gate=gate),),
        checks=checks,
    )


def stored(ledger: Ledger, *results: Any) -> None:
    for number, result in enumerate(results):
        run = replace(a_run(f"r{number}"), started=NOON + timedelta(hours=number))
        ledger.begin_run(run)
        writer = ledger.writer(lambda results: None, lambda results, error: None)
        writer.put(replace(result, run=run.id))
        writer.close()


@pytest.mark.parametrize("memory", [True, False], ids=["in memory", "on disk"])
def test_a_session_hands_each_check_its_own_past(
    memory: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "load", lambda name: {"remembering": Remembering}[name])
    the_plan = plan(planned("one"), planned("other"))
    seen: list[Any] = []
    with Ledger.in_memory() if memory else Ledger.open(tmp_path / "ledger.db") as ledger:
        for selected in (["one"], ["one"], ["one"], ["one", "other"]):
            outcome = run_session(the_plan, selected, ledger=ledger)
            seen.append(outcome.results[selected[0]].observation)
        other = outcome.results["other"].observation
    assert seen[0] == {"number": 1, "before": [], "statuses": []}
    assert seen[1] is None, "nothing was seen that time"
    assert seen[2] == {"number": 2, "before": [1], "statuses": ["inconclusive", "pass"]}
    assert seen[3] == {"number": 3, "before": [2, 1], "statuses": ["pass", "inconclusive", "pass"]}
    assert other["before"] == [], "another check's past is not its own"


def test_the_newest_first_and_at_most_so_many() -> None:
    with Ledger.in_memory() as ledger:
        stored(
            ledger,
            *(
                replace(
                    a_result(check="one", started=NOON + timedelta(hours=n), observation={"n": n}),
                    type="remembering",
                )
                for n in range(5)
            ),
        )
        the_plan = plan(planned("one"))
        past = earlier(ledger, the_plan, "one", 3)
        assert [item.observation for item in past] == [{"n": 4}, {"n": 3}, {"n": 2}]
        assert past[0] == Earlier(at=NOON + timedelta(hours=4), status=Status.PASS, observation={"n": 4})
        assert len(earlier(ledger, the_plan, "one", 100)) == 5
        assert earlier(ledger, the_plan, "one", 0) == ()
        assert earlier(ledger, the_plan, "nobody", 3) == ()


def test_results_of_another_type_under_the_same_id_are_no_past_and_take_no_room() -> None:
    with Ledger.in_memory() as ledger:
        mine = replace(a_result(check="one", observation={"n": 1}), type="remembering")
        others = [replace(a_result(check="one"), type="network.tcp") for _ in range(5)]
        stored(ledger, mine, *others)
        assert [item.observation for item in earlier(ledger, plan(planned("one")), "one", 3)] == [{"n": 1}]


def test_without_a_ledger_there_is_no_past() -> None:
    assert Vantage(Shared(), "one").earlier() == ()
    asked: list[tuple[str, int]] = []

    def history(check: str, limit: int) -> tuple[Earlier, ...]:
        asked.append((check, limit))
        return ()

    assert Vantage(Shared(history=history), "one").earlier(7) == ()
    assert asked == [("one", 7)]
