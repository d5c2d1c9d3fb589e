"""restic over a real SSH server: a repository of root's, its password by standard input through sudo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.backup.restic import Restic
from checks.contract import Vantage, worst
from checks.vantage import Shared
from tests.lab import backup_restic as lab
from tests.lab.backup_files import source
from tests.lab.needs import need
from tests.lab.sshd import Sshd, User, sshd

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("restic-lab")]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sshd, Path]]:
    need("sshd", "restic", "sudo")
    folder = tmp_path_factory.mktemp("restic-lab")
    repo = lab.repository(folder / "repo")
    lab.backup(repo, source(folder), 1)
    users = [User("tech", sudo="NOPASSWD: ALL"), User("asked", sudo="ALL", password="mellon")]
    with sshd(folder / "ssh", users) as server:
        yield server, repo


async def look(server: Sshd, repo: Path, user: str, **params):
    secrets = {"env:REPO": lab.PASSWORD, "env:SUDO": "mellon"}

    def resolve(reference: str) -> str:
        return secrets.get(reference) or Path(reference.removeprefix("file:")).read_text()

    shared = Shared(resolve_secret=resolve)
    login = server.params(user)
    check = Restic(**login, repo=str(repo), repo_password="env:REPO", min_level=5, live="/", **params)
    try:
        seen = await check.observe(Vantage(shared, "c", 60.0))
    finally:
        await shared.close()
    findings = list(check.judge(seen))
    return seen, worst(finding.status for finding in findings), "\n".join(f.message for f in findings)


@pytest.mark.parametrize(
    ("user", "more"),
    [("tech", {}), ("asked", {"sudo_password": "env:SUDO"})],
    ids=["without-a-password", "with-a-password"],
)
async def test_sudo_and_a_secret_share_standard_input(world, user, more):
    server, repo = world
    seen, status, told = await look(server, repo, user, sudo=True, **more)
    assert (status, seen.proof_level) == ("pass", 5), told
    assert lab.PASSWORD not in told
    assert not any(lab.PASSWORD in line for line in server.commands())


async def test_without_sudo_it_is_not_told(world):
    seen, status, told = await look(*world, "tech")
    assert (status, seen.proof_level) == ("inconclusive", 0), told
    assert "permission denied" in told


async def test_nothing_is_left_in_the_repository(world):
    server, repo = world
    before = sorted(path for path in repo.rglob("*"))
    await look(server, repo, "tech", sudo=True)
    assert sorted(path for path in repo.rglob("*")) == before
