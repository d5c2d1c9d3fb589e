"""The ledger: open it, write to it, ask it."""

from __future__ import annotations

import gc
import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from agent.ledger import entries, schema
from agent.ledger.book import Book
from agent.ledger.entries import Draft
from agent.ledger.errors import LedgerError, explaining
from agent.ledger.known import Known
from agent.ledger.verify import problems
from agent.ledger.writer import Writer
from agent.records import Baseline, Decision, RunRecord, Waiver
from checks import jsonable
from checks.survey import SurveyPoint
from checks.vantage import Attestation
from checks.words import Result, Status, rfc3339

_KIND: dict[type, str] = {
    Waiver: entries.WAIVER,
    Attestation: entries.ATTESTATION,
    Decision: entries.DECISION,
    Baseline: entries.BASELINE,
    SurveyPoint: entries.SURVEY,
}
_STATUS = {status.value: status for status in Status}
_PAGE = 500
_Said = TypeVar("_Said", Waiver, Attestation, Decision, Baseline, SurveyPoint)


def ledger_path(project_file: Path, project_id: str) -> Path:
    """Return the ledger's place: `.gonogo/<project id>.db` beside the project file."""
    if not re.fullmatch(r"[\w-][\w.-]*", project_id):
        raise LedgerError(
            f"The project id {project_id!r} cannot name a file: use letters, digits, '-' and '_'."
        )
    return project_file.parent / ".gonogo" / f"{project_id}.db"


class Ledger:
    """Runs, results, waivers, attestations and decisions, append-only and hash-chained; see `entries`.

    Safe with several processes at once; within one process, its methods may be called from any thread. Every
    method raises LedgerError, whose text is for the user. What a writing method was given is durable when
    it returns. A context manager that closes itself.
    """

    def __init__(self, book: Book, file: Path | None, *, read_only: bool, follows: bool = True) -> None:
        self.path = file
        """Where it is; None in memory."""
        self.read_only = read_only
        self.follows = follows
        """Whether what others store from now on is seen; if not, it must be opened again."""
        self._book = book

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        read_only: bool = False,
        patience_s: float = 15.0,
        migrations: Sequence[str] | None = None,
    ) -> Ledger:
        """Open the ledger at `path`; made with its folder if it is missing, and brought up to date.

        `read_only` writes no entry and works in a folder that cannot be written and while others write; a
        ledger that does not exist then reads as empty and nothing is created. `patience_s` is how long to
        wait for another process that writes. `migrations` is for tests.
        """
        steps = schema.migrations() if migrations is None else migrations
        with explaining(str(path)):
            if read_only and not path.exists():
                return cls._of(schema.in_memory(), path, patience_s, read_only=True, follows=False)
            if read_only:
                busy_ms = min(10_000, int(1000 * patience_s))
                connection, follows = schema.open_to_read(path, steps, busy_ms)
                return cls._of(connection, path, patience_s, read_only=True, follows=follows)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise LedgerError(
                    f"The folder {path.parent} for the ledger cannot be made ({error.strerror}): "
                    "copy the project folder to a place where you may write."
                ) from error
            connection = schema.connect(path)
            try:
                schema.prepare(connection, path, steps, patience_s)
            except BaseException:
                connection.close()
                raise
        return cls._of(connection, path, patience_s, read_only=False)

    @classmethod
    def in_memory(cls) -> Ledger:
        """Return an empty ledger that is gone when closed; its results are not durable."""
        return cls._of(schema.in_memory(), None, 15.0, read_only=False)

    @classmethod
    def _of(
        cls,
        connection: sqlite3.Connection,
        path: Path | None,
        patience_s: float,
        *,
        read_only: bool,
        follows: bool = True,
    ) -> Ledger:
        book = Book(connection, str(path or "in memory"), patience_s)
        return cls(book, path, read_only=read_only, follows=follows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; close writers first."""
        with self._book.lock:
            self._book.connection.close()

    # Writing

    def begin_run(self, run: RunRecord) -> None:
        """Store that `run` begins; its id must be new."""
        if self.run(run.id) is not None:
            raise LedgerError(
                f"The ledger {self._book.path} already has a run {run.id}: give the run a new id."
            )
        addresses = entries.compact(list(run.vantage.addresses))
        body = entries.compact(jsonable.to_json(run))
        self._append(Draft(entries.RUN_BEGIN, body, run.id, addresses=addresses))

    def end_run(
        self,
        run_id: str,
        *,
        finished: datetime,
        outcome: Literal["finished", "cancelled"],
        clock_jump_s: float = 0.0,
    ) -> None:
        """Store that the run ended by itself; close its writer before, so that its results come first."""
        body = {"id": run_id, "finished": rfc3339(finished), "outcome": outcome, "clock_jump_s": clock_jump_s}
        self._append(Draft(entries.RUN_END, entries.compact(body), run_id))

    def add(self, record: Waiver | Attestation | Decision | Baseline | SurveyPoint) -> int:
        """Store a person's word, or a point of a survey, and return the entry's number.

        A baseline's run must be there.
        """
        if isinstance(record, Baseline) and self.run(record.run) is None:
            raise LedgerError(
                f"The ledger {self._book.path} knows no run {record.run}: name one that it has."
            )
        check = (
            entries.column(record.check) if isinstance(record, Waiver | Attestation | SurveyPoint) else None
        )
        return self._append(
            Draft(_KIND[type(record)], entries.compact(jsonable.to_json(record)), None, check)
        )

    def writer(
        self, on_stored: Callable[[list[Result]], None], on_lost: Callable[[list[Result], LedgerError], None]
    ) -> Writer:
        """Return a thread that stores results; its callbacks run in that thread. See `Writer`."""
        self._refuse_read_only()
        if self.path is None:
            return Writer(self._book, on_stored, on_lost, owns_book=False)
        with explaining(self._book.path):
            connection = schema.connect(self.path, busy_ms=50)
        book = Book(connection, self._book.path, self._book.patience_s)
        return Writer(book, on_stored, on_lost, owns_book=True)

    def _append(self, draft: Draft) -> int:
        self._refuse_read_only()
        with explaining(self._book.path):
            return self._book.append([draft])[0]

    def _refuse_read_only(self) -> None:
        if self.read_only:
            raise LedgerError(
                f"The ledger {self._book.path} was opened to read only, so nothing can be stored."
            )

    # Reading

    def version(self) -> tuple[int, int]:
        """Return what is another when others stored something since, and what is when they changed tables."""
        with self._reading() as ask:
            return ask("PRAGMA data_version").fetchone()[0], ask("PRAGMA schema_version").fetchone()[0]

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """Let what is asked within be of one moment, whatever others store meanwhile."""
        with self._reading() as ask:
            ask("BEGIN")
            try:
                yield
            finally:
                if self._book.connection.in_transaction:
                    ask("COMMIT")

    def kinds(self, since: int) -> frozenset[str]:
        """Return the kinds of the entries stored after the entry number `since`."""
        with self._reading() as ask:
            rows = ask("SELECT DISTINCT +kind FROM entries WHERE seq > ?", (since,))
            return frozenset(kind for (kind,) in rows)

    def goes_on_from(self, seq: int, digest: str) -> bool:
        """Tell whether entry `seq` has the hash `digest`: whether this chain is that one, perhaps longer."""
        with self._reading() as ask:
            row = ask("SELECT hash FROM entries WHERE seq = ?", (seq,)).fetchone()
            return row is not None and row[0].hex() == digest

    def counts_from_before(self, moment: datetime) -> bool:
        """Tell whether a result that counts was stored before `moment`, as the clock went here."""
        with self._reading() as ask:
            sql = "SELECT 1 FROM latest JOIN entries USING (seq) WHERE at < ? LIMIT 1"
            return ask(sql, (rfc3339(moment),)).fetchone() is not None

    def latest(self, since: int = 0) -> dict[str, Known]:
        """Return for each check id the result that counts; which one that is, `entries` says.

        With `since` only checks that have a result stored after the entry of that number.
        """
        with self._reading() as ask, _uncollected():
            sql = "SELECT seq, run, brief, findings FROM latest"
            if since:
                sql += " WHERE check_id IN (SELECT check_id FROM entries WHERE seq > ? AND +kind = 'result')"
            rows = ask(sql, (since,) if since else ()).fetchall()
            began = ",".join(map(str, {row[1] for row in rows}))
            of_runs = ask(f"SELECT began, addresses FROM runs WHERE began IN ({began})")  # noqa: S608
            runs = {number: tuple(json.loads(addresses)) for number, addresses in of_runs}
            briefs = json.loads(f"[{','.join([row[2] for row in rows])}]")
            return {
                brief[0]: _known(row, brief, runs[row[1]]) for row, brief in zip(rows, briefs, strict=True)
            }

    def latest_of_run(self, run_id: str) -> dict[str, Known]:
        """Return for each check id the newest result of that run; empty for a run that is not known."""
        newest: dict[str, Known] = {}
        for known in self._known_results("e.run = (SELECT began FROM runs WHERE id = ?)", run_id):
            newest[known.check] = known
        return newest

    def history(self, check: str, limit: int = 50) -> list[Known]:
        """Return the results of a check, the one stored last first, at most `limit`."""
        where = "e.check_id = ? AND e.kind = 'result' ORDER BY e.seq DESC LIMIT ?"
        return self._known_results(where, entries.column(check), limit)

    def results_of_run(self, run_id: str) -> Iterator[Result]:
        """Yield the results of a run in the order in which they were stored; memory stays small."""
        last = 0
        while True:
            with self._reading() as ask:
                page = ask(
                    "SELECT seq, body FROM entries WHERE run = (SELECT began FROM runs WHERE id = ?) "
                    "AND kind = 'result' AND seq > ? ORDER BY seq LIMIT ?",
                    (run_id, last, _PAGE),
                ).fetchall()
                results = [Result.from_json(json.loads(body)) for _, body in page]
            yield from results
            if len(page) < _PAGE:
                return
            last = page[-1][0]

    def result(self, seq: int) -> Result:
        """Return the whole result of entry `seq`; LedgerError if that is no result."""
        with self._reading() as ask:
            row = ask("SELECT body FROM entries WHERE seq = ? AND kind = 'result'", (seq,)).fetchone()
            if row is not None:
                return Result.from_json(json.loads(row[0]))
        raise LedgerError(f"The ledger {self._book.path} has no result with the number {seq}.")

    def runs(self, limit: int = 50) -> list[RunRecord]:
        """Return the runs, the one begun last first, at most `limit`."""
        return self._run_records("ORDER BY r.began DESC LIMIT ?", limit)

    def run_ids(self, start: str = "", limit: int = 20) -> list[str]:
        """Return the ids of the runs that begin with `start`, the one begun last first, at most `limit`."""
        with self._reading() as ask:
            sql = "SELECT id FROM runs WHERE substr(id, 1, length(?1)) = ?1 ORDER BY began DESC LIMIT ?2"
            return [name for (name,) in ask(sql, (start, limit))]

    def run_count(self) -> int:
        """Return how many runs there are."""
        with self._reading() as ask:
            count: int = ask("SELECT count(*) FROM runs").fetchone()[0]
            return count

    def statuses_of_run(self, run_id: str) -> dict[str, Status]:
        """Return the status of each check that the run tested; quicker than its results."""
        with self._reading() as ask:
            rows = ask(
                "SELECT check_id, json_extract(body, '$.status') FROM entries "
                "WHERE run = (SELECT began FROM runs WHERE id = ?) AND kind = 'result' ORDER BY seq",
                (run_id,),
            )
            return {check: _STATUS[status] for check, status in rows}

    def run(self, run_id: str) -> RunRecord | None:
        """Return the run with that id, if there is one."""
        return next(iter(self._run_records("WHERE r.id = ?", run_id)), None)

    def waivers(self) -> list[Waiver]:
        """Return every waiver, the oldest first; whether one still holds is the verdict's to say."""
        return self._said(Waiver)

    def attestations(self) -> dict[str, Attestation]:
        """Return for each check id the statement that was stored last."""
        return {statement.check: statement for statement in self._said(Attestation)}

    def decisions(self) -> list[Decision]:
        """Return every decision, the oldest first."""
        return self._said(Decision)

    def baselines(self) -> list[Baseline]:
        """Return every baseline, the oldest first; of those with one name the last counts."""
        return self._said(Baseline)

    def survey(self, check: str) -> list[SurveyPoint]:
        """Return the points of a Wi-Fi survey that were measured for a check, the oldest first."""
        return [point for point in self._said(SurveyPoint) if point.check == check]

    def head(self) -> tuple[int, str]:
        """Return number and hash (hex) of the last entry: who keeps them can prove that none was cut off."""
        with self._reading() as ask:
            seq, digest = ask("SELECT seq, hash FROM head").fetchone()
            return seq, digest.hex()

    def verify(self) -> list[str]:
        """Return what is wrong with the chain, or with what was derived from it, as sentences; [] if intact.

        Reads every entry. It finds each change, loss and exchange of entries by someone who did not write
        the chain anew up to its end; against that, compare `head` with one that was signed.
        """
        with self._book.lock:
            return problems(self._book.connection)

    @contextmanager
    def _reading(self) -> Iterator[Callable[..., sqlite3.Cursor]]:
        with self._book.lock, explaining(self._book.path):
            yield self._book.connection.execute

    def _known_results(self, where: str, *values: Any) -> list[Known]:
        with self._reading() as ask:
            rows = ask(
                "SELECT e.seq, e.body, r.addresses FROM entries e JOIN runs r ON r.began = e.run "  # noqa: S608
                f"WHERE e.kind = 'result' AND {where}",
                values,
            ).fetchall()
            return [
                Known.of(seq, Result.from_json(json.loads(body)), tuple(json.loads(addresses)))
                for seq, body, addresses in rows
            ]

    def _run_records(self, where: str, value: Any) -> list[RunRecord]:
        with self._reading() as ask:
            rows = ask(
                "SELECT b.body, e.body FROM runs r JOIN entries b ON b.seq = r.began "  # noqa: S608
                f"LEFT JOIN entries e ON e.seq = r.ended {where}",
                (value,),
            ).fetchall()
            return [_run_record(begin, end) for begin, end in rows]

    def _said(self, record: type[_Said]) -> list[_Said]:
        with self._reading() as ask:
            sql = "SELECT body FROM entries WHERE kind = ? AND kind <> 'result' ORDER BY seq"
            return [jsonable.from_json(record, json.loads(body)) for (body,) in ask(sql, (_KIND[record],))]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector still: looking over a thousand new results took half the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _known(row: Any, brief: Any, addresses: tuple[str, ...]) -> Known:
    (check, kind, status, started, duration, attempts, digest, run, vantage, required, milestone, target,
     blocked_by) = brief  # fmt: skip
    begun = datetime.fromisoformat(started)
    return Known(
        row[0], check, kind, _STATUS[status], begun, begun + timedelta(seconds=duration), duration, attempts,
        digest, run, vantage, addresses, required, milestone, target, blocked_by, row[3],
    )  # fmt: skip


def _run_record(begin: str, end: str | None) -> RunRecord:
    data = json.loads(begin)
    if end is not None:
        data |= json.loads(end)
    record: RunRecord = jsonable.from_json(RunRecord, data)
    return record
