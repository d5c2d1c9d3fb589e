"""Running borg 1.x on a host, and reading what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from checks.backup._sample import Candidate, Restored
from checks.backup._sums import is_sha256
from checks.dataclass import dataclass
from checks.remote.outcome import require
from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.ssh.command import MAX_STDOUT, Script
from checks.wire.ssh.remote import CommandResult, Remote

MAX_LIST = 128 * 1024 * 1024
BROKEN = {
    "IntegrityError", "IntegrityErrorBase", "Repository.ObjectNotFound", "Repository.CheckNeeded",
    "Repository.InvalidRepository", "Repository.InvalidRepositoryConfig", "TAMInvalid", "ArchiveTAMInvalid",
    "TAMRequiredError", "ArchiveTAMRequiredError", "NoManifestError", "DecompressionError",
    "RepoKeyNotFoundError",
}  # fmt: skip
LOCKED = {"LockTimeout", "LockFailed", "LockError", "LockErrorT"}
_RAISED = re.compile(r"[A-Za-z.]{1,60}(Error|Exception|NotFound): ")
_HAND = "Run 'borg list' and 'borg extract --dry-run' by hand as the same account."


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a repository is opened."""

    repo: str
    password_file: str
    password: str
    wait_s: float
    as_user: str
    past_lock: bool = False

    def words(self) -> tuple[str, ...]:
        """Return the first arguments of each script."""
        given = "file" if self.password_file else "stdin" if self.password else "none"
        past = "yes" if self.past_lock else "no"
        return self.repo, self.password_file, given, str(max(1, round(self.wait_s))), past

    @property
    def stdin(self) -> bytes:
        """Return what the scripts read."""
        return f"{self.password}\n".encode() if self.password else b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """How a borg command ended: its status and the errors that it logged."""

    output: bytes
    marks: tuple[tuple[str, str], ...]
    status: int
    ids: frozenset[str]
    errors: str

    @property
    def locked(self) -> bool:
        return bool(self.ids & LOCKED) or "/lock.exclusive" in self.errors

    @property
    def damaged(self) -> bool:
        """Whether it says that the repository is damaged, and not that it could not be looked at."""
        lost = "FileNotFoundError" in self.errors and "/data/" in self.errors
        return bool(self.ids & BROKEN) or lost or "configparser." in self.errors


async def ask(
    remote: Remote, script: Script, way: Way, *words: str, timeout_s: float, most: int = MAX_STDOUT
) -> tuple[Said, CommandResult]:
    """Run a script and read how borg ended; raise CannotTell where it did not run at all."""
    command = script(
        *way.words(), *words, stdin=way.stdin, timeout_s=timeout_s, heavy=True, max_stdout=most,
        as_user=way.as_user,
    )  # fmt: skip
    result = await remote.run(command)
    said = parse_said(require(result, remote), result.errors)
    for mark, value in said.marks:
        if mark == "missing":
            raise CannotTell(f"On {remote.name} there is no program borg.", f"Install borg on {remote.name}.")
        if mark == "unreadable":
            raise CannotTell(
                f"The file with the passphrase may not be read: {value}.",
                "Log in as an account that may read it.",
            )
    if said.status < 0:
        raise CannotTell("borg gave half an answer.", _HAND)
    return said, result


def parse_said(output: bytes, errors: str) -> Said:
    """Return output, marks and errors of one of the scripts."""
    first, *rest = output.split(b"\x1e")
    marks, body = [], first
    for part in rest:
        line, _, after = part.decode("utf-8", "surrogateescape").partition("\n")
        mark, _, value = line.partition(" ")
        marks.append((mark, value))
        body += after.encode("utf-8", "surrogateescape")
    status = next((value for mark, value in reversed(marks) if mark == "status"), "")
    ids, told = _logged(errors.splitlines())
    return Said(
        output=body, marks=tuple(marks), status=int(status) if re.fullmatch(r"\d{1,3}", status) else -1,
        ids=frozenset(ids), errors="\n".join(told),
    )  # fmt: skip


def _logged(lines: Iterable[str]) -> tuple[set[str], list[str]]:
    ids, told = set(), []
    for line in lines:
        entry: Any = None
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            pass
        if not isinstance(entry, dict):
            told.append(line)
            continue
        if isinstance(entry.get("msgid"), str):
            ids.add(entry["msgid"])
        if isinstance(entry.get("message"), str):
            told.append(entry["message"])
    return ids, told


def trouble(said: Said, remote: Remote) -> CannotTell:
    """Return why borg could not look into the repository."""
    if said.locked:
        holder = next(
            (value.strip() or "another account" for mark, value in said.marks if mark == "holder"), ""
        )
        if not holder and ("LockFailed" in said.ids or "ermission" in said.errors):
            return CannotTell(
                "borg may not put its lock into the repository.",
                "Log in as the account that owns the repository, set 'sudo: true', or read without a lock by "
                "'past_lock: true'.",
            )
        return CannotTell(
            f"The repository is locked by {safe(holder, limit=100) if holder else 'another program'}.",
            "Run the check again when the backup that holds the lock has ended, or read past it by "
            "'past_lock: true'.",
        )
    if "PermissionError" in said.errors:
        return CannotTell(
            f"The repository may not be read by this account: {first_words(said)}.",
            "Log in as the account that owns the repository, or set 'sudo: true'.",
        )
    if "PassphraseWrong" in said.ids:
        return CannotTell("The passphrase of the repository is wrong, or none was given.", "Correct it.")
    if "KeyfileNotFoundError" in said.ids:
        return CannotTell(
            f"This account has no key file of the repository: {first_words(said)}.",
            "Log in as the account that makes the backups, or set 'sudo: true'. Keep the key file and its "
            "passphrase in a safe place, too (borg key export): without it nothing can be restored.",
        )
    if "Repository.DoesNotExist" in said.ids:
        return CannotTell(
            "There is no repository there.", "Correct 'repo', or see whether its disk is mounted."
        )
    return CannotTell(f"borg ended with status {said.status} on {remote.name}: {first_words(said)}.", _HAND)


def first_words(said: Said) -> str:
    """Return what borg said, short: its first line and what a traceback ends with."""
    lines = [line.strip() for line in said.errors.splitlines() if line.strip()]
    raised = [line for line in lines[1:] if _RAISED.match(line) and "cleanup happened" not in line]
    return safe(" / ".join([*lines[:1], *raised[-1:]]), limit=250).rstrip(".")


@dataclass(frozen=True, slots=True, kw_only=True)
class BorgArchive:
    """One archive of the list."""

    name: str
    start: datetime
    host: str = ""
    """Whose archive it is; empty where borg does not tell."""


def parse_archives(output: bytes) -> tuple[list[BorgArchive], dict[str, str]]:
    """Return the archives, the newest first, and id, mode and place of the repository."""
    try:
        data = json.loads(
            output.decode("utf-8", "replace").partition("{")[1]
            + output.decode("utf-8", "replace").partition("{")[2]
        )
        found = [
            BorgArchive(name=row["name"], start=_utc(row["start"]), host=str(row.get("hostname", "")))
            for row in data["archives"]
            if ".checkpoint" not in row["name"]
        ]
        about = {
            "id": str(data["repository"]["id"]), "location": str(data["repository"]["location"]),
            "mode": str(data["encryption"]["mode"]),
        }  # fmt: skip
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        raise CannotTell("The list of the repository makes no sense.", _HAND) from None
    return sorted(found, key=lambda archive: archive.start, reverse=True), about


def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def parse_content(output: bytes) -> tuple[list[Candidate], int, int]:
    """Return the ordinary files, how many cannot be asked for by name, and how many are not healthy.

    Borg writes `?` for each byte that is no UTF-8 (also in `bpath`), so a name that has one is not asked for.
    """
    *rows, rest = output.split(b"\0")
    if rest.strip():
        raise CannotTell("The list of the archive is cut off.", _HAND)
    files, odd, ill = [], 0, 0
    for row in rows:
        words = row.split(b" ", 4)
        try:
            kind, size, health, mtime, path = words[0], int(words[1]), words[2], int(words[3]), words[4]
        except (ValueError, IndexError):
            raise CannotTell("The list of the archive makes no sense.", _HAND) from None
        ill += health != b"healthy"
        if kind != b"-":
            continue
        if b"?" in path:
            odd += 1
            continue
        try:
            files.append(Candidate(path=path.decode("utf-8"), size=size, mtime=float(mtime)))
        except (UnicodeDecodeError, OverflowError):
            odd += 1
    return files, odd, ill


def parse_restored(output: bytes) -> dict[str, Restored]:
    """Return names and hashes as `RESTORE` prints them."""
    rows = output.decode("utf-8", "surrogateescape").split("\0")
    pairs = [row.partition(" ") for row in rows]
    return {name: Restored(sha256=digest) for digest, _, name in pairs if is_sha256(digest)}
