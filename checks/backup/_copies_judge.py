"""The verdict on the copies: which count, why others do not, and what they make together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checks.backup._check import BackupCheck
from checks.backup._copies_seen import CopiesSeen, CopySeen
from checks.backup._copy import Copy
from checks.backup._independent import independent
from checks.backup._ladder import EXISTS, NAMES, BackupSeen
from checks.backup.snapshot import Snapshot
from checks.contract import Finding, Status
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.safe import in_line, safe
from checks.words import rank, span

REFERENCE = "3-2-1: three copies, two media, one off-site"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The declared copies, the checks that look at them, and how many of each kind are asked for."""

    copies: tuple[Copy, ...]
    lookers: dict[str, BackupCheck]
    least: dict[str, int]


class Judged:
    """Who counts: found once, used for the findings and for the summary."""

    def __init__(self, asked: Asked, seen: CopiesSeen) -> None:
        self.asked, self.seen = asked, seen
        self.by_name = {one.name: one for one in seen.copies}
        self.worst = {copy.name: self._worst(copy) for copy in asked.copies if copy.type}
        good = [copy for copy in asked.copies if self._good(copy)]
        keys = [self._keys(copy) for copy in good]
        first = next((index for index, copy in enumerate(good) if copy.production), None)
        self.good = good
        self.counted = tuple(good[index] for index in independent(keys, first))

    def _one(self, copy: Copy) -> CopySeen:
        return self.by_name.get(copy.name) or CopySeen(name=copy.name)

    def _backup(self, copy: Copy) -> BackupSeen | None:
        return self._one(copy).backup

    def _worst(self, copy: Copy) -> Finding | None:
        """Return the worst finding: the first says that the rung is not reached, the next says why."""
        backup = self._backup(copy)
        if backup is None:
            return None
        found = list(self.asked.lookers[copy.name].judge(backup))
        worst_first = sorted(found, key=lambda finding: rank(finding.status))
        if len(worst_first) > 1 and worst_first[0].status is worst_first[1].status is not Status.PASS:
            return worst_first[1]
        return worst_first[0] if worst_first else None

    def _rollback(self, copy: Copy) -> bool:
        looker = self.asked.lookers.get(copy.name)
        return isinstance(looker, Snapshot) and not looker.received

    def _good(self, copy: Copy) -> bool:
        if copy.production:
            return bool(self._one(copy).keys)
        found, backup = self.worst.get(copy.name), self._backup(copy)
        return (
            found is not None
            and backup is not None
            and found.status in (Status.PASS, Status.WARN)
            and backup.proof_level >= EXISTS
            and backup.age_s is not None
            and bool(self._one(copy).keys)
            and not self._rollback(copy)
        )

    def _keys(self, copy: Copy) -> frozenset[str]:
        own = frozenset(self._one(copy).keys)
        return own | {f"domain:{copy.domain}"} if copy.domain else own

    def summary(self) -> tuple[tuple[str, ...], int, str | None, float | None]:
        """Return the names of the copies that count, the least level, and the oldest's time and age."""
        backups = [backup for copy in self.counted if (backup := self._backup(copy))]
        names = tuple(copy.name for copy in self.counted)
        if not backups:
            return names, 0, None, None
        oldest = max(backups, key=lambda backup: backup.age_s or 0.0)
        return names, min(backup.proof_level for backup in backups), oldest.newest, oldest.age_s

    def findings(self) -> Iterator[Finding]:
        """Yield a finding for each copy, then those for all."""
        for copy in self.asked.copies:
            yield self._of(copy)
        yield from self._totals()

    def _of(self, copy: Copy) -> Finding:
        subject = f"copy {safe(copy.name)}"
        one, found, backup = self._one(copy), self.worst.get(copy.name), self._backup(copy)
        where = safe(f"{copy.medium} at {copy.location}")
        if copy in self.counted:
            if backup is None:
                return passed(subject, "The production data is one copy.", observed=where)
            level = f"level {backup.proof_level} ({_name(backup.proof_level)})"
            observed = f"{where}, {level}, {span(max(backup.age_s or 0.0, 0.0))} old"
            if found is not None and found.status is Status.WARN:
                return warned(
                    subject, f"It counts, with a warning: {found.message}", observed=observed, fix=found.fix
                )
            return passed(subject, "It counts.", observed=observed)
        if copy.production or not copy.type:
            return self._unproven(subject, copy, where)
        if found is None or backup is None:
            return cannot_tell(subject, "It was not looked at.", observed=where, fix="Run the check again.")
        if found.status in (Status.FAIL, Status.INCONCLUSIVE):
            make = failed if found.status is Status.FAIL else cannot_tell
            return make(
                subject, f"It does not count: {found.subject}: {found.message}",
                expected=found.expected, observed=f"{where}: {found.observed}", fix=found.fix,
            )  # fmt: skip
        if self._rollback(copy):
            return failed(
                subject, "It does not count: a snapshot on the same disks is no copy, but a rollback point.",
                observed=where, fix="Send it to another machine and declare that, with 'received: true'.",
            )  # fmt: skip
        if one.trouble or not one.keys:
            return cannot_tell(
                subject, f"It does not count: {one.trouble or 'where it lies is not known'}",
                observed=where, fix=one.fix or "Run the check again.",
            )  # fmt: skip
        return self._together(subject, copy, where)

    def _unproven(self, subject: str, copy: Copy, where: str) -> Finding:
        if copy.production:
            return cannot_tell(
                subject, "It is not known where the production data lies.", observed=where,
                fix="Name its 'host' under 'with'.",
            )  # fmt: skip
        return warned(
            subject, "It names no type of check, so that it is not proven and does not count.",
            observed=where, fix="Give it 'type' and 'with', or leave it out and attest it (type: manual).",
        )  # fmt: skip

    def _together(self, subject: str, copy: Copy, where: str) -> Finding:
        shared = {other.name: self._keys(copy) & self._keys(other) for other in self.counted}
        name = next((name for name, keys in shared.items() if keys), "another")
        what = in_line(sorted(shared.get(name, frozenset())))
        return failed(
            subject, f"It does not count beside {safe(name)}: both would fail together.",
            expected="another host, share and domain", observed=f"{where}; in common: {what}",
            fix="Keep it on another host, in the hands of another administrator.", reference=REFERENCE,
        )  # fmt: skip

    def _totals(self) -> Iterator[Finding]:
        open_ = tuple(
            copy for copy in self.asked.copies
            if copy not in self.counted and self._of(copy).status is Status.INCONCLUSIVE
        )  # fmt: skip
        now, at_best = _numbers(self.counted), _numbers((*self.counted, *open_))
        for what, number in now.items():
            least = self.asked.least[what]
            if not least:
                continue
            expected, observed = f"at least {least} {what}", f"{number}"
            if number >= least:
                yield passed(self.seen.host, f"Enough {what} count.", expected=expected, observed=observed)
            elif at_best[what] >= least:
                yield cannot_tell(
                    self.seen.host, f"Not enough {what} are proven.", expected=expected, observed=observed,
                    fix="See above what keeps a copy from being looked at.",
                )  # fmt: skip
            else:
                yield failed(
                    self.seen.host, f"Not enough {what} count.", expected=expected, observed=observed,
                    fix="Mend the copies that do not count, or make another one.", reference=REFERENCE,
                )  # fmt: skip
        if any(self._backup(copy) for copy in self.counted):
            return
        if any(not copy.production for copy in open_):
            yield cannot_tell(
                self.seen.host, "No backup is proven.", expected="a proven backup", observed="none",
                fix="See above what keeps a copy from being looked at.",
            )  # fmt: skip
        else:
            yield failed(
                self.seen.host, "No backup counts at all.", expected="a proven backup", observed="none",
                fix="Make one, or see above why none counts.", reference=REFERENCE,
            )  # fmt: skip


def _numbers(copies: Sequence[Copy]) -> dict[str, int]:
    return {
        "copies": len(copies),
        "media": len({copy.medium.lower() for copy in copies}),
        "off-site copies": sum(copy.offsite for copy in copies),
        "immutable copies": sum(copy.immutable for copy in copies),
    }


def _name(level: int) -> str:
    return NAMES[level] if 0 <= level < len(NAMES) else str(level)


def judge_copies(asked: Asked, seen: CopiesSeen) -> Judged:
    """Return the verdict on what was seen."""
    return Judged(asked, seen)
