"""What a TLS server shows: described by a handshake that trusts anything, verified by a second one.

OpenSSL does not hand out the chain of a handshake that it refused, so the two are apart; whether both showed
the same certificate is part of what is seen.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import time
import warnings
from typing import Any, Literal

from checks.dataclass import dataclass
from checks.vantage import Vantage
from checks.wire.tcp import Attempt, connect, outcome_of
from checks.wire.tls import TlsChannel, TlsRefused, lenient, trusting
from checks.wire.tls_certs import Certificate, read

Version = Literal["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]
VERSIONS: tuple[Version, ...] = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
MAX_CHAIN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """One handshake. `refused` are the words of TLS, `broken` those of the connection; both None: it is done.

    `verify_code` is OpenSSL's X509_V_ERR_*; `leaf` the SHA-256 of the server's certificate if it was shown.
    """

    attempt: Attempt
    seconds: float | None = None
    version: str = ""
    cipher: str = ""
    leaf: str = ""
    refused: str | None = None
    verify_code: int | None = None
    broken: str | None = None

    @property
    def done(self) -> bool:
        """Whether TLS was agreed."""
        return self.attempt.outcome == "open" and self.refused is None and self.broken is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What one address showed: the chain as sent (leaf first), and what verifying it said.

    `whole_chain` is False where this Python gives only the leaf away. `verified` is None if there was nothing
    to verify. `older` holds, for each version below the minimum that was tried, whether the server took it
    (None: this laptop's OpenSSL cannot ask).
    """

    described: Handshake
    chain: tuple[Certificate, ...] = ()
    whole_chain: bool = True
    verified: Handshake | None = None
    older: tuple[tuple[str, bool | None], ...] = ()


async def show(
    vantage: Vantage,
    address: str,
    port: int,
    server_name: str,
    *,
    ca_file: str | None,
    within: float,
    refuse: tuple[Version, ...] = (),
) -> Shown:
    """Shake hands twice with `address`, and once for each version of `refuse`, within `within` seconds."""
    ends = time.monotonic() + within
    anything = await lenient(vantage, None, verify=False)
    described, chain, whole = await _shake(address, port, anything, server_name, ends - time.monotonic())
    if not described.done:
        return Shown(described=described)
    old = described.version in ("TLSv1", "TLSv1.1")
    trusted = await (lenient(vantage, ca_file, verify=True) if old else trusting(vantage, ca_file))
    for _ in range(2):
        verified, other, _whole = await _shake(address, port, trusted, server_name, ends - time.monotonic())
        if not other or described.leaf == verified.leaf:
            break
        described, chain, whole = await _shake(address, port, anything, server_name, ends - time.monotonic())
        if described.leaf == verified.leaf:
            break
    older = [
        (version, await _takes(address, port, server_name, version, ends - time.monotonic()))
        for version in refuse
    ]
    return Shown(
        described=described,
        chain=tuple(read(der) for der in chain),
        whole_chain=whole,
        verified=verified,
        older=tuple(older),
    )


async def _shake(
    address: str, port: int, context: ssl.SSLContext, server_name: str, within: float
) -> tuple[Handshake, list[bytes], bool]:
    """Connect and shake hands; return what happened, the chain in DER, and whether that is all of it."""
    began = time.monotonic()
    attempt, sock = await connect(address, port, max(0.01, within))
    if sock is None:
        return Handshake(attempt=attempt), [], True
    try:
        async with asyncio.timeout(max(0.01, within - (time.monotonic() - began))):
            began = time.monotonic()
            channel = TlsChannel(sock, context, server_name)
            await channel.handshake()
    except TlsRefused as error:
        return Handshake(attempt=attempt, refused=error.words, verify_code=error.code), [], True
    except TimeoutError:
        return Handshake(attempt=attempt, broken=f"the handshake took more than {within:.3g} s"), [], True
    except OSError as error:
        words = f"{outcome_of(error)}: {error.strerror or error}"
        return Handshake(attempt=attempt, broken=words), [], True
    finally:
        sock.close()
    chain, whole = sent_chain(channel.object)
    cipher = channel.object.cipher()
    done = Handshake(
        attempt=attempt,
        seconds=time.monotonic() - began,
        version=channel.object.version() or "",
        cipher=cipher[0] if cipher else "",
        leaf=hashlib.sha256(chain[0]).hexdigest() if chain else "",
    )
    return done, chain, whole


def sent_chain(shown: ssl.SSLObject) -> tuple[list[bytes], bool]:
    """Return the chain as sent: public from Python 3.13, private from 3.10, else the leaf alone."""
    public: Any = getattr(shown, "get_unverified_chain", None)
    try:
        if public is not None:
            return [bytes(der) for der in public()][:MAX_CHAIN], True
        private: Any = shown._sslobj  # type: ignore[attr-defined]
        return [ssl.PEM_cert_to_DER_cert(item.public_bytes()) for item in private.get_unverified_chain()][
            :MAX_CHAIN
        ], True
    except Exception:  # noqa: BLE001 - a private interface may change in any way
        leaf = shown.getpeercert(binary_form=True)
        return ([leaf] if leaf else []), False


async def _takes(address: str, port: int, server_name: str, version: Version, within: float) -> bool | None:
    """Return whether the server agrees on `version`; None if we cannot ask or nothing clear came back."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = _ENUM[version]
    except (ValueError, ssl.SSLError):
        return None
    seen, _, _ = await _shake(address, port, context, server_name, within)
    if seen.done:
        return True
    if seen.refused is not None and "no protocols available" not in seen.refused:
        return False
    return None


_ENUM: dict[Version, ssl.TLSVersion] = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
