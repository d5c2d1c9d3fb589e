"""A ledger followed over time: looked at again and again, read only where something was stored since.

Nothing that happens to the file raises: it is not there yet, is taken away, exchanged, locked, damaged, of a
newer version, or in a folder that cannot be written. What is wrong is a sentence, and is over when it is.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from agent.ledger import entries
from agent.ledger.errors import LedgerError, is_busy
from agent.ledger.known import Known
from agent.ledger.store import Ledger
from agent.records import Decision, RunRecord, Waiver
from checks.dataclass import dataclass

PATIENCE_S = 0.2
"""How long a look waits for another process; it is a screen's loop that waits."""
BUSY_S = 2.0
"""How long a ledger may be locked before that is said; what was read is good until then."""
RETRY_S = 1.0
"""After an error; a copy that sees no changes is also taken again this long after a change."""
_SHARE = 0.05
_Stamp = tuple[int, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a ledger holds that verdicts are made of; never changed once made."""

    known: Mapping[str, Known]
    run: RunRecord | None = None
    """The newest one."""
    waivers: tuple[Waiver, ...] = ()
    decisions: tuple[Decision, ...] = ()
    head: tuple[int, str] = (0, "")


class Follower:
    """Follows the ledger at `path`; `opened` opens it to read only, as patient as told."""

    def __init__(self, path: Path, opened: Callable[[float], Ledger]) -> None:
        self.facts = Facts(known={})
        self.problem = ""
        """A sentence while the ledger cannot be read: then `facts` are old ones."""
        self.generation = 0
        """Counts up whenever another file, or another copy of it, is read."""
        self._path = path
        self._opened = opened
        self._ledger: Ledger | None = None
        self._version = (-1, -1)
        self._stamps: tuple[_Stamp, _Stamp] = (None, None)
        self._again = -math.inf
        """When to open it again though nothing seems to have changed."""
        self._busy_since: float | None = None
        self._missed: tuple[tuple[int, str], datetime] | None = None
        """The last entry that was seen and is not there any more, and since when."""
        self._lacking = ""
        """A sentence while that is so, and what is there was there before."""

    def look(self) -> bool:
        """Look at what was stored since the last look; return whether facts or problem are others now."""
        before = self.facts, self.problem
        try:
            self._look()
            self._say(self._lacking)
        except LedgerError as error:
            self._fail(error)
        except OSError as error:
            self._let_go()
            self._again = time.monotonic() + RETRY_S
            self._say(
                f"The ledger {self._path} cannot be read ({error.strerror or error}): look whether its "
                "folder is still there and whether you may read it."
            )
        return self.facts is not before[0] or self.problem != before[1]

    def close(self) -> None:
        """Release the file; a look after that opens it again."""
        self._let_go()
        self._again = -math.inf

    def _look(self) -> None:
        ledger, now = self._ledger, time.monotonic()
        file, pending = _stamp(self._path), _stamp(self._path.with_name(self._path.name + "-wal"))
        same = file == self._stamps[0] and (
            pending == self._stamps[1] if ledger is None or not ledger.follows else True
        )
        if same and now < self._again:
            if ledger is None or not ledger.follows:
                if self.problem != self._lacking:
                    raise LedgerError(self.problem)
                return
            version = ledger.version()
            if version == self._version:
                return
            if version[1] == self._version[1]:
                self._read(ledger, version)
                return
        self._open(file, pending)

    def _open(self, file: _Stamp, pending: _Stamp) -> None:
        exchanged = self._stamps[0] is None or file is None or file[:2] != self._stamps[0][:2]
        self._let_go()
        self._stamps = file, pending
        self._again = time.monotonic() + RETRY_S
        if file is None:
            if self.facts.head[0]:
                self._missed = self._missed or (self.facts.head, datetime.now(UTC))
                raise LedgerError(
                    f"The ledger {self._path} is not there any more, and what is shown was in it: bring it "
                    "back, or run the checks again."
                )
            self._again = math.inf
            return
        begun = time.monotonic()
        ledger = self._opened(PATIENCE_S)
        self._ledger = ledger
        if exchanged or not ledger.follows:
            self.generation += 1
        self._read(ledger, ledger.version())
        took = time.monotonic() - begun
        settled = ledger.follows or not _just_now(file, pending)
        self._again = math.inf if settled else begun + max(RETRY_S, took / _SHARE)

    def _read(self, ledger: Ledger, version: tuple[int, int]) -> None:
        old = self.facts
        with ledger.one_moment():
            head = ledger.head()
            if head == old.head:
                pass
            elif old.head[0] and ledger.goes_on_from(*old.head):
                self.facts = _newer(ledger, old, head)
            else:
                if old.head[0]:
                    self._missed = self._missed or (old.head, datetime.now(UTC))
                self.facts = _whole(ledger, head)
            self._look_for_what_was_missed(ledger)
        self._version = version

    def _look_for_what_was_missed(self, ledger: Ledger) -> None:
        """Doubt a ledger that lacks what was in it, until that is back or all that counts is newer."""
        if self._missed is not None:
            last, since = self._missed
            if ledger.goes_on_from(*last) or not ledger.counts_from_before(since):
                self._missed = None
        self._lacking = "" if self._missed is None else (
            f"The ledger {self._path} lacks entries that were in it and were shown here: an older one, or "
            "another, took its place. Bring it back, or run the checks again; a dashboard that is opened "
            "anew takes the ledger as it is."
        )  # fmt: skip

    def _fail(self, error: LedgerError) -> None:
        cause = error.__cause__
        now = time.monotonic()
        if isinstance(cause, sqlite3.Error) and is_busy(cause):
            self._busy_since = self._busy_since or now
            if self._ledger is None:
                self._again = now
            if now - self._busy_since < BUSY_S and self.facts.head[0]:
                return
            self.problem = str(error)
            return
        if self._ledger is not None:
            self._again = now + RETRY_S
        self._let_go()
        self._say(str(error))

    def _say(self, problem: str) -> None:
        self.problem, self._busy_since = problem, None

    def _let_go(self) -> None:
        if self._ledger is not None:
            self._ledger.close()
        self._ledger, self._version = None, (-1, -1)


def _whole(ledger: Ledger, head: tuple[int, str]) -> Facts:
    return Facts(
        known=ledger.latest(),
        run=next(iter(ledger.runs(limit=1)), None),
        waivers=tuple(ledger.waivers()),
        decisions=tuple(ledger.decisions()),
        head=head,
    )


def _newer(ledger: Ledger, old: Facts, head: tuple[int, str]) -> Facts:
    kinds = ledger.kinds(old.head[0])
    results, runs = entries.RESULT in kinds, kinds & {entries.RUN_BEGIN, entries.RUN_END}
    return Facts(
        known={**old.known, **ledger.latest(old.head[0])} if results else old.known,
        run=next(iter(ledger.runs(limit=1)), None) if runs else old.run,
        waivers=tuple(ledger.waivers()) if entries.WAIVER in kinds else old.waivers,
        decisions=tuple(ledger.decisions()) if entries.DECISION in kinds else old.decisions,
        head=head,
    )


def _stamp(path: Path) -> _Stamp:
    """Return what is another when the file is another or was written; None if there is none.

    Never by opening it: see `schema` for what that would do to the locks.
    """
    try:
        seen = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns


def _just_now(*stamps: _Stamp) -> bool:
    """Tell whether a file was written so lately that it could be written again under the same stamp."""
    return any(stamp is not None and abs(time.time() - stamp[3] / 1e9) < 2 * RETRY_S for stamp in stamps)
