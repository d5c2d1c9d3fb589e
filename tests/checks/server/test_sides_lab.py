"""Ports, room, users and services of real servers, over real SSH."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from checks.server.capacity import Capacity
from checks.server.ports import Ports
from checks.server.services import Services
from checks.server.users import Users
from checks.words import Status
from tests.checks.server.sides import pair, source, status, told, words
from tests.lab.needs import need
from tests.lab.sshd import Sshd, User

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("server-sides")]
S = Status


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sshd, Sshd]]:
    need("sshd", "unshare", "nsenter", "setpriv", "sudo", "ss", "df")
    tech = User("tech", sudo="NOPASSWD: ALL")
    old = [tech, User("plain"), User("alice"), User("bob")]
    new = [tech, User("plain"), User("bob"), User("alice")]
    with pair(tmp_path_factory.mktemp("sides"), old, new) as both:
        yield both


@pytest.fixture(scope="module")
def old(servers: tuple[Sshd, Sshd]) -> Sshd:
    return servers[0]


@pytest.fixture(scope="module")
def new(servers: tuple[Sshd, Sshd]) -> Sshd:
    return servers[1]


def test_a_listening_port_is_seen_with_its_program_by_root_only(new: Sshd) -> None:
    need_ = [{"port": new.port, "program": "sshd", "address": "127.0.0.1"}]
    assert status(told(Ports, **new.params(), sudo=True, expect=need_)) is S.PASS
    unseen = told(Ports, **new.params("plain"), expect=need_)
    assert status(unseen) is S.INCONCLUSIVE
    assert "sudo: true" in words(unseen)


def test_a_port_on_loopback_is_not_open_for_clients(new: Sshd) -> None:
    found = told(Ports, **new.params(), expect=[{"port": new.port}])
    assert status(found) is S.FAIL
    assert "loopback address only" in words(found)


def test_a_port_that_nothing_listens_on_fails_and_is_fine_where_forbidden(new: Sshd) -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
        udp.bind(("127.0.0.1", 0))
        port = udp.getsockname()[1]
        here = {"port": port, "protocol": "udp", "address": "127.0.0.1"}
        assert status(told(Ports, **new.params(), expect=[here])) is S.PASS
        assert status(told(Ports, **new.params(), forbid=[here])) is S.FAIL
    assert status(told(Ports, **new.params(), expect=[here])) is S.FAIL
    assert status(told(Ports, **new.params(), forbid=[here])) is S.PASS


def test_two_names_of_one_server_are_not_compared_with_each_other(old: Sshd) -> None:
    itself = source(old) | {"host": f"localhost:{old.port}"}
    found = told(Ports, **old.params(), source=itself)
    assert status(found) is S.INCONCLUSIVE
    assert "same machine" in words(found)


def test_users_with_swapped_numbers_are_found_with_the_command_that_mends_them(old: Sshd, new: Sshd) -> None:
    found = told(Users, **new.params(), source=source(old))
    assert status(found) is S.FAIL
    assert "user:alice" in words(found)
    assert "usermod -u" in words(found)
    assert "First give user:bob" in words(found)
    allowed = ["user:alice", "user:bob", "group:alice", "group:bob"]
    assert status(told(Users, **new.params(), source=source(old), allowed=allowed)) is S.PASS


def test_a_user_is_looked_up_with_its_number(new: Sshd) -> None:
    uid = int(new.run("id", "-u", "alice").stdout)
    assert status(told(Users, **new.params(), users=[{"name": "alice", "uid": uid}])) is S.PASS
    assert status(told(Users, **new.params(), users=[{"name": "alice", "uid": uid + 50}])) is S.FAIL
    assert status(told(Users, **new.params(), users=[{"name": "carol"}])) is S.FAIL
    assert status(told(Users, **new.params(), users=[{"name": "alice", "groups": ["sudo"]}])) is S.FAIL


def test_room_is_what_df_says_and_a_folder_is_no_mount(new: Sshd) -> None:
    easy = {"min_free": "0%", "min_inodes": "0%"}
    assert status(told(Capacity, **new.params(), **easy)) is S.PASS
    new.run("mkdir", "-p", "/srv/files")
    plain = told(Capacity, **new.params(), **easy, mounts=[{"path": "/srv/files"}])
    assert status(plain) is S.FAIL
    assert "Nothing is mounted on /srv/files" in words(plain)
    folder = [{"path": "/srv/files", "mounted": False, "needs": 1}]
    assert status(told(Capacity, **new.params(), **easy, mounts=folder)) is S.PASS
    assert status(told(Capacity, **new.params(), **easy, mounts=[{"path": "/srv/not"}])) is S.FAIL


def test_a_small_file_system_is_full_by_bytes_and_by_inodes(new: Sshd) -> None:
    new.run("mkdir", "-p", "/srv/small")
    new.run("mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=20", "none", "/srv/small")
    easy = {"min_free": "0%", "min_inodes": "0%"}
    mount = [{"path": "/srv/small", "min_free": "50%"}]
    assert status(told(Capacity, **new.params(), **easy, mounts=mount)) is S.PASS
    new.run("sh", "-c", "cd /srv/small && seq 30 | while read n; do : > $n; done 2>/dev/null; true")
    found = told(Capacity, **new.params(), min_free="0%", min_inodes="5%", mounts=mount)
    assert "Free inodes is beyond" in words(found)
    new.run("sh", "-c", "cd /srv/small && rm -f * && head -c 900000 /dev/zero >big")
    found = told(Capacity, **new.params(), **easy, mounts=mount)
    assert "Free space is beyond" in words(found)
    new.run("mount", "-o", "remount,ro", "/srv/small")
    assert "read-only" in words(told(Capacity, **new.params(), **easy, mounts=mount))
    new.run("umount", "/srv/small")


def test_data_that_does_not_fit_and_two_that_fit_only_alone(old: Sshd, new: Sshd) -> None:
    old.run("sh", "-c", "mkdir -p /srv/a /srv/b; head -c 700000 /dev/urandom >/srv/a/x; cp /srv/a/x /srv/b/x")
    new.run("mkdir", "-p", "/srv/room")
    new.run("mount", "-t", "tmpfs", "-o", "size=1m", "none", "/srv/room")
    new.run("mkdir", "-p", "/srv/room/a", "/srv/room/b")
    easy = {"min_free": "0%", "min_inodes": "0%", "source": source(old)}
    one = [{"source_path": "/srv/a", "target_path": "/srv/room/a"}]
    two = [*one, {"source_path": "/srv/b", "target_path": "/srv/room/b"}]
    assert status(told(Capacity, **new.params(), **easy, data=one)) is S.PASS
    assert status(told(Capacity, **new.params(), **easy, data=one, headroom=2.0)) is S.FAIL
    both = told(Capacity, **new.params(), **easy, data=two)
    assert status(both) is S.FAIL
    assert "does not fit" in words(both)
    new.run("umount", "/srv/room")


def test_a_tree_that_can_be_read_in_part_only_has_no_size(old: Sshd, new: Sshd) -> None:
    old.run(
        "sh",
        "-c",
        "mkdir -p /srv/secret/in; head -c 70000 /dev/urandom >/srv/secret/in/x; chmod 700 /srv/secret/in",
    )
    data = [{"source_path": "/srv/secret", "target_path": "/srv"}]
    easy = {"min_free": "0%", "min_inodes": "0%", "data": data}
    found = told(Capacity, **new.params(), **easy, source=source(old, "plain"))
    assert status(found) is S.INCONCLUSIVE
    assert "not all of /srv/secret" in words(found)
    assert status(told(Capacity, **new.params(), **easy, source=source(old) | {"sudo": True})) is S.PASS


def test_a_sparse_file_fits_with_a_warning_only(old: Sshd, new: Sshd) -> None:
    old.run("sh", "-c", "mkdir -p /srv/sparse; truncate -s 9M /srv/sparse/disk")
    new.run("mkdir", "-p", "/srv/tight")
    new.run("mount", "-t", "tmpfs", "-o", "size=2m", "none", "/srv/tight")
    data = [{"source_path": "/srv/sparse", "target_path": "/srv/tight"}]
    found = told(Capacity, **new.params(), min_free="0%", min_inodes="0%", data=data, source=source(old))
    assert status(found) is S.WARN
    assert "sparse" in words(found)
    new.run("umount", "/srv/tight")


def test_a_host_without_systemd_says_so(new: Sshd) -> None:
    if Path("/run/systemd/system").is_dir():
        pytest.skip("This machine runs systemd.")
    assert status(told(Services, **new.params())) is S.INCONCLUSIVE
