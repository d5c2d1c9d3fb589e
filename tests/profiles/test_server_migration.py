"""The shipped profile server-migration: with the least, with everything, and what its gates need."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from agent.files.load import Problems, load_plan
from agent.plan import Plan

LEAST = """gonogo: 1
project: {name: Files, timezone: Europe/Zurich, cutover: 2026-12-05 22:30}
profile: server-migration
contacts: {it: {name: Anna}}
with:
  new: {host: new.corp.example, user: tech, sudo: true}
  old: {host: old.corp.example, user: tech, sudo: true}
  backups: [{name: files, kind: restic, settings: {repo: /srv/backup, password_file: /etc/key, live: /}}]
  rollback: [{name: files, kind: snapshot, settings: {layout: btrfs, path: /srv}}]
  freeze: 2026-12-05T18:00:00+01:00
  service_ports: [445]
"""
MORE = """  copies:
    - {name: production, location: office, medium: raid, production: true}
    - {name: nas, location: office, medium: nas, type: backup.restic,
       with: {repo: /srv/backup/files, password_file: /etc/restic.key}}
    - {name: away, location: dc, medium: cloud, offsite: true, type: backup.restic,
       with: {host: away.example.org, repo: /srv/files, password_file: /etc/restic.key}}
  data: [{source_path: /srv/files, target_path: /srv/files}]
  room: {mounts: [{path: /srv/files, needs: 200 GiB}], min_free: 5%, min_cpus: 4}
  trees:
    - {name: files, path: /srv/files, allowed: ["*/Thumbs.db"], max_delta: 0.5%}
    - {name: homes, path: /home, source_path: /srv/homes}
  shares: {}
  databases:
    - {name: erp, engine: postgres, database: erp, as_user: postgres}
    - {name: shop, engine: mysql, database: shop, defaults_file: /etc/mysql/gonogo.cnf}
  replicas: [{name: erp, engine: postgres, database: erp, max_lag: 30s, as_user: postgres}]
  ports: {}
  services: {}
  users: {}
  jobs: {}
  queues: {}
  directory: {}
  spns: {login: {host: dc-1.corp.example}, names: [{name: HTTP/erp.corp.example, account: svc-erp}]}
  certificates: [{path: /etc/ssl/certs/files.pem, names: [files.corp.example], key: /etc/ssl/files.key}]
  names: [{name: files.corp.example, address: 10.20.0.20}]
  aliases: [{alias: intranet.corp.example, target: files.corp.example}]
  retired: {addresses: [10.20.0.10]}
  resolvers: [10.20.0.53]
  name_servers: ["ns1.corp.example=10.20.0.53"]
  ttl_records: [{name: files.corp.example}, {name: intranet.corp.example, rdtype: CNAME}]
  old_ttl: 1h
  endpoints: [{name: smb, host: files.corp.example, port: 445}]
  applications: [{name: erp, url: "https://erp.corp.example/health", match: ok}]
  commands: [{name: licence, argv: [/opt/erp/bin/licence, status], match: valid}]
  new_backups: [{name: new-files, kind: restic, settings: {repo: /srv/new, password_file: /etc/restic.key}}]
  not_users: [10.20.0.9/32]
  time_server: 10.20.0.1
  synchronised: false
"""
MILESTONES = ["proven", "ready", "rehearsal", "freeze", "moved", "verified", "idle", "decommission"]


def load(folder: Path, text: str) -> Plan:
    path = folder / "p.yaml"
    path.write_text(text)
    return load_plan(path, cached=False)


def needed(plan: Plan, milestone: str) -> set[str]:
    """The checks that a milestone cannot go without."""
    found = plan.milestone(milestone)
    assert found is not None
    return {need.check for need in found.gate.needs if need.required}


def test_with_the_least_a_person_states_what_is_not_measured(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST)
    assert [item.id for item in plan.milestones] == MILESTONES
    stated = {check.id for check in plan.checks if check.id.endswith("-stated")}
    assert stated == {
        "copies-stated", "ttl-stated", "files-stated", "shares-stated", "databases-stated", "names-stated",
        "new-backup-stated",
    }  # fmt: skip
    assert {"files-stated", "shares-stated", "databases-stated", "names-stated"} <= needed(plan, "moved")
    assert {"backup-files", "copies-stated", "everything-listed"} <= needed(plan, "proven")
    for check in plan.checks:
        check.build()


def test_with_everything_it_is_measured(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST + MORE)
    assert plan.by_id["new-clock"].params["synchronised"] is False
    assert not {check.id for check in plan.checks if check.id.endswith("-stated")}
    assert {item.check for item in plan.left_out if not item.check.endswith("-stated")} == set()
    for check in plan.checks:
        check.build()


@pytest.mark.parametrize("name", ["ports", "services", "users", "jobs", "shares", "queues"])
def test_an_empty_mapping_compares_all_with_the_old_server(name: str, tmp_path: Path) -> None:
    one = load(tmp_path, f"{LEAST}  {name}: {{}}\n").by_id[name]
    assert one.params["source"]["host"] == "old.corp.example"
    assert name not in load(tmp_path, LEAST).by_id


def test_what_a_server_does_asks_also_for_what_belongs_to_it_and_cannot_be_seen(tmp_path: Path) -> None:
    rest = {
        "file-server-rest",
        "database-server-rest",
        "print-server-rest",
        "directory-rest",
        "application-rest",
    }
    assert not rest & set(load(tmp_path, LEAST).by_id)
    plan = load(tmp_path, LEAST + MORE)
    assert rest | {"directory-ports"} <= needed(plan, "moved")
    assert {plan.by_id[name].type for name in rest} == {"manual"}


@pytest.mark.parametrize("name", ["backups", "rollback", "service_ports"])
def test_without_a_backup_a_way_back_or_ports_it_is_refused(name: str, tmp_path: Path) -> None:
    lines = [f"  {name}: []" if line.startswith(f"  {name}:") else line for line in LEAST.splitlines()]
    with pytest.raises(Problems, match="this is empty"):
        load(tmp_path, "\n".join(lines))


def test_what_was_proven_earlier_is_needed_again_where_it_may_have_changed(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST + MORE)
    assert {"backup-files", "copies", "old-reachable", "new-room", "new-clock", "rollback-files",
            "nobody-writes"} <= needed(plan, "freeze")  # fmt: skip
    assert {"rollback-files", "ports", "services", "users", "jobs", "certificates"} <= needed(plan, "moved")
    moved = {"files-files", "files-homes", "shares", "database-erp", "database-shop", "names"}
    assert moved <= needed(plan, "moved")
    assert {"names", "application-erp", "endpoint-smb", "command-licence"} <= needed(plan, "verified")
    assert {"unused", "last-backup-files", "new-backup-new-files", "kept"} <= needed(plan, "decommission")


def test_the_room_for_the_data_is_asked_for_before_the_copy_only(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST + MORE)
    assert [item.id for item in plan.milestones if "new-fits" in needed(plan, item.id)] == ["ready"]


def test_backups_have_the_profile_s_limits_and_their_own_where_they_say_so(tmp_path: Path) -> None:
    erp = """    - {name: erp, kind: postgres, login: {host: backup.corp.example},
       settings: {path: "/srv/dumps/*.dump", min_level: 4}}
"""
    text = LEAST.replace("backups: [", "backups:\n    - ").replace("live: /}}]\n", "live: /}}\n" + erp)
    plan = load(tmp_path, text)
    files, dump = plan.by_id["backup-files"].params, plan.by_id["backup-erp"].params
    assert (files["host"], files["min_level"], files["rpo"]) == ("old.corp.example", 5, 93600.0)
    assert (dump["host"], dump["min_level"], dump["user"]) == ("backup.corp.example", 4, "tech")
    last = plan.by_id["last-backup-files"].params
    assert last["newer_than"] == plan.by_id["rollback-files"].params["newer_than"]
    assert (last["rpo"], last["min_level"]) == (3650 * 86400, 5)


def test_service_names_are_read_on_the_domain_controller_that_is_named(tmp_path: Path) -> None:
    names = "names: [{name: HTTP/erp.corp.example, account: svc-erp}]"
    asked = load(tmp_path, f"{LEAST}  spns: {{login: {{host: dc-1.corp.example}}, {names}}}\n").by_id
    assert asked["service-names"].params["host"] == "dc-1.corp.example"
    assert asked["service-names"].params["sudo"] is True
    asked = load(tmp_path, f"{LEAST}  spns: {{{names}}}\n").by_id
    assert asked["service-names"].params["host"] == "new.corp.example"
    assert "service-names" not in load(tmp_path, LEAST).by_id


def test_the_freeze_is_judged_by_one_look_and_the_end_by_many(tmp_path: Path) -> None:
    plan = load(tmp_path, LEAST)
    assert plan.by_id["nobody-writes"].params["window"] == 0
    assert plan.by_id["unused"].params["window"] == 7 * 86400
    assert dataclasses.is_dataclass(plan.by_id["unused"].build())
