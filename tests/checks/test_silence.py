"""Every check of DNS, mail, Microsoft 365, devices, security among peers that take all and never say a word.

None may pass, each must end by itself within its time and say so, and nothing may be left running.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from agent.engine.attempt import Subject, perform
from agent.engine.reaper import Reaper
from agent.plan import PlannedCheck
from checks import registry
from checks.contract import Result, Status
from checks.vantage import Shared
from tests.checks import hostile
from tests.checks.wire.dns_servers import free_port
from tests.lab.microsoft import CLIENT, TENANT

DEVICES = ("switch.", "ups", "printer")
FAMILIES = ("dns.", "mail.", "m365.", "security.", *DEVICES)
ALLOWANCE_S, DEVICE_S = 5.0, 15.0
"""An agent is asked several times in each version of SNMP before it is called silent."""
SLACK_S = 1.0
DOMAIN = "office.example"
MX = "office-example.mail.protection.outlook.com"
PROVEN = {
    "dns.authority", "dns.delegation", "dns.record", "mail.smtp", "m365.frontdoor", "m365.teams_media",
    "security.egress", "security.exposure",
}  # fmt: skip
"""Whose claim is that a certain server answers here: silence is a failure, where nothing is in between or a
control is silent, too. Or that a port is closed: one that takes connections and is silent is not."""
CONTROLLED = {"security.egress", "security.exposure"}
"""Who take no control on this machine where a peer is elsewhere."""
CONNECTS = {"m365.endpoints", "m365.frontdoor", "security.egress"}
"""Who tell, too, that a port accepts connections: these do."""


@pytest.fixture(scope="module")
def mute() -> Iterator[int]:
    """A port of 127.0.0.1 and 127.0.0.2 that takes datagrams and connections, and nobody reads them."""
    port = free_port()
    sockets = []
    for host in ("127.0.0.1", "127.0.0.2"):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((host, port))
        tcp = socket.create_server((host, port), backlog=256)
        sockets += [udp, tcp]
    yield port
    for one in sockets:
        one.close()


def ways(port: int) -> dict[str, dict[str, Any]]:
    """Return parameters for every type, all of whose peers are mute; a word behind `/` tells variants."""
    here, other, web = f"127.0.0.1:{port}", f"127.0.0.2:{port}", f"http://127.0.0.1:{port}"
    graph = {
        "tenant_id": TENANT, "client_id": CLIENT, "secret": "env:S", "graph_url": web, "login_url": web,
    }  # fmt: skip
    resolvers = {"resolvers": [here, other]}
    mx = {"name": DOMAIN, "rdtype": "MX"}
    found: dict[str, dict[str, Any]] = devices(here, other) | security(here, other, port) | {
        "dns.ptr": {"hosts": [{"address": "192.0.2.25", "name": "mail.office.example"}], **resolvers},
        "dns.record": {"name": DOMAIN, "rdtype": "MX", "servers": [here], "expect": [f"0 {MX}"]},
        "dns.record/absent": {"name": DOMAIN, "rdtype": "MX", "servers": [here], "match": "absent"},
        "dns.split": {**mx, "inside": [here], "outside": [other], "same": True},
        "dns.split/absent": {
            **mx, "inside": [here], "outside": [other], "absent": "inside", "expect_outside": [f"0 {MX}"],
        },
        "dns.propagation": {**mx, "expect": [f"0 {MX}"], "resolvers": [here, other]},
        "dns.propagation/servers": {**mx, "expect": [f"0 {MX}"], "resolvers": [here], "servers": [other]},
        "dns.propagation/roots": {**mx, "expect": [f"0 {MX}"], "resolvers": [here], "roots": [other]},
        "dns.dnssec": {"domain": DOMAIN, **resolvers},
        "dns.dnssec/insecure": {"domain": DOMAIN, "expect": "insecure", **resolvers},
        "dns.dnssec/roots": {"domain": DOMAIN, "roots": [here, other]},
        "mail.mx": {"domain": DOMAIN, "expect": [{"host": MX, "preference": 0}], **resolvers},
        "mail.mx/servers": {
            "domain": DOMAIN, "expect": [{"host": MX, "preference": 0}], "servers": [here],
            "resolvers": [other],
        },
        "mail.spf": {"domain": DOMAIN, "senders": [{"ip": "192.0.2.25"}], **resolvers},
        "mail.spf/planned": {
            "domain": DOMAIN, "senders": [{"ip": "192.0.2.25"}],
            "planned": "v=spf1 include:spf.example -all", **resolvers,
        },
        "mail.dkim": {"domain": DOMAIN, "selectors": ["selector1"], **resolvers},
        "mail.dkim/later": {
            "domain": DOMAIN, "selectors": ["selector1"], "microsoft": True, "keys": "later", **resolvers,
        },
        "mail.dmarc": {"domain": DOMAIN, "expect_policy": "none", **resolvers},
        "mail.dmarc/at most": {"domain": DOMAIN, "at_most": "none", **resolvers},
        "mail.mta_sts": {"domain": DOMAIN, "planned_mx": [MX], "connect_to": here, **resolvers},
        "mail.mta_sts/absent": {
            "domain": DOMAIN, "expect_mode": "absent", "connect_to": here, **resolvers,
        },
        "mail.tls_rpt": {"domain": DOMAIN, **resolvers},
        "mail.tls_rpt/absent": {"domain": DOMAIN, "expect": "absent", **resolvers},
        "mail.dane": {"domain": DOMAIN, **resolvers},
        "mail.dane/hosts": {"domain": DOMAIN, "hosts": [MX], "roots": [here]},
        "mail.smtp": {"host": here, "control": other, "recipients": [{"address": "a@office.example"}]},
        "mail.smtp/alone": {"host": here},
        "mail.autodiscover": {
            "domain": DOMAIN, "inside": [other], "connect_to": here, "v2_url": web,
            "mailboxes": ["a@office.example"], "redirect_url": web, **resolvers,
        },
        "m365.tenant": {"domain": DOMAIN, "tenant_id": TENANT, "realm": "managed", "login_url": web},
        "m365.domain": {"domain": DOMAIN, **graph, **resolvers},
        "m365.domain/records": {
            "domain": DOMAIN, "records": [{"type": "MX", "name": DOMAIN, "value": f"0 {MX}"}], **resolvers,
        },
        "m365.endpoints": {
            "services": ["Exchange"], "endpoints_url": web, "exclude": ["10", "*.protection.outlook.com"],
            "hosts": dict.fromkeys(HOSTS, here),
        },
        "m365.frontdoor": {"hosts": ["outlook.office365.com"], "connect_to": {"outlook.office365.com": here}},
        "m365.teams_media": {"host": "127.0.0.1", "ports": [port], "control": other, "window": 1},
        "m365.teams_media/alone": {"host": "127.0.0.1", "ports": [port], "window": 1},
        "m365.export": {"file": "", "dkim": {DOMAIN: "enabled"}},
        "m365.licences": {"need": {"SPE_E3": 1}, **graph},
        "m365.mfa": graph,
        "m365.conditional_access": graph,
        "m365.health": graph,
        "m365.mailflow": {"domain": DOMAIN, **graph},
    }  # fmt: skip
    for name, more in {
        "dns.authority": {"domain": DOMAIN, "records": [mx]},
        "dns.delegation": {"domain": DOMAIN},
        "dns.snapshot": {"domain": DOMAIN, "records": [mx]},
        "dns.ttl": {**mx, "max_ttl": 300, "old_ttl": 3600},
    }.items():
        for way, places in (
            ("servers", {"servers": [here, other]}), ("parents", {"parents": [here]}),
            ("roots", {"roots": [here, other]}), ("resolvers", resolvers),
        ):  # fmt: skip
            if (name, way) != ("dns.delegation", "servers"):
                found[f"{name}/{way}"] = {**more, **places}
    return found


def devices(here: str, other: str) -> dict[str, dict[str, Any]]:
    """Return parameters for every type that asks a device by SNMP."""
    plans: dict[str, dict[str, Any]] = {
        "switch.identity": {}, "switch.identity/named": {"sys_name": "sw-1"},
        "switch.ports": {}, "switch.ports/planned": {"ports": [{"port": "Gi1/0/1", "up": False}]},
        "switch.errors": {}, "switch.vlans": {},
        "switch.vlans/trunks": {"trunks": [{"port": "Po1", "peer": other, "peer_port": "Po1"}]},
        "switch.neighbors": {}, "switch.poe": {}, "switch.environment": {}, "switch.stp": {},
        "switch.config_saved": {}, "switch.stack": {},
        "switch.find": {
            "devices": [{"name": "phone", "address": "192.0.2.7", "port": "Gi1/0/7"}], "routers": [other],
        },
        "ups": {}, "printer": {},
    }  # fmt: skip
    user = {"host": here, "user": "watch", "auth_key": "env:S", "privacy_key": "env:S"}
    return {
        name: {"host": here, "community": "env:S", **plan} for name, plan in plans.items()
    } | {"switch.identity/user": user, "switch.ports/user": user}  # fmt: skip


def security(here: str, other: str, port: int) -> dict[str, dict[str, Any]]:
    """Return parameters for every type about security."""
    login = {"user": "tech", "password": "env:S", "agent": False}
    machines = {"inventory": [{"host": here}], **login}
    return {
        "security.tls_versions": {"servers": [here]},
        "security.smb1": {"hosts": [here]},
        "security.rdp_nla": {"hosts": [here]},
        "security.exposure": {
            "ranges": ["127.0.0.1/32"], "ports": [port], "control": other, "authorised_by": "the owner",
        },
        "security.egress": {"closed": [here], "control": other},
        "security.egress/inside": {"closed": [here], "control": other, "host": here, **login},
        "security.dns_filter": {
            "blocked": ["malware.example"], "control": DOMAIN, "resolvers": [here], "bypass": [other],
        },
        "security.endpoint_protection": machines,
        "security.admins": {**machines, "approved": ["root"]},
    }  # fmt: skip


HOSTS = (
    "outlook.cloud.microsoft", "outlook.office.com", "outlook.office365.com", "smtp.office365.com",
    "autodiscover-s.outlook.com", "ps.compliance.protection.outlook.com", "www.office.com",
)  # fmt: skip
NAMES = sorted(ways(1))


def allowance(kind: str) -> float:
    """Return the time that a check of this type is given here."""
    return DEVICE_S if kind.startswith(DEVICES) else ALLOWANCE_S


def attempt(name: str, params: dict[str, Any]) -> tuple[Result, float]:
    """Perform one check as the engine does; nothing may be left running when the run is over."""
    kind = registry.load(name)
    check: Any = TypeAdapter(kind).validate_json(json.dumps(params))
    planned = PlannedCheck(
        id="c", type=name, milestone="m", title="t", required=True, params={}, digest="d",
        target=check.subject(), place="p:1", timeout_s=allowance(name),
    )  # fmt: skip

    async def go() -> tuple[Result, float]:
        shared = Shared(resolve_secret=lambda _: "not a secret")
        began = time.monotonic()
        result = await perform(planned, check, Subject(run="r", vantage="v", shared=shared, reaper=reaper()))
        took = time.monotonic() - began
        await shared.close()
        await asyncio.sleep(0)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, left
        return result, took

    def reaper() -> Reaper:
        return Reaper(lambda task: None)

    return asyncio.run(go())


def test_every_type_is_here():
    types = {name for name in registry.names() if name.startswith(FAMILIES)}
    assert types == {name.partition("/")[0] for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_silence_is_never_a_pass(name, mute, tmp_path, monkeypatch):
    monkeypatch.setenv("GONOGO_NO_CACHE", "1")
    params = ways(mute)[name]
    kind = name.partition("/")[0]
    if kind == "m365.export":
        os.mkfifo(tmp_path / "export.json")
        params["file"] = str(Path(tmp_path / "export.json"))
    result, took = attempt(kind, params)
    told = " ".join(finding.message for finding in result.findings)
    if kind == "m365.endpoints":
        assert result.status is Status.WARN, "the shipped list; it claims no more than accepted connections"
    else:
        assert result.status is Status.INCONCLUSIVE or (kind in PROVEN and result.status is Status.FAIL), told
    if kind not in CONNECTS:
        assert not any(finding.status is Status.PASS for finding in result.findings), told
    assert took < allowance(kind) + SLACK_S
    assert "did not finish" not in told, "it must end by itself, and say what was silent"
    assert "itself broke" not in told, result.notes
    hostile.assert_harmless(result.findings)


def built(name: str, params: dict[str, Any]) -> Any:
    return TypeAdapter(registry.load(name)).validate_json(json.dumps(params))


def places(params: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the way to each place in `params` that names a peer."""
    if isinstance(params, dict | list):
        for key, value in params.items() if isinstance(params, dict) else enumerate(params):
            yield from places(value, (*path, key))
    elif isinstance(params, str) and "127.0.0." in params:
        yield path


@pytest.mark.parametrize("name", NAMES)
def test_a_check_needs_the_link_as_soon_as_one_peer_is_not_this_machine(name):
    kind = name.partition("/")[0]
    params = ways(53)[name] | ({"file": "export.json"} if kind == "m365.export" else {})
    assert built(kind, params).needs_link() is (kind == "mail.dane"), "mail hosts are found by DNS"
    for path in places(params):
        changed = json.loads(json.dumps(params))
        inner = changed
        for key in path[:-1]:
            inner = inner[key]
        there = inner[path[-1]].replace("http://127.0.0.1", "https://192.0.2.9")
        inner[path[-1]] = there.replace("127.0.0.1", "192.0.2.9").replace("127.0.0.2", "192.0.2.8")
        if kind in CONTROLLED and path[-1] != "control" and path[-1] != "host":
            with pytest.raises(ValidationError, match="proves nothing about the way"):
                built(kind, changed)
        else:
            assert built(kind, changed).needs_link(), path


def test_resolvers_that_are_left_out_are_not_this_machine():
    mx = {"domain": DOMAIN, "expect": [{"host": MX, "preference": 0}], "servers": ["127.0.0.1"]}
    assert built("mail.mx", mx).needs_link()
