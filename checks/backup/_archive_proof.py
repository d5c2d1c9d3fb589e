"""What proves an archive and does not stand in it: the checksum of its job, a manifest of its files."""

from __future__ import annotations

from checks.backup._archive_content import HALF, Content
from checks.backup._archive_tar import hash_all
from checks.backup._check import BackupCheck, SampledBackup
from checks.backup._ladder import COMPLETE, INTEGRITY
from checks.backup._sums import is_sha256, matched, parse_sums
from checks.backup._walk import Walk
from checks.remote.outcome import require
from checks.safe import safe
from checks.vantage import CannotTell
from checks.wire.ssh.command import Program, Script

CAT = Program("cat")
HASH_FILE = Script("hash of an archive", 'sha256sum <"$1"')
MAX_MANIFEST = 64 * 1024 * 1024
_FIX = "Make a new archive, and restore from the one before if one is needed now."


async def by_checksum(check: BackupCheck, walk: Walk, path: str, sums_path: str) -> str:
    """Hash the whole file; return what that proves, or an empty text after telling what is wrong."""
    sums = parse_sums(await _text(check, walk, sums_path), "the checksum file")
    name = path.rpartition("/")[2]
    wanted = {digest for named, digest in sums.items() if named.rpartition("/")[2] == name}
    if len(wanted) != 1:
        raise CannotTell(
            f"The checksum file {safe(sums_path, limit=300)} "
            f"says {len(wanted) or 'no'} sums of {safe(name)}.",
            "Have the job write one line of sha256sum with the archive's name.",
        )
    time = max(5.0, walk.vantage.remaining() - 10)
    command = HASH_FILE(path, timeout_s=time, heavy=True, as_user=check.root)
    digest = require(await walk.remote.run(command), walk.remote).decode("ascii", "replace").partition(" ")[0]
    if not is_sha256(digest):
        raise CannotTell("Hashing the archive gave half an answer.", HALF)
    if digest != (due := wanted.pop()):
        walk.failed(
            INTEGRITY, "checksum of the file",
            f"It is {digest[:16]}... where {due[:16]}... was written down.", _FIX,
        )  # fmt: skip
        return ""
    return f"The whole file is as its checksum says ({digest[:16]}...)."


async def by_manifest(check: SampledBackup, walk: Walk, path: str, packed: str, content: Content) -> None:
    """Hash every member of a tar archive and compare all lines of the manifest."""
    assert check.manifest is not None
    sums = parse_sums(await _text(check, walk, check.manifest))
    time = max(5.0, walk.vantage.remaining() - 10)
    came = await hash_all(walk.remote, path, packed, timeout_s=time, as_user=check.root)
    tell_manifest(walk, sums, came, {member.path for member in content.members}, check.manifest)


def tell_manifest(
    walk: Walk, sums: dict[str, str], came: dict[str, str], held: set[str], manifest: str
) -> bool:
    """Say what comparing every hash with every line gave; return whether every file of it is there."""
    found = matched(sums, held, manifest)
    lost = [name for name, at in found.items() if at is None]
    differ = [at for name, at in found.items() if at is not None and came.get(at) != sums[name]]
    extra = held - {at for at in found.values() if at is not None}
    how = "hash of every file, compared with the manifest"
    if lost:
        walk.failed(
            COMPLETE, "list of the manifest",
            f"{len(lost):,} of its {len(sums):,} files are not there, such as {safe(lost[0], limit=200)}.",
            _FIX,
        )  # fmt: skip
    if differ:
        walk.failed(
            INTEGRITY, how, f"{len(differ):,} files differ, such as {safe(differ[0], limit=200)}.", _FIX
        )  # fmt: skip
    elif extra:
        walk.unknown(
            INTEGRITY, how,
            f"{len(extra):,} of {len(held):,} files stand in no line of it, such as "
            f"{safe(min(extra), limit=200)}; those that do are as it says.",
            "Write the manifest anew at the source, of all that is backed up, before the next backup.",
        )  # fmt: skip
    elif not lost:
        walk.proven(INTEGRITY, how, f"All {len(held):,} files are as the manifest says.")
    return not lost


async def _text(check: BackupCheck, walk: Walk, path: str) -> bytes:
    command = CAT("--", path, max_stdout=MAX_MANIFEST, timeout_s=60.0, as_user=check.root)
    return require(await walk.remote.run(command), walk.remote)
