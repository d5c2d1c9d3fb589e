"""Microsoft's four clouds: hosts, and the shapes of the names that its records have there.

A shape says only that a value looks like one of Microsoft's: the value itself is assigned per domain and must
come from the Microsoft 365 admin centre, from Graph or from an export, never from the domain's name.

Source: learn.microsoft.com/microsoft-365/enterprise, external-domain-name-system-records,
dns-records-for-office-365-gcc-high, urls-and-ip-address-ranges; message centre MC1048624 (MX under
mx.microsoft); defender-office-365/email-authentication-dkim-configure (DKIM under dkim.mail.microsoft).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from checks.dataclass import dataclass

CloudName = Literal["worldwide", "gcc-high", "dod", "china"]
"""GCC uses the hosts of `worldwide`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """One cloud: base URLs without final slash, and names of hosts."""

    login: str
    graph: str
    endpoints: str
    """Base of the web service of published endpoints."""
    instance: str
    """Name of the cloud in that web service."""
    outlook: str
    autodiscover: str
    """Target of the CNAME autodiscover."""
    spf: str
    """Domain that the SPF record includes."""
    sip: str
    """Target of the SRV record _sipfederationtls._tcp."""
    front_doors: tuple[str, ...]
    """Hosts whose latency and certificates users depend on."""
    media: str | None
    """Host of the Teams transport relays, where published."""
    realm: str
    """What getuserrealm says in CloudInstanceName."""


MX_SHAPE = re.compile(
    r"[a-z0-9-]+\.(mail\.protection\.(outlook\.com|office365\.us|partner\.outlook\.cn)"
    r"|[a-z]+-v\d+\.(mx|usgovcloud-mx)\.microsoft|[a-z0-9.-]+\.(usgovcloud-mx\.microsoft|sovcloud-mx\.cn))",
)
"""A mail exchanger of Exchange Online, whole name in lower case without final dot."""
MX_RETIRED = re.compile(
    r"[a-z0-9.-]+\.(mail\.protection\.outlook\.de|mail\.eo\.outlook\.com)|mail\.eo\.outlook\.com"
)
DKIM_SHAPE = re.compile(
    r"selector[12]-[a-z0-9-]+\._domainkey\.([a-z0-9-]+\.onmicrosoft\.(com|us|cn)"
    r"|[a-z0-9-]+\.[a-z]+-v\d+\.dkim\.mail\.microsoft)"
)
"""The target of a selector's CNAME, in its old and its new shape."""

CLOUDS: Mapping[CloudName, Cloud] = {
    "worldwide": Cloud(
        login="https://login.microsoftonline.com",
        graph="https://graph.microsoft.com",
        endpoints="https://endpoints.office.com",
        instance="Worldwide",
        outlook="https://outlook.office365.com",
        autodiscover="autodiscover.outlook.com",
        spf="spf.protection.outlook.com",
        sip="sipfed.online.lync.com",
        front_doors=("outlook.office365.com", "login.microsoftonline.com", "teams.microsoft.com"),
        media="world.tr.teams.microsoft.com",
        realm="microsoftonline.com",
    ),
    "gcc-high": Cloud(
        login="https://login.microsoftonline.us",
        graph="https://graph.microsoft.us",
        endpoints="https://endpoints.office.com",
        instance="USGovGCCHigh",
        outlook="https://outlook.office365.us",
        autodiscover="autodiscover.office365.us",
        spf="spf.protection.office365.us",
        sip="sipfed.online.gov.skypeforbusiness.us",
        front_doors=("outlook.office365.us", "login.microsoftonline.us", "gov.teams.microsoft.us"),
        media=None,
        realm="microsoftonline.us",
    ),
    "dod": Cloud(
        login="https://login.microsoftonline.us",
        graph="https://dod-graph.microsoft.us",
        endpoints="https://endpoints.office.com",
        instance="USGovDoD",
        outlook="https://outlook-dod.office365.us",
        autodiscover="autodiscover-s-dod.office365.us",
        spf="spf.protection.office365.us",
        sip="sipfed.online.dod.skypeforbusiness.us",
        front_doors=("outlook-dod.office365.us", "login.microsoftonline.us", "dod.teams.microsoft.us"),
        media=None,
        realm="microsoftonline.us",
    ),
    "china": Cloud(
        login="https://login.partner.microsoftonline.cn",
        graph="https://microsoftgraph.chinacloudapi.cn",
        endpoints="https://endpoints.office.com",
        instance="China",
        outlook="https://partner.outlook.cn",
        autodiscover="autodiscover.partner.outlook.cn",
        spf="spf.protection.partner.outlook.cn",
        sip="sipfed.online.partner.lync.cn",
        front_doors=("partner.outlook.cn", "login.partner.microsoftonline.cn"),
        media=None,
        realm="partner.microsoftonline.cn",
    ),
}
