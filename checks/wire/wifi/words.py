"""Security in words, for the sources that show no information elements: one vocabulary for all of them.

First the name, one of `Open`, `OWE`, `OWE-Transition`, `WEP`, `WPA-Personal`, `WPA/WPA2-Personal`,
`WPA2-Personal`, `WPA2/WPA3-Personal`, `WPA3-Personal`, the same with `-Enterprise`, `WPA3-Enterprise-192`;
`WPA2`, `WPA3`... alone where the source does not tell personal from enterprise. Then the ciphers (`TKIP`,
`CCMP`, `GCMP`, `GCMP-256`...) and `PMF-required`, `PMF-capable` or `PMF-no`, as far as they are told. What is
none of this is handed on as the source wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_PERSONAL = (
    "pers", "pess", "psk", "sae", "个人", "個人", "パーソナル", "개인", "osob", "kişi", "личн", "персонал",
    "henkilö", "személy", "privat", "preshared", "προσωπικ", "particulier",
)  # fmt: skip
_ENTERPRISE = (
    "enter", "entre", "empres", "azien", "bedr", "ondern", "föret", "foret", "virksom", "bedrift", "unterneh",
    "企业", "企業", "エンタープライズ", "엔터프라이즈", "предпр", "корпор", "kurum", "kurul", "przeds",
    "podnik", "vállal", "yrity", "802.1x", "1x", "eap", "επιχ",
)  # fmt: skip
_CIPHERS = ("GCMP-256", "CCMP-256", "GCMP", "CCMP", "TKIP", "WEP")
_GENERATION = re.compile(r"WPA\s?([123])?", re.IGNORECASE)


def in_words(name: str, ciphers: Iterable[str] = (), pmf: str = "") -> str:
    """Return a name of the vocabulary, the ciphers in a fixed order, and `required`, `capable` or `no`."""
    told = {cipher.upper() for cipher in ciphers}
    order = [cipher for cipher in _CIPHERS if cipher in told and cipher != name]
    return " ".join([name, *order, *((f"PMF-{pmf}",) if pmf else ())]).strip()


def of_generations(generations: Iterable[int], flavour: str) -> str:
    """Return `WPA/WPA2-Personal` for (1, 2) and `Personal`; `flavour` is empty where it is not told."""
    told = sorted({generation for generation in generations if 1 <= generation <= 3})
    if not told:
        return ""
    shown = [f"WPA{generation if generation > 1 else ''}" for generation in told]
    return "/".join(shown) + (f"-{flavour}" if flavour else "")


def ciphers_in(text: str) -> tuple[str, ...]:
    """Return the ciphers that `text` names, whatever stands around them; AES is CCMP."""
    upper = text.upper()
    found: list[str] = []
    for cipher in _CIPHERS:
        if cipher in upper:
            found.append(cipher)
            upper = upper.replace(cipher, " ")
    if "AES" in upper and "CCMP" not in found:
        found.append("CCMP")
    return tuple(found)


def of_labels(authentication: str, cipher: str = "") -> str:
    """Return the words for what a system shows in any language: `WPA2-Personal`, `CCMP`; `Offen`, `Keine`.

    What holds no name of a protocol is an open network: the protocols' names are never translated.
    """
    auth = authentication.strip()
    lower = auth.lower()
    ciphers = ciphers_in(cipher)
    generations = [int(match.group(1) or 1) for match in _GENERATION.finditer(auth[:200])]
    if generations:
        flavour = flavour_of(lower)
        name = of_generations(generations, flavour)
        if name == "WPA3-Enterprise" and "192" in lower:
            name = "WPA3-Enterprise-192"
        if name == "WPA3-Personal" and "transition" in lower:
            name = "WPA2/WPA3-Personal"
        return in_words(name, ciphers)
    if "owe" in lower.split("-")[0].split() or lower.startswith(("owe", "enhanced open")):
        return in_words("OWE-Transition" if "trans" in lower else "OWE", ciphers)
    if "wep" in lower or "WEP" in ciphers or lower.startswith("shared"):
        return "WEP"
    if ciphers:
        return in_words(auth, ciphers)
    return "Open" if auth else ""


def flavour_of(text: str) -> str:
    """Return `Personal` or `Enterprise` for a word of any known language, else an empty text."""
    lower = text.lower()
    if any(word in lower for word in _ENTERPRISE):
        return "Enterprise"
    return "Personal" if any(word in lower for word in _PERSONAL) else ""


def of_suites(wpa: Iterable[str], rsn: Iterable[str], ciphers: Iterable[str], pmf: str = "") -> str:
    """Return the words for the authentication suites of the WPA element and of the RSN element.

    Suites are named as iw, wpa_supplicant and NetworkManager name them: `PSK`, `SAE`, `IEEE 802.1X`, `EAP`.
    """
    old = {_suite(one) for one in wpa} - {""}
    new = {_suite(one) for one in rsn} - {""}
    if not old and not new:
        return ""
    if "owe" in new:
        return in_words("OWE", ciphers, pmf)
    if "192" in new:
        return in_words("WPA3-Enterprise-192", ciphers, pmf)
    generations = {1} if old else set()
    if "psk" in new or "1x" in new or (new == {"1x256"} and pmf != "required"):
        generations.add(2)
    if "sae" in new or ("1x256" in new and pmf == "required"):
        generations.add(3)
    both = old | new
    enterprise, personal = both & {"1x", "1x256"}, both & {"psk", "sae"}
    if enterprise and personal:
        return in_words(of_generations(generations, "Personal") + "+Enterprise", ciphers, pmf)
    flavour = "Enterprise" if enterprise else "Personal" if personal else ""
    if not generations:
        generations.add(2)
    return in_words(of_generations(generations, flavour), ciphers, pmf)


def _suite(text: str) -> str:
    lower = text.lower().replace("ieee", "").replace("_", "-").strip()
    if "owe" in lower:
        return "owe"
    if "192" in lower or "suite-b" in lower:
        return "192"
    if "sae" in lower:
        return "sae"
    if "psk" in lower:
        return "psk"
    if "1x" in lower or "eap" in lower:
        return "1x256" if "sha-256" in lower or "sha256" in lower else "1x"
    return ""
