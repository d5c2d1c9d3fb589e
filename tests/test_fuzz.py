"""The fuzzers run for a moment where atheris is to be had (Linux); `make fuzz` runs them longer."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


TARGETS = [
    "tests.fuzz.dns_codec",
    "tests.fuzz.dhcp",
    "tests.fuzz.snmp_codec",
    "tests.fuzz.frames",
    "tests.fuzz.elements",
]


@pytest.mark.parametrize("module", TARGETS)
def test_a_short_run_finds_nothing(module, tmp_path):
    pytest.importorskip("atheris", reason="atheris is for Linux only.")
    done = subprocess.run(
        [sys.executable, "-m", module, "3"],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}, timeout=120,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Done" in done.stderr
    assert not list(tmp_path.glob("crash-*"))


@pytest.mark.parametrize("module", TARGETS)
def test_the_seeds_are_healthy(module):
    pytest.importorskip("atheris", reason="atheris is for Linux only.")
    target = importlib.import_module(module)
    for seed in target.seeds():
        target.one(seed)
