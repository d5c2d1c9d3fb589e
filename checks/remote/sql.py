"""Asking a database on a host: one read-only session of its own client, fed on stdin, its answer counted.

The SQL is written in the source; what comes from a project or a server goes into it by `pg_text`, `my_text`
and `my_name` only. An answer without its last line was cut off and is never used.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

from checks.bounds import Len
from checks.dataclass import dataclass
from checks.params import Port
from checks.remote.outcome import reason, require
from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.ssh.command import Command, Program, Script
from checks.wire.ssh.remote import Remote

SqlName = Annotated[str, Len(1, 128)]
MAX_ANSWER = 64 * 1024 * 1024

PSQL = Program("psql", refuses={"-c", "--command", "-f", "--file", "-o", "--output", "-L", "--log-file"})
MYSQL = Script("mysql", 'if command -v mariadb >/dev/null 2>&1; then exec mariadb "$@"; fi; exec mysql "$@"')

PG_SESSION = """
SET default_transaction_read_only = on;
SET search_path = pg_catalog;
SET row_security = off;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET datestyle = 'ISO, YMD';
SET intervalstyle = 'iso_8601';
SET timezone = 'UTC';
SET bytea_output = 'hex';
SET extra_float_digits = 3;
SET lc_monetary = 'C';
SET lock_timeout = '20s';
SET statement_timeout = '{limit}s';
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;
"""
MY_SESSION = """
SET NAMES utf8mb4;
SET SESSION sql_mode = '';
SET SESSION time_zone = '+00:00';
SET SESSION group_concat_max_len = 4194304;
SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;
SET SESSION TRANSACTION READ ONLY;
/*M!100101 SET SESSION max_statement_time = {limit} */;
/*!50708 SET SESSION max_execution_time = {limit}000 */;
START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """How a database server is reached on its host. What is left out is as its client has it."""

    as_user: Annotated[str, Len(1, 104)] | None = None
    """The client is run by sudo as this user: `postgres`, `root`."""
    socket: Annotated[str, Len(1, 4096)] | None = None
    """The directory of the socket (PostgreSQL), the socket itself (MySQL, MariaDB), or a host name."""
    port: Port | None = None
    login: SqlName | None = None
    """The account of the database."""
    defaults_file: Annotated[str, Len(1, 4096)] | None = None
    """The option file of the MySQL client on the host, with its password."""


def require_name(name: str) -> None:
    """Raise ValueError for a name of a database that its client would read as something else."""
    if "=" in name or "://" in name or name.startswith("-") or not name.isprintable():
        raise ValueError(f"The database's name {name!r:.80} would be read as something else by its client.")


def pg_place(connect: Connect) -> list[str]:
    """Return the options of psql, pg_restore and the like that say which server is meant."""
    words = ["--no-password"]
    words += [f"--host={connect.socket}"] if connect.socket else []
    words += [f"--port={connect.port}"] if connect.port else []
    return words + ([f"--username={connect.login}"] if connect.login else [])


def my_place(connect: Connect) -> list[str]:
    """Return the options of the MySQL client that say which server is meant; they come first."""
    words = [f"--defaults-file={connect.defaults_file}"] if connect.defaults_file else []
    if connect.socket:
        kind = "socket" if connect.socket.startswith("/") else "host"
        words.append(f"--{kind}={connect.socket}")
    words += [f"--port={connect.port}"] if connect.port else []
    return words + ([f"--user={connect.login}"] if connect.login else [])


async def psql(
    remote: Remote, connect: Connect, database: str, sql: str, *, timeout_s: float
) -> list[list[Any]]:
    """Return the JSON arrays that `sql` selects, one to a line, in one read-only snapshot."""
    limit = max(1, int(timeout_s) - 1)
    text = f"{PG_SESSION.format(limit=limit)}{sql}\nCOMMIT;\nSELECT '[\"end\"]';\n"
    words = ["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"]
    command = PSQL(
        *words, *pg_place(connect), f"--dbname={database}", **_options(connect, text, timeout_s)
    )  # fmt: skip
    lines = (await _answer(remote, command, database)).split("\n")
    rows = [_array(line, remote) for line in lines if line.strip()]
    if not rows or rows.pop() != ["end"]:
        raise _cut(remote)
    return rows


async def mysql(
    remote: Remote, connect: Connect, sql: str, *, timeout_s: float, database: str = ""
) -> list[list[str | None]]:
    """Return the rows that `sql` selects, in one read-only snapshot; text is to be selected by `HEX()`."""
    limit = max(1, int(timeout_s) - 1)
    text = f"{MY_SESSION.format(limit=limit)}{sql}\nCOMMIT;\nSELECT 'end';\n"
    words = [*my_place(connect), "--batch", "--skip-column-names", "--no-auto-rehash"]
    words += [f"--database={database}"] if database else []
    command = MYSQL(*words, **_options(connect, text, timeout_s))
    lines = (await _answer(remote, command, database)).split("\n")
    rows = [[None if cell == "NULL" else cell for cell in line.split("\t")] for line in lines if line]
    if not rows or rows.pop() != ["end"]:
        raise _cut(remote)
    return rows


async def mysql_status(
    remote: Remote, connect: Connect, statement: str, *, timeout_s: float
) -> list[dict[str, str]] | None:
    """Return what a `SHOW` statement says, by column; None where this server has no such statement."""
    command = MYSQL(*my_place(connect), "--batch", **_options(connect, f"{statement};\n", timeout_s))
    result = await remote.run(command)
    if result.whole and result.status == 1 and "ERROR 1064" in result.errors:
        return None
    lines = require(result, remote).decode(errors="replace").split("\n")
    head = lines[0].split("\t")
    return [dict(zip(head, line.split("\t"), strict=False)) for line in lines[1:] if line]


def pg_text(value: str) -> str:
    """Return a text as a literal of SQL, for a session with standard_conforming_strings."""
    return "'" + value.replace("\0", "").replace("'", "''") + "'"


def my_text(value: str) -> str:
    """Return a text as a literal of SQL that holds in every mode."""
    return f"CONVERT(x'{value.encode().hex()}' USING utf8mb4)" if value else "''"


def my_name(value: str) -> str:
    """Return an identifier as SQL quotes it."""
    return "`" + value.replace("`", "``") + "`"


def unhex(cell: str | None) -> str:
    """Return the text of a cell that was selected by `HEX()`; empty for NULL or anything else."""
    try:
        return bytes.fromhex(cell or "").decode(errors="replace")
    except ValueError:
        return ""


def glob_regex(globs: tuple[str, ...]) -> str:
    """Return the regular expression (of PostgreSQL, MySQL and Python alike) of names that a glob takes."""
    each = []
    for glob in globs:
        one = "".join({"*": ".*", "?": "."}.get(char, _literal(char)) for char in glob)
        each.append(one)
    return f"^({'|'.join(each)})$" if each else "^.*$"


def _literal(char: str) -> str:
    if char.isalnum() or char == "_" or ord(char) > 127:
        return char
    return f"\\{char}" if char in "^\\]" else f"[{char}]"


def _options(connect: Connect, text: str, timeout_s: float) -> dict[str, Any]:
    return {
        "stdin": text.encode(), "timeout_s": timeout_s, "as_user": connect.as_user or "",
        "max_stdout": MAX_ANSWER, "heavy": True,
    }  # fmt: skip


async def _answer(remote: Remote, command: Command, database: str) -> str:
    result = await remote.run(command)
    if result.whole and result.status in (1, 2, 3):
        raise CannotTell(f"{reason(result, remote)}", _advice(result.errors, database, remote.name))
    return require(result, remote).decode(errors="replace")


_LONGER = "Give the check a longer 'timeout', or fewer 'tables'."
_ADVICE = {
    "row-level security": "Ask as the tables' owner or a role with BYPASSRLS ('login', 'as_user'): this one "
    "sees a part of the rows only.",
    "permission denied": "Give the account SELECT on every table and sequence (pg_read_all_data), or name "
    "another one by 'login' or 'as_user'; leave tables out by 'tables'.",
    "command denied": "Give the account SELECT on every table of the database.",
    "Access denied": "Name an account that may log in: 'login', 'defaults_file' or 'as_user: root'.",
    "authentication failed": "Name an account that may log in: 'as_user: postgres', or 'login' with its line "
    "in ~/.pgpass on the host.",
    "no password supplied": "Put the password into ~/.pgpass of the account on the host, or use 'as_user'.",
    "does not exist": "Correct the name of the database or of the account.",
    "Unknown database": "Correct the name of the database.",
    "conflict with recovery": "The standby ended the query so that it could go on: set "
    "max_standby_streaming_delay higher for the comparison.",
    "timeout": _LONGER,
    "max_statement_time": _LONGER,
}


def _advice(errors: str, database: str, host: str) -> str:
    for words, fix in _ADVICE.items():
        if words in errors:
            return fix
    where = f" {safe(database, limit=80)}" if database else ""
    return f"Connect to the database{where} by hand on {host} as the same account."


def _array(line: str, remote: Remote) -> list[Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, list) or not row:
        raise CannotTell(
            f"{remote.name} answered a query with something else than was asked: {safe(line, limit=120)}",
            "Connect by hand and look what the client prints before its answer.",
        )
    return row


def _cut(remote: Remote) -> CannotTell:
    return CannotTell(
        f"The answer of the database on {remote.name} is not whole: its last line is missing.",
        "Run it again; look into the log of the database server if that stays so.",
    )
