"""The ports of an old switch by what they are for, as `switch.ports` takes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from agent.learn.lines import Entry, Line, Planned, bounded, first_held
from agent.learn.reading import OldSwitch
from agent.learn.units import Unit, alias_of, kind
from agent.learn.words import Texts, name_of
from checks.device.records import Port
from checks.switch._plan import PlannedPort
from checks.switch.ports import Ports, PortsSeen, untagged_in
from checks.words import Finding

_LEAST_MBPS = 100
"""Computers that sleep negotiate less; a plan does not ask for that."""

_MAX_MEMBERS = 256


class _Plan:
    """The lines of one switch while they are made."""

    def __init__(self, old: OldSwitch, links: Sequence[Unit], texts: Texts) -> None:
        self.old, self.links, self.texts = old, links, texts
        self.lines: list[Line] = []
        self.left: list[str] = []
        self.unnamed: list[Unit] = []
        self._seen = PortsSeen(
            name=old.host, ports=old.ports or (), neighbours=old.neighbours, vlans=old.vlans
        )

    def make(self) -> Planned:
        by_alias: dict[str, list[Unit]] = {}
        by_neighbour: dict[str, list[Unit]] = {}
        for link in self.links:
            if link.alias and not self._refused("description", link.alias, link):
                by_alias.setdefault(link.alias.casefold(), []).append(link)
            else:
                self._by_neighbour(link, by_neighbour)
        for group in by_alias.values():
            if not self._add({"description": group[0].alias}, group, f"described {group[0].alias!r}"):
                for link in group:
                    self._by_neighbour(link, by_neighbour)
        for group in by_neighbour.values():
            name = name_of(group[0].heard) if group[0].heard else ""
            if not self._add({"neighbor": name}, group, f"to {name}"):
                self.unnamed += group
        self._by_vlan()
        self._down()
        return bounded(self.lines, self.left, "purposes of ports")

    def _refused(self, what: str, text: str, link: Unit) -> str:
        why = self.texts.refused(text)
        if why:
            self.left.append(
                f"{self.texts.shown(link.port.name)} is not planned by its {what} "
                f"{self.texts.shown(text)!r}: {why}."
            )
        return why

    def _by_neighbour(self, link: Unit, groups: dict[str, list[Unit]]) -> None:
        name = name_of(link.heard) if link.heard is not None else ""
        if name and not self._refused("neighbour", name, link):
            groups.setdefault(name.casefold(), []).append(link)
        else:
            self.unnamed.append(link)

    def _add(self, purpose: Entry, group: Sequence[Unit], words: str) -> bool:
        """Add a line for links of one purpose; return whether the check can tell them."""
        entry, wrong = first_held(_entries(purpose, group, self.texts), self._judge)
        if entry is None:
            self.left.append(
                f"{self.texts.listed(link.port.name for link in group)} {_is(group)} not planned as "
                f"{self.texts.shown(words, 80)!r}: {self.texts.shown(wrong, 200)}"
            )
            return False
        places = self.texts.listed(link.port.name for link in group)
        note = f"there {places}"
        heard = group[0].heard
        if heard is not None and len(group) == 1:
            note += f", {kind(heard)}"
            if "neighbor" not in entry:
                note += f" {self.texts.shown(name_of(heard))}"
        if entry.get("duplex") == "any":
            note += "; duplex is not told there"
        if wrong:
            note += f"; the old office itself fails this: {self.texts.shown(wrong, 120)}"
        self.lines.append(Line(entry=entry, note=note))
        return True

    def _by_vlan(self) -> None:
        read = self.old.vlans
        desks = [link for link in self.unnamed if link.access is not None and not link.uplink]
        rest = [link for link in self.unnamed if link not in desks]
        counts = Counter(link.access for link in desks if link.access is not None)
        for vlan, bare in sorted(counts.items()):
            inside = [
                port
                for link in self.links
                if not link.uplink
                for port in link.below
                if read is not None and port.physical and untagged_in(port, read, vlan)
            ]
            if not inside:
                rest += [link for link in desks if link.access == vlan]
                continue
            entry: Entry = {"vlan": vlan, "count": min(len(inside), 4096)}
            speeds = [port.speed_mbps for port in inside]
            least = min((one for one in speeds if one), default=0)
            if least >= _LEAST_MBPS and all(speeds):
                entry["min_speed"] = least
            plain = {key: value for key, value in entry.items() if key != "min_speed"}
            held, wrong = first_held(
                [entry, plain, *([{**entry, "duplex": "any"}] if _untold(inside) else [])], self._judge
            )
            if held is None:
                rest += [link for link in desks if link.access == vlan]
                continue
            note = f"all that are up in it there, {bare} of them without description or known neighbour"
            if wrong:
                note += f"; the old office itself fails this: {self.texts.shown(wrong, 120)}"
            self.lines.append(Line(entry=held, note=note))
        if rest:
            why = "no VLAN is told" if read is None else "no access port of a VLAN that is told"
            self.left.append(
                f"{len(rest)} {'port' if len(rest) == 1 else 'ports'} up, without description or known "
                f"neighbour, {_is(rest)} not planned ({why}): "
                f"{self.texts.listed(link.port.name for link in rest)}."
            )

    def _down(self) -> None:
        named = {link.alias.casefold() for link in self.links}
        idle = [
            alias_of(port)
            for port in self.old.ports or ()
            if port.oper != "up" and (port.physical or port.members) and alias_of(port)
        ]
        idle = [alias for alias in dict.fromkeys(idle) if alias.casefold() not in named]
        if idle:
            self.left.append(
                "These are described and were not up there, so they are not planned: "
                f"{self.texts.listed(idle)}."
            )

    def _judge(self, entry: Entry) -> list[Finding]:
        check = Ports(host="old", community="env:X", ports=(PlannedPort(**entry),))
        return list(check.judge(self._seen))


def port_lines(old: OldSwitch, links: Sequence[Unit], texts: Texts) -> Planned:
    """Return the plan of the ports that are up."""
    return _Plan(old, links, texts).make()


def _untold(ports: Sequence[Port]) -> bool:
    """Return whether the duplex of some is not told, and half duplex of none: that a plan must not permit."""
    return {"unknown"} <= {port.duplex for port in ports} <= {"unknown", "full"}


def _is(group: Sequence[Unit]) -> str:
    return "is" if len(group) == 1 else "are"


def _entries(purpose: Entry, group: Sequence[Unit], texts: Texts) -> Iterator[Entry]:
    """Yield what the plan may say of links of one purpose, the most first."""
    whole = dict(purpose)
    speeds = [link.speed for link in group]
    least = min((speed for speed in speeds if speed), default=0)
    if least >= _LEAST_MBPS and all(speeds):
        whole["min_speed"] = least
    whole["duplex"] = "full"
    members = [link.members for link in group]
    if all(members):
        whole["members"] = min(_MAX_MEMBERS, *(one for one in members if one))
    vlans = {link.access for link in group}
    if len(vlans) == 1 and None not in vlans:
        whole["vlan"] = vlans.pop()
    heard = group[0].heard
    if len(group) == 1 and "description" in purpose and heard is not None and kind(heard) != "telephone":
        name = name_of(heard)
        if not texts.refused(name):
            whole["neighbor"] = name
    if len(group) > 1:
        whole["count"] = min(len(group), 4096)
    for without in ((), ("vlan",), ("neighbor",), ("vlan", "neighbor"), ("vlan", "neighbor", "min_speed")):
        if not without or any(key in whole and key not in purpose for key in without):
            kept = {key: value for key, value in whole.items() if key in purpose or key not in without}
            yield kept
            if _untold([port for link in group for port in link.below]):
                yield {**kept, "duplex": "any"}
