"""Who made a network card: the vendor that a hardware address is registered to, by the table scapy brings."""

from __future__ import annotations

import functools
import logging


@functools.lru_cache(1024)
def vendor(mac: str) -> str | None:
    """Return the registered vendor of `00:1b:21:3c:4d:5e`; None if unknown or locally administered.

    Offline: the table is as old as the installed scapy. A locally administered address (RFC 9542 section 2.1)
    was made up by its device: a virtual machine, a container, a private Wi-Fi address.
    """
    try:
        first = int(mac[:2], 16)
    except ValueError:
        return None
    if len(mac) != 17 or first & 0x03:
        return None
    try:
        logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
        from scapy.data import MANUFDB

        _, name = MANUFDB.lookup(mac.upper())
    except Exception:  # noqa: BLE001 - the table is a convenience of another library, whatever it raises
        return None
    text = str(name)
    return None if text.lower() == mac.lower() else text


def with_vendor(mac: str) -> str:
    """Return a hardware address with its vendor in brackets, where one is known."""
    name = vendor(mac)
    if name is not None:
        return f"{mac} ({name})"
    return f"{mac} (locally administered)" if _made_up(mac) else mac


def _made_up(mac: str) -> bool:
    try:
        return len(mac) == 17 and bool(int(mac[:2], 16) & 0x02)
    except ValueError:
        return False
