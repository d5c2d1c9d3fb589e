"""macOS' own tools as sources, where CoreWLAN cannot be had. Never run by us on macOS."""

from __future__ import annotations

from checks.wire.wifi import macos
from checks.wire.wifi.air import Air, Heard, Joined
from checks.wire.wifi.sources import Nothing, Said, said

_AIRPORT = "/System/Library/PrivateFrameworks/Apple80211.framework/Versions/Current/Resources/airport"
_NONE = "This laptop has no Wi-Fi interface that the system knows."


async def _report() -> tuple[tuple[str, tuple[Heard, ...], Joined], ...]:
    told = await said("system_profiler", "SPAirPortDataType", "-json", timeout_s=25.0)
    if told.code != 0:
        raise Nothing("system_profiler tells nothing about Wi-Fi.")
    found = macos.profiler(told.text)
    if not found:
        raise Nothing(_NONE)
    return found


async def by_profiler(interface: str | None, fresh: bool) -> Air:  # noqa: FBT001
    """Read system_profiler's report of the networks around: it scans for it, and tells no addresses."""
    found = await _report()
    name, heard, _ = next((one for one in found if interface in (None, one[0])), found[0])
    if not heard:
        raise Nothing("system_profiler lists no network.")
    return Air(
        source="system_profiler", interface=name, heard=heard, fresh=fresh,
        redacted=any(one.ssid is None for one in heard) or not any(one.bssid for one in heard),
    )  # fmt: skip


async def profiler_joined(interface: str | None) -> Air:
    """Read system_profiler's report of the connections."""
    links = tuple(link for name, _, link in await _report() if interface in (None, name))
    if not links:
        raise Nothing(_NONE)
    return Air(
        source="system_profiler", interface=links[0].interface, joined=links,
        redacted=any(one.state == "connected" and one.ssid is None for one in links),
    )  # fmt: skip


async def wdutil_joined(interface: str | None) -> Air:
    """Read `wdutil info`, which needs root."""
    return read_wdutil(await said("wdutil", "info", timeout_s=15.0), interface)


def read_wdutil(told: Said, interface: str | None) -> Air:
    """Read what wdutil said (pure)."""
    if told.code != 0:
        raise Nothing("wdutil needs root.", "Run gonogo with sudo.")
    link = macos.wdutil(told.text)
    if interface not in (None, link.interface):
        raise Nothing(f"wdutil tells of {link.interface} only.")
    redacted = link.state == "connected" and link.ssid is None
    return Air(source="wdutil", interface=link.interface, joined=(link,), redacted=redacted)


async def by_airport(interface: str | None, fresh: bool) -> Air:  # noqa: FBT001
    """Read `airport -s`, which is gone since macOS 14.4."""
    told = await said(_AIRPORT, "-s", timeout_s=20.0)
    heard = macos.airport(told.text)
    if not heard:
        raise Nothing("airport lists no network.")
    return Air(
        source="airport", interface=interface or "", heard=heard, fresh=fresh,
        redacted=not any(one.bssid for one in heard),
    )  # fmt: skip


async def airport_joined(interface: str | None) -> Air:
    """Read `airport -I`."""
    link = macos.airport_joined((await said(_AIRPORT, "-I")).text, interface or "en0")
    if link.state != "connected":
        raise Nothing("airport tells of no connection.")
    return Air(source="airport", interface=link.interface, joined=(link,), redacted=not link.bssid)
