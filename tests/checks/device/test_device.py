"""A device of a run: each part is read once, and what is odd about its agent is evidence."""

from __future__ import annotations

import asyncio

import pytest

from checks.device.device import Device
from checks.vantage import CannotTell
from tests.recordings import Recording, device


async def names(device: Device) -> tuple[str, ...]:
    return (device.name,)


async def refused(device: Device) -> tuple[str, ...]:
    raise CannotTell("It refuses.", "Ask it otherwise.")


async def test_a_part_is_read_once_whoever_asks() -> None:
    read = 0

    async def counted(_: Device) -> int:
        nonlocal read
        read += 1
        await asyncio.sleep(0)
        return read

    one = device(Recording({}))
    assert await asyncio.gather(one.read(counted), one.read(counted)) == [1, 1]


async def test_what_is_odd_is_told_once_also_where_reading_failed() -> None:
    agent, told = Recording({}, "sw1"), []
    agent.quirks = ("It answers from 10.0.0.9.",)

    async def once(_, make):
        return await make()

    one = Device(agent, "key", once, told.append)
    with pytest.raises(CannotTell):
        await one.read(refused)
    assert await one.read(names) == ("sw1",)
    assert told == ["sw1: It answers from 10.0.0.9."]
