"""What is seen of a database on one server: its tables with their contents, and what must come along."""

from __future__ import annotations

from checks.dataclass import dataclass

KINDS = (
    "table", "columns", "index", "constraint", "view", "function", "trigger", "event", "foreign_table",
    "sequence", "extension", "schema", "setting", "role",
)  # fmt: skip
"""What the key of a difference begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table: its exact count of rows, and a checksum over them that their order does not change."""

    name: str
    rows: int
    checksum: str = ""
    """Empty where none was asked for."""

    @property
    def shown(self) -> str:
        """Return it as findings show it."""
        content = f", content {self.checksum[:16]}" if self.checksum else ""
        return f"{self.rows} row{'' if self.rows == 1 else 's'}{content}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One replication, seen from its receiving side or (`sends`) from the side that sends."""

    name: str
    sends: bool
    running: bool
    detail: str
    """What its state is; text from outside, safe already."""
    lag_s: float | None = None
    """How far the receiver is behind, as this side tells it; None where it does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A database as one server has it, all tables in one snapshot."""

    host: str
    product: str
    """`PostgreSQL`, `MariaDB` or `MySQL`."""
    version: str
    server: str
    """What only this server process says of itself: two sides with the same are one server."""
    position: int | None
    """PostgreSQL: how far its log is written, or (on a standby) replayed."""
    changes: str
    """A counter of changes: while it stays, nothing was written."""
    receives: bool
    """Whether it is a standby, or replicates from another server in another way."""
    replication: tuple[Link, ...]
    tables: tuple[Table, ...]
    objects: tuple[tuple[str, str], ...]
    """Keys of `KINDS` but `table`, `sequence` and `role`, with what is behind them."""
    sequences: tuple[tuple[str, int | None, int], ...] = ()
    """Name, last value (None if it was never used), increment."""
    roles: tuple[tuple[str, str], ...] = ()
    unseen: tuple[str, ...] = ()
    """What this account may not see, as full sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSeen:
    """The target, the source, and the source's tables once more after the target was read."""

    database: str
    target: Side
    source_database: str = ""
    source: Side | None = None
    again: tuple[Table, ...] = ()
    """Empty where the source says that nothing was written meanwhile."""
