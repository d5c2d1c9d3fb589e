"""Old versions of TLS, SMB 1 and RDP without NLA: told by real servers, and by peers that say nothing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import jsonable
from checks.security.rdp_nla import RdpNla
from checks.security.smb1 import Smb1
from checks.security.tls_versions import TlsVersions
from checks.vantage import Shared, Vantage
from checks.wire import rdp, smb, tls_hello
from checks.words import worst
from tests.checks.wire.test_tcp import free_port
from tests.lab import need
from tests.lab.fileserver import samba
from tests.lab.namespaces import wait_for

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("security-servers")]


def run(check, allowance=8.0):
    seen = asyncio.run(check.observe(Vantage(Shared(), allowance=allowance)))
    again = jsonable.from_json(type(seen), jsonable.to_json(seen))
    assert again == seen
    findings = list(check.judge(again))
    return str(worst(item.status for item in findings)), " ".join(
        f"{f.message} {f.observed}" for f in findings
    )


@contextlib.contextmanager
def daemon(port: int, *argv: str, cwd: Path) -> Iterator[int]:
    program = subprocess.Popen(
        argv,
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(
            lambda: socket.create_connection(("127.0.0.1", port), 1).close() or True, f"{argv[0]} answers"
        )
        yield port
    finally:
        program.terminate()
        program.wait(10)
        assert program.stdin is not None
        program.stdin.close()


@contextlib.contextmanager
def answering(*answers: bytes | None) -> Iterator[int]:
    """A server that says the next of `answers` to each connection; None: nothing at all."""
    server = socket.create_server(("127.0.0.1", 0))
    kept: list[socket.socket] = []

    def serve() -> None:
        for number in range(100):
            try:
                taken, _ = server.accept()
            except OSError:
                return
            kept.append(taken)
            answer = answers[min(number, len(answers) - 1)]
            if answer is None:
                continue
            with contextlib.suppress(OSError):
                taken.recv(4096)
                taken.sendall(answer)
                taken.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    for one in kept:
        one.close()
    thread.join(5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need("openssl", "smbd", "xrdp")
    made = tmp_path_factory.mktemp("security")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "k.pem", "-out", "c.pem",
         "-subj", "/CN=localhost", "-days", "2"],
        cwd=made, check=True, capture_output=True,
    )  # fmt: skip
    return made


def s_server(folder: Path, *options: str) -> contextlib.AbstractContextManager[int]:
    port = free_port()
    return daemon(
        port, "openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-key", "k.pem", "-cert", "c.pem",
        "-quiet", *options, cwd=folder,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        ((), "pass", "TLS 1.1 is refused"),
        (("-cipher", "ALL:@SECLEVEL=0"), "fail", "TLS 1.0 is still offered"),
        (("-cipher", "ALL:@SECLEVEL=0", "-no_tls1"), "fail", "TLS 1.1 is still offered"),
        (("-cipher", "ALL:@SECLEVEL=0", "-no_tls1_2", "-no_tls1_3"), "fail", "No handshake in a new version"),
        (("-tls1_3",), "pass", "alert protocol_version"),
    ],
    ids=["modern", "all", "without-1.0", "old-alone", "1.3-alone"],
)  # fmt: skip
def test_versions_of_real_servers(folder: Path, options: tuple[str, ...], status: str, words: str) -> None:
    with s_server(folder, *options) as port:
        said, told = run(TlsVersions(servers=(f"127.0.0.1:{port}",)))
    assert said == status, told
    assert words in told


@pytest.mark.parametrize(
    "answer", [None, b"", b"\x15\x03\x01\x00\x02\x02\x46", b"\x16\x03", b"HTTP/1.1 400 Bad Request\r\n\r\n"],
    ids=["silent", "closes", "refuses-all", "half", "web"],
)  # fmt: skip
def test_a_server_with_which_no_handshake_works_refuses_nothing(answer: bytes | None) -> None:
    with answering(answer) as port:
        said, told = run(TlsVersions(servers=(f"127.0.0.1:{port}",)), allowance=3.0)
    assert said == "inconclusive", told


def test_nobody_there_is_no_refusal() -> None:
    gone = f"127.0.0.1:{free_port()}"
    for check in (TlsVersions(servers=(gone,)), Smb1(hosts=(gone,)), RdpNla(hosts=(gone,))):
        said, told = run(check, allowance=3.0)
        assert said == "inconclusive", told


@pytest.mark.parametrize(("least", "status"), [("NT1", "fail"), ("SMB2_02", "pass"), ("SMB3_00", "pass")])
def test_smb1_of_a_real_samba(folder: Path, least: str, status: str) -> None:
    with samba(folder / least, "", options=f"server min protocol = {least}") as server:
        said, told = run(Smb1(hosts=(f"127.0.0.1:{server.port}",)))
    assert said == status, told


NO_SMB2 = b"\x00\x00\x00\x23\xffSMB\x72\x00\x00\x00\x00\x98" + bytes(22) + b"\x01\xff\xff"


@pytest.mark.parametrize(
    "answer", [None, b"", NO_SMB2, b"\x00\x00\x00\x04abcd"], ids=["silent", "closes", "no", "odd"]
)
def test_a_server_without_smb2_has_not_refused_smb1(answer: bytes | None) -> None:
    with answering(answer) as port:
        said, told = run(Smb1(hosts=(f"127.0.0.1:{port}",)), allowance=3.0)
    assert said == "inconclusive", told


@pytest.mark.parametrize(("layer", "status"), [("rdp", "fail"), ("tls", "fail"), ("negotiate", "fail")])
def test_a_real_xrdp_has_no_nla(folder: Path, layer: str, status: str) -> None:
    port, place = free_port(), folder / f"xrdp-{layer}"
    place.mkdir()
    (place / "xrdp.ini").write_text(
        f"[Globals]\nini_version=1\nfork=false\nport=tcp://127.0.0.1:{port}\nsecurity_layer={layer}\n"
        f"crypt_level=high\ncertificate={folder}/c.pem\nkey_file={folder}/k.pem\nssl_protocols=TLSv1.2\n"
        f"[Logging]\nLogFile={place}/log\nLogLevel=ERROR\nEnableSyslog=false\n[Xorg]\nname=x\nlib=libxup.so\n"
    )
    with daemon(port, "xrdp", "--nodaemon", "--config", str(place / "xrdp.ini"), cwd=place) as port:
        said, told = run(RdpNla(hosts=(f"127.0.0.1:{port}",)))
    assert said == status, told


def confirm(kind: int, code: int) -> bytes:
    return (
        bytes.fromhex("030000130ed000000000 00".replace(" ", ""))
        + bytes((kind, 0, 8, 0))
        + code.to_bytes(4, "little")
    )


HYBRID, AGREED, TLS = confirm(3, 5), confirm(2, 2), confirm(2, 1)


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ((HYBRID, HYBRID, AGREED), "pass"),
        ((HYBRID, HYBRID, HYBRID), "inconclusive"),
        ((HYBRID, TLS, AGREED), "fail"),
        ((confirm(2, 0), HYBRID, AGREED), "fail"),
        ((bytes.fromhex("0300000b06d00000123400"), HYBRID, AGREED), "fail"),
        ((HYBRID, b"", AGREED), "inconclusive"),
        ((b"", b"", b""), "inconclusive"),
        ((None, None, None), "inconclusive"),
        ((b"SSH-2.0-x\r\n",) * 3, "inconclusive"),
    ],
    ids=["nla", "never-agrees", "tls", "standard", "old", "one-closed", "closed", "silent", "ssh"],
)  # fmt: skip
def test_rdp_by_a_stand_in_that_says_what_the_document_says(
    answers: tuple[bytes | None, ...], status: str
) -> None:
    with answering(*answers) as port:
        said, told = run(RdpNla(hosts=(f"127.0.0.1:{port}",)), allowance=3.0)
    assert said == status, told


@given(st.binary(max_size=200))
def test_no_answer_breaks_a_reader(data: bytes) -> None:
    for prefix in (
        b"",
        b"\x16\x03\x03",
        b"\x15\x03\x01",
        b"\x00\x00\x00\x40\xffSMB",
        b"\x00\x00\x00\x60\xfeSMB",
        b"\x03\x00\x00\x13",
    ):
        for module, read in (
            (tls_hello, tls_hello.read_hello),
            (smb, smb.read_answer),
            (rdp, rdp.read_confirm),
        ):
            module.complete(prefix + data)
            read(prefix + data)
