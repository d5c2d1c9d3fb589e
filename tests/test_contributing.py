"""CONTRIBUTING.md, followed step by step: its example check is written, held to the form and run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = Path(os.environ.get("GONOGO_CONTRIBUTING", ROOT / "CONTRIBUTING.md"))

TRY_IT = '''
import asyncio, json, sys
from checks import jsonable, registry
from checks.contract import Vantage, worst
from checks.vantage import Shared
from tests.checks import form

name = sys.argv[1]
kind = registry.load(name)
for rule, holds in form.RULES.items():
    if rule != "example_loads" or name == "network.banner":
        holds(kind)

async def status(say, expect):
    """Return the status that the check gives to a server that says `say`; None: nothing listens."""
    async def greet(reader, writer):
        writer.write(say)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    if say is None:
        server.close()
        await server.wait_closed()
    check = kind(target="127.0.0.1", port=port, expect=expect)
    seen = await check.observe(Vantage(Shared(), name))
    if say is not None:
        server.close()
    seen = jsonable.from_json(type(seen), json.loads(json.dumps(jsonable.to_json(seen))))
    findings = list(check.judge(seen))
    assert all(f.observed.isprintable() for f in findings)
    return worst(f.status for f in findings).value

async def main():
    print(await status(b"220 mail.example.net ESMTP", "^220 "))
    print(await status(b"SSH-2.0-OpenSSH", "^220 "))
    print(await status(b"", ".*"))
    print(await status(None, ".*"))
    print(await status(b"\\x1b]52;c;AAAA\\x07", "^220 "))

asyncio.run(main())
'''


def example() -> str:
    """Return the page's Python block."""
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return block


def python(*args, first, **options):
    path = os.pathsep.join((str(first), str(ROOT)))
    done = subprocess.run(
        [sys.executable, *args], env=os.environ | {"PYTHONPATH": path}, cwd=first, capture_output=True,
        text=True, timeout=120, **options,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def tree(tmp_path):
    """A copy of checks/ with the page's file in it."""
    shutil.copytree(ROOT / "checks", tmp_path / "checks", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "checks/network/banner.py").write_text(example())
    return tmp_path


def test_the_example_is_complete_and_clean():
    assert ": ...\n" not in example()
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml"), "--stdin-filename",
         str(ROOT / "checks/network/banner.py"), "-"],
        input=example(), capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_example_as_a_file_of_this_tree(tree):
    statuses = python("-c", TRY_IT, "network.banner", first=tree).split()
    assert statuses == ["pass", "fail", "fail", "fail", "fail"]


def test_the_example_passes_mypy(tree):
    pytest.importorskip("mypy")
    command = ["-m", "mypy", "--strict", "--cache-dir", str(tree / ".cache"), "checks/network/banner.py"]
    python(*command, first=tree)


def test_the_example_is_explained(tree):
    shown = python("-c", "from agent.cli import main; main(['explain', 'network.banner'])", first=tree)
    for words in ("network.banner", "Proves", "Cannot prove", "expect", "Regular expression"):
        assert words in shown


def test_the_example_as_another_distribution(tmp_path):
    package = tmp_path / "acme"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "banner.py").write_text(example())
    facts = tmp_path / "acme-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        textwrap.dedent(
            """\
            [gonogo.checks]
            acme.banner = acme.banner:Banner
            """
        )
    )
    statuses = python("-c", TRY_IT, "acme.banner", first=tmp_path).split()
    assert statuses == ["pass", "fail", "fail", "fail", "fail"]


def test_the_page_names_what_exists():
    page = PAGE.read_text()
    for name in re.findall(r"`((?:checks|tests|agent|profiles|tui)/[\w/.]*)`", page):
        assert (ROOT / name).exists() or name == "checks/network/banner.py", f"{name} does not exist."
    from checks.params import __dict__ as params

    assert {"Host", "Port", "Regex"} <= set(params)
