"""Whatever servers, plugins, project files and people write: none of it may act on a terminal.

The installed program under a real pseudo-terminal, against servers that answer with escape sequences (colour,
clipboard by OSC 52, titles, C1, reversed reading, NUL, carriage returns) and lines of a megabyte. What comes
out may hold our own colours and line ends, and nothing else that a terminal obeys.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dns.message
import dns.rdata
import dns.rrset
import pytest

from tests.checks import hostile, pki

GONOGO = str(Path(sys.executable).with_name("gonogo"))
EVIL = "\x1b[31m\x1b]52;c;aGk=\x07\x1b]0;owned\x1b\\\x9b2J\x90q\u202eevil\u2066\u200b\x00\x08\x7f\r\u2028end"
LATIN = EVIL.encode("latin-1", "ignore")
YAML_EVIL = EVIL.replace("\0", "").encode("unicode_escape").decode()
LONG = (EVIL * 40_000)[: 1 << 20]
OUR_COLOURS = re.compile(r"\x1b\[(?:0|1|2|32|33|31|35|1;3[1235])m")
HARMFUL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def assert_tame(raw: bytes, *, colour: bool = False, carriage: bool = False) -> str:
    """Assert that `raw` holds nothing that a terminal obeys but what is ours, and return it as text."""
    text = raw.decode("utf-8")
    rest = OUR_COLOURS.sub("", text) if colour else text
    allowed = {"\n", "\r"} if carriage else {"\n"}
    for at, char in enumerate(rest):
        if char not in allowed and unicodedata.category(char) in HARMFUL:
            around = ascii(rest[max(0, at - 60) : at + 60])
            raise AssertionError(f"{char!a} at {at}: {around}")
    return text


def on_a_terminal(*words: object, cwd: Path, columns: int = 80, **env: str) -> tuple[int, bytes]:
    """Run gonogo with a pseudo-terminal as its input and output; return its exit code and all it wrote."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    clean = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "LINES")}
    chunks: list[bytes] = []
    process = subprocess.Popen(
        [GONOGO, *map(str, words)], stdin=slave, stdout=slave, stderr=slave, cwd=cwd,
        env={**clean, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **env},
    )  # fmt: skip
    os.close(slave)

    def read() -> None:
        with contextlib.suppress(OSError):  # the other end was closed
            while data := os.read(master, 65536):
                chunks.append(data)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        code = process.wait(timeout=90)
    finally:
        process.kill()
        process.wait()
        reader.join(10)
        os.close(master)
    return code, b"".join(chunks)


def piped(*words: object, cwd: Path, **env: str) -> tuple[int, bytes, bytes]:
    done = subprocess.run(
        [GONOGO, *map(str, words)], cwd=cwd, capture_output=True, timeout=90, check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8", **env},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


# The servers


async def redirects(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await hostile.request_head(reader)
    place = b"/" + LATIN.replace(b"\r", b"").replace(b"\0", b"")
    writer.write(b"HTTP/1.1 302 " + place + b"\r\nLocation: " + place + b"\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


async def writes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await hostile.request_head(reader)
    body = LONG.encode()
    header = b"X-Evil: " + LATIN.replace(b"\r", b"").replace(b"\0", b"") * 500 + b"\r\n"
    writer.write(b"HTTP/1.1 200 OK\r\n" + header + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()


async def greets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(LATIN * 1000)
    await writer.drain()


class Names(asyncio.DatagramProtocol):
    """A DNS server whose TXT records and aliases hold escape sequences."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        query = dns.message.from_wire(data)
        reply = dns.message.make_response(query)
        text = " ".join('"' + "".join(f"\\{byte:03d}" for byte in LATIN) + '"' for _ in range(4))
        record = dns.rdata.from_text("IN", "TXT", text)
        reply.answer.append(dns.rrset.from_rdata(query.question[0].name, 60, record))
        reply.flags |= 0x0480
        self.transport.sendto(reply.to_wire(), addr)


class Times(asyncio.DatagramProtocol):
    """A time server that refuses with a kiss code of control characters."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        head = bytes([0xE4, 0, 0, 0]) + bytes(8) + b"\x1b[2J" + bytes(8) + data[40:48] + bytes(16)
        self.transport.sendto(head, addr)


@dataclass(frozen=True)
class Evil:
    """The folder with the project against which everything is run."""

    folder: Path
    project: Path


def project_text(folder: Path, ports: dict[str, int]) -> str:
    """Return a project in which everything that may be text is hostile."""
    evil = f'"{YAML_EVIL}"'
    plugin = folder / "plugin.sh"
    plugin.write_bytes(b"#!/bin/sh\ncat " + str(folder / "said").encode() + b"\nexit 2\n")
    plugin.chmod(0o755)
    (folder / "said").write_bytes(
        EVIL.encode().replace(b"\r", b"") + b"|'" + LATIN[:60] + b"'=1;2;3\n" + LATIN
    )
    (folder / "long").write_text(LONG)
    return f"""\
gonogo: 1
project:
  name: {evil}
  customer: {evil}
  site: {evil}
  timezone: Europe/Zurich
  cutover: 2031-12-05 22:30
scope: {{in: [{evil}], out: [{evil}]}}
vendors:
  acme: {{name: {evil}, phone: {evil}, email: {evil}, note: {evil}}}
milestones:
  ready: {{title: {evil}, due: -1h, owner: acme}}
checks:
  redirect: {{type: network.http, milestone: ready, owner: acme, url: "http://127.0.0.1:{ports["redirects"]}/"}}
  body:
    type: network.http
    milestone: ready
    title: {evil}
    url: "http://127.0.0.1:{ports["writes"]}/"
    contains: {evil}
    headers: {{x-evil: never}}
  json:
    type: network.http
    milestone: ready
    url: "http://127.0.0.1:{ports["writes"]}/"
    json: {{a: {evil}}}
  certificate: {{type: network.tls, milestone: ready, target: "127.0.0.1:{ports["tls"]}"}}
  no-tls: {{type: network.tls, milestone: ready, target: "127.0.0.1:{ports["greets"]}"}}
  no-http: {{type: network.http, milestone: ready, url: "http://127.0.0.1:{ports["greets"]}/"}}
  held: {{type: network.tcp, milestone: ready, target: 127.0.0.1, port: {ports["greets"]}, hold: 100ms}}
  text:
    type: dns.record
    milestone: ready
    name: evil.example.com
    rdtype: TXT
    servers: ["127.0.0.1:{ports["names"]}"]
    expect: [fine]
  time: {{type: network.ntp, milestone: ready, server: "127.0.0.1:{ports["times"]}"}}
  plugin: {{type: plugin, milestone: ready, command: [{plugin}], target: localhost}}
  plugin-long: {{type: plugin, milestone: ready, command: [/bin/cat, {folder / "long"}], target: localhost}}
  plugin-gone:
    type: plugin
    milestone: ready
    command: ["/nowhere/\\e[31m\\e]52;c;aGk=\\a"]
    target: localhost
  stated: {{type: manual, milestone: ready, statement: {evil}, instructions: {evil}, owner: acme}}
  after: {{type: network.tcp, milestone: ready, target: 127.0.0.1, port: 9, needs: [redirect], title: {evil}}}
"""


@contextlib.asynccontextmanager
async def served(folder: Path) -> AsyncIterator[dict[str, int]]:
    loop = asyncio.get_running_loop()
    name = EVIL.replace("\x00", "")[:50]
    pair = pki.make(name, names=("srv.example.com",), organisation=name)
    async with contextlib.AsyncExitStack() as stack:
        ports = {}
        for handler in (redirects, writes, greets):
            ports[handler.__name__] = await stack.enter_async_context(hostile.serve(handler))
        ports["tls"] = await stack.enter_async_context(
            hostile.serve(hostile.silence, tls=pair.server(folder))
        )
        for key, protocol in (("names", Names), ("times", Times)):
            transport, _ = await loop.create_datagram_endpoint(protocol, local_addr=("127.0.0.1", 0))
            stack.callback(transport.close)
            ports[key] = transport.get_extra_info("sockname")[1]
        yield ports


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evil]:
    """Serve in a thread of its own while the tests of this module run; the ledger holds a run."""
    folder = tmp_path_factory.mktemp("evil")
    ready, done = threading.Event(), threading.Event()

    async def serve() -> None:
        async with served(folder) as ports:
            (folder / "office.yaml").write_text(project_text(folder, ports))
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(20)
        piped("run", folder / "office.yaml", "--json", cwd=folder)
        yield Evil(folder, folder / "office.yaml")
    finally:
        done.set()
        thread.join(20)


def test_the_servers_are_as_hostile_as_they_should_be(evil):
    """Otherwise everything below would prove nothing: the raw text is in the evidence."""
    code, out, _ = piped("run", evil.project, "--json", cwd=evil.folder)
    assert code == 4
    told = json.loads(out)
    assert out.isascii()
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", out)
    found = {result["check"]: result for result in told["results"]}
    assert "pass" not in {result["status"] for name, result in found.items() if name != "held"}
    seen = json.dumps([found[name]["observation"] for name in ("redirect", "certificate", "text", "plugin")])
    assert seen.count("\\u001b]52") >= 3
    assert "\\u202e" in json.dumps(told["project"])


@pytest.mark.parametrize("columns", [80, 40, 12, 200])
@pytest.mark.parametrize("words", [("run",), ("run", "--all"), ("status",), ("status", "--all")])
def test_a_terminal_is_left_alone(evil, words, columns):
    command, *rest = words
    code, raw = on_a_terminal(command, evil.project, *rest, cwd=evil.folder, columns=columns)
    assert code == 4
    text = assert_tame(raw, colour=True, carriage=True)
    assert "NO-GO" in text
    assert "\x1b[1;31m" in text
    assert "\\x1b]52;c;aGk=" in re.sub(r"\s", "", text)


@pytest.mark.parametrize(
    "words",
    [
        ("run", "FILE", "--plain"),
        ("run", "FILE", "--nagios"),
        ("run", "FILE", "--jsonl"),
        ("run", "FILE", "--json"),
        ("status", "FILE", "--plain", "--all"),
        ("status", "FILE", "--nagios"),
        ("status", "FILE", "--json"),
        ("plan", "FILE"),
        ("plan", "FILE", "--json"),
        ("lint", "FILE"),
        ("explain", "network.http"),
        ("checks",),
    ],
)
def test_what_has_no_colours_has_no_escape_at_all(evil, words):
    filled = [evil.project if word == "FILE" else word for word in words]
    _, raw = on_a_terminal(*filled, cwd=evil.folder)
    progress = "--json" in words or "--nagios" in words
    assert_tame(raw.replace(b"\r\n", b"\n"), carriage=progress, colour=progress)
    _, out, err = piped(*filled, cwd=evil.folder)
    assert_tame(out)
    assert_tame(err)


def test_no_color_is_heeded(evil):
    for setting in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        _, raw = on_a_terminal("run", evil.project, cwd=evil.folder, **setting)
        assert_tame(raw, carriage=True)


def test_a_pipe_gets_no_escape_and_no_rewritten_line(evil):
    for words in (("run", evil.project), ("status", evil.project, "--all"), ("plan", evil.project)):
        _, out, err = piped(*words, cwd=evil.folder)
        assert_tame(out)
        assert_tame(err)


def test_junit_is_xml_that_shows_nothing_hostile(evil, tmp_path):
    report = tmp_path / "junit.xml"
    piped("run", evil.project, "--junit", report, cwd=evil.folder)
    assert_tame(report.read_bytes())
    texts = [item.text or "" for item in ET.parse(report).iter()]
    texts += [value for item in ET.parse(report).iter() for value in item.attrib.values()]
    for text in texts:
        assert_tame(text.encode())


def test_what_a_person_writes_down_is_tame(evil):
    words = ("attest", evil.project, "stated", "--fails", "--note", LONG[:3000].replace("\0", ""), "--by")
    code, raw = on_a_terminal(*words, EVIL.replace("\0", ""), cwd=evil.folder)
    assert code == 2, "a name of control characters is nobody's"
    assert_tame(raw.replace(b"\r\n", b"\n"))
    code, raw = on_a_terminal(*words, "Ann Rey", cwd=evil.folder)
    assert code == 0
    assert_tame(raw.replace(b"\r\n", b"\n"))
    code, raw = on_a_terminal("run", evil.project, "--only", "stated", cwd=evil.folder)
    assert code == 4
    assert_tame(raw, colour=True, carriage=True)


HEAD = "gonogo: 1\nproject: {name: x, timezone: UTC}\n"
BAD = [
    'gonogo: 1\nproject: {name: "%s"}\n',
    'gonogo: 1\n"%s": 1\n',
    'gonogo: 1\nproject: {name: x, timezone: "%s"}\nmilestones: {"%s": {title: x}}\n',
    HEAD + 'milestones: {m: {title: x}}\nchecks: {c: {type: "%s"}}\n',
    HEAD + 'profile: "%s"\n',
    HEAD + 'milestones: {m: {title: x, owner: "%s", after: ["%s"]}}\nchecks: {c: {type: network.tcp, '
    'milestone: "%s", needs: ["%s"], target: "%s", port: "%s"}}\n',
    "gonogo: 1 # \u202e\u2066 evil \u200b\nproject: [\u202e\u2066\n",
    "\x1b]52;c;aGk=\x07\n",
]


@pytest.mark.parametrize("text", BAD)
def test_a_bad_file_shows_its_lines_harmlessly(evil, tmp_path, text):
    path = tmp_path / "bad.yaml"
    path.write_text(text.replace("%s", YAML_EVIL))
    for words in (("lint", path), ("run", path), ("plan", path), ("lint", path, "--json"), ("status", path)):
        code, raw = on_a_terminal(*words, cwd=tmp_path)
        assert code == 2, raw
        assert_tame(raw.replace(b"\r\n", b"\n"))


def test_hostile_words_of_the_command_line_come_back_harmless(evil, tmp_path):
    word = "\x1b]52;c;aGk=\x07\u202e"
    odd = tmp_path / f"{word}.yaml"
    odd.write_text("gonogo: 1\n")
    for words in (
        ("run", evil.project, "--only", word),
        ("run", evil.project, "--milestone", word),
        ("explain", word),
        ("run", odd),
        ("lint", odd),
        ("run", tmp_path / f"no{word}.yaml"),
        ("attest", evil.project, word, "--holds", "--by", "x"),
        ("attest", evil.project, "stated", "--holds", "--by", "x", "--attach", tmp_path / word),
    ):
        code, raw = on_a_terminal(*words, cwd=tmp_path)
        assert code == 2, raw
        assert_tame(raw.replace(b"\r\n", b"\n"))
