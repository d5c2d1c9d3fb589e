"""Loading a dump of MariaDB into a database made for it, as an account that may nothing but there.

The account is the wall: whatever else the dump says (`USE`, other databases, accounts, global settings) is
denied by the server, and the client runs in its sandbox, where a dump cannot start programs. Both are dropped
in every case, and nothing of it goes into the binary log.
"""

from __future__ import annotations

import re
import secrets

from checks.backup._ladder import SAMPLE, Compared, Restore, Sample
from checks.backup._loaded import tell_loaded
from checks.backup._pg_dump import UNPACK
from checks.backup._walk import Walk
from checks.dataclass import dataclass
from checks.remote.outcome import require, said_by
from checks.remote.sql import MAX_ANSWER, MY_SESSION, Connect, glob_regex, my_place
from checks.safe import safe
from checks.server._database_my import Catalogue, catalogue, catalogue_sql, read_catalogue, read_sums, sums
from checks.server._database_my import my_tables as live_tables
from checks.vantage import CannotTell
from checks.wire.ssh.command import Script

LOAD = Script(  # noqa: S604
    "load into a scratch database",
    UNPACK
    + r"""
path=$1 pack=$2 name=$3 need=$4
shift 4
set -o pipefail
trap '' PIPE HUP
sql=$(cat)
client=mariadb
command -v mariadb >/dev/null 2>&1 || client=mysql
"$client" --help 2>/dev/null | grep -c -- '--sandbox' >/dev/null || exit 31
data=$("$client" "$@" -BN -e 'SELECT @@datadir') || exit 32
socket=$("$client" "$@" -BN -e 'SELECT @@socket') || exit 32
case $("$client" "$@" -BN -e "SELECT CONCAT(VERSION(), ' wsrep ', IFNULL(@@wsrep_on, 0))") in
  *MariaDB*' wsrep OFF'|*MariaDB*' wsrep 0') ;; *) exit 33 ;;
esac
free=$(df -B1 --output=avail -- "$data" | tail -n 1 | tr -d ' ')
case $free in ''|*[!0-9]*) exit 34 ;; esac
[ "$free" -ge "$need" ] || exit 35
used=$(unpack "$pack" "$path" | grep -aE '^USE `' | sort -u | wc -l)
[ "$used" -le 1 ] || exit 36
word=$(od -An -N 24 -tx1 /dev/urandom | tr -d ' \n')Aa1-
gone="SET sql_log_bin = 0; DROP DATABASE IF EXISTS $name; DROP USER IF EXISTS $name@localhost;"
setsid bash -c 'main=$1 client=$2 gone=$3; shift 3
  while kill -0 "$main" 2>/dev/null; do sleep 1; done
  printf "%s" "$gone" | "$client" "$@"' \
  cleaner "$$" "$client" "$gone" "$@" </dev/null >/dev/null 2>&1 &
trap 'printf "%s" "$gone" | "$client" "$@" >/dev/null 2>&1' EXIT
trap 'exit 40' TERM INT
printf '%s\n' "SET sql_log_bin = 0; CREATE DATABASE $name CHARACTER SET utf8mb4;" \
  "CREATE USER $name@localhost IDENTIFIED BY '$word';" \
  "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, INDEX, ALTER, REFERENCES, LOCK TABLES, CREATE VIEW," \
  "SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, EXECUTE, TRIGGER, CREATE TEMPORARY TABLES ON $name.*" \
  "TO $name@localhost; GRANT BINLOG ADMIN ON *.* TO $name@localhost;" | "$client" "$@" || exit 37
begun=${EPOCHREALTIME/./}
unpack "$pack" "$path" |
  sed -E -e '/^DELIMITER ;;/,/^DELIMITER ;$/d' -e '/^CREATE DATABASE /d' -e '/^USE `/d' \
  -e '/^\/\*!40000 DROP DATABASE IF EXISTS /d' \
  -e 's/^(\/\*!50[0-9]{3} (CREATE\*\/ \/\*!50[0-9]{3} )?|CREATE )DEFINER=`[^`]*`@`[^`]*`/\1/' |
  "$client" --defaults-file=<(printf '[client]\nuser=%s\npassword=%s\n' "$name" "$word") --sandbox \
    --batch --protocol=socket --socket="$socket" --init-command='SET sql_log_bin = 0' "$name" >/dev/null ||
  exit 38
echo "loaded $(( ${EPOCHREALTIME/./} - begun ))"
printf '%s\n' "$sql" | "$client" "$@" --force --batch --skip-column-names
echo done
trap - EXIT
printf "%s" "$gone" | "$client" "$@" >/dev/null || exit 39
""",
    shell="bash",
    writes="Makes a database and an account of its own on the server, loads the dump, and drops both.",
)
_NOT_LOADED = ("setting:", "event:", "trigger:", "function:")
_DENIED = re.compile(
    r"denied|ERROR (1044|1045|1142|1143|1227|1370|1419)\b|sandbox|No space|server has gone|Can't connect|"
    r"not allowed|Unknown (collation|character set|storage engine)|No such file"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MyWish:
    """What is asked of a load."""

    connect: Connect
    compare: str
    changing: tuple[str, ...]
    frozen: bool


async def load(walk: Walk, path: str, pack: str, wish: MyWish, size: int) -> None:
    """Load a dump, compare what came out with the live database, and say what that proves."""
    name = f"gonogort{secrets.token_hex(6)}"
    live = Catalogue(columns={}, objects={}, tables=frozenset())
    if wish.compare:
        live = await catalogue(walk.remote, wish.connect, wish.compare)
    walk.vantage.note(f"Loading {safe(path, limit=300)} into the new database {name} on {walk.remote.name}.")
    timeout = max(10.0, walk.vantage.remaining() - 10)
    sql = MY_SESSION.format(limit=int(timeout)) + catalogue_sql(name)
    sql += sums(name, live.columns, checksums=True) + "\nCOMMIT;\nSELECT 'end';\n"
    need = 64 * 1024 * 1024 + size * (3 if pack == "none" else 15)
    result = await walk.remote.run(
        LOAD(
            path, pack, name, str(need), *my_place(wish.connect), stdin=sql.encode(), timeout_s=timeout,
            as_user=wish.connect.as_user or "", max_stdout=MAX_ANSWER, heavy=True,
        )
    )  # fmt: skip
    how = "loading it into a scratch database"
    if result.whole and result.status is not None and result.status in _STAGES:
        if result.status == 38 and not _DENIED.search(result.errors):
            walk.failed(
                SAMPLE,
                how,
                f"It cannot be loaded: {said_by(result)}",
                "Make a new dump, and load it by hand.",
            )
            return
        if result.status == 39:
            walk.vantage.note(f"The database and account {name} could not be dropped: drop them by hand.")
        stage, fix = _STAGES[result.status]
        raise CannotTell(f"{stage} {said_by(result)}".strip(), fix)
    output = require(result, walk.remote).decode(errors="replace")
    walk.vantage.note(f"The database and account {name} are dropped.")
    rows, seconds = parsed(output)
    came = read_catalogue(rows)
    tables = {table.name: table for table in read_sums(rows)}
    walk.restore = Restore(
        bytes=size, files=len(came.tables), seconds=max(seconds, 0.001), startup_s=0.0, total_bytes=size,
        total_files=len(came.tables),
    )  # fmt: skip
    told = f"{len(came.tables)} tables came out in {seconds:.1f} s"
    if not came.tables:
        walk.failed(SAMPLE, how, f"{told}.", "Look what the job dumps.")
        return
    if not wish.compare:
        walk.unknown(
            SAMPLE, how, f"{told}, and there is nothing to compare them with.",
            "Give 'compare_database', the database that it was dumped from.",
        )  # fmt: skip
        return
    skip = re.compile(glob_regex(wish.changing)) if wish.changing else None
    compared, wrong, same = [], [], 0
    left = max(10.0, walk.vantage.remaining())
    for table in await live_tables(walk.remote, wish.connect, wish.compare, timeout_s=left):
        one = tables.get(table.name)
        shown = one.shown if one else "other columns" if table.name in came.tables else "missing"
        free = bool(skip and skip.match(table.name))
        if one == table:
            same += table.rows > 0
        elif not free:
            wrong.append(f"{table.name}: {shown} instead of {table.shown}")
        compared.append(
            Compared(
                path=table.name, sha256=shown, expected=table.shown,
                outcome="same" if one == table else "skipped" if free else "differs" if one else "unreadable",
            )
        )  # fmt: skip
    wrong += [f"{name}: not in {wish.compare}" for name in sorted(came.tables - live.tables)]
    wrong += [
        f"{key}: {came.objects.get(key, 'missing')[:80]} instead of {live.objects.get(key, 'none')[:80]}"
        for key in sorted(came.objects.keys() | live.objects.keys())
        if came.objects.get(key) != live.objects.get(key) and not key.startswith(_NOT_LOADED)
        and not (skip and skip.match(key.partition(":")[2].partition(".")[0]))
    ]  # fmt: skip
    walk.sample = Sample(
        seed="every table", population=len(compared), against="live", files=tuple(compared[:200])
    )
    tell_loaded(
        walk, how, told, wrong, same, compare=wish.compare, frozen=wish.frozen,
        alike="tables and views the same definition",
    )  # fmt: skip


def parsed(output: str) -> tuple[list[list[str | None]], float]:
    """Return the rows of a load's answer and the seconds it took; CannotTell for half of it."""
    lines = output.split("\n")
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) >= 3 and lines[-2:] == ["end", "done"] and lines[0].startswith("loaded "):
        number = lines[0].removeprefix("loaded ")
        if number.isascii() and number.isdecimal() and len(number) < 16:
            rows: list[list[str | None]] = [
                [None if cell == "NULL" else cell for cell in line.split("\t")] for line in lines[1:-2]
            ]
            return rows, int(number) / 1e6
    raise CannotTell("The load of the dump gave half an answer.", "Run the check again.")


_STAGES = {
    31: (
        "The client has no --sandbox, so that a dump could start programs.",
        "Install MariaDB's client of 2024 or newer.",
    ),
    32: (
        "The database server cannot be reached to load the dump:",
        "Correct 'socket', 'login' or 'defaults_file'.",
    ),
    33: (
        "Only a MariaDB server that is in no Galera cluster is loaded into.",
        "Load the dump on another server.",
    ),
    34: ("How much room the server has could not be told:", "Look whether its folder is on this host."),
    35: ("The server has too little room to load the dump.", "Make room, or load it on another server."),
    36: ("A dump of several databases is not loaded: they would become one.", "Dump each by itself."),
    37: ("A database and account to load into could not be made:", "Name one that may: 'as_user: root'."),
    38: (
        "The dump wants more than a database of its own, or could not be read:",
        "Load it by hand on a scratch server; let the account read the dump.",
    ),
    39: ("The scratch database could not be dropped:", "Drop it by hand; its name is in the notes."),
    40: ("Loading the dump was ended before its time.", "Give the check a longer 'timeout'."),
}
