"""wifi.link: this laptop is joined to the planned network, strong enough, fast enough, securely."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from checks.bounds import Ge, Gt, Le, Len
from checks.contract import Check, Finding, Status, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.params import Mac
from checks.safe import safe
from checks.wifi._heard import PERMISSION, Ssid, check_ssid
from checks.wire.wifi import safety
from checks.wire.wifi.air import Air, Joined
from checks.wire.wifi.channel import Band, Place, place_of
from checks.wire.wifi.security import Kind, Security, security_of
from checks.wire.wifi.strength import Strength, shown, strength

SNR_DB = 25
_JOIN = "Join the planned network with this laptop, then run it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What one radio of this laptop is joined to."""

    interface: str
    state: str
    ssid: str | None
    """None where the system hides it."""
    bssid: str
    place: Place
    level: Strength | None
    security: Security
    snr_db: float | None = None
    rx_mbps: float | None = None
    tx_mbps: float | None = None
    standard: str = ""
    elements: bytes = b""

    def up(self) -> bool:
        """Return whether it is joined to a network."""
        return self.state == "connected"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSeen:
    """This laptop's radios."""

    source: str
    redacted: bool
    unread: tuple[str, ...]
    connections: tuple[Connection, ...]


class WifiLink(Check[LinkSeen]):
    """This laptop is joined to the planned network, with signal, rate, band and security as planned.

    Proves: at this moment this laptop is associated with the network (and the access point, band) that is
    named, at the signal and rate that its radio tells, and the network's security is the one that is told.
    Cannot prove: that an address is given or that the network leads anywhere (link.interface, link.gateway),
    that it stays so while walking (wifi.coverage), or that the access point is ours (wifi.rogue).
    If it fails: join the network that is named; where it is weak or slow, compare nearer to the access point,
    then look at its power, channel width and neighbours (wifi.channels).

    Source: IEEE 802.11-2020; Wi-Fi Alliance, WPA3 Specification 3.4; Cisco and Zebra voice guides (-67 dBm,
    signal-to-noise ratio of 25 dB).

    Example:
        type: wifi.link
        ssid: Contoso
        band: 5 GHz
        min_signal: -65
        min_rate_mbps: 100
        security: [wpa3-personal]
    """

    deadline_s = 60.0

    ssid: Ssid
    """Name of the network that this laptop must be joined to."""
    bssid: Mac | None = None
    """Address of the access point's radio that it must be joined to."""
    band: Band | None = None
    """Band in GHz that it must be joined on: 2.4, 5 or 6."""
    min_signal: Annotated[int, Ge(-95), Le(-20)] = -67
    """The least signal in dBm."""
    min_rate_mbps: Annotated[float, Gt(0)] | None = None
    """The least rate to send at, in Mbit/s, as the radio tells it (not what gets through)."""
    security: tuple[Kind, ...] = ()
    """Kinds of security of which the network must have one; left out, any that is safe."""
    interface: Annotated[str, Len(1, 256)] | None = None
    """Wi-Fi interface; left out, any that is joined."""

    def __post_init__(self) -> None:
        check_ssid(self.ssid)

    def needs_link(self) -> bool:
        return False

    async def observe(self, vantage: Vantage) -> LinkSeen:
        """Ask the radios what they are joined to."""
        from checks.wire.wifi.adapter import joined

        air = await joined(vantage.shared, self.interface)
        return LinkSeen(
            source=air.source, redacted=air.redacted, unread=air.unread[:20],
            connections=tuple(_connection(one, air) for one in air.joined[:16]),
        )  # fmt: skip

    def judge(self, seen: LinkSeen) -> Iterable[Finding]:
        """Judge the connection to the planned network, if there is one."""
        name, expected = safe(self.ssid, limit=32), f"joined to {safe(self.ssid, limit=32)}"
        radios = [one for one in seen.connections if self.interface in (None, one.interface)]
        up = [one for one in radios if one.up()]
        ours = [one for one in up if one.ssid == self.ssid]
        if ours:
            for one in ours:
                yield from self._judge_one(one, name)
            return
        told = " ".join(seen.unread)
        if seen.redacted or any(one.ssid is None for one in up):
            yield cannot_tell(
                name, "This system hides the name of the network from gonogo: a permission is missing.",
                expected=expected, observed="redacted", fix=PERMISSION,
            )  # fmt: skip
        elif not radios:
            yield cannot_tell(
                name, f"No Wi-Fi radio of this laptop could be asked. {safe(told, limit=300)}".strip(),
                expected=expected, observed=safe(seen.source, limit=60) or "nothing",
                fix="Run it on a laptop with Wi-Fi, with the radio on.",
            )  # fmt: skip
        elif up:
            others = safe(", ".join(f"{one.ssid} ({one.interface})" for one in up), limit=200)
            yield failed(
                name, f"This laptop is joined to {others}, not to {name}.", expected=expected,
                observed=others, fix=_JOIN,
            )  # fmt: skip
        else:
            states = safe(", ".join(f"{one.interface}: {one.state}" for one in radios), limit=200)
            yield failed(
                name, f"This laptop is not joined to any network ({states}).", expected=expected,
                observed=states, fix=_JOIN,
            )  # fmt: skip

    def _judge_one(self, one: Connection, name: str) -> Iterable[Finding]:
        subject = f"{name} on {safe(one.interface, limit=60)}"
        yield passed(
            subject, f"This laptop is joined to {name} at {one.bssid or 'an address that is not told'}.",
            expected=f"joined to {name}", observed=one.bssid or "joined",
        )  # fmt: skip
        yield from self._radio(one, subject)
        yield self._signal(one, subject)
        if one.snr_db is not None and one.snr_db < SNR_DB:
            yield warned(
                subject, f"The signal is only {one.snr_db:.0f} dB above the noise.",
                expected=f"at least {SNR_DB} dB", observed=f"{one.snr_db:.0f} dB",
                fix="Look for what disturbs this channel (wifi.channels), or change it; move nearer.",
            )  # fmt: skip
        if self.min_rate_mbps is not None:
            yield self._rate(one, subject, self.min_rate_mbps)
        yield self._security(one, subject)

    def _radio(self, one: Connection, subject: str) -> Iterable[Finding]:
        for wanted, found, what, fix in (
            (self.bssid, one.bssid, "access point",
             "Go to the planned access point and join again, or look why it does not take this laptop."),
            (self.band and f"{self.band} GHz", one.place.band and f"{one.place.band} GHz", "band",
             "Look whether the access point sends on that band, and let clients prefer it (band steering)."),
        ):  # fmt: skip
            if wanted is None:
                continue
            if not found:
                yield cannot_tell(
                    subject, f"This system does not tell the {what}.", expected=wanted, observed="not told",
                    fix=PERMISSION,
                )  # fmt: skip
            elif found != wanted:
                yield failed(
                    subject, f"It is joined on another {what} than planned.", expected=wanted, observed=found,
                    fix=fix,
                )  # fmt: skip
            else:
                yield passed(subject, f"The {what} is the planned one.", expected=wanted, observed=found)

    def _signal(self, one: Connection, subject: str) -> Finding:
        expected = f"at least {self.min_signal} dBm"
        if one.level is None:
            return cannot_tell(
                subject, "This system tells no signal of the connection.", expected=expected,
                observed="not told", fix="Run it again; if it stays so, judge by wifi.ssid.",
            )  # fmt: skip
        level = shown(one.level)
        if one.level.dbm < self.min_signal:
            return failed(
                subject, f"The signal is too weak: {level}.", expected=expected, observed=level,
                fix="Go nearer to the access point and compare; look whether it is on and at its planned "
                "power, then move or add one.", reference="Cisco and Zebra voice guides: -67 dBm",
            )  # fmt: skip
        return passed(subject, f"The signal is {level}.", expected=expected, observed=level)

    def _rate(self, one: Connection, subject: str, least: float) -> Finding:
        rate = one.tx_mbps
        expected = f"at least {least:g} Mbit/s"
        if rate is None:
            return cannot_tell(
                subject, "This system does not tell at which rate the radio sends.", expected=expected,
                observed="not told", fix="Run it again while something is sent.",
            )  # fmt: skip
        if rate < least:
            return failed(
                subject, f"The radio sends at {rate:g} Mbit/s only.", expected=expected,
                observed=f"{rate:g} Mbit/s",
                fix="Run it again while something is sent; then look at signal, channel width and the "
                "standard that the access point and this laptop speak.",
            )  # fmt: skip
        return passed(
            subject, f"The radio sends at {rate:g} Mbit/s.", expected=expected, observed=f"{rate:g} Mbit/s"
        )

    def _security(self, one: Connection, subject: str) -> Finding:
        expected = " or ".join(self.security) or "safe"
        observed = safe(safety.shown(one.security))
        remarks = safety.judge_security(one.security, self.security, band=one.place.band)
        text = " ".join(safe(remark.text, limit=400) for remark in remarks)
        fix = remarks[0].fix
        if remarks[0].status is Status.FAIL:
            return failed(subject, text, expected=expected, observed=observed, fix=fix)
        if remarks[0].status is Status.INCONCLUSIVE:
            return cannot_tell(subject, text, expected=expected, observed=observed, fix=fix)
        if remarks[0].status is Status.WARN:
            return warned(subject, text, expected=expected, observed=observed, fix=fix)
        return passed(subject, text, expected=expected, observed=observed)


def _connection(one: Joined, air: Air) -> Connection:
    level = strength(one, air.source)
    heard = next((h for h in air.heard if h.bssid and h.bssid == one.bssid and h.elements), None)
    snr = None
    if one.noise_dbm is not None and -130 <= one.noise_dbm < 0 and level is not None and not level.estimated:
        snr = level.dbm - one.noise_dbm
    by_elements = heard if heard is not None and not one.elements else one
    return Connection(
        interface=one.interface, state=one.state, ssid=one.ssid, bssid=one.bssid.lower(),
        place=place_of(one), level=level, security=security_of(by_elements), snr_db=snr,
        rx_mbps=one.rx_mbps, tx_mbps=one.tx_mbps, standard=one.standard, elements=one.elements,
    )  # fmt: skip
