"""What a person may write down, and what is refused: every way to a waiver or a signature that is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decide import (
    MIN_REASON,
    Refused,
    draft_attestation,
    draft_decision,
    draft_waiver,
    waivable,
    with_decision,
    with_waiver,
)
from agent.filled import substance
from agent.ledger import Known
from agent.plan import Gate, GateNeed, Milestone, Plan, PlannedCheck, Project
from agent.records import Decision, Waiver
from agent.report.picture import paint_picture
from agent.verdict import GOES, Standing, Verdict
from agent.watch import View
from checks.safe import safe
from checks.vantage import Attestation
from checks.words import Status

NOW = datetime(2026, 12, 5, 17, 0, tzinfo=UTC)
REASON = "The carrier mends the line on Monday, and nobody prints before."
CHINESE = (
    "\u8fd0\u8425\u5546\u5c06\u5728\u661f\u671f\u4e00\u4fee\u590d\u7ebf"
    "\u8def\uff0c\u5728\u6b64\u4e4b\u524d\u65e0\u4eba\u6253\u5370\u6587\u4ef6"
)
HEAD = f"12:{'9c' * 32}"


def check(name: str, kind: str = "network.tcp") -> PlannedCheck:
    return PlannedCheck(
        id=name, type=kind, milestone="ready", title=name, required=True, digest=f"d-{name}", target="t",
        params={"statement": "The lines are labelled."} if kind == "manual" else {}, place="p:1",
    )  # fmt: skip


def need(name: str, *, required: bool = True) -> GateNeed:
    return GateNeed(check=name, required=required)


PLAN = Plan(
    project=Project(id="hq-move", name="HQ", timezone="Europe/Zurich"),
    milestones=(
        Milestone(id="ready", title="Ready", gate=Gate(needs=(need("web"), need("mail"), need("slow"),
                                                              need("extra", required=False)))),
        Milestone(id="strict", title="Strict", gate=Gate(needs=(need("mail"), need("labels")),
                                                         max_age_s=60, warnings=False)),
        Milestone(id="moved", title="Moved", after=("ready",), gate=Gate(needs=(need("mail"),))),
    ),
    checks=(check("web"), check("mail"), check("slow"), check("extra"), check("labels", "manual")),
)  # fmt: skip


def known(name: str, status: Status = Status.PASS, *, age_s: float = 30, digest: str = "") -> Known:
    started = NOW - timedelta(seconds=age_s)
    return Known(
        seq=1, check=name, type="network.tcp", status=status, started=started, finished=started,
        duration_s=0.0, attempts=1, digest=digest or f"d-{name}", run="r", vantage_name="laptop",
        vantage_addresses=(), required=True, milestone="ready", target="t",
    )  # fmt: skip


USUAL = (
    known("web", Status.FAIL), known("mail"), known("slow", Status.WARN), known("extra", Status.FAIL),
    known("labels"),
)  # fmt: skip


def view(
    *results: Known,
    waivers: tuple[Waiver, ...] = (),
    decisions: tuple[Decision, ...] = (),
    problems: tuple[str, ...] = (),
    now: datetime = NOW,
) -> View:
    by_name = {item.check: item for item in results}
    picture = paint_picture(
        PLAN, by_name, by_name, now=now, run=None, milestones=PLAN.milestones, waivers=waivers,
        decisions=decisions,
    )  # fmt: skip
    return View(picture=picture, runs=(), waivers=waivers, decisions=decisions, problems=problems)


def waive(seen: View | None = None, name: str = "web", **changes: str) -> Waiver:
    said = {
        "reason": REASON, "risk": "low", "author": "Ann Rey", "approver": "Urs Lind",
        "expires": "2026-12-08 18:00", "ticket": "CHG-20417",
    }  # fmt: skip
    return draft_waiver(seen or view(*USUAL), name, **{**said, **changes})


def sign(seen: View | None = None, name: str = "ready", **changes: str) -> Decision:
    said = {
        "decided": "GO", "by": "Ann Rey", "second": "Urs Lind", "note": REASON, "confirmation": "hq-move",
        "head": HEAD,
    }  # fmt: skip
    return draft_decision(seen or view(*USUAL), name, **{**said, **changes})


def attest(name: str = "labels", **changes: Any) -> Attestation:
    said: dict[str, Any] = {"holds": True, "by": "Ann Rey", "now": NOW, "note": "all 12"}
    return draft_attestation(PLAN, name, **{**said, **changes})


def refused(make: Callable[..., object], *args: Any, **changes: Any) -> dict[str, str]:
    with pytest.raises(Refused) as caught:
        make(*args, **changes)
    problems = caught.value.problems
    assert all(sentence[0].isupper() or sentence[0] == "'" for sentence in problems.values())
    assert all(sentence.endswith((".", "?")) for sentence in problems.values())
    assert str(caught.value) == "\n".join(problems.values())
    return problems


def test_a_waiver_records_what_was_seen_and_by_whom() -> None:
    made = waive(author="  Ann   Rey ", reason=f"  {REASON} ")
    assert made == Waiver(
        check="web", reason=REASON, risk="low", author="Ann Rey", approver="Urs Lind", ticket="CHG-20417",
        expires=datetime(2026, 12, 8, 17, 0, tzinfo=UTC), at=NOW, standing="fail", digest="d-web",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-12-06 06:00", datetime(2026, 12, 6, 5, tzinfo=UTC)),
        ("2026-12-06 06:00 CET", datetime(2026, 12, 6, 5, tzinfo=UTC)),
        ("2026-12-06 06:00 cet", datetime(2026, 12, 6, 5, tzinfo=UTC)),
        ("2027-07-01 06:00 CEST", datetime(2027, 7, 1, 4, tzinfo=UTC)),
        ("2026-12-06 06:00 UTC", datetime(2026, 12, 6, 6, tzinfo=UTC)),
        ("2026-12-06T06:00:00Z", datetime(2026, 12, 6, 6, tzinfo=UTC)),
        ("2026-12-06 06:00-05:00", datetime(2026, 12, 6, 11, tzinfo=UTC)),
        (" 2026-12-06 06:00 ", datetime(2026, 12, 6, 5, tzinfo=UTC)),
    ],
)
def test_an_end_is_in_the_zone_of_the_project_unless_it_says_another(written: str, meant: datetime) -> None:
    assert waive(expires=written).expires == meant


BAD_WAIVERS: list[tuple[str, dict[str, str], str]] = [
    ("reason", {"reason": ""}, "at least 20 characters"),
    ("reason", {"reason": "ok"}, "at least 20 characters"),
    ("reason", {"reason": " " * 40}, "at least 20 characters"),
    ("reason", {"reason": "a" * 40}, "at least 20 characters"),
    ("reason", {"reason": "ok ok ok ok ok ok ok ok ok"}, "at least 20 characters"),
    ("reason", {"reason": "asdfasdfasdfasdfasdfasdf"}, "at least 20 characters"),
    ("reason", {"reason": "because because because because"}, "at least 20 characters"),
    ("reason", {"reason": "ok" + "\u200b" * 40}, "at least 20 characters"),
    ("reason", {"reason": "." * 15 + "-" * 15 + "!?" * 10}, "at least 20 characters"),
    ("reason", {"reason": "\x00\x1b\x07" * 20}, "at least 20 characters"),
    ("reason", {"reason": "fine\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"}, "at least 20 characters"),
    ("reason", {"reason": REASON * 100}, "at most 4000"),
    ("risk", {"risk": ""}, "low, medium or high"),
    ("risk", {"risk": "none"}, "low, medium or high"),
    ("risk", {"risk": "LOW"}, "low, medium or high"),
    ("author", {"author": ""}, "Say who accepts the risk."),
    ("author", {"author": " \u00a0\t"}, "Say who accepts the risk."),
    ("author", {"author": "..."}, "names nobody"),
    ("author", {"author": "TODO"}, "names nobody"),
    ("author", {"author": "n/a"}, "names nobody"),
    ("author", {"author": "x"}, "names nobody"),
    ("author", {"author": "12345"}, "names nobody"),
    ("author", {"author": "A" * 101}, "at most 100"),
    ("author", {"author": "Ann\x1b[2J Rey"}, "cannot be seen: Ann\\x1b[2J"),
    ("author", {"author": "Ann\u200b Rey"}, "cannot be seen"),
    ("author", {"author": "Ann\u202e Rey"}, "cannot be seen"),
    ("author", {"author": "Ann\nRey"}, "cannot be seen"),
    ("author", {"author": "Ann \udc80"}, "cannot be seen"),
    ("approver", {"approver": ""}, "Say who approves it."),
    ("approver", {"approver": "Ann Rey"}, "another person"),
    ("approver", {"approver": "ANN  rey"}, "another person"),
    ("approver", {"approver": "\uff21nn Rey"}, "another person"),
    ("approver", {"approver": "\u0410nn Rey"}, "another person"),
    ("approver", {"approver": "Ann Rey."}, "another person"),
    ("approver", {"approver": "Rey, Ann"}, "another person"),
    ("approver", {"approver": "ann.rey@contoso.example"}, "another person"),
    ("approver", {"approver": "Ann"}, "another person"),
    ("approver", {"approver": "\u00c4nn Rey"}, "another person"),
    ("approver", {"approver": "Urs\x00Lind"}, "cannot be seen"),
    ("expires", {"expires": ""}, "until when"),
    ("expires", {"expires": "tomorrow"}, "A time is written like"),
    ("expires", {"expires": "2026-12-06"}, "A time is written like"),
    ("expires", {"expires": "2026-12-05 17:00"}, "is over"),
    ("expires", {"expires": "2026-12-05 18:00"}, "Sat 5 Dec 2026 18:00 CET is over"),
    ("expires", {"expires": "2026-12-05 17:00Z"}, "is over"),
    ("expires", {"expires": "2028-01-11 18:00"}, "at most 400 days"),
    ("expires", {"expires": "2199-12-31 23:59"}, "at most 400 days"),
    ("expires", {"expires": "9999-12-31 23:59"}, "a slip"),
    ("expires", {"expires": "2027-03-28 02:30"}, "skips"),
    ("expires", {"expires": "2027-10-31 02:30"}, "twice"),
    ("expires", {"expires": "2026-12-06 06:00 CEST"}, "is then CET, not CEST"),
    ("expires", {"expires": "2026-12-06 06:00 EST"}, "is then CET, not EST"),
    ("expires", {"expires": "2026-02-30 06:00"}, "is not a time"),
    ("expires", {"expires": "2026-12-06 06:00 \x1b[2J"}, "A time is written like"),
    ("ticket", {"ticket": "T" * 201}, "at most 200"),
    ("ticket", {"ticket": "CHG\x1b]0;x\x07"}, "cannot be seen"),
]


@pytest.mark.parametrize(("field", "changes", "said"), BAD_WAIVERS)
def test_a_waiver_that_is_refused(field: str, changes: dict[str, str], said: str) -> None:
    problems = refused(waive, **changes)
    assert list(problems) == [field]
    assert said in problems[field]
    assert "\x1b" not in problems[field]


@pytest.mark.parametrize(
    ("name", "seen", "said"),
    [
        ("wbe", view(*USUAL), "no check 'wbe': did you mean 'web'?"),
        ("", view(*USUAL), "Name the check."),
        ("zzzzzz", view(*USUAL), "its checks are: web, mail"),
        ("we\x1bb", view(*USUAL), "we\\x1bb"),
        ("mail", view(*USUAL), "The check 'mail' passes: there is nothing to waive."),
        ("slow", view(*USUAL), "warns, and every gate that requires it allows that"),
        ("extra", view(*USUAL), "No gate requires the check 'extra'"),
        ("web", view(*USUAL, problems=("The ledger is locked.",)), "The ledger is locked."),
    ],
)
def test_there_is_nothing_to_waive(name: str, seen: View, said: str) -> None:
    problems = refused(waive, seen, name)
    assert list(problems) == ["check"]
    assert said in problems["check"]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    nothing = dict.fromkeys(("reason", "risk", "author", "approver", "expires"), "")
    assert set(refused(waive, view(*USUAL), "wbe", **nothing, ticket="\x07")) == {*nothing, "check", "ticket"}
    problems = refused(sign, name="raedy", decided="", by="", second=".", confirmation="", head="now")
    assert set(problems) == {"milestone", "decided", "by", "second", "confirmation", "head"}
    assert set(refused(attest, "lables", holds=None, by="", note="n" * 5000)) == {
        "check",
        "holds",
        "by",
        "note",
    }


def test_the_worst_of_all_gates_is_what_is_accepted() -> None:
    old = view(*USUAL[:1], known("mail", Status.FAIL, age_s=120), *USUAL[2:])
    by_gate = {item.milestone.id: item.standings for item in old.picture.verdicts}
    assert by_gate["strict"][0].standing is Standing.STALE
    assert waivable(old, "mail") is Standing.FAIL
    made = waive(old, "mail")
    assert made.standing == "fail"
    assert all(
        item.waiver is made
        for verdict in with_waiver(old, made)
        for item in verdict.standings
        if item.check == "mail"
    )


def test_what_is_waived_already_can_be_accepted_anew() -> None:
    first = waive()
    again = waive(view(*USUAL, waivers=(first,)), expires="2026-12-10 18:00")
    assert again.standing == "fail"
    verdict = with_waiver(view(*USUAL, waivers=(first,)), again)[0]
    assert verdict.standings[0].waiver is again


@pytest.mark.parametrize(
    ("text", "enough"),
    [
        (REASON, True),
        ("GPS antenna swap booked 23 Nov, drift known", True),
        (CHINESE, True),
        ("x" * 19, False),
        ("Mended on Monday ok", False),
        ("Mended on Monday, ok", True),
        ("1234567890 1234567890", False),
    ],
)  # fmt: skip
def test_what_a_reason_weighs(text: str, enough: bool) -> None:
    assert (substance(text) >= MIN_REASON) is enough


@given(st.text(max_size=60))
def test_no_text_weighs_more_than_it_is_long_and_none_breaks_it(text: str) -> None:
    assert substance(text) <= len(text) * 18  # one ligature may stand for 18 letters
    assert substance(" ".join(["ok"] * 500)) < MIN_REASON


BAD_SIGNATURES: list[tuple[str, dict[str, str], str]] = [
    ("decided", {"decided": ""}, "GO or NO-GO"),
    ("decided", {"decided": "go"}, "GO or NO-GO"),
    ("decided", {"decided": "GO WITH WAIVERS"}, "GO or NO-GO"),
    ("decided", {"decided": "INCOMPLETE"}, "GO or NO-GO"),
    ("by", {"by": ""}, "Say who signs."),
    ("by", {"by": "Ann\x07 Rey"}, "cannot be seen"),
    ("by", {"by": "nobody"}, "names nobody"),
    ("second", {"second": ""}, "The rules say NO-GO"),
    ("second", {"second": "  "}, "a second person must sign"),
    ("second", {"second": "ann rey"}, "another person"),
    ("second", {"second": "ann.rey@x.example"}, "another person"),
    ("second", {"second": "\u200b"}, "cannot be seen"),
    ("second", {"second": "--"}, "names nobody"),
    ("second", {"decided": "NO-GO", "second": "Ann Rey"}, "another person"),
    ("note", {"note": ""}, "needs a reason"),
    ("note", {"note": "we must"}, "needs a reason"),
    ("note", {"note": "go go go go go go go go go go"}, "needs a reason"),
    ("note", {"note": REASON * 100}, "at most 4000"),
    ("note", {"note": REASON * 100, "decided": "NO-GO"}, "at most 4000"),
    ("confirmation", {"confirmation": ""}, "Type the project's id to confirm: hq-move."),
    ("confirmation", {"confirmation": "yes"}, "hq-move"),
    ("confirmation", {"confirmation": "HQ-MOVE"}, "hq-move"),
    ("confirmation", {"confirmation": "hq-mov"}, "hq-move"),
    ("confirmation", {"confirmation": "hq-move\u200b"}, "hq-move"),
    ("confirmation", {"decided": "NO-GO", "confirmation": ""}, "hq-move"),
    ("head", {"head": "12"}, "number and hash"),
    ("head", {"head": f"{HEAD}\n"}, "number and hash"),
]


@pytest.mark.parametrize(("field", "changes", "said"), BAD_SIGNATURES)
def test_a_signature_that_is_refused(field: str, changes: dict[str, str], said: str) -> None:
    problems = refused(sign, **changes)
    assert list(problems) == [field]
    assert said in problems[field]


def test_a_milestone_that_is_not_there_or_cannot_be_read_is_not_signed() -> None:
    assert "did you mean 'ready'?" in refused(sign, name="redy")["milestone"]
    unread = view(*USUAL, problems=("The project file cannot be read.",))
    for decided in ("GO", "NO-GO"):
        assert "project file" in refused(sign, unread, decided=decided)["milestone"]


def test_a_signature_records_the_verdict_of_the_rules_and_the_entry_it_is_about() -> None:
    assert sign() == Decision(
        milestone="ready", verdict="NO-GO", by="Ann Rey", at=NOW, note=REASON, decided="GO",
        second="Urs Lind", head=HEAD,
    )  # fmt: skip
    well = view(known("web"), *USUAL[1:])
    plain = sign(well, second="", note="", head="")
    assert (plain.verdict, plain.decided, plain.second, plain.head) == ("GO", "GO", "", "")
    no = sign(well, decided="NO-GO", second="", note="")
    assert (no.verdict, no.decided) == ("GO", "NO-GO")


def test_a_no_go_needs_no_second_person_and_no_reason_whatever_the_rules_say() -> None:
    for seen in (view(*USUAL), view()):
        no = sign(seen, decided="NO-GO", second="", note="")
        assert (no.decided, no.second, no.note) == ("NO-GO", "", "")


def test_a_signed_no_go_is_no_part_of_the_rules_that_the_next_signature_records() -> None:
    well = view(known("web"), *USUAL[1:])
    no = sign(well, decided="NO-GO", second="", note="")
    assert sign(view(known("web"), *USUAL[1:], decisions=(no,)), second="", note="").verdict == "GO"


def test_a_statement_is_kept_with_what_was_stated() -> None:
    photo = ("photo.jpg", "ab" * 32)
    made = attest(by=" Ann  Rey ", note=" all 12\n", attachments=(photo,))
    assert made == Attestation(
        check="labels", holds=True, by="Ann Rey", at=NOW, note="all 12", attachments=(photo,),
        statement="The lines are labelled.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("field", "name", "changes", "said"),
    [
        ("check", "web", {}, "no statement replaces that"),
        ("check", "lables", {}, "did you mean 'labels'?"),
        ("check", "whatever", {}, "its manual checks are: labels."),
        ("check", "", {}, "Name the manual check."),
        ("holds", "labels", {"holds": None}, "Say which it is"),
        ("by", "labels", {"by": " "}, "Say who states it."),
        ("by", "labels", {"by": "Ann\x1b[2J"}, "cannot be seen"),
        ("by", "labels", {"by": "A" * 5000}, "at most"),
        ("note", "labels", {"note": "n" * 4001}, "at most 4000"),
        ("attachments", "labels", {"attachments": (("photo.jpg", "no hash"),)}, "SHA-256"),
        ("attachments", "labels", {"attachments": (("", "ab" * 32),)}, "file name"),
        ("attachments", "labels", {"attachments": (("p" * 300, "ab" * 32),)}, "file name"),
        ("attachments", "labels", {"attachments": (("p", "ab" * 32),) * 51}, "At most 50"),
    ],
)
def test_a_statement_that_is_refused(field: str, name: str, changes: dict[str, Any], said: str) -> None:
    problems = refused(attest, name, **changes)
    assert list(problems) == [field]
    assert said in problems[field]


# Ways that must lead to no GO


def verdicts(seen: View) -> dict[str, Verdict]:
    return {item.milestone.id: item.verdict for item in seen.picture.verdicts}


FRESH = (known("mail"), known("slow"), known("labels"))
STALE = known("web", age_s=10**6)
FAILS = known("web", Status.FAIL)


def accepted_when(*results: Known) -> Waiver:
    return waive(view(*results, *FRESH))


NO_GO_ROADS: list[tuple[str, View]] = [
    ("accepted not run, then it failed", view(FAILS, *FRESH, waivers=(accepted_when(),))),
    ("accepted stale, then it failed", view(FAILS, *FRESH, waivers=(accepted_when(STALE),))),
    (
        "accepted inconclusive, then it failed",
        view(FAILS, *FRESH, waivers=(accepted_when(known("web", Status.INCONCLUSIVE)),)),
    ),
    (
        "accepted, then the definition changed",
        view(known("web", digest="other"), *FRESH, waivers=(replace(accepted_when(FAILS), digest="other"),)),
    ),
    (
        "accepted until then",
        view(FAILS, *FRESH, waivers=(accepted_when(FAILS),), now=NOW + timedelta(days=9)),
    ),
    (
        "accepted by one person twice",
        view(FAILS, *FRESH, waivers=(replace(accepted_when(FAILS), approver="ann rey"),)),
    ),
    (
        "accepted by a clock that was ahead",
        view(FAILS, *FRESH, waivers=(replace(accepted_when(FAILS), at=NOW + timedelta(hours=1)),)),
    ),
    (
        "accepted for another check",
        view(FAILS, *FRESH, waivers=(replace(accepted_when(FAILS), check="mail"),)),
    ),
    ("signed GO by two against the rules", view(FAILS, *FRESH, decisions=(sign(),))),
    ("signed GO by one", view(FAILS, *FRESH, decisions=(replace(sign(), second=""),))),
    ("waived, and the rest is missing", view(FAILS, waivers=(accepted_when(FAILS),))),
    ("signed as if the rules said so", view(FAILS, *FRESH, decisions=(replace(sign(), verdict="GO"),))),
]


@pytest.mark.parametrize(("road", "seen"), NO_GO_ROADS, ids=[road for road, _ in NO_GO_ROADS])
def test_no_road_to_go(road: str, seen: View) -> None:
    assert verdicts(seen)["ready"] not in GOES


def test_the_same_without_the_trick_is_go_with_waivers() -> None:
    assert verdicts(view(FAILS, *FRESH, waivers=(accepted_when(FAILS),)))["ready"] is Verdict.GO_WITH_WAIVERS


@pytest.mark.parametrize(
    "decision",
    [
        replace(sign(), second=""), replace(sign(), second="Ann"), replace(sign(), by=""),
        replace(sign(), at=NOW + timedelta(hours=1)), sign(decided="NO-GO"), replace(sign(), decided="MAYBE"),
    ],
)  # fmt: skip
def test_what_does_not_count_lets_nothing_after_it_go(decision: Decision) -> None:
    seen = view(FAILS, *FRESH)
    after = {item.milestone.id: item for item in with_decision(seen, decision)}
    assert after["moved"].verdict is Verdict.INCOMPLETE


def test_the_previews_are_what_is_so_once_it_is_stored() -> None:
    seen = view(FAILS, *FRESH)
    waiver, decision = accepted_when(FAILS), sign(seen)
    assert with_waiver(seen, waiver) == view(FAILS, *FRESH, waivers=(waiver,)).picture.verdicts
    assert with_decision(seen, decision) == view(FAILS, *FRESH, decisions=(decision,)).picture.verdicts
    words = "It comes after ready, which Ann Rey and Urs Lind signed GO against the rules, which said NO-GO."
    after = with_decision(seen, decision)[2]
    assert (after.verdict, after.reasons) == (Verdict.GO_WITH_WAIVERS, (words,))
    assert verdicts(seen)["moved"] is Verdict.INCOMPLETE


@given(
    reason=st.text(max_size=80), risk=st.sampled_from(["", "low", "LOW"]), author=st.text(max_size=20),
    approver=st.text(max_size=20), expires=st.text(max_size=30), ticket=st.text(max_size=30),
    name=st.one_of(st.text(max_size=10), st.sampled_from(list(PLAN.by_id))),
)  # fmt: skip
def test_whatever_is_typed_it_is_a_record_or_sentences(name: str, **typed: str) -> None:
    problems: dict[str, str] = {}
    try:
        draft_waiver(view(*USUAL), name, **typed)
    except Refused as error:
        problems = error.problems
    assert all(safe(sentence, lines=True) == sentence for sentence in problems.values())
