"""What scripts on the host say of files that they restored into a pipe or a folder, one record a file."""

from __future__ import annotations

from collections.abc import Iterable

from checks.backup._sample import Restored
from checks.safe import safe
from checks.vantage import CannotTell


def parse_records(output: bytes, paths: Iterable[str]) -> dict[str, Restored]:
    """Return what became of each path, in their order.

    A record ends with a zero byte. Its last lines are `status N` of the program that restored, and the
    SHA-256 of what came; what stands before them was told by that program.
    """
    wanted = list(paths)
    records = output.split(b"\0")[:-1]
    if len(records) != len(wanted):
        raise CannotTell(
            f"{len(wanted)} files were to be restored, and {len(records)} records came back.",
            "Run the check again, with a longer 'timeout' if the host is slow.",
        )
    return {
        path: _record(record.decode("utf-8", "replace")) for path, record in zip(wanted, records, strict=True)
    }


def _record(text: str) -> Restored:
    *said, status, digest = ["", "", *text.splitlines()][-6:]
    if status != "status 0":
        told = " / ".join(line.strip() for line in said if line.strip()) or status or "no status"
        return Restored(why=f"It could not be restored: {safe(told, limit=300)}")
    return Restored(sha256=digest[:64])
