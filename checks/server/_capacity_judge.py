"""What the numbers of file systems, memory and processors mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from checks.contract import Finding, Measure
from checks.judging import cannot_tell, failed, passed, warned, within
from checks.safe import in_line, safe
from checks.server._disks import Disk, Space, Usage
from checks.server._sizes import shown_size


def judge_local(
    seen: Space, min_free: float, min_inodes: float, own: Mapping[str, float]
) -> Iterable[Finding]:
    """Judge every local file system; `own` are the limits of mount points that have one of their own."""
    if not seen.disks:
        yield cannot_tell(
            seen.name, "No local file system is shown, so nothing is known about free space.",
            expected="at least the one that / lies on", observed="none",
            fix="Run df -B1 --local by hand as the same account.",
        )  # fmt: skip
        return
    limits = {path.rstrip("/") or "/": limit for path, limit in own.items()}
    good = []
    for disk in seen.disks:
        findings = list(
            _free(seen.name, disk, limits.get(disk.mount, min_free), min_inodes, asked=disk.mount)
        )
        if all(finding.status == "pass" for finding in findings):
            good.append(disk)
        yield from (finding for finding in findings if finding.status != "pass")
    if good:
        yield passed(
            seen.name, f"{len(good)} of {len(seen.disks)} local file systems have room.",
            expected=f"at least {min_free:g}% of bytes and {min_inodes:g}% of inodes free",
            observed=in_line(f"{disk.mount} {_share(disk):.0f}% of {shown_size(disk.size)}" for disk in good),
        )  # fmt: skip


def _free(name: str, disk: Disk, min_free: float, min_inodes: float, *, asked: str) -> Iterable[Finding]:
    subject = f"{name} {safe(asked, limit=200)}"
    yield within(
        subject,
        Measure(name="Free space", value=_share(disk), unit="%", fail=min_free, source="the project"),
        fix=f"Clear up {safe(disk.mount, limit=200)} or make it larger.", least=True,
    )  # fmt: skip
    if disk.inodes:
        share = 100.0 * disk.inodes_free / disk.inodes
        yield within(
            subject,
            Measure(name="Free inodes", value=share, unit="%", fail=min_inodes, source="the project"),
            fix="Delete or pack small files: every file takes one inode, however small it is. Their number "
            "is fixed when ext4 is made; xfs can be told another share.", least=True,
        )  # fmt: skip


def judge_asked(
    name: str, disk: Disk, path: str, *, mounted: bool, needs: int | None, min_free: float, min_inodes: float
) -> Iterable[Finding]:
    """Judge the file system that one path lies on."""
    subject = f"{name} {safe(path, limit=200)}"
    trouble = _no_answer(subject, disk)
    if trouble is not None:
        yield trouble
        return
    observed = f"on {safe(disk.mount, limit=200)} ({disk.fstype}, {shown_size(disk.size)})"
    if mounted and disk.mount.rstrip("/") != path.rstrip("/"):
        yield failed(
            subject, f"Nothing is mounted on {safe(path, limit=200)}: it is a folder of "
            f"{safe(disk.mount, limit=200)}, which would be filled instead.", observed=observed,
            expected="a mount point of its own",
            fix="Mount it (and see that /etc/fstab does after a restart); if it is meant "
            "to be a plain folder, write 'mounted: false'.",
        )  # fmt: skip
        return
    if disk.read_only:
        yield failed(
            subject, "It is mounted read-only.", expected="writable", observed=observed,
            fix="Look into the kernel's log for errors of the disk (dmesg), and mount it writable.",
        )  # fmt: skip
    elif mounted:
        yield passed(subject, "It is mounted.", expected="a mount point of its own", observed=observed)
    yield from _free(name, disk, min_free, min_inodes, asked=path)
    if needs is not None:
        judged = (passed if disk.free >= needs else _short)(
            subject, "Room for what is planned.", expected=f"{shown_size(needs)} free",
            observed=f"{shown_size(disk.free)} free {observed}",
        )  # fmt: skip
        yield judged


def _short(subject: str, message: str, *, expected: str, observed: str) -> Finding:
    return failed(
        subject, f"{message.removesuffix('.')} is missing.", expected=expected, observed=observed,
        fix="Make the file system larger, clear it up, or plan another place.",
    )  # fmt: skip


def judge_machine(
    seen: Space, *, memory: int | None, total: int | None, processors: int | None
) -> Iterable[Finding]:
    """Judge memory and processors, those that a limit is given for."""
    for wanted, found, what, fix in (
        (memory, seen.memory, "available memory", "Give it more memory, or stop what takes so much."),
        (total, seen.memory_total, "memory in all", "Give the machine more memory."),
        (processors, seen.processors, "processors", "Give the machine more processors."),
    ):
        if wanted is None:
            continue
        show = str if what == "processors" else shown_size
        expected = f"at least {show(wanted)} {what}"
        if found is None:
            yield cannot_tell(
                seen.name, f"The host did not tell its {what}.", expected=expected, observed="nothing",
                fix="Look at /proc/meminfo and nproc there by hand.",
            )  # fmt: skip
        elif found < wanted:
            yield failed(
                seen.name, f"The host has too little: {show(found)} {what}.", expected=expected,
                observed=show(found), fix=fix,
            )  # fmt: skip
        else:
            yield passed(
                seen.name, f"The host has {show(found)} {what}.", expected=expected, observed=show(found)
            )


def judge_data(
    name: str, source: str, places: Sequence[tuple[str, str]], usage: Sequence[Usage], disks: Sequence[Disk],
    headroom: float,
) -> Iterable[Finding]:  # fmt: skip
    """Judge whether the source's data fits; what goes to the same file system is added up."""
    together: dict[str, list[tuple[str, Usage, Disk]]] = {}
    for (_, path), one, disk in zip(places, usage, disks, strict=False):
        trouble = _no_answer(f"{name} {safe(path, limit=200)}", disk)
        if trouble is not None:
            yield trouble
        else:
            together.setdefault(disk.mount, []).append((path, one, disk))
    for mount, group in together.items():
        disk = group[0][2]
        used, apparent = (
            sum(one.used for _, one, _ in group),
            sum(max(one.used, one.apparent) for _, one, _ in group),
        )
        subject = f"{name} {safe(mount, limit=200)}"
        what = in_line(f"{one.path} {shown_size(one.used)}" for _, one, _ in group)
        expected = f"{headroom:g} x {shown_size(used)} of {source} ({what})"
        observed = f"{shown_size(disk.free)} free on {safe(mount, limit=200)} ({disk.fstype})"
        if disk.read_only:
            yield failed(
                subject, "The file system that data goes to is mounted read-only.", expected="writable",
                observed=disk.fstype, fix="Look into the kernel's log (dmesg), and mount it writable.",
            )  # fmt: skip
        elif disk.free < used * headroom:
            yield failed(
                subject, f"The data of {source} does not fit.", expected=expected, observed=observed,
                fix=f"Make it larger by {shown_size(used * headroom - disk.free)}, leave data behind, or "
                "look whether a copy of it lies there already: then the headroom is to be less.",
            )  # fmt: skip
        elif disk.free < apparent:
            yield warned(
                subject, f"The data of {source} fits only as long as it stays sparse or compressed: its "
                f"files say {shown_size(apparent)}.", expected=f"room for {shown_size(apparent)}",
                observed=observed,
                fix="Copy with --sparse onto a file system that compresses as well, or give it more room.",
            )  # fmt: skip
        else:
            yield passed(subject, f"The data of {source} fits.", expected=expected, observed=observed)
    if len(usage) < len(places) or len(disks) < len(places):
        yield cannot_tell(
            name, "Not all of the data was measured.", expected=f"{len(places)} places",
            observed=str(min(len(usage), len(disks))), fix="Run the check again.",
        )  # fmt: skip


def _no_answer(subject: str, disk: Disk) -> Finding | None:
    if not disk.trouble:
        return None
    expected = "a file system that answers"
    if disk.trouble == "missing":
        return failed(
            subject, "There is no such path.", expected=expected, observed="no such file or folder",
            fix="Create it and mount what belongs there, or correct the path.",
        )  # fmt: skip
    if disk.trouble == "silent":
        return failed(
            subject, "The file system does not answer: df was still waiting after 8 s.", expected=expected,
            observed="silence", fix="Look at the server behind this mount, or unmount it (umount -l).",
        )  # fmt: skip
    return cannot_tell(
        subject, "What the path lies on cannot be told.", expected=expected,
        observed=safe(disk.trouble, limit=300), fix="Run df on it by hand as the same account.",
    )  # fmt: skip


def _share(disk: Disk) -> float:
    """Return the free share as df computes it: what only root may use counts as used."""
    whole = disk.used + disk.free
    return 100.0 * disk.free / whole if whole > 0 else 0.0
