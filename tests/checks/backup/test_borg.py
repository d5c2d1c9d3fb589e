"""backup.borg: it changes nothing, tells no secret, and believes no half answer.

The forms of a repository are run over a real SSH server in tests/test_backup_matrix.py.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.backup._borg import parse_archives, parse_content, parse_restored, parse_said
from checks.backup.borg import Borg
from checks.vantage import CannotTell
from tests.lab.backup_files import settle, source
from tests.lab.backup_local import LocalUser, open_folder, run
from tests.lab.needs import need

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("borg")]
SECRET = "a passphrase that nobody may see"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    need("borg", "setpriv")
    with open_folder() as made:
        src = source(made, files=2)
        (src / os.fsdecode(b"no \xff text")).write_text("x")
        (src / "re:.*").write_text("a name that is a pattern of borg")
        settle(src)
        env = os.environ | {"BORG_BASE_DIR": str(made / "base"), "BORG_PASSPHRASE": SECRET}
        for words in (["init", "-e", "repokey", str(made / "repo")], ["create", f"{made}/repo::set", "."]):
            subprocess.run(["borg", *words], check=True, env=env, cwd=src, capture_output=True)
        for path in (made / "repo", *(made / "repo").rglob("*")):
            path.chmod(0o777 if path.is_dir() else 0o666)
        (made / "tmp").mkdir()
        (made / "tmp").chmod(0o777)
        yield made


def state(repo: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in repo.rglob("*")
        if path.is_file()
    }


def test_it_leaves_the_repository_the_temporary_folder_and_the_home_as_they_were(folder):
    before = state(folder / "repo")
    remote = LocalUser(env={"TMPDIR": str(folder / "tmp"), "HOME": str(folder / "tmp")})
    ran = run("backup.borg", {
        "repo": str(folder / "repo"), "repo_password": f"env:{SECRET}", "live": str(folder / "src"),
        "min_level": 5, "sample_files": 20,
    }, remote)  # fmt: skip
    assert (ran.status, ran.seen.proof_level) == ("pass", 5), ran.told
    assert "4 of 4 files came back" in ran.told
    assert ran.seen.sample is not None
    assert ran.seen.sample.unaddressable == 1
    assert state(folder / "repo") == before
    assert list((folder / "tmp").iterdir()) == []
    words = [(command.argv, command.env) for command in remote.ran]
    assert SECRET not in f"{words} {ran.seen} {ran.notes} {ran.told}"
    assert all(command.stdin == f"{SECRET}\n".encode() for command in remote.ran if "borg" in command.argv[3])


def test_a_host_whose_backup_is_old_is_not_hidden_by_another_in_the_same_repository(folder):
    need("unshare", "hostname")
    repo, src = folder / "shared", folder / "src"
    env = os.environ | {"BORG_BASE_DIR": str(folder / "base")}
    old = (datetime.now(UTC) - timedelta(days=9)).strftime("%Y-%m-%dT%H:%M:%S")
    for name, words in {
        "files": ["init", "-e", "none", repo],
        "mail": ["create", "--timestamp", old, f"{repo}::mail", src],
        "web": ["create", f"{repo}::web", src],
    }.items():
        inside = ["unshare", "--uts", "sh", "-c", 'hostname "$0"; exec borg "$@"', name]
        subprocess.run([*inside, *words], check=True, env=env, capture_output=True)
    for path in (repo, *repo.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    asked = {"repo": str(repo), "min_level": 2}
    ran = run("backup.borg", asked)
    assert ran.status == "fail", ran.told
    assert "It is of mail" in ran.told
    assert run("backup.borg", asked | {"of_host": "web"}).status == "pass"
    assert run("backup.borg", asked | {"of_host": "mail"}).status == "fail"
    assert "of the host nobody" in run("backup.borg", asked | {"of_host": "nobody"}).told


@pytest.mark.parametrize(("params", "why"), [
    ({"repo": "/b", "password_file": "/p", "repo_password": "env:X"}, "given twice"),
    ({"repo": "/b::archive"}, "the repository alone"),
])  # fmt: skip
def test_what_contradicts_itself_is_refused(params, why):
    with pytest.raises(ValueError, match=why):
        Borg(host="192.0.2.7", user="tech", **params)


@pytest.mark.parametrize(("line", "damaged", "locked"), [
    ('{"msgid": "IntegrityError", "message": "Data integrity error"}', True, False),
    ('{"msgid": "LockTimeout", "message": "Failed to create"}', False, True),
    ('{"msgid": "Exception", "message": "FileNotFoundError: [Errno 2]: \'/b/data/0/2\'"}', True, False),
    ('{"msgid": "Exception", "message": "FileNotFoundError: [Errno 2]: \'/b/config\'"}', False, False),
    ('{"msgid": "PassphraseWrong", "message": "IntegrityError"}', False, False),
    ('{"msgid": "RepoKeyNotFoundError", "message": "No key entry found"}', True, False),
    ('{"msgid": "KeyfileNotFoundError", "message": "No key file"}', False, False),
    ("configparser.ParsingError: Source contains parsing errors: '/b/config'", True, False),
    ("Traceback", False, False),
    ("[" * 5000, False, False),
])  # fmt: skip
def test_only_what_says_damage_is_damage(line, damaged, locked):
    said = parse_said(b"\x1estatus 2\n", line)
    assert (said.damaged, said.locked) == (damaged, locked)


@pytest.mark.parametrize("output", [
    b"- 5 healthy 1 a", b"- x healthy 1 a\0", b"- 5 healthy 1\0", b"{}\0",
])  # fmt: skip
def test_half_a_list_is_none(output):
    with pytest.raises(CannotTell):
        parse_content(output)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.text(max_size=100))
def test_no_answer_of_a_host_breaks_a_parser(output, errors):
    said = parse_said(output + b"\x1estatus 0\n", errors)
    for parse in (parse_archives, parse_content, parse_restored):
        for data in (said.output, b'{"archives": [' + output + b"]}", b'{"archives": 5}'):
            with contextlib.suppress(CannotTell):
                parse(data)
