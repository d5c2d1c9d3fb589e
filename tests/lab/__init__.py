"""Real networks on one machine: namespaces, real daemons, and faults that undo themselves.

`needs` says what is missing, `namespaces` is the wiring, `daemons` what runs in it, `office` puts a whole
office together and `faults` breaks it. No packet leaves the namespaces that a lab made.
"""

from __future__ import annotations

from tests.lab.namespaces import Lab, Namespace, wait_for
from tests.lab.needs import need

__all__ = ["Lab", "Namespace", "need", "wait_for"]
