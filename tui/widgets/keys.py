"""The last line of every screen: the keys that work here now, at most eight, the rest is under `?`."""

from __future__ import annotations

from textual.widgets import Static

from tui.text import joined

MOST = 8


class KeyBar(Static):
    """Reads the bindings of the screen; one that cannot be used now is dim."""

    DEFAULT_CSS = "KeyBar { height: 1; dock: bottom; background: $panel; }"

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self._write())
        self._write()

    def _write(self) -> None:
        parts: list[tuple[str, str]] = []
        for active in list(self.screen.active_bindings.values()):
            binding = active.binding
            if not binding.show or len(parts) >= 2 * MOST:
                continue
            key = self.app.get_key_display(binding)
            parts.append((f" {key}", "bold" if active.enabled else "dim"))
            parts.append((f" {binding.description} ", "" if active.enabled else "dim"))
        self.update(joined(*parts))
