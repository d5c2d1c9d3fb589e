"""Servers that misbehave: every wait ends, memory is bounded, nothing is left, and the cause is told."""

from __future__ import annotations

import asyncio

import pytest

from checks.vantage import CannotTell
from checks.wire.ssh import auth
from checks.wire.ssh.access import Access, SshTrouble
from checks.wire.ssh.command import PowerShell, Program
from tests.checks.wire.ssh.clients import QUICK, client, peak
from tests.checks.wire.ssh.hostile_ssh import hostile

pytestmark = pytest.mark.xdist_group("hostile-ssh")
LOOK = Program("look")
SCRIPT = PowerShell("look", "Get-Item $p.path")
LONGEST_S = 12
MOST_MB = 50


@pytest.fixture(scope="module")
def servers():
    with hostile() as running:
        yield running


def way(servers, kind):
    return Access(
        host="127.0.0.1", port=servers["ports"][kind], user="tech", password="secret", agent=False,
        host_key=servers["fingerprint"],
    )  # fmt: skip


async def visit(servers, kind, **options):
    """Run a command there; return the result, or the trouble, with the memory it took at most."""
    before = peak(reset=True)
    async with client(QUICK) as ssh, asyncio.timeout(LONGEST_S):
        try:
            end = await ssh.host(way(servers, kind)).run(LOOK(**({"timeout_s": 1} | options)))
        except SshTrouble as trouble:
            end = trouble
    return end, peak() - before


LOGINS = {
    "silent": ("banner", "said nothing"),
    "hangs_up": ("banner", "closed it without a greeting"),
    "endless_greeting": ("banner", "endless greeting"),
    "slow_greeting": ("banner", "did not finish its greeting"),
    "many_lines": ("banner", "greeting"),
    "web": ("banner", "not an SSH server; it said: HTTP/1.1 400"),
    "greets_only": ("handshake", "did not finish the key exchange"),
    "slow_kex": ("handshake", "did not finish the key exchange"),
    "huge_packet": ("handshake", "was announced"),
    "old_version": ("handshake", "Incompatible version"),
    "silent_login": ("auth", "did not answer the login"),
    "second_factor": ("second-factor", "wants more: password, publickey"),
    "no_channel": ("open-channel", "did not answer the request for a session"),
    "refuses_channels": ("open-channel", "refuses every session"),
    "no_exec": ("exec-request", "did not answer the request to run a command"),
    "refuses_exec": ("exec-request", "refuses to run commands"),
    "forced_command": ("run", "only makes coffee"),
    "lies_about_itself": ("run", "did not tell what system it is"),
}


@pytest.mark.parametrize("kind", LOGINS)
async def test_a_login_that_goes_wrong_ends_and_tells_its_stage(servers, monkeypatch, kind):
    monkeypatch.setattr(auth, "AUTH_S", 1)
    stage, said = LOGINS[kind]
    trouble, grown = await visit(servers, kind)
    assert isinstance(trouble, SshTrouble)
    assert trouble.stage == stage, trouble.reason
    assert said in trouble.reason
    assert "\x1b" not in trouble.reason + trouble.fix
    assert trouble.fix.endswith(".")
    assert grown < MOST_MB


@pytest.mark.parametrize("kind", [
    "silent", "slow_greeting", "greets_only", "slow_kex", "silent_login", "no_channel", "no_exec",
])  # fmt: skip
async def test_a_check_with_less_time_than_the_stages_is_told_the_stage(servers, kind):
    stage, said = LOGINS[kind]
    loop = asyncio.get_running_loop()
    until = loop.time() + 2
    async with client() as ssh, asyncio.timeout(LONGEST_S):
        host = ssh.host(way(servers, kind), lambda: max(0.0, until - loop.time()))
        with pytest.raises(SshTrouble) as caught:
            await host.run(LOOK(timeout_s=1))
    trouble = caught.value
    if kind == "no_exec":
        stage, said = "run", "had not ended when the time of the check was over"
    assert trouble.stage == stage, trouble.reason
    assert said in trouble.reason


COMMANDS = {
    "no_answer": ("total-timeout", None),
    "drips": ("total-timeout", None),
    "flood": ("output-cap", None),
    "flood_of_errors": ("error-cap", None),
    "no_status": ("eof-without-exit-status", None),
    "open_end": ("exited-but-stream-open", 0),
    "drops": ("connection-lost", None),
    "closes": ("closed", None),
    "no_window": ("output-cap", None),
    "killed": ("signal", None),
    "odd_status": ("exit", 0xFFFFFFFF),
}


@pytest.mark.parametrize("kind", COMMANDS)
async def test_a_command_that_goes_wrong_ends_and_is_no_success(servers, kind):
    ended, status = COMMANDS[kind]
    result, grown = await visit(servers, kind)
    assert (result.ended, result.status) == (ended, status)
    assert not result.ok
    assert result.whole == (ended == "exit")
    assert len(result.stdout) <= result.command.max_stdout
    assert len(result.stderr) <= result.command.max_stderr
    assert grown < MOST_MB


async def test_a_status_that_comes_after_the_streams_is_waited_for(servers):
    result, _ = await visit(servers, "late_status")
    assert (result.ended, result.status) == ("exit", 0)


@pytest.mark.parametrize("kind", ["no_status", "closes", "drops"])
async def test_what_came_before_the_end_is_kept(servers, kind):
    result, _ = await visit(servers, kind)
    assert result.stdout == b"half of it"


async def test_a_windows_host_is_asked_by_powershell(servers):
    async with client(QUICK) as ssh:
        host = ssh.host(way(servers, "windows"))
        assert (await host.facts()).dialect == "powershell"
        assert (await host.facts()).user == "SRV1\\tech"
        result = await host.run(SCRIPT({"path": "C:\\"}))
        assert (result.status, result.text, result.errors) == (3, "café\r\n", "no <way>\r\n")
        with pytest.raises(CannotTell, match="Windows host"):
            await host.run(LOOK())


async def test_silence_of_a_command_ends_before_its_whole_time(servers):
    result, _ = await visit(servers, "no_answer", timeout_s=600, idle_s=0.3)
    assert result.ended == "idle-timeout"


async def test_a_check_that_is_given_up_leaves_at_once(servers):
    async with client(QUICK) as ssh:
        host = ssh.host(way(servers, "no_answer"))
        running = asyncio.ensure_future(host.run(LOOK(timeout_s=600)))
        await host.facts()
        await asyncio.sleep(0)
        running.cancel()
        async with asyncio.timeout(LONGEST_S):
            with pytest.raises(asyncio.CancelledError):
                await running


async def test_a_login_that_nobody_waits_for_any_longer_is_given_up(servers):
    async with client() as ssh, asyncio.timeout(LONGEST_S):
        host = ssh.host(way(servers, "silent"))
        waiting = [asyncio.ensure_future(host.facts()) for _ in range(3)]
        await asyncio.wait(waiting, timeout=0.2)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert all(task.cancelled() for task in waiting)


async def test_a_password_that_was_refused_is_not_sent_again(servers, monkeypatch):
    monkeypatch.setattr(auth, "AUTH_S", 1)
    tries = []
    real = auth.authenticate
    monkeypatch.setattr(auth, "authenticate", lambda *given: tries.append(1) or real(*given))
    async with client(QUICK) as ssh:
        for _ in range(3):
            with pytest.raises(SshTrouble, match="wants more"):
                await ssh.host(way(servers, "second_factor")).facts()
    assert len(tries) == 1
