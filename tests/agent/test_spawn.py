"""A run that was started goes on whatever becomes of who started it, and says why if it cannot begin."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent import spawn
from agent.ledger import Ledger
from agent.live import LiveRuns
from agent.spawn import Spawned, start_run

ROOT = Path(__file__).parents[2]
GONOGO = (sys.executable, "-c", "from agent.cli.entry import run; run()")
FILE = """gonogo: 1
project: {{name: P, id: p, timezone: UTC}}
milestones: {{ready: {{title: Ready}}, later: {{title: Later}}}}
checks:
""" + "".join(
    f"  ok{i}: {{{{type: plugin, milestone: {'ready' if i % 2 else 'later'}, "
    f'command: [/bin/sh, -c, "sleep {{pause}}; echo OK"]}}}}\n'
    for i in range(10)
)


def project(folder: Path, pause: float = 0.0) -> Path:
    (folder / "move.yaml").write_text(FILE.format(pause=pause))
    return folder / "move.yaml"


def wait_for(what: Callable[[], Any], said: str) -> Any:
    until = time.monotonic() + 60
    while not (found := what()):
        assert time.monotonic() < until, f"waited a minute for {said}"
        time.sleep(0.02)
    return found


def code_of(run: Spawned) -> int:
    wait_for(lambda: run.ended() is not None, "the run's end")
    code = run.ended()
    assert code is not None
    return code


def outcome(file: Path) -> tuple[str | None, set[str]]:
    """Return how the newest run ended, and what it tested."""
    try:
        with Ledger.open(file.parent / ".gonogo" / "p.db", read_only=True) as ledger:
            runs = ledger.runs(limit=1)
            return (runs[0].outcome, set(ledger.latest_of_run(runs[0].id))) if runs else (None, set())
    except Exception:  # the ledger is just being made
        return None, set()


def test_it_runs_what_was_selected(tmp_path: Path) -> None:
    file = project(tmp_path)
    assert code_of(start_run(file)) == 0
    assert outcome(file) == ("finished", {f"ok{i}" for i in range(10)})
    assert code_of(start_run(file, milestones=["ready"])) == 0
    assert outcome(file)[1] == {f"ok{i}" for i in range(1, 10, 2)}
    assert code_of(start_run(file, only=["ok1", "ok4"], vantage="--odd name")) == 3
    assert outcome(file)[1] == {"ok1", "ok4"}
    with Ledger.open(tmp_path / ".gonogo" / "p.db", read_only=True) as ledger:
        assert ledger.runs()[0].vantage.name == "--odd name"


def test_ids_are_no_globs(tmp_path: Path) -> None:
    run = start_run(project(tmp_path), only=["ok*"])
    assert code_of(run) == 2
    assert "No check matches 'ok*'" in run.said()


def test_it_says_why_it_could_not_begin(tmp_path: Path) -> None:
    file = tmp_path / "move.yaml"
    file.write_text("gonogo: 1\nprojekt: {}\n")
    run = start_run(file)
    assert code_of(run) == 2
    assert "projekt: There is no such key here" in run.said()
    assert "move.yaml:2:1" in run.said()
    run = start_run(tmp_path / "-none.yaml")
    assert code_of(run) == 2
    assert "There is no project file" in run.said()


def test_many_ids_do_not_make_us_wait_for_a_slow_child(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(
        spawn, "_PROGRAM", "import sys, time; time.sleep(2); print(len(sys.stdin.read()), file=sys.stderr)"
    )
    before = time.monotonic()
    run = start_run(project(tmp_path), only=[f"check-{number:090}" for number in range(50_000)])
    assert time.monotonic() - before < 1
    assert code_of(run) == 0
    assert run.said() == f"{50_000 * 97}\n"


def test_what_it_says_is_cut_and_blocks_nobody(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(
        spawn, "_PROGRAM", "import sys; print('x' * 5_000_000); sys.stderr.write('y' * 5_000_000)"
    )
    run = start_run(project(tmp_path))
    assert code_of(run) == 0
    assert run.said() == "y" * 4000


def test_no_folder_that_lies_about_takes_our_place(tmp_path: Path, monkeypatch: Any) -> None:
    file = project(tmp_path)
    for name in ("agent", "checks", "click", "asyncio", "json"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('hijacked')")
    monkeypatch.chdir(tmp_path)
    run = start_run(Path("move.yaml"))
    assert code_of(run) == 0, run.said()
    assert outcome(file)[0] == "finished"


def test_it_runs_this_tree_where_nothing_is_installed(tmp_path: Path, monkeypatch: Any) -> None:
    seen: list[list[str]] = []
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda words, **rest: seen.append(words) or popen(words, **rest))
    run = start_run(project(tmp_path))
    assert code_of(run) == 0
    words = seen[0]
    begin = words[3].partition("from agent")[0]
    where = subprocess.run(
        [words[0], "-I", "-S", "-c", begin + "import agent; print(agent.__file__)", words[4]],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert Path(where.stdout.strip()) == ROOT / "agent" / "__init__.py"


def test_nothing_of_the_dashboard_is_in_its_environment(monkeypatch: Any) -> None:
    monkeypatch.setenv("TEXTUAL", "1")
    monkeypatch.setenv("TEXTUAL_DRIVER", "x")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("SECRET_OF_A_CHECK", "kept")
    kept = spawn._environment(os.environ)
    assert not [name for name in kept if name.startswith("TEXTUAL")]
    assert "COLUMNS" not in kept
    assert kept["SECRET_OF_A_CHECK"] == "kept"
    assert kept["PATH"] == os.environ["PATH"]


def test_nothing_is_left_of_one_that_was_asked_for(tmp_path: Path) -> None:
    run = start_run(project(tmp_path))
    code_of(run)
    with pytest.raises(ProcessLookupError):
        os.kill(run.pid, 0)


STARTER = """
import sys, time
from pathlib import Path
from agent.spawn import start_run
print(start_run(Path(sys.argv[1])).pid, flush=True)
time.sleep(600)
"""


def test_it_goes_on_when_who_started_it_is_killed(tmp_path: Path) -> None:
    file = project(tmp_path, 0.7)
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(file)], stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    reader = LiveRuns(tmp_path / ".gonogo" / "p.db")
    (run,) = wait_for(reader.look, "the run")
    starter.kill()
    starter.communicate()
    assert (run.pid, outcome(file)[0]) == (pid, None), "it was killed before the run's end"
    wait_for(lambda: outcome(file)[0], "the run's end")
    assert outcome(file) == ("finished", {f"ok{i}" for i in range(10)})


def test_it_goes_on_when_its_terminal_closes(tmp_path: Path) -> None:
    file = project(tmp_path, 0.7)
    starter, terminal = pty.fork()
    if starter == 0:  # the child is a session with this terminal
        os.environ["PYTHONPATH"] = str(ROOT)
        os.execv(sys.executable, [sys.executable, "-c", STARTER, str(file)])
    try:
        reader = LiveRuns(tmp_path / ".gonogo" / "p.db")
        (run,) = wait_for(reader.look, "the run")
        assert os.getsid(run.pid) == run.pid
        assert outcome(file)[0] is None
    finally:
        os.close(terminal)
        _, status = os.waitpid(starter, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGHUP, "closing the terminal ends who started it"
    wait_for(lambda: outcome(file)[0], "the run's end")
    assert outcome(file) == ("finished", {f"ok{i}" for i in range(10)})


def test_windows_gets_a_process_without_a_window_and_out_of_the_job_if_it_may(
    tmp_path: Path, monkeypatch: Any
) -> None:
    flags: list[int] = []

    def popen(words: list[str], *, creationflags: int, **rest: Any) -> Any:
        flags.append(creationflags)
        if creationflags & 0x01000000:
            raise PermissionError(13, "Access is denied")
        return type("Process", (), {"pid": 4, "poll": lambda self: 0})()

    monkeypatch.setattr(subprocess, "Popen", popen)
    monkeypatch.setattr(spawn.sys, "platform", "win32")
    start_run(project(tmp_path))
    assert flags == [0x09000200, 0x08000200]


def test_without_a_python_it_says_so(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(OSError, match="which Python"):
        start_run(project(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    with pytest.raises(OSError):
        start_run(project(tmp_path))


# --only -


def only(folder: Path, said: bytes, *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*GONOGO, "run", "move.yaml", "--only", "-", *words],
        cwd=folder, input=said, capture_output=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.mark.parametrize("said", [b"ok1\nok2\n", b"ok1\r\nok2\r\n", b"\n  ok2\n\nok1", b"ok1\nok1\nok2\n"])
def test_only_reads_ids_from_standard_input(tmp_path: Path, said: bytes) -> None:
    file = project(tmp_path)
    assert only(tmp_path, said).returncode == 3
    assert outcome(file)[1] == {"ok1", "ok2"}


@pytest.mark.parametrize(
    ("said", "words", "answer"),
    [
        pytest.param(b"", (), "No check was named", id="nothing"),
        pytest.param(b"\n\n", (), "No check was named", id="empty lines"),
        pytest.param(b"ok*\n", (), "No check matches 'ok*'", id="a glob"),
        pytest.param(b"ok1\nok11\n", (), "Did you mean 'ok1'?", id="unknown"),
        pytest.param(b"\xff\x00\x1b]0;x\n", (), "No check matches", id="hostile"),
        pytest.param(b"ok1\n", ("--only", "ok2"), "Give either", id="two ways"),
        pytest.param(b"ok2\n", ("-m", "ready"), "No check matches 'ok2'", id="of another milestone"),
        pytest.param(b"x" * 10_000_001, (), "larger than 10 MB", id="large"),
    ],
)
def test_only_refuses_what_names_no_check(
    tmp_path: Path, said: bytes, words: tuple[str, ...], answer: str
) -> None:
    file = project(tmp_path)
    done = only(tmp_path, said, *words)
    assert done.returncode == 2
    assert answer in done.stderr.decode()
    assert b"\x1b" not in done.stderr
    assert outcome(file) == (None, set())
