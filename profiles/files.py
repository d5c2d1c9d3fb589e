"""The bytes of a file that a person wrote, bounded; all that a plan from the cache needs of reading."""

from __future__ import annotations

from pathlib import Path

from profiles.problems import Place, Problem, Problems

MAX_BYTES = 1_000_000


def read_bytes(path: Path, name: str) -> bytes:
    """Return the bytes of a file of at most MAX_BYTES; raise Problems for everything else."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise whole_file(name, f"The file cannot be read: {words}.") from error
    if len(data) > MAX_BYTES:
        raise whole_file(
            name,
            f"The file is larger than {MAX_BYTES // 1_000_000} MB; no project or profile file needs to be. "
            "Is it the right file?",
        )
    return data


def whole_file(name: str, message: str) -> Problems:
    return Problems([Problem(place=Place(name, 1, 1), path=(), message=message)])
