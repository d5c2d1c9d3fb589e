"""A newcomer in a real terminal: from `gonogo demo --dashboard` by the keys shown to the first cause."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.tui.terminal import GONOGO, Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")

SIZES = [(80, 24), (140, 40)]


def first_cause(folder):
    """Return what is known of the worst check that fails in the first milestone that is NO-GO."""
    done = subprocess.run(
        [GONOGO, "status", "gonogo-demo/practice-office.yaml", "--json"],
        cwd=folder, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    told = json.loads(done.stdout)
    bad = next(item for item in told["milestones"] if item["verdict"] == "NO-GO")
    failing = [item["check"] for item in bad["checks"] if item["required"] and item["standing"] == "fail"]
    return bad["id"], {item["check"]: item for item in told["results"] if item["check"] in failing}


@pytest.mark.parametrize("size", SIZES)
def test_the_three_keys_on_the_screen_lead_to_the_cause_of_the_first_no_go(tmp_path, size):
    with Terminal(GONOGO, "demo", "--dashboard", cwd=tmp_path, size=size) as terminal:
        terminal.wait_for("MILESTONE", "n Next", "enter Why")
        last = terminal.text.rstrip().splitlines()[-1]
        assert re.search(" enter Why .* n Next ", last), "the keys are on the last line"
        terminal.send("n")
        terminal.wait_for("WHAT BLOCKS cabling: 2 fail")
        milestone, causes = first_cause(tmp_path)
        assert milestone == "cabling"
        terminal.send("\r")
        shown = terminal.wait_for("!! FAIL", "Expected", "Observed", "Fix", "R Re-run")
        check = re.search(r"!! FAIL +(\S+)", shown)[1]
        finding = next(item for item in causes[check]["findings"] if item["status"] == "fail")
        words = " ".join(shown.split())
        assert f"Expected {finding['expected']}" in words
        assert f"Observed {finding['observed']}" in words
        assert finding["fix"].split(";")[0] in words
        assert re.search(r"Call +Ada Admin +\+41 00 000 00 03", shown)
        terminal.send("\x1b[F")
        terminal.wait_for("EVIDENCE")
        terminal.send("\x1b")
        terminal.wait_for("WHAT BLOCKS cabling: 2 fail")
        terminal.send("q")
        assert terminal.wait_end() == 4
        assert "The practice office is closed again." in terminal.raw.decode()


def test_a_mended_office_is_go_and_nothing_leads_anywhere(tmp_path):
    with Terminal(GONOGO, "demo", "--fixed", "--dashboard", cwd=tmp_path) as terminal:
        terminal.wait_for("MILESTONE", "q Quit", "nothing blocks it")
        assert "NO-GO" not in terminal.text
        terminal.send("n\r")
        terminal.settle()
        terminal.wait_for("nothing blocks it")
        terminal.send("q")
        assert terminal.wait_end() == 0
