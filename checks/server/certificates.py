"""server.certificates: the certificates on the server last, are for its names and fit their keys."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, ClassVar

from checks.bounds import Len
from checks.contract import Finding, Vantage
from checks.dataclass import dataclass
from checks.params import Duration, Host
from checks.remote.check import RemoteCheck, remote, require_login
from checks.server._cert_judge import judge_file
from checks.server._pem import CertFile, read_file

Path = Annotated[str, Len(1, 4096)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertNeed:
    """One file with a certificate, the names it must be for, and the files of its key and its chain."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    path: Path
    names: Annotated[tuple[Host, ...], Len(1, 100)]
    key: Path | None = None
    chain: Path | None = None
    self_signed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificatesSeen:
    """What each file holds, in the plan's order, and the host's clock."""

    name: str
    files: tuple[CertFile, ...]
    now: datetime


class Certificates(RemoteCheck[CertificatesSeen]):
    """Each certificate file is valid long enough, for all its names, with its chain and the key that fits.

    A wildcard stands for one label; the common name does not count. Private keys never leave the host: of
    a key openssl derives the public half there, and only that is read. On Windows `path` is a place in the
    store (`Cert:\\LocalMachine\\My\\THUMBPRINT`); never run on a real one.

    Proves: what is in the files, and by the keys' own mathematics that certificate and key belong together.
    Cannot prove: that the service was reloaded since and shows this certificate (check network.tls), that
    clients trust its authority, or that it was not revoked.
    If it fails: issue the certificate again for all names, install it with its whole chain and its own key,
    and reload the service.

    Source: RFC 5280 (validity, subjectAltName), RFC 9525 section 6 (names), RFC 8446 section 4.4.2 (order of
    the chain), openssl-pkey(1).

    Example:
        type: server.certificates
        host: web-new.example.com
        user: tech
        sudo: true
        files:
          - path: /etc/ssl/certs/web.pem
            names: [www.example.com, example.com]
            key: /etc/ssl/private/web.key
        min_left: 30d
    """

    files: Annotated[tuple[CertNeed, ...], Len(1, 50)]
    """Files to look at. `key` is the file of the private key, `chain` that of the intermediates where they
    are not in the same file, `self_signed` says that it has no authority on purpose."""
    min_left: Duration = 30 * 86400.0
    """How long each certificate of the chain must still be valid."""

    def __post_init__(self) -> None:
        require_login(self)
        paths = [need.path for need in self.files]
        if len(set(paths)) < len(paths):
            raise ValueError("'files' names the same path twice.")

    async def observe(self, vantage: Vantage) -> CertificatesSeen:
        host = await remote(self, vantage)
        files = await asyncio.gather(
            *(read_file(host, self.root, one.path, one.key or "", one.chain or "") for one in self.files)
        )
        return CertificatesSeen(name=host.name, files=tuple(files), now=(await host.facts()).now())

    def judge(self, seen: CertificatesSeen) -> Iterable[Finding]:
        for need, found in zip(self.files, seen.files, strict=False):
            yield from judge_file(
                f"{seen.name} {found.path}", found, now=seen.now, names=need.names, min_left=self.min_left,
                wants_key=need.key is not None, self_signed=need.self_signed,
            )  # fmt: skip
