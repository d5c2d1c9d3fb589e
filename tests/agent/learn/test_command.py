"""`gonogo init --from-switch` as a person gives it: credentials, silence, half a table, wrong options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agent.cli import init
from tests.agent.learn.offices import COMMUNITY, Office
from tests.agent.learn.test_round_trip import learn
from tests.checks.device.fixtures import rows
from tests.lab.snmp_agent import Agent, Lies
from tests.recordings import oid

pytestmark = pytest.mark.xdist_group("learn")
OLD = Office().objects()
SYSTEM, IF, IFX = oid("1.3.6.1.2.1.1"), oid("1.3.6.1.2.1.2"), oid("1.3.6.1.2.1.31")


def circle(column: str, last: int, back: int, rest: str = "") -> Lies:
    """Return an agent that goes back in the middle of a column, so that the rest never comes."""
    return Lies(circle_at=(oid(f"{column}.{last}{rest}"), oid(f"{column}.{back}{rest}")))


def init_office(tmp_path: Path, *words: str) -> Result:
    given = ["office-move", "--no-detect", "-o", str(tmp_path / "move.yaml"), *words]
    return CliRunner().invoke(init.command, given)


def test_a_reference_is_written_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLD_OFFICE", COMMUNITY)
    path = tmp_path / "move.yaml"
    with Agent(OLD, community=COMMUNITY) as old:
        assert learn(path, old, options=("--community", "env:OLD_OFFICE")).exit_code == 0
    text = path.read_text("utf-8")
    assert 'community: "env:OLD_OFFICE"\n' in text
    assert COMMUNITY not in text


def test_the_port_may_be_an_option(tmp_path: Path) -> None:
    with Agent(OLD, community=COMMUNITY) as old:
        words = ("--from-switch", old.host, "--port", str(old.port), "--community", COMMUNITY)
        assert init_office(tmp_path, *words).exit_code == 0


def test_a_switch_that_says_nothing_leaves_no_file_and_says_why(tmp_path: Path) -> None:
    with Agent(OLD, community=COMMUNITY) as old:
        told = learn(tmp_path / "move.yaml", old, options=("--community", "another-one"))
    assert told.exit_code == 3
    assert "Nothing is learnt of it" in told.stderr
    assert "another-one" not in told.output
    assert not (tmp_path / "move.yaml").exists()


def test_one_of_two_that_is_silent_is_said_in_the_file_and_on_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "move.yaml"
    silent = Lies(silent=True)
    with Agent(OLD, community=COMMUNITY) as one, Agent(OLD, community=COMMUNITY, lies=silent) as two:
        told = learn(path, one, two)
    assert told.exit_code == 3
    sentence = f"{two.endpoint}: Nothing is learnt of it"
    assert sentence in told.stderr
    assert sentence in path.read_text("utf-8")
    assert path.read_text("utf-8").count("host: TODO") == 2  # with the one of internet_host


PARTS: dict[str, tuple[Lies, str, Callable[[str], bool]]] = {
    "half the VLANs": (
        circle("1.3.6.1.2.1.17.7.1.4.2.1.5.0", 20, 10), "Its VLANs could not be read",
        lambda text: "      vlans:" not in text and "{vlan: 10" not in text and "allowed:" not in text,
    ),
    "half the neighbours": (
        circle("1.0.8802.1.1.2.1.4.1.1.9.0", 3, 2, ".1"), "Its neighbours could not be read",
        lambda text: "{neighbor:" not in text and "Printer reception" in text,
    ),
    "half the power": (
        circle("1.3.6.1.2.1.105.1.1.1.6.1", 4, 3), "Its PoE could not be read",
        lambda text: "class 4" not in text,
    ),
    "a view without spanning tree": (
        Lies(only=(SYSTEM, IF, IFX, oid("1.3.6.1.2.1.10"))), "Its spanning tree could not be read",
        lambda text: "      stp_root:" not in text and "Printer reception" in text,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("lies", "said", "holds"), PARTS.values(), ids=PARTS)
def test_half_a_table_is_left_out_whole_and_said(
    tmp_path: Path, lies: Lies, said: str, holds: Callable[[str], bool]
) -> None:
    path = tmp_path / "move.yaml"
    with Agent(OLD, community=COMMUNITY, lies=lies) as old:
        told = learn(path, old)
    assert told.exit_code == 0, told.output
    text = path.read_text("utf-8")
    assert said in text
    assert said in told.stderr
    plan = text[text.index("  switches:\n") : text.index("# Devices that must be found")]
    assert holds(plan), plan


def test_the_ports_are_all_or_nothing(tmp_path: Path) -> None:
    lies = circle("1.3.6.1.2.1.2.2.1.8", 4, 3)
    with Agent(OLD, community=COMMUNITY, lies=lies) as old:
        told = learn(tmp_path / "move.yaml", old)
    assert (told.exit_code, (tmp_path / "move.yaml").exists()) == (3, False)


def test_what_the_old_office_fails_itself_is_planned_and_said(tmp_path: Path) -> None:
    path = tmp_path / "move.yaml"
    with Agent(Office(half=(4,)).objects(), community=COMMUNITY) as old:
        assert learn(path, old).exit_code == 0
    [line] = [one for one in path.read_text("utf-8").splitlines() if "description: Printer reception" in one]
    assert "duplex: full" in line
    assert "the old office itself fails this: The port runs in half duplex." in line


def test_half_duplex_at_a_desk_of_the_old_office_is_not_permitted_in_the_new(tmp_path: Path) -> None:
    path = tmp_path / "move.yaml"
    with Agent(Office(half=(6,)).objects(), community=COMMUNITY) as old:
        assert learn(path, old).exit_code == 0
    [line] = [one for one in path.read_text("utf-8").splitlines() if "- {vlan: 10" in one]
    assert "duplex" not in line.partition("  #")[0]
    assert "the old office itself fails this" in line


def test_duplex_that_the_old_switch_does_not_tell_is_not_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "move.yaml"
    untold = rows("1.3.6.1.2.1.10.7.2.1.19", {str(one): 1 for one in range(1, 9)})
    slow = rows("1.3.6.1.2.1.31.1.1.1.15", {str(one): 100 for one in range(1, 9)})
    with Agent(OLD | untold | slow, community=COMMUNITY) as old:
        assert learn(path, old).exit_code == 0
    text = path.read_text("utf-8")
    assert "{description: Printer reception, min_speed: 100, duplex: any, vlan: 20}" in text
    assert "duplex is not told there" in text
    assert "{vlan: 10, count: 4, min_speed: 100, duplex: any}" in text


def test_two_of_one_description_of_which_one_is_down_are_not_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "move.yaml"
    with Agent(Office(printer_alias="spare").objects(), community=COMMUNITY) as old:
        told = learn(path, old)
    assert "Gi1/0/4 is not planned as" in told.stderr
    assert "{vlan: 20, count: 1" in path.read_text("utf-8")


def test_a_telephone_that_tells_only_its_description_is_not_planned_by_it(tmp_path: Path) -> None:
    office = Office()
    name = rows("1.0.8802.1.1.2.1.4.1.1.9", {"0.3.1": b"Cisco IP Phone 7945G,V12,SCCP45.9-4-2"})
    path = tmp_path / "move.yaml"
    with Agent(office.objects() | name, community=COMMUNITY) as old:
        assert learn(path, old).exit_code == 0
    assert "SCCP45" not in path.read_text("utf-8")


def test_a_root_that_was_also_read_is_no_address_of_the_plan(tmp_path: Path) -> None:
    core = replace(Office(), name="core")
    edge = replace(Office(), name="edge", mac=b"\x00\x1b\x21\x00\x00\x05")
    path = tmp_path / "move.yaml"
    with Agent(core.objects(), community=COMMUNITY) as one, Agent(edge.objects(), community=COMMUNITY) as two:
        assert learn(path, one, two).exit_code == 0
    text = path.read_text("utf-8")
    assert text.count("stp_root: self") == 1
    assert f"# stp_root: the bridge address of what takes the place of {one.endpoint}" in text


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "no credentials": (("--from-switch", "127.0.0.1"), "--community (v2c) or --snmp-user (v3)"),
    "both": (
        ("--from-switch", "127.0.0.1", "--community", "env:C", "--snmp-user", "u"),
        "--community (v2c) or --snmp-user (v3)",
    ),
    "no switch": (("--community", "env:C"), "none is named"),
    "no host": (("--from-switch", "sw 1", "--community", "env:C"), "--from-switch:"),
    "a key in the open": (
        ("--from-switch", "127.0.0.1", "--snmp-user", "u", "--auth-key", "hunter22"), "never the passphrase",
    ),
    "privacy without authentication": (
        ("--from-switch", "127.0.0.1", "--snmp-user", "u", "--privacy-key", "env:P"), "auth_key",
    ),
    "keys of a community": (
        ("--from-switch", "127.0.0.1", "--community", "env:C", "--auth-key", "env:P"), "SNMPv3",
    ),
    "two ports": (
        ("--from-switch", "127.0.0.1:1161", "--port", "161", "--community", "env:C"), "written twice",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("words", "said"), WRONG.values(), ids=WRONG)
def test_options_that_do_not_fit_are_refused(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    told = init_office(tmp_path, *words)
    assert told.exit_code == 2
    assert said in told.stderr
    assert "hunter22" not in told.output
    assert not (tmp_path / "move.yaml").exists()


def test_a_profile_without_switches_learns_nothing(tmp_path: Path) -> None:
    words = ["m365-cutover", "--no-detect", "-o", str(tmp_path / "m.yaml"), "--from-switch", "127.0.0.1"]
    told = CliRunner().invoke(init.command, [*words, "--community", "env:C"])
    assert told.exit_code == 2
    assert "no parameter 'switches'" in told.stderr


def test_a_file_that_is_there_is_not_asked_for(tmp_path: Path) -> None:
    (tmp_path / "move.yaml").write_text("mine")
    with Agent(OLD, community=COMMUNITY) as old:
        told = learn(tmp_path / "move.yaml", old)
        assert sum(old.asked.values()) == 0
    assert told.exit_code == 2
    assert (tmp_path / "move.yaml").read_text() == "mine"
