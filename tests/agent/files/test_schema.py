# ruff: noqa: E501 - tables read better unfolded
"""The schemas accept what the loader accepts, and refuse what an editor should underline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from agent.files import schema
from agent.files.load import load_plan
from checks import docs, registry
from profiles.document import read_document
from profiles.shelf import SHIPPED

HEAD = """gonogo: 1
project: {name: Move, timezone: Europe/Zurich, cutover: 2026-12-05 22:30, time_servers: [ntp.example]}
scope: {in: [a], out: [b]}
vendors: {isp: {name: Line, phone: "1", email: e, note: n}}
contacts: {it: {name: Anna}}
milestones:
  ready: {title: R, due: -1h, owner: it, after: [], gate: {max_age: 12h, warnings: false, vantages: [a*], also: []}}
"""
PING = "checks:\n  a: {type: network.tcp, milestone: ready, target: a, port: 1, timeout: 3s, retries: 1, owner: isp}\n"


@pytest.fixture(scope="module")
def project() -> Any:
    made = schema.project_schema()
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


@pytest.fixture(scope="module")
def profile() -> Any:
    made = schema.profile_schema()
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def value(text: str) -> Any:
    return read_document(text.encode(), "p.yaml").value


def test_a_good_project(project: Any, tmp_path: Path) -> None:
    text = HEAD + PING
    (tmp_path / "p.yaml").write_text(text)
    load_plan(tmp_path / "p.yaml", cached=False)
    project.validate(value(text))


@pytest.mark.parametrize("kind", registry.names())
def test_the_example_of_every_type_is_accepted(kind: str, project: Any) -> None:
    example = value(docs.read(registry.load(kind)).example)
    check = {"milestone": "ready", **example}
    project.validate({**value(HEAD), "checks": {"a": check}})
    filled = {key: "${x}" if key not in ("type", "milestone") else item for key, item in check.items()}
    project.validate({**value(HEAD), "checks": {"a": filled}})
    assert not project.is_valid({**value(HEAD), "checks": {"a": {**check, "no_such_parameter": 1}}})


@pytest.mark.parametrize(
    "text",
    [
        "gonogo: 2\nproject: {name: a, timezone: UTC}\n",
        "gonogo: 1\n",
        HEAD + "extra: 1\n",
        HEAD + PING.replace("port: 1", "prot: 1"),
        HEAD + PING.replace(", port: 1", ""),
        HEAD + PING.replace("milestone: ready, ", ""),
        HEAD + PING.replace("port: 1", "port: 70000"),
        HEAD + PING.replace("retries: 1", "retries: many"),
        HEAD.replace("warnings: false", "warnings: maybe"),
        HEAD.replace("timezone: Europe/Zurich, ", ""),
        HEAD.replace("[a*]", "a*"),
        HEAD + "without: {a: short}\n",
    ],
)
def test_a_bad_project(text: str, project: Any) -> None:
    assert not project.is_valid(value(text))


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_shipped_profiles(path: Path, profile: Any) -> None:
    made = read_document(path.read_bytes(), path.name).value
    profile.validate(made)
    assert not profile.is_valid({**made, "version": "1"})
    assert not profile.is_valid({**made, "extra": 1})
    assert not profile.is_valid({**made, "parameters": {"a": {"type": "hosts", "description": "d"}}})
    assert not profile.is_valid({key: item for key, item in made.items() if key != "checks"})
