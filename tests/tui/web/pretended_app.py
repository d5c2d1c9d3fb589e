"""Speaks as Textual's web driver does: `pretended_app.py STARTS [WORDS]`, not a test.

WORDS: `deaf` does not end with its stdin, `break` ends with a hostile complaint, `flood` draws without end,
`huge` claims a packet of 4 GB, `mute` never says that it is ready, `leave` ends in good order.
"""

import os
import sys
import time
from pathlib import Path

words = sys.argv[2:]
with Path(sys.argv[1]).open("a") as file:
    file.write(f"{os.getpid()}\n")
if "mute" in words:
    time.sleep(60)
if "break" in words:
    os.write(2, b"\x1b]0;taken\x07 boom [/] \x9b31m")
    sys.exit(1)
os.write(1, b"__GANGLION__\n")


def draw(data: bytes) -> None:
    os.write(1, b"D" + len(data).to_bytes(4, "big") + data)


draw(f"{os.environ['COLUMNS']}x{os.environ['ROWS']} ready".encode())
if "huge" in words:
    os.write(1, b"D\xff\xff\xff\xff")
if "leave" in words:
    os.write(1, b'M\x00\x00\x00\x10{"type": "exit"}')
    sys.exit(0)
while "flood" in words:
    draw(b"x" * 60000)
while head := os.read(0, 5):
    body = b""
    while len(body) < int.from_bytes(head[1:], "big"):
        body += os.read(0, 65536)
    draw(b"heard " + head[:1] + b" " + body)
while "deaf" in words:
    time.sleep(60)
