# ruff: noqa: E501, PT017 - tables read better unfolded; every kind of problem is looked at, not one raised
"""Whatever is in the file, the loader says `Problems` or gives a plan, and never crashes."""

from __future__ import annotations

import importlib.util
import json
import os
import tempfile
import unicodedata
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.files.load import Problems
from agent.files.reading import read_plan
from profiles.files import MAX_BYTES

_spec = importlib.util.spec_from_file_location("bad_files", Path(__file__).with_name("bad_files.py"))
assert _spec is not None
assert _spec.loader is not None
bad_files = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(bad_files)

OFFICE = """gonogo: 1
project: {name: Move, timezone: Europe/Zurich, cutover: 2026-12-05 22:30}
vendors: {isp: {name: Line}, cabling: {name: Cables}}
contacts: {it: {name: Anna}}
profile: office-move
with:
  network: 10.20.0.0/16
  gateway: 10.20.0.1
  resolvers: [10.20.0.53]
  internet_host: 10.99.0.1
  names: [{name: files.corp.example, address: 10.20.0.10}]
  services: [{name: Files Server, host: files.corp.example, port: 445}]
without:
  laptop: it is plugged in all the time
milestones:
  ready: {due: -2h, gate: {max_age: 2h}}
checks:
  badge-${item}:
    type: network.tcp
    each: {item: [a, b]}
    when: ${time_server}
    milestone: ready
    needs: [gateway, name-*]
    target: 10.20.0.30
    port: 443
    timeout: 20s
"""
TOKENS = st.sampled_from([
    *"{}[]:,&*!|>'\"%@`#?-\n\t ", "  ", "\n  ", "\n    ", ": ", "- ", "${", "${gateway}", "${item}", "$${", "each", "when",
    "not ", "needs", "*", "<<", "~", "null", "true", ".nan", "-1h", "+", "2026-10-25 02:30", "checks:", "\0", "\x1b",
    "\ufeff", "\u2028", "\x85", "é", "😀", "1e999", "0x", "0o8", "!!str ", "--- ", "... ", "office-move", "9" * 50, "TODO",
])  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=12) | TOKENS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | TOKENS, inner, max_size=4)
    ),
    max_leaves=12,
)
KEYS = st.sampled_from([
    "gonogo", "project", "scope", "vendors", "contacts", "profile", "with", "without", "milestones", "checks"
])  # fmt: skip
FUZZ = settings(
    max_examples=int(os.environ.get("GONOGO_FUZZ", "150")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def read(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.yaml"
        try:
            read_plan(path, data[:MAX_BYTES])
        except Problems as problems:
            lines = data.count(b"\n") + data.count(b"\r") + 1
            assert problems.problems
            for problem in problems.problems:
                assert problem.message
                assert problem.place.line >= 1
                assert problem.place.column >= 1
                if problem.place.file == str(path):
                    assert problem.place.line <= lines
            shown = str(problems)
            assert all(
                char == "\n" or char.isprintable() or unicodedata.category(char) == "Zs" for char in shown
            )


@FUZZ
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    read(data)


@FUZZ
@given(st.lists(TOKENS | st.text(max_size=5), max_size=40).map("".join))
def test_yaml_like_text(text: str) -> None:
    read(text.encode("utf-8", "surrogatepass"))


@FUZZ
@given(st.dictionaries(KEYS, JSON, max_size=6))
def test_any_structure(value: dict[str, Any]) -> None:
    read(json.dumps(value, allow_nan=False, default=str).encode() if _finite(value) else b"a: .nan")


def _finite(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


@FUZZ
@given(st.sampled_from(["project", "vendors", "with", "without", "milestones", "checks"]), JSON)
def test_one_part_replaced(key: str, value: Any) -> None:
    if _finite(value):
        before, _, rest = OFFICE.partition(f"{key}:")
        after = (
            rest[rest.find("\n" + next((c for c in "gpvcmw" if "\n" + c in rest), "z")) :]
            if "\n" in rest
            else ""
        )
        read(f"{before}{key}: {json.dumps(value)}\n{after}".encode())


@FUZZ
@given(st.data())
def test_mutated_good_files(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([OFFICE, bad_files.good()]))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        text = text[:start] + data.draw(TOKENS | st.just("")) + text[end:]
    read(text.encode())


@FUZZ
@given(st.data())
def test_shuffled_lines(data: st.DataObject) -> None:
    lines = OFFICE.splitlines(keepends=True)
    read("".join(data.draw(st.lists(st.sampled_from(lines), max_size=25))).encode())


@FUZZ
@given(JSON, st.sampled_from(["a", "parameters", "milestones", "checks"]))
def test_any_profile(value: Any, key: str) -> None:
    if not _finite(value):
        return
    body = {
        "gonogo-profile": 1,
        "name": "p",
        "title": "P",
        "description": "P",
        "version": 1,
        "checks": {},
        key: value,
    }
    project = bad_files.HEAD + "profile: ./prof.yaml\nwith: {a: 1}\n" + bad_files.READY + bad_files.CHECK
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "prof.yaml").write_text(json.dumps(body))
        try:
            read_plan(Path(folder) / "p.yaml", project.encode())
        except Problems as problems:
            assert str(problems)
