"""What the lab needs of this machine, and what happens to a test where it is not there."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys

import pytest

REQUIRED = "GONOGO_LAB"
"""Environment variable; with the value `required` a missing prerequisite fails the test."""
PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))
"""Where tools are looked for: Debian keeps daemons out of a user's PATH."""


def tool(name: str) -> str | None:
    """Return the path of the program `name`, or None if it is not installed."""
    return shutil.which(name, path=PATH)


def need(*tools: str, root: bool = True) -> None:
    """Skip the calling test unless every tool is installed; fail it where `GONOGO_LAB=required` is set.

    With `root` true network namespaces are needed as well, and with them root on Linux.
    """
    missing = _no_namespaces() if root else ""
    absent = [name for name in tools if tool(name) is None]
    if absent:
        missing += f"{' ' if missing else ''}Not installed: {', '.join(absent)} (sudo tests/lab/install.sh)."
    if not missing:
        return
    if os.environ.get(REQUIRED) == "required":
        pytest.fail(f"The lab is required here and cannot be built. {missing}", pytrace=False)
    pytest.skip(f"The lab cannot be built. {missing}")


@functools.cache
def _no_namespaces() -> str:
    """Return why network namespaces cannot be made, or an empty text if they can."""
    if sys.platform != "linux":
        return "Network namespaces exist on Linux only."
    if os.geteuid() != 0:
        return "Network namespaces need root."
    ip = tool("ip")
    if ip is None:
        return "Network namespaces need iproute2 (sudo tests/lab/install.sh)."
    trial = f"gonogo-trial-{os.getpid()}"
    made = subprocess.run([ip, "netns", "add", trial], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"Root may not make network namespaces here: {made.stderr.strip()}."
    subprocess.run([ip, "netns", "del", trial], capture_output=True, check=False)
    return ""
