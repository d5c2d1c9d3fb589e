"""backup.pgbackrest: what its output may be, and what is never taken for a proof."""

from __future__ import annotations

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from checks.backup._pgbackrest import Set, gaps, missing, per_log, read_info, read_verify, segments
from checks.contract import CannotTell

NAME = "{}-" + "a" * 40 + ".gz"
VERIFIED = """stanza: main
status: ok
  archiveId: 15-1, total WAL checked: 4, total valid WAL: 4
    missing: 0, checksum invalid: 0, size invalid: 0, other: 0
  backup: 20261123-085057F, status: valid, total files checked: 1269, total valid files: 1269
    missing: 0, checksum invalid: 0, size invalid: 0, other: 0
"""


def one(first: str, lsn: str) -> Set:
    row = {
        "label": "x", "type": "full", "error": False, "timestamp": {"start": 1, "stop": 2},
        "info": {"size": 1}, "archive": {"start": first, "stop": first}, "lsn": {"start": lsn},
        "database": {"id": 1, "repo-key": 1},
    }  # fmt: skip
    status = {"code": 0, "message": "ok"}
    (made,) = read_info(
        json.dumps([{"name": "main", "status": status, "archive": [], "backup": [row]}]), "main"
    ).sets
    return made


def test_segments_are_counted_over_the_end_of_a_log() -> None:
    have = segments(
        ["x/" + NAME.format("0000000100000000000000FE"), NAME.format("0000000100000000000000FF"),
         NAME.format("000000010000000100000000"), "0000000100000000/000000010000000000000002.00000028.backup"]
    )  # fmt: skip
    assert len(have) == 3
    assert missing(have, "0000000100000000000000FE", "000000010000000100000000", 256) == []
    assert missing(have, "0000000100000000000000FD", "000000010000000100000000", 256) == [
        "0000000100000000000000FD"
    ]
    assert gaps(have, "0000000100000000000000FE", 256) == []
    assert missing(have, "", "", 256)
    assert missing(set(), "000000010000000000000002", "000000010000000000000002", 256)
    assert gaps(set(), "000000010000000000000002", 256)


def test_the_size_of_a_segment_follows_from_where_the_backup_began() -> None:
    assert per_log(one("000000010000000000000002", "0/2000028")) == 256
    assert per_log(one("000000010000000000000002", "0/8000028")) == 64
    assert per_log(one("000000010000000000000002", "")) == 256


def test_what_verify_says_is_of_this_stanza_only() -> None:
    seen = read_verify(VERIFIED, "main")
    assert (seen.status, seen.wal, len(seen.sets)) == ("ok", (4, 4), 1)
    assert read_verify(VERIFIED, "other").status == ""
    assert read_verify("", "main").status == ""


def test_a_stanza_that_is_not_listed_has_no_backup() -> None:
    assert read_info("[]", "main").code == 1


@given(st.text(max_size=300), st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["name", "status", "code", "message", "backup", "archive", "lock"]), inner, max_size=4
    ),
    max_leaves=12,
))  # fmt: skip
def test_parsers_take_whatever_comes(text: str, data: object) -> None:
    for given_ in (text, json.dumps(data), json.dumps([data])):
        with contextlib.suppress(CannotTell):
            assert not read_info(given_, "main").sets
    assert read_verify(text, "main").status == ""
    assert segments([text]) == set()
