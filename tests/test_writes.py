"""What gonogo may change on a host that it is logged into: the whole list, and no other template can."""

from __future__ import annotations

import functools
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest

from checks.wire.ssh.command import Own, PowerShell, Program, Script

ROOT = Path(__file__).parents[1]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in sorted((ROOT / "checks").rglob("*.py"))
]
WRITE = {
    "the project's own command",
    "load into a scratch database",
    "sqlserver-restore",
    "duplicity collection-status", "duplicity list-current-files", "duplicity verify", "duplicity restore",
    "list of a borg repository", "list of a borg archive", "sizes of borg archives", "borg extract --dry-run",
    "restore from a borg archive",
}  # fmt: skip
PROGRAMS = (
    r"rm|rmdir|mv|cp|ln|mkdir|mktemp|touch|tee(?! >\()|truncate|install|chmod|chown|setfacl|sed -i|mount|"
    r"umount|dd(?! if=\S+ of=/dev/null)|kill|pkill|systemctl (?:start|stop|restart|enable|disable)"
)
CMDLETS = "Set|New|Remove|Stop|Start|Restart|Clear|Disable|Enable|Add"
CHANGES = re.compile(
    rf"(?:^|[;&|(]|\b(?:then|do|else|exec|xargs|sudo)\b)\s*(?:{PROGRAMS})\b"
    r"|(?<!<)>>?\s*(?!&|/dev/null|/dev/fd)[\"'$A-Za-z_/.]|(?<!-)-delete\b"
    rf"|\b(?:{CMDLETS})-(?!Object\b|PSSession\b)\w+",
    re.MULTILINE,
)


@pytest.mark.parametrize(
    "text",
    [
        "rm -f x",
        "if a; then mkdir b; fi",
        'echo x > "$1"',
        "find . -delete",
        "Stop-Service spooler",
        "x | tee y",
    ],
)
def test_what_changes_a_host_is_recognised(text: str) -> None:
    assert CHANGES.search(text)


@functools.cache
def templates() -> list[Program | Script | PowerShell | Own]:
    """Return every template of the tree: of another process, since tests make templates of their own."""
    code = f"""
import importlib, pickle, sys
for name in {MODULES!r}: importlib.import_module(name)
from checks.wire.ssh.command import ALL
pickle.dump(ALL, sys.stdout.buffer)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    made: list[Program | Script | PowerShell | Own] = pickle.loads(done.stdout)
    return made


def test_what_writes_on_a_host_is_on_this_list() -> None:
    writing = {one.name for one in templates() if one.writes}
    assert writing == WRITE


def test_no_other_template_holds_what_changes_a_host() -> None:
    found = {
        one.name: match[0]
        for one in templates()
        if isinstance(one, Script | PowerShell) and not one.writes and (match := CHANGES.search(one.text))
    }
    assert not found


def test_a_program_that_changes_something_is_held_to_subcommands_that_do_not() -> None:
    tools = {"restic", "pgbackrest", "kopia", "btrfs", "zfs", "zpool", "samba-tool"}
    free = {
        one.name for one in templates() if isinstance(one, Program) and not one.reads and one.name in tools
    }
    assert not free
