"""The SSH connections of a run: one per way into a host, opened on first use and closed with the run."""

from __future__ import annotations

from typing import Self

from checks.vantage import Shared
from checks.wire.ssh.access import Access
from checks.wire.ssh.remote import Remote


class Ssh:
    """All hosts that a run logs into; `vantage.client(Ssh)` gives it."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    @classmethod
    async def open(cls, shared: Shared) -> Self:
        """Make the client; nobody is connected to yet."""
        return cls(shared)

    def host(self, access: Access) -> Remote:
        """Return the host of `access`; the same for the same way."""
        raise NotImplementedError

    async def close(self) -> None:
        """Close every connection."""
