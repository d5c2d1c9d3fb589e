"""Through a jump host: both keys verified, what it refuses told, and everything down with it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest

from checks.wire.ssh.access import SshTrouble
from checks.wire.ssh.command import Program
from tests.checks.wire.ssh.clients import QUICK, access, client
from tests.lab.needs import need
from tests.lab.sshd import JUMP, NO_JUMP, User, sshd

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("ssh-jump")]
ECHO, CAT = Program("echo"), Program("cat")
OTHER = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture(scope="module")
def inner(tmp_path_factory):
    need("sshd", "unshare", "nsenter")
    with sshd(tmp_path_factory.mktemp("inner"), users=[User("tech"), User("other")]) as server:
        yield server


@pytest.fixture(scope="module")
def jump(tmp_path_factory):
    need("sshd", "unshare", "nsenter")
    with sshd(tmp_path_factory.mktemp("jump"), users=[User("hop")], options=JUMP) as server:
        yield server


async def test_commands_run_behind_a_jump_host(inner, jump):
    sent = os.urandom(500_000)
    async with client() as ssh:
        hosts = [ssh.host(access(inner, user, jump=access(jump))) for user in ("tech", "other")]
        assert [(await host.facts()).user for host in hosts] == ["tech", "other"]
        assert (await hosts[0].run(CAT(stdin=sent))).stdout == sent
        assert (await hosts[0].facts()).host_key.endswith(inner.fingerprint)
    assert jump.log.count("Accepted publickey for hop") == 1


@pytest.mark.parametrize("wrong", ["jump", "inner"])
async def test_either_key_is_verified_before_anything_is_sent(inner, jump, wrong):
    hop = access(jump, host_key=OTHER if wrong == "jump" else "")
    there = access(inner, jump=hop, host_key=OTHER if wrong == "inner" else "")
    server = jump if wrong == "jump" else inner
    before = server.log.count("Accepted")
    async with client() as ssh:
        with pytest.raises(SshTrouble) as caught:
            await ssh.host(there).facts()
    assert caught.value.stage == "host-key"
    assert server.log.count("Accepted") == before


async def test_a_jump_host_that_does_not_permit_it(inner, tmp_path):
    with sshd(tmp_path, users=[User("hop")], options=NO_JUMP) as closed:
        async with client() as ssh:
            with pytest.raises(SshTrouble, match="does not permit hop") as caught:
                await ssh.host(access(inner, jump=access(closed))).facts()
    assert caught.value.stage == "jump"


async def test_a_host_that_the_jump_host_does_not_reach(inner, jump):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with client() as ssh:
        with pytest.raises(SshTrouble, match="could not connect to") as caught:
            await ssh.host(access(inner, port=port, jump=access(jump))).facts()
    assert caught.value.stage == "jump"


async def test_silence_behind_a_jump_host_ends(inner, jump):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        async with client(QUICK) as ssh, asyncio.timeout(10):
            with pytest.raises(SshTrouble, match="said nothing") as caught:
                await ssh.host(access(inner, port=port, jump=access(jump))).facts()
    assert caught.value.stage == "banner"


async def test_both_connections_are_made_again_when_the_jump_host_lost_them(inner, jump):
    async with client() as ssh:
        host = ssh.host(access(inner, jump=access(jump)))
        assert (await host.run(ECHO("1"))).ok
        for pid in jump.pids():
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sshd: hop"):
                os.kill(pid, signal.SIGKILL)
        assert (await host.run(ECHO("2"))).stdout == b"2\n"


async def test_a_port_that_refuses_is_told_as_refused(inner):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with client() as ssh:
        with pytest.raises(SshTrouble, match="refused the connection") as caught:
            await ssh.host(access(inner, port=port)).facts()
        assert caught.value.refused
        with pytest.raises(SshTrouble, match="has no address") as caught:
            await ssh.host(access(inner, host="nowhere.invalid")).facts()
        assert not caught.value.refused
