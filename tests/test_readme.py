"""The README says what is so: its commands, example, keys, codes, check types and files."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from agent import here
from agent.cli import COMMANDS, EXIT_GO, EXIT_INCOMPLETE, EXIT_INTERNAL, EXIT_NO_GO, EXIT_USAGE, lint, main
from agent.cli.common import EXITS
from agent.demo.office import Faults, opened
from agent.demo.project import write_project
from agent.engine.events import Sink
from agent.files import cache
from checks import registry
from checks.m365 import _export, export
from checks.network.captive import KNOWN
from checks.switch._plan import PlannedPort
from checks.thresholds import SETS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PROSE = FENCED.sub("", README)
INLINE = re.findall(r"`([^`]+)`", PROSE)


def shell_lines() -> list[str]:
    """Return the gonogo commands of the fenced blocks, without comments, pipes and what runs before them."""
    lines = [
        line for kind, body in FENCED.findall(README) if kind in ("sh", "") for line in body.splitlines()
    ]
    found = [re.search(r"(?:^|&& )(gonogo .*)", line) for line in lines]
    bare = [re.split(r" [12]?> ", match[1])[0].partition("  #")[0] for match in found if match]
    return [re.sub(r"\$\(.*?\)", "today", line) for line in bare]


def spoken_lines() -> list[str]:
    return [code for code in INLINE if code.startswith("gonogo ")]


def read(line: str, *, whole: bool) -> None:
    """Read a command line as gonogo would and run nothing; raises click.ClickException where it cannot."""
    words = shlex.split(line, posix="\\" not in line)[1:]
    name = words.pop(0)
    command = main.get_command(click.Context(main), name)
    assert command is not None, f"there is no command {name}"
    command.make_context(name, words, resilient_parsing=not whole)


@pytest.mark.parametrize("line", shell_lines())
def test_every_command_of_a_block_can_be_given(line: str) -> None:
    read(line, whole=True)


@pytest.mark.parametrize("line", spoken_lines())
def test_every_command_of_a_sentence_exists(line: str) -> None:
    read(line.replace("TYPE", "host"), whole=False)


def test_the_blocks_show_every_command() -> None:
    assert {line.split()[1] for line in shell_lines()} == set(COMMANDS)


def test_every_option_exists() -> None:
    commands = [main.get_command(click.Context(main), name) for name in COMMANDS]
    options = {option for command in commands if command for one in command.params for option in one.opts}
    named = {code.split()[0] for code in INLINE if code.startswith("--")}
    assert named
    assert named <= options


def example() -> str:
    (text,) = (body for kind, body in FENCED.findall(README) if kind == "yaml")
    return text


def test_the_project_file_has_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "move.yaml"
    path.write_text(example(), encoding="utf-8")
    told = CliRunner().invoke(lint.command, [str(path)])
    assert told.exit_code == 0, told.output


def test_the_statement_it_attests_is_one_of_its_profile(tmp_path: Path) -> None:
    (line,) = (line for line in shell_lines() if line.startswith("gonogo attest"))
    path = tmp_path / "move.yaml"
    path.write_text(example(), encoding="utf-8")
    words = [str(path) if word == "move.yaml" else word for word in shlex.split(line)[1:]]
    told = CliRunner().invoke(main, words)
    assert told.exit_code == 0, told.output


def table(head: str) -> dict[str, str]:
    """Return the rows of the table whose first row begins with `head`, first cell to second."""
    body = README.partition(f"| {head} |")[2].partition("\n\n")[0]
    rows = [line.strip("| ").split(" | ", 1) for line in body.splitlines()[2:]]
    return {row[0].strip("`"): row[1] for row in rows}


def test_exit_codes() -> None:
    said = table("exit code")
    assert [int(code) for code in said] == [
        EXIT_GO, EXIT_INTERNAL, EXIT_USAGE, EXIT_INCOMPLETE, EXIT_NO_GO,
    ]  # fmt: skip
    for verdict, code in EXITS.items():
        assert said[str(code)].startswith(verdict.value.removesuffix(" WITH WAIVERS"))


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `gonogo run --json` prints for the practice office with its faults."""
    with opened(Faults()) as office:
        file = write_project(tmp_path_factory.mktemp("office"), office)
        done = subprocess.run(
            [sys.executable, "-c", "from agent.cli import main; main()", "run", str(file), "--json"],
            capture_output=True, text=True, timeout=120, check=False, cwd=file.parent,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    assert done.returncode == 4, done.stderr
    data: dict[str, Any] = json.loads(done.stdout)
    return data


def keys(cell: str) -> set[str]:
    """Return the keys that a cell names outside of parentheses."""
    return set(re.findall(r"`([^`]+)`", re.sub(r"\([^()]*\)", "", cell)))


def inner(cell: str, name: str) -> set[str]:
    """Return the keys that a cell names in the parentheses behind `name`."""
    match = re.search(rf"`{name}` \(([^()]*)\)", cell)
    assert match is not None, f"the README tells nothing of what is in {name}"
    return set(re.findall(r"`([^`]+)`", match[1]))


def test_the_object_has_the_keys_of_the_table_and_no_others(printed: dict[str, Any]) -> None:
    said = table("key")
    assert set(printed) == {key for key in said if "[" not in key}
    assert set(printed["tool"]) == keys(said["tool"])
    assert set(printed["project"]) == keys(said["project"])
    assert set(printed["project"]["scope"]) == inner(said["project"], "scope")
    assert set(printed["run"]) == keys(said["run"])
    assert set(printed["run"]["vantage"]) == inner(said["run"], "vantage")
    for milestone in printed["milestones"]:
        assert set(milestone) == keys(said["milestones"])
        for check in milestone["checks"]:
            assert set(check) == inner(said["milestones"], "checks")
    for left_out in printed["left_out"]:
        assert set(left_out) == keys(said["left_out"])


def test_results_and_findings_have_the_keys_of_the_table(printed: dict[str, Any]) -> None:
    said = table("key")
    findings = [finding for result in printed["results"] for finding in result["findings"]]
    assert findings
    assert all(set(result) == keys(said["results"]) for result in printed["results"])
    of_finding = keys(said["results[].findings"])
    assert {key for finding in findings for key in finding} == of_finding
    assert all(of_finding - set(finding) <= {"measure"} for finding in findings)
    measures = [finding["measure"] for finding in findings if "measure" in finding]
    assert measures
    assert all(set(measure) == inner(said["results[].findings"], "measure") for measure in measures)


@pytest.mark.parametrize("check", ["mail-mta-sts", "switch-ports"])
def test_a_finding_of_the_readme_is_what_the_demo_says(printed: dict[str, Any], check: str) -> None:
    (result,) = (result for result in printed["results"] if result["check"] == check)
    (block,) = (body for _, body in FENCED.findall(README) if f"FAIL  {check}" in body)
    shown = " ".join(block.split())
    (finding,) = (finding for finding in result["findings"] if finding["status"] == "fail")
    for key in ("subject", "message", "expected", "observed", "fix"):
        said = re.sub(r"(127\.0\.0\.1):\d+", r"\1:21161", str(finding[key]))
        assert said in shown, key


@pytest.mark.parametrize(
    ("profile", "head"),
    [("m365-cutover", "milestone"), ("office-move", "milestone of the move")],
    ids=["mail", "office"],
)
def test_the_milestones_are_the_profile_s(profile: str, head: str) -> None:
    read_as = YAML(typ="safe", pure=True).load((ROOT / f"profiles/{profile}.yaml").read_text("utf-8"))
    said = {name: cell.split(" | ")[0] for name, cell in table(head).items()}
    assert said == {
        name: str(item["due"]).replace("${ttl}", "TTL") for name, item in read_as["milestones"].items()
    }


def test_every_parameter_that_the_office_move_names_is_one() -> None:
    part = README.partition("### An office move")[2].partition("\n### ")[0]
    named = set(re.findall(r"`([a-z_]+)(?:: [^`]*)?`", FENCED.sub("", part)))
    assert {"desk", "vlans", "access_points", "community", "count"} <= named
    text = (ROOT / "profiles/office-move.yaml").read_text("utf-8")
    known = {field.name for field in dataclasses.fields(PlannedPort)} | set(re.findall(r"(\w+)\??:", text))
    assert named <= known


def test_the_permissions_are_those_that_the_checks_ask_for() -> None:
    asked = {
        f"m365.{path.stem}": found
        for path in (ROOT / "checks/m365").glob("[a-z]*.py")
        if (found := set(re.findall(r'"([A-Za-z]+\.[A-Za-z.]+\.All)"', path.read_text("utf-8"))))
    }
    assert {check: keys(cell) for check, cell in table("check").items()} == asked


def test_the_export_is_one_that_m365_export_reads() -> None:
    (block,) = (body for kind, body in FENCED.findall(README) if kind == "powershell")
    given = dict(re.findall(r"(\w+) = (Get-\w+)", block))
    known = {name for _, words in export._KINDS.values() for name in re.findall(r"Get-\w+", words)}
    assert set(given.values()) == known
    objects = {
        "Get-DkimSigningConfig": {"Domain": "a.example", "Selector1CNAME": "b"},
        "Get-AcceptedDomain": {"DomainName": "a.example", "DomainType": "InternalRelay"},
        "Get-InboundConnector": {"ConnectorType": "OnPremises", "Enabled": True},
        "Get-OutboundConnector": [{"ConnectorType": "Partner", "Enabled": True}],
        "Get-MigrationBatch": {"BatchGuid": "1"},
    }
    exported = {name: objects[cmdlet] for name, cmdlet in given.items()}
    assert len(_export.objects(exported)) == len(objects)


def test_the_events_are_those_of_a_sink() -> None:
    (sentence,) = re.findall(r"one object a line with `event`:(.*?)\.\n", README, re.DOTALL)
    events = {name for name in vars(Sink) if name.startswith(("run_", "check_"))}
    assert keys(sentence) == events


def test_every_check_type_is_in_the_changelog() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    said = {word for code in re.findall(r"`([^`]+)`", changes) for word in spread(code)}
    assert set(registry.names()) <= said
    for command in COMMANDS:
        assert command in said


def spread(code: str) -> list[str]:
    """Return the words that `a.{b,c}` stands for."""
    match = re.fullmatch(r"(\w+\.)\{([\w,]+)\}", code)
    return [match[1] + last for last in match[2].split(",")] if match else [code]


def test_what_gonogo_here_contacts_is_named() -> None:
    for name in (here.PROBE_NAME, here.TIME_SERVER, here.ECHO_HOST):
        assert f"`{name}`" in README
    owners = {"gstatic": "Google", "msftconnecttest": "Microsoft", "apple": "Apple", "gnome": "GNOME"}
    for probe in KNOWN:
        (owner,) = (said for host, said in owners.items() if host in probe.url)
        assert owner in README


def test_names_of_limits_files_and_targets() -> None:
    for name in SETS:
        assert f"`{name}`" in README
    assert f"`{cache.OFF}=1`" in README
    for path in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / path).exists(), path
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = re.findall(r"^make (\w+)|`make (\w+)", README, re.MULTILINE)
    assert targets
    for target in targets:
        assert re.search(rf"^{''.join(target)}:", makefile, re.MULTILINE)


def test_the_picture_of_the_dashboard_is_what_it_shows() -> None:
    (block,) = (block for block in re.findall(r"```text\n(.*?)```", README, re.DOTALL) if " gonogo " in block)
    shown = (ROOT / "tests/tui/snapshots/home-80x24.txt").read_text("utf-8").splitlines()
    places = [shown.index(line) for line in block.splitlines() if line]
    assert places == sorted(places)
    assert len(places) > 15
