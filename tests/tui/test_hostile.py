"""Hostile text in every field that comes from outside, through every screen, on the bytes of a real terminal.

The terminal may get the sequences that draw the dashboard, and no character of the hostile text that it would
obey or that would hide or turn round what is read.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest

from agent.files.load import load_plan
from agent.records import Decision, Waiver
from agent.running import open_ledger
from checks.vantage import Attestation
from checks.words import Finding, Measure, Note, Status
from tests.tui.office import result, store_run, vantage, write_project
from tests.tui.terminal import GONOGO, Terminal

EVIL = (
    "[/] [red]x[/red] [@click=app.quit]q[/] $look-fail {x} \x1b[6666;1Hcsi"
    "\x1b]52;c;T1dORUQ=\x07\x1b]0;OWNED\x1b\\"
    "\x9b6666J\x90q\x9c\u202eevil\u2066\u2069\u200b\u200d\ufeff\x00\x08\x7f\x0b\x0c\r\u2028\u2029\U000e0041"
    "\u6f22\u5b57 e\u0301\u0327\u0300 \U0001f468\u200d\U0001f469 \ud800 end"
)
WRITABLE = EVIL.replace("\x00", "").replace("\ud800", "")
IN_YAML = '"' + "".join(
    char if char.isascii() and char.isprintable() and char not in '"\\' else f"\\U{ord(char):08x}"
    for char in WRITABLE
) + '"'  # fmt: skip
LONG = EVIL * (1_000_000 // len(EVIL))

PROJECT = f"""\
gonogo: 1
project:
  id: evil
  name: {IN_YAML}
  customer: {IN_YAML}
  site: {IN_YAML}
  timezone: Europe/Zurich
  cutover: 2031-12-05 22:30
scope: {{in: [{IN_YAML}], out: [{IN_YAML}]}}
vendors:
  acme: {{name: {IN_YAML}, phone: {IN_YAML}, email: {IN_YAML}, note: {IN_YAML}}}
milestones:
  before: {{title: {IN_YAML}, due: -2d, owner: acme}}
  ready: {{title: {IN_YAML}, due: -1h, owner: acme, after: [before]}}
checks:
  fails: {{type: network.tcp, milestone: before, owner: acme, title: {IN_YAML}, target: 192.0.2.1, port: 1}}
  long: {{type: network.tcp, milestone: before, target: 192.0.2.1, port: 2}}
  untold: {{type: network.tcp, milestone: before, target: 192.0.2.1, port: 3}}
  waived: {{type: network.tcp, milestone: before, target: 192.0.2.1, port: 4}}
  waits: {{type: network.tcp, milestone: before, target: 192.0.2.1, port: 5, needs: [fails]}}
  stated: {{type: manual, milestone: before, owner: acme, statement: {IN_YAML}, instructions: {IN_YAML}}}
  never: {{type: network.tcp, milestone: ready, title: {IN_YAML}, target: 192.0.2.1, port: 6}}
"""

OURS = re.compile(
    r"\x1b\]22;[a-z]+\x07|\x1b\[[0-9;:?<>=!$\" ]*[A-Za-z@`{|}~]|\x1b[=>78()][B0]?|\x1bP[^\x1b]*\x1b\\"
)
"""Sequences that move, colour and set modes; the hostile ones carry marks of their own, looked for before."""
MARKS = ("[6666;1H", "6666J", "]52;c;T1dORUQ=", "]0;OWNED")
COPIED = re.compile(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")
"""What the dashboard itself copies: text that was made harmless, too."""
HARMFUL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def hostile_finding(status: Status, text: str) -> Finding:
    return Finding(
        status=status, subject=text, message=text, expected=text, observed=text, fix=text, reference=text,
        measure=Measure(
            name=text[:200], value=float("inf"), unit=text[:50], warn=1e308, fail=-1.0, source=text[:200]
        ),
    )  # fmt: skip


@pytest.fixture
def evil(tmp_path):
    file = write_project(tmp_path, PROJECT)
    plan = load_plan(file, cached=False)
    now = datetime.now(UTC)
    seen_from = vantage(
        name=EVIL, host=EVIL, user=EVIL, os=EVIL, tool=EVIL, interfaces=({EVIL: EVIL, "name": EVIL},),
        addresses=(EVIL,), vpn=(EVIL,), proxy=(EVIL,), privileges=(EVIL,), limits=(EVIL, LONG),
    )  # fmt: skip
    for number, ago in enumerate((timedelta(hours=3), timedelta(minutes=5))):
        at, run = now - ago, f"r{number}{WRITABLE}"
        status = Status.FAIL if number else Status.PASS
        notes = (Note(at=at, text=EVIL), Note(at=at, text=LONG))

        def told(check, *findings, at=at, run=run, notes=notes, **changes):
            return result(
                plan, check, at, *findings, run=run, notes=notes, vantage=EVIL,
                observation={EVIL: [EVIL, LONG]}, **changes,
            )  # fmt: skip

        store_run(
            file, plan, run, at,
            [
                told("fails", hostile_finding(status, EVIL)),
                told("long", hostile_finding(status, LONG)),
                told("untold", hostile_finding(Status.INCONCLUSIVE, EVIL)),
                told("waived", hostile_finding(Status.FAIL, EVIL)),
                told("waits", status=Status.BLOCKED, blocked_by=EVIL),
                told("stated", hostile_finding(status, EVIL)),
            ],
            seen_from=seen_from,
        )  # fmt: skip
    with open_ledger(file, plan) as ledger:
        ledger.add(
            Waiver(
                check="waived",
                reason=LONG,
                risk=EVIL,
                author=EVIL,
                approver="x" + EVIL,
                ticket=EVIL,
                at=now,
                expires=now + timedelta(days=1),
            )
        )
        ledger.add(Attestation(check="stated", holds=False, by=EVIL, at=now, note=LONG, statement=EVIL))
        ledger.add(
            Decision(
                milestone="before",
                verdict=EVIL,
                by=EVIL,
                at=now,
                note=LONG,
                decided=EVIL,
                second=EVIL,
                head=EVIL,
            )
        )
    return file


def assert_tame(raw: bytes) -> None:
    """Assert that `raw` holds nothing that a terminal obeys but what draws the dashboard."""
    text = raw.decode("utf-8")
    for mark in MARKS:
        for at in (found.start() for found in re.finditer(re.escape(mark), text)):
            before = text[max(0, at - 3) : at]
            assert "\x1b" not in before, ascii(text[max(0, at - 60) : at + 60])
            assert "\x9b" not in before, ascii(text[max(0, at - 60) : at + 60])
    for copied in COPIED.findall(text):
        written = base64.b64decode(copied).decode()
        assert not [c for c in written if c != "\n" and unicodedata.category(c) in HARMFUL]
    rest = OURS.sub("", COPIED.sub("", text))
    for at, char in enumerate(rest):
        if char not in "\r\n\x1b" and unicodedata.category(char) in HARMFUL:
            raise AssertionError(f"{char!a}: {rest[max(0, at - 60) : at + 60]!a}")
        if char == "\x1b":
            raise AssertionError(f"a sequence that is not ours: {rest[max(0, at - 60) : at + 60]!a}")


ESC = "\x1b"
WALKS = {
    "home": ["\x1b[B", "\x1b[B", "n", "n", "N", "a", "a", "\x1b[C", "\x1b[D", "1", "2", "1"],
    "filter": ["/", "status:fail", "\r", ESC, ESC, "/", "[/]", ESC, ESC],
    "detail": ["\r", "e", "\x1b[6~", "\x1b[6~", ESC, "]", "]", "]", "[", "y", "o", ESC, ESC],
    "history": ["d", " ", "\x1b[B", " ", "\r", "n", "f", "y", ESC, ESC, ESC],
    "vantage": ["v", "\x1b[6~", "\x1b[6~", ESC],
    "live": ["l", "f", ESC],
    "help": ["?", "\x1b[6~", ESC],
    "palette": ["\x10", "fail", ESC, ESC],
    "jump": ["\x0f", ESC],
    "run": ["r", ESC],
    "waive": ["w", "\t", "[/]", "\t", "\t", ESC, ESC],
    "sign": ["s", "\t", "\t", "\x1b[6~", ESC, ESC],
    "attest": ["a", "\x1b[F", "t", "\t", ESC, ESC, "a"],
    "freeze": [" ", " "],
}


@pytest.mark.parametrize("size", [(80, 24), (140, 40), (40, 10)])
def test_no_hostile_character_reaches_the_terminal(evil, size):
    with Terminal(GONOGO, "dashboard", evil, cwd=evil.parent, size=size) as terminal:
        terminal.wait_for("NO-GO")
        terminal.settle()
        for name, keys in WALKS.items():
            for key in keys:
                terminal.send(key)
                terminal.settle(0.12, 1.5)
                assert terminal.process.poll() is None, f"{name}: {key!r} ended it:\n{terminal.text}"
        terminal.send("q")
        assert terminal.wait_end() == 0
        seen = bytes(terminal.raw)
    assert_tame(seen)
    if size[0] >= 80:
        assert rb"\x1b]52;c;" in re.sub(rb"\x1b\[[0-9;]*m", b"", seen), (
            "nothing hostile was shown, so nothing is proven"
        )


@pytest.mark.parametrize(
    "escape", ["\x1b]52;c;T1dORUQ=\x07", "\x9b6666J", "\u202e", "\x00", "\x1b\x1b[6666;1H"]
)
def test_the_look_for_hostile_characters_finds_them(escape):
    with pytest.raises(AssertionError):
        assert_tame(f"\x1b[1;1Hfine {escape} fine".encode())
