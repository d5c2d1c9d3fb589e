"""mail.autodiscover: mail programs are led to the place where the mailboxes are."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import Annotated
from urllib.parse import quote

from checks.bounds import Len
from checks.clouds import CLOUDS, CloudName
from checks.contract import Check, Finding, Vantage, is_loopback
from checks.dataclass import dataclass
from checks.judging import cannot_tell, passed, warned
from checks.mail._autodiscover_dns import View, judge_view, view
from checks.mail._autodiscover_web import Probe, host_of, judge_mailbox, judge_redirect, judge_root, probe
from checks.params import DomainName, Endpoint, Resolver, Url, bracketed
from checks.safe import safe
from checks.wire.dns_follow import follow
from checks.wire.dns_lookup import lookup
from checks.wire.http import Request
from checks.wire.tcp import budget

_PATH = "/autodiscover/autodiscover.xml"
_MAILBOX = re.compile(r"[^\s@\x00-\x1f\x7f]{1,64}@[^\s@\x00-\x1f\x7f]{1,253}")
_MAX_HOPS = 4
_MAX_MAILBOXES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxSeen:
    """What the version 2 service said of one mailbox."""

    mailbox: str
    probe: Probe


@dataclass(frozen=True, slots=True, kw_only=True)
class AutodiscoverSeen:
    """Where the name leads in each view, and what answers over HTTP.

    `services` are the SRV records outside, or None where the lookup failed; `root` are the requests to the
    bare domain, each following the redirect of the one before. Texts are raw.
    """

    views: tuple[View, ...]
    root: tuple[Probe, ...]
    services: tuple[str, ...] | None = None
    redirect: Probe | None = None
    mailboxes: tuple[MailboxSeen, ...] = ()


class Autodiscover(Check[AutodiscoverSeen]):
    """Mail programs that look for their mailbox are led to the planned place, outside and inside.

    For mailboxes in the cloud alone the name autodiscover is a CNAME record to Microsoft, in the public zone
    and in every internal copy of it. In a hybrid organisation it leads to the Exchange server on site until
    the last mailbox has moved. Outlook asks the bare domain first: a web host that answers there misleads it.

    Proves: where the name leads in each view that was asked, that no web server at the bare domain answers in
    its place, and for listed mailboxes which side claims them.
    Cannot prove: what domain-joined computers find in the directory (service connection point), what a mail
    program has cached, or that a mailbox exists: the service may claim an address that has none.
    If it fails: correct the CNAME record of autodiscover.DOMAIN at the DNS host, and in the office's own
    zone; have a web server at the bare domain answer 404 for /autodiscover.

    Source: MS-OXDISCO (the places and their order), learn.microsoft.com external-domain-name-system-records
    (CNAME) and hybrid-deployment-prerequisites (hybrid).

    Example:
        type: mail.autodiscover
        domain: example.com
        inside: [10.0.0.53]
        mailboxes: [pilot@example.com]
    """

    deadline_s = 30.0

    domain: DomainName
    """The domain of the mail addresses."""
    expect: DomainName | None = None
    """Where autodiscover.DOMAIN leads: the target of its CNAME record, or itself if it has an address record.
    Left out, the name that Microsoft publishes for the cloud."""
    hybrid: bool = False
    """Whether mailboxes are on site, too, so that the name must still lead to the server there (`expect`)."""
    microsoft: bool = True
    """Whether the mailboxes are, or will be, in Exchange Online."""
    cloud: CloudName = "worldwide"
    """Microsoft's cloud that the tenant is in; GCC is in `worldwide`."""
    resolvers: tuple[Resolver, ...] = ()
    """Resolvers of the public view to ask, in turn; left out, those that this laptop was handed."""
    inside: tuple[Resolver, ...] = ()
    """DNS servers of the office; each must lead there, too."""
    mailboxes: Annotated[tuple[str, ...], Len(0, _MAX_MAILBOXES)] = ()
    """Mailboxes whose place is asked for, at most 20; only those of users who know of it."""
    v2_url: Url | None = None
    """Base of the service that tells a mailbox's place; left out, the cloud's."""
    root_url: Url | None = None
    """What is asked in place of https://DOMAIN/autodiscover/autodiscover.xml."""
    connect_to: Endpoint | None = None
    """Server to connect to in place of the bare domain's own."""
    redirect: bool = False
    """Whether to ask http://autodiscover.DOMAIN, too, which must redirect to the planned place."""
    redirect_url: Url | None = None
    """What is asked in place of http://autodiscover.DOMAIN/autodiscover/autodiscover.xml."""
    ca_file: str | None = None
    """PEM file of the authorities to trust in place of this laptop's."""

    def __post_init__(self) -> None:
        if self.domain == "." or "*" in self.domain:
            raise ValueError("'domain' is the domain of mail addresses, like example.com.")
        if self.expect is None and (self.hybrid or not self.microsoft):
            raise ValueError("Say by 'expect' which host of your own autodiscover leads to.")
        for mailbox in self.mailboxes:
            if not _MAILBOX.fullmatch(mailbox):
                raise ValueError(f"A mailbox is written like pilot@example.com, not {mailbox!r:.80}.")
        if self.mailboxes and not self.microsoft:
            raise ValueError("Only Microsoft's service tells where 'mailboxes' are: leave them out.")

    def needs_link(self) -> bool:
        places = [*(self.resolvers or ["x"]), *self.inside, self.connect_to or self.root_url or "x"]
        if self.mailboxes:
            places.append(self._base())
        if self._asks_redirect():
            places.append(self.redirect_url or "x")
        return not all(map(is_loopback, places))

    def _name(self) -> str:
        return f"autodiscover.{self.domain}"

    def _planned(self) -> str:
        return self.expect or CLOUDS[self.cloud].autodiscover

    def _base(self) -> str:
        return (self.v2_url or CLOUDS[self.cloud].outlook).rstrip("/")

    def _asks_redirect(self) -> bool:
        return self.redirect or self.redirect_url is not None

    async def observe(self, vantage: Vantage) -> AutodiscoverSeen:
        within = budget(vantage) * 0.8
        sides = [(self.resolvers, self.resolvers[0] if self.resolvers else "this laptop's resolver", False)]
        sides += [((server,), server, True) for server in self.inside]
        views, services, root, redirect, mailboxes = await asyncio.gather(
            asyncio.gather(
                *(
                    view(vantage, self._name(), self._planned(), servers, place, inside=inside)
                    for servers, place, inside in sides
                )
            ),
            self._services(vantage),
            self._root(vantage, within),
            self._redirect(vantage, within),
            asyncio.gather(*(self._mailbox(vantage, mailbox, within) for mailbox in self.mailboxes)),
        )
        return AutodiscoverSeen(
            views=tuple(views), services=services, root=root, redirect=redirect, mailboxes=tuple(mailboxes)
        )

    async def _services(self, vantage: Vantage) -> tuple[str, ...] | None:
        found = await lookup(vantage, f"_autodiscover._tcp.{self.domain}", "SRV", self.resolvers)
        return None if found.outcome == "failed" else found.texts[:20]

    async def _root(self, vantage: Vantage, within: float) -> tuple[Probe, ...]:
        url = self.root_url or f"https://{self.domain}{_PATH}"
        hops: list[Probe] = []
        while True:
            connect_to = self.connect_to
            if connect_to is None and self.root_url is None and self.resolvers:
                found = await self._place(vantage, url)
                if isinstance(found, Probe):
                    return (*hops, found)
                connect_to = found
            request = Request(url=url, connect_to=connect_to, ca_file=self.ca_file, max_body=4096)
            hops.append(await probe(vantage, request, within / _MAX_HOPS))
            following = hops[-1].location
            if following is None or len(hops) == _MAX_HOPS or not self._same_site(url, following):
                return tuple(hops)
            url = following

    async def _place(self, vantage: Vantage, url: str) -> str | Probe:
        """Return the address of a URL's host in the public view, or how it is not to be had."""
        host = host_of(url)
        for rdtype in ("A", "AAAA"):
            found = await follow(vantage, host, rdtype, self.resolvers)
            if found.outcome == "failed":
                return Probe(url=url, kind="local", detail=found.detail)
            if found.outcome == "found":
                return bracketed(found.texts[0])
        return Probe(url=url, kind="unresolved", detail=f"{host} has no address")

    def _same_site(self, url: str, following: str) -> bool:
        """Return whether a redirect stays with the domain's own web site, over https."""
        host = host_of(following)
        own = host in (host_of(url), self.domain) or host.endswith(f".{self.domain}")
        return own and host != self._name() and (following.startswith("https:") or url.startswith("http:"))

    async def _redirect(self, vantage: Vantage, within: float) -> Probe | None:
        if not self._asks_redirect():
            return None
        url = self.redirect_url or f"http://{self._name()}{_PATH}"
        return await probe(vantage, Request(url=url, ca_file=self.ca_file, max_body=4096), within)

    async def _mailbox(self, vantage: Vantage, mailbox: str, within: float) -> MailboxSeen:
        query = f"Email={quote(mailbox, safe='@')}&Protocol=AutodiscoverV1"
        url = f"{self._base()}/autodiscover/autodiscover.json?{query}"
        request = Request(url=url, ca_file=self.ca_file, max_body=65536)
        return MailboxSeen(mailbox=mailbox, probe=await probe(vantage, request, within))

    def judge(self, seen: AutodiscoverSeen) -> Iterable[Finding]:
        for one in seen.views:
            yield from judge_view(one, self._name(), self._planned(), hybrid=self.hybrid)
        yield from self._judge_services(seen.services)
        if seen.root:
            yield from judge_root(
                seen.root, (self._planned(), self._name()), microsoft=self.microsoft and not self.hybrid
            )
        if seen.redirect is not None:
            yield from judge_redirect(
                seen.redirect, self._planned(), microsoft=self.microsoft and not self.hybrid
            )
        for asked in seen.mailboxes:
            yield judge_mailbox(asked.mailbox, asked.probe, self._base(), self._planned(), hybrid=self.hybrid)

    def _judge_services(self, records: tuple[str, ...] | None) -> Iterable[Finding]:
        name = f"_autodiscover._tcp.{self.domain}"
        if records is None:
            yield cannot_tell(
                name, "Whether an SRV record leads clients elsewhere could not be looked up.",
                expected=f"none, or 0 0 443 {self._planned()}", observed="the lookup failed",
                fix="Run it again; if it stays so, mend the zone's servers or name another resolver.",
            )  # fmt: skip
            return
        targets = {text.split(" ")[-1] for text in records}
        shown = safe(", ".join(records), limit=300)
        if targets and targets <= {self._planned(), self._name()}:
            yield passed(name, "The SRV record leads to the planned place, too.", observed=shown)
        elif targets:
            yield warned(
                name, "The SRV record leads to another place: programs that get no other answer go there.",
                expected=f"none, or 0 0 443 {self._planned()}", observed=shown,
                fix=f"Delete the SRV record {name}, or point it to {self._planned()}.",
            )  # fmt: skip
