"""What an entry is: its canonical body, its place in the hash chain, and which result of a check counts.

**Chain.** hash = SHA-256(hash of the entry before, `seq`, `kind`, `at`, body), the middle three as decimal or
plain text, each ended by a line feed; the first entry follows 32 zero bytes. `kind` is one of `KINDS` and
`at` has a fixed form, so no two entries have the same bytes. Bodies are JSON with sorted keys, no spaces and
only ASCII: control characters, NUL and lone surrogates of hostile output come back as they were.

**Latest.** Clocks are set back, and a process that waited for the disk stores late. So no time decides which
result of a check counts, but the chain alone. A result replaces the one that counts if

- it is of the same run, which stores in the order in which checks finish, or
- its run began after the other was stored, so it was observed later, whatever any clock said, or
- the runs overlapped and its status is no better: of two results whose order cannot be proven, the worse
  counts, until a run that begins afterwards tests the check again.

So an older pass never hides a newer fail. `SUPERSEDES` says it in SQL, `supersedes` for `Ledger.verify`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from checks import jsonable
from checks.words import Result, Status, rank

RUN_BEGIN, RUN_END, RESULT = "run_begin", "run_end", "result"
WAIVER, ATTESTATION, DECISION = "waiver", "attestation", "decision"
KINDS = frozenset({RUN_BEGIN, RUN_END, RESULT, WAIVER, ATTESTATION, DECISION})
GENESIS = bytes(32)

SUMMARY = (
    "badness", "type", "status", "started", "duration_s", "attempts", "digest", "vantage", "required",
    "milestone", "target", "blocked_by", "findings",
)  # fmt: skip
"""Columns of `latest` that come from the result's body; before them stand check_id, seq and run."""
SUPERSEDES = "excluded.run = latest.run OR excluded.run > latest.seq OR excluded.badness <= latest.badness"

_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False
).encode
_BADNESS = {status.value: rank(status) for status in Status}


class Draft(NamedTuple):
    """An entry that is not stored yet.

    `run` is the run's id; `summary` is what `latest` keeps of a result, and of a run's begin the addresses.
    """

    kind: str
    body: str
    run: str | None = None
    check: str | None = None
    summary: tuple[Any, ...] | None = None


class Row(NamedTuple):
    """A row of `entries`."""

    seq: int
    kind: str
    at: str
    run: int | None
    check_id: str | None
    body: str
    hash: bytes


def canonical(data: Any) -> str:
    """Return `data` as canonical JSON; a float that is not finite becomes null: JSON has no word for it."""
    try:
        return _encode(data)
    except ValueError:
        return _encode(jsonable.to_json(data))


def column(text: str) -> str:
    r"""Return `text` as SQLite can keep it: a lone surrogate reads ``\udc80``; the body has the true one."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def chained(before: bytes, seq: int, kind: str, at: str, body: str) -> bytes:
    """Return the hash of an entry that follows one with the hash `before`."""
    return hashlib.sha256(before + f"{seq}\n{kind}\n{at}\n{body}".encode()).digest()


def draft_of_result(result: Result) -> Draft:
    """Return the entry for `result`; raise ValueError, TypeError or RecursionError if it is not JSON."""
    data = result.as_json()
    body = canonical(data)
    return Draft(RESULT, body, result.run, column(result.check), summary(data))


def summary(data: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the columns `SUMMARY` for the JSON of a result."""
    blocked_by = data["blocked_by"]
    return (
        _BADNESS[data["status"]],
        column(data["type"]),
        data["status"],
        data["started"],
        float(data["duration_s"]),
        data["attempts"],
        column(data["digest"]),
        column(data["vantage"]),
        int(data["required"]),
        column(data["milestone"]),
        column(data["target"]),
        None if blocked_by is None else column(blocked_by),
        canonical(data["findings"]),
    )


def supersedes(run: int, badness: int, latest: tuple[int, int, int]) -> bool:
    """Tell whether a new result of `run` counts from now on; `latest` is (seq, run, badness) of the other."""
    seq, latest_run, latest_badness = latest
    return run == latest_run or run > seq or badness <= latest_badness
