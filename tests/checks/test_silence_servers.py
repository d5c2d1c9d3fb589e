"""Every check of servers, backups and security among peers that take all and never say a word.

Two kinds of silence: a port that takes the connection and nothing more, and a host that lets us in, on
which every command ends without a word, in each way that a command can end. None may pass, none may break,
each must end by itself and leave nothing running. What is asked is the example of the type's own docstring.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from pydantic import TypeAdapter

from checks import registry
from checks.contract import RESERVED, Result, Status
from checks.remote.check import RemoteCheck
from checks.remote.inventory import LoginDefaults
from checks.vantage import CannotTell, Shared, Vantage
from checks.wire.ssh.client import Ssh
from checks.wire.ssh.limits import Limits
from tests.checks import form, hostile
from tests.checks.test_silence import SLACK_S, attempt, mute
from tests.scripted_remote import ScriptedRemote, ended

__all__ = ["mute"]

FAMILIES = ("server.", "backup.", "security.")
TYPES = [name for name in registry.names() if name.startswith(FAMILIES)]
BY_SSH = [name for name in TYPES if issubclass(registry.load(name), RemoteCheck | LoginDefaults)]
ASKS_ITSELF: dict[str, dict[str, Any]] = {
    "security.dns_filter": {"blocked": ["malware.example.net"], "control": "www.example.com"},
    "security.exposure": {"ranges": ["127.0.0.1/32"], "authorised_by": "C. Owner, CHG0042"},
    "security.rdp_nla": {}, "security.smb1": {}, "security.tls_versions": {},
    "server.names": {"names": [{"name": "files.example.com", "address": "192.0.2.20"}]},
}  # fmt: skip
"""Types that ask their peers without a login, with what they are asked beside the peer."""
PEERS = {
    "security.dns_filter": "resolvers", "security.rdp_nla": "hosts", "security.smb1": "hosts",
    "security.tls_versions": "servers", "server.names": "resolvers",
}  # fmt: skip
WAYS: dict[str, dict[str, Any]] = {
    "says nothing": {"status": 0}, "status 1": {"status": 1}, "not found": {"status": 127},
    "lost": {"status": None, "how": "connection-lost"},
    "late": {"status": None, "how": "total-timeout"},
    "no status": {"status": None, "how": "eof-without-exit-status"},
}  # fmt: skip
NOISE = (b"\n", b"\0", b"0\n", b"[]", b"{}", b"null\n", b"Last login: Sat\n")
"""What is hardly more than nothing."""


def example(name: str) -> dict[str, Any]:
    """Return the parameters of the docstring's example."""
    params = json.loads(json.dumps(form.example(registry.load(name)), default=str))
    return {key: value for key, value in params.items() if key not in RESERVED}


def elsewhere(value: Any, host: str, source: str) -> Any:
    """Return parameters with every login led to `host`, that of the old server to `source`."""
    if isinstance(value, list):
        return [elsewhere(inner, host, source) for inner in value]
    if not isinstance(value, dict):
        return value
    led = {"host": host, "key": "env:S"}
    found = {
        key: led[key] if key in led else elsewhere(inner, host, source)
        for key, inner in value.items() if key != "reference"
    }  # fmt: skip
    if isinstance(value.get("source"), dict):
        found["source"] = {"host": source}
    if "inventory" in found:
        found["inventory"] = found["inventory"][:1]
    return found


def test_every_type_is_here() -> None:
    assert {*BY_SSH, *ASKS_ITSELF} == set(TYPES)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a login end soon."""

    async def open_(cls: type[Ssh], shared: Shared) -> Ssh:
        return cls(shared, Limits(connect=0.3, banner=0.3, channel=0.3, shell=0.3, grace=0.1))

    monkeypatch.setattr(Ssh, "open", classmethod(open_))


def assert_nothing_was_believed(result: Result, took: float) -> None:
    told = " ".join(finding.message for finding in result.findings)
    assert result.status in (Status.INCONCLUSIVE, Status.FAIL), told
    assert "did not finish" not in told, "it must end by itself, and say what was silent"
    assert "itself broke" not in told, result.notes
    assert took < 5.0 + SLACK_S
    hostile.assert_harmless(result.findings)


@pytest.mark.parametrize("name", [name for name in BY_SSH if name != "security.egress"])
def test_a_port_that_never_speaks_is_never_a_pass(name: str, mute: int, impatient: None) -> None:
    params = elsewhere(example(name), f"127.0.0.1:{mute}", f"127.0.0.2:{mute}")
    params |= {"known_hosts": "/dev/null", "agent": False}
    result, took = attempt(name, params)
    assert_nothing_was_believed(result, took)
    passed = [finding.message for finding in result.findings if finding.status is Status.PASS]
    assert passed == (["The production data is one copy."] if name == "backup.copies" else [])


@pytest.mark.parametrize("name", ASKS_ITSELF)
def test_a_peer_without_a_login_that_never_speaks_is_never_a_pass(name: str, mute: int) -> None:
    here = f"127.0.0.1:{mute}"
    assert_nothing_was_believed(*attempt(name, ASKS_ITSELF[name] | asked_of(name, here)))


def asked_of(name: str, here: str) -> dict[str, Any]:
    """Return the parameters that lead a type without a login to the peer."""
    match name:
        case "security.exposure":
            return {"ports": [int(here.rpartition(":")[2])], "control": here}
        case "security.egress":
            return {"closed": [here], "control": here.replace("0.1", "0.2")}
        case _:
            return {PEERS[name]: [here]}


def answering(way: dict[str, Any], stdout: bytes = b"") -> Any:
    """Return what a scripted host answers to every command."""
    return lambda command: ended(command, stdout, **way)


async def findings_of(name: str, host: ScriptedRemote) -> tuple[list[Any], str]:
    """Return the findings of a check whose every host is `host`, or the reason why it could not tell."""
    kind = registry.load(name)
    check: Any = TypeAdapter(kind).validate_json(
        json.dumps(elsewhere(example(name), "192.0.2.7", "192.0.2.8"))
    )
    shared = Shared(resolve_secret=lambda _: "not a secret")
    try:
        seen = await check.observe(Vantage(shared, name, 5.0))
    except CannotTell as told:
        return [], f"{told.reason} {told.fix}"
    finally:
        await shared.close()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, left
    return list(check.judge(seen)), ""


@pytest.mark.parametrize("dialect", ["posix", "powershell"])
@pytest.mark.parametrize("name", BY_SSH)
def test_commands_that_say_nothing_are_never_a_pass(
    name: str, dialect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {way: answering(how) for way, how in WAYS.items()}
    answers |= {f"says {noise!r}": answering({"status": 0}, noise) for noise in NOISE}
    for way, answer in answers.items():
        host = ScriptedRemote(answer, dialect)
        monkeypatch.setattr(Ssh, "host", lambda self, access, remaining, host=host: host)
        findings, reason = asyncio.run(findings_of(name, host))
        hostile.assert_harmless(findings)
        told = (way, reason, [f"{one.status} {one.message}" for one in findings])
        statuses = {finding.status for finding in findings}
        assert reason or statuses & {Status.FAIL, Status.INCONCLUSIVE}, told
        if way in WAYS and name != "server.command":
            assert Status.FAIL not in statuses, told
