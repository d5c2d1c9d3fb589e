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
MAX_OCTETS = 1 << 26
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
    __slots__ = ("ended", "last", "name", "oid", "rows", "seen", "suffix")

    def __init__(self, oid: Oid) -> None:
        self.oid = oid
        self.name = ber.encode_oid(oid)
        self.restart()

    def restart(self) -> None:
        self.rows: dict[Index, Value] = {}
        self.seen: set[Index] = set()
        """Rows so far, where they come in no order."""
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
        self.octets = 0
        self.failing = False
        """Whether the agent reports errors of its own: asking for less is then of no use elsewhere."""
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
                self.octets += outcome.size
                self.take(outcome.bindings, active, repetitions)
            except SilenceError:
                if not self.smaller():
                    await self.silence()
                continue
            except ber.MalformedError as error:
                if not self.smaller():
                    raise failures.malformed(self.line.name, self.what, str(error)) from None
                continue
            self.repetitions = RUNGS[0].repetitions
            if not self.failing and not rung.v1:
                self.line.rung = max(self.line.rung, self.rung)

    def smaller(self) -> bool:
        """Ask for less from now on; return whether there is less."""
        last = len(RUNGS) - (1 if self.line.fallback else 2)
        if self.rung >= last:
            return False
        self.rung += 1
        if RUNGS[self.rung].v1:
            # v1 does not show 64-bit counters: half a column by each would be no column.
            for column in self.columns:
                column.restart()
        return True

    async def silence(self) -> None:
        """Raise CannotTell: tell an agent that has gone from one that hangs on this table."""
        await _gone(self.line, self.what)
        raise failures.no_rest(self.line.name, self.what)

    def refused(self, outcome: Outcome, active: list[_Column]) -> None:
        if outcome.error == _NO_SUCH_NAME:
            if 1 <= outcome.culprit <= len(active):
                active[outcome.culprit - 1].ended = True
                return
            if len(active) == 1:
                active[0].ended = True
                return
        self.failing = self.failing or outcome.error == _GEN_ERR
        if outcome.error not in {_TOO_BIG, _NO_SUCH_NAME, _GEN_ERR, _RESOURCES} or not self.smaller():
            raise failures.refused_by_agent(self.line.name, self.what, outcome.error)

    def take(self, bindings: list[ber.Binding], active: list[_Column], repetitions: int) -> None:
        """Put an answer's rows where they belong; raise MalformedError where it brings nothing on."""
        width = len(active)
        if not bindings:
            raise ber.MalformedError("an answer without any object")
        if self.octets > MAX_OCTETS:
            raise failures.endless(self.line.name, self.what, len(active[0].rows))
        del bindings[width * max(repetitions, 1) :]
        before = [column.last for column in active]
        beyond: list[Oid] = []
        for place, column in enumerate(active):
            self.fill(column, bindings[place::width], beyond)
            if len(column.rows) > MAX_ROWS:
                raise failures.endless(self.line.name, failures.dotted(column.oid), MAX_ROWS)
        if self.ordered and width > 1:
            for oid in beyond:
                self.held(oid, active, before)

    def held(self, oid: Oid, active: list[_Column], before: list[Index]) -> None:
        """Raise CannotTell where one column's answer shows a row of another that the other passed over.

        An agent that leaves a place out of its answer moves all later ones: rows get lost in silence.
        """
        for column, last in zip(active, before, strict=True):
            size = len(column.oid)
            if (
                oid[:size] == column.oid
                and last < oid[size:] <= column.last
                and oid[size:] not in column.rows
            ):
                raise failures.other_answer(self.line.name, self.what)

    def fill(self, column: _Column, bindings: list[ber.Binding], beyond: list[Oid]) -> None:
        name, size, rows, known = column.name, len(column.name), column.rows, self._indexes
        last, ordered = column.last, self.ordered
        suffix = column.suffix
        for found, tag, value in bindings:
            if tag == ber.END_OF_MIB_VIEW:
                column.ended = True
                break
            if found[:size] != name or len(found) == size:
                oid = ber.decode_oid(found)
                self.leave(column, oid, tag, last)
                if value is not None:
                    beyond.append(oid)
                break
            suffix = found[size:]
            index = known.get(suffix)
            if index is None:
                index = known[suffix] = ber.decode_arcs(suffix)
            if index <= last if ordered else index in column.seen:
                if ordered and (rows or tag not in {ber.NO_SUCH_OBJECT, ber.NO_SUCH_INSTANCE}):
                    raise failures.circles(self.line.name, column.oid, column.oid + last, column.oid + index)
                column.ended = True
                break
            if value is not None:
                rows[index] = value
            if not ordered:
                column.seen.add(index)
            last = index
        column.last, column.suffix = last, suffix

    def leave(self, column: _Column, oid: Oid, tag: int, last: Index) -> None:
        """End a column whose next object is another's; an object that lies before it is a lie."""
        nothing = tag in {ber.NO_SUCH_OBJECT, ber.NO_SUCH_INSTANCE} and not column.rows
        if self.ordered and oid < column.oid + last and not nothing:
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


async def _get(line: Line, oids: list[Oid], found: dict[Oid, Value], tries: int = 4) -> None:
    """Ask for up to 16 scalars; halve the question where the agent cannot cope with it."""
    names = {ber.encode_oid(oid): oid for oid in oids}
    what = failures.dotted(oids[0]) + (f" and {len(oids) - 1} more" if len(oids) > 1 else "")
    problem: CannotTell
    while names:
        try:
            outcome = await line.ask(ber.GET, list(names), tries=tries)
        except SilenceError:
            problem = failures.no_rest(line.name, what)
            await _gone(line, what)
            tries = 2
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
            await _get(line, half, found, tries)
        return


async def _gone(line: Line, what: str) -> None:
    """Raise CannotTell where an agent that fell silent gives no answer to anything any more."""
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
