"""For machines: nothing that was not proven is green in JUnit or OK for a monitoring system."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from agent.report.junit import write_junit
from agent.report.nagios import nagios_line
from agent.report.picture import Picture
from checks.words import Status
from tests.agent.report.pictures import WAIVER, finding, picture, plan, planned, result

ONE = plan(planned("web"))
PASSED, WARNED = picture(ONE, result("web", Status.PASS)), picture(ONE, result("web", Status.WARN))
FAILED, NOT_RUN = picture(ONE, result("web", Status.FAIL)), picture(ONE)
UNCLEAR = picture(ONE, result("web", Status.INCONCLUSIVE))
BLOCKED = picture(ONE, result("web", Status.BLOCKED, blocked_by="vantage"))
STALE = picture(ONE, result("web", Status.PASS, age_s=10**6))
WAIVED = picture(ONE, result("web", Status.FAIL), waivers=(WAIVER,))
ADVISORY = picture(
    plan(planned("web"), planned("extra", required=False)),
    result("web", Status.PASS), result("extra", Status.FAIL, required=False),
)  # fmt: skip


def suite(shown: Picture, folder: Path) -> ET.Element:
    write_junit(shown, folder / "out.xml")
    (found,) = ET.parse(folder / "out.xml").getroot()
    return found


@pytest.mark.parametrize(
    ("shown", "failures", "errors"),
    [
        (PASSED, 0, 0), (WARNED, 0, 0), (FAILED, 2, 0), (UNCLEAR, 0, 2), (BLOCKED, 0, 2), (STALE, 0, 2),
        (NOT_RUN, 0, 2), (WAIVED, 1, 0), (ADVISORY, 1, 0),
    ],
)  # fmt: skip
def test_junit_counts_the_check_and_its_gate(
    shown: Picture, failures: int, errors: int, tmp_path: Path
) -> None:
    found = suite(shown, tmp_path)
    assert (found.get("failures"), found.get("errors")) == (str(failures), str(errors))
    assert found.get("skipped") == "0"
    assert len(found.findall("testcase")) == int(found.get("tests", "0"))
    assert len(found.findall("*/failure")) == failures
    assert len(found.findall("*/error")) == errors


def test_junit_says_why(tmp_path: Path) -> None:
    case = suite(FAILED, tmp_path).find("testcase/failure")
    assert case is not None
    assert (case.get("type"), case.get("message")) == ("fail", "It is so.")
    assert case.text == "peer: It is so.\n  expected: open\n  observed: refused\n  fix: Mend it."
    blocked = suite(BLOCKED, tmp_path).find("testcase/error")
    assert blocked is not None
    assert blocked.get("message") == "blocked by vantage"
    waived = suite(WAIVED, tmp_path).find("testcase/failure")
    assert waived is not None
    assert waived.get("message") == "waived by bob: It is so."
    advisory = suite(ADVISORY, tmp_path).find("testcase[@name='extra']/failure")
    assert advisory is not None
    assert advisory.get("message") == "advisory: It is so."


def test_junit_holds_nothing_that_is_no_xml(tmp_path: Path) -> None:
    evil = finding(Status.FAIL, "\x00\x1b[2J\ufffe<&>]]>\u202e", observed="\ud800")
    case = suite(picture(ONE, result("web", Status.FAIL, evil)), tmp_path).find("testcase/failure")
    assert case is not None
    assert "\\x00\\x1b[2J\\ufffe<&>]]>\\u202e" in (case.text or "")


@pytest.mark.parametrize(
    ("shown", "code", "word"),
    [
        (PASSED, 0, "OK"), (WARNED, 1, "WARNING"), (FAILED, 2, "CRITICAL"), (UNCLEAR, 3, "UNKNOWN"),
        (BLOCKED, 3, "UNKNOWN"), (STALE, 3, "UNKNOWN"), (NOT_RUN, 3, "UNKNOWN"), (WAIVED, 1, "WARNING"),
        (ADVISORY, 0, "OK"),
    ],
)  # fmt: skip
def test_nagios_code_and_word(shown: Picture, code: int, word: str) -> None:
    line, found = nagios_line(shown)
    assert found == code
    assert line.startswith(f"GONOGO {word} - {shown.verdict.value}: ready {shown.verdict.value}")
    assert "\n" not in line
    perfdata = dict(item.split("=") for item in line.partition(" | ")[2].split())
    assert all(re.fullmatch(r"\d+", value) for value in perfdata.values())
    assert sum(map(int, perfdata.values())) == len(shown.shown)


def test_nagios_has_one_bar_whatever_is_said() -> None:
    odd = plan(planned("web"), vantages=("a|b",))
    line, code = nagios_line(picture(odd, result("web", Status.PASS)))
    assert code == 3
    assert line.count("|") == 1
    assert "a/b" in line
