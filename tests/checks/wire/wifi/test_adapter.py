# ruff: noqa: E501
"""The adapter over simulated libraries and programs: sources in turn, deadlines, permissions, what is old."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from checks.vantage import CannotTell, Shared
from checks.wire.wifi import (
    adapter,
    linux,
    lswifi_joined,
    lswifi_source,
    macos_source,
    sources,
    windows_source,
)
from checks.wire.wifi.sources import Nothing, Said
from tests.checks.wire.wifi import netsh_texts
from tests.checks.wire.wifi.netsh_texts import LANGUAGES

ELEMENTS = b"\x00\x05Firma\x03\x01\x06"


def record(number: int = 1, **told: Any) -> SimpleNamespace:
    """Return what lswifi calls a BssRecord."""
    base = {
        "ssid": b"Firma", "bssid": f"02:00:00:00:00:{number:02x}", "frequency_mhz": 2437, "rssi_dbm": -50,
        "link_quality": None, "capability": 0x11, "ies": ELEMENTS, "channel_width_mhz": 20, "seen_ms_ago": 10,
        "host_timestamp": None, "connected": False,
    }  # fmt: skip
    return SimpleNamespace(**{**base, **told})


class Linux:
    """lswifi's Linux backend, as far as it is used."""

    def __init__(self, records: list[Any], *, scans: bool = True, up: bool = True) -> None:
        self.records, self.scans, self.up = records, scans, up
        self.sysfs = SimpleNamespace(is_up=lambda name: self.up)
        self.scan_timeout = 0.0

    def list_interfaces(self) -> list[Any]:
        native = SimpleNamespace(name="wlan0", frequency_mhz=2437, width_mhz=20)
        return [
            SimpleNamespace(connection_name="wlan0", mac="02:aa", state_string="disconnected", native=native)
        ]

    def trigger_scan(self, native: Any) -> bool:
        return self.scans

    def dump_scan(self, native: Any) -> list[Any]:
        return self.records

    def refresh(self, native: Any) -> Any:
        return native

    def _station_dump(self, native: Any) -> list[Any]:
        return []


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """No program of the system is there."""

    async def said(*argv: str, timeout_s: float = 5.0) -> Said:
        raise Nothing(f"{argv[0]} is not installed.")

    for module in (linux, windows_source, macos_source):
        monkeypatch.setattr(module, "said", said)


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch, silent: None) -> Any:
    """Return a function that puts a backend in place, on a system of that name."""

    def place(backend: Any, platform: str = "linux") -> None:
        def give() -> Any:
            if isinstance(backend, Exception):
                raise backend
            return backend

        monkeypatch.setattr(lswifi_source, "backend", give)
        monkeypatch.setattr("sys.platform", platform)

    return place


def answers(monkeypatch: pytest.MonkeyPatch, module: Any, told: dict[str, Said]) -> list[tuple[str, ...]]:
    asked: list[tuple[str, ...]] = []

    async def said(*argv: str, timeout_s: float = 5.0) -> Said:
        asked.append(argv)
        for words, answer in told.items():
            if words in " ".join(argv):
                return answer
        raise Nothing(f"{argv[0]} is not installed.")

    monkeypatch.setattr(module, "said", said)
    return asked


async def test_a_scan_of_the_kernel(on: Any) -> None:
    on(
        Linux(
            [record(1), record(2, seen_ms_ago=20_000), record(3, rssi_dbm=None, capability=1, ssid=b"\0\0")]
        )
    )
    air = await adapter.scan(Shared())
    assert (air.source, air.interface, air.fresh, air.redacted, air.unread) == (
        "nl80211 (lswifi)", "wlan0", True, False, (),
    )  # fmt: skip
    first, third = air.heard
    assert (first.ssid, first.bssid, first.channel, first.signal_dbm) == (
        "Firma",
        "02:00:00:00:00:01",
        6,
        -50,
    )
    assert (first.elements, first.privacy, first.age_s) == (ELEMENTS, True, 0.01)
    assert (third.ssid, third.signal_dbm, third.privacy) == ("", None, False)


async def test_what_this_scan_did_not_hear_is_only_remembered(on: Any) -> None:
    on(Linux([record(1), record(2, seen_ms_ago=20_000)]))
    air = await adapter.look()
    assert [one.bssid[-2:] for one in air.heard] == ["01"]
    assert [one.bssid[-2:] for one in air.remembered] == ["02"]


async def test_what_was_lost_is_scanned_for_again(on: Any) -> None:
    backend = Linux([record(1), record(2, seen_ms_ago=3000), record(3, seen_ms_ago=99_000)])

    def scan(native: Any) -> bool:
        backend.records[1].seen_ms_ago = 3000 if scans.append(1) or len(scans) == 1 else 5  # type: ignore[func-returns-value]
        return True

    scans: list[int] = []
    backend.trigger_scan = scan  # type: ignore[method-assign]
    on(backend)
    air = await adapter.look()
    assert (len(scans), [one.bssid[-2:] for one in air.heard]) == (2, ["01", "02"])
    assert [one.bssid[-2:] for one in air.remembered] == ["03"]


async def test_without_rights_to_scan_it_says_that_it_is_old(on: Any) -> None:
    on(Linux([record(1, seen_ms_ago=9000)], scans=False))
    air = await adapter.look()
    assert (air.fresh, len(air.heard)) == (False, 1)
    assert any("CAP_NET_ADMIN" in sentence for sentence in air.unread)


async def test_networkmanager_scans_for_a_user_without_rights(
    on: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(Linux([record(1)], scans=False))
    asked = answers(monkeypatch, linux, {"nmcli device wifi list": Said(code=0, text="")})
    air = await adapter.look()
    assert air.fresh
    assert asked[0][-2:] == ("--rescan", "yes")


async def test_silence_without_a_scan_is_nothing_at_all(on: Any) -> None:
    on(Linux([], scans=False))
    with pytest.raises(CannotTell, match="remembers no network"):
        await adapter.look()


async def test_an_empty_air_is_an_answer_only_if_it_was_scanned(on: Any) -> None:
    on(Linux([]))
    air = await adapter.look()
    assert (air.heard, air.fresh) == ((), True)


async def test_a_radio_that_is_off(on: Any) -> None:
    on(Linux([record()], up=False))
    with pytest.raises(CannotTell, match="switched off") as caught:
        await adapter.look()
    assert "rfkill" in caught.value.fix
    (link,) = (await adapter.look_joined()).joined
    assert link.state == "switched off"


async def test_an_interface_that_is_not_there(on: Any) -> None:
    on(Linux([record()]))
    with pytest.raises(CannotTell, match="no Wi-Fi interface wlan7"):
        await adapter.look("wlan7")


async def test_no_radio_at_all(on: Any) -> None:
    on(Nothing("lswifi has no radio to offer."))
    for ask in (adapter.look, adapter.look_joined):
        with pytest.raises(CannotTell, match="no radio to offer") as caught:
            await ask()
        assert "Plug a Wi-Fi adapter in" in caught.value.fix


@pytest.mark.parametrize("trouble", [KeyError(13), OSError(16, "busy"), SystemError("x"), StopIteration("y")])
async def test_whatever_the_library_raises_the_next_source_is_asked(
    on: Any, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    backend = Linux([record()])
    backend.dump_scan = lambda native: (_ for _ in ()).throw(trouble)  # type: ignore[method-assign]
    on(backend)
    line = r"*:Firma:02\:00\:00\:00\:00\:09:6:2437 MHz:20 MHz:70:WPA2:(none):pair_ccmp group_ccmp psk:wlan0"
    answers(monkeypatch, linux, {"nmcli --terse": Said(code=0, text=line)})
    air = await adapter.look()
    assert (air.source, air.heard[0].bssid, air.heard[0].security) == (
        "nmcli", "02:00:00:00:00:09", "WPA2-Personal CCMP",
    )  # fmt: skip


@pytest.mark.parametrize("odd", [
    {"ssid": "text"}, {"bssid": 7}, {"frequency_mhz": "2437"}, {"rssi_dbm": float("nan")}, {"rssi_dbm": 12},
    {"ies": None}, {"capability": "x"}, {"seen_ms_ago": float("inf")}, {"link_quality": 900}, {"ies": b"x" * 99_999},
])  # fmt: skip
async def test_records_with_odd_types_are_read_as_not_told(on: Any, odd: dict[str, Any]) -> None:
    on(Linux([record(1, **odd)]))
    (one,) = (await adapter.look()).heard
    assert len(one.elements) <= lswifi_source.MAX_ELEMENTS
    assert one.signal_dbm is None or -150 < one.signal_dbm < 0


async def test_a_library_that_hangs_is_left_behind(on: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    backend, stop = Linux([record()]), threading.Event()
    backend.trigger_scan = lambda native: stop.wait(60)  # type: ignore[method-assign]
    on(backend)
    monkeypatch.setattr(adapter, "DEADLINE_S", 0.2)
    try:
        with pytest.raises(CannotTell, match="did not answer within"):
            await adapter.look()
    finally:
        stop.set()


async def test_a_thread_ends_without_its_loop() -> None:
    done = threading.Event()
    with pytest.raises(Nothing, match="did not answer"):
        await sources.in_thread(lambda: done.wait(60), 0.05, "a library")
    done.set()
    assert await sources.in_thread(lambda: 7, 5, "a library") == 7


async def test_checks_of_a_run_share_a_look(on: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Linux([record()])
    scans: list[int] = []
    backend.trigger_scan = lambda native: scans.append(1) or True  # type: ignore[method-assign,func-returns-value]
    on(backend)
    now = [1000.0]
    monkeypatch.setattr(adapter, "time", SimpleNamespace(monotonic=lambda: now[0]))
    shared = Shared()
    await asyncio.gather(*(adapter.scan(shared) for _ in range(5)))
    now[0] += adapter.SAME_LOOK_S
    await adapter.scan(shared)
    assert len(scans) == 2, "one look is two scans"
    now[0] += 0.1
    await adapter.scan(shared)
    assert len(scans) == 4
    await shared.close()


async def test_checks_of_a_run_share_why_there_is_no_look(on: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    async def look(interface: str | None = None, *, fresh: bool = True) -> Any:
        asked.append(1)
        raise CannotTell("No radio.", "Plug one in.")

    monkeypatch.setattr(adapter, "look", look)
    shared = Shared()
    for _ in range(3):
        with pytest.raises(CannotTell, match="No radio"):
            await adapter.scan(shared)
    assert len(asked) == 1


async def test_the_link_of_the_kernel(on: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    on(Linux([record(1), record(2, connected=True)]))
    monkeypatch.setattr(lswifi_joined, "NETWORK", tmp_path)
    (link,) = (await adapter.look_joined()).joined
    assert (link.state, link.ssid, link.bssid, link.signal_dbm) == (
        "connected",
        "Firma",
        "02:00:00:00:00:02",
        -50,
    )
    assert link.elements == ELEMENTS
    (tmp_path / "wlan0").mkdir()
    (tmp_path / "wlan0" / "operstate").write_text("dormant\n")
    assert (await adapter.look_joined()).joined[0].state == "authenticating"
    on(Linux([record(1)]))
    assert (await adapter.look_joined()).joined[0].state == "disconnected"


async def test_a_handshake_that_iw_sees_open_is_no_connection(
    on: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(Linux([record(2, connected=True)]))
    told = {
        "station dump": Said(code=0, text="Station 02:00:00:00:00:02 (on w)\n\tauthorized:\tno\n"),
        "survey dump": Said(code=0, text="Survey data from w\n\tfrequency: 2437 MHz\n\tnoise: -92 dBm\n"),
    }
    answers(monkeypatch, linux, told)
    (link,) = (await adapter.look_joined()).joined
    assert (link.state, link.noise_dbm) == ("authenticating", -92)


async def test_iw_waits_for_results_newer_than_its_scan(on: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    on(Nothing("lswifi has no radio to offer."))
    old = "BSS 02:00:00:00:00:05(on wlan0)\n\tlast seen: 50000 ms ago\n\tfreq: 2437\n\tSSID: Alt\n"
    new = "BSS 02:00:00:00:00:06(on wlan0)\n\tlast seen: 0 ms ago\n\tfreq: 5180\n\tSSID: Neu\n"
    dumps = iter([old, old, old + new, old + new])
    busy = Said(code=240, text="command failed: Device or resource busy (-16)")
    triggers = iter([busy, busy, Said(code=0, text="")])

    async def said(*argv: str, timeout_s: float = 5.0) -> Said:
        if argv == ("iw", "dev"):
            return Said(code=0, text="phy#0\n\tInterface wlan0\n\t\ttype managed\n")
        if argv[-2:] == ("scan", "trigger"):
            return next(triggers)
        if argv[-2:] == ("scan", "dump"):
            return Said(code=0, text=next(dumps))
        raise Nothing(f"{argv[0]} is not installed.")

    async def at_once(seconds: float) -> None:
        return None

    monkeypatch.setattr(linux, "said", said)
    monkeypatch.setattr(linux, "asyncio", SimpleNamespace(sleep=at_once))
    air = await adapter.look()
    assert (air.source, air.fresh) == ("iw", True)
    assert ([one.ssid for one in air.heard], [one.ssid for one in air.remembered]) == (["Neu"], ["Alt"])


class Windows:
    """lswifi's Windows backend, as far as it is used."""

    def __init__(self, outcome: Any, *, state: str = "connected") -> None:
        self.state = state
        self.freed: list[str] = []
        self.wlanapi = SimpleNamespace(WLAN=self)
        self.outcome = outcome

    def list_interfaces(self) -> list[Any]:
        native = SimpleNamespace(guid="guid")
        return [SimpleNamespace(connection_name="WLAN", mac="02:aa", state_string=self.state, native=native)]

    def scan(self, guid: Any) -> None:
        return None

    def open_handle(self) -> int:
        return 1

    def close_handle(self, handle: int) -> None:
        self.freed.append("handle")

    def free_memory(self, listed: Any) -> None:
        self.freed.append("list")

    def get_network_bss_list(self, handle: int, guid: Any) -> Any:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def query_interface(self, native: Any, what: str) -> Any:
        return (None, {
            "wlanAssociationAttributes": {
                "dot11Ssid": b"Firma", "dot11Bssid": "02:00:00:00:00:02", "dot11PhyType": "HE (802.11ax)",
                "wlanSignalQuality": 88, "ulRxRate": 866700, "ulTxRate": 780000,
            },
            "wlanSecurityAttributes": {"dot11AuthAlgorithm": "WPA3-SAE", "dot11CipherAlgorithm": "CCMP"},
        })  # fmt: skip


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> None:
    import lswifi.backends.windows

    monkeypatch.setattr(lswifi_source, "entries", lambda listed: listed)
    monkeypatch.setattr(lswifi.backends.windows, "bss_entry_to_record", lambda entry: entry)
    monkeypatch.setattr(lswifi_source, "DRIVER_SCAN_S", 0.0)


async def test_windows_lists_and_frees(on: Any, entries: None) -> None:
    since_1601 = int((time.time() + 11_644_473_600 - 30) * 1e7)
    backend = Windows([record(1, seen_ms_ago=None), record(2, seen_ms_ago=None, host_timestamp=since_1601)])
    on(backend, "win32")
    air = await adapter.look()
    assert (air.source, air.fresh, len(air.heard), len(air.remembered)) == ("wlanapi (lswifi)", True, 1, 1)
    assert backend.freed[:2] == ["list", "handle"]
    (link,) = air.joined
    assert (link.state, link.security, link.rx_mbps, link.standard) == (
        "connected", "WPA3-Personal CCMP", 866.7, "802.11ax",
    )  # fmt: skip
    assert (link.channel, link.elements) == (6, ELEMENTS)


@pytest.mark.parametrize("error", [
    ValueError("5 is not a valid SystemErrorCodes"), OSError("wlan_get_network_bss_list failed: X:5"),
])  # fmt: skip
async def test_windows_without_the_location_permission(on: Any, entries: None, error: Exception) -> None:
    on(Windows(error), "win32")
    for air in (await adapter.look(), await adapter.look_joined()):
        assert (air.redacted, air.fresh, air.heard, air.joined) == (True, False, (), ())
        assert any("ms-settings:privacy-location" in sentence for sentence in air.unread)


async def test_windows_falls_back_to_netsh(on: Any, entries: None, monkeypatch: pytest.MonkeyPatch) -> None:
    on(Windows(KeyError(99)), "win32")
    answers(monkeypatch, windows_source, {
        "show networks": Said(code=0, text=netsh_texts.networks(LANGUAGES["pl"])),
        "show interfaces": Said(code=0, text=netsh_texts.interfaces(LANGUAGES["pl"])),
    })  # fmt: skip
    air = await adapter.look()
    assert (air.source, air.fresh, len(air.heard)) == ("netsh", False, 4)
    assert any("lswifi failed" in sentence for sentence in air.unread)
    (link,) = (await adapter.look_joined()).joined
    assert (link.state, link.ssid) == ("connected", "Firma")


async def test_a_windows_that_refuses_netsh_too_is_redacted(
    on: Any, entries: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(Nothing("lswifi has no radio to offer."), "win32")
    answers(
        monkeypatch, windows_source, {"netsh": Said(code=1, text="... ms-settings:privacy-location ... 5")}
    )
    air = await adapter.look()
    assert (air.redacted, air.heard) == (True, ())


class Mac:
    """lswifi's macOS backend with a CoreWLAN interface, as far as it is used."""

    def __init__(self, networks: list[Any] | None, link: dict[str, Any], *, power: str = "connected") -> None:
        native = SimpleNamespace(
            scanForNetworksWithSSID_error_=lambda ssid, error: (networks, None), cachedScanResults=list
        )
        self.radio = SimpleNamespace(connection_name="en0", mac="", state_string=power, native=native)
        self.link = link

    def list_interfaces(self) -> list[Any]:
        return [self.radio]

    def interface_info(self, asked: Any, radio: Any) -> str:
        return json.dumps(self.link)


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> None:
    from lswifi.backends import macos

    monkeypatch.setattr(macos, "note_location", lambda: None)
    monkeypatch.setattr(macos, "network_to_record", lambda network: network)


LINK = {
    "state": "connected", "ssid": "Firma", "bssid": "02:00:00:00:00:02", "channel": 37, "band": "6 GHz",
    "width_mhz": 160, "rssi": -50, "noise": -95, "tx_rate_mbps": 2400.0, "phy_mode": "802.11be",
    "security": "WPA3 Transition",
}  # fmt: skip


async def test_macos_scans(on: Any, core: None) -> None:
    on(Mac([record(1, seen_ms_ago=None, capability=0)], LINK), "darwin")
    air = await adapter.look()
    assert (air.source, air.fresh, air.redacted, air.heard[0].privacy) == (
        "CoreWLAN (lswifi)",
        True,
        False,
        None,
    )
    (link,) = air.joined
    assert (link.frequency_mhz, link.noise_dbm, link.security) == (6135, -95, "WPA2/WPA3-Personal")


async def test_macos_that_hides_names(on: Any, core: None) -> None:
    hidden = record(1, ssid=b"", bssid="", ies=b"", seen_ms_ago=None, capability=0)
    on(Mac([hidden], {**LINK, "ssid": "", "bssid": ""}), "darwin")
    air = await adapter.look()
    assert (air.redacted, air.heard[0].ssid, air.heard[0].signal_dbm) == (True, None, -50)
    assert any("Location Services" in sentence for sentence in air.unread)
    assert (await adapter.look_joined()).redacted


async def test_a_macos_scan_that_failed_is_not_fresh(on: Any, core: None) -> None:
    backend = Mac(None, LINK)
    backend.radio.native.cachedScanResults = lambda: [record(1)]
    on(backend, "darwin")
    assert not (await adapter.look()).fresh


async def test_a_mac_whose_radio_is_off(on: Any, core: None) -> None:
    on(Mac([], LINK, power="powered off"), "darwin")
    with pytest.raises(CannotTell, match="switched off"):
        await adapter.look()


@pytest.mark.parametrize(
    ("raw", "page", "text"),
    [
        (b"Ger\x84t", "cp850", "Gerät"), (b"Kana\x88", "cp852", "Kanał"), ("Gerät".encode(), "cp850", "Gerät"),
        ("é".encode("utf-16"), "cp850", "é"), (b"\xef\xbb\xbfx", "cp437", "x"),
    ],
)  # fmt: skip
def test_code_pages_of_consoles(raw: bytes, page: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "code_page", lambda: page)
    assert sources.decoded(SimpleNamespace(stdout=raw, stderr=b"")) == text  # type: ignore[arg-type]


async def test_a_program_is_run_without_end_or_flood() -> None:
    assert (await sources.said("printf", "x")).text == "x"
    with pytest.raises(Nothing, match="not installed"):
        await sources.said("gonogo-has-no-such-program")
    with pytest.raises(Nothing, match="did not answer"):
        await sources.said("sleep", "30", timeout_s=0.2)
    with pytest.raises(Nothing, match="more than"):
        await sources.said("yes", timeout_s=20)
