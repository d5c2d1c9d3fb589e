"""The shipped profile office-move: with the least and with everything."""

from __future__ import annotations

from pathlib import Path

from agent.files.load import load_plan
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
  guest_closed: [{name: files, host: 10.20.0.10, port: 445}]
  guest_control: "www.example.com:443"
"""


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
    assert [item.id for item in plan.milestones] == ["prepared", "line-live", "ready", "open"]
    assert all(any(need.required for need in item.gate.needs) for item in plan.milestones)
    assert {item.check for item in plan.left_out} >= {"clock", "telephony", "public-address", "line-rate"}
    for check in plan.checks:
        check.build()


def test_with_everything_one_cause_blocks_the_rest(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST + MORE)
    assert plan.left_out == ()
    assert [item.id for item in plan.milestones] == ["prepared", "line-live", "ready", "guest", "open"]
    chain = {"interface", "gateway", "resolvers"}
    for check in ("name-files.corp.example", "service-files-server", "web-intranet", "certificate-mail"):
        assert causes(plan, check) == chain
    for check in ("packet-size", "portal", "public-address", "line-rate", "telephony"):
        assert causes(plan, check) == {"interface", "gateway", "internet"}
    guest = plan.milestone("guest")
    assert guest is not None
    assert guest.gate.vantages == ("guest-*",)
    assert plan.by_id["guest-files"].params["control"] == "www.example.com:443"
    assert all(check.owner in {"isp", "cabling", "it"} for check in plan.checks if check.id != "laptop")
