"""Two sides compared, regressions first."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widget import Widget

from agent.diff import NOW, REGRESSIONS, Change, Diff, Kind, NoSuchSide
from agent.ledger.errors import LedgerError
from agent.report.diff_text import (
    KIND_LOOKS,
    KIND_SIGNS,
    NOTHING_COMPARED,
    described,
    diff_report,
    summary,
)
from agent.report.style import SIGNS, Style
from agent.verdict import Standing
from agent.watch import View
from tui.page import Page
from tui.widgets.listing import Cell, Column, Listing
from tui.widgets.paper import Paper, Para, para
from tui.widgets.words import Words

RENEW_S = 5.0
"""How often a comparison with what is so now is made anew while news arrive."""
SHARE = 0.05
"""Of a core, that comparing anew may take."""
COPIED_WIDTH = 100
_WIDE = 100
_SHORT = {Kind.UNPROVEN: "unproven"}
_NARROW_COLUMNS = (
    Column("CHANGE", 17),
    Column("CHECK", 15),
    Column("TARGET", 14),
    Column("BEFORE"),
    Column("AFTER"),
)
_WIDE_COLUMNS = (
    Column("CHANGE", 17),
    Column("CHECK", 24),
    Column("TARGET", 26),
    Column("BEFORE"),
    Column("AFTER"),
)
CHANGES, REGRESSED, ALL = "changes", "regressions", "all"


class DiffPage(Page):
    """Compares `before` with `after`, named as `agent.diff.side` says; an empty `before` is the run before.

    The comparison is made in a thread. While there is a problem with the project or the ledger nothing looks
    like a pass, and the problem stands above it.
    """

    CSS_PATH: ClassVar[str] = "diff.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "detail", "Why", id="diff.detail", tooltip="All that is known of the check"),
        Binding("n", "regression(1)", "Next", id="diff.next", tooltip="Next regression"),
        Binding("N", "regression(-1)", "Previous", id="diff.previous", tooltip="Previous regression"),
        Binding("f", "regressions", "Regressions", id="diff.worse", tooltip="Regressions, or all"),
        Binding("a", "everything", "All", id="diff.all", tooltip="Also what is the same or was not compared"),
        Binding("y", "copy", "Copy", id="diff.copy", tooltip="Copy the comparison as text"),
    ]
    name_of_page = "diff"
    help_text = (
        "Two sides compared, regressions first. It tells what became of each check, and not whether you can "
        "go. What could not be tested is never better than what failed."
    )

    def __init__(self, before: str, after: str) -> None:
        super().__init__()
        self.before, self.after = before, after
        self.diff: Diff | None = None
        self.error = ""
        self._mode = CHANGES
        self._busy = False
        self._number = -1
        """Of the view that the comparison was made at."""
        self._not_before = 0.0

    def body(self) -> Iterable[Widget]:
        yield Words(id="problem")
        yield Words(id="before")
        yield Words(id="after")
        yield Words(id="summary")
        yield Listing[Change](
            _NARROW_COLUMNS, key=lambda change: change.check, paint=self._paint, id="changes",
        )  # fmt: skip
        yield Paper(id="change")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#changes", Listing).focus()
        self.set_interval(1.0, self._renew)

    def on_resize(self, event: events.Resize) -> None:
        self.query_one("#changes", Listing).lay_out(
            _WIDE_COLUMNS if event.size.width >= _WIDE else _NARROW_COLUMNS
        )

    # Comparing

    def show(self, view: View) -> None:
        self.query_one("#problem", Words).tell([(problem, "inconclusive") for problem in view.problems[:1]])
        self._renew()
        self.query_one("#changes", Listing).repaint()

    def _renew(self) -> None:
        """Compare, or compare anew what news arrived of."""
        number = self.dashboard.view_shown.number
        stale = self.diff is None and not self.error
        if NOW in (self.before, self.after) or not self.before or self._goes_on():
            stale = stale or number != self._number
        waits = self.dashboard.frozen and self.diff is not None
        if (
            stale
            and not self._busy
            and not waits
            and time.monotonic() >= self._not_before
            and self.is_current
        ):
            self._busy, self._number = True, number
            self.run_worker(self._compare(), name="compare")
            self._write()

    def _goes_on(self) -> bool:
        """Return whether a run that is compared has no end yet: it may find more."""
        sides = (self.diff.before, self.diff.after) if self.diff is not None else ()
        return any(side.run is not None and side.run.outcome is None for side in sides)

    async def _compare(self) -> None:
        begun = time.monotonic()
        try:
            self.diff, self.error = await self.store.diff(self.before, self.after), ""
        except (NoSuchSide, LedgerError) as error:
            self.diff, self.error = None, str(error)
        finally:
            self._busy = False
        self._not_before = time.monotonic() + max(RENEW_S, (time.monotonic() - begun) / SHARE)
        if self.stands:
            self._write()

    # Showing

    def _write(self) -> None:
        for place, parts in (("before", self._side("Before")), ("after", self._side("After"))):
            self.query_one(f"#{place}", Words).tell(parts)
        self.query_one("#summary", Words).tell(self._summary())
        self.query_one("#changes", Listing).put(self._items(), empty=self._empty())
        self._tell_change()
        self.refresh_bindings()

    def _side(self, label: str) -> list[tuple[str, str]]:
        diff = self.diff
        word = self.before if label == "Before" else self.after
        text = word or "the run before the last one"
        if diff is not None:
            text = described(self.store.plan, diff.before if label == "Before" else diff.after)
        return [(f"{label:<7} ", "dim"), (text, "")]

    def _summary(self) -> list[tuple[str, str]]:
        if self.error:
            return [(self.error, "inconclusive")]
        if self.diff is None:
            return [("Comparing ...", "dim")]
        parts: list[tuple[str, str]] = [(summary(self.diff), "bold")]
        if not self.diff.compared:
            parts.append((f" {NOTHING_COMPARED}", "inconclusive"))
        return parts

    def _items(self) -> list[Change]:
        if self.diff is None:
            return []
        if self._mode == REGRESSED:
            return [change for change in self.diff.changes if change.kind in REGRESSIONS]
        return list(self.diff.changes if self._mode == ALL else self.diff.changed)

    def _empty(self) -> str:
        if self.diff is None or not self.diff.compared:
            return ""
        if self._mode == REGRESSED:
            return "Nothing got worse. f shows the other changes."
        return "Nothing changed. a shows what is the same."

    def _look(self, change: Change) -> str:
        look = KIND_LOOKS.get(change.kind, "")
        return "" if look == "pass" and self.dashboard.view_shown.problems else look

    def _paint(self, change: Change) -> list[Cell]:
        kind = f"{KIND_SIGNS[change.kind]} {_SHORT.get(change.kind, change.kind.value)}"
        return [
            (kind, self._look(change)),
            (change.check, ""),
            (change.target, ""),
            (_beside(change.before_standing, change.before_text), "dim"),
            (_beside(change.after_standing, change.after_text), ""),
        ]

    def _tell_change(self) -> None:
        change: Change | None = self.query_one("#changes", Listing).chosen
        self.query_one("#change", Paper).put(self._about(change) if change is not None else (), top=True)

    def _about(self, change: Change) -> Iterable[Para]:
        word = f"{KIND_SIGNS[change.kind]} {change.kind.value}"
        yield para((word, self._look(change)), (f"  {change.check}", "bold"), f"  {change.target}")
        for label, standing, text in (
            ("Before", change.before_standing, change.before_text),
            ("After", change.after_standing, change.after_text),
        ):
            yield para(f"{SIGNS[standing]}  {'' if text == standing else text}", label=label, indent=8)
        if change.redefined:
            yield para(("Its definition has changed in between: it is not the same claim.", "warn"), indent=8)
        if change.title and change.title != change.target:
            yield para((change.title, "dim"), indent=8)

    def on_listing_moved(self) -> None:
        self._tell_change()

    # What a person does

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "detail":
            return True if self._planned() else None
        if action == "regression":
            return True if self._regressions() else None
        if action in ("regressions", "everything", "copy"):
            return True if self.diff is not None else None
        return super().check_action(action, parameters)

    def _planned(self) -> list[str]:
        """Return the ids that the list shows and the plan has; none if the cursor's is planned no more."""
        if not self.stands:
            return []
        known, listing = self.store.plan.by_id, self.query_one("#changes", Listing)
        here: Change | None = listing.chosen
        if here is None or here.check not in known:
            return []
        return [item.check for item in listing.items if item.check in known]

    def _regressions(self) -> list[int]:
        if not self.stands:
            return []
        items: Iterable[Change] = self.query_one("#changes", Listing).items
        return [place for place, item in enumerate(items) if item.kind in REGRESSIONS]

    def on_listing_chosen(self) -> None:
        self.action_detail()

    def action_detail(self) -> None:
        """Open the check under the cursor."""
        names = self._planned()
        here: Change | None = self.query_one("#changes", Listing).chosen
        if here is not None and names:
            self.dashboard.open_detail(here.check, names)

    def action_regression(self, step: int) -> None:
        """Go to the next or previous regression, and from the last to the first."""
        listing = self.query_one("#changes", Listing)
        places = self._regressions()
        if places:
            ahead = [place for place in places if (place - listing.cursor) * step > 0]
            edge = places[0] if step > 0 else places[-1]
            listing.go((ahead[0] if step > 0 else ahead[-1]) if ahead else edge)

    def action_regressions(self) -> None:
        """Show only what got worse or is no longer proven, or all changes."""
        self._mode = CHANGES if self._mode == REGRESSED else REGRESSED
        self._write()

    def action_everything(self) -> None:
        """Show what is the same and what was not compared, too, or only changes."""
        self._mode = CHANGES if self._mode == ALL else ALL
        self._write()

    def action_copy(self) -> None:
        """Copy the comparison as text."""
        if self.diff is not None:
            text = diff_report(
                self.store.plan, self.diff, Style(width=COPIED_WIDTH), everything=self._mode == ALL
            )
            self.app.copy_to_clipboard(text)
            self.notify(f"Copied {len(text.splitlines())} lines.", markup=False)


def _beside(standing: str, text: str) -> str:
    word = standing.upper()
    return word if text in (standing, Standing.NOT_RUN.value) else f"{word} {text}"
