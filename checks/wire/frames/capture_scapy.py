"""Frames through scapy: bpf on macOS, Npcap on Windows.

Never run on those systems by us; tested by a stand-in. The back end is read in a thread that looks up twice
a second whether it is still wanted.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from typing import Any

from checks.local.rights import raw_fix
from checks.vantage import CannotTell
from checks.wire.frames.capture import SNAP, Frame, Sender, Wish

_LOOK_S = 0.5
_BATCH = 256
_TRIES = 50


async def run(wish: Wish) -> None:
    """Do what `wish` asks for; see `checks.wire.frames.capture.listen`."""
    wish.heard.how = "Npcap" if sys.platform == "win32" else "bpf"
    wire = await asyncio.to_thread(_opened, wish)
    over = threading.Event()
    loop = asyncio.get_running_loop()
    begun = time.monotonic()

    async def put(frame: bytes) -> None:
        try:
            await asyncio.to_thread(_put, wire, frame)
        except Exception as error:  # noqa: BLE001 - scapy raises what its back end raises
            raise CannotTell(
                f"A frame could not be sent on {wish.interface.name}: {error}.",
                "Plug the cable in and switch the interface on.",
            ) from None

    reading = loop.run_in_executor(None, _read, wire, wish, begun, over)
    sending = asyncio.ensure_future(_send(wish, put))
    try:
        done, _ = await asyncio.wait({reading, sending}, return_when=asyncio.FIRST_COMPLETED)
        if sending in done:
            sending.result()
        if wish.seconds:
            await reading
        else:
            await sending
    finally:
        over.set()
        sending.cancel()
        await asyncio.gather(reading, sending, return_exceptions=True)
        wish.heard.listened_s = round(time.monotonic() - begun, 3)
        wire.close()


async def _send(wish: Wish, put: Sender) -> None:
    if wish.send is not None:
        await wish.send(put)


def _put(wire: Any, frame: bytes) -> None:
    from scapy.packet import Raw

    wire.send(Raw(frame))


def _opened(wish: Wish) -> Any:
    name = wish.interface.name
    logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
    try:
        import scapy.layers.l2  # noqa: F401 - its import tells scapy how frames of Ethernet begin
        from scapy.config import conf

        return conf.L2socket(iface=name, promisc=wish.promiscuous or bool(wish.groups))
    except Exception as error:  # noqa: BLE001 - scapy raises what its back end raises; all mean no raw frames
        raise CannotTell(f"Raw frames cannot be used on {name}: {error}.", raw_fix()) from None


def _read(wire: Any, wish: Wish, begun: float, over: threading.Event) -> None:
    own = bytes.fromhex(wish.interface.mac.replace(":", "")) if len(wish.interface.mac) == 17 else b"\0"
    troubles = 0
    while (left := begun + wish.seconds - time.monotonic()) > 0 and not over.is_set():
        try:
            ready = wire.select([wire], min(left, _LOOK_S))
        except Exception:  # noqa: BLE001 - the interface went; scapy raises what its back end raises
            wish.heard.interrupted, ready, troubles = True, [], troubles + 1
            if troubles > _TRIES or over.wait(_LOOK_S):
                return
        for _ in range(_BATCH if ready else 0):
            try:
                data = wire.recv_raw(65536)[1]
            except Exception:  # noqa: BLE001
                wish.heard.interrupted, troubles = True, troubles + 1
                break
            if not data:
                break
            if data[6:12] != own and wish.take(Frame(data=data[:SNAP], at=time.monotonic() - begun)):
                return
            if not wire_has_more(wire):
                break
        if troubles > _TRIES:
            return


def wire_has_more(wire: Any) -> bool:
    """Return whether a frame is there already, so that reading it does not wait."""
    buffered = getattr(wire, "buffered_frames", None)
    if buffered is not None and buffered():
        return True
    return bool(wire.select([wire], 0))
