"""backup.tree against real mirrors of rsync, snapshots of rsnapshot and repositories of rdiff-backup."""

from __future__ import annotations

import importlib

import pytest

from tests.lab.backup_local import hold, open_folder
from tests.lab.needs import need

pytestmark = [pytest.mark.lab]


@pytest.mark.parametrize("kind", ["rsync", "rsnapshot", "rdiff"])
def test_every_form_reads_as_it_is(kind):
    lab = importlib.import_module(f"tests.lab.backup_{kind}")
    need(*lab.TOOLS, "setpriv")
    wrong = []
    with open_folder() as folder:
        for form in lab.forms(folder):
            try:
                hold(form)
            except AssertionError as error:
                wrong.append(str(error))
    assert not wrong, "\n\n".join(wrong)
