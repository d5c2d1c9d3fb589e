"""For all tests: what interrupts a program interrupts those that tests start, too.

Whoever starts the tests in the background (`nohup`, `&`) hands on SIGHUP and SIGINT as ignored, and every
program below would go on where it must end.
"""

from __future__ import annotations

import signal

for _number, _usual in ((signal.SIGINT, signal.default_int_handler), (getattr(signal, "SIGHUP", None), None)):
    if _number is not None and signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _usual or signal.SIG_DFL)
