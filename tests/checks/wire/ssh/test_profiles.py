"""What an account's own profile says or sets is no part of a command, whichever shell runs it."""

from __future__ import annotations

import pytest

from checks.wire.ssh.command import Script
from tests.checks.wire.ssh.clients import access, client
from tests.lab.needs import need
from tests.lab.sshd import User, sshd

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("ssh-profiles")]
PROFILES = {
    ".bashrc": ("/bin/bash", "echo noise; echo more >&2; export LC_ALL=de_DE.UTF-8 TZ=Asia/Tokyo; cd /tmp\n"),
    ".cshrc": ("/usr/bin/tcsh", "echo noise; setenv LC_ALL de_DE.UTF-8; cd /tmp\n"),
    ".config/fish/config.fish": ("/usr/bin/fish", "echo noise; set -x LC_ALL de_DE.UTF-8; cd /tmp\n"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    need("sshd", "unshare", "nsenter", "tcsh", "fish")
    users = [User(f"u{number}", shell=shell) for number, (shell, _) in enumerate(PROFILES.values())]
    with sshd(tmp_path_factory.mktemp("ssh"), users=users) as running:
        for number, (name, (_, text)) in enumerate(PROFILES.items()):
            path = running.folder / "home" / f"u{number}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            for one in (path, *path.parents):
                if one.is_relative_to(running.folder):
                    one.chmod(one.stat().st_mode | 0o055)
        yield running


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("number", range(len(PROFILES)), ids=list(PROFILES))
async def test_a_profile_that_talks_and_sets_changes_no_command(server, number, shell):
    command = Script("environment", 'echo "$LC_ALL $TZ"; echo end >&2', shell=shell)
    async with client() as ssh:
        result = await ssh.host(access(server, f"u{number}")).run(command())
    assert (result.ended, result.status) == ("exit", 0)
    assert (result.stdout, result.stderr) == (b"C UTC\n", b"end\n")
