"""Why a DNS question has no whole answer: the words, and what the system's errors mean in them."""

from __future__ import annotations

import errno
from typing import Literal

from checks.wire.tcp import Outcome

Failure = Literal[
    "timeout",
    "refused (port closed)",
    "unreachable",
    "not sent",
    "malformed reply",
    "truncated",
    "unknown host",
    "untrusted certificate",
    "TLS failed",
    "HTTP error",
]
"""Why there is no whole answer. `not sent`: this machine has no way to the server (no route, a local rule),
so nothing is said about the server. `truncated`: cut short, and nothing gave the rest."""

_LOCAL = {
    errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPERM, errno.EACCES, errno.ENETDOWN,
    errno.EMFILE, errno.ENFILE, errno.ENODEV, errno.EINVAL,
}  # fmt: skip
_CONNECTING: dict[Outcome, Failure] = {
    "refused": "refused (port closed)",
    "reset": "refused (port closed)",
    "timeout": "timeout",
    "unreachable": "unreachable",
    "no_route": "not sent",
    "barred": "not sent",
    "local": "not sent",
}


class Unanswered(Exception):  # noqa: N818 - it is an outcome
    """No answer came over a connection; `kind` says how, `detail` in whose words (raw)."""

    def __init__(self, kind: Failure, detail: str, *, closed: bool = False) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.closed = closed
        """Whether the peer had closed the connection: a new one may do better (RFC 7766 section 6.2.4)."""


def of_connecting(outcome: Outcome) -> Failure:
    """Return what a connection that was not made says."""
    return _CONNECTING.get(outcome, "unreachable")


def of_datagram(error: OSError, *, leaving: bool = False) -> Failure:
    """Return what an error of a UDP socket says; `leaving` if it came from sending itself."""
    if isinstance(error, (ConnectionRefusedError, ConnectionResetError)):  # the latter on Windows
        return "refused (port closed)"
    if leaving and error.errno in _LOCAL:
        return "not sent"
    return "unreachable"


def words(error: OSError) -> str:
    """Return the system's words."""
    return error.strerror or str(error)
