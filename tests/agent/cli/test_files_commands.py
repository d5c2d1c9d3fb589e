"""`lint`, `plan`, `init`, `explain` and `checks` as a person calls them."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agent.cli import checks, explain, init, lint, plan
from checks import registry
from profiles.document import read_document
from profiles.shelf import shipped

OFFICE = """gonogo: 1
project: {name: Contoso, customer: C, site: S, timezone: Europe/Zurich, cutover: 2026-12-05 22:30}
scope: {in: [the network], out: [the old site]}
vendors: {isp: {name: Line AG, phone: "1"}, cabling: {name: Cables}}
contacts: {it: {name: Anna}}
profile: office-move
with: {network: 10.20.0.0/16, gateway: 10.20.0.1, resolvers: [10.20.0.53], internet_host: 10.99.0.1}
without: {laptop: it is plugged in all the time}
"""


def run(command: Any, *args: str | Path) -> Result:
    return CliRunner().invoke(command, [str(arg) for arg in args])


@pytest.fixture
def office(tmp_path: Path) -> Path:
    path = tmp_path / "office.yaml"
    path.write_text(OFFICE)
    return path


def test_lint_says_what_is_there(office: Path) -> None:
    result = run(lint.command, office)
    assert result.exit_code == 0
    assert result.output.startswith(f"{office}: no problems: ")
    assert result.output.endswith(" checks in 5 milestones\n")
    report = json.loads(run(lint.command, office, "--json").output)
    assert report["files"][0]["problems"] == []
    assert report["files"][0]["milestones"] == 5


def test_lint_of_several_files_and_profiles(office: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(OFFICE.replace("gateway: 10.20.0.1", "gateway: ten"))
    profile = tmp_path / "own.yaml"
    profile.write_text("gonogo-profile: 1\nname: own\ntitle: O\ndescription: O.\nversion: one\nchecks: {}\n")
    result = run(lint.command, office, bad, profile)
    assert result.exit_code == 2
    assert f"{office}: no problems" in result.output
    assert f"{bad}:7:40: with.gateway: An address is written like" in result.output
    assert f"{profile}:5:10: version: A whole number is expected" in result.output
    report = json.loads(run(lint.command, "--json", office, bad).output)
    assert [len(item["problems"]) for item in report["files"]] == [0, 1]
    assert report["files"][1]["problems"][0]["line"] == 7


def test_lint_wants_a_file() -> None:
    assert run(lint.command).exit_code == 2
    assert run(lint.command, "/nonexistent/x.yaml").exit_code == 2


@pytest.mark.parametrize("what", [(), ("project",), ("profile",)])
def test_lint_prints_the_schema(what: tuple[str, ...]) -> None:
    made = json.loads(run(lint.command, "--schema", *what).output)
    assert made["title"] == f"gonogo {(*what, 'project')[0]} file"


def test_plan_is_readable_at_80_columns(office: Path) -> None:
    result = run(plan.command, office)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for part in (
        "cutover: Sat 2026-12-05 22:30 CET", "open: Day one, due Sat 2026-12-05 22:30 CET",
        "gate: results at most 4 h old; warnings pass",
        "needs too: interface, gateway, internet, resolvers", "step 1",
        "gateway: link.gateway 10.20.0.1", "needs gateway", "owner isp (Line AG)", "required; at most 10 s",
        "laptop: The project leaves it out: it is plugged in all the time", "Out of scope:", "the old site",
        "'time_server' is not given, empty or off.",
    ):  # fmt: skip
        assert part in text


def test_plan_as_json_is_the_plan(office: Path) -> None:
    made = json.loads(run(plan.command, office, "--json").output)
    ids = [check["id"] for check in made["checks"]]
    assert sorted(name for wave in made["waves"] for name in wave) == sorted(ids)
    assert made["waves"][0].count("interface") == 1
    assert all(check["allowed_s"] > 0 for check in made["checks"])
    assert made["project"]["cutover"] == "2026-12-05T21:30:00.000000Z"


def test_plan_of_a_bad_file(office: Path) -> None:
    office.write_text(OFFICE.replace("gateway:", "gatway:"))
    result = run(plan.command, office)
    assert result.exit_code == 2
    assert "did you mean 'gateway'?" in result.output


@pytest.mark.parametrize("kind", registry.names())
def test_explain_every_type(kind: str) -> None:
    result = run(explain.command, kind)
    assert result.exit_code == 0
    for head in ("Proves:", "Cannot prove:", "Parameters:", "Example:", "Source:"):
        assert head in result.output
    assert max(map(len, result.output.splitlines())) <= 100
    made = json.loads(run(explain.command, kind, "--json").output)
    assert made["type"] == kind
    assert all(field["text"] for field in made["fields"])


def test_explain_says_kinds_of_values_as_a_person_does() -> None:
    assert (
        "min_memory: size with its unit (bytes without); optional"
        in run(explain.command, "server.capacity").output
    )
    told = run(explain.command, "backup.copies").output
    assert "copies: list of mapping; required" in told
    assert "Any" not in told


def test_explain_nothing_of_that_name() -> None:
    result = run(explain.command, "network.tpc")
    assert result.exit_code == 2
    assert "did you mean 'network.tcp'?" in result.output


def test_checks_lists_every_type_even_a_broken_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "foreign_names", lambda: ["acme.bro\x1bken"])
    result = run(checks.command)
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80
    for name in registry.names():
        assert name in result.output
    assert "acme.bro\\x1bken" in result.output
    rows = json.loads(run(checks.command, "--json").output)["types"]
    assert {row["type"] for row in rows} == {*registry.names(), "acme.bro\x1bken"}
    assert [row["type"] for row in rows if row["error"]] == ["acme.bro\x1bken"]


FACTS = SimpleNamespace(
    hostname="laptop",
    gateway=lambda family: SimpleNamespace(address="10.7.0.1"),
    on_link=lambda address: SimpleNamespace(
        addresses=[SimpleNamespace(family="ipv4", network="10.7.0.0/24")]
    ),
    resolvers=(SimpleNamespace(address="10.7.0.53"), SimpleNamespace(address="fe80::1%eth0")),
    search=("corp.example",),
)


def filled(text: str) -> str:
    """Return what `gonogo init` wrote with every TODO filled in, by its example where there is one."""
    text = re.sub(r"TODO  # for example (.*)", r"\1", text)
    return text.replace("cutover: TODO ", "cutover: 2026-12-05 22:30 ").replace("TODO: ", "")


SEEN = {
    "gateway": "gateway: 10.7.0.1  # seen on laptop",
    "network": "network: 10.7.0.0/24",
    "domain": "domain: corp.example  # seen on laptop",
}
NEEDED = {
    "m365-cutover": "  service_records: [{type: CNAME, name: a.corp.example, value: b.example}]\n",
    "office-move": "",
}
"""What a project on the profile needs besides the required parameters."""


@pytest.mark.parametrize("name", shipped())
def test_init_lints_clean_once_filled_in(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    detected = init.Detected(timezone="Europe/Zurich", values=init.values(FACTS), source="laptop")
    monkeypatch.setattr(init, "detect", lambda: detected)
    path = tmp_path / "p.yaml"
    assert run(init.command, name, "-o", path).exit_code == 0
    text = path.read_text()
    parameters = read_document(
        (Path(init.__file__).parents[2] / "profiles" / f"{name}.yaml").read_bytes(), "x"
    ).value
    for parameter in parameters["parameters"]:
        assert re.search(rf" {parameter}:[ \n]", text)
        assert SEEN.get(parameter, "") in text
    if "resolvers" in parameters["parameters"]:
        assert re.search(r'resolvers: \[10\.7\.0\.53, "(fe80::1|\[fe80::1\])"\]', text)
    report = json.loads(run(lint.command, "--json", path).output)["files"][0]
    assert report["problems"]
    assert {problem["message"] for problem in report["problems"]} == {"This is still to be filled in."}
    todo = [
        number for number, line in enumerate(text.splitlines(), start=1) if "TODO" in line and line[0] != "#"
    ]
    assert [problem["line"] for problem in report["problems"]] == todo
    path.write_text(filled(text).replace("with:\n", f"with:\n{NEEDED.get(name, '')}"))
    result = run(lint.command, path)
    assert result.exit_code == 0, result.output


def test_init_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("mine")
    result = run(init.command, "office-move", "--no-detect", "-o", path)
    assert result.exit_code == 2
    assert path.read_text() == "mine"


def test_init_on_a_profile_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.yaml").write_text(
        "gonogo-profile: 1\nname: own\ntitle: O\ndescription: O.\nversion: 1\n"
        "parameters: {n: {type: '[{a: text}]', description: d}}\n".replace("'[{a: text}]'", "[{a: text}]")
        + "milestones: {m: {title: M}}\nchecks: {c: {type: manual, milestone: m, statement: It is so.}}\n"
    )
    monkeypatch.chdir(tmp_path)
    assert run(init.command, "./own.yaml", "--no-detect").exit_code == 0
    written = tmp_path / "own.gonogo.yaml"
    assert "profile: ./own.yaml" in written.read_text().replace('"', "")
    written.write_text(filled(written.read_text()))
    assert run(lint.command, written).exit_code == 0


@pytest.mark.parametrize("name", ["office-mvoe", "./none.yaml"])
def test_init_on_no_profile(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(init.command, name, "--no-detect").exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_init_copes_with_a_laptop_that_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "checks.local.facts", None)
    assert dict(init.detect().values) == {}


def test_time_zone_of_this_laptop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/Denver")
    assert init.timezone() == "America/Denver"
