"""What a DHCP server may send: whole frames, messages, and the value of any option, led by coverage.

`.venv/bin/python -m tests.fuzz.dhcp [SECONDS]` (60 unless given). A finding ends it with the input, and
libFuzzer keeps that as `crash-...` in the current folder.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["checks.wire.frames"], enable_loader_override=False):
    from checks.wire.frames.dhcp import Malformed, decode, heard, xid_of
    from checks.wire.frames.dhcp_options import MAX_NAMES, read

LONGEST = 4096


def one(data: bytes) -> None:
    """Hold everything that is said of any bytes to what the code promises."""
    if data[:1] == b"\0":
        datagram = heard(data[1:])
        if datagram is not None:
            assert len(datagram.payload) <= len(data)
            _message(datagram.payload)
    elif data[:1] == b"\1":
        _message(data[1:])
    elif len(data) >= 2:
        _option(data[1], data[2:])


def _message(message: bytes) -> None:
    xid = xid_of(message)
    try:
        found = decode(message)
    except Malformed:
        return
    assert not found.reply or xid == found.xid
    assert len({item.code for item in found.options}) == len(found.options)
    assert sum(len(item.raw) for item in found.options) <= len(message)
    for item in found.options:
        _option(item.code, item.raw)


def _option(code: int, raw: bytes) -> None:
    found = read(code, raw)
    assert found.raw == raw
    assert sum(map(len, found.values)) <= MAX_NAMES * 1100 + 8 * len(raw)
    assert not found.flaw or found.values == (f"0x{raw.hex()}",)


def seeds() -> list[bytes]:
    """Return one healthy input of each kind to begin with."""
    from tests.checks.wire.frames.dhcp_messages import frame, message, offer_options, option
    from tests.checks.wire.frames.test_dhcp import READ

    over = message(option(53, b"\2"), option(52, b"\3"), file=option(66, b"tftp"), name=option(67, b"boot"))
    whole = message(*offer_options())
    values = [bytes((2, code)) + raw for _, code, raw, _ in READ]
    return [b"\0" + frame(whole, vlan=30), b"\1" + whole, b"\1" + over, *values]


def main() -> None:
    """Fuzz for as many seconds as the first argument says."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds()):
            (Path(folder) / str(number)).write_bytes(seed)
        options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=10", "-rss_limit_mb=1024"]
        atheris.Setup([sys.argv[0], *options, folder], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
