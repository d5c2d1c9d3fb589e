"""One check as far as it is at hand without reading anything: beside the list, and the top of its page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from agent.board import Row
from agent.plan import Party
from agent.story import number
from agent.verdict import Standing
from agent.watch import View
from checks.words import Finding, Measure, Status, rank, span
from tui.text import sign
from tui.widgets.paper import BLANK, Paper, Para, Part, para

IN = 11
"""Cells that the column of labels takes."""
MOST_FINDINGS = 20
NOT_COUNTED = (Standing.STALE, Standing.NOT_RUN)
"""The result that there may be is not one that counts: nothing of it may look like a pass."""


class DetailPane(Paper):
    """Shows the row under the cursor."""

    def show_row(self, view: View, row: Row | None, *, still: bool = False) -> None:
        """Show `row` as it stands in `view`; None is an empty list. `still` is of a moment that is over."""
        if row is None:
            self.put([para(("No check is selected.", "dim"))])
            return
        before = self.paras[0] if self.paras else None
        made = [
            *about(view, row, still=still),
            BLANK,
            para(("enter: evidence, history and explanation", "dim")),
        ]
        self.put(made, top=before is not None and before.parts[1:] != made[0].parts[1:])


def about(view: View, row: Row, *, still: bool = False) -> Iterator[Para]:
    """Return what the row says: status, expected, observed, what is wrong, whom to call."""
    yield from head(view, row, still=still)
    yield from findings(row, muted=still or muted(view, row), most=MOST_FINDINGS)
    yield BLANK
    yield from seen(view, row)


def muted(view: View, row: Row) -> bool:
    """Return whether findings are what was said once and not what counts now."""
    return bool(view.problems) or row.standing in NOT_COUNTED


def head(view: View, row: Row, *, still: bool = False) -> Iterator[Para]:
    """Return what the check is, how it stands, and expected against observed."""
    yield heading(view, row, still=still)
    for problem in view.problems:
        yield para((f"Cannot tell how it stands now: {problem}", "inconclusive"))
    if row.planned.title and row.planned.title != row.id:
        yield para(row.planned.title)
    yield para(row.planned.target or "-", label="Target", indent=IN)
    need = "required" if row.required else "advisory: it does not count for the gate"
    yield para(f"{row.planned.milestone}, {need}", label="Milestone", indent=IN)
    yield from standing(view, row)
    yield from blocked(view, row, still=still)
    yield from waiver(view, row)
    yield from call(row.owner)


def look_of(view: View, standing: Standing, *, still: bool) -> str:
    """Return the look of a standing: under a problem, and when it stands still, no pass looks like one."""
    if view.problems:
        return "inconclusive"
    return "dim" if still and standing is Standing.PASS else standing.value


def heading(view: View, row: Row, *, still: bool = False) -> Para:
    """Return the line with sign, word and id."""
    look = look_of(view, row.standing, still=still)
    mark: list[Part] = [(sign(row.standing), look), (f"  {row.id}", "bold")]
    if row.waiver is not None:
        mark.append(("  WAIVED", "waived"))
    return para(*mark)


def standing(view: View, row: Row) -> Iterator[Para]:
    """Return why no result counts, or what was expected and seen."""
    if row.standing in NOT_COUNTED:
        if row.told is None:
            yield para("It was never run: nothing is known about it.", label="Observed", indent=IN)
            return
        yield para((row.reason or row.standing.value, row.standing.value), label="Why", indent=IN)
        yield para(
            (f"The result of {when(row.finished, view)} said {row.told.status.value}:", "dim"), indent=IN
        )
    first = row.worst
    if first is None:
        if row.told is not None and not row.told.blocked_by:
            yield para("It ended without a finding, so nothing is proven.", label="Observed", indent=IN)
        return
    if first.expected:
        yield para(first.expected, label="Expected", indent=IN)
    if first.observed:
        yield para(first.observed, label="Observed", indent=IN)


def blocked(view: View, row: Row, *, still: bool = False) -> Iterator[Para]:
    """Return the cause that keeps the check from being tried, and how that stands."""
    cause = row.told.blocked_by if row.told is not None else None
    if not cause:
        return
    parts: list[Part] = [(cause, "bold")]
    how = standing_of(view, cause)
    if how is not None:
        parts += [("  ", ""), (sign(how), look_of(view, how, still=still))]
    elif cause not in view.picture.plan.by_id:
        parts.append(("  (no check of the plan: this laptop, or one that was removed)", "dim"))
    yield para(*parts, label="Waits for", indent=IN)


def standing_of(view: View, check: str) -> Standing | None:
    """Return how another check stands: at its own milestone, or at the first whose gate looks at it."""
    planned = view.picture.plan.by_id.get(check)
    if planned is None:
        return None
    found = None
    for verdict in view.picture.verdicts:
        if found is None or verdict.milestone.id == planned.milestone:
            item = next((item for item in verdict.standings if item.check == check), None)
            found = item.standing if item is not None else found
    return found


def findings(row: Row, *, muted: bool, most: int, everything: bool = False) -> Iterator[Para]:
    """Return the findings, worst first; without `everything` those that passed are left out."""
    if row.told is None:
        return
    said = sorted(row.told.findings, key=lambda item: rank(item.status))
    shown = [item for item in said if everything or item.status is not Status.PASS]
    for place, item in enumerate(shown[:most]):
        yield BLANK
        yield from finding(item, muted=muted, repeat=place > 0)
    if len(shown) > most:
        yield para((f"... and {len(shown) - most} more findings", "dim"))


def finding(item: Finding, *, muted: bool, repeat: bool) -> Iterator[Para]:
    """Return one finding; without `repeat` expected and observed stand above it already."""
    look = "dim" if muted else item.status.value
    yield para((sign(Standing(item.status.value)), look), "  ", (item.subject, "bold"))
    yield para(item.message)
    if repeat and item.expected:
        yield para(item.expected, label="Expected", indent=IN)
    if repeat and item.observed:
        yield para(item.observed, label="Observed", indent=IN)
    if item.measure is not None:
        yield para(measured(item.measure), label="Measured", indent=IN)
    if item.fix:
        yield para(item.fix, label="Fix", indent=IN)
    if item.reference:
        yield para((item.reference, "dim"), label="Reference", indent=IN)


def measured(item: Measure) -> str:
    """Return a number with its unit, its limits and where they come from."""
    said = f"{item.name} {quantity(item.value, item.unit)}"
    limits = []
    if item.warn is not None:
        limits.append(f"good to {quantity(item.warn, item.unit)}")
    if item.fail is not None:
        limits.append(f"tolerable to {quantity(item.fail, item.unit)}")
    if not limits:
        return f"{said} (no limit)"
    return f"{said} ({', '.join(limits)}{f'; limits: {item.source}' if item.source else ''})"


def quantity(value: float, unit: str) -> str:
    """Return `140 ms`; a value that is no number, which a plugin may have stored, as it is."""
    known = number(value)
    return f"{value if known is None else f'{known:.6g}'} {unit}".strip()


def waiver(view: View, row: Row) -> Iterator[Para]:
    """Return the accepted risk that is in force, by whom and until when."""
    if row.waiver is None:
        return
    until = when(row.waiver.expires, view)
    yield para(
        (f"until {until}", "waived"), f", by {row.waiver.author}, approved by {row.waiver.approver}",
        label="Waived", indent=IN,
    )  # fmt: skip
    yield para(row.waiver.reason, indent=IN)
    more = [f"risk {row.waiver.risk}"] if row.waiver.risk else []
    more += [f"ticket {row.waiver.ticket}"] if row.waiver.ticket else []
    if more:
        yield para((", ".join(more), "dim"), indent=IN)


def call(owner: Party | None) -> Iterator[Para]:
    """Return whom to call."""
    if owner is not None:
        said = "  ".join(part for part in (owner.name, owner.phone, owner.email) if part)
        yield para(said or owner.id, label="Call", indent=IN)
        if owner.note:
            yield para((owner.note, "dim"), indent=IN)


def seen(view: View, row: Row) -> Iterator[Para]:
    """Return when and from where the result was seen."""
    if row.told is None or row.finished is None:
        return
    place = getattr(row.told, "vantage_name", "")
    said = f"{when(row.finished, view)}, {age(row.finished, view.picture.now)}"
    yield para(said, *([f", from {place}"] if place else []), label="Seen", indent=IN)


def age(moment: datetime, now: datetime) -> str:
    """Return `4 min ago`; a time to come says so."""
    seconds = (now - moment).total_seconds()
    return f"{span(int(seconds))} ago" if seconds >= 0 else f"{span(int(-seconds))} in the future"


def when(moment: datetime | None, view: View) -> str:
    """Return a time of the project's zone: `18:13:53 CET`, with the day if it is not today's."""
    if moment is None:
        return "an unknown time"
    zone = ZoneInfo(view.picture.plan.project.timezone)
    local = moment.astimezone(zone)
    if local.date() == view.picture.now.astimezone(zone).date():
        return f"{local:%H:%M:%S %Z}"
    return f"{local:%a} {local.day} {local:%b %Y %H:%M:%S %Z}"
