"""wifi.channels: the channels that a network uses here are not crowded, and are set as they should be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from checks.bounds import Ge, Le, Len
from checks.contract import Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.params import Percent
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
from checks.wire.wifi.channel import NON_OVERLAPPING, Band, Place, is_dfs, overlap
from checks.wire.wifi.strength import Strength

LOUD_DBM = -85.0
"""From this level on a network takes part of the air time of its channel."""
_PLAN = "Give it another channel: a free one of 1, 6 and 11, or better one of 5 or 6 GHz; or let it choose."


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Another network's access point, as far as it matters for the channel."""

    bssid: str
    ssid: str
    place: Place
    level: Strength | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelsSeen:
    """The network's access points, and everybody else who was heard now."""

    look: Look
    access_points: tuple[AccessPoint, ...]
    neighbours: tuple[Neighbour, ...]


class Channels(Check[ChannelsSeen]):
    """The channels of this network are not crowded by others, and as wide as planned.

    Proves: how many other radios were heard at -85 dBm or more on the channel of each of the network's access
    points, here and now; which width each announces; how busy its channel is, where it tells (QBSS load).
    Cannot prove: what is heard elsewhere or at other times, radios that send no beacon, or other sources of
    noise. An access point that does not tell its load is not judged by it.
    If it fails: give the access point that is named another channel, a narrower one, or the other band.

    Source: IEEE 802.11-2020 section 9.4.2.27 (QBSS load) and 9.4.2.56 (HT operation); Cisco and Zebra voice
    guides (utilisation below 50 %; only channels 1, 6 and 11 of 20 MHz on 2.4 GHz).

    Example:
        type: wifi.channels
        ssid: Contoso
        max_co_channel: 2
        max_width: {"2.4": 20, "5": 40}
    """

    deadline_s = 60.0
    kind = "exclusive"

    ssid: Ssid
    """Name of the network whose channels are judged."""
    max_co_channel: Annotated[int, Ge(0), Le(200)] = 3
    """Other radios, ours or not, that may be on the same channel at -85 dBm or more."""
    max_utilisation: Percent = 50.0
    """How busy a channel may be, by what the access point itself tells."""
    max_width: Mapping[Band, Annotated[int, Ge(20), Le(320)]] | None = None
    """Widest channel by band, in MHz: `{"5": 40}`. Left out, more than 20 MHz on 2.4 GHz is a warning."""
    interface: Annotated[str, Len(1, 256)] | None = None
    """Wi-Fi interface to listen with; left out, the first."""

    def __post_init__(self) -> None:
        check_ssid(self.ssid)

    def needs_link(self) -> bool:
        return False

    async def observe(self, vantage: Vantage) -> ChannelsSeen:
        """Scan, and keep where everybody is."""
        air = await look_around(vantage, self.interface)
        points = access_points(air)
        return ChannelsSeen(
            look=look_of(air, points),
            access_points=tuple(point for point in points if point.ssid == self.ssid),
            neighbours=tuple(
                Neighbour(bssid=point.bssid, ssid=point.ssid, place=point.place, level=point.level)
                for point in points
                if point.ssid != self.ssid and counts(point, fresh=air.fresh)
            ),
        )

    def judge(self, seen: ChannelsSeen) -> Iterable[Finding]:
        """Judge every access point of the network that is loud enough to matter here."""
        name = safe(self.ssid, limit=32)
        expected = f"at most {self.max_co_channel} others on its channel"
        nothing = blind(seen.look, name, expected)
        if nothing is not None:
            yield nothing
            return
        if seen.look.partial():
            yield cannot_tell(
                name, f"A part of what is on the air was not read, so others may be on its channel, too. "
                f"{seen.look.partial()}", expected=expected, observed=observed(seen.look), fix=PARTIAL,
            )  # fmt: skip
        now = [point for point in seen.access_points if counts(point, fresh=seen.look.fresh)]
        for point in seen.access_points:
            if point not in now:
                yield remembered(point, f"{name} at {point.named()}", expected)
        if not seen.access_points:
            yield cannot_tell(
                name, f"{name} is not heard here, so its channels cannot be judged.", expected=expected,
                observed=observed(seen.look), fix="Run it where the network is heard (wifi.ssid).",
            )  # fmt: skip
        for point in now:
            yield from self._judge_one(point, now, seen, f"{name} at {point.named()}")

    def _judge_one(
        self, point: AccessPoint, ours: list[AccessPoint], seen: ChannelsSeen, subject: str
    ) -> Iterable[Finding]:
        if point.place.channel is None or not point.place.band:
            yield cannot_tell(
                subject, "The source does not tell the channel of this access point.",
                expected="a known channel", observed=observed(seen.look),
                fix="Run it where the raw scan can be read (administrator, root).",
            )  # fmt: skip
            return
        yield self._neighbours(point, ours, seen, subject)
        yield from self._width(point, subject)
        yield from self._busy(point, subject)

    def _neighbours(
        self, point: AccessPoint, ours: list[AccessPoint], seen: ChannelsSeen, subject: str
    ) -> Finding:
        expected = f"at most {self.max_co_channel} others on its channel at {LOUD_DBM:.0f} dBm or more"
        mine = _radio(point.bssid, point.place)
        same: dict[str, Neighbour | AccessPoint] = {}
        beside: dict[str, Neighbour | AccessPoint] = {}
        unmeasured = 0
        others: list[Neighbour | AccessPoint] = [*seen.neighbours, *(one for one in ours if one is not point)]
        for other in others:
            radio = _radio(other.bssid, other.place)
            unplaced = other.place.channel is None
            if radio == mine or (not unplaced and not overlap(point.place, other.place)):
                continue
            if unplaced or other.level is None:
                unmeasured += 1
            elif other.level.dbm >= LOUD_DBM:
                on_it = other.place.channel == point.place.channel
                (same if on_it else beside).setdefault(radio, other)
        for radio in same:
            beside.pop(radio, None)
        dfs = " It is a DFS channel: radar may take it away." if is_dfs(point.place) else ""
        where = f"{point.named()} is on {point.where()}"
        named = _named(same.values())
        if len(same) > self.max_co_channel:
            return failed(
                subject, f"{where}, together with {len(same)} other radios: {named}.{dfs}",
                expected=expected, observed=f"{len(same)} others", fix=_PLAN,
            )  # fmt: skip
        if unmeasured and len(same) + unmeasured > self.max_co_channel:
            return cannot_tell(
                subject, f"{where}; {unmeasured} others may be on it: the source does not tell their signal "
                "or their channel.",
                expected=expected, observed=f"{len(same)} others, {unmeasured} not told",
                fix="Run it where signals are told (administrator, root, another system).",
            )  # fmt: skip
        if point.place.band == "2.4" and point.place.channel not in NON_OVERLAPPING:
            return warned(
                subject, f"{where}, which lies over two of the channels 1, 6 and 11.",
                expected="channel 1, 6 or 11", observed=f"channel {point.place.channel}", fix=_PLAN,
            )  # fmt: skip
        if beside and point.place.band == "2.4":
            return warned(
                subject, f"{where}; {len(beside)} other radios overlap it from other channels, which "
                f"disturbs more than on its own: {_named(beside.values())}.", expected="no partial overlap",
                observed=f"{len(beside)} overlap", fix=_PLAN,
            )  # fmt: skip
        wide = f" {len(beside)} more overlap a part of its width." if beside else ""
        return passed(
            subject, f"{where} with {len(same)} others{f': {named}' if same else ''}.{wide}{dfs}",
            expected=expected, observed=f"{len(same)} others",
        )  # fmt: skip

    def _width(self, point: AccessPoint, subject: str) -> Iterable[Finding]:
        band, width = point.place.band, point.place.width_mhz
        planned = (self.max_width or {}).get(band)
        if planned is not None and width is None:
            yield cannot_tell(
                subject, "The source does not tell the width of this channel.",
                expected=f"at most {planned} MHz", observed="not told",
                fix="Run it where the raw information elements can be read (administrator, root).",
            )  # fmt: skip
        elif planned is not None and width is not None:
            limit, told = f"at most {planned} MHz", f"{width} MHz"
            if width > planned:
                yield failed(
                    subject, f"Its channel is {width} MHz wide.", expected=limit, observed=told,
                    fix=f"Set the channel width on {band} GHz to {planned} MHz.",
                )  # fmt: skip
            else:
                yield passed(subject, f"Its channel is {width} MHz wide.", expected=limit, observed=told)
        elif band == "2.4" and width is not None and width > 20:
            yield warned(
                subject, f"It takes {width} MHz of 2.4 GHz, where three channels of 20 MHz are all there is.",
                expected="20 MHz", observed=f"{width} MHz", fix="Set the channel width on 2.4 GHz to 20 MHz.",
            )  # fmt: skip

    def _busy(self, point: AccessPoint, subject: str) -> Iterable[Finding]:
        busy = point.utilisation_percent
        if busy is None:
            return
        stations = f" with {point.stations} stations" if point.stations is not None else ""
        expected, told = f"at most {self.max_utilisation:g} % busy", f"{busy:g} %"
        if busy > self.max_utilisation:
            yield failed(
                subject, f"Its channel is busy {busy:g} % of the time{stations}.", expected=expected,
                observed=told, fix=_PLAN,
            )  # fmt: skip
        else:
            yield passed(
                subject, f"Its channel is busy {busy:g} % of the time{stations}.", expected=expected,
                observed=told,
            )  # fmt: skip


def _radio(bssid: str, place: Place) -> str:
    """Return what the networks of one radio have in common: all but the first octet and the last digit."""
    return f"{bssid[3:16] or 'unknown'} {place.band} {place.channel}"


def _named(others: Iterable[Neighbour | AccessPoint]) -> str:
    shown = [f"{other.ssid or 'nameless'} ({other.bssid})" for other in others]
    more = f" and {len(shown) - 6} more" if len(shown) > 6 else ""
    return safe(", ".join(shown[:6]), limit=400) + more
