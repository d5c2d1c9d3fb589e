"""Reading one HTTP/1.1 answer from bytes, bounded everywhere: RFC 9112, with h11 as the oracle in tests.

h11 itself would add 30 ms to the start of a run and 50 us to a request.
"""

from __future__ import annotations

import re
from collections.abc import Callable

MAX_HEAD = 65536
MAX_HEADERS = 200
MAX_INTERIM = 10
_MAX_LINE = 4096

_STATUS = re.compile(rb"HTTP/(\d\.\d) (\d{3})(?: ([^\0]*))?\Z", re.DOTALL)
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_HEAD_END = re.compile(rb"\n\r?\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\0]*)?\Z", re.DOTALL)
_LENGTH = re.compile(r"\d{1,15}\Z", re.ASCII)

Headers = tuple[tuple[str, str], ...]
Sink = Callable[[bytes], None]


class Malformed(Exception):  # noqa: N818 - it is an outcome
    """The peer does not speak HTTP/1.x, or goes beyond a bound; the message quotes nothing of it."""


class Answer:
    """One answer as it arrives: `feed` until `done`, then `end` if the peer ended.

    `body` holds at most `max_body` bytes; `cut` says that our bound, not the peer, ended it; `complete` that
    the peer sent all it announced. With `sink` the body goes there instead and is not kept.
    """

    __slots__ = (
        "_body", "_buffer", "_interim", "_left", "_max", "_no_body", "_sink", "_size", "_state", "complete",
        "cut", "done", "headers", "reason", "status", "version",
    )  # fmt: skip

    def __init__(self, method: str, max_body: int, sink: Sink | None = None) -> None:
        self.status = 0
        self.reason = ""
        self.version = ""
        self.headers: Headers = ()
        self.complete = self.cut = self.done = False
        self._body = bytearray()
        self._buffer = bytearray()
        self._interim = 0
        self._left = 0
        self._max = max_body
        self._no_body = method == "HEAD"
        self._size = 0
        self._sink = sink
        self._state: Callable[[], bool] = self._head

    @property
    def body(self) -> bytes:
        """What came of the body, unless a sink took it."""
        return bytes(self._body)

    @property
    def size(self) -> int:
        """Bytes of body that came, as far as they were read."""
        return self._size

    def feed(self, data: bytes) -> None:
        """Take the next bytes; raise Malformed."""
        if self._state == self._until_close and not self._buffer:
            self._take(data)
            return
        self._buffer += data
        while not self.done and self._state():
            pass

    def end(self) -> None:
        """Say that the peer closed: completes a body that only the end delimits."""
        if not self.done and self.status and self._state == self._until_close:
            self.complete = True
        self.done = True

    def header(self, name: str) -> str | None:
        """Return the first value of a header, by its lower-case name."""
        return next((value for key, value in self.headers if key == name), None)

    def _head(self) -> bool:
        buffer = self._buffer
        if not _plausible(buffer):
            raise Malformed("The answer is not HTTP.")
        found = _HEAD_END.search(buffer, 0, MAX_HEAD)
        if found is None:
            if len(buffer) >= MAX_HEAD:
                raise Malformed(f"The head of the answer is longer than {MAX_HEAD} bytes.")
            return False
        head = bytes(buffer[: found.start()])
        del buffer[: found.end()]
        first, *lines = head.split(b"\n")
        match = _STATUS.match(first.removesuffix(b"\r"))
        if match is None or int(match[2]) < 100:
            raise Malformed("The status line is not HTTP/1.x.")
        status = int(match[2])
        headers = _headers(lines)
        if 100 <= status < 200 and status != 101:
            self._interim += 1
            if self._interim > MAX_INTERIM:
                raise Malformed(f"More than {MAX_INTERIM} interim answers came.")
            return True
        self.version = match[1].decode("ascii")
        self.status = status
        self.reason = (match[3] or b"").decode("latin-1").strip()
        self.headers = headers
        self._frame()
        return True

    def _frame(self) -> None:
        """Decide where the body ends: RFC 9112 section 6.3."""
        if self._no_body or self.status in (101, 204, 304):
            self._finish()
            return
        coding = [value for key, value in self.headers if key == "transfer-encoding"]
        if coding:
            if len(coding) > 1 or coding[0].lower() != "chunked":
                raise Malformed("The transfer coding is not 'chunked'.")
            self._state = self._chunk_head
            return
        lengths = {
            part.strip()
            for key, value in self.headers
            if key == "content-length"
            for part in value.split(",")
        }
        if not lengths:
            self._state = self._until_close
            return
        length = lengths.pop()
        if lengths or not _LENGTH.match(length):
            raise Malformed("The Content-Length is not one sensible number.")
        self._left = int(length)
        self._state = self._counted

    def _counted(self) -> bool:
        self._take_counted()
        if self._left == 0:
            self._finish()
        return False

    def _until_close(self) -> bool:
        data = bytes(self._buffer)
        self._buffer.clear()
        self._take(data)
        return False

    def _chunk_head(self) -> bool:
        line = self._line("A chunk's head")
        if line is None:
            return False
        match = _CHUNK.match(line)
        if match is None:
            raise Malformed("A chunk does not begin with its size.")
        self._left = int(match[1], 16)
        self._state = self._chunk_body if self._left else self._trailer
        return True

    def _chunk_body(self) -> bool:
        self._take_counted()
        if self._left:
            return False
        self._state = self._chunk_end
        return True

    def _chunk_end(self) -> bool:
        if len(self._buffer) < 2:
            return False
        if self._buffer[:2] != b"\r\n":
            raise Malformed("A chunk is longer than its size.")
        del self._buffer[:2]
        self._state = self._chunk_head
        return True

    def _trailer(self) -> bool:
        line = self._line("A trailer")
        if line is None:
            return False
        if line == b"":
            self._finish()
            return False
        self._interim += 1
        if self._interim > MAX_HEADERS or not _NAME.match(line.partition(b":")[0]):
            raise Malformed("The trailers are malformed or too many.")
        return True

    def _line(self, what: str) -> bytes | None:
        at = self._buffer.find(b"\r\n", 0, _MAX_LINE)
        if at < 0:
            if len(self._buffer) >= _MAX_LINE:
                raise Malformed(f"{what} is longer than {_MAX_LINE} bytes.")
            return None
        line = bytes(self._buffer[:at])
        del self._buffer[: at + 2]
        return line

    def _take_counted(self) -> None:
        data = bytes(self._buffer[: self._left])
        del self._buffer[: len(data)]
        self._left -= len(data)
        self._take(data)

    def _take(self, data: bytes) -> None:
        room = self._max - self._size
        if len(data) > room:
            data, self.cut, self.done = data[:room], True, True
        self._size += len(data)
        if self._sink is None:
            self._body += data
        else:
            self._sink(data)

    def _finish(self) -> None:
        if not self.cut:
            self.complete = True
        self.done = True


def _plausible(buffer: bytearray) -> bool:
    return b"HTTP/".startswith(buffer[:5]) if len(buffer) < 5 else buffer.startswith(b"HTTP/")


def _headers(lines: list[bytes]) -> Headers:
    found: list[tuple[str, str]] = []
    for raw in lines:
        line = raw.removesuffix(b"\r")
        if line[:1] in (b" ", b"\t") and found:
            name, value = found[-1]
            found[-1] = (name, f"{value} {line.strip().decode('latin-1')}")
            continue
        key, colon, rest = line.partition(b":")
        if not colon or not _NAME.match(key):
            raise Malformed("A header line is malformed.")
        if b"\0" in rest:
            raise Malformed("A header holds a NUL byte.")
        found.append((key.decode("ascii").lower(), rest.strip().decode("latin-1")))
        if len(found) > MAX_HEADERS:
            raise Malformed(f"The answer has more than {MAX_HEADERS} headers.")
    return tuple(found)
