"""A Textual app that draws once and then nothing: `still_app.py [stuck]`, not a test."""

import os
import sys
import time

from textual.app import App, ComposeResult
from textual.widgets import Static


class Still(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("drawn")

    def on_ready(self) -> None:
        if "stuck" in sys.argv:
            self.set_timer(0.1, self.stick)

    def stick(self) -> None:
        os.write(1, b"D\x00\x00\x00\x05stuck")
        time.sleep(60)


Still().run()
