"""Recorded agents: a `.snmprec` file read as an `Agent`, without any socket.

A line is `OID|tag|value`; see snmpsim's documentation of the format. Lines that cannot be read are kept in
`Recording.dirt`.
"""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import Awaitable, Callable, Hashable
from pathlib import Path
from typing import Any

from checks.device.device import Device
from checks.wire.snmp.agent import Index, Oid, Value
from tests.beside import DATA

FOLDER = DATA / "snmp"


def names() -> list[str]:
    """Return the recordings that lie beside the repository; none where there are none."""
    return sorted(path.stem for path in FOLDER.glob("*.snmprec"))


def oid(text: str) -> Oid:
    """Return `1.3.6.1` as a tuple."""
    return tuple(int(arc) for arc in text.strip(".").split("."))


def read(text: str) -> tuple[dict[Oid, Value], list[str]]:
    """Return the objects of a recording, and the lines that are none."""
    found: dict[Oid, Value] = {}
    dirt: list[str] = []
    for line in text.splitlines():
        parts = line.split("|", 2)
        try:
            name, tag, value = oid(parts[0]), parts[1], parts[2]
            found[name] = _value(tag, value)
        except (ValueError, IndexError):
            dirt.append(line)
    return found, dirt


def _value(tag: str, value: str) -> Value:
    if tag.endswith("x"):
        return bytes.fromhex(value)
    kind = int(tag)
    if kind == 4:
        return value.encode("utf-8", "surrogateescape")
    if kind == 6:
        return oid(value)
    if kind == 64:
        return bytes(int(part) for part in value.split("."))
    if kind == 5:
        raise ValueError("NULL is no value")
    return int(value)


class Recording:
    """An `Agent` over recorded objects; `contexts` are the tables of single VLANs."""

    def __init__(
        self, objects: dict[Oid, Value], name: str = "recording", contexts: dict[str, Recording] | None = None
    ) -> None:
        self.name = name
        self.objects = objects
        self.contexts = contexts or {}
        self.dirt: list[str] = []
        self.quirks: tuple[str, ...] = ()
        self._sorted = sorted(objects)

    @classmethod
    def of(cls, path: Path) -> Recording:
        """Read a `.snmprec` file."""
        objects, dirt = read(path.read_text("utf-8", "surrogateescape"))
        made = cls(objects, path.stem)
        made.dirt = dirt
        return made

    async def get(self, *oids: Oid) -> dict[Oid, Value]:
        return {one: self.objects[one] for one in oids if one in self.objects}

    async def table(self, *columns: Oid, ordered: bool = True) -> dict[Oid, dict[Index, Value]]:
        return {column: self._column(column) for column in columns}

    def _column(self, column: Oid) -> dict[Index, Value]:
        first = bisect.bisect_left(self._sorted, column)
        found: dict[Index, Value] = {}
        for one in self._sorted[first:]:
            if one[: len(column)] != column:
                break
            if len(one) > len(column):
                found[one[len(column) :]] = self.objects[one]
        return found

    def in_context(self, context: str) -> Recording:
        return self.contexts.get(context) or Recording({}, f"{self.name}@{context}")


def device(agent: Any) -> Device:
    """Return a device over an agent, with a memory of its own in place of a run's."""
    flights: dict[Hashable, asyncio.Future[Any]] = {}

    async def once(key: Hashable, make: Callable[[], Awaitable[Any]]) -> Any:
        if key not in flights:
            flights[key] = asyncio.ensure_future(make())
        return await flights[key]

    return Device(agent, agent.name, once)
