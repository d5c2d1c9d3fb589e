"""What a DNS server may send: whole messages, names, and the HTTP/2 around them, led by coverage.

`.venv/bin/python -m tests.fuzz.dns_codec [SECONDS]` (60 unless given). A finding ends it with the input, and
libFuzzer keeps that as `crash-...` in the current folder.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["checks.wire"], enable_loader_override=False):
    from checks.wire.dns_answer import Answer
    from checks.wire.dns_codec import decode, encode, question_of, reply_to
    from checks.wire.dns_names import Malformed, name_wire, read_name
    from checks.wire.dns_text import canonical
    from checks.wire.http1 import Malformed as NotHttp
    from checks.wire.http2 import Connection, read_status

QUESTION = question_of("www.example", "A")
LONGEST = 4096


def one(data: bytes) -> None:
    """Hold everything that is said of any bytes to what the code promises."""
    if data[:1] == b"\0":
        _message(data[1:])
    elif data[:1] == b"\1":
        _message(b"\0\1\x81\x80\0\1\0\4\0\4\0\4" + QUESTION + data[1:])
    elif data[:1] == b"\2":
        _name(data[1:])
    else:
        _http2(data[1:])


def _message(message: bytes) -> None:
    reply_to(message, QUESTION)
    try:
        found = decode(message, QUESTION, "www.example")
    except Malformed:
        return
    for record in (*found.answer, *found.authority, *found.additional):
        for text in (record.name, record.text):
            assert text.isascii(), text
            assert text.isprintable(), text
        assert 0 <= record.ttl < 1 << 31
        once = canonical(record.rdtype, record.text)
        assert canonical(record.rdtype, once) == once
    answer = Answer(
        server="s", address="s", name="www.example", rdtype="A", rcode=found.rcode, records=found.answer
    )
    chain = answer.chain()
    assert len(chain.aliases) <= len(found.answer)
    assert not (chain.loop and chain.records)


def _name(raw: bytes) -> None:
    try:
        text, end = read_name(raw, 0)
    except Malformed:
        return
    assert 0 < end <= len(raw)
    assert name_wire(text) == name_wire(text.lower())
    assert read_name(name_wire(text), 0)[0] == text


def _http2(data: bytes) -> None:
    connection = Connection("dns.example", "/dns-query", 65535)
    connection.request((("accept", "application/dns-message"),), encode(0, QUESTION))
    try:
        at = 0
        while at < len(data) and not connection.done:
            size = 1 + data[at] % 61
            connection.feed(data[at + 1 : at + 1 + size])
            at += 1 + size
    except NotHttp:
        pass
    assert len(connection.body) <= 65535 + 16384
    assert connection.status == 0 or 200 <= connection.status <= 999
    try:
        assert 0 <= read_status(data) <= 999
    except NotHttp:
        pass


def seeds() -> list[bytes]:
    """Return one healthy input of each kind to begin with."""
    import dns.message
    import dns.rrset

    from tests.checks.wire.test_dns_codec import ZONE

    whole = dns.message.make_response(dns.message.make_query("www.example", "A"))
    for rdtype, text in ZONE:
        whole.answer.append(dns.rrset.from_text("www.example.", 60, "IN", rdtype, text))
    settings = b"\0\0\0\4\0\0\0\0\0"
    head = b"\0\0\1\1\4\0\0\0\1\x88"
    body = b"\0\0\5\0\1\0\0\0\1hello"
    cut = b"".join(bytes((len(part) - 1,)) + part for part in (settings, head, body))
    return [b"\0" + whole.to_wire(), b"\1\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3\4", b"\2\3www\0", b"\3" + cut]


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
