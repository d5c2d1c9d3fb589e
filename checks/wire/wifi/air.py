"""What a radio hears, in one form whatever the system: the records that every source fills in."""

from __future__ import annotations

from checks.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One access point's radio (BSS) as it was heard. What a source does not tell is None or empty."""

    bssid: str
    """`aa:bb:cc:dd:ee:ff`; empty where the system hides it."""
    ssid: str | None
    """The network's name as text; empty for one that does not send its name, None where the system hides
    it from us."""
    frequency_mhz: int | None
    """Of the primary channel."""
    channel: int | None
    width_mhz: int | None
    signal_dbm: float | None
    quality_percent: int | None
    """What Windows and NetworkManager tell in place of dBm; `strength` knows what it is worth."""
    elements: bytes = b""
    """Raw information elements of its beacon or probe response; empty where the source has none."""
    privacy: bool | None = None
    """The capability field's privacy bit."""
    security: str = ""
    """What the source says, where there are no elements, in the words of `checks.wire.wifi.words`."""
    age_s: float | None = None
    """How long ago it was heard."""
    standard: str = ""
    """`802.11ax` and the like, where the source says so."""
    rates_mbps: tuple[float, ...] = ()
    """The legacy rates that it tells, where the source lists them."""
    stations: int | None = None
    """Of its BSS load, where the source has no elements and tells it nevertheless; so `utilisation`."""
    utilisation: int | None = None
    """How busy its channel is, of 255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What one of this laptop's radios is connected to; `state` is `connected` or what it does instead."""

    interface: str
    state: str
    ssid: str | None = None
    bssid: str = ""
    frequency_mhz: int | None = None
    channel: int | None = None
    width_mhz: int | None = None
    signal_dbm: float | None = None
    quality_percent: int | None = None
    noise_dbm: float | None = None
    rx_mbps: float | None = None
    tx_mbps: float | None = None
    security: str = ""
    standard: str = ""
    """`802.11ax` and the like."""
    elements: bytes = b""
    """Raw information elements of the access point, as last heard; empty where the source has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Air:
    """One look at the air from one source."""

    source: str
    """`nl80211 (lswifi)`, `iw`, `nmcli`, `netsh`, `system_profiler`, ..."""
    interface: str
    heard: tuple[Heard, ...] = ()
    """What this look heard; where it is not `fresh`, what the system remembers."""
    remembered: tuple[Heard, ...] = ()
    """Beside a fresh scan: what the system still lists from before, and this scan did not hear."""
    joined: tuple[Joined, ...] = ()
    fresh: bool = True
    """It was scanned for this look; false where only what the system remembered was to be had."""
    redacted: bool = False
    """The system hides names and addresses from us: a permission is missing, not a network."""
    unread: tuple[str, ...] = ()
    """Full sentences: what could not be read, and why."""
