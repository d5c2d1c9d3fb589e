"""The ledger: append-only, hash-chained evidence in SQLite beside the project file."""

from __future__ import annotations

from agent.ledger.errors import LedgerError
from agent.ledger.known import Known
from agent.ledger.store import Ledger, ledger_path
from agent.ledger.writer import Writer

__all__ = ["Known", "Ledger", "LedgerError", "Writer", "ledger_path"]
