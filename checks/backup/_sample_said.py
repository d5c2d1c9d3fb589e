"""What a restored sample says of rung 5, in words."""

from __future__ import annotations

from checks.backup._ladder import SAMPLE, Compared, Sample
from checks.backup._walk import Walk
from checks.safe import safe

_AGAINST = {
    "live": "live files that have not changed since", "manifest": "the manifest", "canary": "the canary",
    "nothing": "nothing",
}  # fmt: skip


def tell(walk: Walk, sample: Sample, wrong_place: str, missing: int) -> None:
    """Tell `walk` of rung 5. `missing`: so many files of the manifest are not in the backup at all."""
    rows: dict[str, list[Compared]] = {}
    for row in sample.files:
        rows.setdefault(row.outcome, []).append(row)
    same, skipped = len(rows.get("same", ())), len(rows.get("skipped", ()))
    how = f"restore of random files, compared with {_AGAINST[sample.against]}"
    drawn = f"{sample.population:,} files to draw from, seed {safe(sample.seed, limit=64)}"
    if skipped:
        drawn += f", {skipped} passed over (first: {rows['skipped'][0].why.rstrip('.').lower()})"
    if sample.unaddressable:
        drawn += f", {sample.unaddressable} more with names that cannot be asked for"
    bad = [*rows.get("differs", ()), *rows.get("unreadable", ())]
    if bad or missing:
        told = [_bad(row) for row in bad[:3]]
        if missing:
            told.append(f"{missing} files of the manifest are not in the backup.")
        walk.failed(
            SAMPLE, how, f"{len(bad)} of {len(bad) + same} files did not come back as they were ({drawn}). "
            f"{' '.join(told)}",
            "Do not rely on this backup: make a new one, and try these files from an earlier one by hand.",
        )  # fmt: skip
    elif rows.get("doubtful"):
        doubtful = rows["doubtful"]
        walk.unknown(
            SAMPLE, how, f"{len(doubtful)} files came back other than the live ones are, which were touched "
            f"since the backup (first: {doubtful[0].path}); {same} came back the same ({drawn}).",
            "Compare such a file by hand: its copy is damaged, or the live one was replaced and kept its "
            "date. A 'manifest' or a 'canary' leaves no doubt.",
        )  # fmt: skip
    elif same:
        walk.proven(SAMPLE, how, f"{same} of {same} files came back as they were ({drawn}).")
    elif sample.against == "nothing" and skipped:
        walk.unknown(
            SAMPLE, how, f"{skipped} files came back, and nothing was named to compare them with.",
            "Name what they must be: 'live' (where the files lie today), a 'manifest' or a 'canary'.",
        )  # fmt: skip
    else:
        walk.unknown(
            SAMPLE, how, f"No file could be compared ({drawn}).",
            f"See whether {wrong_place} is right, or plant a 'canary', back it up and run the check again.",
        )  # fmt: skip


def _bad(row: Compared) -> str:
    if row.outcome == "differs":
        return f"{row.path} differs: {row.sha256[:16]}... came back, {row.expected[:16]}... was expected."
    return f"{row.path}: {row.why}"
