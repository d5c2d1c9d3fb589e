"""What protects a machine, as its products tell: one record each. Asked by `_protection_ask`."""

from __future__ import annotations

from datetime import UTC, datetime

from checks.dataclass import dataclass

KNOWN = {
    "falcon-sensor": "CrowdStrike Falcon", "CSFalconService": "CrowdStrike Falcon",
    "s1-agent": "SentinelOne", "sentinelone-agent": "SentinelOne", "SentinelAgent": "SentinelOne",
    "elastic-endpoint": "Elastic Defend", "ElasticEndpoint": "Elastic Defend",
    "ds_agent": "Trend Micro Deep Security", "ds_am": "Trend Micro Deep Security",
    "oaeventd": "ESET", "eraagent": "ESET agent", "ekrn": "ESET",
    "savd": "Sophos", "sophos_threat_d": "Sophos", "sophos_threat_detector": "Sophos",
    "Sophos Endpoint Defense Service": "Sophos", "cbagentd": "Carbon Black", "CbDefense": "Carbon Black",
    "pmd": "Cortex XDR", "cyserver": "Cortex XDR", "bdsecd": "Bitdefender",
    "EPSecurityService": "Bitdefender",
}  # fmt: skip
"""Processes and services of agents whose own state is not asked: that they run is all that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product on a machine. None: it does not tell, or has no such thing.

    `deep` says that its own state was asked; of others only the running process or service was seen.
    `signatures_at` is UTC by the machine's own clock or file; `trouble` is a product's own word that it is
    not well.
    """

    name: str
    deep: bool
    running: bool
    real_time: bool | None = None
    tamper: bool | None = None
    signatures_at: datetime | None = None
    mode: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """One machine: what was found there, its own time, or why it could not be asked."""

    name: str
    now: datetime | None = None
    products: tuple[Product, ...] = ()
    trouble: str = ""
    fix: str = ""
    same_as: str = ""
    """Another name of the inventory that led to the same machine, and counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectionSeen:
    """Every machine of the inventory, in its order."""

    machines: tuple[Protected, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What protection means here."""

    products: tuple[str, ...]
    max_signature_age: float
    real_time: bool
    tamper: bool


def lacks(product: Product, now: datetime, wanted: Wanted) -> tuple[list[str], list[str]]:
    """Return what is proven to be missing of a product, and what it does not tell."""
    missing: list[str] = []
    untold: list[str] = []
    if not product.running:
        missing.append("it does not run")
    if product.trouble:
        missing.append(product.trouble)
    if not product.deep:
        return missing, untold
    for asked, value, words in (
        (wanted.real_time, product.real_time, "real-time protection"),
        (wanted.tamper, product.tamper, "tamper protection"),
    ):
        if asked and value is None:
            untold.append(words)
        elif asked and value is False:
            missing.append(f"{words} is off")
    at = product.signatures_at
    if at is None:
        untold.append("the age of its signatures")
    else:
        age = (now.astimezone(UTC) - at.astimezone(UTC)).total_seconds()
        if age > wanted.max_signature_age:
            missing.append(f"its signatures are {days(age)} old")
        elif age < -86400:
            untold.append("the age of its signatures: their date lies in the future")
    return missing, untold


def days(seconds: float) -> str:
    """Return an age in days."""
    return f"{seconds / 86400:.1f} days"
