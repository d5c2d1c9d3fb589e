"""Check types by name: nothing loaded before it is named, and a slip is answered with the nearest name."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import pytest

from checks import registry
from checks.contract import Check


@pytest.fixture(autouse=True)
def _fresh():
    yield
    registry.load.cache_clear()


def test_names_are_sorted_unique_and_load_nothing():
    names = registry.names()
    assert names == sorted(set(names))
    assert {"network.tcp", "manual", "plugin"} <= set(names)
    assert not any(name.startswith(("wire.", "local.")) for name in names)
    code = "import sys, checks.registry as r; r.names(); print(*(m for m in sys.modules if 'checks.' in m))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "checks.network" not in loaded
    assert "checks.plugin" not in loaded


def test_load_names_the_class():
    assert registry.load("plugin").type == "plugin"


@pytest.mark.parametrize(
    ("name", "near"),
    [("network.tpc", "network.tcp"), ("plugins", "plugin"), ("manuel", "manual")],
)
def test_a_slip_is_answered_with_the_nearest(name, near):
    with pytest.raises(registry.UnknownType, match=f"did you mean '{near}'"):
        registry.load(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "wire.names", "local.command", "network", "network._peers", "network.__init__", "os", "os.path",
     "network.tcp.x", "../x", "Network.tcp", "network.tcp\n", "registry", "words", "a" * 5000, "é.é"],
)  # fmt: skip
def test_nothing_else_can_be_loaded(name):
    with pytest.raises(registry.UnknownType):
        registry.load(name)


class Point:
    """An entry point as importlib.metadata gives it."""

    def __init__(self, name, what):
        self.name, self.what, self.value = name, what, "acme.badge:Badge"

    def load(self):
        if isinstance(self.what, Exception):
            raise self.what
        return self.what


def offer(monkeypatch, *points):
    monkeypatch.setattr(
        importlib.metadata, "entry_points", lambda group: points if group == "gonogo.checks" else ()
    )


class Badge(Check[None]):
    """A check of another distribution."""


def test_another_distribution_s_check_is_found_by_its_name(monkeypatch):
    offer(monkeypatch, Point("acme.badge", Badge))
    assert registry.foreign_names() == ["acme.badge"]
    assert registry.load("acme.badge") is Badge
    assert Badge.type == "acme.badge"


def test_it_cannot_replace_a_built_in_one(monkeypatch):
    offer(monkeypatch, Point("plugin", Badge))
    assert registry.load("plugin") is not Badge


@pytest.mark.parametrize("what", [ImportError("no module acme"), SyntaxError("x"), "text", int])
def test_one_that_is_broken_is_named(monkeypatch, what):
    offer(monkeypatch, Point("acme.badge", what))
    with pytest.raises(registry.BrokenType, match=r"acme\.badge:Badge"):
        registry.load("acme.badge")


def test_a_file_with_two_checks_is_broken(monkeypatch, tmp_path):
    import types

    module = types.ModuleType("checks.network.two")
    one, two = type("One", (Badge,), {}), type("Two", (Badge,), {})
    one.__module__ = two.__module__ = module.__name__
    module.One, module.Two = one, two
    monkeypatch.setattr(registry, "_is_built_in", lambda name: True)
    monkeypatch.setitem(sys.modules, "checks.network.two", module)
    with pytest.raises(registry.BrokenType, match="exactly one"):
        registry.load("network.two")
