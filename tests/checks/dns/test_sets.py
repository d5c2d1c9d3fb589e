"""Which server is named where two say different things of one record set."""

from __future__ import annotations

import pytest

from checks.dns._sets import alike
from checks.wire.dns import Answer, Record
from checks.words import Status

NAME = "mail.office.test"


def said(address):
    records = (Record(name=NAME, ttl=60, rdtype="A", text=address),)
    return Answer(
        server="s", address="127.0.0.1", name=NAME, rdtype="A", rcode="NOERROR", aa=True, records=records
    )


@pytest.mark.parametrize(
    ("answers", "serials", "named"),
    [
        # Nothing tells which of the two is right: both are named.
        ({"one": "192.0.2.1", "two": "192.0.2.2"}, {"one": 7, "two": 7}, {"one", "two"}),
        # Two against one, and a newer serial against an older one: the odd one out is named alone.
        ({"one": "192.0.2.1", "two": "192.0.2.2", "three": "192.0.2.1"}, {"one": 7, "two": 7}, {"two"}),
        ({"one": "192.0.2.1", "two": "192.0.2.2"}, {"one": 8, "two": 7}, {"two"}),
        ({"one": "192.0.2.1", "two": "192.0.2.2"}, {"one": 7, "two": 8}, {"one"}),
    ],
)
def test_the_server_that_differs_is_named(answers, serials, named):
    answers = {label: said(address) for label, address in answers.items()}
    serials = {label: serials.get(label, 7) for label in answers}
    (finding,) = alike(NAME, "A", answers, serials, max(serials.values()))
    assert finding.status is Status.FAIL
    assert set(finding.subject.split(", ")) == named
    assert all(label in finding.message for label in answers if label not in named or len(named) > 1)
