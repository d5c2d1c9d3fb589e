"""Which host key a server shows, without logging in: for a person who compares it with the console."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from checks.dataclass import dataclass
from checks.vantage import Shared
from checks.wire.ssh.access import Access
from checks.wire.ssh.connection import Connection
from checks.wire.ssh.limits import Limits
from checks.wire.ssh.watchdog import Watchdog


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownKey:
    """A public key as the server showed it, having proven that it holds the private half."""

    kind: str
    key: bytes


class _Looking(Connection):
    """A connection that ends before anybody logs in."""

    shown: ShownKey | None = None

    def _log_in(self, wire: Any) -> None:
        from checks.wire.ssh import hostkeys
        from checks.wire.ssh.peer import Peer

        peer = Peer(wire, hostkeys.preferred(self.access))
        self._peer = peer
        self._greet(peer)
        key = peer.get_remote_server_key()
        self.shown = ShownKey(kind=key.get_name(), key=key.asbytes())


async def look(access: Access) -> ShownKey:
    """Return the key that the host shows; raise SshTrouble with the stage where it shows none."""
    shared = Shared()
    watchdog = Watchdog()
    with ThreadPoolExecutor(4, thread_name_prefix="ssh") as pool:
        connection = _Looking(access, shared, pool, watchdog, Limits())
        try:
            await connection.open(None)
            assert connection.shown is not None
            return connection.shown
        finally:
            await connection.close()
            watchdog.close()
            await shared.close()
