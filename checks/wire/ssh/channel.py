"""One command over one channel: both streams read at once, every wait bounded, nothing unsaid.

Runs in a thread of the client's. A bell rings for whatever happens on the channel, so that nothing is
polled; only a write into a full window is tried again, every 20 ms: paramiko tells nobody of its opening.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable
from dataclasses import field, replace
from typing import Any, Literal

from checks.dataclass import dataclass
from checks.wire.ssh.limits import Limits
from checks.wire.ssh.remote import Ended

_CHUNK = 1 << 20
STOP_S = 1.0
"""How long a command that is to stop is waited for to say which process it is. Without that it would go on
until its own limit; one that has not begun by then ends as it writes to the closed channel."""
_PID = re.compile(rb" ([0-9]{1,10})\r?\n")

How = Ended | Literal["refused", "unanswered", "stopped", "not-started"]
LEFT = frozenset({
    "stopped", "total-timeout", "idle-timeout", "output-cap", "error-cap", "eof-without-exit-status",
})  # fmt: skip
"""Ends after which the command may still be running on the host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What is to be carried over a channel."""

    line: str
    marker: bytes
    """What stdout and stderr begin with when the command itself begins; what came before is the shell's."""
    stdin: bytes = field(default=b"", repr=False)
    """Written once the command has begun: nothing else is to read it."""
    max_stdout: int
    max_stderr: int
    total_s: float
    """Counted from the beginning of the command, as `idle_s`; the login shell has its own time before it."""
    idle_s: float | None = None
    host_ends: bool = False
    """Whether the host ends it after `total_s`: then that is waited for a little longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How it went. `started` is False where the marker never came: the command itself never ran."""

    ended: How
    started: bool
    status: int | None = None
    signal: str = ""
    stdout: bytes = b""
    stderr: bytes = b""
    before: bytes = b""
    """What the login shell said of its own before the command began."""
    pid: int | None = None
    """The process on the host that ends the command when it is told to terminate; None once it was ended."""
    shell_s: float = 0.0
    """From the request to the command's beginning."""
    ran_s: float = 0.0
    """From there to its end."""
    duration_s: float = 0.0
    asked_at: float = 0.0
    """Wall clock when the command was given its input."""
    answered_at: float = 0.0
    """Wall clock when the first output after that came."""


class Bell(threading.Event):
    """Rings for everything that happens on a channel, and when the errand is to stop."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped = False

    def stop(self) -> None:
        """Make the errand end as soon as it is known what to end; from any thread."""
        self.stopped = True
        self.set()


class _Ringer:
    """What a paramiko pipe sets when something came and clears when it was read: only the former rings."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell

    def set(self) -> None:
        self._bell.set()

    def clear(self) -> None:
        """Leave the bell as it is: the loop itself clears it."""


class _Status(threading.Event):
    """The event of an exit status."""

    def __init__(self, bell: Bell) -> None:
        super().__init__()
        self._bell = bell

    def set(self) -> None:
        super().set()
        self._bell.set()


def carry(peer: Any, errand: Errand, bell: Bell, limit: Callable[..., Any], limits: Limits) -> Outcome:
    """Open a channel, run the errand, close the channel; paramiko's exceptions of opening pass through."""
    channel = peer.open_session(timeout=limits.channel)
    peer.opened(channel.chanid)
    try:
        _listen(channel, bell)
        begun = time.monotonic()
        refusal = _exec(channel, errand.line, bell, limit, limits.channel)
        if refusal is not None:
            return Outcome(ended=refusal, started=False, duration_s=time.monotonic() - begun)
        return _Run(peer, channel, errand, bell, limits, begun).run()
    finally:
        channel.in_buffer.feed = channel.in_stderr_buffer.feed = _drop
        peer.closing(channel.chanid)
        with contextlib.suppress(Exception):
            channel.close()


def _drop(data: object) -> None:
    """Take what still comes after the end: a peer that ignores its window fills no memory."""


def _listen(channel: Any, bell: Bell) -> None:
    ringer = _Ringer(bell)
    channel.in_buffer.set_event(ringer)
    channel.in_stderr_buffer.set_event(ringer)
    channel.status_event = _Status(bell)
    channel.writing = threading.Lock()
    """Held to write: a write that comes after the answer to a close makes OpenSSH drop the connection."""


def _exec(channel: Any, line: str, bell: Bell, limit: Callable[..., Any], seconds: float) -> How | None:
    """Send the command line; return how that failed. An answer that does not come is cut off by its event."""
    try:
        with limit(seconds, channel.event.set) as guard:
            channel.exec_command(line)
    except Exception:  # noqa: BLE001 - paramiko raises whatever its thread met; told apart by what is known
        if bell.stopped:
            return "stopped"
        if guard.fired:
            return "unanswered"
        return "refused" if channel.transport.is_active() else "connection-lost"
    return None


class _Run:
    """The loop over a running command and what it has gathered."""

    def __init__(
        self, peer: Any, channel: Any, errand: Errand, bell: Bell, limits: Limits, begun: float
    ) -> None:
        self.peer, self.channel, self.errand, self.bell = peer, channel, errand, bell
        self.limits = limits
        self.out, self.err = bytearray(), bytearray()
        self.before = b""
        self.stdin = memoryview(errand.stdin)
        self.begun = begun
        self.last = time.monotonic()
        self.started: float | None = None
        self.exited: float | None = None
        self.over: float | None = None
        """When the end of the streams was first seen."""
        self.stopping = 0.0
        """Until when a command that is to stop may still say which process it is; 0 while it may run."""
        self.searched = 0
        self.asked_at = self.answered_at = 0.0
        channel.settimeout(0.0)

    def run(self) -> Outcome:
        """Return how the command ended; no error passes, since it may have run and must not be run again."""
        try:
            if not self.stdin:
                self._end_of_input()
            outcome = self.loop()
            if outcome.pid is not None and outcome.ended in LEFT and self._terminated():
                outcome = replace(outcome, pid=None)
            return outcome
        except Exception:  # noqa: BLE001 - sending on a connection that breaks raises in many ways
            return self._outcome("connection-lost", time.monotonic())

    def loop(self) -> Outcome:
        """Return when the command ended, or when a bound was reached."""
        while True:
            self.bell.clear()
            closed, eof = self.channel.closed, bool(self.channel.eof_received)
            exited = self.channel.status_event.is_set() and self.channel.exit_status >= 0
            moved = self._drain()
            now = time.monotonic()
            if moved:
                self.last = now
                if self.asked_at and not self.answered_at:
                    self.answered_at = time.time()
            if exited and self.exited is None:
                self.exited = now
            if self.bell.stopped:
                until = self.stopping = self.stopping or now + STOP_S
                if closed or now >= until or self._pid() is not None:
                    return self._outcome("stopped", now)
                self.bell.wait(until - now)
                continue
            if (closed or eof) and self.over is None:
                self.over = now
            ended, wait = self._judge(now, closed=closed, over=closed or eof)
            if ended is not None:
                return self._outcome(ended, now)
            if self._write():
                wait = min(wait, 0.02)
            self.bell.wait(max(0.0, wait))

    def _terminated(self) -> bool:
        """Have the server end the command in its own channel; return whether that was seen to happen."""
        self.peer.terminate(self.channel)
        until = time.monotonic() + STOP_S
        while not (self.channel.closed or self.channel.status_event.is_set()):
            self.bell.clear()
            left = until - time.monotonic()
            if left <= 0:
                return False
            self.bell.wait(left)
        return True

    def _drain(self) -> bool:
        moved = False
        for ready, receive, buffer, most in (
            (self.channel.recv_ready, self.channel.recv, self.out, self.errand.max_stdout),
            (self.channel.recv_stderr_ready, self.channel.recv_stderr, self.err, self.errand.max_stderr),
        ):
            while len(buffer) <= most and ready():
                buffer.extend(receive(_CHUNK))
                moved = True
        if self.started is None and moved:
            self._look_for_start()
        return moved

    def _look_for_start(self) -> None:
        marker = self.errand.marker
        at = self.out.find(marker, max(0, self.searched - len(marker) - 2))
        self.searched = len(self.out)
        end = self.out.find(b"\n", at) if at >= 0 else -1
        if end >= 0:
            self.before = bytes(self.out[:at])
            del self.out[: end + 1]
            self.started = self.last = time.monotonic()

    def _judge(self, now: float, *, closed: bool, over: bool) -> tuple[How | None, float]:
        """Return how it ended, or None and after how many seconds to look again."""
        errand = self.errand
        if len(self.out) > errand.max_stdout:
            return "output-cap", 0.0
        if len(self.err) > errand.max_stderr:
            return "error-cap", 0.0
        if over and (self.exited is not None or closed):
            return self._end(), 0.0
        if self.started is None:
            due: list[tuple[float, How]] = [(self.begun + self.limits.shell, "not-started")]
        else:
            spare = self.limits.grace if errand.host_ends else 0.0
            due = [(self.started + errand.total_s + spare, "total-timeout")]
            if errand.idle_s is not None:
                due.append((self.last + errand.idle_s, "idle-timeout"))
        if self.exited is not None:
            due.append((max(self.last, self.exited) + self.limits.grace, "exited-but-stream-open"))
        elif self.over is not None:
            due.append((self.over + self.limits.grace, "eof-without-exit-status"))
        at, how = min(due)
        return (how, 0.0) if now >= at else (None, at - now)

    def _end(self) -> How:
        if self.exited is not None:
            return "exit"
        if self.channel.chanid in self.peer.ended_by_signal:
            return "signal"
        return "closed" if self.channel.chanid in self.peer.ended_by_peer else "connection-lost"

    def _write(self) -> bool:
        """Write what fits of the input once the command has begun; return whether some is left for later."""
        if not self.stdin or self.started is None:
            return False
        if not self.asked_at:
            self.asked_at = time.time()
        try:
            while self.stdin:
                with self.channel.writing:
                    sent = self.channel.send(bytes(self.stdin[:32768]))
                if not sent:
                    raise OSError("the channel takes no more")
                self.stdin = self.stdin[sent:]
            self._end_of_input()
        except TimeoutError:
            return True
        except OSError:
            self.stdin = self.stdin[:0]
        return False

    def _end_of_input(self) -> None:
        with self.channel.writing:
            if not self.channel.closed:
                self.channel.shutdown_write()

    def _outcome(self, ended: How, now: float) -> Outcome:
        status = self.channel.exit_status if self.exited is not None else None
        told, pid = self._pid(), None
        if told is not None:
            pid = int(told[1]) if int(told[1]) > 1 else None
            del self.err[: told.end()]
        started = self.started
        return Outcome(
            ended=ended,
            started=started is not None,
            status=status,
            signal=self.peer.ended_by_signal.get(self.channel.chanid, ""),
            stdout=_taken(self.out, self.errand.max_stdout),
            stderr=_taken(self.err, self.errand.max_stderr),
            before=self.before,
            pid=pid,
            shell_s=(started or now) - self.begun,
            ran_s=now - started if started is not None else 0.0,
            duration_s=now - self.begun,
            asked_at=self.asked_at,
            answered_at=self.answered_at or time.time(),
        )

    def _pid(self) -> re.Match[bytes] | None:
        """Find the line by which the command told its process on stderr."""
        at = self.err.find(self.errand.marker)
        return _PID.match(self.err, at + len(self.errand.marker)) if at >= 0 else None


def _taken(buffer: bytearray, most: int) -> bytes:
    """Return up to `most` bytes of a buffer and empty it: a long answer is in memory twice at most."""
    with memoryview(buffer) as view:
        taken = bytes(view[:most])
    buffer.clear()
    return taken
