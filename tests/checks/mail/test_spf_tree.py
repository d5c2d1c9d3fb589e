"""The cost of an SPF record as lines that a person can read: what is included below what includes it."""

from __future__ import annotations

import asyncio

from checks.mail._spf_tree import tree
from checks.wire.spf_cost import Line, Survey, survey
from checks.wire.spf_record import parse
from tests.checks.wire.spf_zone import Fake


def test_each_include_stands_above_what_it_costs():
    lines = (
        Line(depth=0, domain="a.test", term="include:b.test", lookups=3),
        Line(depth=1, domain="b.test", term="a:c.test", lookups=1, voids4=1, voids6=1),
        Line(depth=1, domain="b.test", term="exists:%{i}.c.test", lookups=1, by_sender=True),
        Line(depth=0, domain="a.test", term="include:d.test", lookups=1, problem="there is no SPF record"),
    )
    assert list(tree("a.test", Survey(lines=lines, lookups=4))) == [
        "  4 of 10 lookups: the record of a.test",
        "  3   include:b.test",
        "  1     a:c.test (1 void)",
        "  1     exists:%{i}.c.test (by sender)",
        "  1   include:d.test (there is no SPF record)",
    ]


def test_it_does_not_grow_with_a_hostile_record():
    lines = tuple(Line(depth=90, domain="a.test", term="x" * 9000, problem="y" * 9000) for _ in range(5000))
    said = list(tree("a.test", Survey(lines=lines, lookups=5000)))
    assert len(said) < 70
    assert max(map(len, said)) < 500


def test_a_survey_is_in_the_order_of_reading():
    zone = {
        "b.test": ["TXT v=spf1 a:c.test include:d.test -all"],
        "c.test": ["A 192.0.2.1"],
        "d.test": ["TXT v=spf1 -all"],
    }
    found = asyncio.run(
        survey(parse(b"v=spf1 include:b.test a:c.test -all"), "a.test", Fake(zone), seconds=5)
    )
    assert [line.split(maxsplit=1) for line in tree("a.test", found)][1:] == [
        ["3", "include:b.test (1 void for IPv6)"],
        ["1", "a:c.test (1 void for IPv6)"],
        ["1", "include:d.test"],
        ["1", "a:c.test (1 void for IPv6)"],
    ]  # fmt: skip
