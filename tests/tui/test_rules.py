"""What no source of the dashboard may do: markup, plain text into a widget, files, names of check types."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from checks import registry

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "tui").rglob("*.py"))
SHOWING = [path for path in SOURCES if path.parent.name in ("widgets", "screens", "dialogs")]
BUILT = {"Static", "Label", "Option", "Button", "Checkbox", "RadioButton", "Link", "Collapsible", "Digits"}
"""Widgets and options whose first argument is text that Textual reads as markup."""
METHODS = {"update", "set_content", "add_option", "set_label"}
ATTRIBUTES = {"border_title", "border_subtitle", "tooltip", "label", "placeholder"}
DATABASES = {"sqlite3", "agent.ledger.store", "subprocess", "socket", "urllib", "requests", "aiohttp"}
READING = {
    "open",
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "iterdir",
    "glob",
    "exists",
    "stat",
    "unlink",
}


def is_text(node):
    """Whether an expression is a plain str that is not empty: a literal, an f-string, or one put together."""
    if isinstance(node, ast.JoinedStr):
        return True
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and node.value != ""
    if isinstance(node, ast.BinOp):
        return is_text(node.left) or is_text(node.right)
    if isinstance(node, ast.IfExp):
        return is_text(node.body) or is_text(node.orelse)
    if isinstance(node, ast.Call):
        name = called(node)
        return name in ("str", "repr", "safe", "format", "join") and not _of_content(node)
    return False


def _of_content(call):
    inner = call.func
    return (
        isinstance(inner, ast.Attribute)
        and isinstance(inner.value, ast.Call)
        and called(inner.value) == "Content"
    )


def called(call):
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def faults(tree):
    """Return what is wrong in a source, as `line: what`."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name, words = called(node), {word.arg: word.value for word in node.keywords}
            markup = words.get("markup")
            if markup is not None and not (isinstance(markup, ast.Constant) and markup.value is False):
                found.append(f"{node.lineno}: markup that is not False")
            if name in ("from_markup", "from_text", "from_rich_text"):
                found.append(f"{node.lineno}: {name} reads markup")
            if name in BUILT | METHODS and node.args and is_text(node.args[0]):
                found.append(f"{node.lineno}: plain text into {name}")
            if name in BUILT:
                found += [
                    f"{node.lineno}: plain text as {key}"
                    for key in words
                    if key in ATTRIBUTES and is_text(words[key])
                ]
            if name == "notify" and not (isinstance(markup, ast.Constant) and markup.value is False):
                found.append(f"{node.lineno}: notify without markup=False")
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None and is_text(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            given = {target.attr for target in targets if isinstance(target, ast.Attribute)}
            found += [
                f"{node.lineno}: plain text as {name}" for name in given & (ATTRIBUTES - {"placeholder"})
            ]
    return found


def reads(tree):
    """Return where a source reads, writes or runs something."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [f"{node.lineno}: imports {item.name}" for item in node.names if item.name in DATABASES]
        if isinstance(node, ast.ImportFrom) and node.module in DATABASES:
            found.append(f"{node.lineno}: imports {node.module}")
        if isinstance(node, ast.Call) and called(node) in READING:
            found.append(f"{node.lineno}: calls {called(node)}")
    return found


def parsed(path):
    return ast.parse(path.read_text("utf-8"))


def name_of(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_plain_text_and_no_markup_reaches_a_widget(path):
    assert faults(parsed(path)) == []


@pytest.mark.parametrize("path", SHOWING, ids=name_of)
def test_what_shows_neither_reads_nor_writes(path):
    assert reads(parsed(path)) == []


@pytest.mark.parametrize("path", [*SOURCES, *sorted((ROOT / "tui").rglob("*.tcss"))], ids=name_of)
def test_no_check_type_is_named(path):
    """A family that comes later appears without a change, because none that is here is known by name."""
    text = path.read_text("utf-8")
    assert not [kind for kind in registry.names() if "." in kind and kind in text]
    if path.suffix == ".py":
        assert not compared(ast.parse(text)) & set(registry.names())


def compared(tree):
    """Return the texts that a source compares something with."""
    found = set()
    for node in ast.walk(tree):
        parts = []
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            parts = [node.value]
        for part in parts:
            inside = part.elts if isinstance(part, (ast.Tuple, ast.List, ast.Set)) else [part]
            found |= {item.value for item in inside if isinstance(item, ast.Constant)}
    return found


@pytest.mark.parametrize(
    "source", ['x.type == "manual"', 'x in ("host", "plugin")', 'match x:\n case "host":\n  pass']
)
def test_comparing_with_a_check_type_is_found(source):
    assert compared(ast.parse(source)) & set(registry.names())


@pytest.mark.parametrize("path", SHOWING, ids=name_of)
def test_files_are_small(path):
    assert len(path.read_text("utf-8").splitlines()) <= 400


@pytest.mark.parametrize(
    "source",
    [
        'Static(f"{x}")', 'Static("a")', "Label(str(x))", 'w.update("a" + x)', 'w.update(f"{x}")',
        "notify(x)",
        "app.notify(safe(x))", 'w.border_title = f"{x}"', 'w.tooltip = "a"', "Static(x, markup=True)",
        "Static(x, markup=y)", "Content.from_markup(x)", 'Option("a" if b else c)', 'Button("a")',
        'Static(", ".join(x))', 'w.update("%s" % x)', "Label(safe(x))", 'Button(x, tooltip="a")',
    ],
)  # fmt: skip
def test_the_rule_finds_what_it_should(source):
    assert faults(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        'Static(Content("a"))', 'Static(joined("a"))', 'Static("")', "w.update(shown(x))",
        "notify(safe(x), markup=False)", 'digest.update(x)', "Static(joined(x), markup=False)",
        'Static(Content("\\n").join(x))', 'w.styles.width = "1fr"',
    ],
)  # fmt: skip
def test_the_rule_lets_pass_what_it_should(source):
    assert not faults(ast.parse(source))


@pytest.mark.parametrize(
    "source", ["import sqlite3", "open(x)", "Path(x).read_text()", "from subprocess import run"]
)
def test_the_rule_on_reading_finds_what_it_should(source):
    assert reads(ast.parse(source))
