"""The SNMP client that all checks of a run share."""

from __future__ import annotations

from typing import Self

from checks.vantage import CannotTell, Shared
from checks.wire.snmp.agent import Access, Agent


class Snmp:
    """One client for a run: hands out an agent for each way of asking."""

    @classmethod
    async def open(cls, shared: Shared) -> Self:  # noqa: ARG003
        """See `checks.vantage.Client`."""
        return cls()

    def agent(self, access: Access) -> Agent:
        """Return the agent that `access` leads to; nothing is asked yet."""
        raise CannotTell(f"SNMP to {access.host} cannot be asked yet.", "Wait for the next version.")

    async def close(self) -> None:
        """See `checks.vantage.Client`."""
