"""Where a secret reference leads: `env:NAME`, `file:PATH`, `keyring:SERVICE/USER`, `prompt:QUESTION`.

A project file names where a secret is, never the secret (law 8). What is not to be had is `CannotTell`: the
check that needs it is inconclusive, and says how to provide it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from checks.vantage import CannotTell

MAX_BYTES = 64 * 1024


def resolve_secret(reference: str) -> str:
    """Return the secret; raise CannotTell with the remedy where it is not there or empty."""
    kind, _, rest = reference.partition(":")
    reader = {"env": _env, "file": _file, "keyring": _keyring, "prompt": _prompt}.get(kind)
    if reader is None:
        raise CannotTell(
            f"The secret reference {reference!r} has no known kind.", "Use env:, file:, keyring: or prompt:."
        )
    secret = reader(rest)
    if not secret:
        raise CannotTell(f"The secret {reference} is empty.", f"Put the secret where {reference} points.")
    return secret


def _env(name: str) -> str:
    if name not in os.environ:
        raise CannotTell(
            f"The environment variable {name} is not set.",
            f"Set {name} before the run, for example by export.",
        )
    return os.environ[name]


def _file(name: str) -> str:
    path = Path(name).expanduser()
    try:
        with path.open("rb") as handle:
            return handle.read(MAX_BYTES).decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotTell(
            f"The secret file {path} cannot be read ({error}).",
            "Put the file there, readable by this account.",
        ) from error


def _keyring(name: str) -> str:
    try:
        import keyring
    except ImportError as error:
        raise CannotTell(
            "The system keyring cannot be read: the extra 'keyring' is not installed.",
            "Install gonogo[keyring], or use an env: or file: reference.",
        ) from error
    service, _, user = name.rpartition("/")
    found = keyring.get_password(service, user)
    if found is None:
        raise CannotTell(
            f"The keyring holds no secret for {name}.", f"Store it: keyring set {service} {user}"
        )
    return str(found)


def _prompt(question: str) -> str:
    if not sys.stdin.isatty():
        raise CannotTell(
            f"Nobody can be asked {question!r}: this run has no terminal.",
            "Run it in a terminal, or use an env:, file: or keyring: reference.",
        )
    import getpass

    return getpass.getpass(f"{question}: ")
