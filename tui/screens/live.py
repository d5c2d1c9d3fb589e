"""A run that goes on: progress, failures as they happen, what is in flight; and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar, cast

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from agent.ledger import Known
from agent.ledger.errors import LedgerError
from agent.live import LiveRun, Past, eta_s
from agent.records import RunRecord
from agent.watch import View
from tui.page import Page
from tui.screens import live_text as text
from tui.screens.live_text import Item, State, Told
from tui.store import ReadOnly
from tui.text import joined
from tui.widgets.listing import Listing
from tui.widgets.paper import Part
from tui.widgets.progress import Progress

MOST_KEPT = 9
AGAIN_S = 1.0
MOST_SAID = 400
WIDE = 100
"""Columns from which the list has room for whole names."""


class _Followed:
    """A run that this page has seen, and what it knows of it."""

    def __init__(self) -> None:
        self.live: LiveRun | None = None
        self.record: RunRecord | None = None
        self.results: Mapping[str, Known] = {}
        self.became: Past | None = None
        self.read: dict[str, Known | None] = {}
        """What the ledger had of this run when it was asked."""
        self.asked: datetime | None = None
        self.made: dict[str, Item] = {}

    @property
    def settled(self) -> bool:
        """Return whether nothing more will be heard of it."""
        return self.record is not None and self.became not in (None, "goes on")


class LivePage(Page):
    """See the module's docstring.

    `expecting` are the runs that went on when another was started that is not there yet; None for no such.
    """

    CSS_PATH: ClassVar[str] = "live.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "app.freeze", "Freeze", id="app.freeze", tooltip="Let the page stand still"),
        Binding("f", "failures", "Failures", id="live.failures", tooltip="Failures only, or everything"),
        Binding("c", "cancel", "Cancel run", id="live.cancel", tooltip="Ask, then stop the run"),
        Binding("enter", "detail", "Detail", id="live.detail", tooltip="Open the check under the cursor"),
        Binding("r", "run", "Run", id="live.run", tooltip="Start a run"),
        Binding("tab", "pick_next", "Next run", id="live.next", show=False, tooltip="Another run"),
        *(
            Binding(str(n), f"pick({n})", f"Run {n}", id=f"live.pick_{n}", show=False, tooltip=f"Run {n}")
            for n in range(1, MOST_KEPT + 1)
        ),
    ]
    name_of_page = "live run"
    help_text = "The run that goes on: failures first as they happen, then what is in flight."

    def __init__(self, *, expecting: frozenset[str] | None = None) -> None:
        super().__init__()
        self._followed: dict[str, _Followed] = {}
        self._picked = ""
        self._expected_since: datetime | None = None
        self._expecting = expecting
        self._before: frozenset[str] = expecting or frozenset()
        """Runs that were there already when one was expected."""
        self._failures = False
        self._told: Told | None = None
        self._trouble = ""
        self._reckoned: tuple[tuple[str, datetime], float | None] | None = None

    def body(self) -> Iterable[Widget]:
        yield Static(id="head")
        yield Progress(id="progress")
        yield Static(id="counts")
        yield Static(id="more")
        yield Listing[Item](
            text.columns(wide=False), key=lambda item: item.check, paint=self._paint, id="items"
        )

    def on_mount(self) -> None:
        if self._expecting is not None:
            self.expect(self._expecting)
        super().on_mount()

    def expect(self, before: frozenset[str]) -> None:
        """Wait for a run that was just started and is none of those `before`; show it when it appears."""
        self._before = before
        self._expected_since = self.store.now()
        self._trouble = ""

    def on_resize(self) -> None:
        self.query_one("#items", Listing).lay_out(text.columns(wide=self.app.size.width >= WIDE))

    # Which run

    def show(self, view: View) -> None:
        self._follow(view)
        self._pick(view)
        self._told = self._tell(view)
        self._ask(view)
        self._write(view)

    def _follow(self, view: View) -> None:
        for run in view.runs:
            self._followed.setdefault(run.id, _Followed()).live = run
        newest = view.picture.run
        if not self._followed and newest is not None:
            self._followed[newest.id] = _Followed()
        spare = [name for name, item in self._followed.items() if item.settled and name != self._picked]
        for name in spare[: max(0, len(self._followed) - MOST_KEPT)]:
            del self._followed[name]

    def _pick(self, view: View) -> None:
        alive = [run.id for run in view.runs]
        new = [name for name in alive if name not in self._before]
        if self._expected_since is not None and new:
            self._picked, self._expected_since = new[-1], None
        elif self._expected_since is not None and not self.dashboard.frozen and self.store.all_over:
            self._give_up(view, self._expected_since)
        shown = self._followed.get(self._picked)
        if shown is None or (shown.live is None and alive):  # only ever a summary of the past: news win
            self._picked = alive[-1] if alive else next(reversed(self._followed), "")

    def _give_up(self, view: View, since: datetime) -> None:
        """Expect a run no longer that ended before it was ever seen: show it, or say that there is none."""
        self._expected_since = None
        newest = view.picture.run
        if newest is not None and newest.started >= since:
            self._followed.setdefault(newest.id, _Followed())
            self._picked = newest.id
        elif not self.store.failed_start:
            self._trouble = "The run that was asked for ended before it began."

    def _tell(self, view: View) -> Told | None:
        shown = self._followed.get(self._picked)
        if shown is None:
            return None
        known = cast("Mapping[str, Known]", view.picture.results)
        live = next((run for run in view.runs if run.id == self._picked), None)
        if live is not None:
            return text.of_live(live, known, shown.read, shown.made)
        if shown.record is not None:
            return text.of_record(shown.record, shown.results, shown.became, shown.live)
        if shown.live is not None:
            return text.unheard(text.of_live(shown.live, known, shown.read))
        return None

    # What the ledger has of it

    def _ask(self, view: View) -> None:
        """Read what is not at hand: how a run ended, and results that another one's hide."""
        shown = self._followed.get(self._picked)
        now = self.store.now()
        if shown is None or (shown.asked is not None and (now - shown.asked).total_seconds() < AGAIN_S):
            return
        alive = any(run.id == self._picked for run in view.runs)
        unread = [item.check for item in self._told.items if item.state is State.UNREAD] if self._told else []
        if alive and unread:
            shown.asked = now
            self.run_worker(self._read(self._picked, shown, unread), group="read", exclusive=True)
        elif not alive and not shown.settled:
            shown.asked = now
            self.run_worker(self._read_end(self._picked, shown), group="read", exclusive=True)

    async def _read(self, run: str, shown: _Followed, names: list[str]) -> None:
        try:
            results = await self.store.run_results(run)
        except LedgerError as error:
            self._trouble = str(error)
            return
        shown.read.update((name, results.get(name)) for name in names)
        self.hear(self.dashboard.view_shown)

    async def _read_end(self, run: str, shown: _Followed) -> None:
        try:
            record = await self.store.run(run)
            results = await self.store.run_results(run)
        except LedgerError as error:
            self._trouble = str(error)
            return
        if record is not None:
            shown.record, shown.results = record, results
            shown.became = self.store.view.became(record)
        self.hear(self.dashboard.view_shown)

    # Showing

    def _write(self, view: View) -> None:
        told, now = self._told, self.store.now()
        muted = self.dashboard.frozen or bool(view.problems)
        listing = self.query_one("#items", Listing)
        progress = self.query_one("#progress", Progress)
        listing.lay_out(text.columns(wide=self.app.size.width >= WIDE))
        if told is None:
            self._put("head", [("There was no run yet.", "")])
            self._put("counts", [])
            progress.display = False
            listing.put((), empty="")
        else:
            progress.display = True
            progress.show(told.over, len(told.items))
            eta = self._eta(told, view, now) if told.live is not None else None
            self._put("head", text.summary(told, now, eta))
            self._put("counts", text.counts(told, muted=muted))
            items = told.items
            if self._failures:
                items = tuple(item for item in items if item.state in text.TROUBLE)
            listing.put(items, empty="Nothing has failed so far." if self._failures else "It has no checks.")
        self._put("more", self._more(view, told))
        self.refresh_bindings()

    def _eta(self, told: Told, view: View, now: datetime) -> float | None:
        """Return in how many seconds it ends, reckoned once a second: it costs as much as all the rest."""
        if told.live is None or not told.live.sure:
            return None
        second = (told.id, now.replace(microsecond=0))
        if self._reckoned is None or self._reckoned[0] != second:
            lengths = {name: item.duration_s for name, item in view.picture.results.items()}
            self._reckoned = second, eta_s(told.live, lengths, now)
        return self._reckoned[1]

    def _more(self, view: View, told: Told | None) -> list[Part]:
        """Return what else there is to say, each in a line: problems, verdicts, other runs."""
        lines: list[list[Part]] = []
        if self.store.failed_start:
            why = " ".join(self.store.failed_start[:MOST_SAID].split())
            lines.append([(f"The run could not start: {why}", "inconclusive")])
        elif self._expected_since is not None:
            ago = int((self.store.now() - self._expected_since).total_seconds())
            lines.append(
                [(f".. A run was asked for {ago} s ago; this laptop looks at itself first.", "running")]
            )
        if self._trouble:
            lines.append([(self._trouble[:MOST_SAID], "inconclusive")])
        if told is not None and told.live is None:
            frozen = self.dashboard.frozen_at
            now = frozen or self.store.now()
            lines.append(list(text.verdicts(told, view, now, still=frozen is not None)))
        if not view.runs and self._expected_since is None:
            lines.append([("No run goes on. r starts one.", "dim")])
        if self._failures:
            lines.append([("Failures only: f shows everything.", "bold")])
        if len(self._followed) > 1:
            alive = {run.id for run in view.runs}
            lines.append(list(text.choices([(n, n in alive) for n in self._followed], self._picked)))
        lines += [[(problem[:MOST_SAID], "inconclusive")] for problem in view.problems[:1]]
        parts: list[Part] = []
        for number, line in enumerate(lines):
            parts += [("\n", ""), *line] if number else line
        return parts

    def _put(self, place: str, parts: Iterable[Part]) -> None:
        widget = self.query_one(f"#{place}", Static)
        made = list(parts)
        widget.display = bool(made)
        if made:
            widget.update(joined(*made))

    def _paint(self, item: Item) -> list[tuple[str, str]]:
        view = self.dashboard.view_shown
        listing = self.query_one("#items", Listing)
        return text.cells(
            item, view.picture.plan, self.dashboard.frozen_at or self.store.now(), listing.room(3),
            muted=self.dashboard.frozen or bool(view.problems),
        )  # fmt: skip

    # What a person does

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what cannot be done now."""
        live = self._told.live if self._told is not None else None
        able = {
            "cancel": live is not None and not live.stopping and not self.store.read_only,
            "detail": self._told is not None and self._under_cursor() is not None,
            "run": not self.store.read_only,
            "failures": self._told is not None,
            "pick_next": len(self._followed) > 1,
        }
        if action in able:
            return True if able[action] else None
        return super().check_action(action, parameters)

    def _under_cursor(self) -> str | None:
        if not self.is_mounted:
            return None
        item = self.query_one("#items", Listing).chosen
        return item.check if item is not None and item.check in self.store.plan.by_id else None

    def on_listing_moved(self) -> None:
        self.refresh_bindings()

    def on_listing_chosen(self) -> None:
        self.action_detail()

    def action_detail(self) -> None:
        """Open the check under the cursor; previous and next walk through this list."""
        check = self._under_cursor()
        if check is not None:
            listing = self.query_one("#items", Listing)
            self.dashboard.open_detail(check, [item.check for item in listing.items])

    def action_failures(self) -> None:
        """Show failures only, or everything."""
        self._failures = not self._failures
        self.hear(self.dashboard.view_shown)

    def action_run(self) -> None:
        """Ask which run to start."""
        self.dashboard.ask_run()

    def action_pick(self, number: int) -> None:
        """Show the run with that number."""
        names = list(self._followed)
        if number <= len(names):
            self._picked, self._expected_since = names[number - 1], None
            self.hear(self.dashboard.view_shown)

    def action_pick_next(self) -> None:
        """Show the next of the runs."""
        names = list(self._followed)
        here = names.index(self._picked) if self._picked in names else -1
        self.action_pick((here + 1) % len(names) + 1)

    def action_cancel(self) -> None:
        """Ask whether to stop the run; what it stored stays."""
        from tui.dialogs.stop import StopDialog

        told = self._told
        if told is None or told.live is None:
            return
        run = told.id

        def stop(sure: bool | None) -> None:  # noqa: FBT001 - what the dialog answers
            if sure:
                self._stop(run)

        self.app.push_screen(StopDialog(run, told.over, len(told.items)), stop)

    def _stop(self, run: str) -> None:
        self._trouble = ""
        if all(item.id != run for item in self.store.view.runs):
            self._trouble = f"The run {run} has ended already."
        else:
            try:
                self.store.stop_run(run)
            except (ReadOnly, OSError) as error:
                self._trouble = f"The run {run} cannot be asked to stop: {error}"
        self.hear(self.dashboard.view_shown)
