"""What the checks that read a device by SNMP have in common: where it is and how it is asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal, TypeVar

from checks.contract import Check, Vantage
from checks.device.device import Device
from checks.params import Community, Endpoint, Port, SecretRef, SnmpVersion, is_reference, split_endpoint
from checks.vantage import CannotTell
from checks.wire.snmp.agent import Access, Auth, Privacy

Seen = TypeVar("Seen")
SNMP_PORT = 161
_VERSIONS: Mapping[str, Literal["1", "2c", "3"]] = {"1": "1", "2c": "2c", "3": "3"}


class DeviceCheck(Check[Seen]):
    """The parameters by which one device is read. Nothing is ever set."""

    deadline_s = 60.0

    host: Endpoint
    """The device's management address or name, with the UDP port of its agent if that is not 161."""
    port: Port | None = None
    """UDP port of its agent, where it is not written behind the host."""
    community: Community | None = None
    """Community of SNMP v1 and v2c, or the reference to it (`env:NAME`, `keyring:...`, `file:PATH`)."""
    version: SnmpVersion | None = None
    """`1`, `2c` or `3`; left out, 2c with a community and 3 with a user."""
    user: str | None = None
    """User of SNMPv3."""
    auth: Auth | None = None
    """How the SNMPv3 user is authenticated; left out, `sha` where `auth_key` is given."""
    auth_key: SecretRef | None = None
    """Reference to the SNMPv3 authentication passphrase."""
    privacy: Privacy | None = None
    """How SNMPv3 messages are encrypted; left out, `aes` where `privacy_key` is given. `aes256` extends the
    key as Cisco does, `aes256-blumenthal` as the draft does."""
    privacy_key: SecretRef | None = None
    """Reference to the SNMPv3 privacy passphrase."""
    context: str | None = None
    """SNMPv3 context name, where the device keeps its tables in one."""

    def __post_init__(self) -> None:
        require_access(self)


def require_access(check: DeviceCheck[Seen]) -> None:
    """Raise ValueError where a check's parameters give no way to a device, or two."""
    _, given = split_endpoint(check.host)
    if given and check.port is not None and given != check.port:
        raise ValueError("The UDP port is written twice: behind 'host' and as 'port'.")
    if (check.community is None) == (check.user is None):
        raise ValueError("Give 'community' (SNMP v1 and v2c) or 'user' (SNMPv3): one of the two.")
    if check.version is not None and (check.version == "3") != (check.user is not None):
        raise ValueError("SNMPv3 is asked with 'user', v1 and v2c are asked with 'community'.")
    if check.user is None and (check.auth or check.auth_key or check.privacy or check.privacy_key):
        raise ValueError("'auth' and 'privacy' belong to SNMPv3: give 'user' and no 'community'.")
    for what, how, key in (
        ("auth", check.auth, check.auth_key), ("privacy", check.privacy, check.privacy_key)
    ):  # fmt: skip
        if (how not in (None, "none")) and key is None:
            raise ValueError(f"'{what}: {how}' needs '{what}_key', the reference to the passphrase.")
        if how == "none" and key is not None:
            raise ValueError(f"'{what}: none' and '{what}_key' do not go together.")
    if check.privacy_key is not None and check.auth_key is None:
        raise ValueError("SNMPv3 encrypts only for a user that is authenticated: give 'auth_key', too.")


def access(check: DeviceCheck[Seen], vantage: Vantage) -> Access:
    """Return the way to the device that a check names; raise CannotTell for a secret not to be had."""
    host, given = split_endpoint(check.host)
    return Access(
        host=host,
        port=check.port or given or SNMP_PORT,
        version=_VERSIONS[check.version or ("3" if check.user else "2c")],
        community=_community(check.community, vantage),
        user=check.user or "",
        auth=check.auth or ("sha" if check.auth_key else "none"),
        auth_key=vantage.secret(check.auth_key) if check.auth_key else "",
        privacy=check.privacy or ("aes" if check.privacy_key else "none"),
        privacy_key=vantage.secret(check.privacy_key) if check.privacy_key else "",
        context=check.context or "",
    )


def _community(given: str | None, vantage: Vantage) -> str:
    if given is None:
        return ""
    if not is_reference(given):
        return given  # not taken out of what is seen: it may be a word of every day, and a device's own name
    found = vantage.secret(given).strip()
    if not found:
        raise CannotTell(f"The community {given} is empty.", "Put the community where the reference points.")
    vantage.shared.secrets_seen.setdefault(found, given)
    return found


async def device(check: DeviceCheck[Seen], vantage: Vantage, endpoint: str = "") -> Device:
    """Return the device that a check names, shared by all checks of the run that read it the same way.

    `endpoint` names another one that is asked with the same credentials, on the same port unless it has one.
    """
    from checks.wire.snmp.client import Snmp

    way = access(check, vantage)
    if endpoint:
        host, port = split_endpoint(endpoint)
        way = dataclasses.replace(way, host=host, port=port or way.port)
    snmp = await vantage.client(Snmp)
    return Device(snmp.agent(way), way, vantage.once, vantage.note)
