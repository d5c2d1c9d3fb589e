"""The thread that keeps limits, and the places of a connection."""

from __future__ import annotations

import asyncio
import threading

import pytest

from checks.wire.ssh.slots import Slots
from checks.wire.ssh.watchdog import Watchdog


@pytest.fixture
def dog():
    watchdog = Watchdog()
    yield watchdog
    watchdog.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "ssh-watchdog"]


def test_a_block_that_takes_too_long_is_cut(dog):
    cut = threading.Event()
    with dog.limit(0.02, cut.set) as guard:
        assert cut.wait(10)
    assert guard.fired


def test_a_shorter_limit_that_comes_later_is_kept(dog):
    cut = threading.Event()
    with dog.limit(600, lambda: None) as long, dog.limit(0.02, cut.set) as short:
        assert cut.wait(10)
    assert (long.fired, short.fired) == (False, True)


def test_a_block_that_was_left_is_not_cut(dog):
    late, other = threading.Event(), threading.Event()
    with dog.limit(0.05, late.set):
        pass
    with dog.limit(0.1, other.set):
        assert other.wait(10)
    assert not late.is_set()


def test_a_cut_that_fails_stops_no_other(dog):
    cut = threading.Event()

    def fails():
        raise OSError("gone")

    with dog.limit(0.01, fails), dog.limit(0.02, cut.set):
        assert cut.wait(10)


def test_many_limits_that_were_kept_leave_nothing(dog):
    for _ in range(1000):
        with dog.limit(600, lambda: None):
            pass
    assert len(dog._due) <= 66


async def test_places_are_taken_given_and_fewer_after_a_refusal():
    slots = Slots(3)
    for _ in range(3):
        await slots.take()
    waiting = [asyncio.ensure_future(slots.take()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    waiting[0].cancel()
    slots.give()
    await asyncio.wait(waiting[1:], return_when=asyncio.FIRST_COMPLETED)
    assert sum(task.done() and not task.cancelled() for task in waiting) == 1
    slots.shrink(1)
    slots.give()
    slots.give()
    await asyncio.sleep(0)
    assert (slots.limit, slots.used) == (1, 1)
    slots.give()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert slots.used == 1
    slots.shrink(0)
    assert slots.limit == 1
