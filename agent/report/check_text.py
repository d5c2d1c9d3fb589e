"""One check as a person reads it: how it stands, what was seen, its past, what changed since it passed."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from agent.board import Row, badness
from agent.plan import Party
from agent.report.check import CheckPicture
from agent.report.style import SIGNS, Style
from agent.report.text import when
from agent.story import MARKS, number, range_in_words, short, sparkline
from agent.verdict import Standing
from checks.safe import safe
from checks.words import Finding, Measure, Status, rank, span

LETTERS = {
    Status.PASS: "P", Status.WARN: "W", Status.FAIL: "F", Status.INCONCLUSIVE: "I", Status.BLOCKED: "B",
}  # fmt: skip
_NOT_COUNTED = (Standing.STALE, Standing.NOT_RUN)
_MOST_FINDINGS, _MOST_NOTES, _TEXT = 50, 50, 2000


def check_report(told: CheckPicture, style: Style, *, marks: str = MARKS) -> str:
    """Return all of it but the explanation of its type; `marks` draw the measured values."""
    page = _Page(told, style, marks)
    lines: list[str] = []
    for part in (page.head(), page.findings(), page.seen(), page.evidence(), page.past(), page.changed()):
        made = list(part)
        lines += [*made, ""] if made else []
    return "\n".join(lines)


class _Page:
    def __init__(self, told: CheckPicture, style: Style, marks: str) -> None:
        self.told, self.style, self.marks = told, style, marks
        self.zone = told.picture.plan.project.timezone

    def head(self) -> Iterator[str]:
        planned = self.told.planned
        row = min(self.told.rows, key=badness)
        sign = SIGNS[row.standing.value]
        yield f"{self.style.paint(sign, row.standing.value)}  {self.style.paint(safe(planned.id), 'bold')}"
        yield from self._line("claim", planned.title)
        yield from self._line("target", planned.target or "-")
        yield from self._line("type", f"{planned.type}, written at {planned.place}")
        for row in self.told.rows:
            yield from self._gate(row)
        party = self.told.picture.plan.party(planned.owner)
        if party is not None:
            yield from self._line("call", _party(party))

    def _gate(self, row: Row) -> Iterator[str]:
        need = "required" if row.required else "advisory"
        where = f"{row.gate}, {need}: " if row.gate else ""
        yield from self._line("gate", f"{where}{SIGNS[row.standing.value]}" + _because(row))
        waiver = row.waiver
        if waiver is not None:
            until = when(waiver.expires, self.zone)
            yield from self._line(
                "waived", f"until {until} by {waiver.approver}, asked by {waiver.author}: {waiver.reason}"
                f" (risk: {waiver.risk}{f', {waiver.ticket}' if waiver.ticket else ''})",
            )  # fmt: skip
        if row.judged.uncovered:
            yield from self._line("waiver", row.judged.uncovered)

    def findings(self) -> Iterator[str]:
        result = self.told.result
        if result is None:
            yield "It was never run: nothing is known about it."
            return
        if all(row.standing in _NOT_COUNTED for row in self.told.rows):
            yield "What follows was seen once and does not count now."
        if result.blocked_by:
            yield from self._line("blocked", f"it waits for {result.blocked_by}")
        found = sorted(result.findings, key=lambda finding: rank(finding.status))
        for finding in found[:_MOST_FINDINGS]:
            yield from self._finding(finding)
        if len(found) > _MOST_FINDINGS:
            yield f"... and {len(found) - _MOST_FINDINGS} more findings: --json has all."
        if not found and not result.blocked_by:
            yield "It ended without a finding."

    def _finding(self, finding: Finding) -> Iterator[str]:
        sign = SIGNS[finding.status.value]
        first, *more = self._wrapped(f"{sign}  {finding.subject}: {finding.message}", "", "    ")
        yield self.style.paint(sign, finding.status.value) + first[len(sign) :]
        yield from more
        if finding.expected:
            yield from self._line("expected", finding.expected, 4)
        if finding.observed:
            yield from self._line("observed", finding.observed, 4)
        if finding.measure is not None:
            yield from self._line("measured", measured(finding.measure), 4)
        if finding.fix:
            yield from self._line("fix", finding.fix, 4)
        if finding.reference:
            yield from self._line("see", finding.reference, 4)

    def seen(self) -> Iterator[str]:
        result, known = self.told.result, self.told.known
        if result is None or known is None:
            return
        age = span(abs((self.told.picture.now - known.finished).total_seconds()))
        word = "ago" if known.finished <= self.told.picture.now else "in the future"
        tries = "1 attempt" if result.attempts == 1 else f"{result.attempts} attempts"
        yield from self._line(
            "seen", f"{when(known.finished, self.zone)} ({age} {word}) from {result.vantage}, "
            f"{tries}, took {span(result.duration_s)}",
        )  # fmt: skip
        yield from self._line("kept", f"run {result.run}, entry {known.seq} of the ledger")

    def evidence(self) -> Iterator[str]:
        result = self.told.result
        if result is None or not result.notes:
            return
        yield self.style.paint("Evidence", "bold")
        for note in result.notes[:_MOST_NOTES]:
            yield from self._wrapped(f"{_clock(note.at, self.zone)}  {note.text}", "  ", " " * 16)
        if len(result.notes) > _MOST_NOTES:
            yield f"  ... and {len(result.notes) - _MOST_NOTES} more lines: --json has all."

    def past(self) -> Iterator[str]:
        story = self.told.story
        if not story.past:
            return
        yield self.style.paint("History", "bold")
        strip = "".join(LETTERS[status] for status in story.statuses)
        yield from self._wrapped(f"{strip}  last {len(story.past)}, oldest left", "  ", "  ")
        if story.last_pass is not None:
            yield f"  last pass      {when(story.last_pass, self.zone)}"
        if story.first_trouble is not None:
            known = "" if story.last_pass is not None else " or before: it never passed since"
            yield f"  first trouble  {when(story.first_trouble, self.zone)}{known}"
        if story.redefined is not None:
            yield f"  its definition was changed before {when(story.redefined, self.zone)}"
        for series in story.series:
            yield from self._wrapped(f"{series.name}: {range_in_words(series)}", "  ", "    ")
            yield f"    |{sparkline(series.values, self.marks)}|"

    def changed(self) -> Iterator[str]:
        story = self.told.story
        if not story.changed or story.last_pass is None:
            return
        yield self.style.paint("Changed since it passed", "bold")
        for item in story.changed:
            yield from self._wrapped(item.subject, "  ", "  ")
            yield from self._line("then", item.before or "(not there)", 4)
            yield from self._line("now", item.after or "(nothing was seen of it)", 4)

    def _line(self, label: str, text: str, indent: int = 2) -> Iterator[str]:
        yield from self._wrapped(text, f"{'':{indent}}{label:<9} ", " " * (indent + 10))

    def _wrapped(self, text: str, first: str, rest: str) -> list[str]:
        return textwrap.wrap(
            safe(text, limit=_TEXT), self.style.width, initial_indent=first, subsequent_indent=rest,
            break_on_hyphens=False,
        ) or [first.rstrip()]  # fmt: skip


def measured(measure: Measure) -> str:
    """Return a number with its unit, its limits and where they come from; raw text."""
    value = number(measure.value)
    said = (
        f"{measure.name} {short(value)} {measure.unit}" if value is not None else f"{measure.name}: no value"
    )
    limits = [
        f"{word} {short(limit)} {measure.unit}".rstrip()
        for word, limit in (("warn", number(measure.warn)), ("fail", number(measure.fail)))
        if limit is not None
    ]
    if limits:
        said += f"; limits {', '.join(limits)}"
    return said + (f" ({measure.source})" if measure.source else "")


def _because(row: Row) -> str:
    return f", {row.reason}" if row.reason and row.reason != row.standing.value else ""


def _party(party: Party) -> str:
    return ", ".join(part for part in (party.name, party.phone, party.email, party.note) if part)


def _clock(moment: datetime, zone: str) -> str:
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03}"
