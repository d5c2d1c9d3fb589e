"""Running a check of a backup on this machine, without SSH and as another user than root."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from checks import registry
from checks.backup._ladder import BackupSeen
from checks.vantage import Shared, Vantage
from checks.wire.ssh.command import Command
from checks.wire.ssh.remote import CommandResult
from checks.words import Finding, worst
from tests.lab.backup_forms import Form
from tests.local_remote import LocalRemote

NOBODY = 65534
LOGIN = {"host": "192.0.2.7", "user": "tech"}


class LocalUser(LocalRemote):
    """This machine as seen by the user nobody; root where a command asks for it."""

    async def run(self, command: Command) -> CommandResult:
        if command.as_user:
            return await super().run(command)
        before = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--")
        done = await super().run(dataclasses.replace(command, argv=(*before, *command.argv)))
        self.ran[-1] = command
        return dataclasses.replace(done, command=command)


class _Hosts:
    def __init__(self, remote: LocalRemote) -> None:
        self._remote = remote

    def host(self, access: object, remaining: object) -> LocalRemote:
        return self._remote


class LocalShared(Shared):
    """A run whose only host is this machine."""

    def __init__(self, remote: LocalRemote) -> None:
        super().__init__(resolve_secret=lambda reference: reference.partition(":")[2])
        self.remote = remote

    async def client(self, kind: Any) -> Any:
        return _Hosts(self.remote)


@dataclasses.dataclass
class Ran:
    """What a check saw and said."""

    seen: BackupSeen
    findings: list[Finding]
    remote: LocalRemote
    notes: str

    @property
    def status(self) -> str:
        return worst(finding.status for finding in self.findings).value

    @property
    def told(self) -> str:
        return "\n".join(f"{f.status.value} {f.subject}: {f.message} [{f.observed}]" for f in self.findings)


def run(type_: str, params: dict[str, Any], remote: LocalRemote | None = None) -> Ran:
    """Run a check of this type and return what it saw and said."""
    check = TypeAdapter(registry.load(type_)).validate_json(json.dumps(LOGIN | params))
    host = remote or LocalUser()
    vantage = Vantage(LocalShared(host), allowance=120.0)
    seen = asyncio.run(check.observe(vantage))
    notes = "\n".join(note.text for note in vantage.notes())
    return Ran(seen, list(check.judge(seen)), host, notes)


def hold(form: Form) -> Ran:
    """Run a form's check while it is as it is, and compare with what must be said of it."""
    with form.hold():
        ran = run(form.type, form.params)
    assert ran.seen.proof_level <= form.level, f"{form.name} reads too high:\n{ran.told}"
    assert (ran.status, ran.seen.proof_level) == (form.status, form.level), f"{form.name}:\n{ran.told}"
    assert re.search(form.words, ran.told), f"{form.name} does not say {form.words!r}:\n{ran.told}"
    return ran


@contextmanager
def open_folder() -> Iterator[Path]:
    """Give a folder that every user may look into, and remove it."""
    folder = Path(tempfile.mkdtemp(prefix="gonogo-backup-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
