"""What this laptop can and cannot test: each thing with a status, what was found and what to do."""

from __future__ import annotations

import asyncio
import contextlib
import locale
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from agent.version import VERSION
from checks.dataclass import dataclass
from checks.local import rights
from checks.vantage import CannotTell, Shared

LIBRARIES = {
    "click": "the command line", "pydantic": "project files", "ruamel.yaml": "project files",
    "psutil": "facts about this laptop", "dnspython": "DNS", "cryptography": "certificates",
    "scapy": "raw frames on macOS and Windows", "paramiko": "SSH", "pysnmp": "SNMPv3",
    "textual": "the dashboard", "lswifi": "Wi-Fi", "pillow": "floor plans",
}  # fmt: skip
"""Distributions that come with gonogo, and what each is for."""
NEEDED = frozenset({"click", "pydantic", "ruamel.yaml", "psutil", "dnspython", "cryptography"})
TOOLS = {
    "iperf3": "network.throughput between two machines of yours (https://iperf.fr)",
    "ping": "echoes where this account may send none itself",
}
"""Programs of the system that a check can make use of; none is needed."""
_WIFI_S = 15
_OLDEST_CLOCK = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing looked at: `status` is pass, warn (something cannot be tested) or fail (nothing can)."""

    name: str
    status: str
    observed: str
    fix: str = ""


async def examine(folder: Path | None = None, *, terminal: bool = True, writes: bool = True) -> list[Item]:
    """Return everything the doctor looked at; `folder` is where a project's ledger would be.

    Without `terminal` it says nothing of the text and colours that a terminal shows: the dashboard's own are
    not those that a command would have. Without `writes` it does not try to write.
    """
    shared = Shared()
    try:
        return [
            Item("gonogo", "pass", f"{VERSION} on Python {platform.python_version()}, {platform.platform()}"),
            await _icmp(shared),
            _raw(),
            await _wifi(),
            *await _ssh(),
            Item("administrator", "pass", "yes" if rights.is_admin() else "no; hardly any check needs it"),
            *_tools(),
            *_libraries(),
            _clock(),
            *(_terminal() if terminal else ()),
            _folder(folder or Path.cwd()) if writes else _UNTRIED,
        ]
    finally:
        await shared.close()


async def _icmp(shared: Shared) -> Item:
    from checks.wire.icmp import Icmp

    try:
        client = await shared.client(Icmp)
    except CannotTell as error:
        return Item("ICMP echo", "warn", error.reason, error.fix)
    words = {
        "dgram": "unprivileged sockets", "raw": "raw sockets", "windows": "the system's own call",
        "command": "the ping program: slower and coarser",
    }  # fmt: skip
    return Item("ICMP echo", "pass", f"by {words.get(client.method, client.method)}")


def _raw() -> Item:
    why = rights.raw_frames()
    if why is None:
        return Item("raw frames", "pass", "can be sent and read")
    without = "no link.duplicate_ip, link.neighbor, link.vlan; link.dhcp cannot pass"
    if sys.platform == "win32" and rights.is_admin():
        without += "; link.neighbor listens by pktmon"
    return Item("raw frames", "warn", f"cannot be used ({why}): {without}", rights.raw_fix())


async def _wifi() -> Item:
    """Look at what the system tells of the air without a new scan."""
    from checks.wire.wifi import adapter

    try:
        async with asyncio.timeout(_WIFI_S):
            air = await adapter.look(fresh=False)
    except CannotTell as error:
        return Item("Wi-Fi", "warn", f"no wifi.* and no survey: {error.reason}", error.fix)
    except TimeoutError:
        return Item("Wi-Fi", "warn", f"the system did not answer within {_WIFI_S} s", "Ask again.")
    if air.redacted:
        what = "the system hides names and addresses of networks: wifi.* cannot tell"
        return Item("Wi-Fi", "warn", what, adapter.LOCATION.get(sys.platform, adapter.LOCATION["darwin"]))
    return Item(
        "Wi-Fi", "pass", f"heard by {air.source}, {len(air.heard) + len(air.remembered)} radios known"
    )


async def _ssh() -> list[Item]:
    """Look whom this user's SSH agent and known_hosts files let log in where; nobody is connected to."""
    from checks.wire.ssh import known_hosts
    from checks.wire.ssh.access import SshTrouble

    found = [await asyncio.to_thread(_agent)]
    try:
        known = known_hosts.count()
    except SshTrouble as trouble:
        return [
            *found,
            Item("host keys", "warn", f"no server can be logged into: {trouble.reason}", trouble.fix),
        ]
    own = known_hosts.own_file()
    told = ", ".join(f"{number} in {path}" for path, number in known.items() if number) or "none known yet"
    return [*found, Item("host keys", "pass", f"{told} ('gonogo trust HOST' adds to {own or 'none'})")]


def _agent() -> Item:
    from checks.wire.ssh.auth import MAX_AGENT_KEYS, Agent

    try:
        with contextlib.closing(Agent()) as agent:
            held = agent.keys()
            keys = [f"{key.get_name()} {key.fingerprint}" for key in held]
    except ImportError:
        return Item("SSH agent", "warn", "not asked: no server.* and no backup.* without paramiko")
    if len(keys) > MAX_AGENT_KEYS:
        return Item(
            "SSH agent", "warn",
            f"holds {len(keys)} keys, of which the first {MAX_AGENT_KEYS} are offered to a server: "
            f"{', '.join(keys[:MAX_AGENT_KEYS])}",
            "If another is needed, name it as 'key' of the check, or take some out (ssh-add -d).",
        )  # fmt: skip
    if keys:
        return Item("SSH agent", "pass", f"offers {', '.join(keys)}")
    what = "no keys: the checks of servers and backups need their 'key' or 'password'"
    return Item("SSH agent", "pass", what)


def _tools() -> Iterator[Item]:
    places = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    for name, use in TOOLS.items():
        found = shutil.which(name, path=places)
        if found:
            yield Item(name, "pass", found)
        else:
            yield Item(name, "warn", "not found", f"Install it if you want {use}.")


def _libraries() -> Iterator[Item]:
    present, missing = [], []
    for name in LIBRARIES:
        try:
            present.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if present:
        yield Item("libraries", "pass", ", ".join(present))
    for name in missing:
        status = "fail" if name in NEEDED else "warn"
        yield Item(name, status, f"not installed, needed for {LIBRARIES[name]}", "Install gonogo again.")


def _clock() -> Item:
    now = datetime.now(UTC)
    shown = f"{now.astimezone():%Y-%m-%d %H:%M:%S %Z}"
    if now < _OLDEST_CLOCK:
        return Item("clock", "fail", shown, "Set the clock: certificates and evidence depend on it.")
    return Item("clock", "pass", f"{shown} (not compared; 'gonogo here' and 'gonogo run' ask a time server)")


def _terminal() -> Iterator[Item]:
    encoding = (getattr(sys.stdout, "encoding", None) or locale.getpreferredencoding()).lower()
    if encoding.replace("-", "") == "utf8":
        yield Item("text", "pass", "UTF-8")
    else:
        yield Item("text", "warn", f"{encoding}: characters outside it show as codes", "Set PYTHONUTF8=1.")
    if not sys.stdout.isatty():
        yield Item("colour", "pass", "no terminal: plain text")
    elif os.environ.get("NO_COLOR"):
        yield Item("colour", "pass", "off by NO_COLOR")
    else:
        yield Item("colour", "pass", "on; --plain or NO_COLOR=1 turn it off")


_UNTRIED = Item("folder", "warn", "whether it can be written was not tried: nothing is written from here")


def _folder(folder: Path) -> Item:
    """Look whether a ledger could be kept here, by a file that is made and removed at once."""
    begun = time.monotonic()
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".gonogo-") as file:
            file.write(b"gonogo")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return Item(
            "folder", "fail", f"{folder} cannot be written ({error.strerror}), so no result could be kept",
            "Run it in a folder of your own.",
        )  # fmt: skip
    return Item(
        "folder", "pass", f"{folder} (a durable write took {(time.monotonic() - begun) * 1000:.1f} ms)"
    )
