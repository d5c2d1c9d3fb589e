"""A sample proves what was compared, and nothing else: real files, a restore that may lie."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backup._check import Canary
from checks.backup._ladder import SAMPLE
from checks.backup._sample import Candidate, Restored, compare, draw
from checks.backup._sums import NOTHING, matched, parse_sums
from checks.backup._walk import Walk
from checks.contract import CannotTell, Vantage
from checks.vantage import Shared
from tests.local_remote import LocalRemote

NOW = datetime.now(UTC)


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Params:
    sample_files = 3
    seed = None
    live = manifest = canary = None
    root = ""

    def __init__(self, **given):
        vars(self).update(given)


class World:
    """A backup in memory, of files that lie below `root` on this machine."""

    def __init__(self, root, count=8):
        self.root, self.content, self.asked_for = root, {}, []
        for at in range(count):
            self.write(f"/srv/f{at}.bin", b"%d" % at * 1000)

    def write(self, path, data, *, age_s=3600.0):
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        moment = (NOW - timedelta(seconds=age_s)).timestamp()
        os.utime(place, (moment, moment))
        self.content[path] = data

    def candidates(self, **sizes):
        return [
            Candidate(path=path, size=sizes.get(path.rpartition("/")[2].partition(".")[0], len(data)))
            for path, data in self.content.items()
        ]

    async def restore(self, paths):
        self.asked_for.append(list(paths))
        return {
            path: Restored(sha256=sha(self.content[path]), bytes=len(self.content[path])) for path in paths
        }

    async def compare(self, restore=None, candidates=None, start=None, **params):
        walk = Walk("test", "this-machine", 5, Vantage(Shared()))
        remote = LocalRemote()
        walk.begin(remote, await remote.facts())
        walk.newest = start or datetime.now(UTC) + timedelta(seconds=60)
        candidates = self.candidates() if candidates is None else candidates
        await compare(walk, Params(**params), candidates, restore or self.restore, seed="abc")
        (step,) = [step for step in walk._steps if step.level == SAMPLE]
        return step, walk.sample


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def outcomes(sample):
    return sorted(row.outcome for row in sample.files)


async def test_a_sample_that_is_the_same_as_live_is_proven(world):
    step, sample = await world.compare(live=str(world.root))
    assert step.outcome == "proven", step
    assert (sample.population, sample.seed, sample.against) == (8, "abc", "live")
    assert outcomes(sample) == ["same"] * 3
    _, same = await world.compare(live=str(world.root))
    assert [row.path for row in same.files] == [row.path for row in sample.files]


async def test_another_seed_draws_others(world):
    _, one = await world.compare(live=str(world.root), seed="1")
    _, two = await world.compare(live=str(world.root), seed="2")
    assert [row.path for row in one.files] != [row.path for row in two.files]


def lying(world, **lies):
    async def restore(paths):
        good = await world.restore(paths)
        worst = min(paths)
        return {**good, worst: Restored(**lies)} if lies else {p: good[p] for p in good if p != worst}

    return restore


@pytest.mark.parametrize(
    "lies",
    [
        {"sha256": sha(b"other")},
        {"sha256": NOTHING},
        {"sha256": ""},
        {"sha256": "no hash"},
        {"why": "ciphertext verification failed"},
        {},
    ],
    ids=["other", "nothing", "no-hash", "not-a-hash", "unreadable", "left-out"],
)
@pytest.mark.parametrize("against", ["live", "manifest", "nothing"])
async def test_one_bad_file_fails_it(world, lies, against):
    params = {}
    if against == "live":
        params = {"live": str(world.root)}
    elif against == "manifest":
        params = {"manifest": manifest(world)}
    step, _ = await world.compare(lying(world, **lies), **params)
    bad_hash_alone = lies == {"sha256": sha(b"other")} and against == "nothing"
    assert step.outcome == ("unknown" if bad_hash_alone else "failed"), step
    assert step.fix


async def test_with_nothing_to_compare_with_it_is_unknown(world):
    step, sample = await world.compare()
    assert step.outcome == "unknown"
    assert "canary" in step.fix
    assert outcomes(sample) == ["skipped"] * 3


async def test_files_that_changed_are_passed_over_and_others_drawn(world):
    for at in range(5):
        world.write(f"/srv/f{at}.bin", b"new" * at, age_s=-86400)
    step, sample = await world.compare(live=str(world.root))
    assert step.outcome == "proven"
    assert outcomes(sample).count("same") == 3
    assert {row.path for row in sample.files if row.outcome == "same"} == {
        f"/srv/f{at}.bin" for at in (5, 6, 7)
    }
    assert f"{outcomes(sample).count('skipped')} passed over" in step.detail


async def test_if_all_changed_nothing_is_proven(world):
    step, sample = await world.compare(live=str(world.root), start=NOW - timedelta(days=1))
    assert step.outcome == "unknown"
    assert outcomes(sample) == ["skipped"] * 8
    assert world.asked_for == []


async def test_a_wrong_live_folder_proves_nothing(world):
    step, _ = await world.compare(live="/nowhere-at-all")
    assert step.outcome == "unknown"


async def test_a_file_that_differs_from_one_touched_since_leaves_a_doubt(world):
    """After a chown of everything a damaged copy would otherwise be excused by its new ctime."""
    start = datetime.now(UTC) - timedelta(seconds=600)

    async def other(paths):
        return {
            path: Restored(sha256=sha(b"before" if path.endswith("f1.bin") else world.content[path]))
            for path in paths
        }

    step, sample = await world.compare(other, live=str(world.root), start=start, sample_files=8)
    assert step.outcome == "unknown", step
    assert outcomes(sample).count("doubtful") == 1
    assert outcomes(sample).count("same") == 7


async def test_a_file_of_another_size_that_never_changed_is_no_excuse(world):
    """Half a file in the backup must not be passed over as if the live one had changed."""
    half = {path: data[:100] for path, data in world.content.items()}

    async def restore(paths):
        return {path: Restored(sha256=sha(half[path]), bytes=100) for path in paths}

    candidates = [Candidate(path=path, size=100) for path in half]
    step, _ = await world.compare(restore, candidates, live=str(world.root))
    assert step.outcome == "failed"


async def test_fewer_bytes_than_listed_fail(world):
    async def short(paths):
        return {path: Restored(sha256=sha(b"x"), bytes=1) for path in paths}

    step, _ = await world.compare(short)
    assert step.outcome == "failed"
    assert "1 bytes came back where the backup lists 1000" in step.detail


async def test_empty_files_prove_nothing(tmp_path):
    world = World(tmp_path, count=0)
    world.write("/srv/empty", b"")
    step, sample = await world.compare(live=str(world.root))
    assert (step.outcome, sample.population) == ("unknown", 0)


async def test_names_of_any_kind(tmp_path):
    world = World(tmp_path, count=0)
    names = ("a b", "-n", "$(id)", "new\nline", "quote'\"", "back\\slash", "|pipe", "\udcff\udcfe")
    for name in names:
        world.write(f"/srv/{name}", name.encode("utf-8", "surrogateescape") * 9)
    step, sample = await world.compare(live=str(world.root), sample_files=20)
    assert step.outcome == "proven", step
    assert outcomes(sample) == ["same"] * len(names)


def manifest(world, extra=b"", relative=False):
    path = world.root / "SUMS"
    lines = [f"{sha(data)}  {name if not relative else '.' + name}\n" for name, data in world.content.items()]
    path.write_bytes("".join(lines).encode() + extra)
    return str(path)


@pytest.mark.parametrize("relative", [False, True], ids=["absolute", "relative"])
async def test_a_manifest(world, relative):
    step, sample = await world.compare(manifest=manifest(world, relative=relative))
    assert (step.outcome, sample.against, sample.population) == ("proven", "manifest", 8)


async def test_a_file_of_the_manifest_that_the_backup_lacks_fails_it(world):
    step, _ = await world.compare(manifest=manifest(world, f"{sha(b'gone')}  /srv/gone\n".encode()))
    assert step.outcome == "failed"
    assert "1 files of the manifest are not in the backup" in step.detail


async def test_a_manifest_of_something_else_fails_it(world):
    (world.root / "SUMS").write_text(f"{sha(b'x')}  /other\n")
    step, _ = await world.compare(manifest=str(world.root / "SUMS"))
    assert step.outcome == "failed"


@pytest.mark.parametrize("extra", [b"half a li", b"no sum here\n", b"%s  /srv/f0.bin\n" % (b"0" * 64)],
                         ids=["cut", "another-line", "two-sums"])  # fmt: skip
async def test_a_manifest_that_cannot_be_read_whole_is_not_believed(world, extra):
    with pytest.raises(CannotTell):
        await world.compare(manifest=manifest(world, extra))


async def test_a_missing_manifest_cannot_tell(world):
    with pytest.raises(CannotTell, match="cat"):
        await world.compare(manifest=str(world.root / "nowhere"))


@pytest.mark.parametrize(
    ("canary", "outcome"),
    [
        ({"path": "/srv/f1.bin", "sha256": sha(b"1" * 1000)}, "proven"),
        ({"path": "/srv/f1.bin", "sha256": sha(b"1" * 999)}, "failed"),
        ({"path": "/srv/nowhere", "sha256": sha(b"1")}, "failed"),
    ],
    ids=["back", "other", "missing"],
)
async def test_a_canary(world, canary, outcome):
    step, sample = await world.compare(canary=Canary(**canary))
    assert (step.outcome, sample.against) == (outcome, "canary"), step


async def test_a_canary_without_a_hash_is_compared_with_the_live_one(world):
    step, _ = await world.compare(canary=Canary(path="/srv/f1.bin"), live=str(world.root), sample_files=1)
    assert step.outcome == "proven"
    with pytest.raises(CannotTell, match="canary"):
        await world.compare(canary=Canary(path="/srv/f1.bin"), live="/nowhere-at-all")


async def test_a_canary_that_differs_is_not_outweighed_by_the_others(world):
    canary = Canary(path="/srv/f1.bin", sha256=sha(b"planted"))
    step, _ = await world.compare(canary=canary, live=str(world.root), sample_files=8)
    assert step.outcome == "failed"


@given(st.sets(st.text(max_size=5), max_size=20), st.text(max_size=5), st.integers(0, 25))
def test_a_draw_can_be_repeated_and_is_the_begin_of_a_longer_one(names, seed, count):
    drawn = draw(names, seed, count)
    assert drawn == draw(sorted(names, reverse=True), seed, count)
    assert len(drawn) == min(count, len(names)) == len(set(drawn))
    assert draw(names, seed, 25)[:count] == drawn


def test_what_sha256sum_itself_writes_is_read(tmp_path):
    names = ["plain", "a b", "new\nline", "back\\slash", "\udcff", "car\rriage"]
    for name in names:
        (tmp_path / name).write_bytes(os.fsencode(name))
    expected = {name: sha(os.fsencode(name)) for name in names}
    for options in ([], ["--tag"], ["-b"]):
        done = subprocess.run(
            ["sha256sum", *options, "--", *names], cwd=tmp_path, capture_output=True, check=True
        )
        assert parse_sums(done.stdout) == expected


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader_of_sums(data):
    with contextlib.suppress(CannotTell):
        assert parse_sums(data)


@pytest.mark.parametrize(
    ("name", "files", "found"),
    [
        ("/srv/a", ["/srv/a"], "/srv/a"),
        ("./a", ["/srv/a"], "/srv/a"),
        ("a", ["/x/a", "/y/a"], None),
        ("a", ["/x/a"], "/x/a"),
        ("b/a", ["/x/a", "/y/b/a"], "/y/b/a"),
        ("a", ["/x/ba"], None),
        ("/srv/a", ["/other/srv/a"], None),
        ("/srv/a", ["srv/a"], "srv/a"),
    ],
    ids=["absolute", "beside", "two", "end", "longer-end", "no-slash", "absolute-elsewhere", "without-slash"],
)
def test_matched(name, files, found):
    assert matched([name], files, "/srv/SUMS") == {name: found}
