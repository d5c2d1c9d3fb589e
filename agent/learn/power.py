"""What an old switch powers, as `switch.poe` takes it: devices by class, wherever they were plugged in."""

from __future__ import annotations

from collections.abc import Sequence

from agent.learn.lines import Entry, Line, Planned
from agent.learn.reading import OldSwitch
from agent.learn.units import Unit
from agent.learn.words import Texts, name_of
from checks.device.poe import PoePort

_MAX_W = 200.0
_MAX_COUNT = 1000


def power_lines(old: OldSwitch, links: Sequence[Unit], texts: Texts) -> Planned:
    """Return the powered devices by class; by watts where the switch tells no class."""
    if old.poe is None:
        return Planned()
    fed = [port for port in old.poe.ports if port.state == "delivering"]
    named = {link.port.if_index: _called(link) for link in links}
    lines: list[Line] = []
    left: list[str] = []
    for told in sorted({port.power_class for port in fed if port.power_class is not None}):
        group = [port for port in fed if port.power_class == told]
        entry: Entry = {"name": f"class {told}", "count": min(len(group), _MAX_COUNT), "class": told}
        lines.append(Line(entry={**entry, "in_all": True}, note=_note(group, named, texts)))
    bare = [port for port in fed if port.power_class is None]
    measured = [port.watts for port in bare if port.watts and 0.1 <= port.watts <= _MAX_W]
    if measured:
        most = round(max(measured), 1)
        group = [port for port in bare if port.watts and 0.1 <= port.watts <= _MAX_W]
        entry = {"name": f"up to {most:g} W", "count": min(len(group), _MAX_COUNT), "watts": most}
        note = f"{_note(group, named, texts)}; their class is not told"
        lines.append(Line(entry={**entry, "in_all": True}, note=note))
    if len(bare) > len(measured):
        left.append(
            f"{len(bare) - len(measured)} ports give power and tell neither class nor watts: write what is "
            "on them under 'poe'."
        )
    return Planned(lines=tuple(lines), left=tuple(left))


def _called(link: Unit) -> str:
    return link.alias or (name_of(link.heard) if link.heard is not None else "")


def _note(group: Sequence[PoePort], named: dict[int, str], texts: Texts) -> str:
    names = [named.get(port.if_index or 0, "") for port in group]
    known = sorted({name for name in names if name})
    drawn = [port.watts for port in group if port.watts is not None]
    watts = f", {sum(drawn):g} W drawn" if drawn else ""
    return f"as powered there{watts}{f': {texts.listed(known)}' if known else ''}"
