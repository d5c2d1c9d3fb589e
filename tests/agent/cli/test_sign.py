"""gonogo sign: a decision in the ledger, confirmed by typing, that changes no verdict of the rules."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.cli import main
from tests.agent.cli.undecided import entries, run_again, undecided
from tests.tui.office import REFUSED

ROOT = Path(__file__).parents[3]
REASON = "The file server is moved on Monday, nobody needs it before."
CONFIRMED = ("--confirm", "move")


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("GONOGO_NO_CACHE", "1")


@pytest.fixture
def project(tmp_path):
    return undecided(tmp_path)


def run(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


def sign(project, *args):
    return run("sign", project, "ready", *args)


def decisions(project):
    with entries(project) as ledger:
        return ledger.decisions()


def status(project):
    return json.loads(run("status", project, "--json").output)


def test_a_go_that_the_rules_give_needs_one_name_and_the_confirmation(project):
    run_again(project, "r2")
    with entries(project) as ledger:
        number, digest = ledger.head()
    done = sign(project, "--go", "--by", "Ann Rey", *CONFIRMED)
    assert done.exit_code == 0, done.output
    assert "Signed: ready GO by Ann Rey; the rules say GO.\n" in done.output
    assert "  ready: GO, as before\n" in done.output
    (made,) = decisions(project)
    assert (made.verdict, made.decided, made.by, made.second) == ("GO", "GO", "Ann Rey", "")
    assert made.head == f"{number}:{digest}"
    with entries(project) as ledger:
        assert ledger.head()[0] == number + 1
    assert re.search(
        r"signed GO by Ann Rey on \w+ \d+ \w+ \d{4} \d\d:\d\d CES?T\n", run("status", project).output
    )
    signed = status(project)["milestones"][0]["signed"]
    assert (signed["decided"], signed["verdict"], signed["by"], signed["second"]) == (
        "GO",
        "GO",
        "Ann Rey",
        "",
    )
    assert (signed["counts"], signed["why"], signed["against_the_rules"]) == (True, "", False)
    assert signed["head"] == made.head
    assert status(project)["milestones"][1]["signed"] is None


def test_a_go_against_the_rules_needs_two_people_and_a_reason(project):
    done = sign(project, "--go", "--by", "Ann Rey", *CONFIRMED)
    assert done.exit_code == 2
    assert "--second: The rules say NO-GO, not GO" in done.output
    assert "--note: A GO against the rules needs a reason" in done.output
    assert decisions(project) == []
    done = sign(project, "--go", "--by", "Ann Rey", "--second", "Urs Lind", "--note", REASON, *CONFIRMED)
    assert done.exit_code == 0, done.output
    assert "Signed: ready GO by Ann Rey and Urs Lind; the rules say NO-GO.\n" in done.output
    assert "  ready: NO-GO, as before (1 fail left)\n" in done.output
    assert (
        "  open: was INCOMPLETE, is GO WITH WAIVERS (It comes after ready, which Ann Rey and Urs"
        in done.output
    )
    told = run("status", project)
    assert told.exit_code == 4
    text = " ".join(told.output.split())
    assert "signed GO by Ann Rey and Urs Lind on" in text
    assert ", against the rules, which said NO-GO" in text
    assert f"note: {REASON}" in text


def test_a_no_go_stops_what_comes_after_and_is_the_last_word_until_somebody_signs_go(project):
    run_again(project, "r2")
    done = sign(project, "--no-go", "--by", "Ann Rey", *CONFIRMED)
    assert done.exit_code == 0
    assert "  open: was GO, is INCOMPLETE (It comes after ready, which Ann Rey signed NO-GO)" in done.output
    assert "signed NO-GO by Ann Rey on" in run("status", project).output
    assert "(the rules said GO)" in " ".join(run("status", project).output.split())
    done = sign(project, "--go", "--by", "Urs Lind", *CONFIRMED)
    assert "  open: was INCOMPLETE, is GO\n" in done.output


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "--go or --no-go: Say what is decided"),
        (("--no-go", *CONFIRMED), "--by: Say who signs."),
        (("--no-go", "--by", "Ann Rey"), "--confirm: Type the project's id to confirm: move."),
        (("--no-go", "--by", "Ann Rey", "--confirm", "yes"), "--confirm: Type the project's id"),
        (("--no-go", "--by", "Ann Rey", "--second", "ann.rey@x.example", *CONFIRMED), "--second: The second"),
        (("--no-go", "--by", "Ann\x1b[2J", *CONFIRMED), "cannot be seen: Ann\\x1b[2J"),
    ],
)
def test_what_is_no_signature_is_refused(project, args, said):
    done = sign(project, *args)
    assert done.exit_code == 2
    assert said in done.output
    assert "\x1b" not in done.output
    assert decisions(project) == []


def test_an_unknown_milestone_is_refused_with_the_nearest(project):
    done = run("sign", project, "redy", "--no-go", "--by", "Ann Rey", *CONFIRMED)
    assert done.exit_code == 2
    assert "The project has no milestone 'redy': did you mean 'ready'?" in done.output


# In a terminal, the id is asked for


class Terminal:
    """`gonogo sign` in a terminal of its own."""

    def __init__(self, project, *args):
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from agent.cli import main; main()", "sign", project, "ready", *args],
            cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        os.close(theirs)
        self.said = ""

    def wait_for(self, text, seconds=60.0):
        end = time.monotonic() + seconds
        while text not in self.said and time.monotonic() < end:
            ready, _, _ = select.select([self._ours], [], [], 0.1)
            try:
                self.said += os.read(self._ours, 65536).decode() if ready else ""
            except OSError:
                break
        assert text in self.said, self.said

    def type(self, text):
        os.write(self._ours, text.encode())

    def interrupt(self):
        """Press Ctrl-C until it is heard: one that comes just before the read is only heard with the next."""
        for _ in range(100):
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
            return

    def ends(self):
        try:
            while True:
                ready, _, _ = select.select([self._ours], [], [], 60)
                if not ready:
                    break
                more = os.read(self._ours, 65536).decode()
                if not more:
                    break
                self.said += more
        except OSError:
            pass
        try:
            return self._process.wait(60)
        finally:
            os.close(self._ours)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


AGAINST = ("--go", "--by", "Ann Rey", "--second", "Urs Lind", "--note", REASON)
ASKED = "Type move to sign GO: "


def test_in_a_terminal_the_verdict_is_shown_and_the_id_asked_for(project):
    with Terminal(project, *AGAINST) as terminal:
        terminal.wait_for(ASKED)
        assert "ready is NO-GO: 1 fail left." in terminal.said
        assert "  files: fail" in terminal.said
        terminal.type("move\n")
        assert terminal.ends() == 0, terminal.said
    (made,) = decisions(project)
    assert (made.verdict, made.decided) == ("NO-GO", "GO")


@pytest.mark.parametrize("typed", ["yes\n", "\n", "Move\n"])
def test_another_word_signs_nothing(project, typed):
    with Terminal(project, *AGAINST) as terminal:
        terminal.wait_for(ASKED)
        terminal.type(typed)
        assert terminal.ends() == 2, terminal.said
    assert "--confirm: Type the project's id" in terminal.said
    assert decisions(project) == []


@pytest.mark.parametrize("way", ["interrupt", "end of input"])
def test_who_leaves_signs_nothing(project, way):
    with Terminal(project, *AGAINST) as terminal:
        terminal.wait_for(ASKED)
        if way == "interrupt":
            terminal.interrupt()
        else:
            terminal.type("\x04")
        assert terminal.ends() != 0
    assert decisions(project) == []


def test_what_changes_while_somebody_types_is_not_signed(project):
    run_again(project, "r2")
    with Terminal(project, "--go", "--by", "Ann Rey") as terminal:
        terminal.wait_for(ASKED)
        assert "ready is GO." in terminal.said
        run_again(project, "r3", files=REFUSED)
        terminal.type("move\n")
        assert terminal.ends() == 2, terminal.said
    assert "Nothing was signed" in terminal.said
    assert decisions(project) == []


def test_what_is_wrong_is_said_before_anybody_types(project):
    with Terminal(project, "--go", "--by", "Ann Rey") as terminal:
        assert terminal.ends() == 2, terminal.said
    assert "--second: The rules say NO-GO" in terminal.said
    assert "Type move" not in terminal.said
