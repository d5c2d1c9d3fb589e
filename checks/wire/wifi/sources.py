"""What the sources of `Air` share: how one says that it has nothing, threads with a deadline, programs."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Callable
from typing import TypeVar

from checks.dataclass import dataclass
from checks.wire.process import Ran, run

T = TypeVar("T")
MAX_TEXT = 4 * 1024 * 1024


class Nothing(Exception):  # noqa: N818 - it is an outcome, not an error
    """A source cannot be had here; the text is a full sentence.

    `settled` says that no other source would know better: a radio that is off, one that is not there.
    """

    def __init__(self, reason: str, fix: str = "", *, settled: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix
        self.settled = settled


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a program of the system printed, as text."""

    code: int
    text: str


async def in_thread(work: Callable[[], T], deadline_s: float, what: str) -> T:
    """Return what `work` gives in a thread of its own, which nobody waits for once the time is over."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def deliver(value: T | None, error: BaseException | None) -> None:
        if outcome.done():
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(value)  # type: ignore[arg-type]

    def inside() -> None:
        value: T | None = None
        error: BaseException | None = None
        try:
            value = work()
        except StopIteration as stop:
            error = RuntimeError(f"{what} stopped: {stop}")
        except BaseException as trouble:  # noqa: BLE001 - a library in alpha; told by the caller
            error = trouble
        try:
            loop.call_soon_threadsafe(deliver, value, error)
        except RuntimeError:
            return

    threading.Thread(target=inside, name=what, daemon=True).start()
    try:
        return await asyncio.wait_for(outcome, deadline_s)
    except TimeoutError:
        raise Nothing(f"{what} did not answer within {deadline_s:g} seconds.") from None


def installed(program: str) -> str | None:
    """Return where a program of the system is, also where users' PATH does not reach."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin:/usr/bin:/bin:/usr/libexec")


async def said(*argv: str, timeout_s: float = 5.0) -> Said:
    """Run one of the system's programs; raise Nothing if there is none, or it says too much or too late."""
    program = installed(argv[0])
    if program is None:
        raise Nothing(f"{argv[0]} is not installed.")
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "LANGUAGE": "C"}
    try:
        async with asyncio.timeout(timeout_s):
            ran = await run((program, *argv[1:]), env=environment, limit=MAX_TEXT)
    except TimeoutError:
        raise Nothing(f"{argv[0]} did not answer within {timeout_s:g} seconds.") from None
    except OSError as error:
        raise Nothing(f"{argv[0]} cannot be started: {error.strerror or error}.") from None
    if ran.cut or ran.code is None:
        raise Nothing(f"{argv[0]} said more than {MAX_TEXT >> 20} MB, or was killed.")
    return Said(code=ran.code, text=decoded(ran))


def decoded(ran: Ran) -> str:
    """Return what a program printed: UTF-8 (UTF-16 with its mark), else the console's code page."""
    raw = ran.stdout if ran.stdout.strip() else ran.stderr
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode(code_page(), "replace")


def code_page() -> str:
    """Return the code page that programs without a window of their own print in, on Windows."""
    try:
        import ctypes

        number = int(ctypes.windll.kernel32.GetOEMCP())  # type: ignore[attr-defined,unused-ignore]
        name = f"cp{number}"
        "".encode(name)
    except (ImportError, AttributeError, OSError, LookupError):
        return "utf-8"
    return name
