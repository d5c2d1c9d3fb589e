"""What systemd 252 really said of services in all states, and what must not be read into it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.contract import CannotTell
from checks.server._units import Services as Found
from checks.server._units import parse_services, windows_services
from checks.server.services import Services, ServicesSeen
from checks.words import Status
from tests.checks.hostile import ESCAPES, assert_harmless
from tests.checks.server.sides import made, status, words

S = Status
RECORDED = Path(__file__).parent / "recorded"
LOGIN = {"host": "192.0.2.20", "user": "tech"}
SERVICES = (RECORDED / "systemd252-services.txt").read_text()
OTHERS = (RECORDED / "systemd252-others.txt").read_text()


def systemd(
    services: str = SERVICES, others: str = OTHERS, *, state: str = "degraded", up: str = "1000.5 2"
) -> Found:
    """Return what the script prints with these parts, read."""
    wants = "/run/systemd/generator/postgresql.service.wants:\npostgresql@15-main.service\n"
    parts = (
        up,
        "uptime",
        f"{state}\n",
        "state",
        wants,
        "generated",
        services,
        "services",
        others,
        "others",
        "end",
    )
    return parse_services("\0".join(parts).encode(), "new")


def block(name: str, **changes: str) -> str:
    fields = {
        "Id": name, "Names": name, "LoadState": "loaded", "ActiveState": "active", "SubState": "running",
        "UnitFileState": "enabled", "NRestarts": "0", "TriggeredBy": "",
    } | changes  # fmt: skip
    return "\n".join(f"{key}={value}" for key, value in fields.items()) + "\n"


FINE = systemd("\n".join((block("smbd.service"), block("ssh.service"))), "", state="running")


def judged(target: Found, source: Found | None = None, **params):
    given_ = {"source": {"host": "192.0.2.10"}} if source else {}
    check = made(Services, LOGIN | given_ | params)
    findings = list(check.judge(ServicesSeen(target=target, source=source)))
    assert_harmless(findings)
    return findings


QUIET = {"allow_failed": ["broken.service", "looping"]}


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("good", S.PASS, "It runs."),
        ("good.service", S.PASS, "It runs."),
        ("cron", S.PASS, "It runs."),
        ("notenabled", S.FAIL, "gone after the next restart"),
        ("broken", S.FAIL, "does not run"),
        ("looping", S.FAIL, "between two crashes"),
        ("wrapper", S.INCONCLUSIVE, "no process of it is left"),
        ("postgresql", S.INCONCLUSIVE, "only start others"),
        ("postgresql@15-main", S.PASS, "It runs."),
        ("oldd", S.INCONCLUSIVE, "wrapper of an init script"),
        ("mysql", S.FAIL, "does not run"),
        ("nothere", S.FAIL, "no such service"),
        ("never-asked", S.FAIL, "no such service"),
        ("stopped1", S.FAIL, "does not run"),
    ],
)
def test_a_service_that_must_run(name, expected, said):
    found = judged(systemd(), running=[name], **QUIET)[:1]
    assert status(found) is expected, words(found)
    assert said in words(found)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nothere", S.PASS), ("mysql", S.PASS), ("good", S.FAIL), ("wrapper", S.FAIL), ("looping", S.FAIL),
        ("notenabled", S.FAIL), ("broken", S.FAIL),
    ],
)  # fmt: skip
def test_a_service_that_must_not_run(name, expected):
    assert status(judged(systemd(), stopped=[name], **QUIET)[:1]) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("wrapper", S.PASS), ("good", S.PASS), ("broken", S.FAIL), ("stopped1", S.INCONCLUSIVE), ("x", S.FAIL)],
)
def test_a_service_that_does_its_work_and_ends(name, expected):
    assert status(judged(systemd(), completed=[name], **QUIET)[:1]) is expected


def test_without_any_expectation_a_failed_unit_and_a_crashing_one_are_found():
    found = judged(systemd())
    assert status(found) is S.FAIL
    assert "broken.service has failed" in words(found)
    assert "looping.service ends again and again" in words(found)
    assert status(judged(systemd(), **QUIET)) is S.PASS
    assert status(judged(FINE)) is S.PASS


def test_a_failed_mount_fails_and_a_host_that_still_starts_is_not_judged():
    mount = block("srv-files.mount", ActiveState="failed", SubState="failed")
    assert "srv-files.mount has failed" in words(judged(systemd(block("a.service"), mount)))
    assert status(judged(systemd(block("a.service"), "", state="starting"))) is S.INCONCLUSIVE


def test_a_service_that_crashed_long_ago_is_a_warning_only():
    old = block("a.service", NRestarts="9", ActiveEnterTimestampMonotonic="100000000")
    assert status(judged(systemd(old, ""), running=["a"])) is S.WARN
    new = block("a.service", NRestarts="9", ActiveEnterTimestampMonotonic="999000000")
    assert status(judged(systemd(new, ""), running=["a"])) is S.FAIL


def test_a_socket_that_starts_a_service_counts_as_started_with_the_host():
    lazy = block("a.service", UnitFileState="disabled", TriggeredBy="a.socket")
    assert status(judged(systemd(lazy, ""), running=["a"])) is S.PASS


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, S.PASS, id="the same"),
        pytest.param({"UnitFileState": "disabled"}, S.FAIL, id="not enabled"),
        pytest.param({"ActiveState": "inactive", "SubState": "dead"}, S.FAIL, id="stopped"),
        pytest.param({"SubState": "exited"}, S.FAIL, id="without a process"),
        pytest.param({"Id": "nmbd.service", "Names": "nmbd.service"}, S.FAIL, id="another one"),
    ],
)
def test_two_servers(change, expected):
    new = systemd("\n".join((block("smbd.service", **change), block("ssh.service"))), "", state="running")
    assert status(judged(new, FINE)) is expected
    if expected is S.FAIL:
        assert "allowed: ['service:smbd.service']" in words(judged(new, FINE))


def test_managers_of_two_kinds_are_not_compared():
    sysv = parse_services(b" [ + ]  smbd\n [ - ]  ssh\n [ ? ]  odd\n\0sysv\0end", "old")
    assert status(judged(FINE, sysv)) is S.INCONCLUSIVE
    assert status(judged(sysv)) is S.INCONCLUSIVE
    assert status(judged(sysv, running=["smbd"])) is S.PASS
    assert status(judged(sysv, running=["ssh"])) is S.FAIL
    assert status(judged(sysv, running=["odd"])) is S.INCONCLUSIVE
    assert status(judged(sysv, stopped=["odd"])) is S.INCONCLUSIVE


def windows(**changes):
    row = {"name": "LanmanServer", "state": "Running", "mode": "Auto", "account": "LocalSystem", "code": "0"}
    return windows_services(json.dumps([row | changes]).encode(), "new")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, S.PASS),
        ({"mode": "Manual"}, S.FAIL),
        ({"state": "Stopped"}, S.FAIL),
        ({"state": "Stop Pending"}, S.INCONCLUSIVE),
        ({"state": "Stopped", "code": "1067"}, S.FAIL),
    ],
)
def test_windows_as_documented(changes, expected):
    assert status(judged(windows(**changes), running=["lanmanserver"])) is expected


def test_a_windows_service_of_another_account_or_one_that_stopped_differs():
    assert status(judged(windows(), windows())) is S.PASS
    assert status(judged(windows(account="EXAMPLE\\svc"), windows())) is S.FAIL
    assert status(judged(windows(state="Stopped"), windows())) is S.FAIL


@pytest.mark.parametrize(
    "output",
    [
        b"",
        b"end",
        b"1 2\0uptime\0running\0state\0",
        b"x\0services\0y\0others\0",
        b"\0sysv\0end",
        b"\0others\0end",
    ],
)
def test_half_an_answer_is_none(output):
    with pytest.raises(CannotTell):
        parse_services(output, "new")


@pytest.mark.parametrize("output", [b"", b"null", b"[1]", b"hello", b"[]", b'"x"'])
def test_windows_that_says_nothing_has_no_services(output):
    with pytest.raises(CannotTell):
        windows_services(output, "new")


def test_names_are_shown_harmless():
    judged(systemd(block(f"{ESCAPES.replace(chr(0), '')}.service", ActiveState="failed"), ""), running=["a"])


@given(st.one_of(st.binary(max_size=300), st.builds(lambda n: SERVICES.encode()[:n], st.integers(0, 2692))))
def test_any_output_is_read_or_told(output):
    for text in (output, output + b"\0services\0end", b"\0state\0" + output + b"\0services\0\0others\0end"):
        try:
            found = parse_services(text, "new")
        except CannotTell:
            continue
        judged(found, running=["good"])


@pytest.mark.parametrize(
    "params",
    [
        {"running": ["a"], "stopped": ["a.service"]}, {"allow_failed": ["*"]}, {"allowed": ["service:a"]},
        {"source": {"host": "192.0.2.20"}}, {"source": {"host": "192.0.2.10"}, "allowed": ["*"]},
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused(params):
    with pytest.raises(ValueError):
        made(Services, LOGIN | params)
