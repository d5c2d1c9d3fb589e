"""What a port's frames tell of its VLANs, collected while they come in."""

from __future__ import annotations

from checks.dataclass import dataclass
from checks.wire.frames.capture import Frame, Heard
from checks.wire.frames.discovery import Said, read_opened
from checks.wire.frames.stp import Bpdu
from checks.wire.frames.vlan_tags import open_frame

_MOST = 32
_MOST_BPDUS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class TaggedVlan:
    """A VLAN of which frames arrived tagged."""

    vlan: int
    kind: str
    """`802.1Q`, `802.1ad`, `ISL`."""
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DtpHeard:
    """One way in which a port offered a trunk."""

    source: str
    trunk: bool | None
    mode: str
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VtpHeard:
    """A VLAN database that was told."""

    source: str
    code: str
    domain: str
    revision: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BpduHeard:
    """The bridge protocol data units of one bridge port, root and VLAN."""

    source: str
    version: str
    root: str
    """Hardware address; empty in a topology change notification."""
    priority: int
    bridge: str
    vlan: int | None
    """The VLAN that the unit names: in PVST+ its own, else the number in the root's priority."""
    per_vlan: bool
    """PVST+ or RPVST+, which is sent on trunks."""
    tagged: int | None
    """The VLAN that it came tagged with."""
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VlanSeen:
    """What arrived on the port while we listened."""

    interface: str
    listened_s: float
    frames: int
    """Frames to a group, or tagged, that arrived at all."""
    untagged: int
    tagged: tuple[TaggedVlan, ...]
    dtp: tuple[DtpHeard, ...]
    vtp: tuple[VtpHeard, ...]
    bpdus: tuple[BpduHeard, ...]
    native: tuple[int, ...]
    """Untagged VLAN of the port as PVST+, LLDP or CDP name it."""
    others: tuple[str, ...]
    shows_tags: bool
    lost: int
    interrupted: bool
    how: str

    @property
    def tagged_frames(self) -> int:
        """How many frames arrived tagged."""
        return sum(entry.frames for entry in self.tagged)


class Collector:
    """Counts what comes in; bounded whatever it is."""

    def __init__(self) -> None:
        self.untagged = 0
        self.tagged: dict[tuple[int, str], int] = {}
        self.dtp: dict[DtpHeard, None] = {}
        self.vtp: dict[VtpHeard, None] = {}
        self.bpdus: dict[BpduHeard, int] = {}
        self.native: dict[int, None] = {}
        self.others: dict[str, None] = {}

    def take(self, frame: Frame) -> bool:
        """Look at one frame; none of them needs to be kept."""
        opened = open_frame(frame.whole)
        if opened is None:
            return False
        vlan = opened.vlan
        if vlan is None:
            self.untagged += 1
        else:
            place = vlan, opened.tags[0].kind
            self.tagged[place] = self.tagged.get(place, 0) + 1
        said = read_opened(opened)
        if said is not None:
            self._said(said, vlan)
        return False

    def _said(self, said: Said, vlan: int | None) -> None:
        if said.dtp is not None and len(self.dtp) < _MOST:
            told = said.dtp
            self.dtp[DtpHeard(source=said.source, trunk=told.trunk, mode=told.mode, domain=told.domain)] = (
                None
            )
        elif said.vtp is not None and len(self.vtp) < _MOST:
            self.vtp[
                VtpHeard(
                    source=said.source, code=said.vtp.code, domain=said.vtp.domain, revision=said.vtp.revision
                )
            ] = None
        elif said.bpdu is not None:
            self._bpdu(said, said.bpdu, vlan)
        elif said.neighbor is not None:
            if said.neighbor.vlan is not None and len(self.native) < _MOST:
                self.native[said.neighbor.vlan] = None
        elif said.protocol not in ("stp", "pvst", "vtp") and len(self.others) < _MOST:
            self.others[said.protocol] = None

    def _bpdu(self, said: Said, unit: Bpdu, vlan: int | None) -> None:
        per_vlan = said.protocol == "pvst"
        named = unit.vlan if per_vlan else (unit.root.extension or None) if unit.root else None
        if per_vlan and vlan is None and unit.vlan is not None and len(self.native) < _MOST:
            self.native[unit.vlan] = None
        heard = BpduHeard(
            source=said.source, version=unit.version, root=unit.root.mac if unit.root else "",
            priority=unit.root.priority if unit.root else 0, bridge=unit.bridge.mac if unit.bridge else "",
            vlan=named, per_vlan=per_vlan, tagged=vlan, frames=0,
        )  # fmt: skip
        if heard in self.bpdus or len(self.bpdus) < _MOST_BPDUS:
            self.bpdus[heard] = self.bpdus.get(heard, 0) + 1

    def so_far(self) -> str:
        """Return what was heard until now, in one line."""
        vlans = ", ".join(str(vlan) for vlan, _ in sorted(self.tagged)[:10]) or "none"
        return f"{self.untagged} untagged frames; VLANs that came tagged: {vlans}."

    def seen(self, interface: str, heard: Heard) -> VlanSeen:
        """Return what was collected."""
        from dataclasses import replace

        return VlanSeen(
            interface=interface, listened_s=heard.listened_s, frames=heard.count, untagged=self.untagged,
            tagged=tuple(
                TaggedVlan(vlan=vlan, kind=kind, frames=count)
                for (vlan, kind), count in sorted(self.tagged.items())
            ),
            dtp=tuple(self.dtp), vtp=tuple(self.vtp),
            bpdus=tuple(replace(unit, frames=count) for unit, count in self.bpdus.items()),
            native=tuple(sorted(self.native)), others=tuple(self.others), shows_tags=heard.shows_tags,
            lost=heard.lost, interrupted=heard.interrupted, how=heard.how,
        )  # fmt: skip
