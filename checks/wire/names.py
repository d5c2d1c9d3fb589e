"""Host names to addresses by the system's resolver: what the laptop's own programs would get."""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import socket
from typing import Literal

from checks.dataclass import dataclass
from checks.vantage import Shared, Vantage

Family = Literal["any", "ipv4", "ipv6"]
SHARE = 0.8
_AF = {"any": socket.AF_UNSPEC, "ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """Addresses in the system's order; where there are none, `error` is the resolver's own words."""

    host: str
    addresses: tuple[str, ...]
    error: str | None = None
    temporary: bool = False
    """Whether the resolver gave no answer at all, so that nothing is known about the name."""


async def resolve(vantage: Vantage | Shared, host: str, family: Family = "any") -> Resolved:
    """Return the addresses of `host`, asked once per run and family; an address stands for itself.

    A check waits `SHARE` of what is left of its attempt, and can then say that the resolver is silent.
    """
    version = ip_version(host)
    if version is None:
        patience = vantage.remaining() * SHARE if isinstance(vantage, Vantage) else None
        try:
            async with asyncio.timeout(patience):
                return await vantage.once(("names", host, family), lambda: _ask(host, family))
        except TimeoutError:
            return Resolved(
                host=host, addresses=(), error="the resolver did not answer in time", temporary=True
            )
    if family not in ("any", f"ipv{version}"):
        return Resolved(host=host, addresses=(), error=f"{host} is not an {family} address")
    return Resolved(host=host, addresses=(host,))


@functools.lru_cache(4096)
def ip_version(host: str) -> int | None:
    """Return 4 or 6 for an address, None for a name."""
    try:
        return ipaddress.ip_address(host).version
    except ValueError:
        return None


async def _ask(host: str, family: Family) -> Resolved:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, family=_AF[family], type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        temporary = isinstance(error, OSError) and error.errno == socket.EAI_AGAIN
        return Resolved(host=host, addresses=(), error=words, temporary=temporary)
    return Resolved(host=host, addresses=tuple(dict.fromkeys(str(item[4][0]) for item in found)))
