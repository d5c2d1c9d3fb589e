"""Law 1, tried to be broken: nothing but fresh, allowed, passing evidence of this definition makes a GO."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.plan import Gate, GateNeed, Milestone, Plan, PlannedCheck, Project
from agent.records import Decision, Waiver
from agent.verdict import GOES, Standing, Verdict, judge_plan, overall
from checks.words import Status, span

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


# What people accept


STANDS = {
    Standing.WARN: Seen(Status.WARN),
    Standing.FAIL: Seen(Status.FAIL),
    Standing.INCONCLUSIVE: Seen(Status.INCONCLUSIVE),
    Standing.BLOCKED: Seen(Status.BLOCKED),
    Standing.STALE: Seen(finished=NOW - timedelta(days=9)),
    Standing.NOT_RUN: None,
}
UNPROVEN = {Standing.INCONCLUSIVE, Standing.BLOCKED, Standing.STALE, Standing.NOT_RUN}


@pytest.mark.parametrize("accepted", list(STANDS))
@pytest.mark.parametrize("stands", list(STANDS))
def test_a_waiver_covers_nothing_worse_than_what_was_accepted(accepted: Standing, stands: Standing) -> None:
    def level(standing: Standing) -> int:
        return 3 if standing is Standing.FAIL else 2 if standing in UNPROVEN else 1

    seen = STANDS[stands]
    known = {} if seen is None else {"a": seen}
    strict = plan("a", gate=Gate(needs=(), warnings=False))
    (found,) = judge_plan(strict, known, now=NOW, waivers=[waiver("a", standing=accepted.value)])
    assert found.standings[0].standing is stands
    if level(stands) <= level(accepted):
        assert found.verdict is Verdict.GO_WITH_WAIVERS
    else:
        assert found.verdict in {Verdict.NO_GO, Verdict.INCOMPLETE}
        assert found.standings[0].waiver is None
        assert f"bob accepted {accepted.value}, and {stands.value} is worse" in found.reasons[0]


def test_a_waiver_covers_one_definition_and_those_of_earlier_versions_any() -> None:
    known = {"a": Seen(Status.FAIL)}
    assert verdict(plan("a"), known, waivers=[waiver("a", digest="d")]) is Verdict.GO_WITH_WAIVERS
    (found,) = judge_plan(plan("a"), known, now=NOW, waivers=[waiver("a", digest="e")])
    assert found.verdict is Verdict.NO_GO
    assert found.reasons == ("a: fail; the waiver that bob approved is for another definition of this check",)
    assert verdict(plan("a"), known, waivers=[waiver("a", standing="excellent")]) is Verdict.NO_GO


def test_the_newest_waiver_that_covers_counts_and_a_narrower_one_takes_nothing_back() -> None:
    wide = waiver("a", standing="fail", approver="bob")
    newer = waiver("a", standing="fail", approver="cem")
    narrow = waiver("a", standing="warn", approver="dan")
    over = waiver("a", approver="eve", expires=NOW - timedelta(minutes=1))
    (found,) = judge_plan(plan("a"), {"a": Seen(Status.FAIL)}, now=NOW, waivers=[wide, newer, narrow, over])
    assert found.standings[0].waiver is newer


def test_a_waiver_is_never_on_what_passes() -> None:
    (found,) = judge_plan(plan("a"), {"a": Seen()}, now=NOW, waivers=[waiver("a")])
    assert (found.verdict, found.standings[0].waiver, found.reasons) == (Verdict.GO, None, ())


def signature(**changes: object) -> Decision:
    base = Decision(
        milestone="first", verdict="NO-GO", by="ann", second="bob", decided="GO", at=NOW - timedelta(hours=1)
    )
    return replace(base, **changes)


def second_step(*decisions: Decision, **known: Seen) -> tuple[Verdict, tuple[str, ...]]:
    found = judge_plan(two_steps(), {"b": Seen()} | known, now=NOW, decisions=decisions)[1]
    return found.verdict, found.reasons


def test_a_signed_no_go_stops_what_comes_after_even_where_the_rules_say_go() -> None:
    no = signature(decided="NO-GO", verdict="GO", second="")
    said = (Verdict.INCOMPLETE, ("It comes after first, which ann signed NO-GO.",))
    assert second_step(no, a=Seen()) == said
    assert second_step(replace(no, at=NOW + timedelta(days=1)), a=Seen()) == said
    assert second_step(replace(no, decided="no idea"), a=Seen()) == said
    assert second_step(no, signature(verdict="GO", decided="GO"), a=Seen())[0] is Verdict.GO


def test_go_against_the_rules_is_at_best_go_with_waivers_and_names_both() -> None:
    words = "It comes after first, which ann and bob signed GO against the rules, which said NO-GO."
    assert second_step(signature(), a=Seen(Status.FAIL)) == (Verdict.GO_WITH_WAIVERS, (words,))


@pytest.mark.parametrize(
    "changes",
    [
        {"second": ""}, {"second": "ann"}, {"second": "Ann."}, {"second": "\u200b"}, {"by": ""},
        {"by": " ", "second": "bob"}, {"at": NOW + timedelta(hours=1)}, {"second": "ann@contoso.example"},
        {"verdict": "", "second": ""}, {"verdict": "INCOMPLETE", "second": "ANN"},
    ],
)  # fmt: skip
def test_a_go_against_the_rules_that_does_not_count(changes: dict[str, object]) -> None:
    assert second_step(signature(**changes), a=Seen(Status.FAIL))[0] is Verdict.INCOMPLETE
    no = signature(decided="NO-GO", by="cem", second="")
    told = second_step(no, signature(**changes), a=Seen(Status.FAIL))
    assert told == (Verdict.INCOMPLETE, ("It comes after first, which cem signed NO-GO.",))


def test_what_was_accepted_before_is_carried_on_to_all_that_comes_after() -> None:
    base = two_steps()
    third = replace(base.milestones[1], id="third", after=("second",))
    three = replace(base, milestones=(*base.milestones, third))
    known = {"a": Seen(Status.FAIL), "b": Seen()}
    for rest in ({"waivers": [waiver("a")]}, {"decisions": [signature()]}):
        verdicts = [item.verdict for item in judge_plan(three, known, now=NOW, **rest)]
        assert verdicts[1:] == [Verdict.GO_WITH_WAIVERS, Verdict.GO_WITH_WAIVERS]
    signed = signature(verdict="GO WITH WAIVERS", second="")
    assert second_step(signed, a=Seen(Status.FAIL)) == (
        Verdict.GO_WITH_WAIVERS, ("It comes after first, which ann signed GO WITH WAIVERS.",),
    )  # fmt: skip


def test_a_signature_never_changes_the_milestone_itself() -> None:
    for known in ({}, {"a": Seen(Status.FAIL)}, {"a": Seen()}):
        bare = judge_plan(two_steps(), known, now=NOW)[0]
        for said in (signature(), signature(decided="NO-GO"), signature(verdict="GO")):
            assert judge_plan(two_steps(), known, now=NOW, decisions=[said])[0] == bare


people = st.sampled_from(["", "ann", "Ann.", "bob", "cem"])
moments = st.sampled_from([NOW - timedelta(days=2), NOW - timedelta(hours=1), NOW + timedelta(hours=1)])
waivers = st.builds(
    Waiver, check=st.sampled_from("ab"), reason=st.just("r"), risk=st.just("low"), author=people,
    approver=people, at=moments, expires=moments, ticket=st.just(""),
    standing=st.sampled_from(["", "excellent", *(item.value for item in Standing)]),
    digest=st.sampled_from(["", "d", "e"]),
)  # fmt: skip
decisions = st.builds(
    Decision, milestone=st.sampled_from(["first", "second"]),
    verdict=st.sampled_from(["", *(item.value for item in Verdict)]), by=people, second=people, at=moments,
    decided=st.sampled_from(["", "GO", "NO-GO", "go"]),
)  # fmt: skip
worlds = st.dictionaries(st.sampled_from("ab"), seens)
GOODNESS = [Verdict.NO_GO, Verdict.INCOMPLETE, Verdict.GO_WITH_WAIVERS, Verdict.GO]


@settings(max_examples=500)
@given(known=worlds, accepted=st.lists(waivers, max_size=4), signed=st.lists(decisions, max_size=4))
def test_nothing_that_people_write_makes_plain_go_of_missing_evidence(
    known: dict[str, Seen], accepted: list[Waiver], signed: list[Decision]
) -> None:
    found = judge_plan(two_steps(), known, now=NOW, waivers=accepted, decisions=signed)
    bare = judge_plan(two_steps(), known, now=NOW)
    for item, without in zip(found, bare, strict=True):
        own = [need.check for need in item.milestone.gate.needs]
        if item.verdict is Verdict.GO:
            assert all(known[name].digest == "d" and known[name].status in ("pass", "warn") for name in own)
            plainly = any(said.milestone == "first" and said.verdict == "GO" for said in signed)
            assert without.verdict is Verdict.GO or (item.milestone.id == "second" and plainly)
        assert (item.reasons == ()) is (item.verdict is Verdict.GO)


@settings(max_examples=500)
@given(
    known=worlds, accepted=st.lists(waivers, max_size=4), more=waivers, signed=st.lists(decisions, max_size=3)
)
def test_one_more_waiver_never_makes_a_verdict_worse(
    known: dict[str, Seen], accepted: list[Waiver], more: Waiver, signed: list[Decision]
) -> None:
    without = judge_plan(two_steps(), known, now=NOW, waivers=accepted, decisions=signed)
    with_it = judge_plan(two_steps(), known, now=NOW, waivers=[*accepted, more], decisions=signed)
    for before, after in zip(without, with_it, strict=True):
        assert GOODNESS.index(after.verdict) >= GOODNESS.index(before.verdict)
        assert [item.standing for item in before.standings] == [item.standing for item in after.standings]


@settings(max_examples=300)
@given(
    known=worlds, accepted=st.lists(waivers, max_size=3), signed=st.lists(decisions, max_size=3), at=moments
)
def test_a_no_go_that_was_signed_last_lets_nothing_after_it_go(
    known: dict[str, Seen], accepted: list[Waiver], signed: list[Decision], at: datetime
) -> None:
    no = signature(decided="NO-GO", at=at)
    found = judge_plan(two_steps(), known, now=NOW, waivers=accepted, decisions=[*signed, no])[1]
    assert found.verdict not in GOES
    assert any("ann signed NO-GO" in reason for reason in found.reasons)


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
