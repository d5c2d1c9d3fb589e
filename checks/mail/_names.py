"""What the checks of MX and SPF say alike about names: resolvers to ask, and text of records to show."""

from __future__ import annotations

from collections.abc import Iterable

from checks.params import split_name_server
from checks.safe import in_line


def shown(texts: Iterable[str], *, none: str = "none") -> str:
    """Return texts from outside in one bounded line that is safe to show."""
    return in_line(texts) or none


def called(server: str) -> str:
    """Return how a finding names a name server: its name, where known, and its address."""
    name, place = split_name_server(server)
    return f"{name} ({place})" if name and name != place else place


def place_of(server: str) -> str:
    """Return the endpoint at which a name server is asked."""
    return split_name_server(server)[1]
