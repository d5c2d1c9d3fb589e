"""backup.copies: three copies, two media, one off-site, each of them really looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any

from checks.backup._copies_judge import Asked, judge_copies
from checks.backup._copies_seen import CopiesSeen, CopySeen
from checks.backup._copy import Copy, CopyForm, looker, read_copy
from checks.backup._independent import keys_of, target
from checks.bounds import Ge, Gt, Le, Len
from checks.contract import CannotTell, Finding, Vantage
from checks.params import Duration, Moment
from checks.remote.check import RemoteCheck, remote, require_login

AT_ONCE = 4


class Copies(RemoteCheck[CopiesSeen]):
    """There are three copies of the data, on two media, one of them off-site (3-2-1), and each is proven.

    Each declared copy is looked at by the type of check that it names, as if that stood alone. It counts if
    that check passes (a warning included) and it does not fail together with another: two copies on one host,
    behind one network share or in one `domain` of administrators count once. A snapshot on the same disks
    counts never, nor does a copy without a type. The production data counts as one copy if it is declared,
    with `production: true`.

    Proves: how many copies are there, each listed and fresh, and proven to `min_level`; `proof_level` is that
    of the least proven one that counts, `newest` that of the oldest.
    Cannot prove: where a disk stands, who may delete it, and that it cannot be changed: location, medium,
    domain, offsite and immutable are what the project says.
    If it fails: look at the copy that does not count, by its own findings; make another where one is missing.

    Source: NIST SP 800-34 Rev. 1 section 3.4.2 (backup methods, offsite storage); CISA, Data Backup Options.

    Example:
        type: backup.copies
        host: files.example.net
        user: tech
        copies:
          - {name: production, location: office, medium: server, production: true}
          - {name: nas, location: office, medium: nas, type: backup.snapshot,
             with: {host: nas.example.net, layout: zfs, volume: tank/files, received: true}}
          - {name: away, location: datacentre, medium: cloud, offsite: true, immutable: true,
             type: backup.snapshot, with: {host: away.example.org, layout: zfs, volume: tank/files,
             received: true}}
    """

    deadline_s = 600.0
    copies: Annotated[tuple[CopyForm, ...], Len(1, 12)]
    """The copies: `name`, `location`, `medium`; `type` and `with` say how one is looked at (its login, where
    it is another, stands there); `domain` is who could delete it; `offsite`, `immutable`, `production`."""
    min_copies: Annotated[int, Ge(1), Le(12)] = 3
    """How many copies there must be, with the production data."""
    min_media: Annotated[int, Ge(1), Le(12)] = 2
    """On how many kinds of medium."""
    min_offsite: Annotated[int, Ge(0), Le(12)] = 1
    """How many of them elsewhere."""
    min_immutable: Annotated[int, Ge(0), Le(12)] = 0
    """How many of them so that they cannot be changed or deleted (offline, object lock)."""
    rpo: Annotated[Duration, Gt(0)] = 93600.0
    """How old each may be, where it does not say so itself: the recovery point objective."""
    newer_than: Moment | None = None
    """Each must have been begun after this."""
    min_level: Annotated[int, Ge(2), Le(6)] = 2
    """The rung of the proof ladder that is asked of each, where it does not say so itself."""

    def __post_init__(self) -> None:
        require_login(self)
        copies = self.declared()
        names = [copy.name for copy in copies]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"Two copies are named {twice!r}.")
        production = [copy for copy in copies if copy.production]
        if len(production) > 1:
            raise ValueError("The production data can be one copy only.")
        if not any(copy.type for copy in copies):
            raise ValueError("No copy has a 'type', so that nothing would be looked at.")
        if production and any(copy.offsite and copy.location == production[0].location for copy in copies):
            raise ValueError("A copy cannot be off-site at the location of the production data.")
        if self.min_copies > len(copies) or self.min_offsite > len(copies):
            raise ValueError(f"{len(copies)} copies are declared, fewer than are asked for.")
        for copy in copies:
            if copy.type:
                self._looker(copy)

    def declared(self) -> tuple[Copy, ...]:
        """Return the copies as they are declared."""
        return tuple(read_copy(value) for value in self.copies)

    def _looker(self, copy: Copy) -> Any:
        more = {"rpo": self.rpo, "newer_than": self.newer_than, "min_level": self.min_level}
        return looker(copy, self, more)

    async def observe(self, vantage: Vantage) -> CopiesSeen:
        """Look at each copy by its own check, a few at once."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(copy: Copy) -> CopySeen:
            async with gate:
                return await self._look(copy, vantage)

        seen = await asyncio.gather(*(one(copy) for copy in self.declared()))
        return CopiesSeen.of(self.host, tuple(seen), self._held_by)

    async def _look(self, copy: Copy, vantage: Vantage) -> CopySeen:
        if not copy.type:
            return CopySeen(name=copy.name, keys=await self._production_keys(copy, vantage))
        check = self._looker(copy)
        backup = await check.observe(vantage)
        try:
            host = await remote(check, vantage)
            keys = await keys_of(host, target(copy.given), check.root)
        except CannotTell as trouble:
            return CopySeen(name=copy.name, backup=backup, trouble=trouble.reason, fix=trouble.fix)
        return CopySeen(name=copy.name, backup=backup, keys=keys)

    async def _production_keys(self, copy: Copy, vantage: Vantage) -> tuple[str, ...]:
        """Return what the production data depends on; by name alone where its host cannot be asked."""
        host = str(copy.given.get("host", self.host)).lower()
        if not copy.production or host != self.host.lower():
            return (f"name:{host}",) if copy.production else ()
        try:
            found = await keys_of(await remote(self, vantage), str(copy.given.get("path", "")), self.root)
        except CannotTell:
            return (f"name:{host}",)
        return tuple(sorted({*found, f"name:{host}"}))

    def _held_by(self, seen: CopiesSeen) -> tuple[tuple[str, ...], int, str | None, float | None]:
        return judge_copies(self._asked(), seen).summary()

    def judge(self, seen: CopiesSeen) -> Iterable[Finding]:
        """Judge each copy, then what they make together."""
        return judge_copies(self._asked(), seen).findings()

    def _asked(self) -> Asked:
        copies = self.declared()
        return Asked(
            copies=copies, lookers={copy.name: self._looker(copy) for copy in copies if copy.type},
            least={
                "copies": self.min_copies, "media": self.min_media, "off-site copies": self.min_offsite,
                "immutable copies": self.min_immutable,
            },
        )  # fmt: skip
