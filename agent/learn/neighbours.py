"""Neighbours that move along with their ports: routers and access points, as `switch.neighbors` takes them.

That each is heard at all is in the plan of the ports. A switch at the other end may be another one in the new
office, or the cable be in another of its ports, so its port is not planned; a telephone has only one to use.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.learn.lines import Entry, Line, Planned, bounded, first_held
from agent.learn.reading import OldSwitch
from agent.learn.units import Unit, kind
from agent.learn.words import Texts, name_of
from checks.params import parse_mac
from checks.switch.neighbors import Neighbors, NeighborsSeen, PlannedNeighbor
from checks.words import Finding


def neighbour_lines(old: OldSwitch, links: Sequence[Unit], texts: Texts) -> Planned:
    """Return the routers and access points that tell at which of their ports the cable ends."""
    lines: list[Line] = []
    for link in links:
        one = link.heard
        if one is None or kind(one) not in ("router", "access point"):
            continue
        name, port = name_of(one), one.remote_port.strip()
        if not port or _is_mac(port) or texts.refused(name) or texts.refused(port):
            continue
        entry: Entry = {"name": name, "remote_port": port}
        held, wrong = first_held([entry], lambda entry: _judge(old, entry))
        if held is not None and not wrong and all(held != line.entry for line in lines):
            lines.append(Line(entry=held, note=f"there {texts.shown(link.port.name)}, {kind(one)}"))
    return bounded(lines, (), "neighbours")


def _judge(old: OldSwitch, entry: Entry) -> list[Finding]:
    seen = NeighborsSeen(
        name=old.host, ports=old.ports or (), neighbors=old.neighbours or (), spoken=("lldp", "cdp")
    )
    planned = PlannedNeighbor(**entry)
    findings = Neighbors(host="old", community="env:X", neighbors=(planned,)).judge(seen)
    return [one for one in findings if planned.name in one.subject]


def _is_mac(text: str) -> bool:
    try:
        parse_mac(text)
    except ValueError:
        return False
    return True
