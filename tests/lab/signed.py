"""A signed tree of zones on loopback: root, `test.` and what is below, served by knotd, resolved by unbound.

Each level has a server of its own, so that referrals are real: the root, the TLD, and one for all domains.
"""

from __future__ import annotations

import contextlib
import random
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.checks.wire.dns_servers import _running
from tests.lab import need
from tests.lab.needs import tool
from tests.lab.signed_zone import Key, Signing, make_key, signed, text_of

SOA = "@ 60 IN SOA ns.{name} hostmaster.{name} 1 7200 900 1209600 60\n"


@dataclass
class Domain:
    """A zone below `test.`: its records beside SOA and NS, and how it is signed (None: not)."""

    name: str
    text: str = ""
    signing: Signing | None = field(default_factory=Signing)
    ds: list[Any] | None = None
    """The DS records in `test.`; None: those of its keys."""

    def delegation(self) -> list[Any]:
        """Return the DS records that its parent shows."""
        if self.ds is not None:
            return self.ds
        return [key.ds(self.name) for key in self.signing.keys] if self.signing else []


@dataclass
class Tree:
    """The running servers: `roots` and `resolver` as a check's parameters name them."""

    roots: tuple[str, ...]
    port: int
    anchor: tuple[str, ...]
    hosts: tuple[str, str, str]
    zones: tuple[str, ...]
    resolver: str = ""


@contextlib.contextmanager
def tree(
    *domains: Domain,
    tld: Signing | None = None,
    root: Signing | None = None,
    resolver: bool = True,
    more: str = "",
) -> Iterator[Tree]:
    """Serve the tree, with `resolver` by unbound too, which trusts its root. `more`: lines of `test.`."""
    need("knotd", root=False)
    tld, root = tld or Signing(), root or Signing()
    hosts, port = _hosts()
    anchor = tuple(f". DS {_ds_text(key, '.')}" for key in root.keys)
    top = SOA.format(name="").replace("ns. ", "ns.root. ").replace("hostmaster. ", "hostmaster.root. ")
    top += f"@ 60 IN NS ns.root.\nns.root. 60 IN A {hosts[0]}\n"
    top += _cut("test", hosts[1], [key.ds("test") for key in tld.keys])
    middle = SOA.format(name="test.") + f"@ 60 IN NS ns.test.\nns.test. 60 IN A {hosts[1]}\n{more}"
    served: dict[str, str] = {}
    for domain in domains:
        parent = domain.name.partition(".")[2]
        own = SOA.format(name=f"{domain.name}.") + f"@ 60 IN NS ns.{domain.name}.\n"
        own += f"ns.{domain.name}. 60 IN A {hosts[2]}\n{domain.text}"
        if parent == "test":
            middle += _cut(domain.name, hosts[2], domain.delegation())
        for other in domains:
            if other.name.partition(".")[2] == domain.name:
                own += _cut(other.name, hosts[2], other.delegation())
        served[domain.name] = _text(domain.name, own, domain.signing)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        levels = ({".": _text(".", top, root)}, {"test": _text("test", middle, tld)}, served)
        for host, zones in zip(hosts, levels, strict=True):
            stack.enter_context(_knot(folder, host, port, zones))
        made = Tree((f"ns.root={hosts[0]}:{port}",), port, anchor, hosts, (".", "test", *served))
        if resolver:
            made.resolver = stack.enter_context(unbound(made))
        yield made


@contextlib.contextmanager
def unbound(made: Tree, *options: str) -> Iterator[str]:
    """Resolve and validate the tree by unbound; yield its endpoint."""
    need("unbound", root=False)
    port = _free("127.0.0.1")
    with tempfile.TemporaryDirectory() as name:
        lines = [
            "server:", f"  directory: {name}", "  chroot: \"\"", "  username: \"\"", "  pidfile: \"\"",
            "  do-daemonize: no", "  use-syslog: no", f"  interface: 127.0.0.1@{port}",
            "  do-not-query-localhost: no", "  module-config: \"validator iterator\"",
            "  val-sig-skew-min: 0", "  val-sig-skew-max: 0", "  local-zone: \"test.\" nodefault",
            "  num-threads: 1", "  cache-max-ttl: 5", "  cache-max-negative-ttl: 1", "  val-bogus-ttl: 1",
            *(f'  trust-anchor: "{one}"' for one in made.anchor), *(f"  {one}" for one in options),
        ]  # fmt: skip
        for zone in made.zones:
            host = made.hosts[min(2, 0 if zone == "." else zone.count(".") + 1)]
            lines += [f'stub-zone:\n  name: "{zone}"\n  stub-addr: {host}@{made.port}\n  stub-prime: no']
        config = Path(name) / "unbound.conf"
        config.write_text("\n".join(lines) + "\nremote-control:\n  control-enable: no\n")
        with _running([str(tool("unbound")), "-d", "-c", str(config)], port, "test"):
            yield f"127.0.0.1:{port}"


@contextlib.contextmanager
def _knot(folder: Path, host: str, port: int, zones: dict[str, str]) -> Iterator[None]:
    home = folder / host
    home.mkdir()
    lines = ["server:", f'  listen: "{host}@{port}"', f'  rundir: "{home}"', "  udp-workers: 1"]
    lines += ["  tcp-workers: 1", "  background-workers: 1", f'database:\n  storage: "{home}"']
    lines += ["  journal-db-max-size: 10M", "  timer-db-max-size: 10M", "  kasp-db-max-size: 10M"]
    lines += [
        f'template:\n  - id: default\n    storage: "{home}"\n    semantic-checks: off',
        "    zonefile-load: whole",
    ]
    lines += ["zone:"]
    for number, (zone, text) in enumerate(zones.items()):
        (home / f"{number}.zone").write_text(text)
        lines += [f'  - domain: "{zone}"\n    file: "{home}/{number}.zone"']
    (home / "knot.conf").write_text("\n".join(lines) + "\n")
    arguments = [str(tool("knotd")), "-c", str(home / "knot.conf")]
    with _running(arguments, port, next(iter(zones)), host):
        yield


def _text(name: str, text: str, signing: Signing | None) -> str:
    full = name if name == "." else f"{name}."
    if signing is None:
        return f"$ORIGIN {full}\n{text}"
    return text_of(signed(full, f"$TTL 60\n{text}", signing))


def _cut(name: str, host: str, records: list[Any]) -> str:
    lines = [f"{name}. 60 IN NS ns.{name}.", f"ns.{name}. 60 IN A {host}"]
    return "\n".join([*lines, *(f"{name}. 60 IN DS {one.to_text()}" for one in records)]) + "\n"


def _ds_text(key: Key, zone: str) -> str:
    return str(key.ds(zone).to_text())


def _hosts() -> tuple[tuple[str, str, str], int]:
    """Return three loopback addresses and a port that is free on each."""
    net = f"127.{random.randrange(16, 250)}.{random.randrange(250)}"
    hosts = (f"{net}.1", f"{net}.2", f"{net}.3")
    while True:
        port = _free(hosts[0])
        with contextlib.suppress(OSError):
            for host in hosts[1:]:
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    with socket.socket(socket.AF_INET, kind) as sock:
                        sock.bind((host, port))
            return hosts, port


def _free(host: str) -> int:
    from tests.checks.wire.dns_servers import free_port

    return free_port(host)


__all__ = ["Domain", "Signing", "Tree", "make_key", "tree", "unbound"]
