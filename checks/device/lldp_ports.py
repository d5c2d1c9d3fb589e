"""Which interface an LLDP port number means: neither its base port nor its ifIndex by rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from checks.dataclass import dataclass
from checks.device.naming import canonical
from checks.device.records import Port
from checks.device.told import PORT_MAC, hardware, said
from checks.wire.snmp.agent import Value

_PLACE = re.compile(r"(?<![\d/])\d{1,4}(?:/\d{1,4}){1,3}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRow:
    """What lldpLocPortTable tells of one port number."""

    kind: int | None
    id: Value | None
    description: Value | None

    def mac(self) -> str:
        """Return the hardware address that the id is; six octets that can be read are a text: `1/1/14`."""
        text = isinstance(self.id, bytes) and len(self.id) == 6 and said(self.id).isprintable()
        return "" if text and self.kind != PORT_MAC and len(said(self.id)) == 6 else hardware(self.id)


class LocalPorts:
    """The interfaces behind a device's LLDP port numbers.

    What the agent writes about a number (id, description) decides where it names exactly one interface. Where
    it does not, the number is taken as base port or as ifIndex: as the named ones show that this agent
    counts, else as base port (IEEE 802.1AB), unless only the interface of that ifIndex is up. A text that
    names several interfaces, none of them the number's, contradicts the number: then nothing is told.
    """

    def __init__(
        self,
        ports: Sequence[Port],
        base_ports: Mapping[int, int],
        rows: Mapping[int, LocalRow],
        *,
        by_index: bool = False,
    ) -> None:
        self._ports = {port.if_index: port for port in ports}
        self._base = base_ports
        self._rows = rows
        macs = [row.mac() for row in rows.values()]
        self._own_macs = frozenset(mac for mac in macs if mac and macs.count(mac) == 1)
        self._names = _Names(ports)
        self._named = {number: self._by_text(row) for number, row in rows.items()}
        self._add_written_indexes()
        self._by_index = by_index or self._counts_by_index()

    def label(self, number: int) -> str:
        """Return what the agent calls a port number."""
        row = self._rows.get(number)
        if row is None:
            return str(number)
        return row.mac() or said(row.id) or said(row.description) or str(number)

    def find(self, number: int) -> int | None:
        """Return the ifIndex behind a port number; None where nothing leads to one, or two ways disagree."""
        named = self._named.get(number, frozenset())
        if len(named) == 1:
            return next(iter(named))
        found = self._by_number(number)
        return None if named and found not in named else found

    def _by_number(self, number: int) -> int | None:
        base = self._base.get(number)
        base = base if base in self._ports else None
        index = number if number in self._ports else None
        if base is None or index is None:
            return base if index is None else index
        if self._by_index:
            return index
        only_index_up = self._ports[index].oper == "up" and self._ports[base].oper != "up"
        return index if only_index_up and not self._counts_by_base() else base

    def _votes(self) -> tuple[int, int]:
        sure = [(number, next(iter(named))) for number, named in self._named.items() if len(named) == 1]
        base = sum(self._base.get(number) == found for number, found in sure)
        return base, sum(number == found for number, found in sure)

    def _counts_by_index(self) -> bool:
        base, index = self._votes()
        return index > base

    def _counts_by_base(self) -> bool:
        base, index = self._votes()
        return base > index

    def _add_written_indexes(self) -> None:
        """Take ids that are numbers for ifIndexes, as an OmniSwitch writes them.

        Only where they are not the port numbers again, and each is the ifIndex of a port that can be plugged.
        """
        written = {number: said(row.id) for number, row in self._rows.items() if not self._named[number]}
        ids = {number: int(text) for number, text in written.items() if text.isdecimal() and len(text) <= 10}
        if all(number == told for number, told in ids.items()):
            return
        if all(told in self._ports and self._ports[told].physical for told in ids.values()):
            self._named |= {number: frozenset({told}) for number, told in ids.items()}

    def _by_text(self, row: LocalRow) -> frozenset[int]:
        mac = row.mac()
        if mac:
            owner = self._names.by_mac(mac) if mac in self._own_macs else frozenset()
            return owner if len(owner) == 1 else self._names.find(said(row.description))
        texts = (said(row.id), said(row.description))
        found = [self._names.find(text) for text in texts]
        return next((one for one in found if len(one) == 1), found[0] or found[1])


def _place(name: str) -> str:
    """Return slot and port, `1/0/18`, that end a name, where there is more than a number."""
    found = _PLACE.search(canonical(name))
    return found[0] if found else ""


class _Names:
    """Interfaces by what they are called."""

    def __init__(self, ports: Iterable[Port]) -> None:
        self._macs: dict[str, set[int]] = {}
        self._tiers: tuple[dict[str, set[int]], ...] = ({}, {}, {}, {}, {})
        for port in ports:
            if port.mac:
                self._macs.setdefault(port.mac, set()).add(port.if_index)
            place = _place(port.name) if port.physical else ""
            words = (port.name, port.descr, canonical(port.name), port.alias, place)
            for tier, word in zip(self._tiers, words, strict=True):
                tier.setdefault(word.strip().casefold(), set()).add(port.if_index)

    def find(self, text: str) -> frozenset[int]:
        """Return the ports of that ifName, ifDescr, usual spelling, ifAlias or slot: the first that any has.

        A bare number is a name only where a port is called so.
        """
        word = text.strip().casefold()
        if not word:
            return frozenset()
        spelt = "" if word.isdecimal() else canonical(text)
        for tier, key in zip(self._tiers, (word, word, spelt, word, _place(text)), strict=True):
            if key and key in tier:
                return frozenset(tier[key])
        return frozenset()

    def by_mac(self, mac: str) -> frozenset[int]:
        return frozenset(self._macs.get(mac, ()))
