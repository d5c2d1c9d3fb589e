"""network.http: a URL answers as planned."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal
from urllib.parse import urljoin, urlsplit

from checks.bounds import Ge, Le, Len
from checks.contract import Check, Finding, Measure, Vantage, is_loopback
from checks.dataclass import dataclass
from checks.judging import failed, passed, warned, within
from checks.network._expect import Scalar, body_findings
from checks.network._peers import untested
from checks.network._web import no_answer
from checks.params import Duration, Endpoint, Host, Regex, Url, join_endpoint, parse_url
from checks.safe import safe
from checks.wire.http import Exchange, Request, exchange, place
from checks.wire.names import Family
from checks.wire.tcp import budget

_EXCERPT = 4096
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSeen:
    """The request and each redirect that was followed, in order; the last one is judged."""

    exchanges: Annotated[tuple[Exchange, ...], Len(1)]


class Http(Check[HttpSeen]):
    """The URL answers with the expected status, and with the expected content where that is given.

    The observation keeps the time of each phase (resolve, connect, tls, ttfb, transfer), the TLS
    facts, the headers, and the body as far as an expectation needs it. Proxy settings of the environment are
    not used. Nothing is decompressed: identity encoding is asked for.

    Proves: an HTTP/1.1 request from this laptop is answered so, now, over https by a server that holds a
    trusted certificate for the name.
    Cannot prove: over plain http, with only a status expected, that the answer is the server's own: a captive
    portal says 200 to everything, so that is a warning (loopback apart). That a page works in a browser.
    If it fails: look at the service and its log; a redirect or a foreign page is often a proxy or a
    portal.

    Source: RFC 9110 section 15 (status), section 10.2.2 (Location), RFC 9112 section 6.3 (where a body ends).

    Example:
        type: network.http
        url: https://intranet.example.com/health
        contains: "all systems ready"
        max_time: 2s
    """

    deadline_s = 15.0

    url: Url
    """What to ask for."""
    method: Literal["GET", "HEAD"] = "GET"
    """HTTP method; HEAD asks for no body."""
    expect_status: Annotated[tuple[Annotated[int, Ge(100), Le(599)], ...], Len(1)] = (200,)
    """Statuses that are right; one that redirects is then not followed."""
    contains: str | None = None
    """Text that the body must contain."""
    matches: Regex | None = None
    """Regular expression that must be found in the body."""
    json: dict[str, Scalar] | None = None
    """Values that the JSON body must have, by path: `status: ok`, `nodes.0.ready: true`."""
    headers: dict[str, Regex] | None = None
    """Regular expression by header name: one value of that header must match."""
    location: Regex | None = None
    """Regular expression that the Location of a redirect must match; set expect_status to the redirect."""
    final_url: Regex | None = None
    """Regular expression that the URL after all redirects must match."""
    max_redirects: Annotated[int, Ge(0), Le(20)] = 0
    """How many redirects to follow; none from https to http is followed."""
    max_time: Duration | None = None
    """Longest time from the name to the last byte, redirects included; a warning from two thirds of it on."""
    connect_to: Endpoint | None = None
    """Server to connect to in place of the URL's: test the new one before DNS moves."""
    server_name: Host | None = None
    """Name that TLS asks for and the certificate must be for, in place of the URL's host."""
    ca_file: str | None = None
    """PEM file of the authorities to trust in place of this laptop's."""
    family: Family = "any"
    """`any`, `ipv4` or `ipv6`; the addresses are tried in the system's order until one accepts."""
    max_body: Annotated[int, Ge(1), Le(16 << 20)] = 1 << 20
    """Bytes of body to read at most."""

    def __post_init__(self) -> None:
        if "" in (self.contains, self.matches) or {} in (self.json, self.headers):
            raise ValueError("An empty expectation asserts nothing: leave it out or fill it in.")
        looks = self.contains is not None or self.matches is not None or self.json is not None
        if looks and self.method == "HEAD":
            raise ValueError("An answer to HEAD has no body: use GET to look at contains, matches or json.")
        if self.location is not None and not _REDIRECTS & set(self.expect_status):
            raise ValueError(
                "location is the target of a redirect: set expect_status to 301, 302, 307 or 308."
            )
        if self.max_time is not None and self.max_time <= 0:
            raise ValueError("max_time must be longer than zero.")

    def needs_link(self) -> bool:
        return not is_loopback(self.connect_to or self.url)

    async def observe(self, vantage: Vantage) -> HttpSeen:
        first, url = place(self.url), self.url
        hops: list[Exchange] = []
        while True:
            here = place(url)
            same = (here.host, here.port) == (first.host, first.port)
            request = Request(
                url=url, method=self.method, family=self.family, ca_file=self.ca_file, max_body=self.max_body,
                connect_to=self.connect_to if same else None,
                server_name=self.server_name if same else None,
            )  # fmt: skip
            seen = await exchange(vantage, request, budget(vantage))
            following = None if seen.status in self.expect_status else redirect(seen)
            if following is None or len(hops) >= self.max_redirects or _downgrades(seen, following):
                hops.append(seen if self._looks() else _excerpt(seen))
                return HttpSeen(exchanges=tuple(hops))
            hops.append(_excerpt(seen))
            url = following

    def judge(self, seen: HttpSeen) -> Iterable[Finding]:
        last = seen.exchanges[-1]
        subject = safe(last.url, limit=300)
        if last.status is None:
            if last.trouble is not None:
                yield no_answer(subject, last, last.trouble)
            return
        if last.status not in self.expect_status:
            yield self._wrong_status(subject, seen)
            return
        yield self._right_status(subject, last)
        if last.trouble is not None:
            yield no_answer(subject, last, last.trouble)
            return
        for bad in last.attempts[:-1]:
            if bad.outcome in ("no_route", "barred", "local"):
                yield untested(bad)
                continue
            yield warned(
                join_endpoint(bad.address, bad.port),
                "This address of the server does not accept; another one was used.",
                expected="open",
                observed=f"{bad.outcome}: {safe(bad.detail, limit=200)}",
                fix="Mend that address or take it out of DNS: users wait for it. network.tcp says more.",
            )
        yield from body_findings(subject, last, contains=self.contains, matches=self.matches, json=self.json)
        yield from self._judge_headers(subject, last)
        if self.max_time is not None:
            limit = self.max_time
            taken = sum(hop.phases.total for hop in seen.exchanges)
            measure = Measure(
                name="Response time", value=taken, unit="s", warn=limit * 2 / 3, fail=limit,
                source="max_time of this check",
            )  # fmt: skip
            yield within(
                subject, measure, fix="See the phases for what takes the time: name, path or server."
            )

    def _looks(self) -> bool:
        return self.contains is not None or self.matches is not None or self.json is not None

    def _right_status(self, subject: str, last: Exchange) -> Finding:
        say: dict[str, Any] = {"expected": self._statuses(), "observed": _status(last)}
        asserts = self._looks() or self.headers is not None or self.location is not None
        reached = last.attempts[-1].address if last.attempts else ""
        if self._authentic(last) or asserts or last.status not in {200, *_REDIRECTS} or is_loopback(reached):
            return passed(subject, "The URL answers with the expected status.", **say)
        return warned(
            subject,
            "The status is right, but over plain http any captive portal would answer so too.",
            fix="Say what the answer must hold (contains, matches, json or headers), or use https.",
            **say,
        )

    def _authentic(self, last: Exchange) -> bool:
        """Return whether a certificate vouches for the answer: a portal redirects plain http, too."""
        asked, answered = place(self.url), place(last.url)
        planned = asked.secure or asked.host == answered.host or self.final_url is not None
        return answered.secure and planned

    def _wrong_status(self, subject: str, seen: HttpSeen) -> Finding:
        last = seen.exchanges[-1]
        say: dict[str, Any] = {"expected": self._statuses(), "observed": _status(last)}
        following = redirect(last)
        if following is None:
            return failed(
                subject,
                "The URL answers with another status.",
                fix="Look at the service's log for this request; check path, name and the site behind it.",
                **say,
            )
        if _downgrades(last, following) and self.max_redirects:
            return failed(
                subject,
                "The redirect leads from https to plain http, which was not followed.",
                fix="Correct the redirect on the server: it must stay on https.",
                **say,
            )
        if following in [hop.url for hop in seen.exchanges]:
            return failed(
                subject,
                f"The redirects go in a circle after {len(seen.exchanges)} requests.",
                fix="Correct the redirect rules on the server or the proxy in front of it.",
                **say,
            )
        return failed(
            subject,
            f"The URL redirects; {self.max_redirects} redirects are allowed.",
            fix="Use the target as url, raise max_redirects, or expect the redirect by expect_status.",
            **say,
        )

    def _judge_headers(self, subject: str, last: Exchange) -> Iterable[Finding]:
        wanted = [(name.lower(), pattern) for name, pattern in (self.headers or {}).items()]
        if self.location is not None:
            wanted.append(("location", self.location))
        for name, pattern in wanted:
            values = [value for key, value in last.headers if key == name]
            say: dict[str, Any] = {
                "expected": pattern,
                "observed": safe(" | ".join(values) or "no such header", limit=300),
            }
            if any(re.search(pattern, value[:_EXCERPT]) for value in values):
                yield passed(subject, f"The header {name} is as expected.", **say)
            else:
                yield failed(
                    subject,
                    f"The header {name} is not as expected.",
                    fix="Correct the server's configuration, or find what on the way answers in its place.",
                    **say,
                )
        if self.final_url is not None:
            say = {"expected": self.final_url, "observed": safe(last.url, limit=300)}
            if re.search(self.final_url, last.url[:_EXCERPT]):
                yield passed(subject, "The redirects end where expected.", **say)
            else:
                yield failed(
                    subject, "The redirects end elsewhere.", fix="Correct the redirect on the server.", **say
                )

    def _statuses(self) -> str:
        return " or ".join(str(status) for status in self.expect_status)


def redirect(seen: Exchange) -> str | None:
    """Return the URL that an answer redirects to, None if it does not or if that is no http URL."""
    location = seen.header("location")
    if seen.status not in _REDIRECTS or location is None or len(location) > _EXCERPT:
        return None
    try:
        target: str = parse_url(urljoin(seen.url, location.strip()))
    except ValueError:
        return None
    return target


def _downgrades(seen: Exchange, following: str) -> bool:
    return place(seen.url).secure and urlsplit(following).scheme != "https"


def _status(seen: Exchange) -> str:
    text = f"{seen.status} {safe(seen.reason, limit=80)}".strip()
    location = seen.header("location")
    return f"{text}, to {safe(location, limit=300)}" if location is not None else text


def _excerpt(seen: Exchange) -> Exchange:
    return dataclasses.replace(seen, body=seen.body[:_EXCERPT])
