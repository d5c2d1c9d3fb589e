"""security.tls_versions: servers refuse the old versions of TLS and offer a new one."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import Iterable
from typing import Annotated, Literal

from checks.bounds import Len
from checks.contract import Check, Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed
from checks.params import Endpoint
from checks.safe import safe
from checks.security._places import Place, ask_each, how_it_ended, listed, nobody, places, unresolved
from checks.wire.exchange import exchange
from checks.wire.tcp import connect
from checks.wire.tls import TlsChannel, TlsRefused
from checks.wire.tls_hello import OldVersion, client_hello, complete, read_hello

PORT = 443
Version = Literal["1.0", "1.1", "1.2", "1.3"]
Outcome = Literal["offered", "refused", "unknown"]
REFUSALS = frozenset({
    "protocol_version", "handshake_failure", "insufficient_security", "illegal_parameter",
    "inappropriate_fallback", "internal_error",
})  # fmt: skip
"""`internal_error` is what OpenSSL 3 says where its security level leaves no signature for an old version."""
_ENUM = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What one address said to one version; `words` is the ServerHello, the alert, or what broke it off."""

    version: Version
    outcome: Outcome
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One address and all that it was asked; `shaken` are the versions in which a whole handshake worked."""

    place: Place
    offers: tuple[Offer, ...] = ()
    shaken: tuple[Version, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsVersionsSeen:
    """All addresses of all servers."""

    servers: tuple[Server, ...]


class TlsVersions(Check[TlsVersionsSeen]):
    """Every server refuses the old versions of TLS, and a handshake in a required one works.

    Each old version is asked for by a hello that offers every cipher there ever was, so that a server is not
    taken to refuse what only this laptop can no longer speak. Silence and a broken connection prove nothing;
    neither does a refusal by a server with which no handshake works at all.

    Proves: each address answered a hello in the old version with a refusal, and completed one in a new.
    Cannot prove: that another port or name on the same address does the same.
    If it fails: in the server's settings allow TLS 1.2 and 1.3 only (ssl_protocols of nginx, SSLProtocol of
    Apache, SCHANNEL\\Protocols of Windows), restart it and run the check again.

    Source: RFC 8996 (deprecation of TLS 1.0 and 1.1), RFC 9325 section 3.1.

    Example:
        type: security.tls_versions
        servers: [mail.example.com, "192.0.2.10:8443"]
        refuse: ["1.0", "1.1"]
        require: ["1.2"]
    """

    deadline_s = 30.0

    servers: Annotated[tuple[Endpoint, ...], Len(1, 256)]
    """Servers that speak TLS from the first byte, with their port if that is not 443."""
    refuse: Annotated[tuple[OldVersion, ...], Len(1, 3)] = ("1.0", "1.1")
    """Versions that must be refused."""
    require: Annotated[tuple[Literal["1.2", "1.3"], ...], Len(1, 2)] = ("1.2", "1.3")
    """Versions of which one at least must work."""

    def __post_init__(self) -> None:
        both = set(self.refuse) & set(self.require)
        if both:
            raise ValueError(f"TLS {both.pop()} cannot be refused and required at once.")

    def subject(self) -> str:
        return listed(self.servers)

    async def observe(self, vantage: Vantage) -> TlsVersionsSeen:
        asked = await places(vantage, self.servers, PORT)
        seen = await ask_each(vantage, asked, self._ask)
        lost = [Server(place=place, trouble=place.trouble) for place in asked if not place.address]
        return TlsVersionsSeen(servers=(*seen, *lost))

    async def _ask(self, place: Place, within: float) -> Server:
        share = within / (len(self.refuse) + len(self.require))
        shaken = [version for version in self.require if await _shakes(place, version, share)]
        offers = [await _offers(place, version, share) for version in self.refuse]
        return Server(place=place, offers=tuple(offers), shaken=tuple(shaken))

    def judge(self, seen: TlsVersionsSeen) -> Iterable[Finding]:
        if not seen.servers:
            yield nobody(self.subject())
        for server in seen.servers:
            if server.trouble or not server.place.address:
                yield unresolved(server.place)
            else:
                yield from self._judge_one(server)

    def _judge_one(self, server: Server) -> Iterable[Finding]:
        name = server.place.name
        wanted = f"TLS {' or '.join(self.require)}"
        works = [version for version in self.require if version in server.shaken]
        if works:
            yield passed(name, "A new version of TLS works.", expected=wanted, observed=f"TLS {works[-1]}")
        else:
            yield cannot_tell(
                name, "No handshake in a new version works, so that a refusal of an old one proves nothing.",
                expected=wanted, observed="no handshake",
                fix="Make the server offer TLS 1.2 or later here; look whether it speaks TLS at all.",
            )  # fmt: skip
        told = {offer.version: offer for offer in server.offers}
        for version in self.refuse:
            offer = told.get(version) or Offer(version=version, outcome="unknown", words="not asked")
            expected, observed = f"TLS {version} refused", safe(offer.words, limit=200)
            if offer.outcome == "offered":
                yield failed(
                    name, f"TLS {version} is still offered.", reference="RFC 8996",
                    fix=f"Switch TLS {version} off in the server's settings and restart it.",
                    expected=expected, observed=observed,
                )  # fmt: skip
            elif offer.outcome == "refused" and works:
                yield passed(name, f"TLS {version} is refused.", expected=expected, observed=observed)
            else:
                yield cannot_tell(
                    name, f"Whether TLS {version} is refused could not be told.",
                    fix="Look into the server's settings: what breaks off may be a firewall's doing.",
                    expected=expected, observed=observed,
                )  # fmt: skip


async def _offers(place: Place, version: OldVersion, within: float) -> Offer:
    """Ask by a hello of our own for one version."""
    heard = await exchange(place.address, place.port, client_hello(version, place.host), complete, within)
    if heard.ending != "answered":
        return Offer(version=version, outcome="unknown", words=how_it_ended(heard.ending, heard.detail))
    hello = read_hello(heard.data)
    if hello.version:
        outcome: Outcome = "offered" if hello.version == version else "refused"
        if outcome == "refused" and hello.version > version:
            outcome = "unknown"
        return Offer(version=version, outcome=outcome, words=f"ServerHello of TLS {hello.version}")
    if hello.alert in REFUSALS:
        return Offer(version=version, outcome="refused", words=f"alert {hello.alert}")
    words = f"alert {hello.alert}" if hello.alert else "an answer that is no TLS"
    return Offer(version=version, outcome="unknown", words=words)


async def _shakes(place: Place, version: str, within: float) -> bool:
    """Return whether a whole handshake in that version works, whoever's certificate it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = _ENUM[version]
    began = asyncio.get_running_loop().time()
    _, sock = await connect(place.address, place.port, within)
    if sock is None:
        return False
    try:
        async with asyncio.timeout(max(0.01, within - (asyncio.get_running_loop().time() - began))):
            await TlsChannel(sock, context, place.host).handshake()
    except (TlsRefused, TimeoutError, OSError):
        return False
    finally:
        sock.close()
    return True
