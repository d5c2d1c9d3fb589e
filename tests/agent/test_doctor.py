from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
import re
import shutil
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent import doctor
from agent.cli import main
from checks.local import rights
from checks.vantage import CannotTell
from checks.wire.icmp import Icmp
from checks.wire.wifi import adapter
from checks.wire.wifi.air import Air
from tests.lab.namespaces import wait_for
from tests.lab.sshd import keypair


def examine(folder: Path) -> dict[str, doctor.Item]:
    return {item.name: item for item in asyncio.run(doctor.examine(folder))}


def test_a_whole_laptop(tmp_path: Path) -> None:
    found = examine(tmp_path)
    assert found["folder"].status == "pass"
    assert found["libraries"].status == "pass"
    assert found["gonogo"].status == "pass"
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def refuse(shared: object) -> None:
        raise CannotTell("This account may not ping.", "Let it.")

    def version(name: str) -> str:
        if name in ("dnspython", "textual"):
            raise metadata.PackageNotFoundError(name)
        return "1.0"

    async def deaf(*, fresh: bool) -> Air:
        raise CannotTell("There is no radio.", "Plug one in.")

    monkeypatch.setattr(Icmp, "open", refuse)
    monkeypatch.setattr(adapter, "look", deaf)
    monkeypatch.setattr(rights, "raw_frames", lambda: "Operation not permitted")
    monkeypatch.setattr(doctor.shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(doctor.metadata, "version", version)
    found = examine(tmp_path / "gone")
    assert {name: item.status for name, item in found.items() if item.status != "pass"} == {
        "ICMP echo": "warn",
        "raw frames": "warn",
        "Wi-Fi": "warn",
        "iperf3": "warn",
        "ping": "warn",
        "dnspython": "fail",
        "textual": "warn",
        "folder": "fail",
        **({"text": "warn"} if found["text"].status == "warn" else {}),
    }
    assert all(item.fix for item in found.values() if item.status != "pass")


async def test_the_air_is_told_with_its_source_and_what_hides_it(monkeypatch: pytest.MonkeyPatch) -> None:
    air = Air(source="nmcli", interface="wlan0", fresh=False)

    async def look(*, fresh: bool) -> Air:
        assert not fresh
        return air

    monkeypatch.setattr(adapter, "look", look)
    monkeypatch.setattr(doctor.sys, "platform", "win32")
    heard = await doctor._wifi()
    assert (heard.status, heard.observed) == ("pass", "heard by nmcli, 0 radios known")
    air = dataclasses.replace(air, redacted=True)
    hidden = await doctor._wifi()
    assert hidden.status == "warn"
    assert "ms-settings:privacy-location" in hidden.fix


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home folder of one's own, without an agent."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path


async def test_without_agent_and_known_keys_it_says_where_they_come_from(home: Path) -> None:
    agent, keys = await doctor._ssh()
    assert (agent.status, keys.status) == ("pass", "pass")
    assert "'key' or 'password'" in agent.observed
    assert "gonogo trust" in keys.observed
    assert str(home) in keys.observed


async def test_known_keys_are_counted_and_a_file_that_cannot_be_read_is_told(home: Path) -> None:
    key = base64.b64encode(b"\0\0\0\x0bssh-ed25519" + b"\0\0\0\x20" + bytes(32)).decode()
    (home / ".ssh").mkdir()
    (home / ".ssh/known_hosts").write_text(f"files.example.com ssh-ed25519 {key}\nnonsense\n")
    assert f"1 in {home}/.ssh/known_hosts" in (await doctor._ssh())[1].observed
    (home / ".ssh/known_hosts2").mkdir()
    keys = (await doctor._ssh())[1]
    assert keys.status == "warn"
    assert "known_hosts2" in keys.observed
    assert keys.fix


@pytest.mark.skipif(not shutil.which("ssh-agent"), reason="needs ssh-agent")
@pytest.mark.parametrize(("count", "status"), [(1, "pass"), (4, "warn")], ids=["one", "too many"])
async def test_the_keys_of_the_agent_are_told(
    count: int, status: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = home / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL) as program:
        try:
            wait_for(socket.exists, "the agent listens")
            monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
            for number in range(count):
                keypair(home / f"key{number}")
                subprocess.run(["ssh-add", "-q", home / f"key{number}"], check=True)
            agent = (await doctor._ssh())[0]
        finally:
            program.kill()
    assert agent.status == status
    assert agent.observed.count("SHA256:") == min(count, 3)
    assert bool(agent.fix) is (status == "warn")


def test_the_libraries_are_those_that_come_with_gonogo() -> None:
    named = tomllib.loads((Path(doctor.__file__).parents[1] / "pyproject.toml").read_text())["project"]
    come = {re.split(r"[<>=; ]", one, maxsplit=1)[0] for one in named["dependencies"]}
    assert come - set(doctor.LIBRARIES) == {"aiohttp", "msal", "textual-serve", "tzdata"}
    assert set(doctor.LIBRARIES) < come


def test_the_command_prints_signs_and_json(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(main, ["doctor"])
    assert told.exit_code == 0, told.output
    assert "OK PASS  folder" in told.output
    data = json.loads(CliRunner().invoke(main, ["doctor", "--json"]).output)
    assert {"name", "status", "observed", "fix"} == set(data["items"][0])


def test_a_folder_that_cannot_be_written_ends_with_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_folder", lambda _: doctor.Item("folder", "fail", "read-only", "Move."))
    assert CliRunner().invoke(main, ["doctor"]).exit_code == 3
