"""DNS servers for tests, on loopback and free ports: real daemons, and one that does as it is told."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rrset

from tests.lab import need
from tests.lab.needs import tool

ZONE = r"""
$ORIGIN office.example.
$TTL 300
@        SOA ns hostmaster 7 7200 900 1209600 60
@        NS ns
@        MX 10 mail
@        TXT "v=spf1 include:spf.example " "-all"
@        CAA 0 issue "letsencrypt.org"
ns       A 127.0.0.1
mail     A 192.0.2.25
mail     A 192.0.2.26
mail     AAAA 2001:db8::25
zero     0 A 192.0.2.9
www      CNAME mail
hop      CNAME www
nowhere  CNAME missing
outside  CNAME www.elsewhere.example.
round    CNAME trip
trip     CNAME round
*.wild   A 192.0.2.99
_sip._tls SRV 100 1 5061 mail
odd      TXT "semi;colon \"quoted\" \\ \200\027[31m"
child    NS ns.child
ns.child A 127.0.0.1
""" + "\n".join(f'big TXT "{number:03d} {"x" * 200}"' for number in range(30)) + "\n"  # fmt: skip


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that is free for UDP and TCP on `host`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        with socket.socket(family, socket.SOCK_DGRAM) as udp, socket.socket(family) as tcp:
            udp.bind((host, 0))
            port: int = udp.getsockname()[1]
            try:
                tcp.bind((host, port))
            except OSError:
                continue
            return port


@contextlib.contextmanager
def _running(arguments: list[str], port: int, probe: str, host: str = "127.0.0.1") -> Iterator[int]:
    program = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        end = time.monotonic() + 20
        while True:
            try:
                dns.query.udp(dns.message.make_query(probe, "A"), host, port=port, timeout=0.2)
                break
            except (OSError, dns.exception.Timeout):
                if program.poll() is not None or time.monotonic() > end:
                    program.kill()
                    raise AssertionError(
                        f"{arguments[0]} did not start: {program.communicate()[1]!r}"
                    ) from None
        yield port
    finally:
        program.terminate()
        try:
            program.wait(5)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
        assert program.stderr is not None
        program.stderr.close()


@contextlib.contextmanager
def knot(zone: str = ZONE, host: str = "127.0.0.1") -> Iterator[int]:
    """Serve office.example with authority by knotd; yield its port."""
    need("knotd", root=False)
    with tempfile.TemporaryDirectory() as name:
        home, port = Path(name), free_port(host)
        (home / "office.example.zone").write_text(zone)
        (home / "knot.conf").write_text(
            f'server:\n  listen: "{host}@{port}"\n  rundir: "{home}"\n  udp-workers: 1\n  tcp-workers: 1\n'
            f'database:\n  storage: "{home}"\n'
            f'template:\n  - id: default\n    storage: "{home}"\n    semantic-checks: off\n'
            "zone:\n  - domain: office.example\n"
        )
        arguments = [str(tool("knotd")), "-c", str(home / "knot.conf")]
        with _running(arguments, port, "ns.office.example", host):
            yield port


@contextlib.contextmanager
def nsd(zone: str = ZONE) -> Iterator[int]:
    """Serve office.example with authority by nsd; yield its port."""
    need("nsd", root=False)
    with tempfile.TemporaryDirectory() as name:
        home, port = Path(name), free_port()
        (home / "zone").write_text(zone)
        (home / "nsd.conf").write_text(
            f'server:\n  ip-address: 127.0.0.1\n  port: {port}\n  zonesdir: "{home}"\n  database: ""\n'
            f'  pidfile: "{home}/pid"\n  xfrdfile: "{home}/xfrd"\n  zonelistfile: "{home}/list"\n'
            f'  xfrdir: "{home}"\n  username: ""\n  chroot: ""\n  server-count: 1\n'
            "remote-control:\n  control-enable: no\nzone:\n  name: office.example\n  zonefile: zone\n"
        )
        with _running([str(tool("nsd")), "-d", "-c", str(home / "nsd.conf")], port, "ns.office.example"):
            yield port


@contextlib.contextmanager
def dnsmasq(*options: str, probe: str = "probe.example", host: str = "127.0.0.1") -> Iterator[int]:
    """Resolve by dnsmasq with no upstream but what `options` name; yield its port."""
    need("dnsmasq", root=False)
    port = free_port(host)
    arguments = [
        str(tool("dnsmasq")), "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--no-hosts",
        "--no-resolv", f"--port={port}", f"--listen-address={host}", "--bind-interfaces",
        "--user=root", *options,
    ]  # fmt: skip
    with _running(arguments, port, probe, host):
        yield port


@contextlib.contextmanager
def unbound(
    *lines: str,
    stubs: Mapping[str, int] | None = None,
    tls: tuple[Path, Path] | None = None,
    probe: str = "probe.example",
    then: str = "",
) -> Iterator[Unbound]:
    """Resolve by unbound, with `lines` in its server clause; `stubs` maps zones to ports of loopback.

    With `tls` (chain and key) it serves DNS over TLS and over HTTPS, too. `then` are clauses of their own.
    """
    need("unbound", root=False)
    port, over_tls, over_https, control = (free_port() for _ in range(4))
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        text = (
            f'server:\n  directory: "{home}"\n  chroot: ""\n  username: ""\n  pidfile: ""\n  use-syslog: no\n'
            f"  interface: 127.0.0.1@{port}\n  port: {port}\n  access-control: 127.0.0.0/8 allow\n"
            "  do-not-query-localhost: no\n  module-config: iterator\n  num-threads: 1\n  do-ip6: no\n"
        )
        if tls:
            text += (
                f"  interface: 127.0.0.1@{over_tls}\n  tls-port: {over_tls}\n"
                f"  interface: 127.0.0.1@{over_https}\n  https-port: {over_https}\n"
                f'  tls-service-pem: "{tls[0]}"\n  tls-service-key: "{tls[1]}"\n'
            )
        text += "".join(f"  {line}\n" for line in lines)
        text += f"remote-control:\n  control-enable: yes\n  control-use-cert: no\n  control-port: {control}\n"
        for zone, where in (stubs or {}).items():
            text += f"stub-zone:\n  name: {zone}\n  stub-addr: 127.0.0.1@{where}\n"
        (home / "unbound.conf").write_text(text + then)
        with _running([str(tool("unbound")), "-d", "-c", str(home / "unbound.conf")], port, probe):
            yield Unbound(port, over_tls, over_https, control)


@dataclass(frozen=True, slots=True)
class Unbound:
    """The ports of a running unbound."""

    port: int
    tls: int
    https: int
    control_port: int

    def control(self, *words: str) -> None:
        """Have unbound-control do something, such as `flush_zone .`."""
        subprocess.run(
            [str(tool("unbound-control")), "-s", f"127.0.0.1@{self.control_port}", *words],
            check=True, capture_output=True,
        )  # fmt: skip


Answerer = Callable[[bytes], "bytes | list[bytes] | None"]


@contextlib.contextmanager
def scripted(
    udp: Answerer | None = None, tcp: Answerer | None = None, host: str = "127.0.0.1", foreign: bool = False
) -> Iterator[int]:
    """Answer each query by what `udp` and `tcp` make of it; `foreign` sends from another socket.

    Without `udp` (or `tcp`) nothing listens there. What `tcp` makes is sent as it is: it adds the length.
    """
    port = free_port(host)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.ExitStack() as stack:
        if udp is not None:
            sock = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            sock.bind((host, port))
            other = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            other.bind((host, 0))
            sender = other if foreign else sock
            stack.callback(_stop_udp, sock, _thread(_serve_udp, sock, sender, udp))
        if tcp is None:  # bound and not listening, so that no other program can listen there meanwhile
            stack.enter_context(socket.socket(family)).bind((host, port))
        else:
            listener = stack.enter_context(socket.create_server((host, port), family=family))
            stack.callback(_stop_tcp, listener, _thread(_serve_tcp, listener, tcp))
        yield port


def _thread(work: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread


def _stop_udp(sock: socket.socket, thread: threading.Thread) -> None:
    with socket.socket(sock.family, socket.SOCK_DGRAM) as knock:
        knock.sendto(b"stop", sock.getsockname())
    thread.join(10)


def _stop_tcp(listener: socket.socket, thread: threading.Thread) -> None:
    with contextlib.suppress(OSError), socket.create_connection(listener.getsockname()[:2], 5) as knock:
        knock.sendall(b"\0\4stop")
    thread.join(10)


def _serve_udp(sock: socket.socket, sender: socket.socket, answerer: Answerer) -> None:
    while True:
        query, peer = sock.recvfrom(65535)
        if query == b"stop":
            return
        replies = answerer(query)
        for reply in replies if isinstance(replies, list) else [replies]:
            if reply is not None:
                with contextlib.suppress(OSError):
                    sender.sendto(reply, peer)


def _serve_tcp(listener: socket.socket, answerer: Answerer) -> None:
    while True:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.settimeout(5)
            size = int.from_bytes(connection.recv(2), "big")
            query = connection.recv(size)
            if query == b"stop":
                return
            reply = answerer(query)
            assert not isinstance(reply, list)
            if reply is not None:
                connection.sendall(reply)


def answering(
    *records: tuple[str, int, str, str], rcode: str = "NOERROR", flags: tuple[str, ...] = ()
) -> Answerer:
    """Return an answerer that gives `records` (owner, TTL, type, data) to every question."""

    def answer(query: bytes) -> bytes:
        asked = dns.message.from_wire(query)
        made = dns.message.make_response(asked)
        made.set_rcode(dns.rcode.from_text(rcode))
        for flag in flags:
            made.flags |= dns.flags.from_text(flag)
        for owner, ttl, rdtype, data in records:
            name = asked.question[0].name.to_text() if owner == "@" else owner
            made.answer.append(dns.rrset.from_text(name, ttl, "IN", rdtype, data))
        return made.to_wire()

    return answer


def framed(answerer: Answerer) -> Answerer:
    """Return `answerer` with the length before its reply that TCP needs."""

    def answer(query: bytes) -> bytes:
        reply = answerer(query)
        assert isinstance(reply, bytes)
        return len(reply).to_bytes(2, "big") + reply

    return answer
