"""What an access point may send: information elements, suites, and whole captured frames, led by coverage.

`.venv/bin/python -m tests.fuzz.elements [SECONDS]` (60 unless given). A finding ends it with the input, and
libFuzzer keeps that as `crash-...` in the current folder.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["checks.wire.wifi"], enable_loader_override=False):
    from checks.wire.wifi.air import Heard
    from checks.wire.wifi.beacon import IEEE80211, LINUX_COOKED, RADIOTAP, read_beacon
    from checks.wire.wifi.channel import place_of
    from checks.wire.wifi.elements import read_elements, split_elements
    from checks.wire.wifi.safety import judge_security, shown
    from checks.wire.wifi.security import classify, from_words
    from checks.wire.wifi.suites import Malformed, read_rsn, read_wpa

LONGEST = 2304


def one(data: bytes) -> None:
    """Hold everything that is said of any bytes to what the code promises."""
    if data[:1] == b"\0":
        _suites(data[1:])
    elif data[:1] == b"\1":
        for link_type in (IEEE80211, LINUX_COOKED, RADIOTAP):
            beacon = read_beacon(data[1:], link_type)
            if beacon is not None:
                _elements(beacon.elements, privacy=beacon.privacy)
    elif data[:1] == b"\2":
        judge_security(from_words(data[1:].decode("latin-1")), ("wpa3-personal",), pmf="required")
    else:
        _elements(data[1:], privacy=None)


def _elements(data: bytes, *, privacy: bool | None) -> None:
    parts, cut = split_elements(data)
    assert sum(len(body) + 2 for _, body in parts) <= len(data) or cut or not parts or len(parts) < len(data)
    told = read_elements(data)
    assert told.operation.width_mhz in (None, 20, 40, 80, 160, 320)
    security = classify(told, privacy=privacy)
    if security.kind in ("wpa3-personal", "wpa3-enterprise", "wpa3-enterprise-192", "owe"):
        assert security.pmf == "required"
        assert not set(security.akms) & {"PSK", "FT-PSK", "802.1X"}
        assert told.wpa is None
    assert security.kind != "unknown" or judge_security(security)[0].status in ("inconclusive", "fail")
    assert shown(security)
    heard = Heard(
        bssid="", ssid=None, frequency_mhz=None, channel=None, width_mhz=None, signal_dbm=None,
        quality_percent=None, elements=data,
    )  # fmt: skip
    for low, high in place_of(heard, told).spans:
        assert low < high


def _suites(body: bytes) -> None:
    for read in (read_rsn, read_wpa):
        try:
            found = read(body)
        except Malformed:
            continue
        assert found.akms
        assert found.pairwise
        assert len(found.akms) <= 64


def seeds() -> list[bytes]:
    """Return one healthy input of each kind to begin with."""
    from tests.checks.wire.wifi import beacons as b

    whole = b.name("Office") + b.load(3, 90) + b.TRANSITION + b.wpa() + b.override("SAE") + b.wps()
    wide = b.name("") + b.WPA3 + b.ht(36, 40) + b.vht(1, 42, 50) + b.he_six(37, 3, 39, 47) + b.eht(4, 47, 63)
    pair = b.owe_transition("02:00:00:00:00:09", "x") + b.element(71, b"\2" + b.element(0, b.name("Guest")))
    head = b"\x80\0" + bytes(8) + bytes(12) + bytes(2) + bytes(10) + b"\x11\4"
    tap = bytes.fromhex("00000f002a000000 10 00 3c14 4001 c4")
    return [
        b"\0" + b.suites("PSK SAE", "CCMP GCMP-256", "CCMP", b.CAPABLE), b"\1" + head + whole,
        b"\1" + tap + head + wide + b"FCS!", b"\2WPA3-Personal CCMP PMF-required", b"\3" + whole,
        b"\3" + wide, b"\3" + pair + b.OWE,
    ]  # fmt: skip


def main() -> None:
    """Fuzz for as many seconds as the first argument says."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds()):
            (Path(folder) / str(number)).write_bytes(seed)
        options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=10", "-rss_limit_mb=1024"]
        atheris.Setup([sys.argv[0], *options, folder], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
