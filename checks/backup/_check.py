"""What the checks of backups have in common: what is asked of a backup, and how it is judged."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from checks.backup._asked import Asked
from checks.backup._judge import judge_backup
from checks.backup._ladder import NAMES, BackupSeen
from checks.backup._sums import NOTHING, is_sha256
from checks.backup._walk import Walk
from checks.bounds import Ge, Gt, Le, Len
from checks.contract import CannotTell, Finding, Vantage
from checks.dataclass import dataclass
from checks.params import Duration, Moment, Percent
from checks.remote.check import RemoteCheck, remote, require_login

LAST_S = 1.0
"""So long before its end a check stops climbing, so that what it saw until then is kept."""
_SLOW = "Give the check a longer 'timeout', or look why the host is so slow, then run it again."

Sha256 = Annotated[str, Len(64, 64)]
RemotePath = Annotated[str, Len(1, 4096)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A file that was planted before the backup so that its return can be recognised."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    path: RemotePath
    """As the backup names it."""
    sha256: Sha256 | None = None
    """Of its content; left out, it is compared with the live file."""

    def __post_init__(self) -> None:
        if self.sha256 is None:
            return
        if not is_sha256(self.sha256):
            raise ValueError("'sha256' of the canary is 64 hexadecimal digits, as sha256sum prints them.")
        if self.sha256.lower() == NOTHING:
            raise ValueError("A canary of no bytes proves nothing: whatever is lost looks like it.")


class BackupCheck(RemoteCheck[BackupSeen]):
    """The parameters that every check of a backup has. It reads; what it restores goes into a pipe."""

    deadline_s = 600.0
    system: ClassVar[str] = ""
    """What the observation calls this system of backups."""

    rpo: Annotated[Duration, Gt(0)] = 93600.0
    """How old the newest backup may be: the recovery point objective. By default a day and two hours."""
    rto: Annotated[Duration, Gt(0)] | None = None
    """How long a whole restore may take: the recovery time objective. Left out, it is not judged."""
    rebuild: Duration = 0.0
    """What comes on top of the restore (operating system, licences, DNS), added to the estimate."""
    min_level: Annotated[int, Ge(1), Le(6)] = 4
    """The rung of the proof ladder that is asked for: 1 exists, 2 fresh, 3 complete, 4 integrity,
    5 restored sample, 6 queried. It is climbed to there and no further."""
    newer_than: Moment | None = None
    """The newest backup must have been begun after this, such as the begin of the freeze."""
    size_drop: Percent = 30.0
    """How far the newest may lie below the median of the earlier ones, in bytes and files."""
    size_growth: Annotated[float, Gt(0)] = 100.0
    """By how many per cent it may lie above the median before that is told."""
    history: Annotated[int, Ge(0), Le(100)] = 10
    """How many earlier backups it is compared with."""

    def __post_init__(self) -> None:
        require_login(self)

    async def climb(self, walk: Walk) -> None:
        """Look at the backup rung by rung, telling `walk`; raise `CannotTell` where it goes no further."""
        raise NotImplementedError

    async def observe(self, vantage: Vantage) -> BackupSeen:
        """Log in and climb as far as is asked; what stops it is kept with what was proven until then."""
        walk = Walk(self.system, self.host, self.min_level, vantage)
        allowed = vantage.remaining()
        limit = asyncio.timeout(max(0.0, allowed - LAST_S))
        try:
            async with limit:
                host = await remote(self, vantage)
                walk.begin(host, await host.facts())
                await self.climb(walk)
        except CannotTell as trouble:
            walk.stopped(trouble)
        except TimeoutError:
            if not limit.expired():
                raise
            what = "The login" if walk.now is None else f"Looking for '{NAMES[walk.trying]}'"
            walk.stopped(CannotTell(f"{what} did not end within the {allowed:.0f} s of the check.", _SLOW))
        return walk.seen(self._asked())

    def judge(self, seen: BackupSeen) -> Iterable[Finding]:
        """Judge rung, age, size and restore time."""
        return judge_backup(self._asked(), seen)

    def _asked(self) -> Asked:
        return Asked(
            rpo_s=self.rpo, rto_s=self.rto, rebuild_s=self.rebuild, min_level=self.min_level,
            newer_than=self.newer_than, size_drop=self.size_drop, size_growth=self.size_growth,
            history=self.history,
        )  # fmt: skip


class SampledBackup(BackupCheck):
    """The parameters of a check that restores files for rung 5: how many, and what they are compared with."""

    sample_files: Annotated[int, Ge(1), Le(100)] = 5
    """How many random files are restored for rung 5."""
    seed: Annotated[str, Len(1, 64)] | None = None
    """Draws the same sample again; left out, it follows from the newest backup."""
    live: RemotePath | None = None
    """Where the files of the backup lie on this host today: `/` if under their own paths. The sample is
    compared with those that have not changed since."""
    manifest: RemotePath | None = None
    """A file on the host with `sha256sum` lines of what was backed up: the sample is compared with it."""
    canary: Canary | None = None
    """A planted file that must come back: `{path: /srv/files/canary.txt, sha256: ...}`."""
