"""Two samples of a port's counters and what happened between them, by the agent's own clock."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from checks.dataclass import dataclass
from checks.device.device import Device
from checks.device.values import number, oid
from checks.wire.snmp.agent import Agent, Oid

_IF, _IFX, _DOT3 = oid("1.3.6.1.2.1.2.2.1"), oid("1.3.6.1.2.1.31.1.1.1"), oid("1.3.6.1.2.1.10.7.2.1")
UPTIME = oid("1.3.6.1.2.1.1.3.0")
_OPER = (*_IF, 8)
_RESET = (*_IFX, 19)
ERRORS: Mapping[str, Oid] = {"in_errors": (*_IF, 14), "out_errors": (*_IF, 20)}
DISCARDS: Mapping[str, Oid] = {"in_discards": (*_IF, 13), "out_discards": (*_IF, 19)}
CAUSES: Mapping[str, Oid] = {
    "alignment": (*_DOT3, 2), "fcs": (*_DOT3, 3), "late_collisions": (*_DOT3, 8),
}  # fmt: skip
WIDE: Mapping[str, Oid] = {
    "in_unicast": (*_IFX, 7), "in_multicast": (*_IFX, 8), "in_broadcast": (*_IFX, 9),
    "out_unicast": (*_IFX, 11), "out_multicast": (*_IFX, 12), "out_broadcast": (*_IFX, 13),
}  # fmt: skip
"""64 bits."""
NARROW: Mapping[str, Oid] = {
    "in_unicast": (*_IF, 11), "in_multicast": (*_IF, 12),
    "out_unicast": (*_IF, 17), "out_multicast": (*_IF, 18),
}  # fmt: skip
"""32 bits, where there are no wide ones; ifInNUcastPkts stands for multicast and broadcast."""
_WRAP = 2**32
_MOST = 32 * 60 * 100
"""Ticks that a wrap of sysUpTime may lie between two samples: beyond, it was a restart."""
_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A port's counters in one message, with the agent's clock; what it does not have is left out."""

    if_index: int
    ticks: int | None
    """sysUpTime of the same message."""
    up: bool | None
    reset: int | None
    """ifCounterDiscontinuityTime."""
    wide: bool
    """The packets are counted in 64 bits."""
    counters: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What happened on a port between two samples; `why` says in a sentence why there are no rates."""

    if_index: int
    why: str = ""
    elapsed_s: float = 0.0
    errors: int | None = None
    discards_in: int | None = None
    discards_out: int | None = None
    packets: int | None = None
    causes: dict[str, int] | None = None
    """New FCS and alignment errors and late collisions, where EtherLike-MIB tells them."""
    untold: tuple[str, ...] = ()
    """Directions (`in`, `out`) whose errors are not counted; `errors` is of the other alone."""


async def sample(device: Device, ports: Iterable[int]) -> dict[int, Sample]:
    """Return one sample of each port; a port that the agent does not have any more is left out."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(if_index: int) -> Sample | None:
        async with gate:
            return await _sample(device.agent, if_index)

    found = await asyncio.gather(*(one(if_index) for if_index in ports))
    return {taken.if_index: taken for taken in found if taken is not None}


async def _sample(agent: Agent, if_index: int) -> Sample | None:
    fixed = {**ERRORS, **DISCARDS, **CAUSES}
    values, counters = await _asked(agent, if_index, {**fixed, **WIDE})
    wide = "in_unicast" in counters or "out_unicast" in counters
    if not wide:
        values, counters = await _asked(agent, if_index, {**fixed, **NARROW})
    if not counters and _OPER not in values:
        return None
    oper = values.get(_OPER)
    return Sample(
        if_index=if_index, ticks=values.get(UPTIME), up=None if oper is None else oper == 1,
        reset=values.get(_RESET), wide=wide, counters=counters,
    )  # fmt: skip


async def _asked(
    agent: Agent, if_index: int, wanted: Mapping[str, Oid]
) -> tuple[dict[Oid, int], dict[str, int]]:
    """Ask for at most 16 objects, so that they are one message."""
    columns = {name: (*column, if_index) for name, column in wanted.items()}
    head = {UPTIME: UPTIME, _OPER: (*_OPER, if_index), _RESET: (*_RESET, if_index)}
    asked = list(dict.fromkeys((*head.values(), *columns.values())))[:16]
    found = await agent.get(*asked)
    numbers = {place: value for place, raw in found.items() if (value := number(raw)) is not None}
    return (
        {name: numbers[place] for name, place in head.items() if place in numbers},
        {name: numbers[place] for name, place in columns.items() if place in numbers},
    )


def elapsed(before: int | None, after: int | None) -> float | None:
    """Return the seconds between two values of sysUpTime; None after a restart, and where one is missing.

    The clock of 32 bits starts again after 497 days, which is no restart.
    """
    if before is None or after is None:
        return None
    ticks = after - before
    if ticks < 0:
        ticks += _WRAP
        if ticks > _MOST:
            return None
    return ticks / 100


def rates(before: Sample, after: Sample | None) -> Rates:
    """Return what happened between two samples of one port."""
    port = before.if_index
    if after is None:
        return Rates(if_index=port, why="The port disappeared between the two samples.")
    seconds = elapsed(before.ticks, after.ticks)
    if before.ticks is None or after.ticks is None:
        return Rates(if_index=port, why="The agent does not tell its own clock.")
    if seconds is None:
        return Rates(if_index=port, why="The device or its agent was restarted between the two samples.")
    if seconds <= 0:
        return Rates(if_index=port, why="The agent's clock did not move between the two samples.")
    if before.reset != after.reset:
        return Rates(if_index=port, why="The port's counters were reset between the two samples.")
    if before.wide != after.wide:
        return Rates(if_index=port, why="The agent counts with other counters than before.")
    moved: dict[str, int] = {}
    for name, old in before.counters.items():
        new = after.counters.get(name)
        if new is None:
            continue
        grown = new - old
        if grown < 0 and before.wide and name in WIDE:
            return Rates(
                if_index=port, why="A 64-bit counter went backwards: the port's counters were reset."
            )
        moved[name] = grown if grown >= 0 else grown + _WRAP
    if any(name in moved and moved[name] > _WRAP // 2 for name in (*ERRORS, *DISCARDS, *CAUSES)):
        return Rates(if_index=port, why="A counter of errors went backwards: the counters were cleared.")
    return Rates(
        if_index=port, elapsed_s=seconds,
        errors=_sum(moved, ERRORS), discards_in=moved.get("in_discards"),
        discards_out=moved.get("out_discards"), packets=_sum(moved, WIDE if before.wide else NARROW),
        causes={name: moved[name] for name in CAUSES if name in moved},
        untold=tuple(name.partition("_")[0] for name in ERRORS if name not in moved),
    )  # fmt: skip


def _sum(moved: Mapping[str, int], names: Iterable[str]) -> int | None:
    found = [moved[name] for name in names if name in moved]
    return sum(found) if found else None
