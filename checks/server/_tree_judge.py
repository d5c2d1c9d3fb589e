"""What two trees mean: whether they were read whole, what differs, and what the sample says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from checks.contract import Finding
from checks.judging import cannot_tell, failed, passed, warned
from checks.safe import in_line, safe
from checks.server._tree_seen import Differing, FilesSeen, Group, Side, permitted
from checks.words import Measure

_SAYS: dict[Group, tuple[str, str]] = {
    "missing": ("{n} {are} missing on {target}", "Copy them from {source} again."),
    "extra": (
        "{n} {are} on {target} only",
        "Delete them if they were deleted on {source} since the copy; users may have made them already.",
    ),
    "type": ("{n} {are} of another type on {target}", "Copy them from {source} again."),
    "content": (
        "{n} {are} of another size, time of change or link target on {target}: changed since the copy",
        "Save what is newer on {target}, then copy again (rsync -aHAX), with nobody writing on {source}.",
    ),
    "owner": (
        "{n} {belong} to another user or group number on {target}",
        "Give users and groups the same numbers (server.users), then copy again (rsync -a --numeric-ids).",
    ),
    "mode": ("{n} {have} other permissions on {target}", "Copy the permissions again (rsync -a, as root)."),
    "acl": (
        "{n} {have} another access list on {target}",
        "Copy the access lists again (rsync -aA, as root, to a file system mounted with them).",
    ),
    "links": (
        "{n} {have} another number of hard links on {target}",
        "Copy again with hard links kept (rsync -aH), else they take room several times.",
    ),
}


def judge(
    seen: FilesSeen, *, max_delta: float, sample_files: int, allowed: Sequence[str]
) -> Iterable[Finding]:
    """Return the findings on two trees."""
    here, there = seen.source, seen.target
    if not here.there or not there.there:
        yield from _absent(here, there)
        return
    if here.machine and (here.machine, here.root) == (there.machine, there.root):
        yield cannot_tell(
            there.name, "Source and target are the very same folder of the same machine.",
            expected="two servers", observed=f"{_place(here)} and {_place(there)}, inode {safe(here.root)}",
            fix="Correct 'host', 'source' and the paths: both names lead to one server.",
        )  # fmt: skip
        return
    yield from _whole(here, there, allowed)
    if not here.entries:
        yield cannot_tell(
            here.name, f"{_place(here)} is empty, so there is nothing to compare with.",
            expected="the files that were copied", observed="no entry",
            fix="Correct 'source_path', or mount what belongs there.",
        )  # fmt: skip
        return
    yield from _differing(seen, max_delta)
    yield from _sample(seen, sample_files)
    if seen.unused:
        yield warned(
            there.name, "'allowed' expects differences that there are not.", expected=in_line(seen.unused),
            observed="no such difference", fix="Take the pattern out of 'allowed', or correct it.",
        )  # fmt: skip


def _absent(here: Side, there: Side) -> Iterable[Finding]:
    if not here.there:
        yield cannot_tell(
            here.name, f"There is no folder {_place(here)} to compare with.", expected="a folder",
            observed=in_line(here.troubles) or "no such folder",
            fix="Correct 'source_path' or 'source', or mount what belongs there.",
        )  # fmt: skip
    elif not there.there:
        yield failed(
            there.name, f"There is no folder {_place(there)}.", expected=f"what {_place(here)} holds",
            observed=in_line(there.troubles) or "no such folder",
            fix="Copy the files there, mount the file system, or correct 'path'.",
        )  # fmt: skip


def _whole(here: Side, there: Side, allowed: Sequence[str]) -> Iterable[Finding]:
    for side in (here, there):
        if side.troubles:
            yield cannot_tell(
                side.name, f"Not everything in {_place(side)} could be read: {side.complaints} complaints of "
                "find.", expected="every folder read", observed=in_line(side.troubles),
                fix="Let the check run as root ('sudo: true'), with nobody writing, then run it again.",
            )  # fmt: skip
        if side.no_acl:
            yield cannot_tell(
                side.name, "The access lists could not be read.", expected="access lists of every entry",
                observed=side.no_acl, fix="Install the package acl there, or say 'acl: false'.",
            )  # fmt: skip
        beyond = [path for path in side.crossings if not permitted(path, allowed)]
        if beyond:
            yield cannot_tell(
                side.name, f"Other file systems are mounted below {_place(side)}, and were not looked into.",
                expected="one file system", observed=in_line(beyond),
                fix="Compare each by a check of its own, and name it in 'allowed' here.",
            )  # fmt: skip


def _differing(seen: FilesSeen, max_delta: float) -> Iterable[Finding]:
    here, there = seen.source, seen.target
    unproven = {name for name, side in (("missing", there), ("extra", here)) if side.troubles}
    counts = {group: count for group, count in seen.counts if group not in unproven}
    total = sum(counts.values())
    share = 100.0 * total / here.entries
    beyond = share > max_delta
    measure = Measure(
        name="entries that differ", value=share, unit="%", fail=max_delta, source="max_delta of the project"
    )
    expected = f"at most {max_delta:g} % of {here.entries} entries"
    for group, count in seen.counts:
        says, todo = _SAYS[group]
        words = {"are": "is", "have": "has", "belong": "belongs"} if count == 1 else {}
        text = says.format(
            n=f"{count} {'entry' if count == 1 else 'entries'}", target=safe(there.name),
            **{word: words.get(word, word) for word in ("are", "have", "belong")},
        )  # fmt: skip
        observed = in_line(f"{one.path}: {one.what}" for one in _first(seen.differing, group))
        fix = todo.format(source=safe(here.name), target=safe(there.name)) + _ALLOW
        if group in unproven:
            fix = "Let the other side be read whole first ('sudo: true')."
            yield cannot_tell(
                there.name, f"{text}, or could not be seen.", expected=expected, observed=observed, fix=fix
            )
        elif beyond:
            yield failed(there.name, f"{text}.", expected=expected, observed=observed, fix=fix)
        else:
            yield warned(there.name, f"{text}.", expected=expected, observed=observed, fix=fix)
    if seen.unlisted and not beyond:
        yield cannot_tell(
            there.name, "More differs than could be listed, so how much is not known.", expected=expected,
            observed=f"{total} entries, and {seen.unlisted} groups of entries that were not looked into",
            fix="Copy again, or compare the folders below by checks of their own.",
        )  # fmt: skip
    elif seen.unlisted:
        yield failed(
            there.name, "More differs than could be listed.", expected=expected,
            observed=f"{total} entries, and {seen.unlisted} groups of entries that were not looked into",
            fix="Mend what is named above first, then run it again.",
        )  # fmt: skip
    if seen.restless:
        yield cannot_tell(
            there.name, "The trees changed while they were read: what differed was alike a moment later.",
            expected=expected, observed="digests that differ, entries that do not",
            fix="Stop what writes on either server, then run it again.",
        )  # fmt: skip
    elif not total and not seen.unlisted and not unproven & {group for group, _ in seen.counts}:
        same = f"{here.files} files, {here.folders} folders, {here.links} links, {here.bytes} bytes"
        also = f"; {seen.allowed} differences are allowed" if seen.allowed else ""
        if here.entries > seen.allowed:
            yield passed(
                there.name, f"Every entry of {_place(here)} is there with the same properties{also}.",
                expected=same, observed=f"{there.files} files, {there.folders} folders, {there.links} links, "
                f"{there.bytes} bytes ({there.allocated} on disk, {here.allocated} on {safe(here.name)})",
                measure=measure,
            )  # fmt: skip
        else:
            yield cannot_tell(
                there.name, "Every entry differs and every difference is allowed: nothing was proven.",
                expected=same, observed=f"{seen.allowed} allowed differences", fix="Allow fewer differences.",
            )  # fmt: skip


_ALLOW = " If it is meant to be so, name it in 'allowed'."


def _first(differing: Sequence[Differing], group: Group) -> list[Differing]:
    return [one for one in differing if one.group == group][:8]


def _sample(seen: FilesSeen, sample_files: int) -> Iterable[Finding]:
    if not sample_files or not seen.population:
        return
    there = seen.target.name
    expected = f"the same content as on {safe(seen.source.name)}, seed {safe(seen.seed)}"
    wanted = min(sample_files, seen.population)
    same = [one for one in seen.sample if one.outcome == "same"]
    differs = [one for one in seen.sample if one.outcome == "differs"]
    rest = [one for one in seen.sample if one.outcome in ("unreadable", "changing")]
    if differs:
        yield failed(
            there, f"{len(differs)} of {len(seen.sample)} random files have another content, with "
            "the same size and time of change.", expected=expected,
            observed=in_line(one.path for one in differs),
            fix="Copy them again by content (rsync -a --checksum); test disk and memory of both servers.",
        )  # fmt: skip
    if rest:
        yield cannot_tell(
            there, f"{len(rest)} of {len(seen.sample)} random files could not be compared.",
            expected=expected,
            observed=in_line(f"{one.path}: {one.why}" for one in rest),
            fix="Let the check run as root ('sudo: true'), with nobody writing, then run it again.",
        )  # fmt: skip
    if not seen.sample:
        yield cannot_tell(
            there, "No content was compared: every file that was drawn differs already, or may.",
            expected=expected, observed=f"0 of {wanted} random files",
            fix="Mend the differences first, or allow fewer of them.",
        )  # fmt: skip
    elif same and not differs and not rest:
        yield passed(
            there, f"{len(same)} random files have the same content.", expected=expected,
            observed=f"{len(same)} of {seen.population} files alike by SHA-256",
        )  # fmt: skip


def _place(side: Side) -> str:
    return f"{safe(side.path, limit=300)} on {safe(side.name)}"
