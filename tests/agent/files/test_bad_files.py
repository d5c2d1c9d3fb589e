"""Every bad file is refused with exit 2, every problem at its exact place, and nothing else is said."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.cli.lint import command as lint
from agent.files.load import Problems, load_plan

_spec = importlib.util.spec_from_file_location("bad_files", Path(__file__).with_name("bad_files.py"))
assert _spec is not None
assert _spec.loader is not None
bad_files = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(bad_files)
CASES = bad_files.cases()
SECRETS = ("hunter2butlonger", "AKIAIOSFODNN7", "0123456789abc", "eyJhbGci", "48291047", "xoxb-0123")


def _split(text: str) -> tuple[str, set[tuple[int, int]]]:
    """Return the text without marks, and the places (line, column) of the marks."""
    places = set()
    clean = ""
    for part in text.split(bad_files.MARK)[:-1]:
        clean += part
        places.add((clean.count("\n") + 1, len(clean) - (clean.rfind("\n") + 1) + 1))
    return text.replace(bad_files.MARK, ""), places


def test_there_are_enough() -> None:
    assert len(CASES) >= 200
    assert len({name for name, _, _ in CASES}) == len(CASES)


def test_the_good_file_is_good(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(bad_files.good())
    assert len(load_plan(path, cached=False).checks) == 1


@pytest.mark.parametrize(("name", "text", "said"), CASES, ids=[name for name, _, _ in CASES])
def test_bad_file(tmp_path: Path, name: str, text: str, said: str) -> None:
    clean, places = _split(text)
    path = tmp_path / "p.yaml"
    path.write_text(clean, encoding="utf-8")
    with pytest.raises(Problems) as caught:
        load_plan(path)
    found = {(problem.place.line, problem.place.column) for problem in caught.value.problems}
    whole = str(caught.value)
    assert found == places, whole
    assert said in whole
    assert all(problem.place.file == str(path) for problem in caught.value.problems)
    assert all(re.search(r"[.?!]\Z", problem.message) for problem in caught.value.problems), whole

    result = CliRunner().invoke(lint, [str(path)])
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    first = min(places)
    assert f"{path}:{first[0]}:{first[1]}: " in result.output
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", result.output)
    for secret in SECRETS:
        assert secret not in result.output
        assert secret not in CliRunner().invoke(lint, ["--json", str(path)]).output


@pytest.mark.parametrize("command", ["lint", "plan"])
def test_as_a_process(tmp_path: Path, command: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(bad_files.good().replace("port", "prot"))
    code = "import sys; from agent.cli import main; sys.argv[0] = 'gonogo'; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, command, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "did you mean 'port'?" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_the_shape_of_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(bad_files.good().replace("port: 443", "port: 443, timeuot: 3s"))
    with pytest.raises(Problems) as caught:
        load_plan(path)
    line = "  a: {type: network.tcp, milestone: ready, target: 10.0.0.1, port: 443, timeuot: 3s}"
    assert str(caught.value) == (
        f"{path}:5:73: checks.a.timeuot: There is no such key here - did you mean 'timeout'?\n"
        f"     5 | {line}\n"
        f"       | {' ' * 72}^"
    )
