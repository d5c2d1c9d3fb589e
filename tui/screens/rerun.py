"""One check run again by a key: at most one run at a time, and a line that says what became of it."""

from __future__ import annotations

from agent.board import Row
from agent.watch import View
from tui.screens.detail_run import Asked, run_line
from tui.store import ReadOnly, Store


class Rerun:
    """Remembers the check that was asked for last."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asked: Asked | None = None
        self._refused = ""

    def press(self, row: Row) -> None:
        """Start a run of this check, unless it is being run or asked for already."""
        store = self._store
        before = self._asked if self._asked is not None and self._asked.check == row.id else None
        seq = getattr(row.told, "seq", 0)
        going = run_line(store.view, row.id, before, seq=seq, store=store)[1]
        if going is not None and going[1] == "running":
            if before is None:
                self._asked, self._refused = None, f"{row.id} is being run already"
            return
        try:
            store.start_run(only=[row.id])
        except (ReadOnly, OSError) as error:
            self._asked, self._refused = None, f"{row.id} cannot be run: {error}"
        else:
            self._asked, self._refused = Asked(check=row.id, seq=seq, at=store.now()), ""

    def forget(self) -> None:
        """Say no more why nothing was begun."""
        self._refused = ""

    def said(self, view: View) -> str:
        """Return what became of it; raw text, empty if there is nothing to say."""
        if self._asked is None:
            return self._refused
        check = self._asked.check
        seq = getattr(view.picture.results.get(check), "seq", 0)
        self._asked, part = run_line(view, check, self._asked, seq=seq, store=self._store)
        return f"{check} {part[0]}" if part is not None else ""
