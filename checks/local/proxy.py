"""Which web proxy programs of this machine would use, never with the password that a proxy URL may carry."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from checks.params import bracketed, join_endpoint

VARIABLES = ("http_proxy", "https_proxy", "all_proxy")


def without_password(url: str) -> str:
    """Return `host:port` of a proxy URL; user information, path and query are left out."""
    text = url.strip()[:500]
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "a URL that cannot be read"
    if not host:
        return "a URL that cannot be read"
    return join_endpoint(host, port) if port else bracketed(host)


def from_environment(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the proxies that environment variables name, as `http proxy.example.com:3128 (environment)`."""
    variables = os.environ if environment is None else environment
    found = []
    for name in VARIABLES:
        value = variables.get(name) or variables.get(name.upper())
        if value:
            found.append(f"{name.removesuffix('_proxy')} {without_password(value)} (environment)")
    return tuple(found)
