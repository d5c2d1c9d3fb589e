"""Commands over SSH: the shared client, `ssh` a command, `ssh` through a ControlMaster, on a real sshd.

`.venv/bin/python -m tests.bench.ssh`. Server and clients share this machine's processors. `hosts` are 50
addresses of five servers, each with a connection and a login of its own.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from checks.vantage import Shared
from checks.wire.ssh.access import Access
from checks.wire.ssh.client import Ssh
from checks.wire.ssh.command import Program
from tests.lab.sshd import Sshd, User, sshd

ROUNDS, COMMANDS, HOSTS, SLOW_S = 5, 50, 50, 5
ECHO, SLEEP = Program("echo"), Program("sleep")


def measure() -> dict[str, float]:
    """Return seconds and ratios: medians of interleaved rounds."""
    found: dict[str, list[float]] = {}

    def note(name: str, seconds: float) -> None:
        found.setdefault(name, []).append(seconds)

    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        hosts = []
        for part in range(5):
            addresses = [f"127.0.7.{part * 10 + number}" for number in range(1, HOSTS // 5 + 1)]
            listen = "".join(f"ListenAddress {address}\n" for address in addresses)
            server = stack.enter_context(sshd(Path(name), [User("tech")], listen))
            hosts += [(server, address) for address in addresses]
        for _ in range(ROUNDS):
            note("gonogo, 50 commands s", asyncio.run(_ours(server, at_once=True)))
            note("gonogo, 50 commands one by one s", asyncio.run(_ours(server, at_once=False)))
            note("ssh, 50 commands s", _theirs(server, ()))
            note("ControlMaster, 50 commands s", _mastered(server, Path(name)))
        for _ in range(3):
            note("gonogo, 50 hosts s", asyncio.run(_many(hosts, 0)))
            note("gonogo, 50 hosts, one slow s", asyncio.run(_many(hosts, SLOW_S)))
    figures = {name: statistics.median(seconds) for name, seconds in found.items()}
    ours = figures["gonogo, 50 commands s"]
    figures["ssh_over_gonogo"] = figures["ssh, 50 commands s"] / ours
    figures["control_master_over_gonogo"] = figures["ControlMaster, 50 commands s"] / ours
    figures["beyond_slowest_s"] = figures["gonogo, 50 hosts, one slow s"] - SLOW_S
    return figures


def _access(server: Sshd, host: str = "") -> Access:
    return Access(
        host=host or server.host, port=server.port, user="tech", key=server.key_file.read_text(), agent=False,
        host_key=server.fingerprint,
    )  # fmt: skip


async def _ours(server: Sshd, *, at_once: bool) -> float:
    began = time.perf_counter()
    ssh = Ssh(Shared())
    host = ssh.host(_access(server))
    if at_once:
        ends = await asyncio.gather(*(host.run(ECHO(str(number))) for number in range(COMMANDS)))
    else:
        ends = [await host.run(ECHO(str(number))) for number in range(COMMANDS)]
    await ssh.close()
    assert [int(end.stdout) for end in ends] == list(range(COMMANDS))
    return time.perf_counter() - began


async def _many(hosts: list[tuple[Sshd, str]], slow_s: float) -> float:
    began = time.perf_counter()
    ssh = Ssh(Shared())

    async def one(number: int, server: Sshd, address: str) -> bool:
        host = ssh.host(_access(server, address))
        return (await host.run(SLEEP(str(slow_s if not number else 0)))).ok

    assert all(await asyncio.gather(*(one(number, *where) for number, where in enumerate(hosts))))
    seconds = time.perf_counter() - began
    await ssh.close()
    return seconds


def _theirs(server: Sshd, options: tuple[str, ...]) -> float:
    words = _words(server, options)
    began = time.perf_counter()
    for number in range(COMMANDS):
        done = subprocess.run([*words, "echo", str(number)], capture_output=True, check=True)
        assert int(done.stdout) == number
    return time.perf_counter() - began


def _mastered(server: Sshd, folder: Path) -> float:
    """Return the seconds of 50 commands through a master that is connected in that time, too."""
    path = f"ControlPath={folder}/master"
    began = time.perf_counter()
    subprocess.run(
        [*_words(server, ("-o", path, "-o", "ControlMaster=yes")), "-fN"],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    _theirs(server, ("-o", path))
    seconds = time.perf_counter() - began
    subprocess.run([*_words(server, ("-o", path)), "-O", "exit"], check=True, stderr=subprocess.DEVNULL)
    return seconds


def _words(server: Sshd, options: tuple[str, ...]) -> list[str]:
    return [
        "ssh", "-F", os.devnull, "-p", str(server.port), "-i", str(server.key_file), "-o", "BatchMode=yes",
        "-o", "IdentityAgent=none", "-o", f"UserKnownHostsFile={server.known_hosts}", *options,
        f"tech@{server.host}",
    ]  # fmt: skip


if __name__ == "__main__":
    for what, figure in measure().items():
        sys.stdout.write(f"{what:<50} {figure:10.4g}\n")
