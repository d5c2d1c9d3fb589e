"""What is remembered is what would be judged now, at any moment and after any change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from agent.ledger import Known
from agent.plan import Gate, GateNeed, Milestone, Plan, PlannedCheck, Project
from agent.records import Decision, Waiver
from agent.standings import Standings
from agent.verdict import Verdict, judge_plan
from checks.words import Status

NOON = datetime(2026, 12, 5, 12, 0, tzinfo=UTC)
NAMES = ("a", "b", "c", "d")
AGES = (1.0, 30.0, 60.0, 90.5, 600.0, 3600.0, 86400.0, 1e9, 1e15)


def a_plan(ages: tuple[float, float, float], digest: str = "d") -> Plan:
    checks = tuple(
        PlannedCheck(
            id=name, type="t", milestone="m0", title="", required=True, params={}, digest=digest, target="",
            place="",
        )
        for name in NAMES
    )  # fmt: skip
    gates = (NAMES, NAMES[:2], NAMES[2:])
    return Plan(
        project=Project(id="p", name="P", timezone="UTC"),
        checks=checks,
        milestones=tuple(
            Milestone(
                id=f"m{number}", title="", after=(f"m{number - 1}",) if number else (),
                gate=Gate(
                    needs=tuple(GateNeed(check=name, required=name != "d") for name in names),
                    max_age_s=age, warnings=number != 1, vantages=("laptop*",) if number == 2 else (),
                ),
            )
            for number, (names, age) in enumerate(zip(gates, ages, strict=True))
        ),
    )  # fmt: skip


def evidence(
    check: str, status: Status, finished: datetime, digest: str = "d", vantage: str = "laptop"
) -> Known:
    return Known(1, check, "t", status, finished, finished, 0.0, 1, digest, "r", vantage, (), True, "m0", "")


def waiver(check: str, at: datetime, expires: datetime, **rest: Any) -> Waiver:
    return Waiver(
        check=check, reason="r", risk="low", author="A", approver="B", expires=expires, at=at, **rest
    )


steps = st.one_of(
    st.floats(-0.01, 0.01), st.floats(-120, 120), st.sampled_from([0.0, 1.0, 5.0, 60.0, *AGES[:7]]),
    st.sampled_from([-5.0, -60.0, -3600.0]), st.floats(-1e9, 1e9),
)  # fmt: skip


class Remembering(RuleBasedStateMachine):
    """Time goes on and back, results, waivers, decisions and plans come; both ways are compared each time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.plan = a_plan((600.0, 60.0, 90.5))
        self.known: dict[str, Known] = {}
        self.waivers: list[Waiver] = []
        self.decisions: list[Decision] = []
        self.standings = Standings()

    @rule(step=steps)
    def time_goes(self, step: float) -> None:
        self.now += timedelta(seconds=step)

    @rule(
        name=st.sampled_from(NAMES),
        place=st.sampled_from([-1, 0, 1]),
        micro=st.integers(-2, 2),
        age=st.sampled_from(AGES[:7]),
    )
    def the_edge_comes(self, name: str, place: int, micro: int, age: float) -> None:
        if name in self.known:
            finished = self.known[name].finished
            edge = (finished + timedelta(seconds=age), finished - timedelta(seconds=5), finished)[place]
            self.now = edge + timedelta(microseconds=micro * 400)

    @rule(
        name=st.sampled_from(NAMES), status=st.sampled_from(Status), ago=steps,
        digest=st.sampled_from(["d", "d", "d", "other"]), vantage=st.sampled_from(["laptop", "phone"]),
    )  # fmt: skip
    def a_result_comes(self, name: str, status: Status, ago: float, digest: str, vantage: str) -> None:
        finished = self.now - timedelta(seconds=ago)
        self.known = {**self.known, name: evidence(name, status, finished, digest, vantage)}

    @rule()
    def all_pass(self) -> None:
        self.known = {name: evidence(name, Status.PASS, self.now) for name in NAMES}

    @rule(name=st.sampled_from(NAMES))
    def a_result_goes(self, name: str) -> None:
        self.known = {key: value for key, value in self.known.items() if key != name}

    @rule(
        name=st.sampled_from(NAMES), ago=steps, lasts=steps, standing=st.sampled_from(["", "fail", "stale"])
    )
    def a_waiver_comes(self, name: str, ago: float, lasts: float, standing: str) -> None:
        at = self.now - timedelta(seconds=ago)
        self.waivers = [*self.waivers, waiver(name, at, at + timedelta(seconds=lasts), standing=standing)]

    @rule(number=st.integers(0, 2), ago=steps, verdict=st.sampled_from(Verdict))
    def a_decision_comes(self, number: int, ago: float, verdict: str) -> None:
        at = self.now - timedelta(seconds=ago)
        said = Decision(milestone=f"m{number}", verdict=verdict, by="A", at=at)
        self.decisions = [*self.decisions, said]

    @rule(ages=st.tuples(*[st.sampled_from(AGES)] * 3), digest=st.sampled_from(["d", "other"]))
    def the_plan_changes(self, ages: tuple[float, float, float], digest: str) -> None:
        self.plan = a_plan(ages, digest)

    @invariant()
    def both_ways_say_the_same(self) -> None:
        how: dict[str, Any] = {"now": self.now, "waivers": self.waivers, "decisions": self.decisions}
        assert judge_plan(self.plan, self.known, stand=self.standings, **how) == judge_plan(
            self.plan, self.known, **how
        )


def test_what_is_remembered_is_what_would_be_judged_now() -> None:
    run_state_machine_as_test(
        Remembering, settings=settings(max_examples=150, stateful_step_count=40, deadline=None)
    )


@given(
    st.sampled_from(AGES[:7]),
    st.sampled_from(AGES[:7]),
    st.lists(st.tuples(st.floats(-10, 90_000), steps), max_size=30),
)
@settings(max_examples=300, deadline=None)
def test_at_any_moments_in_any_order(first: float, second: float, moments: list[tuple[float, float]]) -> None:
    plan = a_plan((first, second, 600.0))
    known = {
        name: evidence(name, Status.PASS, NOON + timedelta(seconds=7 * place))
        for place, name in enumerate(NAMES)
    }
    standings = Standings()
    for base, more in moments:
        now = NOON + timedelta(seconds=base) + timedelta(seconds=more)
        assert judge_plan(plan, known, now=now, stand=standings) == judge_plan(plan, known, now=now)


def test_it_does_remember() -> None:
    plan = a_plan((600.0, 600.0, 600.0))
    known = {name: evidence(name, Status.PASS, NOON) for name in NAMES}
    standings = Standings()
    before = judge_plan(plan, known, now=NOON, stand=standings)
    for second in (1, 2, 400, 599):
        now = NOON + timedelta(seconds=second)
        after = judge_plan(plan, known, now=now, stand=standings)
        assert all(new.standings is old.standings for new, old in zip(after, before, strict=True))
    changed = {**known, "a": evidence("a", Status.FAIL, NOON)}
    after = judge_plan(plan, changed, now=NOON, stand=standings)
    assert after[0].verdict is Verdict.NO_GO
    assert after[0].standings[1] is before[0].standings[1]


def test_years_at_the_end_of_time_break_nothing() -> None:
    plan = a_plan((1e15, 86400.0, 60.0))
    for year in (1, 2026, 9999):
        known = {name: evidence(name, Status.PASS, datetime(year, 6, 1, tzinfo=UTC)) for name in NAMES}
        for other in (2, 2026, 9998):
            now = datetime(other, 6, 1, tzinfo=UTC)
            assert judge_plan(plan, known, now=now, stand=Standings()) == judge_plan(plan, known, now=now)
