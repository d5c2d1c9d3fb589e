"""`gonogo demo`: a practice office on this machine; see a NO-GO, its causes, and a GO."""

from __future__ import annotations

import os
import shlex
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import click

from agent.cli import EXIT_GO, EXIT_INCOMPLETE, EXIT_NO_GO
from agent.cli.common import json_option, plain_option, usage


@click.command()
@click.option("--fixed", is_flag=True, help="The same office after its faults were mended: GO.")
@click.option("--serve", is_flag=True, help="Keep the office open afterwards, to run the project yourself.")
@click.option(
    "--dashboard", is_flag=True, help="Keep it open and look at it in the dashboard; q closes both."
)
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
    help="Where the project file and its ledger go; gonogo-demo here if not given.",
)  # fmt: skip
@json_option
@plain_option
@click.option("--all", "everything", is_flag=True, help="List the checks that passed, too.")
def command(
    folder: Path | None,
    *,
    fixed: bool,
    serve: bool,
    dashboard: bool,
    as_json: bool,
    plain: bool,
    everything: bool,
) -> None:
    """Open a practice office on this machine and run its project, as `gonogo run` would.

    Real DNS, HTTPS, SNMP, SSH, time and TCP servers on 127.0.0.1, in this process; no root and no network
    needed. The file servers behind SSH are stand-ins: files and backups are in memory, no command is run.
    Exit code: 4, the office has the faults of a real move; 0 with --fixed.
    """
    if dashboard and (serve or as_json or plain or everything):
        usage("--dashboard shows it all: leave the other options but --fixed and --dir out.")
    from agent.demo.office import MENDED, Faults, opened
    from agent.demo.project import NotOurs, write_project

    faults = MENDED if fixed else Faults()
    with ExitStack() as stack:
        try:
            office = stack.enter_context(opened(faults))
            file = write_project(folder, office)
        except NotOurs as error:
            usage(str(error))
        except OSError as error:
            usage(
                f"The practice office cannot be opened: {error}. If it is the folder, choose another (--dir)."
            )
        if not faults.nothing_agreed:
            _agree(file)
        if dashboard:
            raise SystemExit(_look(file, fixed=fixed))
        code = _run(file, {"--json": as_json, "--plain": plain, "--all": everything})
        if code in (EXIT_GO, EXIT_INCOMPLETE, EXIT_NO_GO):
            click.echo(_next(file, fixed=fixed, serve=serve), err=True)
        if serve:
            _until_interrupted()
    raise SystemExit(code)


def _run(file: Path, flags: dict[str, bool]) -> int:
    """Do what `gonogo run FILE` does and return its exit code."""
    from agent.cli.run import command as run

    try:
        run.main([str(file), *(flag for flag, given in flags.items() if given)], standalone_mode=False)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0


def _look(file: Path, *, fixed: bool) -> int:
    """Run the project without a word, show it in the dashboard while the office is open, say what next."""
    import contextlib
    import io

    from agent.cli import main

    click.echo("The practice office is open; running its checks.", err=True)
    with contextlib.redirect_stdout(io.StringIO()):
        code = _run(file, {"--plain": True})
    if code not in (EXIT_GO, EXIT_INCOMPLETE, EXIT_NO_GO):
        return code
    try:
        main.main(["dashboard", str(file)], standalone_mode=False)
    except SystemExit as ended:
        if ended.code not in (None, 0):
            return ended.code if isinstance(ended.code, int) else 1
    click.echo(_next(file, fixed=fixed, serve=False), err=True)
    return code


def _agree(file: Path) -> None:
    """State in the practice office's ledger that the way back is agreed, as `gonogo attest` does."""
    from agent.cli.common import plan_of
    from agent.running import open_ledger
    from checks.vantage import Attestation

    plan = plan_of(file)
    check = plan.by_id["way-back-agreed"]
    with open_ledger(file, plan) as ledger:
        known = ledger.attestations().get(check.id)
        if known is None or not known.holds or known.statement != check.params["statement"]:
            ledger.add(
                Attestation(
                    check=check.id, holds=True, by="Ada Admin", at=datetime.now(UTC),
                    note="written by gonogo demo --fixed", statement=check.params["statement"],
                )
            )  # fmt: skip


def _next(file: Path, *, fixed: bool, serve: bool) -> str:
    name = f'"{file}"' if os.name == "nt" else shlex.quote(str(file))
    where = "" if file.parent == Path("gonogo-demo") else f" --dir {shlex.quote(str(file.parent))}"
    lines = [
        (f"gonogo dashboard {name}", "look at it: what blocks, why, and what mends it"),
        (f"gonogo status {name}", "the verdicts, from what was kept"),
    ]
    if serve:
        lines.append((f"gonogo run {name}", "in another window, while this one stays open"))
    lines += [
        ("gonogo explain dns.record", "what a check proves, and what it cannot"),
        (f"gonogo plan {name}", "all that is checked"),
    ]
    if not fixed:
        lines.append((f"gonogo demo --fixed{where}", "the same office after the faults were mended"))
    if not serve:
        lines.append((f"gonogo demo --dashboard{where}", "the same in the dashboard, the office open"))
        lines.append((f"gonogo demo --serve{where}", "keep it open: change the file, run it yourself"))
    width = max(len(command) for command, _ in lines)
    said = "\n".join(f"  {command:<{width}}  {why}" for command, why in lines)
    state = (
        "The practice office is open; Ctrl-C closes it." if serve else "The practice office is closed again."
    )
    return f"\n{state} Its project file: {file}\nTry next:\n{said}\n"


def _until_interrupted() -> None:
    try:
        while True:
            time.sleep(1)  # unlike waiting for an event, Ctrl-C ends it on Windows too
    except KeyboardInterrupt:
        click.echo("The practice office is closed.", err=True)
