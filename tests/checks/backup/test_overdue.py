"""A backup that cannot be looked at in time: what was seen is kept, and where it stopped is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from checks.backup import _check
from checks.backup._ladder import BackupSeen, Step
from checks.backup.restic import Restic
from checks.vantage import Shared, Vantage
from checks.wire.ssh.command import Command
from checks.wire.ssh.remote import CommandResult
from tests.scripted_remote import ScriptedRemote

SNAPSHOTS = (
    '[{"time":"2026-11-22T18:03:15.7Z","tree":"aa","paths":["/srv"],"hostname":"files","id":"'
    + "ab" * 32
    + '"}]'
)


class Stuck(ScriptedRemote):
    """A host that answers until it is asked for locks."""

    def __init__(self) -> None:
        super().__init__(lambda _: SNAPSHOTS)

    async def run(self, command: Command) -> CommandResult:
        if "list" in command.argv:
            await asyncio.Event().wait()
        return await super().run(command)


def seen(monkeypatch: pytest.MonkeyPatch, host: Any) -> BackupSeen:
    async def here(*_: object) -> Any:
        return await host()

    monkeypatch.setattr(_check, "remote", here)
    check = Restic(host="192.0.2.1", user="tech", repo="/srv/restic", password_file="/etc/word", min_level=4)
    return asyncio.run(check.observe(Vantage(Shared(), allowance=_check.LAST_S + 0.2)))


def last(found: BackupSeen) -> Step:
    return next(step for step in reversed(found.steps) if step.outcome == "unknown")


async def _stuck() -> Stuck:
    return Stuck()


async def _never() -> Stuck:
    await asyncio.Event().wait()
    raise AssertionError


def test_what_was_seen_before_the_time_was_over_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    found = seen(monkeypatch, _stuck)
    assert (found.system, found.newest) == ("restic", "2026-11-22T18:03:15.700000Z")
    assert found.age_s is not None
    assert "Looking for 'complete' did not end" in last(found).detail


def test_a_login_that_never_ends_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    found = seen(monkeypatch, _never)
    assert (found.system, found.proof_level, found.newest) == ("restic", 0, None)
    assert "The login did not end" in last(found).detail


def test_another_timeout_is_a_fault_and_no_end_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken() -> Stuck:
        raise TimeoutError("of something else")

    with pytest.raises(TimeoutError, match="of something else"):
        seen(monkeypatch, broken)
