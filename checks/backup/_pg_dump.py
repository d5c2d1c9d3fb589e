"""A dump of PostgreSQL on its host: what it is, when it was begun, and reading all of it without a server."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from checks.backup._archive_files import is_tar, kind_of, sealed
from checks.dataclass import dataclass
from checks.remote.outcome import require, said_by
from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.ssh.command import Script
from checks.wire.ssh.remote import CommandResult, Remote

UNPACK = r"""
unpack() {
  case $1 in
    gz) gzip -dc -- "$2" ;; xz) xz -dc -- "$2" ;; zst) zstd -dcq -- "$2" ;; bz2) bzip2 -dc -- "$2" ;;
    *) cat -- "$2" ;;
  esac
}
"""
"""A function of a script: the bytes of a file that is packed in this way."""

HEAD = Script(  # noqa: S604
    "begin of a dump",
    UNPACK
    + r"""
unpack "$2" "$1" 2>/dev/null | head -c 8192 | od -An -v -tx1 | tr -d ' \n'
""",
    shell="bash",
)
LIST = Script(  # noqa: S604
    "pg_restore",
    UNPACK
    + r"""
case $2 in dir|none) exec pg_restore -l -- "$1" ;; esac
unpack "$2" "$1" | pg_restore -l
""",
    shell="bash",
)
READ = Script(  # noqa: S604
    "pg_restore",
    UNPACK
    + r"""
sql() {
  case $1-$2 in
    plain-*) unpack "$2" "$3" ;;
    dir-*|*-none) pg_restore -f - -- "$3" ;;
    *) unpack "$2" "$3" | { pg_restore -f -; status=$?; cat >/dev/null; exit $status; } ;;
  esac
}
set -o pipefail
exec 4>&1
heading='-- (Data for Name: |Dumping [a-z]+|Table structure |PostgreSQL database )'
said='(pg_dump|pg_dumpall|mysqldump|mariadb-dump): '
counted=$({
  sql "$2" "$3" "$1" |
    tee >(
      grep -aEo "^(COPY .* FROM stdin;|(INSERT|REPLACE) +(IGNORE +)?INTO |\\\\\\.|$heading|$said)" | awk '
        /^-- / {
          torn += open; open = 0; mode = ""; below = /^-- (Data|Dumping data)/; my = /^-- (Dumping|Table)/
          next
        }
        /^\\/ { open = 0; next }
        open { next }
        /^(pg_dump|pg_dumpall|mysqldump|mariadb-dump): / { told += my || mode != "INSERT"; next }
        below { filled += 1; mode = mode ? mode : $1; open = mode == "COPY" && $1 == "COPY" }
        END { print filled + 0, torn + 0, told + 0 }' >&5
    ) |
    tail -c 700 | od -An -v -tx1 | tr -d ' \n' >&4
  echo "status ${PIPESTATUS[*]}" >&5
} 5>&1)
echo
if [ "$2" = tar ]; then unpack "$3" "$1" | tail -c 1024 | tr -d '\0' | wc -c; else echo 0; fi
printf '%s\n' "$counted" | sort -r
""",
    shell="bash",
)
"""The last 700 bytes of the SQL in hex, what is not zero at the end of a tar file, how each program ended,
and how many statements below a heading put data into tables, how many tables' data have no end, and how many
lines are the dump program's own complaints."""
LOCAL_TIME = Script("date", 'TZ=:/etc/localtime date -d "$1" +%s')
"""A dump holds the local time of where it was made, without its zone."""
DIR = Script(
    "du", 'du -sb -- "$1" && stat -c %Y -- "$1"/* | sort -n | tail -n 1 && find "$1" -type f | wc -l'
)  # fmt: skip

END = re.compile(rb"^-- PostgreSQL database (cluster )?dump complete\r?$", re.MULTILINE)
_WALL = r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) ?(\S{0,8})"
_CREATED = re.compile(rf"^; Archive created at {_WALL}", re.MULTILINE)
_STARTED = re.compile(rf"^-- Started on {_WALL}", re.MULTILINE)
_NAME = re.compile(r"^;     dbname: (.*)$", re.MULTILINE)
_MADE = re.compile(r"^CREATE DATABASE (\"?)(.{1,63}?)\1 WITH ", re.MULTILINE)
_ENTRY = re.compile(r"^\d+; \d+ \d+ (TABLE DATA|[A-Z][A-Z ]*) ", re.MULTILINE)
_PACKED = re.compile(r"^;     Compression: (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dump:
    """What the begin of a dump says of it."""

    kind: str
    """`custom`, `tar`, `dir`, `plain`, `all` (pg_dumpall), or empty for none of them."""
    pack: str
    """How the file is packed outside: `gz`, `xz`, `zst`, `bz2` or `none`."""
    sealed: bool
    """Whether the packing has a checksum over all of it."""
    database: str = ""
    wall: str = ""
    """When it was begun, by the clock on the wall of where it was made."""
    utc: bool = False
    tables: int | None = None
    """Tables whose data are in it."""
    wrong: str = ""
    """Why it cannot be read at all, where it begins as a dump does."""


async def inspect(remote: Remote, path: str, head: bytes, as_user: str) -> Dump:
    """Return what the file is whose first bytes are `head`."""
    pack = kind_of(head)
    pack = pack if pack in ("gz", "xz", "zst", "bz2") else "none"
    if pack != "none":
        result = await remote.run(HEAD(path, pack, as_user=as_user))
        try:
            inner = bytes.fromhex(require(result, remote).decode("ascii", "replace"))
        except ValueError:
            inner = b""
    else:
        inner = head
    whole = sealed(pack, head)
    if inner.startswith(b"PGDMP") or is_tar(inner):
        kind = "custom" if inner.startswith(b"PGDMP") else "tar"
        return await _list(remote, path, kind, pack, as_user, sealed=whole)
    if pack == "none":
        result = await remote.run(HEAD(path, pack, as_user=as_user))
        try:
            inner = bytes.fromhex(require(result, remote).decode("ascii", "replace"))
        except ValueError:
            inner = b""
    return plain_dump(inner, pack, sealed=whole)


async def inspect_folder(remote: Remote, path: str, as_user: str) -> Dump:
    """Return what the folder is that holds a `toc.dat`."""
    return await _list(remote, path, "dir", "none", as_user, sealed=False)


async def _list(remote: Remote, path: str, kind: str, pack: str, as_user: str, *, sealed: bool) -> Dump:
    way = "dir" if kind == "dir" else pack
    result = await remote.run(LIST(path, way, as_user=as_user, timeout_s=60.0))
    if not (result.whole and result.status == 1):
        text = require(result, remote).decode(errors="replace")
        return listed_dump(text, kind, pack, sealed=sealed)
    why = said_by(result)
    _require_new(why, remote)
    wrong = (
        ""
        if '"toc.dat" does not exist' in result.errors
        else f"Its table of contents cannot be read ({why})."
    )
    return Dump(kind="", pack=pack, sealed=sealed, wrong=wrong)


def _require_new(why: str, remote: Remote) -> None:
    """Raise CannotTell where pg_restore says that it does not know a dump of this version."""
    if "unsupported version" in why:
        raise CannotTell(
            f"pg_restore on {remote.name} is too old for this dump: {why}",
            "Install a PostgreSQL client of at least the dump's version.",
        )


def listed_dump(text: str, kind: str, pack: str, *, sealed: bool) -> Dump:
    """Return what the table of contents says; without one it is no dump."""
    created = _CREATED.search(text)
    if created is None:
        return Dump(kind="", pack=pack, sealed=sealed)
    name = _NAME.search(text)
    entries = _ENTRY.findall(text)
    return Dump(
        kind=kind, pack=pack, sealed=sealed, database=name[1] if name else "", wall=created[1],
        utc=False, tables=entries.count("TABLE DATA"),
    )  # fmt: skip


def plain_dump(head: bytes, pack: str, *, sealed: bool) -> Dump:
    """Return what the begin of a file of SQL says."""
    text = head.decode(errors="replace")
    kind = ""
    for line in text.splitlines()[:8]:
        if line.startswith("-- PostgreSQL database cluster dump"):
            kind = "all"
        elif line.startswith("-- PostgreSQL database dump"):
            kind = "plain"
    started, made = _STARTED.search(text), _MADE.search(text)
    return Dump(
        kind=kind, pack=pack, sealed=sealed, wall=started[1] if started else "",
        database=made[2] if made and kind == "plain" else "",
        utc=bool(started and started[2] in ("UTC", "GMT")),
    )  # fmt: skip


async def begun(remote: Remote, dump: Dump) -> datetime | None:
    """Return when the dump was begun; None where it does not say."""
    if not dump.wall:
        return None
    try:
        told = datetime.strptime(dump.wall, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        if dump.utc:
            return told
        output = require(await remote.run(LOCAL_TIME(dump.wall)), remote).decode("ascii", "replace")
        return datetime.fromtimestamp(int(output), UTC)
    except (ValueError, OverflowError, OSError):
        return None


NO_DATA = "It puts no data into any table: it is of another database, or the definitions alone."


def read_wrong(result: CommandResult, remote: Remote, dump: Dump) -> str:
    """Return what is wrong with a dump that was read to its end, empty where nothing is."""
    lines = require(result, remote).decode("ascii", "replace").split("\n")
    try:
        end = bytes.fromhex(lines[0])
        after = int(lines[1])
        statuses = [int(word) for word in lines[2].removeprefix("status ").split()]
        filled, torn, complaints = (int(word) for word in lines[3].split())
    except (ValueError, IndexError):
        raise CannotTell(
            f"Reading the dump on {remote.name} gave half an answer.", "Run the check again."
        ) from None
    if 127 in statuses:
        raise CannotTell(
            f"On {remote.name} a program to read this dump is missing: {said_by(result)}",
            "Install the PostgreSQL client (pg_restore) and the program that the dump is packed with.",
        )
    if any(statuses):
        why = said_by(result)
        _require_new(why, remote)
        return f"It cannot be read to its end: {why or 'a program failed'}"
    marks = list(END.finditer(end))
    if not marks:
        return "Its last line, 'PostgreSQL database dump complete', is missing."
    if dump.kind == "all" and not marks[-1][1]:
        return "The last database is there and the line 'database cluster dump complete' is missing."
    rest = re.sub(
        rb"^(\\unrestrict \S+|--|-- Completed on .*|\s*)$", b"", end[marks[-1].end() :], flags=re.MULTILINE
    )
    if rest.strip():
        return f"After its last line something else follows: {safe(rest.decode(errors='replace'), limit=80)}"
    if after:
        return "The tar archive ends without its two empty blocks."
    return content_wrong(filled, torn, complaints)


def content_wrong(filled: int, torn: int, complaints: int) -> str:
    """Return what is wrong with what a dump holds, as `READ` counts it; empty where nothing is."""
    if torn:
        return f"The data of {torn} tables have no end: a part of them is missing."
    if complaints:
        return f"In it stand {complaints} complaints of the program that made it."
    return "" if filled else NO_DATA
