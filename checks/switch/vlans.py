"""switch.vlans: VLANs exist, have the planned ports untagged and tagged, and both ends of a trunk agree."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from checks.bounds import Len
from checks.contract import CannotTell, Finding, Vantage, is_loopback
from checks.dataclass import dataclass
from checks.device.check import DeviceCheck, device
from checks.device.neighbours import read_neighbours, read_spoken
from checks.device.ports import read_ports
from checks.device.records import Neighbour, Port, Vlan
from checks.device.vlans import VlansRead, read_vlans
from checks.params import Endpoint
from checks.switch._judge_vlan import judge_tables, judge_vlan
from checks.switch._plan import Name, VlanId
from checks.switch._trunk import FarEnd, judge_trunk, meant


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedVlan:
    """One VLAN of the plan."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    id: VlanId
    name: Name | None = None
    untagged: tuple[Name, ...] = ()
    tagged: tuple[Name, ...] = ()
    exact: bool = False

    def __post_init__(self) -> None:
        if self.exact and not (self.untagged or self.tagged):
            raise ValueError(f"VLAN {self.id} is to have exactly these ports, and none is given: list them.")
        if both := set(self.untagged) & set(self.tagged):
            raise ValueError(f"VLAN {self.id} has {sorted(both)} both untagged and tagged: a port is one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTrunk:
    """One trunk of the plan, by its port or by what it is for, and where it ends."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    port: Name | None = None
    description: Name | None = None
    neighbor: Name | None = None
    native: VlanId | None = None
    allowed: tuple[VlanId, ...] = ()
    peer: Endpoint | None = None
    peer_port: Name | None = None

    def __post_init__(self) -> None:
        if sum(one is not None for one in (self.port, self.description, self.neighbor)) != 1:
            raise ValueError(
                "A trunk is known by its 'port', by its 'description' or by its 'neighbor': give one of them."
            )
        if (self.peer is None) != (self.peer_port is None):
            raise ValueError("The other end of a trunk is a 'peer' with its 'peer_port': give both or none.")
        if self.peer is None and self.native is None and not self.allowed:
            raise ValueError(
                f"The trunk {self.words()} says nothing: give 'native', 'allowed', or 'peer' with "
                "'peer_port'."
            )

    def words(self) -> str:
        """Return which one is meant, for a person."""
        if self.port is not None:
            return self.port
        return f"described {self.description!r}" if self.description is not None else f"to {self.neighbor}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VlansSeen:
    """The VLANs of the device, by ifIndex."""

    name: str
    source: str
    vlans: tuple[Vlan, ...]
    pvid: dict[str, int]
    unread: tuple[int, ...]
    suspended: tuple[int, ...]
    open_trunks: tuple[int, ...]
    ports: tuple[Port, ...]
    far: tuple[FarEnd, ...] = ()
    neighbours: tuple[Neighbour, ...] | None = None
    """Read where a trunk is planned by its neighbour; None where they could not be."""
    silent: str = ""
    """Why they could not be read."""

    def read(self) -> VlansRead:
        """Return the part that the model holds."""
        return VlansRead(
            source=self.source, vlans=self.vlans, pvid=self.pvid, unread=self.unread,
            suspended=self.suspended, open_trunks=self.open_trunks,
        )  # fmt: skip


class Vlans(DeviceCheck[VlansSeen]):
    """The planned VLANs exist, their ports are in them untagged or tagged as planned; trunk ends agree.

    Without `vlans` and `trunks`: the default VLAN (PVID) of every port that is up exists, and the port
    carries it untagged, or only tagged VLANs: nothing that goes out without a tag comes in elsewhere.

    Proves: what the switch tells of its VLANs now; of a trunk with a `peer` what both ends tell.
    Cannot prove: that frames really cross: a switch between the ends may drop a VLAN.
    If it fails: set the port's VLAN on the switch that is named, allow the VLAN on the trunk, or correct the
    plan. A VLAN that one end carries and the other does not ends there without any error.

    Source: IEEE 802.1Q; RFC 4363 (Q-BRIDGE-MIB), IEEE8021-Q-BRIDGE-MIB, CISCO-VTP-MIB and
    CISCO-VLAN-MEMBERSHIP-MIB, and the vendors' own MIBs.

    Example:
        type: switch.vlans
        host: 10.20.0.2
        community: env:SNMP_COMMUNITY
        vlans:
          - id: 20
            name: Office
            untagged: [Gi1/0/1, Gi1/0/2]
            tagged: [Gi1/0/49]
          - id: 30
        trunks:
          - port: Gi1/0/49
            native: 1
            allowed: [20, 30]
            peer: 10.20.0.1
            peer_port: Te1/1
    """

    vlans: tuple[PlannedVlan, ...] = ()
    """The planned VLANs. `untagged` and `tagged` name ports that must be in one; `exact`: and no others."""
    trunks: Annotated[tuple[PlannedTrunk, ...], Len(0, 512)] = ()
    """The planned trunks, each known by its `port`, its `description` or its `neighbor`: `native` VLAN, the
    `allowed` ones, and the other end, which is read with the same credentials and must agree."""

    def __post_init__(self) -> None:
        super().__post_init__()
        ids = [planned.id for planned in self.vlans]
        if twice := sorted({one for one in ids if ids.count(one) > 1}):
            raise ValueError(f"'vlans' names VLAN {twice[0]} twice.")

    def needs_link(self) -> bool:
        return super().needs_link() or not all(is_loopback(one.peer) for one in self.trunks if one.peer)

    async def observe(self, vantage: Vantage) -> VlansSeen:
        found = await device(self, vantage)
        ports = await found.read(read_ports)
        read = await found.read(read_vlans)
        peers = dict.fromkeys(trunk.peer for trunk in self.trunks if trunk.peer)
        far = [await self._far(peer, vantage) for peer in peers]
        neighbours, silent = None, ""
        if any(trunk.neighbor is not None for trunk in self.trunks):
            try:
                neighbours = await found.read(read_neighbours)
                if not neighbours and not await found.read(read_spoken):
                    neighbours, silent = None, "it does not show that it listens by LLDP or CDP."
            except CannotTell as error:
                silent = error.reason
        return VlansSeen(
            name=found.name, source=read.source, vlans=read.vlans, pvid=read.pvid, unread=read.unread,
            suspended=read.suspended, open_trunks=read.open_trunks, ports=ports, far=tuple(far),
            neighbours=neighbours, silent=silent,
        )  # fmt: skip

    async def _far(self, peer: str, vantage: Vantage) -> FarEnd:
        there = await device(self, vantage, peer)
        try:
            return FarEnd(
                host=peer, ports=await there.read(read_ports), read=await there.read(read_vlans)
            )  # fmt: skip
        except CannotTell as error:
            return FarEnd(host=peer, why=str(error), fix=error.fix)

    def judge(self, seen: VlansSeen) -> Iterable[Finding]:
        read = seen.read()
        for planned in self.vlans:
            yield from judge_vlan(
                seen.name, read, seen.ports, planned.id, planned.name, planned.untagged, planned.tagged,
                exact=planned.exact,
            )  # fmt: skip
        for trunk in self.trunks:
            far = next((end for end in seen.far if end.host == trunk.peer), None)
            if trunk.peer is not None and far is None:
                far = FarEnd(host=trunk.peer)
            found, trouble = meant(
                seen.name, seen.ports, seen.neighbours, seen.silent, trunk.port, trunk.description,
                trunk.neighbor,
            )  # fmt: skip
            if trouble is not None:
                yield trouble
            for port in found:
                yield from judge_trunk(
                    seen.name, read, port, trunk.native, trunk.allowed, far, trunk.peer_port or ""
                )
        if not self.vlans and not self.trunks:
            yield from judge_tables(seen.name, read, seen.ports)
