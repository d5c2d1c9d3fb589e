"""Echo by the system's `ping` program: the last resort, and the least exact.

The programs keep a pace of their own (at least 0.2 s on Linux and macOS, always 1 s on Windows), so a series
may come back shorter than it was ordered. Linux and macOS are made to speak English; Windows' translated text
is read by its shape: a line with an address and milliseconds is a reply, one with an address only an error.
What the local firewall drops, iputils reports as lost. Tested against recorded output; on macOS and Windows
it was never run.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
import os
import re
import shutil
import sys

from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.icmp_options import NO_ROUTE, NOT_PERMITTED
from checks.wire.icmp_pace import Series
from checks.wire.icmp_packet import (
    HOST_UNREACHABLE,
    NET_UNREACHABLE,
    PROHIBITED,
    TIME_EXCEEDED,
    TOO_BIG,
    Echo,
)

PROCESSES = 32
FEW = 5
"""So many requests are sent even if that takes longer than ordered: controls and retries count on them."""
MAX_OUTPUT = 1 << 20
_LEAST_INTERVAL = {"win32": 1.0}
_SEQUENCE = re.compile(r"\b(?:icmp_)?seq[= ](\d+)")
_TIME = re.compile(r"[=<]\s*(\d+(?:[.,]\d+)?)\s*[mм]")  # ms, Spanish "<1m", Russian in Cyrillic
_MTU = re.compile(r"mtu\s*[=:]\s*(\d+)", re.IGNORECASE)
_REPLY = re.compile(r"bytes from ([0-9A-Fa-f:.]+)(?:%\S+?)?:? .*\btime=(\d+(?:\.\d+)?) ?ms")
_FROM = re.compile(r"\bfrom ([0-9A-Fa-f:.]+[0-9A-Fa-f])", re.IGNORECASE)
_COMPLAINT = re.compile(r"(\S*/)?(ping6?|connect|sendmsg): ")
_ERRORS = (
    (("frag needed", "too big", "message too long"), TOO_BIG),
    (("time to live exceeded", "time exceeded", "hop limit"), TIME_EXCEEDED),
    (("filtered", "prohibited"), PROHIBITED),
    (("host unreachable", "address unreachable"), HOST_UNREACHABLE),
    (("net unreachable", "no route"), NET_UNREACHABLE),
)
_LOCAL_ERRORS = (
    ("not permitted", NOT_PERMITTED),
    ("permission denied", NOT_PERMITTED),
    ("message too long", TOO_BIG),
    ("unreachable", NO_ROUTE),
    ("no route", NO_ROUTE),
    ("assign requested address", NO_ROUTE),
)


class PingCommand:
    """Echo requests of one address family by `ping`; raises FileNotFoundError if there is none."""

    def __init__(self, version: int, system: str = sys.platform) -> None:
        name = "ping6" if system == "darwin" and version == 6 else "ping"
        program = shutil.which(name)
        if program is None:
            raise FileNotFoundError(2, f"there is no {name} command")
        self._program = program
        self._system = system
        self._slots = asyncio.Semaphore(PROCESSES)

    async def series(self, series: Series) -> tuple[Echo, ...]:
        """Run `ping` once; it may send fewer requests than ordered, at its own pace, in the same time."""
        if self._system == "win32" and series.dont_fragment:
            raise CannotTell(
                "The output of Windows' ping does not tell a packet that is too big from one that was lost.",
                "Run gonogo where it can use Windows' ICMP calls, or test the path MTU from Linux or macOS.",
            )
        count, interval = paced(series, self._system)
        line = arguments(series, count, interval, self._system)
        limit = count * interval + series.timeout * (count if self._system == "win32" else 1) + 5
        async with self._slots:
            try:
                process = await asyncio.create_subprocess_exec(
                    self._program, *line,
                    stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.STDOUT, env={**os.environ, "LC_ALL": "C", "LANG": "C"},
                )  # fmt: skip
            except OSError as error:
                raise CannotTell(
                    f"The system's ping command could not be started: {error.strerror}.",
                    "Make it work for this account (Debian: reinstall iputils-ping), or run gonogo as root.",
                ) from None
            try:
                async with asyncio.timeout(limit):
                    output = await _read(process)
            except TimeoutError:
                raise CannotTell(
                    "The system's ping command did not end.", "Run it by hand and see what it waits for."
                ) from None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        text = output.decode("oem" if sys.platform == "win32" else "utf-8", "replace")
        return parse(text, series, count, interval, self._system)

    async def close(self) -> None:
        """Nothing is held between series."""


async def _read(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    output = bytearray()
    while chunk := await process.stdout.read(65536):
        output += chunk[: max(0, MAX_OUTPUT - len(output))]
    await process.wait()
    return bytes(output)


def paced(series: Series, system: str) -> tuple[int, float]:
    """Return number and interval of what the program can do in the time the series was to take."""
    interval = max(series.interval, _LEAST_INTERVAL.get(system, 0.2))
    if system == "win32":
        interval = 1.0
    in_time = math.floor(series.count * series.interval / interval)
    return min(series.count, max(in_time, FEW)), interval


def arguments(series: Series, count: int, interval: float, system: str) -> list[str]:
    """Return the program's arguments."""
    address = f"{series.address}%{series.scope}" if series.scope else series.address
    milliseconds = str(max(1, round(series.timeout * 1000)))
    if system == "win32":
        line = [f"-{series.version}", "-n", str(count), "-w", milliseconds, "-l", str(series.size)]
        return [*line, *(["-i", str(series.ttl)] if series.ttl else []), address]
    line = ["-n", "-c", str(count), "-i", f"{interval:g}", "-s", str(series.size)]
    if system == "darwin":
        if series.version == 4:
            line += ["-W", milliseconds, *(["-D"] if series.dont_fragment else [])]
            line += ["-m", str(series.ttl)] if series.ttl else []
        else:
            line += ["-D"] if series.dont_fragment else []
            line += ["-h", str(series.ttl)] if series.ttl else []
        return [*line, address]
    line += [f"-{series.version}", "-W", f"{series.timeout:g}"]
    line += ["-M", "do" if series.dont_fragment else "dont"]
    return [*line, *(["-t", str(series.ttl)] if series.ttl else []), address]


def parse(text: str, series: Series, count: int, interval: float, system: str) -> tuple[Echo, ...]:
    """Read the program's output: `count` echoes; raises CannotTell if it did not work."""
    found = _by_shape(text, series) if system == "win32" else _by_words(text, series, count, system)
    if not found and system != "win32" and not re.search(rf"\b{count}\b.* transmitted", text):
        words = " ".join(text.split())
        raise CannotTell(
            f"The system's ping command did not work: {safe(words, limit=200) or 'it said nothing'}",
            "Run it by hand and mend what it complains about.",
        )
    blank = Echo(sequence=0, sent_s=0.0, rtt_ms=None, responder=None, error=None)
    echoes = []
    for index in range(count):
        echo = found.get(index, blank)
        late = echo.rtt_ms is not None and echo.rtt_ms > series.timeout * 1000
        echoes.append(
            Echo(
                sequence=index, sent_s=index * interval, rtt_ms=None if late else echo.rtt_ms,
                responder=echo.responder, error=echo.error, mtu=echo.mtu, local=echo.local,
            )
        )  # fmt: skip
    return tuple(echoes)


def _by_words(text: str, series: Series, count: int, system: str) -> dict[int, Echo]:
    first = 0 if system == "darwin" or re.search(r"seq=0\b", text) else 1
    found: dict[int, Echo] = {}
    local: Echo | None = None
    for line in text.splitlines():
        numbered = _SEQUENCE.search(line)
        free = next((index for index in range(count) if index not in found), count)
        index = int(numbered[1]) - first if numbered else free
        reply = _REPLY.search(line)
        source = _FROM.search(line)
        mtu = int(match[1]) if (match := _MTU.search(line)) else None
        lower = line.lower()
        if not 0 <= index < count:
            continue
        if reply is not None:
            own = _same(reply[1], series.address)
            if own and (index not in found or found[index].rtt_ms is None):
                found[index] = _echo(rtt_ms=float(reply[2]), responder=series.address)
            elif not own:
                found.setdefault(index, _echo(error=f"answered by {reply[1].rstrip(':')} instead"))
        elif source is not None and ("from" in lower.split() and "---" not in line):
            words = next((words for keys, words in _ERRORS if any(key in lower for key in keys)), None)
            if words is not None:
                error = f"{words} (mtu {mtu})" if mtu else words
                found.setdefault(index, _echo(responder=source[1], error=error, mtu=mtu))
        elif _COMPLAINT.match(lower):
            words = next((words for key, words in _LOCAL_ERRORS if key in lower), None)
            if words is not None:
                error = f"{words} (mtu {mtu})" if mtu else words
                local = _echo(error=error, mtu=mtu, local=True)
    if local is not None:
        for index in range(count):
            found.setdefault(index, local)
    return found


def _by_shape(text: str, series: Series) -> dict[int, Echo]:
    """Read Windows' output: a heading, then one line for each request up to the first blank line."""
    lines = text.replace("\r\n", "\n").strip("\n").split("\n")
    found: dict[int, Echo] = {}
    for index, line in enumerate(lines[1:]):
        if not line.strip():
            break
        address = _address_in(line)
        times = _TIME.findall(line)
        if address is None:
            if line.upper().startswith("PING:"):
                found[index] = _echo(
                    error=f"this machine cannot send it: {safe(line, limit=100)}", local=True
                )
        elif times and _same(address, series.address):
            found[index] = _echo(rtt_ms=float(times[-1].replace(",", ".")), responder=series.address)
        elif times:
            found[index] = _echo(error=f"answered by {address} instead")
        else:
            words = TIME_EXCEEDED if series.ttl else "unreachable"
            found[index] = _echo(responder=address, error=words)
    return found


def _echo(
    *,
    rtt_ms: float | None = None,
    responder: str | None = None,
    error: str | None = None,
    mtu: int | None = None,
    local: bool = False,
) -> Echo:
    return Echo(sequence=0, sent_s=0.0, rtt_ms=rtt_ms, responder=responder, error=error, mtu=mtu, local=local)


def _address_in(line: str) -> str | None:
    for word in line.split():
        candidate = word.rstrip(":,.;").partition("%")[0]
        if "." not in candidate and ":" not in candidate:
            continue
        try:
            return str(ipaddress.ip_address(candidate))
        except ValueError:
            continue
    return None


def _same(one: str, other: str) -> bool:
    try:
        return ipaddress.ip_address(one.rstrip(":")) == ipaddress.ip_address(other)
    except ValueError:
        return False
