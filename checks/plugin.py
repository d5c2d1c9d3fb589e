"""plugin: an executable that follows the Monitoring Plugins guidelines."""

from __future__ import annotations

import errno
import locale
import math
import os
import shlex
import shutil
import sys
from collections.abc import Iterable
from dataclasses import field
from pathlib import Path
from typing import Annotated, ClassVar

from checks.bounds import Len
from checks.contract import CannotTell, Check, Finding, Measure, Status, Vantage
from checks.dataclass import dataclass
from checks.judging import cannot_tell, failed, passed, warned
from checks.params import Endpoint, SecretRef
from checks.safe import safe
from checks.wire.plugins import Datum, Range, parse_output
from checks.wire.process import MAX_OUTPUT, run

_GUIDELINES = "https://www.monitoring-plugins.org/doc/guidelines.html"
_WORDS = {0: "OK", 1: "WARNING", 2: "CRITICAL", 3: "UNKNOWN"}
_MAX_VALUES = 100
_FOLDERS = (
    "/usr/lib/nagios/plugins",
    "/usr/lib64/nagios/plugins",
    "/usr/lib/monitoring-plugins",
    "/usr/local/libexec/nagios",
    "/opt/homebrew/sbin",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginSeen:
    """How the program ended and what it wrote; `code` is None if a signal ended it.

    `encoding` is how the bytes were read: UTF-8, else this machine's own, else Latin-1, which loses nothing.
    `cut` says that the output was longer than 64 KB, so that the program was stopped.
    """

    program: str
    code: int | None
    signal: int | None
    stdout: str
    stderr: str
    encoding: str
    cut: bool
    duration_s: float


class Plugin(Check[PluginSeen]):
    """A Monitoring Plugin says that what it tests is OK.

    Proves: the program ran here, ended by itself with exit code 0 and said why.
    Cannot prove: more than the program itself tests. A program that says nothing has given no evidence, so
    exit 0 without a word is inconclusive, and so is a crash whose exit code happens to mean WARNING.
    If it fails: run the program by hand with the same arguments, and mend what it names.

    The program gets no shell, no standard input, at most 64 KB of output, and the locale C.UTF-8. A bare name
    is looked for in PATH and in the folders where distributions put plugins.

    Source: Monitoring Plugins Development Guidelines, sections "Plugin Return Codes", "Threshold and Ranges"
    and "Performance Data".

    Example:
        type: plugin
        command: [check_tcp, -H, 192.0.2.20, -p, "5432"]
        target: 192.0.2.20
    """

    deadline_s: ClassVar[float] = 30.0
    kind: ClassVar[str] = "process"

    command: Annotated[tuple[str, ...], Len(1)]
    """The program and its arguments, each an entry of its own; no shell reads them."""
    target: Endpoint | None = None
    """The host that the program tests, for the report; `localhost` where it tests this laptop only."""
    environment: dict[str, SecretRef] = field(default_factory=dict)
    """Further environment variables, each a reference to a secret: `{PGPASSWORD: env:DB_PASSWORD}`."""

    def __post_init__(self) -> None:
        if not self.command[0].strip():
            raise ValueError("The command must begin with a program.")
        if any("\0" in word for word in self.command):
            raise ValueError("The command must not contain NUL characters.")
        for name in self.environment:
            if not name or "=" in name or "\0" in name:
                raise ValueError(f"{name!r} is not the name of an environment variable.")

    def subject(self) -> str:
        return self.target or Path(self.command[0]).name

    async def observe(self, vantage: Vantage) -> PluginSeen:
        program = _find(self.command[0])
        env = os.environ | {"LC_ALL": "C.UTF-8"}
        env |= {name: vantage.secret(reference) for name, reference in self.environment.items()}
        try:
            ran = await run((program, *self.command[1:]), env=env)
        except OSError as error:
            raise _not_started(program, error) from error
        stdout, encoding = _decode(ran.stdout)
        return PluginSeen(
            program=program,
            code=ran.code,
            signal=ran.signal,
            stdout=stdout,
            stderr=_decode(ran.stderr)[0],
            encoding=encoding,
            cut=ran.cut,
            duration_s=round(ran.duration_s, 3),
        )

    def judge(self, seen: PluginSeen) -> Iterable[Finding]:
        subject = self.subject()
        by_hand = f"run it by hand: {safe(shlex.join((seen.program, *self.command[1:])), limit=300)}"
        trouble = _no_evidence(seen)
        output = parse_output(seen.stdout)
        said = safe(output.text or output.long_text, limit=300)
        if trouble:
            errors = safe(seen.stderr.strip(), limit=300)
            yield cannot_tell(
                subject,
                trouble,
                expected="exit code 0 and a line of text",
                observed=" ".join(filter(None, (_ending(seen), said, errors and f"stderr: {errors}"))),
                fix=f"Make the plugin work on this laptop; {by_hand}",
            )
            return
        assert seen.code is not None
        expected, observed = "exit code 0 (OK)", f"{_ending(seen)} {said}".strip()
        if seen.code == 0:
            yield passed(subject, "The plugin says OK.", expected=expected, observed=observed)
        else:
            word, tell = ("warns", warned) if seen.code == 1 else ("says CRITICAL", failed)
            fix = f"Mend what it names; {by_hand}"
            yield tell(subject, f"The plugin {word}.", expected=expected, observed=observed, fix=fix)
        for number, datum in enumerate(output.data):
            if datum.value is not None:
                about = f"{subject} {safe(datum.label, limit=80)}"
                finding = _value(about, datum, datum.value, seen.code, by_hand)
                if number < _MAX_VALUES or finding.status is not Status.PASS:
                    yield finding


def _find(program: str) -> str:
    """Return the path of `program`; raise CannotTell where there is none that may be run."""
    folders = os.pathsep.join((os.environ.get("PATH", os.defpath), *_FOLDERS))
    found = shutil.which(program, path=folders)
    if found:
        return found
    path = Path(program)
    if path.is_file():
        raise CannotTell(f"The plugin {program} is not executable.", f"Make it so: chmod +x {program}")
    raise CannotTell(
        f"The plugin {program} is not on this laptop.",
        "Install it (Debian, Ubuntu: apt install monitoring-plugins), or write its full path.",
    )


def _not_started(program: str, error: OSError) -> CannotTell:
    if error.errno == errno.ENOEXEC or getattr(error, "winerror", None) == 193:
        return CannotTell(
            f"The plugin {program} is no program that this system can run.",
            "Install the build for this system, or begin a script with its interpreter (#!/bin/sh).",
        )
    if isinstance(error, FileNotFoundError):
        return CannotTell(
            f"The interpreter that {program} names in its first line is not on this laptop.",
            "Install the interpreter, or name it in the command.",
        )
    return CannotTell(
        f"The plugin {program} cannot be started: {error.strerror or error}.",
        "See that this user may run it, and that the system has memory and processes left.",
    )


def _decode(data: bytes) -> tuple[str, str]:
    own = "oem" if sys.platform == "win32" else locale.getencoding()
    for encoding in ("utf-8", own):
        try:
            return data.decode(encoding), encoding
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("latin-1"), "latin-1"


def _no_evidence(seen: PluginSeen) -> str:
    """Return why this ending says nothing about the target, or an empty text."""
    if seen.cut:
        return f"The plugin wrote more than {MAX_OUTPUT // 1024} KB and was stopped."
    if seen.code is None:
        return f"The plugin was ended by signal {seen.signal}."
    if seen.code not in _WORDS:
        return f"The plugin ended with exit code {seen.code}, which means nothing for a plugin."
    if not any(char.isalnum() for char in seen.stdout):
        return "The plugin said nothing, so there is no evidence."
    if seen.code == 3:
        return "The plugin says UNKNOWN: it could not test it."
    if seen.code == 1 and "Traceback (most recent call last)" in seen.stderr:
        return "The plugin crashed; its exit code is not a warning."
    return ""


def _ending(seen: PluginSeen) -> str:
    if seen.code is None or seen.cut:
        return "stopped:" if seen.cut else f"signal {seen.signal}:"
    word = _WORDS.get(seen.code)
    return f"exit code {seen.code}{f' ({word})' if word else ''}:"


def _value(subject: str, datum: Datum, value: float, code: int, by_hand: str) -> Finding:
    """Return a finding for one value: no worse than the exit code, unless the plugin contradicts itself."""
    beyond = _alerted(datum.fail, value, Status.FAIL) or _alerted(datum.warn, value, Status.WARN)
    limits = "; ".join(
        f"{word} {limit}" for word, limit in (("warning", datum.warn), ("critical", datum.fail)) if limit
    )
    measure = Measure(
        name=safe(datum.label, limit=80), value=value, unit=safe(datum.unit, limit=20),
        warn=_limit(datum.warn), fail=_limit(datum.fail),
        source=f"the plugin's own limits: {limits}" if limits else "the plugin, without limits",
    )  # fmt: skip
    observed = f"{value:g} {measure.unit}".strip()
    if beyond is None:
        said = "is as the plugin wants it" if limits else "was measured by the plugin, which sets no limit"
        return passed(
            subject, f"{measure.name} {said}.", expected=limits, observed=observed,
            measure=measure,
        )  # fmt: skip
    message = f"{measure.name} is beyond the plugin's own limit"
    if code == 0:
        message += ", although its exit code says OK"
    return Finding(
        status=Status.FAIL if beyond is Status.FAIL and code == 2 else Status.WARN, subject=subject,
        message=f"{message}.", expected=limits, observed=observed, measure=measure, reference=_GUIDELINES,
        fix=f"Compare the value with its limit; {by_hand}",
    )  # fmt: skip


def _alerted(limit: Range | None, value: float, status: Status) -> Status | None:
    return status if limit is not None and limit.alerts(value) else None


def _limit(limit: Range | None) -> float | None:
    """Return the one bound of a range, where it has one bound that a number can be held against."""
    if limit is None or limit.inside:
        return None
    if limit.high != math.inf and limit.low in (0, -math.inf):
        return limit.high
    return limit.low if limit.high == math.inf and limit.low != -math.inf else None
