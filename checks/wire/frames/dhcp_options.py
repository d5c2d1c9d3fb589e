"""DHCP options: their names, and their values in the form that people write.

`read` never raises: a value that its option may not have (a length, a bad name) is shown in hexadecimal with
the flaw in words. Sources: RFC 2132, RFC 3396, RFC 3397 and RFC 1035 section 4.1.4 (119), RFC 3361 (120),
RFC 3442 (121), RFC 3046 (82), RFC 5859 (150), RFC 3925 (124, 125), RFC 8910 (114), IANA's registry of
BOOTP and DHCP options.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

from checks.dataclass import dataclass

MAX_NAMES = 64
_MAX_NAME = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option, put together of all its parts (RFC 3396).

    `values` are what people write: addresses, names, numbers, texts; `raw` is empty where only a text of the
    system's was to be had. `flaw` is a full sentence about a value that this option may not have.
    """

    code: int
    name: str
    values: tuple[str, ...]
    raw: bytes = b""
    flaw: str = ""


class Flawed(ValueError):  # noqa: N818 - as its neighbours' names
    """The bytes are none of this kind; the text is a clause such as `7 bytes are no list of addresses`."""


Reader = Callable[[bytes], tuple[str, ...]]


def addresses(raw: bytes) -> tuple[str, ...]:
    """Return one or more IPv4 addresses."""
    if not raw or len(raw) % 4:
        raise Flawed(f"{len(raw)} bytes are no list of addresses")
    return tuple(socket.inet_ntoa(raw[at : at + 4]) for at in range(0, len(raw), 4))


def _address(raw: bytes) -> tuple[str, ...]:
    if len(raw) != 4:
        raise Flawed(f"{len(raw)} bytes are no address")
    return (socket.inet_ntoa(raw),)


def _pairs(raw: bytes) -> tuple[str, ...]:
    if not raw or len(raw) % 8:
        raise Flawed(f"{len(raw)} bytes are no pairs of addresses")
    found = addresses(raw)
    return tuple(f"{a} {b}" for a, b in zip(found[::2], found[1::2], strict=True))


def text(raw: bytes) -> tuple[str, ...]:
    """Return a text; zeros at its end do not belong to it (RFC 2132 section 2)."""
    return (raw.rstrip(b"\0").decode("utf-8", "replace"),)


def hexadecimal(raw: bytes) -> tuple[str, ...]:
    """Return the bytes as `0x0104ac10`."""
    return (f"0x{raw.hex()}",)


def _number(size: int, form: str) -> Reader:
    def read_number(raw: bytes) -> tuple[str, ...]:
        if len(raw) != size:
            raise Flawed(f"{len(raw)} bytes are no number of {size}")
        return (str(struct.unpack(form, raw)[0]),)

    return read_number


def _codes(raw: bytes) -> tuple[str, ...]:
    return tuple(str(code) for code in raw)


KINDS = {
    1: "DISCOVER", 2: "OFFER", 3: "REQUEST", 4: "DECLINE", 5: "ACK", 6: "NAK", 7: "RELEASE", 8: "INFORM",
    9: "FORCERENEW", 10: "LEASEQUERY", 11: "LEASEUNASSIGNED", 12: "LEASEUNKNOWN", 13: "LEASEACTIVE",
    14: "BULKLEASEQUERY", 15: "LEASEQUERYDONE", 16: "ACTIVELEASEQUERY", 17: "LEASEQUERYSTATUS", 18: "TLS",
}  # fmt: skip


def _kind(raw: bytes) -> tuple[str, ...]:
    if len(raw) != 1:
        raise Flawed(f"{len(raw)} bytes are no message type")
    return (KINDS.get(raw[0], str(raw[0])),)


def names(raw: bytes) -> tuple[str, ...]:
    """Return domain names with compression inside the option (RFC 3397 section 2).

    A pointer must lead back before the name that it stands in, so that every name ends.
    """
    found: list[str] = []
    at = 0
    while at < len(raw):
        if len(found) == MAX_NAMES:
            raise Flawed(f"there are more than {MAX_NAMES} names")
        name, at = _name(raw, at)
        found.append(name)
    if not found:
        raise Flawed("there is no name")
    return tuple(found)


def _name(raw: bytes, at: int) -> tuple[str, int]:
    labels: list[str] = []
    size, end, begin = 0, None, at
    while True:
        if at >= len(raw):
            raise Flawed("a name is cut off")
        length = raw[at]
        if length >= 0xC0:
            if at + 1 >= len(raw):
                raise Flawed("a pointer is cut off")
            end = end or at + 2
            at = (length & 0x3F) << 8 | raw[at + 1]
            if at >= begin:
                raise Flawed("a pointer leads forward or into itself")
            begin = at
            continue
        if length >= 0x40:
            raise Flawed("a label has an unknown type")
        at += 1
        if length == 0:
            return ".".join(labels) or ".", end or at
        label = raw[at : at + length]
        size += length + 1
        if len(label) < length or size > _MAX_NAME:
            raise Flawed("a name is cut off" if len(label) < length else "a name is too long")
        labels.append(label.decode("ascii", "backslashreplace").replace(".", "\\."))
        at += length


def _sip(raw: bytes) -> tuple[str, ...]:
    if raw[:1] == b"\0":
        return names(raw[1:])
    if raw[:1] == b"\1":
        return addresses(raw[1:])
    raise Flawed("its encoding is neither names nor addresses")


def _routes(raw: bytes) -> tuple[str, ...]:
    found, at = [], 0
    while at < len(raw):
        width = raw[at]
        octets = (width + 7) // 8
        if width > 32 or at + 5 + octets > len(raw):
            raise Flawed("a route is cut off or has a wrong mask")
        network = raw[at + 1 : at + 1 + octets].ljust(4, b"\0")
        router = raw[at + 1 + octets : at + 5 + octets]
        found.append(f"{socket.inet_ntoa(network)}/{width} {socket.inet_ntoa(router)}")
        at += 5 + octets
    if not found:
        raise Flawed("there is no route")
    return tuple(found)


_RELAY = {
    1: "circuit-id", 2: "remote-id", 4: "docsis", 5: "link", 6: "subscriber-id", 9: "vendor", 10: "flags",
    11: "server-id", 12: "relay-id", 19: "source-port", 151: "vss", 152: "vss-control",
}  # fmt: skip


def sub_options(raw: bytes) -> tuple[tuple[int, bytes], ...]:
    """Return the sub-options of option 82 or 43: code, length, value."""
    found, at = [], 0
    while at < len(raw):
        if at + 2 > len(raw) or at + 2 + raw[at + 1] > len(raw):
            raise Flawed("a sub-option is longer than its option")
        found.append((raw[at], raw[at + 2 : at + 2 + raw[at + 1]]))
        at += 2 + raw[at + 1]
    return tuple(found)


def _relay(raw: bytes) -> tuple[str, ...]:
    found = []
    for code, value in sub_options(raw):
        shown = socket.inet_ntoa(value) if code in (5, 11) and len(value) == 4 else plain(value)
        found.append(f"{_RELAY.get(code, code)}={shown}")
    return tuple(found)


def plain(raw: bytes) -> str:
    """Return the bytes as text if they are printable ASCII, else in hexadecimal."""
    bare = raw.rstrip(b"\0") or raw
    return bare.decode("ascii") if bare and all(0x20 <= byte < 0x7F for byte in bare) else f"0x{raw.hex()}"


def _either(raw: bytes) -> tuple[str, ...]:
    return (plain(raw),)


_U8, _U16, _U32, _I32 = _number(1, "!B"), _number(2, "!H"), _number(4, "!I"), _number(4, "!i")
_KNOWN: dict[int, tuple[str, Reader]] = {
    1: ("subnet mask", _address), 2: ("time offset", _I32), 3: ("router", addresses),
    4: ("time server", addresses), 5: ("IEN 116 name server", addresses), 6: ("DNS server", addresses),
    7: ("log server", addresses), 9: ("LPR server", addresses), 12: ("host name", text),
    13: ("boot file size", _U16), 14: ("dump file", text), 15: ("domain", text),
    16: ("swap server", _address), 17: ("root path", text), 19: ("IP forwarding", _U8),
    23: ("default TTL", _U8), 26: ("MTU", _U16), 28: ("broadcast address", _address),
    31: ("router discovery", _U8), 33: ("static routes", _pairs), 40: ("NIS domain", text),
    41: ("NIS server", addresses), 42: ("NTP server", addresses), 43: ("vendor specific", hexadecimal),
    44: ("WINS server", addresses), 45: ("NetBIOS datagram server", addresses),
    46: ("NetBIOS node type", _U8), 47: ("NetBIOS scope", text), 50: ("requested address", _address),
    51: ("lease time", _U32), 52: ("overload", _U8), 53: ("message type", _kind),
    54: ("server identifier", _address), 55: ("parameter list", _codes), 56: ("message", text),
    57: ("longest message", _U16), 58: ("renewal time", _U32), 59: ("rebinding time", _U32),
    60: ("vendor class", text), 61: ("client identifier", hexadecimal), 64: ("NIS+ domain", text),
    65: ("NIS+ server", addresses), 66: ("TFTP server name", text), 67: ("boot file", text),
    69: ("SMTP server", addresses), 72: ("web server", addresses), 77: ("user class", hexadecimal),
    80: ("rapid commit", hexadecimal), 82: ("relay agent information", _relay),
    93: ("client architecture", hexadecimal), 95: ("LDAP", text), 100: ("time zone (POSIX)", text),
    101: ("time zone (name)", text), 108: ("IPv6-only preferred", _U32), 114: ("captive portal", text),
    116: ("auto-configuration", _U8), 118: ("subnet selection", _address), 119: ("search list", names),
    120: ("SIP server", _sip), 121: ("classless routes", _routes),
    124: ("vendor class (identifying)", hexadecimal), 125: ("vendor specific (identifying)", hexadecimal),
    132: ("VLAN id", _either), 133: ("802.1p priority", _either), 138: ("CAPWAP controller", addresses),
    150: ("TFTP server address", addresses), 160: ("provisioning server", _either),
    161: ("provisioning server", _either), 176: ("Avaya phone", text), 242: ("Avaya phone", text),
    249: ("classless routes (Microsoft)", _routes), 252: ("proxy auto-configuration", text),
}  # fmt: skip


def name_of(code: int) -> str:
    """Return what an option is called, with its number: `DNS server (option 6)`."""
    known = _KNOWN.get(code)
    return f"{known[0]} (option {code})" if known else f"option {code}"


def read(code: int, raw: bytes) -> Option:
    """Return an option with its values, or in hexadecimal with its flaw."""
    _, reader = _KNOWN.get(code, ("", _either))
    try:
        return Option(code=code, name=name_of(code), values=reader(raw), raw=raw)
    except Flawed as error:
        flaw = f"The {name_of(code)} is malformed: {error}."
        return Option(code=code, name=name_of(code), values=hexadecimal(raw), raw=raw, flaw=flaw)


def told(code: int, *values: str) -> Option:
    """Return an option of which a system told the values only."""
    return Option(code=code, name=name_of(code), values=values)
