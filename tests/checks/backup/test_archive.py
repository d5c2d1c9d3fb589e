"""backup.archive: names, times and damages that would make it read better than it is.

The forms of an archive are run over a real SSH server in tests/test_backup_matrix.py.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.backup._archive_files import day_of, kind_of, parse_listed
from checks.backup._archive_tar import hashed, parse_tar
from checks.backup._archive_zip import parse_zip
from checks.vantage import CannotTell
from checks.wire.ssh.command import Command
from checks.wire.ssh.remote import CommandResult
from tests.lab.backup_files import aged, settle, source
from tests.lab.backup_local import LocalUser, open_folder, run
from tests.lab.needs import need
from tests.local_remote import LocalRemote

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("archive")]
HOSTILE = (
    "-x", "--checkpoint-action=exec=false", "$(touch pwned)", "a\nb", "q'\"`id`", "[a]*?.txt", "tab\there",
    "back\\slash", "ünï", " lead",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    need("tar", "gzip", "zstd", "zip", "unzip", "setpriv")
    with open_folder() as made:
        src = source(made)
        for number, name in enumerate(HOSTILE):
            (src / name).write_text(f"content {number}")
            aged(src / name, 86400 * 9)
        settle(src)
        yield made


def packed(folder: Path, name: str, *words: str) -> Path:
    at = folder / name
    subprocess.run(["tar", *words, "-cf", at, "-C", folder / "src", "."], check=True)
    return at


def asked(folder: Path, at: Path, **more: Any) -> dict[str, Any]:
    return {"path": str(at), "live": str(folder / "src"), "min_level": 5, "sample_files": 50, **more}


def test_names_that_would_be_options_globs_or_commands_are_restored_as_they_are(folder):
    ran = run("backup.archive", asked(folder, packed(folder, "names.tar.gz", "-z")))
    assert (ran.status, ran.seen.proof_level) == ("pass", 5), ran.told
    assert "17 of 17 files came back" in ran.told
    assert not list(folder.rglob("pwned"))


def test_a_path_is_a_glob_and_never_a_command(folder):
    packed(folder, "one.tar")
    for path in (
        f"{folder}/$(touch {folder}/pwned)*",
        f"{folder}/`touch {folder}/pwned`.tar",
        f"{folder}/one.tar; id",
    ):
        ran = run("backup.archive", asked(folder, Path(path)))
        assert "No archive lies at" in ran.told
    assert not (folder / "pwned").exists()


def test_members_of_a_zip_are_asked_for_by_name_and_not_by_pattern(folder):
    at = folder / "globs.zip"
    with zipfile.ZipFile(at, "w") as made:
        for name in ("[a]*?.txt", "a-other.txt", "docs/file 1.bin", "ünï"):
            path = folder / "src" / name
            made.writestr(name, path.read_bytes() if path.exists() else b"another")
    ran = run("backup.archive", asked(folder, at))
    assert (ran.status, ran.seen.proof_level) == ("pass", 5), ran.told
    assert ran.seen.sample is not None
    assert ran.seen.sample.unaddressable == 1


def test_of_two_members_with_one_name_the_last_counts(folder):
    at = packed(folder, "twice.tar")
    other = folder / "other" / "docs"
    other.mkdir(parents=True)
    (other / "file 1.bin").write_bytes(b"another content that was appended")
    subprocess.run(["tar", "-rf", at, "-C", folder / "other", "./docs/file 1.bin"], check=True)
    ran = run("backup.archive", asked(folder, at))
    assert ran.status == "fail", ran.told
    assert "file 1.bin" in ran.told


def test_what_stands_behind_the_end_of_a_tar_archive_is_told(folder):
    at = packed(folder, "tail.tar")
    with at.open("ab") as handle:
        handle.write(b"\0" * 2048 + b"the rest of a longer archive")
    aged(at, 600)
    ran = run("backup.archive", asked(folder, at))
    assert (ran.status, ran.seen.proof_level) == ("fail", 2), ran.told
    assert "no part of it" in ran.told


def test_a_process_that_writes_into_it_is_seen_and_one_that_reads_is_not(folder):
    at = packed(folder, "open.tar.gz", "-z")
    with at.open("rb"):
        assert run("backup.archive", asked(folder, at), LocalRemote()).seen.proof_level == 5
    with at.open("ab"):
        ran = run("backup.archive", asked(folder, at), LocalRemote())
    assert (ran.status, ran.seen.proof_level) == ("inconclusive", 2), ran.told
    assert f"Process {os.getpid()} is writing into it" in ran.told


@pytest.mark.parametrize("right", [True, False])
def test_a_checksum_beside_it_proves_a_format_that_is_not_read_here(folder, right):
    at = folder / f"image-{right}.7z"
    at.write_bytes(b"7z\xbc\xaf\x27\x1c" + os.urandom(5000))
    aged(at, 60)
    due = hashlib.sha256(at.read_bytes() if right else b"").hexdigest()
    at.with_suffix(".7z.sha256").write_text(f"{due}  {at.name}\n")
    without = run("backup.archive", asked(folder, at, min_level=4))
    assert (without.status, without.seen.proof_level) == ("inconclusive", 2), without.told
    ran = run("backup.archive", asked(folder, at, min_level=4, checksum="*.sha256"))
    assert (ran.status, ran.seen.proof_level) == (("pass", 4) if right else ("fail", 2)), ran.told


def test_without_the_program_that_unpacks_it_nothing_is_said_of_it(folder):
    tools = folder / "tools"
    tools.mkdir()
    for name in ("sh", "bash", "stat", "head", "od", "tr", "sed", "cat", "tar", "date", "sleep", "setpriv"):
        path = shutil.which(name)
        assert path is not None
        (tools / name).symlink_to(path)
    at = packed(folder, "zstd.tar.zst", "--zstd")
    ran = run("backup.archive", asked(folder, at), LocalUser(env={"PATH": str(tools)}))
    assert (ran.status, ran.seen.proof_level) == ("inconclusive", 2), ran.told
    assert "no program zstd" in ran.told


class Changed(LocalUser):
    """A host whose answers to one script are changed on the way."""

    def __init__(self, script: str, change: Callable[[bytes], bytes]) -> None:
        super().__init__()
        self._script, self._change = script, change

    async def run(self, command: Command) -> CommandResult:
        done = await super().run(command)
        if len(command.argv) < 4 or command.argv[3] != self._script:
            return done
        return CommandResult(
            command=command,
            status=0,
            stdout=self._change(done.stdout),
            stderr=b"",
            ended="exit",
            duration_s=0.1,
        )


@pytest.mark.parametrize("name", ["twice.tar", "twice.tar.gz"])
def test_an_archive_behind_an_archive_is_one_that_nobody_unpacks(folder, name):
    at = packed(folder, name, "-z" if name.endswith("gz") else "--blocking-factor=20")
    at.write_bytes(at.read_bytes() * 2)
    aged(at, 3600)
    ran = run("backup.archive", asked(folder, at, min_level=3))
    assert (ran.status, ran.seen.proof_level) == ("fail", 2), ran.told
    assert "such as another archive" in ran.told


def test_an_archive_that_ends_in_a_megabyte_of_zeros_is_whole(folder):
    at = packed(folder, "tape.tar.gz", "-z", "--blocking-factor=4096")
    aged(at, 3600)
    ran = run("backup.archive", asked(folder, at))
    assert (ran.status, ran.seen.proof_level) == ("pass", 5), ran.told


def test_first_bytes_that_did_not_come_are_no_unknown_format(folder):
    at = packed(folder, "headless.tar.gz", "-z")
    lost = Changed("look at an archive", lambda text: re.sub(rb"\n[0-9a-f]{64,}\n", b"\n\n", text))
    ran = run("backup.archive", asked(folder, at), lost)
    assert ran.status == "inconclusive", ran.told
    assert "could not be read" in ran.told
    assert "of a format" not in ran.told


@pytest.mark.parametrize("script", [
    "list of archives", "look at an archive", "list of a tar archive", "second look at an archive",
    "hash of an archive's members",
])  # fmt: skip
@pytest.mark.parametrize("change", [
    pytest.param(lambda _: b"", id="nothing"),
    pytest.param(lambda text: text[: len(text) // 2], id="half"),
    pytest.param(lambda text: text[:-2], id="two bytes less"),
    pytest.param(lambda _: b"\xff\0 \n12 ended 0 0\0", id="noise"),
])  # fmt: skip
def test_silence_or_half_an_answer_is_never_a_pass(folder, script, change):
    at = folder / "answers.tar.gz"
    if not at.exists():
        packed(folder, at.name, "-z")
        aged(at, 0)
    ran = run("backup.archive", asked(folder, at), Changed(script, change))
    assert ran.status != "pass", ran.told
    assert ran.seen.proof_level < 5


@pytest.mark.parametrize(("name", "day"), [
    ("/b/files-20261122.tar.gz", "2026-11-22"),
    ("/b/files_2026-11-22_0130.tar", "2026-11-22"),
    ("/b/2026.11.22.zip", "2026-11-22"),
    ("/20200101/files.tar", None),
    ("/b/files-20261122-20261121.tar", None),
    ("/b/files-20261322.tar", None),
    ("/b/files-20260230.tar", None),
    ("/b/files-120261122.tar", None),
    ("/b/files.tar", None),
])  # fmt: skip
def test_the_day_of_a_name_counts_only_if_it_says_exactly_one(name, day):
    assert day_of(name) == (datetime.fromisoformat(f"{day}T00:00:00+00:00") if day else None)


@pytest.mark.parametrize(("name", "written", "born", "begun", "known"), [
    ("/b/f.tar", 1_800_000_000, 0, 1_800_000_000, False),
    ("/b/f.tar", 1_800_000_000, 1_799_999_000, 1_799_999_000, True),
    ("/b/f.tar", 1_800_000_000, 1_700_000_000, 1_800_000_000, False),
    ("/b/f.tar", 1_800_000_000, 1_800_000_500, 1_800_000_000, False),
    ("/b/f-20260110.tar", 1_800_000_000, 1_800_000_000, 1_768_140_000, True),
    ("/b/f-20270115.tar", 1_800_000_000, 1_799_999_000, 1_799_999_000, True),
])  # fmt: skip
def test_the_begin_is_the_birth_or_the_end_and_never_after_the_day_of_the_name(
    name, written, born, begun, known
):
    (file,) = parse_listed(f"5 {written} {born} 81a4 {name}\0".encode())
    assert (file.begun, file.known) == (datetime.fromtimestamp(begun, UTC), known)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.text(max_size=60))
def test_no_answer_of_a_host_breaks_a_parser(output, errors):
    for parse in (
        parse_listed, lambda data: parse_tar(data + b"\nended 0 0\n", errors, "gz"),
        lambda data: parse_zip(data, 0), lambda data: parse_zip(data + b"PK\x05\x06" + data[:18], 7), kind_of,
    ):  # fmt: skip
        with contextlib.suppress(CannotTell):
            parse(output)
    result = CommandResult(
        command=Command(argv=("x",)), status=0, stdout=output + b"\0ended 0 0\0", stderr=b"", ended="exit",
        duration_s=0.0,
    )  # fmt: skip
    with contextlib.suppress(CannotTell):
        hashed(result, LocalRemote())
