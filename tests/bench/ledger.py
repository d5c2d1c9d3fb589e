"""How many durable results a second the ledger takes, and how fast a status of a million results is.

What each step gave (two shared cores, results of 1,000 bytes; single runs vary by a third):

- a commit per result with synchronous=FULL is the peer: the disk's flush sets the pace (330 to 2,200/s);
- group commit, one transaction for what queued up while the last one was flushed: 20,000 and more;
- chunks of rows in one statement instead of a call into SQLite per row: append 39 -> 20 us a row alone, and
  far more beside a busy event loop, which takes the interpreter lock at each call;
- findings encoded once, keys left unsorted, times by isoformat: encoding 19 -> 15 us;
- status: 16 columns a check -> one JSON list a check, all decoded at once: 7 -> 3 ms for 1,000 checks.

Bare batches are the floor: no chain, no index, no latest, no thread. Into a ledger that holds a million
results the rate is lower, because the index of each check's history is then written all over the file.
On a busy machine trust the ratios and the CPU times.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from agent.ledger import Ledger, LedgerError
from agent.ledger.entries import Draft, draft_of_result
from checks.words import Result
from tests.agent.ledger.making import a_result, a_run

ROUNDS = 5
CHECKS = 1000


def measure(*, results: int = 20_000, stored: int = 1_000_000) -> dict[str, float]:
    """Return rates, times and ratios; the peers are measured in turn with the ledger, medians of `ROUNDS`."""
    made = [a_result(number, run="measured") for number in range(results)]
    ours, costs, per_row, batched = [], [], [], []
    with tempfile.TemporaryDirectory(prefix="gonogo-bench-", dir=Path.cwd()) as name:
        folder = Path(name)
        for number in range(ROUNDS):
            rate, cost = _through_the_writer(folder / f"ours{number}.db", made)
            ours.append(rate)
            costs.append(cost)
            per_row.append(_peer(folder / f"row{number}.db", made[: results // 40], 1))
            batched.append(_peer(folder / f"batch{number}.db", made, CHECKS))
        figures = {
            "results_per_second": statistics.median(ours),
            "cpu_us_per_result": statistics.median(costs),
            "commit_per_row_per_second": statistics.median(per_row),
            "bare_batches_of_1000_per_second": statistics.median(batched),
            "ratio_to_commit_per_row": statistics.median(a / b for a, b in zip(ours, per_row, strict=True)),
            "ratio_to_bare_batches": statistics.median(a / b for a, b in zip(ours, batched, strict=True)),
        }
        return figures | _status(folder / "many.db", stored, made)


def _through_the_writer(path: Path, results: list[Result]) -> tuple[float, float]:
    """Return results a second, and CPU microseconds a result."""
    told: list[int] = []

    def lost(batch: list[Result], error: LedgerError) -> None:
        raise error

    with Ledger.open(path) as ledger:
        ledger.begin_run(a_run("measured"))
        begun, cpu = time.perf_counter(), time.process_time()
        writer = ledger.writer(lambda batch: told.append(len(batch)), lost)
        for result in results:
            writer.put(result)
        writer.close()
        took, cpu = time.perf_counter() - begun, time.process_time() - cpu
    assert sum(told) == len(results)
    return len(results) / took, cpu / len(results) * 1e6


def _peer(path: Path, results: list[Result], batch: int) -> float:
    """Plain inserts of the same JSON with the same durability: no chain, no index, no latest, no thread."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE results (id INTEGER PRIMARY KEY, check_id TEXT, body TEXT)")
    begun = time.perf_counter()
    for start in range(0, len(results), batch):
        connection.execute("BEGIN")
        for result in results[start : start + batch]:
            values = (result.check, json.dumps(result.as_json()))
            connection.execute("INSERT INTO results (check_id, body) VALUES (?, ?)", values)
        connection.execute("COMMIT")
    took = time.perf_counter() - begun
    connection.close()
    return len(results) / took


def _status(path: Path, stored: int, results: list[Result]) -> dict[str, float]:
    """Time a status with `stored` results of `CHECKS` checks, and the join that one would write for it."""
    drafts = [draft_of_result(a_result(number)) for number in range(CHECKS)]
    with Ledger.open(path) as ledger:
        ledger._book.connection.execute("PRAGMA synchronous = OFF")
        for number in range(stored // CHECKS):
            ledger.begin_run(a_run(f"r{number}"))
            ledger._book.append([_of_run(draft, f"r{number}") for draft in drafts])
    status: list[float] = []
    cpu: list[float] = []
    opening: list[float] = []
    join: list[float] = []
    for _ in range(ROUNDS * 3):
        with Ledger.open(path, read_only=True) as ledger:
            begun = time.perf_counter()
            assert len(ledger.latest()) == CHECKS
            opening.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            assert len(ledger.latest()) == CHECKS
            status.append(time.perf_counter() - begun)
            begun = time.thread_time()
            ledger.latest()
            cpu.append(time.thread_time() - begun)
            if len(join) == ROUNDS:
                continue
            begun = time.perf_counter()
            rows = ledger._book.connection.execute(
                "SELECT body FROM entries JOIN (SELECT max(seq) AS seq FROM entries "
                "WHERE check_id IS NOT NULL GROUP BY check_id) USING (seq)"
            ).fetchall()
            assert len([Result.from_json(json.loads(body)) for (body,) in rows]) == CHECKS
            join.append(time.perf_counter() - begun)
    return {
        "status_ms": statistics.median(status) * 1000,
        "status_cpu_ms": statistics.median(cpu) * 1000,
        "status_first_after_opening_ms": statistics.median(opening) * 1000,
        "status_by_join_ms": statistics.median(join) * 1000,
        "ratio_status_to_join": statistics.median(join) / statistics.median(status),
        "results_per_second_into_many": _through_the_writer(path, results)[0],
    }


def _of_run(draft: Draft, run: str) -> Draft:
    """Return the draft as another run's."""
    assert draft.latest is not None
    badness, brief, findings = draft.latest
    body = draft.body.replace('"run":"r1"', f'"run":"{run}"')
    return draft._replace(run=run, body=body, latest=(badness, brief.replace('"r1"', f'"{run}"'), findings))


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:34} {value:12,.1f}")
