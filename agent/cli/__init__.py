"""The command line: `gonogo COMMAND`. One file per command, imported only when it is called."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from agent.version import VERSION

COMMANDS = {
    "here": "What this laptop's network is, and whether it is fit for work. Needs no file.",
    "demo": "A practice office on this machine: see a NO-GO, its causes, and a GO.",
    "init": "Write a commented project file on a profile, filled in with what can be detected.",
    "lint": "Find every problem in a project file.",
    "plan": "Print exactly what would run.",
    "run": "Run the checks and say for each milestone whether you can go.",
    "status": "The verdicts as the ledger has them, without running anything.",
    "diff": "What changed between two runs, regressions first.",
    "baseline": "Give a run a name to compare with.",
    "dashboard": "Go/no-go at a glance: milestones, causes, live runs.",
    "waive": "Write down an accepted risk: two people, a reason, an end.",
    "attest": "Write down a person's statement for a manual check.",
    "survey": "Walk the floors and measure the Wi-Fi at points; draw a heat map.",
    "sign": "Sign a milestone GO or NO-GO.",
    "explain": "What a check type proves, what it cannot, its parameters and an example.",
    "checks": "List the check types.",
    "trust": "Store a server's host key, once its fingerprint was compared.",
    "doctor": "What this laptop can and cannot test: rights, tools, clock.",
}
_ELSEWHERE = {"dashboard": "tui.command"}
"""Commands of a room above this one, found by name so that no room imports upwards."""
EXIT_GO, EXIT_INTERNAL, EXIT_USAGE, EXIT_INCOMPLETE, EXIT_NO_GO = 0, 1, 2, 3, 4


class _Lazy(click.Group):
    """Knows its commands by name, and ends every command that meets a broken ledger in a sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(
            _ELSEWHERE.get(cmd_name, f"agent.cli.{cmd_name}")
        ).command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            from pathlib import Path

            from agent.cli.bare import words_of_a_bare_call
            from checks.safe import safe

            try:
                args = words_of_a_bare_call(Path())
            except ValueError as several:
                click.echo(safe(str(several), lines=True), err=True)
                raise SystemExit(EXIT_USAGE) from None
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            from checks.safe import safe

            near = difflib.get_close_matches(args[0], COMMANDS, n=1, cutoff=0.5)
            hint = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(COMMANDS)}."
            ctx.fail(f"There is no command '{safe(args[0], limit=60)}'. {hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError as error:
            _hush()
            raise SystemExit(EXIT_INTERNAL) from error
        except KeyboardInterrupt:
            click.echo("Stopped before anything was decided; what was stored is kept.", err=True)
            raise SystemExit(EXIT_INCOMPLETE) from None
        except Exception as error:
            code = _say(error)
            raise SystemExit(code) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _hush() -> None:
    """Let what is still to be written go nowhere: whoever read our output (`head`, say) has gone."""
    import os

    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _say(error: Exception) -> int:
    """Tell what went wrong in a sentence and return the exit code; the trace is for GONOGO_DEBUG."""
    import os

    from agent.ledger.errors import LedgerError
    from checks.safe import safe

    if isinstance(error, LedgerError):
        click.echo(safe(str(error)), err=True)
        return EXIT_USAGE
    if os.environ.get("GONOGO_DEBUG"):
        import traceback

        click.echo(safe("".join(traceback.format_exception(error)), limit=50_000, lines=True), err=True)
    click.echo(
        f"gonogo itself broke ({type(error).__name__}: {safe(str(error))}). Nothing was decided. "
        "Run it again with GONOGO_DEBUG=1 and report the trace.",
        err=True,
    )
    return EXIT_INTERNAL


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="gonogo", message="%(prog)s %(version)s")
def main() -> None:
    """Tell whether an IT cutover can go: live checks, tied to milestones, kept as evidence.

    Alone, in a folder with one project file, it opens that project's dashboard.

    Exit codes: 0 GO, 1 internal error, 2 usage or configuration, 3 INCOMPLETE, 4 NO-GO.
    """
    if sys.stdout is not None and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
