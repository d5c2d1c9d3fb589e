"""The answers of Microsoft's services as their documentation shows them, made new for each test.

Shapes: learn.microsoft.com/graph (resource types domain, domainDnsRecord, subscribedSku,
userRegistrationDetails, conditionalAccessPolicy, serviceHealth, exchangeMessageTrace), the pages on the
Microsoft identity platform's token endpoint and its errors, and on the IP address and URL web service.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

MEMBER = "member"


def error(code: str, message: str) -> dict[str, Any]:
    """Return Graph's error object."""
    inner = {"date": "2026-11-22T10:00:00", "request-id": "7d1f4a3e-0000-4000-8000-000000000001"}
    return {"error": {"code": code, "message": message, "innerError": inner}}


def login_error(status: int, name: str, number: int, words: str) -> dict[str, Any]:
    """Return an error of the token endpoint, with the HTTP status under `status`."""
    return {
        "status": status,
        "error": name,
        "error_description": f"AADSTS{number}: {words} Trace ID: 0000 Correlation ID: 0000",
        "error_codes": [number],
        "timestamp": "2026-11-22 10:00:00Z",
        "error_uri": f"https://login.example/error?code={number}",
    }


def no_tenant(name: str) -> dict[str, Any]:
    """Return what openid-configuration says of a domain without a tenant."""
    made = login_error(400, "invalid_tenant", 90002, f"Tenant '{name}' not found.")
    del made["status"]
    return made


def openid(base: str, tenant: str, *, v2: bool) -> dict[str, Any]:
    """Return a tenant's openid-configuration."""
    version = "/v2.0" if v2 else ""
    issuer = f"{base}/{tenant}/v2.0" if v2 else f"https://sts.windows.net/{tenant}/"
    return {
        "token_endpoint": f"{base}/{tenant}/oauth2{version}/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "jwks_uri": f"{base}/{tenant}/discovery{version}/keys",
        "issuer": issuer,
        "authorization_endpoint": f"{base}/{tenant}/oauth2{version}/authorize",
        "device_authorization_endpoint": f"{base}/{tenant}/oauth2{version}/devicecode",
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
    }


def realm(domain: str, *, known: bool = True, auth_url: str | None = None) -> dict[str, Any]:
    """Return what getuserrealm says of a domain: Managed, Unknown, or Federated where there is `auth_url`."""
    made: dict[str, Any] = {
        "State": 4, "UserState": 1, "Login": f"user@{domain}", "DomainName": domain,
        "FederationBrandName": "A company", "CloudInstanceName": "microsoftonline.com",
        "CloudInstanceIssuerUri": "urn:federation:MicrosoftOnline",
        "NameSpaceType": "Managed" if known else "Unknown",
    }  # fmt: skip
    if auth_url is not None:
        made |= {"NameSpaceType": "Federated", "AuthURL": auth_url, "FederationProtocol": "WSTrust",
                 "FederationGlobalVersion": -1, "State": 3}  # fmt: skip
    return made


def realm_xml(found: dict[str, Any]) -> str:
    """Return the same in its older form."""
    inner = "".join(f"<{key}>{value}</{key}>" for key, value in found.items())
    return f'<RealmInfo Success="true">{inner}</RealmInfo>'


def domain(name: str, **more: Any) -> dict[str, Any]:
    """Return a domain of the tenant: verified, managed, for mail."""
    return {
        "authenticationType": "Managed", "availabilityStatus": None, "id": name, "isAdminManaged": True,
        "isDefault": True, "isInitial": False, "isRoot": True, "isVerified": True,
        "supportedServices": ["Email", "OfficeCommunicationsOnline"],
        "passwordNotificationWindowInDays": 14, "passwordValidityPeriodInDays": 2147483647, "state": None,
    } | more  # fmt: skip


def _record(label: str, kind: str, belongs: str, optional: bool, **more: Any) -> dict[str, Any]:
    return {
        "@odata.type": f"#microsoft.graph.domainDns{kind}Record", "isOptional": optional, "label": label,
        "recordType": kind, "supportedService": belongs, "ttl": 3600,
    } | more  # fmt: skip


def mx(name: str, exchange: str, preference: int = 0) -> dict[str, Any]:
    """Return the MX record of a domain."""
    return _record(name, "Mx", "Email", False, mailExchange=exchange, preference=preference)


def txt(name: str, text: str, service: str = "Email", *, optional: bool = False) -> dict[str, Any]:
    """Return a TXT record."""
    return _record(name, "Txt", service, optional, text=text)


def cname(label: str, target: str, service: str = "Email", *, optional: bool = False) -> dict[str, Any]:
    """Return a CNAME record."""
    return _record(label, "CName", service, optional, canonicalName=target)


def srv(
    label: str, target: str, port: int, service: str = "OfficeCommunicationsOnline", *, optional: bool = False
) -> dict[str, Any]:
    """Return an SRV record: `label` is the whole name, `_sipfederationtls._tcp.example.com`."""
    name, protocol = label.split(".")[:2]
    return _record(
        label, "Srv", service, optional, nameTarget=target, port=port, priority=100, weight=1,
        protocol=protocol, service=name,
    )  # fmt: skip


def records(name: str, exchange: str | None = None) -> list[dict[str, Any]]:
    """Return what Graph lists for a new domain with mail and Teams."""
    host = exchange or f"{name.replace('.', '-')}.mail.protection.outlook.com"
    return [
        mx(name, host),
        txt(name, "v=spf1 include:spf.protection.outlook.com -all"),
        cname(f"autodiscover.{name}", "autodiscover.outlook.com"),
        srv(f"_sipfederationtls._tcp.{name}", "sipfed.online.lync.com", 5061),
        cname(
            f"enterpriseregistration.{name}", "enterpriseregistration.windows.net", "Intune", optional=True
        ),
    ]


def sku(
    part: str, enabled: int, consumed: int, *, status: str = "Enabled", warning: int = 0
) -> dict[str, Any]:
    """Return a subscription."""
    return {
        "accountName": "A company", "appliesTo": "User", "capabilityStatus": status,
        "consumedUnits": consumed, "skuPartNumber": part, "skuId": "c7df2760-2c81-4ef7-b578-5b5392b571df",
        "prepaidUnits": {"enabled": enabled, "lockedOut": 0, "suspended": 0, "warning": warning},
        "servicePlans": [{"servicePlanName": "EXCHANGE_S_ENTERPRISE", "provisioningStatus": "Success"}],
    }  # fmt: skip


def registration(
    user: str, *, registered: bool, admin: bool = False, kind: str = MEMBER, capable: bool | None = None
) -> dict[str, Any]:
    """Return what is known of a user's authentication methods."""
    return {
        "id": f"id-of-{user}", "userPrincipalName": user, "userDisplayName": user, "isAdmin": admin,
        "isMfaRegistered": registered, "isMfaCapable": registered if capable is None else capable,
        "isPasswordlessCapable": False, "lastUpdatedDateTime": "2026-11-21T19:15:41.6195833Z",
        "methodsRegistered": ["microsoftAuthenticatorPush"] if registered else [], "userType": kind,
    }  # fmt: skip


def policy(
    name: str, *, state: str = "enabled", controls: tuple[str, ...] = ("mfa",),
    users: tuple[str, ...] = ("All",), clients: tuple[str, ...] = ("all",),
    applications: tuple[str, ...] = ("All",),
    excluded: tuple[str, ...] = (), **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """Return a conditional access policy."""
    return {
        "id": f"id-of-{name}", "displayName": name, "state": state,
        "conditions": {
            "users": {"includeUsers": list(users), "excludeUsers": list(excluded), "includeGroups": [],
                      "excludeGroups": [], "includeRoles": [], "excludeRoles": []},
            "applications": {"includeApplications": list(applications), "excludeApplications": []},
            "clientAppTypes": list(clients),
        },
        "grantControls": {"operator": "OR", "builtInControls": list(controls)},
    } | more  # fmt: skip


def defaults(enabled: bool) -> dict[str, Any]:
    """Return the policy of security defaults."""
    return {
        "id": "00000000-0000-0000-0000-000000000005", "displayName": "Security Defaults",
        "isEnabled": enabled,
    }  # fmt: skip


def health(identity: str, status: str = "serviceOperational", name: str | None = None) -> dict[str, Any]:
    """Return the state of a service."""
    return {"service": name or f"{identity} Online", "status": status, "id": identity}


def trace(
    recipient: str, status: str = "delivered", *, sender: str = "someone@elsewhere.example",
    minutes_ago: float = 60, ip: str = "192.0.2.77",
) -> dict[str, Any]:  # fmt: skip
    """Return the trace of a message."""
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return {
        "id": "0b1c", "senderAddress": sender, "recipientAddress": recipient,
        "messageId": "<x@elsewhere.example>",
        "receivedDateTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "subject": "hello", "size": 1234, "fromIP": ip,
        "toIP": "", "status": status,
    }  # fmt: skip


def endpoint_set(number: int, area: str, **more: Any) -> dict[str, Any]:
    """Return a set of published endpoints."""
    return {
        "id": number, "serviceArea": area, "serviceAreaDisplayName": area, "expressRoute": False,
        "category": "Optimize", "required": True,
    } | more  # fmt: skip


def window(text: str) -> tuple[str, str]:
    """Return start and end of a $filter on receivedDateTime."""
    start = re.search(r"receivedDateTime ge (\S+)", text)
    end = re.search(r"receivedDateTime le (\S+)", text)
    return start[1] if start else "", end[1] if end else "9999"


def equals(text: str, key: str) -> str | None:
    """Return the value that a $filter asks `key` to equal."""
    found = re.search(rf"{key} eq '([^']*)'", text)
    return found[1] if found else None


def signed_by(assertion: str, certificate: bytes, client: str, audience: str) -> bool:
    """Return whether a client assertion is signed by the certificate's key, for this client and endpoint."""
    import jwt
    from cryptography import x509

    try:
        claims = jwt.decode(
            assertion, x509.load_pem_x509_certificate(certificate).public_key(),  # type: ignore[arg-type]
            algorithms=["PS256", "RS256"], options={"verify_aud": False}, issuer=client,
        )  # fmt: skip
    except jwt.PyJWTError:
        return False
    said = str(claims.get("aud", ""))
    return said.partition("://")[2] == audience.partition("://")[2] and claims.get("sub") == client
