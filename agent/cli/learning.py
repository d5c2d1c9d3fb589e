"""`gonogo init --from-switch`: the options, and what is told of what was learnt."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import click

from agent.cli import EXIT_INCOMPLETE
from agent.cli.common import usage

if TYPE_CHECKING:
    from agent.learn.block import Learnt as Block
    from agent.learn.reading import Way
    from profiles.profile import Profile

MAX_SWITCHES = 64


class Options(NamedTuple):
    """The options of the command that are about old switches."""

    hosts: tuple[str, ...]
    community: str | None
    user: str | None
    auth: str | None
    auth_key: str | None
    privacy: str | None
    privacy_key: str | None
    port: int | None

    def given(self) -> bool:
        """Return whether anything is to be learnt; end where credentials are for no switch."""
        if not self.hosts and any(self[1:]):
            usage("Credentials and --port are for the switches of --from-switch, and none is named.")
        return bool(self.hosts)

    def way(self) -> Way:
        """Return how the switches are asked, or end with what is wrong with the options."""
        from agent.learn.reading import Way, is_reference

        for option, value in (("--auth-key", self.auth_key), ("--privacy-key", self.privacy_key)):
            if value is not None and not is_reference(value):
                usage(
                    f"{option} is where the passphrase is (env:NAME, file:PATH), never the passphrase itself."
                )
        if (self.community is None) == (self.user is None):
            usage("Say how the switches are read: --community (v2c) or --snmp-user (v3), one of the two.")
        if self.community == "" or self.user == "":
            usage("The community or user is empty.")
        return Way(
            community=self.community, user=self.user, auth=cast("Any", self.auth), auth_key=self.auth_key,
            privacy=cast("Any", self.privacy), privacy_key=self.privacy_key, port=self.port,
        )  # fmt: skip


class Learnt(NamedTuple):
    """The lines that were learnt."""

    block: Block

    @property
    def silent(self) -> tuple[str, ...]:
        """Hosts that could not be read."""
        return self.block.silent

    def parameters(self, profile: Profile) -> Mapping[str, Sequence[str]]:
        """Return the lines by the parameter that they stand for."""
        found = {"switches": self.block.lines}
        if self.block.desk and "desk" in profile.file.parameters:
            found["desk"] = self.block.desk
        return found


def learn(profile: Profile, options: Options) -> Learnt:
    """Read the switches and tell on stderr what could not be read or planned; end where none could be."""
    from agent.learn.block import block
    from agent.learn.reading import read_switches

    if "switches" not in profile.file.parameters:
        usage(
            f"The profile {profile.file.name} has no parameter 'switches', so nothing can be learnt for it."
        )
    way = options.way()
    hosts = tuple(dict.fromkeys(_host(host) for host in options.hosts))
    if len(hosts) > MAX_SWITCHES:
        usage(f"At most {MAX_SWITCHES} switches are read at once, not {len(hosts)}.")
    try:
        for host in hosts:
            way.check(host)
    except ValueError as error:
        usage(str(error))
    made = block(asyncio.run(read_switches(hosts, way)), way)
    for sentence in made.told:
        click.echo(sentence, err=True)
    if not made.switches:
        click.echo("No switch could be read, so nothing is written.", err=True)
        raise SystemExit(EXIT_INCOMPLETE)
    return Learnt(made)


def _host(text: str) -> str:
    from checks.params import parse_endpoint

    try:
        return parse_endpoint(text)
    except ValueError as error:
        usage(f"--from-switch: {error}")
