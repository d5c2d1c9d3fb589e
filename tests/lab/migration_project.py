"""The project of the lab's migration on the shipped profile, as a project manager would write it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.lab import migration as world
from tests.lab.migration import Host, Migration
from tests.lab.postgres import Cluster

MANUAL = (
    "restored-by-hand", "everything-listed", "rehearsed", "way-back-rehearsed", "told",
    "file-server-rest", "database-server-rest", "application-rest", "staff-work", "scream-test", "kept",
)  # fmt: skip
"""What persons state in this project."""


def login(host: Host, address: str) -> dict[str, Any]:
    """Return how a server is logged into: by key, with sudo."""
    ssh = host.ssh
    return {"host": address, "user": "tech", "key": f"file:{ssh.key_of('tech')}",
            "known_hosts": str(ssh.known_hosts), "sudo": True}  # fmt: skip


def _place(cluster: Cluster) -> dict[str, Any]:
    return {"as_user": "postgres", **cluster.place}


def parameters(lab: Migration, freeze: datetime) -> dict[str, Any]:
    """Return what stands under `with`."""
    restic = {"password_file": "/srv/password", "live": "/", "history": 0, "seed": "1", "sample_files": 3}
    canary = {"path": "/srv/files/canary.txt", "sha256": world.canary_sha256()}
    return {
        "new": login(lab.new, world.NEW),
        "old": login(lab.old, world.OLD),
        "backups": [{
            "name": "files", "kind": "restic",
            "settings": {**restic, "repo": "/srv/backup", "canary": canary},
        }],
        "rollback": [{
            "name": "files", "kind": "restic",
            "settings": {**restic, "repo": "/srv/rollback", "of_path": "/srv/files", "min_level": 3},
        }],
        "new_backups": [{"name": "files", "kind": "restic", "settings": {**restic, "repo": "/srv/backup"}}],
        "freeze": freeze.isoformat(),
        "data": [{"source_path": "/srv/files", "target_path": "/srv/files"}],
        "room": {"min_free": "0%", "min_inodes": "0%", "mounts": [{"path": "/srv/files", "min_free": "20%"}]},
        "trees": [{"name": "files", "path": "/srv/files", "sample_files": 100, "seed": "1",
                   "max_delta": "0%"}],
        "shares": {
            "smb_conf": str(lab.new.samba.conf), "source_smb_conf": str(lab.old.samba.conf),
        },
        "old_smb_conf": str(lab.old.samba.conf),
        "databases": [{
            "name": "erp", "engine": "postgres", "database": "erp", **_place(lab.moved_erp),
            "source_connect": {"socket": str(lab.erp.folder)},
        }],
        "replicas": [{
            "name": "erp", "engine": "postgres", "database": "erp", "max_lag": "1m", **_place(lab.standby),
        }],
        "ports": {"expect": [{"port": 445, "program": "smbd"}], "allowed": ["port:tcp/80", "port:udp/323"]},
        "users": {},
        "certificates": [{"path": "/srv/tls/files.pem", "names": [world.NAME], "key": "/srv/tls/files.key"}],
        "names": [{"name": world.NAME, "address": world.NEW}],
        "retired": {"addresses": [world.OLD]},
        "resolvers": [world.DNS],
        "name_servers": [f"ns1.{world.ZONE}={world.NS1}"],
        "ttl_records": [{"name": world.NAME}],
        "ttl": f"{world.TTL}s",
        "old_ttl": f"{world.OLD_TTL}s",
        "endpoints": [{"name": "smb", "host": world.NAME, "port": 445}],
        "applications": [{"name": "erp", "url": f"http://{world.NEW}/health", "match": "erp is ok"}],
        "commands": [{
            "name": "licence", "argv": ["cat", "/srv/files/licence.txt"], "match": "licence: valid",
        }],
        "service_ports": [445],
        "not_users": [f"{world.NEW}/32"],
        "idle_for": "2d",
        "idle_samples": 4,
        "idle_gap": "13h",
    }  # fmt: skip


def write_project(folder: Path, lab: Migration, *, freeze: datetime | None = None, **changes: Any) -> Path:
    """Write the project to `folder`; `changes` are other values of its parameters."""
    now = datetime.now(UTC)
    path = folder / "migration.yaml"
    path.write_text(json.dumps({
        "gonogo": 1,
        "project": {"name": "The files move", "customer": "Corp", "timezone": "UTC",
                    "cutover": f"{now + timedelta(hours=1):%Y-%m-%d %H:%M}"},
        "contacts": {"it": {"name": "Ada Admin", "email": "ada@corp.example"}},
        "profile": "server-migration",
        "with": parameters(lab, freeze or now - timedelta(hours=1)) | changes,
        "without": {"copies-stated": "The practice server has one copy of its data."},
    }, indent=1))  # fmt: skip
    return path
