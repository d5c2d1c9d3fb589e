"""The fuzzers run for a moment where atheris is to be had (Linux); `make fuzz` runs them longer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("module", ["tests.fuzz.dns_codec"])
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


def test_the_seeds_are_healthy():
    pytest.importorskip("atheris", reason="atheris is for Linux only.")
    from tests.fuzz.dns_codec import one, seeds

    for seed in seeds():
        one(seed)
