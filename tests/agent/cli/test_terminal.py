"""The command line as it is met: no reader, no UTF-8, slips of the hand, a narrow terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.ledger.store import Ledger, ledger_path

ROOT = Path(__file__).parents[3]
GONOGO = (sys.executable, "-c", "from agent.cli.entry import run; run()")
ENV = {**os.environ, "PYTHONPATH": str(ROOT), "GONOGO_NO_CACHE": "1"}
FILE = """gonogo: 1
project: {name: "Zürich, Büro", timezone: Europe/Zurich}
milestones: {ready: {title: "Bereit für alle"}}
checks:
""" + "".join(
    f'  ok{i}: {{type: plugin, milestone: ready, command: [/bin/echo, "OK - läuft"]}}\n' for i in range(12)
)


def gonogo(*words: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*GONOGO, *words], cwd=cwd, env={**ENV, **env}, capture_output=True, timeout=60, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "move.yaml").write_text(FILE, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ["--help"], ["checks"], ["lint", "--schema"], ["explain", "host"], ["plan", "move.yaml"], ["doctor"],
        ["run", "move.yaml"], ["run", "move.yaml", "--json"], ["run", "move.yaml", "--jsonl"],
        ["run", "move.yaml", "--nagios"], ["status", "move.yaml", "--json"],
    ],
)  # fmt: skip
def test_a_reader_that_has_gone_is_no_failure_of_ours(words: list[str], folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*GONOGO, *words],
            cwd=folder,
            env=ENV,
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert done.returncode in (0, 1, 3), done.stderr
    for word in (b"Traceback", b"BrokenPipe", b"broke", b"Exception"):
        assert word not in done.stderr
    if words[0] == "run":
        with Ledger.open(ledger_path(folder / "move.yaml", "move"), read_only=True) as ledger:
            assert ledger.runs()[0].outcome == "finished"
            assert len(ledger.latest()) == 12


@pytest.mark.parametrize(
    "words", [["run", "move.yaml", "--all"], ["plan", "move.yaml"], ["status", "move.yaml"]]
)
def test_a_terminal_without_utf_8_gets_codes_for_what_it_cannot_show(words: list[str], folder: Path) -> None:
    ascii_only = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    done = gonogo(*words, cwd=folder, **ascii_only)
    assert done.returncode in (0, 3), done.stderr
    assert b"Z\\xfcrich, B\\xfcro" in done.stdout
    assert done.stdout.isascii()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rnu", "move.yaml"], "There is no command 'rnu'. Did you mean 'run'?"),
        (["zzz"], "There are: here, demo,"),
        (["run"], "Missing argument 'FILE'"),
        (["run", "none.yaml"], "There is no project file none.yaml. 'gonogo init office-move' writes one."),
        (["status", "."], ". is a folder: name the project file in it."),
        (["run", "move.yaml", "--milestone", "raedy"], "Did you mean 'ready'?"),
        (["run", "move.yaml", "--only", "ko*"], "There are: ok0, ok1,"),
        (["run", "move.yaml", "--json", "--nagios"], "Choose one of"),
        (["run", "move.yaml", "--mileston", "ready"], "'--milestone'"),
        (["init"], "Name a profile: m365-cutover, office-move"),
        (["init", "offic-move"], "did you mean 'office-move'?"),
        (["explain", "ping"], "did you mean 'network.ping'?"),
        (["attest", "move.yaml", "ok1", "--holds", "--by", "Ann"], "it is measured, and no statement"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(words: list[str], said: str, folder: Path) -> None:
    done = gonogo(*words, cwd=folder)
    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert done.stdout == b""
