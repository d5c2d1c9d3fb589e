"""A reply as evidence for a chain of trust, and the record sets in it. Pure; what cannot be read is said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from checks.dataclass import dataclass
from checks.wire.dnssec_denial import MAX_PROOFS, Denials, hashed_owner
from checks.wire.dnssec_rrset import Budget, Checked, Signature, check

if TYPE_CHECKING:
    import dns.message
    import dns.name

_SIGNATURE, _NSEC, _NSEC3, _SOA = 46, 47, 50, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one server said to one question. `wire` is empty where that is nothing usable: see `detail`."""

    name: str
    rdtype: str
    server: str
    rcode: str = ""
    detail: str = ""
    wire: bytes = b""


@dataclass(frozen=True, slots=True)
class Keyed:
    """A zone whose keys are known to be its own."""

    name: dns.name.Name
    keys: tuple[tuple[int, Any], ...]
    """Each with its tag."""


class Opened:
    """A reply taken apart; `trouble` says why it cannot be used."""

    def __init__(self, reply: Reply) -> None:
        import dns.message

        self.reply = reply
        self.trouble = ""
        self.message: dns.message.Message | None = None
        if not reply.wire or reply.rcode not in ("NOERROR", "NXDOMAIN"):
            self.trouble = reply.detail or reply.rcode or "no answer"
            return
        try:
            self.message = dns.message.from_wire(reply.wire, ignore_trailing=True)
        except Exception as error:  # noqa: BLE001 - hostile bytes may raise anything, and are evidence
            self.trouble = f"the reply cannot be read: {type(error).__name__}"

    @property
    def answer(self) -> Sequence[Any]:
        """The record sets of the answer section."""
        return self.message.answer if self.message is not None else ()

    @property
    def authority(self) -> Sequence[Any]:
        """The record sets of the authority section."""
        return self.message.authority if self.message is not None else ()

    def find(self, name: dns.name.Name, rdtype: int) -> Any | None:
        """Return the set of a name and type in the answer."""
        return _find(self.answer, name, rdtype)

    def signers(self) -> set[Any]:
        """Return the names that signatures in the reply say they are by."""
        sets = [rrset for rrset in (*self.answer, *self.authority) if rrset.rdtype == _SIGNATURE]
        return {signature.signer for rrset in sets for signature in list(rrset)[:8]}

    def start_of_authority(self) -> Any | None:
        """Return the owner of the SOA in the authority section."""
        return next((rrset.name for rrset in self.authority if rrset.rdtype == _SOA), None)

    def checked(self, rrset: Any, zone: Keyed, now: int, budget: Budget) -> Checked:
        """Check a set of the answer against the signatures beside it."""
        signatures = _find(self.answer, rrset.name, _SIGNATURE, rrset.rdtype) or ()
        return check(rrset, tuple(signatures), zone.name, zone.keys, now, budget)

    def denials(
        self, zone: Keyed, now: int, budget: Budget
    ) -> tuple[Denials, list[Checked], list[Signature]]:
        """Return the proofs in the authority section that the zone signed, what did not hold, and by what."""
        nsec: list[tuple[Any, Any]] = []
        nsec3: list[tuple[bytes, Any]] = []
        wrong: list[Checked] = []
        signatures: list[Signature] = []
        sets = [rrset for rrset in self.authority if rrset.rdtype in (_NSEC, _NSEC3)]
        for rrset in sets[:MAX_PROOFS]:
            beside = _find(self.authority, rrset.name, _SIGNATURE, rrset.rdtype) or ()
            found = check(rrset, tuple(beside), zone.name, zone.keys, now, budget)
            own = len(rrset.name) - 1 - (1 if rrset.name.is_wild() else 0)
            if found.signature is None or found.labels != own:
                wrong.append(found)
                continue
            signatures.append(found.signature)
            if rrset.rdtype == _NSEC:
                nsec.append((rrset.name, rrset[0]))
            elif len(rrset.name) == len(zone.name) + 1:
                owner = hashed_owner(rrset.name.labels[0])
                if owner is not None:
                    nsec3.extend((owner, data) for data in list(rrset)[:1])
        return Denials(zone.name, tuple(nsec), tuple(nsec3)), wrong, signatures


def _find(section: Sequence[Any], name: Any, rdtype: int, covers: int = 0) -> Any | None:
    return next(
        (
            r
            for r in section
            if r.rdtype == rdtype and r.covers == covers and r.name == name and r.rdclass == 1
        ),
        None,
    )
