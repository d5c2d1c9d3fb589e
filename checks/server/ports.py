"""server.ports: the server listens where it must, and nowhere it must not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

from checks.bounds import Len
from checks.contract import Finding, Vantage
from checks.dataclass import dataclass
from checks.params import Address, Port
from checks.remote.check import Login, RemoteCheck, require_login
from checks.server._parity import Allowed, require_allowed
from checks.server._ports_judge import compared, expected, forbidden
from checks.server._sides import both, require_another
from checks.server._sockets import Listening, read_listening


@dataclass(frozen=True, slots=True, kw_only=True)
class PortNeed:
    """One port that must be listened on (or not)."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    port: Port
    protocol: Literal["tcp", "udp"] = "tcp"
    program: Annotated[str, Len(1, 64)] | None = None
    address: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortsSeen:
    """What the server listens on, and the one that it is compared with."""

    target: Listening
    source: Listening | None


class Ports(RemoteCheck[PortsSeen]):
    """The server listens on the ports that it must, on none that it must not, and as the old one does.

    A port that only answers on the loopback address does not count as expected unless that address is
    named. Compared are protocol, port, how far it is reachable (everywhere, some addresses, loopback) and,
    where both sides show it, the program. A TCP port from the ephemeral range that moved to another number
    is alike if the same program holds it (RPC); UDP ports of that range are clients and left out.

    Proves: which sockets listen now, by the host's own table.
    Cannot prove: that a firewall lets clients through (check network.tcp from their side), that the program
    behind the port works, or anything about a program that runs in another network namespace (container).
    If it fails: start the service that is missing, correct the address it binds to, or switch off what must
    not listen. Names of programs are seen by root only: give 'sudo: true'.

    Source: ss(8), proc(5) (/proc/net/tcp), Get-NetTCPConnection, ip_local_port_range in ip-sysctl.

    Example:
        type: server.ports
        host: files-new.example.com
        user: tech
        sudo: true
        expect:
          - {port: 445, program: smbd}
          - {port: 5432, program: postgres, address: 127.0.0.1}
        forbid:
          - {port: 23}
        source: {host: files-old.example.com}
        allowed: ["port:tcp/631"]
    """

    expect: tuple[PortNeed, ...] = ()
    """Ports that must be listened on; without 'address' from other hosts, too. `program` as ss names it."""
    forbid: tuple[PortNeed, ...] = ()
    """Ports that nothing may listen on; with 'program', that one program must not."""
    source: Login | None = None
    """The old server: whatever it listens on, this one must, too."""
    allowed: Allowed = ()
    """Expected differences to the source, by the key that a finding shows: `port:tcp/631`, `port:udp/*`."""

    def __post_init__(self) -> None:
        require_login(self)
        require_another(self, self.source)
        require_allowed(self.allowed, compared=self.source is not None)
        if not (self.expect or self.forbid or self.source):
            raise ValueError("Say which ports to 'expect' or to 'forbid', or a 'source' to compare with.")
        both_ways = {(one.protocol, one.port, one.address, one.program) for one in self.expect} & {
            (one.protocol, one.port, one.address, one.program) for one in self.forbid
        }
        if both_ways:
            protocol, port, *_ = both_ways.pop()
            raise ValueError(f"Port {protocol}/{port} is both expected and forbidden.")

    async def observe(self, vantage: Vantage) -> PortsSeen:
        target, source = await both(self, vantage, self.source, read_listening)
        return PortsSeen(target=target, source=source)

    def judge(self, seen: PortsSeen) -> Iterable[Finding]:
        for need in self.expect:
            yield expected(
                seen.target, need.protocol, need.port, program=need.program or "", address=need.address or ""
            )
        for need in self.forbid:
            yield forbidden(
                seen.target, need.protocol, need.port, program=need.program or "", address=need.address or ""
            )
        if seen.source is not None:
            yield from compared(seen.source, seen.target, self.allowed)
