"""What reading an archive on its host gave, whichever its format."""

from __future__ import annotations

import re

from checks.backup._sample import Candidate
from checks.dataclass import dataclass
from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.ssh.remote import Remote

MAX_LIST = 64 * 1024 * 1024
BASH = "bash"
HALF = "Run the check again; if it stays so, unpack the archive by hand as the same account."


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What reading an archive gave. `cut` and `broken` are sentences, empty where all is well."""

    members: tuple[Candidate, ...]
    bytes: int
    cut: str = ""
    """What is missing of its structure: the end, the list, a header."""
    broken: str = ""
    """What its own checksums found."""
    checksums: bool = True
    """Whether the format has checksums of the data at all."""
    unaddressable: int = 0
    encrypted: int = 0
    """Members that are encrypted."""
    seconds: float = 0.0
    """What reading it took."""
    end: int | None = None
    """Where a plain tar archive ends, in bytes."""


def program_missing(output: bytes, remote: Remote) -> None:
    """Raise CannotTell where a script says that the program for this format is not there."""
    found = re.match(rb"missing ([a-z0-9]+)[\n\0]", output)
    if found:
        name = found[1].decode()
        raise CannotTell(
            f"On {remote.name} there is no program {name}, so the archive cannot be read there.",
            f"Install {name} on {remote.name}, and run the check again.",
        )


def said(errors: str) -> str:
    """Return the first words of a program's errors in brackets, for a sentence; empty for none."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    return f" ({safe(' / '.join(lines[:3]), limit=250)})" if lines else ""
