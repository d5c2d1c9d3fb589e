"""What restic prints, read: times, lists, records of restores, and anything else it might print."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backup import _restic as told
from checks.backup._records import parse_records
from checks.contract import CannotTell
from checks.wire.ssh.command import Command
from checks.wire.ssh.remote import CommandResult


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T18:03:15.74560527Z", "2026-11-22T18:03:15.745605+00:00"),
        ("2026-11-22T18:03:15Z", "2026-11-22T18:03:15+00:00"),
        ("2026-11-22T19:03:15.1+01:00", "2026-11-22T18:03:15.100000+00:00"),
        ("2026-11-22T18:03:15", None),
        ("2026-13-22T18:03:15Z", None),
        (7, None),
    ],
)
def test_times(text, moment):
    if moment is None:
        with pytest.raises(ValueError, match=r"."):
            told.parse_time(text)
    else:
        assert told.parse_time(text).isoformat() == moment


def node(path, size=3, **other):
    return json.dumps({"name": "x", "type": "file", "path": path, "size": size,
                       "mtime": "2026-11-22T18:03:15Z", "struct_type": "node", **other})  # fmt: skip


def test_files_and_names_that_cannot_be_asked_for():
    lines = [node("/a"), node("/b\ufffd"), node("/c\nd", 0), node("/dir", type="dir"), "", '{"id": "x"}']
    listing = told.parse_ls("\n".join(lines).encode())
    assert [(file.path, file.size) for file in listing.files] == [("/a", 3), ("/c\nd", 0)]
    assert listing.unaddressable == 1
    with pytest.raises(CannotTell):
        told.parse_ls((node("/a") + "\n" + node("/b")[:-4]).encode())
    cut = told.parse_ls((node("/a") + "\n" + node("/b")[:-4]).encode(), cut=True)
    assert [file.path for file in cut.files] == ["/a"]


@pytest.mark.parametrize(
    ("record", "ok"),
    [
        ("status 0\n" + "a" * 64, True),
        ("Fatal: no\nstatus 1\n" + "a" * 64, False),
        ("status 0\nstatus 2\n" + "a" * 64, False),
        ("a" * 64, False),
        ("", False),
        ("status 0", False),
    ],
)
def test_a_record_of_a_restore(record, ok):
    (came,) = parse_records(record.encode() + b"\0", ["/a"]).values()
    assert (not came.why) == ok


def test_records_that_are_missing_or_cut_are_not_made_up():
    for output in (b"", b"status 0\n" + b"a" * 64, b"x\0y\0z\0"):
        with pytest.raises(CannotTell, match="records"):
            parse_records(output, ["/a", "/b"])


KEYS = [
    "time", "id", "paths", "hostname", "tags", "summary", "path", "type", "mtime", "size", "total_size",
    "total_file_count", "snapshots_count", "pid", "username",
]  # fmt: skip
ANY = st.one_of(st.binary(max_size=300), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(KEYS),
        inner | st.sampled_from(["file", "0" * 63 + "1", "2026-11-22T18:03:15Z", 1]), max_size=9),
    max_leaves=12,
).map(lambda value: json.dumps(value).encode()))  # fmt: skip


@given(ANY)
def test_no_output_breaks_a_reader(data):
    for read in (
        told.parse_snapshots, told.parse_ls, told.parse_stats, told.parse_lock,
        lambda output: parse_records(output, ["/a"]),
    ):  # fmt: skip
        with contextlib.suppress(CannotTell):
            read(data)
    result = CommandResult(command=Command(argv=("restic", "x")), status=1, stdout=data, stderr=data,
                           ended="exit", duration_s=0.0)  # fmt: skip
    assert told.why(result)
    assert told.packs_read(result.text) >= 0
    assert "\x1b" not in told.complaint(result)
