"""A file server moves: an old and a new one over SSH, as `gonogo run` sees them, with what goes wrong."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.lab import fileserver
from tests.lab.fileserver import FileServer
from tests.lab.needs import need
from tests.lab.running import ENVIRONMENT, GONOGO

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("fileserver_move")]


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[FileServer, FileServer, Path]]:
    need("sshd", "sudo", "smbd", "smbclient", "testparm", "sharesec", "getfacl", "setfacl", "rsync")
    with fileserver.open_folder() as root:
        files = fileserver.tree(root / "old-files")
        moved = fileserver.copy(files, root / "new-files")
        with (
            fileserver.fileserver(root / "old", files) as old,
            fileserver.fileserver(root / "new", moved) as new,
        ):
            yield old, new, root


def run(pair: tuple[FileServer, FileServer, Path], *only: str, **more: Any) -> dict[str, dict[str, Any]]:
    """Return the results of one run of the three checks by their names."""
    old, new, root = pair
    login = new.ssh.params() | {"sudo": True}
    source = {key: value for key, value in old.ssh.params().items() if key in ("host", "user", "key")}
    source["host_key"] = old.ssh.fingerprint
    conf = {"smb_conf": str(new.samba.conf), "source_smb_conf": str(old.samba.conf)}
    checks = {
        "files": {"type": "server.files", "path": "/srv/files", "source": source, "seed": "1",
                  "sample_files": 100, **login},
        "shares": {"type": "server.shares", "source": source, **conf, **login},
        "clients": {"type": "server.clients", **old.ssh.params(), "sudo": True, "ports": [old.samba.port],
                    "smb_conf": str(old.samba.conf), "local": True, "window": "1h", "max_gap": "1h",
                    "min_samples": 2},
    }  # fmt: skip
    project = root / "project.yaml"
    project.write_text(json.dumps({
        "gonogo": 1, "project": {"name": "Move", "timezone": "UTC"}, "milestones": {"go": {"title": "Go"}},
        "checks": {
            name: {"milestone": "go", "timeout": "60s", **check, **more.get(name, {})}
            for name, check in checks.items()
        },
    }))  # fmt: skip
    done = subprocess.run(
        [GONOGO, "run", project, "--json", *(word for name in only for word in ("--only", name))],
        capture_output=True, text=True, check=False, timeout=120, cwd=root,
        env={**ENVIRONMENT, "PATH": "/usr/bin:/bin", "HOME": str(root)},
    )  # fmt: skip
    try:
        return {result["check"]: result for result in json.loads(done.stdout)["results"]}
    except ValueError:
        raise AssertionError(f"exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}") from None


def told(result: dict[str, Any]) -> str:
    return "\n".join(
        f"{item['status']}: {item['message']} [{item['observed']}] {item['fix']}"
        for item in result["findings"]
    )


@contextmanager
def put_back(path: Path) -> Iterator[None]:
    """Keep a file as it is now, with its times."""
    content, stat = path.read_bytes(), path.stat()
    try:
        yield
    finally:
        path.write_bytes(content)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_a_good_copy_passes_and_one_quiet_look_is_not_enough(pair) -> None:
    results = run(pair)
    assert results["files"]["status"] == "pass", told(results["files"])
    assert results["shares"]["status"] == "pass", told(results["shares"])
    assert results["clients"]["status"] == "inconclusive", told(results["clients"])
    assert "too few looks" in told(results["clients"])
    sample = results["files"]["observation"]["sample"]
    assert len(sample) == results["files"]["observation"]["population"] == 57
    assert {one["outcome"] for one in sample} == {"same"}
    before = results["clients"]["observation"]["window"]["looks"]
    assert run(pair, "clients")["clients"]["observation"]["window"]["looks"] == before + 1


def test_without_sudo_nothing_that_cannot_be_read_passes(pair) -> None:
    results = run(pair, files={"sudo": False}, shares={"sudo": False})
    for name in ("files", "shares"):
        assert results[name]["status"] == "inconclusive", told(results[name])
    assert "cannot be read" in told(results["files"])


def test_what_changed_after_the_copy_and_a_client_are_found(pair) -> None:
    old, new, _ = pair
    wrong = new.files / "projects" / "2024" / "report-09.txt"
    late = old.files / "projects" / "2024" / "report-10.txt"
    with put_back(wrong), put_back(late), socket.create_connection(("127.0.0.1", old.samba.port)):
        stat = wrong.stat()
        wrong.write_bytes(wrong.read_bytes().replace(b"report 9", b"report 8"))
        os.utime(wrong, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        late.write_text("somebody still works here\n")
        os.chown(new.files / "homes" / "ann", fileserver.BEN, fileserver.STAFF)
        new.samba.conf.write_text(new.samba.conf.read_text().replace("read only = no", "read only = yes"))
        results = run(pair)
    files, shares, clients = (told(results[name]) for name in ("files", "shares", "clients"))
    assert {result["status"] for result in results.values()} == {"fail"}
    assert "report-09.txt" in files
    assert "same size and time" in files
    assert "report-10.txt: size" in files
    assert "homes/ann: user id 3001, there 3002" in files
    assert "share:files/read only" in shares
    assert f"127.0.0.1 used port {old.samba.port}" in clients
    os.chown(new.files / "homes" / "ann", fileserver.ANN, fileserver.STAFF)
