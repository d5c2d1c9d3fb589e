"""Who asks Graph for what, where and with what: credentials, and hiding them in whatever comes back."""

from __future__ import annotations

import json
from dataclasses import field
from urllib.parse import quote, quote_plus, urlsplit

from checks.dataclass import dataclass

_SHORTEST = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """An application's way to one tenant: base URLs without path, a secret or a certificate with its key."""

    tenant: str
    client: str
    login: str
    graph: str
    scope: str
    """What the token is for: the cloud's own Graph, wherever `graph` leads."""
    secret: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    certificate: str = ""
    ca_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One documented call: its path, what it gives, and the application permission that it needs."""

    path: str
    what: str
    permission: str
    refused: str = ""
    """What else a 403 may mean, as a sentence on what to do."""


def origin(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port of a URL; None for one that is none or carries a user name."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80)


def without(text: str, *secrets: str) -> str:
    """Return `text` with each secret taken out."""
    return hidden(text.encode("utf-8", "replace"), *secrets).decode("utf-8", "replace")


def hidden(data: bytes, *secrets: str) -> bytes:
    """Return `data` with each secret taken out, plain or as JSON and URLs would write it."""
    for secret in secrets:
        if len(secret) < _SHORTEST:
            continue
        written = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
        written |= {form.replace("/", "\\/") for form in written}
        forms = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), *written}
        for form in sorted(forms, key=len, reverse=True):
            data = data.replace(form.encode("utf-8", "replace"), b"[secret]")
    return data
