"""Nothing that a page can say makes a packet that the app could trip over."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.web.messages import COLUMNS, ROWS, asked_size, heard


def packet(said):
    made, answer = heard(json.dumps(said))
    assert not (made and answer)
    if not made:
        return None
    assert int.from_bytes(made[1:5], "big") == len(made) - 5
    return made[:1].decode(), made[5:]


def test_keys_and_sizes_reach_the_app():
    assert packet(["stdin", "q\x1b[A"]) == ("D", b"q\x1b[A")
    kind, body = packet(["resize", {"width": 120, "height": 40}])
    assert (kind, json.loads(body)) == ("M", {"type": "resize", "width": 120, "height": 40})
    assert json.loads(packet(["blur"])[1]) == {"type": "blur"}


def test_questions_are_answered():
    assert heard('["ping", "17"]') == (b"", '["pong", "17"]')
    assert json.loads(packet(["pulse"])[1]) == {"type": "pulse"}


@pytest.mark.parametrize(
    ("width", "height", "becomes"),
    [(-1, -1, (20, 5)), (10**9, 10**9, (500, 200)), (10**400, 1, (500, 5)), (0, 24, (20, 24))],
)
def test_a_size_is_bounded(width, height, becomes):
    _, body = packet(["resize", {"width": width, "height": height}])
    told = json.loads(body)
    assert (told["width"], told["height"]) == becomes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "null",
        "{}",
        "[]",
        "[[]]",
        "17",
        '"stdin"',
        '["stdin"]',
        '["stdin", 1]',
        '["stdin", ["a"]]',
        '["stdin", null]',
        '["resize", 1]',
        '["resize", {}]',
        '["resize", {"width": "80", "height": 24}]',
        '["resize", {"width": 80.5, "height": 24}]',
        '["resize", {"width": true, "height": true}]',
        '["resize", {"width": NaN, "height": Infinity}]',
        '["quit"]',
        '["exit"]',
        '["deliver_chunk_request", {}]',
        '["ping", 1]',
        json.dumps(["ping", "x" * 1000]),
        "[" * 60000,
        '{"a":' * 9000,
        "9" * 60000,
        '[{"a": 1}]',
        '["resize", [80, 24]]',
        "\x00",
        '["pong", "1"]',
        '["log", "x"]',
        '["ended", "x"]',
    ],
    ids=lambda text: repr(text[:40]),
)
def test_what_is_not_understood_is_nothing(text):
    assert heard(text) == (b"", "")


def test_half_a_character_does_no_harm():
    assert heard('["stdin", "\\ud800"]')[0].endswith(b"?")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(["stdin", "resize", "ping", "focus", "quit", "pulse"]), json_values)
def test_any_value_is_survived(kind, value):
    packet([kind, value])


@given(st.text(max_size=60))
def test_any_text_is_survived(text):
    heard(text)


@given(st.text(max_size=12), st.text(max_size=12))
def test_the_first_size_is_always_a_size(width, height):
    columns, rows = asked_size({"width": width, "height": height})
    assert COLUMNS[0] <= columns <= COLUMNS[1]
    assert ROWS[0] <= rows <= ROWS[1]


def test_the_first_size():
    assert asked_size({"width": "120", "height": "40"}) == (120, 40)
    assert asked_size({"width": "1000000000", "height": "40"}) == (80, 24)
    assert asked_size({"width": "99999", "height": "0"}) == (500, 5)
    assert asked_size({"width": "-1", "height": "24"}) == (80, 24)
    assert asked_size({}) == (80, 24)
