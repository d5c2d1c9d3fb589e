"""Run one check as a process inside a lab namespace and return what it found and saw."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from checks import jsonable, registry
from checks.contract import Finding, Status, worst
from tests.lab import Namespace

ROOT = Path(__file__).resolve().parents[3]
NO_RIGHTS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all")

DRIVER = """
import asyncio, json, sys
from checks import jsonable, registry
from checks.contract import CannotTell
from checks.vantage import Shared, Vantage
name, params = sys.argv[1], json.loads(sys.argv[2])
check = jsonable.from_json(registry.load(name), params)
async def main():
    shared = Shared()
    try:
        return {"seen": jsonable.to_json(await check.observe(Vantage(shared, name, check.allowance())))}
    except CannotTell as error:
        return {"reason": error.reason, "fix": error.fix}
    finally:
        await shared.close()
print(json.dumps(asyncio.run(main())))
"""


class Told(NamedTuple):
    """What came of it; `reason` is set where the check raised CannotTell."""

    status: Status
    findings: tuple[Finding, ...]
    seen: Any
    reason: str = ""


def run(where: Namespace, name: str, *, rights: bool = True, **params: Any) -> Told:
    """Observe inside `where`, without any capability if `rights` is false, and judge here."""
    kind = registry.load(name)
    check = jsonable.from_json(kind, params)
    argv = (sys.executable, "-c", DRIVER, name, json.dumps(params))
    done = where.run(*(() if rights else NO_RIGHTS), *argv, cwd=ROOT, env={"PYTHONPATH": str(ROOT)})
    told = json.loads(done.stdout)
    if "reason" in told:
        return Told(Status.INCONCLUSIVE, (), None, told["reason"])
    seen = jsonable.from_json(_seen_type(kind), told["seen"])
    findings = tuple(check.judge(seen))
    return Told(worst(f.status for f in findings), findings, seen)


def _seen_type(kind: Any) -> Any:
    import typing

    return typing.get_args(kind.__orig_bases__[0])[0]
