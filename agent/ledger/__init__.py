"""The ledger: append-only, hash-chained evidence in SQLite beside the project file."""
