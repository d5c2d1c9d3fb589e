"""server.clients: whoever was connected at any look is told, and too few looks never pass."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import jsonable
from checks.server import _clients_read
from checks.server._clients_read import Client, Look, look, sockets
from checks.server._clients_window import over
from checks.server.clients import Clients, ClientsSeen
from checks.vantage import CannotTell, Earlier, Shared, Vantage
from checks.words import Status, worst
from tests.checks.hostile import assert_harmless
from tests.lab import fileserver
from tests.lab.namespaces import Lab, link, wait_for
from tests.lab.needs import PATH, need
from tests.local_remote import LocalRemote

S = Status
NOW = datetime(2026, 12, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SMB = Client(peer="192.0.2.7", port=445, detail="connected: ann at files, 2 open files")


def check(**params):
    return Clients(**{"host": "192.0.2.5", "user": "tech", "window": 48 * 3600.0, "min_samples": 24,
                      "max_gap": 6 * 3600.0, "ports": (445,), **params})  # fmt: skip


def at(moment, *clients, listening=(22, 445)):
    return Look(at=moment, host="old", host_key="k", listening=listening, clients=clients)


def hourly(*clients, hours=48):
    """A look an hour until now; `clients` are those of one look in the middle."""
    looks = [at(NOW - n * HOUR) for n in range(hours + 1)]
    looks[hours // 2] = at(looks[hours // 2].at, *clients)
    return looks


def judged(looks, one=None, now=None):
    one = one or check()
    window = over(looks, NOW, window_s=one.window, min_samples=one.min_samples, ports=one.ports)
    findings = list(one.judge(ClientsSeen(now=now or looks[0], window=window)))
    assert_harmless(findings)
    return worst(f.status for f in findings), "\n".join(
        f"{f.status}: {f.message} [{f.observed}]" for f in findings
    )


def test_a_whole_window_of_quiet_looks_passes():
    status, text = judged(hourly())
    assert status is S.PASS, text
    assert "looks (of 24) over 2 d" in text


def test_one_client_at_one_look_fails_and_is_named():
    status, text = judged(hourly(SMB))
    assert status is S.FAIL
    assert "192.0.2.7 used port 445: at 1 look, last 2026-12-09 12:00 UTC" in text
    assert "ann at files" in text


@pytest.mark.parametrize(
    ("looks", "words"),
    [
        pytest.param(hourly()[:1], "1 looks (of 24)", id="one look"),
        pytest.param(hourly()[:20], "20 looks (of 24)", id="too few"),
        pytest.param(hourly()[:30], "longest gap 19 h", id="only the last hours"),
        pytest.param(hourly()[:5] + hourly()[15:], "longest gap 11 h", id="a hole"),
        pytest.param(hourly()[10:], "longest gap 10 h", id="none lately"),
        pytest.param(
            [at(NOW - timedelta(seconds=n)) for n in range(500)] + hourly()[::5],
            "(of 24)",
            id="in one rush",
        ),
        pytest.param([at(one.at, listening=(22,)) for one in hourly()], "stopped service", id="not running"),
        pytest.param(
            [at(NOW), *(at(o.at, listening=(22,)) for o in hourly()[1:])],
            "stopped service do not count: 48",
            id="was down",
        ),
        pytest.param([at(NOW + HOUR), *hourly()], "dated after", id="a clock set back"),
    ],
)
def test_too_few_looks_are_inconclusive(looks, words):
    status, text = judged(looks, now=looks[0])
    assert status is S.INCONCLUSIVE, text
    assert words in text


def test_a_client_among_too_few_looks_fails():
    assert judged([at(NOW, SMB)])[0] is S.FAIL


def test_a_client_before_the_window_is_past():
    status, text = judged([*hourly(), at(NOW - 49 * HOUR, SMB)])
    assert status is S.PASS, text


def test_a_client_seen_while_the_service_was_closing_counts():
    assert judged([*hourly(), at(NOW - HOUR / 2, SMB, listening=(22,))])[0] is S.FAIL


@pytest.mark.parametrize(
    ("params", "clients", "status"),
    [
        pytest.param({"ignore": ("192.0.2.0/28",)}, (SMB,), S.PASS, id="ignored"),
        pytest.param({"ignore": ("192.0.2.0/30",)}, (SMB,), S.FAIL, id="another network"),
        pytest.param({"ignore": ("2001:db8::/64",)}, (SMB,), S.FAIL, id="another family"),
        pytest.param({"ports": (22,)}, (SMB,), S.PASS, id="another port"),
        pytest.param({"ports": ()}, (SMB,), S.FAIL, id="every port"),
        pytest.param({"ports": ()}, (Client(peer="its console", port=0),), S.FAIL, id="a login"),
        pytest.param(
            {"ignore": ("0.0.0.0/0",), "ports": ()}, (Client(peer="pc7", port=0),), S.FAIL, id="no address"
        ),
        pytest.param({}, (dataclasses.replace(SMB, local=True),), S.PASS, id="itself"),
        pytest.param({"local": True}, (dataclasses.replace(SMB, local=True),), S.FAIL, id="itself, asked"),
    ],
)  # fmt: skip
def test_who_counts(params, clients, status):
    found, text = judged(hourly(*clients), check(**params))
    assert found is status, text


def test_more_clients_than_are_kept_are_no_pass():
    busy = dataclasses.replace(at(NOW), left_out=3)
    assert judged([busy, *hourly()[1:]])[0] is S.INCONCLUSIVE


@pytest.mark.parametrize("params", [{"window": 10.0}, {"max_gap": 0.0}, {"max_gap": 49 * 3600.0}])
def test_a_window_that_says_nothing_is_refused(params):
    with pytest.raises(ValueError, match=r"window|max_gap"):
        check(**params)


FROZEN = {"window": 0.0, "min_samples": 100, "max_gap": 86400.0}


@pytest.mark.parametrize(
    ("look_", "status", "words"),
    [
        pytest.param(at(NOW), S.PASS, "every service is running", id="nobody"),
        pytest.param(at(NOW, listening=(22,)), S.PASS, "nothing listens on 445", id="stopped"),
        pytest.param(at(NOW, SMB), S.FAIL, "192.0.2.7 used port 445", id="one"),
        pytest.param(at(NOW, SMB, listening=(22,)), S.FAIL, "192.0.2.7", id="one of a stopped service"),
        pytest.param(dataclasses.replace(at(NOW), left_out=2), S.INCONCLUSIVE, "2 clients", id="too many"),
    ],
)
def test_without_a_window_this_one_look_decides(look_, status, words):
    found, text = judged([look_], check(**FROZEN))
    assert found is status, text
    assert words in text


def test_without_a_window_what_was_before_does_not_count():
    one = check(**FROZEN)
    window = over([at(NOW), at(NOW - HOUR, SMB)], NOW, window_s=0, min_samples=1, ports=(445,))
    assert [f.status for f in one.judge(ClientsSeen(now=at(NOW), window=window))] == [S.PASS]


def test_a_session_that_outlives_its_service_is_a_client():
    text = "ESTAB 0 0 192.0.2.5:445 192.0.2.7:50122\nESTAB 0 0 192.0.2.5:51000 192.0.2.9:445\n"
    assert sockets(text) == (set(), [])
    assert [(one.peer, one.port) for one in sockets(text, (445,))[1]] == [("192.0.2.7", 445)]


SS = """State      Recv-Q Send-Q         Local Address:Port           Peer Address:Port Process
LISTEN     0      50                         *:445                        *:*
LISTEN     0      128                  0.0.0.0:22                   0.0.0.0:*
LISTEN     0      64      [fe80::1]%eth0:2049                            [::]:*
ESTAB      0      0      [::ffff:192.0.2.5]:445          [::ffff:192.0.2.7]:50122
ESTAB      0      0              192.0.2.5:51000              192.0.2.9:445
TIME-WAIT  0      0              192.0.2.5:445               192.0.2.8:50123
SYN-RECV   0      0              192.0.2.5:445               192.0.2.66:1
ESTAB      0      0      [2001:db8::5]:22             [2001:db8::9]:40000
ESTAB      0      0      127.0.0.1:445             127.0.0.1:40001
"""
PROC = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:01BD 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0
   1: 050200C0:01BD 070200C0:C3CA 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0
   2: 050200C0:C738 090200C0:01BD 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0
   0: 0000000000000000FFFF0000050200C0:01BD 0000000000000000FFFF0000080200C0:C3CB 06 0:0 0:0 0 0 0 4
"""


def test_only_connections_to_ports_that_are_listened_on_are_clients():
    listening, clients = sockets(SS)
    assert listening == {22, 445, 2049}
    assert [(c.peer, c.port, c.detail, c.local) for c in clients] == [
        ("192.0.2.7", 445, "connected", False), ("192.0.2.8", 445, "just left", False),
        ("2001:db8::9", 22, "connected", False), ("127.0.0.1", 445, "connected", True),
    ]  # fmt: skip


def test_the_kernels_table_says_the_same():
    listening, clients = sockets(PROC)
    assert listening == {445}
    assert [(c.peer, c.detail) for c in clients] == [("192.0.2.7", "connected"), ("192.0.2.8", "just left")]


@given(
    st.text(max_size=200)
    | st.lists(st.sampled_from([*SS.split(), *PROC.split(), "\n", "{", "[]"])).map(" ".join)
)
def test_no_output_breaks_the_readers(text):
    sockets(text)
    _clients_read._samba(text)
    list(_clients_read._nfs(text))
    list(_clients_read._logins(text))


WORDS = ("sessions", "tcons", "open_files", "hostname", "opens", "server_id")
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(WORDS), inner),
)  # fmt: skip


@given(JSONS)
def test_no_json_breaks_the_reader_of_samba(data):
    _clients_read._samba(json.dumps(data))


def test_what_nfs_and_utmp_tell():
    assert [c.peer for c in _clients_read._nfs('clientid: 0x1\naddress: "192.0.2.9:702"\nname: "pc"\n')] == [
        "192.0.2.9"
    ]
    logins = list(_clients_read._logins(
        "ann      pts/0        2026-12-10 08:00 (192.0.2.9)\nben      tty1         2026-12-10 08:00\n"
    ))  # fmt: skip
    assert [(c.peer, c.port) for c in logins] == [("192.0.2.9", 0), ("its console", 0)]


class Answer(LocalRemote):
    """A host that says what it is told to."""

    def __init__(self, out, own=b""):
        super().__init__()
        self.out, self.own = out, own

    async def run(self, command):
        result = await super().run(dataclasses.replace(command, argv=("true",)))
        return dataclasses.replace(result, stdout=self.own if "own connection" in command.argv else self.out)


def told(sockets_, samba="", end=True):
    parts = [("sockets", sockets_), ("samba", samba), ("nfs", ""), ("logins", "")]
    text = "".join(f"\0{name}\0{body}" for name, body in parts) + ("\0end\0" if end else "")
    return text.encode()


@pytest.mark.parametrize(
    "out", [b"", told(""), told(SS, end=False), told("Cannot open netlink socket"), told(SS)[:200]]
)
async def test_half_an_answer_or_none_cannot_tell(out):
    with pytest.raises(CannotTell):
        await look(Answer(out), NOW, "")


async def test_our_own_connection_does_not_count():
    seen = await look(Answer(told(SS), b"2001:db8::9 40000 2001:db8::5 22\n"), NOW, "")
    assert ("2001:db8::9", 22) not in {(c.peer, c.port) for c in seen.clients}
    seen = await look(Answer(told(SS), b"2001:db8::9 40000 2001:db8::5 2222\n"), NOW, "")
    assert ("2001:db8::9", 22) in {(c.peer, c.port) for c in seen.clients}


@pytest.mark.parametrize("samba", ["smbstatus only works as root!", '{"timestamp": "x"}', "{", "{}"])
async def test_samba_that_does_not_tell_takes_no_client_away(samba):
    seen = await look(Answer(told(SS, samba)), NOW, "")
    assert "192.0.2.7" in {c.peer for c in seen.clients}
    assert len(seen.unknown) == 1


async def test_earlier_looks_at_another_server_do_not_count(monkeypatch):
    async def here(*_):
        return Answer(told(SS.replace("ESTAB", "SYN-SENT").replace("TIME-WAIT", "SYN-SENT")))

    monkeypatch.setattr("checks.server.clients.remote", here)
    shared = Shared()
    first = await check().observe(Vantage(shared, "c"))
    minutes = [timedelta(minutes=n) for n in range(30)]

    def past(seen, **change):
        looks = [dataclasses.replace(seen.now, at=seen.now.at - ago, **change) for ago in minutes]
        stored = [jsonable.to_json(dataclasses.replace(seen, now=one)) for one in looks]
        return tuple(Earlier(at=NOW, status=S.PASS, observation=one) for one in [None, {"x": 1}, *stored])

    shared.history = lambda check, limit: past(first)
    assert (await check().observe(Vantage(shared, "c"))).window.looks == 31
    for change in ({"host": "another"}, {"host_key": "ssh-ed25519 SHA256:other"}):
        shared.history = lambda check, limit, change=change: past(first, **change)
        assert (await check().observe(Vantage(shared, "c"))).window.looks == 1


class Inside(LocalRemote):
    """A network namespace of the lab as a host."""

    def __init__(self, namespace, user="0"):
        super().__init__()
        self.namespace, self.user, self.name = namespace, user, namespace.role

    async def run(self, command):
        words = ("ip", "netns", "exec", self.namespace.name, "setpriv", f"--reuid={self.user}",
                 "--clear-groups", "--")  # fmt: skip
        return await super().run(dataclasses.replace(command, argv=(*words, *command.argv)))


@pytest.fixture(scope="module")
def office():
    need("smbd", "smbclient", "smbstatus", "ss")
    with fileserver.open_folder() as folder, Lab() as lab:
        (folder / "files").mkdir()
        (folder / "files" / "a.txt").write_text("a")
        old, desk = lab.namespace("old"), lab.namespace("desk")
        link(old, "eth0", desk, "eth0")
        old.ip("addr add 192.0.2.5/24 dev eth0")
        desk.ip("addr add 192.0.2.7/24 dev eth0")
        share = f"[files]\npath = {folder}/files\nguest ok = yes\nread only = no"
        with fileserver.samba(
            folder / "samba", share, address="192.0.2.5 127.0.0.1", port=445,
            before=("ip", "netns", "exec", old.name),
        ) as server:  # fmt: skip
            yield old, desk, server


@pytest.mark.lab
@pytest.mark.xdist_group("clients")
@pytest.mark.parametrize("user", ["0", "65534"], ids=["root", "nobody"])
async def test_a_real_client_of_a_real_samba_is_seen(office, user):
    old, desk, server = office
    host = Inside(old, user)
    quiet = await look(host, NOW, "", str(server.conf))
    assert 445 in quiet.listening
    assert [c for c in quiet.clients if not c.local and c.detail != "just left"] == []
    client = subprocess.Popen(
        ["ip", "netns", "exec", desk.name, "smbclient", "-s", server.conf, "-N", "//192.0.2.5/files"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={"PATH": PATH},
    )  # fmt: skip
    try:
        assert client.stdin
        client.stdin.write(b"open a.txt\n")
        client.stdin.flush()
        wait_for(lambda: "a.txt" in server.run("smbstatus", "-L"), "smbclient has the file open")
        seen = await asyncio.wait_for(look(host, NOW, "", str(server.conf)), 30)
    finally:
        client.kill()
        client.communicate()
    (found,) = [c for c in seen.clients if c.peer == "192.0.2.7" and c.detail.startswith("connected")]
    assert found.port == 445
    if user == "0":
        assert "at files, 1 open files" in found.detail
        assert not seen.unknown
    else:
        assert "root" in " ".join(seen.unknown)


WINDOWS = [
    {"kind": "tcp", "state": "Listen", "address": "::", "port": 445, "peer": "::"},
    {"kind": "tcp", "state": "Established", "address": "192.0.2.5", "port": 445, "peer": "192.0.2.7"},
    {"kind": "tcp", "state": "Established", "address": "192.0.2.5", "port": 50000, "peer": "192.0.2.9"},
    {"kind": "tcp", "state": "TimeWait", "address": "127.0.0.1", "port": 445, "peer": "127.0.0.1"},
    {"kind": "smb", "peer": "192.0.2.7", "user": "LAB\\ann", "opens": 3},
    {"kind": "own", "text": "192.0.2.200 50001 192.0.2.5 22"},
]


async def test_windows_as_documented():
    class Windows(LocalRemote):
        async def facts(self):
            return dataclasses.replace(await super().facts(), dialect="powershell")

        async def run(self, command):
            assert command.powershell
            result = await super().run(dataclasses.replace(command, powershell="", argv=("true",)))
            return dataclasses.replace(result, stdout=json.dumps(WINDOWS).encode())

    seen = await look(Windows(), NOW, "")
    assert seen.listening == (445,)
    assert [(c.peer, c.local) for c in seen.clients] == [("192.0.2.7", False), ("127.0.0.1", True)]
    assert seen.clients[0].detail == "connected: LAB\\ann, 3 open files"
