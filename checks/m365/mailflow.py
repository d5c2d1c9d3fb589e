"""m365.mailflow: mail from outside arrives at the domain's mailboxes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import quote

from checks.bounds import Ge, Gt, Le
from checks.contract import Finding, Measure, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.m365._graph import GraphCheck, access, held_to_shape, no_such
from checks.params import DomainName, Duration, Percent
from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.graph import NoSuch, pages
from checks.wire.graph_access import Call
from checks.wire.graph_json import Drift, text, text_or

_PATH = "/v1.0/admin/exchange/tracing/messageTraces"
_WHAT = "the message traces"
_PERMISSION = "ExchangeMessageTrace.Read.All"
_MOST = 300_000
_FAILURES = 50
_LONGEST = 10 * 86400.0
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_OPEN = ("pending", "gettingstatus", "unknown", "unknownfuturevalue")
_MICROSOFTS = ("onmicrosoft.com", "onmicrosoft.us", "onmicrosoft.cn")
_FRACTION = re.compile(r"\.\d{1,9}")
_SPARE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many traced messages have one status."""

    status: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """One message to the domain that failed."""

    recipient: str
    sender: str
    at: str
    ip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailflowSeen:
    """Messages from outside to the domain in the window, by status; `internal` counts those that may not be.

    `failures` are the first 50 that failed.
    """

    start: datetime
    end: datetime
    inbound: tuple[Counted, ...]
    internal: int = 0
    failures: tuple[Failed, ...] = ()


class Mailflow(GraphCheck[MailflowSeen]):
    """Mail from outside is delivered to the domain's mailboxes in Exchange Online.

    Counted are traced messages to addresses of the domain whose sender is of another domain: not the domain
    or one below it, none of `own`, none of Microsoft's (`*.onmicrosoft.com`), and not the null sender of
    Exchange's own reports. A message to several recipients counts once for each. Those whose end is open
    (pending, status not known yet) are not counted as delivered or failed.

    Proves: that the service received and delivered such mail within the window: the new MX is in use.
    Cannot prove: that all senders use the new MX already (up to 72 hours), nor that a message from outside
    did not come by a connector from the old system; nor, where `own` leaves a domain out, that it came from
    outside.
    If it fails: look the failed messages up (Exchange admin centre, Mail flow, Message trace); where
    nothing arrives, look at mail.mx, dns.propagation and the connectors.

    Source: learn.microsoft.com/graph/api/messagetracingroot-list-messagetraces (worldwide cloud only),
    resource type exchangeMessageTrace.

    Example:
        type: m365.mailflow
        domain: example.com
        tenant_id: 5a1f0c6e-7a0e-4a53-9a2c-1f2b3c4d5e6f
        client_id: 0b7c2d1e-1111-4222-8333-444455556666
        secret: env:GRAPH_SECRET
        min_delivered: 5
        window: 4h
        max_failed: 5%
    """

    deadline_s = 120.0

    domain: DomainName
    """Domain of the recipients."""
    min_delivered: Annotated[int, Ge(1)] = 1
    """Least number of delivered messages."""
    window: Annotated[Duration, Gt(0), Le(_LONGEST)] = 86400.0
    """How far back to look; at most 10 days."""
    max_failed: Percent = 10.0
    """Largest share of failed messages among those delivered or failed; a warning from half of it on."""
    own: tuple[DomainName, ...] = ()
    """Other domains of the organisation: what their users send comes from inside."""

    def subject(self) -> str:
        return self.domain

    async def observe(self, vantage: Vantage) -> MailflowSeen:
        if self.cloud != "worldwide":
            raise CannotTell(
                f"Graph has no message traces in the cloud {self.cloud}.",
                "Look at the message trace in the Exchange admin centre, and state it by type: manual.",
            )
        end = vantage.now().replace(microsecond=0)
        start = end - timedelta(seconds=int(self.window))
        wanted = f"receivedDateTime ge {start:{_TIME}} and receivedDateTime le {end:{_TIME}}"
        call = Call(
            path=f"{_PATH}?$filter={quote(wanted, safe=':')}&$top=5000", what=_WHAT, permission=_PERMISSION,
            refused="The tenant also needs the service principal of message tracing: see Graph's guide.",
        )  # fmt: skip
        tally = _Tally((self.domain, *self.own, *_MICROSOFTS), start, end)
        try:
            async for page in pages(vantage, access(self, vantage), call):
                held_to_shape(call, lambda page=page: tally.add(page))  # type: ignore[misc]
                if tally.rows > _MOST:
                    raise CannotTell(
                        f"There are more than {_MOST} messages in the window; not all of them were read.",
                        "Look at a shorter window.",
                    )
        except NoSuch as error:
            raise no_such(call, error) from None
        return tally.seen(start, end)

    def judge(self, seen: MailflowSeen) -> Iterable[Finding]:
        counts = {item.status.lower(): item.count for item in seen.inbound}
        total = sum(counts.values())
        delivered, wrong = counts.get("delivered", 0), counts.get("failed", 0)
        hours = max(0.0, (seen.end - seen.start).total_seconds() / 3600)
        expected = f"at least {self.min_delivered} delivered from outside in {hours:.4g} h"
        shown = ", ".join(f"{item.count} {safe(item.status, limit=40)}" for item in seen.inbound[:10])
        observed = f"{shown or 'none'}; {seen.internal} from {self.domain} itself or from no sender outside"
        waiting = sum(counts.get(word, 0) for word in _OPEN)
        if total <= 0:
            yield cannot_tell(
                self.domain,
                "No message from outside was traced, so nothing is known about the way in.",
                expected=expected,
                observed=observed,
                fix="Send a test message from outside, wait some minutes for the trace, and run again; after "
                "the switch see dns.propagation and mail.smtp.",
            )
            return
        if delivered < self.min_delivered <= delivered + waiting:
            yield cannot_tell(
                self.domain,
                "Messages from outside are on their way, and what becomes of them is not known yet.",
                expected=expected,
                observed=observed,
                fix="Wait some minutes and run again; if they stay pending, see the message trace for why.",
            )
        elif delivered < self.min_delivered:
            yield failed(
                self.domain,
                "Fewer messages from outside were delivered than planned.",
                expected=expected,
                observed=observed,
                fix="See what became of the others in the message trace: recipients, connectors, quarantine.",
            )
        else:
            yield passed(self.domain, "Mail from outside is delivered.", expected=expected, observed=observed)
        if delivered + wrong > 0:
            yield self._share(seen, delivered, wrong)

    def _share(self, seen: MailflowSeen, delivered: int, wrong: int) -> Finding:
        share = 100.0 * wrong / (delivered + wrong)
        measure = Measure(
            name="Failed messages", value=share, unit="%", warn=self.max_failed / 2, fail=self.max_failed,
            source="max_failed of this check",
        )  # fmt: skip
        expected = f"at most {self.max_failed:g} % failed"
        observed = f"{wrong} of {delivered + wrong} ({share:.3g} %)"
        examples = "; ".join(
            f"{safe(item.sender, limit=80)} to {safe(item.recipient, limit=80)} at {safe(item.at, limit=30)}"
            for item in seen.failures[:3]
        )
        fix = f"Look these up in the message trace: {examples}." if examples else "See the message trace."
        if share > self.max_failed:
            return failed(
                self.domain, "Too many messages failed.", expected=expected, observed=observed, fix=fix
            )
        if wrong and share > self.max_failed / 2:
            return warned(self.domain, "Many messages failed.", expected=expected, observed=observed, fix=fix)
        return passed(
            self.domain, "Few messages failed.", expected=expected, observed=observed, measure=measure
        )


class _Tally:
    """The traces, counted page by page; `inside` are the domains whose senders are not outside."""

    def __init__(self, inside: tuple[str, ...], start: datetime, end: datetime) -> None:
        self._inside = inside
        self._first, self._last = start - _SPARE, end + _SPARE
        self.rows = 0
        self._inbound: dict[str, int] = {}
        self._internal = 0
        self._failures: list[Failed] = []

    def add(self, page: list[dict[str, object]]) -> None:
        """Count one page."""
        for item in page:
            self.rows += 1
            recipient, status = text(item, "recipientAddress"), text(item, "status")[:40]
            sender, at = text_or(item, "senderAddress"), text(item, "receivedDateTime")[:40]
            if not self._first <= _time(at) <= self._last:
                raise Drift("it holds a message of another time than was asked for")
            if _domain(recipient) != self._inside[0]:
                continue
            if not self._outside(_domain(sender)):
                self._internal += 1
                continue
            key = status if status in self._inbound or len(self._inbound) < 20 else "other"
            self._inbound[key] = self._inbound.get(key, 0) + 1
            if status.lower() == "failed" and len(self._failures) < _FAILURES:
                ip = text_or(item, "fromIP")[:60]
                self._failures.append(Failed(recipient=recipient[:320], sender=sender[:320], at=at, ip=ip))

    def _outside(self, domain: str) -> bool:
        return bool(domain) and not any(domain == own or domain.endswith(f".{own}") for own in self._inside)

    def seen(self, start: datetime, end: datetime) -> MailflowSeen:
        """Return all that was counted."""
        inbound = tuple(Counted(status=key, count=number) for key, number in sorted(self._inbound.items()))
        return MailflowSeen(
            start=start, end=end, inbound=inbound, internal=self._internal, failures=tuple(self._failures)
        )


def _time(text_: str) -> datetime:
    """Return a time as Graph writes it, with as many digits after the second as it likes."""
    try:
        found = datetime.fromisoformat(_FRACTION.sub("", text_))
    except ValueError:
        raise Drift("'receivedDateTime' is no time") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _domain(address: str) -> str:
    return address.rpartition("@")[2].strip().rstrip(".").lower()
