"""SMTP replies, read as they come (RFC 5321 section 4.2), with bounds on all of them; sans I/O.

Text is kept as it was sent, bytes that are not UTF-8 as `\\xNN`; whatever shows it goes through `safe`.
"""

from __future__ import annotations

import re

from checks.dataclass import dataclass

MAX_LINE = 2000
"""Bytes of one line; RFC 5321 section 4.5.3.1.5 asks for 512."""
MAX_LINES = 100
MAX_REPLY = 65536
_CODE = re.compile(rb"[2-5][0-5][0-9]")
_ENHANCED = re.compile(r"([245])\.([0-9]{1,3})\.([0-9]{1,3})(?![0-9.])")
_KEYWORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_MASKED_WORD = re.compile(r"X{4,}[A-Z0-9]?")
_MASKED_BANNER = re.compile(r"[*0-9 ]{8,}")


class Malformed(Exception):  # noqa: N818 - it is an outcome
    """What came is no SMTP reply, or is beyond a bound; the words say which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One whole reply: its code and the text of each line. `bare_lf`: a line ended without CR."""

    code: int
    lines: tuple[str, ...]
    bare_lf: bool = False

    @property
    def text(self) -> str:
        """The lines in one, without the repeated enhanced status code."""
        first, again = self.lines[0] if self.lines else "", self.enhanced
        rest = (line.removeprefix(again).strip() if again else line for line in self.lines[1:])
        return " ".join((first, *rest)).strip()

    @property
    def enhanced(self) -> str:
        """The enhanced status code that the text begins with (RFC 3463, RFC 2034), or nothing.

        One whose class is not the reply's is none.
        """
        found = _ENHANCED.match(self.lines[0].lstrip()) if self.lines else None
        return found.group(0) if found is not None and int(found.group(1)) == self.code // 100 else ""

    @property
    def shown(self) -> str:
        """Code and text, raw."""
        return f"{self.code} {self.text}".strip()


class Replies:
    """Makes replies of bytes: `feed` what came, `take` until it gives None. `rest` is what no reply used."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._lines: list[str] = []
        self._code = b""
        self._size = 0
        self._bare = False

    @property
    def rest(self) -> bytes:
        """Bytes that came after the last whole reply."""
        return bytes(self._buffer)

    @property
    def begun(self) -> bool:
        """Whether part of a reply is here already."""
        return bool(self._lines or self._buffer)

    def feed(self, data: bytes) -> None:
        """Add what came."""
        self._buffer += data

    def take(self) -> Reply | None:
        """Return the next whole reply, None if more bytes are needed; raise Malformed if none can come."""
        while True:
            end = self._buffer.find(b"\n", 0, MAX_LINE + 1)
            if end < 0:
                if len(self._buffer) > MAX_LINE:
                    raise Malformed(f"a line of a reply is longer than {MAX_LINE} bytes")
                if len(self._buffer) >= 3 and not _CODE.match(self._buffer):
                    raise Malformed(f"no reply code: {_quoted(self._buffer)}")
                return None
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            last = self._line(line)
            if last:
                reply = Reply(code=int(self._code), lines=tuple(self._lines), bare_lf=self._bare)
                self._lines, self._code, self._size, self._bare = [], b"", 0, False
                return reply

    def _line(self, line: bytes) -> bool:
        """Take one line; return whether it is the last of its reply."""
        self._size += len(line)
        if not line.endswith(b"\r"):
            self._bare = True
        line = line.removesuffix(b"\r")
        code, mark = line[:3], line[3:4]
        if not _CODE.fullmatch(code) or mark not in (b"", b" ", b"-"):
            raise Malformed(f"no reply code: {_quoted(line)}")
        if self._code and code != self._code:
            raise Malformed(
                f"the code changes within one reply, from {self._code.decode()} to {code.decode()}"
            )
        self._code = code
        self._lines.append(line[4:].decode("utf-8", "backslashreplace"))
        if len(self._lines) > MAX_LINES:
            raise Malformed(f"a reply has more than {MAX_LINES} lines")
        if self._size > MAX_REPLY:
            raise Malformed(f"a reply is longer than {MAX_REPLY} bytes")
        return mark != b"-"


def keywords(greeting: Reply) -> tuple[str, ...]:
    """Return the extensions that an EHLO reply lists, in upper case, each with its parameters."""
    found = []
    for line in greeting.lines[1:]:
        words = line.split()
        if words and _KEYWORD.fullmatch(words[0]):
            found.append(" ".join([words[0].upper(), *words[1:]])[:512])
    return tuple(found)


def masked(reply: Reply) -> bool:
    """Return whether a firewall's SMTP inspection wrote over a banner (`***`) or extensions (`XXXA`)."""
    first = reply.lines[0] if reply.lines else ""
    if _MASKED_BANNER.fullmatch(first.strip()) and first.count("*") >= 6:
        return True
    return any(_MASKED_WORD.fullmatch(line.split()[0]) for line in reply.lines[1:] if line.split())


def _quoted(data: bytes | bytearray) -> str:
    return repr(bytes(data[:60]))[1:]
