"""What Entra ID's two pages about a domain say, read with bounds; what does not fit is said, never guessed.

Source: OpenID Connect Discovery 1.0 section 4 (openid-configuration), learn.microsoft.com error code
AADSTS90002. getuserrealm is not documented: a field that is missing or strange proves nothing.
"""

from __future__ import annotations

import json
import re
from typing import Any, Literal
from urllib.parse import urlsplit

from checks.dataclass import dataclass
from checks.params import parse_url
from checks.wire.http import Exchange

MAX_BODY = 65536
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NO_TENANT = 90002
Realm = Literal["managed", "federated", "unknown"]


class Drift(Exception):  # noqa: N818 - it is an outcome
    """The answer is not of the known shape; the words say how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRealm:
    """What getuserrealm says; `auth_url` is where a federated domain signs in, empty if unusable."""

    realm: Realm
    cloud: str = ""
    auth_url: str = ""


def tenant_of(answer: Exchange) -> str | None:
    """Return the tenant's GUID of an openid-configuration answer, None if Entra says that there is none."""
    found = _object(answer)
    if answer.status == 400 and _says_no_tenant(found):
        return None
    if answer.status != 200:
        raise Drift(f"status {answer.status}")
    told = {_guid_in(found.get(key)) for key in ("issuer", "token_endpoint")}
    if len(told) != 1:
        raise Drift("issuer and token_endpoint name different tenants")
    (tenant,) = told
    return tenant


def realm_of(answer: Exchange, domain: str) -> UserRealm:
    """Return what a getuserrealm answer says of `domain`."""
    found = _object(answer)
    if answer.status != 200:
        raise Drift(f"status {answer.status}")
    kind = str(found.get("NameSpaceType", "")).lower()
    if kind not in ("managed", "federated", "unknown"):
        raise Drift(f"NameSpaceType is {kind[:40]!r}")
    named = found.get("DomainName")
    if named is not None and str(named).lower().removesuffix(".") != domain:
        raise Drift(f"the answer is about {str(named)[:100]!r}")
    if named is None and kind != "unknown":
        raise Drift("DomainName is missing")
    cloud, auth = found.get("CloudInstanceName"), found.get("AuthURL")
    return UserRealm(
        realm=kind,  # type: ignore[arg-type]
        cloud=cloud[:100] if isinstance(cloud, str) else "",
        auth_url=_usable(auth),
    )


def _object(answer: Exchange) -> dict[str, Any]:
    if answer.cut or answer.body_bytes > MAX_BODY:
        raise Drift("the answer is too long")
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise Drift("the answer is not JSON: a portal or a proxy may answer in Microsoft's place") from None
    if not isinstance(found, dict):
        raise Drift("the answer is not a JSON object")
    return found


def _says_no_tenant(found: dict[str, Any]) -> bool:
    codes = found.get("error_codes")
    if isinstance(codes, list) and _NO_TENANT in codes:
        return True
    return str(found.get("error_description", "")).startswith(f"AADSTS{_NO_TENANT}:")


def _guid_in(url: Any) -> str:
    """Return the GUID that is the first part of a URL's path."""
    try:
        first = urlsplit(url).path.split("/")[1].lower() if isinstance(url, str) else ""
    except (ValueError, IndexError):
        first = ""
    if not GUID.fullmatch(first):
        raise Drift("issuer or token_endpoint holds no tenant GUID")
    return first


def _usable(url: Any) -> str:
    if not isinstance(url, str) or len(url) > 2000 or not url.startswith("https://"):
        return ""
    try:
        found: str = parse_url(url)
    except ValueError:
        return ""
    return found
