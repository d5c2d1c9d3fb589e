"""Which security a network has: its kind, as its own information elements say, or its source's words.

The kind is that of the weakest way in.

Source: Wi-Fi Alliance, WPA3 Specification 3.4 (modes of WPA3-Personal and WPA3-Enterprise) and Opportunistic
Wireless Encryption Specification 1.1; IEEE 802.11-2020 section 12.6.
"""

from __future__ import annotations

from typing import Literal, get_args

from checks.dataclass import dataclass
from checks.wire.wifi.air import Heard, Joined
from checks.wire.wifi.elements import Elements, OwePartner, read_elements
from checks.wire.wifi.suites import Suites

Kind = Literal[
    "open", "owe", "owe-transition", "wep", "wpa-personal", "wpa2-personal", "wpa3-personal",
    "wpa3-personal-transition", "wpa-enterprise", "wpa2-enterprise", "wpa3-enterprise",
    "wpa3-enterprise-transition", "wpa3-enterprise-192",
]  # fmt: skip
Found = Literal[Kind, "other", "unknown"]
"""`other`: read, and none of the kinds; `unknown`: it could not be read."""
Pmf = Literal["required", "capable", "no", "unknown"]
KINDS: tuple[Kind, ...] = get_args(Kind)

PSK = frozenset({"PSK", "FT-PSK", "PSK-SHA256", "FT-PSK-SHA384", "PSK-SHA384"})
SAE = frozenset({"SAE", "FT-SAE", "SAE-EXT", "FT-SAE-EXT"})
SUITE_B_192 = frozenset({"Suite-B-192", "FT-Suite-B-192"})
SHA1_ENTERPRISE = frozenset({"802.1X", "CCKM"})
SHA2_ENTERPRISE = frozenset({"802.1X-SHA256", "802.1X-SHA384", "Suite-B"}) | SUITE_B_192
ENTERPRISE = SHA1_ENTERPRISE | SHA2_ENTERPRISE | {
    "FT-802.1X", "FT-802.1X-SHA384", "FILS-SHA256", "FILS-SHA384", "FT-FILS-SHA256", "FT-FILS-SHA384",
}  # fmt: skip
BESIDE = frozenset({"PASN", "DPP", "TDLS", "AP-PeerKey"})
"""Key management that opens no other way into the network's data without one of the others."""
WEAK_CIPHERS = frozenset({"TKIP", "WEP-40", "WEP-104", "WEP"})
_STRONG = {"GCMP-256", "CCMP-256"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """What one access point asks of those who want in.

    `possible` are the kinds that it may be by what its source tells: `(kind,)` where elements were read.
    """

    kind: Found
    possible: tuple[Found, ...]
    akms: tuple[str, ...] = ()
    ciphers: tuple[str, ...] = ()
    """For unicast."""
    group: str = ""
    """For broadcast."""
    pmf: Pmf = "unknown"
    """Protected management frames (802.11w)."""
    wps: bool | None = None
    owe: OwePartner | None = None
    why: str = ""
    """A full sentence where the kind is `other` or `unknown`."""
    from_elements: bool = False


def security_of(heard: Heard | Joined) -> Security:
    """Return the security by the elements where there are any, else by the source's words."""
    privacy = heard.privacy if isinstance(heard, Heard) else None
    if not heard.elements:
        return from_words(heard.security, privacy=privacy)
    if privacy is None:
        privacy = _PRIVACY_WORDS.get(heard.security[:200].partition(" ")[0].lower())
    return classify(read_elements(heard.elements), privacy=privacy)


def classify(elements: Elements, *, privacy: bool | None) -> Security:
    """Return the security that a beacon's elements say, with the privacy bit of its capability field."""
    spoilt = {"RSN", "WPA", "RSN Override"}.intersection((*elements.malformed, *elements.repeated))
    if spoilt:
        return _unknown(f"Its {' and '.join(sorted(spoilt))} element contradicts itself.", elements)
    offers = [suites for suites in (elements.rsn, *elements.overrides) if suites is not None]
    if elements.cut and not (elements.wpa or offers):
        return _unknown("What was heard of its beacon ends before its security is told.", elements)
    if not offers:
        return _without_rsn(elements, privacy=privacy)
    akms = tuple(dict.fromkeys(akm for suites in offers for akm in suites.akms))
    ways = frozenset(akms) - BESIDE
    kind, why = _rsn_kind(ways, offers, overridden=bool(elements.overrides))
    if elements.wpa is not None:
        old = frozenset(elements.wpa.akms)
        offers.append(elements.wpa)
        kind, why = "wpa-personal" if old & PSK else "wpa-enterprise", ""
    return Security(
        kind=kind, possible=() if kind == "unknown" else (kind,), akms=akms,
        ciphers=_ciphers(offers), group=_group(offers), pmf=_pmf(offers), wps=elements.wps,
        owe=elements.owe, why=why, from_elements=True,
    )  # fmt: skip


def _rsn_kind(ways: frozenset[str], offers: list[Suites], *, overridden: bool) -> tuple[Found, str]:
    required = all(one.pmf_required and one.pmf_capable for one in offers)
    capable = any(one.pmf_capable for one in offers)
    strange = ways - PSK - SAE - ENTERPRISE - {"OWE"}
    if not ways or strange:
        named = ", ".join(sorted(strange)) or "none that admits a station"
        return "unknown", f"Its key management is {named}."
    if len([family for family in (PSK | SAE, ENTERPRISE, frozenset({"OWE"})) if ways & family]) > 1:
        return "other", f"It mixes kinds of key management: {', '.join(sorted(ways))}."
    if ways == {"OWE"}:
        return (
            ("owe", "")
            if required
            else ("other", "OWE requires protected management frames, and it does not.")
        )
    if ways <= SAE:
        if required:
            return "wpa3-personal", ""
        return "other", "WPA3-Personal requires protected management frames, and this network does not."
    if ways <= PSK:
        return "wpa2-personal", ""
    if ways <= PSK | SAE:
        if capable or overridden:
            return "wpa3-personal-transition", ""
        return "other", "It offers SAE beside the pre-shared key without protected management frames."
    return _enterprise_kind(ways, offers, required=required, capable=capable)


def _enterprise_kind(
    ways: frozenset[str], offers: list[Suites], *, required: bool, capable: bool
) -> tuple[Found, str]:
    if ways <= SUITE_B_192:
        if required and all({*one.pairwise, one.group} <= _STRONG for one in offers):
            return "wpa3-enterprise-192", ""
        return "other", "The 192-bit mode requires 256-bit ciphers and protected management frames."
    if ways & SHA1_ENTERPRISE or not ways & SHA2_ENTERPRISE:
        return ("wpa3-enterprise-transition" if ways & SHA2_ENTERPRISE and capable else "wpa2-enterprise"), ""
    return (
        "wpa3-enterprise" if required else "wpa3-enterprise-transition" if capable else "wpa2-enterprise"
    ), ""


def _without_rsn(elements: Elements, *, privacy: bool | None) -> Security:
    wpa = elements.wpa
    if wpa is not None:
        old = frozenset(wpa.akms)
        kind: Found = "wpa-personal" if old & PSK else "wpa-enterprise"
        return Security(
            kind=kind, possible=(kind,), akms=wpa.akms, ciphers=wpa.pairwise, group=wpa.group, pmf="no",
            wps=elements.wps, owe=elements.owe, from_elements=True,
        )  # fmt: skip
    if privacy is None:
        return Security(
            kind="unknown", possible=("wep", "owe-transition" if elements.owe else "open"), pmf="no",
            wps=elements.wps, owe=elements.owe, from_elements=True,
            why="It tells no RSN, and whether it encrypts by WEP was not told by the source.",
        )  # fmt: skip
    kind = "wep" if privacy else "owe-transition" if elements.owe else "open"
    return Security(
        kind=kind, possible=(kind,), ciphers=("WEP",) if privacy else (), group="WEP" if privacy else "",
        pmf="no", wps=elements.wps, owe=elements.owe, from_elements=True,
    )  # fmt: skip


def _unknown(why: str, elements: Elements) -> Security:
    return Security(
        kind="unknown", possible=(), wps=elements.wps, owe=elements.owe, why=why, from_elements=True
    )


def _ciphers(offers: list[Suites]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(cipher for one in offers for cipher in one.pairwise))


def _group(offers: list[Suites]) -> str:
    groups = list(dict.fromkeys(one.group for one in offers))
    return next((group for group in groups if group in WEAK_CIPHERS), groups[0])


def _pmf(offers: list[Suites]) -> Pmf:
    if all(one.pmf_required and one.pmf_capable for one in offers):
        return "required"
    return "capable" if any(one.pmf_capable for one in offers) else "no"


_WORDS: dict[str, tuple[Found, ...]] = {
    "open": ("open",), "none": ("open",), "owe": ("owe",), "owe-transition": ("owe-transition",),
    "wep": ("wep",),
    "wpa-personal": ("wpa-personal",), "wpa/wpa2-personal": ("wpa-personal",),
    "wpa/wpa2/wpa3-personal": ("wpa-personal",), "wpa/wpa3-personal": ("wpa-personal",),
    "wpa2-personal": ("wpa2-personal", "wpa3-personal-transition"),
    "wpa2/wpa3-personal": ("wpa3-personal-transition",),
    "wpa3-personal": ("wpa3-personal", "wpa3-personal-transition"),
    "wpa-enterprise": ("wpa-enterprise",), "wpa/wpa2-enterprise": ("wpa-enterprise",),
    "wpa2-enterprise": ("wpa2-enterprise", "wpa3-enterprise-transition", "wpa3-enterprise"),
    "wpa2/wpa3-enterprise": ("wpa3-enterprise-transition",),
    "wpa3-enterprise": ("wpa3-enterprise", "wpa3-enterprise-transition"),
    "wpa3-enterprise-192": ("wpa3-enterprise-192",),
    "wpa": ("wpa-personal", "wpa-enterprise"), "wpa/wpa2": ("wpa-personal", "wpa-enterprise"),
    "wpa2": ("wpa2-personal", "wpa3-personal-transition", "wpa2-enterprise", "wpa3-enterprise-transition"),
    "wpa2/wpa3": ("wpa3-personal-transition", "wpa3-enterprise-transition"),
    "wpa3": (
        "wpa3-personal", "wpa3-personal-transition", "wpa3-enterprise", "wpa3-enterprise-transition",
        "wpa3-enterprise-192",
    ),
}  # fmt: skip
"""What the names of `checks.wire.wifi.words` may mean: a system shows the best that it would use itself."""
_PRIVACY_WORDS = {"open": False, "owe-transition": False, "wep": True}
"""What the words tell of the capability field, where a source hands on the elements without it."""
_PMF_WORDS: dict[str, Pmf] = {"pmf-required": "required", "pmf-capable": "capable", "pmf-no": "no"}
_CIPHER_WORDS = ("GCMP-256", "CCMP-256", "GCMP", "CCMP", "TKIP")


def from_words(words: str, *, privacy: bool | None = None) -> Security:
    """Return the security that a source without elements tells, in the words of `checks.wire.wifi.words`."""
    parts = words[:200].split()
    name = parts[0].lower() if parts else ""
    told = {part.lower() for part in parts[1:]}
    pmf: Pmf = next((level for word, level in _PMF_WORDS.items() if word in told), "unknown")
    ciphers = tuple(cipher for cipher in _CIPHER_WORDS if cipher.lower() in told)
    possible = _WORDS.get(name, ())
    if not words.strip() and privacy is False:
        possible = ("open", "owe-transition")
    if pmf != "unknown" and len(possible) > 1:
        possible = tuple(kind for kind in possible if _fits(kind, pmf)) or possible
    if not possible:
        why = "Its source does not tell its security." if not parts else "Its source's words are not known."
        return Security(kind="unknown", possible=(), ciphers=ciphers, pmf=pmf, why=why)
    if possible[0] in ("open", "owe-transition", "wep", "wpa-personal", "wpa-enterprise"):
        pmf = "no"
    return Security(
        kind=possible[0], possible=possible, ciphers=("WEP",) if possible[0] == "wep" else ciphers, pmf=pmf
    )


def _fits(kind: Found, pmf: Pmf) -> bool:
    if kind in ("wpa3-personal", "wpa3-enterprise", "wpa3-enterprise-192", "owe"):
        return pmf == "required"
    return pmf == "capable" if kind.endswith("transition") else True
