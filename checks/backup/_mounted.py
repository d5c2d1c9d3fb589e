"""A snapshot that can be read as a directory: its files, and the sample that is taken from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from checks.backup._live import hashes
from checks.backup._sample import Candidate, Restored, compare
from checks.backup._walk import Walk
from checks.remote.outcome import require
from checks.vantage import CannotTell
from checks.wire.ssh.command import Script

if TYPE_CHECKING:
    from checks.backup._check import SampledBackup

FILES = Script(
    "files of a snapshot",
    """
cd -- "$1" || exit 3
find . -xdev -type f -printf '%s %T@ %P\\0' || exit 4
printf 'end'
""",
)
"""Size, time of change and path of every ordinary file."""


async def files(walk: Walk, place: str, as_user: str) -> list[Candidate]:
    """Return the files below `place`; CannotTell where they cannot all be listed."""
    command = FILES(place, timeout_s=300.0, max_stdout=128 * 1024 * 1024, heavy=True, as_user=as_user)
    return parse_files(require(await walk.remote.run(command), walk.remote))


def parse_files(output: bytes) -> list[Candidate]:
    """Return the files that `FILES` listed."""
    records = output.split(b"\0")
    if records[-1] != b"end":
        raise CannotTell("The list of the snapshot's files is not whole.", "Run the check again.")
    found = []
    for record in records[:-1]:
        size, _, rest = record.partition(b" ")
        mtime, _, path = rest.partition(b" ")
        try:
            found.append(
                Candidate(path=path.decode("utf-8", "surrogateescape"), size=int(size), mtime=float(mtime))
            )
        except ValueError as error:
            raise CannotTell(
                "The list of the snapshot's files cannot be read.", "List it by hand."
            ) from error
    return found


async def sample(
    walk: Walk, check: SampledBackup, place: str, listed: Sequence[Candidate], seed: str
) -> None:
    """Read a sample of the files out of the snapshot at `place` and compare it."""

    async def restore(paths: Sequence[str]) -> Mapping[str, Restored]:
        full = [f"{place.rstrip('/')}/{path}" for path in paths]
        left = max(1.0, walk.vantage.remaining() - 2)
        found = await hashes(walk.remote, full, timeout_s=left, as_user=check.root)
        return {
            path: Restored(sha256=one[1], bytes=one[0].size) if one else Restored(why="It could not be read.")
            for path, one in zip(paths, found, strict=True)
        }

    await compare(walk, check, listed, restore, seed=seed)
