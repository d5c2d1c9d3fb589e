"""A command that did not run is told with the program that is missing, not with what the script is called."""

from __future__ import annotations

import pytest

from checks.remote.outcome import fix, reason
from checks.wire.ssh.command import PowerShell, Program, Script
from checks.wire.ssh.remote import CommandResult
from tests.local_remote import LocalRemote

DISKS = PowerShell("disks", "Get-Disk")
ZFS, LIST = Program("zfs"), Script("list of the dogs", "true", shell="bash")


@pytest.mark.parametrize(
    ("script", "errors", "program"),
    [
        (False, b"timeout: failed to run command 'zfs': No such file or directory\n", "zfs"),
        (True, b"timeout: failed to run command 'bash': No such file or directory\n", "bash"),
        (True, b"list of the dogs: line 3: find: command not found\n", "find"),
        (True, b"list of the dogs: 3: sha256sum: not found\n", "sha256sum"),
        (True, b"sh: \xff\xfe", "bash"),
        (True, b"", "bash"),
    ],
    ids=["a program", "the shell", "a program of bash", "a program of sh", "odd bytes", "nothing said"],
)
def test_the_program_that_is_missing_is_named(script: bool, errors: bytes, program: str) -> None:
    command = LIST() if script else ZFS()
    result = CommandResult(
        command=command, status=127, stdout=b"", stderr=errors, ended="exit", duration_s=0.1
    )  # fmt: skip
    assert f"there is no program {program}." in reason(result, LocalRemote())
    assert f"Install {program} on" in fix(result, LocalRemote())


def test_a_windows_host_lacks_powershell() -> None:
    result = CommandResult(
        command=DISKS(), status=127, stdout=b"", stderr=b"", ended="exit", duration_s=0.1
    )  # fmt: skip
    assert "there is no program powershell." in reason(result, LocalRemote())
