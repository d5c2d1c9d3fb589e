"""An SSH server that is a stand-in: real SSH by paramiko, one account with one key, and no real command.

What is asked is looked up among the host's answers, by the name of the program or script; everything else
ends with status 127. Nothing on this laptop is run, read or written through it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import itertools
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from agent.demo.ssh_line import Answers, answered, decoded
from checks.dataclass import dataclass
from checks.wire.ssh.peer import BoundedPacketizer

_PATIENCE_S = 30.0
_MAX_STDIN = 1024 * 1024
_COMMANDS_AT_ONCE = 16
_PROCESSES = itertools.count(4001)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key pair, made anew; `private` is a key file as OpenSSH writes it."""

    private: str
    public: str
    """Type and key in base64, as known_hosts has it."""

    def loaded(self) -> paramiko.PKey:
        """Return the pair as paramiko uses it."""
        return paramiko.Ed25519Key.from_private_key(io.StringIO(self.private))


def new_key() -> Key:
    """Return a new Ed25519 key pair."""
    pair = Ed25519PrivateKey.generate()
    private = pair.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode("ascii")
    own = paramiko.Ed25519Key.from_private_key(io.StringIO(private))
    return Key(private=private, public=f"{own.get_name()} {base64.b64encode(own.asbytes()).decode()}")


class _Door(paramiko.ServerInterface):  # type: ignore[misc]
    """Lets the technician in by key, and hands each command to the server."""

    def __init__(self, server: SshServer) -> None:
        self._server = server

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        known = username == self._server.user and key.asbytes() == self._server.authorised
        return int(paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        refused = paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        return int(paramiko.OPEN_SUCCEEDED if kind == "session" else refused)

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        return self._server.take(channel, command)


class SshServer:
    """One host's SSH server on a bound socket."""

    def __init__(
        self, listening: socket.socket, *, host_key: Key, user: str, authorised: Key, answers: Answers
    ) -> None:
        self.user = user
        self.authorised: bytes = authorised.loaded().asbytes()
        self._listening, self._host_key, self._answers = listening, host_key.loaded(), answers
        self._pool = ThreadPoolExecutor(_COMMANDS_AT_ONCE, thread_name_prefix="practice host")
        self._transports: list[paramiko.Transport] = []
        self._accepting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Accept connections."""
        self._listening.settimeout(0.0)
        self._accepting = asyncio.create_task(self._accept())

    async def stop(self) -> None:
        """Close every connection and wait for its threads."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)
        self._listening.close()
        await asyncio.to_thread(self._end)

    def take(self, channel: paramiko.Channel, command: bytes) -> bool:
        """Answer a command in a thread of its own; False where none can be had any more."""
        try:
            self._pool.submit(self._answer, channel, command)
        except RuntimeError:
            return False
        return True

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                wire, _ = await loop.sock_accept(self._listening)
            except OSError:
                await asyncio.sleep(0.1)
                continue
            self._transports = [one for one in self._transports if one.is_alive()]
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                self._greet(wire)

    def _greet(self, wire: socket.socket) -> None:
        wire.settimeout(None)
        transport = paramiko.Transport(wire, packetizer_class=BoundedPacketizer)
        transport.local_version = "SSH-2.0-PracticeOffice_1.0"
        transport.add_server_key(self._host_key)
        self._transports.append(transport)
        transport.start_server(event=threading.Event(), server=_Door(self))

    def _answer(self, channel: Any, line: bytes) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException), contextlib.closing(channel):
            channel.settimeout(_PATIENCE_S)
            call = decoded(line)
            if call is None:
                channel.sendall_stderr(b"This is the practice office: it runs no command but gonogo's.\n")
                channel.send_exit_status(127)
                return
            channel.sendall(f"{call.marker}\n".encode())
            channel.sendall_stderr(f"{call.marker} {next(_PROCESSES)}\n".encode())
            stdin = bytearray()
            while len(stdin) <= _MAX_STDIN and (data := channel.recv(32768)):
                stdin += data
            said = answered(self._answers, replace(call, stdin=bytes(stdin)))
            channel.sendall(said.out)
            channel.sendall_stderr(said.err)
            channel.send_exit_status(said.status)

    def _end(self) -> None:
        for transport in self._transports:
            transport.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for transport in self._transports:
            transport.join(_PATIENCE_S)
