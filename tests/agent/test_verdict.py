"""Law 1, tried to be broken: nothing but fresh, allowed, passing evidence of this definition makes a GO."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.plan import Gate, GateNeed, Milestone, Plan, PlannedCheck, Project
from agent.records import Decision, Waiver
from agent.verdict import GOES, Standing, Verdict, judge_plan, overall, span
from checks.words import Status

NOW = datetime(2026, 12, 5, 20, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    status: Status = Status.PASS
    finished: datetime = NOW - timedelta(minutes=1)
    digest: str = "d"
    vantage_name: str = "laptop-1"
    vantage_addresses: tuple[str, ...] = ("10.20.3.4",)


def check(name: str) -> PlannedCheck:
    return PlannedCheck(
        id=name, type="network.tcp", milestone="ready", title=name, required=True, params={}, digest="d",
        target="t", place="p:1",
    )  # fmt: skip


def plan(
    *names: str, advisory: tuple[str, ...] = (), gate: Gate | None = None, after: tuple[str, ...] = ()
) -> Plan:
    needs = tuple(GateNeed(check=n, required=True) for n in names)
    needs += tuple(GateNeed(check=n, required=False) for n in advisory)
    ready = Milestone(
        id="ready", title="Ready", after=after, gate=replace(gate or Gate(needs=()), needs=needs)
    )
    return Plan(
        project=Project(id="p", name="P", timezone="UTC"),
        milestones=(ready,),
        checks=tuple(check(n) for n in (*names, *advisory)),
    )


def waiver(name: str, **changes: object) -> Waiver:
    base = Waiver(
        check=name, reason="r", risk="low", author="ann", approver="bob", at=NOW - timedelta(hours=1),
        expires=NOW + timedelta(hours=1),
    )  # fmt: skip
    return replace(base, **changes)


def verdict(the_plan: Plan, known: dict[str, Seen], **rest: object) -> Verdict:
    return judge_plan(the_plan, known, now=NOW, **rest)[0].verdict


def test_all_required_passing_is_go() -> None:
    assert verdict(plan("a", "b"), {"a": Seen(), "b": Seen(Status.WARN)}) is Verdict.GO


@pytest.mark.parametrize(
    ("seen", "expected", "standing"),
    [
        (None, Verdict.INCOMPLETE, Standing.NOT_RUN),
        (Seen(Status.FAIL), Verdict.NO_GO, Standing.FAIL),
        (Seen(Status.INCONCLUSIVE), Verdict.INCOMPLETE, Standing.INCONCLUSIVE),
        (Seen(Status.BLOCKED), Verdict.INCOMPLETE, Standing.BLOCKED),
        (Seen(finished=NOW - timedelta(hours=25)), Verdict.INCOMPLETE, Standing.STALE),
        (Seen(finished=NOW + timedelta(minutes=1)), Verdict.INCOMPLETE, Standing.STALE),
        (Seen(digest="other"), Verdict.INCOMPLETE, Standing.STALE),
    ],
)
def test_one_bad_apple(seen: Seen | None, expected: Verdict, standing: Standing) -> None:
    known = {"a": Seen()} | ({"b": seen} if seen else {})
    result = judge_plan(plan("a", "b"), known, now=NOW)[0]
    assert result.verdict is expected
    assert result.standings[1].standing is standing
    assert any(reason.startswith("b:") for reason in result.reasons)


def test_a_stale_fail_is_not_a_fail_any_more_but_no_go_either() -> None:
    old = Seen(Status.FAIL, finished=NOW - timedelta(days=3))
    assert verdict(plan("a"), {"a": old}) is Verdict.INCOMPLETE


def test_a_gate_without_requirements_is_never_go() -> None:
    assert verdict(plan(), {}) is Verdict.INCOMPLETE
    assert verdict(plan(advisory=("a",)), {"a": Seen()}) is Verdict.INCOMPLETE


def test_advisory_checks_never_change_the_verdict() -> None:
    assert verdict(plan("a", advisory=("b",)), {"a": Seen(), "b": Seen(Status.FAIL)}) is Verdict.GO


def test_warnings_can_be_disallowed() -> None:
    strict = plan("a", gate=Gate(needs=(), warnings=False))
    assert verdict(strict, {"a": Seen(Status.WARN)}) is Verdict.NO_GO


@pytest.mark.parametrize(
    ("vantages", "expected"),
    [
        (("laptop-*",), Verdict.GO),
        (("LAPTOP-1",), Verdict.GO),
        (("10.20.0.0/16",), Verdict.GO),
        (("office-agent", "10.20.3.0/24"), Verdict.GO),
        (("office-agent",), Verdict.INCOMPLETE),
        (("10.21.0.0/16",), Verdict.INCOMPLETE),
    ],
)
def test_the_gate_names_the_vantages(vantages: tuple[str, ...], expected: Verdict) -> None:
    assert verdict(plan("a", gate=Gate(needs=(), vantages=vantages)), {"a": Seen()}) is expected


def test_a_waiver_covers_but_never_hides() -> None:
    result = judge_plan(plan("a"), {"a": Seen(Status.FAIL)}, now=NOW, waivers=[waiver("a")])[0]
    assert result.verdict is Verdict.GO_WITH_WAIVERS
    assert result.standings[0].standing is Standing.FAIL
    assert "waived until" in result.reasons[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"expires": NOW - timedelta(seconds=1)},
        {"expires": NOW},
        {"approver": "ann"},
        {"approver": " ANN "},
        {"approver": ""},
        {"at": NOW + timedelta(hours=1), "expires": NOW + timedelta(hours=2)},
        {"check": "b"},
    ],
)
def test_a_waiver_that_is_not_in_force_covers_nothing(changes: dict[str, object]) -> None:
    assert verdict(plan("a"), {"a": Seen(Status.FAIL)}, waivers=[waiver("a", **changes)]) is Verdict.NO_GO


def two_steps() -> Plan:
    base = plan("a")
    first = replace(base.milestones[0], id="first")
    second = Milestone(
        id="second", title="2", after=("first",), gate=Gate(needs=(GateNeed(check="b", required=True),))
    )
    return replace(base, milestones=(first, second), checks=(check("a"), check("b")))


def test_a_milestone_waits_for_its_predecessor() -> None:
    known = {"a": Seen(Status.INCONCLUSIVE), "b": Seen()}
    assert judge_plan(two_steps(), known, now=NOW)[1].verdict is Verdict.INCOMPLETE
    signed = Decision(milestone="first", verdict="GO", by="ann", at=NOW)
    assert judge_plan(two_steps(), known, now=NOW, decisions=[signed])[1].verdict is Verdict.GO
    refused = replace(signed, verdict="NO-GO")
    assert judge_plan(two_steps(), known, now=NOW, decisions=[refused])[1].verdict is Verdict.INCOMPLETE


def test_predecessors_in_a_circle_are_not_proven() -> None:
    loop = two_steps()
    first = replace(loop.milestones[0], after=("second",))
    circle = replace(loop, milestones=(first, loop.milestones[1]))
    assert {v.verdict for v in judge_plan(circle, {"a": Seen(), "b": Seen()}, now=NOW)} == {
        Verdict.INCOMPLETE
    }


def test_a_predecessor_that_does_not_exist_is_not_proven() -> None:
    assert verdict(plan("a", after=("ghost",)), {"a": Seen()}) is Verdict.INCOMPLETE


times = st.integers(-200_000, 200_000).map(lambda s: NOW + timedelta(seconds=s))
seens = st.builds(
    Seen, status=st.sampled_from(Status), finished=times, digest=st.sampled_from(["d", "e"]),
    vantage_name=st.sampled_from(["laptop-1", "home"]), vantage_addresses=st.just(()),
)  # fmt: skip
gates = st.builds(
    Gate, needs=st.just(()), max_age_s=st.floats(1, 100_000), warnings=st.booleans(),
    vantages=st.sampled_from([(), ("laptop-*",)]),
)  # fmt: skip


@given(
    known=st.dictionaries(st.sampled_from("abcd"), seens), gate=gates,
    required=st.sets(st.sampled_from("abcd")), waived=st.sets(st.sampled_from("abcd")),
)  # fmt: skip
def test_go_only_for_proof(known: dict[str, Seen], gate: Gate, required: set[str], waived: set[str]) -> None:
    the_plan = plan(*sorted(required), advisory=tuple(sorted(set("abcd") - required)), gate=gate)
    result = judge_plan(the_plan, known, now=NOW, waivers=[waiver(name) for name in waived])[0]

    def proven(name: str) -> bool:
        seen = known.get(name)
        return (
            seen is not None
            and (seen.status is Status.PASS or (seen.status is Status.WARN and gate.warnings))
            and seen.digest == "d"
            and timedelta(seconds=-5) <= NOW - seen.finished <= timedelta(seconds=gate.max_age_s)
            and (not gate.vantages or seen.vantage_name.startswith("laptop-"))
        )

    if result.verdict is Verdict.GO:
        assert required
        assert all(proven(name) for name in required)
    if result.verdict in GOES:
        assert all(proven(name) or name in waived for name in required)
    if required and all(proven(name) for name in required):
        assert result.verdict is Verdict.GO


@given(known=st.dictionaries(st.sampled_from("abcd"), seens), gone=st.sampled_from("abcd"), gate=gates)
def test_losing_evidence_never_helps(known: dict[str, Seen], gone: str, gate: Gate) -> None:
    the_plan = plan(*"abcd", gate=gate)
    before = judge_plan(the_plan, known, now=NOW)[0].verdict
    after = judge_plan(the_plan, {n: s for n, s in known.items() if n != gone}, now=NOW)[0].verdict
    assert after not in GOES or before in GOES


def test_overall_is_the_worst_and_of_nothing_incomplete() -> None:
    assert overall([]) is Verdict.INCOMPLETE
    assert overall([Verdict.GO, Verdict.INCOMPLETE]) is Verdict.INCOMPLETE
    assert overall(Verdict) is Verdict.NO_GO


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.5, "0.5 s"), (59.96, "60 s"), (61, "1 min"), (3 * 86400 + 4 * 3600 + 5, "3 d 4 h")],
)
def test_span(seconds: float, text: str) -> None:
    assert span(seconds) == text
