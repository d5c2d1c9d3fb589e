"""What the checks that ask Graph have in common: parameters, credentials, a reading held to its shape."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

from checks.clouds import CLOUDS, CloudName
from checks.contract import Check, is_loopback
from checks.dataclass import dataclass
from checks.params import SecretRef, Url, parse_secret
from checks.safe import safe
from checks.vantage import CannotTell, Vantage
from checks.wire.graph import NoSuch
from checks.wire.graph_access import Access, Call
from checks.wire.graph_json import Drift
from checks.wire.graph_trouble import drifted

Seen = TypeVar("Seen")
T = TypeVar("T")
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate that is registered for the application, with its private key.

    `key` is a reference to the key as PEM (`env:NAME`, `keyring:...`, `file:PATH`), or the path of a PEM or
    PFX file. `file` is the path of the certificate (PEM) where the key's file does not hold it, too;
    `passphrase` is the reference to what unlocks the key.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    key: str
    file: str | None = None
    passphrase: SecretRef | None = None


class GraphCheck(Check[Seen]):
    """The parameters by which an application reads one tenant."""

    deadline_s = 60.0

    tenant_id: str
    """Directory (tenant) ID: the GUID of the tenant."""
    client_id: str
    """Application (client) ID of the registered application that may read the tenant."""
    secret: SecretRef | None = None
    """Reference to the application's client secret (its value, not its ID)."""
    certificate: Certificate | None = None
    """Certificate in place of a secret: `key` (reference or path, PEM or PFX), `file`, `passphrase`."""
    cloud: CloudName = "worldwide"
    """Microsoft's cloud that the tenant is in; GCC is in `worldwide`."""
    graph_url: Url | None = None
    """Base of Graph in place of the cloud's."""
    login_url: Url | None = None
    """Base of the login in place of the cloud's."""
    ca_file: str | None = None
    """PEM file of the authorities to trust in place of this laptop's."""

    def __post_init__(self) -> None:
        require_access(self)

    def needs_link(self) -> bool:
        return not (is_loopback(self.graph_url or "") and is_loopback(self.login_url or ""))


def require_access(check: Any) -> None:
    """Raise ValueError where a check's parameters give no way to a tenant."""
    for name in ("tenant_id", "client_id"):
        if not GUID.match(getattr(check, name) or ""):
            raise ValueError(
                f"'{name}' is a GUID like 5a1f0c6e-7a0e-4a53-9a2c-1f2b3c4d5e6f, as Entra shows it."
            )
    if (check.secret is None) == (check.certificate is None):
        raise ValueError(
            "The application proves who it is by 'secret' or by 'certificate': give one of the two."
        )
    if check.certificate is not None and not check.certificate.key.strip():
        raise ValueError("'certificate' needs 'key': a reference to the private key, or its file.")
    for name in ("graph_url", "login_url"):
        url = getattr(check, name)
        if url is None:
            continue
        parts = urlsplit(url)
        if parts.path not in ("", "/") or parts.query:
            raise ValueError(f"'{name}' is a base without a path, like https://graph.microsoft.com.")
        if parts.scheme == "http" and not is_loopback(url):
            raise ValueError(f"'{name}' must be https: a secret or a token goes there.")


def access(check: Any, vantage: Vantage) -> Access:
    """Return the way to the tenant that a check names; raise CannotTell for a secret not to be had."""
    cloud = CLOUDS[check.cloud]
    secret = key = certificate = ""
    if check.secret is not None:
        secret = vantage.secret(check.secret).strip()
        if not secret:
            raise CannotTell(
                f"The secret {check.secret} is empty.",
                "Put the client secret's value where the reference points.",
            )
    else:
        key, certificate = _load(check.certificate, vantage)
    return Access(
        tenant=check.tenant_id.lower(), client=check.client_id.lower(),
        login=(check.login_url or cloud.login).rstrip("/"),
        graph=(check.graph_url or cloud.graph).rstrip("/"),
        scope=f"{cloud.graph}/.default", secret=secret, key=key, certificate=certificate,
        ca_file=check.ca_file,
    )  # fmt: skip


def _load(given: Certificate, vantage: Vantage) -> tuple[str, str]:
    """Return private key and certificate as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.serialization import pkcs12

    password = vantage.secret(given.passphrase).encode() if given.passphrase is not None else None
    try:
        parse_secret(given.key)
        data = vantage.secret(given.key).encode()
    except ValueError:
        data = _file(given.key)
    try:
        if data[:1] == b"\x30":
            key, found, _ = pkcs12.load_key_and_certificates(data, password)
        else:
            key = serialization.load_pem_private_key(data, password)
            pem = _file(given.file) if given.file is not None else data
            found = x509.load_pem_x509_certificate(pem)
    except (ValueError, TypeError) as error:
        raise CannotTell(
            f"The application's certificate or its key cannot be read ({type(error).__name__}).",
            "Give the private key as PEM (with the certificate in the same file or in 'file'), or a PFX "
            "file, and the passphrase if it has one.",
        ) from None
    if key is None or found is None:
        raise CannotTell(
            "The application's PFX file lacks the key or the certificate.",
            "Export it again with the private key.",
        )
    public = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    if key.public_key().public_bytes(*public) != found.public_key().public_bytes(*public):
        raise CannotTell(
            "The application's private key does not belong to its certificate.",
            "Give the certificate that was made for this key.",
        )
    if found.not_valid_after_utc < vantage.now():
        raise CannotTell(
            f"The application's certificate expired on {found.not_valid_after_utc:%Y-%m-%d}.",
            "Make a new one and upload it to the application's registration.",
        )
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    vantage.shared.secrets_seen[plain] = "file:key"
    return plain, found.public_bytes(serialization.Encoding.PEM).decode()


def _file(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read(1 << 20)
    except OSError as error:
        raise CannotTell(
            f"The file {path} of the application's certificate cannot be read: {error.strerror or error}.",
            "Correct the path, or the rights on the file.",
        ) from None


def held_to_shape(call: Call, read: Callable[[], T]) -> T:
    """Return what `read` gives; what is not of the documented shape becomes CannotTell."""
    try:
        return read()
    except Drift as drift:
        raise drifted(call.what, str(drift)) from None


async def everything(
    found: AsyncIterator[list[dict[str, Any]]], call: Call, read: Callable[[dict[str, Any]], T], most: int
) -> list[T]:
    """Return each entry of all pages as `read` reads it; raise CannotTell if there are more than `most`."""
    kept: list[T] = []
    async for page in found:
        kept += held_to_shape(call, lambda page=page: [read(item) for item in page])  # type: ignore[misc]
        if len(kept) > most:
            raise CannotTell(
                f"There are more than {most} entries of {call.what}; not all of it was read.",
                "Look at it in the Microsoft 365 admin centre.",
            )
    return kept


def no_such(call: Call, error: NoSuch) -> CannotTell:
    """Return what to say where Graph does not know a call that every tenant has."""
    return CannotTell(
        f"Graph says that {call.what} does not exist there ({safe(str(error), limit=100)}).",
        "Check graph_url and 'cloud': not every cloud has every call.",
    )
