"""backup.borg against real repositories, whole and damaged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab import backup_borg
from tests.lab.backup_forms import Form
from tests.lab.backup_local import hold, open_folder
from tests.lab.needs import need

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("borg")]


@pytest.fixture(scope="module")
def forms() -> Iterator[dict[str, Form]]:
    need(*backup_borg.TOOLS, "setpriv")
    with open_folder() as folder:
        yield {form.name: form for form in backup_borg.forms(folder)}


def test_every_form_reads_as_it_is(forms):
    wrong = []
    for form in forms.values():
        try:
            hold(form)
        except AssertionError as error:
            wrong.append(str(error))
    assert not wrong, "\n\n".join(wrong)
