"""Users and groups of a host with their numbers: getent; PowerShell on Windows (never run on a real one)."""

from __future__ import annotations

from collections.abc import Sequence

from checks.dataclass import dataclass
from checks.remote.outcome import require
from checks.server._windows import rows, word, words
from checks.vantage import CannotTell
from checks.wire.ssh.command import PowerShell, Script
from checks.wire.ssh.remote import Remote

FIRST, LAST = 1000, 59999
"""Numbers of people's accounts by login.defs(5); below and above lie those of the system."""

ACCOUNTS = Script(
    "users and groups",
    r"""
part() { printf '\0%s\0' "$1"; }
command -v getent >/dev/null 2>&1 || exit 4
getent passwd || exit 3
part passwd
getent group || exit 3
part group
for name do
  getent passwd "$name"; part "$?"
  id -G -- "$name" 2>/dev/null && id -Gn -- "$name" 2>/dev/null; part "$?"
done
sed -n 's/^passwd:[[:space:]]*//p' /etc/nsswitch.conf 2>/dev/null
printf '\0end'
""",
)

WINDOWS = PowerShell(
    "users and groups",
    """
$trouble = @(); $in = @{}
Get-LocalGroup | ForEach-Object { $group = $_.Name
  try { Get-LocalGroupMember -Group $group -ErrorAction Stop | ForEach-Object {
    $in[[string]$_.SID] = @($in[[string]$_.SID] | Where-Object { $_ }) + @($group) }
  } catch { $trouble += $group } }
$users = @(Get-LocalUser | ForEach-Object { @{ name = $_.Name; sid = [string]$_.SID
  enabled = [string]$_.Enabled; groups = @($in[[string]$_.SID] | Where-Object { $_ }) } })
ConvertTo-Json -Compress -Depth 4 -InputObject @{ users = $users; trouble = $trouble }
""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user. On Windows without numbers; `groups` are names, the primary one among them."""

    name: str
    uid: int | None
    gid: int | None
    groups: tuple[str, ...]
    shell: str = ""
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group and its number."""

    name: str
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The users and groups of a host. `more` names sources that are not listed, such as a directory."""

    name: str
    users: tuple[Account, ...]
    groups: tuple[Group, ...]
    windows: bool = False
    more: tuple[str, ...] = ()
    trouble: tuple[str, ...] = ()
    """Groups whose members could not be read."""


async def read_accounts(remote: Remote, names: Sequence[str]) -> Accounts:
    """Return the users and groups that the host lists, and the users `names` wherever they come from."""
    if (await remote.facts()).dialect == "powershell":
        return windows_accounts(require(await remote.run(WINDOWS()), remote), remote.name)
    result = await remote.run(ACCOUNTS(*names))
    if result.whole and result.status == 4:
        raise CannotTell(
            f"{remote.name} has no getent, so its users cannot be listed.", "Compare /etc/passwd by hand."
        )
    return parse_accounts(require(result, remote), remote.name, names)


def parse_accounts(stdout: bytes, name: str, names: Sequence[str]) -> Accounts:
    """Return what the script told; raise CannotTell for a part that is missing, or no user at all."""
    parts = stdout.decode(errors="replace").split("\0")
    if len(parts) != 6 + 4 * len(names) or parts[-1] != "end":
        raise CannotTell(f"{name} told only a part of its users.", "Run the check again.")
    groups = [(words_[0], int(words_[2]), words_[3]) for words_ in _lines(parts[2], 4)]
    by_gid = {gid: group for group, gid, _ in reversed(groups)}
    members: dict[str, set[str]] = {}
    for group, _, listed in groups:
        for user in listed.split(","):
            members.setdefault(user, set()).add(group)
    users: dict[str, Account] = {}
    asked = "\n".join(parts[4:-2:4])
    for fields in _lines(f"{parts[0]}\n{asked}", 7):
        user, uid, gid = fields[0], int(fields[2]), int(fields[3]) if fields[3].isdecimal() else -1
        users.setdefault(
            user,
            Account(
                name=user, uid=uid, gid=gid, shell=fields[6],
                groups=tuple(sorted(members.get(user, set()) | {by_gid.get(gid, str(gid))})),
            ),
        )  # fmt: skip
    for user, said, status in zip(names, parts[6:-2:4], parts[7:-2:4], strict=False):
        if user in users and status == "0":
            users[user] = _with_groups(users[user], said)
    if not users:
        raise CannotTell(f"{name} lists no user at all.", "Run getent passwd by hand as the same account.")
    beside = {"files", "compat", "systemd", "cache"}
    return Accounts(
        name=name,
        users=tuple(users.values()),
        groups=tuple(Group(name=group, gid=gid) for group, gid, _ in groups),
        more=tuple(word for word in parts[-2].split() if word.isalnum() and word not in beside),
    )


def _lines(text: str, fields: int) -> list[list[str]]:
    """Return the entries of passwd(5) or group(5) that are whole and have a number."""
    split = [line.split(":") for line in text.splitlines()]
    return [
        words_ for words_ in split
        if len(words_) == fields and words_[0] and words_[2].isdecimal() and len(words_[2]) < 12
    ]  # fmt: skip


def _with_groups(account: Account, said: str) -> Account:
    """Return the account with the groups of id(1), which a directory may have added."""
    lines = said.splitlines()
    if len(lines) != 2 or len(lines[0].split()) != len(lines[1].split()):
        return account
    groups = tuple(sorted({*account.groups, *lines[1].split()}))
    return Account(name=account.name, uid=account.uid, gid=account.gid, groups=groups, shell=account.shell)


def windows_accounts(stdout: bytes, name: str) -> Accounts:
    """Return the local users that the PowerShell script listed."""
    (row,) = rows(stdout, name)[:1] or ({},)
    listed = row.get("users")
    users = tuple(
        Account(
            name=word(one, "name"), uid=None, gid=None, enabled=word(one, "enabled") == "True",
            groups=tuple(sorted(words(one, "groups"))),
        )
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict) and word(one, "name")
    )  # fmt: skip
    if not users:
        raise CannotTell(f"{name} lists no local user.", "Run Get-LocalUser by hand as the same account.")
    return Accounts(name=name, users=users, groups=(), windows=True, trouble=words(row, "trouble"))
