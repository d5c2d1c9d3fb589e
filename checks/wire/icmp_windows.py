"""Echo by Windows' own call (iphlpapi.dll), which needs no administrator.

Written from learn.microsoft.com (IcmpSendEcho2Ex, Icmp6SendEcho2, IP_OPTION_INFORMATION, ICMP_ECHO_REPLY,
ICMPV6_ECHO_REPLY) and tested against simulated calls; never run on a real Windows.
"""

from __future__ import annotations

import asyncio
import ctypes
import secrets
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from checks.vantage import CannotTell
from checks.wire.icmp_options import NO_ROUTE, NOT_PERMITTED
from checks.wire.icmp_pace import Pace, Series
from checks.wire.icmp_packet import (
    HOST_UNREACHABLE,
    NET_UNREACHABLE,
    PROHIBITED,
    TIME_EXCEEDED,
    TOKEN_BYTES,
    TOO_BIG,
    Echo,
)

THREADS = 128
_DF = 2
_DEFAULT_TTL = 128
_TIMED_OUT = 11010
_WORDS = {
    11002: NET_UNREACHABLE, 11003: HOST_UNREACHABLE, 11004: "protocol unreachable", 11005: "port unreachable",
    11009: TOO_BIG, 11012: "bad route", 11013: TIME_EXCEEDED, 11014: "reassembly time exceeded",
    11015: "parameter problem", 11018: "bad destination",
}  # fmt: skip
_LOCAL_WORDS = {5: NOT_PERMITTED, 1231: NO_ROUTE, 1232: NO_ROUTE, 11002: NO_ROUTE, 11003: NO_ROUTE}


class IpOptions(ctypes.Structure):
    """IP_OPTION_INFORMATION."""

    _fields_ = (
        ("ttl", ctypes.c_ubyte),
        ("tos", ctypes.c_ubyte),
        ("flags", ctypes.c_ubyte),
        ("options_size", ctypes.c_ubyte),
        ("options", ctypes.c_void_p),
    )


class EchoReply4(ctypes.Structure):
    """ICMP_ECHO_REPLY."""

    _fields_ = (
        ("address", ctypes.c_ubyte * 4),
        ("status", ctypes.c_uint32),
        ("round_trip_ms", ctypes.c_uint32),
        ("data_size", ctypes.c_uint16),
        ("reserved", ctypes.c_uint16),
        ("data", ctypes.c_void_p),
        ("options", IpOptions),
    )


class EchoReply6(ctypes.Structure):
    """ICMPV6_ECHO_REPLY: a packed IPV6_ADDRESS_EX (port, flow, address, scope), status, milliseconds."""

    _fields_ = (
        ("address", ctypes.c_ubyte * 26),
        ("status", ctypes.c_uint32),
        ("round_trip_ms", ctypes.c_uint32),
    )


class WindowsEcho:
    """Echo requests of one address family, each a blocking call in a thread."""

    def __init__(self, version: int, pace: Pace, library: Any = None) -> None:
        self._version = version
        self._pace = pace
        self._library = library if library is not None else _load()
        self._secret = secrets.token_bytes(TOKEN_BYTES - 8)
        self._number = 0
        self._close_handle(self._open_handle())
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="icmp")

    async def series(self, series: Series) -> tuple[Echo, ...]:
        """Run one series; round trips have the resolution of Windows, one millisecond."""
        if series.version == 6 and series.dont_fragment:
            raise CannotTell(
                "Windows fragments large IPv6 echo requests itself, so they cannot show the path MTU.",
                "Test the path MTU over IPv4, or from Linux or macOS.",
            )
        loop = asyncio.get_running_loop()
        started = time.monotonic()
        flights = []
        for index in range(series.count):
            wait = started + index * series.interval - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            await self._pace.turn()
            self._number += 1
            payload = self._secret + self._number.to_bytes(8, "big") + bytes(series.size - TOKEN_BYTES)
            flights.append(loop.run_in_executor(self._pool, self._one, series, index, payload, started))
        return tuple(await asyncio.gather(*flights))

    def _one(self, series: Series, index: int, payload: bytes, started: float) -> Echo:
        buffer = ctypes.create_string_buffer(256 + len(payload))
        options = IpOptions(
            ttl=series.ttl or _DEFAULT_TTL, tos=0, flags=_DF if series.dont_fragment else 0,
            options_size=0, options=None,
        )  # fmt: skip
        timeout_ms = max(1, round(series.timeout * 1000))
        handle = self._open_handle()
        sent = time.monotonic()
        try:
            count, error = self._call(handle, series, payload, options, buffer, timeout_ms)
        finally:
            elapsed_ms = (time.monotonic() - sent) * 1000
            self._close_handle(handle)
        place = {"sequence": index, "sent_s": sent - started}
        responder, status, round_trip_ms, answered = self._read(buffer, payload)
        if not count and (error != status or not status):  # an error that nobody else reported
            return _unanswered(place, error)
        if status != 0:
            if status == _TIMED_OUT:
                return _unanswered(place, status)
            words = _words(self._version, status)
            return Echo(**place, rtt_ms=None, responder=responder, error=words, error_ms=elapsed_ms)  # type: ignore[arg-type]
        if responder != series.address or not answered:
            return Echo(**place, rtt_ms=None, responder=None, error=f"answered by {responder} instead")  # type: ignore[arg-type]
        rtt_ms = min(max(elapsed_ms, round_trip_ms), round_trip_ms + 1.0)
        return Echo(**place, rtt_ms=rtt_ms, responder=responder, error=None)  # type: ignore[arg-type]

    def _call(
        self, handle: Any, series: Series, payload: bytes, options: IpOptions, buffer: Any, timeout_ms: int
    ) -> tuple[int, int]:
        call = self._library.IcmpSendEcho2Ex if self._version == 4 else self._library.Icmp6SendEcho2
        source: Any
        target: Any
        if self._version == 4:
            source = 0
            target = struct.unpack("=I", socket.inet_pton(socket.AF_INET, series.address))[0]
        else:
            source = _sockaddr6("::", 0)
            target = _sockaddr6(series.address, series.scope)
        count = call(
            handle, None, None, None, source, target, payload, len(payload), ctypes.byref(options),
            buffer, len(buffer), timeout_ms,
        )  # fmt: skip
        return int(count), 0 if count else int(self._last_error())

    def _read(self, buffer: Any, payload: bytes) -> tuple[str, int, int, bool]:
        if self._version == 6:
            six = EchoReply6.from_buffer(buffer)
            address = socket.inet_ntop(socket.AF_INET6, bytes(six.address)[6:22])
            return address, six.status, six.round_trip_ms, True  # Windows compares the data itself
        four = EchoReply4.from_buffer(buffer)
        address = socket.inet_ntop(socket.AF_INET, bytes(four.address))
        data = ctypes.string_at(four.data, four.data_size) if four.data and four.data_size else b""
        answered = len(data) >= TOKEN_BYTES and payload.startswith(data)
        return address, four.status, four.round_trip_ms, answered

    def _open_handle(self) -> Any:
        handle = self._library.IcmpCreateFile() if self._version == 4 else self._library.Icmp6CreateFile()
        if handle in (None, 0, -1, ctypes.c_void_p(-1).value):
            raise OSError(self._last_error(), "Windows gives no ICMP handle")
        return handle

    def _close_handle(self, handle: Any) -> None:
        self._library.IcmpCloseHandle(handle)

    def _last_error(self) -> int:
        return int(getattr(ctypes, "get_last_error", lambda: self._library.last_error)())

    async def close(self) -> None:
        """End the threads; calls under way end by their own timeout."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _unanswered(place: dict[str, Any], error: int) -> Echo:
    if error in (0, _TIMED_OUT):
        return Echo(**place, rtt_ms=None, responder=None, error=None)
    words = TOO_BIG if error == 11009 else _LOCAL_WORDS.get(error, f"Windows cannot send it (error {error})")
    return Echo(**place, rtt_ms=None, responder=None, error=words, local=True)


def _words(version: int, status: int) -> str:
    if version == 6 and status == 11004:  # IP_DEST_PROHIBITED shares the number of "protocol unreachable"
        return PROHIBITED
    return _WORDS.get(status, f"Windows status {status}")


def _sockaddr6(address: str, scope: int) -> bytes:
    packed = socket.inet_pton(socket.AF_INET6, address)
    return struct.pack("=HHI16sI", 23, 0, 0, packed, scope)  # AF_INET6 is 23 on Windows


def _load() -> Any:
    loader = getattr(ctypes, "WinDLL", None)
    if loader is None:
        raise OSError(0, "this is not Windows")
    library = loader("iphlpapi", use_last_error=True)
    pointer, dword, word = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint16
    for name in ("IcmpCreateFile", "Icmp6CreateFile"):
        getattr(library, name).restype = pointer
        getattr(library, name).argtypes = []
    library.IcmpCloseHandle.argtypes = [pointer]
    common = [ctypes.c_char_p, word, pointer, pointer, dword, dword]
    library.IcmpSendEcho2Ex.argtypes = [pointer, pointer, pointer, pointer, dword, dword, *common]
    library.Icmp6SendEcho2.argtypes = [
        pointer, pointer, pointer, pointer, ctypes.c_char_p, ctypes.c_char_p, *common,
    ]  # fmt: skip
    library.IcmpSendEcho2Ex.restype = library.Icmp6SendEcho2.restype = dword
    return library
