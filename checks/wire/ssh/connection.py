"""One connection: dialled, its key verified, logged in, each stage under a wall clock; then channels."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from checks.vantage import CannotTell, Shared
from checks.wire import names, tcp
from checks.wire.ssh import channel, failures
from checks.wire.ssh.access import Access, SshTrouble
from checks.wire.ssh.channel import Bell, Errand, Outcome
from checks.wire.ssh.limits import Limits
from checks.wire.ssh.slots import Slots
from checks.wire.ssh.watchdog import Watchdog

if TYPE_CHECKING:
    from checks.wire.ssh.peer import Peer

T = TypeVar("T")
KEEPALIVE_S = 15


class NoChannel(Exception):  # noqa: N818 - an answer, handled by whoever counts channels
    """The server answered that it opens no further channel."""


class Connection:
    """A connection being made or in use: called from the event loop, working in threads."""

    def __init__(
        self, access: Access, shared: Shared, pool: ThreadPoolExecutor, watchdog: Watchdog, limits: Limits
    ) -> None:
        self.access = access
        self.slots = Slots()
        self.version = ""
        self.host_key = ""
        self.login_s = 0.0
        self._shared, self._pool, self._watchdog, self.limits = shared, pool, watchdog, limits
        self._peer: Peer | None = None
        self._cut = False

    @property
    def most_open(self) -> int:
        """The most sessions that the server let be open at once."""
        return self._peer.most_open if self._peer is not None else 0

    @property
    def alive(self) -> bool:
        """Whether it can still be used, as far as this side knows."""
        return self._peer is not None and not self._cut and bool(self._peer.is_active())

    async def open(self, outer: Connection | None) -> None:
        """Connect (through `outer` if given), verify the host's key, log in; raises SshTrouble."""
        began = time.monotonic()
        wire = await (self._dial() if outer is None else outer.tunnel(self.access))
        try:
            await self._thread(self._log_in, wire)
        except BaseException:
            self.cut()
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
            if self._peer is None:
                wire.close()
            raise
        self.login_s = time.monotonic() - began

    def late(self, seconds: float) -> SshTrouble:
        """Return which stage of the login is under way, as what did not end within `seconds`."""
        if self._peer is None:
            return failures.silent(self.access, seconds)
        if not self.host_key:
            return failures.greeted(self.access, self._peer, None, seconds)
        if not self._peer.is_authenticated():
            return failures.late(self.access, "auth", seconds)
        if not self.most_open:
            return failures.late(self.access, "open-channel", seconds)
        return failures.not_run(
            self.access, Outcome(ended="not-started", started=False, duration_s=seconds)
        )  # fmt: skip

    async def carry(self, errand: Errand, bell: Bell) -> Outcome:
        """Run an errand; `bell.stop()` ends it. Raises NoChannel, or SshTrouble where no channel came about.

        A caller that is cancelled has rung the bell itself and finds the outcome in the future that it kept.
        """
        return await self._thread(self._carry, errand, bell)

    async def tunnel(self, target: Access) -> Any:
        """Return a connection from this host to `target` that serves as a socket."""
        return await self._thread(self._tunnel, target)

    def cut(self) -> None:
        """End it at once; whoever waits for it is woken."""
        self._cut = True
        if self._peer is not None:
            self._peer.cut()

    async def close(self) -> None:
        """End it and wait for its thread."""
        self.cut()
        if self._peer is not None:
            await self._thread(self._join)

    async def _thread(self, work: Callable[..., T], *given: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *given)

    async def _dial(self) -> socket.socket:
        access, patience = self.access, self.limits.connect
        until = time.monotonic() + patience
        try:
            async with asyncio.timeout(patience):
                found = await names.resolve(self._shared, access.host)
        except TimeoutError:
            raise failures.unresolved(access, "the resolver did not answer in time") from None
        if not found.addresses:
            raise failures.unresolved(access, found.error or "none was told")
        trouble: SshTrouble | None = None
        for index, address in enumerate(found.addresses[:8]):
            left = max(0.5, until - time.monotonic())
            within = left if index + 1 == len(found.addresses) else left / 2
            attempt, sock = await tcp.connect(address, access.port, within)
            if sock is not None:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return sock
            failed = failures.dialled(access, attempt)
            trouble = failed if trouble is None or failed.refused else trouble
        assert trouble is not None
        raise trouble

    def _log_in(self, wire: Any) -> None:
        from checks.wire.ssh import auth, hostkeys
        from checks.wire.ssh.peer import Peer

        peer = Peer(wire, hostkeys.preferred(self.access))
        self._peer = peer
        self._greet(peer)
        key = peer.get_remote_server_key()
        self.version = peer.remote_version
        self.host_key = f"{key.get_name()} {key.fingerprint}"
        hostkeys.verify(self.access, key)
        try:
            auth.authenticate(peer, self.access, self._limit)
        except CannotTell:
            raise
        except Exception as error:
            raise failures.lost(self.access, "auth") from error
        if not peer.is_authenticated():
            raise failures.lost(self.access, "auth")
        peer.set_keepalive(KEEPALIVE_S)

    def _greet(self, peer: Peer) -> None:
        seconds = self.limits.banner
        peer.banner_timeout = peer.auth_timeout = 600
        error: Exception | None = None
        with self._watchdog.limit(seconds, peer.cut) as guard:
            if self._cut:
                peer.cut()
            try:
                peer.start_client()
            except Exception as raised:  # noqa: BLE001 - whatever paramiko's thread met; told by what is known
                error = raised
        if error is not None or guard.fired or not peer.is_active():
            raise failures.greeted(self.access, peer, error, seconds if guard.fired else None) from error

    @contextlib.contextmanager
    def _limit(self, stage: str, seconds: float) -> Iterator[None]:
        """Cut the connection if the block takes longer, and say so as trouble of that stage."""
        assert self._peer is not None
        with self._watchdog.limit(seconds, self._peer.cut) as guard:
            try:
                yield
            except Exception as error:
                if guard.fired:
                    raise failures.late(self.access, stage, seconds) from error
                raise
        if guard.fired:
            raise failures.late(self.access, stage, seconds)

    def _carry(self, errand: Errand, bell: Bell) -> Outcome:
        import paramiko

        peer = self._peer
        if peer is None or bell.stopped:
            return Outcome(ended="stopped", started=False)
        limits = self.limits
        longest = 2 * limits.channel + limits.shell + errand.total_s + 10
        with self._watchdog.limit(longest, peer.cut):
            try:
                return channel.carry(peer, errand, bell, self._watchdog.limit, limits)
            except paramiko.ChannelException as error:
                raise NoChannel from error
            except Exception as error:
                if not peer.is_active():
                    raise failures.lost(self.access, "open-channel") from error
                if "Timeout" not in str(error):
                    raise NoChannel from error
                raise failures.late(self.access, "open-channel", limits.channel) from error

    def _tunnel(self, target: Access) -> Any:
        import paramiko

        from checks.wire.ssh.peer import Tunnel

        peer, seconds = self._peer, self.limits.channel
        assert peer is not None
        try:
            opened = peer.open_channel(
                "direct-tcpip", (target.host, target.port), ("127.0.0.1", 0), timeout=seconds
            )
        except paramiko.ChannelException as error:
            raise failures.no_tunnel(self.access, target, error.code) from error
        except Exception as error:
            if peer.is_active():
                raise failures.late(self.access, "jump", seconds) from error
            raise failures.lost(self.access, "jump") from error
        return Tunnel(opened)

    def _join(self) -> None:
        peer = self._peer
        if peer is not None and peer.is_alive():
            peer.join(5)
        if peer is not None:
            peer.close()
            peer.wire.close()
