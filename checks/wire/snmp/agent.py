"""What every SNMP reader works on: object identifiers, values, columns, and the agent that has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal, Protocol

from checks.dataclass import dataclass

Oid = tuple[int, ...]
Index = tuple[int, ...]
"""What follows a column's identifier: `(10101,)` for ifIndex 10101."""
Value = int | bytes | Oid
"""Integers, counters, gauges and time ticks are int; strings and addresses bytes; identifiers tuples."""
Column = Mapping[Index, Value]

Auth = Literal["none", "md5", "sha", "sha224", "sha256", "sha384", "sha512"]
Privacy = Literal[
    "none", "des", "3des", "aes", "aes192", "aes256", "aes192-blumenthal", "aes256-blumenthal"
]  # fmt: skip
"""RFC 3414, RFC 3826 and RFC 7860; `aes192` and `aes256` extend the key as Cisco does (Reeder),
`-blumenthal` as the draft does: two ways that do not understand each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where an agent is and how it is asked; keys are the secrets themselves and never leave this record."""

    host: str
    """A name or an address."""
    port: int = 161
    version: Literal["1", "2c", "3"] = "2c"
    community: str = field(default="", repr=False)
    user: str = ""
    auth: Auth = "none"
    auth_key: str = field(default="", repr=False)
    privacy: Privacy = "none"
    privacy_key: str = field(default="", repr=False)
    context: str = ""
    """SNMPv3 context name; some switches show the tables of one VLAN in `vlan-10`."""


class Agent(Protocol):
    """One agent, read only: there is no way to set anything.

    Every method raises `CannotTell`, which names the agent and tells the causes apart as far as the protocol
    lets one: no answer, wrong key, restricted view, an agent that loops, one that takes too long. What is
    returned is whole.
    """

    @property
    def name(self) -> str:
        """Host, with its port where that is not 161, as findings name it."""
        ...

    @property
    def quirks(self) -> tuple[str, ...]:
        """What was odd about its answers so far, as full sentences; none of it makes them wrong."""
        ...

    async def get(self, *oids: Oid) -> dict[Oid, Value]:
        """Return the values of scalars, asked in as few messages as the agent allows.

        Objects that the agent does not have are left out. All values of up to 16 objects come from one
        message, so that a counter and the agent's clock beside it belong together.
        """
        ...

    async def table(self, *columns: Oid, ordered: bool = True) -> dict[Oid, dict[Index, Value]]:
        """Return whole columns of one table; one that the agent does not have is empty.

        `ordered` false is for the few agents whose rows come in no order: then the column ends at the first
        row that comes again.
        """
        ...

    def in_context(self, context: str) -> Agent:
        """Return the same device's agent for a VLAN's tables: `community@10` or the v3 context `vlan-10`.

        `context` is the number of the VLAN as text.
        """
        ...
