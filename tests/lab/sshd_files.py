"""The files of a test's SSH server: users, groups, passwords, sudo's rules, PAM, home folders, keys."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.needs import tool

FIRST_UID = 2001
_SYSTEM_IDS = range(1000)
_NOBODY = 65534
_DAY = 20000
_UNIX = "auth required pam_unix.so nodelay\naccount required pam_unix.so\nsession required pam_permit.so\n"
SLOW_SHELL = "/etc/ssh/shells/slow"
"""A login shell that takes `SLOW_S` before it does what it was asked."""
SLOW_S = 2.5
NOISY_SHELL = "/etc/ssh/shells/noisy"
"""A login shell that greets on stdout before it does what it was asked."""
NO_SHELL = "/usr/sbin/nologin"


@dataclass(frozen=True, slots=True)
class User:
    """An account of the server; with `key` it has a key pair, with `password` that password.

    `sudo` is the end of its line in sudoers (`NOPASSWD: ALL`, `(backup) ALL`); empty: it has none. `groups`
    are made where they do not exist. A locked account knows no password (`*`), as root's is.
    """

    name: str = "tech"
    uid: int = 0
    """0: the next from `FIRST_UID`; root is root."""
    groups: Sequence[str] = ()
    sudo: str = ""
    password: str = field(default="", repr=False)
    shell: str = "/bin/sh"
    key: bool = True


def write(folder: Path, users: Sequence[User], sudoers: str, keys: dict[str, str]) -> None:
    """Write everything that replaces a file of /etc below `folder`; `keys` are public keys by user."""
    numbered = _numbered(users)
    files = {
        "passwd": _passwd(numbered),
        "group": _group(numbered),
        "shadow": _shadow(numbered),
        "sudoers": _sudoers(numbered, sudoers),
    }
    for name, text in files.items():
        path = folder / name
        path.write_text(text)
        path.chmod(0o440 if name == "sudoers" else 0o640 if name == "shadow" else 0o644)
    _pam(folder / "pam.d")
    _shells(_made(folder / "ssh" / "shells"))
    authorized = _made(folder / "ssh" / "keys")
    for name, public in keys.items():
        (authorized / name).write_text(public)
    for user, uid in numbered:
        if uid:
            home = _made(folder / "home" / user.name)
            os.chown(home, uid, uid)
    for name in ("home", "srv", "sudo-run"):
        _made(folder / name)


def _numbered(users: Sequence[User]) -> list[tuple[User, int]]:
    found, following = [], FIRST_UID
    for user in users:
        uid = 0 if user.name == "root" else user.uid or following
        following = max(following, uid + 1)
        found.append((user, uid))
    return found


def _passwd(users: Sequence[tuple[User, int]]) -> str:
    """Return the machine's system accounts, then the users."""
    own = {user.name for user, _ in users if user.name != "root"}
    lines = [line for line in _system("/etc/passwd") if line.split(":")[0] not in own]
    shells = {user.name: user.shell for user, _ in users}
    if "root" in shells:
        lines = [
            line.rpartition(":")[0] + ":" + shells["root"] if line.startswith("root:") else line
            for line in lines
        ]
    lines += [f"{user.name}:x:{uid}:{uid}::/home/{user.name}:{user.shell}" for user, uid in users if uid]
    return "\n".join(lines) + "\n"


def _group(users: Sequence[tuple[User, int]]) -> str:
    lines = [line.rpartition(":")[0] + ":" for line in _system("/etc/group")]
    members: dict[str, list[str]] = {}
    for user, uid in users:
        lines += [f"{user.name}:x:{uid}:"] if uid else []
        for group in user.groups:
            members.setdefault(group, []).append(user.name)
    known = {line.split(":")[0] for line in lines}
    number = max((uid for _, uid in users), default=FIRST_UID) + 1000
    for group in members:
        if group not in known:
            lines.append(f"{group}:x:{number}:")
            number += 1
    return "\n".join(line + ",".join(members.get(line.split(":")[0], [])) for line in lines) + "\n"


def _shadow(users: Sequence[tuple[User, int]]) -> str:
    hashes = {user.name: _hashed(user.password) for user, _ in users if user.password}
    names = [line.split(":")[0] for line in _passwd(users).splitlines()]
    return "".join(f"{name}:{hashes.get(name, '*')}:{_DAY}:0:99999:7:::\n" for name in names)


def _hashed(password: str) -> str:
    done = subprocess.run(
        [tool("openssl") or "openssl", "passwd", "-6", "-stdin"],
        input=password, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def _sudoers(users: Sequence[tuple[User, int]], more: str) -> str:
    lines = ["Defaults !syslog, !lecture, timestamp_timeout=0, env_reset", "root ALL=(ALL:ALL) ALL"]
    for user, _ in users:
        if user.sudo:
            whom = "" if user.sudo.startswith("(") else "(ALL:ALL) "
            lines.append(f"{user.name} ALL={whom}{user.sudo}")
    return "\n".join([*lines, more]) + "\n"


def _pam(folder: Path) -> None:
    _made(folder)
    for service in ("sshd", "sudo", "other"):
        (folder / service).write_text(_UNIX)


def _shells(folder: Path) -> None:
    shells = {
        "slow": f'#!/bin/sh\nsleep {SLOW_S}\nexec /bin/sh "$@"\n',
        "noisy": '#!/bin/sh\necho "Welcome to the practice server"\nexec /bin/sh "$@"\n',
    }
    for name, text in shells.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)


def _system(path: str) -> list[str]:
    """Return the lines of the machine's file whose number is that of a system account."""
    wanted = (*_SYSTEM_IDS, _NOBODY)
    return [line for line in Path(path).read_text().splitlines() if int(line.split(":")[2]) in wanted]


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    return folder
