"""security.egress: what must not leave this network does not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from checks import jsonable
from checks.bounds import Len
from checks.contract import CannotTell, Finding, Vantage, is_loopback
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.params import Endpoint
from checks.remote.check import Fingerprint, Login, remote
from checks.remote.inventory import LoginDefaults, require_login_of
from checks.safe import in_line, safe
from checks.security._egress_inside import knock_from
from checks.security._knocks import CLOSED, LEAST_SILENCE, OPEN, Knock, knock, require_port
from checks.security._places import listed
from checks.wire.tcp import budget

WAIT_S = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenOpen:
    """An endpoint that an earlier run reached, and when."""

    endpoint: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressSeen:
    """How each connection ended, the control's before and after; `witness` is what was seen from outside."""

    inside: str
    tries: tuple[Knock, ...]
    before: Knock
    after: Knock
    witness: tuple[Knock, ...] = ()
    witness_trouble: str = ""
    earlier: tuple[SeenOpen, ...] = ()


class Egress(LoginDefaults[EgressSeen]):
    """From inside this network these listeners on the outside cannot be reached, and the control can.

    Listeners are machines of your own on the Internet that accept connections at ports which must not leave
    the network (25, 445, 3389). They are tried from this laptop, or with `host` from inside that machine.
    A listener that is down looks like a firewall: a `witness` outside, or an earlier run that reached it,
    shows that it was up; without either a pass comes with a warning.

    Proves: TCP connections from there to these listeners were refused or unanswered, while the control was
    reached before and after.
    Cannot prove: anything about other destinations, UDP, or another machine's rules; a rule may know ours.
    If it fails: forbid the port outwards in the firewall, for IPv4 and IPv6, or send it through the proxy.

    Source: RFC 9293 section 3.5; NIST SP 800-41r1 sections 4.1 and 5.2.2 (outbound rules and their test).

    Example:
        type: security.egress
        closed: ["probe.example.net:25", "probe.example.net:3389"]
        control: "probe.example.net:443"
    """

    deadline_s = 60.0

    closed: Annotated[tuple[Endpoint, ...], Len(1, 64)]
    """Listeners of your own outside, with their ports, that must not be reached."""
    control: Endpoint
    """A listener outside that must be reached, best on the same machine: `probe.example.net:443`."""
    host: Endpoint | None = None
    """The machine inside from which it is tried, by SSH; left out, this laptop. Needs `user`."""
    host_key: Fingerprint | None = None
    """Fingerprint of that machine's key (`SHA256:...`), where it stands in no known_hosts file."""
    witness: Login | None = None
    """A machine outside from which each listener is reached: it shows that they are up."""

    def __post_init__(self) -> None:
        for place in (*self.closed, self.control):
            require_port(place, "closed" if place != self.control else "control")
        if self.control in self.closed:
            raise ValueError("The control cannot be closed and reached at once.")
        if len(set(self.closed)) < len(self.closed):
            raise ValueError("'closed' names the same listener twice.")
        if self.host is None and self.host_key is not None:
            raise ValueError("'host_key' belongs to a 'host'.")
        for login in (self._inside(), self.witness):
            if login is not None:
                require_login_of(self, login)
        if is_loopback(self.control) and not all(is_loopback(place) for place in self.closed):
            raise ValueError("A control on the machine itself proves nothing about the way out.")

    def subject(self) -> str:
        return listed(self.closed)

    def needs_link(self) -> bool:
        logins = [login.host for login in (self._inside(), self.witness) if login]
        return not all(is_loopback(place) for place in (*self.closed, self.control, *logins))

    def _inside(self) -> Login | None:
        return Login(host=self.host, host_key=self.host_key) if self.host is not None else None

    async def observe(self, vantage: Vantage) -> EgressSeen:
        watching = asyncio.ensure_future(self._witness(vantage))
        inside = self._inside()
        try:
            if inside is None:
                name = "this laptop"
                before, tries, after = await self._from_here(vantage)
            else:
                name = inside.host
                async with asyncio.timeout(budget(vantage)):
                    before, tries, after = await self._from_inside(vantage, inside)
            witness, trouble = await watching
        except TimeoutError:
            raise CannotTell(
                f"{name} was not done in the time of the check.",
                "Give the check a longer 'timeout', or look why this machine is silent.",
            ) from None
        finally:
            watching.cancel()
        return EgressSeen(
            inside=name, tries=tuple(tries), before=before, after=after, witness=tuple(witness),
            witness_trouble=trouble, earlier=self._earlier(vantage),
        )  # fmt: skip

    async def _from_here(self, vantage: Vantage) -> tuple[Knock, list[Knock], Knock]:
        patience = min(float(WAIT_S), max(0.1, budget(vantage) / 4))
        before = await knock(vantage, self.control, patience)
        tries = await asyncio.gather(*(knock(vantage, place, patience) for place in self.closed))
        return before, tries, await knock(vantage, self.control, patience)

    async def _from_inside(self, vantage: Vantage, inside: Login) -> tuple[Knock, list[Knock], Knock]:
        host = await remote(self, vantage, inside)
        [before] = await knock_from(host, [self.control], WAIT_S)
        tries = await knock_from(host, self.closed, WAIT_S)
        [after] = await knock_from(host, [self.control], WAIT_S)
        return before, tries, after

    async def _witness(self, vantage: Vantage) -> tuple[list[Knock], str]:
        if self.witness is None:
            return [], ""
        try:
            async with asyncio.timeout(budget(vantage) * 0.9):
                host = await remote(self, vantage, self.witness)
                return await knock_from(host, self.closed, WAIT_S), ""
        except CannotTell as trouble:
            return [], trouble.reason
        except TimeoutError:
            return [], f"{self.witness.host} was not done in the time of the check."

    def _earlier(self, vantage: Vantage) -> tuple[SeenOpen, ...]:
        found: dict[str, SeenOpen] = {}
        for result in vantage.earlier(50):
            try:
                seen = jsonable.from_json(EgressSeen, result.observation)
            except ValueError:
                continue
            for one in (*seen.tries, *seen.witness):
                if one.outcome == "open" and one.endpoint in self.closed:
                    found.setdefault(one.endpoint, SeenOpen(endpoint=one.endpoint, at=result.at))
        return tuple(found.values())

    def judge(self, seen: EgressSeen) -> Iterable[Finding]:
        tries = {one.endpoint: one for one in seen.tries}
        reached = seen.before.outcome == seen.after.outcome == "open"
        if reached:
            yield passed(self.control, "The control is reached.", expected="open", observed="open twice")
        else:
            yield cannot_tell(
                self.control, f"The control is not reached from {safe(seen.inside, limit=100)}: then silence "
                "proves nothing.", expected="open before and after",
                observed=f"{_words(seen.before)}, then {_words(seen.after)}",
                fix="Mend the way to the control, or name one that must be reached from there.",
            )  # fmt: skip
        unproven = []
        for place in self.closed:
            one = tries.get(place)
            if one is not None and one.outcome in OPEN:
                yield failed(
                    place, f"It is reached from {safe(seen.inside, limit=100)} and must not be.",
                    expected="closed", observed=_words(one),
                    fix="Forbid it outwards in the firewall, for IPv4 and IPv6; if a proxy answers for "
                    "everything, test with a listener that says who it is.",
                )  # fmt: skip
            elif reached:
                known = self._was_up(place, seen)
                if one is not None and one.outcome in CLOSED and not known:
                    unproven.append(place)
                yield self._closed(place, one, known, seen)
        if seen.witness_trouble:
            yield cannot_tell(
                "the witness", f"The witness could not be asked: {safe(seen.witness_trouble, limit=300)}",
                expected="what it reaches", observed="nothing",
                fix="Mend the login at the witness, or take it out.",
            )  # fmt: skip
        elif unproven and self.witness is None:
            yield warned(
                listed(unproven), "Nothing shows that these listeners were up: one that is down looks alike.",
                expected="a witness that reaches them, or an earlier run that did",
                observed=in_line(unproven),
                fix="Name a 'witness' outside, or run the check once before the rule is made: what it "
                "reached then is remembered.",
            )  # fmt: skip

    def _was_up(self, place: str, seen: EgressSeen) -> str:
        """Return how it is known that the listener was up; empty where it is not."""
        if any(one.endpoint == place and one.outcome == "open" for one in seen.witness):
            return "open for the witness"
        at = next((one.at for one in seen.earlier if one.endpoint == place), None)
        return f"open on {at:%Y-%m-%d %H:%M} UTC" if at is not None else ""

    def _closed(self, place: str, one: Knock | None, known: str, seen: EgressSeen) -> Finding:
        observed = _words(one) if one is not None else "not tried"
        outside = next((item for item in seen.witness if item.endpoint == place), None)
        if outside is not None and outside.outcome != "open":
            return cannot_tell(
                place, "The witness does not reach it either: the listener is down, or filtered elsewhere.",
                expected="open for the witness", observed=f"{observed}; witness: {_words(outside)}",
                fix="Start the listener and run it again.",
            )  # fmt: skip
        if one is None or one.outcome not in CLOSED:
            return cannot_tell(
                place, "It was not tried: nothing left the machine.", expected="closed", observed=observed,
                fix="Correct the name or the machine's own route or firewall; a name that is not resolved "
                "says nothing about the address behind it.",
            )  # fmt: skip
        if one.outcome == "timeout" and 0 < one.seconds < LEAST_SILENCE:
            return cannot_tell(
                place, "Nothing answered in the little time there was.",
                expected=f"silence for {LEAST_SILENCE} s", observed=observed,
                fix="Give the check a longer 'timeout', and run it again.",
            )  # fmt: skip
        more = f"; {known}" if known else ""
        return passed(
            place, f"It is not reached from {safe(seen.inside, limit=100)}.", expected="closed",
            observed=f"{observed}{more}",
        )  # fmt: skip


def _words(one: Knock) -> str:
    return safe(f"{one.outcome} {one.address} {one.detail}".strip(), limit=200)
