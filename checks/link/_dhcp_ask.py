"""Asking every DHCP server of a link: DISCOVERs, ARP for the addresses in question, and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace

from checks.link._dhcp_seen import Claim, DhcpSeen, Reply
from checks.local.facts import InterfaceFact
from checks.vantage import CannotTell
from checks.wire import arp
from checks.wire.frames.capture import Frame, Sender, listen
from checks.wire.frames.dhcp import WANTED, Malformed, client_id, decode, discover, heard, xid_of
from checks.wire.frames.oui import vendor
from checks.wire.frames.udp_frame import UdpFrame, hardware, tagged, untagged

MAX_REPLIES, MAX_OF_ONE, MAX_OFFERED, MAX_CLAIMS = 64, 8, 8, 64
"""Replies to us, and as many to others; of one sender; addresses that are asked for by ARP; answers kept."""
GRACE_S = 1.0
"""How long is listened after the window, for who has an address that was offered at the last moment."""
_AGAIN = 0.4
"""Part of the window after which is asked again: what is left must suffice for a server that pings first."""
_TICK_S = 0.2
_PROBES = 2


class Conversation:
    """One transaction: what is sent, and what is made of every frame that comes in."""

    def __init__(
        self,
        interface: InterfaceFact,
        *,
        xid: int,
        window: float,
        mac: str | None = None,
        vlan: int | None = None,
        vendor_class: str | None = None,
        codes: tuple[int, ...] = (),
        control: tuple[str, ...] = (),
        own: frozenset[str] = frozenset(),
    ) -> None:
        self.interface, self.xid, self.window, self.vlan = interface, xid, window, vlan
        self.mac = mac or interface.mac
        self.identity = client_id(self.mac) if mac is None else b"\1" + hardware(mac)
        self.vendor_class, self.codes, self.control = vendor_class, codes, control
        self.own = own | {self.mac, interface.mac}
        self.replies: dict[tuple[object, ...], Reply] = {}
        self.claims: dict[tuple[str, str], Claim] = {}
        self.garbage: dict[str, None] = {}
        self.sent = self.others = self.left_out = 0
        self._of_one: Counter[str] = Counter()
        self._kept: Counter[bool] = Counter()
        self._begun = 0.0

    async def run(self) -> DhcpSeen:
        """Ask and listen for the whole window; raise CannotTell where this machine may not."""
        found = await listen(
            self.interface, self.window + GRACE_S, self._take, send=self._ask,
            promiscuous=self.vlan is not None or self.mac != self.interface.mac,
        )  # fmt: skip
        if self.vlan is not None and not found.shows_tags and not self.others:
            raise CannotTell(
                f"Frames of VLAN {self.vlan} were not seen, and the driver of {self.interface.name} may take "
                "their tags out unseen.",
                "Test it from a Linux laptop, or from an access port in that VLAN without 'vlan'.",
            )
        return DhcpSeen(
            interface=self.interface.name, mac=self.mac, vlan=self.vlan, sent=self.sent,
            listened_s=found.listened_s, replies=await asyncio.to_thread(self._named), left_out=self.left_out,
            lost=found.lost, garbage=tuple(self.garbage), others=self.others,
            claims=tuple(self.claims.values()), interrupted=found.interrupted,
        )  # fmt: skip

    def _named(self) -> tuple[Reply, ...]:
        """Return the replies with the makers of their cards, whose table takes 0.1 s to load."""
        return tuple(replace(reply, vendor=vendor(reply.mac)) for reply in self.replies.values())

    async def _ask(self, put: Sender) -> None:
        self._begun = time.monotonic()
        asked: Counter[str] = Counter()
        moments = [0.0, self.window * _AGAIN]
        while (after := time.monotonic() - self._begun) < self.window + GRACE_S:
            if moments and after >= moments[0]:
                secs = int(moments.pop(0))
                await put(
                    discover(
                        self.mac, self.xid, secs=secs, identity=self.identity, vlan=self.vlan,
                        vendor_class=self.vendor_class, wanted=(*WANTED, *self.codes),
                    )
                )  # fmt: skip
                self.sent += 1
            for target in (*self.control, *self._offered()):
                if asked[target] < _PROBES:
                    asked[target] += 1
                    await put(tagged(arp.request(self.mac, target), self.vlan))
            await asyncio.sleep(_TICK_S)

    def _offered(self) -> tuple[str, ...]:
        found = dict.fromkeys(reply.message.yours for reply in self.replies.values() if reply.mine)
        return tuple(address for address in found if address)[:MAX_OFFERED]

    def _take(self, frame: Frame) -> bool:
        bare = untagged(frame.whole)
        if bare is None or bare.source in self.own:
            return False
        vlan = _vlan(bare.vlans)
        if vlan == self.vlan:
            self.others += 1
        if bare.kind == 0x0806:
            self._take_arp(bare.body, vlan)
        elif bare.kind == 0x0800:
            datagram = heard(frame.whole)
            if datagram is not None:
                self._take_reply(datagram, vlan)
        return False

    def _take_arp(self, body: bytes, vlan: int | None) -> None:
        said = arp.claim(b"\0" * 12 + b"\x08\x06" + body)
        if said is None or vlan != self.vlan or said[1] in self.own or len(self.claims) >= MAX_CLAIMS:
            return
        if said[0] in self.control or said[0] in self._offered():
            self.claims.setdefault(said, Claim(address=said[0], mac=said[1]))

    def _take_reply(self, datagram: UdpFrame, vlan: int | None) -> None:
        payload, mac = datagram.payload, datagram.source_mac
        key = (mac, datagram.source, vlan, payload[:8], payload[10:])
        if key in self.replies or (payload[:1] == b"\1" and len(payload) >= 236):
            return
        mine = xid_of(payload) == self.xid and payload[28:34] == hardware(self.mac)
        if self._kept[mine] >= MAX_REPLIES or self._of_one[mac] >= MAX_OF_ONE:
            self.left_out += 1
            return
        try:
            message = decode(payload)
        except Malformed:
            if len(self.garbage) < MAX_OF_ONE:
                self.garbage[mac] = None
            return
        self._of_one[mac] += 1
        self._kept[mine] += 1
        self.replies[key] = Reply(
            mac=mac, vendor=None, source=datagram.source, message=message, vlan=vlan,
            after_ms=round((time.monotonic() - self._begun) * 1000, 3) if self._begun else 0.0,
            mine=mine,
        )  # fmt: skip


def _vlan(tags: tuple[int, ...]) -> int | None:
    """Return the VLAN of a frame; a tag of VLAN 0 carries a priority only."""
    return next((tag for tag in tags if tag), None)
