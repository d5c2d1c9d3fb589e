"""How many commands run at once over one connection: ten, or what the server was seen to permit."""

from __future__ import annotations

import asyncio

MOST = 10


class Slots:
    """A semaphore whose size shrinks when the server refuses a channel."""

    def __init__(self, limit: int = MOST) -> None:
        self.limit = limit
        self.used = 0
        self._waiting: list[asyncio.Future[None]] = []

    async def take(self) -> None:
        """Wait for a free place and take it."""
        while self.used >= self.limit:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            finally:
                if turn in self._waiting:
                    self._waiting.remove(turn)
        self.used += 1

    def give(self) -> None:
        """Give a place back."""
        self.used -= 1
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(None)
        self._waiting.clear()

    def shrink(self, seen: int) -> None:
        """Learn that no more are given than were seen at once."""
        self.limit = max(1, min(self.limit, seen))
