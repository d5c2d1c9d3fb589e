"""Raw frames of one interface: listened to for a while, and sent, without a filter of the system's.

`listen` opens the interface, lets `send` put frames on the wire once it hears, and shows every frame that
comes in to `wanted`. Linux reads a packet socket (`capture_linux`); macOS (bpf) and Windows (Npcap) read
through scapy (`capture_scapy`), and Windows without Npcap by its own packet monitor (`capture_pktmon`), which
cannot send. Each raises CannotTell with the remedy where there is no right to raw frames.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import field

from checks.dataclass import dataclass
from checks.local.facts import InterfaceFact
from checks.local.rights import raw_fix, raw_frames
from checks.vantage import CannotTell

SNAP = 4096
"""Bytes of a frame that are kept; announcements and DHCP are never longer than 1,518."""
MAX_FRAMES = 2000
"""Wanted frames that are kept of one listening; what comes beyond is counted."""

Sender = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame that came in, from its destination address on and without its check sequence."""

    data: bytes
    at: float
    """Seconds after listening began."""
    tci: int | None = None
    """Tag control information (priority, VLAN) that the card or the system took out of the frame."""
    tpid: int = 0x8100
    """Type of that tag: 802.1Q, or 802.1ad (0x88a8)."""

    @property
    def whole(self) -> bytes:
        """The frame as it was on the wire: a tag that was taken out is put back."""
        if self.tci is None or len(self.data) < 12:
            return self.data
        tag = self.tpid.to_bytes(2, "big") + self.tci.to_bytes(2, "big")
        return self.data[:12] + tag + self.data[12:]


@dataclass(kw_only=True)
class Heard:
    """What came of listening; filled while it goes on."""

    frames: list[Frame] = field(default_factory=list)
    """The wanted ones, at most `MAX_FRAMES`."""
    count: int = 0
    """Frames that came in, wanted or not; our own and those behind `quiet` are not among them."""
    left_out: int = 0
    """Wanted frames beyond the most that are kept."""
    lost: int = 0
    """Frames that the system dropped because they came faster than they were read."""
    listened_s: float = 0.0
    how: str = ""
    """`packet socket`, `bpf`, `Npcap` or `pktmon`."""
    shows_tags: bool = False
    """Whether a VLAN tag would have been seen here: drivers of Windows and macOS may take it out unseen."""
    interrupted: bool = False
    """The interface went down meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a back end is asked for."""

    interface: InterfaceFact
    seconds: float
    take: Callable[[Frame], bool]
    """Called for every frame that came in; true ends the listening."""
    send: Callable[[Sender], Awaitable[None]] | None
    groups: tuple[bytes, ...]
    promiscuous: bool
    quiet: bool
    heard: Heard


async def listen(
    interface: InterfaceFact,
    seconds: float,
    wanted: Callable[[Frame], bool],
    enough: Callable[[Frame], bool] | None = None,
    *,
    send: Callable[[Sender], Awaitable[None]] | None = None,
    groups: Iterable[str] = (),
    promiscuous: bool = False,
    quiet: bool = False,
) -> Heard:
    """Listen `seconds` long, or until `enough` says so of a wanted frame, and return what came in.

    `send` is run beside it, from the moment on at which every answer is heard. `groups` are the multicast
    addresses that the card must let through; `promiscuous` asks for all, also for tags that its own filter
    would drop. With `quiet` plain unicast is left with the system, so that a busy link costs nothing.
    """
    heard = Heard()

    def take(frame: Frame) -> bool:
        heard.count += 1
        if not wanted(frame):
            return False
        if len(heard.frames) < MAX_FRAMES:
            heard.frames.append(frame)
        else:
            heard.left_out += 1
        return enough is not None and enough(frame)

    wish = Wish(
        interface=interface, seconds=seconds, take=take, send=send, promiscuous=promiscuous, quiet=quiet,
        groups=tuple(bytes.fromhex(group.replace(":", "")) for group in groups), heard=heard,
    )  # fmt: skip
    await _back_end(wish)
    return heard


async def send_frames(interface: InterfaceFact, frames: Iterable[bytes]) -> None:
    """Put frames on the wire, without waiting for an answer."""
    ready = tuple(frames)

    async def put(sender: Sender) -> None:
        for frame in ready:
            await sender(frame)

    await _back_end(
        Wish(
            interface=interface, seconds=0.0, take=lambda _: True, send=put, groups=(), promiscuous=False,
            quiet=True, heard=Heard(),
        )
    )  # fmt: skip


async def _back_end(wish: Wish) -> None:
    if sys.platform.startswith("linux"):
        from checks.wire.frames.capture_linux import run
    elif sys.platform == "win32" and (why := raw_frames()) is not None:
        if wish.send is not None:
            raise CannotTell(f"Raw frames cannot be sent on {wish.interface.name}: {why}.", raw_fix())
        from checks.wire.frames.capture_pktmon import run
    else:
        from checks.wire.frames.capture_scapy import run
    await run(wish)
