"""Where gonogo's own files are, by platform."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.local import folders


@pytest.mark.parametrize(
    ("platform", "variable", "under_home"),
    [
        ("win32", "APPDATA", "AppData/Roaming"),
        ("darwin", "", "Library/Application Support"),
        ("linux", "XDG_CONFIG_HOME", ".config"),
    ],
)
def test_what_this_user_decided_has_a_folder(
    platform: str, variable: str, under_home: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(folders.sys, "platform", platform)
    for name in ("APPDATA", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folders.config() == tmp_path / under_home / "gonogo"
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "own"))
        assert folders.config() == tmp_path / "own" / "gonogo"
        monkeypatch.setenv(variable, "relative")
        assert folders.config() is None


def test_without_a_home_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr(folders.sys, "platform", "linux")
    monkeypatch.setattr(folders.Path, "home", homeless)
    assert folders.config() is None
