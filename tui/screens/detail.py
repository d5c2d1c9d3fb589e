"""One check: expected, observed, findings, evidence, fix, history, and what its type can prove.

What is shown belongs together: evidence and past are those of the very result that the status is of (its
number in the ledger), and until they are read their place says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from agent.board import Row
from agent.explanation import NoExplanation, explanation
from agent.ledger.errors import LedgerError
from agent.report.picture import Told
from agent.story import Story
from agent.watch import View
from checks.docs import TypeDoc
from checks.safe import safe
from checks.words import Result
from tui.aside import aside
from tui.page import Page
from tui.screens import detail_text as text
from tui.screens.detail_run import Asked, run_line
from tui.store import ReadOnly
from tui.text import joined
from tui.widgets.detail import findings, head, muted, seen
from tui.widgets.paper import Paper, Para, para, plain
from tui.widgets.raw import RawText, Sheet

MOST_FINDINGS = 100
MOST_COPIED = 100_000
RETRY_S = 2.0
CHECK, EVIDENCE, REFERENCE = "check", "evidence", "reference"


class DetailPage(Page):
    """See the module's docstring."""

    CSS_PATH: ClassVar[str] = "detail.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "rerun", "Re-run", id="detail.rerun", tooltip="Run this check again"),
        Binding("w", "waive", "Waive", id="detail.waive", tooltip="Accept the risk in writing"),
        Binding("t", "attest", "Attest", id="detail.attest", show=False, tooltip="State what you saw"),
        Binding(
            "enter", "cause", "Cause", id="detail.cause", tooltip="Open the check that this one waits for"
        ),
        Binding("e", "evidence", "Evidence", id="detail.evidence", tooltip="Everything that was observed"),
        Binding("y", "copy", "Copy", id="detail.copy", tooltip="Copy what is shown to the clipboard"),
        Binding(
            "left_square_bracket", "walk(-1)", "Previous", id="detail.previous", tooltip="Previous check"
        ),
        Binding("right_square_bracket", "walk(1)", "Next", id="detail.next", tooltip="Next check"),
        Binding("o", "reference", "Docs", id="detail.reference", show=False, tooltip="The reference text"),
    ]
    help_text = "One check: why it stands as it does, the evidence, its past, and what to do."

    def __init__(self, check: str, neighbours: Sequence[str]) -> None:
        super().__init__()
        self.check = check
        self._neighbours = tuple(neighbours) if check in neighbours else (check,)
        self._mode = CHECK
        self._row: Row | None = None
        self._wanted: tuple[str, int] | None = None
        """Check and number of the result whose evidence is asked for, or shown."""
        self._of: Told | None = None
        """The very result: in a ledger that was exchanged another one may have its number."""
        self._evidence: tuple[Result, Story | None] | None = None
        """Of `_wanted`; None until it is read."""
        self._failed: tuple[str, datetime] | None = None
        self._docs: dict[str, TypeDoc | str] = {}
        self._asked: Asked | None = None
        self._refused = ""
        """Why the last run that was wanted here was not begun."""

    def body(self) -> Iterable[Widget]:
        yield Static(id="now")
        yield Paper(id="paper")
        yield RawText(id="raw")

    def on_mount(self) -> None:
        super().on_mount()
        self._turn(CHECK)

    # Showing

    def show(self, view: View) -> None:
        row = text.row_of(view, self.check, self.dashboard.selected)
        self._row = row
        self._count(view)
        self._ask_for_evidence(row)
        self._ask_for_explanation(row)
        self._show_run(view)
        if self._mode != EVIDENCE:
            self.query_one("#paper", Paper).put(self._paras(view))
        self.refresh_bindings()

    def _paras(self, view: View) -> Iterator[Para]:
        row = self._row
        if row is None:
            yield para((self.check, "bold"))
            if self.check in view.picture.plan.by_id:
                yield para(("No gate looks at this check.", "inconclusive"))
            else:
                yield para(("The project file has no such check any more.", "inconclusive"))
            return
        if self._mode == REFERENCE:
            yield from text.reference(row, self._docs.get(row.planned.type))
            return
        still = self.dashboard.frozen
        yield from head(view, row, still=still)
        yield from text.elsewhere(view, row, still=still)
        if row.told is None:
            yield from self._rest(view, row)
            return
        result, story = self._evidence or (None, None)
        if story is not None:
            yield from text.past(view, story)
        dull = still or muted(view, row)
        yield from findings(row, muted=dull, most=MOST_FINDINGS, everything=True)
        if result is not None and self._wanted is not None:
            yield from text.evidence(view, self._wanted[1], result)
        else:
            failed = self._failed[0] if self._failed is not None else ""
            yield para((failed, "inconclusive") if failed else ("Reading the evidence ...", "dim"))
        if story is not None:
            yield from text.changed(view, story)
            yield from text.values(story)
        yield from self._rest(view, row)

    def _rest(self, view: View, row: Row) -> Iterator[Para]:
        yield from seen(view, row)
        yield from text.explained(self._docs.get(row.planned.type))

    def _count(self, view: View) -> None:
        known = view.picture.plan.by_id
        left = [name for name in self._neighbours if name in known]
        place = f" {left.index(self.check) + 1} of {len(left)}" if self.check in left and left[1:] else ""
        if self.name_of_page != f"check{place}":
            self.name_of_page = f"check{place}"
            self.tick()

    def _show_run(self, view: View) -> None:
        seq = getattr(self._row.told, "seq", 0) if self._row is not None else 0
        self._asked, line = run_line(view, self.check, self._asked, seq=seq, store=self.store)
        if self._refused:
            line = (self._refused, "inconclusive")
        now = self.query_one("#now", Static)
        now.display = bool(line)
        now.update(joined(line) if line else "")

    def _tick(self) -> None:
        if self.stands and self.is_current and not self.dashboard.frozen:
            self._show_run(self.dashboard.view_shown)

    # Reading what belongs to the result

    def _ask_for_evidence(self, row: Row | None) -> None:
        told = row.told if row is not None else None
        seq = getattr(told, "seq", None)
        wanted = (self.check, seq) if seq is not None else None
        now = self.store.now()
        if wanted == self._wanted and told == self._of:
            if self._failed is None or (now - self._failed[1]).total_seconds() < RETRY_S:
                return
        else:
            self._evidence = None
        self._wanted, self._of, self._failed = wanted, told, None
        if wanted is not None:
            self.run_worker(self._read(*wanted, told), group="evidence", exclusive=True)
        else:
            self.workers.cancel_group(self, "evidence")

    async def _read(self, check: str, seq: int, of: Told | None) -> None:
        try:
            result = await self.store.result(seq)
            story = await self.store.story(check, counts=seq)
        except LedgerError as error:
            found, failed = None, str(error)
        except Exception as error:  # noqa: BLE001 - an entry that another version wrote, or that is damaged
            found, failed = None, f"The entry {seq} of the ledger cannot be read: {error!r}"
        else:
            found, failed = (result, story), ""
        if self._of is not of or self._wanted != (check, seq):
            return
        self._evidence = found
        self._failed = (failed, self.store.now()) if failed else None
        self.hear(self.dashboard.view_shown)
        if self._mode == EVIDENCE:
            self._write_evidence()

    def _ask_for_explanation(self, row: Row | None) -> None:
        if row is not None and row.planned.type not in self._docs:
            kind = row.planned.type
            self._docs[kind] = "What the check type says is being read ..."
            self.run_worker(self._explain(kind), group=f"explain {kind}", exclusive=True)

    async def _explain(self, kind: str) -> None:
        try:
            self._docs[kind] = await aside(lambda: explanation(kind))
        except NoExplanation as error:
            self._docs[kind] = str(error)
        self.hear(self.dashboard.view_shown)

    # What is on the page: the check, its evidence in full, the reference

    def _turn(self, mode: str) -> None:
        self._mode = mode
        paper, raw = self.query_one("#paper", Paper), self.query_one("#raw", RawText)
        paper.display, raw.display = mode != EVIDENCE, mode == EVIDENCE
        (raw if mode == EVIDENCE else paper).focus()
        paper.scroll_to(y=0, animate=False, force=True, immediate=True)
        self.hear(self.dashboard.view_shown)

    def _write_evidence(self) -> None:
        raw = self.query_one("#raw", RawText)
        if self._evidence is None or self._wanted is None:
            raw.put(Sheet([self._failed[0] if self._failed is not None else "Reading the evidence ..."]))
            return
        raw.put(Sheet(["Reading the evidence ..."]))
        self.run_worker(self._lay_out(self._wanted, self._evidence[0]), group="sheet", exclusive=True)

    async def _lay_out(self, of: tuple[str, int], result: Result) -> None:
        zone = ZoneInfo(self.store.plan.project.timezone)
        sheet = await aside(lambda: Sheet(text.evidence_lines(of[1], result, zone)))
        if self._wanted == of and self._mode == EVIDENCE:
            self.query_one("#raw", RawText).put(sheet)

    # What a person does

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what cannot be done now."""
        row = self._row
        able = {
            "rerun": row is not None and not self.store.read_only,
            "waive": row is not None and not self.store.read_only and row.standing.value != "pass",
            "attest": row is not None and not self.store.read_only and getattr(row, "attestable", False),
            "cause": self._cause() is not None,
            "evidence": row is not None and row.told is not None,
            "copy": row is not None,
            "walk": len(self._neighbours) > 1,
        }
        if action in able:
            return True if able[action] else None
        return super().check_action(action, parameters)

    def _cause(self) -> str | None:
        told = self._row.told if self._row is not None else None
        cause = told.blocked_by if told is not None else None
        return cause if cause in self.store.plan.by_id else None

    def action_rerun(self) -> None:
        """Run this check again, in a process of its own."""
        seq = getattr(self._row.told, "seq", 0) if self._row is not None else 0
        try:
            self.store.start_run(only=[self.check])
        except (ReadOnly, OSError) as error:
            self._refused = f"The run cannot be started: {error}"
            self.hear(self.dashboard.view_shown)
            return
        self._refused = ""
        self._asked = Asked(check=self.check, seq=seq, at=self.store.now())
        self.hear(self.dashboard.view_shown)

    def action_waive(self) -> None:
        """Ask for a waiver."""
        self.dashboard.ask_waiver(self.check)

    def action_attest(self) -> None:
        """Ask for a statement."""
        self.dashboard.ask_attestation(self.check)

    def action_cause(self) -> None:
        """Open the check that this one waits for."""
        cause = self._cause()
        if cause is not None:
            self.dashboard.open_detail(cause)

    def action_evidence(self) -> None:
        """Show everything that was observed, or the check again."""
        self._turn(CHECK if self._mode == EVIDENCE else EVIDENCE)
        if self._mode == EVIDENCE:
            self._write_evidence()

    def action_reference(self) -> None:
        """Show the reference text, or the check again; nothing is opened outside."""
        self._turn(CHECK if self._mode == REFERENCE else REFERENCE)

    def action_walk(self, step: int) -> None:
        """Show the previous or next check of those in the list that this page was opened from."""
        known = self.store.plan.by_id
        here = self._neighbours.index(self.check)
        ahead = self._neighbours[here + 1 :] if step > 0 else self._neighbours[:here][::-1]
        there = next((name for name in ahead if name in known), None)
        if there is None:
            self._say("There is no other check in this direction.")
            return
        self.check, self._refused = there, ""
        self._turn(CHECK)

    def action_copy(self) -> None:
        """Copy what is shown, as harmless text."""
        if self._mode == EVIDENCE:
            copied = "\n".join(self.query_one("#raw", RawText).sheet.lines)
        else:
            copied = plain(self.query_one("#paper", Paper).paras)
        self.dashboard.copy_to_clipboard(copied[:MOST_COPIED])
        cut = f" (the first {MOST_COPIED} characters)" if len(copied) > MOST_COPIED else ""
        self._say(f"Copied to the clipboard{cut}, if this terminal allows it.")

    def action_back(self) -> None:
        """Show the check again, or go back."""
        if self._mode != CHECK:
            self._turn(CHECK)
        else:
            super().action_back()

    def _say(self, sentence: str) -> None:
        self.notify(safe(sentence), markup=False)
