"""server.shares: the new server shares what the old one did, to the same people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Annotated

from checks.bounds import Len
from checks.contract import Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed
from checks.remote.check import Login, RemoteCheck, require_login
from checks.safe import in_line, safe
from checks.server._parity import Allowed, Difference, differences, parity_findings, require_allowed, shown
from checks.server._shares_keys import Moved, after_the_move, keys, value
from checks.server._shares_read import Share, Shares, read_shares
from checks.server._sides import both, require_another
from checks.wire.ssh.remote import Remote

Text = Annotated[str, Len(1, 1024)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A share that the server must have; what is left out may be as it is. An NFS export begins with `/`."""

    name: Text
    path: Text | None = None
    read_only: bool | None = None
    guest: bool | None = None
    valid_users: tuple[Text, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharesSeen:
    """What both servers share; `source` is None where nothing is compared."""

    target: Shares
    source: Shares | None = None


class FileShares(RemoteCheck[SharesSeen]):
    """The new server shares the same folders with the same rights as the old one, or as planned.

    Compared are Samba's shares (homes, printers and those that users made, too) with every option in force,
    share permissions, NFS exports with their options, owner and access list of each shared folder, and the
    options of the whole server that decide who may come in.

    Proves: the configuration in force is the same on both, but for what is allowed, and Samba or the NFS
    server runs.
    Cannot prove: that a client reaches it through the firewall and can log in (network.tcp to port 445, and
    a test by hand), or that names of users mean the same people (server.users). Windows hosts were never
    tried.
    If it fails: mend the named option in the new server's configuration, or allow the difference.

    Source: smb.conf(5), testparm(1), sharesec(1), exports(5), Get-SmbShareAccess.

    Example:
        type: server.shares
        host: files-new.example.net
        user: tech
        sudo: true
        source: {host: files-old.example.net}
        paths: [{source: /srv/files, target: /data/files}]
        allowed: ["share:print$*"]
    """

    shares: Annotated[tuple[Planned, ...], Len(0, 500)] = ()
    """Shares that must be there: `{name: files, path: /data/files, read_only: false, guest: false,
    valid_users: ["@staff"]}`; an NFS export by its path."""
    source: Login | None = None
    """The old server, with which everything is compared."""
    paths: Annotated[tuple[Moved, ...], Len(0, 100)] = ()
    """Folders that moved: their paths on the old and on the new server."""
    allowed: Allowed = ()
    """Differences that are expected, by the keys that findings show: `share:scan`, `share:files/path`,
    `nfs:/srv/*`, `smb:server min protocol`."""
    acl: bool = True
    """Whether share permissions and the folders' own access lists are compared (needs sudo)."""
    smb_conf: Annotated[str, Len(1, 4096)] | None = None
    """Samba's configuration file on the new server, where it is not the usual one."""
    source_smb_conf: Annotated[str, Len(1, 4096)] | None = None
    """The same on the old server."""

    def __post_init__(self) -> None:
        require_login(self)
        require_another(self, self.source)
        require_allowed(self.allowed, compared=self.source is not None)
        if not self.shares and self.source is None:
            raise ValueError("Name the old server as 'source', or the 'shares' that must be there.")
        if self.paths and self.source is None:
            raise ValueError("'paths' says what moved from a 'source'; there is none.")

    async def observe(self, vantage: Vantage) -> SharesSeen:
        async def read(conf: str | None, remote: Remote, root: str) -> Shares:
            return await read_shares(remote, root, smb_conf=conf or "", acl=self.acl)

        here, there = await both(
            self, vantage, self.source, partial(read, self.smb_conf), partial(read, self.source_smb_conf)
        )
        return SharesSeen(target=here, source=there)

    def judge(self, seen: SharesSeen) -> Iterable[Finding]:
        target, source = seen.target, seen.source
        for planned in self.shares:
            yield from self._planned(planned, target)
        for side in (target, *((source,) if source else ())):
            if side.unknown:
                yield cannot_tell(
                    safe(side.name), "Not everything about its shares could be read.",
                    expected="share permissions and access lists", observed=in_line(side.unknown[:10]),
                    fix="Give the check 'sudo: true' (sharesec and getfacl as root), install acl there, or "
                    "say 'acl: false'.",
                )  # fmt: skip
        if source is not None:
            yield from self._compared(target, source)

    def _compared(self, target: Shares, source: Shares) -> Iterable[Finding]:
        subject, other = safe(target.name), safe(source.name)
        if not source.shares:
            yield cannot_tell(
                subject, f"{other} shares nothing, so there is nothing to compare with.",
                expected="shares or exports", observed=f"none on {other}",
                fix="Check that 'source' is the old file server, and that this account may read its shares.",
            )  # fmt: skip
            return
        if target.how != source.how:
            yield cannot_tell(
                subject, "One of the servers is a Windows host and the other is not: names of shares were "
                "compared, their rights cannot be.", expected="the same rights",
                observed=f"{source.how} on {other}, {target.how} here",
                fix="Compare the rights by hand, and attest that (type: manual).",
            )  # fmt: skip
        moved = after_the_move(source, self.paths)
        yield from parity_findings(
            differences(keys(moved, target, planned=True), keys(target, moved), self.allowed),
            subject=subject,
            things="settings of shares", source=other, fix=_fix,
        )  # fmt: skip

    def _planned(self, planned: Planned, target: Shares) -> Iterable[Finding]:
        subject, name = safe(target.name), safe(planned.name)
        nfs = planned.name.startswith("/")
        found = [
            share for share in target.shares
            if (share.kind == "nfs" and share.path == planned.name if nfs
                else share.kind == "smb" and share.name == planned.name.lower())
        ]  # fmt: skip
        if not found:
            yield failed(
                subject, f"There is no {'export' if nfs else 'share'} {name}.", expected=f"{name} is shared",
                observed=in_line(sorted(share.name for share in target.shares)) or "nothing is shared",
                fix="Add it to the server's configuration, or correct its name in the project.",
            )  # fmt: skip
            return
        program = "nfsd" if nfs else "smbd"
        wrong = [text for share in found for text in _wrong(planned, share, target)]
        if program not in target.running:
            wrong.append(f"{program} does not run")
        if wrong:
            yield failed(
                subject, f"{name} is not shared as planned.", expected=_words(planned),
                observed=in_line(wrong),
                fix=f"Mend {name} in the server's configuration and reload it, or correct the plan.",
            )  # fmt: skip
        else:
            yield passed(
                subject, f"{name} is shared as planned.", expected=_words(planned), observed="so it is"
            )


def _wrong(planned: Planned, share: Share, server: Shares) -> Iterable[str]:
    if share.kind == "nfs":
        options = share.options.get("options", "").split(",")
        if planned.read_only is not None and ("ro" in options) is not planned.read_only:
            yield f"{safe(share.name)}: {'read-only' if 'ro' in options else 'may be written'}"
        return
    if planned.path is not None and share.path != planned.path:
        yield f"path {safe(share.path)}"
    for option, wanted in (("read only", planned.read_only), ("guest ok", planned.guest)):
        has = value(option, share, server).lower() or value(option.replace(" ", "_"), share, server).lower()
        if wanted is not None and has not in (("yes", "y", "true") if wanted else ("no", "n", "false")):
            yield f"{option}: {safe(has) or 'not known'}"
    if planned.valid_users is not None:
        has = value("valid users", share, server)
        if sorted(has.split()) != sorted(planned.valid_users):
            yield f"valid users: {safe(has) or 'everybody'}"


def _words(planned: Planned) -> str:
    said: Sequence[tuple[str, object]] = (
        ("path", planned.path), ("read only", planned.read_only), ("guest", planned.guest),
        ("valid users", " ".join(planned.valid_users) if planned.valid_users is not None else None),
    )  # fmt: skip
    return in_line(f"{word} {one}" for word, one in said if one is not None) or "shared"


def _fix(one: Difference) -> str:
    todo = {
        "missing": "Share it here as on the old server",
        "different": "Set it here as on the old server (smb.conf, sharesec, exports, setfacl)",
        "extra": "Take it away if nobody needs it",
    }[one.kind]
    if one.key.startswith("share-server:"):
        todo = f"Start {safe(one.key.partition(':')[2])} here"
    return f"{todo}, or allow the difference: allowed: ['{shown(one.key)}']."
