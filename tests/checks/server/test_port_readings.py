"""What ss and /proc/net print, read, and what it means for ports that are planned or compared."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from checks.contract import CannotTell
from checks.server import _sockets
from checks.server._ports_judge import compared, expected, forbidden
from checks.server._sockets import Listening, Socket
from checks.wire.ssh.command import Command
from checks.words import Status
from tests.checks.server.sides import status, words
from tests.local_remote import LocalRemote

S = Status
RECORDED = Path(__file__).parent / "recorded"
LOGIN = {"host": "192.0.2.20", "user": "tech"}
TCP = """\
State  Recv-Q Send-Q Local Address:Port  Peer Address:PortProcess
LISTEN 0      4096      127.0.0.53%lo:53         0.0.0.0:*
LISTEN 0      128             0.0.0.0:22         0.0.0.0:*
LISTEN 0      50                    *:445              *:*
LISTEN 0      511   [::ffff:127.0.0.1]:8080            *:*
LISTEN 0      64                 [::]:2049          [::]:*
LISTEN 0      128               [::1]:631           [::]:*
LISTEN 0      4096            0.0.0.0:40123      0.0.0.0:*
"""
HELD = """\
LISTEN 0      128             0.0.0.0:22         0.0.0.0:*    users:(("sshd",pid=812,fd=3))
LISTEN 0      50                    *:445              *:*    users:(("smbd",pid=9,fd=3),("smbd",pid=10,fd=3))
LISTEN 0      4096            0.0.0.0:40123      0.0.0.0:*    users:(("rpc.statd",pid=77,fd=9))
LISTEN 0      1               0.0.0.0:9999       0.0.0.0:*    users:(("invented",pid=1,fd=1))
"""
UDP = """\
State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess
UNCONN 0      0            0.0.0.0:123       0.0.0.0:*
UNCONN 0      0      [fe80::1%eth0]:546          [::]:*
UNCONN 0      0            0.0.0.0:45678     0.0.0.0:*
"""


def listening_text(tcp: str, held: str, udp: str) -> str:
    parts = ("32768\t60999\n", "tcp", tcp, "tcp-programs", held, "udp", udp, "udp-programs", "", "end", "")
    return "\0".join(parts)


def listening(tcp: str = TCP, held: str = HELD, udp: str = UDP, name: str = "new") -> Listening:
    return _sockets.parse(listening_text(tcp, held, udp).encode(), name)


@pytest.mark.parametrize(
    ("need", "wanted"),
    [
        pytest.param(("tcp", 22, "sshd", ""), S.PASS, id="everywhere"),
        pytest.param(("tcp", 22, "nc", ""), S.FAIL, id="another program"),
        pytest.param(("tcp", 445, "smbd", "192.0.2.1"), S.PASS, id="both families"),
        pytest.param(("tcp", 445, "", "2001:db8::1"), S.PASS, id="both families, IPv6"),
        pytest.param(("tcp", 22, "", "2001:db8::1"), S.FAIL, id="IPv4 only"),
        pytest.param(("tcp", 2049, "", "192.0.2.1"), S.FAIL, id="IPv6 only"),
        pytest.param(("tcp", 2049, "nfsd", ""), S.INCONCLUSIVE, id="held by the kernel"),
        pytest.param(("tcp", 53, "", ""), S.FAIL, id="loopback"),
        pytest.param(("tcp", 8080, "", ""), S.FAIL, id="mapped loopback"),
        pytest.param(("tcp", 8080, "", "127.0.0.1"), S.PASS, id="mapped loopback as planned"),
        pytest.param(("tcp", 631, "", "::1"), S.PASS, id="IPv6 loopback as planned"),
        pytest.param(("udp", 123, "", ""), S.PASS, id="UDP"),
        pytest.param(("udp", 22, "", ""), S.FAIL, id="the other protocol"),
        pytest.param(("tcp", 9999, "", ""), S.FAIL, id="only among the programs"),
    ],
)  # fmt: skip
def test_a_port_that_must_be_listened_on(need, wanted):
    protocol, port, program, address = need
    found = expected(listening(), protocol, port, program=program, address=address)
    assert found.status is wanted, words([found])


@pytest.mark.parametrize(
    ("port", "program", "wanted"),
    [
        (23, "", S.PASS), (22, "", S.FAIL), (631, "", S.WARN), (22, "telnetd", S.PASS),
        (2049, "nfsd", S.INCONCLUSIVE), (445, "smbd", S.FAIL),
    ],
)  # fmt: skip
def test_a_port_that_must_not_be_listened_on(port, program, wanted):
    assert forbidden(listening(), "tcp", port, program=program, address="").status is wanted


OWN = "\n".join(line for line in TCP.splitlines() if ":2049" not in line and "::" not in line)
HOLD = HELD + 'LISTEN 0 1 127.0.0.53%lo:53 0.0.0.0:* users:(("resolved",pid=3,fd=1))\n'
MOVED = OWN.replace("40123", "51000")


@pytest.mark.parametrize(
    ("tcp", "held", "wanted", "said"),
    [
        pytest.param(OWN, HOLD, S.PASS, "the same", id="the same"),
        pytest.param(MOVED, HOLD.replace("40123", "51000"), S.PASS, "", id="RPC moved"),
        pytest.param(MOVED, HOLD.replace('40123      0.0.0.0:*    users:(("rpc.statd"',
                     '51000      0.0.0.0:*    users:(("mysqld"'), S.FAIL, "tcp/40123", id="moved to another"),
        pytest.param(OWN.replace("0.0.0.0:22", "127.0.0.1:22"), HOLD, S.FAIL, "port:tcp/22", id="loopback"),
        pytest.param(OWN.replace("*:445", "*:446"), HOLD, S.FAIL, "port:tcp/445 is missing", id="missing"),
        pytest.param(OWN, HOLD.replace('"smbd"', '"ksmbd"'), S.FAIL, "port:tcp/445 is not as", id="program"),
        pytest.param(OWN, HOLD.replace('"smbd",pid=10', '"smbd-notifyd",pid=10'), S.PASS, "the same",
                     id="a helper holds it, too"),
    ],
)  # fmt: skip
def test_ports_of_two_servers(tcp, held, wanted, said):
    found = list(compared(listening(OWN, HOLD, name="old"), listening(tcp, held), ()))
    assert status(found) is wanted, words(found)
    assert said in words(found)
    assert "udp/45678" in words(found)


def test_proc_net_is_read_as_ss_shows_it():
    text = "".join(Path(f"/proc/net/{name}").read_text() for name in ("tcp",))
    one = "   5: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n"
    six = "   1: 00000000000000000000000001000000:0277 00000000000000000000000000000000:0000 0A 0 0 0 0 0\n"
    parts = ("", "proc-tcp", text + one, "proc-tcp6", six, "end", "")
    found = _sockets.parse("\0".join(parts).encode(), "x")
    assert Socket(protocol="tcp", address="127.0.0.1", port=8080) in found.sockets
    assert Socket(protocol="tcp", address="::1", port=631) in found.sockets
    by_ss = subprocess.run(["ss", "-ltn"], capture_output=True, text=True, check=True).stdout
    ours = {one.port for one in _sockets._ss(by_ss, "tcp") if one.address == "0.0.0.0"}
    assert ours & {one.port for one in found.sockets} or not ours


async def test_a_host_that_shows_no_tcp_port_at_all_does_not_show_everything(monkeypatch):
    empty = listening_text("", "", UDP)
    monkeypatch.setattr(_sockets, "LISTENING", lambda **_: Command(argv=("cat",), stdin=empty.encode()))
    with pytest.raises(CannotTell, match="no listening TCP port at all"):
        await _sockets.read_listening(LocalRemote(), "")
