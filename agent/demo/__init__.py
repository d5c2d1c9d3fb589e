"""The practice office: real protocols on loopback, with the faults that a real move has.

A new server is a class with `start` and `stop` (`serving.Service`) in a file of its own, its port in
`office.PREFERRED`, its fault in `office.Faults` and its checks in `project`. Uses asyncio, ssl, cryptography
and dnspython only; it was run on Linux, never yet on Windows or macOS.
"""
