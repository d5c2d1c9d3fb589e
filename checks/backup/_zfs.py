"""What `zfs list`, `zfs get` and `zpool status` say. From their documentation: never run on a real pool."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from checks.dataclass import dataclass
from checks.vantage import CannotTell
from checks.wire.ssh.command import Script

LOOK = Script(
    "zfs",
    """
command -v zfs >/dev/null || exit 127
zfs list -Hp -t snapshot -d 1 -o name,creation,used,refer,guid -s creation "$1" || exit 3
printf '\\0'
zfs get -Hp -o property,value type,mounted,mountpoint,receive_resume_token "$1" || exit 4
printf '\\0'
zpool status "${1%%/*}" || exit 5
printf '\\0'
zfs list -H -r -t filesystem,volume -o name "$1" || exit 6
printf '\\0'
zfs list -H -r -t snapshot -o name "$1" || exit 7
printf '\\0end'
""",
)
"""The snapshots of one dataset, what it is, and the health of its pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One snapshot; `guid` is the same on every machine that it was sent to."""

    name: str
    at: datetime
    refer: int
    guid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The health of a pool. `scrub_began` is None if none came to its end."""

    state: str
    errors: str
    """What stands behind `errors:`; empty if nothing does."""
    scrub_began: datetime | None
    scrub_errors: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """All that was asked of one dataset."""

    snapshots: tuple[Snapshot, ...]
    """The oldest first."""
    properties: dict[str, str]
    pool: Pool
    children: tuple[str, ...]
    """Datasets below it, each with its own snapshots."""
    every: frozenset[str]
    """Every snapshot of it and of those below it."""

    def lacking(self, newest: Snapshot) -> list[str]:
        """Return the datasets below it of which no snapshot of that name was taken."""
        tag = newest.name.partition("@")[2]
        return [child for child in self.children if f"{child}@{tag}" not in self.every]


def parse(output: bytes) -> Dataset:
    """Return what `LOOK` said; CannotTell where it is not whole."""
    found = output.decode("utf-8", "surrogateescape").split("\0")
    if len(found) != 6 or found[5] != "end":
        raise CannotTell("What zfs said is not whole.", "Run 'zfs list -t snapshot' there by hand.")
    rows = [line.split("\t") for line in found[0].splitlines() if line]
    try:
        snapshots = tuple(
            sorted(
                (
                    Snapshot(name=name, at=datetime.fromtimestamp(int(at), UTC), refer=int(refer), guid=guid)
                    for name, at, _, refer, guid in rows
                ),
                key=lambda snapshot: snapshot.at,
            )
        )
    except (ValueError, OverflowError, OSError) as error:
        raise CannotTell(
            "What zfs said of its snapshots cannot be read.", "Run 'zfs list -Hp -t snapshot' by hand."
        ) from error
    properties = dict(line.split("\t", 1) for line in found[1].splitlines() if "\t" in line)
    return Dataset(
        snapshots=snapshots, properties=properties, pool=pool(found[2]),
        children=tuple(found[3].splitlines()[1:]), every=frozenset(found[4].splitlines()),
    )  # fmt: skip


_SCRUB = re.compile(
    r"^\s*scan: scrub repaired \S+ in (?:(\d{1,5}) days )?(?:(\d{1,5}):(\d\d):(\d\d)|(\d{1,5})h(\d{1,5})m)"
    r" with (\d{1,12}) errors on (\w{3} \w{3} +\d{1,2} \d\d:\d\d:\d\d \d{4})\s*$",
    re.MULTILINE,
)


def pool(text: str) -> Pool:
    """Return what `zpool status POOL` says under TZ=UTC."""
    state = re.search(r"^\s*state: (\S+)", text, re.MULTILINE)
    errors = re.search(r"^\s*errors: (.+)$", text, re.MULTILINE)
    scrub = _SCRUB.search(text)
    began = None
    if scrub:
        days, hours, minutes, seconds, short_hours, short_minutes = (
            int(part or 0) for part in scrub.groups()[:6]
        )
        took = timedelta(
            days=days, hours=hours + short_hours, minutes=minutes + short_minutes, seconds=seconds
        )
        slack = timedelta(minutes=1) if scrub[5] else timedelta(seconds=1)
        try:
            ended = datetime.strptime(" ".join(scrub[8].split()), "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
            began = ended - took - slack
        except (ValueError, OverflowError):
            began = None
    return Pool(
        state=state[1] if state else "",
        errors=errors[1].strip() if errors else "",
        scrub_began=began,
        scrub_errors=int(scrub[7]) if scrub else None,
    )
