"""Old switches that say anything: what is written is a project file, and says what it leaves out."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from agent.cli import lint
from tests.agent.learn.offices import COMMUNITY
from tests.agent.learn.test_round_trip import filled, learn, results
from tests.checks.device.fixtures import Objects, base_ports, heard, interfaces, local, rows
from tests.lab.snmp_agent import Agent, Lies
from tests.recordings import names, oid

pytestmark = pytest.mark.xdist_group("learn")
KEPT = (
    '"}]  - name: x', "a: b", "{a: b}", "[1,2]", "- item", "? key", "# comment", "a # comment", "'single'",
    '"double"', "back\\slash", "&anchor", "*alias", "!!python/object:os.system", "!tag", "%TAG", "@at",
    "`tick`", "|", ">", "null", "~", "yes", "No", "010", "1e3", "0x1F", ".inf", "1:30", "2026-12-05",
    "${network}", "$${network}", "${", "$${", "${x?}", "$", "${a}${b}", "Zürich Büro", "会議室", "🖨 printer",
    "<<", "=", "--- doc", "... end", "TO DO", "x" * 256,
)  # fmt: skip
REFUSED = (
    "line\nbreak", "line\r\n- name: x", "esc\x1b[31mred", "bell\x07", "c1\x85next", "ls\u2028x",
    "rtl\u202egnp", "bom\ufeffx", "zero\u200bwidth", "TODO", "TODO: label it", "y" * 257, "z" * 10_000,
    f"uplink {COMMUNITY}",
)  # fmt: skip
TEXTS = (*KEPT, *REFUSED)
WITHOUT_INTERFACES = {"junos_ex", "netgear_3"}
"""Recordings of single tables."""
Q = "1.3.6.1.2.1.17.7.1.4"


def switch(texts: tuple[str, ...], *, aliases: bool, sys_name: str = "sw1") -> Objects:
    """Return a switch with a port for each text, as its description or as the neighbour's name there."""
    ports = {number: f"Gi1/0/{number}" for number in range(1, len(texts) + 1)}
    bits = b"\xff" * (len(texts) // 8 + 1)
    found = (
        interfaces(
            ports, aliases={one: text if aliases else "" for one, text in zip(ports, texts, strict=True)}
        )
        | base_ports({one: one for one in ports})
        | local({one: name.encode() for one, name in ports.items()})
        | rows(f"{Q}.3.1.1", {str(10 + one): text.encode() for one, text in enumerate(texts)})
        | rows(f"{Q}.2.1.4", {"0.10": bits})
        | rows(f"{Q}.2.1.5", {"0.10": bits})
        | rows(f"{Q}.5.1.1", {str(one): 10 for one in ports})
        | {oid("1.3.6.1.2.1.1.5.0"): sys_name.encode()}
    )
    if not aliases:
        for one, text in zip(ports, texts, strict=True):
            chassis = bytes((2, 0, 0, 0, 9, one))
            found |= heard(f"0.{one}.1", text, b"eth0", chassis=chassis, capabilities=b"\x20")
    return found


def written(tmp_path: Path, objects: Objects, lies: Lies | None = None) -> tuple[str, Any]:
    with Agent(objects, community=COMMUNITY, lies=lies or Lies()) as served:
        told = learn(tmp_path / "learnt.yaml", served)
    assert told.exit_code == 0, told.output
    return (tmp_path / "learnt.yaml").read_text("utf-8"), told


def assert_harmless(text: str) -> None:
    assert COMMUNITY not in text
    for char in text:
        assert char == "\n" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert max(map(len, text.splitlines())) < 1500


def switches(text: str) -> Any:
    return YAML(typ="safe").load(text)["with"]["switches"]


@pytest.mark.parametrize("aliases", [True, False], ids=["descriptions", "neighbours"])
def test_hostile_texts_are_planned_as_they_are_or_said(tmp_path: Path, aliases: bool) -> None:
    objects = switch(TEXTS, aliases=aliases)
    text, told = written(tmp_path, objects)
    assert_harmless(text)
    assert_harmless(told.stderr)
    [one] = switches(text)
    key = "description" if aliases else "neighbor"
    planned = {port[key].replace("$${", "${") for port in one["ports"] if key in port}
    assert [kept for kept in KEPT if kept not in planned] == []
    assert planned.isdisjoint(REFUSED)
    long = ("longer than 256 characters",) if aliases else ()
    for said in ("it says TODO", "it holds characters that cannot be shown", "a secret is in it", *long):
        assert said in text
        assert said in told.stderr
    with Agent(objects, community=COMMUNITY) as same:
        found = results(text, tmp_path, same, ("switch", "ports"))
    ports = next(result for name, result in found.items() if name.startswith("ports-"))
    assert ports["status"] == "pass", [one for one in ports["findings"] if one["status"] != "pass"]


def test_hostile_names_of_vlans_are_planned_as_they_are_or_left_out(tmp_path: Path) -> None:
    objects = switch(TEXTS, aliases=True)
    text, _ = written(tmp_path, objects)
    [one] = switches(text)
    assert [vlan["id"] for vlan in one["vlans"]] == list(range(10, 10 + len(TEXTS)))
    with Agent(objects, community=COMMUNITY) as same:
        found = results(text, tmp_path, same, ("switch", "vlans"))
    vlans = next(result for name, result in found.items() if name.startswith("vlans-"))
    assert vlans["status"] == "pass", [one for one in vlans["findings"] if one["status"] != "pass"]


NAMED = {
    "yaml": 'x"}]', "anchor": "*alias", "comment": "# no", "parameter": "${network}", "open": "${",
    "number": "010", "word": "null", "lines": "a\n- name: b", "escape": "a\x1b[31m", "todo": "TODO: name",
    "long": "z" * 10_000, "secret": COMMUNITY, "foreign": "会議室", "dots": "...", "empty": " ",
}  # fmt: skip


@pytest.mark.parametrize("sys_name", NAMED.values(), ids=NAMED)
def test_a_hostile_name_of_the_switch(tmp_path: Path, sys_name: str) -> None:
    text, _ = written(tmp_path, switch(("a", "b"), aliases=True, sys_name=sys_name))
    assert_harmless(text)
    path = tmp_path / "filled.yaml"
    path.write_text(filled(text, "10.20.0.2"), encoding="utf-8")
    told = CliRunner().invoke(lint.command, [str(path)])
    assert told.exit_code == 0, told.output


def test_two_switches_of_one_name_are_two(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    objects = switch(("a",), aliases=True)
    with Agent(objects, community=COMMUNITY) as one, Agent(objects, community=COMMUNITY) as two:
        assert learn(path, one, two).exit_code == 0
    text = path.read_text("utf-8")
    assert [switch["name"] for switch in switches(text)] == ["sw1", "sw1-2"]
    path.write_text(filled(text, "10.20.0.2", "10.20.0.3"), encoding="utf-8")
    assert CliRunner().invoke(lint.command, [str(path)]).exit_code == 0


def test_a_switch_of_many_purposes_is_bounded_and_said(tmp_path: Path) -> None:
    many = tuple(f"room {number}" for number in range(600))
    text, told = written(tmp_path, switch(many, aliases=True))
    [one] = switches(text)
    assert len(one["ports"]) == 500
    assert "100 more purposes of ports are not in the plan" in text
    assert "100 more purposes of ports are not in the plan" in told.stderr
    path = tmp_path / "filled.yaml"
    path.write_text(filled(text, "10.20.0.2"), encoding="utf-8")
    assert CliRunner().invoke(lint.command, [str(path)]).exit_code == 0


@pytest.mark.parametrize("recording", names())
def test_every_recording_gives_a_file_that_lints(tmp_path: Path, recording: str) -> None:
    from tests.beside import DATA
    from tests.lab.snmp_agent import recorded

    with Agent(recorded(DATA / "snmp" / f"{recording}.snmprec"), community=COMMUNITY) as served:
        told = learn(tmp_path / "learnt.yaml", served)
        assert served.asked["set"] == 0
    if recording in WITHOUT_INTERFACES:
        assert told.exit_code == 3
        assert "shows no interface" in told.stderr
        assert not (tmp_path / "learnt.yaml").exists()
        return
    assert told.exit_code == 0, told.output
    text = (tmp_path / "learnt.yaml").read_text("utf-8")
    assert_harmless(text)
    path = tmp_path / "filled.yaml"
    path.write_text(filled(text, "10.20.0.2"), encoding="utf-8")
    done = CliRunner().invoke(lint.command, ["--json", str(path)])
    assert json.loads(done.output)["files"][0]["problems"] == []
