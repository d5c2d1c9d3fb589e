"""Certificates, clocks and jobs of real servers, over real SSH."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from checks import jsonable
from checks.server.certificates import Certificates
from checks.server.jobs import Jobs
from checks.server.time import Time
from checks.vantage import Shared, Vantage
from checks.words import Status
from tests.checks.server.sides import made, pair, resolve, source, status, told, words
from tests.checks.wire.dns_servers import free_port
from tests.checks.wire.ntp_servers import chronyd
from tests.lab.certs import Authority
from tests.lab.namespaces import wait_for
from tests.lab.needs import PATH, need
from tests.lab.sshd import Sshd, User

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("server-upkeep")]
S = Status


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sshd, Sshd]]:
    need("sshd", "unshare", "nsenter", "setpriv", "sudo", "ss", "df")
    tech = User("tech", sudo="NOPASSWD: ALL")
    old = [tech, User("plain"), User("alice")]
    new = [tech, User("plain"), User("alice")]
    with pair(tmp_path_factory.mktemp("sides"), old, new) as both:
        yield both


@pytest.fixture(scope="module")
def old(servers: tuple[Sshd, Sshd]) -> Sshd:
    return servers[0]


@pytest.fixture(scope="module")
def new(servers: tuple[Sshd, Sshd]) -> Sshd:
    return servers[1]


@pytest.fixture(scope="module")
def ca() -> Authority:
    return Authority("Lab CA")


def put(server: Sshd, path: str, *texts: str | Path, mode: str = "600") -> str:
    """Write a file of the server's own below /srv."""
    text = "".join(one if isinstance(one, str) else one.read_text() for one in texts)
    server.run("install", "-D", "-m", mode, "/dev/null", path)
    server.run("tee", path, text=text)
    return path


@pytest.fixture(scope="module")
def web(new: Sshd, ca: Authority, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Files of certificates: a good pair, one that ends soon, another one's key, a locked key."""
    need("openssl")
    folder = tmp_path_factory.mktemp("pki")
    good, soon, over = (ca.issue(folder, "*.example.com", "example.com", days=days) for days in (90, 9, -1))
    locked = subprocess.run(
        ["openssl", "pkey", "-in", good.key, "-aes256", "-passout", "pass:practice"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return {
        "good": put(new, "/srv/pki/good.pem", good.chain, ca.pem),
        "together": put(new, "/srv/pki/together.pem", good.key, good.chain, ca.pem),
        "bare": put(new, "/srv/pki/bare.pem", good.chain),
        "ca": put(new, "/srv/pki/ca.pem", ca.pem),
        "key": put(new, "/srv/pki/good.key", good.key),
        "open": put(new, "/srv/pki/open.key", good.key, mode="644"),
        "other": put(new, "/srv/pki/other.key", soon.key),
        "locked": put(new, "/srv/pki/locked.key", locked),
        "soon": put(new, "/srv/pki/soon.pem", soon.chain, ca.pem),
        "over": put(new, "/srv/pki/over.pem", over.chain, ca.pem),
        "mixed": put(new, "/srv/pki/mixed.pem", good.chain, Authority("Lab CA").pem),
        "cut": put(new, "/srv/pki/cut.pem", good.chain.read_text()[:300]),
        "empty": put(new, "/srv/pki/empty.pem", "# nothing\n"),
        "self": put(new, "/srv/pki/self.pem", ca.pem),
    }


NAMES = ["www.example.com", "example.com"]


@pytest.mark.parametrize(
    ("file", "more", "expected", "said"),
    [
        pytest.param("good", {"key": "key"}, S.PASS, "key is that of the certificate", id="good"),
        pytest.param("together", {"key": "together"}, S.PASS, "key is that of", id="key in the same file"),
        pytest.param("good", {"key": "other"}, S.FAIL, "not that of the certificate", id="another key"),
        pytest.param("good", {"key": "open"}, S.WARN, "Every user", id="key that all may read"),
        pytest.param("good", {"key": "locked"}, S.INCONCLUSIVE, "encrypted", id="locked key"),
        pytest.param("good", {"key": "nokey"}, S.FAIL, "no such key file", id="no key"),
        pytest.param("good", {"key": "good"}, S.INCONCLUSIVE, "could not be told", id="no key in the file"),
        pytest.param("good", {"names": ["a.b.example.com"]}, S.FAIL, "not for a.b.example.com", id="names"),
        pytest.param("soon", {}, S.FAIL, "expires in", id="soon over"),
        pytest.param("over", {}, S.FAIL, "has expired", id="over"),
        pytest.param("bare", {}, S.WARN, "no intermediate", id="no chain"),
        pytest.param("bare", {"chain": "ca"}, S.PASS, "whole and in order", id="chain in its own file"),
        pytest.param("bare", {"chain": "nofile"}, S.INCONCLUSIVE, "file of the chain", id="no such chain"),
        pytest.param("mixed", {}, S.FAIL, "not issued by", id="issuer of the same name, another key"),
        pytest.param("cut", {}, S.FAIL, "no certificate in PEM", id="cut"),
        pytest.param("empty", {}, S.FAIL, "no certificate in PEM", id="nothing in it"),
        pytest.param("nofile", {}, S.FAIL, "no such file", id="no file"),
        pytest.param("self", {}, S.FAIL, "self-signed", id="self-signed"),
    ],
)
def test_a_certificate_file(new, web, file, more, expected, said) -> None:
    paths = web | {"nofile": "/srv/pki/not.pem", "nokey": "/srv/pki/not.key"}
    one = {"path": paths[file], "names": NAMES} | {key: paths.get(str(v), v) for key, v in more.items()}
    if "names" in more:
        one["names"] = more["names"]
    found = told(Certificates, **new.params(), sudo=True, files=[one])
    assert status(found) is expected, words(found)
    assert said in words(found)


def test_a_key_is_not_read_without_rights_and_never_leaves_the_host(new, web) -> None:
    one = {"path": web["good"], "names": NAMES, "key": web["key"]}
    new.run("chmod", "644", web["good"])
    assert status(told(Certificates, **new.params("plain"), files=[one])) is S.INCONCLUSIVE
    check = made(Certificates, new.params() | {"sudo": True, "files": [one | {"path": web["together"]}]})

    async def look() -> str:
        shared = Shared(resolve_secret=resolve)
        try:
            return json.dumps(jsonable.to_json(await check.observe(Vantage(shared, "x", 60))))
        finally:
            await shared.close()

    seen = asyncio.run(look())
    key = Path(new.folder / "srv" / "pki" / "good.key").read_text().splitlines()[1]
    assert "key_fits" in seen
    assert key not in seen
    assert "PRIVATE" not in seen


def test_a_clock_is_read_and_a_wrong_one_is_told(new, tmp_path) -> None:
    right = told(Time, **new.params(), synchronised=False)
    assert status(right) is S.PASS, words(right)
    tight = told(Time, **new.params(), synchronised=False, max_offset="1us")
    assert status(tight) is S.INCONCLUSIVE
    wrong = tmp_path / "date"
    wrong.write_text("#!/bin/sh\nexec /srv/date -d '+40 sec' \"$@\"\n")
    wrong.chmod(0o755)
    tmp_path.chmod(0o755)
    new.bind(Path("/bin/date"), "/srv/date")
    new.bind(wrong, "/bin/date")
    try:
        found = told(Time, **new.params(), synchronised=False)
        assert status(found) is S.FAIL
        assert "40 s ahead" in words(found)
    finally:
        new.run("umount", "/bin/date")


def test_a_time_server_is_the_judge_of_our_own_clock(new) -> None:
    with chronyd() as port, chronyd(shift="+40s") as ahead:
        right = told(Time, **new.params(), synchronised=False, reference=f"127.0.0.1:{port}")
        assert status(right) is S.PASS, words(right)
        found = told(Time, **new.params(), synchronised=False, reference=f"127.0.0.1:{ahead}")
        assert status(found) is S.FAIL
        assert "40 s behind" in words(found)


def test_a_clock_that_nobody_keeps_is_not_synchronised(new) -> None:
    found = told(Time, **new.params())
    assert status(found) is S.INCONCLUSIVE
    assert "Cannot talk to daemon" in words(found)


@contextmanager
def keeper(folder: Path, server: Sshd, line: str) -> Iterator[None]:
    """A chronyd with one line of configuration, which the server's own chronyc talks to."""
    control = folder / "sock"
    conf = folder / "chrony.conf"
    conf.write_text(
        f"{line}\nport {free_port()}\ncmdport 0\nbindcmdaddress {control}\npidfile {folder}/pid\n"
    )
    shim = folder / "chronyc"
    shim.write_text(f'#!/bin/sh\nexec /srv/chronyc -h {control} "$@"\n')
    shim.chmod(0o755)
    server.bind(Path("/usr/bin/chronyc"), "/srv/chronyc")
    server.bind(shim, "/usr/bin/chronyc")
    program = subprocess.Popen(
        ["chronyd", "-d", "-x", "-U", "-u", "root", "-f", str(conf)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"PATH": PATH},
    )  # fmt: skip
    try:
        wait_for(control.exists, "chronyd's socket", 10)
        yield
    finally:
        program.terminate()
        program.wait(10)
        server.run("umount", "/usr/bin/chronyc")
        server.run("umount", "/srv/chronyc")


def tracking(server: Sshd) -> str:
    return server.run("chronyc", "-n", "tracking", check=False).stdout


def test_chrony_that_follows_a_server_itself_or_nobody(new: Sshd) -> None:
    need("chronyd", "chronyc", "faketime")
    easy: dict[str, Any] = {**new.params(), "sudo": True}
    with chronyd() as upstream, tempfile.TemporaryDirectory(prefix="chrony-") as name:
        folder = Path(name)
        with keeper(folder, new, f"server 127.0.0.1 port {upstream} iburst minpoll 0 maxpoll 0"):
            wait_for(lambda: "7F000001" in tracking(new), "chronyd to follow", 30)
            found = told(Time, **easy)
            assert status(found) is S.PASS, words(found)
            assert "synchronised to 127.0.0.1" in words(found)
        with keeper(folder, new, "local stratum 5"):
            wait_for(lambda: "7F7F0101" in tracking(new), "chronyd to follow itself", 30)
            found = told(Time, **easy)
            assert status(found) is S.FAIL
            assert "It follows its own clock" in words(found)
        with keeper(folder, new, f"server 127.0.0.1 port {free_port()} iburst"):
            found = told(Time, **easy)
            assert status(found) is S.FAIL
            assert "Not synchronised" in words(found)


CRON = "# kept\nPATH=/usr/bin:/bin\n30 2 * * * root /opt/export.sh  --all\n"


def crons(server: Sshd, folder: Path, files: dict[str, str], *, daily: dict[str, int] | None = None) -> None:
    """Show the server /etc/cron.d, /etc/cron.daily and crontabs of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("cron.d", "cron.daily", "crontabs"):
        (folder / name).mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    for name, mode in (daily or {}).items():
        (folder / "cron.daily" / name).write_text("#!/bin/sh\ntrue\n")
        (folder / "cron.daily" / name).chmod(mode)
    for path in (folder, *folder.parents[:2]):
        path.chmod(0o755)
    for name, place in (("cron.d", "/etc/cron.d"), ("cron.daily", "/etc/cron.daily")):
        server.run("umount", place, check=False)
        server.bind(folder / name, place)
    (folder / "crontabs").chmod(0o700)
    server.run("umount", "/var/spool/cron/crontabs", check=False)
    server.bind(folder / "crontabs", "/var/spool/cron/crontabs")


@pytest.fixture(scope="module")
def daemon() -> Iterator[None]:
    """A process that is called as cron is."""
    program = subprocess.Popen(["bash", "-c", "echo cron >/proc/self/comm; echo; read x"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    assert program.stdout is not None
    program.stdout.readline()
    yield
    program.kill()
    program.communicate()


EXPORT = [{"command": "/opt/export.sh*", "user": "root", "schedule": "30 2 * * *"}]


@pytest.mark.parametrize(
    ("files", "expected", "said"),
    [
        pytest.param({"cron.d/export": CRON}, S.PASS, "is set up", id="there"),
        pytest.param({"cron.d/export": "# " + CRON[40:]}, S.FAIL, "no such job", id="commented out"),
        pytest.param({"cron.d/export.sh": CRON}, S.FAIL, "has a dot", id="name with a dot"),
        pytest.param({"cron.d/export": CRON.rstrip()}, S.FAIL, "no line break", id="last line not ended"),
        pytest.param({"cron.d/export": CRON.replace("30 2", "30 3")}, S.FAIL, "another time", id="time"),
        pytest.param({"cron.d/export": CRON.replace(" root", " tech")}, S.FAIL, "no such job", id="user"),
        pytest.param(
            {"cron.d/export": CRON.replace("30 2 * * * root", "root")}, S.FAIL, "no such job", id="no time"
        ),
        pytest.param({"crontabs/root": CRON.replace(" root", "")}, S.PASS, "is set up", id="crontab of root"),
    ],
)
def test_a_job_that_will_run(new, tmp_path, daemon, files, expected, said) -> None:
    crons(new, tmp_path / "cron", files)
    found = told(Jobs, **new.params(), sudo=True, jobs=EXPORT)
    assert status(found) is expected, words(found)
    assert said in words(found)


@pytest.mark.parametrize(
    ("name", "mode", "expected"),
    [("backup", 0o755, S.PASS), ("backup.sh", 0o755, S.FAIL), ("backup", 0o644, S.FAIL)],
)
def test_a_daily_script_that_will_run(new, tmp_path, daemon, name, mode, expected) -> None:
    crons(new, tmp_path / "cron", {}, daily={name: mode})
    job = [{"command": f"/etc/cron.daily/{name}"}]
    assert status(told(Jobs, **new.params(), sudo=True, jobs=job)) is expected


def test_crontabs_of_others_need_root(new, tmp_path, daemon) -> None:
    crons(new, tmp_path / "cron", {})
    found = told(Jobs, **new.params("plain"), jobs=EXPORT)
    assert status(found) is S.INCONCLUSIVE
    assert "crontabs" in words(found)


def test_jobs_of_two_servers_are_compared_without_comments_and_blanks(old, new, tmp_path, daemon) -> None:
    crons(old, tmp_path / "old", {"cron.d/export": CRON, "crontabs/alice": "@daily /home/alice/mail\n"})
    same = {"cron.d/export": "PATH=/usr/bin:/bin\n\n30  2 * * *\troot   /opt/export.sh  --all\n"}
    rest = {"crontabs/alice": "# new\n@daily /home/alice/mail\n"}
    both_ = {"sudo": True, "source": source(old) | {"sudo": True}}
    crons(new, tmp_path / "new", same | rest)
    found = told(Jobs, **new.params(), **both_)
    assert status(found) is S.PASS, words(found)
    crons(new, tmp_path / "new", same)
    found = told(Jobs, **new.params(), **both_)
    assert status(found) is S.FAIL
    assert "job:alice:/home/alice/mail is missing" in words(found)
    allowed = ["job:alice:*"]
    assert status(told(Jobs, **new.params(), **both_, allowed=allowed)) is S.PASS
    crons(new, tmp_path / "new", {"cron.d/export": same["cron.d/export"].replace("/usr/bin:", "")} | rest)
    assert "cronvar:/etc/cron.d/export:PATH is not as" in words(told(Jobs, **new.params(), **both_))
    part = told(Jobs, **new.params("plain"), source=source(old) | {"sudo": True})
    assert status(part) in (S.INCONCLUSIVE, S.FAIL)
    assert "compared in part" in words(part)
