"""MTA-STS: the TXT record, the policy file, and which hosts it allows (RFC 8461 sections 3 and 4). Pure.

Read as a sender must: names of fields in their exact case, the first of a field that is there twice, unknown
fields ignored, and a policy that breaks the syntax is no policy.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, get_args

from checks.dataclass import dataclass

Mode = Literal["enforce", "testing", "none"]
MAX_POLICY = 65536
"""Bytes of a policy that a sender need take (section 3.3)."""
MAX_AGE = 31557600
MAX_HOSTS = 200
_RECORD = "v=STSv1;"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}\Z")
_VALUE = re.compile(r"[\x21-\x3a\x3c\x3e-\x7e]+\Z")
_ID = re.compile(r"[A-Za-z0-9]{1,32}\Z")
_AGE = re.compile(r"[0-9]{1,10}\Z")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\Z")
_BLANK = " \t"


@dataclass(frozen=True, slots=True, kw_only=True)
class StsRecord:
    """A TXT record as a sender reads it; with `problem` it counts as none."""

    id: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StsPolicy:
    """A policy as a sender reads it; with `problem` it counts as none. `flaws` do not make it void.

    `hosts` are the patterns of `mx` in lower case. Texts are raw.
    """

    mode: Mode | None = None
    max_age: int = 0
    hosts: tuple[str, ...] = ()
    problem: str = ""
    flaws: tuple[str, ...] = ()


def records_of(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the TXT values that are MTA-STS records, and those that were meant to be (section 3.1)."""
    found = [text for text in texts if text.startswith(_RECORD)]
    meant = [
        text for text in texts
        if text not in found and re.match(r"[\s\"']{0,8}v\s{0,8}=\s{0,8}stsv1", text[:40], re.IGNORECASE)
    ]  # fmt: skip
    return found, meant


def read_record(text: str) -> StsRecord:
    """Return what one record says."""
    fields = [field.strip(_BLANK) for field in text.split(";")]
    if fields[-1] == "":
        fields.pop()
    if not fields or fields[0] != "v=STSv1":
        return StsRecord(problem="it does not begin with v=STSv1;")
    ids: list[str] = []
    for field in fields[1:]:
        name, mark, value = field.partition("=")
        if not mark or not _NAME.match(name) or not _VALUE.match(value):
            return StsRecord(problem=f"{field[:60]!r} is not a field")
        if name == "id":
            ids.append(value)
    if not ids:
        return StsRecord(problem="it has no id")
    if len(ids) > 1:
        return StsRecord(problem="it has more than one id")
    if not _ID.match(ids[0]):
        return StsRecord(problem=f"its id {ids[0][:60]!r} is not 1 to 32 letters and digits")
    return StsRecord(id=ids[0])


def read_policy(body: bytes) -> StsPolicy:
    """Return what a policy file says."""
    if len(body) > MAX_POLICY:
        return StsPolicy(problem=f"it is larger than {MAX_POLICY} bytes")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return StsPolicy(problem="it is not UTF-8 text")
    values: dict[str, str] = {}
    hosts: list[str] = []
    flaws: list[str] = []
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    for number, raw in enumerate(lines, 1):
        line = raw.removesuffix("\r").rstrip(_BLANK)
        if not line:
            _say(flaws, f"line {number} is empty")
            continue
        name, mark, value = line.partition(":")
        value = value.lstrip(_BLANK)
        if not mark or not _NAME.match(name) or not value or not _plain(value):
            return StsPolicy(
                problem=f"line {number}, {line[:60]!r}, is not 'name: value'", flaws=tuple(flaws)
            )
        if name == "mx":
            if not is_pattern(value):
                return StsPolicy(
                    problem=f"the mx {value[:80]!r} is not a host or *.domain", flaws=tuple(flaws)
                )
            hosts.append(value.lower())
        elif name not in values:
            values[name] = value
        elif values[name] != value:
            _say(flaws, f"{name} is there twice; the first counts")
        if name.lower() != name and name.lower() in ("version", "mode", "max_age", "mx"):
            _say(flaws, f"{name} is not {name.lower()}: the case matters, and it is ignored")
    problem = _missing(values, hosts)
    if problem:
        return StsPolicy(problem=problem, flaws=tuple(flaws))
    max_age = int(values["max_age"])
    if max_age > MAX_AGE:
        _say(flaws, f"max_age {max_age} is above the maximum of {MAX_AGE}")
    mode: Mode = values["mode"]  # type: ignore[assignment]
    if len(hosts) > MAX_HOSTS:
        _say(flaws, f"only {MAX_HOSTS} of {len(hosts)} mx lines were read")
    return StsPolicy(
        mode=mode, max_age=min(max_age, MAX_AGE), hosts=tuple(dict.fromkeys(hosts[:MAX_HOSTS])),
        flaws=tuple(flaws),
    )  # fmt: skip


def _missing(values: dict[str, str], hosts: list[str]) -> str:
    if values.get("version") != "STSv1":
        return f"its version is {values.get('version', 'missing')[:40]!r}, not 'STSv1'"
    mode = values.get("mode")
    if mode not in get_args(Mode):
        return f"its mode is {(mode or 'missing')[:40]!r}, not enforce, testing or none"
    if not _AGE.match(values.get("max_age", "")):
        return f"its max_age is {values.get('max_age', 'missing')[:40]!r}, not a number of seconds"
    return "it names no mx" if not hosts and mode != "none" else ""


def is_pattern(text: str) -> bool:
    """Return whether `text` is a host, or `*.` and a domain: a star for the left-most label only."""
    labels = text.removeprefix("*.").split(".")
    return len(text) <= 253 and all(_LABEL.match(label) for label in labels)


def allows(pattern: str, host: str) -> bool:
    """Return whether a policy's mx pattern allows a host (section 4.1); a star stands for one label."""
    wanted, name = pattern.lower(), host.lower().removesuffix(".")
    if not wanted.startswith("*."):
        return wanted == name
    first, mark, rest = name.partition(".")
    return bool(first and mark) and rest == wanted[2:]


def _plain(value: str) -> bool:
    return not any(char < " " or char == "\x7f" for char in value)


def _say(flaws: list[str], text: str) -> None:
    if len(flaws) < 10:
        flaws.append(text)
