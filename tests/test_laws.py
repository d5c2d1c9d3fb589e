"""The laws of the house, tried to be broken from outside: the installed program, real files, real kills."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.ledger.store import Ledger
from tests.lab import need

GONOGO = str(Path(sys.executable).with_name("gonogo"))
HEAD = """\
gonogo: 1
project:
  name: Laws
  timezone: Europe/Zurich
milestones:
  ready: {title: Ready}
checks:
"""
SAYS_OK = '    command: [/bin/sh, -c, "echo fine"]\n'


def says_ok(name: str, more: str = "") -> str:
    return f"  {name}:\n    type: plugin\n    milestone: ready\n{SAYS_OK}{more}"


def write(folder: Path, checks: str, head: str = HEAD) -> Path:
    path = folder / "laws.yaml"
    path.write_text(head + checks)
    return path


def gonogo(*words: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [GONOGO, *map(str, words)], capture_output=True, text=True, timeout=120, check=False, **options
    )


def picture(*words: object, **options: Any) -> dict[str, Any]:
    done = gonogo(*words, "--json", **options)
    assert done.stdout, done.stderr
    return json.loads(done.stdout) | {"exit": done.returncode}


def statuses(told: dict[str, Any]) -> dict[str, str]:
    return {result["check"]: result["status"] for result in told["results"]}


def ledger_of(folder: Path) -> Path:
    return folder / ".gonogo" / "laws.db"


@contextmanager
def silent() -> Iterator[tuple[int, int]]:
    """A TCP port that accepts and says nothing, and a UDP port that never answers."""
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen(50)
        udp.bind(("127.0.0.1", 0))
        yield tcp.getsockname()[1], udp.getsockname()[1]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def test_nothing_answers_and_nothing_passes(tmp_path: Path) -> None:
    with silent() as (tcp, udp):
        common = "    milestone: ready\n    timeout: 3s\n"
        path = write(
            tmp_path,
            f"  a:\n    type: network.tcp\n{common}    target: 127.0.0.1\n    port: {free_port()}\n"
            f"  b:\n    type: network.http\n{common}    url: http://127.0.0.1:{tcp}/\n"
            f"  c:\n    type: network.tls\n{common}    target: 127.0.0.1:{tcp}\n"
            f"  d:\n    type: dns.record\n{common}    name: a.test\n    rdtype: A\n"
            f"    servers: [127.0.0.1:{udp}]\n    expect: [192.0.2.1]\n"
            f"  e:\n    type: network.ntp\n{common}    server: 127.0.0.1:{udp}\n"
            f"  f:\n    type: network.closed\n{common}    target: 127.0.0.1\n    ports: [{free_port()}]\n"
            f"    control: 127.0.0.1:{free_port()}\n"
            f"  g:\n    type: plugin\n{common}    command: [/nonexistent/check_it]\n"
            f"  h:\n    type: manual\n{common}    statement: The UPS was tested under load.\n",
        )
        told = picture("run", path)
    assert told["exit"] in (3, 4)
    assert set(statuses(told)) == set("abcdefgh")
    assert not {"pass", "warn"} & set(statuses(told).values())


def test_one_filtered_check_makes_the_gate_incomplete(tmp_path: Path) -> None:
    path = write(tmp_path, says_ok("a") + says_ok("b"))
    told = picture("run", path, "--only", "a")
    assert told["exit"] == 3
    assert told["milestones"][0]["verdict"] == "INCOMPLETE"
    assert statuses(told) == {"a": "pass", "b": "not run"}
    assert picture("run", path)["exit"] == 0
    assert picture("run", path, "--only", "b")["exit"] == 3


def test_filtering_everything_away_is_a_mistake_not_a_go(tmp_path: Path) -> None:
    done = gonogo("run", write(tmp_path, says_ok("a")), "--only", "z*")
    assert done.returncode == 2
    assert "'z*'" in done.stderr


@pytest.mark.parametrize(
    ("checks", "head"),
    [
        ("  {}\n", HEAD),
        ("", HEAD.replace("checks:\n", "")),
        (says_ok("a", "    required: false\n"), HEAD),
        (
            says_ok("a"),
            HEAD.replace("  ready: {title: Ready}\n", "  ready: {title: R}\n  empty: {title: E}\n"),
        ),
    ],
)
def test_a_project_that_asks_for_nothing_is_refused(tmp_path: Path, checks: str, head: str) -> None:
    done = gonogo("run", write(tmp_path, checks, head))
    assert done.returncode == 2, done.stdout
    assert "laws.yaml:" in done.stderr
    assert not ledger_of(tmp_path).exists()


def test_changing_the_definition_voids_the_old_pass(tmp_path: Path) -> None:
    path = write(tmp_path, says_ok("a"))
    assert picture("run", path)["exit"] == 0
    assert picture("status", path)["exit"] == 0
    path.write_text(path.read_text().replace("echo fine", "echo fine, really"))
    told = picture("status", path)
    assert told["exit"] == 3
    assert "definition has changed" in told["milestones"][0]["reasons"][0]


def test_status_before_any_run_is_incomplete_and_writes_nothing(tmp_path: Path) -> None:
    assert picture("status", write(tmp_path, says_ok("a")))["exit"] == 3
    assert not (tmp_path / ".gonogo").exists()


def test_kill_at_fifty_random_moments_loses_nothing_that_was_told(tmp_path: Path) -> None:
    chance = random.Random(20261122)
    checks = "".join(
        f"  c{i:02}:\n    type: plugin\n    milestone: ready\n"
        f'    command: [/bin/sh, -c, "sleep 0.0{i % 7}; echo {i}"]\n'
        for i in range(40)
    )
    path = write(tmp_path, checks)
    told: dict[str, set[str]] = {}
    for _ in range(50):
        with subprocess.Popen(
            [GONOGO, "run", str(path), "--jsonl"], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            fuse = threading.Timer(chance.uniform(0.1, 0.7), process.kill)
            fuse.start()
            run = ""
            for line in process.stdout:
                if not line.endswith("\n"):
                    break
                event = json.loads(line)
                if event["event"] == "run_started":
                    run = event["run"]["id"]
                elif event["event"] == "check_done":
                    told.setdefault(run, set()).add(event["result"]["check"])
            fuse.cancel()
    with Ledger.open(ledger_of(tmp_path)) as ledger:
        assert ledger.verify() == []
        for run, names in told.items():
            assert names <= set(ledger.latest_of_run(run))
    assert told
    last = picture("run", path, "--only", "c0*")
    assert statuses(last)["c11"] == "not run"


def test_two_runs_at_once_both_end_and_the_ledger_holds(tmp_path: Path) -> None:
    path = write(tmp_path, "".join(says_ok(f"c{i}") for i in range(30)))
    both = [
        subprocess.Popen([GONOGO, "run", str(path), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    outs = [process.communicate(timeout=100) for process in both]
    assert [process.returncode for process in both] == [0, 0], outs
    with Ledger.open(ledger_of(tmp_path), read_only=True) as ledger:
        assert ledger.verify() == []
        assert len(ledger.runs()) == 2


def test_ctrl_c_stops_cleanly_and_says_what_was_not_run(tmp_path: Path) -> None:
    slow = (
        "  slow:\n    type: plugin\n    milestone: ready\n    timeout: 60s\n"
        '    command: [/bin/sh, -c, "sleep 50"]\n'
    )
    path = write(tmp_path, says_ok("a") + slow)
    with subprocess.Popen(
        [GONOGO, "run", str(path), "--plain"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "PASS" in line:
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 3, err
    assert "stopped before its end" in out
    assert "slow" in out
    assert "Traceback" not in out + err
    with Ledger.open(ledger_of(tmp_path), read_only=True) as ledger:
        assert set(ledger.latest()) == {"a"}
        assert ledger.runs()[0].outcome == "cancelled"


def test_ctrl_c_before_the_first_check_is_a_sentence(tmp_path: Path) -> None:
    """The vantage is still asking a silent time server when the key is pressed."""
    with socket.socket(type=socket.SOCK_DGRAM) as silent_clock:
        silent_clock.bind(("127.0.0.1", 0))
        silent_clock.settimeout(30)
        server = f"  time_servers: ['127.0.0.1:{silent_clock.getsockname()[1]}']\n"
        head = HEAD.replace("milestones:", server + "milestones:")
        path = write(tmp_path, says_ok("a"), head)
        with subprocess.Popen(
            [GONOGO, "run", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            silent_clock.recv(100)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
    assert process.returncode == 3, err
    assert out == ""
    assert err == "Stopped before anything was decided; what was stored is kept.\n"
    with Ledger.open(ledger_of(tmp_path), read_only=True) as ledger:
        assert ledger.latest() == {}


@pytest.mark.lab
def test_a_clock_that_jumps_makes_no_go(tmp_path: Path) -> None:
    need("faketime")
    path = write(tmp_path, says_ok("a"))
    env = os.environ | {"GONOGO_NO_CACHE": "1"}
    for jump in ("+2d", "-2d"):
        done = subprocess.run(
            ["faketime", "-f", jump, GONOGO, "run", str(path), "--json"],
            capture_output=True,
            timeout=60,
            env=env,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        told = picture("status", path)
        assert told["exit"] == 3, jump
        assert told["milestones"][0]["checks"][0]["standing"] == "stale"


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    need("mount", "umount")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.lab
def test_a_full_disk_loses_no_verdict(tmp_path: Path) -> None:
    with mounted(tmp_path, "size=700k"):
        noisy = "".join(
            f"  n{i}:\n    type: plugin\n    milestone: ready\n"
            "    command: [/bin/sh, -c, \"head -c 50000 /dev/zero | tr '\\\\0' x\"]\n"
            for i in range(30)
        )
        path = write(tmp_path, noisy)
        told = picture("run", path)
        assert told["exit"] == 3
        assert told["lost"]
        assert all("full" in why or "disk" in why for why in told["lost"].values())
        assert all(statuses(told)[name] == "not run" for name in told["lost"] if name.startswith("n"))


@pytest.mark.lab
def test_a_folder_that_cannot_be_written_is_said_before_anything_runs(tmp_path: Path) -> None:
    with mounted(tmp_path, "size=1m"):
        path = write(tmp_path, says_ok("a"))
        subprocess.run(["mount", "-o", "remount,ro", tmp_path], check=True)
        done = gonogo("run", path)
        assert done.returncode == 2
        assert "ledger" in done.stderr
        assert "Traceback" not in done.stderr
        assert picture("status", path)["exit"] == 3


def test_junit_never_merges_never_skips(tmp_path: Path) -> None:
    import xml.etree.ElementTree as ET

    path = write(
        tmp_path,
        says_ok("a") + "  m:\n    type: manual\n    milestone: ready\n    statement: The UPS was tested.\n",
    )
    assert gonogo("run", path, "--junit", tmp_path / "out.xml").returncode == 3
    root = ET.parse(tmp_path / "out.xml").getroot()
    cases = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(cases) == len(set(cases)) == 3
    assert [error.get("type") for error in root.iter("error")] == ["inconclusive", "INCOMPLETE"]
    assert not list(root.iter("skipped"))


def test_nagios_speaks_one_line(tmp_path: Path) -> None:
    path = write(tmp_path, says_ok("a"))
    done = gonogo("run", path, "--nagios")
    assert done.returncode == 0
    assert done.stdout.startswith("GONOGO OK - GO: ready GO | ")
    assert done.stdout.count("\n") == 1


def test_jsonl_is_one_object_a_line(tmp_path: Path) -> None:
    done = gonogo("run", write(tmp_path, says_ok("a")), "--jsonl")
    events = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert events == ["run_started", "check_started", "check_done", "run_done"]


def test_a_ledger_of_something_else_is_a_sentence(tmp_path: Path) -> None:
    path = write(tmp_path, says_ok("a"))
    ledger_of(tmp_path).parent.mkdir()
    ledger_of(tmp_path).write_text("not a database, long enough to be looked at" * 50)
    done = gonogo("run", path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "laws.db" in done.stderr


def test_a_run_only_reads(tmp_path: Path) -> None:
    """Law 5: whatever is asked over HTTP is asked by GET or HEAD."""
    asked: list[str] = []

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                asked.append(peer.recv(65536).split(b" ")[0].decode())
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        common = "    milestone: ready\n"
        path = write(
            tmp_path,
            f"  a:\n    type: network.http\n{common}    url: {url}\n    matches: ok\n"
            f"  b:\n    type: network.http\n{common}    url: {url}\n    method: HEAD\n"
            f"  c:\n    type: network.captive\n{common}"
            f"    probes: [{{url: '{url}', status: 200, body: ok}}]\n"
            f"  d:\n    type: network.egress\n{common}    via: ['{url}']\n    expect: [192.0.2.0/24]\n",
        )
        assert gonogo("run", path).returncode in (0, 3, 4)
        listener.shutdown(socket.SHUT_RDWR)
    assert len(asked) >= 4
    assert set(asked) <= {"GET", "HEAD"}


def test_every_number_has_its_unit_and_its_limit_a_source(tmp_path: Path) -> None:
    """Law 9, on everything that the practice office measures."""
    told = json.loads(gonogo("demo", "--json", "--dir", tmp_path).stdout)
    findings = [finding for result in told["results"] for finding in result["findings"]]
    measures = [finding["measure"] for finding in findings if finding.get("measure")]
    assert measures
    for measure in measures:
        assert measure["unit"], measure
        if measure["warn"] is not None or measure["fail"] is not None:
            assert measure["source"], measure
