"""A real OpenSSH server: what arrives, what is left behind, what becomes of a lost or narrow connection."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.vantage import CannotTell
from checks.wire.ssh import dialect
from checks.wire.ssh.access import SshTrouble
from checks.wire.ssh.command import Program, Script
from tests.checks.wire.ssh.clients import access, client
from tests.lab.namespaces import wait_for
from tests.lab.needs import need
from tests.lab.sshd import NO_SHELL, NOISY_SHELL, SLOW_SHELL, TWO_SESSIONS, User, sshd

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("ssh-client")]
ECHO, SLEEP, CAT = Program("echo"), Program("sleep"), Program("cat")
ARGUMENTS = Script("arguments", r'printf "%s\0" "$@"')
SHELLS = {
    "sh": "/bin/sh",
    "bash": "/bin/bash",
    "dash": "/bin/dash",
    "tcsh": "/usr/bin/tcsh",
    "fish": "/usr/bin/fish",
}
ENDS = Script("ends", "kill -KILL $$")
LEAVES = Script("leaves", "sleep 300 & echo done")
BOTH = Script("both", 'head -c "$1" /dev/zero & head -c "$1" /dev/zero >&2; wait')
FLOOD = Script("flood", "exec yes")
ENV = Script("env", 'echo "$LC_ALL $TZ $PATH|$GREETING"; id -un')
LOCALLY = Script("locally", 'sleep "$1"; echo "$2"')
TREE = Script("tree", "sleep 411 | sleep 412")
FAILS = Script("fails", "exit 124")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    need("sshd", "unshare", "nsenter", *SHELLS)
    users = [
        User("tech", sudo="NOPASSWD: ALL"),
        *(User(f"u{name}", shell=path) for name, path in SHELLS.items()),
    ]
    users += [
        User("slow", shell=SLOW_SHELL),
        User("noisy", shell=NOISY_SHELL),
        User("closed", shell=NO_SHELL),
    ]
    users += [User("one", sudo="NOPASSWD: /usr/bin/id"), User("typed", sudo="ALL", password="pass w0rd'")]
    users += [User("none")]
    with sshd(tmp_path_factory.mktemp("ssh"), users=users) as running:
        yield running


@pytest.fixture
async def tech(server):
    async with client() as ssh:
        yield ssh.host(access(server, "tech"))


def asleep(server, seconds):
    return [line for line in server.commands() if f"sleep {seconds}" in line and "timeout" not in line]


def running(server, seconds):
    wait_for(lambda: asleep(server, seconds), f"sleep {seconds} runs")


def gone(server, seconds):
    wait_for(
        lambda: not [line for line in server.commands() if f"sleep {seconds}" in line],
        f"sleep {seconds} is gone",
    )


def end(server, seconds):
    """End what a test left on the server by design, by its own number."""
    for pid in server.pids():
        if Path(f"/proc/{pid}/cmdline").read_bytes() == f"sleep\0{seconds}\0".encode():
            os.kill(pid, signal.SIGKILL)


words = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=40)
rude = st.text(st.sampled_from("'\"\\$`!*?~#;&|<>(){}[]%^ \t\n\r\x1b\x7fé€😀-=ab"), max_size=40)
odd = st.binary(max_size=20).map(lambda raw: os.fsdecode(raw.replace(b"\0", b"")))


@pytest.mark.parametrize("shell", SHELLS)
def test_a_thousand_strings_arrive_as_they_are(server, shell):
    """Whatever the login shell is: what a command is given is what it gets."""
    seen = 0

    async def main():
        async with client() as ssh:
            host = ssh.host(access(server, f"u{shell}"))
            queue = asyncio.get_running_loop()

            @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), database=None)
            @given(st.lists(st.one_of(words, rude, odd), min_size=50, max_size=60))
            def arrives(strings):
                nonlocal seen
                coming = asyncio.run_coroutine_threadsafe(host.run(ARGUMENTS(*strings)), queue)
                result = coming.result(30)
                assert result.ok, result
                assert result.stdout.split(b"\0")[:-1] == [os.fsencode(text) for text in strings]
                seen += len(strings)

            await asyncio.to_thread(arrives)

    asyncio.run(main())
    assert seen >= 1000


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_long_argument_arrives(server, shell):
    async with client() as ssh:
        text = "a long line with 'all' !kinds\n" * 400
        result = await ssh.host(access(server, f"u{shell}")).run(ARGUMENTS(text))
        assert result.stdout == text.encode() + b"\0"


async def test_too_long_a_command_is_refused_in_words(tech):
    with pytest.raises(SshTrouble, match="more than a host takes"):
        await tech.run(ARGUMENTS("x" * 200_000))


async def test_what_a_host_is(server, tech):
    facts = await tech.facts()
    assert (facts.dialect, facts.system, facts.user, facts.uid) == ("posix", "Linux", "tech", 2001)
    assert facts.hostname == os.uname().nodename
    assert facts.host_key == f"ssh-ed25519 {server.fingerprint}"
    assert "OpenSSH" in facts.version
    assert abs(facts.clock_offset_s) <= facts.clock_error_s + 0.05
    assert facts.sessions == 10


async def test_the_clock_is_not_blurred_by_a_slow_login_shell(server):
    async with client() as ssh:
        facts = await ssh.host(access(server, "slow")).facts()
        assert facts.shell_s > 2
        assert abs(facts.clock_offset_s) <= facts.clock_error_s + 0.05
        assert facts.clock_error_s < 0.5


async def test_the_surroundings_of_a_command(tech):
    result = await tech.run(ENV(env=(("GREETING", "it's $HOME"),)))
    head, tail = result.text.splitlines()[0].split("|")
    assert head.startswith("C UTC ")
    assert "/usr/sbin" in head
    assert tail == "it's $HOME"
    again = await tech.run(ENV(env=(("GREETING", "hi"),), as_user="nobody"))
    assert again.text.splitlines()[0].endswith("|hi")
    assert again.text.splitlines()[1] == "nobody"


async def test_what_a_login_shell_says_is_not_the_commands(server):
    async with client() as ssh:
        assert (await ssh.host(access(server, "noisy")).run(ECHO("it"))).stdout == b"it\n"


async def test_an_account_without_a_shell_is_told(server):
    async with client() as ssh:
        with pytest.raises(SshTrouble, match="not available") as caught:
            await ssh.host(access(server, "closed")).run(ECHO("it"))
    assert caught.value.stage == "run"


async def test_stdin_arrives_whole_and_ends(tech):
    sent = os.urandom(3_000_000)
    result = await tech.run(CAT(stdin=sent))
    assert result.ok
    assert result.stdout == sent


async def test_input_that_nobody_reads_holds_nothing_up(tech):
    result = await tech.run(ECHO("done", stdin=bytes(8_000_000)))
    assert result.stdout == b"done\n"


async def test_both_streams_at_once(tech):
    result = await tech.run(BOTH("4000000", max_stdout=5_000_000, max_stderr=5_000_000))
    assert (result.ended, len(result.stdout), len(result.stderr)) == ("exit", 4_000_000, 4_000_000)


async def test_output_is_capped_and_its_source_ends(server, tech):
    result = await tech.run(FLOOD(max_stdout=100_000))
    assert (result.ended, len(result.stdout), result.ok) == ("output-cap", 100_000, False)
    wait_for(lambda: "yes" not in server.commands(), "yes is gone")


async def test_ways_to_end(server, tech):
    assert (await tech.run(ENDS())).ended == "signal"
    assert (await tech.run(LEAVES())).ended == "exited-but-stream-open"
    end(server, 300)
    missing = await tech.run(Program("no-such-program")())
    assert (missing.ended, missing.status) == ("exit", 127)
    barred = await tech.run(Program("/etc/passwd")())
    assert (barred.ended, barred.status) == ("exit", 126)
    own = await tech.run(FAILS(timeout_s=30))
    assert (own.ended, own.status) == ("exit", 124)


@pytest.mark.parametrize("whom", ["", "root"])
async def test_a_command_that_takes_too_long_is_ended_by_the_host(server, tech, whom):
    result = await tech.run(SLEEP("401", timeout_s=1, as_user=whom))
    assert result.ended == "remote-timeout"
    assert not result.whole
    gone(server, 401)


async def test_a_command_that_cannot_be_ended_kindly_is_killed(server, tech):
    stubborn = Script("stubborn", "trap '' TERM; sleep 402; sleep 402; sleep 402")
    result = await tech.run(stubborn(timeout_s=1))
    assert result.ended in ("remote-timeout", "total-timeout")
    gone(server, 402)


@pytest.mark.parametrize("whom", ["", "root"])
async def test_a_command_that_is_given_up_is_ended(server, tech, whom):
    going = asyncio.ensure_future(tech.run(SLEEP("403", timeout_s=300, as_user=whom)))
    await asyncio.to_thread(running, server, 403)
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    await asyncio.to_thread(gone, server, 403)


async def test_silence_ends_a_command_on_the_host_too(server, tech):
    result = await tech.run(SLEEP("404", timeout_s=300, idle_s=0.3))
    assert result.ended == "idle-timeout"
    await asyncio.to_thread(gone, server, 404)


async def test_closing_ends_what_runs(server):
    async with client() as ssh:
        going = [
            asyncio.ensure_future(ssh.host(access(server, "tech")).run(SLEEP("405", timeout_s=300)))
            for _ in range(9)
        ]
        await asyncio.to_thread(running, server, 405)
    ends = await asyncio.gather(*going, return_exceptions=True)
    assert all(isinstance(end, BaseException) for end in ends)
    gone(server, 405)


@pytest.mark.parametrize("whole", [False, True])
async def test_a_host_without_timeout_leaves_no_orphan(server, tech, whole):
    """The stand-in for `timeout` on hosts that have none."""
    argv = dialect.limited(("sleep", "406") if not whole else TREE().argv, 1, dialect.Tools())
    result = await tech.run_argv(SLEEP("406", timeout_s=1), argv, stdin=b"")
    assert result.ended == "remote-timeout"
    for seconds in (406, 411, 412):
        gone(server, seconds)


async def test_the_stand_in_for_timeout_changes_nothing_else(server, tech):
    for argv, stdin, status, out in (
        (("cat",), b"in", 0, b"in"),
        (("sh", "-c", "exit 7"), b"", 7, b""),
        (("printf", "%s|", "a b", "c"), b"", 0, b"a b|c|"),
    ):
        limited = dialect.limited(argv, 50, dialect.Tools())
        result = await tech.run_argv(ECHO(), limited, stdin=stdin)
        assert (result.ended, result.status, result.stdout, result.stderr) == ("exit", status, out, b"")
    wait_for(lambda: not [line for line in server.commands() if "outlives" in line], "nothing is left")


async def test_a_real_host_without_timeout(tmp_path):
    need("sshd", "unshare", "nsenter")
    with sshd(tmp_path, without=("timeout",)) as bare:
        async with client() as ssh:
            host = ssh.host(access(bare))
            assert (await host.run(ECHO("there"))).stdout == b"there\n"
            assert (await host.run(FAILS())).status == 124
            assert (await host.run(SLEEP("409", timeout_s=1))).ended == "remote-timeout"
            gone(bare, 409)
            going = asyncio.ensure_future(host.run(SLEEP("410", timeout_s=300)))
            await asyncio.to_thread(running, bare, 410)
            going.cancel()
            await asyncio.gather(going, return_exceptions=True)
            await asyncio.to_thread(gone, bare, 410)


async def test_the_time_of_a_slow_login_shell_is_not_the_commands(server):
    async with client() as ssh:
        result = await ssh.host(access(server, "slow")).run(ECHO("it", timeout_s=1))
        assert (result.ended, result.stdout) == ("exit", b"it\n")


async def test_many_short_commands_do_not_cost_the_connection(server):
    """What is written while the server closes a channel makes OpenSSH drop everybody's connection."""
    async with client() as ssh:
        host = ssh.host(access(server, "tech"))
        await host.facts()
        before = server.log.count("Accepted publickey for tech")
        sent = [b"x" * 1000 * (number % 3) for number in range(150)]
        ends = await asyncio.gather(*(host.run(ECHO("it", stdin=text)) for text in sent))
        assert all(end.stdout == b"it\n" for end in ends)
        assert server.log.count("Accepted publickey for tech") == before
    assert "nonexistent channel" not in server.log


async def test_ten_commands_run_at_once(tech):
    ends = await asyncio.gather(*(tech.run(LOCALLY("0.5", str(n))) for n in range(30)))
    assert [int(end.stdout) for end in ends] == list(range(30))


async def test_a_server_that_permits_two_sessions_is_used_with_two(tmp_path):
    need("sshd", "unshare", "nsenter")
    with sshd(tmp_path, options=TWO_SESSIONS) as narrow:
        async with client() as ssh:
            host = ssh.host(access(narrow))
            ends = await asyncio.gather(*(host.run(LOCALLY("0.2", str(n))) for n in range(8)))
            assert [int(end.stdout) for end in ends] == list(range(8))
            assert (await host.facts()).sessions == 2


async def test_a_connection_that_was_lost_is_made_again_once(server, tech):
    assert (await tech.run(ECHO("1"))).ok
    for pid in sessions(server):
        os.kill(pid, signal.SIGKILL)
    assert (await tech.run(ECHO("2"))).stdout == b"2\n"


async def test_a_connection_that_is_lost_under_a_command_is_told(server, tech):
    going = asyncio.ensure_future(tech.run(SLEEP("407", timeout_s=300)))
    await asyncio.to_thread(running, server, 407)
    for pid in sessions(server):
        os.kill(pid, signal.SIGKILL)
    result = await going
    assert result.ended == "connection-lost"
    assert result.status is None
    end(server, 407)


def sessions(server):
    """Return the processes of sshd that carry a login."""
    found = []
    for pid in server.pids():
        if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sshd: tech"):
            found.append(pid)
    return found


async def test_one_connection_serves_all_checks_of_a_host(server):
    async with client() as ssh:
        before = server.log.count("Accepted publickey for tech")
        hosts = [ssh.host(access(server, "tech")) for _ in range(5)]
        await asyncio.gather(*(host.facts() for host in hosts))
        assert len({id(host) for host in hosts}) == 1
        assert server.log.count("Accepted publickey for tech") == before + 1


async def test_a_file_is_read_exactly(server, tech):
    data = os.urandom(300_000)
    (server.folder / "srv" / "-odd 'name'\n").write_bytes(data)
    path = "/srv/-odd 'name'\n"
    assert await tech.read(path, size=1_000_000) == data
    assert await tech.read(path, offset=100_001, size=4097) == data[100_001:104_098]
    assert await tech.read(path, offset=299_999, size=10) == data[-1:]
    assert await tech.read(path, offset=400_000, size=10) == b""


@pytest.mark.parametrize(
    ("path", "why"),
    [("/srv/none", "does not exist"), ("/srv", "not a regular file"), ("/etc/shadow", "may not be read")],
    ids=["absent", "folder", "barred"],
)
async def test_a_file_that_cannot_be_read_is_told(tech, path, why):
    with pytest.raises(CannotTell, match=why):
        await tech.read(path)


async def test_root_reads_what_the_account_may_not(tech):
    assert (await tech.read("/etc/shadow", size=100, as_user="root")).startswith(b"root:")


async def test_sudo_that_permits_one_program_only(server):
    async with client() as ssh:
        host = ssh.host(access(server, "one"))
        result = await host.run(Program("id")("-u", as_user="root", heavy=True))
        assert result.stdout == b"0\n"
        with pytest.raises(SshTrouble) as caught:
            await host.run(CAT("/etc/shadow", as_user="root"))
        assert caught.value.stage == "sudo"
        assert "one ALL=(root) NOPASSWD: /usr/bin/cat" in caught.value.fix


async def test_sudo_with_a_password(server):
    async with client() as ssh:
        host = ssh.host(access(server, "typed", sudo_password="pass w0rd'"))
        results = await asyncio.gather(*(host.run(CAT(stdin=b"in", as_user="root")) for _ in range(3)))
        assert [result.stdout for result in results] == [b"in"] * 3
        result = await host.run(SLEEP("408", timeout_s=1, as_user="root"))
        assert result.ended == "remote-timeout"
    gone(server, 408)


async def test_a_wrong_password_of_sudo_is_tried_once(server):
    async with client() as ssh:
        host = ssh.host(access(server, "typed", sudo_password="wrong"))
        for _ in range(2):
            with pytest.raises(SshTrouble, match="does not accept the password"):
                await host.run(CAT(stdin=b"in", as_user="root"))


async def test_sudo_that_is_not_permitted(server):
    async with client() as ssh:
        with pytest.raises(SshTrouble) as caught:
            await ssh.host(access(server, "none")).run(Program("id")(as_user="root"))
        assert caught.value.stage == "sudo"
        assert "none ALL=(root) NOPASSWD: /usr/bin/id" in caught.value.fix
