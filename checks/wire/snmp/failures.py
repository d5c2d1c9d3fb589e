"""Why an agent could not be read, in full sentences with what to do about it."""

from __future__ import annotations

from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.snmp.agent import Access, Oid

ERRORS = {
    1: "tooBig", 2: "noSuchName", 3: "badValue", 4: "readOnly", 5: "genErr", 6: "noAccess", 7: "wrongType",
    8: "wrongLength", 9: "wrongEncoding", 10: "wrongValue", 11: "noCreation", 12: "inconsistentValue",
    13: "resourceUnavailable", 14: "commitFailed", 15: "undoFailed", 16: "authorizationError",
    17: "notWritable", 18: "inconsistentName",
}  # fmt: skip


def dotted(oid: Oid) -> str:
    """Return an identifier as people write it."""
    return ".".join(map(str, oid))


def error_name(status: int) -> str:
    """Return the name of an error status (RFC 3416)."""
    return ERRORS.get(status, f"error {status}")


def no_address(name: str, host: str, words: str) -> CannotTell:
    return CannotTell(
        f"{name} cannot be asked by SNMP: the name {safe(host, limit=253)} leads to no address"
        f" ({safe(words, limit=200)}).",
        "Correct the host, or write its management address.",
    )


def no_way(name: str, words: str) -> CannotTell:
    return CannotTell(
        f"{name} cannot be asked by SNMP: this machine has no way to it ({safe(words, limit=200)}).",
        "Check this machine's link, address and routes (gonogo here), and the management VLAN.",
    )


def closed(name: str) -> CannotTell:
    return CannotTell(
        f"{name} answers, but no SNMP agent listens there: its UDP port is closed.",
        "Switch SNMP on at the device, or correct the port or the address.",
    )


def silent(name: str, how: str, strays: int = 0) -> CannotTell:
    noise = f" {strays} datagrams came from there that answer nothing that was asked." if strays else ""
    return CannotTell(
        f"{name} gave no answer {how}.{noise} SNMP does not tell a wrong community from an access list,"
        " a wrong address or a device that is off.",
        "Check in this order: the address (ping it), that SNMP is switched on, the community and the version,"
        " the device's list of allowed managers, and firewalls on the way (UDP 161).",
    )


def silent_context(name: str, context: str) -> CannotTell:
    return CannotTell(
        f"{name} does not answer in the context of VLAN {safe(context, limit=64)}.",
        "Allow the VLAN's context to this community or user at the device"
        " (Cisco: snmp-server group ... context vlan- match prefix), or read the table at its console.",
    )


def went_silent(name: str, what: str) -> CannotTell:
    return CannotTell(
        f"{name} answered at first and fell silent while {what} was read, also to smaller questions.",
        "Run the check again; if it repeats, look at the device's CPU load and at loss on the way to it.",
    )


def no_rest(name: str, what: str) -> CannotTell:
    return CannotTell(
        f"{name} still answers, but not to questions for {what}, however small.",
        "Its agent hangs on this table: look for newer firmware, and read the table at its console.",
    )


def no_patience(name: str, seconds: float) -> CannotTell:
    return CannotTell(
        f"{name} was given up: waiting for answers that never came took {seconds:.0f} s in this run.",
        "Check loss on the way to the device and its CPU load, then run again.",
    )


def too_slow(name: str, seconds: float) -> CannotTell:
    return CannotTell(
        f"{name} was given up: its answers took {seconds:.0f} s of this run.",
        "Check the device's CPU load and the way to it; ask it from a place that is nearer.",
    )


def too_long(name: str, what: str, seconds: float, rows: int) -> CannotTell:
    return CannotTell(
        f"{name} needs more than {seconds:.0f} s for {what}; {rows} values had come. Half a table proves"
        " nothing.",
        "Run the check when the device is less busy, or from a place with a shorter way to it.",
    )


def endless(name: str, what: str, most: int) -> CannotTell:
    return CannotTell(
        f"{name} has more than {most} rows in {what}: it was not read to its end.",
        "Look at the table at the device's console; an agent that invents rows needs newer firmware.",
    )


def circles(name: str, column: Oid, before: Oid, after: Oid) -> CannotTell:
    return CannotTell(
        f"{name} answers in circles: in {dotted(column)} the object after {dotted(before)} is said to be"
        f" {dotted(after)}, which is not greater.",
        "Its agent is broken in this table: look for newer firmware, and read the table at its console.",
    )


def malformed(name: str, what: str, words: str) -> CannotTell:
    return CannotTell(
        f"{name} answers questions for {what} with messages that cannot be read: {safe(words, limit=200)}.",
        "Look for newer firmware of the device; a firewall that rewrites SNMP messages does this, too.",
    )


def other_answer(name: str, what: str) -> CannotTell:
    return CannotTell(
        f"{name} answers questions for {what} with something that was not asked, or with nothing at all.",
        "Look for newer firmware of the device; what it says about this object cannot be used.",
    )


def refused_by_agent(name: str, what: str, status: int) -> CannotTell:
    if status in {6, 16}:
        return CannotTell(
            f"{name} does not allow this community or user to read {what} ({error_name(status)}).",
            "Give the community or user a view that has the whole MIB (read only is enough).",
        )
    return CannotTell(
        f"{name} reports an error of its own ({error_name(status)}) when {what} is asked, however small the"
        " question.",
        "Run the check again; if it repeats, look for newer firmware and read the table at its console.",
    )


def restricted(name: str, what: str) -> CannotTell:
    """Return what to raise where the system group reads and a table that every device has is empty.

    `what` names the table, such as `the interface table`.
    """
    return CannotTell(
        f"{name} answers, but shows nothing of {what}: the community or user has a restricted view.",
        "Give the community or user a view that has the whole MIB (read only is enough), then run again.",
    )


def _user(access: Access) -> str:
    return f"the user {safe(access.user, limit=64)}"


def _level(access: Access) -> str:
    if access.privacy != "none":
        return "authPriv"
    return "authNoPriv" if access.auth != "none" else "noAuthNoPriv"


def empty_key(name: str, what: str) -> CannotTell:
    return CannotTell(
        f"{name} cannot be asked by SNMPv3: the {what} passphrase is empty.",
        f"Put the {what} passphrase where its reference points.",
    )


def unknown_user(name: str, access: Access) -> CannotTell:
    return CannotTell(
        f"{name} does not know {_user(access)} (SNMPv3).",
        "Create the user at the device, or correct the user name; names are case-sensitive.",
    )


def wrong_digest(name: str, access: Access) -> CannotTell:
    return CannotTell(
        f"{name} knows {_user(access)} and refuses its authentication: the passphrase is wrong, or the"
        f" protocol is not {access.auth}.",
        "Compare the authentication protocol (md5, sha, sha256 ...) and passphrase with the device's.",
    )


def privacy_silent(name: str, access: Access) -> CannotTell:
    other = ""
    if access.privacy.startswith(("aes192", "aes256")):
        twin = access.privacy.removesuffix("-blumenthal")
        twin += "" if access.privacy.endswith("-blumenthal") else "-blumenthal"
        other = f" AES-192 and AES-256 exist in two ways: try {twin}."
    return CannotTell(
        f"{name} accepts the authentication of {_user(access)}, but does not answer encrypted messages: the"
        f" privacy passphrase is wrong, or the protocol is not {access.privacy}.",
        f"Compare the privacy protocol (des, aes, aes256 ...) and passphrase with the device's.{other}",
    )


def user_silent(name: str, access: Access) -> CannotTell:
    return CannotTell(
        f"{name} speaks SNMPv3, but gives no answer to authenticated messages of {_user(access)}.",
        "Compare user, protocols and passphrases with the device's, and its list of allowed managers.",
    )


def unsupported_level(name: str, access: Access) -> CannotTell:
    return CannotTell(
        f"{name} does not take messages of {_user(access)} at the level {_level(access)}.",
        "Give the authentication and privacy that the user has at the device: both, one, or neither.",
    )


def not_authorized(name: str, access: Access) -> CannotTell:
    return CannotTell(
        f"{name} knows {_user(access)}, but does not let it read at the level {_level(access)}"
        " (authorizationError).",
        "Ask with the privacy that the user's group demands, or give the group a read view at the device.",
    )


def not_in_time(name: str) -> CannotTell:
    return CannotTell(
        f"{name} refuses authenticated messages as out of its time window, also after its clock was asked.",
        "Restart the device's SNMP agent; another device with the same engine id does this, too.",
    )


def unknown_context(name: str, context: str) -> CannotTell:
    return CannotTell(
        f"{name} does not know the SNMPv3 context {safe(context, limit=64) or '(empty)'}.",
        "Correct the context, or create it at the device"
        " (Cisco: snmp-server group ... context vlan- match prefix).",
    )


def security(name: str, words: str) -> CannotTell:
    return CannotTell(
        f"{name} cannot be asked by SNMPv3: {safe(words, limit=200)}.",
        "Compare user, protocols and passphrases with the device's.",
    )
