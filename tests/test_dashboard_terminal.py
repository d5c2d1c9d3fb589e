"""The dashboard on a real terminal: it starts, obeys keys, and gives the terminal back however it ends."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tui.office import with_a_past
from tests.tui.terminal import GONOGO, Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
ALT_SCREEN, MAIN_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"
MODES = {"alt screen": 1049, "mouse": 1000, "mouse moves": 1003, "focus": 1004, "paste": 2004}
COLOUR = re.compile(rb"[34]8;2;(\d+);(\d+);(\d+)")
BASIC = re.compile(rb"\x1b\[(?:[\d;]*;)?(3[0-7]|4[0-7]|9[0-7]|10[0-7]|[34]8;5;\d+)(?:;[\d;]*)?m")


@pytest.fixture
def project(tmp_path):
    return with_a_past(tmp_path)


@pytest.fixture
def shown(project):
    with Terminal(GONOGO, "dashboard", project.name, cwd=project.parent) as terminal:
        terminal.wait_for("hq-move", "ready", "? Keys")
        yield terminal


def assert_given_back(raw):
    """Assert that whatever was turned on was turned off last: screen, cursor, mouse, paste, keyboard."""
    for name, mode in MODES.items():
        on, off = raw.rfind(b"\x1b[?%dh" % mode), raw.rfind(b"\x1b[?%dl" % mode)
        assert on < off, name
    assert raw.rfind(b"\x1b[?25l") < raw.rfind(b"\x1b[?25h"), "cursor"
    assert raw.rfind(b"\x1b[?7l") < raw.rfind(b"\x1b[?7h"), "line wrap"
    assert not re.search(rb"\x1b\[>\d+u", raw), "a keyboard protocol that a killed program leaves on"


def test_it_starts_obeys_keys_and_q_gives_the_terminal_back(shown):
    assert ALT_SCREEN in shown.raw
    for key, words in (
        ("?", ("This page", "Run this milestone")),
        ("\x1b", ("MILESTONE",)),
        ("v", ("vantage",)),
    ):
        shown.send(key)
        shown.wait_for(*words)
    shown.send("\x1b")
    shown.wait_for("MILESTONE")
    shown.send("q")
    assert shown.wait_end() == 0
    assert_given_back(shown.raw)


def test_the_countdown_moves_by_itself(shown):
    def countdown():
        return re.search(r"T[-+]\S+", shown.text)[0]

    before, until = countdown(), time.monotonic() + 20
    while countdown() == before and time.monotonic() < until:
        shown.read()
    assert countdown() != before


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_ends_it_and_gives_the_terminal_back(shown, name):
    number = getattr(signal, name)
    os.kill(shown.process.pid, number)
    assert shown.wait_end(10) == 128 + number
    assert_given_back(shown.raw)


def test_closing_the_window_ends_it(shown):
    shown.hang_up()
    shown.process.wait(15)
    assert shown.process.returncode == 129


def test_closing_the_window_ends_it_although_nobody_tells_it(project):
    """Under a program that is no shell there is no controlling terminal, and no signal when it goes."""
    with Terminal("setsid", "--wait", GONOGO, "dashboard", project.name, cwd=project.parent) as terminal:
        terminal.wait_for("hq-move", "? Keys")
        (child,) = children(terminal.process.pid)
        terminal.hang_up()
        until = time.monotonic() + 15
        while Path(f"/proc/{child}").exists() and time.monotonic() < until:
            time.sleep(0.05)
        assert not Path(f"/proc/{child}").exists()


def children(pid):
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


def test_a_kill_leaves_no_process_behind(shown):
    before = children(shown.process.pid)
    shown.process.kill()
    shown.process.wait(10)
    assert before == []


def test_it_survives_becoming_small_and_large_again(shown):
    for columns, lines in ((40, 10), (1, 1), (300, 100), (20, 50), (80, 24)):
        shown.resize(columns, lines)
        shown.settle()
    shown.wait_for("MILESTONE", "? Keys")
    shown.resize(40, 10)
    shown.wait_for("NO-GO" if "NO-GO" in shown.text else "40x10", "needs 80x24")
    shown.resize(80, 24)
    shown.wait_for("MILESTONE", "? Keys")
    shown.send("q")
    assert shown.wait_end() == 0


def test_no_color_is_heeded_and_the_words_are_there(project):
    with Terminal(
        GONOGO, "dashboard", project.name, cwd=project.parent, NO_COLOR="1", COLORTERM="truecolor"
    ) as terminal:
        terminal.wait_for("hq-move", "? Keys")
        terminal.settle()
        raw = bytes(terminal.raw)
        colours = COLOUR.findall(raw)
        assert all(len(set(colour)) == 1 for colour in colours), "grey at most"
        assert not [
            one for one in BASIC.findall(COLOUR.sub(b"", raw)) if one not in (b"30", b"37", b"40", b"47")
        ]
        assert re.search(r"(!!|\?\?|~ |\.\.) (FAIL|INCONCLUSIVE|STALE|NOT RUN)", terminal.text)
        terminal.send("q")
        assert terminal.wait_end() == 0


BREAKS = """
import sys
import tui.start
from tui.screens.home import Home
from tui.store import Store
def broken(self, view):
    secret = "hunter2"
    if broken.ready:
        raise ValueError("boom \\x1b]52;c;aGk=\\x07")
    broken.ready = True
    return whole(self, view)
whole, broken.ready = Home.show, False
Home.show = broken
sys.argv = ["gonogo", "dashboard", sys.argv[1]]
from agent.cli.entry import run
run()
"""


@pytest.mark.parametrize("debug", [False, True])
def test_an_error_of_its_own_is_a_sentence_without_secrets(project, debug):
    env = {"GONOGO_DEBUG": "1"} if debug else {}
    with Terminal(sys.executable, "-c", BREAKS, project.name, cwd=project.parent, **env) as terminal:
        assert terminal.wait_end() == 1
        assert_given_back(terminal.raw)
        after = bytes(terminal.raw).rpartition(MAIN_SCREEN)[2]
    said = after.decode()
    assert "gonogo itself broke (ValueError: boom \\x1b]52" in said.replace("\r\n", "")
    assert ("Traceback" in said) is debug
    assert b"hunter2" not in after.replace(b'secret = "hunter2"', b"")
    assert not re.search(rb"\x1b\](?!\?)|\x07", after)


def test_where_there_is_no_terminal_it_says_so(project):
    for env in ({}, {"TERM": "dumb"}):
        done = subprocess.run(
            [GONOGO, "dashboard", project], stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
            check=False, env={**os.environ, **env},
        )  # fmt: skip
        assert done.returncode == 2
        assert b"needs a terminal" in done.stderr
        assert b"\x1b" not in done.stderr + done.stdout


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is missing")
def test_it_works_in_tmux(project, tmp_path):
    def tmux(*words):
        done = subprocess.run(
            ["tmux", "-S", str(tmp_path / "tmux"), "-f", "/dev/null", *words],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        return done.stdout

    def wait_for(word, *, gone=False):
        until = time.monotonic() + 30
        while (word in tmux("capture-pane", "-p", "-t", "t")) is gone:
            assert time.monotonic() < until, tmux("capture-pane", "-p", "-t", "t")
            time.sleep(0.05)

    command = f"{GONOGO} dashboard {project}; echo ended $?; cat"
    try:
        tmux("new-session", "-d", "-s", "t", "-x", "80", "-y", "24", command)
        wait_for("? Keys")
        tmux("send-keys", "-t", "t", "?")
        wait_for("This page")
        tmux("send-keys", "-t", "t", "Escape")
        wait_for("MILESTONE")
        tmux("send-keys", "-t", "t", "C-p")
        wait_for("Type a few letters")
        tmux("send-keys", "-t", "t", "Escape")
        wait_for("Type a few letters", gone=True)
        tmux("send-keys", "-t", "t", "q")
        wait_for("ended 0")
    finally:
        tmux("kill-server")
