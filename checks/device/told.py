"""Names, ids and capabilities as LLDP, CDP and their kin carry them, made readable.

Agents send them raw, padded, as hex text, in curly quotes or in any encoding.
"""

from __future__ import annotations

import ipaddress
import re

from checks.device.values import mac
from checks.wire.snmp.agent import Value

_HEX_PAIRS = re.compile(r"[0-9A-Fa-f]{2}(?:[ :-][0-9A-Fa-f]{2})+")
_LLDP_CAPABILITIES = (
    (0x80, "other"), (0x40, "repeater"), (0x20, "bridge"), (0x10, "wlan"), (0x08, "router"),
    (0x04, "telephone"), (0x02, "docsis"), (0x01, "station"),
)  # fmt: skip
_CDP_CAPABILITIES = (
    (0x01, "router"), (0x02, "transparent-bridge"), (0x04, "source-bridge"), (0x08, "switch"),
    (0x10, "station"), (0x40, "repeater"), (0x80, "telephone"),
)  # fmt: skip
MAX_TEXT = 1024

CHASSIS_MAC, PORT_MAC = 4, 3
CHASSIS_ADDRESS, PORT_ADDRESS = 5, 4
CHASSIS_ALIAS, CHASSIS_NAME = 2, 6


def said(value: Value | None) -> str:
    """Return a text: what stands before the first NUL, in UTF-8 or Latin-1, hex pairs decoded, unquoted."""
    if not isinstance(value, bytes):
        return ""
    return _unhexed(_decoded(value[:MAX_TEXT]))


def _decoded(raw: bytes) -> str:
    raw = raw.strip(b"\x00 \t\r\n").partition(b"\x00")[0]
    try:
        decoded = raw.decode("utf-8")
    except UnicodeDecodeError:
        decoded = raw.decode("latin-1")
    return decoded.strip().removeprefix("\u201c").removesuffix("\u201d").strip()


def _unhexed(text: str) -> str:
    """Return the text that hex pairs stand for, where they stand for one; a hardware address is none."""
    if not _HEX_PAIRS.fullmatch(text):
        return text
    raw = bytes.fromhex(re.sub("[ :-]", "", text)).rstrip(b"\x00")
    printable = len(raw) > 1 and all(0x20 <= octet < 0x7F for octet in raw)
    return raw.decode("ascii").strip() if printable and (" " in text or len(raw) != 6) else text


def identity(value: Value | None, kind: int | None, *, mac_kind: int, address_kind: int) -> str:
    """Return a chassis or port id by its subtype: a hardware address, an IP address, or a text."""
    if not isinstance(value, bytes):
        return ""
    if kind == mac_kind:
        return hardware(value) or said(value)
    if kind == address_kind:
        return network_address(value) or said(value)
    readable = said(value)
    if len(value) == 6 and not readable.isprintable():
        return value.hex(":")
    return readable


def hardware(value: Value | None) -> str:
    """Return a hardware address sent as six octets or as text of any usual kind; empty for what is none."""
    if not isinstance(value, bytes):
        return ""
    if len(value) == 6:
        return mac(value)
    text = _decoded(value[:64])
    digits = re.sub("[ :.-]", "", text)
    if len(digits) == 12 and re.fullmatch("[0-9A-Fa-f]{12}", digits):
        return mac(bytes.fromhex(digits))
    return mac(text.encode())


def network_address(value: Value | None) -> str:
    """Return an address that LLDP carries (IANA address family, then the address), or a plain one."""
    if not isinstance(value, bytes):
        return ""
    raw = value[1:] if len(value) in (5, 17) and value[0] in (1, 2) else value
    if len(raw) in (4, 16) and raw != value:
        return str(ipaddress.ip_address(raw))
    return plain_address(value)


def plain_address(value: Value | None) -> str:
    """Return an address of 4 or 16 octets, or one written out; empty for what is none, or all zero."""
    if not isinstance(value, bytes):
        return ""
    try:
        raw = ipaddress.ip_address(value) if len(value) in (4, 16) else None
        found = raw or ipaddress.ip_address(_decoded(value[:64]))
    except ValueError:
        return ""
    return "" if int(found) == 0 else str(found)


def lldp_capabilities(value: Value | None) -> tuple[str, ...]:
    """Return the words of LLDP's capabilities; some agents' recorders write the octets as hex text."""
    octets = _bits(value)
    return tuple(word for bit, word in _LLDP_CAPABILITIES if octets and octets[0] & bit)


def cdp_capabilities(value: Value | None) -> tuple[str, ...]:
    """Return the words of CDP's capabilities: the last octet of four holds them, on some agents the first."""
    octets = value if isinstance(value, bytes) and len(value) == 4 else bytes(4)
    told = octets[-1] or octets[0]
    return tuple(word for bit, word in _CDP_CAPABILITIES if told & bit)


def _bits(value: Value | None) -> bytes:
    if not isinstance(value, bytes):
        return b""
    if len(value) <= 2:
        return value
    first = value[:64].split(b" ", 1)[0]
    return bytes.fromhex(first.decode("ascii")) if re.fullmatch(rb"[0-9A-Fa-f]{2}", first) else b""


def first_line(text: str) -> str:
    """Return the first line of a description, bounded."""
    lines = text.splitlines()
    return lines[0].strip()[:256] if lines else ""
