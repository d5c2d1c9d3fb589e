"""Tokens open once, cookies last, and only loopback names are ours."""

from __future__ import annotations

import pytest

from tui.web.doors import Doors, our_host, our_origin


def test_a_token_opens_once():
    doors = Doors()
    token = doors.new_token()
    cookie = doors.spend(token)
    assert cookie
    assert cookie != token
    assert doors.knows(cookie)
    assert doors.spend(token) is None


@pytest.mark.parametrize("given", ["", "x", "\udc80", "é" * 300, "A" * 10**6, "\0"])
def test_what_is_no_token_opens_nothing(given):
    doors = Doors()
    doors.new_token()
    assert doors.spend(given) is None
    assert not doors.knows(given)


def test_a_token_is_no_cookie_and_a_cookie_no_token():
    doors = Doors()
    token = doors.new_token()
    assert not doors.knows(token)
    cookie = doors.spend(token)
    assert doors.spend(cookie) is None


def test_a_token_with_more_behind_it_is_another():
    doors = Doors()
    token = doors.new_token()
    assert doors.spend(token + "x" * 500) is None
    assert doors.spend(token[:-1]) is None
    assert doors.spend(token)


def test_an_old_address_that_nobody_used_is_forgotten():
    doors = Doors()
    first, second, *_ = [doors.new_token() for _ in range(9)]
    assert doors.spend(first) is None
    assert doors.spend(second)


def test_two_servers_share_nothing():
    one, other = Doors(), Doors()
    assert one.cookie_name != other.cookie_name
    assert other.spend(one.new_token()) is None


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8765", "localhost:9", "LocalHost", "[::1]:8765", "[::1]"]
)
def test_loopback_on_any_port_is_ours(host):
    assert our_host(host)
    assert our_origin(f"http://{host}", host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8765",
        "evil.example:127.0.0.1",
        "127.0.0.2",
        "10.0.0.1:8765",
        "0.0.0.0",
        "[::]",
        "::1",
        "127.0.0.1:",
        "127.0.0.1:x",
        "127.0.0.1:123456",
        "user@127.0.0.1",
        "127.0.0.1 ",
        " 127.0.0.1",
        "127.0.0.1\n",
        "localhost.",
        "127.1",
        "2130706433",
        "127.0.0.1:\N{ARABIC-INDIC DIGIT ONE}",
        "\N{FULLWIDTH LATIN SMALL LETTER L}ocalhost",
    ],
)
def test_every_other_name_is_not(host):
    assert not our_host(host)
    assert not our_origin(f"http://{host}", host)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "http://evil.example",
        "http://127.0.0.1",
        "http://localhost:8765",
        "https://127.0.0.1:8765",
        "http://127.0.0.1:8766",
        "http://127.0.0.1:8765/",
        "http://127.0.0.1:8765.evil.example",
        "file://",
    ],
)
def test_an_origin_must_be_the_very_host(origin):
    assert not our_origin(origin, "127.0.0.1:8765")
