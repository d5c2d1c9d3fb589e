"""Postfix as a mail server of a test: on loopback or in a namespace, with queue and configuration of its own.

It takes mail up to RCPT; nothing is delivered, as no check ever says DATA. It needs root, as postfix does.
"""

from __future__ import annotations

import atexit
import dataclasses
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.lab.certs import KeyPair
from tests.lab.namespaces import Namespace, wait_for
from tests.lab.needs import tool

DBEB = "550 5.4.1 Recipient address rejected: Access denied"
"""Exchange Online: not in the directory (Directory-Based Edge Blocking)."""
TENANT = "550 5.7.64 TenantAttribution; Relay Access Denied"
DIRECT_SEND = "550 5.7.68 TenantInboundAttribution; Direct Send not allowed for this organization"
WRONG_REGION = "451 4.4.62 Mail sent to the wrong Office 365 region. ATTR35"
GREYLISTED = "450 4.2.0 Greylisted, try again in 5 minutes"
BLOCKED = "554 5.7.1 Service unavailable; Client host blocked using zen.spamhaus.org"
_QUEUE = (
    "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop", "pid",
    "private", "public", "saved", "trace",
)  # fmt: skip
_MASTER = "/usr/lib/postfix/sbin/master"
_SERVICES = """
anvil     unix  -  -  n  -  1  anvil
bounce    unix  -  -  n  -  0  bounce
cleanup   unix  n  -  n  -  0  cleanup
defer     unix  -  -  n  -  0  bounce
postlog   unix-dgram n - n - 1 postlogd
proxymap  unix  -  -  n  -  -  proxymap
rewrite   unix  -  -  n  -  -  trivial-rewrite
scache    unix  -  -  n  -  1  scache
showq     unix  n  -  n  -  -  showq
tlsmgr    unix  -  -  n  1000? 1 tlsmgr
trace     unix  -  -  n  -  0  bounce
verify    unix  -  -  n  -  1  verify
"""


@dataclass(frozen=True, kw_only=True)
class Mailbox:
    """How the server is set up; `Postfix.change` takes the same names.

    `recipients` None: every address of `domains` is taken; else only those listed (550 5.1.1 for others).
    `refusals` maps an address or a domain to a reply (`DBEB`, `GREYLISTED`, ...). `client` is a reply that
    takes the place of the greeting. `options` are main.cf's own.
    """

    hostname: str = "mx.office.example"
    domains: Sequence[str] = ("office.example",)
    recipients: Sequence[str] | None = None
    refusals: Mapping[str, str] = field(default_factory=dict)
    client: str = ""
    certificate: KeyPair | None = None
    options: Mapping[str, str] = field(default_factory=dict)


class Postfix:
    """A running postfix; a context manager. `port` is where it listens, on each of `addresses`."""

    def __init__(
        self, addresses: Sequence[str], port: int, inside: Namespace | None, setting: Mailbox
    ) -> None:
        self.addresses = tuple(addresses)
        self.port = port
        self.setting = setting
        self.folder = Path(
            tempfile.mkdtemp(prefix="gonogo-postfix-", dir=None if inside is None else inside._folder)
        )
        self._inside = inside
        self._program: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)
        try:
            self._lay_out()
            self._start()
        except BaseException:
            self.close()
            raise

    @property
    def endpoint(self) -> str:
        """The first address with the port, as a check's `host` is written."""
        first = self.addresses[0]
        return f"[{first}]:{self.port}" if ":" in first else f"{first}:{self.port}"

    @property
    def log(self) -> str:
        """What postfix has logged so far."""
        path = self.folder / "log" / "mail.log"
        return path.read_text() if path.exists() else ""

    def change(self, **setting: Any) -> None:
        """Set it up otherwise (the names of `Mailbox`) on the same port; start it if it was stopped.

        Each connection has a process of its own that reads its configuration (`max_use`).
        """
        self.setting = dataclasses.replace(self.setting, **setting)
        if self._program is None:
            self._start()
        else:
            self._configure()

    def stop(self) -> None:
        """Stop it: connections are refused from now on, until `start`."""
        program, self._program = self._program, None
        if program is None:
            return
        try:
            os.killpg(program.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        try:
            program.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(program.pid, signal.SIGKILL)
            program.wait()
        wait_for(lambda: not _alive(program.pid), "postfix's processes have ended")

    def close(self) -> None:
        """Stop it and remove its files; may be called twice."""
        atexit.unregister(self.close)
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _lay_out(self) -> None:
        owner = pwd.getpwnam("postfix")
        self.folder.chmod(0o755)
        for name in ("etc", "queue", "data", "log"):
            (self.folder / name).mkdir(mode=0o755)
        os.chown(self.folder / "data", owner.pw_uid, owner.pw_gid)
        for name in _QUEUE:
            path = self.folder / "queue" / name
            path.mkdir(mode=0o755 if name in ("pid", "public") else 0o700)
            if name != "pid":
                os.chown(path, owner.pw_uid, owner.pw_gid)

    def _configure(self) -> None:
        etc, setting = self.folder / "etc", self.setting
        _put(etc / "refusals", "".join(f"{key} {reply}\n" for key, reply in setting.refusals.items()))
        main = {
            "compatibility_level": "3.6",
            "queue_directory": str(self.folder / "queue"),
            "data_directory": str(self.folder / "data"),
            "maillog_file": str(self.folder / "log" / "mail.log"),
            "maillog_file_prefixes": str(self.folder / "log"),
            "myhostname": setting.hostname,
            "mydestination": "",
            "mynetworks": "",
            "inet_protocols": "all",
            "max_use": "1",
            "in_flow_delay": "0",
            "relay_domains": ", ".join(setting.domains),
            "smtpd_banner": "$myhostname ESMTP",
            "smtpd_helo_required": "yes",
            "smtpd_peername_lookup": "no",
            "smtpd_error_sleep_time": "0",
            "smtpd_relay_restrictions": "reject_unauth_destination",
            "smtpd_recipient_restrictions": f"check_recipient_access texthash:{etc}/refusals",
        }
        if setting.recipients is not None:
            _put(etc / "recipients", "".join(f"{address} x\n" for address in setting.recipients))
            main["relay_recipient_maps"] = f"texthash:{etc}/recipients"
        if setting.client:
            main["smtpd_delay_reject"] = "no"
            main["smtpd_client_restrictions"] = f"check_client_access static:{{{setting.client}}}"
        if setting.certificate is not None:
            main["smtpd_tls_security_level"] = "may"
            main["smtpd_tls_cert_file"] = str(setting.certificate.chain)
            main["smtpd_tls_key_file"] = str(setting.certificate.key)
        main |= setting.options
        _put(etc / "main.cf", "".join(f"{key} = {value}\n" for key, value in main.items()))
        places = (f"[{one}]:{self.port}" if ":" in one else f"{one}:{self.port}" for one in self.addresses)
        lines = "".join(f"{place} inet n - n - - smtpd\n" for place in places)
        _put(etc / "master.cf", lines + _SERVICES)

    def start(self) -> None:
        """Start it again as it was."""
        if self._program is None:
            self._start()

    def _start(self) -> None:
        self._configure()
        argv = [_MASTER, "-c", str(self.folder / "etc"), "-s"]
        with (self.folder / "log" / "master.log").open("ab") as sink:
            if self._inside is None:
                program = subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
                )
            else:
                program = self._inside.popen(str(tool("setsid")), *argv, stdout=sink, stderr=sink)
        self._program = program

        def answers() -> bool:
            if program.poll() is not None:
                words = (self.folder / "log" / "master.log").read_text()
                raise RuntimeError(f"postfix ended: {words[-1500:]} {self.log[-1500:]}")
            return all(self._greets(address) for address in self.addresses)

        wait_for(answers, f"postfix greets on {self.endpoint}")

    def _greets(self, address: str) -> bool:
        def ask() -> bytes:
            with socket.create_connection((address, self.port), 2) as sock:
                sock.settimeout(5)
                return sock.recv(100)

        return bool((ask() if self._inside is None else self._inside.call(ask))[:1] in (b"2", b"5", b"4"))


def postfix(
    *,
    addresses: Sequence[str] = ("127.0.0.1",),
    port: int = 0,
    inside: Namespace | None = None,
    **setting: Any,
) -> Postfix:
    """Start postfix on `addresses` (in a namespace with `inside`), on a free port unless one is given.

    `setting` is what `Mailbox` holds. Call `need("postfix")` first.
    """
    if port == 0:
        port = 25 if inside is not None else _free(addresses)
    return Postfix(addresses, port, inside, Mailbox(**setting))


def _put(path: Path, text: str) -> None:
    """Write a file at once and with a time that has passed: postfix waits while one is fresh."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    past = time.time() - 60
    os.utime(fresh, (past, past))
    fresh.replace(path)


def _free(addresses: Sequence[str]) -> int:
    """Return a port that is free on every address."""
    for _ in range(50):
        held = []
        try:
            number = 0
            for address in addresses:
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                sock = socket.socket(family)
                held.append(sock)
                sock.bind((address, number))
                number = sock.getsockname()[1]
            return number
        except OSError:
            continue
        finally:
            for sock in held:
                sock.close()
    raise OSError(f"No port is free on all of {addresses}.")


def _alive(group: int) -> bool:
    """Return whether a process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
