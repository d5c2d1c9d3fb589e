"""JUnit XML for CI servers: one test case a check and milestone, never merged.

fail is a failure; inconclusive, blocked, stale and not run are errors, never skipped, so that no server
shows green for something that was not tested.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from agent.report.picture import Picture, Told
from agent.verdict import CheckStanding, MilestoneVerdict, Standing
from checks.safe import safe
from checks.words import Status


def write_junit(picture: Picture, path: Path) -> None:
    """Write the report to `path`; raises OSError where that cannot be done."""
    suites = ET.Element("testsuites", name=safe(picture.plan.project.name))
    for item in picture.verdicts:
        suites.append(_suite(picture, item))
    path.write_bytes(ET.tostring(suites, encoding="utf-8", xml_declaration=True))


def _suite(picture: Picture, item: MilestoneVerdict) -> ET.Element:
    suite = ET.Element("testsuite", name=item.milestone.id)
    failures = errors = 0
    for standing in item.standings:
        result = picture.results.get(standing.check)
        case = ET.SubElement(
            suite,
            "testcase",
            classname=f"{picture.plan.project.id}.{item.milestone.id}",
            name=standing.check,
            time=f"{result.duration_s if result else 0:.6f}",
        )
        kind = _kind(item, standing)
        if kind is None:
            continue
        failures += kind == "failure"
        errors += kind == "error"
        problem = ET.SubElement(case, kind, type=standing.standing.value, message=_message(standing, result))
        problem.text = _text(result)
    gate = ET.SubElement(
        suite, "testcase", classname=f"{picture.plan.project.id}.{item.milestone.id}", name="gate", time="0"
    )
    if item.verdict.value not in ("GO", "GO WITH WAIVERS"):
        kind = "failure" if item.verdict.value == "NO-GO" else "error"
        failures += kind == "failure"
        errors += kind == "error"
        ET.SubElement(gate, kind, type=item.verdict.value, message=safe("; ".join(item.reasons), limit=1000))
    suite.set("tests", str(len(item.standings) + 1))
    suite.set("failures", str(failures))
    suite.set("errors", str(errors))
    suite.set("skipped", "0")
    return suite


def _kind(item: MilestoneVerdict, standing: CheckStanding) -> str | None:
    if standing.standing is Standing.PASS or (
        standing.standing is Standing.WARN and item.milestone.gate.warnings
    ):
        return None
    return "failure" if standing.standing in (Standing.FAIL, Standing.WARN) else "error"


def _message(standing: CheckStanding, result: Told | None) -> str:
    bad = (
        [finding.message for finding in result.findings if finding.status is not Status.PASS]
        if result
        else []
    )
    words = "; ".join(bad) or standing.reason or standing.standing.value
    if result is not None and result.blocked_by:
        words = f"blocked by {result.blocked_by}"
    if not standing.required:
        words = f"advisory: {words}"
    if standing.waiver is not None:
        words = f"waived by {standing.waiver.approver}: {words}"
    return safe(words, limit=1000)


def _text(result: Told | None) -> str:
    lines = []
    for finding in result.findings if result else ():
        if finding.status is not Status.PASS:
            lines.append(f"{finding.subject}: {finding.message}")
            lines += [
                f"  {key}: {value}"
                for key in ("expected", "observed", "fix")
                if (value := getattr(finding, key))
            ]
    return "\n".join(safe(line) for line in lines)
