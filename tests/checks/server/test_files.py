"""server.files: whatever is lost, changed or cannot be read in a copy is told, and never passes."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.server import _tree_judge, _tree_walk
from checks.server._tree_read import Unclear, read_contents, read_listed, read_sums
from checks.server._tree_seen import draw
from checks.server._tree_walk import Tree, look
from checks.vantage import CannotTell
from checks.words import Status, worst
from tests.checks.hostile import assert_harmless
from tests.lab import fileserver
from tests.lab.needs import need
from tests.local_remote import LocalRemote

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("fileserver")]
S = Status
REPORT = "projects/2024/report-07.txt"


class Host(LocalRemote):
    """This machine under a name of its own, perhaps as somebody who may not read everything."""

    def __init__(self, name, *, nobody=False, awk=None, edit=None):
        super().__init__(env={"PATH": f"{awk}:/usr/bin:/bin"} if awk else None)
        self.name, self.nobody, self.edit = name, nobody, edit

    async def run(self, command):
        if self.nobody:
            words = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
            command = dataclasses.replace(command, argv=(*words, *command.argv))
        result = await super().run(command)
        return self.edit(result) if self.edit else result


@pytest.fixture(scope="module")
def old():
    need("setfacl", "getfacl", "rsync")
    with fileserver.open_folder() as folder:
        yield fileserver.tree(folder / "old")


@pytest.fixture
def new(old):
    made = fileserver.copy(old, old.parent / f"new-{os.urandom(4).hex()}")
    yield made
    shutil.rmtree(made)


async def seen_of(
    old, new, *, here=None, there=None, allowed=(), files=20, ownership=True, acl=True, seed=""
):
    rest = {"as_user": "", "ownership": ownership, "acl": acl, "timeout_s": 60.0}
    return await look(
        Tree(remote=here or Host("old"), path=str(old), **rest),
        Tree(remote=there or Host("new"), path=str(new), **rest),
        allowed=allowed, seed=seed, sample_files=files,
    )  # fmt: skip


def judged(seen, *, max_delta=0.01, files=20, allowed=()):
    findings = list(_tree_judge.judge(seen, max_delta=max_delta, sample_files=files, allowed=allowed))
    assert_harmless(findings)
    return worst(f.status for f in findings), "\n".join(
        f"{f.status}: {f.message} [{f.observed}] {f.fix}" for f in findings
    )


async def told(old, new, *, max_delta=0.01, **how):
    seen = await seen_of(old, new, **how)
    return judged(seen, max_delta=max_delta, files=how.get("files", 20), allowed=how.get("allowed", ()))


async def test_a_copy_with_everything_passes(old, new):
    seen = await seen_of(old, new, files=1000)
    status, text = judged(seen, files=1000)
    assert status is S.PASS, text
    assert {one.outcome for one in seen.sample} == {"same"}
    assert len(seen.sample) == seen.population == 40 + 2 + len(fileserver.ODD) + 1 + 1 + 2
    assert seen.source.bytes < 4 << 20 | 1 << 16
    assert seen.source.allocated < 1 << 20
    assert any("\\xff\\xfe" in one.path for one in seen.sample)


async def test_both_awks_say_the_same(old, new, tmp_path):
    need("mawk", "gawk")
    for name in ("mawk", "gawk"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "awk").symlink_to(shutil.which(name))
    seen = await seen_of(
        old, new, here=Host("old", awk=tmp_path / "mawk"), there=Host("new", awk=tmp_path / "gawk")
    )
    assert judged(seen)[0] is S.PASS


def grow(new):
    path = new / REPORT
    path.write_text("a line more\n")


def touch(new):
    os.utime(new / REPORT, (fileserver.OLD_TIME + 60,) * 2)


def relink(new):
    (new / "link").unlink()
    (new / "link").symlink_to("projects/2024/report-03.txt")


def unlink_hard(new):
    (new / "hard").unlink()
    shutil.copy2(new / "projects/2024/report-01.txt", new / "hard")


def retype(new):
    (new / REPORT).unlink()
    (new / REPORT).mkdir()


def gone_odd(new):
    Path(os.fsdecode(os.fsencode(new) + b"/odd/\xff\xfe.dat")).unlink()


CHANGES = {
    "missing": (lambda new: (new / REPORT).unlink(), "missing on new"),
    "missing with an odd name": (gone_odd, r"\xff\xfe.dat"),
    "extra": (lambda new: (new / "more").write_text("x"), "on new only"),
    "changed after the copy": (grow, "size 180, there 12"),
    "touched after the copy": (touch, "modified 2020-09-13 12:26:40 UTC, there 2020-09-13 12:27:40 UTC"),
    "an empty folder missing": (lambda new: (new / "empty/inner").rmdir(), "empty/inner"),
    "wrong user": (lambda new: os.chown(new / REPORT, 1, 0), "user id 0, there 1"),
    "wrong group": (lambda new: os.chown(new / "homes", 0, 7), "group id 0, there 7"),
    "wrong mode": (lambda new: (new / REPORT).chmod(0o666), "mode 644, there 666"),
    "mode of the folder itself": (lambda new: new.chmod(0o700), ".: mode 755, there 700"),
    "wrong access list": (lambda new: fileserver.acl(new / REPORT, "u:3002:rw"), "access list none, there"),
    "another default list": (lambda new: fileserver.acl(new / "projects", "d:u:3002:rwx"), "access list "),
    "link target": (relink, "target projects/2024/report-00.txt, there projects/2024/report-03.txt"),
    "hard link copied": (unlink_hard, "hard links 2, there 1"),
    "another type": (retype, "type file, there folder"),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_one_change_is_found_wherever_it_is(old, new, name):
    change, words = CHANGES[name]
    change(new)
    status, text = await told(old, new, files=3)
    assert status is S.FAIL, text
    assert words in text


async def test_only_the_sample_finds_another_content_with_the_same_size_and_time(old, new):
    path = new / REPORT
    path.write_bytes(path.read_bytes()[:-9] + b"truncated"[:9])
    os.utime(path, (fileserver.OLD_TIME,) * 2)
    assert (await told(old, new, files=0))[0] is S.PASS
    status, text = await told(old, new, files=1000)
    assert status is S.FAIL, text
    assert REPORT in text
    assert "1 of" in text


async def test_a_sample_is_repeatable_by_its_seed(old, new):
    first, again, other = [await seen_of(old, new, files=5, seed=seed) for seed in ("a", "a", "b")]
    assert first.sample == again.sample != other.sample
    assert first.seed == "a"


async def test_a_share_that_may_differ_is_a_warning_and_what_is_allowed_passes(old, new):
    (new / REPORT).unlink()
    (new / "more").write_text("x")
    assert (await told(old, new, max_delta=50.0))[0] is S.WARN
    both = ("more", "projects/*/report-07.txt")
    status, text = await told(old, new, allowed=both)
    assert status is S.PASS
    assert "2 differences are allowed" in text
    assert (await told(old, new, allowed=("more",)))[0] is S.FAIL
    assert (await told(old, new, allowed=(*both, "not/there")))[0] is S.WARN


async def test_owners_and_lists_may_be_left_out(old, new):
    os.chown(new / REPORT, 1, 1)
    fileserver.acl(new / "nothing", "u:9:r")
    assert (await told(old, new))[0] is S.FAIL
    assert (await told(old, new, ownership=False))[0] is S.FAIL
    assert (await told(old, new, ownership=False, acl=False))[0] is S.PASS


async def test_what_may_not_be_read_is_counted_and_never_passes(old, new):
    status, text = await told(old, new, there=Host("new", nobody=True), files=1000)
    assert status is S.INCONCLUSIVE, text
    assert "2 of" in text
    assert "cannot be read on the target" in text
    (new / "empty").chmod(0o700)
    (old / "empty").chmod(0o700)
    try:
        status, text = await told(old, new, there=Host("new", nobody=True), files=5)
    finally:
        (old / "empty").chmod(0o755)
    assert status is S.INCONCLUSIVE, text
    assert "Permission denied" in text
    assert "or could not be seen" in text


async def test_no_folder_on_the_target_fails_and_none_on_the_source_is_no_proof(old, new, tmp_path):
    assert (await told(old, tmp_path / "none"))[0] is S.FAIL
    assert (await told(tmp_path / "none", new))[0] is S.INCONCLUSIVE
    assert (await told(old, new / REPORT))[0] is S.FAIL
    (tmp_path / "void").mkdir()
    assert (await told(tmp_path / "void", new))[0] is not S.PASS
    assert (await told(tmp_path / "void", tmp_path / "void", there=Host("x")))[0] is S.INCONCLUSIVE


async def test_one_folder_compared_with_itself_is_no_proof(old):
    status, text = await told(old, old)
    assert status is S.INCONCLUSIVE
    assert "very same folder" in text


async def test_a_file_system_below_is_told(old, new):
    need("unshare")
    words = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', str(new / "empty"))

    class Mounted(Host):
        async def run(self, command):
            return await super().run(dataclasses.replace(command, argv=(*words, *command.argv)))

    status, text = await told(old, new, there=Mounted("new"), ownership=False, acl=False)
    assert status is S.FAIL
    assert "Other file systems" in text
    assert "empty" in text
    seen = await seen_of(old, new, there=Mounted("new"), allowed=("empty", "empty/inner"), ownership=False)
    assert judged(seen, allowed=("empty", "empty/inner"))[0] is S.PASS


async def test_no_acl_tools_is_inconclusive_unless_nobody_asks(old, new, tmp_path):
    for path in Path("/usr/bin").iterdir():
        if path.name != "getfacl":
            (tmp_path / path.name).symlink_to(path)

    class Bare(Host):
        def __init__(self):
            super().__init__("new")
            self._env = {"PATH": str(tmp_path)}

    status, text = await told(old, new, there=Bare())
    assert status in (S.INCONCLUSIVE, S.FAIL)
    assert "access lists could not be read" in text
    assert (await told(old, new, there=Bare(), acl=False))[0] is S.PASS


async def test_more_differences_than_can_be_listed_are_never_a_pass(old, new, monkeypatch):
    monkeypatch.setattr(_tree_walk, "LISTING", 400)
    for path in (new / "projects/2024").iterdir():
        os.utime(path, (1, 1))
    seen = await seen_of(old, new)
    assert seen.unlisted > 10
    assert judged(seen)[0] is S.FAIL
    assert judged(seen, max_delta=50.0)[0] is S.INCONCLUSIVE


async def raw(old):
    sums = await Host("old").run(_tree_walk.TREE(str(old), "sums", "1", "1", "512", ""))
    number = next(n for n, b in read_sums(sums.stdout).buckets.items() if b.files)
    listed = await Host("old").run(_tree_walk.TREE(str(old), "list", "1", "1", "512", f"{number} {number}.1"))
    return sums.stdout, listed.stdout


async def test_half_an_output_is_none(old):
    sums, listed = await raw(old)
    for cut in {*range(0, len(sums), 97), len(sums) - 1, len(sums) - 2, *(sums.rfind(b"Z"),)}:
        with pytest.raises(Unclear):
            read_sums(sums[:cut])
    for cut in range(len(listed)):
        with pytest.raises(Unclear):
            read_listed(listed[:cut])
    lines = sums.split(b"\n")
    for left_out in (b"D\t", b"S\tfind", b"B\t", b"H\t", b"K\tf"):
        with pytest.raises(Unclear):
            read_sums(b"\n".join(line for line in lines if not line.startswith(left_out)))


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda r: dataclasses.replace(r, stdout=b""), id="nothing"),
        pytest.param(lambda r: dataclasses.replace(r, stdout=r.stdout[:-3]), id="cut"),
        pytest.param(lambda r: dataclasses.replace(r, status=None, ended="connection-lost"), id="lost"),
        pytest.param(lambda r: dataclasses.replace(r, status=137), id="killed"),
        pytest.param(lambda r: dataclasses.replace(r, ended="output-cap"), id="capped"),
    ],
)
async def test_a_command_that_did_not_end_well_cannot_tell(old, new, edit):
    with pytest.raises(CannotTell):
        await seen_of(old, new, there=Host("new", edit=edit))


LINES = st.lists(
    st.sampled_from([b"H\tm\t1:2", b"D\t1\t1\t1\t9", b"K\tf\t1", b"S\tfind\t0", b"B\t1\t1\t0", b"X\ta", b"E",
                     b"", b"a" * 64 + b"  -", b"L\t1\tf\t1\t1\t0\t0\t644\t1\ta//", b"P\t1.1\tA\tx\ty",
                     b"\t\t"])
    | st.binary(max_size=30)
).map(b"\n".join)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(out=st.binary(max_size=200) | LINES | LINES.map(lambda text: text + b"\nE\n"))
def test_no_output_breaks_the_readers(out):
    for read in (read_sums, read_listed, lambda data: read_contents(data, 1)):
        try:
            read(out)
        except Unclear:
            pass


@given(st.dictionaries(st.integers(0, 9), st.integers(0, 5), max_size=5), st.integers(0, 9))
def test_draws_are_places_that_exist_and_each_once(files, count):
    from checks.server._tree_read import Bucket

    buckets = {n: Bucket(digest="", entries=f, files=f, octets=0) for n, f in files.items()}
    places = draw(buckets, "s", count)
    assert len(places) == len(set(places)) == min(count, sum(files.values()))
    for place in places:
        number, _, rank = place.partition(".")
        assert 1 <= int(rank) <= files[int(number)]


async def test_a_tree_that_changes_meanwhile_is_inconclusive(old, new):
    touch(new)

    class Busy(Host):
        async def run(self, command):
            if "list" in command.argv:
                os.utime(new / REPORT, (fileserver.OLD_TIME,) * 2)
            return await super().run(command)

    status, text = await told(old, new, there=Busy("new"))
    assert status is S.INCONCLUSIVE, text
    assert "changed while they were read" in text


@pytest.mark.parametrize("name", fileserver.ODD)
async def test_another_access_list_of_an_odd_name_is_found(old, new, name):
    subprocess.run(["setfacl", "-m", "u:9:r", "--", os.fsencode(new) + b"/odd/" + name], check=True)
    status, text = await told(old, new, files=0)
    assert status is S.FAIL, text
    assert "access list none, there" in text
