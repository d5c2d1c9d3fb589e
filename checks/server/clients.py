"""server.clients: nobody uses the old server any more, by many looks over a time."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Annotated

from checks import jsonable
from checks.bounds import Ge, Le, Len
from checks.contract import Finding, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed
from checks.params import Duration, Network, Port
from checks.remote.check import RemoteCheck, remote, require_login
from checks.safe import in_line, safe
from checks.server._clients_read import Look, look
from checks.server._clients_window import Sighting, Window, over, runs, slot_s
from checks.words import Measure, minute, span

EARLIER = 5000
SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientsSeen:
    """Who is connected now, and what the earlier runs of this window saw, in one."""

    now: Look
    window: Window


class Clients(RemoteCheck[ClientsSeen]):
    """Nobody uses this server any more: no client was connected at any look of a whole window.

    One run is one look; run it on a schedule (every 5 to 15 minutes) over the window, which should hold a
    month's end or whatever is done rarely. With 'window: 0s' this one look alone decides, such as when the
    old server is frozen: services that were stopped have no clients then, and that is told.

    Proves: at each of so many looks, spread over the window, no client was connected by TCP to a port that
    the server listens on, no NFS client was known and nobody was logged in, but those that are ignored.
    Cannot prove: that nobody came between two looks (short requests by HTTP, LDAP or DNS are hard to
    catch), what is asked by UDP or goes to containers, or what is done once a year.
    If it fails: find out what the named client wants there (drive maps, printers, scanners, scripts, hard
    coded addresses), lead it to the new server, and let the window begin anew.

    Source: ss(8), smbstatus(1), nfsd's /proc/fs/nfsd/clients, who(1).

    Example:
        type: server.clients
        host: files-old.example.net
        user: tech
        sudo: true
        ports: [445]
        ignore: [192.0.2.10/32]
        window: 7d
    """

    ports: Annotated[tuple[Port, ...], Len(0, 100)] = ()
    """Ports of the services that must not be used; a look at which one of them was not listened on proves
    nothing. Left out, every port that the server listens on, and logins."""
    ignore: Annotated[tuple[Network, ...], Len(0, 100)] = ()
    """Networks whose clients do not count: monitoring, backup, the new server that copies. Our own SSH
    connection never counts."""
    local: bool = False
    """Whether the server's own programs count as clients, too."""
    window: Duration = 7 * 86400.0
    """How long nobody may have been there; `0s`: nobody is there now, and one look is enough."""
    min_samples: Annotated[int, Ge(2), Le(2000)] = 100
    """How many looks the window must hold; those that lie close together count once."""
    max_gap: Duration = 86400.0
    """Longest time within the window without a look."""
    smb_conf: Annotated[str, Len(1, 4096)] | None = None
    """Samba's configuration file, where it is not the usual one."""

    def __post_init__(self) -> None:
        require_login(self)
        if self.window == 0:
            return
        if self.window < 60:
            raise ValueError("'window' is at least one minute, or '0s' for this one look.")
        if not 0 < self.max_gap <= self.window:
            raise ValueError("'max_gap' lies between 0 and 'window'.")

    async def observe(self, vantage: Vantage) -> ClientsSeen:
        host = await remote(self, vantage)
        now = await look(host, vantage.now(), self.root, self.smb_conf or "", self.ports)
        looks = [now]
        for earlier in vantage.earlier(EARLIER) if self.window else ():
            try:
                seen: ClientsSeen = jsonable.from_json(ClientsSeen, earlier.observation)
            except ValueError:
                continue
            if (seen.now.host, seen.now.host_key) == (now.host, now.host_key):
                looks.append(seen.now)
        return ClientsSeen(
            now=now,
            window=over(
                looks, now.at, window_s=self.window, min_samples=self.min_samples if self.window else 1,
                ports=self.ports,
            ),
        )  # fmt: skip

    def judge(self, seen: ClientsSeen) -> Iterable[Finding]:
        window, host = seen.window, safe(seen.now.host)
        expected = f"no client within {span(self.window)}" if self.window else "no client now"
        networks = [ipaddress.ip_network(network) for network in self.ignore]
        asked = [one for one in window.sightings if self._asked(one)]
        ignored = [one for one in asked if _inside(one.peer, networks)]
        users = [one for one in asked if one not in ignored]
        for one in users[:SHOWN]:
            yield failed(
                host, f"{safe(one.peer, limit=100)} used {_what(one)}: at {_looks(one)}, "
                f"last {minute(one.last)}.", expected=expected, observed=safe(one.detail, limit=300),
                fix="Find out what it wants there and lead it to the new server; if it does not count "
                "(monitoring, backup), name its network in 'ignore'.",
            )  # fmt: skip
        if users[SHOWN:]:
            yield failed(
                host, f"{len(users) - SHOWN} more clients used it.", expected=expected,
                observed=in_line(f"{one.peer}: {_what(one)}" for one in users[SHOWN : SHOWN + 30]),
                fix="Lead them to the new server, those with the most looks first.",
            )  # fmt: skip
        if window.left_out:
            yield cannot_tell(
                host, f"{window.left_out} clients more than can be kept were connected.", expected=expected,
                observed=f"{len(window.sightings)} kept", fix="Ask for the 'ports' that matter only.",
            )  # fmt: skip
        if self.window:
            yield from self._spread(seen, expected, used=bool(users or window.left_out))
        elif not (users or window.left_out):
            yield self._now(seen.now, expected)
        if ignored:
            yield passed(
                host, f"{len(ignored)} clients were there and do not count.", expected="as 'ignore' says",
                observed=in_line(f"{one.peer}: {_what(one)}" for one in ignored[:30]),
            )  # fmt: skip

    def _asked(self, one: Sighting) -> bool:
        return (self.local or not one.local) and (not self.ports or one.port in self.ports)

    def _now(self, now: Look, expected: str) -> Finding:
        """Say that nobody is there, and which services could not have been used."""
        stopped = sorted(set(self.ports) - set(now.listening))
        told = f"nothing listens on {in_line(map(str, stopped))}" if stopped else "every service is running"
        return passed(
            safe(now.host), "Nobody is connected at this moment.", expected=expected,
            observed=f"no client at {minute(now.at)}; {told}",
        )  # fmt: skip

    def _spread(self, seen: ClientsSeen, expected: str, *, used: bool) -> Iterable[Finding]:
        """Judge whether there are enough looks to say that nobody was there."""
        window, host = seen.window, safe(seen.now.host)
        if window.later:
            yield cannot_tell(
                host, "Earlier looks are dated after this one, so what the window holds is not known.",
                expected="looks in the order of their times", observed=f"{window.later} later looks",
                fix="Set this computer's clock right (gonogo doctor looks at it), and run again.",
            )  # fmt: skip
            return
        if not runs(seen.now, self.ports):
            closed = sorted(set(self.ports) - set(seen.now.listening))
            yield cannot_tell(
                host, "A service that nobody may use is not running, so nobody could be seen to want it.",
                expected=f"something listens on {in_line(map(str, closed))}", observed="nothing listens",
                fix="Start it again until the window is over, or leave the port out of what is watched.",
            )  # fmt: skip
        held = (window.end - window.first).total_seconds() if window.first else 0.0
        observed = (
            f"{window.slots} looks (of {self.min_samples}) over {span(held)} of {span(self.window)}, "
            f"longest gap {span(window.longest_gap_s)}"
        )
        if window.slots < self.min_samples or window.longest_gap_s > self.max_gap:
            also = f" Looks at a stopped service do not count: {window.idle}." if window.idle else ""
            yield cannot_tell(
                host, f"So far there are too few looks to say that nobody uses it.{also}",
                expected=f"{self.min_samples} looks at least {span(slot_s(self.window, self.min_samples))} "
                f"apart over {span(self.window)}, no gap above {span(self.max_gap)}",
                observed=observed, fix="Keep running this check on a schedule, such as every 10 minutes, "
                "until the window is full.",
            )  # fmt: skip
        elif not used and runs(seen.now, self.ports):
            yield passed(
                host, "Nobody used it at any look.", expected=expected, observed=observed,
                measure=Measure(name="looks", value=window.slots, unit="looks", fail=self.min_samples),
            )  # fmt: skip


def _inside(peer: str, networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in networks)


def _looks(one: Sighting) -> str:
    return "1 look" if one.looks == 1 else f"{one.looks} looks"


def _what(one: Sighting) -> str:
    return f"port {one.port}" if one.port else "a login"
