"""What a check type says of itself, asked in a way that survives a module of somebody else."""

from __future__ import annotations

from checks import docs, registry


class NoExplanation(Exception):  # noqa: N818 - said to the person who asked
    """The type cannot be loaded or read; the message says why."""


def explanation(kind: str) -> docs.TypeDoc:
    """Return what the check type `kind` documents; raises NoExplanation and nothing else.

    Importing a check's module may take long, or for ever: call it where that holds up nobody.
    """
    try:
        return docs.read(registry.load(kind))
    except (registry.UnknownType, registry.BrokenType) as error:
        raise NoExplanation(str(error)) from error
    except BaseException as error:
        raise NoExplanation(f"The check type {kind!r} cannot be loaded: {error!r}") from error
