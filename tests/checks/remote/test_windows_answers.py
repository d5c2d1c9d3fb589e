"""What PowerShell prints is read without trust: by the shapes that ConvertTo-Json is known to make."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.remote.windows import answer, ask, flag, many, moment, number, script, texts, word
from checks.vantage import CannotTell
from tests.scripted_remote import ScriptedRemote, ended, says

THEN = datetime(2026, 11, 22, 18, 22, 26, tzinfo=UTC)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("2026-11-22T18:22:26.1234567Z", datetime(2026, 11, 22, 18, 22, 26, 123456, UTC)),
        ("2026-11-22T19:22:26+01:00", THEN),
        ("/Date(1795371746000)/", THEN),
        ("/Date(1795371746000+0100)/", THEN),
        ({"value": "/Date(1795371746000)/", "DateTime": "So"}, THEN),
        ("2026-11-22T18:22:26", None),
        ("0001-01-01T00:00:00.0000000Z", None),
        ("1601-01-01T00:00:00Z", None),
        ("22.11.2026 18:22:26", None),
        ("/Date(99999999999999999)/", None),
        (1795371746, None), (None, None), (True, None), ("", None), ([], None),
    ],
    ids=[
        "seven digits", "offset", "date", "date with offset", "wrapped", "no zone", "year 1", "year 1601",
        "localised", "too late", "number", "null", "true", "empty", "list",
    ],
)  # fmt: skip
def test_moments(said, wanted):
    assert moment(said) == wanted


def test_shapes_of_lists():
    assert many([{"a": 1}, {"a": 2}]) == [{"a": 1}, {"a": 2}]
    assert many({"a": 1}) == [{"a": 1}]
    assert many({"value": [{"a": 1}], "Count": 1}) == [{"a": 1}]
    assert many(None) == many("x") == many([None, 3]) == []
    assert texts("C:") == ["C:"]
    assert texts({"value": ["C:"], "Count": 1}) == ["C:"]
    assert texts([None, "", "D:"]) == ["D:"]


def test_numbers_and_flags():
    assert [number(v) for v in (3, "3", 3.0, "-2147", True, None, "3.5", 3.5, "x", 10**30)] == [
        3, 3, 3, -2147, None, None, None, None, None, None,
    ]  # fmt: skip
    assert [flag(v) for v in (True, "True", "false", 1, 0, None, "", "maybe", 2)] == [
        True, True, False, True, False, None, None, None, None,
    ]  # fmt: skip
    assert [word(v) for v in ("a", 3, True, None, {})] == ["a", "3", "", "", ""]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"", "whole JSON"), (b"null", "whole JSON"), (b"[]", "whole JSON"), (b'{"sets":[]}', "whole JSON"),
        (b'{"sets":[1,2', "whole JSON"), (b"Get-WBSummary : access denied", "whole JSON"),
        (b'{"absent":"Get-WBSummary","elevated":true,"end":"end"}', "no Get-WBSummary"),
        (b'{"error":"Zugriff verweigert","kind":"x","elevated":false,"end":"end"}', "Zugriff verweigert"),
    ],
    ids=["silence", "null", "list", "no end", "cut", "text", "absent", "denied"],
)  # fmt: skip
def test_no_answer_is_none(said, words):
    with pytest.raises(CannotTell, match=words):
        answer(said, "Windows Server Backup", "host")


def test_rights_are_told_where_they_lack():
    with pytest.raises(CannotTell) as told:
        answer(b'{"error":"x","kind":"System.Exception","elevated":false,"end":"end"}', "It", "host")
    assert "Administrators" in told.value.fix
    with pytest.raises(CannotTell) as told:
        answer(b'{"error":"x","kind":"System.Exception","elevated":true,"end":"end"}', "It", "host")
    assert "Administrators" not in told.value.fix


def test_a_mark_of_byte_order_is_no_trouble():
    assert answer(b'\xef\xbb\xbf{"a":1,"end":"end"}\r\n', "It", "host")["a"] == 1


ASK = script("test", "$answer.a = 1")


def test_only_windows_is_asked():
    host = ScriptedRemote(lambda _: "{}")
    with pytest.raises(CannotTell, match="no Windows host"):
        asyncio.run(ask(host, ASK(), "It"))
    assert not host.ran


def test_what_did_not_end_is_no_answer():
    whole = json.dumps({"a": 1, "end": "end"}).encode()
    assert asyncio.run(ask(says({"a": 1, "end": "end"}), ASK(), "It"))["a"] == 1
    for how in ("output-cap", "total-timeout", "connection-lost"):
        host = ScriptedRemote(lambda c, how=how: ended(c, whole, status=None, how=how), "powershell")
        with pytest.raises(CannotTell):
            asyncio.run(ask(host, ASK(), "It"))


def test_scripts_take_values_from_outside_only_as_parameters():
    assert "$p" not in ASK.text
    assert ASK({"job": "'; Remove-Item C:\\"}).parameters == '{"job": "\'; Remove-Item C:\\\\"}'
    assert ASK({"job": "x"}).powershell == ASK().powershell


@given(st.binary(max_size=300))
def test_bytes_never_break_it(data):
    with suppress(CannotTell):
        answer(data, "It", "host")


@given(ANY_JSON)
def test_json_never_breaks_it(data):
    for read in (many, texts, word, number, flag, moment):
        read(data)
    with suppress(CannotTell):
        answer(json.dumps({"x": data, "error": data, "end": "end"}).encode(), "It", "host")
