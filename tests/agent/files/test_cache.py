"""A cached plan is the same plan, costs no YAML and no pydantic, and is dropped whenever it could lie."""

from __future__ import annotations

import os
import subprocess
import sys
import zoneinfo
from pathlib import Path

import pytest

from agent.files import cache, load, reading
from agent.files.load import Problems, load_plan
from agent.plan import Plan
from checks import registry

PROJECT = """gonogo: 1
project: {name: Move, timezone: Europe/Zurich, cutover: 2026-12-05 22:30, customer: "Ärzte & Söhne"}
vendors: {isp: {name: Line, phone: "+41 44"}}
profile: ./small.yaml
with: {server: 10.0.0.1}
milestones: {ready: {owner: isp}}
checks:
  own: {type: network.tcp, milestone: ready, target: 10.0.0.2, port: 80, timeout: 1.5s, needs: [server]}
"""
PROFILE = """gonogo-profile: 1
name: small
title: Small
description: Small.
version: 1
parameters: {server: {type: host, required: true, description: A server.}}
milestones: {ready: {title: Ready, due: -1h}}
checks:
  server: {type: network.tcp, milestone: ready, target: "${server}", port: 443}
  never: {type: network.tcp, milestone: ready, when: false, target: a, port: 1}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(cache.OFF, raising=False)
    (tmp_path / "small.yaml").write_text(PROFILE)
    path = tmp_path / "p.yaml"
    path.write_text(PROJECT)
    return path


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every time a project file is read in earnest."""
    seen: list[Path] = []
    real = reading.read_plan

    def spy(path: Path, data: bytes) -> reading.Read:
        seen.append(path)
        return real(path, data)

    monkeypatch.setattr(reading, "read_plan", spy)
    return seen


def test_a_hit_is_exactly_the_same_plan(project: Path, reads: list[Path]) -> None:
    first, second = load_plan(project), load_plan(project)
    assert len(reads) == 1
    assert second == first == load_plan(project, cached=False)
    assert repr(second) == repr(first)
    assert [check.build() for check in second.checks] == [check.build() for check in first.checks]


def test_a_hit_imports_neither_yaml_nor_pydantic(project: Path) -> None:
    load_plan(project)
    code = (
        "import sys; from pathlib import Path; from agent.files.load import load_plan\n"
        "load_plan(Path(sys.argv[1]))\n"
        "heavy = {'pydantic', 'ruamel', 'textual', 'scapy'}\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & heavy))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(project)],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    assert done.stdout.strip() == "[]"


def _touch_check_source(monkeypatch: pytest.MonkeyPatch) -> None:
    real = cache._code
    monkeypatch.setattr(cache, "_code", lambda: [*real(), "checks/network/tcp.py 1 1"])


def _other_rules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    zone = tmp_path / "zones" / "Europe" / "Zurich"
    zone.parent.mkdir(parents=True)
    source = next(Path(base, "UTC") for base in zoneinfo.TZPATH if Path(base, "UTC").is_file())
    zone.write_bytes(source.read_bytes())
    monkeypatch.setattr(zoneinfo, "TZPATH", (str(tmp_path / "zones"), *zoneinfo.TZPATH))


@pytest.mark.parametrize("what", ["project", "profile", "version", "check source", "zone", "moved"])
def test_what_would_make_it_lie(
    what: str, project: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    load_plan(project)
    if what == "project":
        project.write_text(PROJECT.replace("port: 80", "port: 81"))
    elif what == "profile":
        (tmp_path / "small.yaml").write_text(PROFILE.replace("443", "444"))
    elif what == "version":
        monkeypatch.setattr(cache, "VERSION", "99")
    elif what == "check source":
        _touch_check_source(monkeypatch)
    elif what == "zone":
        _other_rules(monkeypatch, tmp_path)
    elif what == "moved":
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "small.yaml").write_text(PROFILE.replace("443", "445"))
        project = project.rename(tmp_path / "other" / "p.yaml")
    plan = load_plan(project)
    assert len(reads) == 2
    assert plan == load_plan(project, cached=False)


def test_the_same_name_from_another_folder_is_another_plan(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "p.yaml").write_text(PROJECT)
    (other / "small.yaml").write_text(PROFILE.replace("443", "4443"))
    monkeypatch.chdir(tmp_path)
    first = load_plan(Path("p.yaml"))
    monkeypatch.chdir(other)
    assert load_plan(Path("p.yaml")) != first
    assert load_plan(Path("p.yaml")).by_id["server"].params["port"] == 4443


def test_a_profile_that_went_away_is_a_problem(project: Path, tmp_path: Path) -> None:
    load_plan(project)
    (tmp_path / "small.yaml").unlink()
    with pytest.raises(Problems, match="cannot be read"):
        load_plan(project)


def test_types_of_other_distributions_are_never_kept(
    project: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [name for name in registry.names() if name != "network.tcp"]
    monkeypatch.setattr(registry, "names", lambda: names)
    load_plan(project)
    load_plan(project)
    assert len(reads) == 2


def test_problems_are_never_kept(project: Path) -> None:
    project.write_text(PROJECT.replace("port: 80", "port: 0"))
    for _ in range(2):
        with pytest.raises(Problems):
            load_plan(project)


def _entry(tmp_path: Path) -> Path:
    (entry,) = (tmp_path / "cache" / "gonogo" / "plans").glob("*.json")
    return entry


@pytest.mark.parametrize("damage", [b"", b"{}", b"x" * 100, b"\xff\n{}"])
def test_a_damaged_entry_is_ignored(damage: bytes, project: Path, reads: list[Path], tmp_path: Path) -> None:
    first = load_plan(project)
    _entry(tmp_path).write_bytes(damage)
    assert load_plan(project) == first
    assert load_plan(project) == first
    assert len(reads) == 2


def test_every_flipped_byte_is_noticed(project: Path, tmp_path: Path) -> None:
    plan = load_plan(project)
    entry = _entry(tmp_path)
    data = entry.read_bytes()
    for at in range(0, len(data), 97):
        entry.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        found: Plan | None = cache.fetch(entry.stem)
        assert found is None or found == plan


def test_a_cache_that_cannot_be_written_is_no_matter(
    project: Path, reads: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    assert load_plan(project) == load_plan(project)
    assert len(reads) == 2


def test_it_can_be_turned_off(
    project: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(cache.OFF, "1")
    load_plan(project)
    load_plan(project)
    assert len(reads) == 2
    assert not (tmp_path / "cache").exists()


def test_old_entries_go(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cache, "KEPT", 3)
    for port in range(1, 8):
        project.write_text(PROJECT.replace("port: 80", f"port: {port}"))
        load_plan(project)
    assert len(list((tmp_path / "cache" / "gonogo" / "plans").iterdir())) == 3


def test_other_systems_have_other_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(cache.OFF, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    for platform, where in (("win32", "Local"), ("darwin", "Library/Caches")):
        monkeypatch.setattr(sys, "platform", platform)
        assert cache.folder() == tmp_path / where / "gonogo" / "plans"


def test_load_names_problems() -> None:
    assert load.Problems is Problems
