r"""DNS names between wire form and text (RFC 1035 sections 2.3.4, 3.1, 4.1.4 and 5.1).

As text a name is lower case (RFC 4343: case means nothing) and, as everywhere in gonogo, without the final
dot; the root is `.`. Every byte that is not plain is escaped (`\.`, `\032`), so the text is ASCII.
"""

from __future__ import annotations

import functools
import re

MAX_NAME = 255
_SPECIAL = b'"().;\\@$'


class Malformed(ValueError):  # noqa: N818 - what a message is
    """The bytes are not a well-formed DNS message; the text says which rule they break."""


def escape(raw: bytes, special: bytes, lowest: int) -> str:
    r"""Return `raw` as ASCII: bytes in `special` as `\X`, those outside `lowest`..0x7e as `\DDD`."""
    return "".join(
        f"\\{chr(byte)}" if byte in special else chr(byte) if lowest <= byte <= 0x7E else f"\\{byte:03d}"
        for byte in raw
    )


def unescape(text: str) -> bytes:
    r"""Return the bytes of `text` after `\X` and `\DDD`; other characters count as UTF-8."""
    if "\\" not in text:
        return text.encode()
    out, at = bytearray(), 0
    while at < len(text):
        char = text[at]
        if char != "\\":
            out += char.encode()
            at += 1
        elif re.fullmatch(r"[0-9]{3}", text[at + 1 : at + 4]) and int(text[at + 1 : at + 4]) < 256:
            out.append(int(text[at + 1 : at + 4]))
            at += 4
        elif at + 1 < len(text) and not text[at + 1].isdigit():
            out += text[at + 1].encode()
            at += 2
        else:
            raise ValueError(f"The escape at character {at + 1} of {text!r} is not \\X or \\DDD.")
    return bytes(out)


@functools.lru_cache(4096)
def label_text(label: bytes) -> str:
    """Return one label in lower case with its special bytes escaped."""
    return escape(label.lower(), _SPECIAL, 0x21)


@functools.lru_cache(4096)
def name_wire(name: str) -> bytes:
    """Return a name in wire form, letters in the case given; raise ValueError for one that cannot be."""
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            raise ValueError(f"{name!r} cannot be written as an internationalised domain name.") from None
    if name == ".":
        return b"\0"
    labels = _labels(name)
    if any(not 0 < len(label) < 64 for label in labels):
        raise ValueError(f"A domain name has labels of 1 to 63 bytes, unlike {name!r}.")
    wire = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    if len(wire) > MAX_NAME:
        raise ValueError(f"A domain name has at most {MAX_NAME} bytes in wire form, unlike {name[:60]!r}...")
    return wire


def _labels(name: str) -> list[bytes]:
    if "\\" not in name:
        return [part.encode() for part in name.removesuffix(".").split(".")]
    parts = [""]
    for piece in re.findall(r"\\.|[^\\.]+|.", name, re.DOTALL):
        if piece == ".":
            parts.append("")
        else:
            parts[-1] += piece
    if not parts[-1]:
        parts.pop()
    return [unescape(part) for part in parts]


def name_text(labels: list[bytes]) -> str:
    """Return the name that `labels` make, without the final dot."""
    return ".".join(map(label_text, labels)) or "."


def read_name(message: bytes, at: int) -> tuple[str, int]:
    """Return the name at offset `at` and the offset after it.

    A pointer must lead before the part it was met in, so a loop ends; lengths are held to RFC 1035 2.3.4.
    """
    labels: list[bytes] = []
    size, after, lowest = 1, 0, at
    try:
        while True:
            length = message[at]
            if length == 0:
                return name_text(labels), after or at + 1
            if length < 64:
                label = message[at + 1 : at + 1 + length]
                if len(label) < length:
                    raise Malformed("A name runs past the end of the message.")
                labels.append(label)
                size += length + 1
                if size > MAX_NAME:
                    raise Malformed("A name is longer than 255 bytes.")
                at += length + 1
            elif length >= 0xC0:
                target = (length & 0x3F) << 8 | message[at + 1]
                after = after or at + 2
                if target >= lowest:
                    raise Malformed("A compression pointer does not lead backwards.")
                at = lowest = target
            else:
                raise Malformed("A label has an unknown kind of length.")
    except IndexError:
        raise Malformed("A name runs past the end of the message.") from None


@functools.lru_cache(4096)
def tidy_name(token: str) -> str:
    """Return a name that a person wrote as the text of records has it; raise ValueError if it is none."""
    wire = name_wire(token)
    return read_name(wire, 0)[0]
