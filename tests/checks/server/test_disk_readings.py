"""What df and its like print, read; sizes as a person writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checks.server import _disks
from checks.server._sizes import parse_size, shown_size
from checks.server.capacity import Capacity
from checks.words import Status
from tests.checks.server.sides import made

S = Status
RECORDED = Path(__file__).parent / "recorded"
LOGIN = {"host": "192.0.2.20", "user": "tech"}

DF = """\
Type      1B-blocks       Used      Avail   Inodes   IUsed     IFree Mounted on
ext4    10000000000 4000000000 5000000000   600000  100000    500000 /
ext4    10000000000 9700000000  300000000   600000  599000      1000 /srv/my files
btrfs   10000000000 4000000000 6000000000        0       0         0 /data
squashfs    1000000    1000000          0      100     100         0 /snap/x
"""
MOUNTS = "/dev/a / ext4 rw,relatime 0 0\n/dev/b /srv/my\\040files ext4 ro,errors=remount-ro 0 0\n"


def space(*asked: tuple[str, str]) -> _disks.Space:
    head = ("MemTotal: 4000000 kB\nMemAvailable:  1000000 kB\n", "memory", "4\n", "processors", MOUNTS,
            "mounts", DF, "0")  # fmt: skip
    parts = [*head, *(part for pair in asked for part in pair), "end"]
    return _disks.parse_space("\0".join(parts).encode(), "new", [f"/p{n}" for n in range(len(asked))])


def test_df_of_names_with_blanks_of_read_only_and_of_image_file_systems():
    found = space()
    assert [disk.mount for disk in found.disks] == ["/", "/srv/my files", "/data"]
    assert [disk.read_only for disk in found.disks] == [False, True, False]
    assert (found.memory, found.processors) == (1024000000, 4)
    check = made(Capacity, LOGIN)
    told = list(check.judge(seen_of(check, found)))
    assert [f.subject for f in told if f.status is S.FAIL] == ["new /srv/my files"] * 2
    few = made(Capacity, LOGIN | {"min_free": "1%", "min_inodes": "0.1%", "min_memory": "2G", "min_cpus": 4})
    assert {f.message for f in few.judge(seen_of(few, found)) if f.status is S.FAIL} == {
        "The host has too little: 977 MiB available memory."
    }


def seen_of(check: Any, target: Any) -> Any:
    from tests.checks.form import seen_type

    return seen_type(type(check))(target=target, source=None)


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (("", "124"), "silent"),
        (("df: /p0: No such file or directory\n", "1"), "missing"),
        (("df: /p0: Permission denied\n", "1"), "df: /p0: Permission denied"),
        (("", "0"), "df ended with 0"),
    ],
)
def test_a_path_that_df_cannot_place(answer, trouble):
    assert space(answer).asked[0].trouble == trouble


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("500G", 500 << 30),
        ("1.5 TiB", 3 << 39),
        ("800MB", 800_000_000),
        (12, 12),
        ("1k", 1024),
        ("5 GB", 5 * 10**9),
    ],
)
def test_sizes(text, size):
    assert parse_size(text) == size
    assert parse_size(parse_size(text)) == size


@pytest.mark.parametrize("text", ["", "G", "-1G", "1X", "1e9", True, None, "9" * 30, "1 0G", "99999P"])
def test_no_sizes(text):
    with pytest.raises(ValueError):
        parse_size(text)


def test_sizes_are_shown_short():
    assert [shown_size(n) for n in (0, 1536, 10**12)] == ["0 B", "1.5 KiB", "931 GiB"]
