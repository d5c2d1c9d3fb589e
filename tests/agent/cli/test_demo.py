"""gonogo demo: NO-GO with its causes, GO when mended, and commands to try that work."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agent.demo import project
from agent.demo.office import MENDED, opened
from agent.files.load import load_plan

ROOT = Path(__file__).parents[3]
GONOGO = (sys.executable, "-c", "from agent.cli import main; main()")
ENV = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
PORT = re.compile(r"\b\d{5}\b")
"""Where another office is open at the same time, a port differs from one start to the next."""
CAUSES = {
    "name-files", "web-certificate", "service-printer", "cameras-closed", "mail-spf", "mail-mta-sts",
    "switch-ports", "power-ups", "printer-supplies", "server-files", "backup-old",
}  # fmt: skip


def gonogo(*args, cwd):
    return subprocess.run(
        [*GONOGO, *args], cwd=cwd, env=ENV, capture_output=True, text=True, timeout=120, check=False
    )


def by_status(done):
    found: dict[str, set[str]] = {}
    for result in json.loads(done.stdout)["results"]:
        found.setdefault(result["status"], set()).add(result["check"])
    return found


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return folder, gonogo("demo", "--json", cwd=folder)


def test_the_office_with_its_faults_is_no_go_with_each_cause_once(faulty):
    _, done = faulty
    assert done.returncode == 4, done.stderr
    found = by_status(done)
    assert found["fail"] == CAUSES
    assert found["blocked"] == {"web-intranet"}
    assert found["inconclusive"] - {"laptop"} == {"way-back-agreed"}
    data = json.loads(done.stdout)
    verdicts = {milestone["id"]: milestone["verdict"] for milestone in data["milestones"]}
    assert verdicts["circuit"] == "INCOMPLETE"
    assert verdicts["services"] == "NO-GO"
    (blocked,) = [result for result in data["results"] if result["status"] == "blocked"]
    assert blocked["blocked_by"] == "web-certificate"


def test_the_commands_to_try_next_work_although_the_office_is_closed(faulty):
    folder, done = faulty
    commands = re.findall(r"^  gonogo (.+?)  ", done.stderr, re.MULTILINE)
    words = {command.split()[0] for command in commands}
    assert {"status", "explain", "plan", "demo"} <= words
    for command in commands:
        if command.startswith("dashboard"):
            assert "needs a terminal" in gonogo(*command.split(), cwd=folder).stderr
        elif not command.startswith("demo"):
            again = gonogo(*command.split(), cwd=folder)
            assert again.returncode == (4 if command.startswith("status") else 0), again.stderr
            assert again.stdout.strip()
    assert commands[0].startswith("dashboard ")
    assert {"demo --fixed", "demo --dashboard"} <= set(commands)


def test_mended_it_is_go_and_the_project_is_the_same(tmp_path):
    assert gonogo("demo", cwd=tmp_path).returncode == 4
    before = (tmp_path / "gonogo-demo/practice-office.yaml").read_text()
    done = gonogo("demo", "--fixed", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not set(by_status(done)) - {"pass", "warn"}
    assert {milestone["verdict"] for milestone in json.loads(done.stdout)["milestones"]} == {"GO"}
    after = (tmp_path / "gonogo-demo/practice-office.yaml").read_text()
    assert PORT.sub("PORT", after) == PORT.sub("PORT", before)
    again = gonogo("status", "gonogo-demo/practice-office.yaml", cwd=tmp_path)
    assert again.returncode == 0, again.stdout


def test_for_people_it_says_what_to_mend_and_whom_to_call(tmp_path):
    shown = gonogo("demo", "--plain", cwd=tmp_path).stdout
    for words in ("NO-GO", "expired", "refuses this port", "call", "Alpine Hosting"):
        assert words in shown
    told = " ".join(shown.split())
    assert "office.test has 2 SPF records" in told
    assert "Add 'mx: office-test.mail.protection.outlook.com' to the policy" in told
    assert max(map(len, shown.splitlines())) <= 80


def test_it_stays_open_on_demand(tmp_path):
    process = subprocess.Popen(
        [*GONOGO, "demo", "--fixed", "--serve", "--dir", "office"], cwd=tmp_path, env=ENV, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert any("is open" in line for line in process.stderr)
        again = gonogo("run", "office/practice-office.yaml", cwd=tmp_path)
        assert again.returncode == 0, again.stdout
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert gonogo("run", "office/practice-office.yaml", cwd=tmp_path).returncode in (3, 4)


def test_a_file_of_somebody_else_is_left_alone(tmp_path):
    mine = tmp_path / project.FILE
    mine.write_text("gonogo: 1\n")
    done = gonogo("demo", "--dir", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 2
    assert "--dir" in done.stderr
    assert mine.read_text() == "gonogo: 1\n"


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").touch()
    done = gonogo("demo", "--dir", "file/below", cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.fixture
def office():
    with opened(MENDED) as found:
        yield found


def test_where_nothing_can_be_written_it_goes_to_a_temporary_folder(tmp_path, monkeypatch, office):
    monkeypatch.chdir(tmp_path)
    Path("gonogo-demo").touch()
    path = project.write_project(None, office)
    try:
        assert not path.is_relative_to(tmp_path)
        assert load_plan(path).checks
    finally:
        shutil.rmtree(path.parent)


def test_the_cutover_stays_ahead_and_is_kept_while_it_is(tmp_path, office):
    path = project.write_project(tmp_path, office)
    text = path.read_text()
    assert project.write_project(tmp_path, office).read_text() == text
    path.write_text(re.sub(r"cutover: .*", "cutover: 2020-01-01 22:30", text))
    assert project.write_project(tmp_path, office).read_text() == text
    assert "2020-01-01" in (tmp_path / f"{project.FILE}.before").read_text()


def test_nothing_in_the_plan_leaves_this_laptop(tmp_path, office):
    plan = load_plan(project.write_project(tmp_path, office))
    assert not [check.id for check in plan.checks if check.build().needs_link()]


@pytest.mark.lab
def test_it_needs_no_network_and_no_root(tmp_path):
    for tool in ("unshare", "ip", "setpriv"):
        if shutil.which(tool) is None:
            (pytest.fail if os.environ.get("GONOGO_LAB") == "required" else pytest.skip)(f"{tool} is missing")
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    home = {"HOME": "/nonexistent", "XDG_CONFIG_HOME": "/nonexistent"}  # as nobody's is
    code = f"{GONOGO[0]} -c '{GONOGO[2]}' demo --fixed --json"
    inside = f"ip link set lo up && exec setpriv --reuid=65534 --regid=65534 --clear-groups {code}"
    done = subprocess.run(
        ["unshare", "-n", "sh", "-c", inside],
        cwd=tmp_path,
        env=ENV | home,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr + done.stdout
