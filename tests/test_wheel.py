"""The wheel that people install: it holds what runs, nothing else, and runs away from this tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {"agent", "checks", "profiles", "tui"}
SUFFIXES = {".py", ".yaml", ".sql", ".tcss", ".html", ".css", ".js"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = ("-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation", "--quiet", "-w", str(folder))
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("gonogo-*.whl")
    return made


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def gonogo(unpacked: Path, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the unpacked wheel with this interpreter's libraries, from a folder that holds nothing of ours."""
    code = (
        "import sys; sys.path[:] = [p for p in sys.path if p not in ('', sys.argv[1])]; "
        "import agent; assert agent.__file__.startswith(sys.argv.pop(2)), agent.__file__; "
        "sys.argv.pop(1); from agent.cli import main; main()"
    )
    return subprocess.run(
        [sys.executable, "-c", code, str(ROOT), str(unpacked), *words],
        cwd=cwd, env={**os.environ, "PYTHONPATH": str(unpacked), "GONOGO_NO_CACHE": "1"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_it_holds_all_that_runs_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    kept = {name for name in names if ".dist-info/" not in name}
    assert {name.partition("/")[0] for name in kept} == PACKAGES
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*"):
            if path.suffix in SUFFIXES:
                assert path.relative_to(ROOT).as_posix() in kept
    assert {Path(name).suffix for name in kept} == SUFFIXES
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_it_tells_nothing_of_the_machine_that_built_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            data = archive.read(name)
            for path in (ROOT, Path.home()):
                assert len(path.parts) < 2 or os.fsencode(path) + b"/" not in data, f"{name} names {path}"


def test_the_demo_runs_from_it(unpacked: Path, tmp_path: Path) -> None:
    done = gonogo(unpacked, tmp_path, "demo", "--json")
    assert done.returncode == 4, done.stderr
    data = json.loads(done.stdout)
    assert data["verdict"] == "NO-GO"
    assert data["run"]["outcome"] == "finished"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("lint", "--schema"), '"title": "gonogo project file"'),
        (("lint", "--schema", "profile"), '"title": "gonogo profile file"'),
        (("explain", "network.ping"), "Proves:"),
        (("checks",), "network.ping"),
        (("init", "office-move", "--no-detect"), "office-move.gonogo.yaml is written"),
    ],
)
def test_commands_that_read_what_it_ships(
    unpacked: Path, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    done = gonogo(unpacked, tmp_path, *words)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
