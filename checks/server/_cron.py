"""What a host does by itself at set times: cron, anacron, systemd timers, at; scheduled tasks of Windows.

The Windows script was never run on a real system.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from checks.dataclass import dataclass
from checks.remote.outcome import require
from checks.server._windows import rows, word, words
from checks.vantage import CannotTell
from checks.wire.ssh.command import PowerShell, Script
from checks.wire.ssh.remote import Remote

MAX_JOBS = 5000

JOBS = Script(
    "jobs",
    r"""
part() { printf '\0%s\0%s\0' "$1" "$2"; }
show() { if [ -r "$2" ]; then tr -d '\000' <"$2"; part "$1" "$2"; else printf denied; part unread "$2"; fi; }
[ -e /etc/debian_version ] && printf debian
part system x
[ -e /etc/crontab ] && show crontab /etc/crontab
[ -e /etc/anacrontab ] && show anacrontab /etc/anacrontab
for file in /etc/cron.d/*; do [ -f "$file" ] && show cron.d "$file"; done
for often in hourly daily weekly monthly; do
  for file in /etc/cron.$often/*; do
    [ -f "$file" ] || continue
    if [ -x "$file" ]; then printf 'x '; else printf '%s ' '-'; fi
    sha256sum -- "$file" 2>/dev/null | tail -c 200
    part "cron.$often" "$file"
  done
done
for place in /var/spool/cron/crontabs /var/spool/cron/tabs /var/spool/cron; do
  [ -d "$place" ] || continue
  if [ -r "$place" ] && [ -x "$place" ]; then
    for file in "$place"/*; do [ -f "$file" ] && show user "$file"; done
    printf read; part spool "$place"
  else
    printf denied; part unread "$place"
  fi
  break
done
if [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then
  systemctl show --no-pager --property=Id,Unit,TimersCalendar,TimersMonotonic,ActiveState \
    --property=UnitFileState,LoadState -- '*.timer'; part timers "$?"
fi
if command -v atq >/dev/null 2>&1; then atq 2>&1; part at "$?"; fi
found=no; seen=no
for file in /proc/[0-9]*/comm; do
  read -r name <"$file" 2>/dev/null || continue
  seen=yes
  case $name in cron|crond|fcron|systemd-cron) found=yes ;; esac
done
printf '%s %s' "$found" "$seen"; part daemon x
printf end
""",
)

WINDOWS = PowerShell(
    "scheduled tasks",
    """
$found = @(Get-ScheduledTask | Where-Object { $_.TaskPath -notlike '\\Microsoft\\*' } | ForEach-Object {
  $info = $_ | Get-ScheduledTaskInfo
  @{ name = $_.TaskPath + $_.TaskName; state = [string]$_.State; user = [string]$_.Principal.UserId
     actions = @($_.Actions | ForEach-Object { ([string]$_.Execute + ' ' + [string]$_.Arguments).Trim() })
     triggers = @($_.Triggers | ForEach-Object { $_.CimClass.CimClassName + ' ' + $_.StartBoundary })
     result = [string]$info.LastTaskResult } })
ConvertTo-Json -Compress -Depth 4 -InputObject $found
""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One thing that runs at set times. `dead` says why it never runs although it is written down."""

    key: str
    user: str
    command: str
    schedule: str
    place: str
    dead: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """The jobs of a host. `unread` are places that this account may not read; `daemon` whether cron runs."""

    name: str
    jobs: tuple[Job, ...]
    variables: tuple[tuple[str, str], ...] = ()
    """What crontabs set for their jobs, by a key of their own: PATH above all."""
    unread: tuple[str, ...] = ()
    daemon: bool | None = None
    windows: bool = False


async def read_jobs(remote: Remote, root: str) -> Jobs:
    """Return the jobs of a host."""
    if (await remote.facts()).dialect == "powershell":
        result = await remote.run(WINDOWS(timeout_s=90.0))
        return windows_jobs(require(result, remote), remote.name)
    return parse_jobs(require(await remote.run(JOBS(as_user=root)), remote), remote.name)


def parse_jobs(stdout: bytes, name: str) -> Jobs:
    """Return what the script told; raise CannotTell where its end is missing."""
    *parts, last = stdout.decode(errors="replace").split("\0")
    triples = list(zip(parts[::3], parts[1::3], parts[2::3], strict=False))
    if last != "end" or len(parts) % 3 or not triples or triples[0][1] != "system":
        raise CannotTell(f"{name} told only a part of its jobs.", "Run the check again.")
    debian = triples[0][0] == "debian"
    jobs: list[Job] = []
    variables: dict[str, str] = {}
    unread = [place for _, kind, place in triples if kind == "unread"]
    daemon: bool | None = None
    for text, kind, place in triples:
        own = place.rpartition("/")[2]
        if kind in ("crontab", "cron.d", "user"):
            dead = _ignored(kind, own, text, debian=debian)
            jobs += _table(text, place, variables, user=own if kind == "user" else "", dead=dead)
        elif kind == "anacrontab":
            jobs += _anacron(text, place)
        elif kind.startswith("cron."):
            jobs.append(_script(kind, own, text, debian=debian))
        elif kind == "timers":
            if place == "0":
                jobs += _timers(text)
            else:
                unread.append("systemd timers")
        elif kind == "at":
            if place == "0":
                jobs += _at(text)
            else:
                unread.append("at")
        elif kind == "daemon":
            daemon = True if text.startswith("yes") else False if text == "no yes" else None
    if len(jobs) > MAX_JOBS:
        raise CannotTell(f"{name} has more than {MAX_JOBS} jobs.", "Look at its crontabs by hand.")
    return Jobs(
        name=name, jobs=tuple(jobs), variables=tuple(sorted(variables.items())), unread=tuple(unread),
        daemon=daemon,
    )  # fmt: skip


_SAFE_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")
_LEFT_OVER = (".rpmsave", ".rpmorig", ".rpmnew", ".swp", ",v", "~", ".dpkg-old", ".dpkg-dist", ".dpkg-new")
_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,63})\s{0,20}=\s{0,20}(.{0,2000})\Z")
_FIELD = re.compile(r"[0-9A-Za-z*,/~-]{1,200}\Z")


def _ignored(kind: str, own: str, text: str, *, debian: bool) -> str:
    if kind == "cron.d" and (own.startswith(".") or own.endswith(_LEFT_OVER)):
        return "cron leaves out files of that name"
    if kind == "cron.d" and debian and not _SAFE_NAME.match(own):
        return "Debian's cron leaves out files whose name has a dot"
    return "its last line has no line break, so cron refuses the file" if text and text[-1] != "\n" else ""


def _table(text: str, place: str, variables: dict[str, str], *, user: str, dead: str) -> Iterator[Job]:
    """Return the jobs of a crontab(5); with `user` it has no column for one."""
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        given = _VARIABLE.match(line)
        if given and not line.startswith("@"):
            key = f"cronvar:{user or place}:{given[1]}"
            variables[key] = given[2].strip().strip("\"'")
            continue
        count = (1 if line.startswith("@") else 5) + (0 if user else 1)
        fields = line.split(None, count)
        wrong = len(fields) <= count or not (
            line.startswith("@") or all(_FIELD.match(field) for field in fields[:5])
        )
        if wrong:
            yield Job(
                key=_key(user or "?", line), user=user, command=line[:1000], schedule="", place=place,
                dead=dead or "cron cannot read the line",
            )  # fmt: skip
            continue
        who = user or fields[count - 1]
        command = fields[count].strip()
        yield Job(
            key=_key(who, command), user=who, command=command[:1000], place=place, dead=dead,
            schedule=" ".join(fields[: 1 if line.startswith("@") else 5]),
        )  # fmt: skip


def _key(user: str, command: str) -> str:
    """Return a job's key; of a long command a digest stands for the rest."""
    rest = hashlib.sha256(command.encode(errors="replace")).hexdigest()[:12]
    return f"job:{user}:{command}" if len(command) <= 200 else f"job:{user}:{command[:200]} [{rest}]"


def _anacron(text: str, place: str) -> Iterator[Job]:
    for raw in text.splitlines():
        fields = raw.strip().split(None, 3)
        if len(fields) == 4 and (fields[0].isdecimal() or fields[0].startswith("@")):
            yield Job(
                key=f"job:anacron:{fields[2]}", user="root", command=fields[3][:1000], place=place,
                schedule=f"every {fields[0]} days",
            )  # fmt: skip


def _script(kind: str, own: str, text: str, *, debian: bool) -> Job:
    runs, _, digest = text.partition(" ")
    dead = "" if runs == "x" else "it is not executable"
    if debian and not _SAFE_NAME.match(own):
        dead = "run-parts leaves out files whose name has a dot"
    elif own.startswith(".") or own.endswith(_LEFT_OVER):
        dead = "run-parts leaves out files of that name"
    return Job(
        key=f"job:{kind}/{own}", user="root", command=f"/etc/{kind}/{own}", place=f"/etc/{kind}", dead=dead,
        schedule=f"{kind.removeprefix('cron.')}, sha256 {digest[:16].strip() or 'unknown'}",
    )  # fmt: skip


_CALENDAR = re.compile(r"(On\w{1,40})=([^;]{0,400}?) ;")


def _timers(text: str) -> Iterator[Job]:
    for block in text.split("\n\n"):
        lines = [line.partition("=") for line in block.splitlines()]
        one = {key: value for key, _, value in lines}
        if not one.get("Id") or one.get("LoadState") != "loaded":
            continue
        times = sorted(
            f"{found[1]}={found[2]}"
            for key, _, value in lines if key in ("TimersCalendar", "TimersMonotonic")
            for found in _CALENDAR.finditer(value[:2000])
        )  # fmt: skip
        dead = "" if one.get("ActiveState") == "active" else f"the timer is {one.get('ActiveState')}"
        if not dead and one.get("UnitFileState") == "disabled":
            dead = "the timer runs, but is not started with the host"
        yield Job(
            key=f"timer:{one['Id']}", user="", command=one.get("Unit", ""), place="systemd", dead=dead,
            schedule=", ".join(times),
        )  # fmt: skip


def _at(text: str) -> Iterator[Job]:
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 8 and fields[0].isdecimal():
            when, who = " ".join(fields[1:6]), fields[-1]
            yield Job(key=f"at:{who}:{when}", user=who, command="", schedule=when, place="at")


def windows_jobs(stdout: bytes, name: str) -> Jobs:
    """Return the scheduled tasks that are not Windows' own."""
    found = [
        Job(
            key=f"task:{word(row, 'name')}", user=word(row, "user"), place="task scheduler",
            command="; ".join(words(row, "actions"))[:1000],
            schedule="; ".join(words(row, "triggers"))[:400],
            dead="the task is disabled" if word(row, "state") in ("Disabled", "1") else "",
        )
        for row in rows(stdout, name) if word(row, "name")
    ]  # fmt: skip
    return Jobs(name=name, jobs=tuple(found), windows=True, daemon=True)
