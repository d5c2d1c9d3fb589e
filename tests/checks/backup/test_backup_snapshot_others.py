"""backup.snapshot on LVM and ZFS: by the form that a real lvs prints, and by ZFS' documentation."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backup import _btrfs, _btrfs_read, _lvm, _mounted, _zfs
from checks.backup._snapshot_btrfs import stamp
from checks.backup.snapshot import Snapshot
from checks.contract import Status, worst
from checks.vantage import CannotTell
from tests.scripted_remote import ScriptedRemote, climbed, told

NOW = datetime.now(UTC).replace(microsecond=0)


def row(name, origin="", attributes="owi-a-s---", snap="", data="", at=NOW, pool=""):
    return {
        "vg_name": "vg0", "lv_name": name, "origin": origin, "snap_percent": snap, "data_percent": data,
        "lv_time": at.strftime("%Y-%m-%d %H:%M:%S +0000"), "lv_size": "16777216", "lv_attr": attributes,
        "pool_lv": pool,
    }  # fmt: skip


def looked(remote, **params):
    check = Snapshot(host="files.example.net", user="tech", **params)
    seen = asyncio.run(climbed(check, remote))
    return check, seen, worst(finding.status for finding in check.judge(seen))


def lvm(*rows, **params):
    said = json.dumps({"report": [{"lv": [row("files"), *rows]}]})
    return looked(ScriptedRemote(lambda _: said), layout="lvm", volume="vg0/files", **params)


HOUR_AGO = NOW - timedelta(hours=1)
LVM = {
    "good": (row("s", "files", "swi-a-s---", "12.34", at=HOUR_AGO), 3, Status.PASS),
    "full": (row("s", "files", "swi-I-s---", "100.00", at=HOUR_AGO), 2, Status.FAIL),
    "full by its number only": (row("s", "files", "swi-a-s---", "100.00", at=HOUR_AGO), 2, Status.FAIL),
    "invalid by its letter only": (row("s", "files", "swi-I-s---", "3.00", at=HOUR_AGO), 2, Status.FAIL),
    "invalid and suspended": (row("s", "files", "swi-S-s---", "", at=HOUR_AGO), 2, Status.FAIL),
    "nearly full": (row("s", "files", "swi-a-s---", "85.00", at=HOUR_AGO), 2, Status.INCONCLUSIVE),
    "merge failed": (row("s", "files", "swi-m-s---", "3.00", at=HOUR_AGO), 2, Status.FAIL),
    "merging": (row("s", "files", "Swi-a-s---", "3.00", at=HOUR_AGO), 2, Status.FAIL),
    "a disk is missing": (row("s", "files", "swi-a-s-p-", "3.00", at=HOUR_AGO), 2, Status.FAIL),
    "not active": (row("s", "files", "swi---s---", "", at=HOUR_AGO), 2, Status.INCONCLUSIVE),
    "unknown": (row("s", "files", "swi-XX----", "", at=HOUR_AGO), 2, Status.INCONCLUSIVE),
    "old": (row("s", "files", "swi-a-s---", "12.34", at=NOW - timedelta(days=3)), 3, Status.FAIL),
    "of another": (row("s", "mail", "swi-a-s---", "12.34", at=HOUR_AGO), 0, Status.FAIL),
}


@pytest.mark.parametrize("name", LVM)
def test_lvm(name):
    snapshot, level, status = LVM[name]
    check, seen, found = lvm(snapshot)
    assert (seen.proof_level, found) == (level, status), told(check, seen)


@pytest.mark.parametrize(
    ("data", "level", "status"),
    [("10.00", 3, Status.PASS), ("100.00", 2, Status.FAIL), ("92.00", 2, Status.INCONCLUSIVE),
     ("", 2, Status.INCONCLUSIVE)],
    ids=["room", "full", "nearly full", "unknown"],
)  # fmt: skip
def test_thin(data, level, status):
    pool = row("[pool]", attributes="twi-aot---", data=data)
    check, seen, found = lvm(pool, row("s", "files", "Vri-a-t---", data="5.00", at=HOUR_AGO, pool="[pool]"))
    assert (seen.proof_level, found) == (level, status), told(check, seen)


def test_lvm_never_proves_its_data():
    good = row("s", "files", "swi-a-s---", "12.34", at=HOUR_AGO)
    for level in (4, 5):
        check, seen, found = lvm(good, min_level=level)
        assert (seen.proof_level, found) == (3, Status.INCONCLUSIVE), told(check, seen)


def test_an_lvs_that_sees_nothing_proves_nothing():
    empty = json.dumps({"report": [{"lv": []}]})
    check, seen, found = looked(ScriptedRemote(lambda _: empty), layout="lvm", volume="vg0/files")
    assert (seen.proof_level, found) == (0, Status.INCONCLUSIVE), told(check, seen)


SCAN = "  scan: scrub repaired 0B in 00:10:12 with 0 errors on {at}\n"


def zpool(scan="", state="ONLINE", errors="No known data errors"):
    return (
        f"  pool: tank\n state: {state}\n{scan}config:\n\n\tNAME STATE READ WRITE CKSUM\n\nerrors: {errors}\n"
    )


def zfs(status, *, at=HOUR_AGO, token="-", mounted="yes", children="", more="", **params):
    epoch = int(at.timestamp())
    said = (
        f"tank/files@old\t{epoch - 86400}\t1024\t90000\t111\ntank/files@auto\t{epoch}\t0\t100000\t222\n\0"
        f"type\tfilesystem\nmounted\t{mounted}\nmountpoint\t/tank/files\nreceive_resume_token\t{token}\n\0"
        f"{status}\0tank/files\n{children}\0tank/files@old\ntank/files@auto\n{more}\0end"
    )
    return looked(
        ScriptedRemote(lambda command: said if command.argv[3] == "zfs" else (4, "find: broken")),
        layout="zfs", volume="tank/files", **params,
    )  # fmt: skip


def scrubbed(at):
    return SCAN.format(at=at.strftime("%a %b %e %H:%M:%S %Y"))


ZFS = {
    "asked for 3": (zpool(), {}, 3, Status.PASS),
    "scrubbed later": (zpool(scrubbed(NOW)), {"min_level": 4}, 4, Status.PASS),
    "scrub ended later, begun before": (
        zpool(scrubbed(HOUR_AGO + timedelta(minutes=5))), {"min_level": 4}, 3, Status.INCONCLUSIVE,
    ),
    "never scrubbed": (zpool("  scan: none requested\n"), {"min_level": 4}, 3, Status.INCONCLUSIVE),
    "scrubbing": (
        zpool("  scan: scrub in progress since Tue Dec 31 14:05:14 2019\n"), {"min_level": 4}, 3,
        Status.INCONCLUSIVE,
    ),
    "scrub with errors": (
        zpool(scrubbed(NOW).replace("0 errors", "3 errors")), {"min_level": 4}, 3, Status.FAIL,
    ),
    "data errors": (
        zpool(scrubbed(NOW), errors="Permanent errors have been detected in the following files:"),
        {"min_level": 4}, 3, Status.FAIL,
    ),
    "degraded": (zpool(scrubbed(NOW), state="DEGRADED"), {"min_level": 4}, 4, Status.PASS),
    "suspended": (zpool(scrubbed(NOW), state="SUSPENDED"), {"min_level": 4}, 3, Status.INCONCLUSIVE),
    "half received": (zpool(), {"token": "1-bf31b879a-d8-789c"}, 2, Status.INCONCLUSIVE),
    "a dataset below it was left out": (zpool(), {"children": "tank/files/home\n"}, 2, Status.FAIL),
    "one below it has another snapshot": (
        zpool(), {"children": "tank/files/home\n", "more": "tank/files/home@old\n"}, 2, Status.FAIL,
    ),
    "one below it has it, too": (
        zpool(), {"children": "tank/files/home\n", "more": "tank/files/home@auto\n"}, 3, Status.PASS,
    ),
    "one that is not needed": (
        zpool(), {"children": "tank/files/home\n", "without": ("home",)}, 3, Status.PASS,
    ),
    "old": (zpool(), {"at": NOW - timedelta(days=4)}, 3, Status.FAIL),
    "not mounted": (zpool(scrubbed(NOW)), {"min_level": 5, "mounted": "no"}, 4, Status.INCONCLUSIVE),
    "unreadable": (zpool(scrubbed(NOW)), {"min_level": 5}, 4, Status.INCONCLUSIVE),
}  # fmt: skip


@pytest.mark.parametrize("name", ZFS)
def test_zfs(name):
    status, params, level, wanted = ZFS[name]
    check, seen, found = zfs(status, **params)
    assert (seen.proof_level, found) == (level, wanted), told(check, seen)


def test_old_forms_of_a_scrub():
    began = _zfs.pool(
        "  scan: scrub repaired 668K in 12h11m with 0 errors on Wed Mar 29 23:54:19 2017"
    ).scrub_began
    assert began == datetime(2017, 3, 29, 11, 42, 19, tzinfo=UTC)
    began = _zfs.pool(
        "scan: scrub repaired 0 in 2 days 00:14:33 with 0 errors on Wed Jan  8 04:01:31 2020"
    ).scrub_began
    assert began == datetime(2020, 1, 6, 3, 46, 57, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "zone", "wanted"),
    [
        ("files.20261101T0300+0100", "+0000", datetime(2026, 11, 1, 2, tzinfo=UTC)),
        ("files.20261101T0300", "+0100", datetime(2026, 11, 1, 2, tzinfo=UTC)),
        ("2026-11-01_03:00:05", "-0500", datetime(2026, 11, 1, 8, 0, 5, tzinfo=UTC)),
        ("files-2026-11-01", "+0100", datetime(2026, 10, 31, 23, tzinfo=UTC)),
        ("files.20261101T030000Z", "+0100", datetime(2026, 11, 1, 3, tzinfo=UTC)),
        ("files.20261301T0300", "+0100", None),
        ("20261101 to 20261102", "+0000", None),
        ("files.20261101", "", None),
        ("nightly", "+0000", None),
    ],
    ids=["own zone", "host's zone", "west", "date only", "zulu", "month 13", "two dates", "no zone", "none"],
)
def test_time_in_a_name(name, zone, wanted):
    assert stamp(name, zone) == wanted


@pytest.mark.parametrize(
    "params",
    [
        {"layout": "btrfs"}, {"layout": "btrfs", "volume": "x"}, {"layout": "btrfs", "path": "srv"},
        {"layout": "lvm", "volume": "files"}, {"layout": "lvm", "path": "/srv"}, {"layout": "zfs"},
        {"layout": "zfs", "volume": "-r"}, {"layout": "zfs", "volume": "tank/files@x"},
        {"layout": "lvm", "volume": "vg/files", "received": True},
    ],
    ids=str,
)  # fmt: skip
def test_what_does_not_fit_is_refused(params):
    with pytest.raises(ValueError, match=r"\."):
        Snapshot(host="files.example.net", user="tech", **params)


@given(st.binary(max_size=400))
def test_no_parser_breaks(data):
    text = data.decode("utf-8", "surrogateescape")
    for parse in (_lvm.parse, _zfs.parse, _btrfs_read.read_result, _mounted.parse_files):
        with suppress(CannotTell):
            parse(data)
    with suppress(CannotTell):
        _btrfs.shown(text)
    _zfs.pool(text)
    _btrfs.listed(text)
    _btrfs.scrub(text)
    _btrfs.nested(text, _btrfs.Subvolume(path="x", uuid="u", parent="", received="", at=NOW))
    _btrfs.device_errors(text)
    _btrfs.mounted_at(text, "snaps/x", "/srv")
    stamp(text, "+0000")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda x: st.lists(x, max_size=3) | st.dictionaries(st.sampled_from(["report", "lv", "lv_name", "filesystems", "target", "fsroot", "children", "device-stats", "uuid"]), x, max_size=4)))  # fmt: skip  # noqa: E501
def test_no_json_breaks_it(data):
    text = json.dumps(data)
    with suppress(CannotTell):
        _lvm.parse(text.encode())
    _btrfs.device_errors(text)
    _btrfs.mounted_at(text, "snaps/x", "/srv")
    _btrfs.without_sums(text)
