"""server.printers on a real CUPS scheduler, and on Windows by answers made after the documentation."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import threading
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import jsonable
from checks.contract import Status, worst
from checks.server import printers
from checks.server._queues import Queue, Queues, cups_queues, read_queues, windows_queues
from checks.server.printers import Printers, PrintersSeen, Wanted
from checks.vantage import CannotTell
from tests.lab.namespaces import wait_for
from tests.lab.needs import need, tool
from tests.local_remote import LocalRemote
from tests.scripted_remote import says

LOGIN = {"host": "print.example.net", "user": "tech"}
PASS, WARN, FAIL, UNKNOWN = Status.PASS, Status.WARN, Status.FAIL, Status.INCONCLUSIVE


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def judged(check, target, source=None):
    seen = PrintersSeen(target=target, source=source)
    assert jsonable.from_json(PrintersSeen, json.loads(json.dumps(jsonable.to_json(seen)))) == seen
    findings = list(check.judge(seen))
    return worst(f.status for f in findings), "\n".join(
        f"{f.status} {f.subject}: {f.message}" for f in findings
    )


@pytest.fixture(scope="module")
def cups(tmp_path_factory):
    """A scheduler of its own: a good queue, a stopped one, one that refuses, one that nobody answers."""
    need("cupsd", "lpstat", "bash")
    folder = tmp_path_factory.mktemp("cups")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    printer, port, dead = socket.socket(), free_port(), free_port()
    printer.bind(("127.0.0.1", 0))
    printer.listen()
    alive = printer.getsockname()[1]
    heard = []

    def answer():
        with suppress(OSError):
            while True:
                connection, _ = printer.accept()
                with connection:
                    heard.append(connection.recv(100))

    threading.Thread(target=answer, daemon=True).start()
    queues = {
        "front": (alive, "Idle", "Yes"), "stopped": (alive, "Stopped", "Yes"),
        "refuses": (alive, "Idle", "No"), "dead": (dead, "Idle", "Yes"),
    }  # fmt: skip
    for name in ("root", "spool", "cache", "state"):
        (folder / name).mkdir()
    (folder / "root" / "printers.conf").write_text("".join(
        f"<Printer {name}>\nDeviceURI socket://127.0.0.1:{at}\nState {state}\nStateTime 1795371746\n"
        f"Accepting {takes}\nShared Yes\n</Printer>\n" for name, (at, state, takes) in queues.items()
    ))  # fmt: skip
    (folder / "root" / "cupsd.conf").write_text(
        f"Listen 127.0.0.1:{port}\nBrowsing No\nWebInterface No\n"
        "<Location />\nOrder allow,deny\nAllow all\n</Location>\n"
    )
    (folder / "root" / "cups-files.conf").write_text(
        f"ServerRoot {folder}/root\nRequestRoot {folder}/spool\nCacheDir {folder}/cache\n"
        f"StateDir {folder}/state\nErrorLog {folder}/error\nAccessLog {folder}/access\n"
        f"PageLog {folder}/page\nFatalErrors none\n"
    )
    program = subprocess.Popen(
        [
            tool("cupsd"),
            "-f",
            "-c",
            folder / "root" / "cupsd.conf",
            "-s",
            folder / "root" / "cups-files.conf",
        ],
        stdin=subprocess.DEVNULL,
    )
    server = {"CUPS_SERVER": f"127.0.0.1:{port}"}
    try:
        wait_for(
            lambda: b"is running" in subprocess.run(
                ["lpstat", "-r"], capture_output=True, check=False,
                env={**os.environ, **server, "LC_ALL": "C"},
            ).stdout,
            "cupsd answers",
        )  # fmt: skip
        yield LocalRemote(env=server), heard
    finally:
        program.terminate()
        program.wait()
        printer.close()


@pytest.mark.lab
def test_a_real_scheduler(cups):
    host, heard = cups
    found = asyncio.run(read_queues(host, "", reach=True))
    by_name = {queue.name: queue for queue in found.queues}
    assert by_name["front"].state == by_name["dead"].state == ""
    assert (by_name["front"].reached, by_name["dead"].reached) == (True, False)
    assert by_name["stopped"].state.startswith("stopped")
    assert by_name["refuses"].state == "takes no jobs"
    assert set(heard) <= {b""}, "nothing may be sent to a printer"
    status, text = judged(Printers(**LOGIN), found)
    assert status is FAIL
    assert text.count("fail ") == 3, text
    only = Queues(name="x", queues=(by_name["front"],))
    check = Printers(**LOGIN, queues=(Wanted(name="front", device=by_name["front"].device),))
    assert judged(check, only)[0] is PASS


@pytest.mark.lab
def test_no_scheduler():
    need("lpstat")
    host = LocalRemote(env={"CUPS_SERVER": f"127.0.0.1:{free_port()}"})
    with pytest.raises(CannotTell):
        asyncio.run(read_queues(host, "", reach=True))


GOOD = Queue(name="front", device="socket://192.0.2.40", state="", place="192.0.2.40:9100", reached=True)


def side(*queues, name="new"):
    return Queues(name=name, queues=queues)


def test_planned_queues():
    other = Printers(**LOGIN, queues=(Wanted(name="front", device="socket://192.0.2.41"),))
    assert judged(other, side(GOOD))[0] is FAIL
    missing = Printers(**LOGIN, queues=(Wanted(name="store"),))
    assert judged(missing, side(GOOD))[0] is FAIL
    assert judged(Printers(**LOGIN), side())[0] is FAIL


def test_source_and_target():
    old = side(GOOD, Queue(name="fax", device="lpd://192.0.2.9/fax", state="stopped"), name="old")
    source = {"source": {"host": "print-old.example.net"}}
    check = printers.Printers(**LOGIN, source=_login(source))
    status, text = judged(check, side(GOOD), old)
    assert (status, "queue:fax" in text) == (FAIL, True)
    check = printers.Printers(**LOGIN, source=_login(source), allowed=("queue:fax",))
    assert judged(check, side(GOOD), old)[0] is PASS
    assert judged(check, side(GOOD), side(name="old"))[0] is UNKNOWN


def _login(source):
    from checks.remote.check import Login

    return Login(**source["source"])


def row(**more):
    base = {"name": "front", "driver": "HP", "port": "IP_1", "shared": True, "share": "front",
            "status": "Normal", "host": "192.0.2.40", "number": 9100}  # fmt: skip
    return base | more


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        (row(), PASS), ([row(), row(name="b")], PASS), (row(status=0), PASS), (row(status="Paused"), FAIL),
        (row(status="Offline, PaperJam"), FAIL), (row(status=None), UNKNOWN), ([], FAIL),
    ],
    ids=["unwrapped", "two", "number", "paused", "two states", "not told", "none"],
)  # fmt: skip
def test_windows(rows, wanted):
    host = says({"queues": rows, "elevated": True, "end": "end"})
    found = asyncio.run(read_queues(host, "", reach=True))
    status, text = judged(Printers(**LOGIN), found)
    assert status is wanted, text


WORD = st.none() | st.text(max_size=8) | st.integers() | st.booleans()
ROW = st.dictionaries(st.sampled_from(["name", "status", "host", "number"]), WORD)


@given(st.binary(max_size=300), st.lists(ROW, max_size=3))
def test_no_answer_breaks_it(data, rows):
    with suppress(CannotTell):
        cups_queues(data)
    with suppress(CannotTell):
        cups_queues(b"scheduler is running\n\0" + data.replace(b"\0", b"") + b"\0\0\0end")
    windows_queues({"queues": rows})
