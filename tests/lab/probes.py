"""Whether a daemon answers: tiny questions that a lab asks from inside a namespace while it waits."""

from __future__ import annotations

import socket

import dns.exception
import dns.message
import dns.query

PATIENCE_S = 0.3


def tcp(host: str, port: int) -> bool:
    """Return whether `host` accepts a connection on `port`; refused and silent raise OSError."""
    with socket.create_connection((host, port), PATIENCE_S):
        return True


def dns_answers(server: str, name: str, kind: str = "A") -> tuple[str, ...]:
    """Return the addresses that `server` gives for `name`; no answer raises OSError."""
    try:
        answer = dns.query.udp(dns.message.make_query(name, kind), server, timeout=PATIENCE_S)
    except dns.exception.DNSException as error:
        raise OSError(f"No answer from {server}: {error}") from error
    return tuple(item.to_text() for rrset in answer.answer for item in rrset)


def ntp(server: str) -> bool:
    """Return whether an NTP server gives a synchronised time (RFC 5905 section 7.3)."""
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE_S)
        client.connect((server, 123))
        client.send(b"\x23" + bytes(47))
        answer = client.recv(512)
        return answer[0] >> 6 != 3 and 0 < answer[1] < 16
