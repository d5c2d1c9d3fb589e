"""Windows' echo calls, simulated: a library that writes replies as Windows lays them out."""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct

import pytest

from checks.vantage import CannotTell
from checks.wire.icmp_options import NO_ROUTE
from checks.wire.icmp_pace import Pace, Series
from checks.wire.icmp_packet import PROHIBITED, TIME_EXCEEDED
from checks.wire.icmp_windows import WindowsEcho


class Library:
    """iphlpapi.dll as this test wants it; `answer(payload)` is (count, status, address, ms, data, error)."""

    def __init__(self, answer):
        self.answer = answer
        self.last_error = 0
        self.calls = []
        self.open = 0

    def IcmpCreateFile(self):
        self.open += 1
        return 77

    Icmp6CreateFile = IcmpCreateFile

    def IcmpCloseHandle(self, handle):
        assert handle == 77
        self.open -= 1

    def IcmpSendEcho2Ex(
        self, handle, event, apc, context, source, target, data, size, options, buffer, room, ms
    ):
        option = ctypes.cast(options, ctypes.POINTER(ctypes.c_ubyte))
        self.calls.append((struct.pack("=I", target), len(data), option[0], option[2], ms))
        count, status, address, rtt, echoed, self.last_error = self.answer(data)
        where = ctypes.addressof(buffer) + 64
        at = struct.pack("=4sIIHHQ", socket.inet_aton(address), status, rtt, len(echoed), 0, where)
        assert room >= 64 + len(echoed)
        ctypes.memmove(buffer, at, len(at))
        ctypes.memmove(where, echoed, len(echoed))
        return count

    def Icmp6SendEcho2(
        self, handle, event, apc, context, source, target, data, size, options, buffer, room, ms
    ):
        assert source == struct.pack("=HHI16sI", 23, 0, 0, bytes(16), 0)
        self.calls.append(target)
        count, status, address, rtt, _, self.last_error = self.answer(data)
        packed = struct.pack("=HI16sI", 0, 0, socket.inet_pton(socket.AF_INET6, address), 0)
        at = packed + b"\0\0" + struct.pack("=II", status, rtt)
        ctypes.memmove(buffer, at, len(at))
        return count


def run(answer, address="192.0.2.9", **more):
    given = {"count": 1, "interval": 0.0, "timeout": 1.5, "size": 56, "ttl": None, "dont_fragment": False}
    series = Series(address=address, **{**given, **more})
    library = Library(answer)

    async def ask():
        echo = WindowsEcho(series.version, Pace(), library)
        try:
            return await echo.series(series)
        finally:
            await echo.close()

    echoes = asyncio.run(ask())
    assert library.open == 0
    return echoes, library


def test_a_reply():
    (echo,), library = run(lambda data: (1, 0, "192.0.2.9", 0, data, 0), dont_fragment=True, ttl=9)
    assert echo.responder == "192.0.2.9"
    assert 0 <= echo.rtt_ms <= 1.0
    assert library.calls == [(socket.inet_aton("192.0.2.9"), 56, 9, 2, 1500)]


def test_milliseconds_are_windows_own():
    (echo,), _ = run(lambda data: (1, 0, "192.0.2.9", 40, data, 0))
    assert 40 <= echo.rtt_ms <= 41


@pytest.mark.parametrize(
    ("answer", "responder", "error", "local"),
    [
        (lambda d: (0, 0, "0.0.0.0", 0, b"", 11010), None, None, False),
        (lambda d: (1, 11010, "0.0.0.0", 0, b"", 0), None, None, False),
        (lambda d: (1, 11013, "10.0.0.1", 3, b"", 0), "10.0.0.1", TIME_EXCEEDED, False),
        (lambda d: (0, 11013, "10.0.0.1", 3, b"", 11013), "10.0.0.1", TIME_EXCEEDED, False),
        (lambda d: (1, 11009, "10.0.0.1", 3, b"", 0), "10.0.0.1", "too big", False),
        (lambda d: (0, 0, "0.0.0.0", 0, b"", 11009), None, "too big", True),
        (lambda d: (0, 0, "0.0.0.0", 0, b"", 1231), None, NO_ROUTE, True),
        (lambda d: (0, 0, "0.0.0.0", 0, b"", 11050), None, "Windows cannot send it (error 11050)", True),
        (lambda d: (1, 0, "192.0.2.77", 1, d, 0), None, "answered by 192.0.2.77 instead", False),
        (lambda d: (1, 0, "192.0.2.9", 1, b"z" * 56, 0), None, "answered by 192.0.2.9 instead", False),
    ],
)
def test_what_is_no_reply(answer, responder, error, local):
    (echo,), _ = run(answer)
    assert (echo.rtt_ms, echo.responder, echo.error, echo.local) == (None, responder, error, local)


def test_ipv6():
    (echo,), library = run(lambda d: (1, 0, "fd00::9", 2, b"", 0), address="fd00::9", scope=5)
    assert 2 <= echo.rtt_ms <= 3
    assert library.calls[0][8:24] == socket.inet_pton(socket.AF_INET6, "fd00::9")
    assert library.calls[0][24:] == struct.pack("=I", 5)
    (echo,), _ = run(lambda d: (1, 11004, "fd00::1", 2, b"", 0), address="fd00::9")
    assert (echo.responder, echo.error) == ("fd00::1", PROHIBITED)


def test_large_ipv6_pings_prove_nothing_on_windows():
    with pytest.raises(CannotTell):
        run(lambda d: (1, 0, "fd00::9", 2, b"", 0), address="fd00::9", dont_fragment=True)


def test_a_series_keeps_its_order():
    echoes, _ = run(lambda d: (1, 0, "192.0.2.9", 0, d, 0), count=5, interval=0.002)
    assert [echo.sequence for echo in echoes] == [0, 1, 2, 3, 4]
