"""Law 3: what a run stored can be judged again, by anybody and later, and says the same.

Every result is read back from the ledger, its observation made a value again, and judged by the check that
the plan defines: the findings must be those that were stored. What the engine itself says of a check that was
blocked, overdue or flapping has no observation and is left out.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import typing
from pathlib import Path

import pytest

from agent.files.load import load_plan
from agent.ledger.store import Ledger, ledger_path
from agent.plan import Plan
from checks import jsonable
from checks.contract import Check, Finding, Result, worst

GONOGO = str(Path(sys.executable).with_name("gonogo"))


def seen_type(kind: type[Check[typing.Any]]) -> typing.Any:
    """Return what a check type observes: the argument of `Check[...]`."""
    return typing.get_args(kind.__orig_bases__[0])[0]  # type: ignore[attr-defined]


def judged_again(plan: Plan, result: Result) -> tuple[Finding, ...]:
    """Judge a stored observation by the plan's definition, as somebody who was not there would."""
    check = plan.by_id[result.check].build()
    seen = jsonable.from_json(seen_type(type(check)), result.observation)
    return tuple(check.judge(seen))


def assert_same_again(project: Path) -> set[str]:
    """Judge the newest results in the ledger of `project` again; return the types that were judged."""
    plan = load_plan(project)
    types = set()
    with Ledger.open(ledger_path(project, plan.project.id), read_only=True) as ledger:
        for known in ledger.latest().values():
            result = ledger.result(known.seq)
            if result.observation is None or result.attempts != 1:
                continue
            again = judged_again(plan, result)
            stored = json.loads(json.dumps([finding.as_json() for finding in again]))
            assert stored == [finding.as_json() for finding in result.findings], result.check
            assert worst(finding.status for finding in again) is result.status
            types.add(result.type)
        assert ledger.verify() == []
    return types


@pytest.mark.parametrize("words", [(), ("--fixed",)])
def test_a_demo_says_the_same_when_it_is_judged_again(tmp_path, words):
    done = subprocess.run(
        [GONOGO, "demo", "--dir", str(tmp_path), *words], capture_output=True, timeout=120, check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    assert done.returncode in (0, 4), done.stderr
    types = assert_same_again(tmp_path / "practice-office.yaml")
    assert {"network.tcp", "network.tls", "network.closed", "dns.record", "manual", "host"} <= types
    assert ("network.http" in types) == bool(words)


@pytest.mark.lab
def test_an_office_says_the_same_when_it_is_judged_again(tmp_path):
    from tests.lab import need
    from tests.lab.office import TOOLS, Office
    from tests.lab.running import run_json

    need(*TOOLS)
    project = Path(shutil.copy(Path(__file__).parent / "lab" / "office.yaml", tmp_path))
    with Office() as office:
        run_json(office.laptop, project)
    types = assert_same_again(project)
    assert {"network.ping", "network.mtu", "network.path", "link.gateway", "network.ntp"} <= types
