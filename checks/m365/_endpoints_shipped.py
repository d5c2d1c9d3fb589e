"""The endpoints that Microsoft 365 needs most, for a laptop that cannot fetch the list and never has.

Written by hand from Microsoft's page on its URLs and IP address ranges (worldwide cloud, sets of the
categories Optimize and Allow that are required) as of 1 December 2025; IPv4 only. It is no copy of the
published list: a check that falls back to it says so and warns.

Source: learn.microsoft.com/microsoft-365/enterprise/urls-and-ip-address-ranges.
"""

from __future__ import annotations

from datetime import UTC, datetime

from checks.m365._endpoints import EndpointSet

AS_OF = datetime(2025, 12, 1, tzinfo=UTC)
_EXCHANGE = (
    "13.107.6.152/31", "13.107.18.10/31", "13.107.128.0/22", "23.103.160.0/20", "40.96.0.0/13",
    "40.104.0.0/15", "52.96.0.0/14", "131.253.33.215/32", "132.245.0.0/16", "150.171.32.0/22",
    "204.79.197.215/32",
)  # fmt: skip
_PROTECTION = ("40.92.0.0/15", "40.107.0.0/16", "52.100.0.0/14", "104.47.0.0/17")
_TEAMS = ("52.112.0.0/14", "52.122.0.0/15")

WORLDWIDE = (
    EndpointSet(
        id=1, area="Exchange", category="Optimize", required=True, tcp=("80", "443"), udp=("443",),
        ips=_EXCHANGE,
        urls=("outlook.cloud.microsoft", "outlook.office.com", "outlook.office365.com"),
    ),
    EndpointSet(
        id=9, area="Exchange", category="Allow", required=True, tcp=("443",),
        urls=("*.protection.outlook.com",),
        ips=(*_PROTECTION, "52.238.78.88/32"),
    ),
    EndpointSet(
        id=10, area="Exchange", category="Allow", required=True, tcp=("25",), ips=_PROTECTION,
        urls=("*.mail.protection.outlook.com", "*.mx.microsoft"),
    ),
    EndpointSet(
        id=11, area="Skype", category="Optimize", required=True, udp=("3478", "3479", "3480", "3481"),
        ips=_TEAMS,
    ),
    EndpointSet(
        id=12, area="Skype", category="Allow", required=True, tcp=("80", "443"), udp=("443",), ips=_TEAMS,
        urls=("*.lync.com", "*.teams.microsoft.com", "teams.cloud.microsoft", "teams.microsoft.com"),
    ),
    EndpointSet(
        id=31, area="SharePoint", category="Optimize", required=True, tcp=("80", "443"), udp=("443",),
        urls=("*.sharepoint.com",),
        ips=("13.107.136.0/22", "40.108.128.0/17", "52.104.0.0/14", "104.146.128.0/17", "150.171.40.0/22"),
    ),
    EndpointSet(
        id=56, area="Common", category="Allow", required=True, tcp=("80", "443"),
        urls=("login.microsoftonline.com", "login.microsoft.com", "graph.microsoft.com",
              "device.login.microsoftonline.com", "autologon.microsoftazuread-sso.com"),
        ips=("20.20.32.0/19", "20.190.128.0/18", "20.231.128.0/19", "40.126.0.0/18"),
    ),
)  # fmt: skip
