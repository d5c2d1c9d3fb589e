"""The lab keeps its own promises: nothing is left behind, and a missing prerequisite is said or fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import Lab, need, needs, wait_for
from tests.lab.namespaces import ETC, NAMED, sweep

ROOT = Path(__file__).parents[2]
HOLDER = """
import time
from pathlib import Path
from tests.lab import Lab, wait_for
lab = Lab()
host = lab.namespace("host")
host.etc("resolv.conf", "")
child = host.popen("sleep", "1000")
wait_for(lambda: "sleep" in Path(f"/proc/{child.pid}/comm").read_text(), "it runs inside")
print(host.name, child.pid, lab.folder, flush=True)
time.sleep(1000)
"""


@pytest.mark.lab
def test_a_killed_lab_is_swept_by_the_next_one() -> None:
    need("ip")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )  # fmt: skip
    assert holder.stdout is not None
    name, pid, folder = holder.stdout.readline().split()
    sweep()
    assert (NAMED / name).exists(), "a living lab was swept"
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    assert (NAMED / name).exists()
    with Lab():
        assert not (NAMED / name).exists()
        assert not (ETC / name).exists()
        assert not Path(folder).exists()
        wait_for(lambda: not _alive(int(pid)), "the program that the killed lab had started is gone")


@pytest.mark.lab
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_lab_is_gone_whatever_happens_in_it(error: type[BaseException]) -> None:
    need("ip")
    with pytest.raises(error), Lab() as lab:
        host = lab.namespace("host")
        program = host.popen("sleep", "1000")
        raise error
    assert not (NAMED / host.name).exists()
    assert program.returncode == -signal.SIGKILL
    assert not lab.folder.exists()


@pytest.mark.lab
def test_sockets_of_a_call_are_inside() -> None:
    need("ip")
    with Lab() as lab:
        host = lab.namespace("host")
        inside = host.call(lambda: Path("/proc/thread-self/ns/net").readlink())
    assert inside != Path("/proc/thread-self/ns/net").readlink()


def test_a_missing_tool_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(needs.REQUIRED, raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-daemon"):
        need("no-such-daemon", root=False)


def test_a_missing_tool_fails_where_the_lab_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(needs.REQUIRED, "required")
    with pytest.raises(pytest.fail.Exception, match=r"no-such-daemon.*install\.sh"):
        need("no-such-daemon", root=False)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].startswith(" Z")
