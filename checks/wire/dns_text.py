r"""DNS record data as text: the presentation form of RFC 1035 section 5.1, both ways.

Names are written as in `checks.wire.dns_names`. Every byte that is not plain is escaped, so the text of a
record is ASCII, loses nothing, and splits at spaces outside quotation marks. Types without an entry in
`FIELDS` have the generic form of RFC 3597: `\# 4 c0000201`.
"""

from __future__ import annotations

import base64
import binascii
import functools
import ipaddress
import re
import socket
from collections.abc import Callable
from typing import NamedTuple

from checks.wire.dns_names import Malformed, escape, label_text, read_name, tidy_name, unescape

_TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|((?:[^\s"\\]|\\.)+))(?=\s|\Z)', re.DOTALL)


class Field(NamedTuple):
    """One field of a record's data: how it is read from the wire, and how a person's token is normalised."""

    read: Callable[[bytes, int, int], tuple[str, int]]
    """From message, offset and end of the data to text and next offset."""
    tidy: Callable[[str], str]
    rest: bool = False
    """It takes all that is left of the data, and all tokens that are left."""


def _number(size: int) -> Field:
    def read(message: bytes, at: int, end: int) -> tuple[str, int]:
        if at + size > end:
            raise Malformed("The data of a record is cut short.")
        return str(int.from_bytes(message[at : at + size], "big")), at + size

    def tidy(token: str) -> str:
        if not re.fullmatch(r"[0-9]{1,10}", token) or int(token) >= 1 << (8 * size):
            raise ValueError(f"{token!r} is not a whole number from 0 to {(1 << 8 * size) - 1}.")
        return str(int(token))

    return Field(read, tidy)


def _read_name(message: bytes, at: int, end: int) -> tuple[str, int]:
    name, after = read_name(message, at)
    if after > end:
        raise Malformed("A name runs past the end of its record.")
    return name, after


def _address(size: int) -> Field:
    family, kind, name = (
        (socket.AF_INET, ipaddress.IPv4Address, "IPv4")
        if size == 4
        else (socket.AF_INET6, ipaddress.IPv6Address, "IPv6")
    )

    def read(message: bytes, at: int, end: int) -> tuple[str, int]:
        if end - at != size:
            raise Malformed(f"The data of an {name} address record has {end - at} bytes, not {size}.")
        return socket.inet_ntop(family, message[at:end]), end

    def tidy(token: str) -> str:
        try:
            return socket.inet_ntop(family, kind(token.replace("%", "")).packed)
        except ValueError:
            raise ValueError(f"{token!r} is not an {name} address.") from None

    return Field(read, tidy)


def quoted(raw: bytes) -> str:
    """Return `raw` as a quoted character string."""
    return f'"{escape(raw, _QUOTED, 0x20)}"'


_QUOTED = b'"\\'


def _read_string(message: bytes, at: int, end: int) -> tuple[bytes, int]:
    if at >= end or at + 1 + message[at] > end:
        raise Malformed("A character string runs past the end of its record.")
    after = at + 1 + message[at]
    return message[at + 1 : after], after


def _read_strings(message: bytes, at: int, end: int) -> tuple[str, int]:
    parts: list[str] = []
    while at < end:
        raw, at = _read_string(message, at, end)
        parts.append(quoted(raw))
    # RFC 1035 section 3.3.14 wants one string or more. A record without any is read as an empty one, as
    # resolvers do: it must not hide the records beside it.
    return " ".join(parts) or '""', end


def _read_tag(message: bytes, at: int, end: int) -> tuple[str, int]:
    raw, after = _read_string(message, at, end)
    if not raw.isalnum():
        raise Malformed("The tag of a CAA record has other characters than letters and digits.")
    return label_text(raw), after


def _tidy_tag(token: str) -> str:
    if not (token.isascii() and token.isalnum()):
        raise ValueError(f"{token!r} is not a tag of letters and digits.")
    return token.lower()


def _left(message: bytes, at: int, end: int) -> bytes:
    if at >= end:
        raise Malformed("The data of a record is cut short.")
    return message[at:end]


def _bare(token: str) -> bytes:
    return unescape(token[1:-1] if token.startswith('"') else token)


def _hex(token: str) -> bytes:
    try:
        return binascii.unhexlify(token)
    except ValueError:
        raise ValueError(f"{token[:60]!r} is not hexadecimal.") from None


def _base64(token: str) -> str:
    try:
        return base64.b64encode(base64.b64decode(token, validate=True)).decode()
    except ValueError:
        raise ValueError(f"{token[:60]!r} is not base64.") from None


_NAME = Field(_read_name, tidy_name)
_U8, _U16, _U32 = _number(1), _number(2), _number(4)
_HEX = Field(
    lambda message, at, end: (_left(message, at, end).hex(), end),
    lambda token: _hex(token).hex(),
    rest=True,
)
_BASE64 = Field(
    lambda message, at, end: (base64.b64encode(_left(message, at, end)).decode(), end),
    _base64,
    rest=True,
)
_VALUE = Field(lambda m, at, end: (quoted(m[at:end]), end), lambda token: quoted(_bare(token)))
_STRINGS = Field(_read_strings, lambda token: token, rest=True)
_TAG = Field(_read_tag, _tidy_tag)


FIELDS: dict[str, tuple[Field, ...]] = {
    "A": (_address(4),),
    "AAAA": (_address(16),),
    "CNAME": (_NAME,),
    "NS": (_NAME,),
    "PTR": (_NAME,),
    "DNAME": (_NAME,),
    "MX": (_U16, _NAME),
    "SRV": (_U16, _U16, _U16, _NAME),
    "SOA": (_NAME, _NAME, _U32, _U32, _U32, _U32, _U32),
    "TXT": (_STRINGS,),
    "CAA": (_U8, _TAG, _VALUE),
    "TLSA": (_U8, _U8, _U8, _HEX),
    "SSHFP": (_U8, _U8, _HEX),
    "DS": (_U16, _U8, _U8, _HEX),
    "DNSKEY": (_U16, _U8, _U8, _BASE64),
}
"""The types whose data is written field by field: RFC 1035, 2782, 3596, 4034, 4255, 6672, 6698, 8659."""


def read_data(rdtype: str, message: bytes, at: int, end: int) -> str:
    """Return the text of a record's data in `message[at:end]`; raise Malformed unless it fits exactly."""
    fields = FIELDS.get(rdtype)
    if fields is None:
        return f"\\# {end - at} {message[at:end].hex()}".rstrip()
    if len(fields) == 1:
        text, at = fields[0].read(message, at, end)
    else:
        parts: list[str] = []
        for field in fields:
            part, at = field.read(message, at, end)
            parts.append(part)
        text = " ".join(parts)
    if at != end:
        raise Malformed(f"The data of a {rdtype} record is longer than its fields.")
    return text


@functools.lru_cache(4096)
def canonical(rdtype: str, text: str) -> str:
    r"""Return a record's text in the one form in which equal records are equal; raise ValueError if bad.

    Takes what a person writes and what `read_data` gives. A TXT record is its value: the strings it is cut
    into are joined (RFC 7208 section 3.3), and text that does not begin with a quotation mark is taken as
    the value itself.
    """
    if rdtype == "TXT":
        return quoted(txt_value(text))
    fields = FIELDS.get(rdtype)
    if fields is None:
        found = re.fullmatch(r"\\#\s+([0-9]{1,5})\s*([0-9A-Fa-f\s]*)", text.strip())
        raw = _hex("".join(found.group(2).split())) if found else b""
        if found is None or len(raw) != int(found.group(1)):
            raise ValueError(
                f"The data of {rdtype} is written like '\\# 4 c0000201' (RFC 3597), not {text!r}."
            )
        return f"\\# {len(raw)} {raw.hex()}".rstrip()
    tokens = _tokens(text)
    if len(tokens) < len(fields) or (len(tokens) > len(fields) and not fields[-1].rest):
        raise ValueError(f"A {rdtype} record has {len(fields)} fields, unlike {text!r}.")
    tokens[len(fields) - 1 :] = ["".join(tokens[len(fields) - 1 :])]
    return " ".join(field.tidy(token) for field, token in zip(fields, tokens, strict=True))


def txt_value(text: str) -> bytes:
    """Return the bytes of a TXT record's text, its strings joined; unquoted text is the value itself."""
    if not text.lstrip().startswith('"'):
        return text.encode()
    return b"".join(_bare(token) for token in _tokens(text))


def _tokens(text: str) -> list[str]:
    tokens, at, text = [], 0, text.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"The quotation marks of {text[:60]!r} do not fit together.")
        tokens.append(found.group(1) or found.group(2))
        at = found.end()
    return tokens
