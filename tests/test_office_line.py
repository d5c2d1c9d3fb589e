"""The rate of the office's line, over HTTP and by iperf3: as fast as ordered, and too slow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import faults, need
from tests.lab.office import TOOLS, Office
from tests.lab.running import GO, INCOMPLETE, NO_GO, run_json

pytestmark = pytest.mark.lab

PROJECT = """
gonogo: 1
project: {name: Line, timezone: UTC}
milestones: {line: {title: The line is as fast as ordered}}
checks:
  web:
    type: network.throughput
    milestone: line
    url: http://www.example.com/blob
    upload_url: http://www.example.com/upload
    min_down: 20
    min_up: 10
    window: 2s
  iperf:
    type: network.throughput
    milestone: line
    iperf3: 203.0.113.80
    min_down: 20
    min_up: 10
    window: 2s
"""


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    need(*TOOLS, "tc")
    with Office() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "line.yaml"
    path.write_text(PROJECT)
    return path


def test_a_line_as_fast_as_ordered_is_a_go(office: Office, project: Path) -> None:
    with faults.line_rate(office, "60mbit", "30mbit"):
        ran = run_json(office.laptop, project)
    assert ran.code == GO, ran.summary()
    for check in ("web", "iperf"):
        rates = [f["measure"]["value"] for f in ran.results[check]["findings"] if f.get("measure")]
        assert len(rates) == 2, ran.told(check)
        assert 20 <= rates[0] <= 62, ran.told(check)
        assert 10 <= rates[1] <= 32, ran.told(check)


def test_a_slow_line_is_a_no_go(office: Office, project: Path) -> None:
    with faults.line_rate(office, "5mbit", "30mbit"):
        ran = run_json(office.laptop, project)
    assert ran.code == NO_GO, ran.summary()
    assert ran.having("fail") == {"web", "iperf"}, ran.summary()
    for check in ("web", "iperf"):
        statuses = [f["status"] for f in ran.results[check]["findings"] if f.get("measure")]
        assert statuses == ["fail", "pass"], ran.told(check)


def test_a_speed_server_that_is_gone_says_nothing_about_the_line(office: Office, project: Path) -> None:
    quiet = "chain none { type filter hook input priority 0; tcp dport { 80, 5201 } reject with tcp reset; }"
    with faults.rules(office.internet, quiet):
        ran = run_json(office.laptop, project)
    assert ran.having("pass", "warn") == set(), ran.summary()
    assert ran.code in (INCOMPLETE, NO_GO), ran.summary()
