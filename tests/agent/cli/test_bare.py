"""gonogo alone: the dashboard of the one project here, a list of several, the help everywhere else."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from agent.cli import bare
from tests.test_hostile_terminal import EVIL, assert_tame, on_a_terminal
from tests.tui.office import with_a_past
from tests.tui.terminal import GONOGO, Terminal

PROJECT = "gonogo: 1\nproject: {name: x}\n"


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(bare, "_at_a_terminal", lambda: True)


def test_one_project_file_opens_its_dashboard(terminal, tmp_path):
    (tmp_path / "move.yaml").write_text(PROJECT)
    (tmp_path / "profile.yaml").write_text("gonogo-profile: 1\nname: x\n")
    (tmp_path / "other.yml").write_text("version: 1\nnested:\n  gonogo: 1\n")
    (tmp_path / ".hidden.yaml").write_text(PROJECT)
    (tmp_path / "notes.txt").write_text(PROJECT)
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    assert bare.words_of_a_bare_call(tmp_path) == ["dashboard", "move.yaml"]


@pytest.mark.parametrize(
    "text", ["\ufeffgonogo: 1\n", "---\n# c\ngonogo:  1  # v\n", "a: 2\r\ngonogo: 1\r\nb: 3", "gonogo: 1"]
)
def test_what_a_project_file_looks_like(terminal, tmp_path, text):
    (tmp_path / "a.yml").write_bytes(text.encode())
    assert bare.project_files(tmp_path) == ["a.yml"]


@pytest.mark.parametrize(
    "text", ["gonogo: 2\n", " gonogo: 1\n", "# gonogo: 1\n", "gonogo: 10\n", "", "\0\xff"]
)
def test_what_none_looks_like(terminal, tmp_path, text):
    (tmp_path / "a.yml").write_bytes(text.encode("latin-1"))
    assert bare.project_files(tmp_path) == []


def test_a_huge_file_is_not_read_to_its_end(tmp_path):
    with (tmp_path / "a.yaml").open("wb") as file:
        file.truncate(1 << 32)
    assert bare.project_files(tmp_path) == []


def test_without_a_terminal_it_is_the_help(tmp_path):
    (tmp_path / "move.yaml").write_text(PROJECT)
    done = subprocess.run(
        [GONOGO],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert "Commands:" in done.stdout + done.stderr
    plain = subprocess.run(
        [GONOGO, "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert plain.stdout.splitlines()[0] in done.stdout + done.stderr


def test_several_are_listed_harmlessly_and_none_is_opened(tmp_path):
    (tmp_path / "a.yaml").write_text(PROJECT)
    (tmp_path / f"b{EVIL.replace(chr(0), '').replace('/', '')}.yaml").write_text(PROJECT)
    code, raw = on_a_terminal(cwd=tmp_path)
    assert code == 2
    text = assert_tame(raw, carriage=True)
    assert "2 project files" in text
    assert "gonogo dashboard a.yaml" in text


def test_none_is_the_help(tmp_path):
    code, raw = on_a_terminal(cwd=tmp_path)
    assert b"Commands:" in raw
    assert (
        code == subprocess.run([GONOGO], stdin=subprocess.DEVNULL, capture_output=True, timeout=60).returncode
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_the_dashboard_really_opens(tmp_path):
    with_a_past(tmp_path)
    with Terminal(GONOGO, cwd=tmp_path) as shown:
        shown.wait_for("hq-move", "Quit")
        shown.send("q")
        assert shown.wait_end() == 0
