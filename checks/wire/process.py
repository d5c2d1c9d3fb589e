"""A program run to its end: argv without a shell, no stdin, output bounded, nothing left behind.

On POSIX the program leads a session of its own, so that whatever it started is killed with it; if we are
killed ourselves, `checks.wire.guard` does that. On Windows its children are looked up when it must be killed;
that path was tested by simulated calls only.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from checks.dataclass import dataclass
from checks.wire.guard import GUARD

MAX_OUTPUT = 65_536
MAX_ERRORS = 16_384
_LAST_WORDS_S = 0.25
_REAP_S = 2.0
_NO_WINDOW = 0x08000000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a program ended. `code` is None if a signal ended it, `signal` is None if it ended by itself.

    `cut` says that more than `limit` bytes came and the program was therefore stopped.
    """

    code: int | None
    signal: int | None
    stdout: bytes
    stderr: bytes
    cut: bool
    duration_s: float


async def run(argv: Sequence[str], *, env: Mapping[str, str] | None = None, limit: int = MAX_OUTPUT) -> Ran:
    """Run `argv` to its end and return what it said; cancelled, it kills the program and what that started.

    `env` replaces the environment. At most `limit` bytes of stdout and 16 KB of stderr are kept. Raises
    OSError as the system does where the program cannot be started.
    """
    started = time.monotonic()
    transport, program = await _started(argv, env, limit)
    pid = transport.get_pid()
    GUARD.begun(pid)
    try:
        await program.finished.wait()
        if not program.cut:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(program.silent.wait(), _LAST_WORDS_S)
    finally:
        kill_tree(pid)
        transport.close()
        await _reaped(program)
        GUARD.ended(pid)
    code = transport.get_returncode()
    if program.cut or code is None:
        code = -int(getattr(signal, "SIGKILL", 9))
    return Ran(
        code=code if code >= 0 else None,
        signal=-code if code < 0 else None,
        stdout=bytes(program.kept[1]),
        stderr=bytes(program.kept[2]),
        cut=program.cut,
        duration_s=time.monotonic() - started,
    )


async def _started(
    argv: Sequence[str], env: Mapping[str, str] | None, limit: int
) -> tuple[asyncio.SubprocessTransport, _Program]:
    """Start the program. Cancelled meanwhile, it is started to the end and then killed with all it started:

    asyncio itself kills only the program and waits, without end, for those who hold its output.
    """
    starting = asyncio.ensure_future(
        asyncio.get_running_loop().subprocess_exec(
            lambda: _Program(limit),
            *argv,
            stdin=subprocess.DEVNULL,
            env=None if env is None else dict(env),
            start_new_session=sys.platform != "win32",
            creationflags=_NO_WINDOW if sys.platform == "win32" else 0,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        with contextlib.suppress(OSError):
            transport, program = await starting
            kill_tree(transport.get_pid())
            transport.close()
            await _reaped(program)
        raise


class _Program(asyncio.SubprocessProtocol):
    def __init__(self, limit: int) -> None:
        self.limits = {1: limit, 2: MAX_ERRORS}
        self.kept = {1: bytearray(), 2: bytearray()}
        self.cut = False
        self.exited = asyncio.Event()
        self.finished = asyncio.Event()
        """It has exited, or has said too much."""
        self.silent = asyncio.Event()
        """Nobody holds its output any more."""
        self._open = {1, 2}

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        kept, limit = self.kept[fd], self.limits[fd]
        assert isinstance(data, bytes)
        if fd == 1 and len(kept) + len(data) > limit:
            self.cut = True
            self.finished.set()
        kept += data[: limit - len(kept)]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._open.discard(fd)
        if not self._open:
            self.silent.set()

    def process_exited(self) -> None:
        self.exited.set()
        self.finished.set()


async def _reaped(program: _Program) -> None:
    """Wait until the killed program is reaped, even while being cancelled; a stuck one is given up on."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(program.exited.wait(), _REAP_S)


def kill_tree(pid: int) -> None:
    """Kill the program that `run` started as `pid` and whatever it started; one that has gone is no error."""
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        return
    import psutil

    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(pid)
        for process in [*parent.children(recursive=True), parent]:
            with contextlib.suppress(psutil.Error):
                process.kill()
