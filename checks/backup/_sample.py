"""Rung 5: random files of a backup are restored, hashed, and compared with what they must be.

`compare` draws from the files that a backup lists, has them restored by the check that knows how, and says
the rung. A restored file that differs, or that does not come back, fails it. It is proven only if at least
one was compared with something of today or of before the backup: live files that have not changed since it
was begun, a manifest, or a canary.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Protocol

from checks.backup._ladder import Compared, Sample
from checks.backup._live import LiveFile, hashes, states
from checks.backup._sample_said import tell
from checks.backup._sums import NOTHING, is_sha256, matched, parse_sums
from checks.backup._walk import Walk
from checks.dataclass import dataclass
from checks.remote.outcome import require
from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.ssh.command import Program

CAT = Program("cat")
AHEAD = 100
"""So many files are looked at in one go for those that have not changed."""
MAX_LOOKED_AT = 1000
MAX_KEPT = 200
MAX_MANIFEST = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An ordinary file that the backup holds."""

    path: str
    """As the backup names it; text as `os.fsdecode` makes it."""
    size: int | None = None
    mtime: float | None = None
    """Its time of modification as the backup holds it, in seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What became of one file's restore. A restore that could not be tried raises CannotTell instead."""

    sha256: str = ""
    why: str = ""
    """Why it did not come back whole; empty if it did."""
    bytes: int | None = None
    """How much came back, where it was counted."""


Restore = Callable[[Sequence[str]], Awaitable[Mapping[str, Restored]]]
"""Restores files named as the backup names them, all in one go; what it leaves out was not restored."""


class Asked(Protocol):
    """The parameters of `BackupCheck` that say what is drawn and what it is compared with."""

    @property
    def sample_files(self) -> int: ...
    @property
    def seed(self) -> str | None: ...
    @property
    def live(self) -> str | None: ...
    @property
    def manifest(self) -> str | None: ...
    @property
    def canary(self) -> Any: ...
    @property
    def root(self) -> str: ...


def draw(names: Iterable[str], seed: str, count: int) -> list[str]:
    """Return `count` of the names in random order, the same ones for the same seed and names.

    The first ones of a longer draw are those of a shorter one.
    """
    order = sorted(set(names))
    random.Random(f"{seed}").shuffle(order)
    return order[:count]


async def compare(
    walk: Walk, asked: Asked, candidates: Sequence[Candidate], restore: Restore, *, seed: str,
    unaddressable: int = 0, place: Callable[[str], str] | None = None,
) -> None:  # fmt: skip
    """Restore and compare a sample of `candidates`; tell `walk` of the rung and keep the sample there.

    `seed` is used where none is asked for: the newest backup's id. `place` maps a file of the backup to where
    it lies under `live` today; by default its path is put behind it.
    """
    drawing = _Drawing(walk, asked, candidates, restore, asked.seed or seed, place)
    rows = [*await drawing.canary(), *await drawing.rows()]
    sample = Sample(
        seed=drawing.seed, population=drawing.population, against=drawing.against, files=tuple(rows),
        unaddressable=unaddressable,
    )  # fmt: skip
    walk.sample = replace(sample, files=sample.files[:MAX_KEPT])
    tell(walk, sample, f"'{drawing.against}'" if rows else "the backup", drawing.missing)


class _Drawing:
    def __init__(
        self, walk: Walk, asked: Asked, candidates: Sequence[Candidate], restore: Restore, seed: str,
        place: Callable[[str], str] | None,
    ) -> None:  # fmt: skip
        self.walk, self.asked, self.restore, self.seed = walk, asked, restore, seed
        self.files = {file.path: file for file in candidates}
        self.population = sum(file.size != 0 for file in self.files.values())
        self.against: Literal["live", "manifest", "canary", "nothing"] = "nothing"
        self.missing = 0
        self._place = place or (lambda path: f"{(asked.live or '').rstrip('/')}/{path.lstrip('/')}")

    async def canary(self) -> list[Compared]:
        """Return the row of the canary, if there is to be one."""
        canary = self.asked.canary
        if canary is None:
            return []
        self.against = "canary"
        path = canary.path
        if path not in self.files:
            return [Compared(path=_shown(path), outcome="unreadable", why="The canary is not in the backup.")]
        expected = (canary.sha256 or "").lower()
        if not expected:
            (live,) = await hashes(
                self.walk.remote, [self._place(path)], timeout_s=self._time(), as_user=self.asked.root
            )
            if live is None:
                raise CannotTell(
                    f"The live canary {_shown(path)} cannot be read, so there is nothing to compare with.",
                    "Write its 'sha256' into 'canary', or say by 'live' where the files lie.",
                )
            expected = live[1]
            if expected == NOTHING:
                raise CannotTell(
                    f"The live canary {_shown(path)} is empty: whatever is lost looks like it.",
                    "Write something into it, back it up, and run the check again.",
                )
        return await self._compared({path: expected})

    async def rows(self) -> list[Compared]:
        """Return the rows of the random sample."""
        if self.asked.manifest:
            self.against = "manifest"
            return await self._by_manifest(self.asked.manifest)
        if self.asked.live:
            self.against = "live"
            return await self._by_live()
        return await self._by_nothing()

    async def _by_nothing(self) -> list[Compared]:
        """Restore all the same: what does not come back is told, what does proves no more than that."""
        full = [path for path, file in self.files.items() if file.size != 0]
        names = draw(full, self.seed, self.asked.sample_files)
        return await self._compared(dict.fromkeys(names, ""))

    async def _by_manifest(self, manifest: str) -> list[Compared]:
        command = CAT("--", manifest, max_stdout=MAX_MANIFEST, timeout_s=60.0, as_user=self.asked.root)
        data = require(await self.walk.remote.run(command), self.walk.remote)
        sums = parse_sums(data, _shown(manifest))
        found = matched(sums, self.files, manifest)
        self.missing = sum(path is None for path in found.values())
        wanted = {path: sums[name] for name, path in found.items() if path and sums[name] != NOTHING}
        self.population = len(wanted)
        names = draw(wanted, self.seed, self.asked.sample_files)
        return await self._compared({name: wanted[name] for name in names})

    async def _by_live(self) -> list[Compared]:
        full = [path for path, file in self.files.items() if file.size != 0]
        order = draw(full, self.seed, min(MAX_LOOKED_AT, len(full)))
        rows: list[Compared] = []
        done = 0
        for at in range(0, len(order), AHEAD):
            part = order[at : at + AHEAD]
            lives = await states(self.walk.remote, [*map(self._place, part)], as_user=self.asked.root)
            still: list[str] = []
            for path, live in zip(part, lives, strict=True):
                why = self._changed(path, live)
                if why:
                    rows.append(Compared(path=_shown(path), outcome="skipped", why=why))
                else:
                    still.append(path)
            while still and done < self.asked.sample_files:
                batch = still[: self.asked.sample_files - done]
                del still[: len(batch)]
                looked = await self._with_live(batch)
                done += sum(row.outcome not in ("skipped", "doubtful") for row in looked)
                rows += looked
            if done >= self.asked.sample_files:
                break
        return sorted(rows, key=lambda row: row.outcome == "skipped")

    def _changed(self, path: str, live: LiveFile | None) -> str:
        """Return why a file of today cannot be what was backed up; empty if it may be."""
        file, start = self.files[path], self.walk.newest
        if live is None:
            return "It is no longer there, or this account may not look at it."
        if live.size == 0 and file.size is None:
            return "It is empty."
        if start is None or live.mtime + 1 > start.timestamp():
            return "It was changed after the backup was begun."
        if file.mtime is not None and live.mtime > file.mtime:
            return "It was changed after its state was backed up."
        if file.size is not None and live.size != file.size and self._touched(live):
            return "It was replaced after the backup was begun."
        return ""

    def _touched(self, live: LiveFile) -> bool:
        return self.walk.newest is None or live.ctime + 1 > self.walk.newest.timestamp()

    async def _with_live(self, paths: Sequence[str]) -> list[Compared]:
        places = [*map(self._place, paths)]
        lives = await hashes(self.walk.remote, places, timeout_s=self._time(), as_user=self.asked.root)
        expected = {path: live[1] if live else "" for path, live in zip(paths, lives, strict=True)}
        rows = await self._compared(expected)
        return [self._still(path, row, live) for path, row, live in zip(paths, rows, lives, strict=True)]

    def _still(self, path: str, row: Compared, live: tuple[LiveFile, str] | None) -> Compared:
        """Return the row, or that it proves nothing because of what the live file turned out to be."""
        if row.outcome in ("same", "unreadable"):
            return row
        if live is None:
            return replace(row, outcome="skipped", why="It could not be read, or changed while it was read.")
        why = self._changed(path, live[0])
        if why:
            return replace(row, outcome="skipped", why=why)
        if self._touched(live[0]):
            return replace(row, outcome="doubtful", why="It differs, and the live file was touched since.")
        return row

    async def _compared(self, expected: Mapping[str, str]) -> list[Compared]:
        if not expected:
            return []
        started = time.monotonic()
        came = await self.restore([*expected])
        took = time.monotonic() - started
        self.walk.vantage.note(f"{len(expected)} files were restored for the sample in {took:.1f} s.")
        return [self._row(path, came.get(path), wanted) for path, wanted in expected.items()]

    def _row(self, path: str, came: Restored | None, expected: str) -> Compared:
        size = self.files[path].size
        why = "It was not restored." if came is None else came.why
        digest = came.sha256.lower() if came is not None else ""
        if came is not None and not why:
            if not is_sha256(digest):
                why = "It was not restored: there is no hash of it."
            elif digest == NOTHING and size != 0 and expected != NOTHING:
                why = "Nothing came back."
            elif None not in (came.bytes, size) and came.bytes != size:
                why = f"{came.bytes} bytes came back where the backup lists {size}."
        shown = _shown(path)
        if why:
            return Compared(
                path=shown, outcome="unreadable", bytes=size or 0, sha256=digest, expected=expected, why=why
            )
        outcome: Literal["same", "differs", "skipped"] = "same" if digest == expected else "differs"
        if not expected:
            outcome, why = "skipped", "It came back, and there is nothing to compare it with."
        return Compared(
            path=shown, outcome=outcome, bytes=size or 0, sha256=digest, expected=expected, why=why
        )

    def _time(self) -> float:
        return max(1.0, self.walk.vantage.remaining() - 2)


def _shown(path: str) -> str:
    return safe(path, limit=500)
