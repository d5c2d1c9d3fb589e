"""mail.smtp: a mail server takes mail, over TLS, for the recipients that are listed."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from checks.bounds import Ge, Len
from checks.contract import Check, Finding, Vantage, is_loopback
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.mail._smtp_findings import (
    MASKED,
    UNMASK,
    certificate_findings,
    ended,
    observed,
    recipient_findings,
    refused_greeting,
    said,
    starttls_findings,
)
from checks.network._peers import EXPLAINED, unresolved, untested
from checks.params import DomainName, Endpoint, Host, Regex, Resolver, join_endpoint, split_endpoint
from checks.safe import safe
from checks.wire.dns_lookup import lookup
from checks.wire.names import Family, Resolved, ip_version, resolve
from checks.wire.smtp import SmtpRequest, SmtpSeen, mailbox, probe
from checks.wire.smtp_replies import masked

MAX_ADDRESSES = 6
PORT = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """An address that the operator lists, and what the server must say to it."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True}

    address: str
    expect: Literal["accepted", "rejected"] = "accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSeen:
    """A mail server: its addresses, and the dialogue with each of the first."""

    names: Resolved
    talks: tuple[SmtpSeen, ...]

    def answered(self, version: int) -> bool:
        """Return whether an address of that IP version said anything in SMTP."""
        return any(_greeted(talk) and ip_version(talk.attempt.address) == version for talk in self.talks)

    def tried(self, version: int) -> bool:
        """Return whether an address of that IP version was tried."""
        return any(ip_version(talk.attempt.address) == version for talk in self.talks)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpHostSeen:
    """The server and the control; `now` is this laptop's clock, which certificates are held against."""

    host: HostSeen
    control: HostSeen | None
    now: datetime


class Smtp(Check[SmtpHostSeen]):
    """The mail server greets, offers STARTTLS with a good certificate, and takes the listed recipients.

    The port, STARTTLS and the certificate are three results of their own: a certificate that clients refuse
    hides neither of the others. Each address of the name gets its own dialogue. Without `recipients` nobody
    is named; with them MAIL FROM and RCPT TO are said, then RSET. DATA, VRFY and EXPN are never said.

    Many networks block port 25 outwards, by silence or by a reset. A server that cannot be reached on
    port 25 therefore fails only if the `control`, another mail server, answers over the same IP version, if
    another address of the server works, or if it is on this machine; else it is inconclusive.

    Proves: the server at that address says so to this laptop, now; it would take the listed recipients from
    here up to the message itself.
    Cannot prove: that a message is delivered, or taken from other senders; that a recipient exists (a
    catch-all takes all). A reply about this laptop's own address, or to try again later (greylisting), says
    nothing about the recipient and is inconclusive.
    If it fails: the reply's code tells where: the server or a firewall (no connection), its certificate,
    the mailbox or the accepted domain (5.1.x, 5.4.x; Exchange admin centre, Mail flow), a connector
    (5.7.x).

    Source: RFC 5321 sections 3.1, 3.2, 4.1.1 and 4.2, RFC 3207 (STARTTLS), RFC 3463 (enhanced status codes),
    RFC 9525 section 6 (names), RFC 8996 (TLS 1.0 and 1.1 are dead).

    Example:
        type: mail.smtp
        host: contoso-com.mail.protection.outlook.com
        control: mx.example.net
        recipients:
          - {address: office@example.com}
          - {address: nobody-4711@example.com, expect: rejected}
    """

    deadline_s = 40.0

    host: Endpoint
    """The mail server; port 25 unless given."""
    helo: DomainName | None = None
    """Name to say in EHLO; left out, this laptop's address literal."""
    starttls: Literal["required", "optional", "absent"] = "required"
    """Whether STARTTLS must be offered, may be, or must not be."""
    server_name: Host | None = None
    """Name that the certificate must be for, in place of the host's."""
    ca_file: str | None = None
    """PEM file of the authorities to trust in place of this laptop's."""
    certificate: Literal["required", "informational"] = "required"
    """`required`: it must be trusted, for the name and in date; `informational`: problems are warnings, as
    senders without MTA-STS and DANE do not look."""
    min_days: Annotated[int, Ge(0)] = 14
    """Days of validity left from which on the certificate is good; fewer is a warning."""
    fail_days: Annotated[int, Ge(0)] = 2
    """Days of validity left below which it fails."""
    recipients: Annotated[tuple[Recipient, ...], Len(0, 50)] = ()
    """Addresses of your own to ask for by RCPT TO, with `expect: accepted` (the default) or `rejected`."""
    mail_from: str = ""
    """Sender to say in MAIL FROM; empty is the null sender of bounces."""
    control: Endpoint | None = None
    """Another mail server, on the same port, that proves that the port is open from here."""
    family: Family = "any"
    """Which addresses of the name to test: `any` (all of them), `ipv4` or `ipv6`."""
    banner: Regex | None = None
    """Regular expression that the greeting must match."""
    resolvers: tuple[Resolver, ...] = ()
    """Resolvers for the server's addresses; left out, what the system's own gives."""

    def __post_init__(self) -> None:
        host, port = split_endpoint(self.host, PORT)
        if self.control is not None:
            other, other_port = split_endpoint(self.control, PORT)
            if (other, other_port) == (host, port):
                raise ValueError("'control' is the host itself: name another mail server.")
            if other_port != port and not is_loopback(other):
                raise ValueError(
                    f"'control' must be on the host's port {port}: port {other_port} says nothing about it."
                )
        if self.fail_days > self.min_days:
            raise ValueError("fail_days must not be more than min_days.")
        addresses = [mailbox(recipient.address) for recipient in self.recipients]
        if len(set(addresses)) < len(addresses):
            raise ValueError("'recipients' names the same address twice.")
        if self.mail_from:
            mailbox(self.mail_from)

    def needs_link(self) -> bool:
        return not (is_loopback(self.host) and (self.control is None or is_loopback(self.control)))

    async def observe(self, vantage: Vantage) -> SmtpHostSeen:
        name = self.server_name or split_endpoint(self.host)[0]
        wanted = SmtpRequest(
            address="", helo=self.helo or "", server_name=name, starttls=self.starttls != "absent",
            ca_file=self.ca_file, mail_from=mailbox(self.mail_from) if self.mail_from else "",
            recipients=tuple(mailbox(recipient.address) for recipient in self.recipients),
        )  # fmt: skip
        looks = [self._talk(vantage, self.host, wanted)]
        if self.control is not None:
            looks.append(
                self._talk(
                    vantage, self.control, SmtpRequest(address="", helo=self.helo or "", starttls=False)
                )
            )
        host, *control = await asyncio.gather(*looks)
        return SmtpHostSeen(host=host, control=control[0] if control else None, now=vantage.now())

    async def _talk(self, vantage: Vantage, endpoint: str, wanted: SmtpRequest) -> HostSeen:
        host, port = split_endpoint(endpoint, PORT)
        names = await self._resolve(vantage, host)
        talks = (
            probe(vantage, _replaced(wanted, address, port)) for address in names.addresses[:MAX_ADDRESSES]
        )
        return HostSeen(names=names, talks=tuple(await asyncio.gather(*talks)))

    async def _resolve(self, vantage: Vantage, host: str) -> Resolved:
        if not self.resolvers or ip_version(host) is not None:
            return await resolve(vantage, host, self.family)
        kinds = {"any": ("A", "AAAA"), "ipv4": ("A",), "ipv6": ("AAAA",)}[self.family]
        found = await asyncio.gather(*(lookup(vantage, host, kind, self.resolvers) for kind in kinds))
        addresses = tuple(dict.fromkeys(text for answer in found for text in answer.texts))
        silent = next((answer.detail for answer in found if answer.outcome == "failed"), None)
        error = silent or (None if addresses else "the name has no address")
        return Resolved(host=host, addresses=addresses, error=error, temporary=silent is not None)

    def judge(self, seen: SmtpHostSeen) -> Iterable[Finding]:
        if not seen.host.names.addresses:
            yield unresolved(self.host, seen.host.names)
        elif seen.host.names.temporary:
            yield cannot_tell(
                self.host, "Not every address of the name could be looked up, so not all were tested.",
                expected="an answer for A and for AAAA",
                observed=safe(seen.host.names.error or "no answer", limit=200),
                fix="Mend the name server that does not answer, then run again.",
            )  # fmt: skip
        for talk in seen.host.talks:
            yield from self._judge_one(talk, seen)
        untried = len(seen.host.names.addresses) - len(seen.host.talks)
        if untried > 0:
            yield warned(
                self.host,
                f"The name has more addresses than are tested at once: {untried} were left out.",
                fix="Test the addresses that matter by a check of their own, with server_name.",
            )

    def _judge_one(self, talk: SmtpSeen, seen: SmtpHostSeen) -> Iterable[Finding]:
        where = join_endpoint(talk.attempt.address, talk.attempt.port)
        if talk.attempt.outcome != "open":
            yield self._unreached(where, talk, seen)
            return
        greeting = talk.reply("banner")
        if greeting is None:
            step = talk.trouble()
            words = observed(step) if step is not None else "nothing"
            yield self._no_greeting(where, words, talk, seen)
            return
        if greeting.code != 220:
            yield refused_greeting(where, greeting, "greeting")
            return
        yield from self._greeting(where, talk, seen)
        hello = talk.reply("ehlo", secure=False)
        if hello is not None and hello.code != 250:
            yield refused_greeting(where, hello, "EHLO")
            return
        if hello is not None:
            yield from starttls_findings(where, talk, self.starttls)
        shown = talk.shown
        if shown is not None and (shown.described.done or shown.described.verify_code is not None):
            yield from certificate_findings(
                where, shown, self.server_name or split_endpoint(self.host)[0], seen.now,
                days=(self.min_days, self.fail_days), informational=self.certificate == "informational",
            )  # fmt: skip
        step = talk.trouble()
        if step is not None and (step.phase != "tls" or step.trouble == "out of turn"):
            yield ended(where, step)
        if any(one.reply is not None and one.reply.bare_lf for one in talk.steps):
            yield warned(
                where, "The server ends lines by LF without CR.", expected="CR LF", observed="LF",
                fix="Mend or update the server (or the proxy in front): strict senders break off.",
                reference="RFC 5321 section 2.3.8",
            )  # fmt: skip
        wanted = [(mailbox(one.address), one.expect) for one in self.recipients]
        yield from recipient_findings(where, talk, wanted)

    def _greeting(self, where: str, talk: SmtpSeen, seen: SmtpHostSeen) -> Iterable[Finding]:
        step = talk.steps[0]
        greeting = step.reply
        assert greeting is not None
        shown = said(greeting)
        yield passed(
            where, "The mail server greets.", expected="220", observed=f"{shown} after {step.seconds:.3g} s"
        )
        if self.banner is not None:
            say: dict[str, Any] = {"expected": self.banner, "observed": shown}
            if any(re.search(self.banner, line[:2000]) for line in greeting.lines):
                yield passed(where, "The greeting is the planned one.", **say)
            else:
                yield failed(
                    where, "Another server greets than the planned one.",
                    fix="Find out what listens there now: the old server, a gateway or a proxy; correct the "
                    "address or the port forwarding.", **say,
                )  # fmt: skip
        if masked(greeting):
            yield warned(where, f"{MASKED}: the greeting is masked.", observed=shown, fix=UNMASK)
        if any(word.sent.startswith("HELO") for word in talk.steps):
            yield warned(
                where, "The server does not know EHLO, so it has no extensions: no TLS, no size limit.",
                expected="EHLO", observed="HELO",
                fix="Renew the server, or switch off the SMTP inspection in front of it.",
            )  # fmt: skip
        if seen.control is not None and greeting.text.strip():
            for other in seen.control.talks:
                theirs = other.reply("banner")
                if theirs == greeting and other.attempt.address != talk.attempt.address:
                    yield cannot_tell(
                        where,
                        "The control greets with exactly the same words: something in this network may "
                        "answer port 25 for everybody.",
                        expected="each server's own greeting", observed=shown,
                        fix="Look for a transparent SMTP proxy in this network, or name a control of another "
                        "organisation.",
                    )  # fmt: skip
                    break

    def _unreached(self, where: str, talk: SmtpSeen, seen: SmtpHostSeen) -> Finding:
        outcome = talk.attempt.outcome
        works = any(_greeted(other) for other in seen.host.talks)
        if outcome == "no_route" and works and self.family == "any":
            return untested(talk.attempt)
        message, fix = EXPLAINED[outcome]
        words = f"{outcome}: {safe(talk.attempt.detail, limit=200)}"
        if outcome in ("barred", "local", "no_route"):
            return cannot_tell(where, message, expected="a greeting", observed=words, fix=fix)
        if self._proven(talk, seen):
            other = (
                " Another address of the server works: senders that choose this one wait or fail, so mend it "
                "or take its record out of DNS."
                if works
                else ""
            )
            return failed(where, message, expected="a greeting", observed=words, fix=fix + other)
        return self._blocked(where, words, talk, seen)

    def _no_greeting(self, where: str, words: str, talk: SmtpSeen, seen: SmtpHostSeen) -> Finding:
        if not self._proven(talk, seen):
            return self._blocked(where, words, talk, seen)
        return failed(
            where,
            "The port is open and no mail server greets.",
            expected="220",
            observed=words,
            fix="Check what listens there and its log; a load balancer without a living server, a tarpit "
            "or an access list behaves so.",
        )

    def _blocked(self, where: str, words: str, talk: SmtpSeen, seen: SmtpHostSeen) -> Finding:
        port = talk.attempt.port
        fix = (
            f"Run it from another network (the office's own line, a server), or have port {port} opened for "
            "this laptop."
        )
        if seen.control is None:
            return cannot_tell(
                where,
                f"The server was not reached. Many networks block port {port}, and there is no control.",
                expected="a greeting",
                observed=words,
                fix=f"Name a second mail server as 'control', which tells a blocked port {port} from a dead "
                f"server. {fix}",
            )
        control = self.control or "the control"
        version = ip_version(talk.attempt.address)
        missing = version is not None and not seen.control.tried(version)
        why = f"has no IPv{version} address" if missing else "was not reached either"
        return cannot_tell(
            where,
            f"The server was not reached, and the control {control} {why}"
            + (", so nothing tells why." if missing else f": port {port} seems blocked from here."),
            expected="a greeting",
            observed=words,
            fix=fix if not missing else f"Name a control that has an IPv{version} address. {fix}",
        )

    def _proven(self, talk: SmtpSeen, seen: SmtpHostSeen) -> bool:
        """Return whether that a server was not reached is the server's fault and not this network's."""
        version = ip_version(talk.attempt.address) or 4
        if seen.host.answered(version):
            return True
        if seen.control is not None and seen.control.tried(version):
            return seen.control.answered(version)
        if any(_greeted(other) for other in seen.host.talks):
            return True
        if seen.control is not None:
            return False
        return talk.attempt.port != PORT or _loopback(talk.attempt.address)


def _greeted(talk: SmtpSeen) -> bool:
    return talk.reply("banner") is not None


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _replaced(wanted: SmtpRequest, address: str, port: int) -> SmtpRequest:
    return SmtpRequest(
        address=address, port=port, helo=wanted.helo, server_name=wanted.server_name,
        starttls=wanted.starttls, ca_file=wanted.ca_file, mail_from=wanted.mail_from,
        recipients=wanted.recipients,
    )  # fmt: skip
