"""Slips of those who fill in server-migration and security-upgrade: told once, where they can be mended."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.files.load import Problems, load_plan
from agent.files.template import Detected, project_file
from profiles.profile import read_profile
from profiles.shelf import SHIPPED, shipped
from tests.profiles import test_security_upgrade as upgrade
from tests.profiles import test_server_migration as migration

MIGRATION = [
    ("kind misspelt", "kind: restic", "kind: restik", "with.backups[0].kind", "did you mean 'backup.restic'"),
    ("setting misspelt", "password_file:", "pasword_file:", "with.backups[0].settings.pasword_file",
     "did you mean 'password_file'"),
    ("freeze without zone", "18:00:00+01:00", "18:00:00", "with.freeze", "has no zone"),
    ("address of a page", "new.corp.example", "https://new.corp.example", "with.new.host", "without 'https://'"),
    ("literal password", "sudo: true", "password: hidden12", "with.new.password", "env:NAME"),
]  # fmt: skip
UPGRADE = [
    ("exposure without control", "exposure: {ranges: [203.0.113.0/29]}", "with.exposure", "a 'control'"),
    ("egress of nothing", 'egress: {closed: [], control: "a.example:443"}', "with.egress.closed", "1 to 64"),
]


def told(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(Problems) as caught:
        load_plan(path, cached=False)
    found = [str(problem).splitlines()[0] for problem in caught.value.problems]
    assert all(head.startswith(f"{path}:") for head in found), found
    assert "hidden12" not in " ".join(map(str, caught.value.problems))
    return found


@pytest.mark.parametrize(("old", "new", "at", "says"), [one[1:] for one in MIGRATION],
                         ids=[one[0] for one in MIGRATION])  # fmt: skip
def test_a_slip_of_a_migration(tmp_path: Path, old: str, new: str, at: str, says: str) -> None:
    assert old in migration.LEAST
    (head,) = told(tmp_path, migration.LEAST.replace(old, new, 1))
    assert re.search(rf": {re.escape(at)}: ", head), head
    assert says in head


@pytest.mark.parametrize(
    ("text", "at", "says"), [one[1:] for one in UPGRADE],
                         ids=[one[0] for one in UPGRADE])  # fmt: skip
def test_a_slip_of_an_upgrade(tmp_path: Path, text: str, at: str, says: str) -> None:
    (head,) = told(tmp_path, f"{upgrade.LEAST}  {text}\n")
    assert re.search(rf": {re.escape(at)}[^: ]*: ", head), head
    assert says in head


@pytest.mark.parametrize("name", shipped())
def test_the_examples_at_the_end_of_a_new_project_file_name_a_milestone_of_its_profile(name: str) -> None:
    profile = read_profile(SHIPPED / f"{name}.yaml", name)
    text = project_file(profile, name, Detected())
    changed = re.search(r"^#   ([\w-]+): \{due: -2h\}$", text, re.MULTILINE)
    own = re.search(r"^#   badge-reader: .*milestone: ([\w-]+),", text, re.MULTILINE)
    assert changed is not None
    assert own is not None
    assert {changed[1], own[1]} <= set(profile.file.milestones)


def test_a_check_without_its_condition_names_the_parameters(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(migration.LEAST)
    left_out = {item.check: item.reason for item in load_plan(path, cached=False).left_out}
    assert left_out["names"] == "'names' and 'aliases' are not given, empty or off."
    assert left_out["ports"] == "'ports' is not given, empty or off."
