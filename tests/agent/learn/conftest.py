"""What every project of these tests needs: the community where the file says it is, a state of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agent.learn.offices import COMMUNITY


@pytest.fixture(autouse=True)
def _community(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SNMP_COMMUNITY", COMMUNITY)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
