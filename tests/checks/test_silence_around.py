"""Every check of the laptop's own link and radio where nobody says a word: a mute cable, a deaf radio.

None may pass, each must end by itself within its time and say so, and nothing may be left running.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checks import registry
from checks.contract import Status
from tests.checks import hostile
from tests.checks.test_silence import ALLOWANCE_S, SLACK_S, attempt
from tests.lab import Lab, Namespace, need
from tests.lab.namespaces import link

ROOT = Path(__file__).resolve().parents[2]
HERE, GATEWAY = "198.51.100.20", "198.51.100.1"
LINK: dict[str, dict[str, Any]] = {
    "link.neighbor": {"listen": 2}, "link.neighbor/planned": {"listen": 2, "switch": "sw-1", "vlan": 10},
    "link.vlan": {"listen": 2, "dtp": "allowed"}, "link.vlan/tagged": {"listen": 2, "tagged": [30]},
    "link.vlan/no bpdu": {"listen": 2, "bpdu": "forbidden", "dtp": "allowed"},
    "link.dhcp": {"servers": [GATEWAY], "window": 2},
    "link.dhcp/tagged": {"servers": [GATEWAY], "window": 2, "vlan": 30},
    "link.duplicate_ip": {}, "link.duplicate_ip/free": {"addresses": ["198.51.100.30"], "must_be": "free"},
    "link.gateway": {"expect": GATEWAY}, "link.gateway/any": {},
    "link.resolver": {"expect": [GATEWAY], "probe": ["office.example"]},
}  # fmt: skip
"""Parameters for every type of the link; a word behind `/` tells variants."""
PROVEN = {"link.gateway", "link.resolver"}
"""Whose claim is that a certain host of this link answers: silence is a failure."""
OWN = {"link.interface"}
"""Asks nobody."""
AIR: dict[str, dict[str, Any]] = {
    "wifi.ssid": {"ssid": "Contoso"}, "wifi.ssid/hidden": {"ssid": "Contoso", "hidden": True},
    "wifi.channels": {"ssid": "Contoso"},
    "wifi.rogue": {"ssids": ["Contoso"], "access_points": ["00:1b:21"]},
    "wifi.link": {"ssid": "Contoso"}, "wifi.coverage": {"ssid": "Contoso"},
}  # fmt: skip
INSIDE = """
import json, sys
from tests.checks.test_silence import attempt
result, took = attempt(sys.argv[1], json.loads(sys.argv[2]))
print(json.dumps([result.status.value, [[one.status.value, one.message] for one in result.findings], took]))
"""
DEAF = """#!/bin/sh
case "$*" in
  dev) printf 'phy#0\\n\\tInterface wlan0\\n\\t\\ttype managed\\n' ;;
  *link) echo "Not connected." ;;
  *trigger*) exit 1 ;;
  *) ;;
esac
"""


@pytest.fixture(scope="module")
def cable() -> Iterator[Namespace]:
    """A laptop whose cable ends where everything is taken and nothing is sent."""
    need("ip")
    with Lab() as lab:
        laptop, mute = lab.namespace("laptop"), lab.namespace("mute")
        for host in (laptop, mute):
            host.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
            host.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
        link(laptop, "eth0", mute, "p1")
        laptop.ip(f"addr add {HERE}/24 dev eth0", f"route add default via {GATEWAY}")
        laptop.etc("resolv.conf", f"nameserver {GATEWAY}\n")
        yield laptop


def test_every_type_is_here() -> None:
    types = {name for name in registry.names() if name.startswith(("link.", "wifi."))}
    assert types == {name.partition("/")[0] for name in (*LINK, *AIR)} | OWN


@pytest.mark.lab
@pytest.mark.xdist_group("silence-around")
@pytest.mark.parametrize("name", LINK)
def test_a_mute_cable_is_never_a_pass(name: str, cable: Namespace) -> None:
    kind = name.partition("/")[0]
    done = cable.run(
        sys.executable, "-c", INSIDE, kind, json.dumps(LINK[name]), cwd=ROOT, env={"PYTHONPATH": str(ROOT)}
    )
    status, findings, took = json.loads(done.stdout)
    told = " ".join(message for _, message in findings)
    assert status == "inconclusive" or (kind in PROVEN and status == "fail"), told
    if kind not in PROVEN:
        assert not any(one == "pass" for one, _ in findings), told
    assert took < ALLOWANCE_S + SLACK_S
    assert "did not finish" not in told, "it must end by itself, and say what was silent"
    assert "itself broke" not in told


@pytest.mark.parametrize("name", AIR)
def test_a_radio_that_hears_nothing_is_never_a_pass(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "iw").write_text(DEAF)
    (tmp_path / "iw").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    result, took = attempt(name.partition("/")[0], AIR[name])
    told = " ".join(finding.message for finding in result.findings)
    not_joined = name == "wifi.link" and result.status is Status.FAIL
    assert result.status is Status.INCONCLUSIVE or not_joined, told
    assert not any(finding.status is Status.PASS for finding in result.findings), told
    assert took < ALLOWANCE_S + SLACK_S
    assert "did not finish" not in told
    assert "itself broke" not in told, result.notes
    hostile.assert_harmless(result.findings)
