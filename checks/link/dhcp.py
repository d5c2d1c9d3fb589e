"""link.dhcp: the planned DHCP server, and no other, offers what the plan says."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterable
from dataclasses import field
from typing import Annotated, Any, ClassVar

from checks.bounds import Ge, Le, Len
from checks.contract import CannotTell, Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.link._dhcp_ask import GRACE_S, Conversation
from checks.link._dhcp_judge import judge_frames
from checks.link._dhcp_lease import judge_lease
from checks.link._dhcp_seen import DhcpSeen
from checks.local.facts import InterfaceFact, LocalHost, read_local
from checks.local.rights import raw_fix, raw_frames
from checks.params import Address, DomainName, Duration, Form, Host, Mac, Network


def parse_options(value: Any) -> dict[str, str]:
    """Return planned options by their number: `{"43": "0xf104c0a80101", "252": "http://..."}`."""
    if not isinstance(value, dict):
        raise ValueError(f"Options are written as number: text, not {value!r:.80}.")
    found = {}
    for key, text in value.items():
        code = str(key).strip()
        if (
            not code.isascii()
            or not code.isdecimal()
            or not 1 <= int(code) <= 254
            or code in ("52", "53", "54")
        ):
            raise ValueError(
                f"An option is named by its number from 1 to 254 (not 52 to 54), unlike {key!r:.40}."
            )
        if isinstance(text, bool) or not isinstance(text, (str, int)) or not str(text).strip():
            raise ValueError(f"The value of option {code} is a text, a number or 0x with hexadecimal digits.")
        form = str(text).strip()
        if form.lower().startswith("0x"):
            try:
                form = f"0x{bytes.fromhex(form[2:]).hex()}"
            except ValueError:
                raise ValueError(f"{form!r:.80} is not hexadecimal.") from None
        found[str(int(code))] = form
    return found


Options = Annotated[
    dict[str, str],
    Form(parse_options, (("type", "object"), ("examples", [{"43": "0xf104c0a80101"}]))),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The addresses that may be offered, both ends included."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    first: Address
    last: Address


class Dhcp(Check[DhcpSeen]):
    """The planned DHCP server, and no other, offers an address and options as planned.

    Sends DISCOVERs and listens for the whole window; never sends a REQUEST, so that nothing is leased. The
    address that is offered is set aside by the server for a short time; the client identifier is the same
    each time, so that a pool is not drained.

    Proves: who offered what to this laptop, and that within the window nobody else did. Without the right to
    send raw frames, only what the operating system's own lease says, which never passes as a whole.
    Cannot prove: that a server which was silent now stays silent; a rogue that serves only certain clients is
    seen only if its answer is broadcast, and one that forges the server's hardware and IP address not at all.
    If it fails: look at the port's VLAN first, then at the relay, then at the scope on the server.

    Source: RFC 2131, RFC 2132, RFC 3046 (relays), RFC 3396 (long options), RFC 5859 (option 150).

    Example:
        type: link.dhcp
        servers: [10.20.0.10]
        network: 10.20.30.0/24
        pool: {first: 10.20.30.50, last: 10.20.30.250}
        router: [10.20.30.1]
        dns: [10.20.0.53, 10.20.0.54]
        domain: corp.example
        tftp_servers: [10.20.0.150]
        relay: 10.20.30.1
        min_lease: 8h
        options: {"43": "0xf1040a140005"}
        vlan: 30
    """

    deadline_s = 15.0

    servers: Annotated[tuple[Address, ...], Len(1, 16)]
    """The DHCP servers that may answer (server identifier, option 54); any other one is a rogue. With a
    failover pair one of them may be silent."""
    interface: Annotated[str, Len(1, 256)] | None = None
    """Interface to ask on; left out, the one in use."""
    network: Network | None = None
    """Network that the offered address must lie in, with its mask (option 1)."""
    pool: Pool | None = None
    """Range that the offered address must be from: `{first: ..., last: ...}`."""
    router: tuple[Address, ...] = ()
    """The planned routers (option 3), in their order."""
    dns: tuple[Address, ...] = ()
    """The planned DNS servers (option 6), in their order."""
    domain: DomainName | None = None
    """The planned domain (option 15)."""
    search: tuple[DomainName, ...] = ()
    """The planned search list (option 119), in its order."""
    ntp: tuple[Address, ...] = ()
    """The planned NTP servers (option 42)."""
    tftp: Host | None = None
    """The planned TFTP server name (option 66, or the server name field)."""
    boot_file: Annotated[str, Len(1, 255)] | None = None
    """The planned boot file (option 67, or the boot file field)."""
    tftp_servers: tuple[Address, ...] = ()
    """The planned TFTP server addresses (option 150), by which Cisco phones find their call manager."""
    mtu: Annotated[int, Ge(68), Le(65535)] | None = None
    """The planned MTU (option 26)."""
    min_lease: Duration | None = None
    """The shortest lease time (option 51) that will do."""
    relay: Address | None = None
    """The relay by which the offer must come (giaddr): the router's address in this VLAN."""
    options: Options = field(default_factory=dict)
    """Any other option by its number: a text, a number, or `0x` with hexadecimal digits."""
    vendor_class: Annotated[str, Len(1, 255)] | None = None
    """Vendor class (option 60) to ask as, such as `Cisco AP c1700`: some servers give options by it."""
    vlan: Annotated[int, Ge(1), Le(4094)] | None = None
    """Ask in this VLAN by tagged frames, on a trunk port; left out, untagged."""
    mac: Mac | None = None
    """Ask as this client, to see its reservation. Port security may shut the port for a foreign address."""
    window: Duration = 10.0
    """How long is listened: a server may take 3 s before it offers, and a rogue may be slower."""

    def __post_init__(self) -> None:
        named = (*self.servers, *self.router, *self.dns, *self.ntp, *self.tftp_servers)
        ends = (self.pool.first, self.pool.last) if self.pool is not None else ()
        six = [item for item in (*named, *ends, self.relay, self.network) if item is not None and ":" in item]
        if six:
            raise ValueError(f"link.dhcp speaks DHCP for IPv4, which knows no {six[0]}.")
        if self.pool is not None:
            first, last = (ipaddress.IPv4Address(end) for end in ends)
            if first > last:
                raise ValueError("The pool's 'first' address must not lie behind its 'last'.")
            network = ipaddress.ip_network(self.network) if self.network is not None else None
            if network is not None and not (first in network and last in network):
                raise ValueError(f"The pool must lie in the network {self.network}.")
        if self.min_lease is not None and self.min_lease < 60:
            raise ValueError(
                f"A 'min_lease' of {self.min_lease:g} s would prove nothing; write it with its unit, like 8h."
            )
        if not 1 <= self.window <= 120:
            raise ValueError("The 'window' lies between 1 s and 2 m; 10 s is usual.")
        if self.mac is not None and int(self.mac[:2], 16) & 1:
            raise ValueError(f"{self.mac} is the address of a group, not of a client.")

    def subject(self) -> str:
        """Return the VLAN or interface that is asked on."""
        where = f" on {self.interface}" if self.interface else ""
        return f"DHCP in VLAN {self.vlan}{where}" if self.vlan is not None else f"DHCP{where}"

    def needs_link(self) -> bool:
        """Return False: a network without DHCP gives this laptop no address, and that is what is tested."""
        return False

    def allowance(self) -> float:
        """Return the deadline with the listening time."""
        return self.deadline_s + self.window + GRACE_S

    async def observe(self, vantage: Vantage) -> DhcpSeen:
        """Ask by raw frames; without the right to, read the lease that the operating system keeps."""
        host = await read_local(vantage.shared)
        face = _face(host, self.interface)
        if face.wireless and (self.vlan is not None or self.mac is not None):
            raise CannotTell(
                f"{face.name} is a radio: an access point takes neither tags nor another client's address.",
                "Plug a cable in, or leave 'vlan' and 'mac' out.",
            )
        why = raw_frames()
        if why is None:
            conversation = Conversation(
                face, xid=secrets.randbits(32), window=self.window, mac=self.mac, vlan=self.vlan,
                vendor_class=self.vendor_class, codes=tuple(int(code) for code in self.options),
                control=tuple(dict.fromkeys((*self.router[:4], *self.servers[:4]))),
                own=frozenset(item.mac for item in host.interfaces if item.mac),
            )  # fmt: skip
            return await conversation.run()
        hindrance = f"This account may not send raw frames here ({why})."
        if self.vlan is not None or self.mac is not None or self.vendor_class is not None:
            raise CannotTell(
                f"{hindrance} The system's own lease says nothing of another VLAN, client or vendor class.",
                raw_fix(),
            )
        vantage.note(f"{hindrance} The lease of the operating system is read instead.")
        mine = {item.address for item in face.addresses}
        leases = [item for item in host.dhcp if item.interface == face.name]
        lease = next((item for item in leases if not item.address or item.address in mine), None)
        return DhcpSeen(interface=face.name, mac=face.mac, lease=lease, hindrance=hindrance, remedy=raw_fix())

    def judge(self, seen: DhcpSeen) -> Iterable[Finding]:
        """Judge the servers that answered, or the lease; see `_dhcp_judge`."""
        if seen.hindrance:
            yield from judge_lease(self, seen)
        else:
            yield from judge_frames(self, seen)


def _face(host: LocalHost, name: str | None) -> InterfaceFact:
    """Return the interface to ask on; raise CannotTell where there is none, or no telling which."""
    if name is not None:
        face = host.interface(name)
    else:
        face = host.main_interface()
        if face is None:
            ready = [i for i in host.interfaces if i.up and not i.loopback and not i.tunnel and _ethernet(i)]
            wired = [i for i in ready if not i.wireless] or ready
            if len(wired) > 1:
                raise CannotTell(
                    "More than one interface is connected and none has an address, so there is no telling on "
                    f"which to ask: {', '.join(i.name for i in wired[:6])}.", "Name one with 'interface:'.",
                )  # fmt: skip
            face = wired[0] if wired else None
    if face is None or not face.up:
        raise CannotTell(
            f"{name or 'No interface of this laptop'} is not connected, so nobody can be asked.",
            "Plug the cable in or join the Wi-Fi, then run it again.",
        )
    if not _ethernet(face):
        raise CannotTell(
            f"{face.name} has no hardware address: DHCP is not spoken there.",
            "Name the Ethernet or Wi-Fi interface with 'interface:'.",
        )
    return face


def _ethernet(face: InterfaceFact) -> bool:
    return len(face.mac) == 17 and face.mac != "00:00:00:00:00:00"
