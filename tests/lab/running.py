"""The installed `gonogo`, run inside a namespace of the lab as a technician runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.lab.namespaces import Namespace

GONOGO = Path(sys.executable).with_name("gonogo")
GO, USAGE, INCOMPLETE, NO_GO = 0, 2, 3, 4
"""Exit codes of `gonogo run`."""

ENVIRONMENT = {"NO_COLOR": "1", "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run printed with `--json`, and its exit code."""

    code: int
    data: dict[str, Any]

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        """The results by check."""
        return {result["check"]: result for result in self.data["results"]}

    def having(self, *statuses: str) -> set[str]:
        """Return the checks that have one of these statuses."""
        return {name for name, result in self.results.items() if result["status"] in statuses}

    def told(self, check: str) -> str:
        """Return what the findings of a check say, in one text, worst last."""
        return "\n".join(
            f"{item['status']} {item['subject']}: {item['message']} [{item['observed']}]"
            for item in self.results[check]["findings"]
        )

    def summary(self) -> str:
        """Return the whole run in a few lines, for the message of an assertion."""
        lines = [f"exit {self.code}, {[(m['id'], m['verdict']) for m in self.data['milestones']]}"]
        for name, result in self.results.items():
            if result["status"] != "pass":
                lines.append(f"{name}: {result['status']} (by {result['blocked_by']}) {self.told(name)}")
        return "\n".join(lines)


def gonogo(
    host: Namespace,
    *arguments: str | os.PathLike[str],
    before: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    timeout_s: float = 90.0,
) -> subprocess.CompletedProcess[str]:
    """Run `gonogo ARGUMENTS` inside `host` to its end; `before` are the words of a program that starts it."""
    done = host.run(
        *before, GONOGO, *arguments, check=False, env={**ENVIRONMENT, **(env or {})}, timeout_s=timeout_s
    )
    if before:
        _sweep()
    return done


def _sweep() -> None:
    """Take away what faketime leaves of a process that ended at once: another with its number fails on it."""
    for path in Path("/dev/shm").glob("*faketime_*"):
        number = path.name.rpartition("_")[2]
        if number.isdigit() and not Path("/proc", number).exists():
            path.unlink(missing_ok=True)


def run_json(
    host: Namespace,
    project: Path,
    *arguments: str,
    before: Sequence[str] = (),
    command: str = "run",
    env: Mapping[str, str] | None = None,
) -> Ran:
    """Return what `gonogo run PROJECT --json` (or another command) says inside `host`."""
    done = gonogo(host, command, project, "--json", *arguments, before=before, env=env)
    try:
        data = json.loads(done.stdout)
    except ValueError:
        raise AssertionError(
            f"exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        ) from None
    return Ran(done.returncode, data)


def dependents(project: Path, cause: str) -> set[str]:
    """Return the checks of a project file that need `cause`, directly or through others."""
    checks = YAML(typ="safe", pure=True).load(project.read_text())["checks"]
    found: set[str] = set()
    while new := {
        name
        for name, check in checks.items()
        if name not in found and {cause, *found} & set(check.get("needs", ()))
    }:
        found |= new
    return found
