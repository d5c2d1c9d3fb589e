"""switch.stp: the spanning tree has the planned root, is stable, and blocks what is planned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from checks.bounds import Ge, Le
from checks.contract import Finding, Vantage
from checks.dataclass import dataclass
from checks.device.check import DeviceCheck, device
from checks.device.ports import read_ports
from checks.device.records import Port
from checks.device.stp import Tree, read_instance, read_tree
from checks.judging import cannot_tell, failed, passed, warned
from checks.params import Duration, Mac
from checks.safe import in_line, safe
from checks.switch._names import named, one_port
from checks.words import span

_PRIORITY = 0xF000
"""The part of a bridge priority that a person sets; the rest is the number of the VLAN or instance."""
_MANY = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class StpSeen:
    """The tree as the bridge tells it."""

    name: str
    ports: tuple[Port, ...]
    tree: Tree


class Stp(DeviceCheck[StpSeen]):
    """The spanning tree has the planned root, has been stable for a while, and no port of it is broken.

    Of a Cisco with a tree a VLAN this is the tree of VLAN 1, or of the `vlan` that is given.

    Proves: what this bridge holds for the root, how long it has seen no topology change, which of its ports
    are blocked, root-inconsistent or shut by the switch itself.
    Cannot prove: what the other bridges hold, nor the other instances of MSTP.
    If it fails: find out who became root (the port towards it is named) and give the planned root the lowest
    priority; look for a flapping link or a loop where the tree keeps changing.

    Source: RFC 4188 (BRIDGE-MIB), IEEE 802.1D, CISCO-STP-EXTENSIONS-MIB, CISCO-ERR-DISABLE-MIB.

    Example:
        type: switch.stp
        host: 10.20.0.2
        community: env:SNMP_COMMUNITY
        root: 00:1b:21:3c:4d:5e
        blocked: [Gi1/0/50]
    """

    root: Literal["self"] | Mac | None = None
    """Bridge address of the planned root, or `self` if this switch is to be root."""
    min_priority: Annotated[int, Ge(0), Le(61440)] | None = None
    """Lowest number that this switch's own bridge priority may be: an access switch with a low one could
    become root."""
    stable_for: Duration = 600.0
    """How long ago the last topology change must be."""
    blocked: tuple[str, ...] = ()
    """Ports that are planned to be blocked; then no other may be."""
    vlan: Annotated[int, Ge(1), Le(4094)] | None = None
    """VLAN whose tree is read in its own context (`community@10`, `vlan-10`), where there is one a VLAN."""

    async def observe(self, vantage: Vantage) -> StpSeen:
        found = await device(self, vantage)
        tree = await (found.read(read_tree) if self.vlan is None else read_instance(found, self.vlan))
        return StpSeen(name=found.name, ports=await found.read(read_ports), tree=tree)

    def judge(self, seen: StpSeen) -> Iterable[Finding]:
        yield self._root(seen)
        if self.min_priority is not None:
            yield self._priority(seen, self.min_priority)
        yield self._stable(seen)
        yield from _faults(seen)
        yield from self._blocked(seen)

    def _root(self, seen: StpSeen) -> Finding:
        tree, subject = seen.tree, f"{seen.name}: root bridge"
        wanted = tree.bridge if self.root == "self" else self.root
        expected = {"self": f"this switch ({tree.bridge or 'its address is not told'})"}.get(
            self.root or "", self.root or "a root"
        )
        if not tree.root:
            return cannot_tell(
                subject, "The switch knows no root bridge: spanning tree does not run on it, or it does not "
                "tell.", expected=expected, observed="no root",
                fix="Turn spanning tree on, or leave this check out where loops cannot be.",
            )  # fmt: skip
        observed = f"{tree.root}, priority {tree.root_priority}"
        up = [port for port in tree.ports if port.up]
        if up and all(port.state == "disabled" for port in up):
            return cannot_tell(
                subject, "Spanning tree takes no part in any port that is up: the switch tells a root and "
                "runs no tree.", expected=expected, observed=f"{observed}; {len(up)} ports, all disabled",
                fix="Turn spanning tree on for the ports, or leave this check out where loops cannot be.",
            )  # fmt: skip
        if self.root == "self" and not tree.bridge:
            return cannot_tell(
                subject, "The switch does not tell its own bridge address, so whether it is root cannot be "
                "told.", expected=expected, observed=observed,
                fix="Plan the root by its hardware address (root: 00:1b:21:3c:4d:5e).",
            )  # fmt: skip
        if tree.root == tree.bridge:
            observed += ", this switch"
        elif tree.root_port is not None:
            observed += f", towards port {named(seen.ports, tree.root_port)}"
        if self.root is None or tree.root == wanted:
            said = "The root bridge is known." if self.root is None else "The root is the planned one."
            return passed(subject, said, expected=expected, observed=observed)
        if tree.root == tree.bridge:
            said = "This switch has become root itself, which is not planned."
            fix = "Give the planned root a lower priority; look whether the uplink towards it is up."
        else:
            said = "Another bridge is root than the planned one."
            fix = (
                f"Find the bridge {tree.root} behind the port that is named; give the planned root a lower "
                "priority than any other, and guard access ports (root guard, BPDU guard)."
            )
        return failed(subject, said, expected=expected, observed=observed, fix=fix)

    def _priority(self, seen: StpSeen, least: int) -> Finding:
        subject, expected = f"{seen.name}: bridge priority", f"at least {least}"
        if seen.tree.priority is None:
            return cannot_tell(
                subject, "The switch does not tell its bridge priority.", expected=expected,
                observed="not told", fix="Look at the switch itself.",
            )  # fmt: skip
        own = seen.tree.priority & _PRIORITY
        if own < least:
            return failed(
                subject, "This switch would become root before others that are planned to.",
                expected=expected, observed=str(own), fix=f"Set its bridge priority to {least} or more.",
            )  # fmt: skip
        return passed(subject, "The bridge priority is as planned.", expected=expected, observed=str(own))

    def _stable(self, seen: StpSeen) -> Finding:
        tree, subject = seen.tree, f"{seen.name}: topology"
        expected = f"no change for {span(self.stable_for)}"
        if tree.changes is not None and tree.changes_again is not None and tree.changes_again > tree.changes:
            return failed(
                subject, "The topology is changing at this moment.", expected=expected,
                observed=f"{tree.changes} changes, then {tree.changes_again} while we read",
                fix="Look for the port that flaps, or for a loop: the switch's log names the port.",
            )  # fmt: skip
        if None not in (tree.changes, tree.changes_again) and (tree.changes_again or 0) < (tree.changes or 0):
            return cannot_tell(
                subject, "The count of topology changes went backwards while we read: the switch started "
                "anew.", expected=expected, observed=f"{tree.changes} changes, then {tree.changes_again}",
                fix=f"Run it again in {span(self.stable_for)}.",
            )  # fmt: skip
        age = tree.since_s or tree.uptime_s
        if tree.changes == 0 and age is not None and age < self.stable_for:
            return cannot_tell(
                subject, f"The topology has not changed in the {span(age)} since the switch started.",
                expected=expected, observed=f"0 changes in {span(age)}",
                fix=f"Run it again in {span(self.stable_for)}.",
            )  # fmt: skip
        if tree.changes == 0:
            return passed(subject, "The topology has never changed.", expected=expected, observed="0 changes")
        if tree.since_s is None or (tree.since_s == 0 and tree.changes):
            return cannot_tell(
                subject, "The switch does not tell when the topology changed.", expected=expected,
                observed=f"{tree.changes if tree.changes is not None else 'unknown'} changes, time not told",
                fix="Look at the switch itself when the last topology change was.",
            )  # fmt: skip
        observed = f"last change {span(tree.since_s)} ago, {tree.changes} in all"
        if tree.since_s < self.stable_for:
            return warned(
                subject, "The topology changed a short while ago.", expected=expected, observed=observed,
                fix="If somebody plugged or restarted something, run it again later; else look for the port "
                "that flaps.",
            )  # fmt: skip
        return passed(subject, "The topology is stable.", expected=expected, observed=observed)

    def _blocked(self, seen: StpSeen) -> Iterator[Finding]:
        held = {one.if_index: one for one in seen.tree.ports if one.if_index is not None}
        blocking = {index for index, one in held.items() if one.state == "blocking" and one.up is not False}
        if not seen.tree.ports:
            yield cannot_tell(
                f"{seen.name}: ports of the tree", "The switch tells the state of no port in the tree.",
                expected="states", observed="none", fix="Give the community or user a view of the whole of "
                "1.3.6.1.2.1.17.2, read only.",
            )  # fmt: skip
            return
        planned: set[int] = set()
        for name in self.blocked:
            port, found = one_port(seen.ports, name)
            subject = f"{seen.name}: port {safe(name, limit=80)}"
            if port is None:
                said = "More than one port may be meant." if found else "The switch has no such port."
                tell = cannot_tell if found else failed
                yield tell(
                    subject, said, expected="blocked",
                    observed=in_line(one.name for one in found) or "no port",
                    fix="Correct 'blocked': write ifName, ifDescr or the number of the ifIndex.",
                )  # fmt: skip
                continue
            planned.add(port.if_index)
            state = held[port.if_index].state if port.if_index in held else None
            if port.if_index in blocking:
                yield passed(
                    subject, "The port is blocked as planned.", expected="blocked", observed="blocked"
                )
            elif port.oper != "up":
                yield failed(
                    subject, "The port is planned as the blocked way round and is not up: there is no second "
                    "way.", expected="blocked", observed=f"{state or 'not in the tree'}, {port.oper}",
                    fix="Plug the redundant cable in and switch the port on.",
                )  # fmt: skip
            elif state is None:
                yield cannot_tell(
                    subject, "The switch does not tell the port's state in this tree.", expected="blocked",
                    observed="not told", fix="Name the aggregation if it is a member of one, or the 'vlan'.",
                )  # fmt: skip
            else:
                yield failed(
                    subject, "The port is planned to be blocked and is not.", expected="blocked",
                    observed=state,
                    fix="Look whether the planned way is down, and at path costs and port priorities.",
                )  # fmt: skip
        yield from self._others(seen, sorted(blocking - planned))

    def _others(self, seen: StpSeen, blocking: list[int]) -> Iterator[Finding]:
        names = [named(seen.ports, index) for index in blocking[:_MANY]]
        if not blocking:
            return
        if self.blocked:
            yield failed(
                f"{seen.name}: port {names[0]}" if len(names) == 1 else f"{seen.name}: blocked ports",
                "Ports are blocked that are not planned to be.", expected="only the planned ones",
                observed=", ".join(names),
                fix="Look for a cable too many between these switches, or for a link that is down elsewhere.",
            )  # fmt: skip
        else:
            yield passed(
                f"{seen.name}: blocked ports", f"{len(blocking)} ports that are up are blocked, as a tree "
                "does with a second way.", expected="not planned", observed=", ".join(names),
            )  # fmt: skip


def _faults(seen: StpSeen) -> Iterator[Finding]:
    held = [one for one in seen.tree.ports if one.state == "broken" and one.enabled is not False]
    for broken in [one for one in held if one.up is not False][:_MANY]:
        yield failed(
            f"{seen.name}: port {named(seen.ports, broken.if_index)}",
            "Spanning tree holds the port for broken: it carries nothing.", expected="forwarding or blocked",
            observed="broken",
            fix="Look at the switch's log: BPDU guard, type or VLAN mismatch, or hardware.",
        )  # fmt: skip
    for one in seen.tree.inconsistent[:_MANY]:
        yield failed(
            f"{seen.name}: port {named(seen.ports, one.if_index)}",
            f"The port is root-inconsistent in VLAN {one.vlan}: somebody behind it wants to be root.",
            expected="no better root behind it", observed="root-inconsistent",
            fix="Find the switch behind this port and raise its bridge priority number, or unplug it.",
        )  # fmt: skip
    for shut in seen.tree.err_disabled[:_MANY]:
        yield failed(
            f"{seen.name}: port {named(seen.ports, shut.if_index)}",
            f"The switch has shut the port by itself (err-disabled): {safe(shut.cause, limit=80)}.",
            expected="not err-disabled", observed=safe(shut.cause, limit=80),
            fix="Remove the cause, then switch the port off and on (shutdown, no shutdown).",
        )  # fmt: skip
