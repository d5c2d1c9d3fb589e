"""What a time server says the time is: SNTP (RFC 5905 section 14, RFC 4330), several samples, the best kept.

The request carries a random number where its time would stand; a reply that does not repeat it is not to
this request and is dropped (RFC 5905 section 8). Delays are taken from the monotonic clock, so a wall clock
that is set meanwhile spoils no sample. The receive path is the loop's own and was never run on Windows.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct
import time
from dataclasses import replace
from typing import Literal

from checks.dataclass import dataclass
from checks.params import split_endpoint

PORT = 123
PAUSE_S = 0.1
"""Between samples: a server that limits rates answers a few quick requests and drops a flood."""
MAX_STRATUM = 15
_SLACK_S = 0.01
"""How much longer than the whole exchange a server may seem to have worked on it: clocks run unevenly."""
_PACKET = struct.Struct("!BBbbII4sQQQQ")
_EPOCH = 2_208_988_800
"""Seconds from 1900 (NTP) to 1970 (RFC 5905 section 6)."""
_ERA = 1 << 64

NtpFailure = Literal["timeout", "refused (port closed)", "unreachable", "not sent", "unknown host"]
"""Why there is no answer. `not sent`: this machine has no way to the server, so nothing is said about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NtpSample:
    """One exchange: this machine's clock minus the server's, and the round trip without the server's part."""

    offset_s: float
    delay_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NtpSeen:
    """What a server answered. Without a reply `error` says why and the server's fields are None.

    `leap` is the leap indicator (3: the server says that it is not synchronised); `kiss` the code of a
    refusal (stratum 0); `reference` what the server follows: an address, or a name such as GPS (raw text).
    `ignored` counts replies that did not belong to a request: late or forged.
    """

    server: str
    address: str
    samples: tuple[NtpSample, ...] = ()
    error: NtpFailure | None = None
    detail: str = ""
    stratum: int | None = None
    leap: int | None = None
    version: int | None = None
    reference: str = ""
    root_delay_s: float = 0.0
    root_dispersion_s: float = 0.0
    kiss: str | None = None
    ignored: int = 0

    def best(self) -> NtpSample | None:
        """Return the sample with the shortest way, which is the least wrong (RFC 5905 section 10)."""
        return min(self.samples, key=lambda sample: sample.delay_s, default=None)

    def root_distance_s(self) -> float:
        """Return how wrong the server's own time can be at most (RFC 5905 section 11.1)."""
        return self.root_delay_s / 2 + self.root_dispersion_s

    def fit(self) -> bool:
        """Return whether the server gave a time that it stands for."""
        return bool(self.samples) and self.leap != 3 and 1 <= (self.stratum or 0) <= MAX_STRATUM


async def ask(server: str, *, timeout: float, samples: int = 4) -> NtpSeen:
    """Ask `server` (an endpoint in normal form, port 123 unless given) for `samples` times within `timeout`.

    Always returns; the time is up to `timeout` seconds for all samples together. Where the host is a name,
    the first address that the system gives is asked.
    """
    host, port = split_endpoint(server, PORT)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    seen = NtpSeen(server=server, address="")
    try:
        async with asyncio.timeout_at(deadline):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except TimeoutError:
        return replace(seen, error="unknown host", detail="the resolver did not answer in time")
    except (OSError, UnicodeError) as error:
        return replace(seen, error="unknown host", detail=str(error))
    family, _, _, _, where = found[0]
    seen = replace(seen, address=str(where[0]))
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)  # noqa: FBT003 - its only form
        try:
            sock.connect(where)
        except OSError as error:
            return replace(seen, error="not sent", detail=error.strerror or str(error))
        return await _samples(sock, seen, deadline, samples)


async def _samples(sock: socket.socket, seen: NtpSeen, deadline: float, wanted: int) -> NtpSeen:
    loop = asyncio.get_running_loop()
    silent = 0
    for number in range(wanted):
        if number:
            await asyncio.sleep(PAUSE_S)
        left = deadline - loop.time()
        try:
            seen, answered = await _sample(sock, seen, left / (wanted - number))
            silent = 0 if answered else silent + 1
        except (ConnectionRefusedError, ConnectionResetError) as error:  # the latter on Windows
            if number == wanted - 1 or not seen.samples:
                seen = replace(seen, error="refused (port closed)", detail=error.strerror or str(error))
        except OSError as error:
            seen = replace(seen, error="unreachable", detail=error.strerror or str(error))
        if seen.kiss is not None or (seen.samples and silent == 2):
            break
    if seen.samples or seen.kiss is not None:
        return replace(seen, error=None)
    if seen.error is None and seen.stratum is None:
        seen = replace(seen, error="timeout", detail=f"no answer to {silent} requests")
    return seen


async def _sample(sock: socket.socket, seen: NtpSeen, timeout: float) -> tuple[NtpSeen, bool]:
    """Ask once; return what is known now, and whether the server answered."""
    loop = asyncio.get_running_loop()
    nonce = secrets.randbits(64) or 1
    message = _PACKET.pack(0x23, 0, 0, 0, 0, 0, b"", 0, 0, 0, nonce)  # version 4, mode 3 (client)
    ignored = seen.ignored
    sent_wall, sent = time.time_ns(), time.perf_counter()
    sock.send(message)
    try:
        async with asyncio.timeout(timeout):
            while True:
                reply = await loop.sock_recv(sock, 1024)
                elapsed = time.perf_counter() - sent
                if _is_reply(reply, nonce):
                    break
                ignored += 1
                await asyncio.sleep(0)
    except TimeoutError:
        return replace(seen, ignored=ignored), False
    return _read(replace(seen, ignored=ignored), reply, sent_wall, elapsed), True


def _read(seen: NtpSeen, reply: bytes, sent_wall: int, elapsed: float) -> NtpSeen:
    first, stratum, _, _, root_delay, root_dispersion, reference, _, _, received, transmitted = (
        _PACKET.unpack_from(reply)
    )
    if stratum == 0 and seen.samples:
        return replace(seen, kiss=_ascii(reference))
    seen = replace(
        seen,
        stratum=stratum,
        leap=first >> 6,
        version=first >> 3 & 7,
        reference=_reference(reference, stratum),
        root_delay_s=root_delay / 65536,
        root_dispersion_s=root_dispersion / 65536,
    )
    if stratum == 0:
        return replace(seen, kiss=_ascii(reference))
    inside = _apart(transmitted, received)
    if not received or not transmitted or not 0 <= inside <= elapsed + _SLACK_S:
        return replace(seen, detail="the server's two times do not fit the exchange")
    left = _to_ntp(sent_wall)
    arrived = _to_ntp(sent_wall + int(elapsed * 1e9))
    ahead = (_apart(received, left) + _apart(transmitted, arrived)) / 2
    delay = max(0.0, elapsed - inside)
    return replace(seen, samples=(*seen.samples, NtpSample(offset_s=-ahead, delay_s=delay)))


def _is_reply(reply: bytes, nonce: int) -> bool:
    if len(reply) < _PACKET.size or reply[0] & 7 != 4 or not 1 <= reply[0] >> 3 & 7 <= 4:
        return False
    return int.from_bytes(reply[24:32], "big") == nonce


def _to_ntp(wall_ns: int) -> int:
    return (
        (wall_ns // 1_000_000_000 + _EPOCH) << 32 | (wall_ns % 1_000_000_000 << 32) // 1_000_000_000
    ) % _ERA


def _apart(later: int, earlier: int) -> float:
    """Return the seconds between two timestamps, right across an era's end in 2036 (RFC 5905 section 6)."""
    difference = (later - earlier) % _ERA
    return (difference - _ERA if difference >= _ERA >> 1 else difference) / (1 << 32)


def _reference(raw: bytes, stratum: int) -> str:
    return _ascii(raw) if stratum <= 1 else ".".join(map(str, raw))


def _ascii(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode("ascii", "backslashreplace")
