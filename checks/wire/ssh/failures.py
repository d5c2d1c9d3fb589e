"""Why a host could not be logged into, told apart so that a technician knows which one thing to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checks.safe import safe
from checks.wire.ssh.access import Access, SshTrouble
from checks.wire.ssh.command import Command
from checks.wire.tcp import Attempt

if TYPE_CHECKING:
    from checks.wire.ssh.channel import Outcome

_WAYS = {
    "refused": (
        "refused the connection on port {port}",
        "Start the SSH server on {name}, or give its real port; a firewall may also reject the port.",
    ),
    "timeout": (
        "did not answer on port {port} ({detail})",
        "Look whether {name} is up and whether a firewall drops port {port} on the way from here.",
    ),
    "unreachable": (
        "is not reachable: {detail}",
        "Look whether {name} is up and whether this laptop stands in a network that leads there.",
    ),
    "no_route": ("has no route from this laptop: {detail}", "Connect this laptop to the network of {name}."),
    "reset": (
        "broke the connection off: {detail}",
        "Look at the SSH server's log, and for a firewall or an address ban between here and {name}.",
    ),
    "barred": (
        "may not be connected to: this laptop's own firewall forbids it",
        "Permit connections to port {port} in this laptop's firewall.",
    ),
}
_SHA1_KEX = frozenset({
    "diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group-exchange-sha1",
})  # fmt: skip
_OLD_KEYS = frozenset({"ssh-rsa", "ssh-dss"})
_PARTS = {
    "kex algorithm": ("kex", "key exchange"),
    "host key": ("keys", "host key"),
    "ciphers": ("ciphers", "cipher"),
}


def dialled(access: Access, attempt: Attempt) -> SshTrouble:
    """Return what a failed connection attempt means."""
    told = _WAYS.get(
        attempt.outcome, ("could not be connected to: {detail}", "Look at this laptop's network.")
    )
    where = {"port": access.port, "name": access.host, "detail": attempt.detail}
    reason, fix = (text.format(**where) for text in told)
    at = f" ({attempt.address})" if attempt.address != access.host else ""
    return SshTrouble("connect", f"{access.host}{at} {reason}.", fix, refused=attempt.outcome == "refused")


def silent(access: Access, seconds: float) -> SshTrouble:
    """Return what it means that no connection came about in that time."""
    return SshTrouble(
        "connect",
        f"{access.name} did not answer on port {access.port} within {seconds:g} s.",
        f"Look whether {access.host} is up, its name is known, and no firewall drops port {access.port}.",
    )


def unresolved(access: Access, error: str) -> SshTrouble:
    """Return what a name without an address means."""
    return SshTrouble(
        "connect",
        f"The name {access.host} has no address here: {safe(error)}.",
        "Correct the name, or give the host's address.",
    )


def stage_of(peer: Any) -> str:
    """Return how far a transport came: `banner` until the greeting was read, then `handshake`."""
    return "handshake" if peer.remote_version else "banner"


def greeted(access: Access, peer: Any, error: Exception | None, seconds: float | None) -> SshTrouble:
    """Return why no encrypted session came about; `seconds` where it was given up after so long."""
    greeting: bytes = peer.packetizer.greeting
    said = safe(greeting[:300].decode(errors="replace"), limit=200)
    if stage_of(peer) == "handshake":
        return _no_handshake(access, peer, error, seconds)
    from checks.wire.ssh.peer import MAX_GREETING

    if len(greeting) > MAX_GREETING:
        how = f"sends an endless greeting that begins with: {said}"
    elif not greeting and seconds is not None:
        return SshTrouble(
            "banner",
            f"{access.name} took the connection and said nothing for {seconds:g} s.",
            "Look whether an SSH server listens on that port and is not overloaded (MaxStartups, memory).",
        )
    elif not greeting:
        return SshTrouble(
            "banner",
            f"{access.name} took the connection and closed it without a greeting.",
            "Look for an address ban (fail2ban), MaxStartups, or a tcp wrapper on the host.",
        )
    elif seconds is not None:
        how = f"did not finish its greeting within {seconds:g} s; it began with: {said}"
    else:
        how = f"is not an SSH server; it said: {said}"
    return SshTrouble("banner", f"{access.name} {how}.", "Give the port of the host's SSH server.")


def _no_handshake(access: Access, peer: Any, error: Exception | None, seconds: float | None) -> SshTrouble:
    version = safe(peer.remote_version, limit=100)
    if seconds is not None:
        return SshTrouble(
            "handshake",
            f"{access.name} ({version}) did not finish the key exchange within {seconds:g} s.",
            "Look whether the host is overloaded, and whether the path drops large packets (MTU).",
        )
    text = str(error or "")
    from checks.wire.ssh.peer import offered

    offer = offered(peer.packetizer.offer) if peer.packetizer.offer else {}
    for words, (part, name) in _PARTS.items():
        if f"no acceptable {words}" in text:
            return _incompatible(access, version, name, offer.get(part, ()))
    detail = safe(text, limit=200) or "it closed the connection"
    return SshTrouble(
        "handshake",
        f"{access.name} ({version}) broke the key exchange: {detail}.",
        "Look at the SSH server's log on the host.",
    )


def _incompatible(access: Access, version: str, part: str, offer: tuple[str, ...]) -> SshTrouble:
    listed = safe(", ".join(offer[:12]), limit=300) or "nothing readable"
    old = {
        name for name in offer if not name.startswith(("ext-info-", "kex-strict-"))
    } <= _SHA1_KEX | _OLD_KEYS
    if old and offer:
        return SshTrouble(
            "handshake",
            f"{access.name} ({version}) is there but only offers SHA-1 for the {part}: {listed}.",
            "Update the SSH server, or give it a newer key (ssh-keygen -t ed25519 there): SHA-1 is refused.",
        )
    return SshTrouble(
        "handshake",
        f"{access.name} ({version}) offers no {part} that is accepted here; it offers: {listed}.",
        f"Enable a current {part} in the SSH server's configuration.",
    )


def lost(access: Access, stage: str) -> SshTrouble:
    """Return what a connection that broke in `stage` means."""
    return SshTrouble(
        stage, f"{access.name} broke the connection off.", "Look at the SSH server's log, then run it again."
    )


def late(access: Access, stage: str, seconds: float) -> SshTrouble:
    """Return what a stage that did not end means."""
    what = {
        "auth": "did not answer the login",
        "open-channel": "did not answer the request for a session",
        "exec-request": "did not answer the request to run a command",
        "jump": "did not connect onwards",
    }.get(stage, f"did not finish the stage {stage}")
    return SshTrouble(
        stage,
        f"{access.name} {what} within {seconds:g} s.",
        "Look at the SSH server's log and load on the host, then run it again.",
    )


def overdue(access: Access, command: Command) -> SshTrouble:
    """Return what a command means for whose end the check had no time left."""
    return SshTrouble(
        "run",
        f"On {access.name} the command had not ended when the time of the check was over: "
        f"{safe(command.shown, limit=200)}.",
        "Give the check a longer 'timeout', or look why the host is so slow, then run it again.",
    )


def crowded(access: Access) -> SshTrouble:
    """Return what it means that not even one session is given."""
    return SshTrouble(
        "open-channel",
        f"{access.name} let {access.user} log in and refuses every session.",
        "End sessions that were left running there, or raise MaxSessions in its sshd_config.",
    )


def not_run(access: Access, outcome: Outcome) -> SshTrouble:
    """Return why the account's shell never began a command."""
    said = safe((outcome.stdout + outcome.stderr)[-400:].decode(errors="replace").strip(), limit=300)
    told = f" It said: {said}" if said else ""
    who = f"the login shell of {access.user} on {access.name}"
    if outcome.ended == "not-started":
        return SshTrouble(
            "run",
            f"{who[0].upper()}{who[1:]} had not begun the command after {outcome.duration_s:.0f} s.{told}",
            "Make the account's shell start faster: look at its profile files for what waits.",
        )
    if outcome.ended == "connection-lost":
        return SshTrouble(
            "run", f"{access.name} broke the connection off before the command began.",
            "Look at the SSH server's log, then run it again.",
        )  # fmt: skip
    if outcome.ended == "refused":
        return SshTrouble(
            "exec-request", f"{access.name} refuses to run commands for {access.user}.",
            "Give the account a shell and permit commands (no `ForceCommand internal-sftp`) on the host.",
        )  # fmt: skip
    if outcome.ended == "unanswered":
        return late(access, "exec-request", round(outcome.duration_s, 1))
    status = f" and ended with status {outcome.status}" if outcome.status is not None else ""
    return SshTrouble(
        "run",
        f"{who[0].upper()}{who[1:]} did not run the command{status}.{told}",
        "Give the account a POSIX shell (or PowerShell) without a forced command.",
    )


def no_tunnel(jump: Access, target: Access, code: int) -> SshTrouble:
    """Return why a jump host did not connect onwards; `code` is SSH's own (RFC 4254 section 5.1)."""
    if code == 1:
        return SshTrouble(
            "jump",
            f"The jump host {jump.name} does not permit {jump.user} to connect onwards.",
            "Set AllowTcpForwarding (and PermitOpen) for this account in the jump host's sshd_config.",
            refused=True,
        )
    return SshTrouble(
        "jump",
        f"The jump host {jump.name} could not connect to {target.name}.",
        "Look from the jump host whether that name resolves there and its SSH port answers.",
    )
