"""Network namespaces with names of their own, links between them, and programs inside; all of it taken down.

Names carry the pid and start time of the process that made them, so that a killed test's leftovers are known
and swept when the next lab is built. Root on Linux only.
"""

from __future__ import annotations

import atexit
import ctypes
import itertools
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypeVar

from tests.lab.needs import PATH

T = TypeVar("T")

NAMED = Path("/run/netns")
ETC = Path("/etc/netns")
_NAME = re.compile(r"gonogo-(\d+)-(\d+)-\d+-\w+\Z")
_CLONE_NEWNET = 0x40000000
_labs = itertools.count()


def wait_for(condition: Callable[[], T], what: str, timeout_s: float = 15.0) -> T:
    """Return the first true value of `condition`; raise TimeoutError naming `what` if there is none in time.

    A condition that raises OSError is not met yet.
    """
    end = time.monotonic() + timeout_s
    while True:
        reason = ""
        try:
            value = condition()
        except OSError as error:
            value, reason = None, f" ({error})"
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"After {timeout_s:g} s still not so: {what}{reason}.")
        time.sleep(0.01)


class Lab:
    """A set of namespaces that live and die together; a context manager."""

    def __init__(self) -> None:
        sweep()
        self._prefix = f"gonogo-{os.getpid()}-{_start_time(os.getpid())}-{next(_labs)}-"
        self.folder = Path(tempfile.mkdtemp(prefix=self._prefix))
        """Configuration and logs of the daemons; readable by everyone, gone with the lab."""
        self.folder.chmod(0o755)
        self._namespaces: list[Namespace] = []
        atexit.register(self.close)

    def namespace(self, role: str) -> Namespace:
        """Make a namespace; `role` is a short word such as `laptop`. Its loopback is up."""
        name = self._prefix + role
        _run(["ip", "netns", "add", name])
        namespace = Namespace(name, role, self.folder)
        self._namespaces.append(namespace)
        for family in ("all", "default"):
            namespace.sysctl(f"net.ipv6.conf.{family}.accept_dad", 0)
        namespace.ip("link set lo up")
        return namespace

    def remove(self, namespace: Namespace) -> None:
        """Take one namespace away: a host that left."""
        self._namespaces.remove(namespace)
        namespace.close()

    def close(self) -> None:
        """Kill what runs inside, remove the namespaces and the folder; may be called twice."""
        atexit.unregister(self.close)
        for namespace in self._namespaces:
            namespace.close()
        self._namespaces.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Namespace:
    """One network namespace: a host of the lab."""

    def __init__(self, name: str, role: str, folder: Path) -> None:
        self.name = name
        self.role = role
        self._folder = folder
        self._programs: list[subprocess.Popen[bytes]] = []
        self._logs = itertools.count()

    def ip(self, *commands: str) -> None:
        """Run ip(8) commands inside in one batch: `ns.ip("link set eth0 up", "route add ...")`."""
        _run(["ip", "-n", self.name, "-batch", "-"], "\n".join(commands) + "\n")

    def nft(self, rules: str) -> None:
        """Load nftables rules inside."""
        _run(self._argv(["nft", "-f", "-"]), rules)

    def sysctl(self, name: str, value: int | str) -> None:
        """Set a network sysctl inside, such as `net.ipv4.ip_forward`."""
        path = Path("/proc/sys", *name.split("."))
        self.call(lambda: path.write_text(f"{value}\n"))

    def etc(self, name: str, text: str) -> None:
        """Give programs inside their own /etc/NAME, whose first part must exist outside too."""
        path = ETC / self.name / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(
        self,
        *argv: str | os.PathLike[str],
        check: bool = True,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout_s: float = 60.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program inside to its end, which must be 0 with `check`; `env` is added to this process's."""
        done = subprocess.run(
            self._argv(argv), env=_environment(env), cwd=cwd, timeout=timeout_s, check=False,
            capture_output=True, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if check and done.returncode:
            raise OSError(f"{argv[0]} in {self.role} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done

    def popen(
        self,
        *argv: str | os.PathLike[str],
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdout: int | IO[bytes] = subprocess.PIPE,
        stderr: int | IO[bytes] = subprocess.PIPE,
    ) -> subprocess.Popen[bytes]:
        """Start a program inside and return at once; the pid is the program's own. It dies with the lab."""
        program = subprocess.Popen(
            self._argv(argv), env=_environment(env), cwd=cwd, stdout=stdout, stderr=stderr,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self._programs.append(program)
        return program

    def daemon(
        self,
        *argv: str | os.PathLike[str],
        ready: Callable[[], Any],
        env: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a daemon that stays in the foreground and wait until `ready`, called inside, is true."""
        log = self._folder / f"{self.role}-{Path(argv[0]).name}-{next(self._logs)}.log"
        with log.open("wb") as sink:
            program = self.popen(*argv, env=env, stdout=sink, stderr=sink)

        def answers() -> bool:
            if program.poll() is not None:
                raise RuntimeError(f"{argv[0]} ended with {program.returncode}:\n{log.read_text()[-2000:]}")
            return bool(self.call(ready))

        wait_for(answers, f"{argv[0]} in {self.role} answers")
        return program

    def call(self, function: Callable[[], T]) -> T:
        """Return what `function` gives when called inside: the sockets it opens are of this namespace."""
        outcome: list[T] = []
        trouble: list[BaseException] = []

        def inside() -> None:
            try:
                with (NAMED / self.name).open() as handle:
                    if ctypes.CDLL(None, use_errno=True).setns(handle.fileno(), _CLONE_NEWNET):
                        raise OSError(ctypes.get_errno(), f"Cannot enter the namespace {self.name}")
                outcome.append(function())
            except BaseException as error:
                trouble.append(error)

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        if trouble:
            raise trouble[0]
        return outcome[0]

    def stop(self, program: subprocess.Popen[bytes]) -> None:
        """Stop a program that was started here and wait for its end."""
        program.terminate()
        try:
            program.wait(5)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
        self._programs.remove(program)

    def close(self) -> None:
        """Kill what runs inside and remove the namespace."""
        for program in self._programs:
            program.kill()
            program.wait()
            for stream in (program.stdout, program.stderr):
                if stream is not None:
                    stream.close()
        self._programs.clear()
        _remove(self.name)

    def _argv(self, argv: Sequence[str | os.PathLike[str]]) -> list[str]:
        return ["ip", "netns", "exec", self.name, *(os.fspath(word) for word in argv)]


def link(a: Namespace, a_name: str, b: Namespace, b_name: str) -> None:
    """Join two namespaces by a cable; both ends are up."""
    _run(["ip", "link", "add", a_name, "netns", a.name, "type", "veth",
          "peer", "name", b_name, "netns", b.name])  # fmt: skip
    a.ip(f"link set {a_name} up")
    b.ip(f"link set {b_name} up")


def bridge(namespace: Namespace, name: str) -> None:
    """Make a learning switch inside that forwards at once (no spanning tree)."""
    namespace.ip(f"link add {name} type bridge stp_state 0 forward_delay 0", f"link set {name} up")


def plug(host: Namespace, name: str, switch: Namespace, into: str, port: str = "") -> str:
    """Cable `host`'s interface `name` to the bridge `into`; return the switch's port, by default `p-ROLE`."""
    port = port or f"p-{host.role}"[:15]
    link(host, name, switch, port)
    switch.ip(f"link set {port} master {into}")
    return port


def sweep() -> None:
    """Remove what labs of processes that are gone have left behind."""
    places = (NAMED, ETC, Path(tempfile.gettempdir()))
    left = {path.name for place in places if place.is_dir() for path in place.iterdir()}
    for name in sorted(left):
        match = _NAME.match(name)
        if match and _start_time(int(match[1])) != int(match[2]):
            _remove(name)
            shutil.rmtree(places[-1] / name, ignore_errors=True)


def _remove(name: str) -> None:
    """Kill every process inside the namespace `name` and remove it with its files."""
    if (NAMED / name).exists():
        for _ in range(5):
            pids = _pids(name)
            for pid in pids:
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass
            if not pids:
                break
            _reap(pids)
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
    shutil.rmtree(ETC / name, ignore_errors=True)


def _pids(name: str) -> list[str]:
    """Return the processes inside; none where another process has swept the namespace meanwhile."""
    try:
        return _run(["ip", "netns", "pids", name]).split()
    except OSError:
        if (NAMED / name).exists():
            raise
        return []


def _reap(pids: Sequence[str]) -> None:
    """Give killed processes a moment to leave; those of ours are reaped by their Popen."""
    end = time.monotonic() + 2.0
    while time.monotonic() < end and any(_running(int(pid)) for pid in pids):
        time.sleep(0.005)


def _running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _start_time(pid: int) -> int:
    """Return when a process started, in ticks since boot; -1 if there is none."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return -1


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, "PATH": PATH, **(extra or {})}


def _run(argv: Sequence[str], text: str | None = None) -> str:
    done = subprocess.run(
        argv, input=text, env=_environment(None), capture_output=True, text=True, check=False, timeout=30
    )
    if done.returncode:
        shown = f"\n{text}" if text else ""
        raise OSError(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr.strip()}{shown}")
    return done.stdout
