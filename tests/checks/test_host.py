from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from checks.contract import Status, Vantage, worst
from checks.host import Battery, Host, HostSeen, reboot_pending
from checks.vantage import Shared

TABLE: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"min_battery": 50.0}, {}, "pass"),
    ({"min_battery": 50.0}, {"battery": Battery(percent=3, on_mains=True)}, "pass"),
    ({"min_battery": 50.0}, {"battery": Battery(percent=50, on_mains=False)}, "pass"),
    ({"min_battery": 50.0}, {"battery": Battery(percent=49, on_mains=False)}, "fail"),
    ({"min_battery": 50.0}, {"battery": Battery(percent=49, on_mains=None)}, "inconclusive"),
    ({"min_battery": 50.0}, {"battery": Battery(percent=80, on_mains=None)}, "pass"),
    ({"min_free_disk_gb": 2.0}, {"disk_free_bytes": 2_000_000_000}, "pass"),
    ({"min_free_disk_gb": 2.0}, {"disk_free_bytes": 1_900_000_000}, "fail"),
    ({"min_free_disk_gb": 2.0}, {"disk_error": "No such file"}, "inconclusive"),
    ({"min_free_memory_gb": 1.0}, {"memory_free_bytes": 4_000_000_000}, "pass"),
    ({"min_free_memory_gb": 1.0}, {"memory_free_bytes": 1_000}, "fail"),
    ({"min_free_memory_gb": 1.0}, {}, "inconclusive"),
    ({"max_uptime": 86400.0}, {"uptime_s": 3600.0}, "pass"),
    ({"max_uptime": 86400.0}, {"uptime_s": 90000.0}, "fail"),
    ({"max_uptime": 86400.0}, {}, "inconclusive"),
    ({"reboot_pending": "absent"}, {"reboot_pending": ""}, "pass"),
    ({"reboot_pending": "absent"}, {"reboot_pending": "kernel"}, "fail"),
    ({"reboot_pending": "absent"}, {}, "inconclusive"),
    ({"vpn": "off"}, {}, "pass"),
    ({"vpn": "off"}, {"vpn": ("wg0",)}, "fail"),
    ({"vpn": "on"}, {}, "fail"),
    ({"vpn": "on"}, {"vpn": ("wg0",)}, "pass"),
    ({"time_server": "192.0.2.1", "max_clock_offset": 1.0}, {"clock_offset_s": -0.9}, "pass"),
    ({"time_server": "192.0.2.1", "max_clock_offset": 1.0}, {"clock_offset_s": -1.1}, "fail"),
    ({"time_server": "192.0.2.1", "max_clock_offset": 1.0}, {"clock_error": "timeout"}, "inconclusive"),
]


@pytest.mark.parametrize(("params", "seen", "expected"), TABLE)
def test_judging(params: dict[str, Any], seen: dict[str, Any], expected: str) -> None:
    findings = tuple(Host(**params).judge(HostSeen(hostname="laptop", **seen)))
    assert worst(f.status for f in findings) is Status(expected), findings


@pytest.mark.parametrize(
    "params",
    [{}, {"disk": "/"}, {"disk": "/", "vpn": "off"}, {"time_server": "192.0.2.1"}, {"max_clock_offset": 1.0}],
)
def test_what_asserts_nothing_or_does_not_fit_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="host "):
        Host(**params)


def look(check: Host) -> HostSeen:
    async def observe() -> HostSeen:
        shared = Shared()
        try:
            return await check.observe(Vantage(shared, "laptop"))
        finally:
            await shared.close()

    return asyncio.run(observe())


def test_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        psutil, "sensors_battery", lambda: SimpleNamespace(percent=41.26, power_plugged=False), raising=False
    )
    seen = look(Host(min_battery=20.0, min_free_disk_gb=0.000001, disk=str(tmp_path), max_uptime=9e8))
    assert seen.battery == Battery(percent=41.3, on_mains=False)
    assert seen.disk_free_bytes
    assert seen.memory_free_bytes
    assert seen.uptime_s is not None
    assert seen.uptime_s > 0


def test_a_desktop_has_no_battery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "sensors_battery", lambda: None, raising=False)
    assert look(Host(min_battery=20.0)).battery is None


def test_a_disk_that_is_not_there_is_inconclusive(tmp_path: Path) -> None:
    check = Host(min_free_disk_gb=1.0, disk=str(tmp_path / "gone"))
    (finding,) = check.judge(look(check))
    assert finding.status is Status.INCONCLUSIVE


def test_a_silent_time_server_is_inconclusive() -> None:
    check = Host(time_server="127.0.0.1:1", max_clock_offset=1.0)
    (finding,) = check.judge(look(check))
    assert finding.status is Status.INCONCLUSIVE


def test_a_restart_is_known_to_be_due_or_not_only_where_the_system_keeps_the_mark(tmp_path: Path) -> None:
    assert reboot_pending(tmp_path) is None
    hook = tmp_path / "usr/share/update-notifier/notify-reboot-required"
    hook.parent.mkdir(parents=True)
    hook.touch()
    assert reboot_pending(tmp_path) == ""
    (tmp_path / "run").mkdir()
    (tmp_path / "run/reboot-required").touch()
    (tmp_path / "run/reboot-required.pkgs").write_text("linux-base\n")
    assert reboot_pending(tmp_path) == "/run/reboot-required linux-base"
