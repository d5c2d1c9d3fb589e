"""known_hosts files, read as sshd(8) describes them: who may show which key, and which keys are revoked.

Hashed names, wildcards, negation and `[host]:port` are understood. A line that cannot be read is passed over,
as OpenSSH does; a file that cannot be read is not, since a revoked key may stand in it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from checks.dataclass import dataclass
from checks.local import folders
from checks.safe import safe
from checks.wire.ssh.access import PORT, Access, SshTrouble

MAX_BYTES = 16 * 1024 * 1024
REVOKED, AUTHORITY = "@revoked", "@cert-authority"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line: whose key it is by its patterns, and the key as SSH carries it."""

    file: str
    line: int
    marker: str
    """`@revoked`, `@cert-authority` or empty."""
    names: str
    """Patterns by comma, or a hashed name."""
    kind: str
    """`ssh-ed25519`, ..."""
    key: bytes

    @property
    def place(self) -> str:
        """Where it stands, to be looked at."""
        return f"{safe(self.file, limit=200)}, line {self.line}"

    @property
    def fingerprint(self) -> str:
        """As ssh-keygen shows it."""
        return fingerprint(self.key)


def fingerprint(key: bytes) -> str:
    """Return the SHA-256 fingerprint of a public key as OpenSSH writes it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def md5(key: bytes) -> str:
    """Return the older fingerprint: `MD5:` and sixteen pairs of hex digits."""
    digits = hashlib.md5(key, usedforsecurity=False).hexdigest()
    return "MD5:" + ":".join(digits[at : at + 2] for at in range(0, 32, 2))


def name_of(host: str, port: int) -> str:
    """Return the name under which the key of a host stands."""
    return host.lower() if port == PORT else f"[{host.lower()}]:{port}"


def own_file() -> Path | None:
    """Return the file that `gonogo trust` writes, None where this user has no home."""
    folder = folders.config()
    return folder / "known_hosts" if folder else None


def files(access: Access) -> list[tuple[Path, bool]]:
    """Return the files that are looked at, and whether each must be there."""
    found = [(Path(name).expanduser(), True) for name in access.known_hosts]
    own = own_file()
    found += [(own, False)] if own else []
    try:
        home = Path.home()
    except RuntimeError:
        home = None
    if home is not None:
        found += [(home / ".ssh" / name, False) for name in ("known_hosts", "known_hosts2")]
    if sys.platform == "win32":
        system = Path(os.environ.get("PROGRAMDATA") or r"C:\ProgramData") / "ssh"
    else:
        system = Path("/etc/ssh")
    return found + [(system / name, False) for name in ("ssh_known_hosts", "ssh_known_hosts2")]


def entries(access: Access) -> list[Entry]:
    """Return every line that is about the host, under its name with or without the port.

    Raises SshTrouble for a file that is there and cannot be read, or should be there and is not.
    """
    names = {name_of(access.host, access.port), access.host.lower()}
    found: list[Entry] = []
    for path, wanted in files(access):
        found += [
            entry for entry in _file(path, access, wanted=wanted) if any(named(entry, n) for n in names)
        ]
    return found


def count() -> dict[Path, int]:
    """Return the files that are there, with how many keys each holds; raise SshTrouble as `entries` does."""
    anybody = Access(host="any host", port=PORT, user="")
    return {
        path: len(_file(path, anybody, wanted=False)) for path, _ in files(anybody) if os.path.lexists(path)
    }


def named(entry: Entry, name: str) -> bool:
    """Return whether an entry is about the host of that name."""
    if entry.names.startswith("|"):
        return _hashed(entry.names, name)
    matched = False
    for pattern in entry.names.lower().split(","):
        if pattern.startswith("!"):
            if glob(pattern[1:], name):
                return False
        elif pattern and glob(pattern, name):
            matched = True
    return matched


def glob(pattern: str, text: str) -> bool:
    """Return whether `text` matches; `*` and `?` are special and nothing else is. Takes linear memory."""
    at = here = 0
    star, mark = -1, 0
    while here < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, mark = at, here
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[here]):
            at, here = at + 1, here + 1
        elif star >= 0:
            mark += 1
            at, here = star + 1, mark
        else:
            return False
    return not pattern[at:].strip("*")


def parse(text: str, file: str = "") -> Iterator[Entry]:
    """Return the lines that can be read; whatever cannot is passed over."""
    for number, raw in enumerate(text.split("\n"), 1):
        words = raw.split()
        if not words or words[0].startswith("#"):
            continue
        marker = words.pop(0) if words[0].startswith("@") else ""
        if len(words) < 3 or marker not in ("", REVOKED, AUTHORITY):
            continue
        key = _key(words[1], words[2])
        if key is not None:
            yield Entry(file=file, line=number, marker=marker, names=words[0], kind=words[1], key=key)


def line(access: Access, kind: str, key: bytes) -> str:
    """Return the line by which a key becomes known."""
    return f"{name_of(access.host, access.port)} {kind} {base64.b64encode(key).decode()}\n"


def store(access: Access, kind: str, key: bytes) -> Path:
    """Append a key to gonogo's own file, which is this user's alone; return the file.

    For a key whose fingerprint a person has compared, and that no file speaks against.
    """
    path = own_file()
    if path is None:
        raise _unreadable(Path("known_hosts"), access, "has no place: this user has no home folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "r+b") as handle:
            end = handle.seek(0, os.SEEK_END)
            handle.seek(max(0, end - 1))
            broken = end > 0 and handle.read(1) != b"\n"
            handle.write((b"\n" if broken else b"") + line(access, kind, key).encode())
    except OSError as error:
        raise SshTrouble(
            "host-key",
            f"The key cannot be stored in {safe(str(path), limit=300)} ({error.strerror}).",
            "Make that file writable for this account.",
        ) from error
    return path


def _file(path: Path, access: Access, *, wanted: bool) -> Sequence[Entry]:
    try:
        with path.open("rb") as handle:
            raw = handle.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        if not wanted:
            return []
        raise _unreadable(path, access, "is not there") from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _unreadable(path, access, f"cannot be read ({why})") from error
    if len(raw) > MAX_BYTES:
        raise _unreadable(path, access, f"is larger than {MAX_BYTES // 1024 // 1024} MiB")
    return list(parse(raw.decode(errors="replace"), str(path)))


def _unreadable(path: Path, access: Access, how: str) -> SshTrouble:
    shown = safe(str(path), limit=300)
    return SshTrouble(
        "host-key",
        f"Whether the key of {access.name} may be believed cannot be told: {shown} {how}.",
        f"Make {shown} readable for this account, or take it out of 'known_hosts'.",
    )


def _key(kind: str, encoded: str) -> bytes | None:
    """Return the key if it is one, of the kind that the line says."""
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    length = int.from_bytes(key[:4], "big")
    return key if key[4 : 4 + length] == kind.encode() and len(key) > 4 + length else None


def _hashed(names: str, name: str) -> bool:
    parts = names.split("|")
    if len(parts) != 4 or parts[1] != "1":
        return False
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in parts[2:])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.digest(salt, name.encode(), "sha1"), digest)
