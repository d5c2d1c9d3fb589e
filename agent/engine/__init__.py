"""The run: a graph of checks through a worker pool, under deadlines, into the ledger."""
