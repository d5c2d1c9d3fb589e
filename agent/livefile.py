"""The live file that a run writes; `agent.live` says what is in it and reads it."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import stat
import time
from collections.abc import Iterator
from datetime import datetime
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path
from typing import Any

from agent.lock import Lock, hold, look
from agent.plan import Plan
from agent.records import RunRecord
from checks.words import Result, rfc3339

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}", re.ASCII)
PER_LINE = 1000
"""Ids of checks in one line: a line stays far below what a reader takes."""
MAX_WHY = 2000
BEAT_S = 1.0
FRESH_S = 10.0
"""How long after its last change a file without a lock still counts as written."""
_NEW_S = 60.0
_MAX_FILES = 1000
_OPEN = os.O_CLOEXEC if hasattr(os, "O_CLOEXEC") else os.O_NOINHERIT  # type: ignore[attr-defined]
READING = (
    os.O_RDONLY
    | _OPEN
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)
"""A link is not followed and a pipe does not block: who may write the folder shall not lead us elsewhere."""
_WRITING = (
    os.O_RDWR
    | os.O_CREAT
    | os.O_EXCL
    | os.O_APPEND
    | _OPEN
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_BINARY", 0)
)


def live_folder(ledger: Path) -> Path:
    """Return the folder with the live files of the ledger's runs."""
    return ledger.with_suffix(".live")


class LiveFile:
    """The sink that a run tells; a folder that cannot be written makes it silent, never the run fail.

    It only notes what it is told; `flush`, called a few times a second, writes it. A check that began and
    ended in between is told as done alone.
    """

    def __init__(self, ledger: Path) -> None:
        self._folder = live_folder(ledger)
        self._path: Path | None = None
        self._file: int | None = None
        self._began: dict[str, datetime] = {}
        self._said: list[str] = []
        self._beaten = 0.0
        self._torn = False
        """The last line may have no end: the disk was full."""

    def run_started(self, plan: Plan, run: RunRecord) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if not is_folder(self._folder) or RUN_ID.fullmatch(run.id) is None:
                return
            sweep(self._folder)
            path = self._folder / f"{run.id}.jsonl"
            file = os.open(path, _WRITING, 0o644)
        except OSError:
            return
        try:
            locked = hold(file) is Lock.HELD
        except OSError:
            os.close(file)
            return
        self._file, self._path = file, path
        pages = list(_pages(run.selected)) or [[]]
        self._say(
            "begun", run=run.id, pid=os.getpid(), host=platform.node(), locked=locked,
            started=rfc3339(run.started), selected=pages[0],
        )  # fmt: skip
        for page in pages[1:]:
            self._say("selected", checks=page)
        self.flush()

    def check_started(self, check: str, at: datetime) -> None:
        self._began[check] = at

    def check_done(self, result: Result) -> None:
        self._began.pop(result.check, None)
        if self._file is not None:
            self._said.append(
                f'{{"event":"done","check":{quoted(result.check)},"status":"{result.status.value}"}}'
            )

    def check_lost(self, result: Result, why: str) -> None:
        self._began.pop(result.check, None)
        self._say("lost", check=result.check, why=why[:MAX_WHY])

    def run_done(self, run: RunRecord) -> None:
        """Say the end and remove the file: the ledger has it all."""
        if self._file is None or self._path is None:
            return
        self._began.clear()
        self._say("ended", outcome=run.outcome)
        self.flush()
        with contextlib.suppress(OSError):
            if os.name != "nt":  # Windows removes no open file, and POSIX shall not show a free one
                self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            os.close(self._file)
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
            self._path.with_suffix(".stop").unlink(missing_ok=True)
        self._file = None

    def flush(self) -> None:
        """Let others see what was said."""
        if self._file is None:
            return
        began, self._began = self._began, {}
        said, self._said = self._said, []
        said += [
            f'{{"event":"started","check":{quoted(check)},"at":"{rfc3339(at)}"}}'
            for check, at in began.items()
        ]
        now = time.monotonic()
        if not said and now - self._beaten > BEAT_S:
            said.append('{"event":"beat"}')
        if said:
            self._beaten = now
            data = ("\n" * self._torn + "\n".join(said) + "\n").encode()
            try:
                self._torn = os.write(self._file, data) < len(data)
            except OSError:
                self._torn = True

    def stop_asked(self) -> bool:
        """Return whether somebody asked this run to stop."""
        return self._path is not None and os.path.lexists(self._path.with_suffix(".stop"))

    def _say(self, event: str, **rest: Any) -> None:
        if self._file is not None:
            self._said.append(json.dumps({"event": event, **rest}, separators=(",", ":")))


def _pages(names: tuple[str, ...]) -> Iterator[list[str]]:
    for start in range(0, len(names), PER_LINE):
        yield list(names[start : start + PER_LINE])


def is_folder(path: Path) -> bool:
    """Tell whether `path` is a folder itself and no link to one."""
    return stat.S_ISDIR(path.lstat().st_mode)


def open_plain(path: Path) -> int | None:
    """Open a plain file to read; None for a link, a pipe, a device or a folder. Raises OSError."""
    if not hasattr(os, "O_NOFOLLOW") and path.is_symlink():
        return None
    file = os.open(path, READING)
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    return None


def fresh(seen: os.stat_result) -> bool:
    """Tell whether a file was changed just now; one from the future is none."""
    return abs(time.time() - seen.st_mtime) < FRESH_S


def sweep(folder: Path) -> None:
    """Remove what killed runs left. Readers never do: they may not write, and the next run is soon enough."""
    with os.scandir(folder) as found:
        names = [entry.name for _, entry in zip(range(_MAX_FILES), found, strict=False)]
    for name in names:
        stem, dot, kind = name.rpartition(".")
        if not dot or RUN_ID.fullmatch(stem) is None:
            continue
        path = folder / name
        with contextlib.suppress(OSError):
            if kind == "stop" and f"{stem}.jsonl" not in names and _old(path):
                path.unlink()
            elif kind == "jsonl" and _left(path):
                path.unlink()
                path.with_suffix(".stop").unlink(missing_ok=True)


def _old(path: Path) -> bool:
    return abs(time.time() - path.lstat().st_mtime) > _NEW_S


def _left(path: Path) -> bool:
    file = open_plain(path)
    if file is None:
        return False
    try:
        seen, lock = os.fstat(file), look(file)
        unlocked = b'"locked":false' in os.read(file, 2000)
    finally:
        os.close(file)
    if lock is Lock.HELD:
        return False
    if lock is Lock.UNKNOWN or seen.st_size == 0:  # its run may be about to lock it
        return _old(path)
    return not (unlocked and fresh(seen))
