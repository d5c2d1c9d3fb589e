"""Plugin output and performance data, as real plugins and hostile ones write them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.wire.plugins import Datum, Range, parse_output, parse_perfdata, parse_range


@pytest.mark.parametrize(
    ("text", "good", "alert"),
    [
        ("10", [0, 10, 5], [-0.1, 10.1]),
        ("10:", [10, 1e9], [9.9, -1]),
        ("~:10", [-1e9, 10], [10.1]),
        ("~:70", [-5, 70], [70.5]),
        ("10:20", [10, 20], [9, 21]),
        ("@10:20", [9, 21], [10, 15, 20]),
        ("@10", [-1, 11], [0, 10]),
        ("-10:-5", [-10, -5], [-11, 0]),
        (":5", [0, 5], [6, -1]),
        ("1e3", [0, 1000], [1001]),
        ("~:", [-1e9, 1e9], []),
        (":", [0, 1e9], [-1]),
    ],
)
def test_ranges_of_the_guidelines(text, good, alert):
    found = parse_range(text)
    assert [value for value in good if found.alerts(value)] == []
    assert [value for value in alert if not found.alerts(value)] == []


@pytest.mark.parametrize("text", ["@", "20:10", "a", "1:2:3", "10;", "~", "--1", "nan", "1:~"])
def test_what_is_no_range_is_refused(text):
    with pytest.raises(ValueError, match="not a range"):
        parse_range(text)


def test_no_range_is_none():
    assert parse_range("") is None


@given(
    st.builds(
        lambda low, width, inside: Range(low, low + width, inside),
        st.integers(-1000, 1000).map(float) | st.just(-math.inf),
        st.integers(0, 1000).map(float) | st.just(math.inf),
        st.booleans(),
    ).filter(lambda r: not math.isnan(r.high) and r.high != -math.inf)
)
def test_a_range_written_reads_the_same(made):
    assert parse_range(str(made)) == made


REAL = [
    (
        "DISK OK - free space: / 81544MiB (78% inode=97%);| /=23437770752B;243497277849;257024904396;0;\n",
        "DISK OK - free space: / 81544MiB (78% inode=97%);",
        [
            Datum(
                label="/",
                value=23437770752,
                unit="B",
                warn=Range(0, 243497277849),
                fail=Range(0, 257024904396),
            )
        ],
    ),
    (
        "OK - 127.0.0.1: rta 0.126ms, lost 0%|rta=0.126ms;200.000;500.000;0; pl=0%;40;80;; \n",
        "OK - 127.0.0.1: rta 0.126ms, lost 0%",
        [
            Datum(label="rta", value=0.126, unit="ms", warn=Range(0, 200), fail=Range(0, 500)),
            Datum(label="pl", value=0, unit="%", warn=Range(0, 40), fail=Range(0, 80)),
        ],
    ),
    (
        "OK|'C:\\ used %'=12,5%;~:70;@10:20 'it''s'=U;; n=3 t=-2C",
        "OK",
        [
            Datum(
                label="C:\\ used %", value=12.5, unit="%", warn=Range(-math.inf, 70), fail=Range(10, 20, True)
            ),
            Datum(label="it's", value=None, unit=""),
            Datum(label="n", value=3, unit=""),
            Datum(label="t", value=-2, unit="C"),
        ],
    ),
]


@pytest.mark.parametrize(("output", "text", "data"), REAL)
def test_output_of_real_plugins(output, text, data):
    found = parse_output(output)
    assert found.text == text
    assert list(found.data) == data
    assert found.unread == ()


def test_performance_data_over_several_lines():
    found = parse_output("DISK OK|/=1MB;2;3\r\nline 1\r\nline 2 | /home=4MB;5;6\n/var=7MB\n")
    assert found.text == "DISK OK"
    assert found.long_text == "line 1\nline 2"
    assert [(d.label, d.value) for d in found.data] == [("/", 1), ("/home", 4), ("/var", 7)]


@pytest.mark.parametrize(
    ("perfdata", "labels", "unread"),
    [
        ("foo bar=1", ["bar"], ("foo",)),
        ("a=1 b=x c=2", ["a", "c"], ("b=x",)),
        ("'open=1 b=2", ["b"], ("'open=1",)),
        ("=5 a=1", ["a"], ("=5",)),
        ("a=1e999 b=1", ["b"], ("a=1e999",)),
        ("", [], ()),
        (" \n ", [], ()),
        ("a=", [], ("a=",)),
    ],
)
def test_pieces_that_are_no_performance_data_are_named_and_the_rest_is_read(perfdata, labels, unread):
    data, left = parse_perfdata(perfdata)
    assert [d.label for d in data] == labels
    assert left == unread


def test_limits_that_cannot_be_read_do_not_lose_the_value():
    (datum,), unread = parse_perfdata("a=1;x;20:10;;")
    assert (datum.value, datum.warn, datum.fail, unread) == (1, None, None, ())


@given(st.text(alphabet=st.sampled_from("a1=|'; \n@~:.-U%é\x00"), max_size=60) | st.text(max_size=60))
def test_any_output_is_read_without_an_error(output):
    found = parse_output(output)
    for datum in found.data:
        assert datum.value is None or math.isfinite(datum.value)


@pytest.mark.parametrize("unit", ["' ", "''", "'x' ", "a ", "a=", "=", "'x''", "1;", "'a'='"])
def test_a_flood_is_read_in_a_bounded_number_of_steps(unit):
    """64 KB of the pattern takes a moment; without bounds it takes minutes (the test times out)."""
    parse_output("|" + unit * (65536 // len(unit)))
