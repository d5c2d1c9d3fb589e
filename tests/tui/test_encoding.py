"""A terminal that does not speak UTF-8: no byte ends the dashboard, and no sign takes other cells."""

from __future__ import annotations

import os
import sys

import pytest

from tests.tui.office import with_a_past
from tests.tui.terminal import GONOGO, Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


@pytest.fixture
def project(tmp_path):
    return with_a_past(tmp_path)


def opened(project, **env):
    terminal = Terminal(GONOGO, "dashboard", project.name, cwd=project.parent, **env)
    terminal.wait_for("MILESTONE", "q Quit")
    return terminal


@pytest.mark.parametrize("data", [b"\xfc", b"\xc3(", b"\xff\xfe\x80", b"\xe2\x94", b"\x9b\x90\x98"])
def test_bytes_that_are_no_utf_8_do_not_end_it(project, data):
    with opened(project) as terminal:
        os.write(terminal._master, data + b"\r")
        terminal.settle()
        terminal.send("\x1b\x1b?")
        terminal.wait_for("This page")
        terminal.send("\x1b")
        terminal.wait_for("MILESTONE")
        terminal.send("q")
        assert terminal.wait_end() == 0


def test_a_letter_of_latin_1_is_typed_as_that_letter(project):
    with opened(project) as terminal:
        os.write(terminal._master, b"/Z\xfcrich/q")
        terminal.wait_for("/ Zürich/q")


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_signs_that_the_terminal_does_not_have_take_as_many_cells(project, encoding):
    with opened(project, PYTHONIOENCODING=encoding) as terminal:
        terminal.send("r")
        terminal.wait_for("LAST TOOK", f"+{'-' * 78}+")
        assert b"\\u" not in terminal.raw
        assert all(byte < 0x80 for byte in terminal.raw)
