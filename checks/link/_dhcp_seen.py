"""What `link.dhcp` sees: the replies that were heard, and by what else the link showed itself alive."""

from __future__ import annotations

from checks.dataclass import dataclass
from checks.local.facts import LeaseFact
from checks.wire.frames.dhcp import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One reply of a DHCP server or relay, and the hardware address and address it came from.

    `mine` says that it answers our question; others answer other clients, or a transaction that is none.
    """

    mac: str
    vendor: str | None
    source: str
    after_ms: float
    mine: bool
    message: Message
    vlan: int | None = None

    @property
    def server(self) -> str:
        """The server identifier (option 54); empty where it has none that is one address."""
        values = self.message.values(54)
        return values[0] if len(values) == 1 and "x" not in values[0] else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Somebody with the hardware address `mac` answered by ARP for `address`."""

    address: str
    mac: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DhcpSeen:
    """All that was heard on the link while we asked; without the right to ask, the system's lease."""

    interface: str
    mac: str
    vlan: int | None = None
    sent: int = 0
    """DISCOVERs that left this machine."""
    listened_s: float = 0.0
    """How long was listened after the first of them."""
    replies: tuple[Reply, ...] = ()
    left_out: int = 0
    """Replies beyond the most that are kept of one sender, or of all."""
    lost: int = 0
    """Frames that the system dropped unread."""
    garbage: tuple[str, ...] = ()
    """Hardware addresses that sent to a DHCP client's port what is no DHCP message."""
    others: int = 0
    """Other frames that were heard in the same VLAN: the control that hearing works here."""
    claims: tuple[Claim, ...] = ()
    """ARP answers for the planned router and servers, and for the addresses that were offered."""
    interrupted: bool = False
    """The interface went down meanwhile."""
    lease: LeaseFact | None = None
    hindrance: str = ""
    """Why nothing could be asked, and the lease of the operating system was read instead."""
    remedy: str = ""
