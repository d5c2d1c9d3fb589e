"""Names of neighbours and their ports as people write them, held against what the neighbours send."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping

from checks.device.naming import canonical, find_ports
from checks.device.records import Neighbour, Port
from checks.params import parse_mac
from checks.safe import safe

_SERIAL = re.compile(r"\s*\([^()]{1,64}\)\Z")


def same_name(planned: str, neighbour: Neighbour) -> bool:
    """Return whether a neighbour is the planned one: by name, hardware address, or management address.

    Capitals, the serial number that some append to a CDP name, and a domain that only one side writes do not
    matter.
    """
    wanted = planned.strip().casefold()
    if wanted and wanted == neighbour.remote_address.casefold():
        return True
    if _mac(planned) and _mac(planned) == _mac(neighbour.remote_chassis):
        return True
    told = _SERIAL.sub("", neighbour.remote_name.strip()[:256]).casefold()
    if not wanted or not told:
        return False
    wanted = _SERIAL.sub("", wanted[:256])
    if wanted == told:
        return True
    if ("." in wanted and "." in told) or _is_address(wanted) or _is_address(told):
        return False
    return wanted.partition(".")[0] == told.partition(".")[0]


def same_port(planned: str, neighbour: Neighbour) -> bool:
    """Return whether a neighbour's port is the planned one, by its id or its description."""
    told = [text for text in (neighbour.remote_port, neighbour.remote_port_description) if text]
    if _mac(planned):
        return any(_mac(planned) == _mac(text) for text in told)
    return any(canonical(planned) == canonical(text) for text in told)


def is_number(planned: str) -> bool:
    """Return whether a neighbour is planned by its hardware or IP address, and not by its name."""
    return bool(_mac(planned)) or _is_address(planned.strip())


def is_switch(neighbour: Neighbour) -> bool:
    """Return whether a neighbour says that it is a switch: not a telephone or access point that bridges."""
    if neighbour.protocol in ("cdp", "isdp"):
        return "switch" in neighbour.capabilities and "telephone" not in neighbour.capabilities
    if neighbour.protocol in ("fdp", "edp"):
        return True
    return "bridge" in neighbour.capabilities and not {"telephone", "wlan"} & set(neighbour.capabilities)


def called(neighbour: Neighbour) -> str:
    """Return what to call a neighbour on a screen."""
    name = (
        neighbour.remote_name or neighbour.remote_chassis or neighbour.remote_address or "a nameless device"
    )
    port = neighbour.remote_port or neighbour.remote_port_description
    return safe(f"{name} ({port})" if port else name, limit=120)


def at(neighbours: Iterable[Neighbour], port: Port) -> list[Neighbour]:
    """Return the neighbours at a port; of an aggregation, those at its members."""
    places = {port.if_index, *port.members}
    return [one for one in neighbours if one.local_if_index in places]


def shown(port: Port) -> str:
    """Return a port's name as it is safe to show."""
    return safe(port.name, limit=80)


def named(ports: Iterable[Port], if_index: int | None) -> str:
    """Return the name of an ifIndex, or what else can be said of it."""
    found = next((port for port in ports if port.if_index == if_index), None)
    if found is not None:
        return shown(found)
    return "a port that is not known" if if_index is None else f"ifIndex {if_index}"


def one_port(ports: tuple[Port, ...], name: str) -> tuple[Port | None, tuple[Port, ...]]:
    """Return the one port that a name means, and all that it may mean."""
    found = find_ports(ports, name)
    return (found[0] if len(found) == 1 else None), found


def by_index(ports: Iterable[Port]) -> Mapping[int, Port]:
    """Return the ports by ifIndex."""
    return {port.if_index: port for port in ports}


def _mac(text: str) -> str:
    try:
        return parse_mac(text.strip()[:20])
    except ValueError:
        return ""


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
