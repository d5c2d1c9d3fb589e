"""A guest with a kernel that has what this machine's may lack: radios (mac80211_hwsim), 802.1Q, VLAN bridges.

QEMU emulates it in software, without rights and without KVM. Its root is this machine's own, read-only, with
a layer of memory above it: every path and program is there unchanged, and nothing that it does stays. One
guest serves all tests of a session; `Guest.run` runs a shell script in it. Killed with the tests.
"""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tests.lab.kernel import NoKernelError, kernel
from tests.lab.needs import REQUIRED, need, tool

REPOSITORY = Path(__file__).resolve().parents[2]
BOOT_S = 180.0
LIFETIME_S = 1800
_AGENT = """export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C.UTF-8
mount -t debugfs d /sys/kernel/debug 2>/dev/null
mkdir -p /dev/pts /dev/shm; mount -t devpts p /dev/pts; mount -t tmpfs t /dev/shm
while read -r m; do
  case $m in mac80211_hwsim) a="radios=$RADIOS channels=1";; *) a="";; esac
  busybox insmod /run/mod/$m.ko $a || echo "no $m"
done < /run/mod/second
rm -rf /run/mod
ip link set lo up
cd /run/jobs && : > ready
while :; do
  for job in *.job; do
    [ -e "$job" ] || continue
    j=${job%.job}; mv "$job" "$j.sh"
    ( sh "$j.sh" > "$j.out" 2> "$j.err" < /dev/null; echo $? > "$j.tmp"; mv "$j.tmp" "$j.code" ) &
  done
  sleep 0.1
done
"""


class Guest:
    """One running guest; see the module's docstring."""

    def __init__(self, radios: int = 6) -> None:
        image, initrd = kernel()
        self.folder = Path(tempfile.mkdtemp(prefix=f"gonogo-guest-{os.getpid()}-"))
        """Shared with the guest, where it is /run/jobs; both may write."""
        (self.folder / "agent.sh").write_text(f"RADIOS={radios}\n{_AGENT}")
        self.console = self.folder / "console.log"
        self._jobs = itertools.count(1)
        begun = time.monotonic()
        with self.console.open("wb") as log:
            self._program = subprocess.Popen(
                ["timeout", "-k", "5", str(LIFETIME_S), *_command(image, initrd, self.folder)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        atexit.register(self.close)
        try:
            self._wait(self.folder / "ready", BOOT_S, "the guest's start")
        except BaseException:
            self.close()
            raise
        self.boot_s = time.monotonic() - begun

    def run(self, script: str, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run a shell script as root in the guest, in the repository; too slow is a TimeoutError."""
        name = f"{next(self._jobs):04}"
        job = self.folder / f"{name}.part"
        job.write_text(f"cd {shlex.quote(str(REPOSITORY))}\n{script}\n")
        job.rename(self.folder / f"{name}.job")
        code = self.folder / f"{name}.code"
        self._wait(code, timeout_s, script[:200])
        out, err = (self.folder / f"{name}.{kind}" for kind in ("out", "err"))
        return subprocess.CompletedProcess(
            script,
            int(code.read_text()),
            out.read_text("utf-8", "replace"),
            err.read_text("utf-8", "replace"),
        )

    def _wait(self, path: Path, timeout_s: float, what: str) -> None:
        end = time.monotonic() + timeout_s
        while not path.exists():
            if self._program.poll() is not None:
                raise RuntimeError(f"The guest has gone while we waited for {what}: {self._last_words()}")
            if time.monotonic() > end:
                raise TimeoutError(f"After {timeout_s:g} s still not so: {what}. {self._last_words()}")
            time.sleep(0.05)

    def _last_words(self) -> str:
        return self.console.read_text("utf-8", "replace")[-1500:]

    def close(self) -> None:
        """Kill the guest and remove its folder; may be called twice."""
        atexit.unregister(self.close)
        if self._program.poll() is None:
            os.killpg(self._program.pid, signal.SIGKILL)
        self._program.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _command(image: Path, initrd: Path, folder: Path) -> list[str]:
    qemu = tool("qemu-system-x86_64")
    assert qemu is not None
    shares = []
    for number, (path, tag, more) in enumerate((("/", "host", ",readonly=on"), (str(folder), "jobs", ""))):
        shares += [
            "-fsdev", f"local,id=f{number},path={path},security_model=none,multidevs=remap{more}",
            "-device", f"virtio-9p-pci,fsdev=f{number},mount_tag={tag}",
        ]  # fmt: skip
    return [
        qemu, "-M", "q35", "-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max", "-m", "1024", "-smp", "2",
        "-nographic", "-no-reboot", "-nodefaults", "-serial", "stdio", "-monitor", "none", "-nic", "none",
        "-kernel", str(image), "-initrd", str(initrd), "-append",
        "console=ttyS0 quiet panic=-1 tsc=reliable no_timer_check random.trust_cpu=on mitigations=off",
        *shares,
    ]  # fmt: skip


@functools.cache
def booted() -> Guest | str:
    """Return this process's guest, booted on first use, or why there can be none."""
    try:
        return Guest()
    except (NoKernelError, RuntimeError, TimeoutError, OSError) as error:
        return str(error)


def need_guest(*tools: str) -> Guest:
    """Return the guest; where there can be none, skip the calling test, or fail it if the lab is required."""
    need("qemu-system-x86_64", "busybox", "apt-get", "dpkg", "timeout", *tools, root=False)
    found = booted()
    if isinstance(found, Guest):
        return found
    if os.environ.get(REQUIRED) == "required":
        pytest.fail(f"The lab is required here, and its guest does not start. {found}", pytrace=False)
    pytest.skip(f"The guest does not start. {found}")
