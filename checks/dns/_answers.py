"""What the checks of this family say alike about an answer: none came, what it holds, the way it took."""

from __future__ import annotations

from checks.judging import cannot_tell, failed
from checks.safe import in_line, safe
from checks.wire.dns import Answer, Chain, Failure
from checks.words import Finding

_FAILED: dict[Failure, tuple[str, str]] = {
    "timeout": (
        "The server did not answer",
        "Check that the server is up and serves DNS to this network, and that UDP and TCP port 53 are open.",
    ),
    "refused (port closed)": (
        "The host is up and nothing serves DNS there",
        "Start the DNS service on that host, or correct the address in the project or the DHCP scope.",
    ),
    "unreachable": (
        "The network reports the server as unreachable",
        "Check the server's address, its route, and the firewall or router that reports it.",
    ),
    "malformed reply": (
        "The server's reply is not a DNS message that can be read",
        "Find out what serves port 53 there: a proxy or another program may stand in for the DNS server.",
    ),
    "untrusted certificate": (
        "The certificate of the server is not to be trusted, so nothing it says was taken",
        "Name the server as its certificate does (tls://192.0.2.1#name), or give its authority by ca_file.",
    ),
    "TLS failed": (
        "The server does not speak TLS as DNS over TLS or HTTPS needs it",
        "Check that DNS over TLS (port 853) or HTTPS is served there, and that nothing on the way breaks it.",
    ),
    "HTTP error": (
        "The web server there refuses the question",
        "Correct the path of the URL (most are /dns-query), or allow this laptop to ask that server.",
    ),
}
_UNTESTED: dict[Failure, tuple[str, str]] = {
    "not sent": (
        "This laptop has no way to the server, so it was not tested",
        "Check the laptop's address, route and firewall for that address family, then run again.",
    ),
    "unknown host": (
        "The name of the server has no address here, so it was not tested",
        "Give the server's address, or mend the name or this laptop's resolver.",
    ),
    "truncated": (
        "The answer was cut short, and the whole of it could not be had",
        "Open TCP port 53 to the server (RFC 7766) and run again.",
    ),
}
_RCODES = {
    "SERVFAIL": "The server could not answer (SERVFAIL): zone not loaded, not reached, or not valid",
    "REFUSED": "The server refuses to answer this laptop for that name (REFUSED)",
    "NOTAUTH": "The server has no authority for the name (NOTAUTH)",
}
_RCODE_FIXES = {
    "SERVFAIL": "Look at the server's log: its forwarders, the zone's transfer or its DNSSEC signatures.",
    "REFUSED": "Allow this network in the server's access list, or ask a server that serves the name.",
}


def no_answer(answer: Answer, expected: str, *, proven: bool = True) -> Finding | None:
    """Return the finding that `answer` says nothing about the name, or None if it says something.

    With `proven` false it is never a failure: for claims about a name, of which silence says nothing.
    """
    if answer.error is None and answer.rcode in ("NOERROR", "NXDOMAIN"):
        return None
    wrong = failed if proven else cannot_tell
    if answer.error is None:
        rcode = answer.rcode or ""
        return wrong(
            answer.server,
            f"{_RCODES.get(rcode, f'The server answered with the error {rcode}')}.",
            expected=expected,
            observed=f"{rcode}{stub(answer.server)}",
            fix=_RCODE_FIXES.get(rcode, "Look at the server's log, and ask it from another machine."),
        )
    observed = f"{answer.error}: {safe(answer.detail, limit=200)}{stub(answer.server)}"
    if answer.ignored:
        observed += f" ({answer.ignored} replies that did not fit the question were ignored)"
    if answer.error in _UNTESTED:
        what, fix = _UNTESTED[answer.error]
        return cannot_tell(answer.server, f"{what}.", expected=expected, observed=observed, fix=fix)
    what, fix = _FAILED[answer.error]
    return wrong(answer.server, f"{what}.", expected=expected, observed=observed, fix=fix)


def nobody_s(answer: Answer, expected: str) -> Finding:
    """Return the finding that a server's nothing is no absence: no zone stands behind it."""
    return cannot_tell(
        answer.server,
        "This server answers with nothing, and knows no zone of the name or above it either.",
        expected=expected,
        observed=shown(answer, answer.chain()),
        fix="Log in to the network if it wants that (network.captive), or name a server that resolves.",
    )


def shown(answer: Answer, chain: Chain) -> str:
    """Return in one line what an answer holds: the records or their absence, and the way there."""
    if chain.records:
        text = in_line(sorted(record.text for record in chain.records))
    elif answer.rcode == "NXDOMAIN":
        text = "NXDOMAIN"
    else:
        text = f"no {answer.rdtype} record"
    return f"{text}{way(chain)}{stub(answer.server)}"


def way(chain: Chain) -> str:
    """Return `, by way of the alias x`, or nothing where there was none."""
    if not chain.aliases:
        return ""
    return f", by way of the alias{'es' * (len(chain.aliases) > 1)} {in_line(chain.aliases)}"


def stub(server: str) -> str:
    """Return a remark if `server` is the stub of systemd-resolved, whose answers may be its own."""
    if server.partition(":")[0] in ("127.0.0.53", "127.0.0.54"):
        return " (systemd-resolved's local stub: from its cache, or made up by it)"
    return ""
