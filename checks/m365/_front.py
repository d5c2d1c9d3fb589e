"""One front door of Microsoft 365: several connections measured, its certificate's chain and issuer."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import statistics
import time

from checks.contract import Vantage
from checks.dataclass import dataclass
from checks.wire.names import Resolved
from checks.wire.tcp import Attempt, connect
from checks.wire.tls import TlsChannel, TlsRefused, lenient
from checks.wire.tls_chain import Shown, show

PAUSE_S = 0.05
_INSIDE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.168.0.0/16", "::/127", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One address of a front door: connections of which the times are taken, and what TLS showed.

    `connect_ms` and `tls_ms` hold what succeeded; `attempt` is the last connection.
    """

    address: str
    port: int
    attempt: Attempt
    connect_ms: tuple[float, ...] = ()
    tls_ms: tuple[float, ...] = ()
    shown: Shown | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSeen:
    """A front door's name: where it leads (`aliases` where a resolver told), and its addresses tested."""

    host: str
    names: Resolved
    aliases: tuple[str, ...] = ()
    mapped: bool = False
    doors: tuple[Door, ...] = ()


async def measure(
    vantage: Vantage, address: str, port: int, host: str, *, ca_file: str | None, samples: int, within: float
) -> Door:
    """Connect `samples` times one after another, with TLS; then verify what is shown."""
    ends = time.monotonic() + within
    context = await lenient(vantage, None, verify=False)
    connects: list[float] = []
    handshakes: list[float] = []
    attempt = Attempt(address=address, port=port, outcome="timeout", seconds=0.0)
    for number in range(samples):
        left = ends - time.monotonic()
        if left < within / 3 and number:
            break
        attempt, sock = await connect(address, port, max(0.01, left / 2))
        if sock is None:
            break
        connects.append(round(attempt.seconds * 1000, 3))
        try:
            async with asyncio.timeout(max(0.01, (ends - time.monotonic()) / 2)):
                began = time.perf_counter()
                await TlsChannel(sock, context, host).handshake()
                handshakes.append(round((time.perf_counter() - began) * 1000, 3))
        except (OSError, TlsRefused):
            break  # `show` says why
        finally:
            sock.close()
        await asyncio.sleep(PAUSE_S)
    shown = None
    if connects:
        shown = await show(
            vantage, address, port, host, ca_file=ca_file, within=max(0.01, ends - time.monotonic())
        )
    return Door(
        address=address, port=port, attempt=attempt, connect_ms=tuple(connects), tls_ms=tuple(handshakes),
        shown=shown,
    )  # fmt: skip


def median(values: tuple[float, ...]) -> float:
    """Return the median of at least one value."""
    return float(statistics.median(values))


def score(connect_ms: float) -> float:
    """Return Exchange's TCP latency score for a connect time, as Microsoft's network assessment has it."""
    points = ((10.0, 100.0), (25.0, 80.0), (100.0, 60.0), (200.0, 40.0), (300.0, 20.0), (350.0, 0.0))
    if connect_ms <= points[0][0]:
        return 100.0
    for (below, high), (above, low) in itertools.pairwise(points):
        if connect_ms <= above:
            return high + (low - high) * (connect_ms - below) / (above - below)
    return 0.0


def organisations(name: str) -> tuple[str, ...]:
    r"""Return the values of O in a distinguished name of RFC 4514; `\,` inside a value separates nothing."""
    found: list[str] = []
    key, value, in_key, escaped = "", "", True, False
    for char in f"{name[:4096]},":
        if escaped:
            value += char
            escaped = False
        elif char == "\\":
            escaped = True
        elif char in ",+":
            if not in_key and key.strip().upper() == "O":
                found.append(value)
            key, value, in_key = "", "", True
        elif char == "=" and in_key:
            in_key = False
        elif in_key:
            key += char
        else:
            value += char
    return tuple(found)


def is_inside(address: str) -> bool:
    """Return whether an address can only be in a network of one's own (or a provider's, RFC 6598)."""
    found = ipaddress.ip_address(address.partition("%")[0])
    return any(found.version == network.version and found in network for network in _INSIDE)
