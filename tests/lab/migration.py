"""A server that moves: an old and a new one on a network of their own, each step of the move as a method.

    laptop, desk, dns, ns1 (10.20.0.50, .77, .53, .54) ---- switch ---- old (10.20.0.10), new (10.20.0.20)

Both are real: sshd with users of its own, Samba over /srv/files, PostgreSQL, restic; chronyd on the new one,
knotd for the zones, dnsmasq as the staff's resolver. It begins weeks before the move, with nothing done.
"""

from __future__ import annotations

import hashlib
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab import backup_restic, daemons, fileserver, postgres
from tests.lab.certs import Authority
from tests.lab.fileserver import ANN, BEN, Samba
from tests.lab.mail_zones import NameServer, Zone
from tests.lab.namespaces import Lab, Namespace, bridge, plug, wait_for
from tests.lab.sshd import Sshd, User, sshd

TOOLS = (
    "ip", "sshd", "sudo", "ss", "smbd", "smbclient", "testparm", "sharesec", "getfacl", "setfacl", "rsync",
    "restic", "psql", "runuser", "knotd", "dnsmasq", "chronyd", "nginx", "openssl", "faketime",
)  # fmt: skip
OLD, NEW, DNS, NS1, LAPTOP, DESK = (f"10.20.0.{number}" for number in (10, 20, 53, 54, 50, 77))
ZONE, REVERSE = "corp.example", "0.20.10.in-addr.arpa"
NAME = f"files.{ZONE}"
OLD_TTL, TTL = 4, 2
"""So short that a test can wait until the old one is over."""
CANARY = "a planted line\n"
TECH = User("tech", sudo="NOPASSWD: ALL")
STAFF = (User("ann", uid=ANN, groups=("office",), key=False), User("ben", uid=BEN, key=False))
SHARES = """[files]
path = /srv/files
read only = no
valid users = ann ben nobody
[scans]
path = /srv/files/projects
read only = yes
guest ok = yes
"""
DATA = """
CREATE TABLE customer (id serial PRIMARY KEY, name text NOT NULL);
INSERT INTO customer (name) SELECT 'customer ' || i FROM generate_series(1, 80) i;
CREATE TABLE invoice (id serial PRIMARY KEY, customer int REFERENCES customer, total numeric, at timestamptz);
INSERT INTO invoice (customer, total, at)
  SELECT 1 + i % 80, i / 7.0, '2026-01-01'::timestamptz + i * interval '1 hour'
  FROM generate_series(1, 300) i;
"""
_HEARD = "SELECT latest_end_lsn FROM pg_stat_wal_receiver WHERE latest_end_lsn IS NOT NULL"
HEALTH = """server {{ listen {address}:80; location /health {{ return 200 "erp is ok\\n"; }} }}"""


@dataclass
class Host:
    """A server of the lab. `files` is what is /srv/files inside, `srv` what is /srv."""

    net: Namespace
    ssh: Sshd
    samba: Samba
    files: Path

    @property
    def srv(self) -> Path:
        return self.ssh.folder / "srv"

    @property
    def words(self) -> list[str]:
        """What starts a program on it."""
        return inside(self.net, self.ssh)


def inside(net: Namespace, ssh: Sshd) -> list[str]:
    """Return the words that start a program in a server's network and with its files."""
    return ["ip", "netns", "exec", net.name, *ssh.words()]


class Migration:
    """The world, running; a context manager."""

    lab: Lab
    old: Host
    new: Host
    nginx: daemons.Nginx
    erp: postgres.Cluster
    """The database on the old server."""
    moved_erp: postgres.Cluster
    """The one that takes its place on the new server."""
    standby: postgres.Cluster
    """What follows the old one by streaming replication, on the new server."""

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self.lab = self._stack.enter_context(Lab())
        try:
            self._wire()
            self._names()
            self._servers()
            self._databases()
            self._repositories()
            wait_for(self._synchronised, "chronyd on the new server follows its source", 30.0)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def folder(self) -> Path:
        """Where the lab's files are."""
        return self.lab.folder

    # What a person does, step by step.

    def back_up(self) -> None:
        """Back the old server's files up."""
        self.restic(self.old, "backup", age_h=2.0)

    def lower_ttl(self) -> None:
        """Lower the TTL of the names that change."""
        self.zone.ttl = TTL
        self.zone.low(TTL)
        self.publish()

    def prepare_users(self) -> None:
        """Give the new server the users of the old one, with their numbers."""
        for name in ("passwd", "group", "shadow"):
            shutil.copyfile(self.old.ssh.folder / name, self.new.ssh.folder / name)

    def install_certificate(self, *names: str, days: float = 90) -> None:
        """Put a certificate for these names on the new server, with its key and chain."""
        pair = self.authority.issue(self.folder, *names, days=days)
        tls = self.new.srv / "tls"
        tls.mkdir(exist_ok=True)
        (tls / "files.pem").write_text(pair.chain.read_text() + self.authority.pem)
        shutil.copyfile(pair.key, tls / "files.key")
        (tls / "files.key").chmod(0o600)

    def start_application(self) -> None:
        """Start the application of the new server."""
        self.nginx = daemons.nginx(
            self.new.net, self.folder, HEALTH.format(address=NEW), ready=(NEW, 80)
        )  # fmt: skip

    def roll_back_point(self) -> None:
        """Back the old server up once more, into the repository that the way back leads to."""
        self.restic(self.old, "rollback", age_h=0.0)

    def copy_files(self) -> None:
        """Copy the tree with everything it has."""
        fileserver.copy(self.old.files, self.new.files)

    def copy_database(self) -> None:
        """Dump the database on the old server and load it on the new one."""
        dump = self.erp.run("pg_dump", "erp")
        self.moved_erp.sql("CREATE DATABASE erp")
        self.moved_erp.sql(dump, "erp")

    def share(self) -> None:
        """Give the new server the shares of the old one."""
        self.set_shares(SHARES)

    def switch_names(self) -> None:
        """Let the name lead to the new server, and back."""
        self.zone.set("files", "A", NEW)
        self.reverse.set("20", "PTR", f"{NAME}.")
        self.reverse.set("10", "PTR", f"old.{ZONE}.")
        self.publish()

    def back_up_new(self, *, ahead_h: float = 0.0) -> None:
        """Back the new server up."""
        self.restic(self.new, "backup", age_h=-ahead_h)

    def last_backup(self, *, ahead_h: float = 0.0) -> None:
        """Back the old server up for the last time."""
        self.restic(self.old, "backup", age_h=-ahead_h)

    def finish(self) -> None:
        """Do all of it."""
        self.back_up()
        self.prepare_users()
        self.install_certificate(NAME)
        self.start_application()
        self.roll_back_point()
        self.last_backup()
        self.copy_files()
        self.copy_database()
        self.share()
        self.lower_ttl()
        self.switch_names()
        self.back_up_new()

    # What the steps and faults are made of.

    def set_shares(self, shares: str) -> None:
        """Let the new server have these shares."""
        fileserver.smb_conf(self.new.samba.folder, shares, port=445, address=NEW)

    def publish(self) -> None:
        """Serve both zones as they are now."""
        self.name_server.publish(self.zone, self.reverse)

    def restic(self, host: Host, repo: str, *, age_h: float) -> None:
        """Back /srv/files up into a repository of that host as if it had been so many hours ago."""
        place = host.srv / repo
        when = ["--time", _ago(age_h)] if age_h else []
        host.ssh.run(
            "restic", "--no-cache", "-r", f"/srv/{repo}", "--password-file", "/srv/password", "backup",
            *when, "/srv/files",
        )  # fmt: skip
        backup_restic.readable(place)

    @contextmanager
    def clock(self, ahead: str, *hosts: Host) -> Iterator[None]:
        """The clocks of these servers are off, like `+40 seconds`, for whoever asks their `date`."""
        for host in hosts:
            shutil.copy2("/usr/bin/date", host.srv / "date")
            fake = self.folder / f"date-{host.net.role}"
            fake.write_text(f"#!/bin/sh\nexec /srv/date -d '{ahead}' \"$@\"\n")
            fake.chmod(0o755)
            host.ssh.run("mount", "--bind", fake, "/usr/bin/date")
        try:
            yield
        finally:
            for host in hosts:
                host.ssh.run("umount", "/usr/bin/date")

    @contextmanager
    def client(self, host: str = OLD, port: int = 445) -> Iterator[None]:
        """Somebody at the desk is connected."""
        made = self.desk.call(lambda: socket.create_connection((host, port), 5.0))
        with made:
            yield

    # How it is built.

    def _wire(self) -> None:
        lab = self.lab
        self.switch, self.laptop, self.desk, self.dns, self.ns1 = (
            lab.namespace(role) for role in ("switch", "laptop", "desk", "dns", "ns1")
        )
        bridge(self.switch, "br0")
        hosts = {self.laptop: (LAPTOP,), self.desk: (DESK,), self.dns: (DNS,), self.ns1: (NS1,)}
        self.nets = {name: lab.namespace(name) for name in ("old", "new")}
        hosts |= {self.nets["old"]: (OLD,), self.nets["new"]: (NEW,)}
        for net, addresses in hosts.items():
            plug(net, "eth0", self.switch, "br0")
            net.ip(*(f"addr add {address}/24 dev eth0" for address in addresses))
            net.etc("resolv.conf", f"nameserver {DNS}\n")

    def _names(self) -> None:
        self.zone = Zone(ZONE, f"ns1.{ZONE}", ttl=OLD_TTL, signed=False)
        self.reverse = Zone(REVERSE, f"ns1.{ZONE}", ttl=OLD_TTL, signed=False)
        for zone in (self.zone, self.reverse):
            zone.set("@", "NS", f"ns1.{ZONE}.")
        self.zone.set("ns1", "A", NS1)
        self.zone.set("old", "A", OLD)
        self.zone.set("new", "A", NEW)
        self.zone.set("files", "A", OLD)
        self.reverse.set("10", "PTR", f"{NAME}.")
        self.reverse.set("20", "PTR", f"new.{ZONE}.")
        self.name_server = NameServer(self.ns1, self.folder, "zones", [self.zone, self.reverse], [NS1])
        self.resolver = daemons.dnsmasq(
            self.dns, self.folder, "--cache-size=0", address=DNS, interface="eth0",
            records={"dns.lab": [DNS]}, upstream=NS1,
        )  # fmt: skip
        daemons.chrony(self.dns, self.folder, DNS)
        self._follow_time(self.nets["new"])

    def _follow_time(self, net: Namespace) -> None:
        conf = self.folder / "chrony-new.conf"
        conf.write_text(
            f"server {DNS} iburst minpoll 2 maxpoll 4\nport 0\nbindcmdaddress /\nbindcmdaddress 127.0.0.1\n"
            f"pidfile {self.folder}/chrony-new.pid\n"
        )
        log = self._stack.enter_context((self.folder / "chrony-new.log").open("wb"))
        net.popen("chronyd", "-d", "-x", "-u", "root", "-f", conf, stdout=log, stderr=log)

    def _synchronised(self) -> bool:
        said = self.nets["new"].run("chronyc", "-h", "127.0.0.1", "-n", "tracking", check=False).stdout
        return "Normal" in said and "127.127" not in said

    def _servers(self) -> None:
        disk = self.folder / "new-disk"
        disk.mkdir()
        _run("mount", "-t", "tmpfs", "-o", "size=200m,mode=755", "none", disk)
        self._stack.callback(_run, "umount", "--lazy", disk)
        tree = fileserver.tree(self.folder / "old-disk")
        (tree / "canary.txt").write_text(CANARY)
        (tree / "licence.txt").write_text("licence: valid\n")
        for name in ("canary.txt", "licence.txt"):
            _run("touch", "-d", "@1600000000", tree / name)
        self.old = self._server("old", tree, [TECH, *STAFF], SHARES, OLD)
        self.new = self._server("new", disk, [TECH], "", NEW)
        self.authority = Authority("Corp CA")

    def _server(self, role: str, files: Path, users: Sequence[User], shares: str, address: str) -> Host:
        net = self.nets[role]
        ssh = self._stack.enter_context(sshd(self.folder / role, users, host=address, port=22, inside=net))
        ssh.bind(files, "/srv/files")
        samba = self._stack.enter_context(
            fileserver.samba(
                self.folder / f"samba-{role}", shares, address=address, port=445, before=inside(net, ssh)
            )
        )
        return Host(net, ssh, samba, files)

    def _databases(self) -> None:
        self.erp = self._stack.enter_context(postgres.cluster())
        self.erp.sql("CREATE ROLE app LOGIN")
        self.erp.sql("CREATE DATABASE erp")
        self.erp.sql(DATA, "erp")
        self.moved_erp = self._stack.enter_context(postgres.cluster())
        self.moved_erp.sql("CREATE ROLE app LOGIN")
        self.standby = self._stack.enter_context(postgres.cluster(standby_of=self.erp))
        self.erp.sql("ANALYZE", "erp")
        wait_for(lambda: self.standby.sql(_HEARD), "the standby has heard of its source")

    def _repositories(self) -> None:
        empty = backup_restic.repository(self.folder / "restic")
        for host, names in ((self.old, ("backup", "rollback")), (self.new, ("backup",))):
            (host.srv / "password").write_text(backup_restic.PASSWORD + "\n")
            for name in names:
                shutil.copytree(empty, host.srv / name)


def canary_sha256() -> str:
    """Return the digest of the planted file."""
    return hashlib.sha256(CANARY.encode()).hexdigest()


def _ago(hours: float) -> str:
    return _run("date", "-d", f"{int(-hours * 60):+d} minutes", "+%Y-%m-%d %H:%M:%S").strip()


def _run(*argv: object) -> str:
    done = subprocess.run([str(word) for word in argv], check=True, capture_output=True, text=True)
    return done.stdout
