"""The interface that frames are listened to on, and the countdown that a listening check keeps."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from checks.contract import CannotTell, Vantage
from checks.local.facts import InterfaceFact, read_local
from checks.words import span

_EVERY_S = 15.0


async def wired_interface(vantage: Vantage, name: str | None, what: str) -> InterfaceFact:
    """Return the interface to listen on: `name`, or the one in use. Raises CannotTell where none will do.

    `what` is what nobody sends to a radio or into a tunnel: "LLDP and CDP".
    """
    host = await read_local(vantage.shared)
    face = host.interface(name) if name else host.main_interface() or _only_cable(host.interfaces)
    if face is None:
        there = ", ".join(item.name for item in host.interfaces if not item.loopback)[:200] or "none"
        raise CannotTell(
            f"There is no interface {name} on this laptop; there are: {there}." if name
            else "No interface of this laptop is connected by cable, or more than one is.",
            "Plug the cable in, or name the interface with `interface:`.",
        )  # fmt: skip
    if face.wireless:
        raise CannotTell(
            f"{face.name} is a Wi-Fi interface, and access points pass no {what} on.",
            "Plug a cable into the switch port and name its interface with `interface:`.",
        )
    if face.tunnel or face.loopback:
        raise CannotTell(
            f"{face.name} is no Ethernet interface, so it hears no {what}.",
            "Name the interface of the cable with `interface:`.",
        )
    if not face.up:
        raise CannotTell(
            f"{face.name} is down or has no carrier.",
            "Plug the cable in; if it is, check the wall socket, the patch and that the port is enabled.",
        )
    return face


def carrier_changes(name: str) -> str:
    """Return how often the cable was plugged in or out so far; empty where the system does not say."""
    if not sys.platform.startswith("linux") or "/" in name:
        return ""
    try:
        return Path(f"/sys/class/net/{name}/carrier_changes").read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def _only_cable(faces: tuple[InterfaceFact, ...]) -> InterfaceFact | None:
    """Return the only cable that is plugged in: a port without DHCP has a neighbour all the same."""
    cables = [f for f in faces if f.up and f.mac.strip("0:") and not (f.wireless or f.tunnel or f.loopback)]
    return cables[0] if len(cables) == 1 else None


@contextlib.asynccontextmanager
async def countdown(vantage: Vantage, seconds: float, said: Callable[[], str]) -> AsyncIterator[None]:
    """Note every quarter of a minute how long the listening still takes, and what `said` tells so far."""

    async def count() -> None:
        left = seconds
        while left > _EVERY_S:
            await asyncio.sleep(_EVERY_S)
            left -= _EVERY_S
            vantage.note(f"{span(left)} left; {said()}")

    counting = asyncio.create_task(count())
    try:
        yield
    finally:
        counting.cancel()
        await asyncio.gather(counting, return_exceptions=True)
