"""link.vlan: the switch port carries the planned VLANs to this socket, and no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from checks.bounds import Ge, Le, Len
from checks.contract import Check, Finding, Vantage
from checks.judging import cannot_tell, failed, passed, warned
from checks.link._listening import countdown, wired_interface
from checks.link._vlan_heard import Collector, VlanSeen
from checks.params import Duration, Mac
from checks.safe import safe
from checks.wire.frames.capture import listen
from checks.wire.frames.discovery import GROUPS

_DTP_S = 30.0
_MOST = 10
_HELLOS_S = 6.0
"""Three of the two-second hellos of a designated port."""


class Vlan(Check[VlanSeen]):
    """The port is an access port, or carries just the planned VLANs tagged, and does not negotiate a trunk.

    Proves: which VLANs arrived tagged while we listened, whether the port sends DTP, VTP or BPDUs, and who
    the root bridge is.
    Cannot prove: that a VLAN in which nobody spoke meanwhile is not carried: the absence of tags on a quiet
    port proves little. It counts only where untagged frames were heard, and on a system that shows tags.
    If it fails: make the port an access port of the planned VLAN (switchport mode access, nonegotiate), or
    patch the socket to the planned port.

    Source: IEEE 802.1Q clause 9 (tags) and clause 14 (BPDUs, every 2 s); Cisco, Dynamic Trunking
    Protocol (every 30 s).

    Example:
        type: link.vlan
        tagged: [30]
        root: 00:1f:27:b4:7d:80
    """

    interface: Annotated[str, Len(1, 256)] | None = None
    """Interface to listen on; left out, the one in use."""
    tagged: tuple[Annotated[int, Ge(1), Le(4094)], ...] = ()
    """VLANs that may arrive tagged, such as the voice VLAN, and are to be heard; none: an access port."""
    bpdu: Literal["expected", "allowed", "forbidden"] = "allowed"
    """Whether the port must or must not send bridge protocol data units."""
    dtp: Literal["forbidden", "allowed"] = "forbidden"
    """Whether the port may offer to become a trunk."""
    root: Mac | None = None
    """Hardware address of the planned root bridge."""
    listen: Duration = 35.0
    """How long to listen: DTP comes every 30 s, BPDUs every 2 s."""

    def __post_init__(self) -> None:
        if not 1 <= self.listen <= 600:
            raise ValueError("link.vlan listens between 1 s and 10 min ('listen').")
        if self.root is not None and self.bpdu == "forbidden":
            raise ValueError(
                "The root bridge is known by BPDUs: 'root' and 'bpdu: forbidden' exclude each other."
            )

    def subject(self) -> str:
        """Return the interface, or that it is our own port."""
        return self.interface or "our switch port"

    def allowance(self) -> float:
        """Return the deadline with the listening time."""
        return self.deadline_s + self.listen

    async def observe(self, vantage: Vantage) -> VlanSeen:
        """Listen for the whole time; a card that drops unknown VLANs by itself is told not to."""
        face = await wired_interface(vantage, self.interface, "tagged frames")
        collector = Collector()
        vantage.note(f"Listening on {face.name} for {self.listen:g} s.")
        async with countdown(vantage, self.listen, collector.so_far):
            heard = await listen(
                face, self.listen, collector.take, groups=GROUPS, promiscuous=True, quiet=True
            )
        return collector.seen(face.name, heard)

    def judge(self, seen: VlanSeen) -> Iterable[Finding]:
        """Judge what arrived; what did not arrive counts only where it surely would have been seen."""
        if seen.frames == 0:
            yield cannot_tell(
                safe(seen.interface, limit=80), f"Nothing at all arrived in {seen.listened_s:.0f} s.",
                expected=self._plan(), observed="silence",
                fix="Check that the port is enabled and the laptop plugged in directly, then listen again: "
                "even a quiet office sends broadcasts within a minute.",
            )  # fmt: skip
            return
        yield from self._judge_tags(seen)
        yield from self._judge_dtp(seen)
        yield from self._judge_bpdu(seen)
        if self.root is not None:
            yield self._judge_root(seen, self.root)

    def _plan(self) -> str:
        return f"tagged: {', '.join(map(str, self.tagged))}" if self.tagged else "no VLAN arrives tagged"

    def _mend(self, vlan: int) -> str:
        if self.tagged:
            return f"Remove VLAN {vlan} from the VLANs that this port carries."
        return (
            "Make the port an access port (switchport mode access), or allow only the planned VLANs on it; "
            "who plugs in here could enter this VLAN."
        )

    def _judge_tags(self, seen: VlanSeen) -> Iterator[Finding]:
        place = safe(seen.interface, limit=80)
        among = f"{seen.untagged} untagged, {seen.tagged_frames} tagged frames in {seen.listened_s:.0f} s"
        native = f"; native VLAN {', '.join(map(str, seen.native))}" if seen.native else ""
        strange = [entry for entry in seen.tagged if entry.vlan not in self.tagged]
        for entry in seen.tagged:
            here = f"{entry.frames} frames tagged {entry.kind}"
            if entry.vlan in self.tagged:
                yield passed(
                    f"VLAN {entry.vlan}", f"VLAN {entry.vlan} arrives tagged, as planned.",
                    expected=self._plan(), observed=here,
                )  # fmt: skip
            elif entry in strange[:_MOST]:
                yield failed(
                    f"VLAN {entry.vlan}", f"Frames of VLAN {entry.vlan} arrive tagged, which is not planned.",
                    expected=self._plan(), observed=here, fix=self._mend(entry.vlan),
                )  # fmt: skip
        if len(strange) > _MOST:
            rest = [entry.vlan for entry in strange[_MOST:]]
            yield failed(
                place, f"Frames of {len(rest)} more VLANs arrive tagged, which is not planned.",
                expected=self._plan(), observed=safe(", ".join(map(str, rest)), limit=200),
                fix=self._mend(rest[0]),
            )  # fmt: skip
        heard = {entry.vlan for entry in seen.tagged}
        for vlan in dict.fromkeys(self.tagged):
            if vlan not in heard:
                yield cannot_tell(
                    f"VLAN {vlan}", f"No frame of VLAN {vlan} arrived tagged, which proves nothing.",
                    expected=self._plan(), observed=among,
                    fix="Ask the switch which VLANs the port carries (switch.vlans), or ask for an address "
                    f"in the VLAN (link.dhcp with vlan: {vlan})." if seen.shows_tags else _NO_TAGS,
                )  # fmt: skip
        if not self.tagged and not heard:
            why = _why_not(seen)
            if why:
                yield cannot_tell(
                    place, f"Whether the port carries tagged VLANs cannot be told: {why[0]}.",
                    expected=self._plan(), observed=among, fix=why[1],
                )  # fmt: skip
            else:
                yield passed(
                    place, "No frame arrived tagged; a VLAN in which nobody spoke meanwhile would not show.",
                    expected=self._plan(), observed=f"{among}{native}",
                )  # fmt: skip
        yield from self._judge_trunk_signs(seen)

    def _judge_trunk_signs(self, seen: VlanSeen) -> Iterator[Finding]:
        signs = sorted({f"VTP (domain {safe(one.domain, limit=40)})" for one in seen.vtp})
        ids = sorted({one.vlan for one in seen.bpdus if one.per_vlan and one.vlan is not None})
        signs += [f"PVST+ for VLAN {', '.join(map(str, ids[:20]))}"] if ids else []
        if signs and not self.tagged:
            yield warned(
                safe(seen.interface, limit=80), "The port sends what switches send on trunks only.",
                expected="an access port", observed="; ".join(signs),
                fix="Make the port an access port (switchport mode access, switchport nonegotiate).",
            )  # fmt: skip

    def _judge_dtp(self, seen: VlanSeen) -> Iterator[Finding]:
        if self.dtp == "allowed":
            return
        expected = "no DTP: the port does not negotiate"
        if seen.dtp:
            shown = "; ".join(
                f"{'trunk' if one.trunk else 'access'}/{one.mode or 'unknown'} from {one.source}"
                for one in seen.dtp
            )
            trunk = any(one.trunk for one in seen.dtp)
            yield failed(
                "DTP", "The port is a trunk." if trunk else "The port offers to become a trunk.",
                expected=expected, observed=shown,
                fix="Set 'switchport mode access' and 'switchport nonegotiate' on the port: whoever plugs in "
                "here can make it a trunk and reach every VLAN.",
            )  # fmt: skip
        elif (why := _absent(seen, _DTP_S)) is not None:
            yield cannot_tell("DTP", why[0], expected=expected, observed="none heard", fix=why[1])
        else:
            yield passed(
                "DTP", "The port does not offer to become a trunk.", expected=expected,
                observed=f"none in {seen.listened_s:.0f} s",
            )  # fmt: skip

    def _judge_bpdu(self, seen: VlanSeen) -> Iterator[Finding]:
        if self.bpdu == "allowed":
            return
        count = sum(one.frames for one in seen.bpdus)
        observed = f"{count} in {seen.listened_s:.0f} s"
        expected = "BPDUs arrive" if self.bpdu == "expected" else "no BPDU arrives"
        why = _absent(seen, _HELLOS_S)
        if bool(count) == (self.bpdu == "expected") and (count or why is None):
            said = "The port sends BPDUs." if count else "The port sends no BPDU."
            yield passed("BPDU", said, expected=expected, observed=observed)
        elif not count and why is not None:
            yield cannot_tell("BPDU", why[0], expected=expected, observed=observed, fix=why[1])
        elif count:
            yield failed(
                "BPDU", "The port sends BPDUs.", expected=expected, observed=f"{observed}: {_roots(seen)}",
                fix="Filter BPDUs on this port if it leads to somebody else's network, or correct the plan.",
            )  # fmt: skip
        else:
            yield failed(
                "BPDU", "The port sends no BPDU, while other frames arrive: nobody guards it against loops.",
                expected=expected, observed=observed,
                fix="Enable spanning tree for the port's VLAN and remove a BPDU filter; an unmanaged switch "
                "between swallows them, too.",
            )  # fmt: skip

    def _judge_root(self, seen: VlanSeen, planned: str) -> Finding:
        roots = {one.root for one in seen.bpdus if one.root}
        expected, observed = planned, _roots(seen)
        if not roots:
            return cannot_tell(
                "root bridge", "No BPDU told who the root bridge is.", expected=expected, observed=observed,
                fix="Ask the switch itself (switch.stp), or listen on a port that sends BPDUs.",
            )  # fmt: skip
        if roots == {planned}:
            return passed(
                "root bridge", "The root bridge is the planned one.", expected=expected, observed=observed
            )
        return failed(
            "root bridge", "Another bridge than the planned one is the root.", expected=expected,
            observed=observed, reference="IEEE 802.1Q clause 13",
            fix="Find that bridge by its address; give the planned root the lowest priority and guard the "
            "edge (root guard, BPDU guard).",
        )  # fmt: skip


_NO_TAGS = (
    "Drivers of Windows and macOS take tags out unseen: run it from Linux, or ask the switch (switch.vlans)."
)


def _why_not(seen: VlanSeen) -> tuple[str, str] | None:
    """Return why the absence of tags proves nothing here, and what to do."""
    if not seen.shows_tags:
        return "this system does not show tags", _NO_TAGS
    if seen.lost:
        return f"{seen.lost} frames were lost", "Stop other traffic on this link, then run it again."
    if seen.interrupted:
        return "the interface went down meanwhile", "Leave the cable in, then run it again."
    if not seen.untagged:
        return "no untagged frame arrived to compare with", "Listen longer, or ask the switch (switch.vlans)."
    return None


def _absent(seen: VlanSeen, period_s: float) -> tuple[str, str] | None:
    """Return why the absence of what comes every `period_s` proves nothing, and what to do."""
    if seen.lost:
        return (
            f"{seen.lost} frames were lost, so a missing one proves nothing.",
            "Stop other traffic, then run again.",
        )
    if seen.interrupted:
        return "The interface went down meanwhile.", "Leave the cable in, then run it again."
    if seen.listened_s < period_s:
        return (
            f"It comes every {period_s:.0f} s, and we listened for {seen.listened_s:.0f} s.",
            f"Listen for at least {period_s + 5:.0f} s ('listen').",
        )
    return None


def _roots(seen: VlanSeen) -> str:
    said = {
        f"{one.root} (priority {one.priority}{f', VLAN {one.vlan}' if one.vlan else ''})"
        for one in seen.bpdus if one.root
    }  # fmt: skip
    return ", ".join(sorted(said)[:8]) or "no BPDU"
