"""The form that every check type keeps, as functions that a test calls with a loaded class.

`RULES` maps a rule's name to a function that raises AssertionError with the reason.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import inspect
import itertools
import json
import re
import sys
import textwrap
import typing
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML

from checks import jsonable
from checks.contract import RESERVED, Check, Finding

_TELLERS = {"failed", "warned", "cannot_tell", "within"}
st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))
_OUTSIDE = ("socket.connect", "socket.sendto", "socket.getaddrinfo", "subprocess.Popen", "os.system")


def example(kind: type[Check[Any]]) -> dict[str, Any]:
    """Return the docstring's example as the mapping that its YAML says."""
    doc = inspect.cleandoc(kind.__doc__ or "")
    found = re.search(r"^Example:\n((?:(?:[ \t]+.*)?\n?)+)", doc, re.MULTILINE)
    assert found, "The docstring has no 'Example:' with an indented block."
    loaded = YAML(typ="safe", pure=True).load(textwrap.dedent(found.group(1)))
    assert isinstance(loaded, dict), "The example is not a YAML mapping."
    return loaded


def built(kind: type[Check[Any]]) -> Check[Any]:
    """Return the check of the docstring's example, validated as a project file's is."""
    params = {key: value for key, value in example(kind).items() if key not in RESERVED}
    check: Check[Any] = TypeAdapter(kind).validate_json(json.dumps(params))
    return check


def seen_type(kind: type[Check[Any]]) -> Any:
    """Return the type of what `observe` returns."""
    return typing.get_type_hints(kind.observe)["return"]


def docstring(kind: type[Check[Any]]) -> None:
    assert "__doc__" in vars(kind), "The class has no docstring."
    doc = inspect.cleandoc(kind.__doc__ or "")
    claim = doc.partition("\n\n")[0]
    assert claim.endswith("."), "The docstring must begin with the claim, a full sentence."
    for heading in ("Proves:", "Cannot prove:", "If it fails:", "Source:", "Example:"):
        text = re.search(rf"^{heading}\s*(\S.*)", doc, re.MULTILINE)
        assert text, f"The docstring has no '{heading}' with a text."


def example_loads(kind: type[Check[Any]]) -> None:
    assert example(kind).get("type") == kind.type, f"The example must say type: {kind.type}."
    unknown = set(example(kind)) - RESERVED - {item.name for item in dataclasses.fields(kind)}
    assert not unknown, f"The example has unknown keys: {unknown}"
    check = built(kind)
    assert check.subject(), "subject() is empty for the example."
    assert check.allowance() > 0
    assert isinstance(check.needs_link(), bool)


def normal_form(kind: type[Check[Any]]) -> None:
    check = built(kind)
    stored = json.loads(json.dumps(jsonable.to_json(check)))
    assert jsonable.from_json(kind, stored) == check, "The normal form does not survive JSON."
    assert TypeAdapter(kind).validate_json(json.dumps(stored)) == check, "It does not validate to itself."


def parameters(kind: type[Check[Any]]) -> None:
    documented = set(_documented(kind))
    for item in dataclasses.fields(kind):
        assert item.name not in RESERVED, f"The parameter {item.name!r} is one of the engine's keys."
        assert item.name in documented, f"Below {item.name!r} no string documents it."
    schema = TypeAdapter(kind).json_schema()
    assert set(schema.get("properties", {})) == {item.name for item in dataclasses.fields(kind)}


def nothing_is_refused(kind: type[Check[Any]]) -> None:
    """A parameter that must be given must say something: an empty list, mapping or text asserts nothing."""
    stored = jsonable.to_json(built(kind))
    must = [
        item.name for item in dataclasses.fields(kind)
        if item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
    ]  # fmt: skip
    for name in must:
        empty = {list: [], dict: {}, str: ""}.get(type(stored[name]))
        if empty is None:
            continue
        try:
            TypeAdapter(kind).validate_json(json.dumps(stored | {name: empty}))
        except ValidationError:
            continue
        raise AssertionError(f"The parameter {name!r} may be empty: that would assert nothing.")


def engine_facts(kind: type[Check[Any]]) -> None:
    assert 0 < kind.deadline_s <= 600, "deadline_s must be positive and at most ten minutes."
    assert kind.kind in ("light", "process", "exclusive")


def observation(kind: type[Check[Any]]) -> None:
    seen = seen_type(kind)
    assert dataclasses.is_dataclass(seen), "observe must say that it returns a dataclass."
    jsonable._reader(seen)


def judge_is_pure(kind: type[Check[Any]]) -> None:
    """Whatever well-typed data was seen: judging twice says the same, asks nobody and survives JSON."""
    check, seen = built(kind), seen_type(kind)

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.from_type(seen))
    def judge_twice(observed: Any) -> None:
        with _nothing_leaves():
            before = jsonable.to_json(observed)
            first = _judged(check, observed)
            assert _judged(check, observed) == first
            assert jsonable.to_json(observed) == before, "judge changed what was seen."
        try:
            again = jsonable.from_json(seen, json.loads(json.dumps(jsonable.to_json(observed))))
        except (ValueError, TypeError):
            return
        if again == observed:
            assert _judged(check, again) == first

    judge_twice()


def fixes(kind: type[Check[Any]]) -> None:
    """Every finding in the source that is no pass says what to do."""
    path = Path(inspect.getfile(kind))
    for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        given_ = {word.arg: word.value for word in call.keywords}
        needs = name in _TELLERS or (name == "Finding" and not _is_pass(given_.get("status")))
        if needs and None not in given_:
            where = f"{path.name}:{call.lineno}: {name}(...)"
            assert "fix" in given_, f"{where} has no fix."
            text = given_["fix"]
            assert not (isinstance(text, ast.Constant) and not text.value), f"{where} has an empty fix."


RULES: dict[str, Callable[[type[Check[Any]]], None]] = {
    rule.__name__: rule
    for rule in (
        docstring, example_loads, normal_form, parameters, nothing_is_refused, engine_facts, observation,
        judge_is_pure, fixes,
    )
}  # fmt: skip


def _documented(kind: type[Check[Any]]) -> Iterator[str]:
    for base in kind.__mro__:
        if base is Check or not issubclass(base, Check):
            continue
        (body,) = [
            node.body for node in ast.parse(textwrap.dedent(inspect.getsource(base))).body
            if isinstance(node, ast.ClassDef)
        ]  # fmt: skip
        for node, below in itertools.pairwise(body):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                text = below.value if isinstance(below, ast.Expr) else None
                if isinstance(text, ast.Constant) and isinstance(text.value, str) and text.value.strip():
                    yield node.target.id


def _is_pass(status: ast.expr | None) -> bool:
    return isinstance(status, ast.Attribute) and status.attr == "PASS"


def _judged(check: Check[Any], observed: Any) -> list[Finding] | str:
    """Return the findings, or the name of what judging nonsense raised."""
    try:
        return list(check.judge(observed))
    except Exception as error:
        return type(error).__name__


_watch: list[str] | None = None
_hooked = False


def _hook(event: str, _: object) -> None:
    if _watch is not None and event in _OUTSIDE:
        _watch.append(event)


@contextlib.contextmanager
def _nothing_leaves() -> Iterator[None]:
    global _watch, _hooked
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked = True
    _watch = []
    try:
        yield
        assert not _watch, f"judge did more than judge: {_watch}"
    finally:
        _watch = None
