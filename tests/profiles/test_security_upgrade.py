"""The shipped profile security-upgrade: with nothing, the least, everything; its waves are milestones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from agent.files.load import Problems, load_plan
from agent.plan import Plan

ROOT = Path(__file__).parents[2]
NOTHING = """gonogo: 1
project: {name: Contoso, timezone: Europe/Zurich, cutover: 2026-12-05 22:30}
profile: security-upgrade
contacts: {it: {name: Anna}, soc: {name: Sam}}
"""
LEAST = (
    NOTHING
    + """with:
  authorised_by: C. Owner, 2026-11-20, CHG0042
  way_back: Disable the policies "CA-*" and uninstall the agent.
"""
)
MORE = """  tenant_id: 72f988bf-86f1-41af-91ab-2d7cd011db47
  graph_client_id: 0b7c2d1e-1111-4222-8333-444455556666
  graph_secret: env:GRAPH_SECRET
  mfa_coverage: 98%
  emergency_accounts: ["breakglass@contoso.com"]
  emergency_ids: [6d1b2c3d-0000-4000-8000-00000000beef]
  login: {user: tech, key: "file:~/.ssh/id_ed25519", known_hosts: known_hosts, sudo: true}
  pilot: [{host: pc-01.corp.example}]
  waves:
    - name: office
      due: -3d
      inventory: [{host: pc-10.corp.example}, {host: pc-11.corp.example, user: root}]
    - {name: plant, due: -2d, inventory: [{host: pc-20.corp.example}]}
  protection: {min_coverage: 95%, max_signature_age: 3d, products: ["CrowdStrike*"]}
  admins: {inventory: [{host: srv-1.corp.example}], approved: [root, "CONTOSO\\\\admin"]}
  tls_servers: ["mail.corp.example:443"]
  smb_hosts: [10.20.0.20]
  rdp_hosts: [10.20.0.30]
  exposure: {ranges: [203.0.113.0/29], ports: [22, 443], allowed: [{host: 203.0.113.2, port: 443}]}
  egress:
    closed: ["probe.example.net:25"]
    control: "probe.example.net:443"
    witness: {host: probe.example.net}
  dns_filter:
    blocked: [malware.example.net]
    control: www.example.com
    resolvers: [10.20.0.53]
    bypass: [192.0.2.1]
  working: [{name: erp, host: erp.corp.example, port: 443}]
  websites: [{name: intranet, url: "https://intranet.corp.example/"}]
  owner_it: it
  owner_security: soc
"""
MILESTONES = ["prepared", "pilot", "wave-office", "wave-plant", "enforced", "settled"]


def load(folder: Path, text: str) -> Plan:
    path = folder / "p.yaml"
    path.write_text(text)
    return load_plan(path, cached=False)


def needed(plan: Plan, milestone: str) -> set[str]:
    found = plan.milestone(milestone)
    assert found is not None
    return {need.check for need in found.gate.needs if need.required}


def test_nothing_given_tells_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(Problems) as caught:
        load(tmp_path, NOTHING)
    told = " ".join(map(str, caught.value.problems))
    assert "authorised_by" in told
    assert "way_back" in told


def test_with_the_least_persons_state_what_nothing_measures(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST)
    assert [item.id for item in plan.milestones] == ["prepared", "enforced", "settled"]
    assert all(any(need.required for need in item.gate.needs) for item in plan.milestones)
    assert {check.type for check in plan.checks} == {"manual"}
    assert "sign-in-stated" in needed(plan, "enforced")
    left_out = {item.check for item in plan.left_out}
    assert left_out >= {"mfa", "pilot-protected", "admins", "exposure", "egress", "dns-filter"}


def test_with_everything_each_parameter_arrives(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST + MORE)
    assert {item.check for item in plan.left_out} == {"sign-in-stated"}
    built = {check.id: check.build() for check in plan.checks}
    pilot, wave = built["pilot-protected"], built["protected-office"]
    assert (pilot.user, pilot.sudo, pilot.min_coverage, pilot.max_signature_age) == (
        "tech",
        True,
        95.0,
        259200.0,
    )
    assert pilot.products == ("CrowdStrike*",)
    assert [(login.host, login.user) for login in wave.inventory] == [
        ("pc-10.corp.example", None), ("pc-11.corp.example", "root"),
    ]  # fmt: skip
    assert built["admins"].approved == ("root", "CONTOSO\\admin")
    assert built["exposure"].authorised_by == "C. Owner, 2026-11-20, CHG0042"
    assert built["exposure"].ports == (22, 443)
    assert built["egress"].witness.host == "probe.example.net"
    assert built["egress"].user == "tech"
    assert built["dns-filter"].bypass == ("192.0.2.1",)
    assert {check.owner for check in plan.checks} == {"it", "soc"}
    types = {check.type for check in plan.checks}
    shipped = {path.stem for path in (ROOT / "checks/security").glob("[a-z]*.py")}
    assert {f"security.{name}" for name in shipped} <= types


def test_every_parameter_is_given_here_or_stands_for_another() -> None:
    text = (ROOT / "profiles/security-upgrade.yaml").read_text("utf-8")
    names = set(YAML(typ="safe", pure=True).load(text)["parameters"])
    assert names - set(re.findall(r"^  (\w+):", LEAST + MORE, re.MULTILINE)) == {"graph_certificate"}
    for name in names:
        assert re.search(rf"\$\{{{name}[?}}.]", text), f"{name} is used nowhere"


def test_waves_come_one_after_the_pilot_and_before_the_rules(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST + MORE)
    assert [item.id for item in plan.milestones] == MILESTONES
    after = {item.id: set(item.after) for item in plan.milestones}
    assert after["wave-office"] == {"prepared", "pilot"}
    assert after["wave-plant"] == {"prepared", "pilot", "wave-office"}
    assert after["enforced"] == {"prepared", "pilot", "wave-office", "wave-plant"}
    assert needed(plan, "wave-office") >= {"protected-office", "works-office", "working-erp", "web-intranet"}
    assert not needed(plan, "wave-office") & {"protected-plant", "works-plant"}
    assert needed(plan, "settled") >= {
        "mfa", "sign-in-rules", "tls-versions", "smb1", "rdp", "exposure", "egress", "dns-filter", "admins",
        "pilot-protected", "protected-office", "protected-plant", "working-erp", "web-intranet", "help-desk",
    }  # fmt: skip


def test_waves_without_a_pilot_wait_for_what_it_waited_for(tmp_path: Path) -> None:
    text = LEAST + "\n".join(line for line in MORE.splitlines() if not line.startswith("  pilot")) + "\n"
    plan = load(tmp_path, text)
    wave = plan.milestone("wave-office")
    assert wave is not None
    assert set(wave.after) == {"prepared"}


WRONG = {
    "product": ("max_signature_age: 3d", "max_signature_age: soon", "14d"),
    "host": ("{host: srv-1.corp.example}", "{hosts: srv-1.corp.example}", "host"),
    "range": ("203.0.113.0/29", "203.0.113.1/29", "network"),
    "control": ('control: "probe.example.net:443"', "control: probe.example.net", "needs a port"),
    "allowed": ("{host: 203.0.113.2, port: 443}", "{host: 198.51.100.2, port: 443}", "none of the ranges"),
    "login": ("{user: tech, key", "{users: tech, key", "user"),
}


@pytest.mark.parametrize("slip", WRONG)
def test_what_is_written_wrong_is_told(tmp_path: Path, slip: str) -> None:
    right, wrong, told = WRONG[slip]
    text = LEAST + MORE.replace(right, wrong)
    assert text != LEAST + MORE
    with pytest.raises(Problems) as caught:
        load(tmp_path, text)
    assert told in " ".join(map(str, caught.value.problems))
