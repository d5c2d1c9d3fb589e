"""The verdict on a database: what is not as on the source, and whether replication runs and keeps up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from checks.judging import cannot_tell, failed, passed, warned, within
from checks.safe import in_line, safe
from checks.server._database_seen import KINDS, DatabaseSeen, Side, Table
from checks.server._parity import Difference, differences, parity_findings
from checks.words import Finding, Measure

GROUPS = (
    ("tables", ("table",)),
    (
        "definitions",
        ("columns", "index", "constraint", "view", "function", "trigger", "event", "foreign_table"),
    ),
    ("sequences", ("sequence",)),
    ("settings and extensions", ("extension", "schema", "setting")),
    ("accounts", ("role",)),
)  # fmt: skip


def judge_database(
    seen: DatabaseSeen, *, allowed: tuple[str, ...], max_lag: float | None, globs: tuple[str, ...]
) -> Iterator[Finding]:
    """Return the findings that follow from what was seen."""
    subject = f"{safe(seen.database, limit=80)} on {seen.target.host}"
    yield from _replication(seen, subject, max_lag)
    source = seen.source
    if source is None:
        return
    where = f"{safe(seen.source_database, limit=80)} on {source.host}"
    if source.server == seen.target.server and seen.source_database == seen.database:
        yield cannot_tell(
            subject, "Source and target are one and the same server, so the comparison proves nothing.",
            expected="two servers", observed=f"{source.host} and {seen.target.host} reach the same one",
            fix="Give the old server's own address as 'source', not a name that leads to the new one.",
        )  # fmt: skip
        return
    for side in (source, seen.target):
        for unseen in side.unseen:
            yield cannot_tell(
                f"{subject}: {side.host}", unseen, observed="not visible",
                fix="Let the check log in with an account that may: 'login', 'as_user' or 'defaults_file'.",
            )  # fmt: skip
    yield _version(source, seen.target, subject)
    if not source.tables:
        yield cannot_tell(
            subject, "There are no tables to be compared on the source.",
            expected=f"tables like {in_line(globs)}" if globs else "at least one table",
            observed=f"none in {where}", fix="Correct the names of the source's database or of 'tables'.",
        )  # fmt: skip
        return
    if not any(table.rows for table in source.tables):
        yield cannot_tell(
            subject, "No table on the source holds a row, so that equal tables say nothing of the data.",
            expected="at least one row on the source",
            observed=f"{len(source.tables)} empty tables in {where}",
            fix="See whether 'source' still holds the data, or was emptied or made anew; correct "
            "'source_database' or 'tables'.",
        )  # fmt: skip
    moving = {old.name for old, new in _pairs(source.tables, seen.again) if old != new}
    yield from _moving(seen, moving, subject)
    sides = [_flat(side, moving) for side in (source, seen.target)]
    _follow(sides[0], sides[1], source, seen.target)
    for things, kinds in GROUPS:
        old, new = (_of(side, kinds) for side in sides)
        if things == "definitions" and source.version != seen.target.version:
            old, new = _presence(old, new)
        patterns = tuple(one for one in allowed if any(_meant(one, kind) for kind in kinds))
        if old:
            diff = differences(old, new, patterns)
            yield from parity_findings(
                diff, subject=subject, things=things, source=where, fix=_fix,
                extra="pass" if things == "accounts" else "warn",
            )  # fmt: skip


def _meant(pattern: str, kind: str) -> bool:
    return fnmatchcase(kind, pattern.partition(":")[0])


def known(pattern: str) -> bool:
    """Return whether a pattern of `allowed` can mean any difference of a database."""
    return ":" in pattern and any(_meant(pattern, kind) for kind in KINDS)


def _pairs(old: Iterable[Table], again: Iterable[Table]) -> Iterator[tuple[Table, Table | None]]:
    new = {table.name: table for table in again}
    if new:
        for table in old:
            yield table, new.get(table.name)


def _moving(seen: DatabaseSeen, moving: set[str], subject: str) -> Iterator[Finding]:
    target = {table.name: table for table in seen.target.tables}
    old = {table.name: table for table in seen.source.tables} if seen.source else {}
    new = {table.name: table for table in seen.again}
    for name in sorted(moving):
        here, before, after = target.get(name), old[name], new.get(name)
        expected = f"{before.shown}, then {after.shown if after else 'gone'}"
        subject_ = f"{subject}: table:{safe(name, limit=120)}"
        fix = (
            "Stop what writes into the source (freeze it), let the target catch up, and run the check again."
        )
        if here is not None and here in (before, after):
            yield warned(
                subject_, "It is the same as on the source, which was written to while they were compared.",
                expected=expected, observed=here.shown, fix=fix,
            )  # fmt: skip
        elif here is None:
            yield failed(
                subject_, "The table is missing here.", expected=expected, observed="missing", fix=_COPY
            )
        else:
            yield cannot_tell(
                subject_, "The source was written to while they were compared.", expected=expected,
                observed=here.shown, fix=fix,
            )  # fmt: skip


def _flat(side: Side, moving: set[str]) -> dict[str, str]:
    flat = {f"table:{table.name}": table.shown for table in side.tables if table.name not in moving}
    flat |= dict(side.objects)
    flat |= {f"sequence:{name}": f"last value {last}" for name, last, _ in side.sequences}
    return flat | {f"role:{name}": text for name, text in side.roles}


def _follow(old: dict[str, str], new: dict[str, str], source: Side, target: Side) -> None:
    """A sequence that is further on gives no number twice: take it as the same."""
    here = {name: last for name, last, _ in target.sequences}
    for name, last, step in source.sequences:
        now = here.get(name)
        ahead = now is not None and (last is None or (now >= last if step > 0 else now <= last))
        if ahead or (name in here and now is None and last is None):
            new[f"sequence:{name}"] = old[f"sequence:{name}"]


def _of(flat: Mapping[str, str], kinds: tuple[str, ...]) -> dict[str, str]:
    return {key: text for key, text in flat.items() if key.partition(":")[0] in kinds}


def _presence(old: dict[str, str], new: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Another version writes a definition in other words: all that is compared is that it is there."""
    return dict.fromkeys(old, "there"), dict.fromkeys(new, "there")


_COPY = (
    "Copy the table again (dump and restore it, or resynchronise the replication), and run the check again."
)


def _fix(one: Difference) -> str:
    kind = one.key.partition(":")[0]
    todo = {
        "table": _COPY if one.kind != "extra" else "Drop it here if nobody needs it",
        "sequence": "Set it on by setval() to at least the source's value: else numbers are given twice",
        "role": "Create the account here with the same attributes (pg_dumpall -r, SHOW CREATE USER)",
        "extension": "Install and create the extension here in the same version",
        "setting": "Create the database anew with this setting, and restore into it",
    }.get(kind, "Create it here as on the source")
    return f"{todo.removesuffix('.')}; or allow the difference: allowed: ['{safe(one.key, limit=300)}']."


def _version(source: Side, target: Side, subject: str) -> Finding:
    old, new = f"{source.product} {source.version}", f"{target.product} {target.version}"
    if source.product != target.product:
        return warned(
            subject, "The target is another product than the source.", expected=old, observed=new,
            fix="Test the application against it, above all its dates, collations and SQL modes.",
        )  # fmt: skip
    if _number(target.version) < _number(source.version):
        return failed(
            subject, "The target is older than the source: what the source writes it may not read.",
            expected=f"at least {old}", observed=new, fix="Install at least the source's version.",
        )  # fmt: skip
    return passed(subject, "The version is not below the source's.", expected=f"at least {old}", observed=new)


def _number(version: str) -> tuple[int, ...]:
    major, _, minor = version.partition(".")
    return tuple(int(part) if part.isdecimal() else 0 for part in (major, minor))


def _replication(seen: DatabaseSeen, subject: str, max_lag: float | None) -> Iterator[Finding]:
    links = seen.target.replication
    for link in links:
        where = f"{subject}: {link.name}"
        if not link.running:
            judged = warned if link.sends else failed
            yield judged(
                where, "Replication has stopped." if not link.sends else "Replication is not streaming.",
                expected="running", observed=link.detail,
                fix="Look into the log of the receiving server, mend the cause, and start it again.",
            )  # fmt: skip
        else:
            yield passed(where, "Replication runs.", expected="running", observed=link.detail)
    if max_lag is None:
        return
    if not links:
        blind = [one for one in seen.target.unseen if "replication" in one]
        if blind:
            yield cannot_tell(
                subject, blind[0], expected="replication", observed="not visible",
                fix="Let the account see it, or name another by 'login' or 'defaults_file'.",
            )  # fmt: skip
        else:
            yield failed(
                subject, "Nothing is replicated here, neither received nor sent.", expected="replication",
                observed="none", fix="Set up the replication, or take 'max_lag' away.",
            )  # fmt: skip
    for link in links:
        if not link.running:
            continue
        lag = _lag(seen, link.lag_s, sends=link.sends)
        where = f"{subject}: {link.name}"
        fix = "Wait until it has caught up; if it does not, look for a long query or a slow disk there."
        if lag is None:
            yield cannot_tell(
                where, "How far it is behind is not known.", expected=f"at most {max_lag:g} s",
                observed="unknown", fix="Give the 'source' too, so that its position can be compared.",
            )  # fmt: skip
        else:
            yield within(
                where, Measure(name="replication lag", value=round(lag, 3), unit="s", fail=max_lag,
                               source="max_lag"), fix=fix,
            )  # fmt: skip


def _lag(seen: DatabaseSeen, told: float | None, *, sends: bool) -> float | None:
    """Return the lag; a standby that replayed all that the source had written before has none.

    A standby counts from the last transaction that it replayed: while the source is idle, that grows.
    """
    source, target = seen.source, seen.target
    if sends:
        return 0.0 if told is None and target.product == "PostgreSQL" else told
    if source is not None and source.position is not None and target.position is not None:
        return 0.0 if target.position >= source.position else told
    return told
