"""switch.ports: every planned port is up at the right speed, in full duplex, and serves its purpose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

from checks.bounds import Ge
from checks.contract import CannotTell, Finding, Vantage
from checks.dataclass import dataclass
from checks.device.check import DeviceCheck, device
from checks.device.device import Device
from checks.device.naming import find_ports
from checks.device.neighbours import read_neighbours, read_spoken
from checks.device.ports import read_ports
from checks.device.records import Neighbour, Port
from checks.device.vlans import VlansRead, read_vlans
from checks.judging import cannot_tell, failed, passed
from checks.safe import in_line, safe
from checks.switch._judge_port import every_port, judge_port
from checks.switch._names import at, is_switch
from checks.switch._plan import (
    PlannedPort,
    aggregations,
    cables,
    described,
    facing,
    pvid,
    undescribed,
    untagged_vlans,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortsSeen:
    """The device's ports; neighbours and VLANs where the plan needs them, and why they could not be read."""

    name: str
    ports: tuple[Port, ...]
    neighbours: tuple[Neighbour, ...] | None = None
    vlans: VlansRead | None = None
    unread: str = ""
    deaf: bool = False
    """It does not show that it listens for neighbours at all: then nobody heard means nothing."""

    def judged(self, port: Port, planned: PlannedPort) -> list[Finding]:
        """Return the findings on one port."""
        return list(
            judge_port(
                self.name, port, planned, self.ports, self.neighbours, self.vlans, self.unread,
                deaf=self.deaf,
            )
        )  # fmt: skip


class Ports(DeviceCheck[PortsSeen]):
    """Every planned port is up, at the planned speed and duplex, and leads where it should.

    Without `ports`: every port that is up runs in full duplex at 100 Mbit/s or more.

    Proves: what the switch negotiated on each port at this moment, which members its aggregations have, what
    its ports are described as, whom it hears there and which VLAN they carry untagged.
    Cannot prove: that the cable carries load without errors (switch.errors), or that a port that is down is
    wired.
    If it fails: look at the port that is named: plug, cable, patch panel, the other end's setting. 100 Mbit/s
    where 1000 is planned is a broken pair; half duplex is one end set by hand and the other negotiating.

    Source: RFC 2863 (ifOperStatus, ifHighSpeed, ifAlias, ifStackTable), RFC 3635 (dot3StatsDuplexStatus),
    IEEE 802.1AX (dot3adAggPortAttachedAggID), IEEE 802.3 clause 28 (auto-negotiation).

    Example:
        type: switch.ports
        host: 10.20.0.2
        community: env:SNMP_COMMUNITY
        ports:
          - port: Gi1/0/49
            neighbor: core-1
            speed: 10000
          - port: Po1
            members: 2
          - description: access point
            count: 4
            min_speed: 1000
          - vlan: 20
            count: 12
    """

    ports: tuple[PlannedPort, ...] = ()
    """The planned ports. `port` names one (ifName, ifDescr or number of the ifIndex); without it a port is
    found by its `description` or its `neighbor`, or `count` ports must be up untagged in `vlan`; one at
    which another switch is heard does not count. `speed` and `min_speed` are Mbit/s, `members` the least
    number of members that are up in an aggregation. `duplex` is `full` (left out), `half` or `any`; below
    1000 Mbit/s it must be told."""
    min_speed: Annotated[int, Ge(1)] | None = None
    """Lowest speed in Mbit/s of every physical port that is up."""

    async def observe(self, vantage: Vantage) -> PortsSeen:
        found = await device(self, vantage)
        ports = await found.read(read_ports)
        neighbours, vlans, unread, deaf = None, None, [], False
        by_vlan = any(planned.vlan and not planned.port for planned in self.ports)
        if by_vlan or any(planned.neighbor for planned in self.ports):
            neighbours, why = await _neighbours(found)
            deaf = neighbours == () and not {"lldp", "cdp"} & set(await found.read(read_spoken))
            unread.append(why)
        if any(planned.vlan for planned in self.ports):
            vlans, why = await _vlans(found)
            unread.append(why)
        return PortsSeen(
            name=found.name,
            ports=ports,
            neighbours=neighbours,
            vlans=vlans,
            unread=" ".join(filter(None, unread)),
            deaf=deaf,
        )

    def judge(self, seen: PortsSeen) -> Iterable[Finding]:
        for planned in self.ports:
            yield from self._planned(planned, seen)
        if not self.ports or self.min_speed is not None:
            yield from every_port(seen.name, seen.ports, self.min_speed)

    def _planned(self, planned: PlannedPort, seen: PortsSeen) -> Iterator[Finding]:
        if planned.port is not None:
            yield from self._named(planned, planned.port, seen)
        elif planned.description is not None:
            found = described(seen.ports, planned.description)
            yield from self._by_purpose(planned, found, seen)
        elif planned.neighbor is not None:
            if seen.neighbours is None or seen.deaf:
                yield _unread(planned, "whom the switch hears", seen)
                return
            yield from self._by_purpose(planned, facing(seen.ports, seen.neighbours, planned.neighbor), seen)
        elif seen.vlans is None or (planned.vlan in seen.vlans.unread and not seen.vlans.pvid):
            yield _unread(planned, "which ports are in which VLAN", seen)
        else:
            yield self._in_vlan(planned, seen, seen.vlans)

    def _named(self, planned: PlannedPort, name: str, seen: PortsSeen) -> Iterator[Finding]:
        found = find_ports(seen.ports, name)
        subject = f"{seen.name} {name}"
        if not found:
            yield failed(
                subject, "The switch has no such port.", expected=f"a port {name}",
                observed=_listed(port for port in seen.ports if port.physical),
                fix="Correct the name in the plan, or look whether the module or stack member is there.",
            )  # fmt: skip
        elif len(found) > 1:
            yield cannot_tell(
                subject, "That name fits several ports, so it is not known which one is meant.",
                expected=f"one port {name}", observed=_listed(found),
                fix="Write the port's whole ifName, or its ifIndex.",
            )  # fmt: skip
        else:
            yield from seen.judged(found[0], planned)

    def _by_purpose(
        self, planned: PlannedPort, found: tuple[Port, ...], seen: PortsSeen
    ) -> Iterator[Finding]:
        subject = f"{seen.name} port {planned.words()}"
        if planned.members is not None:
            found = aggregations(found, seen.ports)
        count = len(cables(found))
        if count < planned.count and planned.description is not None and undescribed(seen.ports):
            yield _unread(planned, "how its ports are described", seen)
            return
        if count < planned.count:
            few = "No port" if not found else f"Only {count} of {planned.count} ports"
            yield failed(
                subject, f"{few} of the switch {'is' if count < 2 else 'are'} {planned.words()}.",
                expected=f"{planned.count} port(s) {planned.words()}", observed=_listed(found) or "none",
                fix="Plug it in where it is planned, describe the port, or correct the plan; a neighbour "
                "must speak LLDP or CDP to be found.",
            )  # fmt: skip
            return
        if count > planned.count and not _one_link(found):
            judged = [seen.judged(port, planned) for port in cables(found)]
            good = sum(all(finding.status == "pass" for finding in findings) for findings in judged)
            if planned.count > 1 and good >= planned.count:
                yield passed(
                    subject, f"{good} ports {planned.words()} are as planned.",
                    expected=f"at least {planned.count}", observed=f"{good} of {count}",
                )  # fmt: skip
                return
            yield cannot_tell(
                subject, f"{count} ports are {planned.words()}, so it is not known which is meant.",
                expected=f"{planned.count} port(s)", observed=_listed(found),
                fix="Name the port by 'port', or give 'count' as many as there are.",
            )  # fmt: skip
            return
        for port in found:
            yield from seen.judged(port, planned)

    def _in_vlan(self, planned: PlannedPort, seen: PortsSeen, vlans: VlansRead) -> Finding:
        wanted = planned.vlan or 0
        subject, expected = f"{seen.name} VLAN {wanted}", f"at least {planned.count} ports up"
        members = [port for port in seen.ports if port.physical and untagged_in(port, vlans, wanted)]
        uplinks = [port for port in members if _leads_to_a_switch(port, seen)]
        inside = [port for port in members if port not in uplinks]
        good: list[Port] = []
        bad: list[Port] = []
        for port in inside:
            if port.oper != "up":
                continue
            plain = PlannedPort(
                vlan=wanted, speed=planned.speed, min_speed=planned.min_speed, duplex=planned.duplex
            )
            findings = list(judge_port(seen.name, port, plain, seen.ports, None, vlans, ""))
            (good if all(one.status == "pass" for one in findings) else bad).append(port)
        besides = f"; not counted, as a switch is there: {_listed(uplinks)}" if uplinks else ""
        observed = f"{len(good)} of {len(inside)} ports of this VLAN{besides}"
        if wanted not in {vlan.id for vlan in vlans.vlans}:
            return failed(
                subject, f"The switch has no VLAN {wanted}.", expected=expected, observed="no such VLAN",
                fix="Create the VLAN on the switch, or correct the plan.",
            )  # fmt: skip
        if wanted in vlans.suspended:
            return failed(
                subject, f"VLAN {wanted} is suspended or shut down: its ports carry nothing.",
                expected=expected, observed="suspended",
                fix="Activate the VLAN on the switch (state active).",
            )  # fmt: skip
        if len(good) >= planned.count:
            return passed(subject, "Enough ports of this VLAN are up.", expected=expected, observed=observed)
        slow = f", {_listed(bad)} not as planned" if bad else ""
        return failed(
            subject, f"Only {len(good)} ports of VLAN {wanted} are up as planned.", expected=expected,
            observed=f"{observed}{slow}",
            fix="Plug the missing devices in, or look at the ports that they are on: they may be down, slow, "
            "or in another VLAN.",
        )  # fmt: skip


def untagged_in(port: Port, vlans: VlansRead, vlan: int) -> bool:
    """Return whether a port counts for a VLAN: it carries it untagged, and nothing else."""
    default = pvid(port, vlans)
    if vlan in vlans.unread:
        return default == vlan
    return vlan in untagged_vlans(port, vlans) and default in (None, vlan)


def _leads_to_a_switch(port: Port, seen: PortsSeen) -> bool:
    """Return whether a port, or its aggregation, leads to another switch and not to a desk."""
    together = [port, *(one for one in seen.ports if port.lag is not None and one.lag == port.lag)]
    return any(is_switch(one) for place in together for one in at(seen.neighbours or (), place))


def _one_link(found: tuple[Port, ...]) -> bool:
    """Return whether the ports are one aggregation, or it and its members."""
    lags = {port.lag or port.if_index for port in found}
    return len(lags) == 1


def _listed(ports: Iterable[Port]) -> str:
    return in_line(port.name for port in ports)


def _unread(planned: PlannedPort, what: str, seen: PortsSeen) -> Finding:
    return cannot_tell(
        f"{seen.name} port {planned.words()}",
        f"The switch does not tell {what}. {safe(seen.unread, limit=400)}".strip(),
        expected=f"{planned.count} port(s) {planned.words()}", observed="not told",
        fix="Name the port by 'port', or give the community or user a view of the whole tree, read only.",
    )  # fmt: skip


async def _neighbours(found: Device) -> tuple[tuple[Neighbour, ...] | None, str]:
    try:
        return await found.read(read_neighbours), ""
    except CannotTell as error:
        return None, str(error)


async def _vlans(found: Device) -> tuple[VlansRead | None, str]:
    try:
        return await found.read(read_vlans), ""
    except CannotTell as error:
        return None, str(error)
