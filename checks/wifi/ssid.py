"""wifi.ssid: a network is heard here on its bands, strong enough, with the planned security."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from checks.bounds import Ge, Le, Len
from checks.contract import Check, Finding, Status, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.safe import safe
from checks.wifi._heard import (
    PARTIAL,
    AccessPoint,
    Look,
    Ssid,
    access_points,
    blind,
    check_ssid,
    counts,
    look_around,
    look_of,
    observed,
    remembered,
)
from checks.wire.wifi import safety
from checks.wire.wifi.channel import Band
from checks.wire.wifi.security import Kind
from checks.wire.wifi.strength import shown

_STRENGTH = (
    "Go nearer to the access point and compare; look whether it is on and at its planned power, then move "
    "or add one."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SsidSeen:
    """The access points that send the network's name, and how the air was looked at."""

    look: Look
    access_points: tuple[AccessPoint, ...]
    owe: tuple[AccessPoint, ...] = ()
    """Access points that encrypt by OWE: the other halves of networks in transition."""


class HeardSsid(Check[SsidSeen]):
    """The network is heard here, on each planned band, strong enough and with the planned security.

    Proves: at this place, now, the network's name was received on the bands that are named, the strongest of
    its access points at the level that is told, and each of them announced the security that is told (key
    management, ciphers, protected management frames, from its own information elements).
    Cannot prove: that anybody can join (wifi.link proves that for this laptop), or what is heard elsewhere
    (wifi.coverage). An access point that copies name and security looks the same: see wifi.rogue.
    If it fails: look whether the access point, this band and this network are switched on in the controller,
    and correct the security of exactly the access points that are named.

    Source: IEEE 802.11-2020 section 9.4.2.24 (RSN element); Wi-Fi Alliance, WPA3 Specification 3.4; Cisco and
    Zebra voice guides (-67 dBm).

    Example:
        type: wifi.ssid
        ssid: Contoso
        bands: ["5", "6"]
        security: [wpa3-personal]
        pmf: required
    """

    deadline_s = 60.0
    kind = "exclusive"

    ssid: Ssid
    """Name of the network, exactly."""
    bands: Annotated[tuple[Band, ...], Len(0, 3)] = ()
    """Bands that it must be heard on, in GHz: 2.4, 5, 6; left out, any one."""
    security: tuple[Kind, ...] = ()
    """Kinds of security of which each of its access points must have one; left out, any that is safe.
    `open` or `wep` that is planned is still a warning."""
    pmf: Literal["required", "capable"] | None = None
    """Protected management frames (802.11w) that each of its access points must have at least."""
    min_signal: Annotated[int, Ge(-95), Le(-20)] = -67
    """The least signal of the strongest access point on each band, in dBm."""
    guest: bool = False
    """It is a network for guests: open is then a warning, and OWE a pass."""
    hidden: bool = False
    """The network does not send its name, so that it can only be told where this laptop is joined to it.
    Hiding a name protects nothing."""
    interface: Annotated[str, Len(1, 256)] | None = None
    """Wi-Fi interface to listen with; left out, the first."""

    def __post_init__(self) -> None:
        check_ssid(self.ssid)
        if len(set(self.bands)) < len(self.bands):
            raise ValueError("'bands' names the same band twice.")

    def needs_link(self) -> bool:
        return False

    async def observe(self, vantage: Vantage) -> SsidSeen:
        """Scan, and keep what sends this name, with its elements."""
        air = await look_around(vantage, self.interface, connection=self.hidden)
        points = access_points(air)
        return SsidSeen(
            look=look_of(air, points),
            access_points=tuple(point for point in points if point.ssid == self.ssid),
            owe=tuple(point for point in points if point.security.kind == "owe" and point.ssid != self.ssid),
        )

    def judge(self, seen: SsidSeen) -> Iterable[Finding]:
        """Judge presence and strength by band, security by access point."""
        look = seen.look
        name = safe(self.ssid, limit=32)
        nothing = blind(look, name, self._expected())
        if nothing is not None:
            yield nothing
            if not look.redacted:
                return
        now = [point for point in seen.access_points if counts(point, fresh=look.fresh)]
        for point in seen.access_points:
            if point not in now:
                yield remembered(point, f"{name} at {point.named()}", self._expected())
        for band in self.bands or ("",):
            here = [point for point in now if band in ("", point.place.band)]
            if here:
                yield self._strength(here, name, band)
            elif not look.redacted:
                yield self._missing(seen, name, band)
        for point in now:
            yield self._security(point, seen, name)

    def _expected(self) -> str:
        where = f" on {', '.join(self.bands)} GHz" if self.bands else ""
        return f"heard{where} at {self.min_signal} dBm or more"

    def _missing(self, seen: SsidSeen, name: str, band: str) -> Finding:
        look = seen.look
        heard = look.heard.get(band, 0) if band else look.total()
        nameless = look.nameless.get(band, 0) if band else sum(look.nameless.values())
        place = f"{name} on {band} GHz" if band else name
        expected = f"heard on {band} GHz" if band else "heard"
        if seen.access_points and not any(counts(p, fresh=look.fresh) for p in seen.access_points):
            return cannot_tell(
                place, f"{name} was not heard now, only earlier.", expected=expected, observed=observed(look),
                fix="Run it again where a new scan can be made.",
            )  # fmt: skip
        if not look.fresh:
            return cannot_tell(
                place, f"{name} is not among what this system remembers, and no new scan could be made.",
                expected=expected, observed=observed(look),
                fix="Run it with the right to scan (administrator, root, NetworkManager), then again.",
            )  # fmt: skip
        if heard == 0:
            return cannot_tell(
                place, f"Nothing at all is heard on {band} GHz: maybe this radio does not know the band, or "
                "may not use it in this country.", expected=expected, observed=observed(look),
                fix=f"Run it with a radio that hears {band} GHz, or look at another network on that band.",
            )  # fmt: skip
        if self.hidden and nameless:
            return cannot_tell(
                place, f"{nameless} networks are heard that do not send their name; which of them is {name} "
                "is known only where this laptop is joined to it.", expected=expected,
                observed=observed(look),
                fix="Join the network with this laptop, then run it again, or stop hiding its name.",
            )  # fmt: skip
        if look.partial():
            return cannot_tell(
                place, f"{name} is not among the networks that could be read. {look.partial()}",
                expected=expected, observed=observed(look), fix=PARTIAL,
            )  # fmt: skip
        others = sorted({point.place.band for point in seen.access_points if point.place.band})
        besides = f" It is heard on {' and '.join(others)} GHz." if others else ""
        where = f" on {band} GHz" if band else ""
        return failed(
            place, f"{name} is not heard{where}, while other networks are.{besides}",
            expected=expected, observed=observed(look),
            fix="Switch this network (and this band) on in the access point here, or correct its name; names "
            "are compared exactly, with capitals and spaces.",
        )  # fmt: skip

    def _strength(self, here: list[AccessPoint], name: str, band: str) -> Finding:
        place = f"{name} on {band} GHz" if band else name
        expected = f"at least {self.min_signal} dBm"
        best = max(here, key=lambda point: point.level.dbm if point.level is not None else -999.0)
        if best.level is None:
            return cannot_tell(
                place, f"{name} is heard, but its source tells no signal.", expected=expected,
                observed="heard", fix="Join it and run wifi.link, or run it where signals are told.",
            )  # fmt: skip
        level = shown(best.level)
        if best.level.dbm < self.min_signal:
            return failed(
                place, f"{name} is too weak here: the strongest access point, {best.named()} on "
                f"{best.where()}, is heard with {level}.", expected=expected, observed=level, fix=_STRENGTH,
                reference="Cisco and Zebra voice guides: -67 dBm at the edge of a cell",
            )  # fmt: skip
        return passed(
            place, f"{name} is heard from {len(here)} access points, the strongest ({best.named()} on "
            f"{best.where()}) with {level}." if len(here) > 1 else
            f"{name} is heard from {best.named()} on {best.where()} with {level}.",
            expected=expected, observed=level,
        )  # fmt: skip

    def _security(self, point: AccessPoint, seen: SsidSeen, name: str) -> Finding:
        subject = f"{name} at {point.named()}"
        planned = " or ".join(self.security) or ("safe for guests" if self.guest else "safe")
        expected = f"{planned}{f', PMF {self.pmf}' if self.pmf else ''}"
        told = safety.shown(point.security)
        remarks = safety.judge_security(
            point.security, self.security, pmf=self.pmf, guest=self.guest, band=point.place.band
        )
        worst = remarks[0]
        text = " ".join(safe(remark.text, limit=400) for remark in remarks)
        message = f"{point.named()} on {point.where()}: {text}"
        if worst.status is Status.FAIL:
            return failed(subject, message, expected=expected, observed=safe(told), fix=worst.fix)
        if worst.status is Status.INCONCLUSIVE:
            return cannot_tell(subject, message, expected=expected, observed=safe(told), fix=worst.fix)
        partner = point.security.owe
        if point.security.kind == "owe-transition" and not (
            partner and any(one.bssid == partner.bssid for one in seen.owe)
        ):
            return warned(
                subject, f"{message} The encrypted half of this network is not heard.", expected=expected,
                observed=safe(told), fix="Switch the OWE half of the pair on in the access point.",
            )  # fmt: skip
        if worst.status is Status.WARN:
            return warned(subject, message, expected=expected, observed=safe(told), fix=worst.fix)
        return passed(subject, message, expected=expected, observed=safe(told))
