"""Each job a person has, from beginning to end, by the keyboard alone: what the screen says, what is kept."""

from __future__ import annotations

import re

import pytest

from agent.files.load import load_plan
from agent.running import open_ledger
from tests.tui.conftest import SIZES
from tests.tui.filling import closed, fill, kept, opened, to, type_in, until
from tests.tui.office import NOW
from tests.tui.practice import Port, chain, statement, tcp, write
from tests.tui.screen import looks, text
from tui.app import Dashboard

pytestmark = pytest.mark.parametrize("size", SIZES)

ROW = r"^(?:!!|\?\?|OK|W |~ |\.\.|--) +[A-Z ]+? +{}(?: .*)?$"
REASON = "The old server takes over"
CONFIRM = ("confirmation", "real")
TICK_S = 30.0
"""How long a real run may take to begin and end on a busy machine."""


def words(app):
    """Return what is on the screen as one line."""
    return " ".join(text(app).split())


def title(app):
    return text(app).splitlines()[0]


def row(app, check):
    """Return the line of the list that is about `check`, or nothing."""
    found = re.search(ROW.format(re.escape(check)), text(app), re.MULTILINE)
    return found[0] if found else ""


def rows(app):
    """Return the checks that the list shows, in its order."""
    return re.findall(ROW.format(r"(\S+)"), text(app), re.MULTILINE)


async def home(pilot):
    """Wait until the milestones are there and the list has the keys."""
    await until(pilot, lambda: "MILESTONE" in text(pilot.app) and pilot.app.focused is not None)


async def seen(pilot, *said, seconds=10.0):
    """Wait until the screen says all of it."""
    await until(pilot, lambda: all(one in words(pilot.app) for one in said), seconds=seconds)


async def ran(pilot):
    """From home run the selected milestone, wait for its end, and come back."""
    await pilot.press("r")
    await seen(pilot, "LAST TOOK")
    await pilot.press("enter")
    await seen(pilot, "finished after", seconds=TICK_S)
    await pilot.press("escape")
    await home(pilot)


def runs(file):
    with open_ledger(file, load_plan(file), read_only=True) as ledger:
        return ledger.runs()


def results(file, check):
    """Return the statuses of a check's executions, the newest first."""
    with open_ledger(file, load_plan(file), read_only=True) as ledger:
        return [item.status.value for item in ledger.history(check)]


def real(file):
    return Dashboard(file, load_plan(file))


async def test_find_what_blocks_me(dashboard, size):
    async with dashboard.run_test(size=size) as pilot:
        await home(pilot)
        assert "NO-GO" in title(dashboard)
        await seen(pilot, "WHAT BLOCKS ready: 2 fail", "Call Swisscom NOC +41 800 000 000", "Fix Correct the")
        assert rows(dashboard)[:2] == ["mail", "files"]
        assert re.search(r"192\.0\.2\.25.*192\.0\.2\.20", row(dashboard, "mail"))
        await pilot.press("n")
        await seen(pilot, "Call Ann Rey ann@contoso.example", "Fix Start the file service")
        await pilot.press("end", "n")
        await seen(pilot, "WHAT BLOCKS moved: 1 not run")
        await pilot.press("N")
        await seen(pilot, "WHAT BLOCKS ready", "It waits for files")
        await pilot.press("/", *"status", "colon", *"fail", "space", *"owner", "colon", *"isp", "enter")
        await until(pilot, lambda: rows(dashboard) == ["mail"])
        await pilot.press("escape")
        await until(pilot, lambda: len(rows(dashboard)) == 6)


async def test_see_why_and_what_it_waits_for(dashboard, size):
    async with dashboard.run_test(size=size) as pilot:
        await home(pilot)
        await pilot.press("end", "enter")
        await seen(pilot, "-- BLOCKED intranet", "waits for files")
        assert "NO-GO" in title(dashboard)
        await pilot.press("enter")
        await seen(pilot, "!! FAIL files", "Expected open", "Observed refused after 12 ms", "Call Ann Rey")
        await seen(pilot, "Fix Start the file service, or correct the port.")
        await seen(pilot, "History PPF", "run r3, entry", "asked about files")
        await pilot.press("e")
        await seen(pilot, '"seen": "files"')
        await pilot.press("escape", "escape")
        await seen(pilot, "-- BLOCKED intranet")
        await pilot.press("left_square_bracket")
        await seen(pilot, ".. NOT RUN way-back")
        await pilot.press("escape")
        await seen(pilot, "WHAT BLOCKS ready", "It waits for files")


async def test_run_it_again_after_it_was_mended(tmp_path, size):
    with Port() as port, Port() as other:
        other.open()
        file = write(tmp_path, tcp("files", port), tcp("web", other))
        app = real(file)
        async with app.run_test(size=size) as pilot:
            await home(pilot)
            await seen(pilot, "Nothing was run yet: press r", "WHAT BLOCKS now: 2 not run")
            assert "INCOMPLETE" in title(app)
            await ran(pilot)
            await seen(pilot, "WHAT BLOCKS now: 1 fail")
            assert "NO-GO" in title(app)
            assert row(app, "files").startswith("!! FAIL")
            port.open()
            await pilot.press("R")
            await seen(pilot, "nothing blocks it", seconds=TICK_S)
            assert row(app, "files") == ""
            assert " GO " in title(app)
            await pilot.press("a")
            await until(pilot, lambda: row(app, "files").startswith("OK PASS"))
        assert [run.selected for run in runs(file)] == [("files",), ("files", "web")]
        assert results(file, "files") == ["pass", "fail"]
        assert results(file, "web") == ["pass"]


async def test_waive_it(tmp_path, size):
    with Port() as port, Port() as other:
        other.open()
        file = write(tmp_path, tcp("files", port), tcp("web", other))
        app = real(file)
        async with app.run_test(size=size) as pilot:
            await home(pilot)
            await ran(pilot)
            await pilot.press("w")
            await opened(pilot)
            await seen(pilot, "now is NO-GO now: 1 fail.")
            await fill(
                pilot,
                [
                    ("reason", REASON), ("risk", "medium"), ("expires", "2099-01-01 06:00"),
                    ("author", "Ann Rey"), ("approver", "Ann Rey"), CONFIRM,
                ],
            )  # fmt: skip
            await pilot.press("ctrl+s")
            await until(pilot, lambda: not app.screen._busy)
            await seen(pilot, "at most 400 days")
            await to(pilot, "expires")
            await pilot.press(*["backspace"] * 20)
            await type_in(pilot, f"{app.store.now().year + 1}-01-02 06:00")
            await pilot.press("ctrl+s")
            await until(pilot, lambda: not app.screen._busy)
            assert app.screen.is_modal, "one person is not two"
            assert kept(file, "waivers") == []
            await to(pilot, "approver")
            await pilot.press(*["backspace"] * 20)
            await type_in(pilot, "Max Lind")
            await seen(pilot, "now is GO WITH WAIVERS with it (NO-GO now).")
            assert "NO-GO" in title(app)
            await pilot.press("ctrl+s")
            await closed(pilot)
            await until(pilot, lambda: "GO WITH WAIVERS" in title(app))
            await pilot.press("a")
            await until(pilot, lambda: row(app, "files").startswith("W  WAIVED"))
            await pilot.press("home", "enter")
            await seen(pilot, "files", "Max Lind")
        [waiver] = kept(file, "waivers")
        assert (waiver.check, waiver.reason, waiver.risk) == ("files", REASON, "medium")
        assert (waiver.author, waiver.approver, waiver.standing) == ("Ann Rey", "Max Lind", "fail")
        assert results(file, "files") == ["fail"], "a waiver changes no result"


async def test_state_what_cannot_be_measured(tmp_path, size):
    file = write(tmp_path, statement("looked"))
    app = real(file)
    async with app.run_test(size=size) as pilot:
        await home(pilot)
        await pilot.press("t")
        await opened(pilot)
        await fill(pilot, [("holds", "yes"), ("by", "Ann Rey"), CONFIRM])
        await pilot.press("ctrl+s")
        await seen(pilot, "R runs this check now")
        await until(pilot, lambda: "CANNOT TELL" not in title(app))  # the ledger is being made
        assert "INCOMPLETE" in title(app), "it counts from the next run on"
        await pilot.press("R")
        await closed(pilot)
        await seen(pilot, "nothing blocks it", seconds=TICK_S)
        assert " GO " in title(app)
    said = kept(file, "attestations")["looked"]
    assert (said.holds, said.by, said.statement) == (True, "Ann Rey", "Somebody looked at it")
    assert results(file, "looked") == ["pass"]


async def test_compare_with_yesterday_and_with_a_name_given_to_it(dashboard, project, size):
    async with dashboard.run_test(size=size) as pilot:
        await home(pilot)
        await pilot.press("d")
        await seen(pilot, "now the newest results", "d compares r2 with now")
        await pilot.press("d")
        await seen(pilot, "Before run r2, Fri 4 Dec 2026 18:17 CET", "After now", "3 regression")
        changes = re.findall(r"^ (\S\S) (\w+) +(\S+) ", text(dashboard), re.MULTILINE)
        kinds = [kind for _, kind, _ in changes if kind in ("regression", "unproven", "new")]
        assert kinds == ["regression"] * 3 + ["unproven"] * 2 + ["new"] * 2 + kinds[7:]
        await pilot.press("n")
        await seen(pilot, "Before OK PASS 192.0.2.25", "After !! FAIL 192.0.2.20")
        await pilot.press("enter")
        await seen(pilot, "!! FAIL mail", "RFC 1035")
        await pilot.press("escape", "escape")
        await seen(pilot, "d compares r2 with now")
        await pilot.press("end", "B")
        await seen(pilot, "A name for the run r1")
        await fill(pilot, [("name", "handover"), ("by", "Ann Rey")])
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not dashboard.screen.is_modal)
        await seen(pilot, "05 Dec 18:17 baseline handover")
        await pilot.press("b")
        await seen(pilot, "Before baseline handover (r1)", "3 regression")
    [baseline] = kept(project, "baselines")
    assert (baseline.name, baseline.run, baseline.by) == ("handover", "r1", "Ann Rey")


async def test_sign_off(dashboard, project, size):
    async with dashboard.run_test(size=size) as pilot:
        await home(pilot)
        await pilot.press("s")
        await opened(pilot)
        await seen(pilot, "Verdict by the rules NO-GO 2 fail", "ledger up to entry")
        await to(pilot, "read-all")
        await pilot.press("enter")
        await seen(pilot, "Not pass in ready", "mail", "files")
        await pilot.press("end")
        await seen(pilot, "says that you have read it all")
        await pilot.press("ctrl+s")
        await seen(pilot, "[x] I have read")
        await fill(pilot, [("decided", "NO-GO"), ("by", "Ann Rey"), ("confirmation", "hq-move")])
        await seen(pilot, "Complete: ctrl+s")
        await pilot.press("ctrl+s")
        await closed(pilot)
        await seen(pilot, "signed NO-GO")
        assert "NO-GO" in title(dashboard)
    [decision] = kept(project, "decisions")
    assert (decision.milestone, decision.decided, decision.verdict) == ("ready", "NO-GO", "NO-GO")
    assert (decision.by, decision.at) == ("Ann Rey", NOW)


async def test_start_the_run_of_a_milestone_and_cancel_it(tmp_path, size):
    with Port() as port:
        port.open()
        file = write(tmp_path, tcp("files", port), chain(90, 0.5, "later"))
        app = real(file)
        async with app.run_test(size=size) as pilot:
            await home(pilot)
            await pilot.press("2")
            await seen(pilot, "WHAT BLOCKS later: 90 not run")
            await pilot.press("r")
            await seen(pilot, "later and what it depends on", "90 -")
            await pilot.press("enter")
            await seen(pilot, "OK PASS step-00", ".. RUNNING step-0", seconds=TICK_S)
            (run,) = app.store.view.runs
            await pilot.press("c")
            await seen(pilot, f"Stop run {run.id}?", "Keep it running")
            await pilot.press("enter")
            await until(pilot, lambda: not app.screen.is_modal)
            await until(pilot, lambda: "OK PASS step-01" in words(app), seconds=TICK_S)
            await pilot.press("c")
            await seen(pilot, "Stop the run")
            await pilot.press("down", "enter")
            await seen(pilot, "was cancelled", seconds=TICK_S)
            await pilot.press("escape")
            await home(pilot)
            assert " GO " not in title(app).replace("NO-GO", "")
            await seen(pilot, "WHAT BLOCKS later:", "not run")
        [kept_run] = runs(file)
        assert (kept_run.id, kept_run.outcome, len(kept_run.selected)) == (run.id, "cancelled", 90)
        assert results(file, "step-00") == ["pass"]
        assert results(file, "step-89") == []
        assert results(file, "files") == []


async def test_whatever_can_be_done_is_found_by_name_and_told_by_help(dashboard, size):
    async with dashboard.run_test(size=size) as pilot:
        await home(pilot)
        await pilot.press("question_mark")
        await seen(pilot, "This page", "Run this milestone", "Re-run", "Accept the risk")
        await pilot.press("escape")
        await home(pilot)
        before = looks(dashboard)
        await pilot.press("ctrl+p")
        await seen(pilot, "Type a few letters")
        await type_in(pilot, "contrast")
        await seen(pilot, "Theme high-contrast")
        await pilot.press("enter")
        await until(pilot, lambda: looks(dashboard).split("a = ")[1] != before.split("a = ")[1])
        assert text(dashboard) == before[: len(text(dashboard))], "a theme changes no word"
        await pilot.press("ctrl+p")
        await type_in(pilot, "sign off moved")
        await pilot.press("enter")
        await opened(pilot)
        await seen(pilot, "Sign off moved", "Verdict by the rules INCOMPLETE")
        await pilot.press("escape")
        await closed(pilot)
    assert kept(dashboard.store.project_file, "decisions") == []
