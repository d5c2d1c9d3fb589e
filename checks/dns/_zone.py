"""A zone's parent side and its servers: what `find_zone` returns, and how servers and names are written.

The walk itself is `checks.dns._walk`; what a parent's server says is read by `checks.dns._parents`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from checks.contract import is_loopback
from checks.dataclass import dataclass
from checks.params import bracketed, join_endpoint, split_endpoint, split_name_server
from checks.vantage import Vantage
from checks.wire.dns import Answer, Record
from checks.wire.names import Family, ip_version

How = Literal["servers", "parents", "roots", "resolvers"]
"""Where the way to the zone began: at servers named in the check, at the parent's servers named there, at the
roots named there, or at a resolver that was asked for the parent zone."""
Source = Literal["given", "glue", "looked up"]
Says = Literal[
    "delegates", "serves", "no such name", "no delegation", "alias", "elsewhere", "no authority", "failed"
]
"""What a server of the parent zone says of the domain: a referral to its servers; an answer of its own, as it
serves the child zone too (which hides the delegation); NXDOMAIN or no NS records, with authority; an alias;
a referral elsewhere; an answer without authority; no answer that can be used."""
Found = Literal["found", "no address", "no such name", "alias", "failed", "not looked up"]
"""What was found out about a name server's name. `failed`: nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One address of a name server: `endpoint` with its port, `name` empty where it is not known."""

    name: str
    endpoint: str
    source: Source = "given"

    @property
    def label(self) -> str:
        """Name and address, as findings name the server: `ns1.example.com (127.0.0.1:5301)`."""
        return f"{self.name} ({self.endpoint})" if self.name else self.endpoint

    @property
    def address(self) -> str:
        """The address without the port."""
        return split_endpoint(self.endpoint)[0]

    @property
    def version(self) -> int:
        """4 or 6; 0 for a server that is known by name only."""
        return ip_version(self.address) or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentView:
    """What one server of the parent zone says of the domain, and the answer it says it with."""

    server: Server
    says: Says
    answer: Answer
    ns: tuple[str, ...] = ()
    """The NS names of the delegation (of the child's own NS records where it `serves`)."""
    glue: tuple[Record, ...] = ()
    """Address records of those names that came with it."""
    target: str = ""
    """The zone it refers to, or the name of the alias."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NsName:
    """A name server's name: its addresses by the parent's glue, and by whoever has authority for it."""

    name: str
    glue: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    found: Found = "not looked up"
    alias: str = ""
    """Where the name leads if it is an alias, which a name server's name must not be."""
    detail: str = ""
    """Who said so, or why it failed; raw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """The way to a zone: its parent's servers with what each says, its NS names, its servers.

    `servers` are those given in the check, else one for each address of each NS name of the delegation.
    """

    domain: str
    how: How
    parent: str = ""
    """Name of the parent zone where it is known."""
    parents: tuple[ParentView, ...] = ()
    names: tuple[NsName, ...] = ()
    servers: tuple[Server, ...] = ()
    trouble: str = ""
    """Why the way ended before the parent's servers, or what was left out of it; raw."""
    doubts: tuple[str, ...] = ()
    """Where servers above the parent disagree about the way; raw."""
    steps: tuple[str, ...] = ()
    """The zones passed on the way; raw."""
    lost: tuple[str, ...] = ()
    """Servers named in the check that could not be asked: their names have no address here."""

    def usable(self) -> tuple[ParentView, ...]:
        """Return the views of the parent's servers that say something of the domain with authority."""
        return tuple(view for view in self.parents if view.says in DEFINITE)

    def delegation(self) -> tuple[str, ...]:
        """Return the NS names of the delegation, sorted: of referrals, else of servers with both zones."""
        for word in ("delegates", "serves"):
            names = {name for view in self.parents if view.says == word for name in view.ns}
            if names:
                return tuple(sorted(names))
        return ()

    def absent(self) -> bool:
        """Return whether the parent says with authority, and nobody else, that there is no delegation."""
        usable = self.usable()
        return bool(usable) and not any(view.says in ("delegates", "serves") for view in usable)


DEFINITE: frozenset[Says] = frozenset({"delegates", "serves", "no such name", "no delegation", "alias"})


async def find_zone(
    vantage: Vantage,
    domain: str,
    *,
    servers: Sequence[str] = (),
    parents: Sequence[str] = (),
    roots: Sequence[str] = (),
    resolvers: Sequence[str] = (),
    port: int = 53,
    family: Family = "any",
) -> Zone:
    """Find the servers of `domain` and what its parent says of it.

    `servers` (`checks.params.NameServer`) are taken as they are; `parents` are asked for the delegation;
    `roots` are where a walk by referrals begins (with `parents`, only that to names elsewhere). With none of
    the three, `resolvers` (else those that this laptop was handed) are asked for the parent zone's servers.
    With `servers`, the parent is only asked where `parents` or `roots` say where it is. `port` is that of
    every server without a port of its own.

    Never raises for what servers do: see `Zone.trouble` and `ParentView.says`. Raises CannotTell where there
    is no resolver to ask.
    """
    from checks.dns._walk import Walk

    walk = await Walk.begin(
        vantage, parents=parents, roots=roots, resolvers=resolvers, port=port, family=family
    )
    return await walk.zone(domain, servers)


def inside(name: str, zone: str) -> bool:
    """Return whether `name` is `zone` or lies below it."""
    return zone in (".", name) or name.endswith(f".{zone}")


def above(name: str) -> str:
    r"""Return the name without its first label; a dot that is part of a label (`\.`) does not count."""
    at = 0
    while at < len(name) and name[at] != ".":
        at += 2 if name[at] == "\\" else 1
    return name[at + 1 :] or "."


def ancestors(name: str) -> tuple[str, ...]:
    """Return the names above `name`, the nearest first, the root last; the root has none."""
    found: list[str] = []
    while name != ".":
        name = above(name)
        found.append(name)
    return tuple(found)


def endpoint(address: str, port: int) -> str:
    """Return address and port as one; port 53 goes without saying."""
    return bracketed(address) if port == 53 else join_endpoint(address, port)


def given(server: str, port: int) -> Server:
    """Return a name server as a person named it; `port` counts where it has none."""
    name, place = split_name_server(server)
    host, own = split_endpoint(place, port)
    return Server(name=name, endpoint=endpoint(host, own))


def start_once(servers: Sequence[str], parents: Sequence[str], roots: Sequence[str]) -> None:
    """Raise ValueError for a server that is named twice."""
    for key, named in (("servers", servers), ("parents", parents), ("roots", roots)):
        if len(set(named)) < len(named):
            raise ValueError(f"'{key}' names the same server twice.")


def leaves(*servers: str) -> bool:
    """Return whether asking these servers (forms `NameServer`, `Resolver`) leaves this machine; none does."""
    return not servers or not all(is_loopback(server.rpartition("=")[2]) for server in servers)
