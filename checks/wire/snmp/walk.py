"""Scalars and tables of an agent, whatever the version: several columns a question, questions that shrink.

What an agent cannot cope with is found by asking for less, down the rungs of `RUNGS`; what it says is held
against what was asked, so that an agent that answers in circles, breaks off or invents is named, and a table
is returned whole or not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from checks.vantage import CannotTell
from checks.wire.snmp import ber, failures
from checks.wire.snmp.agent import Index, Oid, Value
from checks.wire.snmp.line import Line, Outcome, SilenceError

MAX_ROWS = 100_000
TABLE_S = 45.0
GET_AT_ONCE = 16
_MOST_BINDINGS = 300
"""More would be cut by most agents, or be lost with one fragment."""
_FIRST_REPETITIONS = 20
"""Most tables are short, and what a device reads beyond their end costs it time."""
_TOO_BIG, _NO_SUCH_NAME = 1, 2
_GEN_ERR: Final = 5
_RESOURCES: Final = 13


class Rung(NamedTuple):
    """How much is asked at once."""

    kind: int
    repetitions: int
    columns: int
    tries: int
    v1: bool = False


RUNGS = (
    Rung(ber.GETBULK, 50, 10, 3),
    Rung(ber.GETBULK, 25, 10, 2),
    Rung(ber.GETBULK, 10, 5, 2),
    Rung(ber.GETNEXT, 1, 5, 3),
    Rung(ber.GETNEXT, 1, 1, 4),
    Rung(ber.GETNEXT, 1, 1, 3, v1=True),
)
_FIRST_NEXT = 3


class _Column:
    __slots__ = ("ended", "last", "name", "oid", "rows", "suffix")

    def __init__(self, oid: Oid) -> None:
        self.oid = oid
        self.name = ber.encode_oid(oid)
        self.rows: dict[Index, Value] = {}
        self.last: Index = ()
        self.suffix = b""
        self.ended = False


async def table(line: Line, columns: Sequence[Oid], *, ordered: bool) -> dict[Oid, dict[Index, Value]]:
    """See `Agent.table`."""
    await line.ready()
    walk = _Walk(line, columns, ordered=ordered)
    try:
        async with asyncio.timeout(TABLE_S):
            await walk.run()
    except TimeoutError:
        rows = sum(len(column.rows) for column in walk.columns)
        raise failures.too_long(line.name, walk.what, TABLE_S, rows) from None
    return {column.oid: column.rows for column in walk.columns}


class _Walk:
    def __init__(self, line: Line, columns: Sequence[Oid], *, ordered: bool) -> None:
        self.line = line
        self.columns = [_Column(oid) for oid in dict.fromkeys(columns)]
        self.ordered = ordered
        self.what = "the table " + failures.dotted(columns[0][:-1] if len(columns) > 1 else columns[0])
        self.rung = max(line.rung, 0 if line.bulk else _FIRST_NEXT)
        self.repetitions = _FIRST_REPETITIONS
        self._indexes: dict[bytes, Index] = {}

    async def run(self) -> None:
        while active := [column for column in self.columns if not column.ended]:
            rung = RUNGS[self.rung]
            active = active[: rung.columns]
            repetitions = min(rung.repetitions, self.repetitions, _MOST_BINDINGS // len(active))
            try:
                outcome = await self.line.ask(
                    rung.kind,
                    [column.name + column.suffix for column in active],
                    repetitions,
                    tries=rung.tries,
                    v1=rung.v1,
                )
                if outcome.error:
                    self.refused(outcome, active)
                    continue
                self.take(outcome.bindings, active, repetitions)
            except SilenceError:
                if not self.smaller():
                    await self.silence()
                continue
            except ber.MalformedError as error:
                if not self.smaller():
                    raise failures.malformed(self.line.name, self.what, str(error)) from None
                continue
            self.repetitions = 50

    def smaller(self) -> bool:
        """Ask for less from now on; return whether there is less."""
        last = len(RUNGS) - (1 if self.line.fallback else 2)
        if self.rung >= last:
            return False
        self.rung += 1
        self.line.rung = max(self.line.rung, min(self.rung, last - self.line.fallback))
        return True

    async def silence(self) -> None:
        """Raise CannotTell: tell an agent that has gone from one that hangs on this table."""
        try:
            await self.line.ask(ber.GET, [_SYS_UP_TIME], tries=3)
        except SilenceError:
            self.line.end(failures.went_silent(self.line.name, self.what))
            self.line.check()
        except ber.MalformedError:
            pass
        raise failures.no_rest(self.line.name, self.what)

    def refused(self, outcome: Outcome, active: list[_Column]) -> None:
        if outcome.error == _NO_SUCH_NAME:
            if 1 <= outcome.culprit <= len(active):
                active[outcome.culprit - 1].ended = True
                return
            if len(active) == 1:
                active[0].ended = True
                return
        if outcome.error not in {_TOO_BIG, _NO_SUCH_NAME, _GEN_ERR, _RESOURCES} or not self.smaller():
            raise failures.refused_by_agent(self.line.name, self.what, outcome.error)

    def take(self, bindings: list[ber.Binding], active: list[_Column], repetitions: int) -> None:
        """Put an answer's rows where they belong; raise MalformedError where it brings nothing on."""
        width = len(active)
        if not bindings:
            raise ber.MalformedError("an answer without any object")
        del bindings[width * max(repetitions, 1) :]
        for place, column in enumerate(active):
            self.fill(column, bindings[place::width])
            if len(column.rows) > MAX_ROWS:
                raise failures.endless(self.line.name, failures.dotted(column.oid), MAX_ROWS)

    def fill(self, column: _Column, bindings: list[ber.Binding]) -> None:
        name, size, rows, known = column.name, len(column.name), column.rows, self._indexes
        last, ordered = column.last, self.ordered
        suffix = column.suffix
        for found, tag, value in bindings:
            if tag == ber.END_OF_MIB_VIEW:
                column.ended = True
                break
            if found[:size] != name or len(found) == size:
                self.leave(column, found, tag, last)
                break
            suffix = found[size:]
            index = known.get(suffix)
            if index is None:
                index = known[suffix] = ber.decode_arcs(suffix)
            if index <= last if ordered else index in rows:
                if ordered and tag not in {ber.NO_SUCH_OBJECT, ber.NO_SUCH_INSTANCE}:
                    raise failures.circles(self.line.name, column.oid, column.oid + last, column.oid + index)
                column.ended = True
                break
            if value is not None:
                rows[index] = value
            elif not ordered:
                column.ended = True
                break
            last = index
        column.last, column.suffix = last, suffix

    def leave(self, column: _Column, found: bytes, tag: int, last: Index) -> None:
        """End a column whose next object is another's; an object that lies before it is a lie."""
        oid = ber.decode_oid(found)
        if self.ordered and oid < column.oid + last and tag not in {ber.NO_SUCH_OBJECT, ber.NO_SUCH_INSTANCE}:
            raise failures.circles(self.line.name, column.oid, column.oid + last, oid)
        column.ended = True


_SYS_UP_TIME = ber.encode_oid((1, 3, 6, 1, 2, 1, 1, 3, 0))


async def get(line: Line, oids: Sequence[Oid]) -> dict[Oid, Value]:
    """See `Agent.get`."""
    await line.ready()
    found: dict[Oid, Value] = {}
    wanted = list(dict.fromkeys(oids))
    for start in range(0, len(wanted), GET_AT_ONCE):
        await _get(line, wanted[start : start + GET_AT_ONCE], found)
    return found


async def _get(line: Line, oids: list[Oid], found: dict[Oid, Value]) -> None:
    """Ask for up to 16 scalars; halve the question where the agent cannot cope with it."""
    names = {ber.encode_oid(oid): oid for oid in oids}
    what = failures.dotted(oids[0]) + (f" and {len(oids) - 1} more" if len(oids) > 1 else "")
    problem: CannotTell
    while names:
        try:
            outcome = await line.ask(ber.GET, list(names), tries=4)
        except SilenceError:
            problem = failures.no_rest(line.name, what)
            if len(names) == 1:
                await _gone(line, what)
        except ber.MalformedError as error:
            problem = failures.malformed(line.name, what, str(error))
        else:
            if not outcome.error:
                if _whole(outcome.bindings, names, found):
                    return
                problem = failures.other_answer(line.name, what)
            elif outcome.error == _NO_SUCH_NAME and (len(names) == 1 or 1 <= outcome.culprit <= len(names)):
                del names[list(names)[outcome.culprit - 1 if len(names) > 1 else 0]]
                continue
            else:
                problem = failures.refused_by_agent(line.name, what, outcome.error)
        rest = list(names.values())
        if len(rest) == 1:
            raise problem
        for half in (rest[: len(rest) // 2], rest[len(rest) // 2 :]):
            await _get(line, half, found)
        return


async def _gone(line: Line, what: str) -> None:
    try:
        await line.ask(ber.GET, [_SYS_UP_TIME], tries=3)
    except SilenceError:
        line.end(failures.went_silent(line.name, what))
        line.check()
    except ber.MalformedError:
        pass


def _whole(bindings: list[ber.Binding], names: dict[bytes, Oid], found: dict[Oid, Value]) -> bool:
    """Take the values that were asked; return whether every object asked is in the answer."""
    answered = {name: value for name, _, value in bindings if name in names}
    found.update({names[name]: value for name, value in answered.items() if value is not None})
    return len(answered) == len(names)
