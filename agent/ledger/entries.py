"""What an entry is: its body, its place in the hash chain, and which result of a check counts.

**Chain.** hash = SHA-256(hash of the entry before, `seq`, `kind`, `at`, body), the middle three as decimal or
plain text, each ended by a line feed; the first entry follows 32 zero bytes. `kind` is one of `KINDS` and
`at` has a fixed form, so no two entries have the same bytes. Bodies are JSON without spaces
and in ASCII: control characters, NUL and lone surrogates of hostile output come back as they were.

**Latest.** Clocks are set back, and a process that waited for the disk stores late. So no time decides which
result of a check counts, but the chain alone. A result replaces the one that counts if

- its run began after every other result of the check was stored, so that it was observed later, whatever any
  clock said, or
- its status is worse: of results whose order cannot be proven, because their runs overlapped (or because one
  run tested the check twice, which the engine does not), the worst counts, until a run that begins
  afterwards tests the check again.

So an older pass never hides a newer fail; "began after the result that counts was stored" would not do, for
another one may have been stored since, and counted less. `SUPERSEDES` says it in SQL, `supersedes` for
`Ledger.verify`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from checks import jsonable
from checks.words import Result, Status, rank

RUN_BEGIN, RUN_END, RESULT = "run_begin", "run_end", "result"
WAIVER, ATTESTATION, DECISION, BASELINE = "waiver", "attestation", "decision", "baseline"
SURVEY = "survey"
KINDS = frozenset({RUN_BEGIN, RUN_END, RESULT, WAIVER, ATTESTATION, DECISION, BASELINE, SURVEY})
OF_CHECKS = frozenset({RESULT, WAIVER, ATTESTATION, SURVEY})
"""Kinds that are about one check."""
GENESIS = bytes(32)

BRIEF = (
    "check", "type", "status", "started", "duration_s", "attempts", "digest", "run", "vantage", "required",
    "milestone", "target", "blocked_by",
)  # fmt: skip
"""Keys of a result whose values `latest.brief` lists: reading one text for all is 3x as fast as columns."""
SUPERSEDES = "excluded.run > latest.last OR excluded.badness < latest.badness"

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False).encode
_BADNESS = {status.value: rank(status) for status in Status}


class Draft(NamedTuple):
    """An entry that is not stored yet.

    `run` is the run's id; `latest` is (badness, brief, findings) of a result; `addresses` those of the
    vantage of a run that begins, as JSON.
    """

    kind: str
    body: str
    run: str | None = None
    check: str | None = None
    latest: tuple[int, str, str] | None = None
    addresses: str = "[]"


class Row(NamedTuple):
    """A row of `entries`."""

    seq: int
    kind: str
    at: str
    run: int | None
    check_id: str | None
    body: str
    hash: bytes


def compact(data: Any) -> str:
    """Return `data` as compact JSON; a float that is not finite becomes null: JSON has no word for it."""
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
    latest = for_latest(data)
    del data["findings"]
    body = f'{compact(data)[:-1]},"findings":{latest[2]}}}'  # their JSON is there already
    return Draft(RESULT, body, result.run, column(result.check), latest)


def for_latest(data: Mapping[str, Any]) -> tuple[int, str, str]:
    """Return badness, brief and findings for the JSON of a result."""
    return (
        _BADNESS[data["status"]],
        compact([data[key] for key in BRIEF]),
        compact(data["findings"]),
    )


def supersedes(run: int, badness: int, *, last: int, latest_badness: int) -> bool:
    """Tell whether a new result of the run that began as entry `run` counts from now on.

    `last` is the entry of the last result of the check so far, `latest_badness` that of the one that counts.
    """
    return run > last or badness < latest_badness
