"""The ping programs' output, recorded on several systems and in several languages."""

from __future__ import annotations

import asyncio
import textwrap

import pytest

from checks.vantage import CannotTell
from checks.wire.icmp_command import PingCommand, arguments, paced, parse
from checks.wire.icmp_options import NO_ROUTE, NOT_PERMITTED
from checks.wire.icmp_pace import Series
from checks.wire.icmp_packet import HOST_UNREACHABLE, TIME_EXCEEDED


def order(address="192.168.1.1", **more):
    given = {"count": 3, "interval": 1.0, "timeout": 2.0, "size": 56, "ttl": None, "dont_fragment": False}
    return Series(address=address, **{**given, **more})


def read(text, system="linux", count=3, **more):
    series = order(count=count, **more)
    return parse(textwrap.dedent(text).lstrip("\n"), series, count, 1.0, system)


def shape(echoes):
    return [(echo.rtt_ms, echo.responder, echo.error) for echo in echoes]


def test_linux_replies_losses_duplicates_and_strangers():
    echoes = read("""
        PING 192.168.1.1 (192.168.1.1) 56(84) bytes of data.
        64 bytes from 192.168.1.1: icmp_seq=1 ttl=64 time=0.045 ms
        64 bytes from 192.168.1.1: icmp_seq=1 ttl=64 time=9.9 ms (DUP!)
        64 bytes from 192.168.1.99: icmp_seq=3 ttl=64 time=1.00 ms

        --- 192.168.1.1 ping statistics ---
        3 packets transmitted, 2 received, 33.3333% packet loss, time 2003ms
        rtt min/avg/max/mdev = 0.045/0.083/0.122/0.038 ms
    """)
    assert shape(echoes) == [
        (0.045, "192.168.1.1", None),
        (None, None, None),
        (None, None, "answered by 192.168.1.99 instead"),
    ]
    assert [echo.sent_s for echo in echoes] == [0.0, 1.0, 2.0]


def test_a_reply_later_than_the_timeout_is_lost():
    text = "64 bytes from 192.168.1.1: icmp_seq=1 ttl=64 time=2500 ms\n3 packets transmitted"
    assert read(text)[0].rtt_ms is None


def test_linux_errors_of_routers():
    echoes = read("""
        PING 192.168.1.1 (192.168.1.1) 1472(1500) bytes of data.
        From 10.0.0.1 icmp_seq=1 Frag needed and DF set (mtu = 1400)
        From 10.0.0.2 icmp_seq=2 Time to live exceeded
        From 10.0.0.3 icmp_seq=3 Destination Host Unreachable

        --- 192.168.1.1 ping statistics ---
        3 packets transmitted, 0 received, +3 errors, 100% packet loss, time 2003ms
    """)
    assert shape(echoes) == [
        (None, "10.0.0.1", "too big (mtu 1400)"),
        (None, "10.0.0.2", TIME_EXCEEDED),
        (None, "10.0.0.3", HOST_UNREACHABLE),
    ]
    assert echoes[0].mtu == 1400
    assert not any(echo.local for echo in echoes)


def test_linux_ipv6():
    echoes = read(
        """
        PING fd00::9(fd00::9) 56 data bytes
        64 bytes from fd00::9: icmp_seq=1 ttl=62 time=0.300 ms
        From fd00::1 icmp_seq=2 Destination unreachable: Address unreachable
        From fd00::2 icmp_seq=3 Packet too big: mtu=1280

        --- fd00::9 ping statistics ---
        3 packets transmitted, 1 received, +2 errors, 66% packet loss, time 2003ms
        """,
        address="fd00::9",
    )
    assert shape(echoes) == [
        (0.3, "fd00::9", None),
        (None, "fd00::1", HOST_UNREACHABLE),
        (None, "fd00::2", "too big (mtu 1280)"),
    ]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("ping: sendmsg: Operation not permitted\n", NOT_PERMITTED),
        ("/usr/bin/ping: connect: Network is unreachable\n", NO_ROUTE),
        ("ping: local error: message too long, mtu=1400\n", "too big (mtu 1400)"),
    ],
)
def test_this_machine_s_own_errors_are_marked(words, error):
    echoes = read(words + "--- x ping statistics ---\n3 packets transmitted, 0 received")
    assert [(echo.error, echo.local) for echo in echoes] == [(error, True)] * 3


@pytest.mark.parametrize(
    "text", ["", "ping: socktype: SOCK_RAW\nping: socket: no idea\n", "usage: ping\x1b[2J"]
)
def test_a_program_that_did_not_work_is_no_loss(text):
    with pytest.raises(CannotTell) as caught:
        read(text)
    assert "\x1b" not in caught.value.reason


def test_macos():
    echoes = read(
        """
        PING 192.168.1.1 (192.168.1.1): 56 data bytes
        64 bytes from 192.168.1.1: icmp_seq=0 ttl=57 time=13.742 ms
        Request timeout for icmp_seq 1
        36 bytes from 10.0.0.1: Time to live exceeded
        Vr HL TOS  Len   ID Flg  off TTL Pro  cks      Src      Dst
         4  5  00 5400 a1c2   0 0000  01  01 0000 10.0.0.5  192.168.1.1

        --- 192.168.1.1 ping statistics ---
        3 packets transmitted, 1 packets received, 66.7% packet loss
        """,
        system="darwin",
    )
    assert echoes[0].rtt_ms == 13.742
    assert sorted(str(echo.error) for echo in echoes) == ["None", "None", TIME_EXCEEDED]


GERMAN = """
    Ping wird ausgeführt für 192.168.1.1 mit 32 Bytes Daten:
    Antwort von 192.168.1.1: Bytes=32 Zeit=12ms TTL=64
    Zeitüberschreitung der Anforderung.
    Antwort von 192.168.1.5: Zielhost nicht erreichbar.

    Ping-Statistik für 192.168.1.1:
        Pakete: Gesendet = 3, Empfangen = 2, Verloren = 1
        (33% Verlust),
    Ca. Zeitangaben in Millisek.:
        Minimum = 12ms, Maximum = 12ms, Mittelwert = 12ms
"""


def test_windows_german_counts_no_unreachable_as_received():
    """Windows itself says `Empfangen = 2` here."""
    echoes = read(GERMAN.replace("\n", "\r\n"), system="win32")
    assert shape(echoes) == [
        (12.0, "192.168.1.1", None), (None, None, None), (None, "192.168.1.5", "unreachable"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "rtt"),
    [
        ("Reply from 192.168.1.1: bytes=32 time<1ms TTL=64", 1.0),
        ("Réponse de 192.168.1.1 : octets=32 temps=7 ms TTL=64", 7.0),
        ("Respuesta desde 192.168.1.1: bytes=32 tiempo<1m TTL=128", 1.0),
        ("Risposta da 192.168.1.1: byte=32 durata=9ms TTL=64", 9.0),
        ("Odpověď od 192.168.1.1: bajty=32 čas < 1ms TTL=128", 1.0),
        ("Ответ от 192.168.1.1: число байт=32 время=3мс TTL=128", 3.0),  # noqa: RUF001
        ("192.168.1.1 からの応答: バイト数 =32 時間 =4ms TTL=64", 4.0),
        ("来自 192.168.1.1 的回复: 字节=32 时间=5ms TTL=64", 5.0),
        ("Antwort von 192.168.1.77: Bytes=32 Zeit=12ms TTL=64", None),
        ("Délai d'attente de la demande dépassé.", None),
    ],
)
def test_windows_in_other_languages(line, rtt):
    (echo,) = read(f"heading 192.168.1.1 32:\n{line}\n\nMin = 1ms", system="win32", count=1)
    assert echo.rtt_ms == rtt


def test_windows_ipv6_and_general_failure():
    text = "Ping fe80::1 :\nRéponse de fe80::1 : temps<1ms\nPING: Fehler bei der Übertragung. (1231)\n\n"
    echoes = read(text, system="win32", address="fe80::1", count=2)
    assert echoes[0].rtt_ms == 1.0
    assert echoes[1].local


def test_windows_text_cannot_tell_the_path_mtu():
    async def ask():
        command = PingCommand.__new__(PingCommand)
        command._system = "win32"
        await command.series(order(dont_fragment=True))

    with pytest.raises(CannotTell):
        asyncio.run(ask())


@pytest.mark.parametrize(
    ("system", "interval", "count", "expected"),
    [
        ("linux", 0.05, 300, (75, 0.2)),
        ("linux", 0.25, 60, (60, 0.25)),
        ("win32", 0.25, 60, (15, 1.0)),
        ("darwin", 0.0, 1, (1, 0.2)),
        ("linux", 0.05, 3, (3, 0.2)),
    ],
)
def test_a_program_too_slow_sends_fewer_in_the_same_time(system, interval, count, expected):
    assert paced(order(interval=interval, count=count), system) == expected


@pytest.mark.parametrize(
    ("system", "more", "expected"),
    [
        ("linux", {"ttl": 3}, "-n -c 3 -i 1 -s 56 -4 -W 2 -M dont -t 3 192.168.1.1"),
        ("linux", {"dont_fragment": True}, "-n -c 3 -i 1 -s 56 -4 -W 2 -M do 192.168.1.1"),
        ("linux", {"address": "fe80::1", "scope": 4}, "-n -c 3 -i 1 -s 56 -6 -W 2 -M dont fe80::1%4"),
        ("darwin", {"dont_fragment": True}, "-n -c 3 -i 1 -s 56 -W 2000 -D 192.168.1.1"),
        ("darwin", {"address": "fd00::9", "ttl": 2}, "-n -c 3 -i 1 -s 56 -h 2 fd00::9"),
        ("win32", {"ttl": 5}, "-4 -n 3 -w 2000 -l 56 -i 5 192.168.1.1"),
    ],
)
def test_arguments(system, more, expected):
    assert " ".join(arguments(order(**more), 3, 1.0, system)) == expected
