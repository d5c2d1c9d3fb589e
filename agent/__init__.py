"""The engine: project file, plan, run, ledger, verdict, report, and the command line."""
