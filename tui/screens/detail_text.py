"""What the page of one check says beyond its row: past, evidence, what its type proves. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from agent.board import Board, Row, rows
from agent.story import Series, Story, range_in_words, sparkline
from agent.watch import View
from checks.docs import TypeDoc
from checks.words import Result, Status, span
from tui.text import sign
from tui.widgets.detail import IN, look_of, when
from tui.widgets.paper import BLANK, Para, Part, para
from tui.widgets.raw import pretty

LETTERS = {
    Status.PASS: "P", Status.WARN: "W", Status.FAIL: "F", Status.INCONCLUSIVE: "I", Status.BLOCKED: "B",
}  # fmt: skip
_LOUD = {Status.WARN: "warn", Status.FAIL: "fail", Status.INCONCLUSIVE: "inconclusive", Status.BLOCKED: "dim"}
"""No look for a pass: one of the past proves nothing now."""
MOST_NOTES = 30


def row_of(view: View, check: str, milestone: str = "") -> Row | None:
    """Return the row of one check, in the gate of `milestone`, else of its own, else of the first with it."""
    planned = view.picture.plan.by_id.get(check)
    if planned is None:
        return None
    found: Row | None = None
    for verdict in view.picture.verdicts:
        here = verdict.milestone.id
        if found is not None and here not in (milestone, planned.milestone):
            continue
        item = next((item for item in verdict.standings if item.check == check), None)
        if item is not None:
            made = rows(view.picture, dataclasses.replace(verdict, standings=(item,)))
            found = made[0] if made else found
            if here == milestone:
                break
    if found is None:
        others = Board().everything(view.picture, lambda name: name == planned.milestone)
        found = next((row for row in others if row.id == check), None)
    return found


def elsewhere(view: View, row: Row, *, still: bool = False) -> Iterator[Para]:
    """Return how the check stands in other gates that look at it, where that differs."""
    parts: list[Part] = []
    for verdict in view.picture.verdicts:
        for item in verdict.standings:
            if item.check == row.id and item.standing is not row.standing:
                look = look_of(view, item.standing, still=still)
                parts += [(f"{verdict.milestone.id} ", ""), (sign(item.standing), look), ("  ", "")]
    if parts:
        yield para(*parts, label="Gates", indent=IN)


def past(view: View, story: Story) -> Iterator[Para]:
    """Return the strip of past executions and since when there is trouble."""
    if not story.past:
        return
    strip: list[Part] = [(LETTERS[status], _LOUD.get(status, "")) for status in story.statuses]
    yield para(*strip, (f"  last {len(story.past)}, oldest left", "dim"), label="History", indent=IN)
    said = []
    if story.last_pass is not None:
        said.append(f"last pass {when(story.last_pass, view)}")
    if story.first_trouble is not None:
        known = "first trouble" if story.last_pass is not None else "never passed, as far as is told, since"
        said.append(f"{known} {when(story.first_trouble, view)}")
    if story.redefined is not None:
        said.append(f"its definition was changed {when(story.redefined, view)}")
    if said:
        yield para(("; ".join(said), "dim"), indent=IN)


def values(story: Story) -> Iterator[Para]:
    """Return the measured values over time."""
    shown = [series for series in story.series if any(value is not None for value in series.values)]
    if shown:
        yield BLANK
        yield para(("MEASURED, oldest left", "title"))
    for series in shown:
        yield para(f"{sparkline(series.values)}  {_named(series)}", indent=2)


def _named(series: Series) -> str:
    return f"{series.name}: {range_in_words(series)}"


def changed(view: View, story: Story) -> Iterator[Para]:
    """Return what is not as it was at the last pass."""
    if not story.changed or story.last_pass is None:
        return
    yield BLANK
    yield para((f"CHANGED since it passed, {when(story.last_pass, view)}", "title"))
    for item in story.changed:
        yield para((item.subject, "bold"))
        yield para(item.before or "(not there)", label="Before", indent=IN)
        yield para(item.after or "(nothing was seen of it)", label="Now", indent=IN)


def evidence(view: View, seq: int, result: Result) -> Iterator[Para]:
    """Return the notes that the check wrote while it looked, and where the rest is."""
    zone = ZoneInfo(view.picture.plan.project.timezone)
    yield BLANK
    yield para(("EVIDENCE", "title"), ("  e: what was observed, in full", "dim"))
    for note in result.notes[:MOST_NOTES]:
        yield para((clock(note.at, zone), "dim"), f"  {note.text}")
    if len(result.notes) > MOST_NOTES:
        yield para((f"... and {len(result.notes) - MOST_NOTES} more lines", "dim"))
    if not result.notes:
        yield para(("No lines were written while it was tested.", "dim"))
    tries = "1 attempt" if result.attempts == 1 else f"{result.attempts} attempts"
    yield para(
        (f"run {result.run}, entry {seq} of the ledger, {tries}, took {span(result.duration_s)}", "dim")
    )


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """Return a time of evidence: `18:18:03.114`."""
    local = moment.astimezone(zone)
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03}"


def evidence_lines(seq: int, result: Result, zone: ZoneInfo) -> Iterator[str]:
    """Yield everything that a result holds as raw lines: it may be megabytes."""
    begun = result.started.astimezone(zone)
    yield (
        f"{result.check}: {result.status.value}, begun {begun:%Y-%m-%d} {clock(result.started, zone)} "
        f"{begun:%Z}, run {result.run}, from {result.vantage}, entry {seq} of the ledger"
    )
    yield ""
    yield f"OBSERVATION ({result.type})"
    yield from pretty(result.observation) if result.observation is not None else ("Nothing was observed.",)
    yield ""
    yield f"NOTES ({len(result.notes)})"
    for note in result.notes:
        head = clock(note.at, zone)
        for line in note.text.split("\n"):
            yield f"{head}  {line}"
            head = " " * len(head)
    yield ""
    yield f"FINDINGS ({len(result.findings)})"
    for finding in result.findings:
        yield from pretty(finding.as_json())


def explained(doc: TypeDoc | str | None) -> Iterator[Para]:
    """Return what the check's type proves and cannot prove, or why nobody can say."""
    if doc is None:
        return
    yield BLANK
    if isinstance(doc, str):
        yield para(("WHAT IT PROVES", "title"))
        yield para((doc, "inconclusive"))
        return
    yield para((f"WHAT {doc.type} PROVES", "title"), ("  o: all of it", "dim"))
    yield para(doc.claim)
    if doc.proves:
        yield para(doc.proves, label="Proves", indent=IN)
    if doc.cannot_prove:
        yield para(doc.cannot_prove, label="Cannot", indent=IN)


def reference(row: Row, doc: TypeDoc | str | None) -> Iterator[Para]:
    """Return the reference text: sources of the findings, and all that the type says of itself."""
    yield para(("REFERENCE", "title"), (f"  {row.planned.type}", "bold"))
    said = row.told.findings if row.told is not None else ()
    for named in dict.fromkeys(finding.reference for finding in said if finding.reference):
        yield para(named, label="Finding", indent=IN)
    if doc is None:
        yield para(("Reading what the check type says ...", "dim"))
        return
    if isinstance(doc, str):
        yield para((doc, "inconclusive"))
        return
    for label, text in (
        ("Claim", doc.claim), ("", doc.text), ("Proves", doc.proves), ("Cannot", doc.cannot_prove),
        ("If it fails", doc.if_it_fails), ("Source", doc.source),
    ):  # fmt: skip
        if text:
            yield para(text, label=label, indent=IN)
    yield para(row.planned.place or "-", label="Written in", indent=IN)
    yield BLANK
    yield para(("PARAMETERS", "title"))
    for field in doc.fields:
        need = "required" if field.required else "optional"
        yield para((field.name, "bold"), f"  {field.type}, {need}")
        yield para(field.text, indent=2)
    if doc.example:
        yield BLANK
        yield para(("EXAMPLE", "title"))
        yield para(doc.example)
