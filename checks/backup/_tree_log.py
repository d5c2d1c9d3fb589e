"""The logs of rsync and rsnapshot: when their last runs began and how they ended."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from checks.dataclass import dataclass

Ended = Literal["success", "failure", "unfinished"]
_RSYNC = re.compile(r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(\d{1,10})\] (.{0,2000})")
_RSNAPSHOT = re.compile(
    r"\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\] (.{1,500}?): (started|completed.{0,60}|ERROR.{0,200})\s*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRun:
    """One run: when it began and ended by the host's local time, as its log writes it."""

    name: str
    """The interval of rsnapshot (`daily`), or the process of rsync."""
    began: str
    ended: str
    outcome: Ended
    told: str = ""


def runs(lines: Iterable[str]) -> list[LogRun]:
    """Return the runs that a log of rsync (`--log-file`) or rsnapshot tells of, the newest last."""
    found: dict[str, LogRun] = {}
    done: list[LogRun] = []
    for line in lines:
        if match := _RSNAPSHOT.fullmatch(line):
            _rsnapshot(match[1], match[2].rpartition(" ")[2], match[3], found, done)
        elif match := _RSYNC.fullmatch(line):
            _rsync(match[1], match[2], match[3], found, done)
    return sorted([*done, *found.values()], key=lambda run: run.began)


def _rsnapshot(at: str, name: str, word: str, found: dict[str, LogRun], done: list[LogRun]) -> None:
    if word == "started":
        if name in found:
            done.append(found.pop(name))
        found[name] = LogRun(name=name, began=at, ended=at, outcome="unfinished")
        return
    run = found.get(name)
    if run is None:
        return
    if word.startswith("ERROR"):
        found[name] = LogRun(name=name, began=run.began, ended=at, outcome="failure", told=word)
        return
    good = word == "completed successfully" and run.outcome != "failure"
    del found[name]
    done.append(
        LogRun(
            name=name, began=run.began, ended=at, outcome="success" if good else "failure",
            told=run.told or word,
        )
    )  # fmt: skip


def _rsync(at: str, process: str, text: str, found: dict[str, LogRun], done: list[LogRun]) -> None:
    if text.startswith(("building file list", "receiving file list")) and process in found:
        done.append(found.pop(process))
    run = found.get(process) or LogRun(name=process, began=at, ended=at, outcome="unfinished")
    outcome, told = run.outcome, run.told
    if text.startswith(("rsync error:", "rsync: ")):
        outcome, told = "failure", told or text
    elif re.match(r"sent [\d,.KMG]+ bytes  received [\d,.KMG]+ bytes", text) and outcome != "failure":
        outcome = "success"
    found[process] = LogRun(name=process, began=run.began, ended=at, outcome=outcome, told=told)
