"""The two sides of a comparison: the check's own host, and the server that it is compared with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from checks.contract import CannotTell, Vantage
from checks.params import split_endpoint
from checks.remote.check import Login, RemoteCheck, remote
from checks.wire.ssh.access import PORT
from checks.wire.ssh.command import PowerShell, Script
from checks.wire.ssh.remote import Remote

T = TypeVar("T")
Read = Callable[[Remote, str], Awaitable[T]]
"""Reads one host; its second argument is whom commands that need it run as, or empty."""

_BOOT = Script("boot id", "cat /proc/sys/kernel/random/boot_id")
_WINDOWS_BOOT = PowerShell("boot time", "(Get-CimInstance Win32_OperatingSystem).LastBootUpTime.Ticks")


def require_another(check: RemoteCheck[Any], source: Login | None) -> None:
    """Raise ValueError where a host would be compared with itself."""
    if source is not None and _place(check.host, check.port) == _place(source.host, None):
        raise ValueError("'source' is the check's own host: a server is always like itself.")


async def both(
    check: RemoteCheck[Any],
    vantage: Vantage,
    source: Login | None,
    read: Read[T],
    read_source: Read[T] | None = None,
) -> tuple[T, T | None]:
    """Return what `read` says of the host and of `source`, read at the same time.

    `read_source` reads the source where that is done in another way.
    Raises CannotTell where the two names lead to one and the same machine.
    """
    target = await remote(check, vantage)
    if source is None:
        return await read(target, check.root), None
    other = await remote(check, vantage, source)
    await _two_machines(target, other)
    return await asyncio.gather(
        read(target, check.root), (read_source or read)(other, root_of(check, source))
    )


def root_of(check: RemoteCheck[Any], login: Login | None) -> str:
    """Return whom commands that need it run as on `login`: `root` where sudo may be used there."""
    if login is None or login.sudo is None:
        return check.root
    return "root" if login.sudo else ""


def name_of(seen: Any) -> str:
    """Return the name of a side that was read, or words for it where there is none."""
    return str(getattr(seen, "name", "")) or "the source"


async def _two_machines(target: Remote, other: Remote) -> None:
    here, there = await asyncio.gather(target.facts(), other.facts())
    if not here.host_key or here.host_key != there.host_key or here.dialect != there.dialect:
        return
    command = _BOOT() if here.dialect == "posix" else _WINDOWS_BOOT()
    one, two = await asyncio.gather(target.run(command), other.run(command))
    if one.ok and two.ok and one.stdout.strip() and one.stdout == two.stdout:
        raise CannotTell(
            f"{target.name} and {other.name} are the same machine: they have one host key and were started "
            "at the same moment. A server is always like itself, so nothing was compared.",
            "Name the old server by its own address: its name may already lead to the new one.",
        )


def _place(host: str, port: int | None) -> tuple[str, int]:
    name, given = split_endpoint(host)
    return name.lower(), port or given or PORT
