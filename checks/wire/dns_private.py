"""One resolver over TLS or HTTPS, as `checks.wire.dns` asks it."""

from __future__ import annotations

from collections.abc import Callable

from checks.vantage import Shared
from checks.wire.dns_answer import Path
from checks.wire.dns_https import Connections
from checks.wire.dns_stream import Lines, Reply, peer_of


class Private:
    """The connections to a normal-form `tls://` or `https://` resolver."""

    def __init__(self, shared: Shared, resolver: str, ca_file: str | None) -> None:
        self.path: Path = "https" if resolver.startswith("https://") else "tls"
        self._over: Lines | Connections
        if self.path == "https":
            self._over = Connections(shared, resolver, ca_file)
        else:
            self._over = Lines(shared, peer_of(resolver, ca_file))

    async def exchange(
        self, message_of: Callable[[int], bytes], question: bytes, deadline: float, tries: int
    ) -> Reply:
        """Ask once, until the loop's time `deadline`; raise Unanswered."""
        if isinstance(self._over, Connections):
            # The id is zero, so that equal questions are equal to a cache (RFC 8484 section 4.1).
            return await self._over.exchange(message_of(0), question, deadline)
        return await self._over.exchange(message_of, question, deadline, tries)

    async def close(self) -> None:
        """Close what is open."""
        await self._over.close()
