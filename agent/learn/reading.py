"""What the switches of the old office tell, part by part; what could not be read is kept with its reason."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import field
from datetime import UTC, datetime
from typing import TypeVar

from agent.secrets import resolve_secret
from checks.dataclass import dataclass
from checks.device.check import device
from checks.device.device import Device
from checks.device.neighbours import read_neighbours
from checks.device.poe import Poe, read_poe
from checks.device.ports import read_ports
from checks.device.records import Neighbour, Port, System
from checks.device.stack import Stack, read_stack
from checks.device.stp import Tree, read_tree
from checks.device.system import read_system
from checks.device.vlans import VlansRead, read_vlans
from checks.params import parse_secret
from checks.switch.identity import Identity
from checks.vantage import CannotTell, Shared, Vantage
from checks.wire.snmp.agent import Auth, Privacy

T = TypeVar("T")
COMMUNITY_REFERENCE = "env:SNMP_COMMUNITY"
"""Where a community that was written on the command line is to be put: it is in no file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How the old switches are asked."""

    community: str | None = field(default=None, repr=False)
    """The community or a reference to it."""
    user: str | None = None
    auth: Auth | None = None
    auth_key: str | None = None
    privacy: Privacy | None = None
    privacy_key: str | None = None
    port: int | None = None

    def check(self, host: str) -> Identity:
        """Return what knows the way to `host`; raise ValueError where the options do not fit together."""
        return Identity(
            host=host, port=self.port, community=self.community, user=self.user, auth=self.auth,
            auth_key=self.auth_key, privacy=self.privacy, privacy_key=self.privacy_key,
        )  # fmt: skip

    def reference(self) -> str | None:
        """Return what a file may say of the community."""
        if self.community is None or is_reference(self.community):
            return self.community
        return COMMUNITY_REFERENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class OldSwitch:
    """One switch as it was found; a part that is None could not be read, and `unread` says why."""

    host: str
    at: datetime
    system: System | None = None
    ports: tuple[Port, ...] | None = None
    neighbours: tuple[Neighbour, ...] | None = None
    vlans: VlansRead | None = None
    poe: Poe | None = None
    tree: Tree | None = None
    stack: Stack | None = None
    unread: tuple[tuple[str, str], ...] = ()
    """Names of parts and reasons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All switches that were asked, and the secrets that must appear nowhere."""

    switches: tuple[OldSwitch, ...]
    secrets: tuple[str, ...] = field(repr=False)


def is_reference(text: str) -> bool:
    """Return whether `text` says where a secret is."""
    try:
        parse_secret(text)
    except ValueError:
        return False
    return True


async def read_switches(hosts: Sequence[str], way: Way) -> Found:
    """Read every switch of `hosts`; one that does not answer does not hold up the others."""
    shared = Shared(resolve_secret=resolve_secret)
    try:
        vantage = Vantage(shared)
        switches = await asyncio.gather(*(_switch(host, way, vantage) for host in hosts))
    finally:
        await shared.close()
    secrets = set(shared.secrets_seen)
    if way.community is not None and not is_reference(way.community):
        secrets.add(way.community)
    return Found(switches=tuple(switches), secrets=tuple(sorted(secrets, key=len, reverse=True)))


async def _switch(host: str, way: Way, vantage: Vantage) -> OldSwitch:
    unread: list[tuple[str, str]] = []
    try:
        found = await device(way.check(host), vantage)
    except CannotTell as error:
        return OldSwitch(host=host, at=vantage.now(), unread=(("switch", str(error)),))

    async def part(name: str, reader: Callable[[Device], Awaitable[T]]) -> T | None:
        try:
            return await found.read(reader)
        except CannotTell as error:
            unread.append((name, str(error)))
            return None

    ports = await part("ports", read_ports)
    if ports is None:
        return OldSwitch(host=host, at=datetime.now(UTC), unread=tuple(unread))
    return OldSwitch(
        host=host,
        at=datetime.now(UTC),
        ports=ports,
        system=await part("name", read_system),
        vlans=await part("VLANs", read_vlans),
        neighbours=await part("neighbours", read_neighbours),
        poe=await part("PoE", read_poe),
        tree=await part("spanning tree", read_tree),
        stack=await part("stack", read_stack),
        unread=tuple(unread),
    )
