"""Communities and passphrases: in no result, ledger, live file, plan or message, whatever the device says.

A community that is written out may be a word that a device uses, too: then what the device says stays.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.checks.device.fixtures import rows
from tests.checks.switch.test_cable_runs import healthy
from tests.checks.switch.test_health_runs import ROOT
from tests.lab.snmp_agent import Agent
from tests.recordings import oid

LITERAL, KEPT, KEY = "Qz7-literal-Community", "Wm4-kept-Community", "Kx9-secret-Passphrase"
TYPES = (
    "switch.identity", "switch.ports", "switch.errors", "switch.vlans", "switch.neighbors", "switch.poe",
    "switch.environment", "switch.stp", "switch.config_saved", "switch.stack", "ups", "printer",
)  # fmt: skip


def gonogo(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "from agent.cli import main; main()", *words], cwd=ROOT, capture_output=True,
        text=True, timeout=200,
        env={
            **os.environ, "KEY": KEY, "HOME": str(folder), "XDG_STATE_HOME": str(folder),
            "XDG_CACHE_HOME": str(folder / "cache"),
        },
    )  # fmt: skip
    return done.stdout + done.stderr


def written(folder: Path, checks: dict[str, dict[str, Any]]) -> str:
    project = folder / "p.yaml"
    project.write_text(
        "gonogo: 1\nproject: {name: P, timezone: UTC}\nmilestones: {go: {title: Go}}\nchecks:\n"
        + "".join(
            f"  {name}: {json.dumps({'milestone': 'go', 'retries': 0, **check})}\n"
            for name, check in checks.items()
        ),
        "utf-8",
    )
    return str(project)


def test_whatever_a_device_says_no_secret_is_stored_or_shown(tmp_path: Path) -> None:
    said = f"{KEPT} {KEY}".encode()
    told = (
        healthy()
        | {oid(f"1.3.6.1.2.1.1.{arc}.0"): said for arc in (1, 4, 5, 6)}
        | rows("1.3.6.1.2.1.31.1.1.1.18", {"10101": said, "10102": said})
        | rows("1.3.6.1.2.1.47.1.1.1.1.5", {"1": 3})
        | rows("1.3.6.1.2.1.47.1.1.1.1.11", {"1": said})
    )
    (tmp_path / "kept").write_text(f"{KEPT} \n", "utf-8")
    with Agent(told, community=LITERAL) as one, Agent(told, community=KEPT) as other:
        literal = {"host": one.endpoint, "community": LITERAL}
        checks = {
            f"c{number}": {"type": kind, **literal, **({"window": "1s"} if kind == "switch.errors" else {})}
            for number, kind in enumerate(TYPES)
        }
        checks |= {
            "named": {"type": "switch.identity", **literal, "sys_name": "other", "serial": "other"},
            "refused": {"type": "switch.identity", "host": other.endpoint, "community": LITERAL},
            "kept": {
                "type": "switch.identity", "host": other.endpoint, "community": f"file:{tmp_path / 'kept'}",
            },
            "v3": {
                "type": "switch.identity", "host": one.endpoint, "user": "u", "auth_key": "env:KEY",
                "privacy_key": "env:KEY",
            },
        }  # fmt: skip
        project = written(tmp_path, checks)
        shown = {
            words: gonogo(tmp_path, words[0], project, *words[1:])
            for words in (
                ("run", "--json"), ("run",), ("plan", "--json"), ("plan",), ("status",), ("status", "--json"),
                ("lint",),
            )
        }  # fmt: skip
    assert json.loads(shown["run", "--json"])["results"]
    assert "[secret file" in shown["run", "--json"]
    for secret in (LITERAL, KEPT, KEY):
        assert [words for words, text in shown.items() if secret in text] == []
        kept = [
            path.name
            for path in tmp_path.rglob("*")
            if path.is_file() and secret.encode() in path.read_bytes()
            and path.name not in ("p.yaml", "kept") and "plans" not in path.parts
        ]  # fmt: skip
        assert kept == []


@pytest.mark.parametrize(
    "community", [7391846250, [LITERAL], {"is": LITERAL}, LITERAL * 20], ids=["number", "list", "map", "long"]
)
def test_a_community_that_is_written_wrong_is_not_repeated(tmp_path: Path, community: Any) -> None:
    project = written(
        tmp_path, {"c": {"type": "switch.identity", "host": "127.0.0.1:9", "community": community}}
    )
    said = gonogo(tmp_path, "lint", project)
    assert "community" in said
    assert LITERAL not in said
    assert "7391846250" not in said


def test_a_device_that_is_called_as_its_community_keeps_its_name(tmp_path: Path) -> None:
    told = healthy() | {oid("1.3.6.1.2.1.1.5.0"): b"awplus"}
    with Agent(told, community="awplus") as one:
        check = {"type": "switch.identity", "host": one.endpoint, "community": "awplus", "sys_name": "awplus"}
        ran = json.loads(
            gonogo(tmp_path, "run", written(tmp_path, {"c": check}), "--json").partition("\n\n")[0]
        )
    assert ran["results"][0]["status"] == "pass"
    assert ran["results"][0]["observation"]["sys_name"] == "awplus"
