"""How the dashboard ends when it is told to, or its terminal has gone: soon, and leaving nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable

PATIENCE_S = 4.0
"""How long an end in good order may take before the process ends anyhow."""


class TerminalGone(Exception):  # noqa: N818 - what happened
    """Whoever showed the dashboard is no longer there."""

    def __init__(self) -> None:
        super().__init__("The keys of the terminal can be read no more.")


def watch_for_the_end(end: Callable[[int], None]) -> None:
    """Call `end` with an exit code on the event loop when the process shall stop or its terminal has gone.

    If the process is still there after `PATIENCE_S` (a terminal that takes no bytes blocks whoever writes),
    it ends without ceremony: everything that lasts is on disk by then.
    """
    loop = asyncio.get_running_loop()

    def ended(code: int) -> None:
        limit = threading.Timer(PATIENCE_S, os._exit, (code,))
        limit.daemon = True
        limit.start()
        end(code)

    for name in ("SIGTERM", "SIGHUP", "SIGINT"):
        number = getattr(signal, name, None)
        if number is not None and sys.platform != "win32":
            loop.add_signal_handler(number, ended, 128 + number)
    if sys.platform == "linux" and sys.__stdin__ is not None and sys.__stdin__.isatty():
        threading.Thread(
            target=_wait_for_hangup, args=(sys.__stdin__.fileno(), loop, ended), daemon=True, name="hangup"
        ).start()


def _wait_for_hangup(terminal: int, loop: asyncio.AbstractEventLoop, ended: Callable[[int], None]) -> None:
    """Wait until nobody is at the other end; a process without a controlling terminal gets no signal then."""
    import contextlib
    import select
    import time

    poll = select.poll()
    poll.register(terminal, 0)
    if poll.poll():
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(ended, 129)
        time.sleep(PATIENCE_S)
        if loop.is_running():
            os._exit(129)
