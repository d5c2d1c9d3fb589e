"""A stand-in for a host that was logged into: commands are run on this machine, as `Remote` promises.

For tests of what checks ask and make of the answers; that SSH carries it is tested against real servers.
"""

from __future__ import annotations

import getpass
import os
import platform
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from checks.vantage import CannotTell
from checks.wire.ssh.command import Command
from checks.wire.ssh.remote import CommandResult, Facts


class LocalRemote:
    """This machine, with another clock or environment if asked."""

    def __init__(self, *, offset_s: float = 0.0, env: Mapping[str, str] | None = None) -> None:
        self.name = "this-machine"
        self.ran: list[Command] = []
        self._offset_s = offset_s
        self._env = dict(env or {})

    async def facts(self) -> Facts:
        return Facts(
            name=self.name, dialect="posix", system=platform.system(), hostname=platform.node(),
            user=getpass.getuser(), uid=os.getuid(), version="stand-in", host_key="",
            clock_offset_s=self._offset_s, clock_error_s=0.001, login_s=0.0, shell_s=0.001,
        )  # fmt: skip

    async def run(self, command: Command) -> CommandResult:
        self.ran.append(command)
        started = time.monotonic()
        env = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL": "C", "TZ": "UTC", "HOME": os.environ.get("HOME", "/"), **self._env, **dict(command.env),
        }  # fmt: skip
        try:
            done = subprocess.run(
                command.argv,
                input=command.stdin,
                capture_output=True,
                timeout=command.timeout_s,
                env=env,
                check=False,
            )
        except FileNotFoundError:
            return self._result(command, 127, b"", f"sh: {command.argv[0]}: not found".encode(), started)
        except subprocess.TimeoutExpired as late:
            return CommandResult(
                command=command, status=None, stdout=late.stdout or b"", stderr=late.stderr or b"",
                ended="total-timeout", duration_s=time.monotonic() - started,
            )  # fmt: skip
        return self._result(command, done.returncode, done.stdout, done.stderr, started)

    async def read(self, path: str, *, offset: int = 0, size: int = 65536, as_user: str = "") -> bytes:
        try:
            with Path(path).open("rb") as handle:
                handle.seek(offset)
                return handle.read(size)
        except OSError as error:
            raise CannotTell(f"{path} cannot be read: {error}.", "Look at it by hand.") from error

    @staticmethod
    def _result(command: Command, status: int, out: bytes, err: bytes, started: float) -> CommandResult:
        return CommandResult(
            command=command, status=status if status >= 0 else None, stdout=out[: command.max_stdout],
            stderr=err[: command.max_stderr],
            ended="signal" if status < 0 else "output-cap" if len(out) > command.max_stdout else "exit",
            duration_s=time.monotonic() - started,
        )  # fmt: skip
