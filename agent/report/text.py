"""What a person reads: milestones with their verdicts, then what stands in the way, worst first."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from agent.engine.run import VANTAGE
from agent.plan import Party, Plan, PlannedCheck
from agent.report import accepted
from agent.report.accepted import Became
from agent.report.going_on import cut_off, running_lines
from agent.report.picture import Picture, Told
from agent.report.style import SIGNS, Style
from agent.switch_port import switch_port
from agent.verdict import GOES, MilestoneVerdict, Standing
from checks.safe import safe
from checks.words import WORST_FIRST, Finding, Status, rank, span

_INDENT = 9
_VERDICT = 10
_NAMES_SHOWN = 12
_COUNTED = (*(Standing(status.value) for status in WORST_FIRST), Standing.STALE, Standing.NOT_RUN)
_WAIVER_WORDS = {
    Became.COVERS: "W  WAIVED", Became.OVER: "~  WAIVER OVER", Became.NOT_COVERING: "!! NOT WAIVED",
    Became.VOID: "!! WAIVER VOID", Became.GONE: "~  WAIVER OF NOTHING",
}  # fmt: skip
"""Those that are replaced by a newer one, or that nothing needs, are left to the JSON."""
_WAIVER_COLOURS = {
    Became.COVERS: "warn", Became.OVER: "stale", Became.NOT_COVERING: "fail", Became.VOID: "fail",
    Became.GONE: "stale",
}  # fmt: skip


def report(picture: Picture, style: Style, *, everything: bool = False) -> str:
    """Return the whole report; with `everything` the checks that passed are listed too."""
    lines: list[str] = []
    lines += _head(picture, style)
    for item in picture.verdicts:
        lines += _milestone(picture, item, style)
    lines += _causes(picture, style)
    lines += _waivers(picture, style)
    if everything:
        lines += _passes(picture, style)
    lines += _tail(picture, style)
    return "\n".join(lines) + "\n"


def when(moment: datetime, zone: str) -> str:
    """Return a time as people of the project say it: `Fri 4 Dec 2026 18:00 CET`."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b %Y %H:%M %Z}"


def _head(picture: Picture, style: Style) -> Iterator[str]:
    project = picture.plan.project
    title = safe(project.name)
    if project.customer and project.customer not in project.name:
        title += f" - {safe(project.customer)}"
    yield style.paint(title, "bold")
    if project.cutover:
        moment = f"{when(project.cutover, project.timezone)} ({_distance(project.cutover, picture.now)})"
        yield from _wrapped(f"cutover {moment}", style, "", "  ")
    run = picture.run
    if run is not None:
        seen = f"run {run.id} from {safe(run.vantage.name)}"
        if run.vantage.addresses:
            seen += f" ({', '.join(run.vantage.addresses[:3])})"
        if run.finished is not None:
            seen += f", {span((run.finished - run.started).total_seconds())}"
        elif cut_off(run, picture):
            seen += ", cut off before its end"
        yield from _wrapped(seen, style, "", "")
        port = switch_port(picture.results.values(), run.vantage)
        if port is not None:
            yield from _wrapped(f"this laptop: {safe(port.shown(picture.now))}", style, "", "  ")
        for limit in run.vantage.limits:
            yield from _wrapped(f"this laptop: {safe(limit)}", style, "", "  ")
    for line in running_lines(picture):
        yield from _wrapped(line, style, "", "  ")
    yield ""


def _milestone(picture: Picture, item: MilestoneVerdict, style: Style) -> Iterator[str]:
    milestone = item.milestone
    verdict = style.paint(f"{item.verdict.value:<{_VERDICT}}", item.verdict.value)
    yield f"{verdict} {style.paint(safe(milestone.title), 'bold')}"
    lines = [_counts(item)]
    if milestone.due is not None:
        due = when(milestone.due, picture.plan.project.timezone)
        lines.insert(0, f"due {due} ({_distance(milestone.due, picture.now)})")
    if item.until is not None and (milestone.due or picture.plan.project.cutover):
        lines.append(_until(item.until, milestone.due, picture))
    owner = picture.plan.party(milestone.owner)
    if owner is not None and item.verdict not in GOES:
        lines.append(f"owner {_party(owner)}")
    lines += [
        safe(reason)
        for reason in item.reasons
        if reason.partition(":")[0] not in picture.plan.by_id or "waived until" in reason
    ]
    lines += _signature(picture, milestone.id)
    for line in lines:
        yield from _wrapped(line, style, " " * (_VERDICT + 1), " " * (_VERDICT + 3))
    yield ""


def _signature(picture: Picture, milestone: str) -> Iterator[str]:
    """Say who signed the milestone last, and whether that counts."""
    signed = accepted.signed(picture, milestone)
    if signed is None:
        return
    said = signed.decision
    who = f"{said.by} and {said.second}" if said.second else said.by
    text = f"signed {signed.decided} by {who} on {when(said.at, picture.plan.project.timezone)}"
    if signed.against:
        text += f", against the rules, which said {said.verdict}"
    elif said.verdict != signed.decided:
        text += f" (the rules said {said.verdict})"
    yield safe(text, limit=500)
    if signed.why:
        yield safe(f"that signature does not count: {signed.why}")
    if said.note:
        yield safe(f"note: {said.note}", limit=600)


def _waivers(picture: Picture, style: Style) -> Iterator[str]:
    """List the waivers that somebody may count on, and those that they count on in vain."""
    zone = picture.plan.project.timezone
    for told in accepted.waivers(picture):
        waiver, word = told.waiver, _WAIVER_WORDS.get(told.became)
        if word is None or not told.matters:
            continue
        end = f"until {when(waiver.expires, zone)} ({_distance(waiver.expires, picture.now)})"
        if told.became is Became.OVER:
            end = f"ended {when(waiver.expires, zone)} ({_distance(waiver.expires, picture.now)})"
        soon = ": it ends soon, mend it or have it accepted anew" if told.ends_soon else ""
        yield from _begun(word, _WAIVER_COLOURS[told.became], f"{safe(waiver.check)}  {end}{soon}", style)
        if told.why:
            yield from _labelled("but", safe(told.why, limit=300), style)
        what = f"{waiver.standing or 'whatever it is'}, at {waiver.risk} risk"
        yield from _labelled("accepted", safe(what, limit=200), style)
        people = f"{waiver.author}, approved by {waiver.approver}"
        yield from _labelled("by", safe(people, limit=300), style)
        yield from _labelled("reason", safe(waiver.reason, limit=600), style)
        if waiver.ticket:
            yield from _labelled("ticket", safe(waiver.ticket, limit=200), style)
        yield ""


def _until(until: datetime, due: datetime | None, picture: Picture) -> str:
    """Say how long a GO lasts without another run, and whether that is long enough."""
    zone = picture.plan.project.timezone
    said = f"holds until {when(until, zone)} ({_distance(until, picture.now)})"
    return f"{said}: run it again before it is due" if due is not None and picture.now < due > until else said


def _counts(item: MilestoneVerdict) -> str:
    required = [standing for standing in item.standings if standing.required]
    met = sum(1 for standing in required if standing.standing is Standing.PASS)
    words = [f"{met} of {len(required)} required checks pass"]
    for kind in (
        Standing.FAIL,
        Standing.INCONCLUSIVE,
        Standing.BLOCKED,
        Standing.STALE,
        Standing.NOT_RUN,
        Standing.WARN,
    ):
        count = sum(1 for standing in required if standing.standing is kind)
        if count:
            words.append(f"{count} {kind.value}")
    return ", ".join(words)


def _causes(picture: Picture, style: Style) -> Iterator[str]:
    blocks: dict[str, list[str]] = {}
    for name in picture.shown:
        result = picture.results.get(name)
        if result is not None and result.blocked_by:
            blocks.setdefault(result.blocked_by, []).append(name)
    standings = picture.standings()
    troubled = [
        result
        for name in picture.shown
        if (result := picture.results.get(name)) is not None
        and result.status not in (Status.PASS, Status.BLOCKED)
    ]
    for result in sorted(troubled, key=lambda item: (rank(item.status), not _required(picture, item))):
        yield from _trouble(picture, result, blocks.pop(result.check, []), style)
    for cause, names in blocks.items():
        words = "this laptop has no link" if cause == VANTAGE else f"{cause} did not pass"
        yield from _group("blocked", f"{len(names)} blocked: {words}", names, style)
    for kind in (Standing.STALE, Standing.NOT_RUN):
        for reason, names in _by_reason(picture, kind, standings).items():
            title = f"{len(names)} {kind.value}" + (f": {reason}" if reason not in ("", kind.value) else "")
            yield from _group(kind.value, title, names, style)


def _by_reason(picture: Picture, kind: Standing, standings: Mapping[str, Standing]) -> dict[str, list[str]]:
    """Return the names of the checks that stand so, by the reason that a gate gives."""
    given: dict[str, str] = {}
    for verdict in picture.verdicts:
        for item in verdict.standings:
            if item.standing is kind:
                given.setdefault(item.check, item.reason)
    found: dict[str, list[str]] = {}
    for name in picture.shown:
        if standings.get(name) is kind:
            found.setdefault(given.get(name, ""), []).append(name)
    return found


def _trouble(picture: Picture, result: Told, blocks: list[str], style: Style) -> Iterator[str]:
    planned = picture.plan.by_id.get(result.check)
    sign = SIGNS[result.status.value]
    advisory = "" if _required(picture, result) else "  (advisory)"
    head = f"{sign}  {result.check}  {safe(result.target, limit=120)}{advisory}"
    first, *more = _wrapped(head, style, "", " " * _INDENT)
    rest = first[len(sign) :].replace(result.check, style.paint(result.check, "bold"), 1)
    yield style.paint(sign, result.status.value) + rest
    yield from more
    if planned is not None and planned.type != "manual":
        yield from _labelled("claim", safe(planned.title, limit=300), style)
    findings = [finding for finding in result.findings if finding.status is not Status.PASS]
    findings.sort(key=lambda item: rank(item.status))
    for finding, after in pairwise((*findings, None)):
        assert finding is not None
        yield from _finding(finding, result, style)
        if finding.fix and (after is None or after.fix != finding.fix):
            yield from _labelled("fix", safe(finding.fix), style)
    if blocks:
        yield from _labelled("blocks", _names(blocks), style)
    party = _to_call(picture.plan, planned)
    if party is not None and result.status in (Status.FAIL, Status.INCONCLUSIVE):
        yield from _labelled("call", _party(party), style)
    yield ""


def _required(picture: Picture, result: Told) -> bool:
    """Return whether the plan requires the check now; the result may be from when it did not."""
    planned = picture.plan.by_id.get(result.check)
    return planned.required if planned is not None else result.required


def _finding(finding: Finding, result: Told, style: Style) -> Iterator[str]:
    subject = "" if finding.subject in (result.target, "") else f"{finding.subject}: "
    milder = f"({finding.status}) " if finding.status is not result.status else ""
    yield from _wrapped(milder + safe(subject + finding.message), style, " " * _INDENT, " " * _INDENT)
    if finding.expected:
        yield from _labelled("expected", safe(finding.expected, limit=600), style)
    if finding.observed:
        yield from _labelled("observed", safe(finding.observed, limit=600), style)


def _passes(picture: Picture, style: Style) -> Iterator[str]:
    for name, standing in picture.standings().items():
        result = picture.results.get(name)
        if result is not None and standing is Standing.PASS:
            sign = style.paint(SIGNS["pass"], "pass")
            seen = next((finding.observed for finding in result.findings if finding.observed), "")
            yield f"{sign}  {result.check}  {safe(result.target, limit=60)}  {safe(seen, limit=60)}".rstrip()
    yield ""


def _tail(picture: Picture, style: Style) -> Iterator[str]:
    counts = Counter(picture.standings().values())
    words = [f"{counts[kind]} {kind.value}" for kind in _COUNTED if counts[kind]]
    if picture.plan.left_out:
        words.append(f"{len(picture.plan.left_out)} left out by the project")
    if picture.run is not None and picture.run.outcome == "cancelled":
        yield style.paint(
            "The run was stopped before its end; what it did not reach reads as not run.", "inconclusive"
        )
    if picture.lost:
        why = next(iter(picture.lost.values()))
        yield from _wrapped(
            f"{_count(len(picture.lost), 'result')} could not be stored and cannot count: {safe(why)}",
            style,
            "",
            "  ",
        )
    verdict = picture.verdict.value
    yield from _begun(verdict, verdict, f"{_count(len(picture.shown), 'check')}: {', '.join(words)}", style)


def _group(name: str, title: str, names: list[str], style: Style) -> Iterator[str]:
    yield from _begun(SIGNS[name], name, safe(title), style)
    yield from _wrapped(_names(names), style, " " * _INDENT, " " * _INDENT)
    yield ""


def _begun(word: str, colour: str, text: str, style: Style) -> Iterator[str]:
    """Yield lines that begin with a word in a colour of its own."""
    first, *more = _wrapped(f"{word}  {text}", style, "", " " * _INDENT)
    yield style.paint(word, colour) + first[len(word) :]
    yield from more


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _names(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _NAMES_SHOWN} more" if len(listed) > _NAMES_SHOWN else ""
    return ", ".join(listed[:_NAMES_SHOWN]) + more


def _to_call(plan: Plan, planned: PlannedCheck | None) -> Party | None:
    return plan.party(planned.owner) if planned is not None else None


def _party(party: Party) -> str:
    return safe(", ".join(part for part in (party.name, party.phone, party.email, party.note) if part))


def _labelled(label: str, text: str, style: Style) -> Iterator[str]:
    yield from _wrapped(text, style, f"{'':{_INDENT}}{label:<9} ", " " * (_INDENT + 10))


def _wrapped(text: str, style: Style, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text, style.width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    ) or [first.rstrip()]


def _distance(moment: datetime, now: datetime) -> str:
    seconds = (moment - now).total_seconds()
    return f"in {span(seconds)}" if seconds >= 0 else f"{span(-seconds)} ago"
