"""The diff of two servers never passes what it did not compare."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.server._parity import differences, parity_findings, require_allowed, shown
from checks.words import Status, worst
from tests.checks.hostile import ESCAPES, assert_harmless

S = Status
OLD = {"port:tcp/22": "sshd", "port:tcp/445": "smbd", "port:tcp/631": "cupsd"}


def judged(source, target, allowed=(), **options):
    diff = differences(source, target, allowed)
    findings = list(parity_findings(diff, subject="new", things="ports", source="old", **options))
    assert_harmless(findings)
    return findings


def status(*given_, **options):
    return worst(finding.status for finding in judged(*given_, **options))


@pytest.mark.parametrize(
    ("source", "target", "allowed", "expected"),
    [
        pytest.param(OLD, OLD, (), S.PASS, id="the same"),
        pytest.param({}, OLD, (), S.INCONCLUSIVE, id="nothing on the source"),
        pytest.param({}, {}, (), S.INCONCLUSIVE, id="nothing at all"),
        pytest.param(OLD, {}, (), S.FAIL, id="nothing on the target"),
        pytest.param(OLD, OLD | {"port:tcp/445": "nc"}, (), S.FAIL, id="another program"),
        pytest.param(OLD, OLD | {"port:tcp/80": "nginx"}, (), S.WARN, id="one more"),
        pytest.param(OLD, OLD | {"port:tcp/80": "nginx"}, ("port:tcp/80",), S.PASS, id="one more, allowed"),
        pytest.param(OLD, {"port:tcp/22": "sshd"}, ("port:tcp/631",), S.FAIL, id="one allowed, one not"),
        pytest.param(
            OLD, {"port:tcp/22": "sshd"}, ("port:tcp/631", "port:tcp/445"), S.PASS, id="both allowed"
        ),
        pytest.param(OLD, {}, ("port:*",), S.INCONCLUSIVE, id="everything allowed proves nothing"),
        pytest.param(OLD, OLD, ("port:tcp/631",), S.WARN, id="a pattern that allows nothing"),
        pytest.param(OLD, OLD, ("user:*",), S.WARN, id="a pattern that means nothing"),
    ],
)
def test_what_differs(source, target, allowed, expected):
    assert status(source, target, allowed) is expected


def test_a_missing_one_is_named_with_its_key_to_copy():
    (missing,) = [f for f in judged(OLD, {**OLD, "port:tcp/445": "x"} | {}, ()) if f.status is S.FAIL]
    assert "port:tcp/445" in missing.message
    assert "allowed: ['port:tcp/445']" in missing.fix
    assert (missing.expected, missing.observed) == ("smbd", "x")


@pytest.mark.parametrize(("extra", "expected"), [("pass", S.PASS), ("warn", S.WARN), ("fail", S.FAIL)])
def test_what_only_the_target_has_is_judged_as_the_check_says(extra, expected):
    assert status(OLD, OLD | {"port:tcp/80": ""}, extra=extra) is expected


def test_a_thousand_differences_make_a_bounded_number_of_findings_and_are_all_counted():
    findings = judged({f"user:u{n:04}": "1" for n in range(1000)}, {"user:u0000": "1"})
    assert len(findings) < 40
    assert any("974 more" in finding.message for finding in findings)
    assert worst(finding.status for finding in findings) is S.FAIL


@pytest.mark.parametrize("key", [ESCAPES, "job:[ab]*?", "user:a\nb", "file:\udcff"])
def test_any_key_can_be_allowed_as_it_is_shown(key):
    assert status(OLD, OLD | {key: "x"}, (shown(key),)) is S.PASS


@pytest.mark.parametrize("pattern", ["*", "**", "?*", "?"])
def test_a_pattern_that_allows_everything_is_refused(pattern):
    with pytest.raises(ValueError, match="every difference"):
        require_allowed((pattern,))


def test_allowed_without_a_source_is_refused():
    with pytest.raises(ValueError, match="no 'source'"):
        require_allowed(("port:tcp/1",), compared=False)
    require_allowed((), compared=False)


SIDES = st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=8)


@given(SIDES, SIDES, st.lists(st.text(min_size=1, max_size=3), max_size=3))
def test_every_key_is_accounted_for_once(source, target, allowed):
    diff = differences(source, target, allowed)
    told = [one.key for one in (*diff.differences, *diff.allowed)]
    assert diff.same + len(told) == len(source.keys() | target.keys())
    assert len(set(told)) == len(told)
    worst_one = status(source, target, allowed)
    assert worst_one is not S.PASS or (source and diff.same)
