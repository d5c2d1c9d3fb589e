"""What is told of waivers and signatures: those that count, and those that somebody counts on in vain."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agent.records import Decision, Waiver
from agent.report import accepted
from agent.report.accepted import Became
from agent.report.as_json import as_json
from agent.report.picture import Picture, paint_picture
from agent.report.style import Style
from agent.report.text import report
from checks.words import Result, Status
from tests.agent.report.pictures import NOW, WAIVER, picture, plan, planned, result

OTHER = "the waiver that Urs Lind approved is for another definition of this check"
README = (Path(__file__).parents[3] / "README.md").read_text("utf-8")
HOSTILE = "\x1b]52;c;eA==\x07[/]\u202eevil\x9b2J\x00"
ONE = replace(WAIVER, author="Ann Rey", approver="Urs Lind", standing="fail", digest="d", ticket="CHG-1")
SIGNED = Decision(
    milestone="ready", verdict="NO-GO", decided="GO", by="Ann Rey", second="Urs Lind", note="We must.",
    at=NOW - timedelta(hours=1), head="12:9c",
)  # fmt: skip


def seen(*waivers: Waiver, status: Status = Status.FAIL, due: bool = False, **gate: object) -> Picture:
    made = plan(planned("web"), **({} if due else {"due": None}), **gate)
    return picture(made, result("web", status), waivers=waivers)


def signed(*decisions: Decision, status: Status = Status.FAIL) -> Picture:
    made = plan(planned("web"), second=True)
    found: dict[str, Result] = {"web": result("web", status)}
    base = picture(made, *found.values())
    return paint_picture(
        made, {}, found, now=NOW, run=base.run, milestones=made.milestones, decisions=decisions
    )


def text(of: Picture, width: int = 80) -> str:
    return " ".join(report(of, Style(width=width)).split())


def became(*waivers: Waiver, **rest: object) -> list[tuple[Became, str]]:
    return [(told.became, told.why) for told in accepted.waivers(seen(*waivers, **rest))]


def test_a_waiver_that_covers_is_told_with_who_why_risk_ticket_and_end() -> None:
    said = text(seen(replace(ONE, expires=NOW + timedelta(days=3))))
    assert "W WAIVED web until Mon 7 Dec 2026 18:00 CET (in 3 d)" in said
    assert "accepted fail, at low risk by Ann Rey, approved by Urs Lind reason mended on Monday" in said
    assert "ticket CHG-1" in said
    assert "ends soon" not in said


@pytest.mark.parametrize("hours", [1, 23.9])
def test_one_that_ends_within_a_day_is_said_to(hours: float) -> None:
    assert "it ends soon" in text(seen(replace(ONE, expires=NOW + timedelta(hours=hours))))


def test_one_that_ends_before_the_gate_is_due_is_said_to() -> None:
    late = replace(ONE, expires=NOW + timedelta(hours=28))
    assert "it ends soon" in text(seen(late, due=True))
    assert "it ends soon" not in text(seen(late))


def test_one_that_is_over_is_said_while_the_check_does_not_pass() -> None:
    over = replace(ONE, expires=NOW - timedelta(hours=3))
    assert became(over) == [(Became.OVER, "")]
    assert "~ WAIVER OVER web ended Fri 4 Dec 2026 15:00 CET (3 h ago)" in text(seen(over))
    assert "WAIVER" not in text(seen(over, status=Status.PASS))
    assert seen(over).verdict == "NO-GO"


def test_the_moment_of_the_end_is_over_for_the_verdict_and_for_the_reader() -> None:
    for seconds in (0, 4, 5):
        at_the_end = replace(ONE, expires=NOW + timedelta(seconds=seconds))
        assert became(at_the_end) == [(Became.OVER, "")]
        assert seen(at_the_end).verdict == "NO-GO"


@pytest.mark.parametrize(
    ("changes", "is_now", "why"),
    [
        ({"standing": "stale"}, Became.NOT_COVERING, "Urs Lind accepted stale, and fail is worse"),
        ({"digest": "e"}, Became.NOT_COVERING, OTHER),
        ({"approver": "ann rey"}, Became.VOID, "author and approver may be one person"),
        ({"at": NOW + timedelta(hours=1)}, Became.VOID, "it is dated in the future: the clock was moved"),
    ],
)  # fmt: skip
def test_one_that_somebody_counts_on_in_vain_is_told_with_the_reason(
    changes: dict[str, object], is_now: Became, why: str
) -> None:
    void = replace(ONE, **changes)
    assert became(void) == [(is_now, why)]
    said = text(seen(void))
    assert f"but {why}" in said
    assert "W WAIVED" not in said
    assert seen(void).verdict == "NO-GO"


def test_one_that_is_replaced_or_not_needed_is_left_to_the_json() -> None:
    newer = replace(ONE, expires=NOW + timedelta(days=2))
    old = replace(ONE, expires=NOW - timedelta(hours=1))
    assert [word for word, _ in became(old, ONE, newer)] == [Became.REPLACED, Became.REPLACED, Became.COVERS]
    assert text(seen(old, ONE, newer)).count("WAIVED") == 1
    assert became(ONE, status=Status.PASS) == [(Became.NOT_NEEDED, "")]
    assert "WAIVED" not in text(seen(ONE, status=Status.PASS))


def test_an_older_one_that_covers_is_told_and_not_the_narrow_one_after_it() -> None:
    narrow = replace(ONE, standing="warn", approver="Cem Ak")
    assert [word for word, _ in became(ONE, narrow)] == [Became.COVERS, Became.NOT_NEEDED]


def test_a_waiver_of_a_check_that_is_gone_is_told_until_it_ends() -> None:
    gone = replace(ONE, check="old")
    assert became(gone) == [(Became.GONE, "the project has no such check any more")]
    assert "~ WAIVER OF NOTHING old" in text(seen(gone))
    assert "OF NOTHING" not in text(seen(replace(gone, expires=NOW - timedelta(hours=1))))


def test_nobody_signed_is_said_by_nothing() -> None:
    assert accepted.signed(signed(), "ready") is None
    assert "signed" not in text(signed())


def test_a_signature_is_told_with_the_verdict_then_both_names_time_and_note() -> None:
    said = text(signed(SIGNED))
    assert (
        "signed GO by Ann Rey and Urs Lind on Fri 4 Dec 2026 17:00 CET, against the rules, which said NO-GO"
    ) in said
    assert "note: We must." in said
    assert "It comes after ready, which Ann Rey and Urs Lind signed GO against the rules" in said
    plain = text(signed(replace(SIGNED, verdict="GO", second="", note="")))
    assert "signed GO by Ann Rey on Fri 4 Dec 2026 17:00 CET" in plain
    assert "the rules" not in plain


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"second": ""}, "a GO against the rules needs two people"),
        ({"second": "ann"}, "a GO against the rules needs two people"),
        ({"at": NOW + timedelta(hours=1)}, "it is dated in the future: the clock was moved"),
        ({"by": " ", "verdict": "GO"}, "a GO needs a name"),
    ],
)
def test_a_signature_that_does_not_count_is_not_told_as_if_it_did(
    changes: dict[str, object], why: str
) -> None:
    void = replace(SIGNED, **changes)
    assert f"that signature does not count: {why}" in text(signed(void))
    no = replace(SIGNED, decided="NO-GO", by="Cem Ak", second="")
    said = text(signed(no, void))
    assert f"that signature does not count: {why}; the NO-GO that Cem Ak signed before counts" in said
    told = accepted.signed(signed(no, void), "ready")
    assert told is not None
    assert not told.counts


def test_a_signature_of_an_earlier_version_reads_as_its_verdict() -> None:
    for verdict in ("GO", "NO-GO", "INCOMPLETE"):
        told = accepted.signed(signed(replace(SIGNED, decided="", verdict=verdict, second="")), "ready")
        assert told is not None
        assert (told.decided, told.counts) == (verdict, True)


def test_hostile_text_does_nothing() -> None:
    bad = replace(ONE, reason=HOSTILE, ticket=HOSTILE, author=f"Ann {HOSTILE}", risk=HOSTILE)
    for said in (
        report(seen(bad), Style()),
        report(seen(replace(bad, standing="warn", approver=f"Urs {HOSTILE}")), Style()),
        report(signed(replace(SIGNED, by=HOSTILE, second=f"B {HOSTILE}", note=HOSTILE)), Style()),
    ):
        assert "evil" in said
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x80-\x9f\u202e]", said)


@pytest.mark.parametrize("width", [40, 80])
def test_no_line_is_longer_than_the_terminal(width: int) -> None:
    long = "words that go on " * 20
    said = report(seen(replace(ONE, reason=long, ticket=long)), Style(width=width))
    said += report(signed(replace(SIGNED, note=long)), Style(width=width))
    assert max(map(len, said.splitlines())) <= width


def told_keys(cell: str, begin: str) -> set[str]:
    """Return the keys that the README names between `begin` and the end of that list."""
    return set(re.findall(r"`(\w+)`", re.sub(r"\([^()]*\)", "", cell.partition(begin)[2])))


def test_the_json_has_the_keys_that_the_readme_names() -> None:
    rows = {row.split("`")[1]: row for row in README.splitlines() if row.startswith("| `")}
    data = as_json(signed(SIGNED))
    of_signature = re.search(r"`signed` \(([^()]*)\)", rows["milestones"])
    assert of_signature is not None
    assert set(data["milestones"][0]["signed"]) == set(re.findall(r"`(\w+)`", of_signature[1]))
    (waiver,) = as_json(seen(ONE))["waivers"]
    assert set(waiver) == told_keys(rows["waivers"], "oldest first:")
    assert {f"`{item.value}`" for item in Became} <= set(re.findall(r"`[a-z ]+`", rows["waivers"]))
