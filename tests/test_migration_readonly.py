"""Looking changes nothing: hosts and databases are compared before and after each shipped profile's checks.

Compared is all of /srv, /etc, /home, /var and /root, with owner, rights, size, content and the times of
content and inode (the inode's cannot be set back): not the time of the last look. /var and /root are the
server's own, so that nobody else writes there.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from checks import registry
from profiles.shelf import locate, shipped
from tests.lab import need
from tests.lab.migration import NAME, NEW, OLD, TOOLS, Host, Migration
from tests.lab.migration_project import login, parameters
from tests.lab.needs import PATH
from tests.lab.postgres import Cluster
from tests.lab.running import Ran, run_json

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("migration-readonly")]
PLACES = ("/srv", "/etc", "/home", "/var", "/root")
LOOK = r"""
for place do
  find "$place" -path /etc/netns -prune -o -printf '%p\t%y %m %U:%G %s %n %T@ %C@ %l\0'
  find "$place" -path /etc/netns -prune -o -type f -print0 | sort -z | xargs -0 -r sha256sum -z --
done
"""
"""/etc/netns belongs to the network namespaces that any test makes."""
ROWS = """
SELECT txid_snapshot_xmax(txid_current_snapshot()), (SELECT count(*) FROM pg_database),
  (SELECT sum(n_tup_ins + n_tup_upd + n_tup_del + n_live_tup) FROM pg_stat_user_tables)
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Migration]:
    need(*TOOLS, "zstd", "tar")
    with Migration() as running:
        running.finish()
        for host in (running.old, running.new):
            for place, names in {
                "/var": ("log", "lib/samba/usershares", "cache", "spool", "tmp"),
                "/root": (),
            }.items():
                own = running.folder / f"{host.net.role}{place}"
                for name in ("", *names):
                    (own / name).mkdir(parents=True)
                    (own / name).chmod(0o1777 if name == "tmp" else 0o755)
                host.ssh.bind(own, place)
        _more_backups(running)
        yield running


def _more_backups(lab: Migration) -> None:
    """Put an archive, dumps and a mirror on the old server."""
    dumps = lab.old.srv / "dumps"
    dumps.mkdir()
    lab.old.ssh.run("tar", "--zstd", "-cf", "/srv/dumps/files.tar.zst", "-C", "/", "srv/files")
    (dumps / "erp.dump").write_bytes(_pg_dump(lab.erp, "-Fc"))
    (dumps / "erp.sql").write_bytes(_pg_dump(lab.erp, "-Fp"))
    (dumps / "shop.sql").write_text(
        "-- MariaDB dump 10.19\n-- Table structure for table `a`\nCREATE TABLE `a` (`b` int);\n"
        "-- Dumping data for table `a`\nINSERT INTO `a` VALUES (1);\n"
        f"-- Dump completed on {datetime.now(UTC):%Y-%m-%d %H:%M:%S}\n"
    )
    subprocess.run(["rsync", "-aHAX", f"{lab.old.files}/", f"{lab.old.srv}/mirror/"], check=True)


def _pg_dump(cluster: Cluster, form: str) -> bytes:
    argv = ["runuser", "-u", "postgres", "--", "pg_dump", *cluster.options, form, "erp"]
    return subprocess.run(argv, check=True, capture_output=True, cwd="/", env={"PATH": PATH}).stdout


def files(host: Host) -> frozenset[bytes]:
    """Return everything in the compared folders, each entry with all that a write would change."""
    done = subprocess.run(
        [*host.ssh.words(), "sh", "-c", LOOK, "look", *PLACES],
        check=True, capture_output=True, env={"PATH": PATH, "LC_ALL": "C"},
    )  # fmt: skip
    found = frozenset(done.stdout.split(b"\0"))
    assert len(found) > 300, "the folders hold something"
    return found


def databases(lab: Migration) -> list[tuple[str, str]]:
    """Return what the databases hold, and the number of the next transaction that writes."""
    found = []
    for cluster in (lab.erp, lab.moved_erp, lab.standby):
        dump = re.sub(r"(?m)^\\(un)?restrict .*$", "", cluster.run("pg_dumpall"))
        found.append((dump, cluster.sql(ROWS, "erp")))
    return found


def migration(lab: Migration) -> dict[str, Any]:
    """The parameters of server-migration, with everything that it may look at on the servers."""
    given = parameters(lab, datetime.now(UTC) - timedelta(hours=1))
    settings = {
        "archive": {"path": "/srv/dumps/files.tar.zst", "live": "/"},
        "postgres": {"path": "/srv/dumps/erp.dump", "min_level": 3},
        "mysql": {"path": "/srv/dumps/shop.sql", "min_level": 3},
        "tree": {"path": "/srv/mirror", "live": "/srv/files"},
        "snapshot": {"layout": "btrfs", "path": "/srv", "min_level": 1},
        "pgbackrest": {"stanza": "main"},
        "kopia": {},
    }
    for kind, more in settings.items():
        given["backups"].append({"name": kind, "kind": kind, "settings": more})
    given["backups"].append({
        "name": "plain", "kind": "postgres", "settings": {"path": "/srv/dumps/erp.sql", "min_level": 3},
    })  # fmt: skip
    given["databases"].append({"name": "shop", "engine": "mysql", "database": "shop"})
    given["copies"] = [
        {"name": "production", "location": "office", "medium": "raid", "production": True},
        {"name": "mirror", "location": "office", "medium": "nas", "type": "backup.tree",
         "with": settings["tree"]},
        {"name": "away", "location": "far", "medium": "cloud", "offsite": True, "type": "backup.archive",
         "with": settings["archive"]},
    ]  # fmt: skip
    empty = {"services": {}, "jobs": {}, "queues": {}, "directory": {}}
    spns = {"names": [{"name": f"HOST/{NAME}", "account": "NEW-FILES$"}]}
    return given | empty | {"ports": {}, "spns": spns}


def upgrade(lab: Migration) -> dict[str, Any]:
    """The parameters of security-upgrade, whose machines are the two servers."""
    machines = [login(lab.old, OLD), login(lab.new, NEW)]
    return {
        "authorised_by": "C. Owner, CHG0042",
        "way_back": "Uninstall the agent.",
        "pilot": machines[:1],
        "waves": [{"name": "all", "inventory": machines}],
        "admins": {"inventory": machines, "approved": ["root", "tech"]},
        "login": {key: value for key, value in machines[0].items() if key != "host"},
        "egress": {"closed": [f"{NEW}:9"], "control": f"{NEW}:445", "host": OLD},
    }


GIVEN = {"server-migration": migration, "security-upgrade": upgrade}
"""The profiles that log into servers, and how they are filled in here."""


def over_ssh(profile: str) -> set[str]:
    """Return the check types of a shipped profile that run commands on a host."""
    checks = YAML(typ="safe", pure=True).load(locate(profile, Path())[0].read_text())["checks"]
    found = set()
    for check in checks.values():
        if "${" in (name := check["type"]):
            assert name.startswith("backup."), f"{name} cannot be known before it is expanded"
            found.add(name)
        elif any(base.__module__.startswith("checks.remote") for base in registry.load(name).__mro__):
            found.add(name)
    return found


def look(lab: Migration, folder: Path, profile: str, given: Mapping[str, Any]) -> Ran:
    now = datetime.now(UTC)
    path = folder / "project.yaml"
    path.write_text(json.dumps({
        "gonogo": 1, "profile": profile, "with": dict(given), "contacts": {"it": {"name": "Ada Admin"}},
        "project": {"name": "Looking", "timezone": "UTC",
                    "cutover": f"{now + timedelta(hours=1):%Y-%m-%d %H:%M}"},
    }))  # fmt: skip
    return run_json(lab.laptop, path)


def test_each_shipped_profile_that_logs_in_is_among_those_that_are_tried() -> None:
    assert {profile for profile in shipped() if over_ssh(profile)} == GIVEN.keys()


@pytest.mark.parametrize("profile", GIVEN)
def test_the_checks_of_a_profile_change_nothing_on_the_hosts(
    lab: Migration, tmp_path: Path, profile: str
) -> None:
    before = [files(host) for host in (lab.old, lab.new)], databases(lab)
    ran = look(lab, tmp_path, profile, GIVEN[profile](lab))
    after = [files(host) for host in (lab.old, lab.new)], databases(lab)
    for here, there, host in zip(before[0], after[0], ("old", "new"), strict=True):
        assert not sorted(here ^ there), f"{host} was changed"
    assert before[1] == after[1]
    tried = {result["type"] for result in ran.results.values()}
    assert {name for name in over_ssh(profile) if "$" not in name} <= tried
    assert not ran.having("blocked"), ran.summary()
    for host in (lab.old, lab.new):
        assert host.ssh.log.count("Starting session: command") > 5, host.ssh.log[-2000:]
    if profile == "server-migration":
        proven = {"backup-files", "backup-archive", "backup-plain", "files-files", "database-erp", "shares"}
        assert proven <= ran.having("pass", "warn"), ran.summary()


@pytest.mark.parametrize("place", [f"{place}/{NAME}" for place in PLACES if place != "/etc"])
def test_a_file_that_was_there_for_a_moment_would_be_found(lab: Migration, place: str) -> None:
    before = files(lab.new)
    lab.new.ssh.run("touch", place)
    lab.new.ssh.run("rm", place)
    assert before != files(lab.new)


def test_a_transaction_that_was_rolled_back_would_be_found(lab: Migration) -> None:
    before = databases(lab)
    lab.moved_erp.sql("BEGIN; CREATE TABLE gone (x int); ROLLBACK", "erp")
    assert before != databases(lab)
