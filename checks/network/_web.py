"""What the checks that speak HTTP say alike when there is no whole answer."""

from __future__ import annotations

from checks.judging import cannot_tell, failed
from checks.network._certs import untrusted
from checks.network._peers import EXPLAINED, unresolved
from checks.params import join_endpoint
from checks.safe import safe
from checks.wire.http import Exchange, Kind, Trouble
from checks.words import Finding

_PHASES = {
    "resolve": "while its name was looked up",
    "connect": "while connecting",
    "tls": "during the TLS handshake",
    "ttfb": "before the first byte of the answer",
    "transfer": "while the answer was coming",
}
_KINDS: dict[Kind, tuple[str, str]] = {
    "handshake": (
        "TLS could not be agreed.",
        "Check that the port speaks TLS at all and offers TLS 1.2 or 1.3; network.tls tells more.",
    ),
    "timeout": (
        "The answer did not come in time.",
        "Look at the service's load and log; if it is known to be slow, give the check a longer timeout.",
    ),
    "reset": (
        "The connection was reset.",
        "Look at the service's log, and at proxies and inspection between here and the server.",
    ),
    "closed": (
        "The connection was closed before the answer was whole.",
        "Look at the service's log, and at proxies and inspection between here and the server.",
    ),
    "malformed": (
        "What answers does not speak proper HTTP.",
        "Check the port and what listens there; a TLS port answers like this to http://.",
    ),
}


def no_answer(subject: str, seen: Exchange, trouble: Trouble) -> Finding:
    """Return the finding for an exchange that `trouble` ended."""
    if seen.names is not None and not seen.names.addresses:
        return unresolved(subject, seen.names)
    say = {
        "expected": "a whole answer",
        "observed": f"{trouble.kind} {_PHASES[trouble.phase]}: {safe(trouble.detail, limit=200)}",
    }
    if trouble.kind == "untrusted":
        message, fix = untrusted(trouble.verify_code or 0)
        say["expected"] = "a certificate that is trusted here"
        return failed(subject, message, fix=fix, **say)
    last = seen.attempts[-1] if seen.attempts else None
    if trouble.kind in ("unreachable", "local") and last is not None and last.outcome != "open":
        message, fix = EXPLAINED[last.outcome]
        say["observed"] = (
            f"{join_endpoint(last.address, last.port)} {last.outcome}: {safe(last.detail, limit=200)}"
        )
        make = cannot_tell if trouble.kind == "local" else failed
        return make(subject, message, fix=fix, **say)
    message, fix = _KINDS.get(trouble.kind, _KINDS["closed"])
    if trouble.kind == "local":
        return cannot_tell(subject, "This laptop could not ask.", fix=EXPLAINED["local"][1], **say)
    return failed(subject, message, fix=fix, **say)
