"""Run as a program: write results to a ledger and print each check's id once it is stored.

Usage: writing_process.py LEDGER RUN COUNT PAUSE_S
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from agent.ledger import Ledger, LedgerError
from checks.words import Result
from tests.agent.ledger.making import NOON, a_result, a_run


def main(path: str, run: str, count: str, pause_s: str) -> None:
    def stored(batch: list[Result]) -> None:
        os.write(1, "".join(f"{result.check}\n" for result in batch).encode())

    def lost(batch: list[Result], error: LedgerError) -> None:
        os.write(1, f"LOST {len(batch)} {error}\n".encode())

    with Ledger.open(Path(path)) as ledger:
        ledger.begin_run(a_run(run))
        writer = ledger.writer(stored, lost)
        for number in range(int(count)):
            writer.put(a_result(number, run=run, check=f"{run}.{number}"))
            if number % 20 == 0:
                time.sleep(float(pause_s))
        writer.close()
        ledger.end_run(run, finished=NOON, outcome="finished")


if __name__ == "__main__":
    main(*sys.argv[1:])
