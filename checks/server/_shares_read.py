"""What a server shares: Samba's effective configuration and share permissions, NFS exports, Windows shares.

The Windows half was never run on a real system.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from checks.dataclass import dataclass
from checks.remote.outcome import require, said_by
from checks.safe import safe
from checks.server._shares_script import FOLDERS, READ, WINDOWS
from checks.server._windows import rows, word
from checks.vantage import CannotTell
from checks.wire.ssh.remote import Remote

GLOBALS = (
    "server min protocol", "server max protocol", "map to guest", "security", "server signing",
    "server smb encrypt", "hosts allow", "hosts deny", "ntlm auth", "restrict anonymous", "guest account",
    "unix extensions", "invalid users",
)  # fmt: skip
"""Options of the whole server that decide who may do what."""
LISTS = frozenset(
    {"valid users", "invalid users", "read list", "write list", "admin users", "hosts allow", "hosts deny"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One share or export, with what is set for it."""

    name: str
    kind: Literal["smb", "nfs"]
    path: str
    options: dict[str, str]
    permissions: str = ""
    """The share's own permissions, beside those of the files; empty where they could not be read."""
    folder: str = ""
    """Owner, mode and access list of the folder that is shared; empty where they could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """All that one server shares."""

    name: str
    how: Literal["posix", "windows"]
    shares: tuple[Share, ...]
    server: dict[str, str]
    """Options of the whole server, and of every share that says nothing else."""
    running: tuple[str, ...]
    """Of `smbd` and `nfsd`, those that run."""
    unknown: tuple[str, ...] = ()
    """What could not be read, as full sentences."""


async def read_shares(remote: Remote, root: str, *, smb_conf: str, acl: bool) -> Shares:
    """Return what a server shares; raise CannotTell where its configuration cannot be read."""
    if (await remote.facts()).dialect == "powershell":
        return _windows(rows(require(await remote.run(WINDOWS()), remote), remote.name), remote.name)
    result = await remote.run(READ(smb_conf, as_user=root))
    parts = _parts(require(result, remote), remote.name)
    running = tuple(sorted(set(parts["running"][0].split()) & {"smbd", "nfsd"}))
    text, status = parts["samba"]
    unknown: list[str] = []
    found: list[Share] = []
    server: dict[str, str] = {}
    if status == 0:
        sections = ini(text)
        server = ini(parts["defaults"][0]).get("global", {}) if parts["defaults"][1] == 0 else {}
        if not server:
            raise CannotTell(
                f"Samba's defaults on {remote.name} cannot be read.", "Run testparm -sv there by hand."
            )
        found = [
            Share(name=name, kind="smb", path=options.get("path", ""), options=options)
            for name, options in sections.items()
            if name != "global"
        ]
        user, status = parts["usershares"]
        if status == 0:
            found += [
                Share(name=name, kind="smb", path=options.get("path", ""), options=options)
                for name, options in ini(user).items()
            ]
        elif server.get("usershare max shares", "0") != "0":
            unknown.append("The shares that users made (net usershare) could not be read.")
    elif status != 127 or "smbd" in running:
        raise CannotTell(
            f"Samba's configuration on {remote.name} cannot be read: {said_by(result) or 'no word'}.",
            "Run testparm -s there by hand as the same account; give the check 'sudo: true'.",
        )
    found += _exports(parts, remote.name)
    if acl:
        permissions = _permissions(*parts["permissions"])
        found, more = await _with_rights(remote, root, found, permissions)
        unknown += more
    return Shares(
        name=remote.name, how="posix", shares=tuple(found), server=server, running=running,
        unknown=tuple(unknown),
    )  # fmt: skip


def _parts(stdout: bytes, name: str) -> dict[str, tuple[str, int]]:
    words = stdout.decode(errors="backslashreplace").split("\0")
    parts = {
        words[at]: (words[at + 1], int(words[at + 2]))
        for at in range(0, len(words) - 4, 3)
        if words[at + 2].isdecimal() and len(words[at + 2]) < 4
    }
    wanted = {"running", "samba", "defaults", "permissions", "usershares", "nfs", "exports"}
    if words[-2:] != ["end", ""] or parts.keys() != wanted:
        raise CannotTell(f"{name} told only a part of its shares.", "Run the check again.")
    return parts


_SECTION = re.compile(r"\[([^\]\r\n]+)\]\s*\Z")


def ini(text: str) -> dict[str, dict[str, str]]:
    """Return the sections of what testparm or net prints, names and options in lower case."""
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] | None = None
    for line in text.splitlines():
        match = _SECTION.match(line)
        if match:
            current = sections.setdefault(match[1].strip().lower(), {})
            continue
        key, mark, value = line.partition("=")
        if mark and current is not None and not line.startswith(("#", ";")):
            current[key.strip().lower()] = value.strip()
    return sections


def _exports(parts: dict[str, tuple[str, int]], name: str) -> list[Share]:
    text, status = parts["nfs"]
    written, readable = parts["exports"]
    lines = [line for line in written.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if status != 0 and (lines or readable != 0):
        raise CannotTell(
            f"{name} has lines in /etc/exports, and what is exported cannot be read (exportfs -v).",
            "Install nfs-kernel-server there, or give the check 'sudo: true'.",
        )
    return exports(text) if status == 0 else []


_CLIENT = re.compile(r"(\S+)\(([^()\s]*)\)\s*\Z")


def exports(text: str) -> list[Share]:
    """Return what exportfs -v prints: a path, perhaps alone in its line, and a client with options."""
    found = []
    path = ""
    for line in text.splitlines():
        match = _CLIENT.search(line)
        head = (line[: match.start()] if match else line).rstrip()
        path = head if head and not head[0].isspace() else path
        if match and path:
            options = ",".join(sorted(match[2].split(",")))
            found.append(
                Share(name=f"{path} {match[1]}", kind="nfs", path=path, options={"options": options})
            )
    return found


def _permissions(text: str, status: int) -> dict[str, str]:
    """Return what sharesec says of each share; one without an entry was not read (it ends with 0 then)."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines() if status == 0 else ():
        match = _SECTION.match(line)
        if match:
            current = found.setdefault(match[1].strip().lower(), [])
        elif line.startswith("ACL:"):
            current.append(line[4:].strip())
    return {name: "; ".join(entries) for name, entries in found.items() if entries}


async def _with_rights(
    remote: Remote, root: str, shares: list[Share], permissions: dict[str, str]
) -> tuple[list[Share], list[str]]:
    """Return the shares with their permissions and those of their folders, and what could not be read."""
    paths = sorted({share.path for share in shares if share.path.startswith("/") and "%" not in share.path})
    folders: dict[str, str] = {}
    if paths:
        result = await remote.run(FOLDERS(*paths, as_user=root))
        folders = _folders(require(result, remote))
    unknown: list[str] = []
    found = []
    for share in shares:
        own = permissions.get(share.name, "")
        user_made = "usershare_acl" in share.options
        if share.kind == "smb" and not own and not user_made:
            unknown.append(f"The permissions of the share {safe(share.name)} could not be read (sharesec).")
        folder = folders.get(share.path, "")
        if share.path in paths and not folder:
            unknown.append(f"The access list of {safe(share.path)} could not be read (getfacl).")
        found.append(
            Share(
                name=share.name, kind=share.kind, path=share.path, options=share.options, permissions=own,
                folder=folder,
            )
        )  # fmt: skip
    return found, list(dict.fromkeys(unknown))


def _folders(stdout: bytes) -> dict[str, str]:
    words = stdout.decode(errors="backslashreplace").split("\0")
    found = {}
    for at in range(0, len(words) - 5, 5):
        path, stat, status, acl, acl_status = words[at : at + 5]
        if status == "0" and acl_status == "0" and acl.strip():
            found[path] = f"{stat.strip()}, {','.join(acl.split())}"
        elif status != "0" and "No such file" in stat:
            found[path] = "no such folder"
    return found


def _windows(found: list[dict[str, Any]], name: str) -> Shares:
    shares, unknown = [], []
    server: dict[str, str] = {}
    for row in found:
        kind = word(row, "kind")
        if kind == "server":
            server = {key: word(row, key) for key in ("smb1", "encrypt", "signing")}
        elif kind == "share":
            label, sddl = word(row, "name").lower(), word(row, "sddl")
            if not sddl:
                unknown.append(f"The access list of the share {safe(label)}'s folder could not be read.")
            shares.append(
                Share(
                    name=label, kind="smb", path=word(row, "path"), permissions=word(row, "access"),
                    options={key: word(row, key) for key in ("encrypt", "enumeration", "caching")},
                    folder=sddl,
                )
            )  # fmt: skip
    if not server:
        raise CannotTell(f"{name} told only a part of its shares.", "Run Get-SmbShare there by hand.")
    return Shares(
        name=name, how="windows", shares=tuple(shares), server=server, running=("smbd",),
        unknown=tuple(unknown),
    )  # fmt: skip
