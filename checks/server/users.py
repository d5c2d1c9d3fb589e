"""server.users: the users are there, with the same numbers as on the old server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from checks.bounds import Ge, Le, Len
from checks.contract import Finding, Vantage
from checks.dataclass import dataclass
from checks.remote.check import Login, RemoteCheck, require_login
from checks.server._accounts import Accounts, read_accounts
from checks.server._parity import Allowed, require_allowed
from checks.server._sides import both, require_another
from checks.server._users_judge import compared, expected
from checks.wire.ssh.remote import Remote

Number = Annotated[int, Ge(0), Le(2**32 - 2)]
Name = Annotated[str, Len(1, 104)]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserNeed:
    """A user that must be there; `groups` are those it must be in, whatever others there are."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    name: Name
    uid: Number | None = None
    gid: Number | None = None
    groups: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersSeen:
    """The users and groups of both sides."""

    target: Accounts
    source: Accounts | None


class Users(RemoteCheck[UsersSeen]):
    """The users and groups are there with the planned numbers, and as on the old server.

    Files keep the number of their owner: where alice has 1001 on the old server and 1004 on the new one,
    copied files (rsync --numeric-ids, backups, NFS) belong to somebody else. Compared are the users with a
    uid from 1000 to 59999, their groups, and all groups from 1000 on.

    Proves: what the host's own databases answer, for the users of `users` wherever they come from.
    Cannot prove: that anybody's password or key works, that an account is not locked, or what its shell
    is. A directory (LDAP, SSSD, winbind) is not listed as a rule: name its users in `users`.
    If it fails: create the user or group with the number of the old server; where a wrong number is in use,
    change it and give its files to the new one.

    Source: getent(1), passwd(5), group(5), login.defs(5) (UID_MIN, UID_MAX), Get-LocalUser.

    Example:
        type: server.users
        host: files-new.example.com
        user: tech
        users:
          - {name: alice, uid: 1001, groups: [office]}
        source: {host: files-old.example.com}
        allowed: ["user:old-admin"]
    """

    users: tuple[UserNeed, ...] = ()
    """Users that must be there, with the numbers and groups that are given."""
    source: Login | None = None
    """The old server: its users and groups must be here, with the same numbers."""
    allowed: Allowed = ()
    """Expected differences to the source, by the key that a finding shows: `user:olduser`, `group:*`."""

    def __post_init__(self) -> None:
        require_login(self)
        require_another(self, self.source)
        require_allowed(self.allowed, compared=self.source is not None)
        if not (self.users or self.source):
            raise ValueError("Say which 'users' must be there, or a 'source' to compare with.")
        names = [need.name for need in self.users]
        if len(set(names)) < len(names):
            raise ValueError("'users' names the same user twice.")
        for name in names:
            if name.startswith("-") or any(char in name for char in ":/\n\0"):
                raise ValueError(f"{name!r} is no name of a user.")

    async def observe(self, vantage: Vantage) -> UsersSeen:
        names = [need.name for need in self.users]

        async def read(host: Remote, _: str) -> Accounts:
            return await read_accounts(host, names)

        target, source = await both(self, vantage, self.source, read)
        return UsersSeen(target=target, source=source)

    def judge(self, seen: UsersSeen) -> Iterable[Finding]:
        for need in self.users:
            yield from expected(seen.target, need.name, uid=need.uid, gid=need.gid, groups=need.groups)
        if seen.source is not None:
            yield from compared(seen.source, seen.target, self.allowed)
