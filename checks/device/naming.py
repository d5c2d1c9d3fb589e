"""Ports by the names that people write: `Gi1/0/1` and `GigabitEthernet1/0/1` are one port."""

from __future__ import annotations

import re
from collections.abc import Iterable

from checks.device.records import Port

_PREFIXES = {
    "fastethernet": "fa",
    "fe": "fa",
    "gig": "gi",
    "gige": "gi",
    "gigabit": "gi",
    "gigabitethernet": "gi",
    "ge": "gi",
    "twogigabitethernet": "tw",
    "fivegigabitethernet": "fi",
    "ten": "te",
    "tengig": "te",
    "tengige": "te",
    "tengigabitethernet": "te",
    "xe": "te",
    "xge": "te",
    "xg": "te",
    "xgigabitethernet": "te",
    "twentyfivegige": "twe",
    "twentyfivegigabitethernet": "twe",
    "fortygige": "fo",
    "fortygigabitethernet": "fo",
    "hundredgige": "hu",
    "hundredgigabitethernet": "hu",
    "ethernet": "eth",
    "et": "eth",
    "e": "eth",
    "portchannel": "po",
    "bridgeaggregation": "bagg",
    "vlaninterface": "vlan",
    "vl": "vlan",
    "management": "mgmt",
}
_MEDIUM = re.compile(r"\s*:\s*(copper|fiber|fibre)$")
MAX_NAME = 256


def canonical(name: str) -> str:
    """Return one spelling for all the usual ones of a port's name."""
    plain = _MEDIUM.sub("", name[:MAX_NAME].strip().casefold())
    head = 0
    while head < len(plain) and (plain[head].isalpha() or plain[head] in " -_"):
        head += 1
    letters = "".join(char for char in plain[:head] if char.isalpha())
    rest = "".join(plain[head:].split())
    return _PREFIXES.get(letters, letters) + rest


def find_ports(ports: Iterable[Port], name: str) -> tuple[Port, ...]:
    """Return the ports that `name` may mean: none, one, or several where it is ambiguous.

    Tried in this order, and the first that finds anything counts: ifName as written, ifDescr as written,
    either in any of the usual spellings, the number of the ifIndex. Capitals and spaces around do not matter.
    Some stacks list the ports of a swapped member twice: of several, those that are absent do not count.
    """
    all_ports = tuple(ports)
    wanted = name.strip().casefold()
    if not wanted:
        return ()
    spelt = canonical(name)
    found = (
        tuple(port for port in all_ports if port.name.strip().casefold() == wanted)
        or tuple(port for port in all_ports if port.descr.strip().casefold() == wanted)
        or tuple(port for port in all_ports if spelt in {canonical(port.name), canonical(port.descr)})
    )
    if not found and wanted.isdecimal() and len(wanted) <= 10:
        found = tuple(port for port in all_ports if port.if_index == int(wanted))
    present = tuple(port for port in found if port.oper != "not_present")
    return present or found
