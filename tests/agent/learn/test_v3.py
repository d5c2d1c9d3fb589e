"""Learning by SNMPv3 from a real agent: keys are references, and stay so."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from agent.cli import init
from tests.lab.needs import need
from tests.lab.snmpd import AUTH_KEY, PRIVACY_KEY, Snmpd, snmpd

pytestmark = pytest.mark.xdist_group("learn")


def learn(path: Path, agent: Snmpd) -> Result:
    words = [
        "office-move", "--no-detect", "-o", str(path), "--from-switch", agent.host, "--port", str(agent.port),
        "--snmp-user", "sha256aes", "--auth", "sha256", "--auth-key", "env:OLD_AUTH", "--privacy-key",
        "env:OLD_PRIVACY",
    ]  # fmt: skip
    return CliRunner().invoke(init.command, words)


def test_keys_are_written_as_references(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLD_AUTH", AUTH_KEY)
    monkeypatch.setenv("OLD_PRIVACY", PRIVACY_KEY)
    need("snmpd", root=False)
    with snmpd(tmp_path) as agent:
        told = learn(tmp_path / "move.yaml", agent)
    assert told.exit_code == 0, told.output
    text = (tmp_path / "move.yaml").read_text("utf-8")
    for line in (
        "user: sha256aes",
        "auth: sha256",
        'auth_key: "env:OLD_AUTH"',
        'privacy_key: "env:OLD_PRIVACY"',
    ):
        assert line in text
    assert AUTH_KEY not in text + told.output
    assert PRIVACY_KEY not in text + told.output
    assert "community:" not in text[text.index("  switches:\n") : text.index("# Devices that must be found")]


def test_a_wrong_key_is_said_and_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLD_AUTH", "not-the-passphrase")
    monkeypatch.setenv("OLD_PRIVACY", PRIVACY_KEY)
    need("snmpd", root=False)
    with snmpd(tmp_path) as agent:
        told = learn(tmp_path / "move.yaml", agent)
    assert told.exit_code == 3
    assert "authentication" in told.stderr
    assert "not-the-passphrase" not in told.output
    assert not (tmp_path / "move.yaml").exists()


def test_a_key_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OLD_AUTH", raising=False)
    monkeypatch.setenv("OLD_PRIVACY", PRIVACY_KEY)
    told = learn(tmp_path / "move.yaml", Snmpd(host="127.0.0.1", port=9, log=tmp_path / "log"))
    assert told.exit_code == 3
    assert "OLD_AUTH" in told.stderr
