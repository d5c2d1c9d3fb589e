"""The administrators of a Linux host: uid 0, sudo's rules with their groups, groups as good as root."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from checks.dataclass import dataclass
from checks.remote.outcome import require
from checks.safe import safe
from checks.security._admins import Admin, AdminsOf
from checks.vantage import CannotTell
from checks.wire.ssh.command import Script
from checks.wire.ssh.remote import Remote

SUDO_GROUPS = ("sudo", "wheel", "admin")
"""Groups that usual sudoers make administrators: counted where sudoers cannot be read."""
ROOT_GROUPS = ("docker", "lxd", "incus-admin", "disk")
"""Groups whose members can become root without sudo."""

READ = Script(
    "administrators",
    r"""
part() { printf '\0%s\0' "$1"; }
getent passwd || exit 3
part passwd
getent group || exit 3
part group
if [ ! -e /etc/sudoers ] && ! command -v sudo >/dev/null 2>&1; then part none
elif ! command -v cvtsudoers >/dev/null 2>&1; then part absent
else cvtsudoers -e -f json /etc/sudoers 2>/dev/null; part "$?"
fi
sed -n 's/^group:[[:space:]]*//p' /etc/nsswitch.conf 2>/dev/null
part nsswitch
[ -S /var/lib/sss/pipes/sudo ] && echo "sudo's rules of a directory (SSSD)"
for file in /etc/doas.conf /usr/local/etc/doas.conf; do [ -e "$file" ] && echo "the rules of $file"; done
part more
[ -r /etc/shadow ] && getent shadow | cut -d: -f1,2 | grep -E ':[!*]' | cut -d: -f1
printf '\0end'
""",
)
GROUPS = Script("groups", 'for name do printf "\\0"; getent group -- "$name"; done; printf "\\0end"')


@dataclass
class Users:
    """What getent told: accounts with uid and gid, groups with gid and members."""

    users: dict[str, tuple[int, int]] = field(default_factory=dict)
    groups: dict[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    foreign: bool = False
    """Whether groups come from a directory, too, which need not list them."""

    def members(self, group: str) -> tuple[str, ...] | None:
        """Return who is in a group, by its list or as their first one; None where it is not known."""
        if group not in self.groups:
            return None
        gid, listed = self.groups[group]
        first = [name for name, (_, own) in self.users.items() if own == gid]
        return tuple(dict.fromkeys((*listed, *first)))


async def read_linux(host: Remote, root: str) -> AdminsOf:
    """Return the administrators of a host; `root` is whom to run as, or nobody."""
    output = require(await host.run(READ(timeout_s=30.0, as_user=root)), host)
    parts = output.decode(errors="replace").split("\0")
    if len(parts) != 12 or parts[11] != "end":
        raise CannotTell(f"{host.name} told only a part of its administrators.", "Run the check again.")
    users = _users(parts[0], parts[2], parts[6])
    rules, unread = _rules(parts[4], parts[5])
    unread += [f"What {line.strip()} say was not read." for line in parts[8].splitlines() if line.strip()]
    wanted = sorted({str(name) for rule in rules for kind, name in rule.who if kind == "usergroup"})
    missing = [name for name in wanted if name not in users.groups]
    if missing:
        told = require(await host.run(GROUPS(*missing)), host).decode(errors="replace").split("\0")
        if len(told) != len(missing) + 2 or told[-1] != "end":
            raise CannotTell(f"{host.name} told only a part of its groups.", "Run the check again.")
        for text in told[1:-1]:
            _add_groups(users, text)
    return AdminsOf(
        name=host.name, computer=host.name, admins=tuple(_admins(users, rules, set(parts[10].split("\n")))),
        unread=tuple(unread),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of sudo: whom it is for (kind and name), and whether it lets them do everything as root."""

    who: tuple[tuple[str, str], ...]
    full: bool
    words: str


def _rules(text: str, status: str) -> tuple[list[Rule], list[str]]:
    if status == "none":
        return [], []
    if status == "absent":
        return _usual(), ["sudo's rules were not read: there is no cvtsudoers, which comes with sudo."]
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        told = None
    specs = told.get("User_Specs", []) if isinstance(told, dict) else None
    if status != "0" or not isinstance(specs, list) or not specs:
        return _usual(), ["sudo's rules could not be read by this account."]
    return [rule for spec in specs if isinstance(spec, dict) for rule in _of_spec(spec)], []


def _usual() -> list[Rule]:
    who = tuple(("usergroup", group) for group in SUDO_GROUPS)
    return [Rule(who=who, full=True, words="by the usual rules of sudo")]


def _of_spec(spec: Mapping[str, Any]) -> Iterator[Rule]:
    who = tuple(
        (str(kind), str(name))
        for one in _dicts(spec.get("User_List"))
        if not one.get("negated")
        for kind, name in one.items()
        if kind != "negated"
    )
    for command in _dicts(spec.get("Cmnd_Specs")):
        as_whom = _dicts(command.get("runasusers"))
        root = "runasusers" not in command or any(
            one.get("username") in ("ALL", "root") or one.get("userid") == 0 for one in as_whom
        )
        words = [str(one.get("command", "")) for one in _dicts(command.get("Commands"))]
        everything = any(
            one.get("command") == "ALL" and not one.get("negated") for one in _dicts(command.get("Commands"))
        )
        if root or everything:
            told = "sudo: everything" if root and everything else f"sudo: {', '.join(words)}"
            yield Rule(who=who, full=root and everything, words=safe(told, limit=200))


def _dicts(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _admins(users: Users, rules: list[Rule], locked: set[str]) -> Iterator[Admin]:
    found: dict[tuple[str, bool], Admin] = {}

    def add(name: str, why: str, *, via: str = "", limited: bool = False, group: bool = False) -> None:
        before = found.get((name, limited))
        found[name, limited] = Admin(
            name=name, why=before.why if before else why, limited=limited, group=group,
            via=tuple(dict.fromkeys((*(before.via if before else ()), *([via] if via else [])))),
            locked=name in locked,
        )  # fmt: skip

    for name, (uid, _) in users.users.items():
        if uid == 0:
            add(name, "uid 0")
    for rule in rules:
        for kind, name in rule.who:
            limited = not rule.full
            if kind in ("username", "netgroup", "nonunixgroup"):
                add({"username": "", "netgroup": "+"}.get(kind, "%:") + name, rule.words, limited=limited)
            elif kind == "userid":
                names = [one for one, (uid, _) in users.users.items() if str(uid) == name]
                for one in names or [f"#{name}"]:
                    add(one, rule.words, limited=limited)
            elif kind in ("usergroup", "usergid"):
                group = next(
                    (g for g, (gid, _) in users.groups.items() if kind == "usergid" and str(gid) == name),
                    name,
                )
                _add_members(users, group, rule, add)
    for group in ROOT_GROUPS:
        for name in users.members(group) or ():
            add(name, f"group {group}, as good as root", via=f"%{group}")
    for (name, limited), admin in found.items():
        if not (limited and (name, False) in found):
            yield admin


def _add_members(users: Users, group: str, rule: Rule, add: Any) -> None:
    members, why = users.members(group), f"group {group}, {rule.words}"
    for name in members or ():
        add(name, why, via=f"%{group}", limited=not rule.full)
    if not members and users.foreign:
        add(f"%{group}", why, limited=not rule.full, group=True)


def _users(passwd: str, group: str, sources: str) -> Users:
    found = Users()
    for line in passwd.splitlines():
        fields = line.split(":")
        if len(fields) == 7 and fields[0] and fields[2].isdecimal() and len(fields[2]) < 12:
            gid = int(fields[3]) if fields[3].isdecimal() and len(fields[3]) < 12 else -1
            found.users.setdefault(fields[0], (int(fields[2]), gid))
    _add_groups(found, group)
    beside = {"files", "compat", "systemd", "cache", "db"}
    found.foreign = any(word.isalnum() and word not in beside for word in sources.split())
    return found


def _add_groups(users: Users, text: str) -> None:
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) == 4 and fields[0] and fields[2].isdecimal() and len(fields[2]) < 12:
            members = tuple(name for name in fields[3].split(",") if name)
            users.groups.setdefault(fields[0], (int(fields[2]), members))
