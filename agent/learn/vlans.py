"""VLANs of an old switch by id and name, its trunks by what they lead to: as `switch.vlans` takes them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.learn.lines import Entry, Line, Planned, bounded, first_held
from agent.learn.reading import OldSwitch
from agent.learn.units import Unit, kind
from agent.learn.words import Texts, name_of
from checks.switch.vlans import PlannedTrunk, Vlans, VlansSeen
from checks.words import Finding

_MADE_UP = re.compile(r"(vlan)?[ _#-]{0,2}(id)?[ _-]?0*\d{1,4}", re.IGNORECASE)
"""Names that switches give by themselves: the next one gives another."""
_RESERVED = range(1002, 1006)
"""FDDI and token ring on every Cisco."""


def vlan_lines(old: OldSwitch, texts: Texts) -> Planned:
    """Return the VLANs, without the ports that they were on."""
    read = old.vlans
    if read is None:
        return Planned()
    lines: list[Line] = []
    left: list[str] = []
    for vlan in read.vlans:
        if vlan.id in _RESERVED:
            continue
        if vlan.id in read.suspended:
            left.append(f"VLAN {vlan.id} is suspended there, so it is not planned.")
            continue
        entry: Entry = {"id": vlan.id}
        name = vlan.name.strip()
        note = ""
        if name and vlan.id != 1 and not _MADE_UP.fullmatch(name):
            why = texts.refused(name)
            if why:
                note = f"its name {texts.shown(name)!r} is not planned: {why}"
            else:
                entry["name"] = name
        lines.append(Line(entry=entry, note=note))
    if read.unread:
        told = texts.listed(str(vlan) for vlan in read.unread)
        left.append(f"The switch does not tell which ports are in VLAN {told}.")
    return bounded(lines, left, "VLANs")


def trunk_lines(old: OldSwitch, links: Sequence[Unit], texts: Texts) -> Planned:
    """Return what each link to a known purpose carries tagged: uplinks, access points, telephones."""
    if old.vlans is None:
        return Planned()
    lines: list[Line] = []
    left: list[str] = []
    groups: dict[tuple[str, str], list[Unit]] = {}
    nameless: list[Unit] = []
    for link in links:
        key = _purpose(link, texts)
        if key is None:
            nameless += [link] if link.carried else []
        else:
            groups.setdefault((key[0], key[1].casefold()), []).append(link)
    for group in groups.values():
        if not any(link.carried for link in group):
            nameless_open = [link for link in group if link.open]
            if nameless_open:
                left.append(f"What {_ports(nameless_open, texts)} carries tagged is not told.")
            continue
        line = _trunk(old, group, texts)
        if line is None:
            left.append(f"What {_ports(group, texts)} carries is not told whole, or not the same on each.")
        else:
            lines.append(line)
    if nameless:
        left.append(
            f"What {_ports(nameless, texts)} carries tagged is not planned: there is no description or "
            "known neighbour to find it by."
        )
    order = {"neighbor": 0, "description": 1}
    lines.sort(key=lambda line: ("telephone" in line.note, order[next(iter(line.entry))]))
    return bounded(lines, left, "trunks")


def _purpose(link: Unit, texts: Texts) -> tuple[str, str] | None:
    """Return how a trunk is found: by its neighbour, which also the new office hears, or its description."""
    name = name_of(link.heard) if link.heard is not None else ""
    if name and not texts.refused(name):
        return "neighbor", name
    if link.alias and not texts.refused(link.alias):
        return "description", link.alias
    return None


def _trunk(old: OldSwitch, group: Sequence[Unit], texts: Texts) -> Line | None:
    first = group[0]
    if any((link.native, link.carried, link.open) != (first.native, first.carried, False) for link in group):
        return None
    key, name = _purpose(first, texts) or ("", "")
    entry: Entry = {key: name}
    if first.native is not None:
        entry["native"] = first.native
    entry["allowed"] = list(first.carried)
    held, wrong = first_held([entry], lambda one: _judge(old, one))
    if held is None:
        return None
    what = f", {kind(first.heard)}" if first.heard is not None else ""
    note = f"there {_ports(group, texts)}{what}"
    if wrong:
        note += f"; the old office itself fails this: {texts.shown(wrong, 120)}"
    return Line(entry=entry, note=note)


def _judge(old: OldSwitch, entry: Entry) -> list[Finding]:
    read = old.vlans
    if read is None:
        return []
    planned = PlannedTrunk(**{**entry, "allowed": tuple(entry["allowed"])})
    seen = VlansSeen(
        name=old.host, source=read.source, vlans=read.vlans, pvid=read.pvid, unread=read.unread,
        suspended=read.suspended, open_trunks=read.open_trunks, ports=old.ports or (),
        neighbours=old.neighbours,
    )  # fmt: skip
    return list(Vlans(host="old", community="env:X", trunks=(planned,)).judge(seen))


def _ports(group: Sequence[Unit], texts: Texts) -> str:
    return texts.listed(link.port.name for link in group)
