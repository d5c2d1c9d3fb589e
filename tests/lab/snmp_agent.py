"""A fast SNMP v1 and v2c agent that can lie, in a thread of the test or in a process of its own.

    with Agent({(1, 3, 6, 1, 2, 1, 1, 5, 0): b"sw1", ...}) as agent:
        ...            # ask agent.host, agent.port (agent.endpoint is "127.0.0.1:40001") with agent.community
        agent.put((1, 3, 6, 1, 2, 1, 1, 5, 0), b"sw2")
        assert agent.asked["set"] == 0

Objects are `{oid: value}`: int, bytes, an identifier (tuple), `Typed(tag, value)` where the tag matters, or a
callable without arguments that returns one of these each time it is asked (a counter that moves). `recorded`
reads a `.snmprec` file. `more` are other communities with objects of their own, such as `public@10`.
What the agent does wrong is written in `Lies`; assign `agent.lies` to change it while it runs.
`serve` runs several agents in one thread; give them addresses (127.0.1.1, 127.0.1.2 ...) and the same port.

`python -m tests.lab.snmp_agent PORT ADDRESS=FILE.snmprec ...` serves recordings until it is stopped.
"""

from __future__ import annotations

import bisect
import heapq
import os
import random
import selectors
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

Oid = tuple[int, ...]
GET, GETNEXT, RESPONSE, SET, GETBULK = 0xA0, 0xA1, 0xA2, 0xA3, 0xA5
KINDS = {GET: "get", GETNEXT: "getnext", SET: "set", GETBULK: "getbulk"}
INTEGER, STRING, NULL, IDENTIFIER = 2, 4, 5, 6
ADDRESS, COUNTER32, GAUGE32, TICKS, OPAQUE = 0x40, 0x41, 0x42, 0x43, 0x44
COUNTER64 = 0x46
NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END = 0x80, 0x81, 0x82
TOO_BIG, NO_SUCH_NAME, GEN_ERR = 1, 2, 5


class Typed(NamedTuple):
    """A value with the tag that it has on the wire."""

    tag: int
    value: int | bytes | Oid | None


Plain = int | bytes | Oid | Typed | None
Value = Plain | Callable[[], Plain]


@dataclass(kw_only=True)
class Lies:
    """What an agent does wrong; nothing, unless told."""

    loss: float = 0.0
    """Part of the questions that get lost, drawn with a fixed seed."""
    delay_s: float = 0.0
    silent: bool = False
    silent_after: int | None = None
    """Number of answers after which nothing more comes."""
    silent_at: Oid | None = None
    """No answer to a GETNEXT or GETBULK that would bring an object below this one, or a GET of one."""
    no_bulk: str = ""
    """`silent` or `genErr`: how GETBULK is met."""
    v1_only: bool = False
    """v2c is met with silence."""
    v2c_only: bool = False
    too_big_above: int | None = None
    """Objects in an answer above which it is tooBig."""
    gen_err_at: Oid | None = None
    cut: int = 0
    """Octets that are missing at the end of an answer."""
    cut_above: int = 0
    """Only of answers longer than this."""
    garbage: bool = False
    """An answer of random octets."""
    noise: int = 0
    """Datagrams of random octets before every answer."""
    wrong_id: bool = False
    wrong_id_first: bool = False
    """One with a wrong request id and a wrong value comes before the right answer."""
    wrong_community: bool = False
    """The answer has another community."""
    other_source: str = ""
    """Address that the answers come from."""
    stuck: bool = False
    """GETNEXT and GETBULK answer with the object that was asked."""
    circle_at: tuple[Oid, Oid] | None = None
    """After the first object comes the second, whatever is right."""
    endless: Oid | None = None
    """Below this column there is always one more row."""
    nulls: bool = False
    """Every value is NULL."""
    nothing_is_null: bool = False
    """What is not there is NULL instead of an exception."""
    empty: bool = False
    """Answers without any object."""
    other_object: bool = False
    """GET answers with sysDescr, whatever was asked."""
    only: tuple[Oid, ...] = ()
    """The view: nothing else is shown."""
    unordered: Mapping[Oid, Oid] | None = None
    """Successors that are said instead of the right ones, for tables without order."""


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked."""

    version: int
    community: str
    kind: int
    ident: int
    repetitions: int
    oids: tuple[Oid, ...]


class View:
    """The objects that one community sees, encoded beforehand."""

    def __init__(self, objects: Mapping[Oid, Value]) -> None:
        self.oids = sorted(objects)
        self.place = {one: place for place, one in enumerate(self.oids)}
        self.values: list[Value] = [objects[one] for one in self.oids]
        self.encoded = [self._encode(place) for place in range(len(self.oids))]
        self.places = {encode_oid(one): place for place, one in enumerate(self.oids)}

    def _encode(self, place: int) -> bytes | None:
        value = self.values[place]
        return None if callable(value) else binding(self.oids[place], value)

    def put(self, oid: Oid, value: Value) -> None:
        place = self.place.get(oid)
        if place is None:
            objects = dict(zip(self.oids, self.values, strict=True)) | {oid: value}
            self.__init__(objects)  # type: ignore[misc]
            return
        self.values[place] = value
        self.encoded[place] = self._encode(place)

    def after(self, name: bytes) -> int:
        """Return the place of the object after one that is given by its content octets."""
        place = self.places.get(name)
        return place + 1 if place is not None else bisect.bisect_right(self.oids, decode_oid(name))

    def at(self, place: int) -> bytes:
        made = self.encoded[place]
        if made is not None:
            return made
        value = self.values[place]
        return binding(self.oids[place], value() if callable(value) else value)


class Agent:
    """One agent on one address; entering it serves it in a thread of its own."""

    def __init__(
        self,
        objects: Mapping[Oid, Value] | None = None,
        *,
        community: str = "public",
        address: str = "127.0.0.1",
        port: int = 0,
        more: Mapping[str, Mapping[Oid, Value]] | None = None,
        max_size: int = 1400,
        lies: Lies | None = None,
    ) -> None:
        self.community = community
        self.host = address
        self.port = port
        self.max_size = max_size
        self.lies = lies or Lies()
        self.views = {community: View(objects or {})}
        self.views |= {name: View(others) for name, others in (more or {}).items()}
        self.asked: Counter[str] = Counter()
        """How often each kind of question came, `set` among them, and `unknown` for other communities."""
        self.questions: list[Question] = []
        """The last thousand."""
        self.answers = 0
        self._random = random.Random(1)

    @property
    def endpoint(self) -> str:
        """Host and port as a check's `host` takes them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def put(self, oid: Oid, value: Value, community: str | None = None) -> None:
        """Give an object another value, or add one; what is asked from now on sees it."""
        self.views[community or self.community].put(oid, value)

    def __enter__(self) -> Self:
        self._context = serve(self)
        self._context.__enter__()
        return self

    def __exit__(self, *about: object) -> None:
        self._context.__exit__(None, None, None)

    def replies(self, data: bytes) -> list[bytes]:
        """Return the datagrams that answer a question; none for silence."""
        lies = self.lies
        version, community, kind, ident, first, second, names = parse(data)
        self.asked[KINDS.get(kind, "other")] += 1
        if len(self.questions) >= 1000:
            del self.questions[:500]
        oids = tuple(decode_oid(name) for name in names)
        self.questions.append(Question(version, community, kind, ident, second, oids))
        view = self.views.get(community)
        if view is None:
            self.asked["unknown"] += 1
            return []
        if lies.silent or (lies.silent_after is not None and self.answers >= lies.silent_after):
            return []
        if (lies.v1_only and version) or (lies.v2c_only and not version) or self._random.random() < lies.loss:
            return []
        if kind == GETBULK and lies.no_bulk:
            if lies.no_bulk == "silent":
                return []
            return [self._answer(version, community, ident, GEN_ERR, 0, names_of(names))]
        error, culprit, body = self._body(view, version, kind, names, first, second)
        if error < 0:
            return []
        self.answers += 1
        if lies.empty:
            body = []
        if error:
            body = names_of(names)
        if lies.wrong_id:
            ident ^= 0x55
        if lies.wrong_community:
            community = "private"
        sent = [os.urandom(self._random.randrange(1, 90)) for _ in range(lies.noise)]
        if lies.wrong_id_first:
            false = [binding(oid, Typed(STRING, b"false")) for oid in oids]
            sent.append(self._answer(version, community, ident ^ 0x55, 0, 0, false))
        answer = os.urandom(60) if lies.garbage else self._answer(
            version, community, ident, error, culprit, body
        )  # fmt: skip
        if lies.cut and len(answer) > lies.cut_above:
            answer = answer[: -lies.cut]
        return [*sent, answer]

    def _body(
        self, view: View, version: int, kind: int, names: list[bytes], first: int, second: int
    ) -> tuple[int, int, list[bytes]]:
        """Return error status, error index and bindings; a status below zero is silence."""
        if kind == GET:
            return self._get(view, version, names)
        if kind == GETNEXT:
            rows, fixed, size = 1, 0, 1 << 16
        elif kind == GETBULK:
            rows, fixed, size = second, first, self.max_size - 60
        else:
            return GEN_ERR, 1, []
        return self._next(view, version, names, rows, fixed, size)

    def _get(self, view: View, version: int, names: list[bytes]) -> tuple[int, int, list[bytes]]:
        lies, body = self.lies, []
        if lies.too_big_above is not None and len(names) > lies.too_big_above:
            return TOO_BIG, 0, []
        for number, name in enumerate(names, 1):
            oid = decode_oid(name)
            place = view.places.get(name)
            if lies.silent_at and below(oid, lies.silent_at):
                return -1, 0, []
            if lies.gen_err_at and below(oid, lies.gen_err_at):
                return GEN_ERR, number, []
            if lies.only and not any(below(oid, one) for one in lies.only):
                place = None
            if place is None and not version:
                return NO_SUCH_NAME, number, []
            if lies.other_object:
                body.append(binding((1, 3, 6, 1, 2, 1, 1, 1, 0), b"something else"))
            elif place is None:
                body.append(binding(oid, Typed(NULL if lies.nothing_is_null else NO_SUCH_OBJECT, None)))
            elif lies.nulls:
                body.append(binding(oid, None))
            else:
                body.append(view.at(place))
        return 0, 0, body

    def _next(
        self, view: View, version: int, names: list[bytes], rows: int, fixed: int, size: int
    ) -> tuple[int, int, list[bytes]]:
        lies, body = self.lies, []
        crooked = (
            lies.stuck, lies.circle_at, lies.endless, lies.nulls, lies.only, lies.silent_at, lies.gen_err_at,
            lies.unordered,
        )  # fmt: skip
        if not any(crooked) and version and not fixed and lies.too_big_above is None:
            places = [view.after(name) for name in names]
            end, encoded = len(view.oids), view.encoded
            for _ in range(rows):
                for column, place in enumerate(places):
                    if place >= end:
                        made = _binding(names[column] if not end else encode_oid(view.oids[-1]), END, b"")
                    else:
                        made = encoded[place] or view.at(place)
                        places[column] = place + 1
                    size -= len(made)
                    if size < 0 and body:
                        return 0, 0, body
                    body.append(made)
            return 0, 0, body
        at = [decode_oid(name) for name in names]
        for row in range(rows):
            for column in range(len(at)):
                if row and column < fixed:
                    continue
                found = self._successor(view, version, at[column])
                if found is None:
                    if not version:
                        return NO_SUCH_NAME, column + 1, []
                    made = binding(at[column], Typed(END, None))
                elif isinstance(found, int):
                    return (-1 if found < 0 else GEN_ERR), column + 1, []
                else:
                    at[column], made = found
                size -= len(made)
                if size < 0 and body:
                    return 0, 0, body
                body.append(made)
                if lies.too_big_above is not None and len(body) > lies.too_big_above:
                    return TOO_BIG, 0, []
        return 0, 0, body

    def _successor(self, view: View, version: int, oid: Oid) -> tuple[Oid, bytes] | int | None:
        lies = self.lies
        place = bisect.bisect_right(view.oids, oid)
        while place < len(view.oids) and (
            (lies.only and not any(below(view.oids[place], one) for one in lies.only))
            or (not version and view.at(place)[2 + view.at(place)[3] + 2] == COUNTER64)
        ):
            place += 1
        following: Oid | None = view.oids[place] if place < len(view.oids) else None
        if lies.stuck and following is not None and oid in view.place:
            following = oid
        if lies.circle_at and oid == lies.circle_at[0]:
            following = lies.circle_at[1]
        if lies.unordered and oid in lies.unordered:
            following = lies.unordered[oid]
        if lies.endless and below(oid, lies.endless):
            row = oid[len(lies.endless)] + 1 if len(oid) > len(lies.endless) else 1
            following = (*lies.endless, row)
            return following, binding(following, row)
        if following is None:
            return None
        if lies.silent_at and below(following, lies.silent_at):
            return -1
        if lies.gen_err_at and below(following, lies.gen_err_at):
            return GEN_ERR
        if lies.nulls or following not in view.place:
            return following, binding(following, None)
        return following, view.at(view.place[following])

    def _answer(
        self, version: int, community: str, ident: int, error: int, culprit: int, body: list[bytes]
    ) -> bytes:
        pdu = number(ident) + number(error) + number(culprit) + item(0x30, b"".join(body))
        return item(0x30, number(version) + item(STRING, community.encode()) + item(RESPONSE, pdu))


@contextmanager
def serve(*agents: Agent) -> Iterator[None]:
    """Serve agents in one thread until the context ends; an agent's `port` 0 becomes a free one."""
    chooser = selectors.DefaultSelector()
    wake, woken = socket.socketpair()
    chooser.register(woken, selectors.EVENT_READ, None)
    sockets: list[socket.socket] = []
    others: dict[str, socket.socket] = {}
    try:
        for agent in agents:
            sock = socket.socket(socket.AF_INET6 if ":" in agent.host else socket.AF_INET, socket.SOCK_DGRAM)
            sockets.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            sock.bind((agent.host, agent.port))
            sock.setblocking(False)
            agent.port = sock.getsockname()[1]
            chooser.register(sock, selectors.EVENT_READ, agent)
        thread = threading.Thread(target=_run, args=(chooser, others), daemon=True)
        thread.start()
        try:
            yield
        finally:
            wake.send(b"x")
            thread.join(10)
    finally:
        chooser.close()
        for one in (*sockets, *others.values(), wake, woken):
            one.close()


def _run(chooser: selectors.BaseSelector, others: dict[str, socket.socket]) -> None:
    late: list[tuple[float, int, socket.socket, bytes, object]] = []
    count = 0
    while True:
        patience = max(0.0, late[0][0] - time.monotonic()) if late else None
        for key, _ in chooser.select(patience):
            if key.data is None:
                return
            agent, sock = key.data, key.fileobj
            assert isinstance(sock, socket.socket)
            for _ in range(64):
                try:
                    data, peer = sock.recvfrom(65535)
                except OSError:
                    break
                try:
                    answers = agent.replies(data)
                except (ValueError, IndexError, UnicodeDecodeError):
                    agent.asked["malformed"] += 1
                    continue
                out = sock
                if source := agent.lies.other_source:
                    if source not in others:
                        others[source] = socket.socket(sock.family, socket.SOCK_DGRAM)
                        others[source].bind((source, 0))
                    out = others[source]
                for answer in answers:
                    count += 1
                    if agent.lies.delay_s:
                        heapq.heappush(
                            late, (time.monotonic() + agent.lies.delay_s, count, out, answer, peer)
                        )
                    else:
                        _send(out, answer, peer)
        while late and late[0][0] <= time.monotonic():
            _, _, out, answer, peer = heapq.heappop(late)
            _send(out, answer, peer)


def _send(sock: socket.socket, answer: bytes, peer: object) -> None:
    try:
        sock.sendto(answer, peer)  # type: ignore[call-overload]
    except OSError:
        pass


def recorded(path: Path) -> dict[Oid, Value]:
    """Return the objects of a `.snmprec` file with their tags; lines that cannot be read are left out."""
    found: dict[Oid, Value] = {}
    for line in path.read_text("utf-8", "surrogateescape").splitlines():
        try:
            name, tag, text = line.split("|", 2)
            oid = tuple(int(arc) for arc in name.strip(".").split("."))
            kind = int(tag.rstrip("x"))
            if tag.endswith("x"):
                value: int | bytes | Oid = bytes.fromhex(text)
            elif kind in {STRING, OPAQUE}:
                value = text.encode("utf-8", "surrogateescape")
            elif kind == ADDRESS:
                value = bytes(int(part) for part in text.split("."))
            elif kind == IDENTIFIER:
                value = tuple(int(arc) for arc in text.strip(".").split("."))
            else:
                value = int(text)
            encode_oid(oid)
            binding(oid, Typed(kind, value))
        except ValueError:
            continue
        found[oid] = Typed(kind, value)
    return found


def below(oid: Oid, root: Oid) -> bool:
    return oid[: len(root)] == root


def item(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    if size < 0x100:
        return bytes((tag, 0x81, size)) + content
    return bytes((tag, 0x82, size >> 8, size & 0xFF)) + content


def number(value: int, tag: int = INTEGER) -> bytes:
    return item(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def encode_oid(oid: Oid) -> bytes:
    if len(oid) < 2 or oid[0] > 2:
        raise ValueError("no object identifier")
    out = bytearray()
    for arc in (oid[0] * 40 + oid[1], *oid[2:]):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        out += bytes(reversed(groups))
    return bytes(out)


def decode_oid(content: bytes) -> Oid:
    arcs: list[int] = []
    arc = 0
    for octet in content:
        arc = arc << 7 | octet & 0x7F
        if octet < 0x80:
            arcs.append(arc)
            arc = 0
    return (*divmod(arcs[0], 40), *arcs[1:]) if arcs[0] < 80 else (2, arcs[0] - 80, *arcs[1:])


def binding(oid: Oid, value: Plain) -> bytes:
    """Return an object as it stands in an answer."""
    tag = NULL
    if isinstance(value, Typed):
        tag, value = value
    elif isinstance(value, bytes):
        tag = STRING
    elif isinstance(value, tuple):
        tag = IDENTIFIER
    elif isinstance(value, int):
        tag = INTEGER if -(1 << 31) <= value < 1 << 31 else GAUGE32 if 0 <= value < 1 << 32 else COUNTER64
    if value is None:
        content = b""
    elif isinstance(value, bytes):
        content = value
    elif isinstance(value, tuple):
        content = encode_oid(value)
    else:
        content = value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)
    return _binding(encode_oid(oid), tag, content)


def _binding(name: bytes, tag: int, content: bytes) -> bytes:
    return item(0x30, item(IDENTIFIER, name) + item(tag, content))


def names_of(names: list[bytes]) -> list[bytes]:
    return [_binding(name, NULL, b"") for name in names]


def parse(data: bytes) -> tuple[int, str, int, int, int, int, list[bytes]]:
    """Return version, community, kind, request id, the two numbers after it, and the names of a question."""
    _, at, _ = _enter(data, 0)
    version, at = _read_number(data, at)
    _, begin, at = _enter(data, at)
    community = data[begin:at].decode()
    kind, at, _ = _enter(data, at)
    ident, at = _read_number(data, at)
    first, at = _read_number(data, at)
    second, at = _read_number(data, at)
    _, at, end = _enter(data, at)
    names: list[bytes] = []
    while at < end:
        _, inside, at = _enter(data, at)
        _, begin, stop = _enter(data, inside)
        names.append(data[begin:stop])
    return version, community, kind, ident, first, second, names


def _enter(data: bytes, at: int) -> tuple[int, int, int]:
    tag, size = data[at], data[at + 1]
    at += 2
    if size & 0x80:
        count = size & 0x7F
        size = int.from_bytes(data[at : at + count], "big")
        at += count
    if at + size > len(data):
        raise ValueError("cut off")
    return tag, at, at + size


def _read_number(data: bytes, at: int) -> tuple[int, int]:
    _, begin, end = _enter(data, at)
    return int.from_bytes(data[begin:end], "big", signed=True), end


def main(words: list[str]) -> None:
    """See the module's docstring."""
    cache: dict[str, dict[Oid, Value]] = {}
    agents: list[Agent] = []
    for word in words[1:]:
        address, _, file = word.partition("=")
        if file not in cache:
            cache[file] = recorded(Path(file))
        agents.append(Agent(cache[file], address=address, port=int(words[0])))
    with serve(*agents):
        print("Serving", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1:])
