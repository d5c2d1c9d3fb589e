"""Textual's web driver, for an app process that must not outlive the server that started it."""

from __future__ import annotations

import asyncio
import os
import threading
from functools import partial

from textual import events
from textual.drivers import web_driver
from textual.message import Message
from textual.messages import ExitApp

from tui.web.messages import COLUMNS, ROWS

GRACE_S = 2.0


class WebDriver(web_driver.WebDriver):
    """Ends the app when stdin ends: the server closed it, or is no more. Not yet run on Windows."""

    def start_application_mode(self) -> None:
        self._loop_of_app = asyncio.get_running_loop()
        self._write = partial(self._write_all)
        super().start_application_mode()

    def _write_all(self, data: bytes) -> int:
        """Write everything, or end at once where nobody reads any more: this app only shows."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self.fileno, rest) :]
            except OSError:
                os._exit(1)
        return len(data)

    def run_input_thread(self) -> None:
        super().run_input_thread()
        last = threading.Timer(GRACE_S, os._exit, (1,))
        last.daemon = True
        last.start()
        if not self.exit_event.is_set():
            self._loop_of_app.call_soon_threadsafe(self._app.post_message, ExitApp())

    def on_meta(self, packet_type: str, payload: dict[str, object]) -> None:
        """Answer the page's question whether the app lives, by the app: one that hangs does not."""
        if packet_type == "pulse":
            answer = partial(self.write_meta, {"type": "pulse"})
            self._loop_of_app.call_soon_threadsafe(self._app.call_later, answer)
        else:
            super().on_meta(packet_type, payload)

    def process_message(self, event: Message) -> None:
        """Drop what keys can pretend to be: a terminal that tells its size (CSI 48 t), of any size."""
        if isinstance(event, events.Resize) and not (
            COLUMNS[0] <= event.size.width <= COLUMNS[1] and ROWS[0] <= event.size.height <= ROWS[1]
        ):
            return
        super().process_message(event)
