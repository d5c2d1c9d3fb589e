"""Frames through the packet monitor that Windows brings along (10 version 2004 on), as an administrator.

It records to a file for the whole time and cannot stop early, cannot send, and its file does not say which
adapter a frame came by: only our adapter is recorded, found in `pktmon list` by its hardware address, in any
language. Sources: Microsoft Learn, pktmon start, pktmon etl2pcap. Never run on Windows by us; tested by a
stand-in.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from pathlib import Path

from checks.local.command import output
from checks.vantage import CannotTell
from checks.wire.frames.capture import SNAP, Frame, Wish
from checks.wire.frames.pcap import ETHERNET, MAX_FILE, read_capture

_ROW = re.compile(r"^\s*([0-9]{1,6})\s+((?:[0-9A-Fa-f]{2}[-:]){5}[0-9A-Fa-f]{2})\b", re.MULTILINE)
_FIX = (
    "Install Npcap (npcap.com), or run gonogo as an administrator on Windows 10 version 2004 or later, where "
    "pktmon is part of the system; end another recording of pktmon first (pktmon stop)."
)


async def run(wish: Wish) -> None:
    """Record for the whole time, then show the frames in their order."""
    name, heard = wish.interface.name, wish.heard
    heard.how = "pktmon"
    component = component_of(await output("pktmon", "list") or "", wish.interface.mac)
    if component is None:
        raise CannotTell(f"Npcap is not installed, and pktmon does not offer {name} for recording.", _FIX)
    with tempfile.TemporaryDirectory(prefix="gonogo-") as folder:
        log, written = Path(folder, "log.etl"), Path(folder, "log.pcapng")
        started = await output(
            "pktmon", "start", "--capture", "--comp", str(component), "--pkt-size", "0",
            "--file-name", str(log), "--file-size", "128", timeout=15.0,
        )  # fmt: skip
        if started is None:
            raise CannotTell("Npcap is not installed, and pktmon does not record for this account.", _FIX)
        begun = time.monotonic()
        try:
            await asyncio.sleep(wish.seconds)
        finally:
            heard.listened_s = round(time.monotonic() - begun, 3)
            stopped = await asyncio.shield(asyncio.ensure_future(output("pktmon", "stop", timeout=30.0)))
        made = await output("pktmon", "etl2pcap", str(log), "--out", str(written), timeout=60.0)
        if stopped is None or made is None or not written.is_file():
            raise CannotTell("What pktmon recorded could not be read.", _FIX)
        if written.stat().st_size > MAX_FILE:
            raise CannotTell("pktmon recorded more than can be read here.", _FIX)
        await asyncio.to_thread(_show, written, wish)


def component_of(listed: str, mac: str) -> int | None:
    """Return the number that `pktmon list` gives to the adapter with this hardware address."""
    for number, address in _ROW.findall(listed):
        if mac and address.replace("-", ":").lower() == mac.lower():
            return int(number)
    return None


def _show(path: Path, wish: Wish) -> None:
    own = bytes.fromhex(wish.interface.mac.replace(":", ""))
    try:
        for captured in read_capture(path.read_bytes()):
            ours = captured.data[6:12] == own
            if (
                captured.link_type == ETHERNET
                and not ours
                and wish.take(Frame(data=captured.data[:SNAP], at=0.0))
            ):
                return
    except ValueError as error:
        raise CannotTell(f"What pktmon recorded could not be read: {error}", _FIX) from None
