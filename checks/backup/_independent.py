"""Which copies fail together: on one host, behind one share, or in reach of one administrator."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from checks.vantage import CannotTell
from checks.wire.ssh.command import Script
from checks.wire.ssh.remote import Remote

SOURCE = Script(
    "mount of a path",
    """
p=$1
while [ ! -e "$p" ] && [ "$p" != / ]; do p=$(dirname -- "$p"); done
findmnt -n -o SOURCE -T "$p" 2>/dev/null || df -P -- "$p" | tail -n 1
""",
)
"""What is mounted where a path lies: a device, or `host:/export` and `//host/share` of a network share."""

_URL = re.compile(r"(?:[a-z0-9+]+:)?([a-z0-9+]+)://(?:[^@/\s]*@)?(\[[0-9A-Fa-f:.]+\]|[^/:\s]+)", re.ASCII)
_SFTP = re.compile(r"(?:sftp:)?(?:[^@/:\s]+@)?([A-Za-z0-9.-]+):[^\s]*", re.ASCII)
_CLOUD = re.compile(r"(b2|gs|azure|swift|rclone|s3|rados):(.+)", re.ASCII)
TARGETS = ("path", "repo", "url", "repository")


def target(given: dict[str, Any]) -> str:
    """Return where a copy's parameters say that it lies; empty where they say nothing of it."""
    return next((given[key] for key in TARGETS if isinstance(given.get(key), str)), "")


def elsewhere(place: str) -> str:
    """Return the key of the other machine or service that a place lies on; empty for a path of the host."""
    if place.startswith(("/", "file:")):
        return ""
    url = _URL.match(place)
    if url:
        return f"name:{url[2].strip('[]').lower()}"
    cloud = _CLOUD.match(place)
    if cloud:
        return f"{cloud[1]}:{cloud[2].partition('/')[0].lower()}"
    if "@" in place and place.count("@") >= 1 and ":" in place.rpartition("@")[2]:
        return f"name:{place.rpartition('@')[2].partition(':')[0].lower()}"
    sftp = _SFTP.fullmatch(place)
    return f"name:{sftp[1].lower()}" if sftp else ""


async def keys_of(remote: Remote, place: str, as_user: str) -> tuple[str, ...]:
    """Return what a copy depends on: two copies with one key in common fail together."""
    other = elsewhere(place)
    if other:
        return (other,)
    facts = await remote.facts()
    own = {f"name:{remote.name.lower()}"}
    if facts.hostname:
        own.add(f"name:{facts.hostname.lower()}")
    if facts.host_key:
        own.add(f"key:{facts.host_key}")
    local = place.removeprefix("file://")
    if not local.startswith("/") or facts.dialect != "posix":
        return tuple(sorted(own))
    result = await remote.run(SOURCE(local, timeout_s=20.0, as_user=as_user))
    if not result.ok or not result.text.strip():
        raise CannotTell(
            f"On {remote.name} it cannot be told on which disk or share {place} lies.",
            "Install util-linux (findmnt) there, or look whether the path exists.",
        )
    words = result.text.split()
    share = _share(words[0])
    return (share,) if share else tuple(sorted({*own, f"disk:{facts.hostname}:{words[0].partition('[')[0]}"}))


def _share(source: str) -> str:
    """Return the key of the server of a network share; empty for a local device."""
    if source.startswith("//"):
        return f"name:{source[2:].partition('/')[0].lower()}"
    if source.startswith("/") or ":" not in source:
        return ""
    return f"name:{source.rpartition(':')[0].strip('[]').rpartition('@')[2].lower()}"


def independent(keys: Sequence[frozenset[str]], first: int | None = None) -> tuple[int, ...]:
    """Return the most copies of which no two have a key in common; with `first`, that one is among them."""
    rest = [index for index in range(len(keys)) if index != first]
    base = () if first is None else (first,)
    for size in range(len(rest), -1, -1):
        for chosen in combinations(rest, size):
            picked = (*base, *chosen)
            if all(not keys[a] & keys[b] for a, b in combinations(picked, 2)):
                return tuple(sorted(picked))
    return base
