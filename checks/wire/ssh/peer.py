"""paramiko's transport, bounded: how long a greeting and a packet may be, what ended a channel.

Imported only where a connection is opened: paramiko is slow to load.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from typing import Any

import paramiko
from paramiko.common import MSG_CHANNEL_CLOSE, MSG_CHANNEL_REQUEST, MSG_KEXINIT, cMSG_CHANNEL_REQUEST
from paramiko.packet import Packetizer

MAX_GREETING = 16 * 1024
MAX_PACKET = 256 * 1024 + 64
"""OpenSSH's own limit of a packet; paramiko asks for 32 KiB at most."""
WEAK = {
    "ciphers": ["3des-cbc", "aes128-cbc", "aes192-cbc", "aes256-cbc"],
    "macs": ["hmac-md5", "hmac-md5-96", "hmac-sha1-96"],
}
_SIGNATURES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
_QUIET = logging.getLogger("paramiko")
_QUIET.addHandler(logging.NullHandler())
_QUIET.setLevel(logging.CRITICAL + 1)


class BoundedPacketizer(Packetizer):  # type: ignore[misc]
    """Reads no endless greeting and no endless packet, and remembers what it was greeted with and offered."""

    greeting = b""
    offer = b""

    def _read_timeout(self, timeout: float) -> Any:
        data = super()._read_timeout(timeout)
        self.greeting += data
        if len(self.greeting) > MAX_GREETING:
            raise paramiko.SSHException("the greeting is too long")
        return data

    def read_all(self, n: int, check_rekey: bool = False) -> Any:  # noqa: FBT001, FBT002
        if n > MAX_PACKET:
            raise paramiko.SSHException(f"a packet of {n} bytes was announced")
        return super().read_all(n, check_rekey)

    def read_message(self) -> Any:
        kind, message = super().read_message()
        if kind == MSG_KEXINIT and not self.offer:
            self.offer = message.asbytes()
        return kind, message

    def start_handshake(self, timeout: float) -> None:
        """Start no timer of its own: its thread would outlive a handshake that failed."""


class Peer(paramiko.Transport):  # type: ignore[misc]
    """A transport that tells how a channel ended: by its own close, with a signal, or with the connection."""

    def __init__(self, wire: Any, preferred: tuple[str, ...]) -> None:
        super().__init__(wire, disabled_algorithms=WEAK, packetizer_class=BoundedPacketizer)
        self.wire = wire
        self.ended_by_signal: dict[int, str] = {}
        self.ended_by_peer: set[int] = set()
        self.most_open = 0
        """The most sessions that it let be open at once."""
        self._open: set[int] = set()
        table: dict[int, Any] = dict(paramiko.Transport._channel_handler_table)
        self._on_request, self._on_close = table[MSG_CHANNEL_REQUEST], table[MSG_CHANNEL_CLOSE]
        table[MSG_CHANNEL_REQUEST], table[MSG_CHANNEL_CLOSE] = self._request, self._close_of_channel
        self._channel_handler_table = table
        options = self.get_security_options()
        usual = list(options.key_types)
        first = [name for kind in preferred for name in _SIGNATURES.get(kind, (kind,)) if name in usual]
        options.key_types = list(dict.fromkeys([*first, *usual]))

    def cut(self) -> None:
        """End the connection without waiting for anything: whoever waits for it is woken."""
        try:
            self.wire.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def opened(self, number: int) -> None:
        """Count a session that was opened."""
        self._open.add(number)
        self.most_open = max(self.most_open, len(self._open))

    def closing(self, number: int) -> None:
        """Count a session no longer, before the server hears of its end."""
        self._open.discard(number)

    def terminate(self, channel: paramiko.Channel) -> None:
        """Ask the server to send TERM to what it runs in a channel (RFC 4254 section 6.9).

        OpenSSH does since 7.9, for processes of the user who logged in. It needs no session of its own, of
        which a server may have none left: one whose command still runs counts, though its channel is closed.
        """
        message = paramiko.Message()
        message.add_byte(cMSG_CHANNEL_REQUEST)
        message.add_int(channel.remote_chanid)
        message.add_string("signal")
        message.add_boolean(False)  # noqa: FBT003 - no answer is wanted
        message.add_string("TERM")
        self._send_user_message(message)

    def _request(self, channel: paramiko.Channel, message: paramiko.Message) -> None:
        at = message.packet.tell()
        if message.get_text() == "exit-signal":
            message.get_boolean()
            self.ended_by_signal[channel.chanid] = message.get_text()[:40]
            return
        message.packet.seek(at)
        self._on_request(channel, message)

    def _close_of_channel(self, channel: paramiko.Channel, message: paramiko.Message) -> None:
        self.ended_by_peer.add(channel.chanid)
        self.closing(channel.chanid)
        lock: threading.Lock = getattr(channel, "writing", None) or threading.Lock()
        held = lock.acquire(timeout=1)
        try:
            self._on_close(channel, message)
        finally:
            if held:
                lock.release()


class Tunnel:
    """A channel of a jump host in the place of a socket; it can be cut off without waiting for that host."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self._cut = threading.Event()

    def settimeout(self, seconds: float) -> None:
        self._channel.settimeout(seconds)

    def recv(self, size: int) -> bytes:
        if self._cut.is_set():
            return b""
        data: bytes = self._channel.recv(size)
        return data

    def send(self, data: bytes) -> int:
        if self._cut.is_set():
            raise OSError("the connection was cut")
        sent: int = self._channel.send(data)
        if not sent:
            raise OSError("the tunnel is closed")
        return sent

    def shutdown(self, how: int) -> None:
        self._cut.set()

    def close(self) -> None:
        self._cut.set()
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.close()

    @property
    def _closed(self) -> bool:
        return bool(self._channel.closed)


def offered(packet: bytes) -> dict[str, tuple[str, ...]]:
    """Return what a server's first key exchange packet offers; nothing where it cannot be read."""
    message = paramiko.Message(packet)
    message.get_bytes(17 if packet[:1] == bytes([MSG_KEXINIT]) else 16)
    try:
        return {part: tuple(message.get_list()) for part in ("kex", "keys", "ciphers")}
    except Exception:  # noqa: BLE001 - bytes from outside, shown only
        return {}
