"""What a switch port may send: whole frames of every protocol between neighbours, and capture files.

`.venv/bin/python -m tests.fuzz.frames [SECONDS]` (60 unless given). A finding ends it with the input, and
libFuzzer keeps that as `crash-...` in the current folder.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["checks.wire.frames", "checks.link"], enable_loader_override=False):
    from checks.wire.frames.pcap import read_capture
    from tests.checks.wire.frames import made
    from tests.checks.wire.frames.held import hold, seeds

LONGEST = 2048


def one(data: bytes) -> None:
    """Read any bytes as a frame, as the payload of LLDP and CDP, and as a capture file."""
    if data[:1] == b"\0":
        hold(data[1:])
    elif data[:1] == b"\1":
        hold(made.LLDP_GROUP + made.SWITCH + b"\x88\xcc" + data[1:])
    elif data[:1] == b"\2":
        hold(made.snap(0x00000C, 0x2000, b"\2\xb4\0\0" + data[1:]))
    else:
        try:
            for captured in read_capture(data[1:]):
                hold(captured.data)
        except ValueError:
            pass


def main() -> None:
    """Fuzz for as many seconds as the first argument says."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds()):
            (Path(folder) / str(number)).write_bytes(b"\0" + seed)
        options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=10", "-rss_limit_mb=1024"]
        atheris.Setup([sys.argv[0], *options, folder], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
