"""The `gonogo` program: the command line, and an end without ceremony."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NoReturn


def run() -> NoReturn:
    """Run the command line and end the process at once with its exit code.

    Everything that lasts is on disk by then. Taking the interpreter apart in good order would cost 45 of the
    300 ms of a small run, and would wait for threads that are stuck in a system call (a name lookup, say).
    """
    from agent.cli import main

    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    if not isinstance(code, int):
        sys.stderr.write(f"{code}\n")
        code = 1
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)
