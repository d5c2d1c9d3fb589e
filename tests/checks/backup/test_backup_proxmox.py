"""backup.proxmox by documented answers: never verified is never a pass, and what was cut off is no backup."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backup import _proxmox
from checks.backup.proxmox import Proxmox
from checks.contract import Status, worst
from checks.vantage import CannotTell
from tests.scripted_remote import ScriptedRemote, climbed, told

NOW = int(datetime.now(UTC).timestamp())
PASS, FAIL, UNKNOWN = Status.PASS, Status.FAIL, Status.INCONCLUSIVE
LOGIN = {"host": "pve1.example.net", "user": "root"}


def upid(at):
    return f"UPID:pbs:000003E8:00001A2B:00000001:{at:08X}:verify:store:root@pam:"


def item(hours=2, *, size=32 << 30, verify="ok", verified=1, vmid=104, kind="pbs-vm", **more):
    at = NOW - int(hours * 3600)
    row = {"volid": f"pbs:backup/vm/{vmid}/{hours}", "ctime": at, "size": size, "vmid": vmid, "format": kind,
           "content": "backup", "subtype": "qemu"}  # fmt: skip
    if verify:
        row["verification"] = {"state": verify, "upid": upid(NOW - int(verified * 3600))}
    return row | more


def node(*rows, **params):
    return _looked(json.dumps(rows), storage="pbs", guest=104, **params)


def _looked(said, **params):
    check = Proxmox(**LOGIN, **params)
    remote = ScriptedRemote(lambda _: said)
    seen = asyncio.run(climbed(check, remote))
    status = worst(finding.status for finding in check.judge(seen))
    return seen.proof_level, status, told(check, seen), remote


NODE = {
    "good": ((item(),), {}, 4, PASS),
    "as text": ((item() | {"ctime": str(NOW - 7200), "vmid": "104"},), {}, 4, PASS),
    "never verified": ((item(verify=""),), {}, 3, UNKNOWN),
    "never verified, asked for 3": ((item(verify=""),), {"min_level": 3}, 3, PASS),
    "verification failed": ((item(verify="failed"),), {}, 3, FAIL),
    "another state": ((item(verify="running"),), {}, 3, UNKNOWN),
    "verified before it was made": ((item(verified=9),), {}, 3, UNKNOWN),
    "verified without a time": ((item(verification={"state": "ok"}),), {}, 3, UNKNOWN),
    "the older one is verified": ((item(30), item(2, verify="")), {}, 3, UNKNOWN),
    "not made to its end": ((item(size=1, verify=""),), {"min_level": 3}, 2, UNKNOWN),
    "size not told": ((item(size=None),), {"min_level": 3}, 2, UNKNOWN),
    "old": ((item(90),), {}, 4, FAIL),
    "in the future": ((item(-5, verified=-6),), {}, 4, FAIL),
    "a file": ((item(kind="vma.zst", verify=""),), {}, 3, UNKNOWN),
    "a file that says it was verified": ((item(kind="vma.zst"),), {}, 3, UNKNOWN),
    "shrunk": ((item(50), item(26), item(2, size=1 << 30)), {}, 2, FAIL),
    "of another guest": ((item(vmid=105),), {}, 0, FAIL),
    "none": ((), {}, 0, FAIL),
    "asked for a restore": ((item(),), {"min_level": 5}, 4, UNKNOWN),
}


@pytest.mark.parametrize("name", NODE)
def test_on_a_node(name):
    rows, params, level, status = NODE[name]
    found = node(*rows, **params)
    assert found[:2] == (level, status), found[2]


@pytest.mark.parametrize("said", ["", "null", "{}", "[1]", '[{"ctime":1', "permission denied"], ids=str)
def test_no_list_is_none(said):
    level, status, text, _ = _looked(said, storage="pbs", guest=104)
    assert (level, status) == (0, UNKNOWN), text


def snapshot(hours=2, *, files=("drive-scsi0.img.fidx", "index.json.blob"), name="104", **more):
    return {
        "backup-type": "vm", "backup-id": name, "backup-time": NOW - int(hours * 3600), "size": 1 << 30,
        "files": [{"filename": file, "size": 10} for file in files],
        "verification": {"state": "ok", "upid": upid(NOW)},
    } | more  # fmt: skip


CLIENT = {
    "good": ([snapshot()], 4, PASS),
    "names alone": ([snapshot(files=()) | {"files": ["a.pxar.didx", "index.json.blob"]}], 4, PASS),
    "without its manifest": ([snapshot(files=("drive-scsi0.img.fidx",))], 2, UNKNOWN),
    "nothing but its manifest": ([snapshot(files=("index.json.blob",))], 2, UNKNOWN),
    "files not told": ([snapshot() | {"files": None}], 2, UNKNOWN),
    "of another group": ([snapshot(name="1040")], 0, FAIL),
    "verification failed": ([snapshot(verification={"state": "failed", "upid": upid(NOW)})], 3, FAIL),
}


@pytest.mark.parametrize("name", CLIENT)
def test_by_the_client(name):
    rows, level, status = CLIENT[name]
    found = _looked(
        json.dumps(rows), repository="u@pbs!t@pbs.example.net:store", group="vm/104", password_file="/root/pw"
    )
    assert found[:2] == (level, status), found[2]


def test_what_is_asked_of_a_node():
    *_, remote = node(item())
    (command,) = remote.ran
    assert command.argv[:3] == ("pvesh", "get", "/nodes/scripted-host/storage/pbs/content")


@pytest.mark.parametrize(
    "params",
    [
        {}, {"storage": "x"}, {"repository": "x"}, {"storage": "x", "guest": 104, "group": "vm/1"},
        {"storage": "../x", "guest": 104}, {"storage": "x", "guest": 104, "node": "-v"},
        {"repository": "x", "group": "vm/1"},
        {"repository": "x", "group": "vm/1", "repo_password": "env:A", "password_file": "/b"},
    ],
    ids=str,
)  # fmt: skip
def test_what_does_not_fit_is_refused(params):
    with pytest.raises(ValueError, match=r"\.$"):
        Proxmox(**LOGIN, **params)


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.just(upid(NOW)) | st.just("ok")
ROW = st.dictionaries(
    st.sampled_from(["ctime", "vmid", "size", "volid", "format", "verification", "backup-time", "backup-type",
                     "backup-id", "files", "encrypted"]),
    VALUES | st.dictionaries(st.sampled_from(["state", "upid"]), VALUES) | st.lists(VALUES, max_size=3),
)  # fmt: skip


@given(st.lists(ROW, max_size=4), st.binary(max_size=100))
def test_no_answer_breaks_it(rows, data):
    _proxmox.from_node(rows, 104)
    _proxmox.from_server(rows)
    with suppress(CannotTell):
        _proxmox.listed(data, "pvesh")


def test_a_task_tells_when_it_began():
    began = datetime.fromtimestamp(NOW, UTC)
    rows = [
        item(verification={"state": "ok", "upid": f"UPID:pve:00000001:0000ABCD:{NOW:08X}:verify:x:root@pam:"})
    ]
    (found,) = _proxmox.from_node(rows, 104)
    assert found.verified_at == began
    (found,) = _proxmox.from_node([item(verified=0)], 104)
    assert abs(found.verified_at - began) < timedelta(seconds=2)
