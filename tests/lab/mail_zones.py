"""Zones that a lab changes and signs as it goes, and Debian's name servers and resolvers that serve them."""

from __future__ import annotations

import copy
import itertools
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import dns.dnssec
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.DNSKEY
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec

from tests.lab import probes
from tests.lab.namespaces import Namespace, wait_for

DAY_S = 86400
STAMP = "_stamp"
"""Owner of a TXT record that tells one edition of a zone from another, whatever its serial says."""
_editions = itertools.count(1)

Records = dict[tuple[str, str], tuple[int, tuple[str, ...]]]


@dataclass
class Zone:
    """A zone as a person edits it: `records` by owner (relative, `@`) and type, each with its TTL.

    With `signed` it has a key of its own and every text is signed anew, for 400 days around now.
    """

    origin: str
    server: str
    """Name of the primary name server."""
    records: Records = field(default_factory=dict)
    ttl: int = 300
    serial: int = 2026120501
    signed: bool = True
    expired: frozenset[str] = frozenset()
    """Types whose signatures ended yesterday."""
    _key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def set(self, name: str, rdtype: str, *data: str, ttl: int | None = None) -> None:
        """Let `name` have exactly these records of the type; with no data, none."""
        if data:
            self.records[(name, rdtype)] = (self.ttl if ttl is None else ttl, data)
        else:
            self.records.pop((name, rdtype), None)

    def low(self, ttl: int) -> None:
        """Give every record this TTL."""
        self.records = {key: (ttl, data) for key, (_, data) in self.records.items()}

    def copied(self) -> Zone:
        """Return a copy to change, with the same key."""
        made = copy.copy(self)
        made.records = dict(self.records)
        return made

    def ds(self) -> str:
        """Return the data of the DS record for the parent."""
        return dns.dnssec.make_ds(dns.name.from_text(self.origin), self._dnskey(), "SHA256").to_text()

    def text(self, edition: str) -> str:
        """Return the zone file, signed if the zone is."""
        lines = [f"@ {self.ttl} IN SOA {self.server}. hostmaster {self.serial} 3600 600 1209600 300"]
        lines += [
            f"{name} {ttl} IN {rdtype} {one}"
            for (name, rdtype), (ttl, data) in self.records.items()
            for one in data
        ]
        lines.append(f'{STAMP} 0 IN TXT "{edition}"')
        zone = dns.zone.from_text("\n".join(lines) + "\n", origin=self.origin, relativize=False)
        if self.signed:
            self._sign(zone)
        return zone.to_text(relativize=False)

    def _dnskey(self) -> dns.rdtypes.ANY.DNSKEY.DNSKEY:
        return dns.dnssec.make_dnskey(self._key.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257)

    def _sign(self, zone: dns.zone.Zone) -> None:
        keys = [(self._key, self._dnskey())]
        now = int(time.time())

        def sign(txn: dns.transaction.Transaction, rrset: dns.rrset.RRset) -> None:
            late = dns.rdatatype.to_text(rrset.rdtype) in self.expired
            dns.dnssec.default_rrset_signer(
                txn, rrset, dns.name.from_text(self.origin), keys, keys,
                inception=now - 200 * DAY_S, expiration=now + (-3 * DAY_S if late else 200 * DAY_S),
                origin=dns.name.from_text(self.origin),
            )  # fmt: skip

        dns.dnssec.sign_zone(zone, keys=keys, rrset_signer=sign)


class NameServer:
    """A name server with authority for `zones`; knotd, or nsd with `nsd`."""

    def __init__(
        self, inside: Namespace, folder: Path, name: str, zones: Sequence[Zone], addresses: Sequence[str],
        *, nsd: bool = False,
    ) -> None:  # fmt: skip
        self.addresses = tuple(addresses)
        self._inside = inside
        self._home = folder / name
        self._home.mkdir()
        self._mtime = int(time.time())
        edition = self._write(zones)
        argv = self._nsd(zones) if nsd else self._knot(zones)
        self._program: subprocess.Popen[bytes] = inside.daemon(
            *argv, ready=lambda: self._serves(zones[0], edition)
        )

    def publish(self, *zones: Zone) -> None:
        """Serve these zones as they are now; return when they are served, by everyone who answers.

        nsd loads them into a new process, and the old one answers for a moment beside it.
        """
        edition = self._write(zones)
        old = _below(self._program.pid)
        os.kill(self._program.pid, signal.SIGHUP)
        for zone in zones:
            wait_for(
                lambda zone=zone: self._inside.call(lambda: self._serves(zone, edition)),  # type: ignore[misc]
                f"{zone.origin} is published on {self.addresses[0]}",
            )
        wait_for(lambda: not old or old - _below(self._program.pid), "the process with the old zones is gone")

    def _serves(self, zone: Zone, edition: str) -> bool:
        name = f"{STAMP}.{zone.origin}" if zone.origin != "." else f"{STAMP}."
        return f'"{edition}"' in probes.dns_answers(self.addresses[0], name, "TXT")

    def _write(self, zones: Sequence[Zone]) -> str:
        edition = str(next(_editions))
        self._mtime += 1
        for zone in zones:
            path = self._home / f"{zone.origin.strip('.') or 'root'}.zone"
            fresh = path.with_suffix(".new")
            fresh.write_text(zone.text(edition))
            os.utime(fresh, (self._mtime, self._mtime))
            fresh.replace(path)
        return edition

    def _knot(self, zones: Sequence[Zone]) -> list[str]:
        home = self._home
        listen = ", ".join(f'"{one}@53"' for one in self.addresses)
        lines = [f"server:\n  rundir: {home}\n  listen: [{listen}]", "  udp-workers: 1", "  tcp-workers: 1"]
        lines += ["  background-workers: 1", f"database:\n  storage: {home}", "  journal-db-max-size: 10M"]
        lines += ["  timer-db-max-size: 10M", "log:\n  - target: stderr\n    any: warning"]
        lines += [f"template:\n  - id: default\n    storage: {home}\n    journal-content: none"]
        lines += ["    zonefile-load: whole\n    semantic-checks: off", "zone:"]
        for zone in zones:
            lines.append(f'  - domain: "{zone.origin}"\n    file: {zone.origin.strip(".") or "root"}.zone')
        (home / "knot.conf").write_text("\n".join(lines) + "\n")
        return ["knotd", "-c", str(home / "knot.conf")]

    def _nsd(self, zones: Sequence[Zone]) -> list[str]:
        home = self._home
        lines = ["server:", *(f"  ip-address: {one}" for one in self.addresses), "  port: 53"]
        lines += [f'  zonesdir: "{home}"', '  database: ""', f'  pidfile: "{home}/pid"']
        lines += [f'  xfrdfile: "{home}/xfrd"', f'  zonelistfile: "{home}/list"', f'  xfrdir: "{home}"']
        lines += ['  username: ""', '  chroot: ""', "  server-count: 1", "remote-control:"]
        lines += ["  control-enable: no"]
        for zone in zones:
            lines += ["zone:", f"  name: {zone.origin}", f"  zonefile: {zone.origin.strip('.')}.zone"]
        (home / "nsd.conf").write_text("\n".join(lines) + "\n")
        return ["nsd", "-d", "-c", str(home / "nsd.conf")]


def _below(pid: int) -> set[int]:
    """Return the ids of all processes that `pid` started, and those they started."""
    try:
        found = set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except OSError:
        return set()
    return found.union(*map(_below, found))


class Unbound:
    """A validating resolver that starts from the lab's root; its cache and local data can be changed."""

    def __init__(
        self, inside: Namespace, folder: Path, address: str, root: Zone, root_address: str,
        *, forward: str = "", ready: str = "",
    ) -> None:  # fmt: skip
        self.address = address
        self._inside = inside
        self._home = folder / f"unbound-{address}"
        self._home.mkdir()
        (self._home / "hints").write_text(
            f". 3600000 NS {root.server}.\n{root.server}. 3600000 A {root_address}\n"
        )
        (self._home / "anchor").write_text(f". IN DS {root.ds()}\n")
        lines = [
            "server:", f"  interface: {address}", "  access-control: 0.0.0.0/0 allow", "  do-daemonize: no",
            '  chroot: ""', '  username: ""', '  pidfile: ""', f'  directory: "{self._home}"',
            "  use-syslog: no", '  logfile: ""', f'  root-hints: "{self._home}/hints"',
            f'  trust-anchor-file: "{self._home}/anchor"', "  do-ip6: no", "  num-threads: 1",
            "  infra-host-ttl: 1", "  infra-keep-probing: yes", "  so-reuseport: no",
            "  unblock-lan-zones: yes", "  insecure-lan-zones: yes", "  cache-max-negative-ttl: 5",
            '  local-zone: "113.0.203.in-addr.arpa." nodefault',
            "remote-control:", "  control-enable: yes", f'  control-interface: "{self._home}/control"',
            "  control-use-cert: no",
        ]  # fmt: skip
        if forward:
            lines += ["forward-zone:", '  name: "."', f"  forward-addr: {forward}"]
        (self._home / "unbound.conf").write_text("\n".join(lines) + "\n")
        probe = ready or "."
        inside.daemon(
            "unbound",
            "-d",
            "-p",
            "-c",
            self._home / "unbound.conf",
            ready=lambda: probes.dns_answers(address, probe, "SOA"),
        )

    def control(self, *words: str) -> None:
        """Give a command of unbound-control(8)."""
        self._inside.run("unbound-control", "-c", self._home / "unbound.conf", *words)

    def flush(self) -> None:
        """Forget everything: what happens when the TTLs are over."""
        self.control("flush_zone", ".")
        self.control("flush_infra", "all")

    def ask(self, name: str, rdtype: str) -> tuple[str, ...]:
        """Let a question fill the cache; return the answer."""
        return self._inside.call(lambda: probes.dns_answers(self.address, name, rdtype))

    def local(self, data: Mapping[str, str]) -> None:
        """Answer these names (`"name TYPE"` to data) from local data from now on."""
        for key, value in data.items():
            name, rdtype = key.split()
            self.control("local_data", f"{name}.", "60", "IN", rdtype, value)

    def unlocal(self, data: Mapping[str, str]) -> None:
        """Take local data away again."""
        for key in data:
            self.control("local_data_remove", f"{key.split()[0]}.")
