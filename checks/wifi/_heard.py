"""What the Wi-Fi checks keep of a look at the air, and when it proves nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Annotated

from checks.bounds import Len
from checks.contract import CannotTell, Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell
from checks.safe import safe
from checks.wire.wifi.air import Air, Heard
from checks.wire.wifi.channel import BANDS, Place, place_of
from checks.wire.wifi.elements import LONGEST, read_elements
from checks.wire.wifi.security import Security, security_of
from checks.wire.wifi.strength import Strength, strength
from checks.words import span

MAX_AGE_S = 60.0
"""How long ago something may have been heard to count as heard now."""
MAX_NETWORKS = 1000
Ssid = Annotated[str, Len(1, 32)]

PERMISSION = (
    "Windows 11: Settings > Privacy & security > Location (start ms-settings:privacy-location): switch on "
    "Location services, 'Let apps access your location' and 'Let desktop apps access your location'. macOS: "
    "System Settings > Privacy & Security > Location Services: switch it on for the program that runs gonogo "
    "(the Python of python.org can be granted it, one of Homebrew, uv or pyenv cannot). Then run it again."
)
PARTIAL = "Run it again as administrator or root, so that the radio's own list can be read in whole."
RADIO = (
    "Switch the radio on (no flight mode, no rfkill) and make sure that this account may scan: "
    "administrator, root, or NetworkManager. Then run it again."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPoint:
    """One access point's radio as it was heard, decoded; `elements` are what it sent."""

    bssid: str
    ssid: str
    hidden: bool
    """It does not send its name; the name is known from the connection to it."""
    place: Place
    level: Strength | None
    security: Security
    standard: str = ""
    country: str = ""
    stations: int | None = None
    utilisation_percent: float | None = None
    fast_transition: bool = False
    radio_measurement: bool = False
    bss_transition: bool = False
    nontransmitted: tuple[str, ...] = ()
    age_s: float | None = None
    elements: bytes = b""

    def named(self) -> str:
        """Return what to call it in a sentence."""
        return self.bssid or (f"channel {self.place.channel}" if self.place.channel else "an access point")

    def where(self) -> str:
        """Return its channel with band and width."""
        place = self.place
        if place.channel is None:
            return "an unknown channel"
        width = f", {place.width_mhz} MHz" if place.width_mhz else ""
        return f"channel {place.channel} ({place.band or '?'} GHz{width})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the air was looked at, and how much was heard of any network, by band in GHz."""

    source: str
    interface: str
    fresh: bool
    redacted: bool
    unread: tuple[str, ...]
    heard: dict[str, int]
    """Access points that count as heard now."""
    nameless: dict[str, int]
    """Those of them that do not send their name."""
    left_out: int = 0

    def partial(self) -> str:
        """Return the full sentence that a part of what was heard is missing, or an empty text."""
        if self.left_out:
            return f"{self.left_out} more networks were heard and left out."
        return safe(" ".join(self.unread), limit=300) if self.fresh and not self.redacted else ""

    def total(self) -> int:
        """Return how many access points were heard."""
        return sum(self.heard.values())


async def look_around(vantage: Vantage, interface: str | None, *, connection: bool = False) -> Air:
    """Return what a scan hears, shared by the checks of a run; with `connection` what is joined, too."""
    from checks.wire.wifi.adapter import joined, scan

    air = await scan(vantage.shared, interface, fresh=True)
    if not connection or air.joined:
        return air
    try:
        return dataclasses.replace(air, joined=(await joined(vantage.shared, interface)).joined)
    except CannotTell:
        return air


def access_points(air: Air) -> tuple[AccessPoint, ...]:
    """Return what was heard, decoded, the strongest first."""
    joined = {
        one.bssid: one.ssid for one in air.joined if one.bssid and one.ssid and one.state == "connected"
    }
    found = [_decoded(heard, air.source, joined) for heard in air.heard[:MAX_NETWORKS]]
    found.sort(key=lambda point: -(point.level.dbm if point.level is not None else -200.0))
    return tuple(found)


def look_of(air: Air, points: Iterable[AccessPoint]) -> Look:
    """Return the look's summary."""
    heard: dict[str, int] = {}
    nameless: dict[str, int] = {}
    for point in points:
        if counts(point, fresh=air.fresh):
            band = point.place.band or "?"
            heard[band] = heard.get(band, 0) + 1
            if not point.ssid:
                nameless[band] = nameless.get(band, 0) + 1
    return Look(
        source=air.source, interface=air.interface, fresh=air.fresh,
        redacted=air.redacted or any(one.ssid is None and not one.elements for one in air.heard),
        unread=air.unread[:20], heard=heard, nameless=nameless,
        left_out=max(0, len(air.heard) - MAX_NETWORKS),
    )  # fmt: skip


def counts(point: AccessPoint, *, fresh: bool) -> bool:
    """Return whether it was heard now, and is not only remembered."""
    return fresh if point.age_s is None else 0 <= point.age_s <= MAX_AGE_S


def _decoded(heard: Heard, source: str, joined: Mapping[str, str]) -> AccessPoint:
    elements = read_elements(heard.elements) if heard.elements else None
    sent = (elements.ssid if elements is not None else None) or heard.ssid or ""
    load = elements.load if elements is not None else None
    busy = load.utilisation if load is not None else heard.utilisation
    return AccessPoint(
        bssid=heard.bssid, ssid=sent or joined.get(heard.bssid) or "", hidden=not sent,
        place=place_of(heard, elements), level=strength(heard, source), security=security_of(heard),
        standard=(elements.standard if elements is not None else "") or heard.standard,
        country=elements.country if elements is not None else "",
        stations=load.stations if load is not None else heard.stations,
        utilisation_percent=None if busy is None else round(busy / 255 * 100, 1),
        fast_transition=elements is not None and elements.fast_transition,
        radio_measurement=elements is not None and elements.radio_measurement,
        bss_transition=elements is not None and elements.bss_transition,
        nontransmitted=elements.nontransmitted[:20] if elements is not None else (),
        age_s=heard.age_s, elements=heard.elements[: LONGEST + 1],
    )  # fmt: skip


def blind(look: Look, subject: str, expected: str) -> Finding | None:
    """Return the finding that this look proves nothing at all, or None."""
    if look.redacted:
        return cannot_tell(
            subject, "This system hides the names and addresses of networks from gonogo: a permission is "
            "missing, not a network.", expected=expected, observed="redacted", fix=PERMISSION,
        )  # fmt: skip
    if look.total() == 0:
        why = safe(" ".join(look.unread), limit=300)
        old = "" if look.fresh else " No new scan could be made, and what the system remembers is too old."
        return cannot_tell(
            subject, f"The radio hears no network at all, so silence proves nothing.{old} {why}".strip(),
            expected=expected, observed=observed(look), fix=RADIO,
        )  # fmt: skip
    return None


def remembered(point: AccessPoint, subject: str, expected: str) -> Finding:
    """Return the finding that an access point is only remembered."""
    ago = "at an unknown time" if point.age_s is None else f"{span(point.age_s)} ago"
    return cannot_tell(
        subject, f"No new scan could be made: {point.named()} was heard {ago}, maybe elsewhere.",
        expected=expected, observed=f"heard {ago}", fix=RADIO,
    )  # fmt: skip


def observed(look: Look) -> str:
    """Return how much was heard in one line."""
    counted = [f"{look.heard[band]} on {band} GHz" for band in BANDS if look.heard.get(band)]
    if look.heard.get("?"):
        counted.append(f"{look.heard['?']} on an unknown channel")
    nameless = sum(look.nameless.values())
    told = ", ".join(counted) or "no access point"
    return f"{told}{f', {nameless} of them nameless' if nameless else ''} ({safe(look.source, limit=60)})"


def check_ssid(ssid: str) -> None:
    """Raise ValueError for a name that no network can have."""
    if len(ssid.encode("utf-8", "surrogatepass")) > 32:
        raise ValueError(f"The name of a network has at most 32 bytes (in UTF-8), unlike {ssid!r}.")
