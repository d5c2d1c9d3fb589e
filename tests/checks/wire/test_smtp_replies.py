from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.wire.smtp import mailbox
from checks.wire.smtp_replies import MAX_LINE, MAX_LINES, Malformed, Replies, Reply, keywords, masked


def read(raw: bytes) -> Reply | None:
    replies = Replies()
    replies.feed(raw)
    return replies.take()


@pytest.mark.parametrize(
    ("raw", "code", "lines"),
    [
        (b"220 mx ESMTP\r\n", 220, ("mx ESMTP",)),
        (b"250\r\n", 250, ("",)),
        (b"250-\r\n250 \r\n", 250, ("", "")),
        (b"250-a\r\n250-b\r\n250 c\r\n", 250, ("a", "b", "c")),
        (b"220 gr\xc3\xbc\xdf\r\n", 220, ("grü\\xdf",)),
        (b"220 a\rb\r\n", 220, ("a\rb",)),
    ],
)
def test_replies_are_read(raw, code, lines):
    reply = read(raw)
    assert reply == Reply(code=code, lines=lines)


def test_a_reply_needs_its_last_line():
    assert read(b"250-a\r\n250-b\r\n") is None
    assert read(b"250 half") is None
    assert read(b"") is None


def test_a_bare_line_feed_is_taken_and_told():
    assert read(b"250-a\n250 b\r\n").bare_lf
    assert not read(b"250-a\r\n250 b\r\n").bare_lf


@pytest.mark.parametrize(
    "raw",
    [
        b"250-a\r\n251 b\r\n",
        b"250-a\r\n550 b\r\n",
        b"2500 a\r\n",
        b"25 a\r\n",
        b"250_a\r\n",
        b"\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01\x02\x00",
        b"150 a\r\n",
        b"290 a\r\n",
        b"650 a\r\n",
        "٢٥٠ a\r\n".encode(),
        b"250 " + b"x" * MAX_LINE + b"\r\n",
        b"x" * (MAX_LINE + 1),
        b"250-x\r\n" * (MAX_LINES + 1),
        (b"250-" + b"x" * 1500 + b"\r\n") * 60,
    ],
)
def test_what_is_no_reply_is_said_so(raw):
    with pytest.raises(Malformed):
        read(raw)


def test_what_comes_after_a_reply_stays_there():
    replies = Replies()
    replies.feed(b"220 go ahead\r\n250 not yet asked\r\n")
    assert replies.take().code == 220
    assert replies.begun
    assert replies.rest == b"250 not yet asked\r\n"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"550 5.4.1 Recipient address rejected: Access denied\r\n", "5.4.1"),
        (b"550-5.7.1 a\r\n550 5.7.1 b\r\n", "5.7.1"),
        (b"550 5.7.64 TenantAttribution; Relay Access Denied\r\n", "5.7.64"),
        (b"451 4.4.62 Mail sent to the wrong Office 365 region. ATTR35\r\n", "4.4.62"),
        (b"550 2.1.5 class of another kind\r\n", ""),
        (b"550 5.7.1.2 no status\r\n", ""),
        (b"550 5.1234.1 no status\r\n", ""),
        (b"220 mx.5.7.1 ESMTP\r\n", ""),
        (b"250\r\n", ""),
    ],
)
def test_enhanced_status_codes(raw, status):
    assert read(raw).enhanced == status


def test_the_text_of_many_lines_has_the_status_once():
    assert read(b"550-5.7.1 first\r\n550 5.7.1 second\r\n").text == "5.7.1 first second"


def test_extensions_and_never_the_greeting():
    reply = read(b"250-STARTTLS mx\r\n250-size 100\r\n250-8BITMIME\r\n250-\xff bad\r\n250 PIPELINING\r\n")
    assert keywords(reply) == ("SIZE 100", "8BITMIME", "PIPELINING")


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"250-mx\r\n250-PIPELINING\r\n250-XXXXXXXA\r\n250 XXXB\r\n", True),
        (b"220 ***************2***0***\r\n", True),
        (b"250-mx\r\n250-XCLIENT NAME\r\n250 XEXCH50\r\n", False),
        (b"220 mx ESMTP ***\r\n", False),
        (b"220 \r\n", False),
    ],
)
def test_a_firewall_that_masks(raw, told):
    assert masked(read(raw)) is told


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=20))
def test_any_bytes_in_any_pieces_give_replies_or_malformed(pieces):
    """And the same whether they come at once or byte by byte."""

    def run(parts):
        replies, found = Replies(), []
        try:
            for part in parts:
                replies.feed(part)
                while (reply := replies.take()) is not None:
                    found.append(reply)
                    assert len(reply.lines) <= MAX_LINES
                    assert reply.enhanced == "" or reply.text.startswith(reply.enhanced[0])
                    keywords(reply)
                    masked(reply)
                assert len(replies.rest) <= MAX_LINE
        except Malformed:
            found.append("malformed")
        return found

    whole = b"".join(pieces)
    assert run(pieces) == run([bytes([byte]) for byte in whole])


_LINES = st.lists(
    st.tuples(st.sampled_from(["220", "250", "550"]), st.sampled_from(["-", " ", ""]), st.text(max_size=40)),
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(_LINES)
def test_lines_like_replies(lines):
    raw = "".join(f"{code}{mark}{text}\r\n" for code, mark, text in lines).encode("utf-8", "surrogatepass")
    replies = Replies()
    replies.feed(raw)
    try:
        while (reply := replies.take()) is not None:
            assert 200 <= reply.code < 600
    except Malformed:
        pass


@pytest.mark.parametrize("text", ["a@example.com", "a.b+c@example.com", "o'neil@EXAMPLE.com"])
def test_addresses_that_may_be_sent(text):
    assert mailbox(text).endswith("@example.com")


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "@example.com", "a@", "a b@example.com", "a@example.com>\r\nDATA", "a\r\nDATA@example.com",
        "<a@example.com>", "a@ex ample.com", "a@*.com", "a@.",
        '"a b"@example.com', "a@example.com\n", "ü@example.com",
    ],
)  # fmt: skip
def test_addresses_that_may_not(text):
    if text == "a@example.com\n":
        assert mailbox(text) == "a@example.com"  # the space around is not part of it
        return
    with pytest.raises(ValueError, match=r"\S"):
        mailbox(text)
