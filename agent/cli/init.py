"""`gonogo init`: a commented project file on a profile, filled in with what this laptop shows."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, get_args

import click

from agent.cli import EXIT_INCOMPLETE
from agent.cli.common import usage
from agent.cli.learning import Options, learn
from agent.files.template import Detected, project_file
from checks.wire.snmp.agent import Auth, Privacy
from profiles.problems import Problems
from profiles.profile import read_profile
from profiles.shelf import locate, shipped

_AUTH = tuple(one for one in get_args(Auth) if one != "none")
_PRIVACY = tuple(one for one in get_args(Privacy) if one != "none")


@click.command("init", short_help="Write a commented project file on a profile.")
@click.argument("profile", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The file to write; PROFILE.gonogo.yaml if not given.",
)
@click.option("--no-detect", is_flag=True, help="Do not look at this laptop's network.")
@click.option(
    "--from-switch", "hosts", multiple=True, metavar="HOST[:PORT]",
    help="A switch of the old office to learn the plan from, by SNMP; repeatable.",
)  # fmt: skip
@click.option(
    "--community",
    metavar="REF",
    help="Where its community (v2c) is: env:NAME, file:PATH; a text is taken, too, and not written.",
)
@click.option("--snmp-user", "user", metavar="NAME", help="Its SNMPv3 user.")
@click.option("--auth", type=click.Choice(_AUTH), help="How that user is authenticated; sha if left out.")
@click.option(
    "--auth-key", metavar="REF", help="Where the authentication passphrase is: env:NAME, file:PATH."
)
@click.option("--privacy", type=click.Choice(_PRIVACY), help="How SNMPv3 is encrypted; aes if left out.")
@click.option("--privacy-key", metavar="REF", help="Where the privacy passphrase is.")
@click.option("--port", type=click.IntRange(1, 65535), help="UDP port of its agent, if it is not 161.")
def command(
    profile: str | None, output: Path | None, hosts: tuple[str, ...], community: str | None,
    user: str | None, auth: str | None, auth_key: str | None, privacy: str | None, privacy_key: str | None,
    port: int | None, *, no_detect: bool,
) -> None:  # fmt: skip
    """Write a commented project file on PROFILE, a shipped profile (office-move, m365-cutover) or a profile
    file.

    What this laptop shows (gateway, resolvers, network, domain, time zone) is filled in; what only you know
    says TODO, and 'gonogo lint' names each until it is filled in.

    With --from-switch the switches of the old office are read by SNMP (nothing is set), and the new ones are
    planned by purpose: descriptions, neighbours, VLANs, power, not port numbers. It ends with 3 where a
    switch could not be read.
    """
    if profile is None:
        usage(f"Name a profile: {', '.join(shipped())}, or the file of one of your own.")
    try:
        path, shown = locate(profile, Path())
        read = read_profile(path, shown)
    except LookupError as error:
        usage(f"There is no profile '{profile}' - {error}")
    except Problems as problems:
        usage(str(problems))
    target = output or Path(f"{read.file.name}.gonogo.yaml")
    reference = profile
    if profile not in shipped():
        reference = os.path.relpath(path, target.parent)
        reference = reference if "/" in reference or os.sep in reference else f"./{reference}"
    if target.exists():
        _exists(target)
    options = Options(hosts, community, user, auth, auth_key, privacy, privacy_key, port)
    learnt = learn(read, options) if options.given() else None
    detected = Detected(timezone=timezone()) if no_detect else detect()
    if learnt is not None:
        detected = replace(detected, learnt=learnt.parameters(read))
    text = project_file(read, reference, detected)
    try:
        with target.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        _exists(target)
    except OSError as error:
        usage(f"{target} cannot be written: {error.strerror or error}.")
    click.echo(f"{target} is written. Fill in what says TODO, then run: gonogo lint {target}")
    if learnt is not None and learnt.silent:
        raise SystemExit(EXIT_INCOMPLETE)


def _exists(target: Path) -> NoReturn:
    usage(f"{target} exists already, and is left as it is; name another file with -o.")


def detect() -> Detected:
    """Return what this laptop shows; whatever cannot be read is left for the person to fill in."""
    try:
        from checks.local.facts import read_now

        local = asyncio.run(asyncio.wait_for(read_now(), 10))
        found = values(local)
    except Exception:  # noqa: BLE001 - a convenience: a laptop that shows nothing gets a file with more TODOs
        return Detected(timezone=timezone())
    return Detected(timezone=timezone(), values=found, source=local.hostname or "this laptop")


def values(local: Any) -> dict[str, Any]:
    """Return what the facts say, by the names that profiles use for it."""
    found: dict[str, Any] = {}
    gateway = local.gateway("ipv4")
    if gateway is not None:
        found["gateway"] = gateway.address
        link = local.on_link(gateway.address)
        if link is not None:
            networks = [item.network for item in link.addresses if item.family == "ipv4"]
            if networks:
                found["network"] = networks[0]
    resolvers = [item.address.partition("%")[0] for item in local.resolvers]
    if resolvers:
        found["resolvers"] = resolvers
    if local.search:
        found["domain"] = local.search[0]
    return found


def timezone() -> str | None:
    """Return the IANA name of this laptop's time zone, or None where the system does not say it."""
    from agent.files.times import zone

    names = [os.environ.get("TZ", "").removeprefix(":")]
    if sys.platform != "win32":
        try:
            names.append(os.path.realpath("/etc/localtime").partition("zoneinfo/")[2])
            names.append(Path("/etc/timezone").read_text("utf-8").strip())
        except (OSError, UnicodeError):
            pass
    for name in names:
        try:
            if name and name not in ("localtime", "posixrules"):
                return zone(name).key
        except ValueError:
            continue
    return None
