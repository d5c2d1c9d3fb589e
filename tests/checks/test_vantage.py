"""The check's way out: made once, closed once, capped, and secrets remembered."""

from __future__ import annotations

import asyncio

import pytest

from checks.vantage import MAX_NOTE_CHARS, MAX_NOTES, CannotTell, Shared, Vantage


def test_once_is_one_flight_for_all():
    made = []

    async def main():
        shared = Shared()
        gate = asyncio.Event()

        async def make():
            made.append(1)
            await gate.wait()
            return object()

        waiting = [asyncio.create_task(shared.once("key", make)) for _ in range(50)]
        await asyncio.sleep(0)
        gate.set()
        values = await asyncio.gather(*waiting)
        assert len({id(value) for value in values}) == 1
        assert await shared.once("key", make) is values[0]
        assert await shared.once("other", make) is not values[0]

    asyncio.run(main())
    assert len(made) == 2


def test_a_cancelled_caller_leaves_the_work_to_the_others():
    async def main():
        shared, gate = Shared(), asyncio.Event()

        async def make():
            await gate.wait()
            return 7

        first = asyncio.create_task(shared.once("key", make))
        second = asyncio.create_task(shared.once("key", make))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        gate.set()
        assert await second == 7

    asyncio.run(main())


def test_an_exception_is_everybody_s_and_not_retried():
    made = []

    async def main():
        shared = Shared()

        async def make():
            made.append(1)
            raise CannotTell("No socket.", "Get one.")

        for _ in range(3):
            with pytest.raises(CannotTell, match="No socket"):
                await shared.once("key", make)

    asyncio.run(main())
    assert made == [1]


def test_nobody_waiting_for_a_failed_flight_is_no_complaint(caplog):
    async def main():
        shared = Shared()

        async def make():
            await asyncio.sleep(0)
            raise OSError("gone")

        task = asyncio.create_task(shared.once("key", make))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0.01)
        await shared.close()

    asyncio.run(main())
    assert "never retrieved" not in caplog.text


class Recorded:
    """A client that writes down what happens to it."""

    log: list[str] = []  # noqa: RUF012

    @classmethod
    async def open(cls, shared):
        await asyncio.sleep(0)
        cls.log.append(f"open {cls.__name__}")
        return cls()

    async def close(self):
        self.log.append(f"close {type(self).__name__}")


class First(Recorded):
    pass


class Second(Recorded):
    pass


def test_a_client_is_opened_once_and_closed_last_first():
    Recorded.log.clear()

    async def main():
        shared = Shared()
        views = [Vantage(shared, str(n)) for n in range(20)]
        firsts = await asyncio.gather(*(view.client(First) for view in views))
        assert len({id(client) for client in firsts}) == 1
        await views[0].client(Second)
        await shared.close()
        await shared.close()

    asyncio.run(main())
    assert Recorded.log == ["open First", "open Second", "close Second", "close First"]


def test_close_stops_work_that_never_ends():
    async def main():
        shared, started, stopped = Shared(), asyncio.Event(), []

        async def forever():
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                stopped.append(1)

        task = asyncio.create_task(shared.once("key", forever))
        await started.wait()
        await shared.close()
        await asyncio.gather(task, return_exceptions=True)
        assert stopped == [1]

    asyncio.run(main())


def test_secrets_are_resolved_and_remembered():
    shared = Shared(resolve_secret={"env:A": "s3cret"}.__getitem__)
    assert Vantage(shared).secret("env:A") == "s3cret"
    assert shared.secrets_seen == {"s3cret": "env:A"}


def test_without_a_resolver_a_secret_cannot_be_told():
    with pytest.raises(CannotTell) as caught:
        Vantage(Shared()).secret("env:A")
    assert caught.value.fix


def test_notes_are_capped_in_number_and_length_and_the_cut_is_said():
    vantage = Vantage(Shared())
    vantage.note("x" * (MAX_NOTE_CHARS + 5))
    for n in range(MAX_NOTES * 2):
        vantage.note(str(n))
    notes = vantage.notes()
    assert len(notes) == MAX_NOTES + 1
    assert notes[0].text.endswith("[5 more characters]")
    assert "201 more notes" in notes[-1].text
    assert all(note.at.tzinfo for note in notes)


def test_remaining_never_goes_below_zero():
    assert Vantage(Shared(), allowance=0.0).remaining() == 0.0
    assert 0 < Vantage(Shared(), allowance=5.0).remaining() <= 5.0
