"""What a mail server's refusal is about: the recipient, the way that mail comes, or this laptop.

Source: RFC 5321 section 4.2.2, RFC 3463 section 3; learn.microsoft.com, use-directory-based-edge-blocking
(5.4.1), ndr/relay-access-denied-smtp (5.7.64), "Introducing more control over Direct Send" (5.7.68),
multi-geo in-region routing (4.4.62, ATTR35 and ATTR55).
"""

from __future__ import annotations

from typing import Literal

from checks.dataclass import dataclass
from checks.wire.smtp_replies import Reply

About = Literal["accepted", "rejected", "path", "place", "later", "client", "unclear"]
"""`rejected`: this recipient is not taken. `path`: mail that comes this way is not taken. `place`: the
endpoint is the wrong one. `later`: nothing is decided yet. `client`: it is about this laptop's address."""
_CLIENT_WORDS = (
    "spamhaus", "blocklist", "block list", "blacklist", "denylist", "dnsbl", "blocked using",
    "banned sending", "client host", "client was not authenticated", "sender address rejected",
    "helo command rejected", "reputation", "dynamic ip", "dynamically assigned", "dial-up", "residential",
    "reverse dns", "rdns",
    "ptr record", "your ip", "ip address", "sorbs", "barracuda", "spamcop", "service unavailable",
)  # fmt: skip
_SENDER = frozenset({"5.1.7", "5.1.8"})
_UNCLEAR = ("5.1.", "5.5.", "5.7.")
_BLOCKED = (
    "Nothing is known about the recipient: run it from a line with a static address and reverse DNS (the "
    "office's own), or have the address delisted where the reply says so."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a reply is about, in a full sentence, and what to do about it."""

    about: About
    message: str
    fix: str
    reference: str = ""


def about_client(reply: Reply) -> bool:
    """Return whether a refusal's words are about who asks: its address, name or reputation."""
    text = reply.text.lower()
    if reply.enhanced.startswith("5.7.6") and len(reply.enhanced) == 7:  # 5.7.606 to 649: banned sending IP
        return True
    return any(word in text for word in _CLIENT_WORDS)


def of_recipient(reply: Reply) -> Meaning:
    """Return what a reply to RCPT means."""
    code, status, text = reply.code, reply.enhanced, reply.text.lower()
    if code in (250, 251):
        return Meaning(
            about="accepted",
            message="The recipient is accepted.",
            fix="Remove the recipient or the catch-all there, switch on Directory-Based Edge Blocking, and "
            "test that the server is no open relay.",
        )
    if code < 400:
        return Meaning(
            about="unclear",
            message="The server's reply neither accepts nor refuses the recipient.",
            fix="Look at the server's log, and test this recipient by a message.",
        )
    if status == "4.4.62" and "attr55" not in text:
        return Meaning(
            about="place",
            message="Exchange Online says that this is the wrong region for the domain: the MX is not the "
            "one that was assigned.",
            fix="Set the MX to the value that the Microsoft 365 admin centre shows for the domain; do not "
            "compute it from the domain's name.",
            reference="Exchange Online 451 4.4.62 (ATTR35)",
        )
    if 400 <= code < 500:
        grey = " It looks like greylisting." if "grey" in text or "gray" in text or code == 450 else ""
        return Meaning(
            about="later",
            message=f"The server puts the recipient off for now, which decides nothing.{grey}",
            fix="Run it again after some minutes from the same address; if it stays so, read its log.",
        )
    known = _microsoft(reply)
    if known is not None:
        return known
    if about_client(reply):
        return Meaning(
            about="client",
            message="The server refuses this laptop's address or the sender, not the recipient.",
            fix=_BLOCKED,
        )
    if "relay" in text and any(word in text for word in ("denied", "unable", "not permitted", "prohibited")):
        return Meaning(
            about="rejected",
            message="The server does not take mail for that domain: relaying is denied.",
            fix="Add the domain to the server's accepted domains, or correct the host: it is not where the "
            "domain's mail belongs.",
        )
    known_place = status.startswith(("5.1.", "5.2.")) and status not in _SENDER
    if known_place or "recipient address rejected" in text or code == 551:
        return Meaning(
            about="rejected",
            message="The server refuses the recipient: it knows no such address, or may not deliver to it.",
            fix="Create the mailbox, alias or contact there (or wait for its synchronisation); run again.",
        )
    if code in (500, 501, 502, 503, 504, 530, 555) or status.startswith(_UNCLEAR):
        return Meaning(
            about="unclear",
            message="The server refuses, and its reply does not say whether the recipient is the cause.",
            fix="Look at the server's log for this dialogue; it may ask for TLS, for another sender or for a "
            "connector.",
        )
    return Meaning(
        about="rejected",
        message="The server refuses the recipient.",
        fix="Look at the server's words and log; create the address there, or correct it in the project.",
    )


def _microsoft(reply: Reply) -> Meaning | None:
    if reply.enhanced == "5.4.1":
        return Meaning(
            about="rejected",
            message="Directory-Based Edge Blocking: Exchange Online does not have the recipient in its "
            "directory.",
            fix="Let the recipient be synchronised or created; until all are, set the accepted domain to "
            "InternalRelay (Exchange admin centre, Mail flow, Accepted domains), and back afterwards.",
            reference="Exchange Online, use Directory-Based Edge Blocking (550 5.4.1)",
        )
    if reply.enhanced == "5.7.64":
        return Meaning(
            about="path",
            message="Exchange Online attributes this mail to no tenant: no inbound connector fits the "
            "sender, or the domain is not accepted.",
            fix="In the Exchange admin centre (Mail flow) correct the inbound connector, its certificate "
            "name or sending address, and check that the domain is an accepted domain of the tenant.",
            reference="Exchange Online 550 5.7.64 TenantAttribution",
        )
    if reply.enhanced == "5.7.68":
        return Meaning(
            about="path",
            message="Exchange Online refuses Direct Send for the organisation.",
            fix="Give the devices that send this way a partner connector or authenticated submission, or "
            "switch RejectDirectSend off.",
            reference="Exchange Online 550 5.7.68 TenantInboundAttribution",
        )
    return None
