"""Ports on loopback: the same ones at every start where they are free, so that the project stays the same."""

from __future__ import annotations

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


def silent(preferred: int) -> int:
    """Return a port that nothing listens on."""
    found = listening(preferred)
    with found:
        return port_of(found)


def port_of(found: socket.socket) -> int:
    """Return the port that a socket is bound to."""
    return int(found.getsockname()[1])


def close_all(sockets: list[socket.socket]) -> None:
    """Close what was opened before something went wrong."""
    for found in sockets:
        with suppress(OSError):
            found.close()
