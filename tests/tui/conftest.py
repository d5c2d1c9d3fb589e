"""Fixtures of the dashboard's tests: a project with a past, and the app at a fixed time."""

from __future__ import annotations

import pytest

from agent.files.load import load_plan
from tests.tui.office import NOW, with_a_past
from tui.app import Dashboard

SIZES = [(80, 24), (140, 40)]


@pytest.fixture(autouse=True)
def no_color_of_ours(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("GONOGO_NO_CACHE", "1")


@pytest.fixture
def project(tmp_path):
    """Return a project file whose ledger knows every status."""
    return with_a_past(tmp_path)


@pytest.fixture
def dashboard(project):
    """Return the app on that project, at the time NOW; run it by `app.run_test(size=...)`."""
    return Dashboard(project, load_plan(project), now=lambda: NOW)
