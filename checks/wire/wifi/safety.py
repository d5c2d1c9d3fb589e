"""Whether a network's security is good enough, and whether it is the planned one.

Source: Wi-Fi Alliance, WPA3 Specification 3.4 and Security Development of Wi-Fi (WEP, WPA and TKIP are
disallowed; WPS only with WPA2-Personal; 6 GHz only with WPA3 or Enhanced Open).
"""

from __future__ import annotations

from collections.abc import Sequence

from checks.dataclass import dataclass
from checks.wire.wifi.security import WEAK_CIPHERS, Found, Pmf, Security
from checks.words import Status, rank

_SIX = ("owe", "wpa3-personal", "wpa3-enterprise", "wpa3-enterprise-192", "wpa2-enterprise")
_PERSONAL = ("wpa2-personal", "wpa3-personal", "wpa3-personal-transition")
_OLDER_HALF = {"wpa3-personal-transition": "wpa2-personal", "wpa3-enterprise-transition": "wpa2-enterprise"}
_RAW = (
    "Run it where the raw information elements can be read (as administrator or root, or with the location "
    "permission), or read the security in the access point's configuration."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One judged statement on a network's security; `fix` is empty for a pass."""

    status: Status
    text: str
    fix: str = ""


_OPEN = (
    "It is open: everybody can join, and read what the others send.",
    "Give it WPA3 (or OWE, where guests need no password), or switch this network off.",
)
_GRADES: dict[str, tuple[Status, str, str]] = {
    "open": (Status.FAIL, *_OPEN),
    "owe-transition": (
        Status.FAIL, "It is open for stations without OWE: what they send can be read by everybody.",
        "Give it WPA3, or OWE without transition where guests need no password.",
    ),
    "owe": (
        Status.WARN, "It encrypts, but everybody can join.", "Give it WPA3, unless it is meant for guests.",
    ),
    "wep": (
        Status.FAIL, "WEP is broken within minutes.", "Set the network to WPA3, or at least WPA2 with CCMP.",
    ),
    "wpa-personal": (
        Status.FAIL, "It still admits stations by WPA (the first), whose encryption is broken.",
        "Switch WPA and TKIP off: set the network to WPA3, or at least WPA2 with CCMP.",
    ),
    "wpa-enterprise": (
        Status.FAIL, "It still admits stations by WPA (the first), whose encryption is broken.",
        "Switch WPA and TKIP off: set the network to WPA3-Enterprise, or at least WPA2-Enterprise with CCMP.",
    ),
    "wpa3-personal-transition": (
        Status.WARN, "In transition mode stations may still join by WPA2, whose password can be guessed.",
        "Set it to WPA3-Personal alone once every device speaks it.",
    ),
}  # fmt: skip
_GUEST = {
    "open": (Status.WARN, *_OPEN), "owe": (Status.PASS, "", ""),
    "owe-transition": (Status.WARN, *_GRADES["owe-transition"][1:]),
}  # fmt: skip


def judge_security(
    security: Security,
    planned: Sequence[str] = (),
    *,
    pmf: Pmf | None = None,
    guest: bool = False,
    band: str = "",
) -> tuple[Remark, ...]:
    """Return what is to be said of `security`, the worst first; a single pass where nothing is amiss.

    Without `planned` it must be safe; with it, the kind must be one of those.
    """  # fmt: skip
    remarks = [_kind(security, planned, guest=guest), *_beside(security, band)]
    if pmf is not None:
        remarks.append(_pmf(security, pmf))
    remarks.sort(key=lambda remark: rank(remark.status))
    return tuple(remark for remark in remarks if remark.status is not Status.PASS) or (remarks[0],)


def _kind(security: Security, planned: Sequence[str], *, guest: bool) -> Remark:
    if not security.possible:
        return Remark(
            status=Status.INCONCLUSIVE, text=f"Its security cannot be told. {security.why}".strip(), fix=_RAW
        )
    each = [_one(kind, security, planned, guest=guest) for kind in security.possible]
    failing = [remark for remark in each if remark.status is Status.FAIL]
    if failing and len(failing) < len(each):
        return Remark(
            status=Status.INCONCLUSIVE,
            text=f"By what its source tells it is {' or '.join(security.possible)}, and not all of these do.",
            fix=_RAW,
        )
    if failing and security.kind == "unknown":
        return Remark(
            status=Status.FAIL, text=f"It is {' or '.join(security.possible)}, and none of these will do.",
            fix=failing[0].fix,
        )  # fmt: skip
    return each[0]


def _one(kind: Found, security: Security, planned: Sequence[str], *, guest: bool) -> Remark:
    if planned and kind not in planned:
        if _OLDER_HALF.get(kind) in planned:
            return Remark(
                status=Status.WARN, text=f"It is {kind}: the planned kind, and a newer one.",
                fix="Write the transition mode into the plan, or set the network to the planned kind alone.",
            )  # fmt: skip
        return Remark(
            status=Status.FAIL,
            text=f"It is {kind}, not {' or '.join(planned)} as planned. {security.why}".strip(),
            fix="Correct the security of this network in the access point or its controller, or the plan.",
        )
    if kind == "other":
        return Remark(
            status=Status.WARN, text=f"Its security is none of the usual. {security.why}".strip(),
            fix="Set key management and protected management frames as WPA3, WPA2 or OWE ask.",
        )  # fmt: skip
    status, text, fix = {**_GRADES, **(_GUEST if guest else {})}.get(kind, (Status.PASS, "", ""))
    if planned and kind in ("owe", "wpa3-personal-transition"):
        status = Status.PASS
    elif planned and status is Status.FAIL:
        return Remark(status=Status.WARN, text=f"It is {kind} as planned, but: {text}", fix=fix)
    if status is Status.PASS:
        return Remark(status=status, text=f"It is {kind}{' as planned' if planned else ''}.")
    return Remark(status=status, text=text, fix=fix)


def _beside(security: Security, band: str) -> list[Remark]:
    found = []
    kind = security.kind
    weak = [cipher for cipher in (*security.ciphers, security.group) if cipher in WEAK_CIPHERS]
    if weak and kind not in ("wep", "wpa-personal", "wpa-enterprise"):
        named = " and ".join(dict.fromkeys(weak))
        found.append(Remark(
            status=Status.FAIL, text=f"It still admits {named}, which is broken.",
            fix="Switch TKIP and WEP off in the access point: CCMP or GCMP alone.",
        ))  # fmt: skip
    if band == "6" and kind != "unknown" and not (kind in _SIX and security.pmf in ("required", "unknown")):
        found.append(Remark(
            status=Status.FAIL,
            text="On 6 GHz only SAE, OWE and 802.1X with required PMF (802.11w) are allowed.",
            fix="Correct the security of its 6 GHz radio: WPA3 without transition mode, or OWE.",
        ))  # fmt: skip
    if kind == "wpa2-personal" and security.pmf == "no":
        found.append(Remark(
            status=Status.WARN,
            text="It does not protect management frames, so everybody can throw stations out.",
            fix="Set protected management frames (802.11w) to capable, better WPA3-Personal.",
        ))  # fmt: skip
    if security.wps and kind in _PERSONAL:
        found.append(Remark(
            status=Status.WARN, text="It offers WPS, whose PIN can be guessed.",
            fix="Switch WPS off in the access point.",
        ))  # fmt: skip
    return found


def _pmf(security: Security, wanted: Pmf) -> Remark:
    if security.pmf == "unknown":
        return Remark(
            status=Status.INCONCLUSIVE, fix=_RAW,
            text="Whether management frames are protected is not told by its source.",
        )  # fmt: skip
    if security.pmf in ("required", wanted):
        return Remark(status=Status.PASS, text=f"Protected management frames are {security.pmf}.")
    level = "not on" if security.pmf == "no" else f"only {security.pmf}"
    return Remark(
        status=Status.FAIL, text=f"Protected management frames are {level}; planned is {wanted}.",
        fix=f"Set protected management frames (802.11w) to {wanted} in the access point or its controller.",
    )  # fmt: skip


def shown(security: Security) -> str:
    """Return the security in one line: `wpa2-personal (PSK; CCMP; PMF capable)`."""
    kind = security.kind if len(security.possible) < 2 else " or ".join(security.possible)
    parts = [", ".join(security.akms), ", ".join(security.ciphers)]
    if security.group and security.group not in security.ciphers:
        parts.append(f"group {security.group}")
    parts.append("no PMF" if security.pmf == "no" else f"PMF {security.pmf}")
    return f"{kind} ({'; '.join(part for part in parts if part)})"
