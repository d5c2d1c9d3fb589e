"""The dashboard: shows the ledger, starts and stops runs, never judges."""
