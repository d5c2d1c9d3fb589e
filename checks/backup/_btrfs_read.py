"""Reading every byte of a btrfs snapshot, past the page cache."""

from __future__ import annotations

from checks.dataclass import dataclass
from checks.vantage import CannotTell
from checks.wire.ssh.command import Script

READ = Script(  # noqa: S604 - the name of the shell that the host runs it by
    "read-snapshot",
    """
set -o pipefail
cd -- "$1" || exit 3
find . -xdev -type f -print0 | xargs -0 -r -n 200 sh -c '
for f do
  if said=$(dd if="$f" of=/dev/null bs=1M iflag=direct 2>&1); then printf .
  else case $said in
    *"Input/output error"*) printf "\\0E%s\\0" "$f" ;;
    *) printf "\\0U%s\\0" "$f" ;;
  esac; fi
done' sh || exit 4
printf '\\0N'
if command -v lsattr >/dev/null
then lsattr -R -- . 2>/dev/null | grep -c '^[^ /]*C[^ /]* '
else echo unknown
fi
printf '\\0end'
""",
    shell="bash",
)
"""Every byte of every file past the page cache, so that the file system must look at its checksums."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What came of reading every file."""

    good: int
    bad: tuple[str, ...]
    """Files with a read error."""
    unread: tuple[str, ...]
    """Files that could not be read for another reason."""
    bare: int | None
    """Files that are kept without checksums (attribute C); None if that is not known."""


def read_result(output: bytes) -> Reading:
    """Return what came of reading every file; CannotTell if the output is cut."""
    records = output.split(b"\0")
    if len(records) < 3 or records[-1] != b"end" or records[-2][:1] != b"N":
        raise CannotTell(
            "The reading of the snapshot did not come to its end.", "Give the check a longer 'timeout'."
        )
    good = 0
    bad: list[str] = []
    unread: list[str] = []
    bare = records[-2][1:].strip()
    for record in records[:-2]:
        if record[:1] in (b"E", b"U"):
            (bad if record[:1] == b"E" else unread).append(record[1:].decode(errors="replace"))
        elif record.strip(b".") == b"":
            good += len(record)
        else:
            raise CannotTell("The reading of the snapshot said something unknown.", "Read it by hand.")
    known = int(bare) if bare.isdigit() and len(bare) < 10 else None
    return Reading(good=good, bad=tuple(bad), unread=tuple(unread), bare=known)
