"""The shipped profile office-move: with the least and with everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.files.load import Problems, load_plan
from agent.plan import Plan

LEAST = """gonogo: 1
project: {name: Contoso, timezone: Europe/Zurich, cutover: 2026-12-05 22:30}
profile: office-move
vendors: {isp: {name: Line AG}, cabling: {name: Cables}}
contacts: {it: {name: Anna}}
with:
  network: 10.20.0.0/16
  gateway: 10.20.0.1
  resolvers: [10.20.0.53]
  internet_host: 10.99.0.1
"""
MORE = """  names: [{name: files.corp.example, address: 10.20.0.10}]
  services: [{name: Files Server, host: files.corp.example, port: 445}]
  websites: [{name: intranet, url: "https://intranet.corp.example/"}]
  certificates: [{name: mail, server: "mail.corp.example:443"}]
  speed_url: https://speed.example.com/100MB.bin
  line_down: 250
  public_networks: [203.0.113.0/29]
  time_server: 10.20.0.1
  free_addresses: [10.20.0.10]
  telephony_host: sbc.example.net
  second_line_host: ping.carrier-two.example
  guest_closed: [{name: files, host: 10.20.0.10, port: 445}]
  guest_control: "www.example.com:443"
  switches:
    - name: sw-1
      host: 10.20.0.2
      community: env:SNMP_COMMUNITY
      model: C9200
      sys_name: sw-1
      min_speed: 1000
      ports:
        - {description: Uplink core, min_speed: 10000, duplex: full, members: 2}
        - {neighbor: ap-1, min_speed: 1000}
        - {vlan: 10, count: 20}
      vlans: [{id: 10, name: staff}, {id: 30, name: phones}]
      trunks: [{port: Po1, native: 1, allowed: [10, 30], peer: 10.20.0.3, peer_port: Po1}]
      neighbors: [{port: Te1/0/1, name: core}]
      poe: [{name: access point, count: 2, class: 4}]
      stp_root: 00:1b:21:3c:4d:5e
      members: 2
  devices: [{name: alarm panel, switch: 10.20.0.2, community: "env:SNMP_COMMUNITY", mac: "00:1b:21:3c:4d:5f"}]
  desk: {switch: sw-1, vlan: 10, voice_vlan: 30}
  vlans:
    - {name: staff, servers: [10.20.0.10], network: 10.20.0.0/24, router: [10.20.0.1], dns: [10.20.0.10]}
    - {name: phones, id: 30, servers: [10.20.0.10], network: 10.20.30.0/24, tftp_servers: [10.20.0.15]}
  wifi: [{ssid: Contoso, security: [wpa3-enterprise], bands: ["5", "6"], pmf: required}]
  access_points: ["00:1b:21"]
  survey: {ssid: Contoso, min_signal: -65, min_points: 8}
  ups: [{name: rack, host: 10.20.0.5, user: watch, auth_key: "env:UPS_KEY", min_runtime: 15m}]
  printers: [{name: floor-1, host: 10.20.0.91, community: public}]
"""
MILESTONES = ["circuit", "cabling", "wifi", "services", "guest", "open", "settled"]


def load(folder: Path, text: str) -> Plan:
    path = folder / "p.yaml"
    path.write_text(text)
    return load_plan(path, cached=False)


def causes(plan: Plan, check: str) -> set[str]:
    """Everything that blocks `check` when it does not pass."""
    direct = plan.by_id[check].needs
    return {*direct, *(cause for need in direct for cause in causes(plan, need))}


def test_with_the_least(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST)
    assert [item.id for item in plan.milestones] == [m for m in MILESTONES if m not in ("wifi", "guest")]
    assert all(any(need.required for need in item.gate.needs) for item in plan.milestones)
    left_out = {item.check for item in plan.left_out}
    assert left_out >= {"clock", "telephony", "public-address", "line-rate", "coverage", "second-line"}
    for check in plan.checks:
        check.build()


def test_with_everything_one_cause_blocks_the_rest(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST + MORE)
    assert plan.left_out == ()
    assert [item.id for item in plan.milestones] == MILESTONES
    for check in plan.checks:
        check.build()
    for check in ("name-files.corp.example", "service-files-server", "web-intranet", "certificate-mail"):
        assert causes(plan, check) == {"gateway", "resolvers"}
    for check in ("packet-size", "portal", "public-address", "line-rate", "telephony"):
        assert causes(plan, check) == {"gateway", "internet"}
    for kind in ("ports", "vlans", "neighbors", "errors", "poe", "stp", "environment", "saved", "stack"):
        assert causes(plan, f"{kind}-sw-1") == {"switch-sw-1"}
    guest = plan.milestone("guest")
    assert guest is not None
    assert guest.gate.vantages == ("guest-*",)
    assert plan.by_id["guest-files"].params["control"] == "www.example.com:443"
    assert all(check.owner in {"isp", "cabling", "it"} for check in plan.checks if check.id != "laptop")


def test_day_one_asks_again_for_what_staff_need(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST + MORE)
    gate = plan.milestone("open")
    assert gate is not None
    needed = {need.check for need in gate.gate.needs}
    assert needed >= {
        "keys", "interface", "gateway", "internet", "resolvers", "switch-sw-1", "ports-sw-1", "ups-rack",
        "dhcp-staff", "dhcp-phones", "printer-floor-1", "service-files-server", "web-intranet",
    }  # fmt: skip


WRONG = {
    "ports": ("{neighbor: ap-1, min_speed: 1000}", "{neighbour: ap-1}", "neighbor"),
    "class": ("class: 4", "class: 9", "class"),
    "pmf": ("pmf: required", "pmf: needed", "pmf"),
    "duration": ("min_runtime: 15m", "min_runtime: long", "14d"),
}


@pytest.mark.parametrize("slip", WRONG)
def test_what_is_written_wrong_is_told_where_it_stands(tmp_path: Path, slip: str) -> None:
    right, wrong, told = WRONG[slip]
    text = LEAST + MORE.replace(right, wrong)
    with pytest.raises(Problems) as caught:
        load(tmp_path, text)
    [problem] = caught.value.problems
    assert told in str(problem)
    line = next(n for n, one in enumerate(text.splitlines(), 1) if wrong in one)
    assert f":{line}:" in str(problem)


def test_a_survey_is_judged_also_where_no_network_is_described(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST + "  survey: {ssid: Contoso}\n")
    gate = plan.milestone("wifi")
    assert gate is not None
    assert [need.check for need in gate.gate.needs if need.required] == ["coverage"]
