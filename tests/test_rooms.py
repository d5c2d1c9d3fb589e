"""The rooms hold: who may import whom, and what a start does not load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = (
    "scapy", "pysnmp", "paramiko", "dns", "textual", "pydantic", "pydantic_core", "jinja2", "aiohttp", "ssl",
    "sqlite3", "cryptography", "ruamel", "psutil", "asyncio", "h11", "rich",
)  # fmt: skip
LOADED = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"


def python(code, *flags):
    done = subprocess.run(
        [sys.executable, *flags, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def modules(*rooms):
    return sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for room in rooms
        for path in (ROOT / room).rglob("*.py")
    )


def test_import_contracts_hold():
    pytest.importorskip("importlinter")
    code = "from importlinter.cli import lint_imports_command as c; c(['--no-cache'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["-h"]])
def test_a_start_loads_no_heavy_library(arguments):
    code = f"""
import atexit, sys
from agent.cli import main
try:
    main({arguments!r})
except SystemExit as ended:
    assert not ended.code
print()
{LOADED}
"""
    loaded = set(python(code).splitlines()[-1].split())
    assert not loaded & set(HEAVY)


def test_a_connecting_check_loads_no_heavy_library():
    loaded = set(python("import checks.network.tcp;" + LOADED).split())
    assert not loaded & (set(HEAVY) - {"asyncio", "ssl"})


def test_the_names_of_the_checks_load_none_of_them():
    loaded = set(python("from checks.registry import names; names();" + LOADED).split())
    assert not loaded & (set(HEAVY) - {"asyncio", "ssl"})


def test_the_dashboard_of_a_plan_at_hand_loads_no_reader_of_files_and_no_protocol():
    loaded = set(python("import tui.app;" + LOADED).split())
    assert not loaded & (set(HEAVY) - {"asyncio", "ssl", "textual", "rich", "sqlite3"})


def test_everything_but_the_dashboard_imports_without_textual():
    block = """
import importlib, sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in ('textual', 'rich', 'tui'):
            raise ImportError(f'{name} is not for this room')
sys.meta_path.insert(0, Block())
for name in %r:
    importlib.import_module(name)
"""
    python(block % (modules("checks", "profiles", "agent"),))


def test_every_module_imports_by_itself_in_any_order():
    """A module that imports only because another was imported before it breaks for the next reader."""
    script = """
import importlib, os, sys
import asyncio, click, cryptography.x509, dns.message, dns.zone, psutil, pydantic, ruamel.yaml, sqlite3, ssl
failed = []
for name in %r:
    pid = os.fork()
    if pid == 0:
        try:
            importlib.import_module(name)
        except BaseException as error:
            sys.stderr.write(f'{name}: {error!r}\\n')
            os._exit(1)
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        failed.append(name)
assert not failed, failed
"""
    if not hasattr(__import__("os"), "fork"):
        pytest.skip("needs fork")
    python(script % (modules("checks", "profiles", "agent"),))


def test_no_package_of_the_tests_shadows_a_room():
    for room in ("agent", "checks", "profiles", "tui"):
        assert not (ROOT / "tests" / room / "__init__.py").exists()


def test_every_check_is_in_a_family_that_is_a_package():
    for path in (ROOT / "checks").glob("*/*.py"):
        assert (path.parent / "__init__.py").is_file(), path


@pytest.mark.parametrize("room", ["agent", "checks", "profiles", "tui"])
def test_nothing_is_left_of_how_it_was_made(room):
    """No trace of a machine or a tracker in what is shipped."""
    for path in (ROOT / room).rglob("*"):
        if path.is_file() and path.suffix in {".py", ".yaml", ".sql", ".md", ".txt"}:
            text = path.read_text(encoding="utf-8")
            for trace in ("/tmp/", "# TODO", "# FIXME"):
                assert trace not in text, f"{path}: {trace}"
