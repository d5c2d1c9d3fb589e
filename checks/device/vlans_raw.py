"""What every way of reading VLANs fills in, before it becomes the model."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class RawVlans:
    """VLANs by their number and ports by ifIndex; a VLAN that is not in `egress` does not tell its ports."""

    source: str
    names: dict[int, str] = field(default_factory=dict)
    egress: dict[int, set[int]] = field(default_factory=dict)
    untagged: dict[int, set[int]] = field(default_factory=dict)
    pvid: dict[int, int] = field(default_factory=dict)
    suspended: set[int] = field(default_factory=set)
    open_trunks: set[int] = field(default_factory=set)

    def add(self, vlan: int, port: int, *, tagged: bool) -> None:
        """Put a port into a VLAN."""
        self.egress.setdefault(vlan, set()).add(port)
        if not tagged:
            self.untagged.setdefault(vlan, set()).add(port)
