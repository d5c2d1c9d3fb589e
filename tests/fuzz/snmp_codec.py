"""What an SNMP agent may send: whole messages, and answers to the questions of a table, led by coverage.

`.venv/bin/python -m tests.fuzz.snmp_codec [SECONDS]` (60 unless given). A finding ends it with the input, and
libFuzzer keeps that as `crash-...` in the current folder.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["checks.wire"], enable_loader_override=False):
    from checks.vantage import CannotTell
    from checks.wire.snmp import ber
    from checks.wire.snmp.line import Line
    from checks.wire.snmp.walk import _Walk

LONGEST = 4096
COLUMNS = ((1, 3, 6, 1, 2, 1, 2, 2, 1, 1), (1, 3, 6, 1, 2, 1, 2, 2, 1, 2))


def one(data: bytes) -> None:
    """Hold everything that is said of any bytes to what the code promises."""
    if data[:1] == b"\0":
        _message(data[1:])
    elif data[:1] == b"\1":
        _message(_response(data[1:]))
    else:
        _table(data[1:])


def _response(bindings: bytes) -> bytes:
    pdu = b"\x02\x01\x07\x02\x01\x00\x02\x01\x00" + ber._item(0x30, bindings)
    return ber._item(0x30, b"\x02\x01\x01\x04\x06public" + ber._item(0xA2, pdu))


def _message(message: bytes) -> None:
    try:
        found = ber.bindings(ber.reply(message))
    except ber.MalformedError:
        return
    assert sum(len(name) + len(value) for name, _, value in found if isinstance(value, bytes)) <= len(message)
    for name, _, value in found:
        for content in (name, value):
            if content is name or isinstance(content, tuple):
                try:
                    oid = ber.decode_oid(content) if isinstance(content, bytes) else content
                except ber.MalformedError:
                    continue
                assert 2 <= len(oid) <= ber.MAX_ARCS + 1
                if len(oid) <= ber.MAX_ARCS:
                    assert ber.decode_oid(ber.encode_oid(oid)) == oid
        assert not isinstance(value, int) or -(1 << 72) < value < 1 << 72


def _table(data: bytes) -> None:
    line = Line("agent", asyncio.Semaphore(1))
    walk = _Walk(line, COLUMNS, ordered=data[:1] != b"\0")
    at = 1
    while at + 2 <= len(data) and (active := [column for column in walk.columns if not column.ended]):
        size = int.from_bytes(data[at : at + 2], "big") % 600
        try:
            found = ber.bindings(ber.reply(_response(data[at + 2 : at + 2 + size])))
            walk.take(found, active, 10)
        except (ber.MalformedError, CannotTell):
            return
        at += 2 + size
    for column in walk.columns:
        assert list(column.rows) == sorted(column.rows) or not walk.ordered
        assert all(column.rows)


def seeds() -> list[bytes]:
    """Return one healthy input of each kind to begin with."""
    from tests.lab.snmp_agent import COUNTER64, END, STRING, Typed, binding

    rows = [
        binding((*column, row), Typed(STRING, b"name") if row % 2 else Typed(COUNTER64, 2**63))
        for row in range(1, 4)
        for column in COLUMNS
    ]
    rows += [binding((*column, 3), Typed(END, None)) for column in COLUMNS]
    answer = b"".join(rows)
    return [
        b"\0" + _response(answer),
        b"\1" + answer,
        b"\2\1" + len(answer).to_bytes(2, "big") + answer,
        b"\2\0" + len(answer).to_bytes(2, "big") + answer,
    ]


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
