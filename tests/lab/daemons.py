"""Debian's own daemons, each started in the foreground inside a namespace and waited for until it answers."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab import probes
from tests.lab.namespaces import Namespace, wait_for


@dataclass(frozen=True, slots=True)
class Dnsmasq:
    """A running dnsmasq; `hosts` is its file of names, read again by `reload`."""

    inside: Namespace
    program: subprocess.Popen[bytes]
    hosts: Path
    address: str

    def reload(self, records: Mapping[str, Sequence[str]], probe: str) -> None:
        """Serve `records` (name to addresses) from now on; wait until `probe` answers as they say."""
        _write_hosts(self.hosts, records)
        os.kill(self.program.pid, signal.SIGHUP)
        wait_for(
            lambda: (
                set(self.inside.call(lambda: probes.dns_answers(self.address, probe))) & set(records[probe])
            ),
            f"dnsmasq answers {probe} with {records[probe]}",
        )


def dnsmasq(
    inside: Namespace,
    folder: Path,
    *options: str,
    address: str,
    interface: str,
    records: Mapping[str, Sequence[str]],
    upstream: str,
) -> Dnsmasq:
    """Serve DNS (and DHCP by `options`) at `address`; what it does not know it asks `upstream`."""
    hosts = folder / f"dnsmasq-{inside.role}.hosts"
    _write_hosts(hosts, records)
    program = inside.daemon(
        "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root",
        "--no-hosts", "--no-resolv", "--no-ping", "--leasefile-ro", "--bind-interfaces",
        f"--interface={interface}", f"--addn-hosts={hosts}", f"--server={upstream}", *options,
        ready=lambda: probes.dns_answers(address, next(iter(records))),
    )  # fmt: skip
    return Dnsmasq(inside, program, hosts, address)


def knot(inside: Namespace, folder: Path, zones: Mapping[str, str], addresses: Sequence[str]) -> None:
    """Serve `zones` (name to zone text) with authority at `addresses`."""
    home = folder / f"knot-{inside.role}"
    home.mkdir()
    lines = ["server:", f"  rundir: {home}", f"  listen: [{', '.join(f'{one}@53' for one in addresses)}]"]
    lines += ["  udp-workers: 1", "  tcp-workers: 1", "  background-workers: 1"]
    lines += [f"database:\n  storage: {home}", "  journal-db-max-size: 10M", "  timer-db-max-size: 10M"]
    lines += ["log:\n  - target: stderr\n    any: info", "zone:"]
    for index, (zone, text) in enumerate(zones.items()):
        (home / f"{index}.zone").write_text(text)
        lines += [f'  - domain: "{zone}"', f"    file: {home / f'{index}.zone'}", "    zonefile-load: whole"]
    (home / "knot.conf").write_text("\n".join(lines) + "\n")
    first = next(iter(zones))
    inside.daemon(
        "knotd", "-c", home / "knot.conf", ready=lambda: probes.dns_answers(addresses[0], first, "SOA")
    )


@dataclass(frozen=True, slots=True)
class Nginx:
    """A running nginx; `reload` makes it read its files again."""

    inside: Namespace
    program: subprocess.Popen[bytes]

    def reload(self) -> None:
        """Read configuration and certificates again; wait for the old workers, which accept too, to go."""
        old = self._workers()
        os.kill(self.program.pid, signal.SIGHUP)
        wait_for(lambda: (now := self._workers()) and not now & old, "nginx has only new workers")

    def _workers(self) -> set[str]:
        pid = self.program.pid
        return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def nginx(inside: Namespace, folder: Path, servers: str, *, ready: tuple[str, int]) -> Nginx:
    """Serve the `server` blocks; `ready` is an address and port to wait for."""
    home = folder / f"nginx-{inside.role}"
    home.mkdir()
    (home / "nginx.conf").write_text(f"""
daemon off; master_process on; worker_processes 1; user root; pid {home}/pid; error_log stderr warn;
events {{ worker_connections 256; }}
http {{
  access_log off; server_tokens off; ssl_protocols TLSv1.2 TLSv1.3;
  client_max_body_size 0; default_type text/plain;
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
{servers}
}}
""")
    program = inside.daemon(
        "nginx", "-p", home, "-e", "stderr", "-c", home / "nginx.conf", ready=lambda: probes.tcp(*ready)
    )
    return Nginx(inside, program)


def chrony(inside: Namespace, folder: Path, address: str) -> None:
    """Serve this machine's time by NTP, never setting any clock."""
    home = folder / f"chrony-{inside.role}"
    home.mkdir()
    (home / "chrony.conf").write_text(
        f"local stratum 2\nallow all\nport 123\ncmdport 0\nbindcmdaddress /\npidfile {home}/pid\n"
        f"driftfile {home}/drift\n"
    )
    inside.daemon(
        "chronyd", "-d", "-x", "-u", "root", "-f", home / "chrony.conf", ready=lambda: probes.ntp(address)
    )


def iperf3(inside: Namespace, address: str) -> None:
    """Serve throughput tests on port 5201."""
    inside.daemon("iperf3", "--server", ready=lambda: probes.tcp(address, 5201))


DHCP_SCRIPT = """#!/bin/sh
case "$1" in bound | renew) ;; *) exit 0 ;; esac
ip -4 addr flush dev "$interface"
ip addr add "$ip/$mask" dev "$interface"
for router in $router; do ip route replace default via "$router" dev "$interface"; done
{
  [ -z "${domain:-}" ] || echo "search $domain"
  for server in $dns; do echo "nameserver $server"; done
} >/etc/resolv.conf
"""


def dhcp_client(inside: Namespace, folder: Path, interface: str) -> None:
    """Get an address, default route and resolvers by DHCP, once; the lease is not renewed."""
    script = folder / "udhcpc.sh"
    if not script.exists():
        script.write_text(DHCP_SCRIPT)
        script.chmod(0o755)
    inside.run("udhcpc", "-f", "-q", "-n", "-t", "10", "-T", "1", "-i", interface, "-s", script)


def _write_hosts(path: Path, records: Mapping[str, Sequence[str]]) -> None:
    path.write_text("".join(f"{address} {name}\n" for name, found in records.items() for address in found))
