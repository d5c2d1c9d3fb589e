"""Loading a dump of PostgreSQL into a database made for it, which is dropped in every case."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from typing import Literal

from checks.backup._ladder import QUERIED, SAMPLE, Compared, Restore, Sample
from checks.backup._loaded import tell_loaded
from checks.backup._pg_dump import UNPACK, Dump
from checks.backup._walk import Walk
from checks.dataclass import dataclass
from checks.remote.outcome import require, said_by
from checks.remote.sql import MAX_ANSWER, PG_SESSION, Connect, glob_regex, pg_place
from checks.safe import safe
from checks.server._database_pg import pg_read, pg_side, side_sql
from checks.server._database_seen import Side, Table
from checks.vantage import CannotTell
from checks.wire.ssh.command import Script

LOAD = Script(  # noqa: S604
    "load into a scratch database",
    UNPACK
    + r"""
path=$1 kind=$2 pack=$3 name=$4 need=$5 query=$6
shift 6
set -o pipefail
trap '' PIPE HUP
sql=$(cat)
data=$(psql -X -A -t -q "$@" -d postgres -c 'SHOW data_directory') || exit 21
free=$(df -B1 --output=avail -- "$data" | tail -n 1 | tr -d ' ') || exit 22
case $free in ''|*[!0-9]*) exit 22 ;; esac
if [ "$free" -lt "$need" ]; then echo "free $free"; exit 23; fi
drop() { dropdb "$@" --maintenance-db=postgres --if-exists --force -- "$name" >/dev/null 2>&1; }
createdb "$@" --maintenance-db=postgres --template=template0 -- "$name" || exit 24
setsid bash -c 'main=$1 name=$2; shift 2
  while kill -0 "$main" 2>/dev/null; do sleep 1; done
  exec dropdb "$@" --maintenance-db=postgres --if-exists --force -- "$name"' \
  cleaner "$$" "$name" "$@" </dev/null >/dev/null 2>&1 &
trap 'drop "$@"' EXIT
trap 'exit 29' TERM INT
begun=${EPOCHREALTIME/./}
options="--exit-on-error --no-owner --no-privileges --no-tablespaces --no-publications --no-subscriptions"
case $kind in
  dir) pg_restore "$@" $options -d "$name" -- "$path" ;;
  plain)
    key=$(od -An -N 24 -tx1 /dev/urandom | tr -d ' \n')
    { printf '\\restrict %s\n' "$key"
      unpack "$pack" "$path" | awk '
        NR < 30 && /^\\restrict [A-Za-z0-9]+\r?$/ { own = $2; next }
        own != "" && $1 == "\\unrestrict" && $2 == own { next }
        /^(CREATE|ALTER|DROP) (ROLE|USER|GROUP|DATABASE|TABLESPACE) / || /^ALTER SYSTEM / ||
        /^COPY .* (FROM|TO) PROGRAM / { print "refused" > "/dev/stderr"; exit 9 }
        { print }'
    } | psql -X -q -o /dev/null -v ON_ERROR_STOP=1 --single-transaction "$@" -d "$name" ;;
  *) if [ "$pack" = none ]; then pg_restore "$@" $options -d "$name" -- "$path"
     else unpack "$pack" "$path" | {
       pg_restore "$@" $options -d "$name"; status=$?; cat >/dev/null; exit $status
     }; fi ;;
esac || exit 25
echo "loaded $(( ${EPOCHREALTIME/./} - begun ))"
printf '%s\n' "$sql" | psql -X -q -A -t -v ON_ERROR_STOP=1 "$@" -d "$name" || exit 26
if [ -n "$query" ]; then
  echo '["answer"]'
  psql -X -q -A -t -v ON_ERROR_STOP=1 "$@" -d "$name" -c 'SET default_transaction_read_only = on' \
    -c "$query" || exit 27
fi
echo '["done"]'
trap - EXIT
drop "$@" || exit 28
""",
    shell="bash",
    writes="Makes a database of its own on the server, loads the dump into it, and drops it.",
)

Outcome = Literal["same", "differs", "unreadable", "skipped"]
_UNABLE = re.compile(
    r"permission denied|must be (owner|superuser|member)|No space left|extension control file|"
    r"is not available|"
    r"role \"[^\"]*\" does not exist|refused|invalid command|not supported|connection to server|"
    r"unrecognized configuration parameter|could not (connect|access file)|out of memory|Permission denied"
)
MARGIN = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked of a load."""

    connect: Connect
    compare: str
    """The database that it must be like; empty for none."""
    changing: tuple[str, ...]
    frozen: bool
    """Whether the database is known not to have changed since the dump was begun."""
    query: str
    answer: str


async def load(walk: Walk, path: str, dump: Dump, wish: Wish, size: int) -> None:
    """Load a dump, count and compare what came out, and say what that proves."""
    if dump.kind == "all":
        raise CannotTell(
            "A dump of all databases is not loaded: it would make roles and databases on the server.",
            "Dump the database on its own (pg_dump), or restore the whole into a cluster of its own.",
        )
    name = f"gonogort{secrets.token_hex(6)}"
    walk.vantage.note(f"Loading {safe(path, limit=300)} into the new database {name} on {walk.remote.name}.")
    timeout = max(10.0, walk.vantage.remaining() - 10)
    asked = side_sql((), compare=True, checksums=True, roles=False)
    session = PG_SESSION.format(limit=int(timeout))
    sql = f"{session}{asked}\nCOMMIT;\nSELECT '[\"end\"]';\n"
    need = MARGIN + size * (3 if dump.kind == "plain" and dump.pack == "none" else 15)
    command = LOAD(
        path, dump.kind, dump.pack, name, str(need), wish.query, *pg_place(wish.connect), stdin=sql.encode(),
        as_user=wish.connect.as_user or "", timeout_s=timeout, max_stdout=MAX_ANSWER, heavy=True,
    )  # fmt: skip
    result = await walk.remote.run(command)
    how = "loading it into a scratch database"
    if result.whole and result.status is not None and result.status in _STAGES:
        said = said_by(result)
        if result.status == 25 and not _UNABLE.search(result.errors):
            walk.failed(SAMPLE, how, f"It cannot be loaded: {said}", "Make a new dump, and load it by hand.")
            return
        if result.status == 28:
            walk.vantage.note(f"The database {name} could not be dropped: drop it by hand.")
        raise CannotTell(_STAGES[result.status].format(said=said, name=name, need=need), _FIX[result.status])
    output = require(result, walk.remote).decode(errors="replace")
    walk.vantage.note(f"The database {name} is dropped.")
    side, seconds, answer = parsed(output)
    _restore(walk, size, side.tables, seconds)
    rows = sum(table.rows for table in side.tables)
    if not rows:
        walk.failed(
            SAMPLE, how, f"{len(side.tables)} tables came out, with no row.", "Look what the job dumps."
        )
        return
    told = f"{len(side.tables)} tables with {rows:,} rows came out in {seconds:.1f} s"
    if not wish.compare:
        walk.unknown(
            SAMPLE, how, f"{told}, and there is nothing to compare them with.",
            "Give 'compare_database', the database that it was dumped from.",
        )  # fmt: skip
        return
    live = await pg_side(
        walk.remote, wish.connect, wish.compare, (), compare=True, checksums=True, roles=False,
        timeout_s=max(10.0, walk.vantage.remaining()),
    )  # fmt: skip
    if tell_compared(walk, how, told, side, live, wish) and wish.query and walk.wants(QUERIED):
        tell_answer(walk, wish, answer)


def parsed(output: str) -> tuple[Side, float, str]:
    """Return what was loaded, the seconds of the load and the answer; CannotTell for half of it."""
    head, _, rest = output.partition('\n["end"]\n')
    body, done, _ = rest.rpartition('["done"]')
    lines = head.split("\n")
    try:
        start = next(number for number, line in enumerate(lines) if line.startswith("loaded "))
        seconds = int(lines[start].removeprefix("loaded ")) / 1e6
        rows = [json.loads(line) for line in lines[start + 1 :] if line]
        if done and all(isinstance(row, list) and row for row in rows):
            side = pg_read("the scratch database", rows)
            return side, seconds, body.partition('["answer"]\n')[2].strip("\n")
    except (StopIteration, ValueError, RecursionError):
        pass
    raise CannotTell("The load of the dump gave half an answer.", "Run the check again.")


def tell_compared(walk: Walk, how: str, told: str, came: Side, live: Side, wish: Wish) -> bool:
    """Say what comparing everything with the live database gave; True where it proves rung 5."""
    skip = re.compile(glob_regex(wish.changing)) if wish.changing else None
    tables = {table.name: table for table in came.tables}
    rows: list[Compared] = []
    for table in live.tables:
        one = tables.pop(table.name, None)
        outcome: Outcome = "unreadable" if one is None else "same" if one == table else "differs"
        left_out = outcome != "same" and skip is not None and skip.match(table.name)
        rows.append(
            Compared(
                path=table.name, outcome="skipped" if left_out else outcome,
                sha256=one.shown if one else "missing", expected=table.shown,
                why="it may change" if left_out else "",
            )
        )  # fmt: skip
    walk.sample = Sample(seed="every table", population=len(rows), against="live", files=tuple(rows[:200]))
    wrong = [
        f"{row.path}: {row.sha256} instead of {row.expected}"
        for row in rows if row.outcome in ("differs", "unreadable")
    ] + [f"{name}: not in {wish.compare}" for name in tables]  # fmt: skip
    wrong += _objects(came, live, skip)
    same = sum(row.outcome == "same" and not row.expected.startswith("0 ") for row in rows)
    return tell_loaded(
        walk, how, told, wrong, same, compare=wish.compare, frozen=wish.frozen,
        alike="every definition is the same",
    )  # fmt: skip


def _objects(came: Side, live: Side, skip: re.Pattern[str] | None) -> list[str]:
    """Return what differs beside the rows: definitions, and the numbers that sequences give next."""
    both = []
    for side in (came, live):
        found = {
            key: text for key, text in side.objects if key.partition(":")[0] not in ("setting", "schema")
        }
        found |= {f"sequence:{name}": f"{last}" for name, last, _ in side.sequences}
        both.append(found)
    here, there = both
    return [
        f"{key}: {here.get(key, 'missing')[:80]} instead of {there.get(key, 'none')[:80]}"
        for key in sorted(here.keys() | there.keys())
        if here.get(key) != there.get(key) and not (skip and skip.match(key.partition(":")[2]))
    ]


def tell_answer(walk: Walk, wish: Wish, answer: str) -> None:
    """Say whether the restored database answered as the application expects."""
    how, shown = "query of the restored database", safe(answer, limit=200)
    if answer and re.search(wish.answer, answer[:100_000]):
        walk.proven(QUERIED, how, f"It answers: {shown}")
    else:
        walk.failed(
            QUERIED, how, f"It answers {shown or 'nothing'}, where {safe(wish.answer)} is to be matched.",
            "Look at the query and at what the dump holds.",
        )  # fmt: skip


def _restore(walk: Walk, size: int, tables: Sequence[Table], seconds: float) -> None:
    walk.restore = Restore(
        bytes=size, files=len(tables), seconds=max(seconds, 0.001), startup_s=0.0, total_bytes=size,
        total_files=len(tables),
    )  # fmt: skip


_STAGES = {
    21: "The database server cannot be reached to load the dump: {said}",
    22: "How much room the database server has could not be told: {said}",
    23: "The database server has too little room to load the dump: {need:,} bytes are wanted free.",
    24: "A database to load the dump into could not be made: {said}",
    25: "The dump could not be loaded here: {said}",
    26: "What was loaded could not be counted: {said}",
    27: "The query could not be asked: {said}",
    28: "The scratch database {name} could not be dropped: {said}",
    29: "Loading the dump was ended before its time.",
}
_ACCOUNT = "Name an account that may create databases and read the dump: 'as_user: postgres', or 'login'."
_FIX = {
    21: "Start it, or correct 'socket', 'database_port' and 'login'.",
    22: "Use a superuser: it must see data_directory.",
    23: "Make room, or load the dump on another server.",
    24: _ACCOUNT,
    25: "Create the roles and extensions that it names, and let the account read the dump.",
    26: "Run the check again with a longer 'timeout'.",
    27: "Correct the query: it may only read.",
    28: "Drop it by hand: dropdb --force.",
    29: "Give the check a longer 'timeout'.",
}
