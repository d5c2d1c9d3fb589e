"""link.neighbor: the switch port that this laptop's cable ends in is the planned one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from checks.bounds import Ge, Gt, Le, Len
from checks.contract import Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.link._devices import Device, devices, newest
from checks.link._ends import ENDS
from checks.link._listening import carrier_changes, countdown, wired_interface
from checks.link._port import judge_duplex, judge_vlan, place_of
from checks.link._power import judge_power
from checks.params import Duration
from checks.safe import safe
from checks.wire.frames.announced import Announced, Duplex
from checks.wire.frames.capture import Frame, listen
from checks.wire.frames.discovery import ANNOUNCING, GROUPS, Said, read_frame

_PERIODS = {"lldp": 30.0, "cdp": 60.0, "edp": 60.0, "fdp": 60.0, "sonmp": 10.0, "mndp": 60.0}
"""Seconds between two announcements, as the protocols are shipped."""
_RAW = 8
_REPLUG = "Unplugging the cable and plugging it in again makes a switch announce itself at once (fast start)."
_SILENCE = (
    f"{_REPLUG} If it stays silent: a dock, an unmanaged switch, a hypervisor's switch, or an agent in the "
    "network card (some Intel and all Windows DCB agents) swallows the announcements, or LLDP and CDP are "
    "off on this port. Plug the laptop in directly, and have LLDP switched on for the port."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighborSeen:
    """What was announced on the cable while we listened, and our own end of it."""

    interface: str
    duplex: Duplex | None
    """Of our own end; None where the system does not tell."""
    speed_mbps: int | None
    neighbors: tuple[Announced, ...]
    """The last announcement of each device, port and protocol."""
    others: tuple[str, ...]
    """Other protocols between neighbours that were heard: `stp`, `dtp`, `vtp`..."""
    frames: int
    """Frames to a group that came in at all: the positive control for silence."""
    lost: int
    listened_s: float
    how: str
    raw: tuple[bytes, ...] = ()
    """The first announcements as they were on the wire."""
    replugged: bool = False
    """The cable was out meanwhile: what was heard before does not count."""


class Neighbor(Check[NeighborSeen]):
    """The cable ends in the planned port of the planned switch, and both ends agree on the duplex mode.

    Proves: what the switch itself announced by LLDP, CDP or a vendor's protocol while we listened: its name,
    the port, the VLANs, the duplex mode, power.
    Cannot prove: that the switch tells the truth about itself, nor that the port forwards anything. Silence
    proves nothing: announcements may be off, or swallowed by a dock, a hypervisor or the network card.
    If it fails: patch the socket to the planned port, or correct the port's VLAN and duplex mode on the
    switch that is named.

    Source: IEEE 802.1AB (LLDP, 30 s), ANSI/TIA-1057 (LLDP-MED), IEEE 802.3 clause 79; Cisco Discovery
    Protocol (60 s).

    Example:
        type: link.neighbor
        switch: sw-idf1
        port: Gi1/0/7
        vlan: 20
        voice_vlan: 30
    """

    interface: Annotated[str, Len(1, 256)] | None = None
    """Interface to listen on; left out, the one in use."""
    switch: Annotated[str, Len(1, 256)] | None = None
    """The planned switch: its name (with or without domain), management address or chassis."""
    port: Annotated[str, Len(1, 256)] | None = None
    """The planned port, in any usual spelling (`Gi1/0/7`, `GigabitEthernet1/0/7`)."""
    vlan: Annotated[int, Ge(1), Le(4094)] | None = None
    """The untagged VLAN that the switch must announce for the port."""
    voice_vlan: Annotated[int, Ge(1), Le(4094)] | None = None
    """The VLAN for phones that the switch must announce (LLDP-MED policy, CDP)."""
    poe_watts: Annotated[float, Gt(0), Le(100)] | None = None
    """Watts that the port must be able to supply to the device that will hang on it."""
    protocols: tuple[Literal["lldp", "cdp", "edp", "fdp", "sonmp", "mndp"], ...] = ()
    """Protocols that must be heard; none: any one will do."""
    listen: Duration = 65.0
    """How long to listen at most: LLDP comes every 30 s, CDP every 60 s. It ends as soon as all is known."""

    def __post_init__(self) -> None:
        if not 1 <= self.listen <= 600:
            raise ValueError("link.neighbor listens between 1 s and 10 min ('listen').")

    def subject(self) -> str:
        """Return the planned switch and port, or that it is our own."""
        return " ".join(part for part in (self.switch, self.port) if part) or "our switch port"

    def allowance(self) -> float:
        """Return the deadline with the listening time."""
        return self.deadline_s + self.listen

    async def observe(self, vantage: Vantage) -> NeighborSeen:
        """Listen until what is planned is known, or the time is over."""
        face = await wired_interface(vantage, self.interface, "LLDP or CDP")
        said: tuple[Announced, ...] = ()
        others: dict[str, None] = {}
        raw: dict[bytes, None] = {}
        last: list[Said | None] = [None]
        plugged = first = carrier_changes(face.name)

        def wanted(frame: Frame) -> bool:
            last[0] = read_frame(frame.whole)
            return last[0] is not None

        def enough(frame: Frame) -> bool:
            nonlocal said, plugged
            heard = last[0]
            assert heard is not None
            if (now := carrier_changes(face.name)) != plugged:
                said, plugged = (), now
            if heard.neighbor is None:
                if len(others) < 32:
                    others[heard.protocol] = None
                return False
            if len(raw) < _RAW:
                raw[frame.whole] = None
            if heard.neighbor not in said:
                vantage.note(f"{heard.protocol}: {_shown(heard.neighbor)}")
            said = newest(said, heard.neighbor)
            return self.is_decided(said)

        vantage.note(f"Listening on {face.name} for at most {self.listen:g} s. {_REPLUG}")
        async with countdown(vantage, self.listen, lambda: _so_far(said)):
            heard = await listen(face, self.listen, wanted, enough, groups=GROUPS, quiet=True)
        if (now := carrier_changes(face.name)) != plugged:
            said, plugged = (), now
        return NeighborSeen(
            interface=face.name, duplex=face.duplex, speed_mbps=face.speed_mbps, neighbors=said,
            others=tuple(others), frames=heard.count, lost=heard.lost, listened_s=heard.listened_s,
            how=heard.how, raw=tuple(raw), replugged=plugged != first,
        )  # fmt: skip

    def is_decided(self, said: tuple[Announced, ...]) -> bool:
        """Return whether listening any longer could not change the outcome (but for a second device)."""
        found = devices(said)
        heard = {name for device in found for name in device.protocols}
        if not set(self.protocols) <= heard:
            return False
        for device in found:
            if {"lldp", "cdp"} <= set(device.protocols):
                return True
            fits = self._is_planned(device) and device.switching and not device.phone
            asked = (
                (self.vlan, self.vlan in device.vlans),
                (self.voice_vlan, self.voice_vlan in device.voice_vlans),
                (self.poe_watts, bool(device.supplies)),
            )
            if fits and device.duplexes and all(known for wish, known in asked if wish is not None):
                return True
        return False

    def _is_planned(self, device: Device) -> bool:
        called = self.switch is None or device.is_called(self.switch)
        return called and (self.port is None or device.has_port(self.port))

    def judge(self, seen: NeighborSeen) -> Iterable[Finding]:
        """Judge which port it is, then what the switch says of it."""
        found = devices(seen.neighbors)
        if not found:
            yield self._silence(seen)
            return
        ours = [device for device in found if self._is_planned(device)]
        named = self.switch is not None or self.port is not None
        switching = [device for device in found if device.switching and not device.phone]
        if not ours and not switching:
            yield self._no_switch(found)
        elif named and not ours:
            yield self._elsewhere(switching)
        else:
            able = [device for device in ours if device in switching]
            if not able and self.switch is None:
                yield self._no_switch(found)
            else:
                yield from self._of_port(seen, able or ours)
        yield from self._judge_protocols(seen, found)
        if len(switching) > 1:
            yield warned(
                self.subject(), f"{len(switching)} switches announce themselves on this one cable.",
                expected="one switch", observed=", ".join(map(place_of, switching[:8])),
                fix="An unmanaged switch, a hub or a dock lies between, or the port mirrors another: plug "
                "the laptop into the socket directly.",
            )  # fmt: skip

    def _silence(self, seen: NeighborSeen) -> Finding:
        left = any(one.leaving for one in seen.neighbors)
        broken = [fault for one in seen.neighbors for fault in one.faults]
        heard = ", ".join((*seen.others, f"{seen.frames} frames to groups"))
        lost = f", {seen.lost} more were lost" if seen.lost else ""
        said = (
            "The only neighbour said good-bye and did not come back." if left
            else f"What was announced names no device and port: {safe('; '.join(broken[:4]), limit=200)}."
            if seen.neighbors
            else "Since the cable was plugged in again no switch has announced itself." if seen.replugged
            else f"No switch announced itself in {seen.listened_s:.0f} s."
        )  # fmt: skip
        return cannot_tell(
            self.subject(), said, expected=self._plan(), fix=_SILENCE,
            observed=safe(f"on {seen.interface}: {heard}{lost}", limit=300),
        )  # fmt: skip

    def _no_switch(self, found: tuple[Device, ...]) -> Finding:
        phone = any(device.phone for device in found)
        what = "telephone" if phone else "computer"
        return cannot_tell(
            self.subject(),
            f"Only a {what} announces itself here, no switch.",
            expected=self._plan(),
            observed=", ".join(map(place_of, found[:8])),
            fix="Plug the laptop into the wall socket directly, not into the telephone."
            if phone
            else "A hub or an unmanaged switch lies between: plug the laptop into the socket directly.",
        )

    def _elsewhere(self, switching: list[Device]) -> Finding:
        here = ", ".join(map(place_of, switching[:8]))
        right = [d for d in switching if self.switch is None or d.is_called(self.switch)]
        what = "Another port than the planned one" if right else "Another switch than the planned one"
        if len(switching) == 1:
            port, name = safe(switching[0].port, limit=80), safe(switching[0].name, limit=80)
            what = f"{ENDS}{port} of {name}: {what[0].lower()}{what[1:]}"
        return failed(
            self.subject(), f"{what}.", expected=self._plan(), observed=here,
            fix=f"The cable ends in {here}: patch the socket to {self._plan()}, or correct the plan.",
        )  # fmt: skip

    def _plan(self) -> str:
        if self.switch is None and self.port is None:
            return "a switch announces itself"
        return " ".join(part for part in (self.switch, f"port {self.port}" if self.port else None) if part)

    def _of_port(self, seen: NeighborSeen, ours: list[Device]) -> Iterator[Finding]:
        place = place_of(ours[0]) if len(ours) == 1 else self.subject()
        if len(ours) == 1:
            told = ", ".join(ours[0].protocols)
            port, name = safe(ours[0].port, limit=80), safe(ours[0].name, limit=80)
            yield passed(
                place, f"{ENDS}{port} of {name}.", expected=self._plan(),
                observed=f"{place} ({told})",
            )  # fmt: skip
        yield from judge_duplex(place, seen.duplex, ours)
        if self.vlan is not None:
            values = {vlan for device in ours for vlan in device.vlans}
            yield judge_vlan(place, "VLAN", self.vlan, values)
        if self.voice_vlan is not None:
            values = {vlan for device in ours for vlan in device.voice_vlans}
            yield judge_vlan(place, "voice VLAN", self.voice_vlan, values)
            if values and any(device.untagged_voice for device in ours):
                yield warned(
                    place, "The switch names a voice VLAN and tells phones not to tag it.",
                    expected="frames of phones are tagged", observed="LLDP-MED policy for voice: untagged",
                    fix="Set the network policy for voice to tagged: a phone that keeps to it stays in the "
                    "data VLAN.", reference="ANSI/TIA-1057 section 10.2.3.2",
                )  # fmt: skip
        if self.poe_watts is not None:
            yield from (judge_power(place_of(device), device, self.poe_watts) for device in ours)

    def _judge_protocols(self, seen: NeighborSeen, found: tuple[Device, ...]) -> Iterator[Finding]:
        heard = {name for device in found for name in device.protocols}
        for name in dict.fromkeys(self.protocols):
            expected, observed = f"{name.upper()} is announced", ", ".join(sorted(heard))
            if name in heard:
                yield passed(
                    name.upper(), f"{name.upper()} is announced.", expected=expected, observed=observed
                )
            elif seen.listened_s < _PERIODS[name] + 1:
                yield cannot_tell(
                    name.upper(),
                    f"{name.upper()} was not heard, but comes only every {_PERIODS[name]:.0f} s.",
                    expected=expected, observed=f"{observed} in {seen.listened_s:.0f} s",
                    fix=f"Listen for at least {_PERIODS[name] + 5:.0f} s ('listen').",
                )  # fmt: skip
            else:
                yield failed(
                    name.upper(), f"{name.upper()} is not announced on this port, while others are.",
                    expected=expected, observed=f"{observed} in {seen.listened_s:.0f} s",
                    fix=f"Enable {name.upper()} on the switch and on this port.",
                )  # fmt: skip


def _shown(one: Announced) -> str:
    return f"{one.name or one.chassis or 'without a name'}, port {one.port or one.port_description or '?'}"


def _so_far(said: tuple[Announced, ...]) -> str:
    names = ", ".join(dict.fromkeys(one.protocol.upper() for one in said))
    return f"heard so far: {names or 'no switch'}."


assert set(_PERIODS) == set(ANNOUNCING)
