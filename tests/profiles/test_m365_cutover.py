"""The shipped profile m365-cutover: with the least, with everything, and with what changes its shape."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.files.load import Problems, load_plan
from agent.plan import Plan

LEAST = """gonogo: 1
project: {name: Contoso, timezone: Europe/Zurich, cutover: 2026-12-05 22:30}
profile: m365-cutover
vendors: {dns: {name: DNS AG}, old-provider: {name: Hoster}}
contacts: {it: {name: Anna}, m365: {name: Mo}}
with:
  domain: contoso.com
  tenant_id: 72f988bf-86f1-41af-91ab-2d7cd011db47
  tenant_name: contoso
  new_mx: contoso-com.mail.protection.outlook.com
  old_mx: [mx1.hoster.example, mx2.hoster.example]
  spf_planned: v=spf1 ip4:192.0.2.25 include:spf.protection.outlook.com -all
  old_senders: [{ip: 192.0.2.25, mail_from: info@contoso.com, helo: mail.contoso.com}]
  dkim:
    selector1: selector1-contoso-com._domainkey.contoso.n-v1.dkim.mail.microsoft
    selector2: selector2-contoso-com._domainkey.contoso.n-v1.dkim.mail.microsoft
  old_ttl: 1h
  smtp_control: mx.example.net:25
"""
RECORDS = (
    "  service_records: [{type: SRV, name: _sipfederationtls._tcp.contoso.com, "
    "value: 100 1 5061 sipfed.online.lync.com}]\n"
)
GRAPH = """  graph_client_id: 11111111-2222-3333-4444-555555555555
  graph_secret: env:GRAPH
"""
MORE = """  licences: [{sku: SPE_E3, count: 120}, {sku: EXCHANGESTANDARD, count: 5}]
  export_file: export.json
  connectors: [{name: From the gateway, enabled: true}]
  old_selectors: [hoster2024]
  panel: ["1.1.1.1", "tls://9.9.9.9#dns.quad9.net"]
  inside_resolvers: ["10.20.0.53"]
  resolvers: ["192.0.2.53"]
  name_servers: ["ns1.hoster.example=192.0.2.1", {name: ns2.hoster.example, address: 192.0.2.2}]
  signed: true
  recipients: [{address: probe@contoso.com}]
  mailboxes: [probe@contoso.com]
  stun_control: stun.example.net:3478
"""
GATEWAY = "  gateway_mx: [{host: mx1.gateway.example, preference: 10}]\n"
MILESTONES = [
    "prepared", "senders-ready", "ttl-lowered", "ready", "rollback", "switched", "propagated", "settled",
]  # fmt: skip


def load(folder: Path, text: str) -> Plan:
    path = folder / "p.yaml"
    path.write_text(text)
    return load_plan(path, cached=False)


def needed(plan: Plan, milestone: str) -> set[str]:
    """The checks that a milestone cannot go without."""
    found = plan.milestone(milestone)
    assert found is not None
    return {need.check for need in found.gate.needs if need.required}


def left_out(plan: Plan) -> set[str]:
    return {item.check for item in plan.left_out}


def test_with_the_least_persons_state_what_nothing_measures(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST + RECORDS)
    assert [item.id for item in plan.milestones] == MILESTONES
    manual = {check.id for check in plan.checks if check.type == "manual"}
    assert manual >= {"tenant-stated", "health-stated", "mail-flows-stated", "rollback-relay-stated"}
    assert manual & needed(plan, "prepared") == {"tenant-stated", "licences-stated"}
    assert "new-mx-stated" in needed(plan, "ready")
    assert "rollback-mx-stated" in needed(plan, "rollback")
    assert {"dkim-signing-stated", "senders-listed"} <= needed(plan, "senders-ready")
    for check in plan.checks:
        check.build()


def test_with_everything_it_is_measured(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST + GRAPH + MORE)
    manual = {check.id for check in plan.checks if check.type == "manual"}
    assert manual == {"senders-listed", "freeze", "rollback-agreed", "outlook-inside", "old-side-empty"}
    assert {"licences-spe_e3", "licences-exchangestandard"} <= needed(plan, "prepared")
    assert plan.by_id["licences-spe_e3"].params["need"] == {"SPE_E3": 120}
    assert plan.by_id["rollback-relay"].params["accepted_domains"] == {"contoso.com": "InternalRelay"}
    assert plan.by_id["mx-spread"].params["expect"] == ["0 contoso-com.mail.protection.outlook.com"]
    assert {check.owner for check in plan.checks} == {"dns", "old-provider", "it", "m365"}
    for check in plan.checks:
        check.build()


def test_credentials_alone_leave_no_question_open(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST + GRAPH)
    assert {"mfa", "sign-in-rules", "service-records-graph", "licences-stated"} <= needed(plan, "prepared")
    assert "tenant-stated" in left_out(plan)


def test_without_a_word_on_the_service_records_it_is_refused_and_not_left_out(tmp_path: Path) -> None:
    with pytest.raises(Problems) as caught:
        load(tmp_path, LEAST)
    assert "service-records" in str(caught.value)


def test_the_way_back_is_a_gate_of_its_own_and_needed_until_the_resolvers_agree(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST + GRAPH + MORE)
    back = needed(plan, "rollback")
    assert back == {
        "snapshot", "rollback-mx-mx1.hoster.example", "rollback-mx-mx2.hoster.example", "rollback-spf",
        "rollback-mta-sts-mx1.hoster.example", "rollback-mta-sts-mx2.hoster.example",
        "rollback-dkim-hoster2024", "rollback-relay", "rollback-agreed",
    }  # fmt: skip
    assert back - {"snapshot"} <= needed(plan, "switched")
    assert back - {"snapshot"} <= needed(plan, "propagated")
    assert not back & needed(plan, "settled")
    switched = plan.milestone("switched")
    assert switched is not None
    assert set(switched.after) == {"ready", "rollback"}
    assert plan.by_id["rollback-mx-mx1.hoster.example"].params["host"] == "mx1.hoster.example"


def test_times_are_those_of_the_cutover(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST + RECORDS + "  ttl: 30m\n")
    cutover = plan.project.cutover
    assert cutover is not None
    due = {item.id: item.due for item in plan.milestones}
    offsets = {name: (at - cutover).total_seconds() for name, at in due.items() if at is not None}
    assert offsets == {
        "prepared": -14 * 86400, "senders-ready": -7 * 86400, "ttl-lowered": -3 * 86400, "ready": -3600,
        "rollback": -3600, "switched": 0, "propagated": 1800, "settled": 72 * 3600,
    }  # fmt: skip


def test_a_gateway_in_front_keeps_the_mx(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST + RECORDS + GATEWAY)
    assert {"mx", "mta-sts", "mx-spread"} <= left_out(plan)
    assert {"mx-gateway", "smart-host"} <= needed(plan, "switched")
    assert "new-mx" in needed(plan, "ready")
    assert plan.by_id["mx-gateway"].params["expect"] == [{"host": "mx1.gateway.example", "preference": 10}]
    assert needed(plan, "propagated")


def test_hybrid_keeps_autodiscover_on_premises(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST + RECORDS + "  hybrid: true\n  autodiscover: mail.contoso.com\n")
    assert plan.by_id["autodiscover"].params["hybrid"] is True
    assert "autodiscover-spread" in left_out(plan)


def test_another_cloud_is_handed_on_to_every_check_that_knows_clouds(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST + GRAPH + MORE + "  cloud: gcc-high\n  media_host: relay.example.us\n")
    knowing = [check for check in plan.checks if "cloud" in check.params]
    assert len(knowing) >= 8
    assert {check.params["cloud"] for check in knowing} == {"gcc-high"}


def test_the_application_has_a_secret_or_a_certificate_and_not_neither(tmp_path: Path) -> None:
    client = "  graph_client_id: 11111111-2222-3333-4444-555555555555\n"
    plan = load(tmp_path, LEAST + client + "  graph_certificate: {key: gonogo.pfx}\n")
    assert plan.by_id["health"].params["certificate"]["key"] == "gonogo.pfx"
    assert plan.by_id["health"].params.get("secret") is None
    with pytest.raises(Problems) as caught:
        load(tmp_path, LEAST + client)
    assert "certificate" in str(caught.value)


def test_one_cause_shows_once(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST + GRAPH + MORE)

    def causes(check: str) -> set[str]:
        direct = plan.by_id[check].needs
        return {*direct, *(cause for need in direct for cause in causes(need))}

    for check in ("health", "mfa", "sign-in-rules", "licences-spe_e3", "mail-flows"):
        assert causes(check) == {"tenant"}
    assert causes("mx-spread") == {"mx", "authority"}
    assert causes("dkim-keys") == {"dkim", "authority"}
