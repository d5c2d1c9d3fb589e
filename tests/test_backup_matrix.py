"""Each kind of backup in each form, by the command that a technician runs, over a real SSH server.

The rows come from `tests/lab/backup_*.py`. The table that is printed (`pytest -s`, or a failure) shows kind
by form by level; what is asserted of each row is its status, that its level is never above what can be
proven, and that a finding says the words.
"""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.lab.backup_forms import FORMS, Form
from tests.lab.needs import need
from tests.lab.running import ENVIRONMENT, GONOGO
from tests.lab.sshd import Sshd, User, sshd

pytestmark = pytest.mark.lab

LAB = Path(__file__).parent / "lab"
HELPERS = {"backup_forms", "backup_files", "backup_local"}


def kinds() -> list[str]:
    """Return the modules that offer forms, by name."""
    names = [path.stem for path in sorted(LAB.glob("backup_*.py")) if path.stem not in HELPERS]
    return [name for name in names if re.search(r"^KIND\b", (LAB / f"{name}.py").read_text(), re.MULTILINE)]


@dataclass(frozen=True)
class Row:
    """What `gonogo run --json` said of one form."""

    form: Form
    status: str
    level: int
    findings: tuple[str, ...]

    def line(self, kind: str) -> str:
        mark = "" if self.status == self.form.status and self.level == self.form.level else "  <--"
        return f"{kind:12} {self.form.name:32} {self.status:13} {self.level}  {mark}"

    def wrong(self) -> str:
        """Return what is wrong about it; empty if nothing is."""
        told = "\n    ".join(self.findings)
        if self.status != self.form.status:
            return f"{self.form.name}: {self.status} where it is {self.form.status}\n    {told}"
        if self.level > self.form.level:
            return f"{self.form.name}: rung {self.level}, where {self.form.level} can be proven\n    {told}"
        if self.level < self.form.level and self.status == "pass":
            return f"{self.form.name}: rung {self.level} only, of {self.form.level}\n    {told}"
        if self.form.words and not any(re.search(self.form.words, finding) for finding in self.findings):
            return f"{self.form.name}: no finding says {self.form.words!r}\n    {told}"
        return ""


@contextmanager
def shown_to_all() -> Iterator[Path]:
    """A folder that the account of the SSH server may read."""
    folder = Path(tempfile.mkdtemp(prefix="gonogo-matrix-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(folder: Path, login: dict[str, Any], forms: dict[str, Form]) -> dict[str, Row]:
    """Run one project with a check for each form."""
    checks = {
        name: {"type": form.type, "timeout": "150s", "milestone": "go", **login, **form.params}
        for name, form in forms.items()
    }
    project = folder / "project.yaml"
    project.write_text(json.dumps({
        "gonogo": 1, "project": {"name": "Matrix", "timezone": "UTC"}, "milestones": {"go": {"title": "Go"}},
        "checks": checks,
    }))  # fmt: skip
    done = subprocess.run(
        [GONOGO, "run", project, "--json"], capture_output=True, text=True, check=False, timeout=500,
        cwd=folder, env={**ENVIRONMENT, "PATH": "/usr/bin:/bin", "HOME": str(folder)},
    )  # fmt: skip
    try:
        results = {result["check"]: result for result in json.loads(done.stdout)["results"]}
    except ValueError:
        raise AssertionError(f"exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}") from None
    return {name: _row(form, results[name]) for name, form in forms.items()}


def _row(form: Form, result: dict[str, Any]) -> Row:
    findings = tuple(
        f"{item['status']} {item['subject']}: {item['message']} [{item['observed']}] {item['fix']}"
        for item in result["findings"]
    )
    level = (result["observation"] or {}).get("proof_level", -1)
    return Row(form=form, status=result["status"], level=level, findings=findings)


def matrix(module: ModuleType, folder: Path, server: Sshd) -> list[Row]:
    """Return the rows of one kind: those that need something held run alone, the others in one run."""
    forms = {f"f{number}": form for number, form in enumerate(module.forms(folder / "backups"))}
    held = {name: form for name, form in forms.items() if form.hold is not nullcontext}
    rows = run(folder, server.params(), {name: form for name, form in forms.items() if name not in held})
    for name, form in held.items():
        with form.hold():
            rows |= run(folder, server.params(), {name: form})
    return [rows[name] for name in forms]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in kinds()]
)
def test_no_form_of_a_backup_reads_better_than_it_is(name: str) -> None:
    module = importlib.import_module(f"tests.lab.{name}")
    need("sshd", *module.TOOLS)
    with shown_to_all() as folder:
        (folder / "backups").mkdir()
        with sshd(folder / "ssh", [User("tech")]) as server:
            rows = matrix(module, folder, server)
    assert rows
    table = "\n".join(row.line(module.KIND) for row in rows)
    print(f"\n{table}", file=sys.stderr)
    assert all(row.form.name.startswith(FORMS) for row in rows)
    wrong = [row.wrong() for row in rows]
    assert not any(wrong), table + "\n" + "\n".join(filter(None, wrong))
