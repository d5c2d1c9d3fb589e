"""`gonogo trust HOST[:PORT]`: a server's host key becomes known, once its fingerprint was compared."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from agent.cli import EXIT_INCOMPLETE, EXIT_NO_GO
from agent.cli.common import json_option, usage

if TYPE_CHECKING:
    from checks.wire.ssh.access import Access, SshTrouble
    from checks.wire.ssh.shown import ShownKey


def _endpoint(_context: click.Context, _argument: click.Parameter, value: str) -> str:
    from checks.params import parse_endpoint

    try:
        return parse_endpoint(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@click.argument("host", metavar="HOST[:PORT]", callback=_endpoint)
@click.option(
    "--fingerprint", metavar="SHA256:...", help="The key's fingerprint, as the server's console shows it."
)  # fmt: skip
@json_option
def command(host: str, fingerprint: str | None, *, as_json: bool) -> None:
    """Show the host key that a server presents, and store it if its fingerprint is the one you know.

    On the server's console, ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub shows the fingerprint. It must
    be typed, or given by --fingerprint: no key is ever taken over because it was seen. A key that changed is
    refused. Nobody is logged in. Exit code: 0 known, 3 no key was shown, 4 refused.
    """
    from checks.params import split_endpoint
    from checks.wire.ssh.access import PORT, Access, SshTrouble

    if fingerprint is not None and not _is_fingerprint(fingerprint):
        usage("A fingerprint is SHA256: and 43 letters, as ssh-keygen -lf shows it.")
    if fingerprint is None and not _at_a_terminal(as_json=as_json):
        usage(
            "Nobody can type the fingerprint here. Give it: gonogo trust HOST --fingerprint SHA256:... (on "
            "the server's console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub)."
        )
    name, port = split_endpoint(host, PORT)
    access = Access(host=name, port=port, user="")
    telling = _Telling(access, as_json=as_json)
    try:
        telling.key = _look(access)
    except SshTrouble as trouble:
        telling.end(trouble, EXIT_INCOMPLETE)
    _decide(telling, fingerprint)


class _Telling:
    """What is said at the end, as text or as one JSON object."""

    def __init__(self, access: Access, *, as_json: bool) -> None:
        self.access = access
        self.as_json = as_json
        self.key: ShownKey | None = None
        self.stored_in = ""

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the key that was shown."""
        from checks.wire.ssh.known_hosts import fingerprint

        return fingerprint(self.key.key) if self.key is not None else ""

    def done(self, sentence: str, *, stored: bool) -> None:
        """Tell that the key is known."""
        if self.as_json:
            self._print(known=True, stored=stored, problem="", fix="")
            return
        _say(sentence)

    def end(self, trouble: SshTrouble, code: int) -> NoReturn:
        """Tell why it is not, and end."""
        if self.as_json:
            self._print(known=False, stored=False, problem=trouble.reason, fix=trouble.fix)
        else:
            _say(trouble.reason)
            _say(trouble.fix)
        raise SystemExit(code)

    def _print(self, **more: Any) -> None:
        data = {
            "host": self.access.host, "port": self.access.port,
            "type": self.key.kind if self.key is not None else None, "fingerprint": self.fingerprint or None,
            "file": self.stored_in or None, **more,
        }  # fmt: skip
        sys.stdout.write(json.dumps(data, indent=2) + "\n")


def _look(access: Access) -> ShownKey:
    from checks.wire.ssh import shown

    return asyncio.run(shown.look(access))


def _decide(telling: _Telling, fingerprint: str | None) -> None:
    """Store the key if it is new and its fingerprint is the one that was told."""
    from checks.wire.ssh import hostkeys
    from checks.wire.ssh.access import SshTrouble
    from checks.wire.ssh.known_hosts import store

    access, key = telling.access, telling.key
    assert key is not None
    if fingerprint is not None and not hostkeys.same_fingerprint(fingerprint, key.key):
        telling.end(_another(telling, fingerprint), EXIT_NO_GO)
    try:
        hostkeys.check(access, key.kind, key.key)
    except SshTrouble as trouble:
        if not trouble.unknown:
            telling.end(trouble, EXIT_NO_GO if trouble.refused else EXIT_INCOMPLETE)
    else:
        telling.done(f"The key of {access.name} is known: {key.kind} {telling.fingerprint}.", stored=False)
        return
    if fingerprint is None:
        typed = _typed(telling)
        if not (_is_fingerprint(typed) and hostkeys.same_fingerprint(typed, key.key)):
            telling.end(_another(telling, typed), EXIT_NO_GO)
    telling.stored_in = str(store(access, key.kind, key.key))
    hostkeys.check(access, key.kind, key.key)
    telling.done(
        f"Stored in {telling.stored_in}: {access.name} {key.kind} {telling.fingerprint}.", stored=True
    )


def _another(telling: _Telling, told: str) -> SshTrouble:
    from checks.safe import safe
    from checks.wire.ssh.access import SshTrouble

    return SshTrouble(
        "host-key",
        f"{telling.access.name} shows a key with the fingerprint {telling.fingerprint}, and the one told is "
        f"{safe(told, limit=100) or 'none'}. Nothing was stored.",
        "Compare with the server's console again. If it shows another key than the one above, another "
        "machine answers in its place: do not log in.",
        refused=True,
    )


def _typed(telling: _Telling) -> str:
    """Ask for the fingerprint at the terminal."""
    from checks.wire.ssh.hostkeys import file_of

    assert telling.key is not None
    _say(f"{telling.access.name} shows this key, which is not known yet:")
    _say(f"  {telling.key.kind} {telling.fingerprint}")
    _say(f"Read the fingerprint on the server's console: ssh-keygen -lf {file_of(telling.key.kind)}")
    typed: str = click.prompt("Type it as it stands there (empty: store nothing)", default="",
                              show_default=False, err=True)  # fmt: skip
    typed = typed.strip()
    return typed if ":" in typed else f"SHA256:{typed}" if typed else ""


def _is_fingerprint(text: str) -> bool:
    form, _, digest = text.strip().partition(":")
    return form == "SHA256" and len(digest.rstrip("=")) == 43


def _at_a_terminal(*, as_json: bool) -> bool:
    return not as_json and sys.stdin is not None and sys.stdin.isatty()


def _say(text: str) -> None:
    from checks.safe import safe

    click.echo(safe(text), err=True)
