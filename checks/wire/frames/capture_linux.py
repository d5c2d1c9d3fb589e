"""Frames through Linux' packet socket (packet(7)): every frame with the tag that the card took out of it.

A flood is read in batches with a rest between, so that the loop serves everybody else as well; what the
system drops meanwhile is counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
import time
from collections.abc import Iterator

from checks.local.rights import raw_fix
from checks.vantage import CannotTell
from checks.wire.frames.capture import SNAP, Frame, Sender, Wish

_ETH_P_ALL = 0x0003
_OUTGOING = 4
_SOL_PACKET = 263
_ADD_MEMBERSHIP, _STATISTICS, _AUXDATA = 1, 6, 8
_MULTICAST, _PROMISCUOUS, _UNICAST = 0, 1, 3
_SO_ATTACH_FILTER = 26
_AUX = struct.Struct("=IIIHHHH")
_TAGGED, _TYPED = 1 << 4, 1 << 6
_BATCH = 64
_REST_S = 0.002
_BUFFER = 1 << 20
_QUIET = (
    (0x20, 0, 0, 0xFFFFF000 + 48),  # a tag was taken out (SKF_AD_VLAN_TAG_PRESENT)
    (0x15, 0, 1, 1),
    (0x06, 0, 0, 0x40000),
    (0x28, 0, 0, 12),  # a tag is in the frame, or a length, as all but LLDP have it
    (0x15, 5, 0, 0x8100),
    (0x15, 4, 0, 0x88A8),
    (0x35, 0, 3, 0x0600),
    (0x30, 0, 0, 0),
    (0x45, 1, 0, 1),  # the destination is a group
    (0x06, 0, 0, 0),
    (0x06, 0, 0, 0x40000),
)
"""A classic filter (linux/filter.h): code, jump if true, jump if false, operand."""


async def run(wish: Wish) -> None:
    """Do what `wish` asks for; see `checks.wire.frames.capture.listen`."""
    wish.heard.how, wish.heard.shows_tags = "packet socket", True
    with _opened(wish) as wire:
        begun = time.monotonic()
        sending = asyncio.ensure_future(wish.send(_sender(wire, wish.interface.name))) if wish.send else None
        listening = asyncio.ensure_future(_listen(wire, wish, begun))
        tasks: set[asyncio.Future[None]] = {listening, *((sending,) if sending else ())}
        try:
            while tasks:
                done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                if listening in done and wish.seconds:
                    break
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            wish.heard.listened_s = round(time.monotonic() - begun, 3)
            with contextlib.suppress(OSError):
                _, wish.heard.lost = struct.unpack("=II", wire.getsockopt(_SOL_PACKET, _STATISTICS, 8))


async def _listen(wire: socket.socket, wish: Wish, begun: float) -> None:
    if wish.seconds <= 0:
        return
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()

    def drain() -> None:
        for _ in range(_BATCH):
            try:
                data, extra, _, origin = wire.recvmsg(SNAP, 64)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno == errno.ENETDOWN:
                    wish.heard.interrupted = True
                    return
                _settle(over, error)
                return
            if origin[2] == _OUTGOING:
                continue
            tci, tpid = _tag(extra)
            try:
                last = wish.take(Frame(data=data, at=time.monotonic() - begun, tci=tci, tpid=tpid))
            except Exception as error:  # noqa: BLE001 - handed on to who waits, from out of the loop's callback
                _settle(over, error)
                return
            if last:
                _settle(over)
                return
        loop.remove_reader(wire)
        loop.call_later(_REST_S, again)

    def again() -> None:
        if not over.done():
            loop.add_reader(wire, drain)

    loop.add_reader(wire, drain)
    try:
        await asyncio.wait_for(over, wish.seconds)
    except TimeoutError:
        pass
    finally:
        over.cancel()
        loop.remove_reader(wire)


def _settle(over: asyncio.Future[None], error: Exception | None = None) -> None:
    if over.done():
        return
    if error is None:
        over.set_result(None)
    else:
        over.set_exception(error)


def _tag(extra: list[tuple[int, int, bytes]]) -> tuple[int | None, int]:
    for level, kind, value in extra:
        if (level, kind) == (_SOL_PACKET, _AUXDATA) and len(value) >= _AUX.size:
            status, _, _, _, _, tci, tpid = _AUX.unpack_from(value)
            if status & _TAGGED:
                return tci, tpid if status & _TYPED else 0x8100
    return None, 0x8100


def _sender(wire: socket.socket, name: str) -> Sender:
    async def put(frame: bytes) -> None:
        for _ in range(100):
            try:
                wire.send(frame)
                return
            except BlockingIOError:
                await asyncio.sleep(0.01)
            except OSError as error:
                raise CannotTell(
                    f"A frame could not be sent on {name}: {error.strerror}.",
                    "Plug the cable in and switch the interface on.",
                ) from None
        raise CannotTell(
            f"{name} takes no frames: its queue stays full.",
            "Plug the cable in, and see what floods the link.",
        )

    return put


@contextlib.contextmanager
def _opened(wish: Wish) -> Iterator[socket.socket]:
    name = wish.interface.name
    try:
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    except PermissionError:
        raise CannotTell("This account may not send or read raw frames.", raw_fix()) from None
    with wire:
        wire.settimeout(0)
        try:
            index = socket.if_nametoindex(name)
            wire.setsockopt(_SOL_PACKET, _AUXDATA, 1)
            for kind, address in _memberships(wish):
                request = struct.pack("=IHH8s", index, kind, len(address), address)
                wire.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, request)
            with contextlib.suppress(OSError):
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            if wish.quiet:
                _leave_unicast(wire)
            wire.bind((name, _ETH_P_ALL if wish.seconds > 0 else 0))
        except OSError as error:
            raise CannotTell(
                f"{name} cannot be used for raw frames: {error.strerror}.",
                "Plug the adapter and the cable in, or correct 'interface'.",
            ) from None
        yield wire


def _memberships(wish: Wish) -> Iterator[tuple[int, bytes]]:
    if wish.promiscuous:
        yield _PROMISCUOUS, b""
    for group in wish.groups:
        yield _MULTICAST if group[0] & 1 else _UNICAST, group


def _leave_unicast(wire: socket.socket) -> None:
    """Leave plain unicast with the system; without the filter there is only more to read."""
    import ctypes

    program = b"".join(struct.pack("=HBBI", *step) for step in _QUIET)
    steps = ctypes.create_string_buffer(program)
    with contextlib.suppress(OSError):
        wire.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(_QUIET), ctypes.addressof(steps))
        )
