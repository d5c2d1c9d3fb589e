"""Information elements made for tests, and what a source would hand on of them."""

from __future__ import annotations

from typing import Any

from checks.wire.wifi.air import Air, Heard

IEEE, MICROSOFT, ALLIANCE = b"\x00\x0f\xac", b"\x00\x50\xf2", b"\x50\x6f\x9a"
CIPHERS = {
    "group": 0, "WEP-40": 1, "TKIP": 2, "CCMP": 4, "WEP-104": 5, "BIP-CMAC": 6, "none": 7, "GCMP": 8,
    "GCMP-256": 9, "CCMP-256": 10, "BIP-GMAC-256": 12,
}  # fmt: skip
AKMS = {
    "802.1X": 1, "PSK": 2, "FT-802.1X": 3, "FT-PSK": 4, "802.1X-SHA256": 5, "PSK-SHA256": 6, "SAE": 8,
    "FT-SAE": 9, "Suite-B": 11, "Suite-B-192": 12, "OWE": 18, "SAE-EXT": 24, "FT-SAE-EXT": 25,
}  # fmt: skip
REQUIRED, CAPABLE, NO = 0xC0, 0x80, 0x00


def element(kind: int, body: bytes) -> bytes:
    return bytes((kind, len(body))) + body


def vendor(kind: bytes, body: bytes) -> bytes:
    return element(221, kind + body)


def suites(
    akms: str,
    pairwise: str = "CCMP",
    group: str = "CCMP",
    pmf: int = NO,
    home: bytes = IEEE,
    *,
    rsn: bool = True,
) -> bytes:
    """Return the body of an RSN or WPA element; several suites are separated by spaces."""
    ciphers, ways = pairwise.split(), akms.split()
    body = b"\x01\x00" + home + bytes((CIPHERS[group],))
    body += len(ciphers).to_bytes(2, "little") + b"".join(home + bytes((CIPHERS[c],)) for c in ciphers)
    body += len(ways).to_bytes(2, "little") + b"".join(home + bytes((AKMS[a],)) for a in ways)
    return body + pmf.to_bytes(2, "little") if rsn else body


def name(ssid: str | bytes) -> bytes:
    return element(0, ssid.encode() if isinstance(ssid, str) else ssid)


def rsn(akms: str, pmf: int = NO, pairwise: str = "CCMP", group: str = "CCMP") -> bytes:
    return element(48, suites(akms, pairwise, group, pmf))


def wpa(akms: str = "PSK", pairwise: str = "TKIP", group: str = "TKIP") -> bytes:
    return vendor(MICROSOFT + b"\x01", suites(akms, pairwise, group, home=MICROSOFT, rsn=False))


def override(akms: str, pmf: int = REQUIRED, second: bool = False, pairwise: str = "CCMP") -> bytes:
    return vendor(ALLIANCE + (b"\x2a" if second else b"\x29"), suites(akms, pairwise, "CCMP", pmf))


def owe_transition(bssid: str, ssid: str) -> bytes:
    raw = ssid.encode()
    return vendor(ALLIANCE + b"\x1c", bytes.fromhex(bssid.replace(":", "")) + bytes((len(raw),)) + raw)


def wps() -> bytes:
    return vendor(MICROSOFT + b"\x04", b"\x10\x4a\x00\x01\x10")


def ht(primary: int, width: int = 20, above: bool = True) -> bytes:
    offset = 0 if width == 20 else (1 if above else 3) | 4
    return element(61, bytes((primary, offset)) + bytes(20))


def vht(code: int, first: int, second: int = 0) -> bytes:
    return element(192, bytes((code, first, second, 0, 0)))


def he_six(primary: int, code: int, first: int, second: int = 0) -> bytes:
    return element(
        255, b"\x24" + (1 << 17).to_bytes(3, "little") + bytes(3) + bytes((primary, code, first, second, 0))
    )


def eht(code: int, first: int, second: int = 0) -> bytes:
    return element(255, b"\x6a\x01" + bytes(4) + bytes((code, first, second)))


def load(stations: int, utilisation: int) -> bytes:
    return element(11, stations.to_bytes(2, "little") + bytes((utilisation, 0, 0)))


WPA2, WPA2_PMF = rsn("PSK"), rsn("PSK", CAPABLE)
WPA3, TRANSITION = rsn("SAE", REQUIRED), rsn("PSK SAE", CAPABLE)
ENTERPRISE, ENTERPRISE3 = rsn("802.1X"), rsn("802.1X-SHA256", REQUIRED)
OWE = rsn("OWE", REQUIRED)

CHANNELS = {"2.4": (1, 2412), "5": (36, 5180), "6": (37, 6135)}


def heard(
    ssid: str | None = "Office", sent: bytes = WPA3, bssid: str = "f0:9f:c2:00:00:01", band: str = "5",
    signal: float | None = -50.0, more: bytes = b"", **fields: Any,
) -> Heard:  # fmt: skip
    """Return an access point that sends its elements; WEP and open ones are told by `privacy`."""
    channel, mhz = CHANNELS[band]
    return Heard(**{
        "bssid": bssid, "ssid": ssid, "frequency_mhz": mhz, "channel": channel, "width_mhz": None,
        "signal_dbm": signal, "quality_percent": None, "elements": name(ssid or "") + sent + more,
        "privacy": bool(sent), **fields,
    })  # fmt: skip


OTHERS = (
    heard("Neighbour", WPA2, "00:11:22:33:44:01", "2.4", -70),
    heard("Neighbour", WPA2, "00:11:22:33:44:02", "5", -80, more=ht(100), frequency_mhz=5500, channel=100),
)
"""What is on the air besides."""


def air(*networks: Heard, **fields: Any) -> Air:
    return Air(**{"source": "nl80211 (lswifi)", "interface": "wlan0", "heard": networks, **fields})
