"""The practice office's file servers: who is let in, what is answered, and that nothing at all is run."""

from __future__ import annotations

import socket
import stat
import sys
import threading
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.demo.office import MENDED, Faults, opened
from agent.demo.project import KEY_FILE, KNOWN_HOSTS_FILE, write_project
from agent.demo.ssh_hosts import PASSWORD_FILE, REPOSITORY, SHARE, USER, new_server, old_server
from agent.demo.ssh_line import Call, answered, decoded
from agent.demo.ssh_server import new_key
from checks.vantage import Shared
from checks.wire.ssh import dialect
from checks.wire.ssh.access import Access, SshTrouble
from checks.wire.ssh.client import Ssh
from checks.wire.ssh.command import OWN, Script

NOW = 1_790_000_000
FORM = """exec sh -c 'eval "$(printf %b "$0")"'"""
ASKED = [SHARE, "--json", "sums", "list", "0", "512", "1.1", "--", "x", ""]
TOUCH = Script("touch", 'touch "$1"', writes="a file of this test")
WORDS = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=())), min_size=1)


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    with opened(MENDED) as found:
        folder = tmp_path_factory.mktemp("office")
        write_project(folder, found)
        yield found, folder


def way(office, **more):
    found, folder = office
    given_ = {
        "host": "127.0.0.1", "port": found.ports["files-old"], "user": USER, "agent": False,
        "key": (folder / KEY_FILE).read_text(), "known_hosts": (str(folder / KNOWN_HOSTS_FILE),),
    }  # fmt: skip
    return Access(**(given_ | more))


@asynccontextmanager
async def client():
    ssh = Ssh(Shared())
    try:
        yield ssh
    finally:
        await ssh.close()


async def test_nothing_that_is_not_known_is_run(office, tmp_path):
    mark = tmp_path / "mark"
    async with client() as ssh:
        host = ssh.host(way(office))
        for command in (OWN("touch", str(mark)), TOUCH(str(mark)), OWN("sh", "-c", f"touch {mark}", "cat")):
            done = await host.run(command)
            assert (done.ended, done.status, done.stdout) == ("exit", 127, b"")
            assert "not in the practice office" in done.errors
    assert not mark.exists()


async def test_no_file_of_this_laptop_is_read(office, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("of this laptop")
    async with client() as ssh:
        for path in (str(secret), f"/srv/files/../../{secret}", __file__):
            done = await ssh.host(way(office)).run(OWN("cat", "--", path))
            assert (done.status, done.stdout) == (1, b"")


async def test_only_the_technician_with_the_key_is_let_in(office):
    for more in ({"key": new_key().private}, {"user": "root"}, {"key": "", "password": "practice"}):
        async with client() as ssh:
            with pytest.raises(SshTrouble) as stopped:
                await ssh.host(way(office, **more)).facts()
            assert stopped.value.stage == "auth"


async def test_another_start_has_other_keys_which_are_not_believed(office):
    with opened(MENDED) as other:
        async with client() as ssh:
            with pytest.raises(SshTrouble) as stopped:
                await ssh.host(way((other, office[1]))).facts()
        assert stopped.value.stage == "host-key"
        assert other.ssh_key != office[0].ssh_key


async def test_a_host_says_that_it_is_a_stand_in(office):
    async with client() as ssh:
        facts = await ssh.host(way(office)).facts()
    assert (facts.user, facts.uid, facts.hostname, facts.system) == (USER, 2001, "files-old", "Practice")
    assert "PracticeOffice" in facts.version
    assert abs(facts.clock_offset_s) < 5


def test_the_key_is_this_user_s_alone_and_the_project_stays_the_same(tmp_path):
    keys, texts = set(), set()
    (tmp_path / KEY_FILE).write_text("of before, and everybody's")
    for _ in range(2):
        with opened(MENDED) as found:
            texts.add(write_project(tmp_path, found).read_text())
            key = tmp_path / KEY_FILE
            keys.add(key.read_text())
            assert sys.platform == "win32" or stat.S_IMODE(key.stat().st_mode) == 0o600
            assert found.ssh_key not in texts.copy().pop()
            ports = {found.ports["files-old"], found.ports["files-new"]}
    assert len(keys) == 2
    assert len(texts) == 1 or not ports & {21022, 21023}


def test_clients_that_never_end_keep_no_thread():
    before = threading.active_count()
    with opened(Faults()) as found:
        idle = [socket.create_connection(("127.0.0.1", found.ports["files-old"])) for _ in range(3)]
        idle[0].sendall(b"SSH-2.0-idle\r\n")
        assert idle[0].recv(4) == b"SSH-"
    assert threading.active_count() == before
    for one in idle:
        one.close()


async def test_a_command_that_waits_for_input_keeps_no_thread(tmp_path):
    import paramiko

    before = threading.active_count()
    with opened(MENDED) as found:
        write_project(tmp_path, found)
        transport = paramiko.Transport(("127.0.0.1", found.ports["files-new"]))
        key = paramiko.Ed25519Key.from_private_key_file(str(tmp_path / KEY_FILE))
        transport.connect(username=USER, pkey=key)
        channel = transport.open_session()
        channel.exec_command(dialect.posix(("sh", "-c", "cat", "clock"), "mark-1"))
        assert channel.recv(7) == b"mark-1\n"
    transport.close()
    transport.join(10)
    assert threading.active_count() == before


@settings(max_examples=60, deadline=None)
@given(WORDS, WORDS)
def test_arguments_arrive_as_they_were(program, words):
    """Whatever gonogo's own dialect writes is read back."""
    name, *rest = program
    argv = ("timeout", "-k", "5", "30", "sh", "-c", "the script's\ntext", f"n{name}", *rest, *words)
    argv = tuple(word.encode("utf-8", "replace").decode() for word in argv)
    call = decoded(dialect.posix(argv, "gonogo-0123").encode())
    assert call == Call(name=argv[7], words=argv[8:], marker="gonogo-0123")


@settings(max_examples=200, deadline=None)
@given(
    st.binary() | st.text().map(lambda text: f"""exec sh -c 'eval "$(printf %b "$0")"' '{text}'""".encode())
)
def test_no_other_line_is_a_command(line):
    assert decoded(line) is None


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted({**old_server(NOW, changed=False, overdue=False), **new_server(NOW)})),
    st.lists(st.sampled_from(ASKED)), st.binary(),
)  # fmt: skip
def test_no_argument_breaks_an_answer(name, words, stdin):
    for host in (old_server(NOW, changed=True, overdue=True), new_server(NOW)):
        said = answered(host, Call(name=name, words=tuple(words), stdin=stdin))
        assert said.status in (0, 1, 3, 127)


def test_a_wrong_password_or_place_opens_no_repository():
    host = old_server(NOW, changed=False, overdue=False)

    def list_(repo, file):
        words = (
            "snapshots",
            "--no-lock",
            "--no-cache",
            f"--repo={repo}",
            f"--password-file={file}",
            "--json",
        )
        return answered(host, Call(name="restic", words=words))

    assert list_(REPOSITORY, PASSWORD_FILE).status == 0
    assert b"wrong password" in list_(REPOSITORY, f"{SHARE}/staff/keys.csv").err
    assert b"Is there a repository" in list_("/backup/other", PASSWORD_FILE).err


def test_the_two_faults_are_in_what_the_old_server_says():
    mended, faulty = (old_server(NOW, changed=bad, overdue=bad) for bad in (False, True))
    words = ("file-tree", (SHARE, "sums", "0", "1", "512", ""))
    same, other, new = (
        answered(host, Call(name=words[0], words=words[1])).out.split(b"\n", 1)[1]
        for host in (mended, faulty, new_server(NOW))
    )
    assert same == new
    assert other != new
