"""An old and a new file server: a tree with everything that is lost in a copy, and a real Samba over it."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.namespaces import wait_for
from tests.lab.needs import PATH, tool
from tests.lab.sshd import Sshd, User, sshd

ANN, BEN, STAFF = 3001, 3002, 3100
ODD = (b"new\nline", b"tab\there", b"back\\slash", b"\xff\xfe.dat", b"-rf", b" blank ", "grün.txt".encode(),
       b"s\\012", b"cr\rlf", b"quo'te\"s", b"esc\x1b[31m")  # fmt: skip
"""Names of files below `odd`."""
OLD_TIME = 1_600_000_000


@contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that other users may enter, as pytest's own may be closed by its next session."""
    with tempfile.TemporaryDirectory(prefix="gonogo-files-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def tree(root: Path) -> Path:
    """Make the tree of the old file server; its times of change lie in the past."""
    for name in ("homes/ann", "homes/ben", "projects/2024", "odd", "empty/inner"):
        (root / name).mkdir(parents=True)
    for number in range(40):
        (root / "projects" / "2024" / f"report-{number:02}.txt").write_text(f"report {number}\n" * 20)
    for owner, name in ((ANN, "ann"), (BEN, "ben")):
        path = root / "homes" / name / "mail.mbox"
        path.write_text(f"From {name}\n")
        for place in (path, path.parent):
            os.chown(place, owner, STAFF)
        path.chmod(0o600)
    for name in ODD:
        with Path(os.fsdecode(os.fsencode(root / "odd") + b"/" + name)).open("wb") as file:
            file.write(b"odd " + name)
    deep = root / "deep"
    for _ in range(12):
        deep = deep / ("long" * 20)
    deep.mkdir(parents=True)
    (deep / "leaf").write_text("far down")
    (root / "link").symlink_to("projects/2024/report-00.txt")
    (root / "dangling").symlink_to("nowhere")
    (root / "hard").hardlink_to(root / "projects" / "2024" / "report-01.txt")
    with (root / "sparse").open("wb") as file:
        file.truncate(4 << 20)
        file.write(b"end")
    (root / "nothing").touch()
    acl(root / "projects", f"u:{ANN}:rwx,d:u:{ANN}:rwx,d:g:{STAFF}:rx")
    acl(root / "projects" / "2024" / "report-02.txt", f"u:{BEN}:rw")
    for folder, _, files in os.walk(os.fsencode(root)):
        for name in files:
            os.utime(folder + b"/" + name, (OLD_TIME, OLD_TIME), follow_symlinks=False)
    return root


def acl(path: Path, rules: str) -> None:
    """Add entries to a POSIX access list."""
    subprocess.run([tool("setfacl") or "setfacl", "-m", rules, "--", path], check=True)


def copy(source: Path, target: Path) -> Path:
    """Copy the tree as the migration guides do, with everything it has."""
    subprocess.run(
        [tool("rsync") or "rsync", "-aHAXS", "--numeric-ids", f"{source}/", f"{target}/"], check=True
    )
    return target


@dataclass
class Samba:
    """A running smbd; its configuration, state and log are in `folder`."""

    folder: Path
    port: int
    address: str
    program: subprocess.Popen[bytes]
    before: tuple[str, ...]

    @property
    def conf(self) -> Path:
        return self.folder / "smb.conf"

    def run(self, *argv: str, check: bool = True) -> str:
        """Run one of Samba's programs beside it, with its configuration."""
        done = subprocess.run(
            [*self.before, argv[0], "-s", self.conf, *argv[1:]], capture_output=True, text=True, check=False,
            env={"PATH": PATH},
        )  # fmt: skip
        if check and done.returncode:
            raise OSError(f"{argv} ended with {done.returncode}: {done.stderr}{done.stdout}")
        return done.stdout


def smb_conf(folder: Path, shares: str, *, port: int, options: str = "", address: str = "127.0.0.1") -> None:
    """Write a configuration whose state lies in `folder` alone."""
    places = "".join(
        f"{kind} directory = {folder}/state\n" for kind in ("lock", "state", "cache", "pid", "binddns")
    )
    (folder / "state").mkdir(parents=True, exist_ok=True)
    (folder / "smb.conf").write_text(
        f"[global]\nworkgroup = LAB\nsmb ports = {port}\ninterfaces = {address}\nbind interfaces only = yes\n"
        f"{places}private dir = {folder}/state\nncalrpc dir = {folder}/state/ncalrpc\n"
        f"map to guest = bad user\nguest account = nobody\nload printers = no\ndisable spoolss = yes\n"
        f"log file = {folder}/log\n{options}\n{shares}\n"
    )


@dataclass
class FileServer:
    """A host of the lab: an SSH server, its own /srv/files, and Samba over it."""

    ssh: Sshd
    files: Path
    """What is /srv/files inside."""
    samba: Samba


SHARES = """[files]
path = /srv/files
read only = no
guest ok = yes
[homes]
browseable = no
"""
TECH = User("tech", sudo="NOPASSWD: ALL")


@contextmanager
def fileserver(folder: Path, files: Path, shares: str = SHARES) -> Iterator[FileServer]:
    """Run a file server whose files are `files`; `tech` logs in by key and may use sudo."""
    folder.mkdir(parents=True, exist_ok=True)
    with sshd(folder, [TECH]) as ssh:
        ssh.bind(files, "/srv/files")
        with samba(folder / "samba", shares, before=ssh.words()) as running:
            yield FileServer(ssh, files, running)


@contextmanager
def samba(
    folder: Path, shares: str, *, options: str = "", address: str = "127.0.0.1", port: int = 0,
    before: Sequence[str] = (),
) -> Iterator[Samba]:  # fmt: skip
    """Run smbd until the context ends; `before` are words that start it elsewhere."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    if not port:
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            port = held.getsockname()[1]
    smb_conf(folder, shares, port=port, options=options, address=address)
    with (folder / "smbd.log").open("wb") as log:
        program = subprocess.Popen(
            [*before, tool("smbd") or "smbd", "-F", "--no-process-group", "--debug-stdout", "-s",
             folder / "smb.conf"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"PATH": PATH}, start_new_session=True,
        )  # fmt: skip
    server = Samba(folder, port, address.split()[0], program, tuple(before))
    try:
        wait_for(lambda: _answers(server), "smbd answers")
        yield server
    finally:
        _end(program)


def _answers(server: Samba) -> bool:
    if server.program.poll() is not None:
        raise RuntimeError(f"smbd ended:\n{(server.folder / 'smbd.log').read_text()[-2000:]}")
    done = subprocess.run(
        [*server.before, "smbclient", "-s", server.conf, "-p", str(server.port), "-N", "-L", server.address],
        capture_output=True, check=False, env={"PATH": PATH},
    )  # fmt: skip
    return done.returncode == 0


def _end(program: subprocess.Popen[bytes]) -> None:
    """End smbd and the helpers it started, which are of its process group."""
    try:
        os.killpg(program.pid, 9)
    except ProcessLookupError:
        pass
    program.wait()
