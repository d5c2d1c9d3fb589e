"""The part of a project file that was learnt: `switches`, with a comment for where each line comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from agent.files.template import flow
from agent.learn.lines import Line, Planned
from agent.learn.neighbours import neighbour_lines
from agent.learn.ports import port_lines
from agent.learn.power import power_lines
from agent.learn.reading import Found, OldSwitch, Way
from agent.learn.units import Unit, kind, units
from agent.learn.vlans import trunk_lines, vlan_lines
from agent.learn.words import Texts, literal
from checks.dataclass import dataclass
from profiles.scope import slug

_NAME = 40
_WIDTH = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What was learnt: lines of YAML below `with`, and what is to be told on the terminal."""

    lines: tuple[str, ...]
    desk: tuple[str, ...]
    """Comments for the parameter `desk`."""
    told: tuple[str, ...]
    """What could not be read or planned, in sentences; the file says it, too."""
    silent: tuple[str, ...]
    """Hosts of which nothing was learnt."""
    switches: int


class _Block:
    """The lines while they are made."""

    def __init__(self, found: Found, way: Way) -> None:
        self.found, self.way, self.texts = found, way, Texts(found.secrets)
        self.lines: list[str] = []
        self.told: list[str] = []
        self.names: set[str] = set()
        self.access: dict[int, int] = {}
        self.voice: set[int] = set()

    def make(self) -> Learnt:
        read = [old for old in self.found.switches if old.ports is not None]
        for old in self.found.switches:
            if old.ports is None:
                reason = old.unread[0][1] if old.unread else "it was not asked."
                self._say(old, f"Nothing is learnt of it: {reason}", "")
        if read:
            self.lines.append("  switches:")
        for old in read:
            self._switch(old)
        silent = tuple(old.host for old in self.found.switches if old.ports is None)
        return Learnt(
            lines=tuple(self.lines), desk=tuple(self._desk()), told=tuple(self.told), silent=silent,
            switches=len(read),
        )  # fmt: skip

    def _switch(self, old: OldSwitch) -> None:
        links = units(old)
        self._count(links)
        given = old.system.sys_name if old.system is not None else ""
        said = f", which calls itself {self.texts.shown(given)}" if given else ""
        where = self.texts.shown(old.host)
        self.lines.append(f"    # Learnt from {where}{said}, by SNMP on {old.at:%Y-%m-%d %H:%M} UTC.")
        self.lines.append(f"    - name: {flow(literal(self._name(old, given)))}")
        self.lines.append(f"      host: TODO  # address of the new switch; {where} is the old one")
        self.lines += [f"      {line}" for line in self._credentials()]
        for part, reason in old.unread:
            self._say(old, f"Its {part} could not be read: {reason}")
        if old.neighbours == ():
            self._say(old, "It hears no neighbour (LLDP, CDP), so nothing is planned by its neighbour.")
        self._list(old, "ports", port_lines(old, links, self.texts))
        vlans = vlan_lines(old, self.texts)
        self._list(old, "vlans", vlans)
        self._list(old, "trunks", trunk_lines(old, links, self.texts))
        self._list(old, "neighbors", neighbour_lines(old, links, self.texts))
        self._list(old, "poe", power_lines(old, links, self.texts))
        self.lines += [f"      {line}" for line in self._tree(old)]
        if old.stack is not None and len(old.stack.members) > 1:
            count = len([one for one in old.stack.members if one.ready is not False])
            self.lines.append(f"      members: {min(count, 64)}  # of the stack ({old.stack.kind})")

    def _name(self, old: OldSwitch, given: str) -> str:
        """Return a name that no other switch of the file has, as its check ids will be written."""
        plain = given.strip().partition(".")[0] or given.strip()
        if not plain or len(plain) > _NAME or self.texts.refused(plain):
            plain = old.host
        name, number = plain, 2
        while slug(name) in self.names:
            name, number = f"{plain}-{number}", number + 1
        self.names.add(slug(name))
        return name

    def _credentials(self) -> Iterator[str]:
        way = self.way
        if way.community is not None:
            note = ""
            if way.reference() != way.community:
                note = "  # put the community there; it is in no file"
            yield f"community: {flow(way.reference())}{note}"
        for name, value in (
            ("user", way.user), ("auth", way.auth), ("auth_key", way.auth_key), ("privacy", way.privacy),
            ("privacy_key", way.privacy_key),
        ):  # fmt: skip
            if value is not None:
                yield f"{name}: {flow(literal(value) if name == 'user' else value)}"

    def _list(self, old: OldSwitch, name: str, planned: Planned) -> None:
        for sentence in planned.left:
            self._say(old, sentence)
        if planned.lines:
            self.lines.append(f"      {name}:")
            self.lines += [f"        - {_item(line)}" for line in planned.lines]

    def _tree(self, old: OldSwitch) -> Iterator[str]:
        tree = old.tree
        if tree is None or not tree.root:
            return
        others = {
            one.tree.bridge: one.host
            for one in self.found.switches
            if one.tree is not None and one is not old
        }
        if tree.root == tree.bridge:
            yield "stp_root: self  # it was root of the spanning tree there"
        elif tree.root in others:
            where = self.texts.shown(others[tree.root])
            yield f"# stp_root: the bridge address of what takes the place of {where}, which was root there"
        else:
            yield (
                f"stp_root: {flow(tree.root)}  # root there; if that bridge does not move along, write the "
                "address of the new one"
            )

    def _say(self, old: OldSwitch, sentence: str, indent: str = "    ") -> None:
        shown = self.texts.shown(" ".join(sentence.split()), 600)
        self.told.append(f"{self.texts.shown(old.host)}: {shown}")
        about = f"{self.texts.shown(old.host)}: " if not indent else ""
        self.lines.append(f"  {indent}# {about}{shown}")

    def _count(self, links: Sequence[Unit]) -> None:
        for link in links:
            if link.access is not None:
                self.access[link.access] = self.access.get(link.access, 0) + 1
                if link.heard is not None and kind(link.heard) == "telephone":
                    self.voice.update(link.carried)

    def _desk(self) -> Iterator[str]:
        if not self.access:
            return
        vlan = max(self.access, key=lambda one: (self.access[one], -one))
        desk: dict[str, Any] = {"vlan": vlan}
        if len(self.voice) == 1:
            desk["voice_vlan"] = next(iter(self.voice))
        yield "  # Most ports of the old switches are in this VLAN; write it if the laptop's socket is, too:"
        yield f"  # desk: {flow(desk)}"


def block(found: Found, way: Way) -> Learnt:
    """Return the lines for what was found."""
    return _Block(found, way).make()


def _item(line: Line) -> str:
    entry = {key: literal(value) if isinstance(value, str) else value for key, value in line.entry.items()}
    note = f"  # {line.note}" if line.note else ""
    return f"{flow(entry)}{note[:_WIDTH]}"
