"""What this laptop's radio hears and is joined to, from the best source that the system has.

Linux: lswifi (netlink), NetworkManager, iw, wpa_supplicant; Windows: lswifi (wlanapi), netsh; macOS: lswifi
(CoreWLAN), system_profiler, wdutil, airport. A scan needs rights on Linux that a user lacks: then
NetworkManager or wpa_supplicant is asked to scan, or what the system remembers is told as such. Nothing is
changed. The Windows and macOS halves were never run by us on those systems.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import sys
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Self

from checks.vantage import CannotTell, Shared
from checks.wire.wifi import linux, lswifi_joined, lswifi_source, macos_source, windows_source
from checks.wire.wifi.air import Air, Heard, Joined
from checks.wire.wifi.sources import Nothing, in_thread

DEADLINE_S = 30.0
SAME_LOOK_S = 20.0
"""Checks that ask so long after a scan's end share it."""
SAME_LINK_S = 2.0
RECENT_S = 30.0
QUICK_S = 10.0
"""A scan that took no longer is made twice: one answer of an access point is easily lost."""
_SLACK_S = 0.5
LOCATION = {
    "win32": "Switch Settings > Privacy & security > Location on: 'Location services', 'Let apps access your "
    "location' and 'Let desktop apps access your location' (start ms-settings:privacy-location), then run it "
    "again.",
    "darwin": "Allow Python in System Settings > Privacy & Security > Location Services (a signed one: "
    "that of python.org's installer, not of Homebrew, pyenv or uv), then run it again.",
}
_NO_RADIO_FIX = (
    "Plug a Wi-Fi adapter in, or switch it on (hardware switch, aeroplane mode, driver); out of a virtual "
    "machine, run gonogo on the laptop itself."
)


async def scan(shared: Shared, interface: str | None = None, fresh: bool = True) -> Air:  # noqa: FBT001, FBT002
    """Return what the radio hears; checks of one run that ask at about the same time share one look.

    Raises CannotTell where no source of this system gives anything.
    """
    looks = await shared.client(Looks)
    return await looks.get(("scan", interface, fresh), lambda: look(interface, fresh=fresh), SAME_LOOK_S)


async def joined(shared: Shared, interface: str | None = None) -> Air:
    """Return what the radios are joined to, in `Air.joined`; raises CannotTell as `scan` does."""
    looks = await shared.client(Looks)
    return await looks.get(("joined", interface), lambda: look_joined(interface), SAME_LINK_S)


class Looks:
    """The run's last looks: a scan takes seconds (20 of them where the laptop is joined), and serves many."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[float, Air | CannotTell]] = {}
        self._locks: dict[Hashable, asyncio.Lock] = {}

    @classmethod
    async def open(cls, shared: Shared) -> Self:  # noqa: ARG003
        """Begin without any."""
        return cls()

    async def close(self) -> None:
        """Forget them."""
        self._kept.clear()

    async def get(self, key: Hashable, make: Callable[[], Awaitable[Air]], within_s: float) -> Air:
        """Return the last look, or why there was none, if it ended within that time; else look."""
        async with self._locks.setdefault(key, asyncio.Lock()):
            ended, kept = self._kept.get(key, (0.0, None))
            if kept is None or time.monotonic() - ended > within_s:
                try:
                    kept = await make()
                except CannotTell as error:
                    kept = error
                self._kept[key] = (time.monotonic(), kept)
        if isinstance(kept, CannotTell):
            raise CannotTell(kept.reason, kept.fix)
        return kept


async def look(interface: str | None = None, *, fresh: bool = True) -> Air:
    """Look once, for this caller alone (a survey takes several); `joined` is filled where it can be told."""
    air = await _first([
        *((name, _bound(source, interface, fresh)) for name, source in _SCANS.get(_platform(), ())),
    ])  # fmt: skip
    if air.redacted:
        return air
    with contextlib.suppress(CannotTell):
        link = await look_joined(interface or air.interface or None)
        air = dataclasses.replace(air, joined=link.joined)
    return air


async def look_joined(interface: str | None = None) -> Air:
    """Ask once what the radios are joined to, for this caller alone."""
    return await _first([
        *((name, _bound_joined(source, interface)) for name, source in _LINKS.get(_platform(), ())),
    ])  # fmt: skip


def _platform() -> str:
    return "linux" if sys.platform.startswith("linux") else sys.platform


def _bound(
    source: Callable[[str | None, bool], Awaitable[Air]],
    interface: str | None,
    fresh: bool,  # noqa: FBT001
) -> Callable[[], Awaitable[Air]]:
    return lambda: source(interface, fresh)


def _bound_joined(
    source: Callable[[str | None], Awaitable[Air]], interface: str | None
) -> Callable[[], Awaitable[Air]]:
    return lambda: source(interface)


async def _first(sources: list[tuple[str, Callable[[], Awaitable[Air]]]]) -> Air:
    """Return the first Air that tells something; what the sources before it said goes into `unread`."""
    silent: list[str] = []
    fix = ""
    for _, source in sources:
        try:
            air = await source()
        except lswifi_source.Denied as denied:
            return _refused(str(denied), denied.interface)
        except Nothing as nothing:
            silent.append(nothing.reason)
            fix = nothing.fix or fix
            if nothing.settled:
                raise CannotTell(nothing.reason, nothing.fix or _NO_RADIO_FIX) from None
            continue
        except (ValueError, OSError) as error:
            silent.append(f"What a source of the system said cannot be read: {error}.")
            continue
        if air.redacted and not any(LOCATION.get(_platform(), "?") in one for one in air.unread):
            air = dataclasses.replace(air, unread=(*air.unread, _redacted()))
        return dataclasses.replace(air, unread=(*air.unread, *silent)) if not air.fresh else air
    said = " ".join(dict.fromkeys(silent)) or "There is no source for it on this system."
    raise CannotTell(
        f"Nothing on this laptop tells what its radio hears. {said}"[:1500], fix or _NO_RADIO_FIX
    )


def _redacted() -> str:
    return (
        f"The system hides names and addresses of networks from us. {LOCATION.get(_platform(), '')}".strip()
    )


def _refused(reason: str, interface: str) -> Air:
    return Air(
        source="wlanapi", interface=interface, fresh=False, redacted=True,
        unread=(f"{reason} {LOCATION['win32']}",),
    )  # fmt: skip


async def _library(interface: str | None, fresh: bool) -> Air:  # noqa: FBT001
    begun = time.monotonic()
    got = await in_thread(lambda: lswifi_source.look(interface, fresh=fresh), DEADLINE_S, "lswifi")
    unread: tuple[str, ...] = ()
    if fresh and not got.scanned and _platform() == "linux":
        asked = await linux.ask_others(got.interface)
        if asked:
            again = await in_thread(lambda: lswifi_source.look(got.interface, fresh=False), 10.0, "lswifi")
            got = dataclasses.replace(again, scanned=True, took_s=time.monotonic() - begun)
        else:
            unread = (linux.NO_SCAN,)
    quick = got.took_s <= QUICK_S
    if got.scanned and _platform() == "linux" and (quick or any(_lost(one, got.took_s) for one in got.heard)):
        with contextlib.suppress(Nothing):
            again = await in_thread(
                lambda: lswifi_source.look(got.interface, fresh=True), DEADLINE_S, "lswifi"
            )
            if again.scanned:
                got = dataclasses.replace(again, took_s=time.monotonic() - begun)
    return settle(got, "nl80211" if _platform() == "linux" else _LIBRARY.get(_platform(), "lswifi"), unread)


_LIBRARY = {"win32": "wlanapi", "darwin": "CoreWLAN"}


def settle(got: lswifi_source.Look, name: str, unread: tuple[str, ...] = ()) -> Air:
    """Return an Air whose `heard` was heard in this look, and the rest `remembered` (pure)."""
    if not got.scanned and not got.heard:
        raise Nothing("The system remembers no network, and could not scan for this look.")
    now = [one for one in got.heard if not got.scanned or _in_time(one, got.took_s)]
    before = [one for one in got.heard if got.scanned and not _in_time(one, got.took_s)]
    return Air(
        source=f"{name} (lswifi)", interface=got.interface, heard=tuple(now), remembered=tuple(before),
        fresh=got.scanned, redacted=got.redacted, unread=unread,
    )  # fmt: skip


def _lost(one: Heard, took_s: float) -> bool:
    """Return whether it was heard a moment ago, but not by this scan: an answer got lost, or the scan was
    somebody else's and had begun before; a second one tells what has really gone."""
    return one.age_s is not None and took_s + _SLACK_S < one.age_s <= took_s + RECENT_S


def _in_time(one: Heard, took_s: float) -> bool:
    return one.age_s is None or one.age_s <= took_s + _SLACK_S


async def _library_joined(interface: str | None) -> Air:
    found = await in_thread(lambda: lswifi_joined.joined(interface), DEADLINE_S, "lswifi")
    if not found:
        raise Nothing("This laptop has no Wi-Fi interface that the system knows.")
    if _platform() == "linux":
        found = tuple([await linux.completed(one) for one in found])
    redacted = _platform() == "darwin" and any(_hides(one) for one in found)
    return Air(
        source=f"{_LIBRARY.get(_platform(), 'nl80211')} (lswifi)", interface=found[0].interface, joined=found,
        redacted=redacted,
    )  # fmt: skip


def _hides(one: Joined) -> bool:
    return one.state == "connected" and not one.bssid and not one.ssid


_SCANS: dict[str, tuple[tuple[str, Callable[[str | None, bool], Awaitable[Air]]], ...]] = {
    "linux": (
        ("lswifi", _library), ("nmcli", linux.by_nmcli), ("iw", linux.by_iw), ("wpa_cli", linux.by_wpa_cli),
    ),
    "win32": (("lswifi", _library), ("netsh", windows_source.networks)),
    "darwin": (
        ("lswifi", _library), ("system_profiler", macos_source.by_profiler),
        ("airport", macos_source.by_airport),
    ),
}  # fmt: skip
_LINKS: dict[str, tuple[tuple[str, Callable[[str | None], Awaitable[Air]]], ...]] = {
    "linux": (
        ("lswifi", _library_joined), ("iw", linux.iw_joined), ("nmcli", linux.nmcli_joined),
        ("wpa_cli", linux.wpa_cli_joined),
    ),
    "win32": (("lswifi", _library_joined), ("netsh", windows_source.interfaces)),
    "darwin": (
        ("lswifi", _library_joined), ("wdutil", macos_source.wdutil_joined),
        ("system_profiler", macos_source.profiler_joined), ("airport", macos_source.airport_joined),
    ),
}  # fmt: skip
