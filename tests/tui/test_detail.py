"""One check, beside the list and on its page: nothing looks like a pass but a pass that counts."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.cells import cell_len
from textual.app import App

from agent.board import rows
from agent.explanation import NoExplanation
from agent.files.load import load_plan
from agent.ledger.errors import LedgerError
from agent.live import LiveRun
from checks.safe import safe
from checks.words import Finding, Measure, Note, Status
from tests.tui.conftest import SIZES
from tests.tui.office import FAILED, NOW, passed, result, store_run
from tests.tui.screen import check_snapshot, text
from tui.app import Dashboard
from tui.screens.detail import DetailPage
from tui.themes import DEFAULT, THEMES
from tui.widgets.detail import DetailPane
from tui.widgets.paper import Paper, para, plain, wrapped
from tui.widgets.raw import RawText, Sheet

HOSTILE = "\x1b]52;c;eA==\x07[red]x[/] [/] \u202e\x9b31m\x00"


class Bare(App[None]):
    """A pane alone on the screen."""

    def __init__(self, pane: Paper) -> None:
        super().__init__()
        self.pane = pane
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DEFAULT

    def compose(self):
        yield self.pane


def row_of(view, check):
    for verdict in view.picture.verdicts:
        for row in rows(view.picture, verdict):
            if row.id == check:
                return row
    raise AssertionError(check)


def said(pane: Paper) -> str:
    return plain(pane.paras)


def looks_of(pane: Paper) -> set[str]:
    return {look for item in pane.paras for _, look in item.parts}


# The pane


@pytest.mark.parametrize("check", ["line", "loss", "mail", "files", "clock", "printer", "staff", "intranet"])
async def test_nothing_in_the_pane_looks_like_a_pass_but_a_pass_that_counts(dashboard, check):
    view = dashboard.store.view
    row = row_of(view, check)
    pane = DetailPane()
    async with Bare(pane).run_test(size=(60, 30)):
        pane.show_row(view, row)
        assert ("pass" in looks_of(pane)) == (row.standing.value == "pass"), said(pane)
        pane.show_row(replace(view, problems=("The ledger cannot be read.",)), row)
        assert "pass" not in looks_of(pane)
        assert "The ledger cannot be read." in said(pane)


async def test_the_pane_says_what_is_wrong_and_whom_to_call(dashboard):
    view = dashboard.store.view
    pane = DetailPane()
    async with Bare(pane).run_test(size=(60, 40)):
        pane.show_row(view, row_of(view, "mail"))
        text = said(pane)
        for word in ("!! FAIL", "mail", "192.0.2.25", "192.0.2.20", "Correct the records", "RFC 1035",
                     "Swisscom NOC", "+41 800 000 000", "4 min ago", "laptop-7", "enter"):  # fmt: skip
            assert word in text, word
        pane.show_row(view, row_of(view, "intranet"))
        assert "Waits for  files  !! FAIL" in said(pane)
        pane.show_row(view, row_of(view, "staff"))
        assert "never run" in said(pane)
        pane.show_row(view, row_of(view, "printer"))
        assert "old, the gate allows" in said(pane)
        assert "said pass" in said(pane)
        pane.show_row(view, None)
        assert "No check" in said(pane)


async def test_the_same_row_again_paints_nothing(dashboard, monkeypatch):
    view = dashboard.store.view
    pane = DetailPane()
    async with Bare(pane).run_test(size=(60, 10)) as pilot:
        pane.show_row(view, row_of(view, "mail"))
        await pilot.pause()
        pane.scroll_to(y=3, animate=False, immediate=True)
        painted = []
        monkeypatch.setattr(pane, "refresh", lambda *_, **__: painted.append(1))
        for _ in range(5):
            pane.show_row(view, row_of(view, "mail"))
        assert not painted
        assert pane.scroll_offset.y == 3
        monkeypatch.undo()
        pane.show_row(view, row_of(view, "files"))
        await pilot.pause()
        assert pane.scroll_offset.y == 0


@pytest.mark.parametrize("count", [300, 1900], ids=["without a scroll bar", "with one"])
@pytest.mark.parametrize("kind", [Paper, RawText])
async def test_no_character_is_under_the_scroll_bar(kind, count):
    widget = kind()
    async with Bare(widget).run_test(size=(50, 10)) as pilot:
        for char in "yx":  # the second time the scroll bar is there already
            raw = char * count
            widget.put([para(raw)] if kind is Paper else Sheet([raw]))
            await until(pilot, lambda: widget.show_vertical_scrollbar == (count > 300))
        drawn = "".join(widget.render_line(y).text for y in range(widget.virtual_size.height))
        assert drawn.count("x") == count


def test_wrapping_loses_no_character_and_keeps_the_width():
    raws = ["", "one two  three", "x" * 300, "日本" * 40, "e\u0301" * 50, "a\nb\n\nc", HOSTILE, "  led"]
    for raw in raws:
        for width, indent in itertools.product((8, 13, 40), (0, 11)):
            lines = wrapped(para(raw, label="Label", indent=indent), width)
            whole = "".join(piece for line in lines for piece, _ in line[1 if indent else 0 :])
            room = max(8, width - indent) + indent
            assert all(cell_len("".join(piece for piece, _ in line)) <= room for line in lines)
            assert "".join(whole.split()) == "".join(safe(raw, lines=True).split())
            assert not {"\x1b", "\x9b", "\u202e", "\x00"} & set(whole)


# The page


async def until(pilot, true, what="the condition"):
    """Wait until `true()` holds, at most 10 s."""
    for _ in range(500):
        if true():
            return
        await pilot.pause(0.02)
    raise AssertionError(f"{what} did not come true:\n{text(pilot.app)}")


def on_page(app) -> bool:
    return isinstance(app.screen, DetailPage) and bool(app.screen.query("#paper"))


def page_text(app) -> str:
    return plain(app.screen.query_one("#paper", Paper).paras)


@asynccontextmanager
async def opened(app, check, neighbours=(), size=(80, 24)):
    """Run the app with the page of `check` on top and its evidence read."""
    async with app.run_test(size=size) as pilot:
        app.open_detail(check, neighbours)
        await until(pilot, lambda: on_page(app))
        await until(pilot, lambda: "Reading the evidence" not in page_text(app), "evidence")
        await until(pilot, lambda: "is being read" not in page_text(app), "explanation")
        yield pilot


async def news(pilot, file, plan, check, *found, run, at=NOW, **changes):
    """Store a new result of `check` and let the dashboard look."""
    store_run(file, plan, run, at, [result(plan, check, at, *found, run=run, **changes)])
    pilot.app.store.refresh(pilot.app._tell)


class Gate:
    """A store's `result` that answers each question only when it is let."""

    def __init__(self, store, monkeypatch):
        self.asked: dict[int, asyncio.Event] = {}
        real = store.result

        async def result(seq):
            await self.asked.setdefault(seq, asyncio.Event()).wait()
            return await real(seq)

        monkeypatch.setattr(store, "result", result)

    def let(self, seq):
        self.asked.setdefault(seq, asyncio.Event()).set()


async def test_evidence_of_an_older_result_never_stands_beside_a_newer_status(
    dashboard, project, monkeypatch
):
    plan = dashboard.store.plan
    async with opened(dashboard, "mail") as pilot:
        assert "asked about mail" in page_text(dashboard)
        gate = Gate(dashboard.store, monkeypatch)
        note = Note(at=NOW, text="the new evidence")
        good = passed("192.0.2.53", "192.0.2.25")
        await news(pilot, project, plan, "mail", good, run="r4", notes=(note,), observation="new")
        await until(pilot, lambda: "OK PASS  mail" in page_text(dashboard))
        assert "asked about mail" not in page_text(dashboard)
        assert "Reading the evidence" in page_text(dashboard)
        await until(pilot, lambda: gate.asked)
        gate.let(*gate.asked)
        await until(pilot, lambda: "the new evidence" in page_text(dashboard))
        assert "asked about mail" not in page_text(dashboard)
        assert "run r4" in page_text(dashboard)


async def test_a_late_answer_about_another_check_is_dropped(dashboard, monkeypatch):
    let = {"mail": asyncio.Event(), "files": asyncio.Event()}
    asked, over = [], []
    real = dashboard.store.story

    async def story(check, **words):
        told = await real(check, **words)
        asked.append(check)
        try:
            await let[check].wait()
        finally:
            over.append(check)
        return told

    monkeypatch.setattr(dashboard.store, "story", story)
    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.open_detail("mail", ("mail", "files"))
        await until(pilot, lambda: asked == ["mail"])
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: asked == ["mail", "files"])
        let["mail"].set()
        await until(pilot, lambda: over == ["mail"])
        await pilot.pause()
        assert "asked about" not in page_text(dashboard)
        let["files"].set()
        await until(pilot, lambda: "asked about files" in page_text(dashboard))


async def test_evidence_is_read_once_for_each_result(dashboard, monkeypatch):
    asked = []
    real = dashboard.store.result

    async def counted(seq):
        asked.append(seq)
        return await real(seq)

    monkeypatch.setattr(dashboard.store, "result", counted)
    async with opened(dashboard, "mail") as pilot:
        for _ in range(5):
            dashboard.store.refresh(dashboard._tell)
            await pilot.pause()
        assert len(asked) == 1


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ("mail", ["!! FAIL  mail", "Expected   192.0.2.25", "Observed   192.0.2.20", "PPF", "first trouble",
                  "CHANGED since it passed", "asked about mail", "Fix ", "Swisscom NOC", "Proves",
                  "18:13:53.000"]),
        ("loss", ["W  WARN", "140 ms", "good to 100 ms", "tolerable to 300 ms", "teams", "18 to 140 ms"]),
        ("clock", ["?? INCONCLUSIVE", "Allow UDP 123"]),
        ("intranet", ["-- BLOCKED", "Waits for  files  !! FAIL"]),
        ("staff", [".. NOT RUN", "never run"]),
        ("printer", ["~  STALE", "said pass", "open after 1 ms"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", SIZES)
async def test_the_page_says_everything_of_the_check(dashboard, check, words, size):
    async with opened(dashboard, check, size=size) as pilot:
        for word in words:
            assert word in page_text(dashboard), (word, page_text(dashboard))
        looks = looks_of(dashboard.screen.query_one("#paper", Paper))
        assert "pass" not in looks
        assert "NO-GO" in text(dashboard).splitlines()[0]
        await pilot.pause()
        if check != "loss":
            check_snapshot(dashboard, f"detail-{check}")


async def test_blocked_leads_to_its_cause_and_back(dashboard):
    async with opened(dashboard, "intranet") as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: dashboard.screen.check == "files")
        assert dashboard.screen.check_action("cause", ()) is None
        await pilot.press("escape")
        await until(pilot, lambda: dashboard.screen.check == "intranet")


async def test_brackets_walk_and_skip_what_left_the_plan(dashboard):
    async with opened(dashboard, "files", ("mail", "gone", "files", "clock")) as pilot:
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: "!! FAIL  mail" in page_text(dashboard))
        assert "check 1 of 3" in text(dashboard)
        await pilot.press("left_square_bracket")
        assert dashboard.screen.check == "mail"
        await pilot.press("right_square_bracket", "right_square_bracket")
        await until(pilot, lambda: "INCONCLUSIVE  clock" in page_text(dashboard))


async def test_a_check_that_left_the_plan_shows_no_old_status(dashboard):
    async with opened(dashboard, "line"):
        assert "OK PASS" in page_text(dashboard)
        picture = dashboard.store.view.picture
        plan = replace(picture.plan, checks=tuple(c for c in picture.plan.checks if c.id != "line"))
        dashboard.screen.hear(replace(dashboard.store.view, picture=replace(picture, plan=plan)))
        assert "PASS" not in page_text(dashboard)
        assert "has no such check" in page_text(dashboard)


async def test_a_problem_takes_the_look_of_a_pass_away(dashboard):
    async with opened(dashboard, "line"):
        paper = dashboard.screen.query_one("#paper", Paper)
        assert "pass" in looks_of(paper)
        dashboard.screen.show(replace(dashboard.store.view, problems=("The project file is broken.",)))
        assert "pass" not in looks_of(paper)
        assert "The project file is broken." in page_text(dashboard)


async def test_rerun_is_followed_until_its_result(dashboard, project, monkeypatch):
    started = []
    monkeypatch.setattr(dashboard.store, "start_run", lambda **words: started.append(words))
    plan = dashboard.store.plan
    async with opened(dashboard, "mail") as pilot:
        await pilot.press("R")
        assert started == [{"only": ["mail"]}]
        await until(pilot, lambda: "was asked for" in text(dashboard))
        run = LiveRun(id="r4", pid=1, started=NOW, selected=("mail",))
        view = dashboard.store.view
        dashboard.screen.show(replace(view, runs=(run,)))
        await until(pilot, lambda: "WAITING for its turn in run r4" in text(dashboard))
        run.running["mail"] = NOW - timedelta(seconds=4.1)
        dashboard.screen.show(replace(view, runs=(run,)))
        await until(pilot, lambda: "RUNNING for 4.1 s" in text(dashboard))
        assert "!! FAIL" in text(dashboard)
        dashboard.screen.show(replace(view, runs=()))
        await until(pilot, lambda: "r4 ended, and no new result" in text(dashboard))
        await news(pilot, project, plan, "mail", passed("192.0.2.53", "192.0.2.25"), run="r4")
        await until(pilot, lambda: "OK PASS" in text(dashboard))
        assert "r4 ended" not in text(dashboard)


async def test_a_run_that_cannot_start_is_said(dashboard, monkeypatch):
    def refuse(**_):
        raise OSError(28, "No space left \x1b[31m[red] on device")

    monkeypatch.setattr(dashboard.store, "start_run", refuse)
    async with opened(dashboard, "mail") as pilot:
        await pilot.press("R")
        await until(pilot, lambda: "cannot be started" in text(dashboard))
        assert "\\x1b[31m" in text(dashboard)
        monkeypatch.setattr(dashboard.store, "start_run", lambda **_: None)
        await pilot.press("R")
        dashboard.store.failed_start = "The ledger [/] cannot be opened."
        dashboard.screen.show(dashboard.store.view)
        await until(pilot, lambda: "could not start: The ledger [/]" in text(dashboard))


async def test_copy_gives_the_plain_safe_text(dashboard, monkeypatch):
    copied = []
    monkeypatch.setattr(dashboard, "copy_to_clipboard", copied.append)
    async with opened(dashboard, "mail") as pilot:
        await pilot.press("y")
        for word in ("192.0.2.25", "192.0.2.20", "asked about mail", "Correct the records"):
            assert word in copied[0]


async def test_reference_and_evidence_are_shown_and_left_by_escape(dashboard):
    async with opened(dashboard, "mail") as pilot:
        await pilot.press("o")
        await until(pilot, lambda: "REFERENCE" in page_text(dashboard))
        assert "RFC 1035" in page_text(dashboard)
        assert "PARAMETERS" in page_text(dashboard)
        await pilot.press("escape")
        await until(pilot, lambda: "!! FAIL" in page_text(dashboard))
        await pilot.press("e")
        await until(pilot, lambda: '"seen": "mail"' in text(dashboard))
        assert "entry" in text(dashboard)
        await pilot.press("escape")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(dashboard.screen, DetailPage))


async def test_evidence_follows_a_new_result(dashboard, project):
    plan = dashboard.store.plan
    async with opened(dashboard, "mail") as pilot:
        await pilot.press("e")
        await until(pilot, lambda: '"seen": "mail"' in text(dashboard))
        await news(pilot, project, plan, "mail", passed("x", "y"), run="r4", observation="brand new")
        await until(pilot, lambda: "brand new" in text(dashboard))
        assert '"seen": "mail"' not in text(dashboard)


@pytest.mark.parametrize(
    "observation",
    [{"line": "x" * 1_000_000}, {"line": "\u65e5\x1b[31m" * 100_000}, [str(n) for n in range(100_000)]],
    ids=["line of a megabyte", "wide and escapes", "100,000 lines"],
)
async def test_large_evidence_holds_up_nothing(dashboard, project, observation):
    plan = dashboard.store.plan
    async with dashboard.run_test(size=(80, 24)) as pilot:
        await news(pilot, project, plan, "mail", FAILED, run="r4", observation=observation)
        dashboard.open_detail("mail")
        await until(pilot, lambda: on_page(dashboard))
        await until(pilot, lambda: "Reading the evidence" not in page_text(dashboard))
        raw = dashboard.screen.query_one(RawText)
        await pilot.press("e")
        await until(pilot, lambda: len(raw.sheet.lines) > 5, "the sheet")
        begun = time.monotonic()
        await pilot.press("end")
        await until(pilot, lambda: raw.scroll_offset.y > 100, "the end")
        await pilot.pause()
        assert time.monotonic() - begun < 2
        assert "FINDINGS" in text(dashboard)
        await pilot.resize_terminal(140, 40)
        await pilot.pause()
        assert not {"\x1b", "\x9b"} & set(text(dashboard))


def test_a_sheet_shows_every_character_at_any_width():
    lines = ["", "plain", "x" * 205, "日本" * 60, "e\u0301" * 70, "tail"]
    sheet = Sheet(lines)
    for width in (8, 40, 79):
        rows = [sheet.row(number) for number in range(sheet.fit(width))]
        assert "".join(rows) == "".join(lines)
        assert all(cell_len(row) <= width for row in rows)
        assert sheet.row(len(rows)) == ""


def test_a_sheet_is_bounded_and_says_so():
    sheet = Sheet("x" * 1000 for _ in range(5000))
    assert len(sheet.lines) < 2100
    assert "more is in the ledger" in sheet.lines[-1]


async def test_a_module_that_cannot_be_imported_or_hangs_does_not_hold_up_the_page(dashboard, monkeypatch):
    never = threading.Event()

    def hang(kind):
        if kind == "dns.record":
            never.wait(30)
        raise NoExplanation(f"It cannot be loaded: [/]\x1b[31m {kind}")

    monkeypatch.setattr("tui.screens.detail.explanation", hang)
    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.open_detail("mail", ("mail", "files"))
        await until(pilot, lambda: on_page(dashboard))
        await until(pilot, lambda: "asked about mail" in page_text(dashboard))
        assert "is being read" in page_text(dashboard)
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "cannot be loaded: [/]\\x1b[31m network.tcp" in page_text(dashboard))
    never.set()


async def test_hostile_text_from_everywhere_is_harmless(dashboard, project):
    plan = dashboard.store.plan
    found = Finding(
        status=Status.FAIL, subject=HOSTILE, message=HOSTILE, expected=HOSTILE, observed=HOSTILE, fix=HOSTILE,
        reference=HOSTILE, measure=Measure(name=HOSTILE, value=float("1e308"), unit=HOSTILE, source=HOSTILE),
    )  # fmt: skip
    async with dashboard.run_test(size=(80, 40)) as pilot:
        await news(
            pilot, project, plan, "mail", found, run="r4", observation={HOSTILE: HOSTILE * 1000},
            notes=(Note(at=NOW, text=HOSTILE * 10_000),), vantage=HOSTILE,
        )  # fmt: skip
        dashboard.open_detail("mail")
        await until(pilot, lambda: on_page(dashboard))
        await until(pilot, lambda: "EVIDENCE" in page_text(dashboard))
        for key in ("end", "o", "e", "end", "escape"):
            await pilot.press(key)
            await pilot.pause(0.05)
            assert not {"\x1b", "\x9b", "\u202e", "\x00", "\x07"} & set(text(dashboard))


async def test_a_result_that_cannot_be_read_is_said_and_tried_again(dashboard, monkeypatch):
    real = dashboard.store.result
    broken = [True]

    async def result(seq):
        if broken[0]:
            raise LedgerError("The ledger is locked.")
        return await real(seq)

    monkeypatch.setattr(dashboard.store, "result", result)
    async with dashboard.run_test(size=(80, 24)) as pilot:
        dashboard.open_detail("mail")
        await until(pilot, lambda: on_page(dashboard))
        await until(pilot, lambda: "The ledger is locked." in page_text(dashboard))
        assert "!! FAIL" in page_text(dashboard)
        broken[0] = False
        later = NOW + timedelta(seconds=3)
        monkeypatch.setattr(dashboard.store, "now", lambda: later)
        dashboard.screen.show(dashboard.store.view)
        await until(pilot, lambda: "asked about mail" in page_text(dashboard))


async def test_read_only_starts_and_writes_nothing(project):
    app = Dashboard(project, load_plan(project), read_only=True, now=lambda: NOW)
    async with opened(app, "mail"):
        for action in ("rerun", "waive", "attest"):
            assert app.screen.check_action(action, ()) is None
