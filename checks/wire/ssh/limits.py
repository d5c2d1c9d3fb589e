"""How long each stage of a login and of a command may take, in seconds."""

from __future__ import annotations

from checks.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The usual limits; tests make them short."""

    connect: float = 10.0
    banner: float = 15.0
    """From the connection to the end of the key exchange."""
    channel: float = 15.0
    """For the answer to a request: a session, a command, a connection onwards."""
    shell: float = 30.0
    """For the login shell to begin a command."""
    grace: float = 2.0
    """For the rest of a stream after the exit status, and for an exit status after the streams."""
