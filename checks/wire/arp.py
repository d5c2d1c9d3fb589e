"""ARP on one interface: who answers for an IPv4 address, and with which hardware addresses.

A probe (RFC 5227 section 2.1.1) carries no sender address, so that it changes no neighbour's table; a plain
request (RFC 826) carries ours, for hosts that answer nothing else. Linux speaks through a packet socket;
macOS and Windows through scapy, which has never been run on those systems by us.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable

from checks.dataclass import dataclass
from checks.local.facts import InterfaceFact
from checks.local.rights import raw_fix
from checks.vantage import CannotTell

_ETH_ARP = 0x0806
_OUTGOING = 4
_BROADCAST = b"\xff" * 6
_MAX_ANSWERS = 256
_HEADER = struct.Struct("!6s6sH")
_BODY = struct.Struct("!HHBBH6s4s6s4s")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArpAnswer:
    """Somebody with hardware address `mac` claimed `address`, `after_ms` after the first question."""

    address: str
    mac: str
    after_ms: float


def request(mac: str, target: str, source: str | None = None) -> bytes:
    """Return an Ethernet frame asking who has `target`: a probe unless `source` gives our address."""
    hardware = bytes.fromhex(mac.replace(":", ""))
    sender = socket.inet_aton(source) if source else b"\0" * 4
    body = _BODY.pack(1, 0x0800, 6, 4, 1, hardware, sender, b"\0" * 6, socket.inet_aton(target))
    return _HEADER.pack(_BROADCAST, hardware, _ETH_ARP) + body


def claim(frame: bytes) -> tuple[str, str] | None:
    """Return the address and the hardware address that an ARP frame claims; None for any other frame.

    Requests claim their sender's address as replies do (RFC 5227 section 2.1.1, 2.4).
    """
    if len(frame) < _HEADER.size + _BODY.size:
        return None
    _, _, kind = _HEADER.unpack_from(frame)
    hardware, protocol, hlen, plen, operation, mac, address, _, _ = _BODY.unpack_from(frame, _HEADER.size)
    if (kind, hardware, protocol, hlen, plen) != (_ETH_ARP, 1, 0x0800, 6, 4) or operation not in (1, 2):
        return None
    if address == b"\0" * 4:
        return None
    return socket.inet_ntoa(address), mac.hex(":")


async def who_has(
    interface: InterfaceFact,
    targets: Iterable[str],
    *,
    source: str | None = None,
    rounds: int = 3,
    interval_s: float = 0.3,
    wait_s: float = 0.7,
    enough: Callable[[tuple[ArpAnswer, ...]], bool] | None = None,
) -> tuple[ArpAnswer, ...]:
    """Ask `rounds` times for every target and return each distinct claim to one of them.

    Listens `wait_s` after the last question, or until `enough` says so. Frames that this machine itself sent
    are left out. Raises CannotTell without the right to send raw frames or on an interface without a hardware
    address.
    """
    wanted = tuple(dict.fromkeys(targets))
    if len(interface.mac) != 17 or interface.mac == "00:00:00:00:00:00":
        raise CannotTell(
            f"{interface.name} has no hardware address, so nobody can be asked by ARP there.",
            "Name the Ethernet or Wi-Fi interface of this network with `interface:`.",
        )
    frames = [request(interface.mac, target, source) for target in wanted]
    if sys.platform.startswith("linux"):
        return await _by_packet_socket(
            interface.name, frames, frozenset(wanted), rounds, interval_s, wait_s, enough
        )
    return await asyncio.to_thread(
        _by_scapy, interface.name, frames, frozenset(wanted), rounds, interval_s, wait_s
    )


async def _by_packet_socket(
    name: str,
    frames: list[bytes],
    wanted: frozenset[str],
    rounds: int,
    interval_s: float,
    wait_s: float,
    enough: Callable[[tuple[ArpAnswer, ...]], bool] | None,
) -> tuple[ArpAnswer, ...]:
    loop = asyncio.get_running_loop()
    answers: dict[tuple[str, str], ArpAnswer] = {}
    with _packet_socket(name) as wire:
        begun = time.monotonic()

        async def listen() -> None:
            while len(answers) < _MAX_ANSWERS:
                frame, origin = await loop.sock_recvfrom(wire, 2048)
                await asyncio.sleep(0)  # a flood is read without waiting, and would starve everybody else
                said = claim(frame)
                if said is None or said[0] not in wanted or origin[2] == _OUTGOING:
                    continue
                after = (time.monotonic() - begun) * 1000
                answers.setdefault(said, ArpAnswer(address=said[0], mac=said[1], after_ms=round(after, 3)))
                if enough is not None and enough(tuple(answers.values())):
                    return

        async def ask() -> None:
            for turn in range(rounds):
                if turn:
                    await asyncio.sleep(interval_s)
                for frame in frames:
                    try:
                        wire.send(frame)
                    except BlockingIOError:
                        await asyncio.sleep(0.01)
                    except OSError as error:
                        raise CannotTell(
                            f"An ARP question could not be sent on {name}: {error.strerror}.",
                            "Plug the cable in and switch the interface on.",
                        ) from None
            await asyncio.sleep(wait_s)

        asking, listening = asyncio.create_task(ask()), asyncio.create_task(listen())
        try:
            done, _ = await asyncio.wait({asking, listening}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            asking.cancel()
            listening.cancel()
            await asyncio.gather(asking, listening, return_exceptions=True)
    return tuple(answers.values())


def _packet_socket(name: str) -> socket.socket:
    try:
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_ARP))
    except PermissionError:
        raise CannotTell("This account may not send or read raw ARP frames.", raw_fix()) from None
    try:
        wire.settimeout(0)
        wire.bind((name, _ETH_ARP))
    except OSError as error:
        wire.close()
        raise CannotTell(
            f"{name} cannot be used for ARP: {error.strerror}.", "Plug the cable in and switch it on."
        ) from None
    return wire


def _by_scapy(
    name: str, frames: list[bytes], wanted: frozenset[str], rounds: int, interval_s: float, wait_s: float
) -> tuple[ArpAnswer, ...]:
    try:
        from scapy.config import conf
        from scapy.layers.l2 import Ether

        wire = conf.L2socket(iface=name, filter="arp")
    except Exception as error:  # noqa: BLE001 - scapy raises what its back end raises; all mean no raw frames
        raise CannotTell(f"Raw ARP frames cannot be used on {name}: {error}", raw_fix()) from None
    begun = time.monotonic()
    answers: dict[tuple[str, str], ArpAnswer] = {}
    try:
        for turn in range(rounds):
            for frame in frames:
                wire.send(Ether(frame))
            until = time.monotonic() + (interval_s if turn < rounds - 1 else wait_s)
            while (left := until - time.monotonic()) > 0 and len(answers) < _MAX_ANSWERS:
                ready = wire.select([wire], left)
                packet = wire.recv(2048) if ready else None
                said = claim(bytes(packet)) if packet is not None else None
                if said is not None and said[0] in wanted:
                    after = round((time.monotonic() - begun) * 1000, 3)
                    answers.setdefault(said, ArpAnswer(address=said[0], mac=said[1], after_ms=after))
    finally:
        wire.close()
    return tuple(answers.values())
