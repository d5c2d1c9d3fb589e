"""Before anything else the laptop looks at itself: link, addresses, VPN, proxy, clock, rights.

What it cannot do is said once, here, instead of as forty failures.
"""

from __future__ import annotations

import asyncio
import ipaddress

from agent.records import VantageRecord
from agent.version import VERSION
from checks import jsonable
from checks.dataclass import dataclass
from checks.local import rights
from checks.local.facts import InterfaceFact, LocalHost, read_local, routable
from checks.safe import safe
from checks.vantage import CannotTell, Shared

HOST_ONLY = (
    "docker", "br-", "virbr", "lxcbr", "lxdbr", "podman", "cni", "vboxnet", "vmnet", "bridge1",
    "VMware Network Adapter", "VirtualBox Host-Only", "vEthernet (WSL", "vEthernet (Default Switch",
)  # fmt: skip
"""Beginnings of the names that container and virtual machine hosts give to networks inside this laptop."""
CLOCK_WAIT_S = 1.5
CLOCK_LIMIT_S = 2.0
"""From here on the clock is named among the limits: log lines of two systems no longer fit together."""


@dataclass(frozen=True, slots=True)
class Clock:
    """This laptop's clock minus true time; where `offset_s` is None, `why` is a full sentence."""

    offset_s: float | None
    why: str = ""


async def look_at_ourselves(
    shared: Shared, *, name: str | None, time_servers: tuple[str, ...]
) -> VantageRecord:
    """Return what this laptop is and can do here; takes at most two seconds and never raises for a lack."""
    raw_frames = asyncio.create_task(asyncio.to_thread(rights.raw_frames))  # closing that socket takes 8 ms
    host = await read_local(shared)
    up = link_up(host)
    icmp, clock = await asyncio.gather(_icmp(shared), _clock(time_servers, up=up))
    raw = await raw_frames
    privileges = [] if icmp else ["icmp"]
    privileges += [] if raw else ["raw"]
    privileges += ["admin"] if rights.is_admin() else []
    return VantageRecord(
        name=name or host.hostname,
        host=host.hostname,
        user=host.user,
        os=host.os,
        tool=f"gonogo {VERSION}",
        interfaces=tuple(_brief(face) for face in host.interfaces if not face.loopback),
        addresses=addresses(host),
        link_up=up,
        vpn=host.vpn,
        proxy=host.proxy,
        clock_offset_s=clock.offset_s,
        privileges=tuple(privileges),
        limits=limits(host, up=up, icmp=icmp, raw=raw, clock=clock),
    )


def link_up(host: LocalHost) -> bool:
    """Return whether one of the links of this laptop is up with an address that leads somewhere."""
    return any(face.up and routable(face.addresses) for face in _links(host))


def addresses(host: LocalHost) -> tuple[str, ...]:
    """Return the addresses of the links that are up, without link-local ones."""
    found = (a.address for face in _links(host) if face.up for a in face.addresses)
    parsed = ((text, ipaddress.ip_address(text)) for text in found)
    return tuple(text for text, address in parsed if not (address.is_link_local or address.is_loopback))


def _links(host: LocalHost) -> list[InterfaceFact]:
    """Return the interfaces that stand in the building: no loopback, and no tunnel unless nothing else is.

    A VPN's address in the office's network is not the office, and its tunnel stays up without any cable; so
    does the bridge to containers and virtual machines on this laptop, unless the default route leads over it.
    """
    routed = {gateway.interface for gateway in host.gateways}
    faces = [
        face for face in host.interfaces
        if not face.loopback and (face.name in routed or not face.name.startswith(HOST_ONLY))
    ]  # fmt: skip
    return [face for face in faces if not face.tunnel] or faces


def limits(host: LocalHost, *, up: bool, icmp: str | None, raw: str | None, clock: Clock) -> tuple[str, ...]:
    """Return full sentences: what cannot be tested from here, why, and what to do (pure)."""
    said = []
    if not up:
        said.append(_no_link(host))
    if host.tunnelled:
        said.append(
            f"Traffic to the internet leaves by the VPN {', '.join(host.vpn) or 'tunnel'}, so what is "
            "measured is the VPN and not this building: switch it off, unless it is what is to be tested."
        )
    elif host.vpn:
        said.append(
            f"A VPN is on ({', '.join(host.vpn)}): names and some networks may be reached through it and "
            "not through this building; switch it off, unless it is what is to be tested."
        )
    if host.proxy:
        said.append(
            f"A web proxy is set ({'; '.join(host.proxy)}): checks go directly, and may see what browsers "
            "here do not."
        )
    if icmp:
        said.append(icmp)
    if raw:
        said.append(
            f"Raw frames cannot be used ({raw}), so duplicate addresses cannot be looked for. "
            f"{rights.raw_fix()}"
        )
    if clock.offset_s is None:
        said.append(clock.why)
    elif abs(clock.offset_s) > CLOCK_LIMIT_S:
        side = "ahead of" if clock.offset_s > 0 else "behind"
        said.append(
            f"This laptop's clock is {abs(clock.offset_s):.1f} s {side} the time servers: times in the "
            "evidence are off by that, and certificates are judged by it; set the clock, then run again."
        )
    said += host.unread
    return tuple(safe(sentence, limit=600) for sentence in said)


def _no_link(host: LocalHost) -> str:
    faces = _links(host)
    connected = [face.name for face in faces if face.up]
    if connected:
        return (
            f"{', '.join(connected[:6])} is connected but has no address from this network, so nothing "
            "beyond this laptop can be tested: check the port's VLAN and the DHCP server."
        )
    return (
        "No interface of this laptop is connected, so nothing beyond it can be tested: plug the cable in or "
        "join the Wi-Fi, then run again."
    )


async def _icmp(shared: Shared) -> str | None:
    """Return None if echoes can be sent, else why not and what to do."""
    if rights.echo_socket():
        return None
    from checks.wire.icmp import Icmp

    try:
        await shared.client(Icmp)
    except CannotTell as error:
        return f"{error.reason} {error.fix}"
    return None


async def _clock(servers: tuple[str, ...], *, up: bool) -> Clock:
    if not servers:
        return Clock(
            None, "This laptop's clock was not compared with anything: name time_servers in the project."
        )
    if not up:
        return Clock(
            None, "This laptop's clock could not be compared without a link: plug in, then run again."
        )
    from checks.wire.ntp import ask

    answers = await asyncio.gather(*(ask(server, timeout=CLOCK_WAIT_S, samples=2) for server in servers[:8]))
    samples = [best for answer in answers if answer.fit() and (best := answer.best()) is not None]
    if samples:
        return Clock(round(min(samples, key=lambda sample: sample.delay_s).offset_s, 6))
    asked = ", ".join(servers[:8])
    return Clock(
        None,
        f"This laptop's clock could not be compared: none of the time servers ({asked}) gave a time; check "
        "that UDP port 123 is open to them.",
    )


def _brief(face: InterfaceFact) -> dict[str, object]:
    kept = ("name", "up", "mac", "mtu", "speed_mbps", "duplex", "wireless", "tunnel")
    data: dict[str, object] = {key: jsonable.to_json(getattr(face, key)) for key in kept}
    data["addresses"] = [f"{a.address}/{a.prefix}" for a in face.addresses]
    return data
