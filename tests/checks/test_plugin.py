"""type plugin: the exit code alone never makes a pass."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from checks import jsonable
from checks.contract import CannotTell, Status, Vantage, worst
from checks.plugin import Plugin, PluginSeen
from checks.vantage import Shared

PLUGINS = "/usr/lib/nagios/plugins"
has_plugins = pytest.mark.skipif(
    not os.access(f"{PLUGINS}/check_dummy", os.X_OK), reason="Debian's monitoring-plugins are not installed"
)


def seen(code=0, stdout="OK", **other):
    fields = {"program": "/p/check", "code": code, "signal": None, "stdout": stdout, "stderr": "",
              "encoding": "utf-8", "cut": False, "duration_s": 0.1}  # fmt: skip
    return PluginSeen(**(fields | other))


def judged(observed, **params):
    return list(Plugin(command=("check",), **params).judge(observed))


def observe(*command, shared=None, **params):
    check = Plugin(command=command, **params)
    return check, asyncio.run(check.observe(Vantage(shared or Shared(), "p", 30)))


@pytest.mark.parametrize(
    ("observed", "status"),
    [
        (seen(0), Status.PASS),
        (seen(1), Status.WARN),
        (seen(2), Status.FAIL),
        (seen(3), Status.INCONCLUSIVE),
        (seen(4), Status.INCONCLUSIVE),
        (seen(127), Status.INCONCLUSIVE),
        (seen(3221225477), Status.INCONCLUSIVE),
        (seen(None, signal=11), Status.INCONCLUSIVE),
        (seen(0, ""), Status.INCONCLUSIVE),
        (seen(0, " \n\t\n"), Status.INCONCLUSIVE),
        (seen(1, ""), Status.INCONCLUSIVE),
        (seen(2, "", stderr="usage: ..."), Status.INCONCLUSIVE),
        (seen(0, cut=True), Status.INCONCLUSIVE),
        (seen(1, "x", stderr="Traceback (most recent call last):\n..."), Status.INCONCLUSIVE),
        (seen(0, "OK", stderr="a warning of a library"), Status.PASS),
        (seen(0, "|a=1"), Status.PASS),
        (seen(0, "OK|a=1;2;3"), Status.PASS),
        (seen(0, "OK|a=2.5;2;3"), Status.WARN),
        (seen(0, "OK|a=9;2;3"), Status.WARN),
        (seen(1, "W|a=9;2;3"), Status.WARN),
        (seen(2, "C|a=9;2;3"), Status.FAIL),
        (seen(0, "OK|a=15;;@10:20"), Status.WARN),
        (seen(3, "U|a=1"), Status.INCONCLUSIVE),
    ],
)
def test_judgement(observed, status):
    assert worst(finding.status for finding in judged(observed)) is status


def test_values_become_measures_with_limits_and_their_source():
    _, first, second, third = judged(seen(0, "OK|rta=5ms;~:70;100 free=8%;5:;2: t=4;@10:20 u=U"))
    assert (first.measure.value, first.measure.unit, first.measure.warn, first.measure.fail) == (
        5,
        "ms",
        70,
        100,
    )
    assert first.measure.source == "the plugin's own limits: warning ~:70; critical 100"
    assert (second.measure.warn, second.measure.fail) == (5, 2)
    assert (third.measure.warn, third.expected) == (None, "warning @10:20")


def test_hostile_output_is_harmless_and_bounded():
    for finding in judged(
        seen(2, "\x1b]52;c;AAAA\x07" + "x" * 60000 + "|\x1b[2J=1", stderr="\x1b[1m" * 5000)
    ):
        for text in (finding.message, finding.observed, finding.subject, finding.fix):
            assert text.isprintable()
            assert len(text) < 1000


def test_many_values_are_capped():
    assert len(judged(seen(0, "OK|" + " ".join(f"v{n}=1" for n in range(5000))))) == 101


@pytest.mark.parametrize(
    "params",
    [{"command": ("",)}, {"command": ("a\0b",)}, {"command": ("a",), "environment": {"A=B": "env:X"}}],
)
def test_parameters_that_make_no_sense_are_refused(params):
    with pytest.raises(ValueError, match=r"command|environment"):
        Plugin(**params)


def test_link_and_subject():
    assert Plugin(command=("/x/check_disk",), target="localhost").needs_link() is False
    assert Plugin(command=("/x/check_disk",)).subject() == "check_disk"
    assert Plugin(command=("/x/check_tcp",), target="192.0.2.1").needs_link() is True


@has_plugins
@pytest.mark.parametrize(
    ("command", "status"),
    [
        (("check_dummy", "0", "fine"), Status.PASS),
        (("check_dummy", "1"), Status.WARN),
        (("check_dummy", "2"), Status.FAIL),
        (("check_dummy", "3"), Status.INCONCLUSIVE),
        (("check_dummy",), Status.INCONCLUSIVE),
        (("check_disk", "-w", "1", "-c", "1", "-p", "/"), Status.PASS),
        (("check_disk", "-w", "100%", "-c", "100%", "-p", "/"), Status.FAIL),
    ],
)
def test_debian_plugins(command, status):
    check, found = observe(*command)
    assert found.program.startswith(PLUGINS)
    assert jsonable.from_json(PluginSeen, jsonable.to_json(found)) == found
    assert worst(finding.status for finding in check.judge(found)) is status


@has_plugins
def test_check_tcp_against_an_open_and_a_closed_port():
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = str(server.getsockname()[1])
        check, found = observe("check_tcp", "-H", "127.0.0.1", "-p", port)
        first, value = check.judge(found)
    assert first.status is Status.PASS
    assert value.measure.unit == "s"
    check, found = observe("check_tcp", "-H", "127.0.0.1", "-p", port)
    assert [finding.status for finding in check.judge(found)] == [Status.FAIL]


@has_plugins
def test_check_icmp_on_loopback_or_says_that_it_may_not():
    check, found = observe("check_icmp", "-H", "127.0.0.1", "-n", "1")
    status = worst(finding.status for finding in check.judge(found))
    assert status is (Status.PASS if found.code == 0 else Status.INCONCLUSIVE)


posix = pytest.mark.skipif(sys.platform == "win32", reason="writes shell scripts")


def script(path, text, mode=0o755):
    path.write_bytes(text)
    path.chmod(mode)
    return str(path)


@posix
@pytest.mark.parametrize(
    ("text", "mode", "reason"),
    [
        (None, 0, "not on this laptop"),
        (b"#!/bin/sh\n", 0o644, "not executable"),
        (b"\x7fELF nonsense", 0o755, "no program that this system can run"),
        (b"#!/no/such/interpreter\n", 0o755, "interpreter"),
    ],
)
def test_what_cannot_run_cannot_tell(tmp_path, text, mode, reason):
    path = tmp_path / "plugin"
    if text is not None:
        script(path, text, mode)
    with pytest.raises(CannotTell, match=reason) as caught:
        observe(str(path))
    assert caught.value.fix


@posix
def test_secrets_come_by_reference_and_are_known_to_the_run(tmp_path):
    shared = Shared(resolve_secret=lambda reference: f"value of {reference}")
    program = script(tmp_path / "p", b'#!/bin/sh\necho "OK $TOKEN $LC_ALL"\n')
    _, found = observe(program, shared=shared, environment={"TOKEN": "env:X"})
    assert found.stdout == "OK value of env:X C.UTF-8\n"
    assert shared.secrets_seen == {"value of env:X": "env:X"}


@posix
def test_output_in_another_encoding_loses_nothing(tmp_path):
    check, found = observe(script(tmp_path / "p", b"#!/bin/sh\nprintf 'OK gr\\374n\\000'\n"))
    assert found.stdout.encode(found.encoding) == b"OK gr\xfcn\x00"
    assert next(iter(check.judge(found))).status is Status.PASS


def test_arguments_meet_no_shell():
    _, found = observe(shutil.which("echo") or sys.executable, "$(id) ; `id` | cat")
    assert found.stdout == "$(id) ; `id` | cat\n"


@posix
def test_the_run_s_deadline_kills_it_and_what_it_started(tmp_path):
    pids = tmp_path / "pids"
    hanging = script(tmp_path / "hang", b"#!/bin/sh\ntrap '' TERM INT\nsleep 1000 &\necho $! $$ >$1\nwait\n")
    project = tmp_path / "p.yaml"
    project.write_text(
        "gonogo: 1\nproject: {name: P, timezone: Europe/Zurich}\nmilestones:\n  go: {title: Go}\nchecks:\n"
        f"  slow: {{type: plugin, milestone: go, target: localhost, timeout: 1s, command: ["
        f"{hanging}, {pids}]}}\n"
    )
    code = "from agent.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "run", str(project), "--json"],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert result["status"] == "inconclusive"
    for pid in map(int, pids.read_text().split()):
        with contextlib.suppress(psutil.NoSuchProcess):
            assert psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
