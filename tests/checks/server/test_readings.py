"""What hosts print, read: real, half, or noise; what is missing is not taken for nothing there."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.contract import CannotTell
from checks.server import _accounts, _clock, _cron, _disks, _pem, _sockets, _units
from checks.server.capacity import Capacity
from checks.server.jobs import Jobs
from checks.server.ports import Ports
from checks.server.time import Time, TimeSeen
from checks.server.users import Users
from checks.words import Status
from tests.checks.hostile import ESCAPES, assert_harmless
from tests.checks.server.sides import made, status, words
from tests.checks.server.test_disk_readings import DF, seen_of
from tests.checks.server.test_port_readings import HELD, TCP, UDP

S = Status
RECORDED = Path(__file__).parent / "recorded"
LOGIN = {"host": "192.0.2.20", "user": "tech"}

CHRONY = """\
Reference ID    : C0000201 (192.0.2.1)
Stratum         : 3
Ref time (UTC)  : Mon Nov 23 08:50:41 2026
System time     : 0.000000012 seconds fast of NTP time
Leap status     : Normal
"""
NTPQ = """\
     remote           refid      st t when poll reach   delay   offset  jitter
==============================================================================
*192.0.2.1       .GPS.            1 u   33   64  377    0.125    0.012   0.004
"""
W32TM = "Sprungindikator: 0(keine Warnung)\r\nStratum: 4 (Sekundärreferenz)\r\nReferenz-ID: 0xC0000201\r\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param(f"{CHRONY}\0chrony 0\0end", S.PASS, id="chrony"),
        pytest.param(
            f"{CHRONY.replace('Normal', 'Not synchronised')}\0chrony 0\0end", S.FAIL, id="chrony, no"
        ),
        pytest.param(f"{CHRONY.replace('C0000201', '7F7F0101')}\0chrony 0\0end", S.FAIL, id="chrony, itself"),
        pytest.param(f"{CHRONY.replace('23 08', '21 08')}\0chrony 0\0end", S.WARN, id="chrony, not heard"),
        pytest.param("506 Cannot talk to daemon\n\0chrony 1\0end", S.INCONCLUSIVE, id="no chronyd"),
        pytest.param(f"506 x\n\0chrony 1\0{NTPQ}\0ntpq 0\0end", S.PASS, id="no chronyd, but ntpd"),
        pytest.param(f"{NTPQ.replace(' 377', '   0')}\0ntpq 0\0end", S.FAIL, id="ntpd, not reached"),
        pytest.param(f"{NTPQ.replace('*192', ' 192')}\0ntpq 0\0end", S.FAIL, id="ntpd, none followed"),
        pytest.param("NTP=yes\nNTPSynchronized=yes\n\0timedatectl 0\0end", S.PASS, id="timesyncd"),
        pytest.param("NTP=yes\nNTPSynchronized=no\n\0timedatectl 0\0end", S.FAIL, id="timesyncd, no"),
        pytest.param("NTP=no\nNTPSynchronized=yes\n\0timedatectl 0\0end", S.INCONCLUSIVE, id="a flag of old"),
        pytest.param("end", S.INCONCLUSIVE, id="nothing"),
        pytest.param("", S.INCONCLUSIVE, id="cut off"),
    ],
)
def test_who_keeps_the_clock(text, wanted):
    assert clock(_clock.parse_kept(text.encode())) is wanted


@pytest.mark.parametrize(
    ("text", "code", "wanted"),
    [
        (W32TM, 0, S.PASS), (W32TM, 1, S.INCONCLUSIVE), ("", 0, S.INCONCLUSIVE),
        (W32TM.replace(": 0(", ": 3("), 0, S.FAIL), (W32TM.replace("0xC0000201", "0x4C4F434C"), 0, S.FAIL),
    ],
)  # fmt: skip
def test_the_windows_time_service_in_any_language(text, code, wanted):
    assert clock(_clock.of_w32tm(text, code)) is wanted


def clock(kept: _clock.Kept | None, offset: float = 0.0, error: float = 0.001) -> Status:
    now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    seen = TimeSeen(name="new", offset_s=offset, error_s=error, reference="x", now=now, kept=kept)
    findings = list(made(Time, LOGIN).judge(seen))
    assert_harmless(findings)
    return status(findings)


@pytest.mark.parametrize(
    ("offset", "error", "wanted"),
    [
        (0.9, 0.01, S.PASS), (-0.9, 0.01, S.PASS), (40.0, 0.01, S.FAIL), (-40.0, 0.01, S.FAIL),
        (0.9, 0.2, S.INCONCLUSIVE), (1.1, 0.2, S.INCONCLUSIVE), (1.3, 0.2, S.FAIL),
        (float("nan"), 0.1, S.INCONCLUSIVE), (0.0, float("inf"), S.INCONCLUSIVE),
    ],
)  # fmt: skip
def test_a_clock_that_is_off_and_one_that_is_not_known(offset, error, wanted):
    assert clock(None, offset, error) is wanted


def test_timers_of_systemd_as_recorded():
    text = (RECORDED / "systemd252-timers.txt").read_text()
    parts = ("debian", "system", "x", text, "timers", "0", "yes yes", "daemon", "x", "end")
    found = _cron.parse_jobs("\0".join(parts).encode(), "x")
    by_key = {job.key: job for job in found.jobs}
    assert by_key["timer:apt-daily.timer"].schedule == "OnCalendar=*-*-* 06,18:00:00"
    assert by_key["timer:apt-daily.timer"].command == "apt-daily.service"
    assert not by_key["timer:apt-daily.timer"].dead
    assert "OnBootUSec=15min" in by_key["timer:systemd-tmpfiles-clean.timer"].schedule
    off = text.replace("ActiveState=active", "ActiveState=inactive")
    parts = ("", "system", "x", off, "timers", "0", "no yes", "daemon", "x", "end")
    found = _cron.parse_jobs("\0".join(parts).encode(), "x")
    assert all(job.dead for job in found.jobs)
    check = made(Jobs, LOGIN | {"jobs": [{"command": "apt-daily.service"}]})
    assert status(list(check.judge(seen_of(check, found)))) is S.FAIL


@pytest.mark.parametrize(
    ("daemon", "wanted"),
    [("yes yes", S.PASS), ("no yes", S.FAIL), ("no no", S.INCONCLUSIVE), ("", S.INCONCLUSIVE)],
)
def test_a_job_of_cron_needs_a_cron_that_runs(daemon, wanted):
    line = "0 2 * * * root /x\n"
    parts = ("", "system", "x", line, "crontab", "/etc/crontab", daemon, "daemon", "x", "end")
    found = _cron.parse_jobs("\0".join(parts).encode(), "x")
    check = made(Jobs, LOGIN | {"jobs": [{"command": "/x"}]})
    assert status(list(check.judge(seen_of(check, found)))) is wanted


def test_two_long_commands_that_differ_at_their_end_are_two():
    one, two = (f"0 1 * * * root /x {'a' * 400}{end}\n" for end in "12")
    jobs = [next(iter(_cron._table(text, "/etc/crontab", {}, user="", dead=""))) for text in (one, two)]
    assert jobs[0].key != jobs[1].key


WINDOWS: dict[str, tuple[Callable[[bytes], Any], Any]] = {
    "ports": (
        lambda text: _sockets._windows(_sockets.rows(text, "x"), "x"),
        [{"protocol": "tcp", "address": "::", "port": 445, "program": "System"}],
    ),
    "users": (
        lambda text: _accounts.windows_accounts(text, "x"),
        {"users": [{"name": "alice", "enabled": "True", "groups": ["Users"]}], "trouble": []},
    ),
    "jobs": (
        lambda text: _cron.windows_jobs(text, "x"),
        [{"name": "\\Backup", "state": "Ready", "actions": ["C:\\b.exe -x"], "triggers": "Daily"}],
    ),
    "room": (
        lambda text: _disks.windows_space(text, "x", ["D:\\data", "E:\\"]),
        {"volumes": [{"path": "D:", "fstype": "NTFS", "size": "100", "free": "60"}], "available": "5"},
    ),
    "services": (lambda text: _units.windows_services(text, "x"), [{"name": "a", "state": "Running"}]),
    "certificates": (lambda text: _pem.of_store(text, "x", "Cert:\\x", wants_key=True), [{"data": "AAAA"}]),
}  # fmt: skip


@pytest.mark.parametrize("kind", WINDOWS)
def test_windows_answers_are_read_and_silence_is_not(kind):
    read, answer = WINDOWS[kind]
    assert read(b"\xef\xbb\xbf" + json.dumps(answer).encode())
    for silence in (b"", b"null", b"5", b"[", b"<Objs>", b"[[]]"):
        with pytest.raises(CannotTell):
            read(silence)


def test_a_windows_volume_that_is_not_there_is_missing():
    read, answer = WINDOWS["room"]
    found = read(json.dumps(answer).encode())
    assert [disk.trouble for disk in found.asked] == ["", "missing"]
    assert found.asked[0].free == 60


PASSWD = "root:x:0:0:root:/root:/bin/sh\nalice:x:1001:1001::/home/alice:/bin/sh\nbad\n:x:1:1:::\n"
GROUP = "root:x:0:\noffice:x:1500:alice,bob\nalice:x:1001:\n"


def accounts(passwd: str = PASSWD, group: str = GROUP, nss: str = "files sss\n") -> _accounts.Accounts:
    text = f"{passwd}\0passwd\0{group}\0group\0{nss}\0end"
    return _accounts.parse_accounts(text.encode(), "x", [])


def test_a_directory_that_is_not_listed_is_told():
    check = made(Users, LOGIN | {"source": {"host": "192.0.2.10"}})
    from checks.server.users import UsersSeen

    found = list(check.judge(UsersSeen(target=accounts(), source=accounts())))
    assert status(found) is S.PASS
    assert "only local ones were compared" in words(found)
    moved = accounts(PASSWD.replace("1001:1001", "1001:1500"))
    assert status(list(check.judge(UsersSeen(target=moved, source=accounts())))) is S.FAIL
    gone = accounts(group=GROUP.replace("alice,", ""))
    assert status(list(check.judge(UsersSeen(target=gone, source=accounts())))) is S.FAIL
    evil = accounts(PASSWD + f"{ESCAPES.translate({0: None, 10: None, 13: None})}:x:1002:1::/:/bin/sh\n")
    assert_harmless(list(check.judge(UsersSeen(target=accounts(), source=evil))))


PARSERS: list[Callable[[bytes], Any]] = [
    lambda text: _sockets.parse(text, "x"), lambda text: _disks.parse_space(text, "x", ["/a"]),
    lambda text: _disks.parse_usage(text, "x", "/a"), lambda text: _accounts.parse_accounts(text, "x", ["a"]),
    lambda text: _cron.parse_jobs(text, "x"), lambda text: _pem.parse_file(text, "x", "/a", wants_key=True),
    _clock.parse_kept, *(read for read, _ in WINDOWS.values()),
]  # fmt: skip
MARKS = ["\0", "\n", "end", "tcp", "tcp-programs", "udp", "udp-programs", "0", "1", "system", "x",
         "crontab", "timers", "daemon", ":", "* * * * *", "Id=a", TCP, DF, CHRONY, PASSWD, GROUP, "{}", "[]",
         '"a"']  # fmt: skip


@pytest.mark.parametrize("number", range(len(PARSERS)))
@given(parts=st.lists(st.one_of(st.sampled_from(MARKS), st.text(max_size=20)), max_size=24))
def test_whatever_a_host_prints_is_read_or_told(number, parts):
    try:
        PARSERS[number]("".join(parts).encode())
    except CannotTell:
        pass


@pytest.mark.parametrize("part", range(6))
def test_an_answer_that_was_cut_is_none(part):
    ports = ["32768 60999\n", "tcp", TCP, "tcp-programs", HELD, "udp", UDP, "udp-programs", "", "end", ""]
    users = [PASSWD, "passwd", GROUP, "group", "", "end"]
    with pytest.raises(CannotTell):
        _sockets.parse("\0".join(ports[: part + 1]).encode(), "x")
    with pytest.raises(CannotTell):
        _accounts.parse_accounts("\0".join(users[:part]).encode(), "x", [])


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        (Ports, {}),
        (Ports, {"expect": [{"port": 1}], "forbid": [{"port": 1}]}),
        (Ports, {"source": {"host": "192.0.2.20:22"}}),
        (Users, {}),
        (Users, {"users": [{"name": "a"}, {"name": "a"}]}),
        (Users, {"users": [{"name": "-a"}]}),
        (Jobs, {}),
        (Jobs, {"jobs": [{"command": "*"}]}),
        (Capacity, {"data": [{"source_path": "/a", "target_path": "/a"}]}),
        (Capacity, {"mounts": [{"path": "/a"}, {"path": "/a/"}]}),
        (Time, {"max_offset": 0}),
    ],
)
def test_what_asserts_nothing_or_contradicts_itself_is_refused(kind, params):
    with pytest.raises(ValueError):
        made(kind, LOGIN | params)
