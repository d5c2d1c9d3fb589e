"""One SMTP dialogue with one address: greeting, EHLO, STARTTLS, and recipients where they are listed.

It never says DATA, VRFY or EXPN, so nothing is delivered and nobody is enumerated. The handshake verifies the
chain and not the name; where the chain is refused, a second connection describes what is shown and goes on,
so that a bad certificate hides neither STARTTLS nor the recipients. No error of the network raises.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import re
import socket
import time
from typing import Literal

from checks.dataclass import dataclass
from checks.params import parse_domain
from checks.vantage import Vantage
from checks.wire.smtp_replies import Malformed, Replies, Reply, keywords
from checks.wire.tcp import Attempt, budget, connect, outcome_of
from checks.wire.tls import PlainChannel, TlsChannel, TlsRefused, opportunistic
from checks.wire.tls_certs import read
from checks.wire.tls_chain import Handshake, Shown, sent_chain

Phase = Literal["banner", "ehlo", "starttls", "tls", "mail", "rcpt", "rset", "quit"]
Kind = Literal["timeout", "closed", "reset", "malformed", "out of turn", "tls"]
"""Why a step got no reply. `out of turn`: the server said something before it was asked: after STARTTLS that
is text put in from outside (CVE-2011-0411), elsewhere replies to commands that were not sent yet."""
QUIT_S = 1.0
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_NO_EHLO = frozenset({500, 501, 502, 503, 504, 550})
"""Replies to EHLO after which HELO is tried (RFC 5321 section 3.2; 550 and 501 in practice)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpRequest:
    """Whom to talk to and how far to go; `address` is an address, not a name.

    `helo` empty: this laptop's address literal. `server_name` is for SNI. With `starttls` false no TLS is
    asked for; with `verify` false the chain is shown and not verified (one connection, as DANE needs).
    `within` empty: what is left of the attempt.
    """

    address: str
    port: int = 25
    helo: str = ""
    server_name: str = ""
    starttls: bool = True
    verify: bool = True
    ca_file: str | None = None
    mail_from: str = ""
    recipients: tuple[str, ...] = ()
    within: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: what was sent (`EHLO [192.0.2.1]`), how long it took, the reply or why there is none.

    `secure` says that it went over TLS.
    """

    phase: Phase
    sent: str
    seconds: float
    secure: bool = False
    reply: Reply | None = None
    trouble: Kind | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSeen:
    """The dialogue with one address. `steps` is empty where there was no connection (see `attempt`).

    `shown` is what TLS showed, None where it was not begun; the chain's `der` is the certificates as sent.
    `shown.verified` is about the chain alone, never about the name. `extensions` were offered before TLS,
    `secure_extensions` after it (None: not asked).
    """

    attempt: Attempt
    steps: tuple[Step, ...] = ()
    shown: Shown | None = None
    extensions: tuple[str, ...] = ()
    secure_extensions: tuple[str, ...] | None = None

    def reply(self, phase: Phase, *, secure: bool | None = None) -> Reply | None:
        """Return the last reply in a phase."""
        found = (
            step.reply for step in reversed(self.steps)
            if step.phase == phase and secure in (None, step.secure) and step.reply is not None
        )  # fmt: skip
        return next(found, None)

    def trouble(self) -> Step | None:
        """Return the step that ended the dialogue early, if one did; a farewell that failed is none."""
        return next((step for step in self.steps if step.trouble is not None and step.phase != "quit"), None)

    def offers(self, keyword: str) -> bool:
        """Return whether an extension was offered before TLS."""
        return any(line.split()[0] == keyword for line in self.extensions)


def mailbox(text: str) -> str:
    """Return a mail address in normal form; raise ValueError with a sentence for what may not be sent."""
    local, mark, domain = text.strip().rpartition("@")
    if not mark or not _LOCAL.fullmatch(local) or domain == "." or "*" in domain:
        raise ValueError(f"A mail address is written like postmaster@example.com, not {text!r:.100}.")
    return f"{local}@{parse_domain(domain)}"


async def probe(vantage: Vantage, request: SmtpRequest) -> SmtpSeen:
    """Hold the dialogue with one address; raises CannotTell only where `ca_file` cannot be read."""
    within = budget(vantage) if request.within is None else request.within
    ends = time.monotonic() + within
    first = _Talk(vantage, request, verify=request.verify)
    seen = await first.hold(within)
    refused = seen.shown.described if seen.shown is not None else None
    if refused is None or refused.refused is None or not request.verify:
        return seen
    again = await _Talk(vantage, request, verify=False).hold(max(0.01, ends - time.monotonic()))
    if again.shown is None or not again.shown.described.done:
        return seen
    shown = Shown(
        described=again.shown.described,
        chain=again.shown.chain,
        whole_chain=again.shown.whole_chain,
        verified=refused,
    )
    return SmtpSeen(
        attempt=again.attempt, steps=again.steps, shown=shown, extensions=again.extensions,
        secure_extensions=again.secure_extensions,
    )  # fmt: skip


class _Stop(Exception):  # noqa: N818 - the dialogue is over, for better or worse
    pass


class _Talk:
    """One connection from its first byte to QUIT; what is known survives whatever ends it."""

    def __init__(self, vantage: Vantage, request: SmtpRequest, *, verify: bool) -> None:
        self._vantage = vantage
        self._request = request
        self._verify = verify
        self._replies = Replies()
        self._steps: list[Step] = []
        self._channel: PlainChannel | TlsChannel | None = None
        self._doing: tuple[Phase, str, float] = ("banner", "", 0.0)
        self._shown: Shown | None = None
        self._plain: tuple[str, ...] = ()
        self._secure: tuple[str, ...] | None = None

    async def hold(self, within: float) -> SmtpSeen:
        began = time.monotonic()
        attempt, sock = await connect(self._request.address, self._request.port, within)
        if sock is None:
            return SmtpSeen(attempt=attempt)
        context = None
        try:
            if self._request.starttls:
                context = await opportunistic(self._vantage, self._request.ca_file, verify=self._verify)
            async with asyncio.timeout(max(0.01, within - (time.monotonic() - began))):
                await self._talk(attempt, sock, context)
        except _Stop:
            pass
        except TimeoutError:
            if not isinstance(self._channel, TlsChannel) and self._doing[0] == "tls":
                self._show(Handshake(attempt=attempt, broken="the handshake was not done in time"))
            self._fail("timeout", f"no answer within {time.perf_counter() - self._doing[2]:.3g} s")
        except Malformed as error:
            self._fail("malformed", str(error))
        except OSError as error:
            kind: Kind = "reset" if outcome_of(error) == "reset" else "closed"
            self._fail(kind, error.strerror or str(error))
        finally:
            sock.close()
        return SmtpSeen(
            attempt=attempt, steps=tuple(self._steps), shown=self._shown, extensions=self._plain,
            secure_extensions=self._secure,
        )  # fmt: skip

    async def _talk(self, attempt: Attempt, sock: socket.socket, context: object) -> None:
        helo = self._request.helo or literal(str(sock.getsockname()[0]))
        self._channel = PlainChannel(sock)
        self._begin("banner", "")
        banner = await self._reply()
        if banner.code != 220:
            await self._leave()
            return
        self._plain = await self._greet(helo)
        offered = any(line.split()[0] == "STARTTLS" for line in self._plain)
        if context is not None and offered and (await self._say("starttls", "STARTTLS")).code == 220:
            await self._secure_it(attempt, sock, context)
            self._secure = await self._greet(helo)
        if self._request.recipients:
            await self._ask_recipients()
        await self._leave()

    async def _greet(self, helo: str) -> tuple[str, ...]:
        reply = await self._say("ehlo", f"EHLO {helo}")
        if reply.code == 250:
            return keywords(reply)
        if reply.code in _NO_EHLO:
            reply = await self._say("ehlo", f"HELO {helo}")
        if reply.code != 250:
            await self._leave()
            raise _Stop
        return ()

    async def _secure_it(self, attempt: Attempt, sock: socket.socket, context: object) -> None:
        self._begin("tls", "")
        await self._listen()
        if self._replies.begun:
            self._fail("out of turn", f"in plain text after STARTTLS: {self._replies.rest[:60]!r}")
            raise _Stop
        channel = TlsChannel(sock, context, self._request.server_name)  # type: ignore[arg-type]
        began = time.perf_counter()
        try:
            await channel.handshake()
        except TlsRefused as error:
            self._show(Handshake(attempt=attempt, refused=error.words, verify_code=error.code))
            self._fail("tls", error.words)
            raise _Stop from error
        except OSError as error:
            self._show(Handshake(attempt=attempt, broken=f"{outcome_of(error)}: {error.strerror or error}"))
            raise
        seconds = time.perf_counter() - began
        chain, whole = sent_chain(channel.object)
        cipher = channel.object.cipher()
        done = Handshake(
            attempt=attempt, seconds=seconds, version=channel.object.version() or "",
            cipher=cipher[0] if cipher else "",
            leaf=hashlib.sha256(chain[0]).hexdigest() if chain else "",
        )  # fmt: skip
        self._shown = Shown(
            described=done, chain=tuple(read(der) for der in chain), whole_chain=whole,
            verified=done if self._verify else None,
        )  # fmt: skip
        self._steps.append(Step(phase="tls", sent="", seconds=seconds, secure=True))
        self._channel = channel

    async def _ask_recipients(self) -> None:
        sender = await self._say("mail", f"MAIL FROM:<{self._request.mail_from}>")
        if sender.code != 250:
            return
        for address in self._request.recipients:
            reply = await self._say("rcpt", f"RCPT TO:<{address}>")
            if reply.code == 421:
                raise _Stop
        await self._say("rset", "RSET")

    async def _leave(self) -> None:
        try:
            async with asyncio.timeout(QUIT_S):
                await self._say("quit", "QUIT")
        except TimeoutError:
            self._fail("timeout", f"no answer within {QUIT_S:g} s")
        except _Stop:
            pass

    async def _say(self, phase: Phase, command: str) -> Reply:
        """Send one command and return its reply; what came before it was sent is no reply to it."""
        self._begin(phase, command)
        await self._listen()
        if self._replies.begun:
            early = self._replies.take()
            if early is not None and early.code == 421:
                self._done(early)
                raise _Stop
            self._fail("out of turn", early.shown if early is not None else repr(self._replies.rest[:60]))
            raise _Stop
        assert self._channel is not None
        await self._channel.send(f"{command}\r\n".encode("ascii"))
        return await self._reply()

    async def _listen(self) -> None:
        """Take what is here already, without waiting."""
        assert self._channel is not None
        try:
            async with asyncio.timeout(0):
                self._replies.feed(await self._channel.receive())
        except TimeoutError:
            pass

    async def _reply(self) -> Reply:
        assert self._channel is not None
        while (reply := self._replies.take()) is None:
            data = await self._channel.receive()
            if not data:
                early = "in the middle of a reply" if self._replies.begun else "without a reply"
                self._fail("closed", f"the server closed the connection {early}")
                raise _Stop
            self._replies.feed(data)
        self._done(reply)
        return reply

    def _begin(self, phase: Phase, sent: str) -> None:
        self._doing = (phase, sent, time.perf_counter())

    def _done(self, reply: Reply) -> None:
        phase, sent, began = self._doing
        self._steps.append(
            Step(
                phase=phase, sent=sent, seconds=time.perf_counter() - began, secure=self._is_secure(),
                reply=reply,
            )
        )  # fmt: skip

    def _fail(self, kind: Kind, detail: str) -> None:
        phase, sent, began = self._doing
        self._steps.append(
            Step(
                phase=phase, sent=sent, seconds=time.perf_counter() - began, secure=self._is_secure(),
                trouble=kind, detail=detail,
            )
        )  # fmt: skip

    def _show(self, handshake: Handshake) -> None:
        self._shown = Shown(described=handshake)

    def _is_secure(self) -> bool:
        return isinstance(self._channel, TlsChannel)


def literal(address: str) -> str:
    """Return an address as EHLO gives it where a host has no name (RFC 5321 section 4.1.3)."""
    bare = address.partition("%")[0]
    return f"[IPv6:{bare}]" if ipaddress.ip_address(bare).version == 6 else f"[{bare}]"
