"""OpenSSH servers of a test: a real sshd on loopback, whose users, passwords and sudo rules are its own.

    with sshd(folder, users=[User("tech", sudo="NOPASSWD: ALL")]) as server:
        server.params()                      # host, user, key, known_hosts: the login of a check
        server.bind(folder / "data", "/srv/data")
        server.run("id", user="tech")

It lives in a mount namespace where /etc/{passwd,group,shadow,sudoers,pam.d,ssh}, /home, /srv and /run/sudo
are its own, so that nothing on the machine changes; everything else is the machine's. What is mounted outside
later is seen inside, not the other way round. All that runs inside is gone with it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab import sshd_files
from tests.lab.namespaces import Namespace, wait_for
from tests.lab.needs import PATH, tool
from tests.lab.sshd_config import (
    BANNER,
    JUMP,
    KEYBOARD,
    NO_JUMP,
    PASSWORD,
    SECOND_FACTOR,
    SHA1,
    START,
    TWO_SESSIONS,
    USUAL,
)  # fmt: skip
from tests.lab.sshd_files import NO_SHELL, NOISY_SHELL, SLOW_S, SLOW_SHELL, User

__all__ = [
    "BANNER", "JUMP", "KEYBOARD", "NOISY_SHELL", "NO_JUMP", "NO_SHELL", "PASSWORD", "SECOND_FACTOR", "SHA1",
    "SLOW_S", "SLOW_SHELL", "TWO_SESSIONS", "Sshd", "User", "keypair", "sshd",
]  # fmt: skip


@dataclass
class Sshd:
    """A running server."""

    host: str
    port: int
    folder: Path
    """What the server's own files are in; `folder / "home"` is /home inside, `folder / "srv"` is /srv."""
    known_hosts: Path
    fingerprint: str
    """Of its first host key, as ssh-keygen shows it."""
    users: Mapping[str, User]
    program: subprocess.Popen[bytes]
    inside: Namespace | None = None
    _own: str = ""

    @property
    def endpoint(self) -> str:
        """Host and port as a parameter `host` has them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def key_file(self) -> Path:
        """The private key of the first user that has one."""
        return self.key_of(next(name for name, user in self.users.items() if user.key))

    def key_of(self, user: str) -> Path:
        """The private key of a user."""
        return self.folder / "keys" / user

    def password_file(self, user: str) -> Path:
        """A file that holds a user's password, as a secret reference needs it."""
        path = self.folder / "keys" / f"{user}.password"
        path.write_text(self.users[user].password + "\n")
        path.chmod(0o600)
        return path

    def params(self, user: str = "") -> dict[str, Any]:
        """Return the parameters by which a check logs in, by default as the first user."""
        account = self.users[user] if user else next(iter(self.users.values()))
        given: dict[str, Any] = {
            "host": self.endpoint, "user": account.name, "known_hosts": str(self.known_hosts), "agent": False,
        }  # fmt: skip
        if account.key:
            given["key"] = f"file:{self.key_of(account.name)}"
        else:
            given["password"] = f"file:{self.password_file(account.name)}"
        return given

    def run(
        self, *argv: str | os.PathLike[str], user: str = "root", check: bool = True, text: str | None = None,
        timeout_s: float = 60.0,
    ) -> subprocess.CompletedProcess[str]:  # fmt: skip
        """Run a program inside to its end, which must be 0 with `check`."""
        done = subprocess.run(
            [*self.words(user), *argv], input=text, capture_output=True, text=True, check=False,
            timeout=timeout_s, env={"PATH": PATH, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL if text is None else None,
        )  # fmt: skip
        if check and done.returncode:
            raise OSError(f"{argv[0]} as {user} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done

    def words(self, user: str = "root") -> list[str]:
        """Return the words before a program that run it inside, as that user, in its home folder."""
        enter = ["nsenter", f"--mount=/proc/{self.program.pid}/ns/mnt", "--"]
        if user == "root":
            return enter
        return [*enter, "setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--reset-env", "--"]

    def bind(self, folder: Path, target: str) -> None:
        """Show a folder (or file) of the test inside, as `target`; below /srv and /home it is made."""
        if not target.startswith(("/srv/", "/home/")) and not Path(target).exists():
            raise ValueError(f"{target} does not exist here and would have to be made on the machine.")
        if folder.is_dir():
            self.run("mkdir", "-p", "--", target)
        elif target.startswith(("/srv/", "/home/")):
            self.run("install", "-D", "/dev/null", target)
        self.run("mount", "--bind", folder, target)

    def pids(self) -> list[int]:
        """Return every process inside: sshd, its sessions, and what they started or left behind."""
        if not self._own:
            self._own = str(Path(f"/proc/{self.program.pid}/ns/mnt").readlink())
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if str((entry / "ns" / "mnt").readlink()) == self._own:
                        found.append(int(entry.name))
                except OSError:
                    continue
        return found

    def commands(self) -> list[str]:
        """Return the command lines of the processes inside, but sshd's own."""
        lines = []
        for pid in self.pids():
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if line and not line.startswith("sshd:") and pid != self.program.pid:
                lines.append(line.strip())
        return lines

    @property
    def log(self) -> str:
        """What sshd wrote so far."""
        return (self.folder / "sshd.log").read_text(errors="replace")

    def close(self) -> None:
        """Stop the server and end everything inside."""
        if self.program.poll() is None:
            os.kill(self.program.pid, signal.SIGSTOP)
        elif not self._own:
            return
        for _ in range(20):
            others = [pid for pid in self.pids() if pid != self.program.pid]
            for pid in others:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            if not others:
                break
        self.program.kill()
        self.program.wait()


@contextmanager
def sshd(
    folder: Path,
    users: Sequence[User] = (User(),),
    options: str = "",
    *,
    sudoers: str = "",
    banner: str = "",
    host_keys: Sequence[str] = ("ed25519",),
    without: Sequence[str] = (),
    host: str = "127.0.0.1",
    port: int = 0,
    inside: Namespace | None = None,
    network: Sequence[str] = (),
) -> Iterator[Sshd]:
    """Run an SSH server until the context ends.

    `options` are lines of sshd_config that come first and so win over the usual ones: `KEYBOARD`, `JUMP`,
    ... `sudoers` are further lines of that file. `without` are programs (`sudo`, `timeout`) that do not exist
    inside. `inside` is a network namespace to live in; `network` are words that start it elsewhere.
    """
    folder = Path(tempfile.mkdtemp(prefix="sshd-", dir=_made(folder)))
    folder.chmod(0o755)
    accounts = list(users)
    if not any(user.name == "root" for user in accounts):
        accounts.append(User("root", shell="/bin/sh"))
    keys = _made(folder / "keys")
    public = {user.name: keypair(keys / user.name) for user in accounts if user.key}
    sshd_files.write(folder, accounts, sudoers, public)
    kinds = ("rsa",) if "HostKeyAlgorithms ssh-rsa" in options else host_keys
    lines = [options, USUAL]
    known = folder / "known_hosts"
    known.write_text("")
    port = port or _free_port(host)
    for kind in kinds:
        pub = keypair(folder / "ssh" / f"host_{kind}", kind)
        lines.append(f"HostKey /etc/ssh/host_{kind}")
        name = host if port == 22 else f"[{host}]:{port}"
        with known.open("a") as file:
            file.write(f"{name} {' '.join(pub.split()[:2])}\n")
    (folder / "ssh" / "banner").write_text(banner)
    lines += [
        BANNER if banner else "",
        f"ListenAddress {f'[{host}]' if ':' in host else host}",
        f"Port {port}",
    ]
    (folder / "ssh" / "sshd_config").write_text("\n".join(lines) + "\n")
    _farm(folder, without)
    _made(Path("/run/sshd"))
    prefix = list(network) if inside is None else ["ip", "netns", "exec", inside.name]
    with (folder / "sshd.log").open("wb") as log:
        program = subprocess.Popen(
            [*prefix, "unshare", "--mount", "--propagation", "slave", "sh", "-c", START, "start", folder,
             tool("sshd") or "sshd", "-D", "-e", "-f", "/etc/ssh/sshd_config"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"PATH": PATH}, start_new_session=True,
        )  # fmt: skip
    first = folder / "ssh" / f"host_{kinds[0]}.pub"
    server = Sshd(
        host,
        port,
        folder,
        known,
        _fingerprint(first),
        {user.name: user for user in accounts},
        program,
        inside,
    )
    try:
        wait_for(lambda: _answers(server, program), f"sshd on {server.endpoint} answers")
        server.pids()
        yield server
    finally:
        server.close()


def keypair(path: Path, kind: str = "ed25519", passphrase: str = "") -> str:
    """Make a key pair at `path`; return the public line."""
    bits = ["-b", "2048"] if kind == "rsa" else []
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, *bits, "-N", passphrase, "-C", "practice", "-f", path], check=True
    )
    return Path(f"{path}.pub").read_text()


def _fingerprint(path: Path) -> str:
    shown = subprocess.run(["ssh-keygen", "-lf", path], check=True, capture_output=True, text=True).stdout
    return shown.split()[1]


def _answers(server: Sshd, program: subprocess.Popen[bytes]) -> bool:
    if program.poll() is not None:
        raise RuntimeError(f"sshd ended with {program.returncode}:\n{server.log[-2000:]}")

    def ask() -> bool:
        with socket.create_connection((server.host, server.port), 2.0) as trial:
            trial.settimeout(5.0)
            return trial.recv(8).startswith(b"SSH-")

    return ask() if server.inside is None else server.inside.call(ask)


def _farm(folder: Path, without: Sequence[str]) -> None:
    """Make folders of links that stand in for /usr/bin and /usr/sbin and lack some programs."""
    for name in ("bin", "sbin") if without else ():
        here = _made(folder / "farm" / name)
        _made(folder / "srv" / ".usr" / name)
        for entry in Path("/usr", name).iterdir():
            if entry.name not in without:
                (here / entry.name).symlink_to(Path("/srv/.usr", name, entry.name))


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as held:
        held.bind((host, 0))
        return int(held.getsockname()[1])


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    return folder
