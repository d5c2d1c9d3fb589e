"""wifi.rogue: nobody but our own access points sends our networks' names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any

from checks.bounds import Len
from checks.contract import Check, Finding, Status, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.params import Form, parse_mac
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
from checks.wifi._names import skeleton
from checks.wire.wifi import safety
from checks.wire.wifi.channel import BANDS
from checks.wire.wifi.security import Kind
from checks.wire.wifi.strength import shown

_PREFIX = re.compile(r"[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}\1[0-9A-Fa-f]{2}|[0-9A-Fa-f]{6}")
_HUNT = (
    "Find it by its signal (walk with wifi.link or a survey), look whether it is one of ours that the plan "
    "lacks; if not, take it off the network and the air, and warn the users."
)
_LOCAL = ("2", "3", "6", "7", "a", "b", "e", "f")
"""Second digits of addresses that are locally administered."""
_LEVEL = {"open": 0, "owe-transition": 0, "wep": 1, "wpa-personal": 2, "wpa-enterprise": 2}


def parse_access_point(value: Any) -> str:
    """Return an access point's address, or the first three octets that a maker's access points share."""
    text = value.strip() if isinstance(value, str) else ""
    if _PREFIX.fullmatch(text):
        return bytes.fromhex(re.sub("[^0-9A-Fa-f]", "", text)).hex(":")
    try:
        return parse_mac(value)
    except ValueError:
        raise ValueError(
            "An access point is written by its radio's address, like 00:1b:21:3c:4d:5e, or by the first "
            f"three octets, like 00:1b:21, not {value!r:.80}."
        ) from None


ApAddress = Annotated[
    str, Form(parse_access_point, (("type", "string"), ("examples", ["00:1b:21:3c:4d:5e", "00:1b:21"])))
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RogueSeen:
    """Who sends our names, and names that look like ours."""

    look: Look
    access_points: tuple[AccessPoint, ...]
    look_alikes: tuple[AccessPoint, ...]


class Rogue(Check[RogueSeen]):
    """Only the planned access points send the names of our networks, with one and the same security.

    Proves: at this place, now, every radio that was heard with one of the names has a planned address, and
    none of them is less secure than planned or than the others.
    Cannot prove: that nobody sends them elsewhere, on a band that is not named, or with an address copied
    from ours together with its security; nor what a radio does that is silent now.
    If it fails: find the access point that is named, by its signal; a forgotten one of ours is put into the
    plan, any other is taken off the air.

    Source: IEEE 802.11-2020 section 9.2.4.3.4 (BSSID); NIST SP 800-153 section 3 (rogue access points).

    Example:
        type: wifi.rogue
        ssids: [Contoso, Contoso-Guest]
        access_points: ["f0:9f:c2", "74:ac:b9:10:20:30"]
        security: [wpa3-personal, wpa3-personal-transition]
    """

    deadline_s = 60.0
    kind = "exclusive"

    ssids: Annotated[tuple[Ssid, ...], Len(1, 32)]
    """Names of our networks, exactly."""
    access_points: Annotated[tuple[ApAddress, ...], Len(1, 2000)]
    """Addresses (BSSID) of our access points' radios, each in full or by its first three octets. By octets,
    the locally administered addresses that the same access points derive for more networks are ours, too."""
    security: tuple[Kind, ...] = ()
    """Kinds of security of which each of them must have one; left out, none may be weaker than the others."""
    interface: Annotated[str, Len(1, 256)] | None = None
    """Wi-Fi interface to listen with; left out, the first."""

    def __post_init__(self) -> None:
        for name in self.ssids:
            check_ssid(name)

    def subject(self) -> str:
        return ", ".join(self.ssids)

    def needs_link(self) -> bool:
        return False

    async def observe(self, vantage: Vantage) -> RogueSeen:
        """Scan, and keep what sends our names, or what looks like them."""
        air = await look_around(vantage, self.interface)
        points = access_points(air)
        skeletons = {skeleton(name) for name in self.ssids} - {""}
        return RogueSeen(
            look=look_of(air, points),
            access_points=tuple(point for point in points if point.ssid in self.ssids),
            look_alikes=tuple(
                point
                for point in points
                if point.ssid and point.ssid not in self.ssids and skeleton(point.ssid) in skeletons
            )[:100],
        )

    def judge(self, seen: RogueSeen) -> Iterable[Finding]:
        """Judge each radio that sends one of our names, and names that look like them."""
        nothing = blind(seen.look, safe(self.subject(), limit=200), "only planned access points")
        if nothing is not None:
            yield nothing
            if not seen.look.redacted:
                return
        elif seen.look.partial():
            yield cannot_tell(
                safe(self.subject(), limit=200), f"A part of what is on the air was not read. "
                f"{seen.look.partial()}", expected="only planned access points", observed=observed(seen.look),
                fix=PARTIAL,
            )  # fmt: skip
        for name in self.ssids:
            yield from self._network(name, seen)
        for point in seen.look_alikes:
            if counts(point, fresh=seen.look.fresh):
                yield self._look_alike(point)

    def _network(self, name: str, seen: RogueSeen) -> Iterable[Finding]:
        shown_name = safe(name, limit=32)
        expected = "only planned access points"
        points = [point for point in seen.access_points if point.ssid == name]
        now = [point for point in points if counts(point, fresh=seen.look.fresh)]
        for point in points:
            if point not in now:
                yield remembered(point, f"{shown_name} at {point.named()}", expected)
        if not points and not seen.look.redacted:
            yield cannot_tell(
                shown_name, f"{shown_name} is not heard here at all, not even from our own access points, so "
                "that it proves nothing that nobody else sends it.", expected=expected,
                observed=observed(seen.look), fix="Run it where our own network is heard (wifi.ssid).",
            )  # fmt: skip
        planned = [point for point in now if self._planned(point.bssid)]
        best = max((_level(point) for point in planned), default=0)
        enterprise = any(_is_enterprise(point) for point in planned)
        for point in now:
            yield self._judge_one(point, now, best, seen, enterprise=enterprise)

    def _judge_one(
        self, point: AccessPoint, now: list[AccessPoint], best: int, seen: RogueSeen, *, enterprise: bool
    ) -> Finding:
        name = safe(point.ssid, limit=32)
        subject = f"{name} at {point.named()}"
        expected = "only planned access points"
        told = safe(safety.shown(point.security))
        heard = f"on {point.where()}, {shown(point.level)}, {told}"
        weaker = point.security.kind != "unknown" and (
            _level(point) < best or (enterprise and not _is_enterprise(point))
        )
        if not point.bssid:
            return cannot_tell(
                subject, f"The system does not tell who sends {name} {heard}.", expected=expected,
                observed="no address", fix="Run it where addresses are told (location permission).",
            )  # fmt: skip
        if not self._planned(point.bssid):
            twin = " It is less secure than ours: whoever joins it can be read." if weaker else ""
            return failed(
                subject, f"{point.bssid} sends {name} and is not planned ({heard}).{twin}", expected=expected,
                observed=point.bssid, fix=_HUNT,
            )  # fmt: skip
        if self.security:
            remark = safety.judge_security(point.security, self.security, guest=True, band=point.place.band)[
                0
            ]
            kinds = " or ".join(self.security)
            if remark.status is Status.FAIL:
                return failed(
                    subject, f"{point.bssid} has a planned address, but not the planned security: "
                    f"{safe(remark.text, limit=300)} It may be an access point that copies our address.",
                    expected=kinds, observed=told, fix=_HUNT,
                )  # fmt: skip
            if remark.status is Status.INCONCLUSIVE:
                return cannot_tell(
                    subject, f"{point.bssid}: {safe(remark.text, limit=300)}", expected=kinds, observed=told,
                    fix=remark.fix,
                )  # fmt: skip
        if weaker:
            return failed(
                subject, f"{point.bssid} has a planned address and is less secure than the others that send "
                f"{name} ({heard}): it is set wrongly, or copies our address.", expected="the same security",
                observed=told, fix=_HUNT,
            )  # fmt: skip
        if not self.security and point.security.kind == "unknown":
            return cannot_tell(
                subject, f"{point.bssid} has a planned address, but its security cannot be told. "
                f"{safe(point.security.why, limit=300)}".strip(), expected="the same security", observed=told,
                fix="Run it where the raw information elements can be read (administrator, root).",
            )  # fmt: skip
        twice = sorted({one.where() for one in now if one.bssid == point.bssid})
        if len(twice) > 1:
            return warned(
                subject, f"{point.bssid} is heard on {' and on '.join(twice)}: it has just moved, or "
                "somebody copies it.", expected="one channel", observed=", ".join(twice), fix=_HUNT,
            )  # fmt: skip
        listened = " and ".join(band for band in BANDS if seen.look.heard.get(band))
        return passed(
            subject, f"{point.bssid} is planned ({heard}). Listened on {listened} GHz.", expected=expected,
            observed=point.bssid,
        )  # fmt: skip

    def _look_alike(self, point: AccessPoint) -> Finding:
        like = next((name for name in self.ssids if skeleton(name) == skeleton(point.ssid)), self.ssids[0])
        known = "one of our own access points" if self._planned(point.bssid) else "an unknown access point"
        return warned(
            f"{ascii(point.ssid)[1:-1]} at {point.named()}",
            f"{known.capitalize()} sends a name that looks like {safe(like, limit=32)}: "
            f"{point.ssid!a} ({point.where()}, {shown(point.level)}).",
            expected="no name that looks like ours", observed=ascii(point.ssid),
            fix="Find who sends it; users take it for ours. Rename or remove it.",
        )  # fmt: skip

    def _planned(self, bssid: str) -> bool:
        return any(_is(bssid, planned) for planned in self.access_points)


def _is(bssid: str, planned: str) -> bool:
    """Return whether an address is the planned one, or begins as planned, its first octet aside if local."""
    if bssid == planned:
        return True
    if len(planned) != 8 or len(bssid) != 17:
        return False
    return bssid[:8] == planned or (bssid[1:2] in _LOCAL and bssid[2:8] == planned[2:8])


def _level(point: AccessPoint) -> int:
    """Return how secure it is, coarsely: the kinds that may stand side by side under one name are equal."""
    return 0 if point.security.kind == "unknown" else _LEVEL.get(point.security.kind, 3)


def _is_enterprise(point: AccessPoint) -> bool:
    return "enterprise" in point.security.kind
