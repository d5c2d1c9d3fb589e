"""STUN servers for tests on loopback: coturn, and one that does as it is told."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from checks.wire.stun_codec import Malformed, decode, request
from tests.checks.wire.dns_servers import free_port
from tests.lab import need
from tests.lab.needs import tool


@contextlib.contextmanager
def coturn(*options: str, host: str = "127.0.0.1") -> Iterator[tuple[int, int]]:
    """Run coturn with long-term credentials; yield its two ports (no TLS, no TCP, no command line)."""
    need("turnserver", root=False)
    ports = (free_port(host), free_port(host))
    with tempfile.TemporaryDirectory() as name:
        program = subprocess.Popen(
            [
                str(tool("turnserver")), "-n", "--no-cli", "--no-tls", "--no-dtls", "--no-tcp",
                "--lt-cred-mech", "--realm=lab.example", "--user=a:b",
                f"--listening-ip={host}", f"--relay-ip={host}",
                f"--listening-port={ports[0]}", f"--alt-listening-port={ports[1]}", "--log-file=stdout",
                f"--pidfile={name}/pid", f"--userdb={name}/db", *options,
            ],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=name,
        )  # fmt: skip
        sink = threading.Thread(target=lambda: program.stdout and program.stdout.read(), daemon=True)
        try:
            ends = time.monotonic() + 20
            while not all(answers(host, port) for port in ports[:1]):
                assert program.poll() is None, "turnserver ended"
                assert time.monotonic() < ends, "turnserver does not answer"
            sink.start()
            yield ports
        finally:
            program.terminate()
            try:
                program.wait(5)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()
            if sink.is_alive():
                sink.join(5)
            if program.stdout is not None:
                program.stdout.close()
            assert not (Path(name) / "pid").is_dir()


def answers(host: str, port: int) -> bool:
    """Return whether a STUN server answers a Binding there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.1)
        try:
            sock.connect((host, port))
            sock.send(request("binding", b"readyreadyyy"))
            decode(sock.recv(2048))
        except (OSError, Malformed):
            return False
        return True


Behaviour = Callable[[bytes, tuple[str, int]], Sequence[bytes]]


@contextlib.contextmanager
def scripted(
    behaviour: Behaviour, *, host: str = "127.0.0.1", port: int = 0, foreign: bool = False
) -> Iterator[int]:
    """Answer each datagram by what `behaviour` makes of it and its sender; `foreign`: from elsewhere."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock, socket.socket(family, socket.SOCK_DGRAM) as other:
        sock.bind((host, port))
        other.bind((host, 0))
        number: int = sock.getsockname()[1]

        def serve() -> None:
            while True:
                data, peer = sock.recvfrom(4096)
                if data == b"stop":
                    return
                for reply in behaviour(data, peer):
                    (other if foreign else sock).sendto(reply, peer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield number
        finally:
            with socket.socket(family, socket.SOCK_DGRAM) as knock:
                knock.sendto(b"stop", (host, number))
            thread.join(10)


def attribute(number: int, value: bytes) -> bytes:
    """Return one attribute with its padding."""
    return number.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value + bytes(-len(value) % 4)


def reply(
    query: bytes,
    *attributes: bytes,
    kind: int = 0x0101,
    cookie: bytes | None = None,
    length: int | None = None,
) -> bytes:
    """Return a message of type `kind` to `query`'s transaction."""
    body = b"".join(attributes)
    size = len(body) if length is None else length
    return kind.to_bytes(2, "big") + size.to_bytes(2, "big") + (cookie or query[4:8]) + query[8:20] + body


def mapped(address: str, port: int) -> bytes:
    """Return an XOR-MAPPED-ADDRESS of IPv4."""
    raw = bytes(a ^ b for a, b in zip(socket.inet_aton(address), b"\x21\x12\xa4\x42", strict=True))
    return attribute(0x0020, b"\0\1" + (port ^ 0x2112).to_bytes(2, "big") + raw)
