"""Projects that really run, on the loopback alone: ports to be opened, programs that take their time."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

HEAD = """\
gonogo: 1
project: {{id: real, name: A move that is tested for real, timezone: Europe/Zurich, cutover: "{due}"}}
vendors:
  isp: {{name: Swisscom NOC, phone: +41 800 000 000}}
milestones:
"""
MILESTONES = {
    "now": "  now: {title: It works now, due: +1h, gate: {max_age: 1h}}\n",
    "later": "  later: {title: It works later, due: +9h, gate: {max_age: 1h}}\n",
}


class Port:
    """A port of 127.0.0.1 that nobody else takes: it refuses connections until it is opened."""

    def __enter__(self) -> Self:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    @property
    def number(self) -> int:
        return self._socket.getsockname()[1]

    def open(self) -> None:
        """Start the service: what its owner does when called."""
        self._socket.listen(50)


def tcp(name: str, port: Port, milestone: str = "now") -> str:
    return (
        f"  {name}: {{type: network.tcp, milestone: {milestone}, owner: isp, target: 127.0.0.1, "
        f"port: {port.number}}}\n"
    )


def statement(name: str, milestone: str = "now") -> str:
    return f"  {name}: {{type: manual, milestone: {milestone}, statement: Somebody looked at it}}\n"


def held(gate: Path, after: str, milestone: str = "now", name: str = "held") -> str:
    """A program that goes on until the file `gate` is there: what the test wants to see, it then can."""
    return (
        f"  {name}: {{type: plugin, milestone: {milestone}, needs: [{after}], timeout: 120s, "
        f'command: [/bin/sh, -c, "until [ -e {gate} ]; do sleep 0.05; done; echo OK fine"]}}\n'
    )


def chain(count: int, pause_s: float, milestone: str = "now", name: str = "step") -> str:
    """Programs that follow one another, each of which takes its time and finds nothing wrong."""
    return "".join(
        f"  {name}-{n:02}: {{type: plugin, milestone: {milestone}, "
        f"{f'needs: [{name}-{n - 1:02}], ' if n else ''}"
        f'command: [/bin/sh, -c, "sleep {pause_s}; echo OK fine"]}}\n'
        for n in range(count)
    )


def write(folder: Path, *checks: str) -> Path:
    """Write a project whose cutover is now, with the milestones that its checks name; return its path."""
    file = folder / "real.yaml"
    due = datetime.now(UTC).replace(microsecond=0).isoformat()
    listed = "".join(checks)
    used = "".join(text for name, text in MILESTONES.items() if f"milestone: {name}," in listed)
    file.write_text(f"{HEAD.format(due=due)}{used}checks:\n{listed}", encoding="utf-8")
    return file
