"""Ports on loopback: the same ones at every start where they are free, so that the project stays the same."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

ADDRESS = "127.0.0.1"
_TRIES = 50


def listening(preferred: int) -> socket.socket:
    """Return a TCP socket that listens on `preferred`, or on a free port if that one is taken."""
    try:
        return socket.create_server((ADDRESS, preferred), backlog=100)
    except OSError:
        return socket.create_server((ADDRESS, 0), backlog=100)


def datagrams(preferred: int) -> socket.socket:
    """Return a UDP socket on `preferred`, or on a free port if that one is taken."""
    found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        try:
            found.bind((ADDRESS, preferred))
        except OSError:
            found.bind((ADDRESS, 0))
    except OSError:
        found.close()
        raise
    return found


def both(preferred: int) -> tuple[socket.socket, socket.socket]:
    """Return a UDP and a listening TCP socket on one port, as DNS needs them."""
    for _ in range(_TRIES):
        stream = listening(preferred)
        datagram = datagrams(port_of(stream))
        if port_of(datagram) == port_of(stream):
            return datagram, stream
        stream.close()
        datagram.close()
        preferred = 0
    raise OSError("No port is free for both UDP and TCP.")


def silent(preferred: int) -> socket.socket:
    """Return a TCP socket that holds a port without listening: it refuses, and nobody else takes it."""
    try:
        return _held(preferred)
    except OSError:
        return _held(0)


def _held(port: int) -> socket.socket:
    found = socket.socket()
    try:
        if os.name == "posix":
            # Connections of an earlier start linger on the port (TIME_WAIT): bind over those, and no more.
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((ADDRESS, port))
        if os.name == "posix":
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    except OSError:
        found.close()
        raise
    return found


def port_of(found: socket.socket) -> int:
    """Return the port that a socket is bound to."""
    return int(found.getsockname()[1])


def close_all(sockets: list[socket.socket]) -> None:
    """Close what was opened before something went wrong."""
    for found in sockets:
        with suppress(OSError):
            found.close()
