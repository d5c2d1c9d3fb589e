"""What comes of comparing a loaded dump with the live database: the same words for every engine."""

from __future__ import annotations

from collections.abc import Sequence

from checks.backup._ladder import SAMPLE
from checks.backup._walk import Walk
from checks.safe import in_line, safe


def tell_loaded(
    walk: Walk, how: str, told: str, wrong: Sequence[str], same: int, *, compare: str, frozen: bool,
    alike: str,
) -> bool:  # fmt: skip
    """Say what was found beside the database `compare`; True where it proves rung 5.

    `wrong` are the things that differ, `same` counts the tables with rows that do not, `alike` names what
    else is the same. Without `frozen` the live database may have changed since the dump was made.
    """
    where = safe(compare, limit=80)
    differ = f"{told}, and {len(wrong)} things differ from {where}"
    if wrong and frozen:
        walk.failed(
            SAMPLE, how, f"{differ}: {in_line(wrong[:10])}",
            "Make a new dump and run the check again; look which tables the job leaves out.",
        )  # fmt: skip
    elif wrong:
        walk.unknown(
            SAMPLE, how, f"{differ}, which may have changed since: {in_line(wrong[:10])}",
            "Name tables that change in 'changing'; or stop the writes, dump anew, and say by 'newer_than' "
            "since when nothing was written.",
        )  # fmt: skip
    elif not same:
        walk.unknown(
            SAMPLE, how, f"{told}, and no table with rows was compared.", "Allow less by 'changing'."
        )
    else:
        walk.proven(
            SAMPLE, how,
            f"{told}; {same} tables with rows have the same count and content as in {where}, and {alike}.",
        )  # fmt: skip
        return True
    return False
