"""The practice office: real protocols on loopback, with the faults that a real move has.

A new server is a class with `start` and `stop` (`serving.Service`) in a file of its own, its port in
`office.PREFERRED`, its fault in `office.Faults` and its checks in `project`. Uses asyncio, ssl, cryptography,
dnspython, pysnmp and paramiko only; it was run on Linux, never yet on Windows or macOS.

What answers behind SSH (`ssh_hosts`) is a stand-in for two file servers: files and backups are in memory, and
no command is run. It knows the scripts of the checks that the project runs, by their names; where one of them
changes, its answer here must (tests/agent/demo/test_stand_in.py holds it against the real tools).
"""
