"""`gonogo survey FILE`: walk the floors with this laptop, and draw what was heard."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.common import plan_of, project_file, usage

if TYPE_CHECKING:
    from agent.plan import Plan
    from agent.survey.floor import FloorPlan
    from agent.survey.looks import Told
    from agent.survey.surveyed import Surveyed
    from checks.survey import Look, SurveyPoint

_OPTIONS = {"check": "--check", "floor": "--floor", "by": "--by", "x": "X", "y": "Y", "name": "NAME"}


@click.command()
@project_file
@click.option("--check", metavar="ID", help="The wifi.coverage check, where the plan has several.")
@click.option(
    "--plan", "plan_file", type=click.Path(path_type=Path), metavar="IMAGE",
    help="The floor plan (PNG or JPEG): points are its pixels. Without it they are metres.",
)  # fmt: skip
@click.option("--floor", default="", metavar="NAME", help="The floor that is walked.")
@click.option("--scale", metavar="'X1,Y1 X2,Y2 = 12.5m'", help="Two points of the plan and their distance.")
@click.option("--by", default="", metavar="NAME", help="Who walks it.")
@click.option(
    "--point", "points", type=(str, float, float), multiple=True, metavar="NAME X Y",
    help="Measure here now, without questions; repeatable.",
)  # fmt: skip
@click.option("--interface", metavar="NAME", help="The radio to listen with, where there are several.")
@click.option(
    "--export", "exports", type=click.Path(path_type=Path), multiple=True, metavar="FILE",
    help="Write the heat map of the floor as .svg or .png; repeatable.",
)  # fmt: skip
def command(
    file: Path, check: str | None, plan_file: Path | None, floor: str, scale: str | None, by: str,
    points: tuple[tuple[str, float, float], ...], interface: str | None, exports: tuple[Path, ...],
) -> None:  # fmt: skip
    """Walk the floors and measure the Wi-Fi at points, for a check of type wifi.coverage.

    Stand at a point, give its name and place, and stay until five scans are done. Each point is in the ledger
    before its median is told, and counts from the next run on. The last line says what is still missing.
    """
    plan = plan_of(file)
    from agent.cli.decided import refuse
    from agent.decide import Refused
    from agent.survey.floor import NoPlan, parse_scale, read_plan
    from agent.survey.surveyed import surveyed

    try:
        about = surveyed(plan, check)
        image = read_plan(plan_file) if plan_file is not None else None
        metres = parse_scale(scale) if scale is not None else None
    except Refused as refused:
        refuse(refused, _OPTIONS)
    except (NoPlan, ValueError) as wrong:
        usage(str(wrong))
    for target in exports:
        if target.suffix.lower() not in (".svg", ".png"):
            usage(f"{target} is neither .svg nor .png: a heat map is written as one of the two.")
    walk = _Walk(file, plan, about, image, floor, metres, by, interface)
    if points:
        for name, x, y in points:
            walk.measure(name, x, y)
    elif sys.stdin.isatty() and not exports:
        walk.ask()
    stored = walk.stored()
    for target in exports:
        _export(target, walk, stored)
    _tell(file, walk, stored)


class _Walk:
    """One walk over one floor."""

    def __init__(
        self, file: Path, plan: Plan, about: Surveyed, image: FloorPlan | None, floor: str,
        metres: float | None, by: str, interface: str | None,
    ) -> None:  # fmt: skip
        self.file, self.plan, self.about, self.image = file, plan, about, image
        self.floor, self.metres, self.by, self.interface = floor, metres, by, interface

    def ask(self) -> None:
        """Ask for points until an empty name."""
        if not self.by:
            self.by = click.prompt("Who walks the survey", err=True)
        unit = "pixels of the plan" if self.image else "metres"
        click.echo(
            f"Give each point's place in {unit} from the upper left corner. An empty name ends.", err=True
        )
        while name := click.prompt("Point", default="", show_default=False, err=True).strip():
            x = click.prompt("  x", type=float, err=True)
            y = click.prompt("  y", type=float, err=True)
            self.measure(name, x, y, end=False)

    def measure(self, name: str, x: float, y: float, *, end: bool = True) -> None:
        """Measure at one point, store it, and tell its median; what is wrong ends the command if `end`."""
        from agent.cli.decided import refuse
        from agent.decide import Refused
        from agent.running import open_ledger
        from agent.survey.surveyed import Place, draft_point, place_problems
        from checks.safe import safe
        from checks.vantage import CannotTell

        try:
            place = Place(name=name, floor=self.floor, x=x, y=y, by=self.by)
            problems = place_problems(place, self.image)
            if problems:
                raise Refused(problems)
            point = draft_point(
                self.about.id, place, now=datetime.now(UTC), host=socket.gethostname(),
                looks=self._looks(name), plan=self.image, metres_per_pixel=self.metres,
            )  # fmt: skip
        except Refused as refused:
            if end:
                refuse(refused, _OPTIONS)
            click.echo("\n".join(f"  {sentence}" for sentence in refused.problems.values()), err=True)
            return
        except CannotTell as trouble:
            message = f"{trouble.reason} {trouble.fix}"
            if end:
                usage(f"Nothing was stored for {name}: {message}")
            click.echo(f"  {safe(message)}", err=True)
            return
        with open_ledger(self.file, self.plan) as ledger:
            ledger.add(point)
        click.echo(f"  {safe(_sentence(self.told(point), self.about))}", err=True)

    def _looks(self, name: str) -> tuple[Look, ...]:
        from agent.survey.looks import LOOKS, one_look
        from checks.safe import safe

        found: list[Look] = []
        for number in range(LOOKS):
            found.append(asyncio.run(one_look(self.interface)))
            said = f"look {number + 1} of {LOOKS}: {len(found[-1].readings)} radios heard"
            click.echo(f"  {safe(name, limit=60)}: {said}", err=True)
        return tuple(found)

    def told(self, point: SurveyPoint) -> Told:
        """Return what a point comes to for the network that is surveyed."""
        from agent.survey.looks import summed_up

        return summed_up(point, self.about.check.ssid, self.about.check.band)

    def stored(self) -> list[SurveyPoint]:
        """Return the points of this check that count."""
        from agent.running import open_ledger
        from agent.survey.looks import newest

        with open_ledger(self.file, self.plan, read_only=True) as ledger:
            return newest(ledger.survey(self.about.id))


def _sentence(told: Told, about: Surveyed) -> str:
    from agent.survey.field import band

    level = "not heard" if told.level is None else f"{told.level:.0f} dBm"
    second = "none" if told.second is None else f"{told.second:.0f} dBm"
    limit = about.check.min_signal
    return (
        f"{told.point.name}: {band(told.level, limit).word}, median {level} of {len(told.point.looks)} looks "
        f"(limit {limit} dBm), a second access point {second}."
    )


def _export(target: Path, walk: _Walk, stored: Sequence[SurveyPoint]) -> None:
    from agent.survey.picture import HeatMap, png, svg

    on_floor = [point for point in stored if point.floor == walk.floor]
    if not on_floor:
        there = ", ".join(dict.fromkeys(point.floor or "(no name)" for point in stored)) or "none"
        usage(f"The floor '{walk.floor}' has no points; floors that have some: {there}. Name one by --floor.")
    newest = on_floor[-1]
    if newest.plan_sha256 and walk.image is None:
        usage(f"The points are on the plan {newest.plan}: give that image by --plan, to draw them on it.")
    if walk.image is not None and walk.image.sha256 != newest.plan_sha256:
        usage(f"The points of this floor are not on {walk.image.name}: give the plan they were measured on.")
    samples = [walk.told(point).sample for point in on_floor]
    width = walk.image.width if walk.image else max(point.x for point in on_floor) + 5
    height = walk.image.height if walk.image else max(point.y for point in on_floor) + 5
    newest_at = max(point.at for point in on_floor)
    heat = HeatMap(
        title=f"{walk.about.check.ssid}, {walk.floor or 'floor'}, {newest_at:%Y-%m-%d %H:%M} UTC, "
        f"{len(on_floor)} points, limit {walk.about.check.min_signal} dBm",
        samples=samples, limit=walk.about.check.min_signal, width=width, height=height,
        metres_per_pixel=newest.metres_per_pixel, plan=walk.image,
    )  # fmt: skip
    data = svg(heat).encode() if target.suffix.lower() == ".svg" else png(heat)
    try:
        target.write_bytes(data)
    except OSError as error:
        usage(f"{target} cannot be written: {error.strerror or error}.")
    click.echo(f"{target} is written.", err=True)


def _tell(file: Path, walk: _Walk, stored: Sequence[SurveyPoint]) -> None:
    """Say what the survey has, floor by floor, the worst points first."""
    from agent.survey.looks import floors
    from checks.safe import safe

    for floor in floors(stored):
        here = [walk.told(point) for point in stored if point.floor == floor]
        here.sort(key=lambda told: (told.level is not None, told.level or 0.0))
        needed = walk.about.check.min_points
        missing = f", {needed - len(here)} more needed" if len(here) < needed else ""
        click.echo(safe(f"{floor or 'Floor'}: {len(here)} points{missing}. The weakest:"))
        for told in here[:5]:
            click.echo(f"  {safe(_sentence(told, walk.about))}")
    if not stored:
        click.echo("No point is stored yet.")
    click.echo(
        f"It counts from the next run on: gonogo run {safe(str(file))} --only {walk.about.id}", err=True
    )
