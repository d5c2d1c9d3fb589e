"""HTTP/2 as a client of one request at a time, without I/O: RFC 9113, and of HPACK what that takes.

For DNS over HTTPS, which many servers speak over HTTP/2 only. The header table is set to size zero, so
nothing is remembered between header blocks; of an answer only the status and the body are read. Everything
is bounded, and whatever does not fit raises `Malformed`.
"""

from __future__ import annotations

import struct

from checks.wire.http1 import Headers, Malformed

MAX_FRAME = 16384
MAX_BLOCK = 65536
MAX_FRAMES = 1000
"""Frames that one answer may take, whatever their kind."""
MAX_STREAMS = 500
"""Requests on one connection; then a new one is due."""
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST, _SETTINGS, _PUSH, _PING, _GOAWAY, _WINDOW, _CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 8, 9
_END_STREAM, _ACK, _END_HEADERS, _PADDED, _PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
_TABLE_SIZE, _ENABLE_PUSH, _INITIAL_WINDOW = 1, 2, 4
_WINDOW_SIZE = 65535
_STATUS = (200, 204, 206, 304, 400, 404, 500)
"""The statuses of HPACK's static table, from index 8."""
_LAST_STATIC = 61
_DIGITS = {
    "00000": "0", "00001": "1", "00010": "2", "011001": "3", "011010": "4", "011011": "5", "011100": "6",
    "011101": "7", "011110": "8", "011111": "9",
}  # fmt: skip
"""HPACK's Huffman codes of the digits, which are all that a status is made of."""
_NAMES = {"content-type": 31, "content-length": 28, "accept": 19, "user-agent": 58}


class Connection:
    """One connection: send what `request` and `feed` return, and feed what comes until `done`.

    `status` and `body` are those of the last answer. `refused` says that the server will not answer this
    request and did not act on it, so that another connection may be tried.
    """

    def __init__(self, authority: str, path: str, max_body: int) -> None:
        self._authority, self._path, self._max_body = authority, path, max_body
        self._buffer = bytearray()
        self._stream = -1
        self._room, self._room_a_stream = _WINDOW_SIZE, _WINDOW_SIZE
        self._owed = 0
        self._settled = False
        self._block: bytearray | None = None
        self._block_ends = False
        self.going = False
        self._begin()

    def _begin(self) -> None:
        self.status = 0
        self.body = bytearray()
        self.done = self.refused = False
        self._frames = 0

    @property
    def reusable(self) -> bool:
        """Whether another request may follow on this connection."""
        return self.done and not self.going and not self.refused and self._stream < 2 * MAX_STREAMS

    def request(self, headers: Headers, body: bytes) -> bytes:
        """Return the bytes of a POST of `body`; header names are those this module knows."""
        begin = b""
        if self._stream < 0:
            begin = _PREFACE + _frame(_SETTINGS, 0, 0, struct.pack("!HIHI", _TABLE_SIZE, 0, _ENABLE_PUSH, 0))
        self._begin()
        self._stream += 2
        if len(body) > min(self._room, self._room_a_stream):
            raise Malformed("The server leaves no room for a question.")
        self._room -= len(body)
        if self._owed:
            begin, self._owed = _frame(_WINDOW, 0, 0, self._owed.to_bytes(4, "big")), 0
        block = b"\x83\x87" + _literal(4, self._path) + _literal(1, self._authority)
        block += b"".join(_literal(_NAMES[name], value) for name, value in headers)
        return (
            begin
            + _frame(_HEADERS, _END_HEADERS, self._stream, block)
            + _frame(_DATA, _END_STREAM, self._stream, body)
        )

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes and return what must be sent back; raise Malformed."""
        self._buffer += data
        back = b""
        while len(self._buffer) >= 9 and not self.done:
            length = int.from_bytes(self._buffer[:3], "big")
            kind, flags = self._buffer[3], self._buffer[4]
            stream = int.from_bytes(self._buffer[5:9], "big") & 0x7FFFFFFF
            if not self._settled and kind != _SETTINGS:
                raise Malformed("The answer is not HTTP/2.")
            if length > MAX_FRAME:
                raise Malformed(f"A frame is longer than {MAX_FRAME} bytes.")
            if len(self._buffer) < 9 + length:
                break
            payload = bytes(self._buffer[9 : 9 + length])
            del self._buffer[: 9 + length]
            self._frames += 1
            if self._frames > MAX_FRAMES:
                raise Malformed(f"An answer has more than {MAX_FRAMES} frames.")
            back += self._take(kind, flags, stream, payload)
        return back

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> bytes:
        if self._block is not None and (kind != _CONTINUATION or stream != self._stream):
            raise Malformed("A header block is interrupted.")
        if kind == _SETTINGS:
            return self._settings(flags, payload)
        if kind == _PING:
            if len(payload) != 8:
                raise Malformed("A PING has another length than 8 bytes.")
            return b"" if flags & _ACK else _frame(_PING, _ACK, 0, payload)
        if kind == _GOAWAY:
            self._goaway(payload)
        elif kind == _WINDOW:
            if len(payload) != 4:
                raise Malformed("A WINDOW_UPDATE has another length than 4 bytes.")
            if stream == 0:
                self._room = min(self._room + (int.from_bytes(payload, "big") & 0x7FFFFFFF), 2**31 - 1)
        elif kind == _PUSH:
            raise Malformed("The server pushes, which was forbidden.")
        elif stream == self._stream:
            return self._answer(kind, flags, payload)
        elif kind in (_DATA, _HEADERS, _CONTINUATION) and (stream > self._stream or stream % 2 == 0):
            raise Malformed("A frame belongs to a stream that was never opened.")
        return b""

    def _settings(self, flags: int, payload: bytes) -> bytes:
        if flags & _ACK:
            return b""
        if len(payload) % 6:
            raise Malformed("A SETTINGS frame has no whole number of settings.")
        for at in range(0, len(payload), 6):
            name, value = struct.unpack_from("!HI", payload, at)
            if name == _INITIAL_WINDOW:
                self._room_a_stream = value
        self._settled = True
        return _frame(_SETTINGS, _ACK, 0, b"")

    def _goaway(self, payload: bytes) -> None:
        if len(payload) < 8:
            raise Malformed("A GOAWAY is shorter than 8 bytes.")
        self.going = True
        if int.from_bytes(payload[:4], "big") & 0x7FFFFFFF < self._stream:
            self.refused = self.done = True

    def _answer(self, kind: int, flags: int, payload: bytes) -> bytes:
        if kind == _RST:
            if len(payload) != 4:
                raise Malformed("A RST_STREAM has another length than 4 bytes.")
            code = int.from_bytes(payload, "big")
            if code != 7:  # REFUSED_STREAM
                raise Malformed(f"The server broke the answer off with the error code {code}.")
            self.refused = self.done = True
        elif kind == _HEADERS:
            self._block = bytearray(_unpadded(flags, payload, priority=bool(flags & _PRIORITY)))
            self._block_ends = bool(flags & _END_STREAM)
            self._headers(flags)
        elif kind == _CONTINUATION:
            if self._block is None:
                raise Malformed("A CONTINUATION continues nothing.")
            self._block += payload
            self._headers(flags)
        elif kind == _DATA:
            if not self.status:
                raise Malformed("The body of the answer comes before its head.")
            self.body += _unpadded(flags, payload)
            if len(self.body) > self._max_body:
                raise Malformed(f"The body of the answer is longer than {self._max_body} bytes.")
            self._owed += len(payload)
            if flags & _END_STREAM:
                self.done = True
            elif self._owed >= _WINDOW_SIZE // 4:
                more, self._owed = self._owed.to_bytes(4, "big"), 0
                return _frame(_WINDOW, 0, 0, more) + _frame(_WINDOW, 0, self._stream, more)
        return b""

    def _headers(self, flags: int) -> None:
        assert self._block is not None
        if len(self._block) > MAX_BLOCK:
            raise Malformed(f"The head of the answer is longer than {MAX_BLOCK} bytes.")
        if not flags & _END_HEADERS:
            return
        block, self._block = bytes(self._block), None
        status = read_status(block)
        if not self.status and status >= 200:
            self.status = status
        elif not self.status and (status < 100 or self._block_ends):
            raise Malformed("The answer has no status.")
        if self._block_ends:
            self.done = True


def read_status(block: bytes) -> int:
    """Return the status in a header block, 0 if it has none; raise Malformed for one that is broken."""
    status, at = 0, 0
    while at < len(block):
        first = block[at]
        if first & 0x80:
            index, at = _integer(block, at, 7)
            if not 0 < index <= _LAST_STATIC:
                raise Malformed("A header refers to a table that is empty.")
            if 8 <= index <= 14:
                status = _STATUS[index - 8]
        elif first & 0xE0 == 0x20:
            _, at = _integer(block, at, 5)
        else:
            index, at = _integer(block, at, 6 if first & 0x40 else 4)
            if index > _LAST_STATIC:
                raise Malformed("A header refers to a table that is empty.")
            name = b""
            if index == 0:
                name, _, at = _string(block, at)
            value, packed, at = _string(block, at)
            if 8 <= index <= 14 or name == b":status":
                status = _number(value, packed=packed)
    return status


def _integer(block: bytes, at: int, bits: int) -> tuple[int, int]:
    most = (1 << bits) - 1
    value = block[at] & most
    at += 1
    if value < most:
        return value, at
    for shift in range(0, 28, 7):
        if at >= len(block):
            break
        byte = block[at]
        at += 1
        value += (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise Malformed("A number in a header block is cut short or too large.")


def _string(block: bytes, at: int) -> tuple[bytes, bool, int]:
    if at >= len(block):
        raise Malformed("A header block is cut short.")
    packed = bool(block[at] & 0x80)
    length, at = _integer(block, at, 7)
    if at + length > len(block):
        raise Malformed("A header runs past the end of its block.")
    return block[at : at + length], packed, at + length


def _number(value: bytes, *, packed: bool) -> int:
    if not 0 < len(value) <= 4:
        raise Malformed("The status is not a number of three digits.")
    if not packed:
        text = value.decode("latin-1")
    else:
        bits, text, code = "".join(f"{byte:08b}" for byte in value), "", ""
        for bit in bits:
            code += bit
            if code in _DIGITS:
                text += _DIGITS[code]
                code = ""
        if len(code) > 7 or "0" in code:
            raise Malformed("The status is not a number of three digits.")
    if not (len(text) == 3 and text.isascii() and text.isdigit()):
        raise Malformed("The status is not a number of three digits.")
    return int(text)


def _unpadded(flags: int, payload: bytes, *, priority: bool = False) -> bytes:
    start, end = 0, len(payload)
    if flags & _PADDED:
        start, end = 1, end - (payload[0] if payload else 0)
    if priority:
        start += 5
    if start > end:
        raise Malformed("The padding of a frame is longer than the frame.")
    return payload[start:end]


def _literal(index: int, value: str) -> bytes:
    raw = value.encode("latin-1")
    return _prefixed(index, 4, 0) + _prefixed(len(raw), 7, 0) + raw


def _prefixed(value: int, bits: int, first: int) -> bytes:
    most = (1 << bits) - 1
    if value < most:
        return bytes((first | value,))
    out, value = bytearray((first | most,)), value - most
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
