"""Cipher and key management suites as the RSN, WPA and RSN Override elements list them.

Source: IEEE 802.11-2020 section 9.4.2.24 (tables 9-149 cipher suites, 9-151 AKM suites), 802.11be-2024 (AKM
24 and 25); Wi-Fi Alliance, WPA3 Specification 3.4 (RSN overriding), Device Provisioning Protocol
Specification (50-6F-9A:2).
"""

from __future__ import annotations

from checks.dataclass import dataclass

_IEEE, _MICROSOFT, _ALLIANCE, _CISCO = b"\x00\x0f\xac", b"\x00\x50\xf2", b"\x50\x6f\x9a", b"\x00\x40\x96"
_CIPHERS = {
    0: "group", 1: "WEP-40", 2: "TKIP", 4: "CCMP", 5: "WEP-104", 6: "BIP-CMAC", 7: "none", 8: "GCMP",
    9: "GCMP-256", 10: "CCMP-256", 11: "BIP-GMAC", 12: "BIP-GMAC-256", 13: "BIP-CMAC-256",
}  # fmt: skip
_AKMS = {
    1: "802.1X", 2: "PSK", 3: "FT-802.1X", 4: "FT-PSK", 5: "802.1X-SHA256", 6: "PSK-SHA256", 7: "TDLS",
    8: "SAE", 9: "FT-SAE", 10: "AP-PeerKey", 11: "Suite-B", 12: "Suite-B-192", 13: "FT-Suite-B-192",
    14: "FILS-SHA256", 15: "FILS-SHA384", 16: "FT-FILS-SHA256", 17: "FT-FILS-SHA384", 18: "OWE",
    19: "FT-PSK-SHA384", 20: "PSK-SHA384", 21: "PASN", 22: "FT-802.1X-SHA384", 23: "802.1X-SHA384",
    24: "SAE-EXT", 25: "FT-SAE-EXT",
}  # fmt: skip
MAX_SUITES = 64


class Malformed(ValueError):  # noqa: N818 - as in the other decoders
    """The element contradicts its own lengths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suites:
    """What one element offers; suites that are not known are named by their numbers (`00-0f-ac:99`)."""

    group: str
    pairwise: tuple[str, ...]
    akms: tuple[str, ...]
    pmf_required: bool = False
    pmf_capable: bool = False
    group_management: str = ""


def read_rsn(body: bytes) -> Suites:
    """Return the suites of an RSN element's body; raise Malformed for one that contradicts itself.

    The element may end before any field; what it leaves out has the standard's default.
    """
    if len(body) < 2 or body[:2] != b"\x01\x00":
        raise Malformed("Its version is not 1.")
    at = 2
    group, at = _one(body, at, _IEEE, _CIPHERS, "CCMP")
    pairwise, at = _list(body, at, _IEEE, _CIPHERS, "CCMP")
    akms, at = _list(body, at, _IEEE, _AKMS, "802.1X")
    if len(body) - at == 1:
        raise Malformed("Its capabilities are cut.")
    capabilities = int.from_bytes(body[at : at + 2], "little")
    at = min(at + 2, len(body))
    if at < len(body):
        if len(body) - at < 2:
            raise Malformed("Its count of key identifiers is cut.")
        at += 2 + 16 * int.from_bytes(body[at : at + 2], "little")
        if at > len(body):
            raise Malformed("It counts more key identifiers than it holds.")
    capable = bool(capabilities & 0x80)
    management, at = _one(body, at, _IEEE, _CIPHERS, "BIP-CMAC" if capable else "")
    return Suites(
        group=group,
        pairwise=tuple(dict.fromkeys(group if one == "group" else one for one in pairwise)),
        akms=akms,
        pmf_required=bool(capabilities & 0x40),
        pmf_capable=capable,
        group_management=management,
    )


def read_wpa(body: bytes) -> Suites:
    """Return the suites of a WPA element's body behind its type; raise Malformed as `read_rsn` does."""
    if len(body) < 2 or body[:2] != b"\x01\x00":
        raise Malformed("Its version is not 1.")
    group, at = _one(body, 2, _MICROSOFT, _CIPHERS, "TKIP")
    pairwise, at = _list(body, at, _MICROSOFT, _CIPHERS, "TKIP")
    akms, _ = _list(body, at, _MICROSOFT, _AKMS, "802.1X")
    return Suites(group=group, pairwise=tuple(group if p == "group" else p for p in pairwise), akms=akms)


def _one(body: bytes, at: int, home: bytes, names: dict[int, str], default: str) -> tuple[str, int]:
    if at == len(body):
        return default, at
    if at + 4 > len(body):
        raise Malformed("A suite is cut.")
    return _named(body[at : at + 4], home, names), at + 4


def _list(
    body: bytes, at: int, home: bytes, names: dict[int, str], default: str
) -> tuple[tuple[str, ...], int]:
    if at == len(body):
        return (default,), at
    if at + 2 > len(body):
        raise Malformed("A count is cut.")
    count = int.from_bytes(body[at : at + 2], "little")
    at += 2
    if not 0 < count <= MAX_SUITES or at + 4 * count > len(body):
        raise Malformed("It counts no suite, or more than it holds.")
    found = (_named(body[at + 4 * n : at + 4 * n + 4], home, names) for n in range(count))
    return tuple(dict.fromkeys(found)), at + 4 * count


def _named(suite: bytes, home: bytes, names: dict[int, str]) -> str:
    maker, number = suite[:3], suite[3]
    if maker == home and number in names:
        return names[number]
    if names is _AKMS and maker == _ALLIANCE and number in (1, 2):
        return "OSEN" if number == 1 else "DPP"
    if names is _AKMS and maker == _CISCO and number == 0:
        return "CCKM"
    return f"{maker.hex('-')}:{number}"
