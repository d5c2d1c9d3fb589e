"""What stands over everything while the terminal is too small: verdict, countdown, and what is needed."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from agent.watch import View
from tui.text import joined
from tui.widgets.title import countdown, verdict_now

NEEDED = (80, 24)


def too_small(width: int, height: int) -> bool:
    """Return whether the screens do not fit into a terminal of that size."""
    return width < NEEDED[0] or height < NEEDED[1]


class Small(Static, can_focus=False):
    """Covers a screen without touching it; takes the keys meanwhile, so that nothing is pressed unseen."""

    DEFAULT_CSS = """
    Small { layer: small; dock: top; width: 100%; height: 100%; background: $background; display: none; }
    Small.-needed { display: block; }
    """

    def __init__(self) -> None:
        super().__init__(Content(""))
        self._before: Widget | None = None

    def cover(self, view: View, width: int, height: int) -> None:
        """Stand over the screen."""
        picture = view.picture
        item, verdict, look = verdict_now(view, picture.now)
        until = countdown(item.milestone.due, picture.now, picture.plan.project.timezone)
        self.update(
            joined(
                (f" {verdict} ", look), f"  {item.milestone.id}\n{until}\n",
                f"The dashboard needs {NEEDED[0]}x{NEEDED[1]}; this terminal has {width}x{height}.",
            )
        )  # fmt: skip
        if not self.has_class("-needed"):
            self.add_class("-needed")
            self.can_focus = True
            self._before = self.screen.focused if self.screen.focused is not self else None
            self.focus()

    def uncover(self) -> None:
        """Leave the screen as it was."""
        if self.has_class("-needed"):
            self.remove_class("-needed")
            self.can_focus = False
            first = next(iter(self.screen.focus_chain), None)
            self.screen.set_focus(self._before if self._before is not None else first)
            self._before = None

    def on_key(self, event: events.Key) -> None:
        here = self.screen.active_bindings.get(event.key)
        if here is None or here.binding.id != "app.quit":
            event.stop()
            event.prevent_default()
