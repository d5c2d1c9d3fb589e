"""What two servers share as keys and values that a diff compares. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from checks.dataclass import dataclass
from checks.server._shares_read import GLOBALS, LISTS, Share, Shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A folder of the old server that is elsewhere on the new one."""

    source: str
    target: str


def after_the_move(shares: Shares, moved: Sequence[Moved]) -> Shares:
    """Return the old server's shares with their paths as they are to be on the new one."""

    def to(share: Share) -> Share:
        path = move(share.path, moved)
        name = f"{path}{share.name[len(share.path) :]}" if share.kind == "nfs" else share.name
        return dataclasses.replace(share, path=path, name=name)

    return dataclasses.replace(shares, shares=tuple(to(share) for share in shares.shares))


def move(path: str, moved: Sequence[Moved]) -> str:
    """Return where a path of the old server is on the new one."""
    for one in moved:
        begin = one.source.rstrip("/")
        if path == begin or path.startswith(f"{begin}/"):
            return one.target.rstrip("/") + path[len(begin) :]
    return path


def keys(one: Shares, other: Shares, *, planned: bool = False) -> dict[str, str]:
    """Return what `one` shares, for a diff with `other`.

    A share that the other lacks is one key, so that it is told once and not once an option; a Windows and
    a Samba server have no option in common. With `planned` the programs that share are to run, though they
    may have been stopped on the old server.
    """
    theirs = {label(share): share for share in other.shares}
    alike = one.how == other.how
    found: dict[str, str] = {}
    for share in one.shares:
        name, twin = label(share), theirs.get(label(share))
        found[name] = "shared"
        if twin is None or not alike:
            continue
        for option in sorted((share.options.keys() | twin.options.keys()) - {"comment", "path"}):
            found[f"{name}/{option}"] = value(option, share, one)
        if share.kind == "smb":
            found[f"{name}/path"] = share.path
        if share.permissions and twin.permissions:
            found[f"{name}/permissions"] = share.permissions
        if share.folder and twin.folder:
            found[f"{name}/folder"] = share.folder
    if alike and one.server and other.server:
        for option in GLOBALS if one.how == "posix" else sorted(one.server):
            found[f"smb:{option}"] = _listed(option, one.server.get(option, ""))
    for kind, program in (("smb", "smbd"), ("nfs", "nfsd")):
        if any(share.kind == kind for share in one.shares):
            found[f"share-server:{program}"] = (
                "running" if planned or program in one.running else "not running"
            )
    return found


def label(share: Share) -> str:
    """Return the key of a share: `share:files`, `nfs:/srv/files 192.0.2.0/24`."""
    return f"{'share' if share.kind == 'smb' else 'nfs'}:{share.name}"


def value(option: str, share: Share, server: Shares) -> str:
    """Return what is in force: the share's own word, or the server's for all."""
    return _listed(option, share.options.get(option, server.server.get(option, "")))


def _listed(option: str, text: str) -> str:
    """Return a value in the form in which equal ones are equal: lists of users or hosts in one order."""
    return " ".join(sorted(text.replace(",", " ").split())) if option in LISTS else text
