"""What is filled in by a person: whether it says anything, names somebody, ends some day. Sentences if not.

Each function returns what is wrong as a full sentence, or an empty text.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta

from agent.accepted import CLOCK_TOLERANCE
from agent.files.times import moment, zone
from agent.persons import two_people, words
from agent.plan import Plan
from checks.safe import safe

MIN_REASON = 20
"""Characters that a waiver's reason needs: `ok` explains nothing to whoever reads the report in a year."""
MAX_DAYS = 400
"""How far away a waiver may end: what is accepted for longer belongs into the project file."""
MAX_TEXT, MAX_NAME, MAX_TICKET, MAX_ATTACHMENTS = 4000, 100, 200, 50
_MIN_LETTERS = 6
_REPEATS = ((re.compile(r"(.)\1{2,}"), r"\1\1"), (re.compile(r"(.{2,3}?)\1{2,}"), r"\1"),
            (re.compile(r"(.{4,60}?)\1+"), r"\1"))  # fmt: skip
_NOBODY = frozenset(
    {"todo", "tbd", "na", "none", "null", "unknown", "nobody", "anonymous", "yourname", "name"}
)
_SHA256 = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)
_ZONED = re.compile(r"(.*\d)\s*\b([A-Za-z]{3,5})\Z", re.ASCII)


def substance(text: str) -> int:
    """Return how many characters of `text` say something: without blanks, repeats and what cannot be seen."""
    said = " ".join(
        "".join(
            char if char.isspace() or unicodedata.category(char)[0] not in "CZ" else ""
            for char in unicodedata.normalize("NFKC", text[:MAX_TEXT])
        ).split()
    ).casefold()
    for repeats, once in _REPEATS:
        said = repeats.sub(once, said)
    letters = {char for char in said if char.isalpha()}
    return len(said.strip()) if len(letters) >= _MIN_LETTERS else 0


def reason(text: str, what: str) -> str:
    """Return what keeps `text` from being a reason; `what` begins the sentence."""
    if substance(text) < MIN_REASON:
        return f"{what} must tell whoever reads it in a year why, in at least {MIN_REASON} characters."
    return long(text, "The reason")


def long(text: str, what: str) -> str:
    """Return what is wrong with a text of some length; it may have lines and hostile characters."""
    if len(text) > MAX_TEXT:
        return f"{what} has at most {MAX_TEXT} characters; attach longer texts, or name where they are."
    return ""


def line(text: str, what: str, limit: int) -> str:
    """Return what is wrong with a text of one line."""
    if len(text) > limit:
        return f"{what} has at most {limit} characters."
    return _printable(text.strip(), what)


def _printable(text: str, what: str) -> str:
    if safe(text) != text:
        return f"{what} contains characters that cannot be seen: {safe(text, limit=80)}."
    return ""


def name_of(name: str, who: str) -> str:
    """Return why `name` names nobody; `who` is what the person does."""
    tidy = name.strip()
    if not tidy:
        return f"Say {who}."
    if len(tidy) > MAX_NAME:
        return f"A name has at most {MAX_NAME} characters."
    trouble = _printable(tidy, "The name")
    if trouble:
        return trouble
    told = "".join(words(tidy))
    if sum(map(str.isalpha, told)) < 2 or len(set(told)) < 2 or told in _NOBODY:
        return f"Say {who} by a name; '{tidy}' names nobody."
    return ""


def another(name: str, other: str, this: str, that: str) -> str:
    """Return why two names may be one person; nothing if the other names nobody."""
    if name_of(other, that) or two_people(name, other):
        return ""
    return (
        f"{this} must be another person than {that}; '{safe(name.strip(), limit=60)}' and "
        f"'{safe(other.strip(), limit=60)}' may be one. Write both names in full."
    )


def tidy(name: str) -> str:
    """Return a name as it is stored."""
    return " ".join(name.split())


def end(text: str, plan: Plan, now: datetime) -> tuple[datetime | None, str]:
    """Return the end of a waiver that begins now, and what is wrong with it."""
    if not text.strip():
        return None, "Say until when it is accepted, like 2026-12-06 06:00."
    try:
        ends = expiry(text, plan)
    except ValueError as error:
        return None, safe(str(error))
    from agent.report.text import when

    said = when(ends, plan.project.timezone)
    if ends <= now + CLOCK_TOLERANCE:
        return ends, f"A waiver ends in the future; {said} is over."
    if ends > now + timedelta(days=MAX_DAYS):
        return ends, (
            f"A waiver lasts at most {MAX_DAYS} days, and {said} is later: what is accepted for good belongs "
            "into the project file (without, or required: false)."
        )
    return ends, ""


def expiry(text: str, plan: Plan) -> datetime:
    """Return the instant that `text` means as the end of a waiver; raises ValueError with a full sentence."""
    return moment(_without_zone(text.strip()[:100], plan), zone(plan.project.timezone))


def _without_zone(text: str, plan: Plan) -> str:
    """Return a time without the abbreviation of the project's zone behind it, if it is the right one."""
    match = _ZONED.match(text)
    if match is None:
        return text
    bare, name = match[1], match[2].upper()
    if name in ("UTC", "GMT"):
        return f"{bare}Z"
    local = zone(plan.project.timezone)
    ends = moment(bare, local)
    expected = f"{ends.astimezone(local):%Z}"
    if name == expected:
        return bare
    raise ValueError(
        f"The time in {local.key} is then {expected}, not {name}: leave the zone out, or write the offset, "
        "like 2026-12-06 06:00+01:00."
    )


def attachments_of(attachments: tuple[tuple[str, str], ...]) -> str:
    """Return what is wrong with the names and hashes of the attachments."""
    if len(attachments) > MAX_ATTACHMENTS:
        return f"At most {MAX_ATTACHMENTS} files are attached to one statement; pack them into one."
    for name, digest in attachments:
        if not name.strip() or len(name) > 255 or not _SHA256.match(digest):
            return f"The attachment '{safe(name, limit=80)}' needs a file name and its SHA-256."
    return ""
