"""The Wi-Fi of the building as a laptop without a radio hears it: a stand-in for `iw`, and a walked survey.

`iw` is put before the system's own on the laptop's PATH; it lists `STATIONS` as iw prints them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from agent.files.load import load_plan
from agent.running import open_ledger
from checks.survey import Look, Reading, SurveyPoint

STAFF, GUESTS = "Contoso", "Contoso Guests"
OURS = "00:1b:21"
WPA3, WPA2 = "SAE", "PSK"
_DEV = "phy#0\n\tInterface wlan0\n\t\tifindex 3\n\t\taddr 02:00:00:00:00:09\n\t\ttype managed\n"
_IW = """#!/bin/sh
case "$*" in
  dev) cat {home}/dev ;;
  *trigger*) ;;
  *"scan dump"*) cat {home}/air ;;
  *" link") echo "Not connected." ;;
  *) ;;
esac
"""


@dataclass(frozen=True)
class Station:
    """One access point's radio (BSS)."""

    bssid: str
    ssid: str
    channel: int
    signal: int
    suite: str
    """Of its RSN element; empty for none."""

    def printed(self) -> str:
        """Return it as `iw dev wlan0 scan dump` prints it."""
        mhz = 2407 + 5 * self.channel if self.channel < 15 else 5000 + 5 * self.channel
        needed = "MFP-required MFP-capable" if self.suite in (WPA3, "OWE") else "MFP-capable"
        lines = [
            f"BSS {self.bssid}(on wlan0)", "\tlast seen: 0 ms ago", f"\tfreq: {mhz}.0",
            "\tcapability: ESS Privacy (0x0011)" if self.suite else "\tcapability: ESS (0x0001)",
            f"\tsignal: {self.signal}.00 dBm", f"\tSSID: {self.ssid}", "\tHT operation:",
            f"\t\t * primary channel: {self.channel}", "\t\t * secondary channel offset: no secondary",
            "\tBSS Load:", "\t\t * station count: 3", "\t\t * channel utilisation: 30/255",
        ]  # fmt: skip
        if self.suite:
            lines += [
                "\tRSN:\t * Version: 1", "\t\t * Group cipher: CCMP", "\t\t * Pairwise ciphers: CCMP",
                f"\t\t * Authentication suites: {self.suite}", f"\t\t * Capabilities: {needed} (0x00cc)",
            ]  # fmt: skip
        return "\n".join(lines) + "\n"


STATIONS = tuple(
    Station(f"{OURS}:0{point}:{band:02x}:0{network}", ssid, channel, -45 - 6 * point, suite)
    for point, channels in enumerate(((1, 36), (6, 44), (11, 149)))
    for band, channel in zip((2, 5), channels, strict=True)
    for network, ssid, suite in ((0, STAFF, WPA3), (1, GUESTS, "OWE"))
)
"""Three access points, each on both bands with both networks."""


class Radio:
    """The stand-in for the laptop's radio; `path` is what to put before PATH."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "radio"
        self.path.mkdir()
        (self.path / "dev").write_text(_DEV)
        (self.path / "iw").write_text(_IW.format(home=self.path))
        (self.path / "iw").chmod(0o755)
        self.hears(STATIONS)

    def hears(self, stations: Iterable[Station]) -> None:
        """Hear these from now on."""
        (self.path / "air").write_text("".join(station.printed() for station in stations))


def walk(project: Path, points: dict[str, int]) -> None:
    """Store a survey in the project's ledger: points of the ground floor and their signal in dBm."""
    with open_ledger(project, load_plan(project)) as ledger:
        for number, (name, signal) in enumerate(points.items()):
            looks = tuple(_look(signal, noise) for noise in (0, 1, -1, 2, 0))
            ledger.add(
                SurveyPoint(
                    check="coverage", name=name, floor="ground", x=5.0 * number, y=4.0, by="Ann Rey",
                    at=datetime.now(UTC), host="laptop", looks=looks,
                )
            )  # fmt: skip


def _look(signal: int, noise: int) -> Look:
    return Look(
        source="iw",
        readings=tuple(
            Reading(ssid=STAFF, bssid=f"{OURS}:0{point}:05:00", frequency_mhz=5180, signal_dbm=level)
            for point, level in enumerate((signal + noise, min(signal, -60) - noise))
        ),
    )


CORNERS = {"reception": -48, "desk 7": -52, "meeting room": -55, "archive": -61, "kitchen": -58}
"""The points of the ground floor and how strong the network is there."""
