"""What a person reads: said by tables of pictures, at every width, with and without colour."""

from __future__ import annotations

import re

import pytest

from agent.report.style import SIGNS, Style
from agent.report.text import report
from checks.words import Status
from tests.agent.report.pictures import WAIVER, finding, picture, plan, planned, result

HOSTILE = "\x1b]0;owned\x07\u202eevil\r\n"


def said(*args, width=80, everything=False, **rest) -> str:
    return report(picture(*args, **rest), Style(width=width), everything=everything)


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_go_says_how_long_it_holds() -> None:
    text = said(plan(planned("web"), max_age_s=4 * 3600), result("web", Status.PASS))
    assert text.splitlines()[:2] == [
        "Office move - Contoso",
        "cutover Sat 5 Dec 2026 22:30 CET (in 1 d 4 h)",
    ]
    assert "GO         Ready to move in\n" in text
    assert "1 of 1 required checks pass" in text
    assert "holds until Fri 4 Dec 2026 21:59 CET (in 3 h 59 min): run it again before it is due" in words(
        text
    )
    assert text.endswith("GO  1 check: 1 pass, 1 left out by the project\n")


@pytest.mark.parametrize(("max_age_s", "ends"), [(172_800, "(in 1 d 23 h)"), (1e300, None)])
def test_a_go_that_lasts_says_no_more_than_that(max_age_s: float, ends: str | None) -> None:
    text = words(said(plan(planned("web"), max_age_s=max_age_s), result("web", Status.PASS)))
    assert "run it again" not in text
    assert (ends in text) if ends else ("holds until" not in text)


def test_a_go_with_a_waiver_holds_as_long_as_the_waiver() -> None:
    text = words(said(plan(planned("web")), result("web", Status.FAIL), waivers=(WAIVER,)))
    assert "GO WITH WAIVERS Ready to move in" in text
    assert "holds until Fri 4 Dec 2026 20:00 CET (in 2 h)" in text
    assert "web: fail, waived until 2026-12-04T19:00:00+00:00 by bob" in text


def test_only_a_go_holds_until() -> None:
    for status in (Status.FAIL, Status.INCONCLUSIVE, Status.BLOCKED):
        assert "holds until" not in said(plan(planned("web")), result("web", status))
    assert "holds until" not in said(plan(planned("web")))


def test_a_successor_names_what_it_comes_after_and_holds_no_longer() -> None:
    text = words(said(plan(planned("web"), second=True), result("web", Status.FAIL)))
    assert "It comes after ready, which is NO-GO." in text
    both = said(plan(planned("web"), second=True, max_age_s=3600), result("web", Status.PASS))
    assert len(re.findall("holds until Fri 4 Dec 2026 18:59 CET", words(both))) == 2


def test_a_failure_says_claim_findings_fix_what_it_blocks_and_whom_to_call() -> None:
    made = plan(planned("web"), *(planned(f"app{i:02}") for i in range(40)))
    bad = finding(Status.FAIL, "It refuses.", expected="open", observed="refused", fix="Start it.")
    good = finding(Status.PASS, "Another address is well.")
    blocked = (result(f"app{i:02}", Status.BLOCKED, blocked_by="web") for i in range(40))
    text = said(made, result("web", Status.FAIL, good, bad), *blocked)
    assert words(text).count("!! FAIL") == 1
    block = words(text.partition("!! FAIL")[2])
    for part in (
        "web web.example:443 claim web takes connections peer: It refuses. expected open observed refused",
        "fix Start it. blocks app00, app01,", "and 28 more call Lakeside Telecom, +41 00 1, contract 4711",
        "NO-GO 41 checks: 1 fail, 40 blocked",
    ):  # fmt: skip
        assert part in block
    assert "Another address" not in text
    assert "40 blocked" in words(text.partition("!! FAIL")[0])


def test_what_is_to_be_done_for_several_findings_is_said_once() -> None:
    one, two = (finding(Status.FAIL, f"{name} is closed.", fix="Open it.") for name in ("A", "B"))
    other = finding(Status.INCONCLUSIVE, "C says nothing.", fix="Ask it.")
    text = words(said(plan(planned("web")), result("web", Status.FAIL, other, one, two)))
    assert "A is closed. peer: B is closed. fix Open it." in text
    assert "fix Open it. (inconclusive) peer: C says nothing. fix Ask it." in text


def test_the_worst_comes_first_and_required_before_advisory() -> None:
    made = plan(planned("w"), planned("i"), planned("f", required=False), planned("g"))
    text = said(
        made, result("w", Status.WARN), result("i", Status.INCONCLUSIVE),
        result("f", Status.FAIL), result("g", Status.FAIL),
    )  # fmt: skip
    heads = re.findall(r"^(?:!! FAIL|\?\? INCONCLUSIVE|W  WARN)  (\w)", text, re.MULTILINE)
    assert heads == ["g", "f", "i", "w"]
    assert "f.example:443  (advisory)" in text
    assert text.count("(advisory)") == 1


def test_blocked_without_a_cause_shown_is_a_group() -> None:
    made = plan(planned("a"), planned("b"))
    told = (result("a", Status.BLOCKED, blocked_by="vantage"), result("b", Status.BLOCKED, blocked_by="gone"))
    text = said(made, *told)
    assert "-- BLOCKED  1 blocked: this laptop has no link\n         a\n" in text
    assert "-- BLOCKED  1 blocked: gone did not pass\n         b\n" in text


def test_stale_results_say_why_and_read_as_nothing_else() -> None:
    made = plan(planned("old"), planned("older"), planned("changed"), max_age_s=3600)
    text = said(
        made, result("old", Status.PASS, age_s=7200), result("older", Status.PASS, age_s=7200),
        result("changed", Status.PASS, digest="other"),
    )  # fmt: skip
    assert "~  STALE  2 stale: 1 h 59 min old, the gate allows 1 h\n         old, older\n" in text
    assert "~  STALE  1 stale: its definition has changed since it ran\n         changed\n" in text
    assert "INCOMPLETE  3 checks: 3 stale" in text


def test_what_was_not_run_is_named_with_what_the_gate_asks_for() -> None:
    assert ".. NOT RUN  1 not run\n         web\n" in said(plan(planned("web")))
    text = words(said(plan(planned("web"), vantages=("guest-*",)), result("web", Status.PASS)))
    assert "1 not run: only seen from laptop-7; the gate asks for guest-*" in text


def test_a_stopped_run_and_lost_results_are_said() -> None:
    text = said(
        plan(planned("web")), outcome="cancelled", lost={"web": "the disk is full"}, limits=("No clock.",)
    )
    assert "The run was stopped before its end" in text
    assert "1 result could not be stored and cannot count: the disk is full" in words(text)
    assert "this laptop: No clock." in text


def test_everything_lists_what_passed() -> None:
    made = plan(planned("web"))
    told = result("web", Status.PASS, finding(Status.PASS, observed="open after 3 ms"))
    assert "OK PASS" not in said(made, told)
    assert "OK PASS  web  web.example:443  open after 3 ms\n" in said(made, told, everything=True)


@pytest.mark.parametrize("width", [40, 80, 100])
def test_no_line_of_ours_is_longer_than_the_terminal(width: int) -> None:
    long = "words that go on and on " * 12
    made = plan(planned("web", target=long, title=long), planned("old"))
    told = (
        result("web", Status.FAIL, finding(Status.FAIL, long, expected=long, observed=long), target=long),
        result("old", Status.PASS, age_s=10**6),
    )
    text = said(made, *told, width=width, limits=(long,))
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("colour", [True, False])
def test_hostile_text_does_nothing_and_colour_is_never_alone(colour: bool) -> None:
    told = result(
        "web", Status.FAIL, finding(Status.FAIL, HOSTILE, expected=HOSTILE, observed=HOSTILE), target=HOSTILE
    )
    made = plan(planned("web", title=HOSTILE, target=HOSTILE))
    text = report(picture(made, told, limits=(HOSTILE,)), Style(colour=colour))
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert (plain != text) is colour
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", plain)
    assert plain == report(picture(made, told, limits=(HOSTILE,)), Style())


def test_every_standing_has_a_sign_of_its_own() -> None:
    assert len(set(SIGNS.values())) == len(SIGNS)
    assert all(name.upper() in sign for name, sign in SIGNS.items())
