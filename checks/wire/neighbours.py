"""The system's table of layer-2 neighbours (ARP and IPv6 neighbour discovery), without rights.

`prove` makes the system ask for a neighbour by sending it a datagram, and watches the table: only an entry
that was confirmed after we asked is evidence. Sources: RFC 4861 section 7.3 (states); rtnetlink(7)
RTM_GETNEIGH and Linux `include/uapi/linux/neighbour.h`; Windows ResolveIpNetEntry2 (netioapi.h), which
flushes the entry and asks anew. The macOS and Windows halves were never run on those systems by us.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import re
import socket
import struct
import sys
import time
from collections.abc import Callable

from checks.dataclass import dataclass
from checks.local.command import output

_STATES = {
    0x01: "incomplete", 0x02: "reachable", 0x04: "stale", 0x08: "delay", 0x10: "probe", 0x20: "failed",
    0x40: "noarp", 0x80: "permanent",
}  # fmt: skip
_DUMP_LIMIT = 4 * 1024 * 1024
_DISCARD = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """One entry; `age_s` is how long ago the neighbour confirmed it, None where the system does not tell."""

    address: str
    mac: str = ""
    state: str = "unknown"
    age_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the table told about one neighbour.

    `answered` is True if it confirmed itself after we asked, False if the system asked and got no answer, and
    None if the table holds an older entry only, which proves nothing.
    """

    answered: bool | None
    entry: Neighbour | None
    waited_s: float


async def prove(
    address: str, interface: str, *, timeout_s: float = 9.0, needless: Callable[[], bool] = lambda: False
) -> Proof:
    """Make the system look for `address` on `interface` and return what came of it.

    An entry that has gone stale takes Linux five seconds of politeness and three of asking, hence the time;
    as soon as `needless` says that the neighbour is known to be alive, an undecided table is left at that.
    """
    begun = time.monotonic()
    if sys.platform == "win32":
        from checks.local.windows import resolve_neighbour

        entry = await asyncio.to_thread(resolve_neighbour, address, interface)
        answered = None if entry is None else bool(entry.mac)
        return Proof(answered=answered, entry=entry, waited_s=time.monotonic() - begun)
    before = await look_up(address, interface)
    entry = before
    while True:
        _knock(address, interface)
        await asyncio.sleep(0.05 if time.monotonic() - begun < 1 else 0.25)
        entry, waited = await look_up(address, interface), time.monotonic() - begun
        answered = verdict(before, entry, waited)
        if answered is not None or waited >= timeout_s or (waited > 0.5 and needless()):
            if answered is None and entry is not None and entry.state == "incomplete":
                answered = False
            return Proof(answered=answered, entry=entry, waited_s=waited)


def verdict(before: Neighbour | None, entry: Neighbour | None, waited_s: float) -> bool | None:
    """Return what `entry` proves `waited_s` after asking, given the entry there was `before` (pure)."""
    if entry is None:
        return None
    if entry.state == "failed":
        return False
    if not entry.mac or entry.state in ("permanent", "noarp", "incomplete"):
        return None
    if entry.age_s is not None:
        return True if entry.state == "reachable" and entry.age_s <= waited_s else None
    return True if before is None or not before.mac else None


def _knock(address: str, interface: str) -> None:
    """Send one byte to the discard port: the system must know the neighbour's hardware address for that."""
    version = ipaddress.ip_address(address.partition("%")[0]).version
    with socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as wire:
        wire.settimeout(0)
        try:
            if version == 4:
                wire.sendto(b"\0", (address, _DISCARD))
            else:
                scope = socket.if_nametoindex(interface) if address.lower().startswith("fe80") else 0
                wire.sendto(b"\0", (address.partition("%")[0], _DISCARD, 0, scope))
        except OSError:
            return


async def look_up(address: str, interface: str) -> Neighbour | None:
    """Return the table's entry for `address` on `interface`, if there is one."""
    if sys.platform.startswith("linux"):
        found = await asyncio.to_thread(_linux_table, interface)
    elif ":" in address:
        found = macos_ndp(await output("ndp", "-an") or "", interface)
    else:
        found = macos_arp(await output("arp", "-an") or "", interface)
    wanted = ipaddress.ip_address(address.partition("%")[0])
    return next((n for n in found if ipaddress.ip_address(n.address) == wanted), None)


def _linux_table(interface: str) -> tuple[Neighbour, ...]:
    try:
        index = socket.if_nametoindex(interface)
        found = bytearray()
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as wire:
            wire.settimeout(1.0)
            wire.send(struct.pack("=IHHIIBxxxiHBB", 28, 30, 0x301, 1, 0, 0, 0, 0, 0, 0))
            while len(found) < _DUMP_LIMIT:
                part = wire.recv(65_536)
                found += part
                if _has_end(part):
                    break
    except OSError:
        return ()
    return netlink_table(bytes(found), index)


def _messages(data: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        if length < 16:
            break
        found.append((kind, data[at + 16 : at + length]))
        at += (length + 3) & ~3
    return found


def _has_end(part: bytes) -> bool:
    return any(kind in (2, 3) for kind, _ in _messages(part))


def netlink_table(data: bytes, index: int) -> tuple[Neighbour, ...]:
    """Read the RTM_NEWNEIGH messages of one interface; ages come in hundredths of a second (USER_HZ)."""
    ticks = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
    found = []
    for kind, body in _messages(data):
        if kind != 28 or len(body) < 12:
            continue
        family, where, state = struct.unpack_from("=BxxxiH", body)
        if where != index or family not in (socket.AF_INET, socket.AF_INET6):
            continue
        address, mac, age, at = "", "", None, 12
        while at + 4 <= len(body):
            length, attribute = struct.unpack_from("=HH", body, at)
            if length < 4:
                break
            value = body[at + 4 : at + length]
            if attribute == 1 and len(value) in (4, 16):
                address = str(ipaddress.ip_address(value))
            elif attribute == 2:
                mac = value.hex(":")
            elif attribute == 3 and len(value) >= 16:
                age = struct.unpack_from("=I", value)[0] / ticks
            at += (length + 3) & ~3
        if address:
            found.append(Neighbour(address=address, mac=mac, state=_STATES.get(state, "unknown"), age_s=age))
    return tuple(found)


def macos_arp(text: str, interface: str) -> tuple[Neighbour, ...]:
    """Read `arp -an`: `? (192.0.2.1) at 0:11:22:33:44:55 on en0 ifscope [ethernet]`."""
    found = []
    for line in text.splitlines():
        match = re.match(r"\S+ \(([0-9.]+)\) at (\S+) on (\S+)(.*)", line)
        if match is not None and match.group(3) == interface:
            state = "permanent" if "permanent" in match.group(4) else "unknown"
            found.append(Neighbour(address=match.group(1), mac=_mac(match.group(2)), state=state))
    return tuple(found)


def macos_ndp(text: str, interface: str) -> tuple[Neighbour, ...]:
    """Read `ndp -an`: address, hardware address, interface, expiry, state letter (R reachable, S stale)."""
    found = []
    for line in text.splitlines()[1:]:
        cells = line.split()
        if len(cells) < 5 or cells[2] != interface:
            continue
        try:
            address = str(ipaddress.ip_address(cells[0].partition("%")[0]))
        except ValueError:
            continue
        state = "permanent" if cells[3] == "permanent" else "unknown"
        found.append(Neighbour(address=address, mac=_mac(cells[1]), state=state))
    return tuple(found)


def _mac(text: str) -> str:
    parts = text.split(":")
    if len(parts) != 6 or not all(re.fullmatch(r"[0-9a-fA-F]{1,2}", part) for part in parts):
        return ""
    return ":".join(part.zfill(2).lower() for part in parts)
