"""Whether the key that a host shows is its own: by the fingerprint that was given, else by known_hosts.

Nothing is ever accepted because it was seen for the first time. A key that changed is refused, and so is one
that a line `@revoked` names, whatever else speaks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from checks.safe import safe
from checks.wire.ssh import known_hosts
from checks.wire.ssh.access import PORT, Access, SshTrouble
from checks.wire.ssh.known_hosts import AUTHORITY, REVOKED, Entry

if TYPE_CHECKING:
    import paramiko

_RSA = ("rsa-sha2-512", "rsa-sha2-256")
USABLE = (
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa",
)  # fmt: skip
"""Kinds of host keys that can be asked for at all."""


def preferred(access: Access) -> tuple[str, ...]:
    """Return the key algorithms to ask for first: those of the keys that are known for the host."""
    if access.host_key:
        return ()
    known = [entry.kind for entry in _named(access, known_hosts.entries(access)) if not entry.marker]
    found: list[str] = []
    for kind in USABLE:
        if kind in known:
            found += _RSA if kind == "ssh-rsa" else (kind,)
    return tuple(found)


def verify(access: Access, key: paramiko.PKey) -> None:
    """Return where the key is believed; raise SshTrouble of stage `host-key` in every other case.

    To be called before any credential is sent.
    """
    check(access, key.get_name(), key.asbytes())


def check(access: Access, kind: str, key: bytes) -> None:
    """As `verify`, for a key as SSH carries it."""
    found = known_hosts.entries(access)
    for entry in found:
        if entry.marker == REVOKED and entry.key == key:
            raise SshTrouble(
                "host-key",
                f"{access.name} shows the key {_shown(kind, key)}, which is revoked ({entry.place}).",
                f"Do not log in: somebody else may hold this key. Give {access.host} a new host key, and "
                "find out who revoked the old one.",
                refused=True,
            )
    if access.host_key:
        _pinned(access, kind, key)
        return
    plain = [entry for entry in found if not entry.marker]
    known = [entry for entry in _named(access, plain) if entry.kind in USABLE]
    if any(entry.key == key for entry in known or plain):
        return
    raise _changed(access, kind, key, known) if known else _unknown(access, kind, key, found)


def same_fingerprint(given: str, key: bytes) -> bool:
    """Return whether a fingerprint, as `SHA256:...` or `MD5:...`, is that of the key."""
    form, _, digest = given.strip().partition(":")
    if form.upper() == "SHA256":
        return f"SHA256:{digest.rstrip('=')}" == known_hosts.fingerprint(key)
    return form.upper() == "MD5" and f"MD5:{digest.lower()}" == known_hosts.md5(key)


def _named(access: Access, found: Sequence[Entry]) -> list[Entry]:
    """Return the entries under the host's full name: a key for port 22 says nothing against another's."""
    name = known_hosts.name_of(access.host, access.port)
    return [entry for entry in found if known_hosts.named(entry, name)]


def _shown(kind: str, key: bytes) -> str:
    return f"{safe(kind, limit=60)} {known_hosts.fingerprint(key)}"


def _pinned(access: Access, kind: str, key: bytes) -> None:
    if same_fingerprint(access.host_key, key):
        return
    shown = _shown(kind, key)
    if access.host_key.upper().startswith("MD5:"):
        shown += f" ({known_hosts.md5(key)})"
    raise SshTrouble(
        "host-key",
        f"{access.name} shows the key {shown}, and 'host_key' is {safe(access.host_key, limit=200)}.",
        "Do not log in. Look on the server's console which key is its own (ssh-keygen -lf "
        f"{file_of(kind)}): either another machine answers, or 'host_key' is of another key of the server.",
        refused=True,
    )


def _changed(access: Access, kind: str, key: bytes, known: Sequence[Entry]) -> SshTrouble:
    same = [entry for entry in known if entry.kind == kind] or list(known)
    was = "; ".join(f"{entry.kind} {entry.fingerprint} ({entry.place})" for entry in same[:3])
    return SshTrouble(
        "host-key",
        f"The key of {access.name} has changed: it shows {_shown(kind, key)}, known is {was}.",
        "Do not log in: another machine may be answering in its place. If the server was set up anew, "
        f"compare with its console (ssh-keygen -lf {file_of(kind)}), then take the old line out.",
        refused=True,
    )


def _unknown(access: Access, kind: str, key: bytes, found: Sequence[Entry]) -> SshTrouble:
    target = access.host if access.port == PORT else access.name
    vouched = next((entry for entry in found if entry.marker == AUTHORITY), None)
    certificate = (
        f" A certificate authority vouches for it ({vouched.place}), but certificates of hosts are not "
        "supported: the key itself must be known."
        if vouched
        else ""
    )
    trouble = SshTrouble(
        "host-key",
        f"The key of {access.name} is not known: it shows {_shown(kind, key)}.{certificate}",
        f"Read the fingerprint on the server's console (ssh-keygen -lf {file_of(kind)}); if it is the same, "
        f"trust it: gonogo trust {safe(target, limit=300)}",
    )
    trouble.unknown = True
    return trouble


def file_of(kind: str) -> str:
    """Return the file on the server that holds the key."""
    short = "ecdsa" if kind.startswith("ecdsa") else kind.removeprefix("ssh-")
    return f"/etc/ssh/ssh_host_{safe(short, limit=40)}_key.pub"
